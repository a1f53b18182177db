//! Rules on Pod Security admission: the level of a namespace against the pods that are to run there.

mod profile;

use crate::diagnostic::{Diagnostic, Severity};
use crate::rules::index::ClusterIndex;
use crate::rules::kafka;
use crate::rules::security::profile::{Breach, Level, breaches};
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[POD_REFUSED, STRIMZI_PROVIDER];

const POD_REFUSED: Rule = Rule {
    id: "pod-security-refused",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The pods of each workload meet the level (`baseline` or `restricted`) that `pod-security.kubernetes.io/enforce` sets for their \
namespace.

## Why it matters
The API server takes the workload and refuses its pods: a Deployment stays at 0 and only its ReplicaSet's events say why.

## What it cannot see
Pods that charts and operators make, exemptions of the API server, and fields that admission webhooks add. The newest version of \
the levels is taken (Kubernetes 1.36).
",
    check: Check::Index(check_pods),
};

const STRIMZI_PROVIDER: Rule = Rule {
    id: "strimzi-pods-refused",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Where a Kafka, KafkaConnect, KafkaBridge or KafkaMirrorMaker2 is in a namespace of the level `restricted`, the operator runs with \
`STRIMZI_POD_SECURITY_PROVIDER_CLASS=restricted`.

## Why it matters
The operator's default provider makes pods of the level `baseline`: all of them are refused, and no broker starts.

## What it cannot see
An operator that is installed outside this repository, and values that a HelmRelease takes from elsewhere (`valuesFrom`): then the \
finding is a note.
",
    check: Check::Index(check_strimzi),
};

/// Label of a namespace that sets its level.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// Variable of the operator that chooses the provider.
const PROVIDER: &str = "STRIMZI_POD_SECURITY_PROVIDER_CLASS";

/// Returns the label that sets the level of `namespace`.
fn enforced<'a>(index: &ClusterIndex<'a>, namespace: &str) -> Option<&'a Node> {
    index.find("", "Namespace", "", namespace)?.node.at(&["metadata", "labels", ENFORCE])
}

/// Reports every workload whose pods the level of its namespace refuses.
fn check_pods(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        let Some(label) = enforced(index, workload.namespace()) else { continue };
        let level = match label.as_str() {
            Some("baseline") => Level::Baseline,
            Some("restricted") => Level::Restricted,
            _ => continue,
        };
        let found = breaches(workload, level);
        if found.is_empty() {
            continue;
        }
        let name = workload.resource().object_ref();
        let mut finding =
            rule.report(format!("the pods of `{name}` break the level `{}` of their namespace", level.name()));
        for (span, what) in by_place(&found) {
            finding = finding.label(span, what);
        }
        out.push(finding.help("set what is missing, or give the namespace another level").note(format!(
            "the API server refuses the pods: `violates PodSecurity \"{}:latest\": {}`",
            level.name(),
            reasons(&found)
        )));
    }
}

/// Joins what is said of one place.
fn by_place(found: &[Breach]) -> Vec<(Span, String)> {
    let mut places: Vec<(Span, String)> = Vec::new();
    for breach in found {
        match places.iter_mut().find(|(span, _)| *span == breach.span) {
            Some((_, what)) => *what = format!("{what}, {}", breach.what),
            None => places.push((breach.span, breach.what.clone())),
        }
    }
    places
}

/// Returns the API server's own words for what it refuses, each once.
fn reasons(found: &[Breach]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for breach in found {
        if !reasons.contains(&breach.reason) {
            reasons.push(breach.reason);
        }
    }
    reasons.join(", ")
}

/// Reports every namespace in which the operator's pods are refused, at the first object that they are made of.
fn check_strimzi(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let releases = kafka::operator_releases(index);
    let is_restricted = releases.iter().any(|release| {
        let values = release.node.at(&["spec", "values"]).map(|values| values.items("extraEnvs")).unwrap_or_default();
        values.iter().any(|entry| {
            let text = |key| entry.get(key).and_then(Node::as_str).unwrap_or("");
            text("name") == PROVIDER && text("value").to_ascii_lowercase().contains("restricted")
        })
    });
    if is_restricted {
        return;
    }
    let takes_values = releases.iter().any(|release| release.node.at(&["spec", "valuesFrom"]).is_some());
    let mut seen = Vec::new();
    for kind in ["Kafka", "KafkaConnect", "KafkaBridge", "KafkaMirrorMaker2"] {
        for resource in index.of_kind("kafka.strimzi.io", kind).iter().map(|object| object.resource) {
            let Some(label) =
                enforced(index, resource.namespace()).filter(|label| label.as_str() == Some("restricted"))
            else {
                continue;
            };
            if seen.contains(&resource.namespace()) {
                continue;
            }
            seen.push(resource.namespace());
            let finding = rule
                .report(format!(
                    "the pods of `{}` break the level `restricted` of their namespace",
                    resource.object_ref()
                ))
                .label(resource.name_span(), "its pods are of the level `baseline`")
                .label(label.span, "refuses them");
            let finding = match releases.first() {
                Some(release) => finding.label(release.name_span(), format!("the operator, without `{PROVIDER}`")),
                None => finding.note("the operator is not in this repository"),
            };
            let worst = if releases.is_empty() || takes_values { Severity::Note } else { Severity::Error };
            out.push(
                finding
                    .help(format!("add `{PROVIDER}: restricted` to `extraEnvs` of the operator's values"))
                    .at_most(worst),
            );
        }
    }
}
