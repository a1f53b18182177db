//! Rules on what Prometheus is told to scrape.
//!
//! Source: Prometheus Operator API, ServiceMonitor v1 and PodMonitor v1.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload};
use crate::rules::{Check, FixAvailability, Rule, nearest, services};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[SELECTS_NOTHING, PORT_UNKNOWN];

const SELECTS_NOTHING: Rule = Rule {
    id: "monitor-selects-nothing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each ServiceMonitor selects a Service by the labels of the Service itself, each PodMonitor a pod.

## Why it matters
Nothing is scraped, and nobody is told: the metrics, and the alerts on them, stay empty.

## What it cannot see
Services and pods of charts and operators: where a HelmRelease goes into a namespace that is searched the finding is a note. Pods \
of Flux, Strimzi, CloudNativePG and ECK are known by their labels.
",
    check: Check::Index(check_monitors),
};

const PORT_UNKNOWN: Rule = Rule {
    id: "monitor-port-unknown",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The `port` of each endpoint of a ServiceMonitor is the name of a port of a Service that it selects, that of a PodMonitor the name \
of a container port.

## Why it matters
Nothing is scraped, and nobody is told.

## What it cannot see
Services and pods that are not in the repository.
",
    check: Check::Index(check_monitors),
};

/// What a monitor finds.
enum Targets<'i, 'a> {
    Services(Vec<&'a Resource>),
    Pods(Vec<&'i Workload<'a>>),
}

impl Targets<'_, '_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Services(services) => services.is_empty(),
            Self::Pods(pods) => pods.is_empty(),
        }
    }

    /// Returns the names of the ports, sorted.
    fn port_names(&self) -> BTreeSet<&str> {
        match self {
            Self::Services(found) => {
                found.iter().flat_map(|service| services::ports(service)).filter_map(|port| port.name()).collect()
            }
            Self::Pods(pods) => pods.iter().flat_map(|pod| pod.ports()).filter_map(|port| port.name()).collect(),
        }
    }
}

/// Reports what the monitors of the cluster do not find: pods and Services, or ports, as the rule says.
fn check_monitors(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for (kind, what, endpoints) in
        [("ServiceMonitor", "Service", "endpoints"), ("PodMonitor", "pod", "podMetricsEndpoints")]
    {
        for object in index.of_kind("monitoring.coreos.com", kind) {
            let monitor = object.resource;
            let Some(selector) = monitor.node.at(&["spec", "selector"]) else { continue };
            let namespaces = namespaces(index, monitor);
            let selector = LabelSelector::of_node(selector);
            let targets = targets(index, kind, &namespaces, &selector);
            if rule.id == SELECTS_NOTHING.id {
                let is_made =
                    kind == "PodMonitor" && namespaces.iter().any(|namespace| index.is_made_pod(namespace, &selector));
                if targets.is_empty() && !is_made {
                    out.push(nothing(rule, index, monitor, what, &namespaces));
                }
                continue;
            }
            let known = targets.port_names();
            for endpoint in monitor.node.get("spec").map(|spec| spec.items(endpoints)).unwrap_or_default() {
                let Some(port) = endpoint.get("port") else { continue };
                let wanted = port.as_str().unwrap_or("");
                if targets.is_empty() || known.contains(wanted) || ClusterIndex::is_opaque(object, port) {
                    continue;
                }
                let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                let help = match nearest(wanted, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => format!("give the port of the {what} a name"),
                    None => format!("the {what} has {}", names.join(", ")),
                };
                let monitor = monitor.object_ref();
                out.push(
                    rule.report(format!("`{monitor}` scrapes port `{wanted}`, which no {what} that it selects has"))
                        .label(port.span, format!("no port of the {what} has this name"))
                        .help(help),
                );
            }
        }
    }
}

fn nothing(rule: &Rule, index: &ClusterIndex<'_>, monitor: &Resource, what: &str, namespaces: &[&str]) -> Diagnostic {
    let severities = namespaces.iter().map(|namespace| index.absence_of_pods(namespace));
    let worst = severities.min().unwrap_or(Severity::Warning);
    let span = monitor.node.at(&["spec", "selector"]).map_or(monitor.origin, |selector| selector.span);
    rule.report(format!("`{}` selects no {what}", monitor.object_ref()))
        .label(span, format!("no {what} has these labels"))
        .help(format!("give the {what} these labels, or correct the selector"))
        .note("nothing is scraped")
        .at_most(worst)
}

/// Returns the namespaces that a monitor searches.
fn namespaces<'a>(index: &ClusterIndex<'a>, monitor: &'a Resource) -> Vec<&'a str> {
    let Some(selector) = monitor.node.at(&["spec", "namespaceSelector"]) else { return vec![monitor.namespace()] };
    if selector.get("any").and_then(Node::as_str) == Some("true") {
        return index.namespaces().into_iter().collect();
    }
    let named: Vec<&str> = selector.items("matchNames").iter().filter_map(Node::as_str).collect();
    if named.is_empty() { vec![monitor.namespace()] } else { named }
}

fn targets<'i, 'a>(
    index: &'i ClusterIndex<'a>,
    kind: &str,
    namespaces: &[&str],
    selector: &LabelSelector,
) -> Targets<'i, 'a> {
    if kind == "PodMonitor" {
        return Targets::Pods(namespaces.iter().flat_map(|namespace| index.selected(namespace, selector)).collect());
    }
    let is_selected = |service: &&Resource| {
        let labels = service.node.at(&["metadata", "labels"]).and_then(Node::as_map);
        namespaces.contains(&service.namespace()) && selector.matches(|key| labels?.get(key)?.as_str())
    };
    let services = index.of_kind("", "Service").iter().map(|object| object.resource);
    Targets::Services(services.filter(is_selected).collect())
}
