//! The values of a release against the schema of its chart.

use crate::diagnostic::Diagnostic;
use crate::flux::Object;
use crate::kustomize::Resource;
use crate::rules::Rule;
use crate::rules::index::ClusterIndex;
use crate::rules::releases::{local_chart, releases};
use crate::schema::{self, Violation, ViolationKind};
use crate::text::{FileSet, RepoPath, Span};
use crate::yaml::{self, Map, Node};

/// Values that a release gets.
struct Values {
    /// All of them, merged.
    merged: Node,
    /// Whether there are others, which are not known offline.
    open: bool,
}

/// Reports every value of a release that the schema of its chart refuses.
pub(super) fn check(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for release in releases(index) {
        let Some((files, chart)) = local_chart(index, &release) else { continue };
        let Some(schema) = schema_of(files, &chart) else { continue };
        let values = values(index, files, &chart, &release);
        let Ok(violations) = schema::check_values(schema, &values.merged) else { continue };
        for violation in violations {
            let misses = violation.kind == ViolationKind::Required;
            if violation.holds_variable || (misses && values.open) {
                continue;
            }
            out.push(report(rule, release.resource, &chart, &violation));
        }
    }
}

fn report(rule: &Rule, release: &Resource, chart: &RepoPath, violation: &Violation) -> Diagnostic {
    let finding = rule
        .report(format!("{} in the values of `{}`", violation.message, release.object_ref()))
        .label(place(release, violation.span), format!("refused by `{chart}/values.schema.json`"))
        .note("Helm refuses the release: nothing is installed or upgraded");
    match &violation.suggestion {
        Some(suggestion) => finding.help(format!("write `{suggestion}`")),
        None => finding,
    }
}

/// What is missing everywhere is missing in the release: the chart's own values are not where it belongs.
fn place(release: &Resource, span: Span) -> Span {
    let own = release.node.at(&["spec", "values"]).map_or_else(|| release.name_span(), |values| values.span);
    if span.source == own.source { span } else { own }
}

fn schema_of(files: &FileSet, chart: &RepoPath) -> Option<serde_json::Value> {
    let text = files.text(&chart.join("values.schema.json").ok()?)?;
    serde_json::from_str(text).ok()
}

/// Returns the values in Helm's order: the chart's own, `valuesFrom`, `values`. Source: helm-controller, chartutil.
fn values(index: &ClusterIndex<'_>, files: &FileSet, chart: &RepoPath, release: &Object<'_>) -> Values {
    let node = &release.resource.node;
    let mut merged = Node::empty_map(place(release.resource, release.resource.origin));
    let mut open = false;
    let default = chart.join("values.yaml").ok();
    if let Some(own) = default.and_then(|path| Some((files.id(&path)?, files.text(&path)?))) {
        let parsed = yaml::parse(own.0, own.1);
        if let Some(document) = parsed.documents.first() {
            merged = merge(&merged, &document.root);
        }
    }
    for entry in node.get("spec").map(|spec| spec.items("valuesFrom")).unwrap_or_default() {
        open |= !merge_from(index, release.resource, entry, &mut merged);
    }
    if let Some(inline) = node.at(&["spec", "values"]) {
        merged = merge(&merged, inline);
    }
    Values { merged, open }
}

/// Merges a `valuesFrom` entry; returns whether its values are known.
fn merge_from(index: &ClusterIndex<'_>, release: &Resource, entry: &Node, merged: &mut Node) -> bool {
    let text = |key| entry.get(key).and_then(Node::as_str);
    if text("kind") != Some("ConfigMap") || text("targetPath").is_some() {
        return false;
    }
    let object = index.find("", "ConfigMap", release.namespace(), text("name").unwrap_or(""));
    let Some(value) = object.and_then(|object| object.node.at(&["data", text("valuesKey").unwrap_or("values.yaml")]))
    else {
        return false;
    };
    // The places inside the text are not kept: a finding about them stands at the release.
    let parsed = yaml::parse(release.origin.source, value.as_str().unwrap_or(""));
    match parsed.documents.first() {
        Some(document) if !parsed.is_broken() => {
            *merged = merge(merged, &moved(&document.root, value.span));
            true
        }
        _ => false,
    }
}

/// Returns `node` with every part at `span`.
fn moved(node: &Node, span: Span) -> Node {
    let mut node = node.clone();
    node.span = span;
    if let Some(map) = node.as_map_mut() {
        for entry in map.entries_mut() {
            entry.key = entry.key.at(span);
            entry.value = moved(&entry.value, span);
        }
    } else if let Some(items) = node.as_sequence_mut() {
        for item in items.make_mut() {
            *item = moved(item, span);
        }
    }
    node
}

/// Returns `left` with `right` over it: maps deep, everything else replaced; null takes a key away, as Helm does.
fn merge(left: &Node, right: &Node) -> Node {
    let (Some(before), Some(after)) = (left.as_map(), right.as_map()) else { return right.clone() };
    let mut map: Map = before.clone();
    for entry in after {
        if entry.value.is_null() {
            map.to_mut().retain(|known| known.key.text() != entry.key.text());
            continue;
        }
        match map.entries_mut().iter_mut().find(|known| known.key.text() == entry.key.text()) {
            Some(known) => {
                let value = merge(&known.value, &entry.value);
                *known = entry.clone();
                known.value = value;
            }
            None => map.push(entry.clone()),
        }
    }
    Node { kind: yaml::Kind::Map(map), span: right.span, chain: right.chain.clone() }
}
