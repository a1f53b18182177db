//! Files to kustomization files and resources.

use std::borrow::Cow;
use std::collections::VecDeque;

use smol_str::format_smolstr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::context::{Context, rule};
use crate::kustomize::file::{FILE_NAMES, KustomizationFile, Strictness};
use crate::kustomize::listing::Listing;
use crate::kustomize::openapi::{Part, comment};
use crate::text::{RepoPath, SourceId, Span};
use crate::yaml::{DUPLICATE_KEY, Document, Node, Parsed};

/// An object and the span of its document.
pub(crate) type Object = (Node, Span);

/// Returns the objects of `parsed`, lists expanded behind the others, and why kustomize would refuse them.
pub(crate) fn objects(parsed: Cow<'_, Parsed>) -> Result<Vec<Object>, Vec<Diagnostic>> {
    let mut refused: Vec<Diagnostic> = Vec::new();
    if parsed.is_broken() || parsed.diagnostics.iter().any(|finding| finding.rule == DUPLICATE_KEY) {
        let is_error = |finding: &&Diagnostic| finding.severity == Severity::Error;
        refused.extend(parsed.diagnostics.iter().filter(is_error).cloned());
    }
    let mut objects = Vec::new();
    let object = |document: Document| (!is_nothing(&document.root)).then_some((document.root, document.span));
    let mut queue: VecDeque<Object> = match parsed {
        Cow::Borrowed(parsed) => parsed.documents.iter().cloned().filter_map(object).collect(),
        Cow::Owned(parsed) => parsed.documents.into_iter().filter_map(object).collect(),
    };
    while let Some((node, span)) = queue.pop_front() {
        if let Some(finding) = not_an_object(&node, span) {
            refused.push(finding);
            continue;
        }
        let is_list = node.get("kind").and_then(Node::as_str).is_some_and(|kind| kind.ends_with("List"));
        match node.get("items").filter(|_| is_list) {
            None => objects.push((node, span)),
            Some(items) if items.is_null() => {}
            Some(items) => match items.as_sequence() {
                Some(items) => queue.extend(items.iter().map(|item| (item.clone(), item.span))),
                None => refused.push(
                    Diagnostic::new(rule::NOT_AN_OBJECT, Severity::Error, "`items` of a list is no list")
                        .label(items.span, "this value"),
                ),
            },
        }
    }
    if refused.is_empty() { Ok(objects) } else { Err(refused) }
}

/// Returns whether a document counts as empty.
fn is_nothing(root: &Node) -> bool {
    root.is_null()
        || root.as_map().is_some_and(crate::yaml::Map::is_empty)
        || root.as_sequence().is_some_and(<[Node]>::is_empty)
}

/// Returns why `node` is no Kubernetes object, where it is none.
pub(crate) fn not_an_object(node: &Node, span: Span) -> Option<Diagnostic> {
    let refuse = |message: String, span| {
        Some(Diagnostic::new(rule::NOT_AN_OBJECT, Severity::Error, message).label(span, "not a Kubernetes object"))
    };
    if node.as_map().is_none() {
        return refuse(format!("a {} stands where a Kubernetes object should", node.kind_name()), node.span);
    }
    let text = |keys: &[&str]| node.at(keys).and_then(Node::as_str).filter(|text| !text.is_empty());
    let Some(kind) = text(&["kind"]) else { return refuse("an object has no `kind`".to_owned(), span) };
    if kind.ends_with("List") || text(&["metadata", "name"]).is_some() {
        return None;
    }
    refuse(format!("a {kind} has no `metadata.name`"), span)
}

/// Returns the objects of the file `id`; what is wrong with it is recorded.
pub(crate) fn file_objects(context: &mut Context<'_>, id: SourceId, named_at: Span, part: Part) -> Vec<Object> {
    let Some(parsed) = context.repo.yaml_to_take(id) else {
        let path = context.repo.source(id).map(|file| file.path().to_string()).unwrap_or_default();
        context.error(rule::NOT_AN_OBJECT, format!("`{path}` is no text"), named_at, "named here");
        return Vec::new();
    };
    comment::note(context, &parsed, part);
    match objects(parsed) {
        Ok(objects) => objects,
        Err(refused) => {
            context.diagnostics.extend(refused);
            Vec::new()
        }
    }
}

/// Reads the kustomization file of `dir`, which is named at `named_at` (nothing for the top level).
pub(crate) fn kustomization_file(
    context: &mut Context<'_>,
    dir: &RepoPath,
    named_at: Option<Span>,
    strictness: Strictness,
) -> Option<KustomizationFile> {
    let found: Vec<(RepoPath, SourceId)> = files_of(&context.files, dir);
    let Some((path, id)) = found.first() else {
        let finding =
            Diagnostic::new(rule::MISSING, Severity::Error, format!("there is no kustomization file in `{dir}`"));
        context.diagnostics.push(match named_at {
            Some(span) => finding.label(span, "named here"),
            None => finding,
        });
        return None;
    };
    let whole = Span::new(*id, 0..0);
    if let Some((_, second)) = found.get(1) {
        let finding = Diagnostic::new(rule::INVALID, Severity::Error, format!("`{dir}` has two kustomization files"));
        context.diagnostics.push(finding.label(whole, "one").label(Span::new(*second, 0..0), "another"));
    }
    context.read.insert(*id);
    let parsed = context.repo.yaml(*id);
    if let Some(parsed) = parsed
        && parsed.is_broken()
    {
        let is_error = |finding: &&Diagnostic| finding.severity == Severity::Error && finding.rule != DUPLICATE_KEY;
        context.diagnostics.extend(parsed.diagnostics.iter().filter(is_error).cloned());
    }
    let empty = Node::empty_map(whole);
    let root = parsed.and_then(|parsed| parsed.documents.first()).map_or(&empty, |document| &document.root);
    let (file, findings) = KustomizationFile::read(path, root, strictness);
    context.diagnostics.extend(findings);
    Some(file)
}

/// Returns whether a kustomization file stands in `dir`.
pub(crate) fn has_kustomization_file(files: &Listing<'_>, dir: &RepoPath) -> bool {
    !files_of(files, dir).is_empty()
}

/// Returns the kustomization files that stand in `dir`.
fn files_of(files: &Listing<'_>, dir: &RepoPath) -> Vec<(RepoPath, SourceId)> {
    let at = |name: &&str| {
        let path = dir.join(name).ok()?;
        let id = files.id(&path)?;
        Some((path, id))
    };
    FILE_NAMES.iter().filter_map(at).collect()
}

/// Returns what Flux lists in the kustomization file that it generates for `dir`: paths relative to it, each with the
/// file that it is or was found by.
///
/// Lexical order; a directory below with a kustomization file is one entry and is not entered, every other file
/// `*.yaml` or `*.yml` is one entry. Source: `fluxcd/pkg/kustomize`, `Generator.generateKustomization`.
pub(crate) fn generated<'a>(files: &Listing<'a>, dir: &'a RepoPath) -> Vec<Node> {
    let depth = dir.parts().count();
    let mut below: Vec<(Vec<&str>, &RepoPath, SourceId)> =
        files.below(dir).map(|(path, id)| (path.parts().skip(depth).collect(), path, id)).collect();
    below.sort();
    let mut closed: Vec<Vec<&str>> = Vec::new();
    for (parts, ..) in &below {
        let (name, directory) = match parts.split_last() {
            Some((name, directory)) if !directory.is_empty() => (name, directory),
            _ => continue,
        };
        if FILE_NAMES.contains(name) && !closed.iter().any(|closed| directory.starts_with(closed)) {
            closed.retain(|closed| !closed.starts_with(directory));
            closed.push(directory.to_vec());
        }
    }
    let mut entries = Vec::new();
    let mut listed: Vec<&[&str]> = Vec::new();
    for (parts, path, id) in &below {
        let span = Span::new(*id, 0..0);
        if let Some(directory) = closed.iter().find(|closed| parts.starts_with(closed)) {
            if !listed.contains(&directory.as_slice()) {
                listed.push(directory);
                entries.push(Node::string(format_smolstr!("./{}", directory.join("/")), span));
            }
            continue;
        }
        if path.is_yaml() {
            entries.push(Node::string(format_smolstr!("./{}", parts.join("/")), span));
        }
    }
    entries
}
