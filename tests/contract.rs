//! The contract between the manifests and the workers: `workers/contract.yaml`, which the workers print and test on their side.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gitops_gen::config;
use gitops_gen::flux::{self, Cluster, Fleet, Options};
use gitops_gen::repo::Repo;
use gitops_gen::text::{FileSet, read_tree};
use gitops_gen::yaml::{self, Node};

fn read(path: &str) -> Node {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file is there");
    let files = FileSet::from_texts([(path, text.as_str())]);
    let (_, source) = files.iter().next().expect("one file");
    yaml::parse(source, &text).documents.first().expect("it has a document").root.clone()
}

fn text<'a>(node: &'a Node, keys: &[&str]) -> &'a str {
    node.at(keys).and_then(Node::as_str).unwrap_or_else(|| panic!("no {}", keys.join(".")))
}

/// The pods of every Deployment that runs `program`, as the clusters of this repository get them.
fn pods(fleet: &Fleet, program: &str) -> Vec<(String, Node)> {
    let runs = |pod: &Node| pod.items("containers").iter().any(|container| text(container, &["name"]) == program);
    let of = |cluster: &Cluster| {
        let pods = cluster.objects().filter(|object| object.resource.kind() == "Deployment").filter_map(|object| {
            let pod = object.resource.node.at(&["spec", "template", "spec"])?;
            runs(pod).then(|| (format!("{} in {}", object.resource.name(), cluster.name), pod.clone()))
        });
        pods.collect::<Vec<_>>()
    };
    fleet.clusters.iter().flat_map(of).collect()
}

/// What is wrong with a pod of `program`.
fn differences(program: &str, pod: &Node) -> Vec<String> {
    let contract = read("workers/contract.yaml");
    let contract = contract.get(program).expect("the program has a contract");
    let mut containers = pod.items("containers").iter();
    let container = containers.find(|container| text(container, &["name"]) == program).expect("a container");

    let set: BTreeSet<&str> = container.items("env").iter().map(|variable| text(variable, &["name"])).collect();
    let mut known = BTreeSet::new();
    let mut differences = Vec::new();
    for variable in contract.items("environment") {
        let names: Vec<&str> = std::iter::once(text(variable, &["name"]))
            .chain(variable.items("aliases").iter().filter_map(Node::as_str))
            .collect();
        if variable.get("required").is_some() && !names.iter().any(|name| set.contains(name)) {
            differences.push(format!("{} is required and not set", names[0]));
        }
        known.extend(names.into_iter().map(str::to_owned));
    }
    differences
        .extend(set.iter().filter(|name| !known.contains(**name)).map(|name| format!("{name} is set and never read")));

    let port = container.items("ports").iter().find(|port| text(port, &["name"]) == "http").expect("a port `http`");
    if text(port, &["containerPort"]) != text(contract, &["port"]) {
        differences.push("another port".to_owned());
    }
    for (probe, name) in [("startupProbe", "live"), ("livenessProbe", "live"), ("readinessProbe", "ready")] {
        if text(container, &[probe, "httpGet", "path"]) != text(contract, &["probes", name]) {
            differences.push(format!("{probe} asks another path"));
        }
    }
    let grace: u64 = text(pod, &["terminationGracePeriodSeconds"]).parse().expect("seconds");
    let drain: u64 = text(contract, &["shutdownTimeoutMilliseconds"]).parse().expect("milliseconds");
    if grace * 1_000 <= drain {
        differences.push(format!("{grace} s of grace, and draining takes up to {drain} ms"));
    }
    differences
}

#[test]
fn the_manifests_set_what_the_workers_read_and_ask_where_they_answer() {
    let files = read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the repository can be read").files;
    let repo = Repo::new(files.clone());
    let (config, _) = config::read(&files);
    let fleet = flux::clusters(&repo, &Options::default().configured(None, &config, &files));
    for program in ["trades", "candles"] {
        let pods = pods(&fleet, program);
        assert!(pods.len() >= fleet.clusters.len(), "{program} runs everywhere: {}", pods.len());
        for (name, pod) in pods {
            assert_eq!(differences(program, &pod), Vec::<String>::new(), "{name}");
        }
    }
}
