//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.
//!
//! Source: kustomize v5.8.1, `api/internal/builtins/Patch*.go`.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::context::{Accumulator, Context, rule};
use crate::kustomize::json_patch::{self, Operation};
use crate::kustomize::load::{self, Object};
use crate::kustomize::merge::{Direction, MergeError, Merger};
use crate::kustomize::openapi::{Part, comment};
use crate::kustomize::selector::Selector;
use crate::kustomize::{Id, Resource, UnmatchedPatch};
use crate::text::{RepoPath, Span};
use crate::yaml::{self, Entry, Key, Node, Parsed, Scalar};

/// What a strategic merge patch may change of an object's identity.
#[derive(Debug, Clone, Copy, Default)]
struct Allowed {
    name: bool,
    kind: bool,
}

/// A patch as it was read.
enum Patch {
    StrategicMerge(Vec<Object>),
    Json { operations: Vec<Operation>, span: Span },
}

/// Runs one entry of `patches`: a mapping of `path`, `patch`, `target` and `options`.
pub(crate) fn run_patch(context: &mut Context<'_>, to: &mut Accumulator, entry: &Node, dir: &RepoPath) {
    let Some(patch) = read_patch(context, entry, "patch", dir) else { return };
    let target = match entry.get("target").map(Selector::new).transpose() {
        Ok(target) => target,
        Err(error) => return context.error(rule::PATCH, error.message, error.span, "this pattern"),
    };
    let flag = |key: &str| entry.at(&["options", key]).and_then(Node::as_str) == Some("true");
    let allowed = Allowed { name: flag("allowNameChange"), kind: flag("allowKindChange") };
    match (patch, target) {
        (Patch::StrategicMerge(patches), None) => {
            for (patch, span) in &patches {
                let Some(at) = addressed(context, to, patch, *span) else { continue };
                merge_into(context, &mut to.resources[at], patch, *span, allowed);
            }
        }
        (Patch::StrategicMerge(patches), Some(target)) => {
            if let [_, second, ..] = patches.as_slice() {
                let message = "a patch with a target holds one document only";
                return context.error(rule::PATCH, message, second.1, "a second document");
            }
            let selected = select(context, to, &target, entry);
            for (patch, span) in &patches {
                let patch = with_text_metadata(patch);
                for at in &selected {
                    merge_into(context, &mut to.resources[*at], &patch, *span, allowed);
                }
            }
        }
        (Patch::Json { span, .. }, None) => {
            context.error(rule::PATCH, "a JSON patch needs a target", span, "this patch");
        }
        (Patch::Json { operations, span }, Some(target)) => {
            let patch = JsonPatch::new(&operations, span);
            for at in select(context, to, &target, entry) {
                to.resources[at].remember_id();
                patch.apply(context, &mut to.resources[at]);
            }
        }
    }
    drop_empty(to);
}

/// Runs one entry of `patchesJson6902`; `text_field` is the field that holds an inline patch.
pub(crate) fn run_json6902(
    context: &mut Context<'_>,
    to: &mut Accumulator,
    entry: &Node,
    text_field: &str,
    dir: &RepoPath,
) {
    let target = entry.get("target").filter(|target| target.get("name").and_then(Node::as_str).is_some());
    let Some(target) = target else {
        return context.error(rule::PATCH, "a JSON 6902 patch needs a target with a name", entry.span, "this entry");
    };
    let target = match Selector::new(target) {
        Ok(target) => target,
        Err(error) => return context.error(rule::PATCH, error.message, error.span, "this pattern"),
    };
    match read_patch(context, entry, text_field, dir) {
        Some(Patch::Json { operations, span }) if !operations.is_empty() => {
            let patch = JsonPatch::new(&operations, span);
            for at in select(context, to, &target, entry) {
                patch.apply(context, &mut to.resources[at]);
            }
            drop_empty(to);
        }
        Some(_) => context.error(rule::PATCH, "this is no JSON 6902 patch", entry.span, "this entry"),
        None => {}
    }
}

/// Runs `patchesStrategicMerge`: scalars, each a patch or the path of one.
pub(crate) fn run_strategic_merge(context: &mut Context<'_>, to: &mut Accumulator, entries: &[Node], dir: &RepoPath) {
    let mut patches = Vec::new();
    for entry in entries {
        if let Some(objects) = inline_objects(context, entry) {
            patches.extend(objects);
            continue;
        }
        let Some((_, id)) = context.file(dir, entry.as_str().unwrap_or_default(), entry.span) else { continue };
        patches.extend(load::file_objects(context, id, entry.span, Part::Patch));
    }
    if patches.is_empty()
        && let Some(first) = entries.first()
    {
        return context.error(rule::PATCH, "the patches are empty", first.span, "nothing here");
    }
    for (patch, span) in &patches {
        let Some(at) = addressed(context, to, patch, *span) else { continue };
        merge_into(context, &mut to.resources[at], &with_text_metadata(patch), *span, Allowed::default());
        drop_empty(to);
    }
}

/// Returns the objects that the scalar `entry` itself holds, where it does.
pub(crate) fn inline_objects(context: &Context<'_>, entry: &Node) -> Option<Vec<Object>> {
    // A path never has a line break or a colon followed by a blank, so that most are recognised at once.
    entry.as_str().filter(|text| text.contains('\n') || text.contains(": ") || text.contains('{'))?;
    load::objects(Cow::Owned(embedded(context, entry))).ok().filter(|objects| !objects.is_empty())
}

fn embedded(context: &Context<'_>, scalar: &Node) -> Parsed {
    let text = context.repo.source(scalar.span.source).map_or("", |file| file.text());
    yaml::parse_embedded(text, scalar)
}

/// Reads the patch that `entry` holds at `text_field` or names at `path`.
fn read_patch(context: &mut Context<'_>, entry: &Node, text_field: &str, dir: &RepoPath) -> Option<Patch> {
    let inline = entry.get(text_field).filter(|node| node.as_str().is_some_and(|text| !text.trim().is_empty()));
    let path = entry.get("path").filter(|node| node.as_str().is_some_and(|text| !text.is_empty()));
    match (inline, path) {
        (None, None) => {
            context.error(rule::PATCH, "an entry has neither `patch` nor `path`", entry.span, "this entry");
            None
        }
        (Some(_), Some(path)) => {
            context.error(rule::PATCH, "an entry has both `patch` and `path`", path.span, "this one, and `patch`");
            None
        }
        (Some(inline), None) => {
            let parsed = embedded(context, inline);
            sort_out(context, Cow::Owned(parsed), inline.as_str().unwrap_or_default().trim(), inline.span)
        }
        (None, Some(path)) => {
            let (_, id) = context.file(dir, path.as_str().unwrap_or_default(), path.span)?;
            let repo = context.repo;
            let text = repo.source(id).map_or("", |file| file.text());
            let Some(parsed) = repo.yaml_to_take(id) else {
                context.error(rule::PATCH, "the patch is no text", path.span, "named here");
                return None;
            };
            sort_out(context, parsed, text, path.span)
        }
    }
}

/// Decides which kind of patch `parsed` is.
fn sort_out(context: &mut Context<'_>, parsed: Cow<'_, Parsed>, text: &str, named_at: Span) -> Option<Patch> {
    let first = parsed.documents.first();
    if let Some(document) = first.filter(|document| document.root.as_sequence().is_some()) {
        // kustomize takes such a text for JSON and does not try YAML.
        if text.starts_with('[') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            context.error(rule::PATCH, "a patch that begins with `[` must be JSON", document.span, "this is not");
            return None;
        }
        if !parsed.is_broken() {
            return match json_patch::read(&document.root) {
                Ok(operations) => Some(Patch::Json { operations, span: document.span }),
                Err(error) => {
                    context.error(rule::PATCH, error.message, error.span, "this operation");
                    None
                }
            };
        }
    }
    comment::note(context, &parsed, Part::Patch);
    match load::objects(parsed) {
        Ok(objects) => Some(Patch::StrategicMerge(objects)),
        Err(refused) => {
            // What is wrong inside comes with its own place; that it is a patch is said here.
            let span = refused.first().and_then(Diagnostic::span).unwrap_or(named_at);
            let message = refused.first().map_or("the patch cannot be read", |finding| finding.message.as_str());
            let finding = Diagnostic::new(rule::PATCH, Severity::Error, format!("a patch cannot be read: {message}"));
            context.diagnostics.push(finding.label(span, "in this patch"));
            None
        }
    }
}

/// Returns the positions that `target` of `entry` selects; none is recorded.
fn select(context: &mut Context<'_>, from: &Accumulator, target: &Selector, entry: &Node) -> Vec<usize> {
    let selected: Vec<usize> = (0..from.resources.len()).filter(|at| target.matches(&from.resources[*at])).collect();
    if selected.is_empty() {
        let node = entry.get("target").unwrap_or(entry);
        let text = |key: &str| node.get(key).and_then(Node::as_str);
        let wanted: Vec<&str> =
            ["kind", "namespace", "name", "labelSelector", "annotationSelector"].into_iter().filter_map(text).collect();
        let candidates = from.resources.iter().map(Resource::id).collect();
        context.unmatched.push(UnmatchedPatch { span: node.span, wanted: wanted.join(" "), candidates });
    }
    selected
}

/// Returns the position of the one resource that `patch` names by its own id, now or earlier.
fn addressed(context: &mut Context<'_>, to: &Accumulator, patch: &Node, span: Span) -> Option<usize> {
    let id = Id::of(patch);
    let found = to.positions_by_any_id(|candidate| candidate.is_same(&id));
    if let [at] = found.as_slice() {
        return Some(*at);
    }
    let name = patch.at(&["metadata", "name"]).map_or(span, |name| name.span);
    let (message, label) = if found.is_empty() {
        (format!("no resource is {id}, which a patch changes"), "nothing has this id")
    } else {
        (format!("{} resources are or were {id}, which a patch changes", found.len()), "not clear which is meant")
    };
    context.error(rule::PATCH, message, name, label);
    None
}

fn merge_into(context: &mut Context<'_>, resource: &mut Resource, patch: &Node, span: Span, allowed: Allowed) {
    if allowed.name || allowed.kind {
        resource.remember_id();
    }
    context.openapi.note_merge();
    let merger = Merger { patch: span, direction: Direction::Prepend, openapi: &context.openapi };
    match merger.merge(&resource.node, patch) {
        Ok(Some(mut node)) if node.as_map().is_some_and(|map| !map.is_empty()) => {
            restore_identity(&resource.node, &mut node, allowed);
            resource.node = node;
        }
        Ok(_) => resource.node = Node::null(span),
        Err(MergeError { message, span }) => context.error(rule::PATCH, message, span, "this value"),
    }
}

/// Gives `new` the identity that `old` has, save what a patch may change.
fn restore_identity(old: &Node, new: &mut Node, allowed: Allowed) {
    let mut restore = |keys: &[&str], is_free: bool| {
        if is_free {
            return;
        }
        let Some((last, parents)) = keys.split_last() else { return };
        let parent = parents.iter().try_fold(&mut *new, |node, key| node.get_mut(key));
        let Some(map) = parent.and_then(Node::as_map_mut) else { return };
        match old.at(keys) {
            Some(value) if map.get(last) == Some(value) => {}
            Some(value) => map.set(last, value.clone()),
            None if map.get(last).is_some() => {
                map.remove(last);
            }
            None => {}
        }
    };
    restore(&["apiVersion"], false);
    restore(&["kind"], allowed.kind);
    restore(&["metadata", "name"], allowed.name);
    restore(&["metadata", "namespace"], false);
}

/// Returns `patch` with labels and annotations turned into strings, nulls too: what kustomize does to patches that it
/// copies for each target.
fn with_text_metadata(patch: &Node) -> Node {
    let mut patch = patch.clone();
    for field in ["labels", "annotations"] {
        let Some(metadata) = patch.get_mut("metadata").and_then(Node::as_map_mut) else { continue };
        if metadata.get(field).is_none() {
            continue;
        }
        let is_empty = metadata.get(field).and_then(Node::as_map).is_none_or(yaml::Map::is_empty);
        if is_empty {
            metadata.remove(field);
        } else if let Some(map) = metadata.get_mut(field).and_then(Node::as_map_mut) {
            texts(map);
        }
    }
    patch
}

/// Turns every value of `map` into a string of the same text.
pub(crate) fn texts(map: &mut yaml::Map) {
    let is_text = |node: &Node| node.as_scalar().is_some_and(|scalar| scalar.is_string(yaml::Dialect::KustomizeV3));
    if map.iter().all(|entry| is_text(&entry.value)) {
        return;
    }
    for entry in map.entries_mut() {
        if !is_text(&entry.value) {
            let text = entry.value.as_scalar().map(|scalar| scalar.text.clone()).unwrap_or_default();
            entry.value.kind = yaml::Kind::Scalar(Scalar::string(text));
        }
    }
}

/// A JSON 6902 patch of many resources.
struct JsonPatch<'p> {
    operations: &'p [Operation],
    span: Span,
    /// Annotations without any, which the resources that get them share.
    annotations: Entry,
}

impl<'p> JsonPatch<'p> {
    fn new(operations: &'p [Operation], span: Span) -> Self {
        let annotations = Entry { key: Key::string("annotations", span), value: Node::empty_map(span) };
        Self { operations, span, annotations }
    }

    fn apply(&self, context: &mut Context<'_>, resource: &mut Resource) {
        let mut node = resource.node.clone();
        if resource.has_bookkeeping()
            && let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut)
        {
            // kustomize's own annotations have made the mapping; an empty one vanishes at the end.
            match metadata.get("annotations") {
                None => metadata.push(self.annotations.clone()),
                Some(annotations) if annotations.is_null() => {
                    metadata.set("annotations", self.annotations.value.clone());
                }
                Some(_) => {}
            }
        }
        match json_patch::apply(&mut node, self.operations, self.span) {
            Ok(()) if node.as_map().is_some() => resource.node = node,
            Ok(()) => context.error(rule::PATCH, "the patch leaves no object", self.span, "this patch"),
            Err(error) => context.error(rule::PATCH, error.message, error.span, "this operation"),
        }
    }
}

/// Removes the resources that a patch has deleted.
fn drop_empty(from: &mut Accumulator) {
    from.resources.retain(|resource| resource.node.as_map().is_some_and(|map| !map.is_empty()));
}
