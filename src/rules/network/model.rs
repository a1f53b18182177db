//! NetworkPolicies, and whether they let one pod reach another.
//!
//! Source: Kubernetes, NetworkPolicy v1. Policies add up: what one of them allows is allowed; a pod that none selects for
//! a direction is open in it.

use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload, number};
use crate::yaml::{Map, Node};

/// Label that every namespace has: its name.
pub(super) const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// Namespaces that every cluster has.
const GIVEN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// A way through a NetworkPolicy, as seen from the pods that it selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Into the pods.
    Ingress,
    /// Out of the pods.
    Egress,
}

/// A NetworkPolicy.
#[derive(Clone)]
pub(super) struct Policy<'a> {
    /// The object.
    pub(super) resource: &'a Resource,
    /// Which pods of its namespace it is about.
    pub(super) selector: LabelSelector,
}

/// A pod, as policies see it.
#[derive(Clone)]
pub(super) struct Endpoint<'a> {
    /// Its namespace.
    pub(super) namespace: &'a str,
    /// Its labels.
    pub(super) labels: Vec<(&'a str, String)>,
}

/// A port of a pod.
#[derive(Clone)]
pub(super) struct Port<'a> {
    /// `TCP` or `UDP`.
    pub(super) protocol: &'static str,
    /// Its number.
    pub(super) number: i64,
    /// Its name in the container.
    pub(super) name: Option<&'a str>,
}

impl Direction {
    /// Returns the word of `policyTypes`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Egress => "Egress",
        }
    }

    /// Returns the field of the rules, and that of the peers in them.
    pub(super) fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::Ingress => ("ingress", "from"),
            Self::Egress => ("egress", "to"),
        }
    }
}

impl<'a> Endpoint<'a> {
    /// Returns the pods of `workload`.
    pub(super) fn of(workload: &Workload<'a>) -> Self {
        let labels = workload.labels().into_iter().flat_map(Map::iter);
        let text = |node: &Node| node.as_str().unwrap_or("").to_owned();
        Self {
            namespace: workload.namespace(),
            labels: labels.map(|entry| (entry.key.text(), text(&entry.value))).collect(),
        }
    }

    /// Returns whether `selector` selects it.
    pub(super) fn is_selected(&self, selector: &LabelSelector) -> bool {
        selector.matches(|key| self.labels.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str()))
    }
}

/// Returns every NetworkPolicy, by namespace.
pub(super) fn policies<'a>(index: &ClusterIndex<'a>) -> Vec<Policy<'a>> {
    let objects = index.of_kind("networking.k8s.io", "NetworkPolicy").iter().map(|object| object.resource);
    let selector = |resource: &Resource| resource.node.at(&["spec", "podSelector"]).map(LabelSelector::of_node);
    let policy = |resource| Policy { resource, selector: selector(resource).unwrap_or_default() };
    let mut policies: Vec<Policy<'a>> = objects.map(policy).collect();
    policies.sort_by_key(|policy| policy.resource.namespace());
    policies
}

/// Returns whether the pods of `workload` are on the network of their node: NetworkPolicies are not about them.
pub(super) fn uses_host_network(workload: &Workload<'_>) -> bool {
    let field = workload.pod_spec().and_then(|spec| spec.get("hostNetwork"));
    field.and_then(Node::as_str) == Some("true")
}

/// Returns those of `policies`, which are sorted as [`policies`] does, that limit `endpoint` in `direction`.
pub(super) fn limiting<'p, 'a>(
    policies: &'p [Policy<'a>],
    endpoint: &Endpoint<'_>,
    direction: Direction,
) -> Vec<&'p Policy<'a>> {
    let limits = |policy: &&Policy<'_>| policy.is_about(direction) && endpoint.is_selected(&policy.selector);
    let first = policies.partition_point(|policy| policy.resource.namespace() < endpoint.namespace);
    let here = policies[first..].iter().take_while(|policy| policy.resource.namespace() == endpoint.namespace);
    here.filter(limits).collect()
}

impl<'a> Policy<'a> {
    /// Returns whether it limits `direction`: as it says, else ingress, and egress where it has rules for it.
    pub(super) fn is_about(&self, direction: Direction) -> bool {
        let spec = self.resource.node.get("spec");
        let types = spec.and_then(|spec| spec.get("policyTypes")).and_then(Node::as_sequence);
        match types {
            Some(types) => types.iter().any(|kind| kind.as_str() == Some(direction.name())),
            None => direction == Direction::Ingress || !self.rules(direction).is_empty(),
        }
    }

    /// Returns its rules for `direction`.
    pub(super) fn rules(&self, direction: Direction) -> &'a [Node] {
        self.resource.node.get("spec").map(|spec| spec.items(direction.fields().0)).unwrap_or_default()
    }

    /// Returns whether it lets its pods and `other` talk over `port`, the port of whoever is called.
    pub(super) fn allows(
        &self,
        index: &ClusterIndex<'_>,
        direction: Direction,
        other: &Endpoint<'_>,
        port: &Port<'_>,
    ) -> bool {
        let home = self.resource.namespace();
        self.rules(direction)
            .iter()
            .any(|rule| has_port(rule, port) && has_peer(rule, direction, |peer| admits(index, peer, home, other)))
    }
}

/// Returns whether `rule` is about `port`; one without ports is about all of them.
pub(super) fn has_port(rule: &Node, port: &Port<'_>) -> bool {
    let ports = rule.items("ports");
    ports.is_empty() || ports.iter().any(|written| is_port(written, port))
}

/// Returns whether the entry `written` of a rule's ports is about `port`.
pub(super) fn is_port(written: &Node, port: &Port<'_>) -> bool {
    let protocol = written.get("protocol").and_then(Node::as_str).unwrap_or("TCP");
    if protocol != port.protocol {
        return false;
    }
    let Some(field) = written.get("port").filter(|field| !field.is_null()) else { return true };
    let Some(first) = number(Some(field)) else { return field.as_str() == port.name };
    let last = number(written.get("endPort")).unwrap_or(first);
    (first..=last).contains(&port.number)
}

/// Returns whether some peer of `rule` is as `is_it` says; a rule without peers is about all of them.
pub(super) fn has_peer(rule: &Node, direction: Direction, is_it: impl Fn(&Node) -> bool) -> bool {
    let peers = rule.items(direction.fields().1);
    peers.is_empty() || peers.iter().any(is_it)
}

/// Returns whether `peer`, of a policy in the namespace `home`, takes in `other`.
///
/// A block of addresses is taken to hold every pod, except where it leaves some out: those are the private ranges.
pub(super) fn admits(index: &ClusterIndex<'_>, peer: &Node, home: &str, other: &Endpoint<'_>) -> bool {
    if let Some(block) = peer.get("ipBlock") {
        return block.items("except").is_empty();
    }
    let namespaces = peer.get("namespaceSelector").filter(|selector| !selector.is_null());
    let is_inside = match namespaces {
        Some(selector) => selects_namespace(index, &LabelSelector::of_node(selector), other.namespace),
        None => other.namespace == home,
    };
    let pods = peer.get("podSelector").filter(|selector| !selector.is_null());
    is_inside && pods.is_none_or(|selector| other.is_selected(&LabelSelector::of_node(selector)))
}

/// Returns whether `selector` selects the namespace `name`, by the labels that the repository gives it and its name.
pub(super) fn selects_namespace(index: &ClusterIndex<'_>, selector: &LabelSelector, name: &str) -> bool {
    let labels = index.find("", "Namespace", "", name).and_then(|it| it.node.at(&["metadata", "labels"]));
    selector.matches(|key| match key {
        NAME_LABEL => Some(name),
        _ => labels?.get(key)?.as_str(),
    })
}

/// Returns every namespace that the repository knows of, sorted.
pub(super) fn namespaces<'a>(index: &ClusterIndex<'a>) -> Vec<&'a str> {
    let mut all = index.namespaces();
    all.extend(GIVEN);
    all.extend(index.names("", "Namespace", ""));
    let targets = index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").iter();
    all.extend(targets.filter_map(|object| object.resource.node.at(&["spec", "targetNamespace"])?.as_str()));
    all.into_iter().collect()
}
