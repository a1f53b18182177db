//! Rules on the connections that programs need and NetworkPolicies refuse.

use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload, number};
use crate::rules::kafka::Strimzi;
use crate::rules::network::hosts::{Flow, Target, flows, of_service};
use crate::rules::network::model::{
    Direction, Endpoint, Policy, Port, admits, has_peer, has_port, limiting, namespaces, policies, selects_namespace,
    uses_host_network,
};
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[BLOCKS_FLOW, BLOCKS_GATEWAY];

const BLOCKS_FLOW: Rule = Rule {
    id: "network-policy-blocks-flow",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Where a variable of a container names a Service or a Strimzi Kafka of the cluster, the NetworkPolicies let the connection through: \
those on the egress of the one, those on the ingress of the other, and `networkPolicyPeers` of the listener.

## Why it matters
The connection times out: the program is deployed, and does nothing.

## What it cannot see
Addresses in Secrets and inside images, policies of Cilium and Calico, and pods that charts make. Blocks of addresses without \
exceptions are taken to hold every pod.
",
    check: Check::Index(check_flows),
};

const BLOCKS_GATEWAY: Rule = Rule {
    id: "network-policy-blocks-gateway",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Pods behind an HTTPRoute or an Ingress may be reached from some other namespace, or from addresses: that is where gateways run.

## Why it matters
The gateway answers every request with `503` or `504`.

## What it cannot see
In which namespace the gateway runs; one in the namespace of the pods themselves needs no such rule. Some controllers run their proxy \
beside the Gateway: where a route is attached to a Gateway of the namespace of its pods, the finding is a note.
",
    check: Check::Index(check_gateways),
};

/// Reports every connection that a workload is told to make and a policy refuses.
fn check_flows(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let policies = policies(index);
    if policies.is_empty() && index.of_kind("kafka.strimzi.io", "Kafka").is_empty() {
        return;
    }
    let strimzi = Strimzi::of(index);
    for workload in index.workloads().iter().filter(|workload| !uses_host_network(workload)) {
        let caller = Endpoint::of(workload);
        for flow in flows(index, &strimzi, workload) {
            let answering = match &flow.target {
                Target::Pods(pods) => pods.clone(),
                Target::Kafka { broker, .. } => vec![broker.clone()],
            };
            let outwards = limiting(&policies, &caller, Direction::Egress);
            let may_leave = |to: &Endpoint<'_>| is_open(index, &outwards, Direction::Egress, to, &flow.port);
            if !answering.iter().any(may_leave) {
                let Some(to) = answering.first() else { continue };
                out.push(blocked(rule, workload, &flow, (index, &outwards), Direction::Egress, to));
                continue;
            }
            if let Target::Kafka { listener, broker } = &flow.target {
                out.extend(refused_by_listener(rule, index, workload, &flow, listener, broker));
                continue;
            }
            let inwards: Vec<&Policy<'_>> =
                answering.iter().flat_map(|to| limiting(&policies, to, Direction::Ingress)).collect();
            let may_enter = |to: &Endpoint<'_>| {
                is_open(index, &limiting(&policies, to, Direction::Ingress), Direction::Ingress, &caller, &flow.port)
            };
            if !answering.iter().any(may_enter) {
                out.push(blocked(rule, workload, &flow, (index, &inwards), Direction::Ingress, &caller));
            }
        }
    }
}

/// Returns whether the policies that limit a pod let it and `other` talk.
fn is_open(
    index: &ClusterIndex<'_>,
    limiting: &[&Policy<'_>],
    direction: Direction,
    other: &Endpoint<'_>,
    port: &Port<'_>,
) -> bool {
    limiting.is_empty() || limiting.iter().any(|policy| policy.allows(index, direction, other, port))
}

fn blocked(
    rule: &Rule,
    workload: &Workload<'_>,
    flow: &Flow<'_>,
    (index, limiting): (&ClusterIndex<'_>, &[&Policy<'_>]),
    direction: Direction,
    other: &Endpoint<'_>,
) -> Diagnostic {
    let (span, what) = nearest_miss(index, limiting, direction, other, &flow.port);
    let side = if direction == Direction::Egress { "leaves" } else { "arrives" };
    let port = flow.port.number;
    let help = match direction {
        Direction::Egress => format!("allow egress to `{}` on port {port}", other.namespace),
        Direction::Ingress => format!("allow ingress from `{}` on port {port}", other.namespace),
    };
    let who = workload.resource().object_ref();
    let message = format!("`{who}` connects to `{}`, and no NetworkPolicy lets it through on port {port}", flow.host);
    rule.report(message)
        .label(span, what)
        .label(flow.variable.node.span, "told to connect here")
        .help(help)
        .note(format!("nothing {side}: the connection times out"))
}

/// Returns where a policy comes nearest to allowing the connection: a rule with the right peer and another port, or the
/// right port and another peer; else its name.
fn nearest_miss(
    index: &ClusterIndex<'_>,
    limiting: &[&Policy<'_>],
    direction: Direction,
    other: &Endpoint<'_>,
    port: &Port<'_>,
) -> (Span, String) {
    let rules = || limiting.iter().flat_map(|policy| policy.rules(direction).iter().map(move |rule| (*policy, rule)));
    let of_peer = rules().find(|(policy, rule)| {
        let home = policy.resource.namespace();
        !rule.items(direction.fields().1).is_empty()
            && has_peer(rule, direction, |peer| admits(index, peer, home, other))
    });
    if let Some((_, rule)) = of_peer {
        let first = rule.items("ports").first();
        let span = first.and_then(|entry| entry.get("port")).or(first).unwrap_or(rule).span;
        return (span, format!("allows another port than {}", port.number));
    }
    let of_port = rules().find(|(_, rule)| !rule.items("ports").is_empty() && has_port(rule, port));
    if let Some((_, rule)) = of_port {
        let peer = rule.items(direction.fields().1).first().unwrap_or(rule);
        return (first_text(peer).span, "allows others".to_owned());
    }
    let first = limiting.first().expect("a connection that no policy limits is open");
    (first.resource.name_span(), format!("limits its {}", direction.name().to_ascii_lowercase()))
}

/// Returns the first text below `node`: a place of one line.
fn first_text(node: &Node) -> &Node {
    let below = node.as_map().and_then(|map| map.entries().first().map(|entry| &entry.value));
    let below = below.or_else(|| node.as_sequence().and_then(<[Node]>::first));
    below.map_or(node, first_text)
}

/// Returns the finding where `networkPolicyPeers` of a listener leaves `workload` out.
fn refused_by_listener(
    rule: &Rule,
    index: &ClusterIndex<'_>,
    workload: &Workload<'_>,
    flow: &Flow<'_>,
    listener: &Node,
    broker: &Endpoint<'_>,
) -> Option<Diagnostic> {
    let peers = listener.get("networkPolicyPeers")?.as_sequence().filter(|peers| !peers.is_empty())?;
    let caller = Endpoint::of(workload);
    if peers.iter().any(|peer| admits(index, peer, broker.namespace, &caller)) {
        return None;
    }
    let who = workload.resource().object_ref();
    let listener = listener.get("name").and_then(Node::as_str).unwrap_or("");
    Some(
        rule.report(format!(
            "`{who}` connects to `{}`, and its listener `{listener}` does not let it through",
            flow.host
        ))
        .label(first_text(&peers[0]).span, "lets others through")
        .label(flow.variable.node.span, "told to connect here")
        .help(format!("add the namespace `{}` to `networkPolicyPeers`", caller.namespace))
        .note("nothing arrives: the connection times out"),
    )
}

/// Reports every workload behind a route that no other namespace may reach.
fn check_gateways(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let policies = policies(index);
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for Backend { route, name: backend, namespace, port } in backends(index) {
        let Some(name) = backend.as_str().filter(|name| !seen.contains(&(namespace, name))) else { continue };
        seen.push((namespace, name));
        let Some(service) = index.find("", "Service", namespace, name) else { continue };
        let Some(labels) = service.node.at(&["spec", "selector"]).and_then(Node::as_map) else { continue };
        // A port that the Service does not have is the mistake of the route, reported there.
        let answering = of_service(index, service, port).or_else(|| of_service(index, service, None));
        let Some((_, port)) = answering else { continue };
        let behind = index.selected(namespace, &LabelSelector::of_labels(labels)).into_iter();
        for workload in behind.filter(|workload| !uses_host_network(workload)) {
            let limiting = limiting(&policies, &Endpoint::of(workload), Direction::Ingress);
            let is_reached = limiting.iter().any(|policy| admits_strangers(index, policy, &port));
            // The policy that says something of this port is where the namespace is missing.
            let is_near =
                |policy: &&&Policy<'_>| policy.rules(Direction::Ingress).iter().any(|rule| has_port(rule, &port));
            let nearest = limiting.iter().find(is_near).or(limiting.first());
            let Some(policy) = nearest.filter(|_| !is_reached) else { continue };
            // Some controllers run the proxy beside the Gateway: then its own namespace is enough.
            let worst = if has_parent_in(route, namespace) { Severity::Note } else { Severity::Error };
            out.push(
                rule.report(format!(
                    "`{}` is behind `{}`, and no other namespace may reach it",
                    workload.resource().object_ref(),
                    route.object_ref()
                ))
                .label(policy.resource.name_span(), "limits its ingress to its own namespace")
                .label(backend.span, "sends it requests")
                .help("allow ingress from the namespace that the gateway runs in")
                .note("the gateway cannot connect: it answers `503` or `504`")
                .at_most(worst),
            );
        }
    }
}

/// Returns whether `route` is attached to a Gateway of `namespace`.
fn has_parent_in(route: &Resource, namespace: &str) -> bool {
    let parents = route.node.get("spec").map(|spec| spec.items("parentRefs")).unwrap_or_default();
    let of_parent = |parent: &Node| parent.get("namespace").and_then(Node::as_str).map(str::to_owned);
    parents.iter().any(|parent| of_parent(parent).unwrap_or_else(|| route.namespace().to_owned()) == namespace)
}

/// Returns whether `policy` lets in somebody who is not of its namespace, on `port`.
fn admits_strangers(index: &ClusterIndex<'_>, policy: &Policy<'_>, port: &Port<'_>) -> bool {
    let home = policy.resource.namespace();
    let is_stranger = |peer: &Node| {
        let selector = peer.get("namespaceSelector").map(LabelSelector::of_node);
        let others = namespaces(index);
        let selects = |selector: &LabelSelector| {
            let mut others = others.iter().filter(|name| **name != home);
            others.any(|name| selects_namespace(index, selector, name))
        };
        peer.get("ipBlock").is_some() || selector.is_some_and(|selector| selects(&selector))
    };
    let mut rules = policy.rules(Direction::Ingress).iter();
    rules.any(|rule| has_port(rule, port) && has_peer(rule, Direction::Ingress, is_stranger))
}

/// A Service that a route sends requests to.
struct Backend<'a> {
    route: &'a Resource,
    name: &'a Node,
    namespace: &'a str,
    /// Nothing where the port is given by its name.
    port: Option<i64>,
}

/// Returns every backend Service of an HTTPRoute or Ingress.
fn backends<'a>(index: &ClusterIndex<'a>) -> Vec<Backend<'a>> {
    let mut found = Vec::new();
    for route in index.of_kind("gateway.networking.k8s.io", "HTTPRoute").iter().map(|object| object.resource) {
        let rules = route.node.get("spec").map(|spec| spec.items("rules")).unwrap_or_default();
        for reference in rules.iter().flat_map(|rule| rule.items("backendRefs")) {
            let text = |key| reference.get(key).and_then(Node::as_str);
            let is_service = text("kind").is_none_or(|kind| kind == "Service");
            let Some(name) = reference.get("name").filter(|_| is_service) else { continue };
            let namespace = text("namespace").unwrap_or(route.namespace());
            found.push(Backend { route, name, namespace, port: number(reference.get("port")) });
        }
    }
    for route in index.of_kind("networking.k8s.io", "Ingress").iter().map(|object| object.resource) {
        let rules = route.node.get("spec").map(|spec| spec.items("rules")).unwrap_or_default();
        let paths = rules.iter().flat_map(|rule| rule.get("http").map(|http| http.items("paths")).unwrap_or_default());
        for service in paths.filter_map(|path| path.at(&["backend", "service"])) {
            let Some(name) = service.get("name") else { continue };
            found.push(Backend {
                route,
                name,
                namespace: route.namespace(),
                port: number(service.at(&["port", "number"])),
            });
        }
    }
    found
}
