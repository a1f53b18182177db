//! What was said of objects, remembered for the next revision of a repository: by schemas, and by rules.
//!
//! An object is known again by its place in memory, which the builder keeps for what did not change. What a rule found in a
//! cluster holds until one of the questions that it asked has another answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use crate::config;
use crate::diagnostic::Diagnostic;
use crate::flux::{Cluster, FluxKustomization, Location, Object, Substitution};
use crate::kube::{Gvk, NamespacedName};
use crate::repo::{Changes, Repo};
use crate::rules::index::asked::{Question, Questions};
use crate::rules::index::entries::makes_pods;
use crate::rules::index::names::{self, Names};
use crate::schema::{Catalogue, Outcome};
use crate::text::{RepoPath, SourceFile, Span};
use crate::yaml::Node;

/// What was said of every object of every cluster.
#[derive(Debug, Default)]
pub struct Verdicts {
    catalogue: Option<Catalogue>,
    clusters: BTreeMap<String, ClusterVerdicts>,
    /// What rules found in files, by the id of the rule.
    files: BTreeMap<&'static str, InFiles>,
}

/// What a rule found in each file, by the position of the file in the table; nothing where it has not looked.
pub(super) type InFiles = Vec<Option<Vec<Diagnostic>>>;

/// What was said of one cluster.
#[derive(Debug, Default)]
pub(super) struct ClusterVerdicts {
    catalogue: Option<Catalogue>,
    owners: Vec<Owner>,
    is_resolved: bool,
    /// In the order of [`Cluster::objects`].
    objects: Vec<Known>,
    names: Arc<Names>,
    /// By the id of the rule.
    rules: HashMap<&'static str, Arc<Remembered>>,
}

/// What the schemas said of an object.
#[derive(Debug)]
pub(super) struct Known {
    /// The object, so that its place in memory stays its own.
    node: Node,
    origin: Span,
    /// Place of its Kustomization among those of the cluster.
    owner: usize,
    outcome: Arc<Outcome>,
    /// Whether the outcome is of interest to nobody: everything was checked, nothing was found.
    is_clean: bool,
}

/// What a rule found in a cluster.
#[derive(Debug)]
pub(super) struct Remembered {
    /// What it asked for.
    pub(super) asked: Questions,
    /// What it found.
    pub(super) findings: Vec<Diagnostic>,
}

/// What rules may see of a Kustomization when they look at one of its objects.
#[derive(Debug, PartialEq)]
struct Owner {
    id: NamespacedName,
    node: Node,
    location: Location,
    applied_by: Option<NamespacedName>,
    substitution: Substitution,
}

impl Owner {
    fn new(owner: &FluxKustomization) -> Self {
        Self {
            id: owner.id.clone(),
            node: owner.node.clone(),
            location: owner.location.clone(),
            applied_by: owner.applied_by.clone(),
            substitution: owner.substitution.clone(),
        }
    }

    fn is(&self, owner: &FluxKustomization) -> bool {
        self.id == owner.id
            && self.node == owner.node
            && self.location == owner.location
            && self.applied_by == owner.applied_by
            && self.substitution == owner.substitution
    }
}

impl Verdicts {
    pub(super) fn new(
        catalogue: Catalogue,
        clusters: impl IntoIterator<Item = (String, ClusterVerdicts)>,
        files: impl IntoIterator<Item = (&'static str, InFiles)>,
    ) -> Self {
        Self {
            catalogue: Some(catalogue),
            clusters: clusters.into_iter().collect(),
            files: files.into_iter().collect(),
        }
    }

    /// Forgets what was said of the files that `changes`, which made `new` of `old`, have changed, and the schemas of the
    /// repository where one may be among them.
    pub fn forget(&mut self, old: &Repo, new: &Repo, changes: &Changes) {
        for found in self.files.values_mut() {
            for id in &changes.files {
                if let Some(found) = found.get_mut(id.index()) {
                    *found = None;
                }
            }
        }
        self.forget_schemas(old, new, changes);
    }

    fn forget_schemas(&mut self, old: &Repo, new: &Repo, changes: &Changes) {
        let places: Vec<RepoPath> =
            [old, new].into_iter().flat_map(|repo| &repo.config().schemas).map(|place| place.value.clone()).collect();
        let is_schema = |file: &SourceFile| {
            let path = file.path();
            path.as_str() == config::FILE
                || Catalogue::may_read(file.text())
                || places.iter().any(|place| path == place || path.is_below(place))
        };
        let new_files = changes.added.iter().filter_map(|path| new.files().file(path));
        let edited = changes.files.iter().flat_map(|id| [old, new].map(|repo| repo.source(*id))).flatten();
        if edited.chain(new_files).any(is_schema) {
            self.catalogue = None;
        }
    }

    /// Returns the schemas that apply to every cluster, where nothing may have changed them.
    pub(super) fn catalogue(&self) -> Option<Catalogue> {
        self.catalogue.clone()
    }

    /// Returns what rules found in files, by the id of the rule, and forgets it here.
    pub(super) fn take_files(&mut self) -> BTreeMap<&'static str, InFiles> {
        std::mem::take(&mut self.files)
    }

    /// Returns what was said of the cluster `name`, which is forgotten here.
    pub(super) fn take(&mut self, name: &str) -> ClusterVerdicts {
        self.clusters.remove(name).unwrap_or_default()
    }
}

impl Known {
    fn new(owner: usize, object: &Object<'_>, outcome: Arc<Outcome>) -> Self {
        let resource = object.resource;
        Self {
            node: resource.node.clone(),
            origin: resource.origin,
            owner,
            is_clean: matches!(outcome.as_ref(), Outcome::Checked(checked) if checked.says_nothing()),
            outcome,
        }
    }

    /// Returns what the schemas said, where it is of interest to somebody.
    pub(super) fn said(&self) -> Option<&Outcome> {
        (!self.is_clean).then_some(self.outcome.as_ref())
    }

    /// Returns whether `object` of the Kustomization at `owner` is this one, which nothing changed.
    fn is(&self, owner: usize, object: &Object<'_>) -> bool {
        // Maps that share their entries are equal without a look at them.
        let resource = object.resource;
        self.owner == owner && self.origin == resource.origin && self.node == resource.node
    }

    fn text(&self, keys: &[&str]) -> &str {
        self.node.at(keys).and_then(Node::as_str).unwrap_or("")
    }

    /// Adds the questions that this object has a part in the answers of.
    fn answer(&self, questions: &mut Questions) {
        let Gvk { group, kind, .. } = Gvk::new(self.text(&["apiVersion"]), self.text(&["kind"]));
        questions.add(Question::Kind(&group, &kind));
        questions.add(Question::Group(&group));
        questions.add(Question::Name(self.namespace(), self.text(&["metadata", "name"])));
        if makes_pods(&group, &kind) {
            questions.add(Question::Workloads);
        }
    }

    fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }
}

impl ClusterVerdicts {
    /// Returns what holds of `cluster`: what the schemas say of each object, and what rules found that did not ask for anything
    /// that changed.
    pub(super) fn renewed(mut self, catalogue: Catalogue, cluster: &Cluster) -> Self {
        let is_same_catalogue = self.catalogue.as_ref().is_some_and(|known| known.is_same(&catalogue));
        let owned = cluster.lists().enumerate();
        let objects: Vec<(usize, Object<'_>)> = owned
            .flat_map(|(at, (owner, _, resources))| {
                resources.iter().map(move |resource| (at, Object { owner, resource }))
            })
            .collect();
        let is = |known: &Known, (owner, object): &(usize, Object<'_>)| is_same_catalogue && known.is(*owner, object);
        let before = self.objects.iter().zip(&objects).take_while(|(known, object)| is(known, object)).count();
        let (old, new) = (&self.objects[before..], &objects[before..]);
        let after = old.iter().rev().zip(new.iter().rev()).take_while(|(known, object)| is(known, object)).count();
        let (gone, come) = (before..self.objects.len() - after, &new[..new.len() - after]);

        let outcomes: HashMap<_, _> = if is_same_catalogue {
            self.objects[gone.clone()].iter().filter_map(|known| Some((key(&known.node)?, &known.outcome))).collect()
        } else {
            HashMap::new()
        };
        let known = |(owner, object): &(usize, Object<'_>)| {
            let node = &object.resource.node;
            let outcome = key(node).and_then(|key| outcomes.get(&key));
            Known::new(*owner, object, outcome.map_or_else(|| Arc::new(catalogue.check(node)), |&it| Arc::clone(it)))
        };
        let names_come = come.iter().map(|(_, object)| names::Known::of(object.resource)).collect();
        let come: Vec<Known> = come.par_iter().map(known).collect();
        let mut changed = self.changed_beside_objects(cluster);
        if !self.rules.is_empty() {
            let gone = &self.objects[gone.clone()];
            gone.iter().chain(&come).for_each(|known| known.answer(&mut changed));
            if namespaces(gone) != namespaces(&come) {
                changed.add(Question::Namespaces);
            }
        }
        Arc::make_mut(&mut self.names).replace(gone.clone(), names_come);
        self.objects.splice(gone, come);
        self.rules.retain(|_, remembered| !remembered.asked.meet(&changed));
        self.catalogue = Some(catalogue);
        self
    }

    /// Returns the questions that have another answer whatever the objects are, and remembers what they are answered by.
    fn changed_beside_objects(&mut self, cluster: &Cluster) -> Questions {
        let owners = cluster.kustomizations.values();
        let is_resolved = cluster.is_fully_resolved();
        let mut changed = Questions::default();
        if self.owners.len() != owners.len() || !self.owners.iter().zip(owners.clone()).all(|(known, it)| known.is(it))
        {
            changed.add_all();
            self.owners = owners.map(Owner::new).collect();
        }
        if is_resolved != self.is_resolved {
            changed.add(Question::Resolved);
            self.is_resolved = is_resolved;
        }
        changed
    }

    /// Returns what the schemas said of each object, in the order of [`Cluster::objects`].
    pub(super) fn objects(&self) -> &[Known] {
        &self.objects
    }

    /// Returns what is known of the names of the objects.
    pub(super) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    /// Returns what the rule `id` found, where that still holds.
    pub(super) fn found_by(&self, id: &str) -> Option<&Arc<Remembered>> {
        self.rules.get(id)
    }

    /// Remembers what rules found, where that may hold when something changes.
    pub(super) fn remember(&mut self, found: impl IntoIterator<Item = (&'static str, Arc<Remembered>)>) {
        self.rules.extend(found.into_iter().filter(|(_, remembered)| !remembered.asked.are_all()));
    }
}

fn namespaces(objects: &[Known]) -> BTreeSet<&str> {
    objects.iter().map(Known::namespace).collect()
}

/// Returns what tells `node` from every other object that is alive.
fn key(node: &Node) -> Option<(usize, Span)> {
    Some((node.as_map()?.identity(), node.span))
}
