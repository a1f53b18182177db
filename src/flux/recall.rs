//! What the last revision of a cluster was built of, so that the next one builds only what changed.
//!
//! A build is a function of its Kustomization, of the files that took part in it and of the answers to "is there a file
//! or a directory of this path"; where none of these differs it is taken over. Nothing else is: which Kustomizations,
//! sources and variables there are comes out of the objects anew, so that nothing outlives what it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::flux::cluster::Cluster;
use crate::flux::discover::Entry;
use crate::flux::ignore;
use crate::flux::kustomization::FluxKustomization;
use crate::kube::NamespacedName;
use crate::kustomize::Build;
use crate::repo::{Changes, Repo};
use crate::text::{FileSet, RepoPath, SourceId};
use crate::yaml::{Kind, Node};

/// A Kustomization that is built, and the files that it was built from.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) owner: FluxKustomization,
    pub(crate) files: Option<Arc<FileSet>>,
}

/// What `spec.ignore` leaves of a repository.
pub(crate) type Views = BTreeMap<Option<SmolStr>, Arc<FileSet>>;

/// What a cluster was built of, beside what it shows itself.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) entry: Entry,
    /// The repository from the root of the cluster's source.
    pub(crate) base: FileSet,
    pub(crate) views: Views,
    /// The files of the cluster's own directory, and its build where the cluster does not have it.
    pub(crate) root: Option<(Arc<FileSet>, Option<Build>)>,
    /// The files of each Kustomization.
    pub(crate) files: BTreeMap<NamespacedName, Option<Arc<FileSet>>>,
}

/// What of the last revision of a cluster may still hold.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    layers: BTreeMap<NamespacedName, Layer>,
    root: Option<(Arc<FileSet>, Build)>,
    differences: Differences,
}

/// Pairs of views of the last revision and of this one, with the paths in which they differ.
#[derive(Debug, Default)]
struct Differences(Vec<(Arc<FileSet>, Arc<FileSet>, Vec<RepoPath>)>);

impl Recall {
    /// Returns what of `cluster` no changed file took part in.
    pub(crate) fn new(cluster: Cluster, memory: &mut Memory, changes: &Changes) -> Self {
        let is_untouched = |build: &Build| build.files.is_disjoint(&changes.files);
        // An equal text may be written otherwise (`"\x41"`), with other places inside of it.
        let is_unmoved = |owner: &FluxKustomization| {
            let mut sources = BTreeSet::new();
            sources_of(&owner.node, &mut sources);
            sources.is_disjoint(&changes.files)
        };
        let mut layers = BTreeMap::new();
        for (id, owner) in cluster.kustomizations {
            let Some(files) = memory.files.remove(&id) else { continue };
            if is_untouched(&owner.build) && is_unmoved(&owner) {
                layers.insert(id, Layer { owner, files });
            }
        }
        let root = memory.root.take().and_then(|(files, build)| Some((files, build.or(cluster.root)?)));
        let root = root.filter(|(_, build)| is_untouched(build));
        Self { layers, root, differences: Differences::default() }
    }

    /// Returns the build of the cluster's own directory, where it is the same in `files`.
    pub(crate) fn root(&mut self, files: &Arc<FileSet>) -> Option<Build> {
        let (known, build) = self.root.take()?;
        self.differences.spare(&build, &known, files).then_some(build)
    }

    /// Returns the layer of `owner`, where it is the same in `files`.
    pub(crate) fn layer(&mut self, owner: &FluxKustomization, files: Option<&Arc<FileSet>>) -> Option<Layer> {
        let known = self.layers.get(&owner.id)?;
        let same_files = match (&known.files, files) {
            (Some(known_files), Some(files)) => self.differences.spare(&known.owner.build, known_files, files),
            (None, None) => true,
            _ => false,
        };
        if !same_files || known.owner.node != owner.node || known.owner.location != owner.location {
            return None;
        }
        self.layers.remove(&owner.id)
    }
}

impl Memory {
    /// Returns the views that still hold over `base`, which is what [`Memory::base`] became.
    pub(crate) fn views_over(&self, base: &FileSet, repo: &Repo, changes: &Changes) -> Views {
        let is_list = |id: &SourceId| repo.source(*id).is_some_and(|file| ignore::is_list(file.path()));
        if changes.files.iter().any(is_list) || changes.added.iter().any(ignore::is_list) {
            return Views::new();
        }
        let paths = self.base.changed_paths(base);
        let renewed = |(ignore, view): (&Option<SmolStr>, &Arc<FileSet>)| {
            let over = view.over(base.sources());
            let over = if paths.is_empty() { over } else { ignore::refilter(&over, base, ignore.as_deref(), &paths) };
            (ignore.clone(), Arc::new(over))
        };
        self.views.iter().map(renewed).collect()
    }
}

impl Differences {
    /// Returns whether `build`, made of `known`, would find the same paths in `files`.
    fn spare(&mut self, build: &Build, known: &Arc<FileSet>, files: &Arc<FileSet>) -> bool {
        let was_asked = |path: &RepoPath| {
            let mut up = std::iter::successors(Some(path.clone()), |path| (!path.is_root()).then(|| path.parent()));
            up.any(|path| build.asked.contains(&path))
        };
        !self.between(known, files).iter().any(was_asked)
    }

    fn between(&mut self, old: &Arc<FileSet>, new: &Arc<FileSet>) -> &[RepoPath] {
        let is_pair = |pair: &(Arc<FileSet>, Arc<FileSet>, _)| Arc::ptr_eq(&pair.0, old) && Arc::ptr_eq(&pair.1, new);
        let at = self.0.iter().position(is_pair).unwrap_or_else(|| {
            self.0.push((Arc::clone(old), Arc::clone(new), old.changed_paths(new)));
            self.0.len() - 1
        });
        &self.0[at].2
    }
}

/// Collects the files that the values of `node` come from.
fn sources_of(node: &Node, sources: &mut BTreeSet<SourceId>) {
    sources.insert(node.span.source);
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => items.iter().for_each(|item| sources_of(item, sources)),
        Kind::Map(map) => map.iter().for_each(|entry| {
            sources.insert(entry.key.span().source);
            sources_of(&entry.value, sources);
        }),
    }
}
