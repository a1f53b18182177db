//! Clusters as rules and reports see them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::build;
use crate::flux::census::Census;
use crate::flux::discover::{self, Entry};
use crate::flux::order::apply_rank;
use crate::flux::recall::Memory;
use crate::flux::{FluxKustomization, FluxVersion, Location, Source, SourceKey};
use crate::kube::{NamespacedName, ObjectRef};
use crate::kustomize::{Build, Outside, Resource};
use crate::repo::{Changes, Repo};
use crate::text::{FileSet, RepoPath};

/// What decides how clusters are found and built.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Release line whose behaviour is followed.
    pub version: FluxVersion,
    /// Name and directory of each cluster; empty: they are found by the layout of the repository.
    pub clusters: BTreeMap<String, RepoPath>,
    /// Names of the clusters that are wanted; empty: all.
    pub only: BTreeSet<String>,
}

impl Options {
    /// Returns these options with what `config` says where they say nothing: the clusters that are named, and the Flux
    /// release where `version` is nothing. A named cluster without a directory is left to the rule on it.
    pub fn configured(mut self, version: Option<FluxVersion>, config: &Config, files: &FileSet) -> Self {
        if self.clusters.is_empty() {
            let named = config.clusters.iter().filter(|cluster| files.is_dir(&cluster.path.value));
            self.clusters = named.map(|cluster| (cluster.name.value.to_string(), cluster.path.value.clone())).collect();
        }
        let configured = config.flux.as_ref().and_then(|written| written.value.parse().ok());
        self.version = version.or(configured).unwrap_or(self.version);
        self
    }
}

/// The clusters of a repository.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Sorted by name.
    pub clusters: Vec<Cluster>,
    /// What was wrong before a cluster could be built: rule [`CLUSTER_MISSING`].
    pub diagnostics: Vec<Diagnostic>,
}

/// Rule of a cluster that is named and not there.
pub const CLUSTER_MISSING: &str = "cluster-missing";

/// One cluster: what Flux applies to it, to a fixpoint.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name, by default the last part of its directory.
    pub name: String,
    /// Directory whose content Flux applies first, in the repository's paths.
    pub path: RepoPath,
    /// Directory of the repository that is the root of the cluster's source: the repository's own, except in a
    /// repository that holds others.
    pub source_root: RepoPath,
    /// The Kustomization that applies `path`, where one is known.
    pub bootstrap: Option<NamespacedName>,
    /// What `path` renders to, where no Kustomization of the cluster applies it: otherwise these objects are that
    /// Kustomization's.
    pub root: Option<Build>,
    /// Where the objects of each kind stand in `root`.
    pub(crate) root_census: Census,
    /// Every Flux Kustomization found, by namespace and name.
    pub kustomizations: BTreeMap<NamespacedName, FluxKustomization>,
    /// Every source, also the one of the cluster itself where only its bootstrap makes it.
    pub sources: BTreeMap<SourceKey, Source>,
    /// What could not be built offline, sorted by place; Kustomizations whose location is elsewhere are not repeated,
    /// nor files that `flux bootstrap` has still to fill: those are only in the `outside` of their build.
    pub outside: Vec<Outside>,
}

/// An object of a cluster, with the Kustomization that applies it.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// Who applies it; nothing for what stands in the cluster's own directory and nobody is known to apply.
    pub owner: Option<&'a FluxKustomization>,
    /// The object.
    pub resource: &'a Resource,
}

impl Object<'_> {
    /// Returns whether it goes to another cluster (`spec.kubeConfig`).
    pub fn is_remote(&self) -> bool {
        self.owner.is_some_and(|owner| owner.remote.is_some())
    }
}

impl Cluster {
    /// Returns every build: that of the cluster's own directory where no Kustomization applies it, then by Kustomization.
    pub fn builds(&self) -> impl Iterator<Item = &Build> {
        self.root.iter().chain(self.kustomizations.values().map(|owner| &owner.build))
    }

    /// Returns every object, once for each Kustomization that applies it: those of the cluster's own directory first
    /// where no Kustomization applies them, then by Kustomization, in build order.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        let root = self.root.iter().flat_map(|build| &build.resources).map(|resource| Object { owner: None, resource });
        root.chain(self.kustomizations.values().flat_map(objects_of))
    }

    /// Returns every object of a kind, in the order of [`Cluster::objects`].
    pub fn objects_of<'a>(&'a self, group: &'a str, kind: &'a str) -> impl Iterator<Item = Object<'a>> {
        let lists = self.lists();
        lists.flat_map(move |(owner, census, resources)| {
            let places = census.places(group, kind).iter();
            places.filter_map(move |place| Some(Object { owner, resource: resources.get(*place)? }))
        })
    }

    /// Returns every object of the kinds that `is_wanted`, by group and kind, in the order of [`Cluster::objects`].
    pub fn objects_where(&self, is_wanted: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = Object<'_>> {
        self.lists().flat_map(move |(owner, census, resources)| {
            let places = census.places_of(&is_wanted).into_iter();
            places.filter_map(move |place| Some(Object { owner, resource: resources.get(place)? }))
        })
    }

    /// Returns every list of objects with its owner and census, in the order of [`Cluster::objects`].
    pub(crate) fn lists(&self) -> impl Iterator<Item = (Option<&FluxKustomization>, &Census, &[Resource])> {
        let root = self.root.iter().map(|build| (None, &self.root_census, build.resources.as_slice()));
        let owned = self.kustomizations.values();
        root.chain(owned.map(|owner| (Some(owner), &owner.census, owner.resources.as_slice())))
    }

    /// Returns every object in the order in which Flux applies them: a Kustomization after the one that applies it and
    /// after those that it depends on; within one by stage, kind and name.
    pub fn objects_in_apply_order(&self) -> Vec<Object<'_>> {
        let sorted = |mut objects: Vec<_>| {
            objects.sort_by_cached_key(|object: &Object<'_>| apply_rank(object.resource));
            objects
        };
        let root = self.root.iter().flat_map(|build| &build.resources).map(|resource| Object { owner: None, resource });
        let mut objects = sorted(root.collect());
        for owner in self.kustomizations_in_apply_order() {
            objects.extend(sorted(objects_of(owner).collect()));
        }
        objects
    }

    /// Returns every Flux Kustomization after the one that applies it and after those that it depends on; by name where
    /// that leaves a choice or is a cycle.
    pub fn kustomizations_in_apply_order(&self) -> Vec<&FluxKustomization> {
        let mut order = Vec::with_capacity(self.kustomizations.len());
        let mut entered = BTreeSet::new();
        for first in self.kustomizations.values() {
            // A stack instead of recursion: chains of dependencies have no bound.
            let mut stack = vec![(first, false)];
            while let Some((owner, left)) = stack.pop() {
                if left {
                    order.push(owner);
                } else if entered.insert(&owner.id) {
                    stack.push((owner, true));
                    let needed = owner.depends_on.iter().map(|dependency| &dependency.value).chain(&owner.applied_by);
                    let mut needed: Vec<_> = needed.filter_map(|id| self.kustomizations.get(id)).collect();
                    needed.sort_by(|left, right| right.id.cmp(&left.id));
                    stack.extend(needed.into_iter().map(|owner| (owner, false)));
                }
            }
        }
        order
    }

    /// Returns the objects that answer to `wanted` and stay in this cluster; several where several Kustomizations apply
    /// the same object.
    pub fn find<'a>(&'a self, wanted: &'a ObjectRef) -> impl Iterator<Item = Object<'a>> {
        self.objects_of(&wanted.group, &wanted.kind).filter(move |object| {
            let resource = object.resource;
            resource.name() == wanted.name && resource.namespace() == wanted.namespace && !object.is_remote()
        })
    }

    /// Returns whether everything that Flux applies was rendered: only then is absence a proof.
    pub fn is_fully_resolved(&self) -> bool {
        let located = |owner: &FluxKustomization| matches!(owner.location, Location::Here(_));
        self.outside.is_empty() && self.kustomizations.values().all(located) && !self.is_broken()
    }

    /// Returns whether a mistake keeps some part from being rendered: a source or path that does not exist, a build that
    /// fails. What is absent is then likely its consequence.
    pub fn is_broken(&self) -> bool {
        let misses =
            |owner: &FluxKustomization| matches!(owner.location, Location::MissingSource | Location::MissingPath(_));
        let fails = |build: &Build| build.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
        self.kustomizations.values().any(misses) || self.builds().any(fails)
    }
}

fn objects_of(owner: &FluxKustomization) -> impl Iterator<Item = Object<'_>> {
    owner.resources.iter().map(move |resource| Object { owner: Some(owner), resource })
}

/// Finds and builds the clusters of `repo`, side by side.
pub fn clusters(repo: &Repo, options: &Options) -> Fleet {
    Revision::new(repo, options).fleet
}

/// The clusters of one revision of a repository, with what lets the next one be built of what changed alone.
#[derive(Debug, Default)]
pub struct Revision {
    /// The clusters.
    pub fleet: Fleet,
    /// In the order of `fleet.clusters`.
    memories: Vec<Memory>,
    version: FluxVersion,
}

impl Revision {
    /// Finds and builds the clusters of `repo`, side by side.
    pub fn new(repo: &Repo, options: &Options) -> Self {
        Self::build(repo, options, Vec::new(), &Changes::default())
    }

    /// Returns the clusters of `repo`, which `changes` made of the repository of this revision: the same as
    /// [`Revision::new`] would, with the builds that nothing touched taken over.
    pub fn next(self, repo: &Repo, options: &Options, changes: &Changes) -> Self {
        if self.version != options.version {
            return Self::new(repo, options);
        }
        let last = self.fleet.clusters.into_iter().zip(self.memories).collect();
        Self::build(repo, options, last, changes)
    }

    fn build(repo: &Repo, options: &Options, last: Vec<(Cluster, Memory)>, changes: &Changes) -> Self {
        let mut diagnostics = Vec::new();
        let mut entries = if options.clusters.is_empty() {
            discover::entries(repo)
        } else {
            options.clusters.iter().filter_map(|(name, path)| named(repo, name, path, &mut diagnostics)).collect()
        };
        entries.retain(|entry| options.only.is_empty() || options.only.contains(&entry.name));
        let mut last: BTreeMap<_, _> = last.into_iter().map(|last| (last.0.name.clone(), last)).collect();
        let work: Vec<_> = entries.into_iter().map(|entry| (last.remove(&entry.name), entry)).collect();
        let built = work.into_par_iter().map(|(last, entry)| {
            let last = last.map(|(cluster, memory)| (cluster, memory, changes));
            build::build(repo, &entry, options.version, last)
        });
        let (clusters, memories) = built.unzip();
        Self { fleet: Fleet { clusters, diagnostics }, memories, version: options.version }
    }
}

fn named(repo: &Repo, name: &str, path: &RepoPath, diagnostics: &mut Vec<Diagnostic>) -> Option<Entry> {
    if repo.files().is_dir(path) {
        return Some(discover::entry_at(repo, name.to_owned(), path.clone()));
    }
    let message = format!("cluster `{name}` has no directory `{path}`");
    diagnostics.push(Diagnostic::new(CLUSTER_MISSING, Severity::Error, message).help("correct the path"));
    None
}
