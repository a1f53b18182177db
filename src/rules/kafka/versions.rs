//! Rules on which Kafka a Strimzi operator can run.
//!
//! Source: Strimzi, `CHANGELOG.md` and `kafka-versions.yaml` of each release.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux;
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::kafka::model::Strimzi;
use crate::rules::{Check, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[UNSUPPORTED, METADATA_ABOVE, ZOOKEEPER];

const UNSUPPORTED: Rule = Rule {
    id: "kafka-version-unsupported",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.kafka.version` of each Kafka is one that the Strimzi operator of the cluster runs. The operator's version is that of \
its chart; an unpinned chart counts as the newest that is known here.

## Why it matters
The operator refuses the Kafka: `Unsupported Kafka.spec.kafka.version`. Nothing of it is created or changed.

## What it cannot see
An operator that is installed outside this repository: then the finding is a note. Operators newer than 1.2 are not judged.
",
    check: Check::Index(check_version),
};

const METADATA_ABOVE: Rule = Rule {
    id: "kafka-metadata-above-version",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.kafka.metadataVersion` is not newer than `spec.kafka.version`.

## Why it matters
Brokers do not start with metadata from the future, and the operator refuses the change. After an upgrade the metadata version \
is raised last.

## What it cannot see
The version that the brokers run now.
",
    check: Check::Index(check_metadata),
};

const ZOOKEEPER: Rule = Rule {
    id: "kafka-needs-zookeeper",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kafka has `spec.zookeeper`.

## Why it matters
Kafka 4.0 has no ZooKeeper any more, and Strimzi since 0.46 runs no Kafka that needs it: `spec.zookeeper` is refused. Node \
pools with the role `controller` take its place.

## What it cannot see
Whether the cluster still runs an operator before 0.46 that is installed outside this repository: then the finding is a warning.
",
    check: Check::Index(check_zookeeper),
};

/// Major, minor and patch.
type Version = (u32, u32, u32);

/// Oldest and newest Kafka of each minor release of Strimzi.
const SUPPORTED: [((u32, u32), Version, Version); 10] = [
    ((0, 45), (3, 8, 0), (3, 9, 1)),
    ((0, 46), (3, 9, 0), (4, 0, 0)),
    ((0, 47), (3, 9, 0), (4, 0, 0)),
    ((0, 48), (4, 0, 0), (4, 1, 0)),
    ((0, 49), (4, 0, 0), (4, 1, 1)),
    ((0, 50), (4, 0, 0), (4, 1, 1)),
    ((0, 51), (4, 1, 0), (4, 2, 0)),
    ((1, 0), (4, 1, 0), (4, 2, 0)),
    ((1, 1), (4, 2, 0), (4, 3, 0)),
    ((1, 2), (4, 2, 0), (4, 3, 1)),
];

/// The release of Strimzi from which on no Kafka runs with ZooKeeper.
const WITHOUT_ZOOKEEPER: (u32, u32) = (0, 46);

/// The operator of a cluster, as far as the repository tells.
enum Operator {
    /// Minor release, from the version of its chart.
    Release((u32, u32)),
    /// A chart without a version: Helm takes the newest.
    Newest,
    /// No object installs it, or a range of versions may be several releases.
    Unknown,
}

fn operator(index: &ClusterIndex<'_>) -> Operator {
    let Some(release) = releases(index).into_iter().next() else { return Operator::Unknown };
    let from_source = || {
        let reference = flux::source_ref(release.node.at(&["spec", "chartRef"])?, release.namespace())?;
        let source = index.source(&reference.key())?;
        source.at(&["spec", "ref", "tag"]).or_else(|| source.at(&["spec", "ref", "semver"]))?.as_str()
    };
    let chart = release.node.at(&["spec", "chart", "spec"]);
    let written = if let Some(chart) = chart { chart.get("version").and_then(Node::as_str) } else { from_source() };
    let Some(written) = written else { return Operator::Newest };
    minor_release(written).map_or(Operator::Unknown, Operator::Release)
}

/// Returns the HelmReleases that install the operator, whatever source its chart comes from.
pub(in crate::rules) fn releases<'a>(index: &ClusterIndex<'a>) -> Vec<&'a Resource> {
    let releases = index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").iter().map(|object| object.resource);
    releases.filter(|release| is_operator(index, release)).collect()
}

fn is_operator(index: &ClusterIndex<'_>, resource: &Resource) -> bool {
    const CHART: &str = "strimzi-kafka-operator";
    if resource.node.at(&["spec", "chart", "spec", "chart"]).and_then(Node::as_str) == Some(CHART) {
        return true;
    }
    let reference =
        resource.node.at(&["spec", "chartRef"]).and_then(|field| flux::source_ref(field, resource.namespace()));
    let source = reference.and_then(|reference| index.source(&reference.key()));
    let url = source.and_then(|source| source.at(&["spec", "url"])?.as_str());
    url.is_some_and(|url| url.trim_end_matches('/').ends_with(CHART))
}

/// Returns the minor release that a chart's version pins: `1.2.0`, `v1.2.0`, `1.2.x` or `~1.2`.
fn minor_release(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches(['v', '=', '~']).split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Returns the version that `text` writes (`4.3.1`, `4.3-IV0`); parts that are missing are 0.
fn version(text: &str) -> Option<Version> {
    let mut parts = text.split(['.', '-']);
    let major = parts.next()?.parse().ok()?;
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    Some((major, number(), number()))
}

/// Reports every Kafka of the cluster whose version its operator does not run.
fn check_version(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let operator = operator(index);
    let newest = SUPPORTED[SUPPORTED.len() - 1];
    let supported = match operator {
        Operator::Release(minor) => SUPPORTED.into_iter().find(|(release, _, _)| *release == minor),
        Operator::Newest | Operator::Unknown => Some(newest),
    };
    let Some((release, oldest, youngest)) = supported else { return };
    for kafka in Strimzi::of(index).clusters {
        let Some(written) = kafka.resource.node.at(&["spec", "kafka", "version"]) else { continue };
        let Some(wanted) = written.as_str().and_then(version) else { continue };
        // A newer Kafka than the newest known operator runs may be what a newer operator runs.
        let is_open = !matches!(operator, Operator::Release(_));
        if wanted >= oldest && (wanted <= youngest || is_open) {
            continue;
        }
        let name = kafka.resource.object_ref();
        let range = format!("{} to {}", dotted(oldest), dotted(youngest));
        let operator_name = format!("Strimzi {}.{}", release.0, release.1);
        let finding = rule
            .report(format!("`{name}` is of version {}, and {operator_name} runs {range}", dotted(wanted)))
            .label(written.span, "the operator refuses it")
            .help(format!("write {}, or pin another operator", dotted(youngest)));
        out.push(match operator {
            Operator::Release(_) => finding,
            Operator::Newest => finding.note("the operator's chart is not pinned: Helm takes the newest"),
            Operator::Unknown => finding.note("the operator is not in this repository").at_most(Severity::Note),
        });
    }
}

fn dotted((major, minor, patch): Version) -> String {
    format!("{major}.{minor}.{patch}")
}

/// Reports every Kafka of the cluster with a metadata version above its version.
fn check_metadata(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for kafka in Strimzi::of(index).clusters {
        let field = |key| kafka.resource.node.at(&["spec", "kafka", key]);
        let (Some(software), Some(metadata)) = (field("version"), field("metadataVersion")) else { continue };
        let read = |node: &Node| node.as_str().and_then(version).map(|(major, minor, _)| (major, minor));
        let (Some(runs), Some(wants)) = (read(software), read(metadata)) else { continue };
        if wants <= runs {
            continue;
        }
        let text = |node: &Node| node.as_str().unwrap_or("").to_owned();
        out.push(
            rule.report(format!(
                "`{}` of version {} has `metadataVersion: {}`",
                kafka.resource.object_ref(),
                text(software),
                text(metadata)
            ))
            .label(metadata.span, "newer than the brokers")
            .label(software.span, "the version of the brokers")
            .help("lower it, or raise `version` first")
            .note("the operator refuses the Kafka"),
        );
    }
}

/// Reports every Kafka of the cluster with a ZooKeeper.
fn check_zookeeper(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let worst = match operator(index) {
        Operator::Release(minor) if minor < WITHOUT_ZOOKEEPER => return,
        Operator::Unknown => Severity::Warning,
        Operator::Release(_) | Operator::Newest => Severity::Error,
    };
    for kafka in Strimzi::of(index).clusters {
        let Some(spec) = kafka.resource.node.get("spec").and_then(Node::as_map) else { continue };
        let Some(entry) = spec.entry("zookeeper").filter(|entry| !entry.value.is_null()) else { continue };
        out.push(
            rule.report(format!("`{}` has a ZooKeeper", kafka.resource.object_ref()))
                .label(entry.key.span(), "Kafka 4.0 has no ZooKeeper")
                .help("remove it, and give a KafkaNodePool the role `controller`")
                .note("a cluster with data is moved to KRaft by Strimzi 0.45 first, the last that can")
                .at_most(worst),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_kafka_are_read() {
        assert_eq!(version("4.3.1"), Some((4, 3, 1)));
        assert_eq!(version("4.3-IV0"), Some((4, 3, 0)));
        assert_eq!(version("latest"), None);
    }

    #[test]
    fn only_a_pinned_chart_tells_the_release() {
        for pinned in ["1.2.0", "v1.2.0", "~1.2", "1.2.x"] {
            assert_eq!(minor_release(pinned), Some((1, 2)), "{pinned}");
        }
        for range in ["1.x", ">=1.2.0", "^1.2", "*", ""] {
            assert_eq!(minor_release(range), None, "{range}");
        }
    }

    #[test]
    fn releases_of_the_table_rise() {
        assert!(SUPPORTED.is_sorted_by_key(|(release, _, _)| *release));
        assert!(SUPPORTED.iter().all(|(_, oldest, youngest)| oldest <= youngest));
    }
}
