//! Remedies: how rules write them, and which of them are safe.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Edit, Findings, Fix, FixSafety};
use crate::flux::Cluster;
use crate::kube::Gvk;
use crate::repo::Repo;
use crate::rules::Context;
use crate::schema::{Violation, ViolationKind};
use crate::text::{SourceId, Span};
use crate::yaml::{self, Entry, Kind, Node, Scalar, Style};

/// Returns the edit that writes `new` where the file writes just `old` as a scalar at `span`; nothing where it writes
/// something else, such as a variable.
pub(super) fn rewrite(repo: &Repo, span: Span, old: &str, new: &str) -> Option<Edit> {
    let text = repo.source(span.source)?.text();
    let written = text.get(span.range())?;
    let style = match written.chars().next()? {
        '\'' => Style::SingleQuoted,
        '"' => Style::DoubleQuoted,
        _ => Style::Plain,
    };
    if written.trim_matches(['\'', '"']) != old {
        return None;
    }
    let scalar = Kind::Scalar(Scalar { text: old.into(), style, tag: None });
    yaml::replace_scalar(text, &Node::new(scalar, span), new).ok()
}

/// Returns the entry whose key is written at `key`, with the mapping that holds it in the file.
pub(super) fn entry_at(repo: &Repo, key: Span) -> Option<(&Node, &Entry)> {
    let documents = &repo.yaml(key.source)?.documents;
    let inside = |span: Span| span.start <= key.start && key.end <= span.end;
    documents.iter().filter(|document| inside(document.span)).find_map(|document| entry_below(&document.root, key))
}

fn entry_below(node: &Node, key: Span) -> Option<(&Node, &Entry)> {
    match &node.kind {
        Kind::Scalar(_) => None,
        Kind::Sequence(items) => items.iter().find_map(|item| entry_below(item, key)),
        Kind::Map(map) => {
            let own = map.iter().find(|entry| entry.key.span() == key).map(|entry| (node, entry));
            own.or_else(|| map.iter().find_map(|entry| entry_below(&entry.value, key)))
        }
    }
}

/// Returns `finding` with the fix `title` of one edit, where there is an edit.
pub(super) fn with_edit(finding: Diagnostic, title: String, edit: Option<Edit>, safety: FixSafety) -> Diagnostic {
    match edit {
        Some(edit) => finding.fix(Fix { title, edits: vec![edit], safety }),
        None => finding,
    }
}

/// Fields that a Flux API lost on its way to the version of today, without a successor: group, kind, and the field.
///
/// Source: Flux, release notes of 0.41, 2.0 and 2.1; `validation`, `gitImplementation` and `accessFrom` did nothing any more.
const REMOVED_FIELDS: &[(&str, &str, &str)] = &[
    ("kustomize.toolkit.fluxcd.io", "Kustomization", "/spec/validation"),
    ("source.toolkit.fluxcd.io", "GitRepository", "/spec/gitImplementation"),
    ("source.toolkit.fluxcd.io", "GitRepository", "/spec/accessFrom"),
    ("source.toolkit.fluxcd.io", "HelmRepository", "/spec/accessFrom"),
    ("source.toolkit.fluxcd.io", "Bucket", "/spec/accessFrom"),
];

/// Returns `finding` of a field that the schema of `gvk` does not know, with its fix: a field that was removed goes, a
/// misspelt one gets the name that it is near to.
pub(super) fn of_unknown_field(
    context: &Context<'_>,
    finding: Diagnostic,
    gvk: &Gvk,
    violation: &Violation,
) -> Diagnostic {
    let file = context.repo.source(violation.span.source);
    let Some((file, (map, entry))) = file.zip(entry_at(context.repo, violation.span)) else { return finding };
    if violation.kind != ViolationKind::UnknownField {
        return finding;
    }
    let field = (gvk.group.as_str(), gvk.kind.as_str(), violation.pointer.to_string());
    let is_removed =
        |removed: &&(&str, &str, &str)| (removed.0, removed.1, removed.2) == (field.0, field.1, field.2.as_str());
    if REMOVED_FIELDS.iter().any(|removed| is_removed(&removed)) {
        let edit = yaml::remove_entry(file.text(), map, entry);
        return with_edit(finding, format!("remove `{}`", entry.key.text()), edit, FixSafety::Safe);
    }
    let Some(name) = violation.suggestion.as_deref().filter(|name| map.get(name).is_none()) else { return finding };
    with_edit(finding, format!("write `{name}`"), yaml::rename_key(file.text(), &entry.key, name), FixSafety::Unsafe)
}

/// Makes those fixes unsafe that change a file which another cluster builds without this finding: there it is right.
pub(super) fn settle(context: &Context<'_>, findings: &mut Findings) {
    let has_safe_fix = |finding: &Diagnostic| finding.fix.as_ref().is_some_and(|fix| fix.safety == FixSafety::Safe);
    if context.fleet.clusters.len() < 2 || !findings.diagnostics.iter().any(has_safe_fix) {
        return;
    }
    let mut found: BTreeMap<(&str, Option<Span>), BTreeSet<&str>> = BTreeMap::new();
    for finding in &findings.diagnostics {
        found.entry((finding.rule, finding.span())).or_default().extend(finding.cluster.as_deref());
    }
    let builders = builders(&context.fleet.clusters);
    let is_right_elsewhere = |finding: &Diagnostic| {
        let clusters = found.get(&(finding.rule, finding.span()));
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let builders = edits.filter_map(|edit| builders.get(&edit.span.source)).flatten();
        finding.cluster.is_some() && builders.into_iter().any(|name| clusters.is_none_or(|found| !found.contains(name)))
    };
    let unsafe_at: Vec<usize> = (0..findings.diagnostics.len())
        .filter(|at| has_safe_fix(&findings.diagnostics[*at]) && is_right_elsewhere(&findings.diagnostics[*at]))
        .collect();
    for at in unsafe_at {
        if let Some(fix) = &mut findings.diagnostics[at].fix {
            fix.safety = FixSafety::Unsafe;
        }
    }
}

/// Returns the names of the clusters that build each file.
fn builders(clusters: &[Cluster]) -> BTreeMap<SourceId, BTreeSet<&str>> {
    let mut builders: BTreeMap<SourceId, BTreeSet<&str>> = BTreeMap::new();
    for cluster in clusters {
        for source in cluster.builds().flat_map(|build| &build.files) {
            builders.entry(*source).or_default().insert(&cluster.name);
        }
    }
    builders
}
