//! The contract between the manifests and the workers: `workers/contract.yaml`, which the workers print and test on their side.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use gitops_gen::config;
use gitops_gen::flux::{self, Cluster, Fleet, Options};
use gitops_gen::repo::Repo;
use gitops_gen::text::{FileSet, read_tree};
use gitops_gen::yaml::{self, Node};
use regex::Regex;

fn read(path: &str) -> Node {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file is there");
    let files = FileSet::from_texts([(path, text.as_str())]);
    let (_, source) = files.iter().next().expect("one file");
    yaml::parse(source, &text).documents.first().expect("it has a document").root.clone()
}

fn text<'a>(node: &'a Node, keys: &[&str]) -> &'a str {
    node.at(keys).and_then(Node::as_str).unwrap_or_else(|| panic!("no {}", keys.join(".")))
}

/// The pods of every Deployment or StatefulSet of a cluster that runs `program`.
fn pods_of(cluster: &Cluster, program: &str) -> Vec<(String, Node)> {
    let runs = |pod: &Node| pod.items("containers").iter().any(|container| text(container, &["name"]) == program);
    let workloads = cluster.objects().filter(|object| ["Deployment", "StatefulSet"].contains(&object.resource.kind()));
    let pods = workloads.filter_map(|object| {
        let pod = object.resource.node.at(&["spec", "template", "spec"])?;
        runs(pod).then(|| (format!("{} in {}", object.resource.name(), cluster.name), pod.clone()))
    });
    pods.collect()
}

/// The pods of `program`, as the clusters of this repository get them.
fn pods(fleet: &Fleet, program: &str) -> Vec<(String, Node)> {
    fleet.clusters.iter().flat_map(|cluster| pods_of(cluster, program)).collect()
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

/// The fleet of this repository.
fn fleet() -> Fleet {
    let files = read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the repository can be read").files;
    let repo = Repo::new(files.clone());
    let (config, _) = config::read(&files);
    flux::clusters(&repo, &Options::default().configured(None, &config, &files))
}

/// What a pod of `program` calls a thing of Kafka: the value of the contract's variable, or what stands for it.
fn named(pod: &Node, program: &str, variable: &str) -> String {
    let set = |name: &str| {
        let containers = pod.items("containers").iter().filter(|container| text(container, &["name"]) == program);
        let mut variables = containers.flat_map(|container| container.items("env"));
        let found = variables.find(|variable| text(variable, &["name"]) == name);
        found.and_then(|variable| Some(variable.get("value")?.as_str()?.to_owned()))
    };
    let beside_input = |end: &str| set("KAFKA_INPUT_TOPIC").map(|input| format!("{input}.{end}"));
    let found = set(variable).or_else(|| match variable {
        "KAFKA_DEAD_LETTER_TOPIC" => beside_input("dlq"),
        "KAFKA_LATE_TOPIC" => beside_input("late"),
        _ => None,
    });
    found.unwrap_or_default()
}

/// The objects of a kind in a cluster, by name.
fn named_objects(cluster: &Cluster, kind: &str) -> BTreeMap<String, Node> {
    let objects = cluster.objects().filter(|object| object.resource.kind() == kind);
    objects.map(|object| (object.resource.name().to_owned(), object.resource.node.clone())).collect()
}

/// What is wrong with the topics and the rights of `program` in a cluster whose pods are as `pod`.
fn unmet(program: &str, cluster: &Cluster, pod: &Node) -> Vec<String> {
    let contract = read("workers/contract.yaml");
    let (topics, users) = (named_objects(cluster, "KafkaTopic"), named_objects(cluster, "KafkaUser"));
    let partitions = |name: &str| topics.get(name).map(|topic| text(topic, &["spec", "partitions"]).to_owned());
    let mut unmet = Vec::new();
    for resource in contract.get(program).expect("the program has a contract").items("resources") {
        let name = named(pod, program, text(resource, &["variable"]));
        let kind = text(resource, &["kind"]);
        if kind == "topic" {
            let Some(topic) = topics.get(&name) else {
                unmet.push(format!("topic `{name}` is not created"));
                continue;
            };
            let config = resource.get("config").and_then(Node::as_map).expect("a topic has a configuration");
            for (key, value) in config.entries().iter().map(|entry| (entry.key.text(), &entry.value)) {
                // Kafka's default, which is not written.
                let default = if key == "cleanup.policy" { Some("delete") } else { None };
                let found = topic.at(&["spec", "config", key]).and_then(Node::as_str).or(default);
                // A patch makes floating-point numbers of numbers: 3600000 is 3.6e+06, and is sent as the former.
                let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok()).map(f64::to_bits);
                let differs =
                    found != value.as_str() && (number(found).is_none() || number(found) != number(value.as_str()));
                // How long is kept depends on the environment; that something is kept does not.
                if differs && (key != "retention.ms" || found.is_none()) {
                    unmet.push(format!("topic `{name}` has {key} {found:?}"));
                }
            }
            let needed = resource.get("partitions").and_then(Node::as_str).map(|needed| {
                if needed == "1" { Some("1".to_owned()) } else { partitions(&named(pod, program, needed)) }
            });
            if needed.is_some_and(|needed| needed != partitions(&name)) {
                unmet.push(format!("topic `{name}` has {:?} partitions", partitions(&name)));
            }
        }
        // Without a name it is not used: there is no transaction without an id.
        match users.get(program) {
            Some(user) if !name.is_empty() => unmet.extend(denied(user, kind, &name, resource)),
            Some(_) => {}
            None => unmet.push(format!("no KafkaUser `{program}`")),
        }
    }
    unmet
}

/// The operations of `resource` that a KafkaUser is not allowed.
fn denied(user: &Node, kind: &str, name: &str, resource: &Node) -> Vec<String> {
    let rights: Vec<&Node> = user
        .at(&["spec", "authorization"])
        .map(|authorization| authorization.items("acls").iter().collect())
        .unwrap_or_default();
    let allows = |operation: &str| {
        rights.iter().any(|right| {
            let pattern = text(right, &["resource", "name"]);
            let is_prefix = right.at(&["resource", "patternType"]).and_then(Node::as_str) == Some("prefix");
            let operations: Vec<&str> = right.items("operations").iter().filter_map(Node::as_str).collect();
            text(right, &["resource", "type"]) == kind
                && (pattern == name || pattern == "*" || is_prefix && name.starts_with(pattern))
                && operations.iter().any(|allowed| {
                    // Whoever may read or write may describe.
                    *allowed == operation
                        || *allowed == "All"
                        || operation == "Describe" && ["Read", "Write"].contains(allowed)
                })
        })
    };
    let operations = resource.items("operations").iter().filter_map(Node::as_str);
    operations
        .filter(|operation| !allows(operation))
        .map(|operation| format!("no {operation} on {kind} `{name}`"))
        .collect()
}

#[test]
fn every_cluster_has_the_topics_and_the_rights_of_the_contract() {
    let fleet = fleet();
    for program in ["trades", "candles"] {
        for cluster in &fleet.clusters {
            for (name, pod) in pods_of(cluster, program) {
                assert_eq!(unmet(program, cluster, &pod), Vec::<String>::new(), "{name}");
            }
        }
    }
}

/// What a KafkaUser may do, as `type name operation`.
fn allowed(user: &Node) -> BTreeSet<String> {
    let rights = user.at(&["spec", "authorization"]).map(|field| field.items("acls")).unwrap_or_default();
    let each = |right: &Node| {
        let resource = format!("{} {}", text(right, &["resource", "type"]), text(right, &["resource", "name"]));
        let operations = right.items("operations").iter().filter_map(Node::as_str);
        operations.map(|operation| format!("{resource} {operation}")).collect::<Vec<_>>()
    };
    rights.iter().flat_map(each).collect()
}

/// The workers' tests give a user exactly the rights of the contract, what is optional included, on a real Kafka, and the
/// programs do their work.
#[test]
fn a_user_may_do_what_the_contract_says_and_nothing_more() {
    let fleet = fleet();
    let contract = read("workers/contract.yaml");
    let mut checked = 0;
    for program in ["trades", "candles"] {
        for cluster in &fleet.clusters {
            let users = named_objects(cluster, "KafkaUser");
            for (name, pod) in pods_of(cluster, program) {
                let mut needed = BTreeSet::new();
                for resource in contract.get(program).expect("the program has a contract").items("resources") {
                    let kind = text(resource, &["kind"]);
                    let named = named(&pod, program, text(resource, &["variable"]));
                    let operations = resource.items("operations").iter().chain(resource.items("optional"));
                    let operations = operations.filter_map(Node::as_str);
                    // What has no name is not used.
                    needed.extend(
                        operations.filter(|_| !named.is_empty()).map(|operation| format!("{kind} {named} {operation}")),
                    );
                }
                assert_eq!(allowed(&users[program]), needed, "{name}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 2 * fleet.clusters.len(), "{checked} workloads");
}

#[test]
fn the_images_tags_are_those_that_the_policies_select() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/image-tags.sh");
    let tags = |kind: &str, name: &str| {
        let mut command = Command::new(&script);
        let output = command.env("GITHUB_REF_TYPE", kind).env("GITHUB_REF_NAME", name).output().expect("it runs");
        (output.status.success(), String::from_utf8(output.stdout).expect("a tag is text").trim().to_owned())
    };
    // One cluster runs the automation.
    let policies: BTreeMap<String, Node> =
        fleet().clusters.iter().flat_map(|cluster| named_objects(cluster, "ImagePolicy")).collect();
    let pattern = |policy: &str| {
        let pattern = text(&policies[policy], &["spec", "filterTags", "pattern"]);
        Regex::new(pattern).expect("a pattern")
    };
    let (branch, tag) = (tags("branch", "main").1, tags("tag", "v1.2.3").1);
    for program in ["trades", "candles"] {
        assert!(pattern(&format!("{program}-build")).is_match(&branch), "{branch}");
        assert!(pattern(&format!("{program}-release")).is_match(&tag), "{tag}");
        assert!(!pattern(&format!("{program}-release")).is_match(&branch), "{branch}");
    }
    assert!(!tags("tag", "v1").0, "a tag that is no version is refused");
}

#[test]
fn the_manifests_set_what_the_workers_read_and_ask_where_they_answer() {
    let fleet = fleet();
    for program in ["trades", "candles"] {
        let pods = pods(&fleet, program);
        assert!(pods.len() >= fleet.clusters.len(), "{program} runs everywhere: {}", pods.len());
        for (name, pod) in pods {
            assert_eq!(differences(program, &pod), Vec::<String>::new(), "{name}");
        }
    }
}
