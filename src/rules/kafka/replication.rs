//! Rules on how often Kafka keeps each record, and how many copies a write waits for.
//!
//! Source: Apache Kafka, broker and topic configuration; Strimzi, `KafkaCluster` (what the operator refuses).

use crate::diagnostic::{Diagnostic, Severity};
use crate::rules::index::ClusterIndex;
use crate::rules::kafka::model::{Kafka, Strimzi, number};
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::Span;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[ABOVE_BROKERS, MIN_INSYNC];

const ABOVE_BROKERS: Rule = Rule {
    id: "kafka-replication-above-brokers",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kafka and no KafkaTopic asks for more replicas than its node pools have brokers; `offsets.topic.replication.factor` and \
`transaction.state.log.replication.factor` count as 3 where they are not set.

## Why it matters
Strimzi refuses the Kafka (`should be set to … or less because this cluster has only … Kafka broker(s)`), Kafka refuses the \
topic (`InvalidReplicationFactorException`). Without the topic of the offsets no consumer group can join.

## What it cannot see
Kafka clusters of which no node pool is in the repository.
",
    check: Check::Index(check_replication),
};

const MIN_INSYNC: Rule = Rule {
    id: "kafka-min-insync-too-high",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`min.insync.replicas` and `transaction.state.log.min.isr` are below the replication that they apply to.

## Why it matters
Above it no write with `acks=all` ever succeeds: `NOT_ENOUGH_REPLICAS`. Where they are equal, each restart of one broker \
stops all such writes; that is a warning. One replica of one is left alone.

## What it cannot see
Topics that are created by other means than a KafkaTopic.
",
    check: Check::Index(check_min_insync),
};

/// Settings of a Kafka that Strimzi compares with the number of brokers, with what Kafka takes where they are not set.
const FACTORS: [(&str, u64); 4] = [
    ("default.replication.factor", 1),
    ("offsets.topic.replication.factor", 3),
    ("transaction.state.log.replication.factor", 3),
    ("transaction.state.log.min.isr", 2),
];

/// Reports every replication of the cluster that its brokers cannot hold.
fn check_replication(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for kafka in &strimzi.clusters {
        let Some(brokers) = kafka.brokers().filter(|brokers| *brokers > 0) else { continue };
        let found = FACTORS.iter().filter(|(key, default)| kafka.number(key, *default) > brokers);
        let (written, unset): (Vec<_>, Vec<_>) = found.partition(|(key, _)| kafka.config(key).is_some());
        for (key, _) in written {
            let Some(value) = kafka.config(key) else { continue };
            let message = format!("`{}` wants `{key}: {}`", kafka.resource.object_ref(), value.as_str().unwrap_or(""));
            out.push(
                too_many(rule, &message, brokers, kafka)
                    .label(value.span, "more than there are brokers")
                    .help(format!("write {brokers} or less, or add brokers"))
                    .note("Strimzi refuses the Kafka until it fits"),
            );
        }
        // The topic of the offsets is what every consumer group needs; the others follow it.
        if let Some((key, default)) = unset.first() {
            let span =
                kafka.resource.node.at(&["spec", "kafka", "config"]).map_or(kafka.resource.name_span(), |it| it.span);
            let message = format!("`{}` leaves `{key}` at Kafka's default of {default}", kafka.resource.object_ref());
            out.push(
                too_many(rule, &message, brokers, kafka)
                    .label(first_line(span, kafka), format!("`{key}` is not set"))
                    .help(format!(
                        "set `{}: {brokers}`",
                        unset.iter().map(|(key, _)| *key).collect::<Vec<_>>().join("`, `")
                    ))
                    .note("Kafka cannot create its internal topic: no consumer group can join"),
            );
        }
        for topic in strimzi.topics_of(kafka) {
            let Some(replicas) = topic.replicas() else { continue };
            if number(replicas).is_some_and(|wanted| wanted > brokers) {
                let message =
                    format!("`{}` wants {} replicas", topic.resource.object_ref(), replicas.as_str().unwrap_or(""));
                out.push(
                    too_many(rule, &message, brokers, kafka)
                        .label(replicas.span, "more than there are brokers")
                        .help(format!("write {brokers} or less, or add brokers"))
                        .note("Kafka refuses the topic: `InvalidReplicationFactorException`"),
                );
            }
        }
    }
}

/// A mapping without a key of interest is labelled at the Kafka's name: its own span is many lines long.
fn first_line(span: Span, kafka: &Kafka<'_>) -> Span {
    if span.end - span.start > 200 { kafka.resource.name_span() } else { span }
}

fn too_many(rule: &Rule, message: &str, brokers: u64, kafka: &Kafka<'_>) -> Diagnostic {
    let name = kafka.resource.name();
    let brokers = if brokers == 1 { "1 broker".to_owned() } else { format!("{brokers} brokers") };
    rule.report(format!("{message}, and Kafka `{name}` has {brokers}"))
}

/// Reports every minimum of in-sync replicas that leaves no room for a broker to be away.
fn check_min_insync(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for kafka in &strimzi.clusters {
        let pairs = [
            ("min.insync.replicas", "default.replication.factor", 1),
            ("transaction.state.log.min.isr", "transaction.state.log.replication.factor", 3),
        ];
        for (minimum, factor, default) in pairs {
            let Some(written) = kafka.config(minimum) else { continue };
            let replicas = kafka.number(factor, default);
            let what = format!("`{}`", kafka.resource.object_ref());
            out.extend(compare(rule, &what, (minimum, number(written)), replicas, written.span));
        }
        for topic in strimzi.topics_of(kafka) {
            let own = topic.config("min.insync.replicas");
            let Some(minimum) = own.or_else(|| kafka.config("min.insync.replicas")) else { continue };
            let default = kafka.number("default.replication.factor", 1);
            let replicas = topic.replicas().and_then(number).unwrap_or(default);
            let span = own.or(topic.replicas()).map_or(topic.resource.name_span(), |node| node.span);
            let what = format!("`{}`", topic.resource.object_ref());
            out.extend(compare(rule, &what, ("min.insync.replicas", number(minimum)), replicas, span));
        }
    }
}

/// Returns the finding where `minimum` copies of `replicas` leave no room.
fn compare(rule: &Rule, what: &str, minimum: (&str, Option<u64>), replicas: u64, span: Span) -> Option<Diagnostic> {
    let (key, minimum) = (minimum.0, minimum.1?);
    if minimum < replicas || (minimum == replicas && replicas <= 1) {
        return None;
    }
    let copies = if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") };
    let finding =
        rule.report(format!("{what} waits for `{key}: {minimum}` of {copies}")).label(span, "no replica may be away");
    Some(if minimum > replicas {
        finding
            .help(format!("set `{key}` below the number of replicas"))
            .note("no write with `acks=all` ever succeeds: `NOT_ENOUGH_REPLICAS`")
    } else {
        finding
            .help(format!("set `{key}: {}`, or add a replica", minimum - 1))
            .note("each restart of one broker stops every write with `acks=all`")
            .at_most(Severity::Warning)
    })
}
