//! What may stand at a place: names of objects and paths.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::editor::definition::written_path;
use crate::editor::marker;
use crate::editor::occurrence::builds_with;
use crate::editor::place::Place;
use crate::editor::reference::Reference;
use crate::flux::Cluster;
use crate::kustomize::Resource;
use crate::session::Session;
use crate::text::{RepoPath, Span};
use crate::yaml::Node;

/// Something that may stand at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// What it is, for people: `GitRepository flux-system/fleet`.
    pub detail: String,
}

/// What may stand instead of the bytes of `span`, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that a candidate takes the place of; may be empty.
    pub span: Span,
    /// What may stand there.
    pub candidates: Vec<Candidate>,
}

/// Returns what may stand at `byte` of the file `path`; nothing where that is anybody's guess.
pub fn completion(session: &Session, path: &RepoPath, byte: usize) -> Option<Completion> {
    let repo = session.repo();
    if let Some(span) = marker::name(repo, path, byte) {
        return Some(Completion { span, candidates: policies(session) });
    }
    let place = Place::at(repo, path, byte)?;
    let typed = place.node().span;
    let is_typed = !place.node().is_null() && typed.range().contains(&byte.saturating_sub(1));
    let span = if is_typed { typed } else { Span::new(place.source, byte..byte) };
    if let Some(written) = written_path(path, &place) {
        // A key before the path, and what stands before it, stays.
        let start = typed.range().end.saturating_sub(written.len()).max(typed.range().start);
        let plain = repo.sources().slice(Span::new(place.source, start..typed.range().end)) == Some(written);
        let span = if is_typed && plain { Span::new(place.source, start..typed.range().end) } else { span };
        return Some(Completion { span, candidates: paths(session, path, written) });
    }
    if place.way == "spec.path" && place.root.get("kind").and_then(Node::as_str) == Some("Kustomization") {
        return Some(Completion { span, candidates: directories(session) });
    }
    let reference = Reference::at(&place)?;
    Some(Completion { span, candidates: names(session, &place, &reference) })
}

/// Returns the image policies of all clusters as markers name them.
fn policies(session: &Session) -> Vec<Candidate> {
    let objects = session.fleet().clusters.iter().flat_map(Cluster::objects).map(|object| object.resource);
    let candidate = |resource: &Resource| {
        let (namespace, name) = (resource.namespace(), resource.name());
        let whole = format!("{namespace}:{name}");
        let parts = [("", "image and tag"), (":tag", "tag"), (":name", "image"), (":digest", "digest")];
        parts.map(|(part, what)| Candidate {
            text: format!("{whole}{part}"),
            detail: format!("ImagePolicy {namespace}/{name}, {what}"),
        })
    };
    sorted(objects.filter(|resource| resource.kind() == "ImagePolicy").flat_map(candidate))
}

/// Returns the names of the objects of the wanted kind: in the clusters that get the file, or else in all.
fn names(session: &Session, place: &Place<'_>, reference: &Reference) -> Vec<Candidate> {
    let all = &session.fleet().clusters;
    let gets_it = |cluster: &&Cluster| builds_with(cluster, place.source).next().is_some();
    let mut clusters: Vec<&Cluster> = all.iter().filter(gets_it).collect();
    if clusters.is_empty() {
        clusters = all.iter().collect();
    }
    let written = place.root.at(&["metadata", "namespace"]).and_then(Node::as_str).map(SmolStr::new);
    let namespace = reference.namespace.clone().or(written);
    let own = place.root.at(&["metadata", "name"]).and_then(Node::as_str).filter(|_| place.ends_in("dependsOn[].name"));
    let is_wanted = |namespace_of: &str, name: &str| {
        let in_place = namespace.as_ref().is_none_or(|wanted| namespace_of.is_empty() || namespace_of == wanted);
        in_place && own != Some(name)
    };
    let mut found = Vec::new();
    for cluster in clusters {
        let objects = cluster.objects().map(|object| object.resource);
        let of_kind = objects.filter(|resource| resource.kind() == reference.kind);
        let named = of_kind.map(|resource| (resource.namespace().to_owned(), called(resource, place)));
        let sources = cluster.sources.keys().filter(|key| key.kind == reference.kind);
        let known = sources.map(|key| (key.name.namespace.to_string(), key.name.name.to_string()));
        let wanted = named.chain(known).filter(|(namespace_of, name)| is_wanted(namespace_of, name));
        found.extend(wanted.map(|(namespace_of, name)| {
            let slash = if namespace_of.is_empty() { "" } else { "/" };
            let detail = format!("{} {namespace_of}{slash}{name}", reference.kind);
            Candidate { text: name, detail }
        }));
    }
    sorted(found)
}

/// Returns the name under which a file beside that of `resource` refers to it: the one before hashes and prefixes, where
/// the build that changed it has the file of `place` too.
fn called(resource: &Resource, place: &Place<'_>) -> String {
    let is_flux =
        place.root.get("apiVersion").and_then(Node::as_str).is_some_and(|version| version.contains(".fluxcd.io/"));
    let first = resource.history.first().map(|id| id.name.as_str()).filter(|_| !is_flux);
    first.unwrap_or(resource.name()).to_owned()
}

/// Returns what stands in the directory that `written` has got to so far, as paths from the directory of `path`.
fn paths(session: &Session, path: &RepoPath, written: &str) -> Vec<Candidate> {
    let files = session.repo().files();
    let before = written.rfind('/').map_or("", |slash| &written[..=slash]);
    let Ok(directory) = path.parent().join(before) else { return Vec::new() };
    let mut found = BTreeSet::new();
    for (file, _) in files.below(&directory) {
        let Some(below) = file.strip_prefix(&directory) else { continue };
        let Some(name) = below.parts().next().map(str::to_owned) else { continue };
        let is_file = below.parts().nth(1).is_none();
        if file != path {
            found.insert((format!("{before}{name}"), if is_file { "file" } else { "directory" }));
        }
    }
    sorted(found.into_iter().map(|(text, what)| Candidate { text, detail: what.to_owned() }))
}

/// Returns every directory as a Flux Kustomization names it.
fn directories(session: &Session) -> Vec<Candidate> {
    let mut found = BTreeSet::new();
    for (path, _) in session.repo().files().iter().filter(|(path, _)| path.is_yaml()) {
        let mut directory = path.parent();
        while !directory.is_root() && found.insert(directory.clone()) {
            directory = directory.parent();
        }
    }
    let visible = found.iter().filter(|directory| !directory.parts().any(|part| part.starts_with('.')));
    sorted(visible.map(|directory| Candidate { text: format!("./{directory}"), detail: "directory".to_owned() }))
}

fn sorted(candidates: impl IntoIterator<Item = Candidate>) -> Vec<Candidate> {
    let sorted: BTreeSet<Candidate> = candidates.into_iter().collect();
    sorted.into_iter().collect()
}
