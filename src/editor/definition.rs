//! Where what a place refers to is written.

use smol_str::SmolStr;

use crate::editor::marker;
use crate::editor::occurrence::builds_with;
use crate::editor::place::Place;
use crate::editor::reference::{self, Reference};
use crate::flux::{Artifact, Location, SourceRef};
use crate::kustomize::{FILE_NAMES, Resource, Selector};
use crate::session::Session;
use crate::text::{FileSet, RepoPath, SourceId, Span};
use crate::yaml::Node;

/// The fields of a kustomization file that name files or directories, by their way; those with a mark may say `key=path`.
const PATHS: &[(&str, bool)] = &[
    ("resources[]", false),
    ("components[]", false),
    ("bases[]", false),
    ("crds[]", false),
    ("configurations[]", false),
    ("generators[]", false),
    ("transformers[]", false),
    ("validators[]", false),
    ("patchesStrategicMerge[]", false),
    ("patches[].path", false),
    ("patchesJson6902[].path", false),
    ("replacements[].path", false),
    ("openapi.path", false),
    ("helmCharts[].valuesFile", false),
    ("configMapGenerator[].files[]", true),
    ("configMapGenerator[].envs[]", false),
    ("configMapGenerator[].env", false),
    ("secretGenerator[].files[]", true),
    ("secretGenerator[].envs[]", false),
    ("secretGenerator[].env", false),
];

/// Returns the places that `byte` of the file `path` refers to: objects by their name, files by their first byte. Sorted,
/// each place once.
pub fn definitions(session: &Session, path: &RepoPath, byte: usize) -> Vec<Span> {
    let repo = session.repo();
    let mut spans = Vec::new();
    if let Some(policy) = marker::policy(repo, path, byte) {
        let kind = SmolStr::new_static("ImagePolicy");
        for cluster in &session.fleet().clusters {
            reference::find(cluster, &kind, &policy.namespace, &policy.name, &mut spans);
        }
    } else if let Some(place) = Place::at(repo, path, byte) {
        spans.extend(referred_path(repo.files(), path, &place));
        spans.extend(applied_directories(session, &place));
        spans.extend(patched(session, &place));
        if let Some(reference) = Reference::at(&place) {
            spans.extend(reference.resolve(session, &place));
        }
    }
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// Returns the path that the value at `place` of the kustomization file `path` is, as it is written.
pub(super) fn written_path<'a>(path: &RepoPath, place: &Place<'a>) -> Option<&'a str> {
    let (_, has_key) = PATHS.iter().find(|(way, _)| *way == place.way && FILE_NAMES.contains(&path.name()))?;
    let text = place.text();
    Some(if *has_key { text.split_once('=').map_or(text, |(_, file)| file) } else { text })
}

fn referred_path(files: &FileSet, path: &RepoPath, place: &Place<'_>) -> Option<Span> {
    let written = written_path(path, place).filter(|written| !written.is_empty())?;
    first_of(files, &path.parent().join(written).ok()?)
}

/// Returns the file at `path`, or what a directory there begins with: its kustomization file, else its first file.
fn first_of(files: &FileSet, path: &RepoPath) -> Option<Span> {
    let named = || FILE_NAMES.iter().find_map(|name| files.id(&path.join(name).ok()?));
    let first = || Some(files.below(path).next()?.1);
    files.id(path).or_else(named).or_else(first).map(top)
}

fn top(source: SourceId) -> Span {
    Span::new(source, 0..0)
}

/// Returns the directories that the `spec.path` at `place` is in each cluster, in the artifact of its source.
fn applied_directories(session: &Session, place: &Place<'_>) -> Vec<Span> {
    let is_here = |span: Span| span == place.node().span;
    let mut spans = Vec::new();
    for cluster in &session.fleet().clusters {
        for owner in cluster.kustomizations.values() {
            let Location::Here(directory) = &owner.location else { continue };
            if !owner.path.as_ref().is_some_and(|path| is_here(path.span)) {
                continue;
            }
            let source = owner.source.as_ref().map(SourceRef::key).and_then(|key| cluster.sources.get(&key));
            let found = match source.map(|source| &source.artifact) {
                Some(Artifact::Here(files)) => first_of(files, directory),
                _ => cluster
                    .source_root
                    .join(directory.as_str())
                    .ok()
                    .and_then(|at| first_of(session.repo().files(), &at)),
            };
            spans.extend(found);
        }
    }
    spans
}

/// Returns the objects that the patch at `place` is for: by its target, or by the name that it gives itself.
fn patched(session: &Session, place: &Place<'_>) -> Vec<Span> {
    let target = place.way.strip_suffix(&format!(".{}", place.way.rsplit('.').next().unwrap_or_default()));
    let is_target = target.is_some_and(|way| way.ends_with("patches[].target") || way == "patchesJson6902[].target");
    if is_target {
        let Ok(selector) = Selector::new(place.parent()) else { return Vec::new() };
        return objects(session, place.source, |resource| selector.matches(resource));
    }
    if place.way != "metadata.name" && place.way != "kind" {
        return Vec::new();
    }
    let text = |keys: &[&str]| place.root.at(keys).and_then(Node::as_str).unwrap_or_default();
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    let is_other = |resource: &Resource| resource.origin.source != place.source;
    let is_called = |resource: &Resource| resource.name() == name || resource.history.iter().any(|id| id.name == name);
    objects(session, place.source, |resource| is_other(resource) && resource.kind() == kind && is_called(resource))
}

/// Returns where the objects are written that `is_wanted`, of every build that the file `source` took part in.
fn objects(session: &Session, source: SourceId, is_wanted: impl Fn(&Resource) -> bool) -> Vec<Span> {
    let builds = session.fleet().clusters.iter().flat_map(|cluster| builds_with(cluster, source));
    let resources = builds.flat_map(|(build, _)| &build.resources).filter(|resource| is_wanted(resource));
    resources.map(reference::written_at).collect()
}
