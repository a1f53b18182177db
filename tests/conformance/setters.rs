//! What Flux's image automation wrote in recorded runs, against what we would write.

use std::collections::BTreeMap;

use gitops_gen::image::{self, ImageRef, Mode, Setters};
use gitops_gen::kube::NamespacedName;
use gitops_gen::text::{FileSet, RepoPath};
use serde_json::Value;

use crate::{Outcome, conclude, data, json};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn files_of(value: &Value) -> BTreeMap<String, String> {
    let files = value.as_object().into_iter().flatten();
    files.map(|(path, content)| (path.clone(), text(content).to_owned())).collect()
}

fn setters(case: &Value) -> Setters {
    let policies = case["policies"].as_array().expect("a list of policies").iter();
    let known: Vec<(NamespacedName, ImageRef)> = policies
        .filter(|policy| policy["image"].is_string())
        .map(|policy| {
            let part = |key: &str| text(&policy[key]).to_owned();
            let image = ImageRef { name: part("image"), tag: part("tag"), digest: part("digest") };
            (NamespacedName::new(part("namespace"), part("name")), image)
        })
        .collect();
    Setters::new(known.iter().map(|(name, image)| (name, image)))
}

fn run(case: &Value, mode: Mode) -> Result<BTreeMap<String, String>, String> {
    let files = FileSet::from_texts(files_of(&case["input"]));
    let path = RepoPath::new(text(&case["updatePath"])).expect("a path inside");
    let update = image::update(&files, &path, &setters(case), mode).map_err(|error| error.to_string())?;
    let changed = update.files.into_iter();
    Ok(changed.map(|(path, update)| (path.to_string(), update.text)).collect())
}

fn compare(expected: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Outcome {
    if expected == found { Ok(()) } else { Err(format!("expected {expected:#?}, found {found:#?}")) }
}

#[test]
fn changed_files_are_printed_as_flux_prints_them() {
    let Some(data) = data() else { return };
    let recorded = json(&data.join("setters.json"));
    let mut outcomes = BTreeMap::new();
    for case in recorded["cases"].as_array().expect("a list of cases") {
        let expected = &case["expect"];
        let found = run(case, Mode::Flux);
        let outcome = match (expected.get("error"), found) {
            (Some(error), Err(found)) if text(error) == found => Ok(()),
            (Some(error), found) => Err(format!("expected the error {error}, found {found:?}")),
            (None, Err(found)) => Err(found),
            (None, Ok(found)) => {
                let root = text(&case["updatePath"]);
                // Recorded paths are those of the checkout.
                let expected = files_of(&expected["files"]);
                let below = |path: &String| expected.contains_key(path) || root.is_empty();
                assert!(found.keys().all(below) || !root.is_empty());
                compare(&expected, &found)
            }
        };
        outcomes.insert(text(&case["id"]).to_owned(), outcome);
    }
    assert!(outcomes.len() > 150, "only {} cases were read", outcomes.len());
    conclude("setters", &outcomes);
}

#[test]
fn edits_change_the_values_alone() {
    let Some(data) = data() else { return };
    let recorded = json(&data.join("setters.json"));
    let mut outcomes = BTreeMap::new();
    for case in recorded["cases"].as_array().expect("a list of cases") {
        if !case["minimal_edit"].is_object() {
            continue;
        }
        let outcome = match run(case, Mode::Edit) {
            Err(error) => Err(error),
            Ok(found) => compare(&files_of(&case["minimal_edit"]), &found),
        };
        outcomes.insert(text(&case["id"]).to_owned(), outcome);
    }
    assert!(outcomes.len() > 100, "only {} cases were read", outcomes.len());
    conclude("setters-edit", &outcomes);
}
