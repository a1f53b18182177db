//! The catalogue against what real repositories render to, and our models against the CRDs that Flux ships.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use gitops_gen::kube::Gvk;
use gitops_gen::repo::Repo;
use gitops_gen::schema::{Catalogue, Outcome, Violation};
use gitops_gen::text::{FileSet, read_tree};
use gitops_gen::yaml::Node;
use serde_json::Value;

/// Returns the folder beside the conformance cases, where this machine has it.
fn shared(name: &str) -> Option<PathBuf> {
    let conformance = env::var_os("GITOPS_GEN_CONFORMANCE")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance"), PathBuf::from);
    let folder = conformance.parent()?.join(name);
    if !folder.is_dir() {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: there is no {}", folder.display());
        }
        return None;
    }
    Some(folder)
}

/// Reads every file below `folder`.
fn repo(folder: &std::path::Path) -> Repo {
    Repo::new(read_tree(folder).expect("the folder can be read").files)
}

/// Returns the objects of the files that `is_wanted` names, by file.
fn objects(repo: &Repo, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<&Node>> {
    let files =
        repo.files().iter().filter(|(path, _)| path.to_string().contains(".yaml") && is_wanted(&path.to_string()));
    let objects = files.filter_map(|(path, id)| {
        let documents = repo.yaml(id)?.documents.iter().map(|document| &document.root);
        Some((path.to_string(), documents.filter(|root| root.get("kind").is_some()).collect::<Vec<_>>()))
    });
    objects.collect()
}

fn violations(outcome: Outcome) -> Vec<Violation> {
    match outcome {
        Outcome::Checked(checked) => checked.violations,
        Outcome::NoSchema(_) => Vec::new(),
        broken @ Outcome::BrokenSchema { .. } => panic!("{broken:?}"),
    }
}

fn text<'n>(node: &'n Node, keys: &[&str]) -> &'n str {
    node.at(keys).and_then(Node::as_str).unwrap_or_default()
}

/// What is really wrong in the corpus: each was read and holds for the API server too.
const KNOWN: [&str; 3] = [
    // Bases that an overlay completes.
    "missing required field `spec.template.spec.containers[0].image`",
    "ClusterIssuer letsencrypt: missing required field `spec.acme.server`",
    // Templates that a script fills in.
    "found text \"REPO_PREFIX/",
];

#[test]
fn what_real_repositories_render_to_is_valid_but_for_known_mistakes() {
    let Some(folder) = shared("corpus") else { return };
    let expected = repo(&folder.join("expected"));
    let catalogue = Catalogue::of(&expected);
    let mut found = BTreeSet::new();
    let mut checked = 0;
    for (file, objects) in objects(&expected, |_| true) {
        let cluster = catalogue.with_crds(objects.iter().copied());
        for object in objects {
            checked += usize::from(!matches!(cluster.check(object), Outcome::NoSchema(_)));
            for violation in violations(cluster.check(object)).into_iter().filter(|violation| !violation.holds_variable)
            {
                let name = format!("{} {}", text(object, &["kind"]), text(object, &["metadata", "name"]));
                found.insert(format!("{file}: {name}: {}", violation.message));
            }
        }
    }
    assert!(checked > 300, "{checked} objects have a schema");
    let unknown: Vec<_> = found.iter().filter(|line| !KNOWN.iter().any(|known| line.contains(known))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_reference_tree_is_valid() {
    let Some(folder) = shared("reference-tree") else { return };
    let tree = repo(&folder);
    let catalogue = Catalogue::of(&tree);
    let mut found = Vec::new();
    for (file, objects) in objects(&tree, |path| !path.contains("patch")) {
        for object in objects {
            let wrong = violations(catalogue.check(object)).into_iter().filter(|violation| !violation.holds_variable);
            found.extend(wrong.map(|violation| format!("{file}: {}", violation.message)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Adds every field of `schema`, following references into `root`.
fn fields(schema: &Value, root: &Value, prefix: &str, out: &mut BTreeSet<String>) {
    let target = schema.get("$ref").and_then(Value::as_str);
    if let Some(target) = target.and_then(|target| root.pointer(target.trim_start_matches('#'))) {
        fields(target, root, prefix, out);
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{prefix}.{name}");
        fields(property, root, &path, out);
        out.insert(path);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner).filter(|inner| inner.is_object()) {
            fields(inner, root, prefix, out);
        }
    }
}

fn to_json(node: &Node) -> Value {
    match (node.as_map(), node.as_sequence()) {
        (Some(map), _) => map.iter().map(|entry| (entry.key.text().to_owned(), to_json(&entry.value))).collect(),
        (_, Some(items)) => items.iter().map(to_json).collect(),
        _ => Value::String(node.as_str().unwrap_or_default().to_owned()),
    }
}

#[test]
fn our_models_have_every_field_of_the_crds_that_flux_2_6_shipped() {
    let Some(folder) = shared("corpus") else { return };
    let path = "KarimABOUSSELHAM+real-world-crypto-ml-system/deployments/prod/flux-system/gotk-components.yaml";
    let crds = fs::read_to_string(folder.join(path)).expect("the corpus holds Flux 2.6.3");
    let repo = Repo::new(FileSet::from_texts([("crds.yaml", crds)]));
    let mut compared = 0;
    for crd in objects(&repo, |_| true).into_values().flatten() {
        for version in crd.at(&["spec", "versions"]).and_then(Node::as_sequence).unwrap_or_default() {
            let (group, kind) = (text(crd, &["spec", "group"]), text(crd, &["spec", "names", "kind"]));
            let Some(model) = gitops_gen_schemas::schema(group, text(version, &["name"]), kind) else { continue };
            let shipped = to_json(version.at(&["schema", "openAPIV3Schema"]).expect("Flux's CRDs have schemas"));
            let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
            fields(&model, &model, "", &mut ours);
            fields(&shipped, &shipped, "", &mut theirs);
            let missing: Vec<_> = theirs.difference(&ours).filter(|path| path.starts_with(".spec")).collect();
            assert!(missing.is_empty(), "{kind}: {missing:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 10);
}

#[test]
fn what_the_crds_of_flux_2_6_accept_our_models_accept() {
    let Some(folder) = shared("corpus") else { return };
    let crds = repo(&folder.join("KarimABOUSSELHAM+real-world-crypto-ml-system/deployments/prod/flux-system"));
    let crds: Vec<_> = objects(&crds, |_| true).into_values().flatten().cloned().collect();
    let expected = repo(&folder.join("expected"));
    let models = Catalogue::embedded();
    let shipped = models.with_crds(&crds);
    let mut compared = 0;
    for object in objects(&expected, |_| true).into_values().flatten() {
        if !text(object, &["apiVersion"]).contains(".fluxcd.io/") {
            continue;
        }
        if !matches!(shipped.check(object), Outcome::Checked(checked) if checked.violations.is_empty()) {
            continue;
        }
        let Outcome::Checked(checked) = models.check(object) else { continue };
        assert!(checked.violations.is_empty(), "{}: {:?}", text(object, &["kind"]), checked.violations);
        compared += 1;
    }
    assert!(compared > 50, "{compared} objects were compared");
}

#[test]
fn every_kustomization_file_of_real_repositories_fits_our_model() {
    let Some(folder) = shared("corpus") else { return };
    let corpus = repo(&folder);
    let models = Catalogue::embedded();
    let mut checked = 0;
    let mut found = Vec::new();
    for (path, id) in corpus.files().iter().filter(|(path, _)| path.to_string().ends_with("/kustomization.yaml")) {
        for document in corpus.yaml(id).into_iter().flat_map(|parsed| &parsed.documents) {
            let component = text(&document.root, &["kind"]) == "Component";
            let gvk = if component {
                Gvk::new("kustomize.config.k8s.io/v1alpha1", "Component")
            } else {
                Gvk::new("kustomize.config.k8s.io/v1beta1", "Kustomization")
            };
            if text(&document.root, &["apiVersion"]).contains("fluxcd") {
                continue;
            }
            let wrong = violations(models.check_as(&gvk, &document.root));
            found.extend(wrong.into_iter().map(|violation| format!("{path}: {}", violation.message)));
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} files were checked");
    assert!(found.is_empty(), "{found:#?}");
}
