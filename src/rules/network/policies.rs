//! Rules on what NetworkPolicies select, and on names.
//!
//! Source: Kubernetes, NetworkPolicy v1, and "DNS for Services and Pods".

use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload};
use crate::rules::network::model::{
    Direction, Endpoint, NAME_LABEL, Policy, Port, has_peer, is_port, limiting, namespaces, policies,
    selects_namespace, uses_host_network,
};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[NAMESPACE_UNMATCHED, SELECTS_NOTHING, DNS_BLOCKED];

const NAMESPACE_UNMATCHED: Rule = Rule {
    id: "network-policy-namespace-unmatched",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `namespaceSelector` of a NetworkPolicy selects some namespace, by the labels that Namespace objects give and the label \
`kubernetes.io/metadata.name` that every namespace has.

## Why it matters
The rule allows nothing. `name: kube-system` is the usual slip: no namespace has that label, and names cannot be resolved.

## What it cannot see
Labels that are set outside this repository: where something of the cluster could not be rendered the finding is a note.
",
    check: Check::Index(check_namespaces),
};

const SELECTS_NOTHING: Rule = Rule {
    id: "network-policy-selects-nothing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The `podSelector` of each NetworkPolicy, and of each of its peers, selects the pods of some workload.

## Why it matters
A policy that selects nothing protects nothing; a peer that selects nothing lets nobody through.

## What it cannot see
Pods that charts and operators make: namespaces with a HelmRelease or a custom resource that may make pods are passed over.
",
    check: Check::Index(check_pods),
};

const DNS_BLOCKED: Rule = Rule {
    id: "network-policy-dns-blocked",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The policies that limit the egress of a workload let it ask for names: port 53 over UDP and TCP, at pods of `kube-system` or at \
addresses.

## Why it matters
Names are asked for over UDP (`protocol` without a value is TCP): without it no name resolves, and every connection by name fails. \
Without TCP long answers fail; that is a warning.

## What it cannot see
Policies of Cilium and Calico, and workloads that need no names. Pods on the network of their node, which no policy limits, \
and those with a `dnsPolicy` of `Default` or `None` are passed over.
",
    check: Check::Index(check_dns),
};

/// Reports every selector of namespaces that selects none.
fn check_namespaces(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let known = namespaces(index);
    for (policy, _, peer) in peers(index) {
        let Some(node) = peer.get("namespaceSelector") else { continue };
        let selector = LabelSelector::of_node(node);
        if selector.is_empty() || known.iter().any(|name| selects_namespace(index, &selector, name)) {
            continue;
        }
        // The last label of the selector stands for it: selectors have one in nearly all cases.
        let entry = node.get("matchLabels").and_then(Node::as_map).and_then(|map| map.entries().last());
        let value = entry.and_then(|entry| entry.value.as_str()).unwrap_or("");
        let near = nearest(value, known.iter().copied());
        let key = entry.map_or("", |entry| entry.key.text());
        let help = match (key, near) {
            (NAME_LABEL, Some(near)) => format!("did you mean `{near}`?"),
            (NAME_LABEL, None) => "correct the name, or add the Namespace".to_owned(),
            _ if known.contains(&value) => format!("select by `{NAME_LABEL}: {value}`, which every namespace has"),
            _ => "give a Namespace this label, or select another".to_owned(),
        };
        let certain = if known.contains(&value) { Some(value) } else { near };
        out.push(
            rule.report(format!("`{}` selects namespaces by `{selector}`, and none is like that", policy.object_ref()))
                .label(entry.map_or(node.span, |entry| entry.value.span), "no namespace has this label")
                .help(help)
                .note("the rule allows nothing")
                .at_most(index.absence_anywhere(certain)),
        );
    }
}

/// Returns every peer of every policy.
fn peers<'a>(index: &ClusterIndex<'a>) -> Vec<(&'a Resource, Direction, &'a Node)> {
    let mut found = Vec::new();
    for policy in policies(index) {
        for direction in [Direction::Ingress, Direction::Egress] {
            let peers = policy.rules(direction).iter().flat_map(|rule| rule.items(direction.fields().1));
            found.extend(peers.map(|peer| (policy.resource, direction, peer)));
        }
    }
    found
}

/// Reports every selector of pods that selects none.
fn check_pods(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for policy in policies(index) {
        let namespace = policy.resource.namespace();
        let is_proven = index.absence_of_pods(namespace) == Severity::Error;
        let Some(node) = policy.resource.node.at(&["spec", "podSelector"]).filter(|_| is_proven) else { continue };
        let is_empty = index.selected(namespace, &policy.selector).is_empty();
        if !policy.selector.is_empty() && is_empty && !index.is_made_pod(namespace, &policy.selector) {
            let message = format!(
                "`{}` is about pods with `{}`, and there are none",
                policy.resource.object_ref(),
                policy.selector
            );
            out.push(
                rule.report(message)
                    .label(first_label(node), "no workload has this label")
                    .help("correct the selector"),
            );
        }
    }
    let known = namespaces(index);
    for (policy, _, peer) in peers(index) {
        let Some(node) = peer.get("podSelector") else { continue };
        let pods = LabelSelector::of_node(node);
        let selector = peer.get("namespaceSelector").map(LabelSelector::of_node);
        let inside: Vec<&str> = match &selector {
            Some(selector) => known.iter().copied().filter(|name| selects_namespace(index, selector, name)).collect(),
            None => vec![policy.namespace()],
        };
        let is_proven = |name: &&str| index.absence_of_pods(name) == Severity::Error;
        let is_empty = |name: &&str| index.selected(name, &pods).is_empty() && !index.is_made_pod(name, &pods);
        if pods.is_empty() || inside.is_empty() || !inside.iter().all(|name| is_proven(name) && is_empty(name)) {
            continue;
        }
        let message = format!("`{}` lets pods with `{pods}` through, and there are none", policy.object_ref());
        let label = format!("no workload in `{}` has this label", inside.join("`, `"));
        out.push(rule.report(message).label(first_label(node), label).help("correct the selector"));
    }
}

/// Returns where the first label of a selector is written.
fn first_label(node: &Node) -> Span {
    let labels = node.get("matchLabels").and_then(Node::as_map);
    labels.and_then(|map| map.entries().first()).map_or(node.span, |entry| entry.value.span)
}

/// Reports every workload that cannot ask for names.
fn check_dns(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let policies = policies(index);
    let mut seen = Vec::new();
    for workload in index.workloads() {
        if is_dns(workload.namespace(), workload.labels().is_some()) || asks_elsewhere(workload) {
            continue;
        }
        let limiting = limiting(&policies, &Endpoint::of(workload), Direction::Egress);
        if limiting.is_empty() {
            continue;
        }
        let asks = |protocol| limiting.iter().find_map(|policy| dns_port(index, policy, protocol));
        let (udp, tcp) = (asks("UDP"), asks("TCP"));
        let who = workload.resource().object_ref();
        let finding = match (&udp, &tcp) {
            (Some(_), Some(_)) => continue,
            (None, Some(written)) => rule
                .report(format!("`{who}` may ask for names over TCP only"))
                .label(written.span, "not over UDP")
                .help("add `protocol: UDP`, `port: 53`")
                .note("names are asked for over UDP: no name resolves"),
            (Some(written), None) => rule
                .report(format!("`{who}` may ask for names over UDP only"))
                .label(written.span, "not over TCP")
                .help("add `protocol: TCP`, `port: 53`")
                .note("answers that do not fit a datagram fail")
                .at_most(Severity::Warning),
            (None, None) => rule
                .report(format!("`{who}` cannot ask for names"))
                .label(limiting[0].resource.name_span(), "limits its egress, and no policy allows port 53")
                .help("allow port 53 over UDP and TCP to pods of `kube-system`")
                .note("no name resolves: every connection by name fails"),
        };
        // One policy for many pods is one mistake.
        if let Some(span) = finding.span().filter(|span| !seen.contains(span)) {
            seen.push(span);
            out.push(finding);
        }
    }
}

/// Returns whether the pods may be those that answer: what is in `kube-system` asks the node.
fn is_dns(namespace: &str, has_labels: bool) -> bool {
    namespace == "kube-system" || !has_labels
}

/// Returns whether the pods ask no name of the cluster's own servers: they use the network or the resolver of their node, or name
/// servers of their own.
fn asks_elsewhere(workload: &Workload<'_>) -> bool {
    let policy = workload.pod_spec().and_then(|spec| spec.get("dnsPolicy")).and_then(Node::as_str);
    uses_host_network(workload) || matches!(policy, Some("Default" | "None"))
}

/// Returns the place by which `policy` allows port 53 over `protocol` to where names are answered: the port, or the rule
/// where that allows all ports.
fn dns_port<'a>(index: &ClusterIndex<'_>, policy: &Policy<'a>, protocol: &'static str) -> Option<&'a Node> {
    let port = Port { protocol, number: 53, name: Some("dns") };
    policy.rules(Direction::Egress).iter().find_map(|rule| {
        if !has_peer(rule, Direction::Egress, |peer| may_answer(index, peer)) {
            return None;
        }
        let ports = rule.items("ports");
        if ports.is_empty() {
            return Some(rule);
        }
        let written = ports.iter().find(|written| is_port(written, &port))?;
        Some(written.get("port").unwrap_or(written))
    })
}

/// Returns whether `peer` may be where names are answered: addresses, or pods of `kube-system` by whatever labels. A
/// selector that selects no namespace at all was meant for it, and is reported by its own rule.
fn may_answer(index: &ClusterIndex<'_>, peer: &Node) -> bool {
    if peer.get("ipBlock").is_some() {
        return true;
    }
    let Some(selector) = peer.get("namespaceSelector").map(LabelSelector::of_node) else { return false };
    let is_dead = !namespaces(index).iter().any(|name| selects_namespace(index, &selector, name));
    is_dead || selects_namespace(index, &selector, "kube-system")
}
