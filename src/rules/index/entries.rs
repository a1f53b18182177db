//! The objects of one cluster by place, kind and name, and its pods: made once for all rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;

use crate::flux::{Cluster, ImageAutomation, Object};
use crate::rules::index::Workload;
use crate::rules::index::names::Names;
use crate::rules::index::references::Reference;
use crate::yaml::Node;

/// Kinds that make pods, and where their pod template is.
const WORKLOADS: &[(&str, &str, &[&str])] = &[
    ("", "Pod", &[]),
    ("", "ReplicationController", &["spec", "template"]),
    ("apps", "DaemonSet", &["spec", "template"]),
    ("apps", "Deployment", &["spec", "template"]),
    ("apps", "ReplicaSet", &["spec", "template"]),
    ("apps", "StatefulSet", &["spec", "template"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("batch", "Job", &["spec", "template"]),
    ("argoproj.io", "Rollout", &["spec", "template"]),
];

/// What brings objects that the repository does not show.
pub(super) const RELEASES: (&str, &str) = ("helm.toolkit.fluxcd.io", "HelmRelease");

/// The objects of one cluster by kind, and its pods, for all rules.
#[derive(Debug)]
pub(in crate::rules) struct Entries<'a> {
    pub(super) cluster: &'a Cluster,
    /// Every object, in the order of [`Cluster::objects`]; also those that another cluster gets.
    pub(super) objects: Vec<Object<'a>>,
    /// What is known of each of them, by its place.
    pub(super) names: Arc<Names>,
    /// Sorted by group, then kind.
    pub(super) kinds: Vec<OfKind<'a>>,
    pub(super) workloads: Vec<Workload<'a>>,
    /// Places in `workloads`, by namespace.
    pub(super) workloads_of: BTreeMap<&'a str, Vec<usize>>,
    /// Namespaces into which a chart or an operator may put objects that the repository does not show.
    pub(super) open_namespaces: BTreeSet<&'a str>,
    /// Place of one object of each namespace that objects are in; looked for when a rule asks.
    pub(super) namespaces: OnceLock<Vec<usize>>,
    pub(super) automation: ImageAutomation<'a>,
    /// What pods, and the objects that stand before them, refer to; looked for when a rule asks.
    pub(super) references: OnceLock<Vec<Reference<'a>>>,
}

/// The objects of one kind.
#[derive(Debug)]
pub(super) struct OfKind<'a> {
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    /// In the order of [`Cluster::objects`].
    pub(super) objects: Vec<Object<'a>>,
    /// The place of each among all objects.
    pub(super) places: Vec<usize>,
    /// Their places in the list by namespace; made when a rule asks for it.
    pub(super) by_namespace: OnceLock<HashMap<SmolStr, Vec<usize>>>,
}

impl<'a> OfKind<'a> {
    pub(super) fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Object<'a>> {
        let by_namespace = self.by_namespace.get_or_init(|| {
            let mut found: HashMap<SmolStr, Vec<usize>> = HashMap::new();
            for (place, object) in self.objects.iter().enumerate() {
                found.entry(object.resource.namespace().into()).or_default().push(place);
            }
            found
        });
        by_namespace.get(namespace).into_iter().flatten().filter_map(|place| self.objects.get(*place))
    }
}

impl<'a> Entries<'a> {
    /// Returns those of `cluster`, of which `names` knows each object.
    pub(in crate::rules) fn new(cluster: &'a Cluster, names: Arc<Names>) -> Self {
        let mut kinds: BTreeMap<(&'a str, &'a str), Vec<usize>> = BTreeMap::new();
        let mut all = Vec::new();
        for (owner, census, resources) in cluster.lists() {
            let first = all.len();
            all.extend(resources.iter().map(|resource| Object { owner, resource }));
            if owner.is_some_and(|owner| owner.remote.is_some()) {
                continue;
            }
            for (group, kind, places) in census.kinds() {
                kinds.entry((group, kind)).or_default().extend(places.iter().map(|place| first + place));
            }
        }
        let of_kind = |((group, kind), places): (_, Vec<usize>)| {
            let objects = places.iter().filter_map(|place| all.get(*place).copied()).collect();
            OfKind { group, kind, objects, places, by_namespace: OnceLock::new() }
        };
        let kinds = kinds.into_iter().map(of_kind).collect();
        let mut index = Self {
            cluster,
            objects: all,
            names,
            kinds,
            workloads: Vec::new(),
            workloads_of: BTreeMap::new(),
            open_namespaces: BTreeSet::new(),
            namespaces: OnceLock::new(),
            automation: ImageAutomation::of(cluster),
            references: OnceLock::new(),
        };
        index.workloads = index.find_workloads();
        for (at, workload) in index.workloads.iter().enumerate() {
            index.workloads_of.entry(workload.namespace()).or_default().push(at);
        }
        index.open_namespaces = index.find_open_namespaces();
        index
    }

    pub(super) fn kind(&self, group: &str, kind: &str) -> Option<&OfKind<'a>> {
        let at = self.kinds.binary_search_by(|known| (known.group, known.kind).cmp(&(group, kind))).ok()?;
        self.kinds.get(at)
    }

    pub(super) fn of_kind(&self, group: &str, kind: &str) -> &[Object<'a>] {
        self.kind(group, kind).map(|of_kind| of_kind.objects.as_slice()).unwrap_or_default()
    }

    /// Returns the objects at `places` among all objects.
    pub(super) fn at(&self, places: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Object<'a>> {
        places.into_iter().filter_map(|place| self.objects.get(place).copied())
    }

    /// Returns the image automation of the cluster.
    pub(in crate::rules) fn automation(&self) -> &ImageAutomation<'a> {
        &self.automation
    }

    /// Returns the objects that SOPS encrypted, also those that another cluster gets, in the order of [`Cluster::objects`].
    pub(in crate::rules) fn encrypted(&self) -> impl Iterator<Item = Object<'a>> {
        self.at(self.names.encrypted())
    }

    fn find_workloads(&self) -> Vec<Workload<'a>> {
        let mut found = Vec::new();
        for (group, kind, path) in WORKLOADS {
            for object in self.of_kind(group, kind) {
                let template = object.resource.node.at(path);
                found.extend(template.map(|template| Workload { object: *object, template }));
            }
        }
        found
    }

    fn find_open_namespaces(&self) -> BTreeSet<&'a str> {
        // Flux itself is there, and a part of it is what `flux bootstrap` writes.
        let mut open = BTreeSet::from(["flux-system", "kube-system"]);
        for object in self.of_kind(RELEASES.0, RELEASES.1) {
            let target = object.resource.node.at(&["spec", "targetNamespace"]).and_then(Node::as_str);
            open.insert(target.unwrap_or_else(|| object.resource.namespace()));
        }
        open
    }
}

/// Returns the groups and kinds whose objects make pods.
pub(in crate::rules) fn pod_makers() -> impl Iterator<Item = (&'static str, &'static str)> {
    WORKLOADS.iter().map(|(group, kind, _)| (*group, *kind))
}

/// Returns whether objects of this group and kind make pods.
pub(in crate::rules) fn makes_pods(group: &str, kind: &str) -> bool {
    WORKLOADS.iter().any(|(of_group, of_kind, _)| *of_group == group && *of_kind == kind)
}
