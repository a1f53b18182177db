//! Fields of kustomization files that kustomize has given up, and what takes their place.
//!
//! Source: kubernetes-sigs/kustomize, v5 release notes and `kustomize edit fix`.

use crate::diagnostic::{Diagnostic, Edit, Fix, FixSafety, Severity};
use crate::kustomize;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::SourceFile;
use crate::yaml::{self, Entry, Map, Node, Style};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[DEPRECATED];

const DEPRECATED: Rule = Rule {
    id: "kustomization-field-deprecated",
    severity: Severity::Warning,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
No kustomization file has `bases`, `commonLabels`, `patchesStrategicMerge`, `patchesJson6902` or `vars`.

## Why it matters
kustomize has given them up: it warns in every build, and the first version of its API will not have them. `commonLabels` also \
changes the selectors of Deployments, which cannot be changed in a cluster.

## What it cannot see
Nothing that matters: the file says it itself.
",
    check: Check::Repository(check),
};

/// The fields, with what takes their place.
const FIELDS: &[(&str, &str)] = &[
    ("bases", "resources"),
    ("commonLabels", "labels"),
    ("patchesStrategicMerge", "patches"),
    ("patchesJson6902", "patches"),
    ("vars", "replacements"),
];

/// Reports every such field of every kustomization file.
fn check(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (path, source) in context.repo.files().iter() {
        if !kustomize::FILE_NAMES.contains(&path.name()) {
            continue;
        }
        let (Some(parsed), Some(file)) = (context.repo.yaml(source), context.repo.source(source)) else { continue };
        let Some(root) = parsed.documents.first().map(|document| &document.root) else { continue };
        let Some(map) = root.as_map().filter(|_| is_kustomization(root)) else { continue };
        for (old, new) in FIELDS {
            let Some(entry) = map.entry(old) else { continue };
            let finding = rule
                .report(format!("`{old}` of `{path}` is given up by kustomize"))
                .label(entry.key.span(), format!("`{new}` takes its place"))
                .help(format!("write it as `{new}`"));
            out.push(match fix(file, root, map, entry) {
                Some(fix) => finding.fix(fix),
                None => finding,
            });
        }
    }
}

/// Returns whether the document is a kustomization file and not a template or something else of that name.
fn is_kustomization(root: &Node) -> bool {
    let kind = root.get("kind").and_then(Node::as_str);
    kind.is_none_or(|kind| kind == "Kustomization" || kind == "Component")
}

fn fix(file: &SourceFile, root: &Node, map: &Map, entry: &Entry) -> Option<Fix> {
    let text = file.text();
    let (title, edits, safety) = match entry.key.text() {
        "bases" => ("move `bases` to `resources`", bases(text, root, map, entry)?, FixSafety::Safe),
        // Two lists of patches are applied one after the other; joined, their order may change.
        "patchesJson6902" if map.get("patches").is_none() && map.get("patchesStrategicMerge").is_none() => {
            ("rename it to `patches`", vec![yaml::rename_key(text, &entry.key, "patches")?], FixSafety::Safe)
        }
        "patchesStrategicMerge" if map.get("patches").is_none() && map.get("patchesJson6902").is_none() => {
            ("write it as `patches`", strategic(text, entry)?, FixSafety::Safe)
        }
        _ => return None,
    };
    Some(Fix { title: title.to_owned(), edits, safety })
}

/// Returns the edits that make resources of the bases: kustomize reads them behind the resources.
fn bases(text: &str, root: &Node, map: &Map, entry: &Entry) -> Option<Vec<Edit>> {
    let Some(resources) = map.get("resources") else {
        return Some(vec![yaml::rename_key(text, &entry.key, "resources")?]);
    };
    let removal = yaml::remove_entry(text, root, entry)?;
    // A comment beside an item goes with it; one on a line of its own has nowhere to go.
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    let mut lines = text.get(removal.span.range())?.lines();
    if lines.next()?.contains('#') || lines.any(is_comment) {
        return None;
    }
    let line_of = |item: &Node| text.get(item.span.range().start..)?.lines().next().map(str::trim_end);
    let items: Vec<&str> = entry.value.as_sequence()?.iter().map(line_of).collect::<Option<_>>()?;
    let is_block = !text.get(entry.value.span.range())?.starts_with('[');
    is_block.then_some(vec![removal, yaml::append_items(text, resources, &items)?])
}

/// Returns the edits that make patches by path of strategic merge patches; nothing where one of them is inline.
fn strategic(text: &str, entry: &Entry) -> Option<Vec<Edit>> {
    let mut edits = vec![yaml::rename_key(text, &entry.key, "patches")?];
    for item in entry.value.as_sequence()? {
        let scalar = item.as_scalar()?;
        let is_path = scalar.style == Style::Plain && !scalar.text.contains(['\n', ':', '{']);
        let token = text.get(item.span.range()).filter(|_| is_path)?;
        edits.push(Edit { span: item.span, replacement: format!("path: {token}") });
    }
    Some(edits)
}
