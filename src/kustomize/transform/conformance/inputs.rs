//! The inputs that the recorded cases lack, from `tests/conformance/filter-inputs.yaml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use smol_str::SmolStr;

use crate::kube::Gvk;
use crate::kustomize::context::Context;
use crate::kustomize::transform::config::NameReference;
use crate::kustomize::transform::field_spec::FieldSpec;
use crate::kustomize::transform::name_reference::{self, Candidate, Index};
use crate::kustomize::transform::vars;
use crate::kustomize::{Id, Resource};
use crate::text::FileSet;
use crate::yaml::{self, Entry, Map, Node};

/// The entries of the file by the number of their case.
pub(super) fn read() -> BTreeMap<usize, Vec<Node>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/filter-inputs.yaml");
    let text = fs::read_to_string(path).unwrap();
    let files = FileSet::from_texts([("filter-inputs.yaml", text.as_str())]);
    let (_, source) = files.iter().next().unwrap();
    let parsed = yaml::parse(source, &text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let mut entries: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    for entry in parsed.documents[0].root.as_sequence().unwrap() {
        let case = entry.get("case").and_then(|node| node.as_str()?.parse().ok()).unwrap();
        entries.entry(case).or_default().push(entry.clone());
    }
    entries
}

/// Returns the recorded configuration (null where it could not be recorded) with what `input` says of it.
pub(super) fn completed(recorded: &Node, input: &Node) -> Node {
    let map = |node: &Node| node.as_map().map_or(Vec::new(), |map| map.entries().to_vec());
    let is_said = |entry: &Entry| input.get(entry.key.text()).is_some();
    let recorded = map(recorded).into_iter().filter(|entry| !is_said(entry));
    Node::map(recorded.chain(map(input)).collect(), input.span)
}

fn text<'n>(node: &'n Node, key: &str) -> &'n str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}

fn affixes(text: &str) -> Vec<SmolStr> {
    text.split(',').filter(|affix| !affix.is_empty()).map(SmolStr::new).collect()
}

/// Returns the resource that an entry of `ReferralCandidates` tells of. kustomize's tests give each an earlier id in the
/// namespace `default`.
fn candidate(entry: &Node) -> Resource {
    let span = entry.span;
    let of = |pairs: &[(&str, &str)]| {
        let mut map = Map::default();
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            map.set(key, Node::string(*value, span));
        }
        map
    };
    let metadata = of(&[("name", text(entry, "name")), ("namespace", text(entry, "namespace"))]);
    let mut root = of(&[("apiVersion", "apps/v1"), ("kind", text(entry, "kind"))]);
    root.set("metadata", Node::new(yaml::Kind::Map(metadata), span));
    let gvk = Gvk::new("apps/v1", text(entry, "kind"));
    let earlier = Id { gvk, namespace: "default".into(), name: text(entry, "was").into() };
    Resource {
        history: vec![earlier],
        prefixes: affixes(text(entry, "prefix")),
        suffixes: affixes(text(entry, "suffix")),
        ..Resource::new(Node::new(yaml::Kind::Map(root), span), span)
    }
}

/// Runs the `nameref.Filter` of `config` over the one referrer.
pub(super) fn follow_names(context: &mut Context<'_>, resources: &mut [Resource], config: &Node) {
    let [referrer] = resources else { panic!("one object refers") };
    let annotation = |name: &str| {
        let key = format!("internal.config.kubernetes.io/{name}");
        let written = config.at(&["Referrer", "metadata", "annotations", &key]).and_then(Node::as_str);
        affixes(written.unwrap_or_default())
    };
    (referrer.prefixes, referrer.suffixes) = (annotation("prefixes"), annotation("suffixes"));
    let field = |key: &str| FieldSpec::from_node(config.get(key).expect("recorded"));
    let target = NameReference::new(field("ReferralTarget"), &[]);
    let field = field("NameFieldToUpdate");
    let candidates: Vec<_> = config.items("ReferralCandidates").iter().map(candidate).collect();
    let index = Index::of(&candidates);
    name_reference::follow(context, &index, &Candidate::of(referrer), referrer, &[(&target, vec![&field])]);
}

/// Runs the `refvar.Filter` of `config`.
pub(super) fn replace_variables(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    config: &Node,
    specs: &[&FieldSpec],
) {
    let values = config.get("values").and_then(Node::as_map).expect("given");
    let values = values.iter().map(|entry| (entry.key.text().into(), entry.value.clone())).collect();
    vars::replace_in(context, resources, &values, specs);
}
