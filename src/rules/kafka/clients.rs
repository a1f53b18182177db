//! Rules on programs that use Kafka: the topics, and how many of them read at once.
//!
//! Source: Apache Kafka, consumer groups and topic creation.

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload, number};
use crate::rules::kafka::addresses::Address;
use crate::rules::kafka::model::{Kafka, Strimzi, Topic};
use crate::rules::variables::{Variable, variables};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[TOPIC_UNKNOWN, CONSUMERS_IDLE];

const TOPIC_UNKNOWN: Rule = Rule {
    id: "kafka-topic-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each topic that a container is told of in a variable with the word `TOPIC` exists as a KafkaTopic of the Kafka whose address \
the container has.

## Why it matters
With `auto.create.topics.enable: false` the program reads and writes nothing: `UNKNOWN_TOPIC_OR_PARTITION`. Else the brokers \
make the topic when it is first used, with their default partitions and replicas and no retention of yours; that is a warning.

## What it cannot see
Topics that programs create themselves, and containers whose Kafka is not in this repository.
",
    check: Check::Index(check_topics),
};

const CONSUMERS_IDLE: Rule = Rule {
    id: "kafka-consumers-above-partitions",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A workload with a consumer group has no more replicas, and its autoscaler no higher maximum, than its input topics have \
partitions together.

## Why it matters
Within a group one partition is read by one consumer: the others idle, and each of them that comes or goes rebalances the group.

## What it cannot see
Containers with several consumers, and programs that do more than consume. Which topics are inputs is read from the names of \
the variables.
",
    check: Check::Index(check_consumers),
};

/// A container's Kafka and the topics that it is told of.
struct Usage<'k, 'a> {
    kafka: &'k Kafka<'a>,
    topics: Vec<(Variable<'a>, &'a str)>,
    has_group: bool,
}

/// Words of variables that say something of topics other than their name.
const NOT_A_NAME: [&str; 18] = [
    "PATTERN",
    "REGEX",
    "PREFIX",
    "SUFFIX",
    "PARTITIONS",
    "PARTITION",
    "REPLICATION",
    "REPLICAS",
    "FACTOR",
    "COUNT",
    "TIMEOUT",
    "RETENTION",
    "CONFIG",
    "CREATE",
    "ENABLED",
    "ARN",
    "ID",
    "TYPE",
];
/// Words of variables that name topics which a program reads.
const INPUT: [&str; 6] = ["INPUT", "IN", "SOURCE", "CONSUMER", "CONSUME", "SUBSCRIBE"];
/// Words of variables that name topics which a program writes.
const OUTPUT: [&str; 11] =
    ["OUTPUT", "OUT", "SINK", "TARGET", "DESTINATION", "PRODUCER", "PRODUCE", "DLQ", "LATE", "ERROR", "ERRORS"];

/// Returns the usages of the containers of `workload` that have the address of one Kafka of the cluster.
fn usages<'k, 'a>(index: &ClusterIndex<'a>, strimzi: &'k Strimzi<'a>, workload: &Workload<'a>) -> Vec<Usage<'k, 'a>> {
    let mut found = Vec::new();
    if strimzi.clusters.is_empty() {
        return found;
    }
    for container in workload.containers() {
        let variables = variables(index, workload, container);
        let mut addresses = variables.iter().flat_map(|variable| Address::all(variable.value(), workload.namespace()));
        let Some(kafka) = addresses.find_map(|address| address.find(strimzi)) else { continue };
        let names = |variable: &Variable<'a>| {
            let variable = *variable;
            variable.value().split(',').map(str::trim).filter(|name| is_topic(name)).map(move |name| (variable, name))
        };
        let is_named =
            |variable: &&Variable<'_>| variable.has_word(&["TOPIC", "TOPICS"]) && !variable.has_word(&NOT_A_NAME);
        let topics = variables.iter().filter(is_named).flat_map(names).collect();
        let has_group = variables.iter().any(|variable| variable.has_word(&["GROUP", "GROUPID"]));
        found.push(Usage { kafka, topics, has_group });
    }
    found
}

/// Returns whether `text` can be the name of a topic that people gave.
fn is_topic(text: &str) -> bool {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    !text.is_empty()
        && text.len() <= 249
        && text.chars().all(is_legal)
        && text.chars().any(|letter| letter.is_ascii_alphabetic())
        && !matches!(text, "true" | "false")
}

/// Reports every topic that a container is told of and no KafkaTopic makes.
fn check_topics(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for workload in index.workloads() {
        for Usage { kafka, topics, .. } in usages(index, &strimzi, workload) {
            for (variable, name) in topics.iter().filter(|(_, name)| strimzi.topic(kafka, name).is_none()) {
                let known = strimzi.topics_of(kafka).map(Topic::name);
                let near = nearest(name, known);
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add a KafkaTopic `{name}` to the namespace `{}`", kafka.resource.namespace()),
                };
                let owner = kafka.resource.object_ref();
                let who = workload.resource().object_ref();
                let finding = rule
                    .report(format!("`{who}` uses the topic `{name}`, which `{owner}` does not have"))
                    .label(variable.node.span, "no KafkaTopic has this name")
                    .help(help);
                out.push(if kafka.creates_topics() {
                    let note =
                        "the brokers create it at its first use, with their own partitions, replicas and retention";
                    finding.note(note).at_most(Severity::Warning)
                } else {
                    let worst = index.absence(kafka.resource.namespace(), near);
                    finding.note("the brokers create no topics: `UNKNOWN_TOPIC_OR_PARTITION`").at_most(worst)
                });
            }
        }
    }
}

/// Reports every workload with more consumers than partitions.
fn check_consumers(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for workload in index.workloads() {
        for usage in usages(index, &strimzi, workload).iter().filter(|usage| usage.has_group) {
            let Some((partitions, topics)) = inputs(&strimzi, usage) else { continue };
            for (consumers, node, who) in sizes(index, workload) {
                if consumers <= partitions {
                    continue;
                }
                let of = if topics.len() == 1 {
                    format!("topic `{}`", topics[0])
                } else {
                    format!("topics `{}`", topics.join("`, `"))
                };
                let has = if partitions == 1 { "1 partition".to_owned() } else { format!("{partitions} partitions") };
                out.push(
                    rule.report(format!(
                        "`{}` runs up to {consumers} consumers of the {of}, which has {has}",
                        who.object_ref()
                    ))
                    .label(node.span, "more than there are partitions")
                    .help(format!("write {partitions} or less, or add partitions"))
                    .note("a consumer without a partition idles, and each one that comes or goes rebalances the group"),
                );
            }
        }
    }
}

/// Returns how many partitions the input topics of `usage` have together, and their names; nothing where that is not known.
fn inputs<'a>(strimzi: &Strimzi<'_>, usage: &Usage<'_, 'a>) -> Option<(i64, Vec<&'a str>)> {
    let is_input = |(variable, _): &&(Variable<'_>, &str)| variable.has_word(&INPUT);
    let is_open = |(variable, _): &&(Variable<'_>, &str)| !variable.has_word(&OUTPUT);
    let named: Vec<&'a str> = usage.topics.iter().filter(is_input).map(|(_, name)| *name).collect();
    let any = || usage.topics.iter().filter(is_open).map(|(_, name)| *name).collect();
    let topics: Vec<&'a str> = if named.is_empty() { any() } else { named };
    let default = || usage.kafka.creates_topics().then(|| usage.kafka.number("num.partitions", 1));
    let partitions = |name: &&str| match strimzi.topic(usage.kafka, name) {
        Some(topic) => topic.partitions().or_else(|| Some(usage.kafka.number("num.partitions", 1))),
        None => default(),
    };
    let sum: u64 = topics.iter().map(partitions).sum::<Option<u64>>()?;
    (!topics.is_empty()).then_some((i64::try_from(sum).ok()?, topics))
}

/// Returns how many pods `workload` may have: where it says so, and where an autoscaler says so.
fn sizes<'a>(index: &ClusterIndex<'a>, workload: &Workload<'a>) -> Vec<(i64, &'a Node, &'a Resource)> {
    let resource = workload.resource();
    let mut found = Vec::new();
    if let Some(node) = resource.node.at(&["spec", "replicas"]) {
        found.extend(number(Some(node)).map(|count| (count, node, resource)));
    }
    let autoscalers =
        [("autoscaling", "HorizontalPodAutoscaler", "maxReplicas"), ("keda.sh", "ScaledObject", "maxReplicaCount")];
    for (group, kind, maximum) in autoscalers {
        for autoscaler in index.of_kind(group, kind).iter().map(|object| object.resource) {
            let target = |key| autoscaler.node.at(&["spec", "scaleTargetRef", key]).and_then(Node::as_str);
            let is_it = autoscaler.namespace() == resource.namespace()
                && target("name") == Some(resource.name())
                && target("kind").unwrap_or("Deployment") == resource.kind();
            let Some(node) = autoscaler.node.at(&["spec", maximum]).filter(|_| is_it && !limits_itself(autoscaler))
            else {
                continue;
            };
            found.extend(number(Some(node)).map(|count| (count, node, autoscaler)));
        }
    }
    found
}

/// Returns whether KEDA keeps the number of pods at the number of partitions: it does for Kafka, unless it is told not to.
fn limits_itself(autoscaler: &Resource) -> bool {
    let triggers = autoscaler.node.get("spec").map(|spec| spec.items("triggers")).unwrap_or_default();
    let is_limited = |trigger: &Node| {
        let idle = trigger.at(&["metadata", "allowIdleConsumers"]).and_then(Node::as_str);
        trigger.get("type").and_then(Node::as_str) == Some("kafka") && idle != Some("true")
    };
    triggers.iter().any(is_limited)
}
