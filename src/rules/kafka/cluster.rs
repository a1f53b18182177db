//! Rules on what belongs to a Kafka, who looks after it, and who can reach it.
//!
//! Source: Strimzi, "Deploying and managing", and the resource descriptions of `kafka.strimzi.io/v1`.

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::kafka::model::{CLUSTER_LABEL, Kafka, Listener, Strimzi, cluster_label, objects};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[CLUSTER_UNKNOWN, OPERATOR_ABSENT, LISTENER_PUBLIC];

const CLUSTER_UNKNOWN: Rule = Rule {
    id: "kafka-cluster-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The label `strimzi.io/cluster` of each KafkaTopic, KafkaUser, KafkaNodePool and KafkaRebalance names a Kafka of its namespace, \
that of a KafkaConnector a KafkaConnect.

## Why it matters
No operator feels responsible for the object: the topic, the user or the brokers are never created, and no status says so.

## What it cannot see
Kafka clusters outside this repository: where something of the cluster could not be rendered the finding is a note.
",
    check: Check::Index(check_label),
};

const OPERATOR_ABSENT: Rule = Rule {
    id: "kafka-entity-operator-absent",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Kafka with KafkaTopics has `spec.entityOperator.topicOperator`, one with KafkaUsers `spec.entityOperator.userOperator`.

## Why it matters
Nothing turns the objects into topics and users: they stay without a status, and Flux waits for them until its timeout.

## What it cannot see
A topic or user operator that is deployed on its own.
",
    check: Check::Index(check_operator),
};

const LISTENER_PUBLIC: Rule = Rule {
    id: "kafka-listener-public",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Listeners that are reached from outside the cluster (`loadbalancer`, `nodeport`, `ingress`, `route`, `tlsroute`) have \
authentication and TLS.

## Why it matters
Without authentication whoever finds the address reads and writes every topic. Without TLS everything, passwords included, \
goes over the network in the clear; that alone is a warning, and so is a node port, or a load balancer with \
`loadBalancerSourceRanges`.

## What it cannot see
Firewalls, and load balancers that are private by an annotation of their provider.
",
    check: Check::Index(check_listeners),
};

/// Kinds that carry the label, with the kind that it names.
const LABELLED: [(&str, &str); 5] = [
    ("KafkaNodePool", "Kafka"),
    ("KafkaTopic", "Kafka"),
    ("KafkaUser", "Kafka"),
    ("KafkaRebalance", "Kafka"),
    ("KafkaConnector", "KafkaConnect"),
];

/// Reports every object of the cluster that belongs to a Kafka which does not exist.
fn check_label(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for (kind, owner) in LABELLED {
        for resource in objects(index, kind) {
            let Some(label) = cluster_label(resource) else {
                out.push(unlabelled(rule, resource, owner));
                continue;
            };
            let name = label.as_str().unwrap_or("");
            let owners: Vec<&Resource> = objects(index, owner).collect();
            let same_name = || owners.iter().filter(|found| found.name() == name);
            if same_name().any(|found| found.namespace() == resource.namespace() || watches(found, resource)) {
                continue;
            }
            let near = nearest(name, owners.iter().map(|found| found.name()));
            let help = match (same_name().next(), near) {
                (Some(found), _) => format!("move it to the namespace `{}`", found.namespace()),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => format!("name a {owner} of the namespace"),
            };
            out.push(
                rule.report(format!(
                    "`{}` belongs to {owner} `{name}`, which its namespace does not have",
                    resource.object_ref()
                ))
                .label(label.span, format!("no {owner} `{}/{name}`", resource.namespace()))
                .help(help)
                .note("no operator looks after the object")
                .at_most(index.absence(resource.namespace(), near)),
            );
        }
    }
}

fn unlabelled(rule: &Rule, resource: &Resource, owner: &str) -> Diagnostic {
    rule.report(format!("`{}` has no label `{CLUSTER_LABEL}`", resource.object_ref()))
        .label(resource.name_span(), format!("belongs to no {owner}"))
        .help(format!("add the label with the name of the {owner}"))
        .note("no operator looks after the object")
}

/// Returns whether the entity operator of `kafka` looks after objects of the namespace that `resource` is in.
fn watches(kafka: &Resource, resource: &Resource) -> bool {
    let operator = match resource.kind() {
        "KafkaTopic" => "topicOperator",
        "KafkaUser" => "userOperator",
        _ => return false,
    };
    let watched = kafka.node.at(&["spec", "entityOperator", operator, "watchedNamespace"]);
    watched.and_then(Node::as_str) == Some(resource.namespace())
}

/// Reports every KafkaTopic and KafkaUser whose Kafka runs no operator for it, once for each Kafka and kind.
fn check_operator(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for (kind, operator) in [("KafkaTopic", "topicOperator"), ("KafkaUser", "userOperator")] {
        for kafka in &strimzi.clusters {
            let has_it =
                kafka.resource.node.at(&["spec", "entityOperator", operator]).is_some_and(|field| !field.is_null());
            let of_kafka = |resource: &&Resource| {
                strimzi.owner_of(resource).is_some_and(|owner| std::ptr::eq(owner.resource, kafka.resource))
            };
            let Some(first) = objects(index, kind).find(of_kafka).filter(|_| !has_it) else { continue };
            out.push(
                rule.report(format!(
                    "`{}` has no `{operator}`, and `{}` needs it",
                    kafka.resource.object_ref(),
                    first.object_ref()
                ))
                .label(kafka.resource.name_span(), format!("no `spec.entityOperator.{operator}`"))
                .label(first.name_span(), "never created")
                .help(format!("add `{operator}: {{}}` below `spec.entityOperator`")),
            );
        }
    }
}

/// Reports every listener of the cluster that the world can use.
fn check_listeners(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for kafka in Strimzi::of(index).clusters {
        for listener in kafka.listeners().filter(|listener| !listener.is_internal()) {
            out.extend(open_listener(rule, &kafka, listener));
        }
    }
}

fn open_listener(rule: &Rule, kafka: &Kafka<'_>, listener: Listener<'_>) -> Option<Diagnostic> {
    let kind = listener.text("type");
    if !matches!(kind, "loadbalancer" | "nodeport" | "ingress" | "route" | "tlsroute") {
        return None;
    }
    let is_authenticated = listener.0.at(&["authentication", "type"]).is_some_and(|field| !field.is_null());
    let is_encrypted = listener.text("tls") == "true";
    let what = match (is_authenticated, is_encrypted) {
        (true, true) => return None,
        (false, false) => "neither authentication nor TLS",
        (false, true) => "no authentication",
        (true, false) => "no TLS",
    };
    let ranges = listener.0.at(&["configuration", "loadBalancerSourceRanges"]).and_then(Node::as_sequence);
    let is_limited = kind == "nodeport" || ranges.is_some_and(|ranges| !ranges.is_empty());
    let worst = if is_authenticated || is_limited { Severity::Warning } else { Severity::Error };
    let span = listener.0.get("type").map_or(listener.0.span, |field| field.span);
    let name = listener.text("name");
    let note = if is_authenticated {
        "what clients send can be read on the way"
    } else {
        "whoever reaches the address reads and writes every topic"
    };
    let help = "set `tls: true` and an `authentication`, or make the listener `internal`";
    let finding = rule
        .report(format!("listener `{name}` of `{}` is a {kind} with {what}", kafka.resource.object_ref()))
        .label(span, "reached from outside the cluster");
    Some(finding.help(help).note(note).at_most(worst))
}
