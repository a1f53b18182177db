//! Rules on Services: what they select, and who relies on them by name and port.
//!
//! Source: Kubernetes API, Service v1, Ingress v1, StatefulSet v1; Gateway API, `BackendObjectReference`.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::Object;
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Port, Workload, number};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[SELECTS_NOTHING, TARGET_PORT, BACKEND_MISSING, BACKEND_PORT, GOVERNING_SERVICE];

const SELECTS_NOTHING: Rule = Rule {
    id: "service-selects-nothing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The selector of each Service matches the pod template of some workload in its namespace.

## Why it matters
The Service has no endpoints: connections to it are refused, and no object reports an error.

## What it cannot see
Pods that operators and charts make: where the namespace has a custom resource or a HelmRelease the finding is a note.
",
    check: Check::Index(check_selector),
};

const TARGET_PORT: Rule = Rule {
    id: "service-target-port-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The `targetPort` of each Service is a port of a container that it selects.

## Why it matters
A name that no container has leaves the port without endpoints. A number that no container declares is a warning: the \
declaration is only information, but nothing shows that anybody listens there.

## What it cannot see
Which ports a program really opens.
",
    check: Check::Index(check_target_port),
};

const BACKEND_MISSING: Rule = Rule {
    id: "backend-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each Service that an Ingress or a route of the Gateway API sends requests to exists.

## Why it matters
The controller answers with `503` or `500` in its place (`BackendNotFound`).

## What it cannot see
Services that charts and operators make: where something of the cluster could not be rendered, or a HelmRelease goes into the \
namespace, the finding is a note.
",
    check: Check::Index(check_backends),
};

const BACKEND_PORT: Rule = Rule {
    id: "backend-port-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each port that an Ingress or a route of the Gateway API names is a port of the Service: its `port`, not its `targetPort`.

## Why it matters
The controller finds no endpoints and answers with `503` or `500`.

## What it cannot see
Services that are not in the repository.
",
    check: Check::Index(check_backends),
};

const GOVERNING_SERVICE: Rule = Rule {
    id: "stateful-set-service-missing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The Service that `spec.serviceName` of a StatefulSet names exists and is headless (`clusterIP: None`).

## Why it matters
Only a headless Service of that name gives the pods names of their own: `pod-0.service` does not resolve.

## What it cannot see
Services that charts and operators make: then the finding is a note.
",
    check: Check::Index(check_governing_service),
};

/// Returns the Services of the cluster.
fn services<'a>(index: &ClusterIndex<'a>) -> Vec<&'a Resource> {
    index.of_kind("", "Service").iter().map(|object| object.resource).collect()
}

/// Returns the selector of a Service and its place; nothing where somebody else keeps its endpoints.
fn selector(service: &Resource) -> Option<(&Node, LabelSelector)> {
    let spec = service.node.get("spec")?;
    if spec.get("type").and_then(Node::as_str) == Some("ExternalName") {
        return None;
    }
    let selector = spec.get("selector")?;
    let labels = selector.as_map().filter(|labels| !labels.is_empty())?;
    Some((selector, LabelSelector::of_labels(labels)))
}

/// Returns the ports of a Service.
pub(super) fn ports(service: &Resource) -> Vec<Port<'_>> {
    let entries = service.node.get("spec").map(|spec| spec.items("ports")).unwrap_or_default();
    entries.iter().map(|node| Port { node, number: number(node.get("port")) }).collect()
}

/// Reports every Service of the cluster that selects no pod.
fn check_selector(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for service in services(index) {
        let Some((node, selector)) = selector(service) else { continue };
        if !index.selected(service.namespace(), &selector).is_empty() {
            continue;
        }
        let finding = rule
            .report(format!("`{}` selects no pod", service.object_ref()))
            .label(node.span, "no workload of the namespace has these labels")
            .note("its endpoints stay empty: connections to it are refused")
            .at_most(index.absence_of_pods(service.namespace()));
        out.push(match almost_selected(index, service, node) {
            Some((workload, key, value)) => finding
                .help(format!("did you mean `{key}: {value}`, which `{}` has?", workload.resource().object_ref())),
            None => finding.help("correct the selector, or the labels of the pod template"),
        });
    }
}

/// Returns a workload that the selector misses by the value of one label: the label and the value it has.
fn almost_selected<'i, 'a>(
    index: &'i ClusterIndex<'a>,
    service: &Resource,
    selector: &Node,
) -> Option<(&'i Workload<'a>, &'a str, &'a str)> {
    let wanted = selector.as_map()?;
    let inside = index.workloads().iter().filter(|workload| workload.namespace() == service.namespace());
    for workload in inside {
        let Some(labels) = workload.labels() else { continue };
        let differs =
            wanted.iter().filter(|entry| labels.get(entry.key.text()).and_then(Node::as_str) != entry.value.as_str());
        let differs: Vec<_> = differs.collect();
        let [entry] = differs[..] else { continue };
        let Some(label) = labels.entry(entry.key.text()) else { continue };
        let value = label.value.as_str()?;
        if wanted.len() > 1 || nearest(entry.value.as_str()?, [value]).is_some() {
            return Some((workload, label.key.text(), value));
        }
    }
    None
}

/// Reports every port of a Service that none of the containers behind it has.
fn check_target_port(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for service in services(index) {
        let Some((_, selector)) = selector(service) else { continue };
        let selected = index.selected(service.namespace(), &selector);
        if selected.is_empty() {
            continue;
        }
        for port in ports(service) {
            let Some(target) = port.node.get("targetPort").or_else(|| port.node.get("port")) else { continue };
            if selected.iter().flat_map(|workload| workload.ports()).any(|known| known.answers_to(target)) {
                continue;
            }
            let is_number = number(Some(target)).is_some();
            // Declaring ports is optional: only where every pod does, a number that is not among them is odd.
            if is_number && selected.iter().any(|workload| workload.ports().next().is_none()) {
                continue;
            }
            out.push(unknown_target(rule, service, target, &selected, is_number));
        }
    }
}

fn unknown_target(
    rule: &Rule,
    service: &Resource,
    target: &Node,
    selected: &[&Workload<'_>],
    is_number: bool,
) -> Diagnostic {
    let ports: Vec<Port<'_>> = selected.iter().flat_map(|workload| workload.ports()).collect();
    let written = target.as_str().unwrap_or("");
    let pods = selected[0].resource().object_ref();
    let near = nearest(written, ports.iter().filter_map(Port::name));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its containers have {}", listed(&ports)),
    };
    let finding = rule
        .report(format!("`{}` sends to port `{written}`, which no container of `{pods}` has", service.object_ref()))
        .label(target.span, "no container port")
        .help(help);
    if is_number { finding.at_most(Severity::Warning) } else { finding.note("the port stays without endpoints") }
}

/// Returns ports for people: `http` (8080) and `metrics` (9090).
fn listed(ports: &[Port<'_>]) -> String {
    let words = ports.iter().map(|port| match (port.name(), port.number) {
        (Some(name), Some(number)) => format!("`{name}` ({number})"),
        (Some(name), None) => format!("`{name}`"),
        (None, Some(number)) => format!("`{number}`"),
        (None, None) => String::new(),
    });
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "no ports".to_owned() } else { words.join(", ") }
}

/// A Service that an object sends requests to.
struct Backend<'a> {
    from: Object<'a>,
    namespace: &'a str,
    name: &'a Node,
    /// Name or number; nothing where none is given.
    port: Option<&'a Node>,
}

/// Returns the Services that Ingresses and routes send requests to.
fn backends<'a>(index: &ClusterIndex<'a>) -> Vec<Backend<'a>> {
    let mut found = Vec::new();
    for object in index.of_kind("networking.k8s.io", "Ingress") {
        let Some(spec) = object.resource.node.get("spec") else { continue };
        let paths = spec.items("rules").iter().filter_map(|rule| rule.get("http")).flat_map(|http| http.items("paths"));
        let services = paths.filter_map(|path| path.get("backend")).chain(spec.get("defaultBackend"));
        for service in services.filter_map(|backend| backend.get("service")) {
            let Some(name) = service.get("name") else { continue };
            let port = service.at(&["port", "number"]).or_else(|| service.at(&["port", "name"]));
            found.push(Backend { from: *object, namespace: object.resource.namespace(), name, port });
        }
    }
    for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"] {
        for object in index.of_kind("gateway.networking.k8s.io", kind) {
            let rules = object.resource.node.get("spec").map(|spec| spec.items("rules")).unwrap_or_default();
            for reference in rules.iter().flat_map(|rule| rule.items("backendRefs")) {
                let text = |key| reference.get(key).and_then(Node::as_str);
                let is_service =
                    text("kind").is_none_or(|kind| kind == "Service") && text("group").is_none_or(str::is_empty);
                let Some(name) = reference.get("name").filter(|_| is_service) else { continue };
                let namespace = text("namespace").unwrap_or_else(|| object.resource.namespace());
                found.push(Backend { from: *object, namespace, name, port: reference.get("port") });
            }
        }
    }
    found.retain(|backend| !ClusterIndex::is_opaque(&backend.from, backend.name));
    found
}

/// Reports every backend whose Service is missing, or has no such port: which of the two is the rule's.
fn check_backends(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for Backend { from, namespace, name, port } in backends(index) {
        let Some(wanted) = name.as_str() else { continue };
        let from = from.resource.object_ref();
        let service = index.find("", "Service", namespace, wanted);
        match service {
            None if rule.id == BACKEND_MISSING.id && !index.is_made_service(namespace, wanted) => {
                let near = nearest(wanted, index.names("", "Service", namespace));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "correct the name, or add the Service".to_owned(),
                };
                out.push(
                    rule.report(format!(
                        "`{from}` sends requests to Service `{namespace}/{wanted}`, which does not exist"
                    ))
                    .label(name.span, "no Service has this name")
                    .help(help)
                    .at_most(index.absence(namespace, near)),
                );
            }
            Some(service) if rule.id == BACKEND_PORT.id => {
                let Some(port) = port else { continue };
                let ports = ports(service);
                if ports.is_empty() || ports.iter().any(|known| known.answers_to(port)) {
                    continue;
                }
                let written = port.as_str().unwrap_or("");
                let service = service.object_ref();
                out.push(
                    rule.report(format!(
                        "`{from}` sends requests to port `{written}` of `{service}`, which it does not have"
                    ))
                    .label(port.span, "no port of the Service")
                    .help(format!("it has {}", listed(&ports))),
                );
            }
            _ => {}
        }
    }
}

/// Reports every StatefulSet whose pods get no names from the Service that it names.
fn check_governing_service(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for object in index.of_kind("apps", "StatefulSet") {
        let resource = object.resource;
        let Some(name) = resource.node.at(&["spec", "serviceName"]) else { continue };
        let Some(wanted) = name.as_str().filter(|name| !name.is_empty()) else { continue };
        let finding = |message: String, label: &'static str| rule.report(message).label(name.span, label);
        let set = resource.object_ref();
        let note = "its pods get no names of their own";
        let Some(service) = index.find("", "Service", resource.namespace(), wanted) else {
            let near = nearest(wanted, index.names("", "Service", resource.namespace()));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add a headless Service of this name, or correct it".to_owned(),
            };
            let message = format!("`{set}` is governed by Service `{wanted}`, which does not exist");
            let worst = index.absence(resource.namespace(), near);
            out.push(finding(message, "no Service has this name").help(help).note(note).at_most(worst));
            continue;
        };
        if service.node.at(&["spec", "clusterIP"]).and_then(Node::as_str) != Some("None") {
            let message = format!("`{set}` is governed by `{}`, which is not headless", service.object_ref());
            let label = "this Service has an address of its own";
            out.push(
                finding(message, label)
                    .label(service.name_span(), "has no `clusterIP: None`")
                    .help("add a headless Service for the names of the pods")
                    .note(note),
            );
        }
    }
}
