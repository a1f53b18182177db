//! Rules on what changes the number of pods: autoscalers and disruption budgets.
//!
//! Source: Kubernetes API, HorizontalPodAutoscaler v2 and PodDisruptionBudget v1; KEDA, `ScaledObject`.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::Object;
use crate::kube::{Gvk, LabelSelector};
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload, number};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[TARGET_MISSING, REPLICAS_CONFLICT, BUDGET_SELECTS_NOTHING, BUDGET_BLOCKS];

const TARGET_MISSING: Rule = Rule {
    id: "autoscaler-target-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The workload that a HorizontalPodAutoscaler or a ScaledObject scales exists.

## Why it matters
It scales nothing: `FailedGetScale`.

## What it cannot see
Workloads that charts make: where a HelmRelease goes into the namespace, or something of the cluster could not be rendered, \
the finding is a note. Custom resources as targets are passed over.
",
    check: Check::Index(check_target),
};

const REPLICAS_CONFLICT: Rule = Rule {
    id: "autoscaler-replicas-conflict",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A workload with an autoscaler does not set `spec.replicas` itself.

## Why it matters
At each reconciliation Flux puts the number of Git back, and the autoscaler changes it again: under load pods are stopped.

## What it cannot see
Autoscalers that are made by hand or by charts.
",
    check: Check::Index(check_replicas),
};

const BUDGET_SELECTS_NOTHING: Rule = Rule {
    id: "disruption-budget-selects-nothing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The selector of each PodDisruptionBudget matches the pod template of some workload in its namespace.

## Why it matters
It protects nothing: a drain may stop all pods at once.

## What it cannot see
Pods that operators and charts make: then the finding is a note.
",
    check: Check::Index(check_budget_selector),
};

const BUDGET_BLOCKS: Rule = Rule {
    id: "disruption-budget-blocks",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each PodDisruptionBudget leaves at least one of the pods that it selects to be evicted: its `minAvailable` is below the \
number of pods, its `maxUnavailable` is not zero. With an autoscaler the number is its `minReplicas`.

## Why it matters
No node with such a pod can be drained: upgrades of the cluster stand still until somebody deletes the budget.

## What it cannot see
Numbers of pods that only the cluster knows: DaemonSets, and workloads that operators make.
",
    check: Check::Index(check_budget_blocks),
};

/// An object that scales another one.
struct Autoscaler<'a> {
    object: Object<'a>,
    group: String,
    kind: &'a str,
    name: &'a Node,
    /// The fewest pods that it leaves.
    fewest: i64,
}

/// Returns the autoscalers of the cluster.
fn autoscalers<'a>(index: &ClusterIndex<'a>) -> Vec<Autoscaler<'a>> {
    let mut found = Vec::new();
    // KEDA scales to nothing by default, and its target is a Deployment where it does not say otherwise.
    let kinds = [
        ("autoscaling", "HorizontalPodAutoscaler", "minReplicas", 1),
        ("keda.sh", "ScaledObject", "minReplicaCount", 0),
    ];
    for (group, kind, fewest, default) in kinds {
        for object in index.of_kind(group, kind) {
            let Some(target) = object.resource.node.at(&["spec", "scaleTargetRef"]) else { continue };
            let Some(name) = target.get("name").filter(|name| !ClusterIndex::is_opaque(object, name)) else { continue };
            let text = |key| target.get(key).and_then(Node::as_str);
            let kind = text("kind").unwrap_or("Deployment");
            let group =
                text("apiVersion").map_or_else(|| "apps".into(), |version| Gvk::new(version, kind).group).to_string();
            let fewest = number(object.resource.node.at(&["spec", fewest])).unwrap_or(default);
            found.push(Autoscaler { object: *object, group, kind, name, fewest });
        }
    }
    found
}

/// Reports every autoscaler of the cluster whose workload does not exist.
fn check_target(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for Autoscaler { object, group, kind, name, .. } in autoscalers(index) {
        let namespace = object.resource.namespace();
        let wanted = name.as_str().unwrap_or("");
        let is_known_kind = group == "apps" || (group.is_empty() && kind == "ReplicationController");
        if !is_known_kind || index.find(&group, kind, namespace, wanted).is_some() {
            continue;
        }
        let near = nearest(wanted, index.names(&group, kind, namespace));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "correct the name, or remove the autoscaler".to_owned(),
        };
        let scaler = object.resource.object_ref();
        out.push(
            rule.report(format!("`{scaler}` scales {kind} `{namespace}/{wanted}`, which does not exist"))
                .label(name.span, format!("no {kind} has this name"))
                .help(help)
                .at_most(index.absence(namespace, near)),
        );
    }
}

/// Reports every workload of the cluster whose number of pods both Git and an autoscaler set.
fn check_replicas(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for Autoscaler { object, group, kind, name, .. } in autoscalers(index) {
        let wanted = name.as_str().unwrap_or("");
        let Some(target) = index.find(&group, kind, object.resource.namespace(), wanted) else { continue };
        let Some(replicas) = target.node.at(&["spec", "replicas"]).filter(|replicas| !replicas.is_null()) else {
            continue;
        };
        let scaler = object.resource.object_ref();
        out.push(
            rule.report(format!("`{}` sets `replicas`, which `{scaler}` sets too", target.object_ref()))
                .label(replicas.span, "Flux puts this number back at each reconciliation")
                .label(name.span, "scaled by this autoscaler")
                .help("remove `replicas`, and set `minReplicas` of the autoscaler"),
        );
    }
}

/// Returns the budgets of the cluster with their selectors; an empty selector takes every pod, none at all takes none.
fn budgets<'a>(index: &ClusterIndex<'a>) -> Vec<(&'a Resource, &'a Node, LabelSelector)> {
    let budgets = index.of_kind("policy", "PodDisruptionBudget").iter();
    let with_selector = budgets.filter_map(|object| {
        let selector = object.resource.node.at(&["spec", "selector"])?;
        Some((object.resource, selector, LabelSelector::of_node(selector)))
    });
    with_selector.collect()
}

/// Reports every budget of the cluster that selects no pod.
fn check_budget_selector(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for (budget, node, selector) in budgets(index) {
        if !index.selected(budget.namespace(), &selector).is_empty() {
            continue;
        }
        out.push(
            rule.report(format!("`{}` selects no pod", budget.object_ref()))
                .label(node.span, "no workload of the namespace has these labels")
                .help("correct the selector, or the labels of the pod template")
                .note("a drain may stop all pods at once")
                .at_most(index.absence_of_pods(budget.namespace())),
        );
    }
}

/// Reports every budget of the cluster that never lets a pod be evicted.
fn check_budget_blocks(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let autoscalers = autoscalers(index);
    for (budget, _, selector) in budgets(index) {
        let selected = index.selected(budget.namespace(), &selector);
        if selected.is_empty() {
            continue;
        }
        let pods: Option<i64> = selected.iter().map(|workload| fewest_pods(workload, &autoscalers)).sum();
        let spec = |key| budget.node.at(&["spec", key]);
        let (node, why) = match (spec("maxUnavailable"), spec("minAvailable"), pods) {
            (Some(most), _, _) if matches!(most.as_str(), Some("0" | "0%")) => {
                (most, "no pod may ever be away".to_owned())
            }
            (_, Some(least), _) if least.as_str() == Some("100%") => (least, "no pod may ever be away".to_owned()),
            (_, Some(least), Some(pods)) if pods > 0 && share(least, pods).is_some_and(|least| least >= pods) => {
                let count = if pods == 1 { "there is 1 pod".to_owned() } else { format!("there are {pods} pods") };
                (least, count)
            }
            _ => continue,
        };
        let workload = selected[0].resource();
        let mut finding = rule
            .report(format!("`{}` lets no pod of `{}` be evicted", budget.object_ref(), workload.object_ref()))
            .label(node.span, why);
        if let Some(replicas) = workload.node.at(&["spec", "replicas"]) {
            finding = finding.label(replicas.span, "the number of pods");
        }
        out.push(
            finding.help("set `maxUnavailable: 1`, or run more pods").note("a node with such a pod cannot be drained"),
        );
    }
}

/// Returns the pods that a workload has at least; nothing where only the cluster knows.
fn fewest_pods(workload: &Workload<'_>, autoscalers: &[Autoscaler<'_>]) -> Option<i64> {
    let resource = workload.resource();
    let is_its_own = |scaler: &&Autoscaler<'_>| {
        scaler.kind == resource.kind()
            && scaler.name.as_str() == Some(resource.name())
            && scaler.object.resource.namespace() == resource.namespace()
    };
    match resource.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            let scaler = autoscalers.iter().find(is_its_own);
            Some(scaler.map_or_else(|| workload.replicas().unwrap_or(1), |scaler| scaler.fewest))
        }
        _ => None,
    }
}

/// Returns the number that `node`, a number or a percentage of `pods`, comes to; Kubernetes rounds up.
fn share(node: &Node, pods: i64) -> Option<i64> {
    let text = node.as_str()?;
    match text.strip_suffix('%') {
        Some(percent) => Some((percent.parse::<i64>().ok()?.checked_mul(pods)? + 99) / 100),
        None => text.parse().ok(),
    }
}
