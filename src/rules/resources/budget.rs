//! What containers ask for, and what the ResourceQuotas and LimitRanges of their namespace grant.

use crate::flux::Object;
use crate::kube::milli_quantity;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Container, Workload, number};
use crate::yaml::Node;

/// What a container asks for of one resource, each with its place and in thousandths.
#[derive(Default)]
pub(super) struct Amounts<'a> {
    /// Its request; its limit where it requests nothing.
    pub(super) request: Option<(&'a Node, i128)>,
    /// Its limit.
    pub(super) limit: Option<(&'a Node, i128)>,
}

/// The LimitRanges of a namespace, as far as they are about containers.
#[derive(Clone, Default)]
pub(super) struct Limits<'a> {
    items: Vec<(&'a Resource, &'a Node)>,
}

/// A minimum or maximum of a LimitRange.
pub(super) struct Bound<'a> {
    /// The LimitRange.
    pub(super) range: &'a Resource,
    /// The amount.
    pub(super) node: &'a Node,
    /// The amount in thousandths.
    pub(super) milli: i128,
    /// Whether it is a maximum.
    pub(super) is_most: bool,
}

/// One entry of `spec.hard` of a ResourceQuota without scopes.
pub(super) struct Quota<'a> {
    /// The ResourceQuota.
    pub(super) resource: &'a Resource,
    /// What is counted: `requests.cpu`, `limits.memory`, `pods`, …
    pub(super) what: &'a str,
    /// The amount.
    pub(super) node: &'a Node,
    /// The amount in thousandths.
    pub(super) hard: i128,
}

fn quantity(node: &Node) -> Option<(&Node, i128)> {
    Some((node, milli_quantity(node.as_str()?)?))
}

/// Returns the LimitRanges of `namespace`.
pub(super) fn limits_of<'a>(index: &ClusterIndex<'a>, namespace: &str) -> Limits<'a> {
    let mut items = Vec::new();
    for Object { resource: range, .. } in index.of_kind_in("", "LimitRange", namespace) {
        let list = range.node.get("spec").map(|spec| spec.items("limits")).unwrap_or_default();
        let of_containers = list.iter().filter(|item| item.get("type").and_then(Node::as_str) == Some("Container"));
        items.extend(of_containers.map(|item| (*range, item)));
    }
    Limits { items }
}

impl<'a> Limits<'a> {
    fn default(&self, field: &str, what: &str) -> Option<(&'a Node, i128)> {
        // A range without a default gives its maximum as the limit.
        let given = self.items.iter().find_map(|(_, item)| item.at(&[field, what]));
        given.and_then(quantity)
    }

    /// Returns whether they say nothing.
    pub(super) fn are_none(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns every bound with the resource that it is about.
    pub(super) fn bounds(&self) -> Vec<(&'a str, Bound<'a>)> {
        let mut found = Vec::new();
        for (range, item) in &self.items {
            for (field, is_most) in [("min", false), ("max", true)] {
                for entry in item.get(field).and_then(Node::as_map).into_iter().flat_map(|map| map.iter()) {
                    let Some((node, milli)) = quantity(&entry.value) else { continue };
                    found.push((entry.key.text(), Bound { range, node, milli, is_most }));
                }
            }
        }
        found
    }
}

/// Returns what `container` asks for of `what` (`cpu`, `memory`), with the defaults of its namespace.
pub(super) fn amounts<'a>(container: &'a Node, limits: &Limits<'a>, what: &str) -> Amounts<'a> {
    let resources = container.get("resources");
    let own = |field| resources?.at(&[field, what]).and_then(quantity);
    let limit = own("limits").or_else(|| limits.default("default", what)).or_else(|| limits.default("max", what));
    let request =
        own("requests").or_else(|| own("limits")).or_else(|| limits.default("defaultRequest", what)).or(limit);
    Amounts { request, limit }
}

/// Returns the quotas of the cluster that count amounts of containers, or pods.
pub(super) fn quotas_of<'a>(index: &ClusterIndex<'a>) -> Vec<Quota<'a>> {
    let mut found = Vec::new();
    for resource in index.of_kind("", "ResourceQuota").iter().map(|object| object.resource) {
        let Some(spec) = resource.node.get("spec") else { continue };
        if !spec.items("scopes").is_empty() || spec.get("scopeSelector").is_some() {
            continue;
        }
        for entry in spec.get("hard").and_then(Node::as_map).into_iter().flat_map(|map| map.iter()) {
            let Some((node, hard)) = quantity(&entry.value) else { continue };
            found.push(Quota { resource, what: entry.key.text(), node, hard });
        }
    }
    found
}

/// What a quota counts of containers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counted<'a> {
    /// Their requests of this resource.
    Requests(&'a str),
    /// Their limits of this resource.
    Limits(&'a str),
}

impl<'a> Counted<'a> {
    /// Returns what the key `what` of a quota counts; nothing where it is not CPU or memory of containers.
    pub(super) fn of(what: &'a str) -> Option<Self> {
        match what.split_once('.') {
            None if matches!(what, "cpu" | "memory") => Some(Self::Requests(what)),
            Some(("requests", resource @ ("cpu" | "memory"))) => Some(Self::Requests(resource)),
            Some(("limits", resource @ ("cpu" | "memory"))) => Some(Self::Limits(resource)),
            _ => None,
        }
    }

    /// Returns how much `container` asks for, where it says it.
    pub(super) fn of_container(self, container: &Node, limits: &Limits<'_>) -> Option<i128> {
        let (Self::Requests(resource) | Self::Limits(resource)) = self;
        // The borrowed amounts end with the call, their numbers stay.
        let own = |field| container.at(&["resources", field, resource]).and_then(quantity).map(|(_, milli)| milli);
        let given = |field| limits.default(field, resource).map(|(_, milli)| milli);
        let limit = own("limits").or_else(|| given("default")).or_else(|| given("max"));
        match self {
            Self::Limits(_) => limit,
            Self::Requests(_) => {
                own("requests").or_else(|| own("limits")).or_else(|| given("defaultRequest")).or(limit)
            }
        }
    }

    /// Returns how much one pod of `workload` needs.
    pub(super) fn of_pod(self, workload: &Workload<'_>, limits: &Limits<'_>) -> i128 {
        let amount = |container: &Container<'_>| self.of_container(container.node, limits).unwrap_or(0);
        let (running, first): (Vec<_>, Vec<_>) = workload.containers().partition(Container::keeps_running);
        // Those that run first and end need as much as the largest of them.
        let first = first.iter().map(amount).max().unwrap_or(0);
        running.iter().map(amount).sum::<i128>().max(first)
    }
}

/// Returns how many pods `workload` has and where that is written; nothing for those whose number depends on nodes or
/// time.
pub(super) fn pods_of<'a>(index: &ClusterIndex<'a>, workload: &Workload<'a>) -> Option<(i64, &'a Node)> {
    let resource = workload.resource();
    let name = resource.node.at(&["metadata", "name"])?;
    match resource.kind() {
        "Pod" => return Some((1, name)),
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {}
        _ => return None,
    }
    let written = resource.node.at(&["spec", "replicas"]).filter(|node| !node.is_null());
    // An autoscaler never goes below its minimum.
    let autoscalers = index.of_kind_in("autoscaling", "HorizontalPodAutoscaler", resource.namespace());
    let minimum = autoscalers.map(|object| object.resource).find_map(|autoscaler| {
        let target = |key| autoscaler.node.at(&["spec", "scaleTargetRef", key]).and_then(Node::as_str);
        let is_it = target("kind") == Some(resource.kind()) && target("name") == Some(resource.name());
        autoscaler.node.at(&["spec", "minReplicas"]).filter(|_| is_it)
    });
    let Some(node) = minimum.or(written) else { return Some((1, name)) };
    Some((number(Some(node))?, node))
}
