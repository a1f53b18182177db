//! Rules on requests, limits and what a namespace grants.
//!
//! Source: Kubernetes, "Resource Management for Pods and Containers", ResourceQuota v1 and LimitRange v1.

mod budget;

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::{display_quantity, milli_quantity};
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Container};
use crate::rules::resources::budget::{Counted, Limits, Quota, amounts, limits_of, pods_of, quotas_of};
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] =
    &[REQUESTS_UNSET, MEMORY_UNLIMITED, REQUEST_ABOVE_LIMIT, OUT_OF_RANGE, QUOTA_EXCEEDED, QUOTA_UNMET];

const REQUESTS_UNSET: Rule = Rule {
    id: "container-without-requests",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each container that keeps running requests CPU and memory, itself, by the limit it has, by its pod or by a LimitRange of its \
namespace.

## Why it matters
The scheduler counts the container as nothing and fills the node; under pressure its pod is evicted first. An autoscaler by \
utilisation cannot compute one: `FailedGetResourceMetric`.

## What it cannot see
Pods that charts and operators make, and what a VerticalPodAutoscaler sets.
",
    check: Check::Index(check_requests),
};

const MEMORY_UNLIMITED: Rule = Rule {
    id: "container-without-memory-limit",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each container that keeps running has a limit of memory, itself, by its pod or by a LimitRange of its namespace.

## Why it matters
One that leaks takes the memory of its node, and the kernel stops whatever it finds, other teams' pods included.

## What it cannot see
Pods that charts and operators make. CPU needs no limit: it is shared by the requests.
",
    check: Check::Index(check_memory),
};

const REQUEST_ABOVE_LIMIT: Rule = Rule {
    id: "request-above-limit",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No container requests more of something than its limit.

## Why it matters
The API server refuses the workload: `must be less than or equal to cpu limit`.

## What it cannot see
Limits that a LimitRange adds.
",
    check: Check::Index(check_order),
};

const OUT_OF_RANGE: Rule = Rule {
    id: "limit-range-exceeded",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
What containers request and are limited to is within the `min` and `max` of the LimitRanges of their namespace.

## Why it matters
The API server refuses the pods: `maximum cpu usage per Container is …`. The workload stays without them.

## What it cannot see
LimitRanges outside this repository.
",
    check: Check::Index(check_range),
};

const QUOTA_EXCEEDED: Rule = Rule {
    id: "quota-exceeded",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Together the workloads of a namespace, each with all its replicas, stay within the ResourceQuotas of the namespace.

## Why it matters
The API server refuses the pods that do not fit any more: `exceeded quota`. Which ones is a matter of luck.

## What it cannot see
Pods that charts, operators and Jobs make, and the one more of a rolling update; quotas with scopes are passed over.
",
    check: Check::Index(check_quota),
};

const QUOTA_UNMET: Rule = Rule {
    id: "quota-needs-resources",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Where a ResourceQuota counts requests or limits of CPU or memory, each container of the namespace has them, itself or by a \
LimitRange.

## Why it matters
The API server refuses the pods: `failed quota: … must specify requests.cpu`. The workload stays without them.

## What it cannot see
Quotas and LimitRanges outside this repository; quotas with scopes are passed over.
",
    check: Check::Index(check_unmet),
};

/// A container with where its amounts would be written.
struct Place<'a> {
    workload: &'a Resource,
    container: Container<'a>,
    span: Span,
}

impl Place<'_> {
    /// Names the container for people.
    fn who(&self) -> String {
        format!("container `{}` of `{}`", self.container.name(), self.workload.object_ref())
    }
}

/// Returns the containers that keep running, with the limits of their namespace.
fn running<'a>(index: &ClusterIndex<'a>) -> Vec<(Place<'a>, Limits<'a>, Option<&'a Node>)> {
    let mut found = Vec::new();
    let mut known = BTreeMap::new();
    for workload in index.workloads() {
        let namespace = workload.namespace();
        let limits: &Limits<'_> = known.entry(namespace).or_insert_with(|| limits_of(index, namespace));
        let pod = workload.pod_spec().and_then(|spec| spec.get("resources"));
        for container in workload.containers().filter(Container::keeps_running) {
            let span = container.node.get("name").map_or(container.node.span, |name| name.span);
            found.push((Place { workload: workload.resource(), container, span }, limits.clone(), pod));
        }
    }
    found
}

/// Reports every container without a request.
fn check_requests(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for (place, limits, pod) in running(index) {
        let has = |what: &&str| {
            let of_pod =
                pod.is_some_and(|pod| pod.at(&["requests", what]).is_some() || pod.at(&["limits", what]).is_some());
            of_pod || amounts(place.container.node, &limits, what).request.is_some()
        };
        let missing: Vec<&str> = ["cpu", "memory"].into_iter().filter(|what| !has(what)).collect();
        if missing.is_empty() {
            continue;
        }
        let (what, more) =
            (missing.join(" and "), if missing.len() > 1 { "the scheduler counts it as nothing" } else { "" });
        let note =
            if more.is_empty() { format!("the scheduler counts its {what} as nothing") } else { more.to_owned() };
        out.push(
            rule.report(format!("{} requests no {what}", place.who()))
                .label(place.span, format!("no `resources.requests` of {what}"))
                .help("add what it needs at work")
                .note(note),
        );
    }
}

/// Reports every container that may take all memory of its node.
fn check_memory(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for (place, limits, pod) in running(index) {
        let of_pod = pod.is_some_and(|pod| pod.at(&["limits", "memory"]).is_some());
        if of_pod || amounts(place.container.node, &limits, "memory").limit.is_some() {
            continue;
        }
        out.push(
            rule.report(format!("{} has no limit of memory", place.who()))
                .label(place.span, "no `resources.limits.memory`")
                .help("add the most that it may take")
                .note("one that leaks takes the memory of its node from everybody there"),
        );
    }
}

/// Reports every request above its own limit.
fn check_order(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        for container in workload.containers() {
            let field = |key| container.node.at(&["resources", key]);
            let (Some(requests), Some(limits)) = (field("requests").and_then(Node::as_map), field("limits")) else {
                continue;
            };
            for entry in requests {
                let quantity = |node: &Node| node.as_str().and_then(milli_quantity);
                let Some(limit) = limits.get(entry.key.text()) else { continue };
                let (Some(wanted), Some(most)) = (quantity(&entry.value), quantity(limit)) else { continue };
                if wanted <= most {
                    continue;
                }
                let message = format!(
                    "container `{}` of `{}` requests more {} than its limit",
                    container.name(),
                    workload.resource().object_ref(),
                    entry.key.text()
                );
                out.push(
                    rule.report(message)
                        .label(entry.value.span, "more than the limit")
                        .label(limit.span, "the limit")
                        .help("raise the limit, or lower the request"),
                );
            }
        }
    }
}

/// Reports every amount outside what a LimitRange allows for a container.
fn check_range(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let mut known = BTreeMap::new();
    for workload in index.workloads() {
        let namespace = workload.namespace();
        let limits = known.entry(namespace).or_insert_with(|| limits_of(index, namespace));
        if limits.are_none() {
            continue;
        }
        for container in workload.containers() {
            for (what, bound) in limits.bounds() {
                let own = amounts(container.node, limits, what);
                let (amount, is_most) =
                    if bound.is_most { (own.limit.or(own.request), true) } else { (own.request, false) };
                let Some((node, amount)) = amount else { continue };
                if (is_most && amount <= bound.milli) || (!is_most && amount >= bound.milli) {
                    continue;
                }
                let (word, name) = (if is_most { "maximum" } else { "minimum" }, bound.range.object_ref());
                let message = format!(
                    "container `{}` of `{}` has {what} of {}, and `{name}` has a {word} of {}",
                    container.name(),
                    workload.resource().object_ref(),
                    display_quantity(amount),
                    display_quantity(bound.milli)
                );
                out.push(
                    rule.report(message)
                        .label(node.span, "outside the range")
                        .label(bound.node.span, format!("the {word} of a container"))
                        .help("change the amount, or the LimitRange")
                        .note("the API server refuses the pods"),
                );
            }
        }
    }
}

/// Reports every quota that the workloads of its namespace exceed.
fn check_quota(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for Quota { resource, what, node, hard } in quotas_of(index) {
        let counted = Counted::of(what);
        if counted.is_none() && what != "pods" {
            continue;
        }
        let mut sum = 0;
        let mut largest: Option<(i128, &Node, String)> = None;
        let limits = limits_of(index, resource.namespace());
        for workload in index.workloads_in(resource.namespace()) {
            let Some((pods, place)) = pods_of(index, workload) else { continue };
            let one = counted.map_or(1000, |counted| counted.of_pod(workload, &limits));
            let all = one * i128::from(pods);
            sum += all;
            if largest.as_ref().is_none_or(|(most, _, _)| all > *most) {
                let share = format!("{pods} × {} of `{}`", display_quantity(one), workload.resource().object_ref());
                largest = Some((all, place, share));
            }
        }
        let Some((_, place, share)) = largest.filter(|_| sum > hard) else { continue };
        let message = format!(
            "the workloads of `{}` need {} of `{what}`, and `{}` grants {}",
            resource.namespace(),
            display_quantity(sum),
            resource.object_ref(),
            display_quantity(hard)
        );
        out.push(
            rule.report(message)
                .label(node.span, "less than the sum of the requests")
                .label(place.span, share)
                .help("raise the quota, or lower requests or replicas")
                .note("the API server refuses the pods that do not fit any more: `exceeded quota`"),
        );
    }
}

/// Reports every container that lacks what a quota of its namespace counts.
fn check_unmet(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for Quota { resource, what, node, .. } in quotas_of(index) {
        let Some(counted) = Counted::of(what) else { continue };
        let limits = limits_of(index, resource.namespace());
        for workload in index.workloads_in(resource.namespace()) {
            let lacks = |container: &Container<'_>| counted.of_container(container.node, &limits).is_none();
            let Some(container) = workload.containers().find(lacks) else { continue };
            let span = container.node.get("name").map_or(container.node.span, |name| name.span);
            let message = format!(
                "container `{}` of `{}` says no `{what}`, and `{}` counts it",
                container.name(),
                workload.resource().object_ref(),
                resource.object_ref()
            );
            out.push(
                rule.report(message)
                    .label(span, format!("no `{what}`"))
                    .label(node.span, "counted here")
                    .help("add it, or a LimitRange with a default")
                    .note(format!("the API server refuses the pods: `must specify {what}`")),
            );
        }
    }
}
