//! What the schemas said of objects, remembered for the next revision of a repository.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config;
use crate::repo::{Changes, Repo};
use crate::schema::{Catalogue, Outcome};
use crate::text::{RepoPath, SourceFile, Span};
use crate::yaml::Node;

/// What the schemas said of every object of every cluster.
#[derive(Debug, Default)]
pub struct Verdicts {
    catalogue: Option<Catalogue>,
    clusters: BTreeMap<String, ClusterVerdicts>,
}

/// What the schemas said of the objects of one cluster.
#[derive(Debug)]
pub(super) struct ClusterVerdicts {
    catalogue: Catalogue,
    /// With the object, so that its identity stays its own.
    outcomes: HashMap<(usize, Span), (Node, Arc<Outcome>)>,
}

impl Verdicts {
    pub(super) fn new(catalogue: Catalogue, clusters: impl IntoIterator<Item = (String, ClusterVerdicts)>) -> Self {
        Self { catalogue: Some(catalogue), clusters: clusters.into_iter().collect() }
    }

    /// Forgets the schemas of the repository where `changes`, which made `new` of `old`, may have changed one.
    pub fn forget_schemas(&mut self, old: &Repo, new: &Repo, changes: &Changes) {
        let places: Vec<RepoPath> = [old, new]
            .into_iter()
            .flat_map(|repo| config::read(repo.files()).0.schemas)
            .map(|place| place.value)
            .collect();
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

    /// Returns what was said of the objects of `cluster`, where `catalogue` would say the same.
    pub(super) fn of(&self, cluster: &str, catalogue: &Catalogue) -> Option<&ClusterVerdicts> {
        self.clusters.get(cluster).filter(|known| known.catalogue.is_same(catalogue))
    }
}

impl ClusterVerdicts {
    pub(super) fn new<'a>(catalogue: Catalogue, said: impl IntoIterator<Item = (&'a Node, &'a Arc<Outcome>)>) -> Self {
        let known = |(node, outcome): (&Node, &Arc<Outcome>)| Some((key(node)?, (node.clone(), Arc::clone(outcome))));
        Self { catalogue, outcomes: said.into_iter().filter_map(known).collect() }
    }

    /// Returns what was said of `node`.
    pub(super) fn of(&self, node: &Node) -> Option<Arc<Outcome>> {
        self.outcomes.get(&key(node)?).map(|(_, outcome)| Arc::clone(outcome))
    }
}

/// Returns what tells `node` from every other object that is alive.
fn key(node: &Node) -> Option<(usize, Span)> {
    Some((node.as_map()?.identity(), node.span))
}
