//! Which clusters a repository serves, when nobody says.
//!
//! In this order: directories that a bootstrap names (`flux-system/gotk-sync.yaml`, a Kustomization `flux-system`, a
//! `FluxInstance`); directories below one called `clusters` that hold Flux Kustomizations; else the directories
//! of those Flux Kustomizations that no other one applies.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::flux::bootstrap::{self, artifact_path};
use crate::flux::kustomization::{FluxKustomization, GROUP};
use crate::flux::read;
use crate::flux::source::BOOTSTRAP_NAME;
use crate::kustomize;
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, SourceId};
use crate::yaml::Node;

/// File that `flux bootstrap` writes, with the source and the Kustomization of the cluster.
const SYNC_FILE: &str = "gotk-sync.yaml";
/// File that `flux bootstrap` writes, with the controllers: large, and without a Flux Kustomization.
const COMPONENTS_FILE: &str = "gotk-components.yaml";
/// Files that `flux bootstrap` writes.
pub(crate) const BOOTSTRAP_FILES: [&str; 2] = [SYNC_FILE, COMPONENTS_FILE];
/// What a file holds that may say what Flux applies, whatever its name.
const HINTS: [&str; 2] = [GROUP, "FluxInstance"];
/// Names of directories that clusters are made of, not clusters.
const INGREDIENTS: &[&str] = &["base", "bases", "common", "shared", "template", "templates"];

/// Where a cluster begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: String,
    /// The directory that Flux applies first, in the repository's paths.
    pub(crate) path: RepoPath,
    /// Root of its source, in the repository's paths.
    pub(crate) root: RepoPath,
}

/// One hint: a file that says what Flux applies.
#[derive(Debug)]
struct Hint {
    /// Directory of the file; for one in a `flux-system` directory, the directory above.
    directory: RepoPath,
    /// What it applies, in the artifact's paths; nothing where only the cluster can tell.
    applies: Option<RepoPath>,
    /// Whether it is about the cluster's own directory.
    is_bootstrap: bool,
}

/// Returns the clusters of `repo`, sorted by name.
pub(crate) fn entries(repo: &Repo) -> Vec<Entry> {
    let files = repo.files();
    let hints = hints(repo);
    let mut places = BTreeMap::new();
    for hint in hints.iter().filter(|hint| hint.is_bootstrap) {
        let (path, root) = bootstrapped(files, hint);
        places.entry(path).or_insert(root);
    }
    let parts = used_directories(repo);
    let is_part = |path: &RepoPath| parts.iter().any(|part| part == path || path.is_below(part));
    for path in below_clusters(&hints) {
        let covered = places.keys().any(|known| *known == path || path.is_below(known));
        if !covered && !is_part(&path) {
            let root = source_root(files, &hints, &path);
            places.insert(path, root);
        }
    }
    if places.is_empty() {
        for path in unapplied(&hints) {
            let root = source_root(files, &hints, &path);
            places.insert(path, root);
        }
    }
    places.retain(|path, _| !is_ingredient(path.name()));
    named(&places)
}

/// Returns the cluster that the user calls `name` and whose directory is `path`.
pub(crate) fn entry_at(repo: &Repo, name: String, path: RepoPath) -> Entry {
    let hints = hints(repo);
    let bootstrap = hints.iter().find(|hint| hint.is_bootstrap && hint.directory == path);
    let root = bootstrap.map(|hint| bootstrapped(repo.files(), hint)).filter(|(found, _)| *found == path);
    let root = root.map_or_else(|| source_root(repo.files(), &hints, &path), |(_, root)| root);
    Entry { name, path, root }
}

fn is_ingredient(name: &str) -> bool {
    name.starts_with(['_', '.']) || INGREDIENTS.contains(&name)
}

/// Reads what the files of the repository say, sorted by path.
fn hints(repo: &Repo) -> Vec<Hint> {
    let files = repo.files();
    let is_hidden = |path: &RepoPath| path.parts().any(|part| part.starts_with('.'));
    let named = files.iter().filter(|(path, _)| path.name() == SYNC_FILE);
    let candidates: BTreeMap<_, _> = HINTS.into_iter().flat_map(|text| repo.holding(text)).chain(named).collect();
    let is_candidate = |path: &RepoPath| path.is_yaml() && path.name() != COMPONENTS_FILE && !is_hidden(path);
    let candidates: Vec<_> = candidates.into_iter().filter(|(path, _)| is_candidate(path)).collect();
    candidates.into_par_iter().flat_map_iter(|(path, id)| hints_of(repo, path, id)).collect()
}

fn hints_of(repo: &Repo, path: &RepoPath, id: SourceId) -> Vec<Hint> {
    let parent = path.parent();
    let directory = if parent.name() == BOOTSTRAP_NAME { parent.parent() } else { parent };
    let documents = repo.yaml(id).map(|parsed| parsed.documents.as_slice()).unwrap_or_default();
    let hint = |applies, is_bootstrap| Hint { directory: directory.clone(), applies, is_bootstrap };
    let mut found = Vec::new();
    for root in documents.iter().map(|document| &document.root) {
        if bootstrap::is_instance(root) {
            let path = read::text(root, &["spec", "sync", "path"]);
            found.extend(path.map(|path| hint(Some(artifact_path(&path.value)), true)));
        } else if FluxKustomization::is_one(root) {
            let Some(owner) = FluxKustomization::read(root) else { continue };
            let is_bootstrap = path.name() == SYNC_FILE || owner.id.name == BOOTSTRAP_NAME;
            // In an artifact that a generator makes, a path says nothing about the repository.
            let is_generated = owner.source.as_ref().is_some_and(|source| source.kind.value == "ExternalArtifact");
            let applies = artifact_path(owner.path.as_ref().map_or("", |path| path.value.as_str()));
            found.push(hint((!is_generated).then_some(applies), is_bootstrap && owner.remote.is_none()));
        }
    }
    if path.name() == SYNC_FILE && !found.iter().any(|hint| hint.is_bootstrap) {
        found.push(Hint { directory, applies: None, is_bootstrap: true });
    }
    found
}

/// Returns directory and source root of the cluster that `hint` bootstraps.
fn bootstrapped(files: &FileSet, hint: &Hint) -> (RepoPath, RepoPath) {
    let Some(applies) = &hint.applies else { return (hint.directory.clone(), RepoPath::root()) };
    if files.is_dir(applies) {
        return (applies.clone(), RepoPath::root());
    }
    // A repository of repositories: the path counts from a directory above.
    if let Some(root) = strip_suffix(&hint.directory, applies) {
        return (hint.directory.clone(), root);
    }
    let siblings = strip_suffix(&hint.directory.parent(), &applies.parent());
    (hint.directory.clone(), siblings.unwrap_or_else(RepoPath::root))
}

/// Returns `path` without the names of `suffix` at its end, where it ends in them.
fn strip_suffix(path: &RepoPath, suffix: &RepoPath) -> Option<RepoPath> {
    if suffix.is_root() {
        return Some(path.clone());
    }
    let prefix = path.as_str().strip_suffix(suffix.as_str())?;
    if prefix.is_empty() {
        return Some(RepoPath::root());
    }
    RepoPath::new(prefix.strip_suffix('/')?).ok()
}

/// Returns the directories below one called `clusters` that hold Flux Kustomizations, the outermost of each branch.
fn below_clusters(hints: &[Hint]) -> BTreeSet<RepoPath> {
    let holders: BTreeSet<_> = hints.iter().map(|hint| &hint.directory).collect();
    let outermost = |holder: &&RepoPath| {
        let above: Vec<_> = holder.parts().collect();
        let clusters = above.iter().position(|part| *part == "clusters")?;
        let depths = clusters + 2..=above.len();
        let mut paths = depths.filter_map(|depth| RepoPath::new(&above[..depth].join("/")).ok());
        paths.find(|path| holders.contains(path))
    };
    holders.iter().filter_map(outermost).collect()
}

/// Returns the directories of Flux Kustomizations that are below no path that another one applies, the outermost ones.
fn unapplied(hints: &[Hint]) -> BTreeSet<RepoPath> {
    let is_applied = |directory: &RepoPath| {
        let covers = |path: &RepoPath| path == directory || directory.is_below(path);
        hints.iter().any(|hint| hint.directory != *directory && hint.applies.as_ref().is_some_and(covers))
    };
    let found: BTreeSet<_> = hints.iter().map(|hint| &hint.directory).filter(|path| !is_applied(path)).collect();
    let is_outermost = |path: &&RepoPath| !found.iter().any(|other| path.is_below(other));
    found.iter().copied().filter(is_outermost).cloned().collect()
}

/// Returns where the source of the cluster at `path` has its root: the directory above `clusters` where the paths that
/// its Kustomizations apply exist only there.
fn source_root(files: &FileSet, hints: &[Hint], path: &RepoPath) -> RepoPath {
    let own = hints.iter().filter(|hint| hint.directory == *path || hint.directory.is_below(path));
    let applied: Vec<_> = own.filter_map(|hint| hint.applies.as_ref()).collect();
    if applied.iter().any(|applies| files.is_dir(applies)) {
        return RepoPath::root();
    }
    let mut root = path.parent();
    while !root.is_root() {
        let exists = |applies: &&RepoPath| root.join(applies.as_str()).is_ok_and(|path| files.is_dir(&path));
        if applied.iter().any(exists) {
            return root;
        }
        root = root.parent();
    }
    RepoPath::root()
}

/// Returns the directories that some kustomization file uses: they are parts of something else.
fn used_directories(repo: &Repo) -> BTreeSet<RepoPath> {
    let mut used = BTreeSet::new();
    for (path, id) in repo.files().iter().filter(|(path, _)| kustomize::FILE_NAMES.contains(&path.name())) {
        let directory = path.parent();
        let Some(document) = repo.yaml(id).and_then(|parsed| parsed.documents.first()) else { continue };
        let lists = ["resources", "bases", "components"].into_iter().flat_map(|field| document.root.items(field));
        for reference in lists.filter_map(Node::as_str) {
            // What is inside the own directory is that directory's business.
            let target = directory.join(reference).ok().filter(|target| !target.is_below(&directory));
            used.extend(target.filter(|target| repo.files().is_dir(target)));
        }
    }
    used
}

/// Names each cluster by the last part of its directory, or by more parts where that is not unique.
fn named(places: &BTreeMap<RepoPath, RepoPath>) -> Vec<Entry> {
    let name = |path: &RepoPath, depth: usize| {
        let parts: Vec<_> = path.parts().collect();
        let last = &parts[parts.len().saturating_sub(depth)..];
        if last.is_empty() { "cluster".to_owned() } else { last.join("-") }
    };
    let deepest = places.keys().map(|path| path.parts().count()).max().unwrap_or(0);
    let is_unique =
        |path: &RepoPath, depth| places.keys().filter(|other| name(other, depth) == name(path, depth)).count() == 1;
    let named = places.iter().map(|(path, root)| {
        let depth = (1..=deepest).find(|depth| is_unique(path, *depth)).unwrap_or(deepest);
        Entry { name: name(path, depth), path: path.clone(), root: root.clone() }
    });
    let mut entries: Vec<_> = named.collect();
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    entries
}
