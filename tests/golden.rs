//! What each built-in blueprint makes of its defaults: `blueprints/<name>/golden.txt`, its files with the beginning of their
//! SHA-256, and what each cluster gets. `SNAPSHOTS=overwrite cargo test --test golden` writes them anew.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;

use gitops_gen::config;
use gitops_gen::flux::{self, Cluster, Options};
use gitops_gen::generate::{self, SCHEMA_PATH};
use gitops_gen::kustomize::Resource;
use gitops_gen::repo::Repo;
use gitops_gen::text::FileSet;
use gitops_gen::yaml::Node;
use sha2::{Digest, Sha256};

/// The images that `node` runs anywhere below it, sorted.
fn images<'a>(node: &'a Node, found: &mut BTreeSet<&'a str>) {
    if let Some(map) = node.as_map() {
        for entry in map {
            let image = (entry.key.text() == "image").then(|| entry.value.as_str()).flatten();
            found.extend(image);
            images(&entry.value, found);
        }
    }
    for item in node.as_sequence().unwrap_or_default() {
        images(item, found);
    }
}

/// Lines on what `cluster` gets: kind, namespace and name, and the images where it runs some.
fn objects(cluster: &Cluster) -> Vec<String> {
    let line = |resource: &Resource| {
        let mut found = BTreeSet::new();
        images(&resource.node, &mut found);
        let found: Vec<&str> = found.into_iter().collect();
        format!("  {} {}", resource.object_ref(), found.join(" ")).trim_end().to_owned()
    };
    let mut lines: Vec<String> = cluster.objects().map(|object| line(object.resource)).collect();
    lines.sort();
    lines
}

fn golden(files: &FileSet) -> String {
    let mut lines =
        vec!["# Written by the tests: what the blueprint makes of its defaults.".to_owned(), "files".to_owned()];
    // The schema is the same for all of them.
    for (path, _) in files.iter().filter(|(path, _)| path.as_str() != SCHEMA_PATH) {
        let hash = Sha256::digest(files.text(path).unwrap_or_default());
        let prefix = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        lines.push(format!("  {prefix:08x} {path}"));
    }
    let repo = Repo::new(files.clone());
    let (config, _) = config::read(files);
    let fleet = flux::clusters(&repo, &Options::default().configured(None, &config, files));
    for cluster in &fleet.clusters {
        lines.push(format!("cluster {}", cluster.name));
        lines.extend(objects(cluster));
    }
    lines.join("\n") + "\n"
}

#[test]
fn each_blueprint_makes_what_its_golden_file_says() {
    for name in generate::builtin_names() {
        let blueprint = generate::builtin(name).expect("it is built in").expect("it is well-formed");
        let files = generate::generate(&blueprint, &blueprint.defaults()).expect("the blueprint renders");
        let now = golden(&files);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints").join(name).join("golden.txt");
        if env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
            fs::write(&path, now).expect("it can be written");
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(now, kept, "blueprints/{name}/golden.txt: look at what changed, then SNAPSHOTS=overwrite");
    }
}
