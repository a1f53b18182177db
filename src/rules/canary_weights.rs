//! Rules on canaries of Kafka consumers.
//!
//! A canary that joins the consumer group of its primary gets its share of the partitions: with `r` replicas of `n` in
//! all over `p` partitions that is `r / n`, as long as `n` divides `p`. Source: Kafka, the assignors of consumer groups.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::Cluster;
use crate::kustomize::Resource;
use crate::rules::{Check, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[WEIGHT];

/// Says of a Deployment which percentage of the partitions it is to get.
const WEIGHT_KEY: &str = "gitops-gen.dev/canary-weight";
/// Names the Deployment of the same namespace that it shares a consumer group with.
const PRIMARY_KEY: &str = "gitops-gen.dev/canary-of";
/// Names the `KafkaTopic` that both read.
const TOPIC_KEY: &str = "gitops-gen.dev/canary-topic";

const WEIGHT: Rule = Rule {
    id: "canary-weight-missed",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Deployment with the annotation `gitops-gen.dev/canary-weight` gets that percentage of the partitions of its topic: its replicas \
and those of the Deployment in `gitops-gen.dev/canary-of`, over the partitions of the KafkaTopic in `gitops-gen.dev/canary-topic`.

## Why it matters
A canary of a Kafka consumer has no weight but its share of the partitions. One replica beside two gets a third of the records, \
and where the replicas do not divide the partitions the share depends on who joined first.

## What it cannot see
Keys that are not spread evenly over the partitions, and replicas that an autoscaler sets.
",
    check: Check::Cluster(check_weight),
};

/// Reports every canary of `cluster` whose share is not the one that was asked for.
fn check_weight(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    let deployments: Vec<&Resource> = cluster.objects_of("apps", "Deployment").map(|object| object.resource).collect();
    for canary in &deployments {
        let annotation = |key: &str| canary.node.at(&["metadata", "annotations", key]);
        let (Some(weight), Some(primary), Some(topic)) =
            (annotation(WEIGHT_KEY), annotation(PRIMARY_KEY), annotation(TOPIC_KEY))
        else {
            continue;
        };
        let found = deployments
            .iter()
            .find(|resource| resource.namespace() == canary.namespace() && Some(resource.name()) == primary.as_str());
        let mut topics = cluster.objects_of("kafka.strimzi.io", "KafkaTopic").map(|object| object.resource);
        let partitions = topics.find(|resource| Some(resource.name()) == topic.as_str());
        let partitions = partitions.and_then(|topic| number(topic.node.at(&["spec", "partitions"])));
        let (Some(found), Some(partitions), Some(wanted)) = (found, partitions, number(Some(weight))) else { continue };
        let replicas = |resource: &Resource| number(resource.node.at(&["spec", "replicas"])).unwrap_or(1);
        let (own, all) = (replicas(canary), replicas(canary) + replicas(found));
        let share = Share::of(own, all, partitions);
        if share.is_exactly(wanted) {
            continue;
        }
        out.push(
            rule.report(format!(
                "canary `{}/{}` gets {share} of the partitions, not {wanted} %",
                canary.namespace(),
                canary.name()
            ))
            .label(weight.span, format!("{own} of {all} replicas over {partitions} partitions"))
            .help(suggestion(wanted)),
        );
    }
}

fn number(node: Option<&Node>) -> Option<u64> {
    node?.as_str()?.trim_end_matches('%').parse().ok()
}

/// What part of the partitions some replicas get: at least and at most.
struct Share {
    least: u64,
    most: u64,
    partitions: u64,
}

impl Share {
    /// Each consumer gets the partitions divided by the consumers, rounded down or up; beyond the partitions they idle.
    fn of(own: u64, all: u64, partitions: u64) -> Self {
        let (each, over) = (partitions / all.max(1), partitions % all.max(1));
        // The larger parts may all be those of the primary, or as many as possible the canary's.
        let least = own * each + over.saturating_sub(all - own);
        let most = own * each + over.min(own);
        Self { least, most, partitions: partitions.max(1) }
    }

    fn is_exactly(&self, percent: u64) -> bool {
        self.least == self.most && self.least * 100 == percent * self.partitions
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |part: u64| part * 100 / self.partitions;
        if self.least == self.most {
            write!(formatter, "{} %", percent(self.least))
        } else {
            write!(formatter, "{} to {} %", percent(self.least), percent(self.most))
        }
    }
}

/// Returns the smallest numbers that give `percent`.
fn suggestion(percent: u64) -> String {
    let divisor = (1..=100)
        .rev()
        .find(|divisor| 100_u64.is_multiple_of(*divisor) && percent.is_multiple_of(*divisor))
        .unwrap_or(1);
    let (own, all) = (percent / divisor, 100 / divisor);
    format!("run {own} of {all} replicas over {all} partitions, or a multiple of them")
}
