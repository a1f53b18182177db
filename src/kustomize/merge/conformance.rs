//! The recorded cases of kustomize's own merge.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

use crate::kustomize::known_misses::conclude;
use crate::kustomize::merge::{Direction, Merger, Side, present};
use crate::kustomize::merge_schema::Schema;
use crate::kustomize::openapi::{ListStrategy, OpenApi, Part, Type};
use crate::text::{FileSet, SourceId, Span};
use crate::yaml::{self, Node};

fn data() -> Option<PathBuf> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let path = env::var_os("GITOPS_GEN_CONFORMANCE").map_or_else(default, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there are no recorded cases at {}", path.display());
    None
}

/// Returns the files of the two sides of a merge.
fn sources() -> [SourceId; 2] {
    let files = FileSet::from_texts([("target", ""), ("patch", "")]);
    let mut sources = files.iter().map(|(_, source)| source);
    [sources.next().unwrap(), sources.next().unwrap()]
}

fn document(source: SourceId, text: &str, part: Part, openapi: &mut OpenApi<'_>) -> Node {
    let parsed = yaml::parse(source, text);
    openapi.note_comments(&parsed, text, part);
    let nothing = Node::null(Span::new(source, 0..0));
    parsed.documents.into_iter().next().map_or(nothing, |document| document.root)
}

fn printed(node: Option<&Node>) -> String {
    node.filter(|node| !node.is_null()).map(|node| yaml::emit(node).unwrap()).unwrap_or_default()
}

/// Returns how a list that `schema` does not know is merged: merge2's `InferAssociativeLists`, which no build asks for and
/// some recorded merges do. Elements that have names are found by them. Source: kyaml v0.21.1, `GetAssociativeKey`.
pub(super) fn inferred<'s>(
    openapi: &OpenApi<'_>,
    strategy: ListStrategy<'s>,
    schema: Option<Type<'_>>,
    sides: [Side<'_>; 2],
) -> ListStrategy<'s> {
    let is_named = |item: &Node| item.get("name").is_some_and(|name| !name.is_null());
    let is_of_named = |items: &[Node]| !items.is_empty() && items.iter().all(is_named);
    let sides = sides.into_iter().filter_map(present);
    let infers = openapi.infers_names && schema.is_none() && strategy == ListStrategy::Replace;
    if infers && sides.filter_map(Node::as_sequence).any(is_of_named) {
        return ListStrategy::Merge(Cow::Borrowed(&["name"]));
    }
    strategy
}

#[test]
fn recorded_merges_give_the_recorded_results() {
    let Some(data) = data() else { return };
    let cases: Value =
        serde_json::from_str(&fs::read_to_string(data.join("kustomize/unit/merge2.json")).unwrap()).unwrap();
    let mut misses = BTreeMap::new();
    let cases = cases.as_array().unwrap();
    let [ours, theirs] = sources();
    for (at, case) in cases.iter().enumerate() {
        let text = |key: &str| case[key].as_str().unwrap();
        let direction = if case["list_increase_direction"] == 1 { Direction::Prepend } else { Direction::Append };
        let mut openapi = OpenApi::default();
        openapi.note_merge();
        openapi.infers_names = case["infer"].as_bool().unwrap();
        let (target, patch) = (
            document(ours, text("dest"), Part::Resource, &mut openapi),
            document(theirs, text("patch"), Part::Patch, &mut openapi),
        );
        let merger = Merger { patch: patch.span, direction, openapi: &openapi };
        let result = merger.merge(&target, &patch).unwrap();
        let wanted = printed(Some(&document(ours, text("output"), Part::Resource, &mut OpenApi::default())));
        let got = printed(result.as_ref());
        if got != wanted {
            let (dest, patch) = (text("dest"), text("patch"));
            misses.insert(at.to_string(), format!("{dest}\n---\n{patch}\nwanted:\n{wanted}\ngot:\n{got}"));
        }
    }
    conclude("merge2", cases.len(), &misses);
}

#[test]
fn every_recorded_merge_key_is_in_the_schema() {
    let Some(data) = data() else { return };
    let table: Value =
        serde_json::from_str(&fs::read_to_string(data.join("kustomize/mergekeys.json")).unwrap()).unwrap();
    let gvks = table["gvks"].as_object().unwrap();
    let mut checked = 0;
    for entry in table["entries"].as_array().unwrap() {
        let is_merged = entry["Strategy"].as_str().unwrap().split(',').any(|strategy| strategy == "merge");
        let definition = format!("io.k8s.{}", entry["Def"].as_str().unwrap());
        let Some(kinds) = gvks.get(&definition).filter(|_| is_merged) else { continue };
        for kind in kinds.as_array().unwrap() {
            let (api_version, kind) = kind.as_str().unwrap().rsplit_once('/').unwrap();
            let schema = Schema::of_kind(api_version.trim_start_matches('/'), kind).unwrap();
            let found = schema.field(entry["Field"].as_str().unwrap()).and_then(|field| field.keys);
            let keys: Vec<&str> = match entry["Keys"].as_array() {
                Some(keys) => keys.iter().map(|key| key.as_str().unwrap()).collect(),
                None => vec![entry["MergeKey"].as_str().unwrap()],
            };
            assert_eq!(found, Some(keys.as_slice()), "{definition}");
            checked += 1;
        }
    }
    assert!(checked > 0, "no kind of the table was checked");
}
