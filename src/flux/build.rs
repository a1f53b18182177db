//! Building a cluster: pass after pass over everything that Flux applies, until a pass finds nothing new.
//!
//! A Kustomization can need a source or a variable that another one applies, whatever their order; so a pass works with
//! what is known so far, and what does not change is not built again.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;

use crate::flux::bootstrap::{self, artifact_path};
use crate::flux::census::Census;
use crate::flux::cluster::{Cluster, Object};
use crate::flux::discover::{BOOTSTRAP_FILES, Entry};
use crate::flux::kustomization::{FluxKustomization, Location, Substitution};
use crate::flux::read::SourceRef;
use crate::flux::recall::{Layer, Memory, Recall};
use crate::flux::source::{self, Artifact, SourceKey, SourceTable};
use crate::flux::substitute::Substituter;
use crate::flux::variables::{self, Provided};
use crate::flux::{FluxVersion, metadata};
use crate::kube::NamespacedName;
use crate::kustomize::{self, Build, Mode, Outside, Overlay, Resource};
use crate::repo::{Changes, Repo};
use crate::text::{FileSet, RepoPath, Span};
use crate::yaml;

/// Passes after which a cluster that still changes is left as it is.
const MAX_PASSES: usize = 12;
/// Kustomizations of one cluster; more can only come from one that makes others of itself.
const MAX_KUSTOMIZATIONS: usize = 5_000;
/// What a file is whose content `flux bootstrap` writes and the repository does not have.
const UNFILLED: &str = "manifests of Flux that bootstrap writes";

/// A cluster on its way.
struct Construction<'a> {
    repo: &'a Repo,
    version: FluxVersion,
    /// The cluster's directory, in the artifact's paths.
    directory: RepoPath,
    table: SourceTable,
    /// What was built; a pass takes from it what still holds.
    layers: BTreeMap<NamespacedName, Layer>,
    /// What may still hold of the last revision.
    recall: Recall,
    /// The directory as it is, before any overlay.
    root: Option<(Arc<FileSet>, Build)>,
    bootstrap: Option<NamespacedName>,
    /// What the last pass found.
    provided: Provided,
}

/// Builds the cluster of `entry`, again where it was built of an earlier revision of `repo`.
pub(crate) fn build(
    repo: &Repo,
    entry: &Entry,
    version: FluxVersion,
    last: Option<(Cluster, Memory, &Changes)>,
) -> (Cluster, Memory) {
    let files = repo.files();
    let last = last.filter(|(_, memory, _)| memory.entry == *entry);
    let base = match &last {
        Some((_, memory, changes)) if changes.added.is_empty() && changes.removed.is_empty() => {
            memory.base.over(files.sources())
        }
        _ if entry.root.is_root() => files.clone(),
        _ => files.view(files.iter().filter_map(|(path, id)| Some((path.strip_prefix(&entry.root)?, id)))),
    };
    let (views, recall) = last.map_or_else(Default::default, |(cluster, mut memory, changes)| {
        (memory.views_over(&base, repo, changes), Recall::new(cluster, &mut memory, changes))
    });
    let mut construction = Construction {
        repo,
        version,
        directory: entry.path.strip_prefix(&entry.root).unwrap_or_else(|| entry.path.clone()),
        table: SourceTable::new(base, views),
        layers: BTreeMap::new(),
        recall,
        root: None,
        bootstrap: None,
        provided: Provided::default(),
    };
    let settled = (0..MAX_PASSES).any(|_| !construction.pass());
    construction.finish(entry, settled)
}

impl Construction<'_> {
    /// Goes over everything once; returns whether it came out differently than the last time.
    fn pass(&mut self) -> bool {
        self.table.begin_pass();
        let mut last = mem::take(&mut self.layers);
        let before: Vec<_> = last.values().map(|layer| (layer.owner.id.clone(), layer.owner.node.clone())).collect();
        let mut provided = Provided::default();
        let mut waiting = self.begin(&mut provided);
        while let Some(owner) = waiting.pop_front() {
            if self.layers.contains_key(&owner.id) || self.layers.len() >= MAX_KUSTOMIZATIONS {
                continue;
            }
            let last = last.remove(&owner.id);
            let layer = self.layer(owner, last, &provided);
            if layer.owner.remote.is_none() {
                self.record(layer.owner.of_kinds(has_a_say), &mut provided);
                let own = layer.owner.of_kinds(FluxKustomization::is_kind);
                waiting.extend(children(own, Some(&layer.owner.id)));
            }
            self.layers.insert(layer.owner.id.clone(), layer);
        }
        let after = self.layers.values().map(|layer| (&layer.owner.id, &layer.owner.node));
        let same_owners = after.eq(before.iter().map(|(id, node)| (id, node)));
        let sources_changed = self.table.end_pass();
        let variables_changed = provided != self.provided;
        self.provided = provided;
        !same_owners || sources_changed || variables_changed
    }

    /// Builds the cluster's own directory and returns the Kustomizations to begin with.
    fn begin(&mut self, provided: &mut Provided) -> VecDeque<FluxKustomization> {
        let files = self.table.default_view();
        let last = self.root.take().filter(|(known, _)| Arc::ptr_eq(known, &files));
        let (files, build) = last.unwrap_or_else(|| {
            let build = self.recall.root(&files);
            let build = build.unwrap_or_else(|| self.kustomize(&files, &self.directory, None));
            (files, build)
        });
        // Where a Kustomization applies the directory these are its objects, and it may change them.
        for resource in &build.resources {
            self.table.suggest(&resource.node);
        }
        let bootstrap = bootstrap::find(&build.resources, &self.directory, &mut self.table);
        self.table.set_home(bootstrap::home(bootstrap.as_ref(), &build.resources, &self.table));
        self.bootstrap = bootstrap.as_ref().map(|owner| owner.id.clone());
        let waiting = if let Some(owner) = bootstrap {
            VecDeque::from([owner])
        } else {
            self.record(&build.resources, provided);
            children(&build.resources, None).collect()
        };
        self.root = Some((files, build));
        waiting
    }

    fn record<'r>(&mut self, resources: impl IntoIterator<Item = &'r Resource>, provided: &mut Provided) {
        for resource in resources {
            self.table.record(&resource.node);
            provided.record(&resource.node);
        }
    }

    /// Builds `owner`, or takes over what `last` is where nothing that matters changed.
    fn layer(&mut self, mut owner: FluxKustomization, last: Option<Layer>, provided: &Provided) -> Layer {
        let files = self.locate(&mut owner);
        variables::resolve(&mut owner, provided, &self.provided, self.version);
        let same_files = |known: &Option<Arc<FileSet>>| match (known, &files) {
            (Some(known), Some(files)) => Arc::ptr_eq(known, files),
            (None, None) => true,
            _ => false,
        };
        let same = |last: &Layer| {
            last.owner.node == owner.node && last.owner.location == owner.location && same_files(&last.files)
        };
        let last = last.filter(same).or_else(|| self.recall.layer(&owner, files.as_ref()));
        let Some(last) = last else {
            owner.build = self.render(&owner, files.as_ref());
            self.postprocess(&mut owner);
            return Layer { owner, files };
        };
        owner.build = last.owner.build;
        if has_same_input(&owner.substitution, &last.owner.substitution) {
            owner.resources = last.owner.resources;
            owner.census = last.owner.census;
            owner.substitution = last.owner.substitution;
        } else {
            self.postprocess(&mut owner);
        }
        Layer { owner, files }
    }

    /// Finds the files of `owner` and says where they are.
    fn locate(&mut self, owner: &mut FluxKustomization) -> Option<Arc<FileSet>> {
        owner.location = Location::MissingSource;
        let is_bootstrap = self.bootstrap.as_ref() == Some(&owner.id);
        let key = owner.source.as_ref().map(SourceRef::key);
        let artifact = key.as_ref().and_then(|key| self.table.resolve(key)).map(|source| source.artifact.clone());
        let files = match artifact {
            Some(Artifact::Here(files)) => files,
            // The directory was found here, so here is what its source holds, whatever the source says.
            _ if is_bootstrap => self.table.default_view(),
            Some(Artifact::Elsewhere) => {
                owner.location = Location::Elsewhere;
                return None;
            }
            None => return None,
        };
        let path = artifact_path(owner.path.as_ref().map_or("", |path| path.value.as_str()));
        if files.is_dir(&path) {
            owner.location = Location::Here(path);
            return Some(files);
        }
        // Another branch of this repository may well have it.
        let elsewhere = key.is_some_and(|key| self.is_other_revision(&key));
        owner.location = if elsewhere { Location::Elsewhere } else { Location::MissingPath(path) };
        None
    }

    /// Returns whether `key` is at another branch or tag than the source of the cluster.
    fn is_other_revision(&self, key: &SourceKey) -> bool {
        let reference = |key: &SourceKey| {
            let node = self.table.node(key)?.at(&["spec", "ref"])?;
            yaml::emit(node).ok()
        };
        self.table.home().is_some_and(|home| home != key && reference(home) != reference(key))
    }

    fn render(&self, owner: &FluxKustomization, files: Option<&Arc<FileSet>>) -> Build {
        let (Location::Here(path), Some(files)) = (&owner.location, files) else { return Build::default() };
        match &self.root {
            Some((known, build)) if *path == self.directory && Arc::ptr_eq(known, files) && !owner.has_overlay() => {
                build.clone()
            }
            _ => self.kustomize(files, path, Some(&owner.overlay())),
        }
    }

    /// Builds a directory. What `flux bootstrap` has still to write is outside: Flux itself, which patches may be for.
    fn kustomize(&self, files: &FileSet, directory: &RepoPath, overlay: Option<&Overlay>) -> Build {
        let mut build = kustomize::build(self.repo, files, directory, Mode::Flux, overlay);
        let unfilled = build.files.iter().filter_map(|id| {
            let path = self.repo.source(*id)?.path();
            let is_empty = BOOTSTRAP_FILES.contains(&path.name()) && self.repo.yaml(*id)?.documents.is_empty();
            is_empty.then(|| Outside { what: UNFILLED, reference: path.as_str().into(), span: Span::new(*id, 0..0) })
        });
        build.outside.extend(unfilled.collect::<Vec<_>>());
        build
    }

    /// Substitutes variables and sets common metadata, after which nothing changes the objects.
    fn postprocess(&self, owner: &mut FluxKustomization) {
        let mut findings = mem::take(&mut owner.substitution.findings);
        owner.resources = if owner.substitution.active {
            let substituter = Substituter {
                sources: self.repo.sources(),
                variables: &owner.substitution.variables,
                complete: owner.substitution.complete,
            };
            owner.build.resources.iter().map(|resource| substituter.resource(resource, &mut findings)).collect()
        } else {
            owner.build.resources.clone()
        };
        owner.substitution.findings = findings;
        let common = owner.node.at(&["spec", "commonMetadata"]);
        for resource in &mut owner.resources {
            if let Some(common) = common {
                metadata::apply(common, &mut resource.node);
            }
            resource.seal();
        }
        owner.census = Census::of(&owner.resources);
    }

    fn finish(self, entry: &Entry, settled: bool) -> (Cluster, Memory) {
        let (base, views) = self.table.files();
        let mut memory = Memory {
            entry: entry.clone(),
            base: base.clone(),
            views: views.clone(),
            root: None,
            files: self.layers.iter().map(|(id, layer)| (id.clone(), layer.files.clone())).collect(),
        };
        let mut root = None;
        if let Some((files, mut build)) = self.root {
            build.resources.iter_mut().for_each(Resource::seal);
            let shown = self.bootstrap.is_none();
            let (here, there) = if shown { (Some(build), None) } else { (None, Some(build)) };
            root = here;
            memory.root = Some((files, there));
        }
        let mut cluster = Cluster {
            name: entry.name.clone(),
            path: entry.path.clone(),
            source_root: entry.root.clone(),
            root_census: root.as_ref().map(|build| Census::of(&build.resources)).unwrap_or_default(),
            root,
            bootstrap: self.bootstrap,
            kustomizations: self.layers.into_iter().map(|(id, layer)| (id, layer.owner)).collect(),
            sources: self.table.into_sources(),
            outside: Vec::new(),
        };
        cluster.outside = outside(&cluster, settled);
        (cluster, memory)
    }
}

impl FluxKustomization {
    /// Returns whether anything is folded into the kustomization file of the path.
    fn has_overlay(&self) -> bool {
        let fields = ["targetNamespace", "namePrefix", "nameSuffix", "patches", "components", "images"];
        fields.iter().any(|field| self.node.at(&["spec", field]).is_some_and(|field| !field.is_null()))
    }
}

fn has_same_input(left: &Substitution, right: &Substitution) -> bool {
    left.active == right.active && left.complete == right.complete && left.variables == right.variables
}

/// Returns the Flux Kustomizations among `resources`, which `parent` applies.
fn children<'r>(
    resources: impl IntoIterator<Item = &'r Resource>,
    parent: Option<&NamespacedName>,
) -> impl Iterator<Item = FluxKustomization> {
    let found = resources.into_iter().filter(|resource| FluxKustomization::is_kind(resource.group(), resource.kind()));
    found.filter_map(move |resource| {
        let mut owner = FluxKustomization::read(&resource.node)?;
        owner.applied_by = parent.cloned();
        Some(owner)
    })
}

/// Returns whether objects of this kind decide on what other Kustomizations render to.
fn has_a_say(group: &str, kind: &str) -> bool {
    source::is_group(group) || variables::may_provide(group, kind)
}

/// Returns what of `cluster` could not be built, sorted by place, beside the Kustomizations that are elsewhere.
fn outside(cluster: &Cluster, settled: bool) -> Vec<Outside> {
    let mut found = Vec::new();
    let builds = cluster.builds();
    // A file that waits for bootstrap holds nothing that the rest of the cluster could miss.
    found.extend(builds.flat_map(|build| &build.outside).filter(|outside| outside.what != UNFILLED).cloned());
    for owner in cluster.kustomizations.values() {
        if !settled {
            let reference = owner.id.to_string().into();
            found.push(Outside { what: "Kustomization that keeps changing", reference, span: owner.span });
        }
    }
    let sets = cluster.objects_of("fluxcd.controlplane.io", "ResourceSet");
    for Object { resource, .. } in sets.filter(|object| !object.is_remote()) {
        let reference = resource.object_ref().to_string().into();
        found.push(Outside { what: "objects that Flux Operator makes", reference, span: resource.origin });
    }
    found.sort_by_key(|outside| outside.span);
    found.dedup();
    found
}
