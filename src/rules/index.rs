//! A cluster by name, label and port: what rules that follow references from object to object share.
//!
//! Built once for each cluster, before the rules run. It holds what stays in the cluster: objects that a Kustomization
//! with `spec.kubeConfig` sends to another one are left out. It remembers what it was asked, so that a rule runs again only where
//! the answers may have changed.

pub(super) mod asked;
pub(super) mod entries;
mod made;
pub(super) mod names;
pub(super) mod references;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Severity;
use crate::flux::{Cluster, ImageAutomation, Object, SourceKey};
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::absence;
use crate::rules::index::asked::{Question, Questions};
use crate::rules::index::entries::{Entries, RELEASES};
use crate::rules::index::references::Reference;
use crate::yaml::{Map, Node, Step};

/// Groups, or ends of groups, whose objects make no pods.
const PODLESS: &[&str] = &[
    "k8s.io",
    "fluxcd.io",
    "cert-manager.io",
    "monitoring.coreos.com",
    "external-secrets.io",
    "bitnami.com",
    "gateway.envoyproxy.io",
    "kyverno.io",
    "cilium.io",
    "keda.sh",
    "linkerd.io",
    "istio.io",
];

/// An object of the cluster that makes pods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload<'a> {
    /// The object and who applies it.
    pub(super) object: Object<'a>,
    /// The pod template (`metadata` and `spec`); for a Pod the object itself.
    pub(super) template: &'a Node,
}

/// A container of a pod template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'a> {
    /// The container.
    pub(super) node: &'a Node,
    /// The field that it stands in: `containers`, `initContainers` or `ephemeralContainers`.
    pub(super) field: &'static str,
}

/// A port that a container or a Service declares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port<'a> {
    /// Its entry.
    pub(super) node: &'a Node,
    /// Its number: `containerPort` of a container, `port` of a Service.
    pub(super) number: Option<i64>,
}

impl<'a> Port<'a> {
    /// Returns its name.
    pub(super) fn name(&self) -> Option<&'a str> {
        self.node.get("name").and_then(Node::as_str)
    }

    /// Returns whether `wanted`, a name or a number, is this port.
    pub(super) fn answers_to(&self, wanted: &Node) -> bool {
        let Some(text) = wanted.as_str() else { return false };
        match text.parse::<i64>() {
            Ok(number) => self.number == Some(number),
            Err(_) => self.name() == Some(text),
        }
    }
}

impl<'a> Container<'a> {
    /// Returns its name; empty where it has none.
    pub(super) fn name(&self) -> &'a str {
        self.node.get("name").and_then(Node::as_str).unwrap_or("")
    }

    /// Returns its ports.
    pub(super) fn ports(&self) -> impl Iterator<Item = Port<'a>> + use<'a> {
        self.node.items("ports").iter().map(|node| Port { node, number: number(node.get("containerPort")) })
    }

    /// Returns whether it runs beside the others: a sidecar does, though it stands in `initContainers`.
    pub(super) fn keeps_running(&self) -> bool {
        self.field == "containers" || self.node.get("restartPolicy").and_then(Node::as_str) == Some("Always")
    }
}

impl<'a> Workload<'a> {
    /// Returns the object.
    pub(super) fn resource(&self) -> &'a Resource {
        self.object.resource
    }

    /// Returns the namespace of the object and its pods.
    pub(super) fn namespace(&self) -> &'a str {
        self.resource().namespace()
    }

    /// Returns the spec of its pods.
    pub(super) fn pod_spec(&self) -> Option<&'a Node> {
        self.template.get("spec")
    }

    /// Returns the labels of its pods.
    pub(super) fn labels(&self) -> Option<&'a Map> {
        self.template.at(&["metadata", "labels"])?.as_map()
    }

    /// Returns the containers of its pods, those that start first first.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container<'a>> {
        let spec = self.pod_spec();
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |field| {
            spec.map(|spec| spec.items(field)).unwrap_or_default().iter().map(move |node| Container { node, field })
        })
    }

    /// Returns the ports of the containers that keep running.
    pub(super) fn ports(&self) -> impl Iterator<Item = Port<'a>> {
        self.containers().filter(Container::keeps_running).flat_map(|container| container.ports())
    }

    /// Returns whether `selector` selects its pods.
    pub(super) fn is_selected(&self, selector: &LabelSelector) -> bool {
        let labels = self.labels();
        selector.matches(|key| labels?.get(key)?.as_str())
    }

    /// Returns its number of pods; nothing where it leaves that to others (an autoscaler, the number of nodes).
    pub(super) fn replicas(&self) -> Option<i64> {
        number(self.resource().node.at(&["spec", "replicas"]))
    }
}

/// The objects of one cluster by kind, and its pods, for one rule.
#[derive(Debug)]
pub struct ClusterIndex<'a> {
    entries: Arc<Entries<'a>>,
    asked: RefCell<Questions>,
}

impl<'a> ClusterIndex<'a> {
    /// Returns an index over `entries` that nobody has asked anything yet.
    pub(super) fn new(entries: &Arc<Entries<'a>>) -> Self {
        Self { entries: Arc::clone(entries), asked: RefCell::default() }
    }

    /// Returns what was asked.
    pub(super) fn into_asked(self) -> Questions {
        self.asked.into_inner()
    }

    fn ask(&self, question: Question<'_>) {
        self.asked.borrow_mut().add(question);
    }

    /// Returns the cluster's name.
    pub(super) fn cluster_name(&self) -> &'a str {
        &self.entries.cluster.name
    }

    /// Returns the cluster itself: whoever looks at it depends on everything in it.
    pub(super) fn cluster(&self) -> &'a Cluster {
        self.asked.borrow_mut().add_all();
        self.entries.cluster
    }

    /// Returns the objects of a kind, in the order of [`Cluster::objects`].
    pub(super) fn of_kind(&self, group: &str, kind: &str) -> &[Object<'a>] {
        self.ask(Question::Kind(group, kind));
        self.entries.of_kind(group, kind)
    }

    /// Returns the objects of a kind in `namespace`, in the order of [`Cluster::objects`].
    pub(super) fn of_kind_in(&self, group: &str, kind: &str, namespace: &str) -> impl Iterator<Item = &Object<'a>> {
        self.ask(Question::Kind(group, kind));
        self.entries.kind(group, kind).into_iter().flat_map(move |of_kind| of_kind.in_namespace(namespace))
    }

    /// Returns the objects of every kind of a group, kind after kind.
    pub(super) fn of_group(&self, group: &str) -> Vec<Object<'a>> {
        self.ask(Question::Group(group));
        let kinds = self.entries.kinds.iter().filter(|of_kind| of_kind.group == group);
        kinds.flat_map(|of_kind| &of_kind.objects).copied().collect()
    }

    /// Returns the object of the source `key`, wherever it is from.
    pub(super) fn source(&self, key: &SourceKey) -> Option<&'a Node> {
        // Sources are made by Flux Operator too, and artifacts by generators.
        self.ask(Question::Group("source.toolkit.fluxcd.io"));
        self.ask(Question::Group("source.extensions.fluxcd.io"));
        self.ask(Question::Group("fluxcd.controlplane.io"));
        self.entries.cluster.sources.get(key)?.node.as_ref()
    }

    /// Returns the object of this kind, namespace and name. For kinds without a namespace it is empty.
    pub(super) fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&'a Resource> {
        let is_it = |resource: &&Resource| resource.kind() == kind && resource.gvk().group == group;
        self.named(namespace, name).map(|object| object.resource).find(is_it)
    }

    /// Returns the objects of this namespace and name, of all kinds; several of one kind where several Kustomizations apply it.
    pub(super) fn named(&self, namespace: &str, name: &str) -> impl Iterator<Item = Object<'a>> {
        self.ask(Question::Name(namespace, name));
        let has_name = move |object: &Object<'a>| {
            object.resource.name() == name && object.resource.namespace() == namespace && !object.is_remote()
        };
        self.entries.at(self.entries.names.places(namespace, name)).filter(has_name)
    }

    /// Returns the objects that may have group, kind, namespace and name of another one, also where another cluster gets them,
    /// in the order of [`Cluster::objects`].
    pub(super) fn namesakes(&self) -> impl Iterator<Item = Object<'a>> {
        self.asked.borrow_mut().add_all();
        self.entries.at(self.entries.names.shared().iter().copied())
    }

    /// Returns the objects of a kind with a text that holds [`names::KAFKA`], in the order of [`Cluster::objects`].
    pub(super) fn with_kafka(&self, group: &str, kind: &str) -> impl Iterator<Item = Object<'a>> {
        self.ask(Question::Kind(group, kind));
        let of_kind = self.entries.kind(group, kind);
        let objects = of_kind.into_iter().flat_map(|of_kind| of_kind.objects.iter().zip(&of_kind.places));
        let names = &self.entries.names;
        objects.filter(|(object, place)| names.holds_kafka(**place, object.resource)).map(|(object, _)| *object)
    }

    /// Returns the image automation of the cluster.
    pub(super) fn automation(&self) -> &ImageAutomation<'a> {
        self.ask(Question::Group("image.toolkit.fluxcd.io"));
        self.ask(Question::Kind("source.toolkit.fluxcd.io", "GitRepository"));
        self.entries.automation()
    }

    /// Returns the names of the objects of a kind in `namespace`.
    pub(super) fn names(&self, group: &str, kind: &str, namespace: &str) -> impl Iterator<Item = &'a str> {
        self.of_kind_in(group, kind, namespace).map(|object| object.resource.name())
    }

    /// Returns every object that makes pods, by kind.
    pub(super) fn workloads(&self) -> &[Workload<'a>] {
        self.ask(Question::Workloads);
        &self.entries.workloads
    }

    /// Returns what pods, and the objects that stand before them, refer to, in the order of the objects by kind.
    pub(super) fn references(&self) -> &[Reference<'a>] {
        self.ask(Question::Workloads);
        references::kinds().for_each(|(group, kind)| self.ask(Question::Kind(group, kind)));
        self.entries.references.get_or_init(|| references::collect(&self.entries))
    }

    /// Returns what makes pods in `namespace` that `selector` selects.
    pub(super) fn selected(&self, namespace: &str, selector: &LabelSelector) -> Vec<&Workload<'a>> {
        self.workloads_in(namespace).filter(|workload| workload.is_selected(selector)).collect()
    }

    /// Returns what makes pods in `namespace`, by kind.
    pub(super) fn workloads_in(&self, namespace: &str) -> impl Iterator<Item = &Workload<'a>> {
        let workloads = self.workloads();
        let places = self.entries.workloads_of.get(namespace).into_iter().flatten();
        places.filter_map(|at| workloads.get(*at))
    }

    /// Returns the severity of "it is not there" for an object of `namespace`: a proof only where everything was rendered
    /// and no chart or operator puts objects there; where not, a known name that is `near` makes a slip likely.
    pub(super) fn absence(&self, namespace: &str, near: Option<&str>) -> Severity {
        self.ask(Question::Kind(RELEASES.0, RELEASES.1));
        match (self.entries.open_namespaces.contains(namespace), near) {
            (true, Some(_)) => Severity::Warning,
            (true, None) => Severity::Note,
            (false, _) => self.absence_anywhere(near),
        }
    }

    /// Returns the severity of "it is not there" for an object that no chart brings.
    pub(super) fn absence_anywhere(&self, near: Option<&str>) -> Severity {
        self.ask(Question::Resolved);
        absence(self.entries.cluster, near)
    }

    /// Returns the severity of "no pod is like that" in `namespace`: as for any object, but operators make pods of their
    /// custom resources too.
    pub(super) fn absence_of_pods(&self, namespace: &str) -> Severity {
        self.asked.borrow_mut().add_all();
        let makes_pods = |group: &str| group.contains('.') && !PODLESS.iter().any(|known| group.ends_with(known));
        let mut custom = self.entries.kinds.iter().filter(|of_kind| makes_pods(of_kind.group));
        if custom.any(|of_kind| of_kind.in_namespace(namespace).next().is_some()) {
            return Severity::Note;
        }
        self.absence(namespace, None)
    }

    /// Returns every namespace that an object is in.
    pub(super) fn namespaces(&self) -> BTreeSet<&'a str> {
        self.ask(Question::Namespaces);
        let find = || {
            let here = self.entries.objects.iter().enumerate().filter(|(_, object)| !object.is_remote());
            let mut found: Vec<_> = here.map(|(at, object)| (object.resource.namespace(), at)).collect();
            // Neighbours are mostly of one namespace.
            found.dedup_by_key(|(namespace, _)| *namespace);
            let by_namespace: BTreeMap<_, _> = found.into_iter().collect();
            by_namespace.into_values().collect()
        };
        let places = self.entries.namespaces.get_or_init(find).iter().copied();
        let found = self.entries.at(places).map(|object| object.resource.namespace());
        found.filter(|namespace| !namespace.is_empty()).collect()
    }

    /// Returns whether some object of the cluster makes a ConfigMap, Secret, ServiceAccount or claim of this name.
    pub(super) fn is_made(&self, kind: &str, namespace: &str, name: &str) -> bool {
        made::is_made(self, kind, namespace, name)
    }

    /// Returns whether some object of the cluster makes a Service of this name.
    pub(super) fn is_made_service(&self, namespace: &str, name: &str) -> bool {
        made::is_made_service(self, namespace, name)
    }

    /// Returns whether an operator makes pods that `selector` selects.
    pub(super) fn is_made_pod(&self, namespace: &str, selector: &LabelSelector) -> bool {
        made::is_made_pod(self, namespace, selector)
    }

    /// Returns whether the text of `node` holds a variable whose value is not known offline.
    pub(super) fn is_opaque(object: &Object<'_>, node: &Node) -> bool {
        let mut chain = node.chain.as_deref();
        while let Some(link) = chain {
            if let (Step::Substitution(names), Some(owner)) = (&link.step, object.owner)
                && owner.substitution.is_opaque(names)
            {
                return true;
            }
            chain = link.earlier.as_deref();
        }
        node.as_str().is_some_and(|text| text.contains("${"))
    }
}

/// Returns the whole number that `node` holds.
pub(super) fn number(node: Option<&Node>) -> Option<i64> {
    node?.as_str()?.parse().ok()
}
