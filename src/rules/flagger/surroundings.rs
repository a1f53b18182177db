//! Rules on what stands beside a Canary: objects that Flagger makes, and metrics that it asks for.
//!
//! Source: Flagger 1.44, `pkg/canary`, `pkg/router`, `pkg/metrics`.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{canary_analysis, canary_provider};
use crate::kustomize::Resource;
use crate::rules::flagger::{canaries, reference};
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[MADE_TWICE, METRIC_MISSING];

const MADE_TWICE: Rule = Rule {
    id: "canary-object-in-git",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Nothing in Git has the name of what Flagger makes for a Canary: the workload `NAME-primary`, the Services `NAME`, `NAME-primary` and \
`NAME-canary`, and the route of its provider (HTTPRoute, VirtualService or TrafficSplit `NAME`).

## Why it matters
Both write it. Flagger points the Service `NAME` at the primary, and Flux points it back at the canary, which has no pods: at each \
reconciliation requests fail.

## What it cannot see
Objects that only the cluster has. One with the annotation `kustomize.toolkit.fluxcd.io/reconcile: disabled`, or `ssa` with \
`IfNotPresent` or `Ignore`, is left to Flagger and not reported.
",
    check: Check::Index(check_made),
};

const METRIC_MISSING: Rule = Rule {
    id: "canary-metric-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each metric of an analysis is `request-success-rate` or `request-duration`, or names a MetricTemplate of the cluster.

## Why it matters
No value counts as a failed check: every analysis ends in a rollback.

## What it cannot see
MetricTemplates that charts make: where a HelmRelease goes into the namespace the finding is a note.
",
    check: Check::Index(check_metrics),
};

/// Group, kind and name of what Flagger makes for `canary`.
fn made(canary: &Resource) -> Vec<(&'static str, &str, String)> {
    let Some((kind, target)) = reference(canary, "targetRef") else { return Vec::new() };
    let target = target.as_str().unwrap_or_default();
    let apex = canary.node.at(&["spec", "service", "name"]).and_then(Node::as_str).unwrap_or(target);
    let mut out = vec![("apps", kind, format!("{target}-primary"))];
    out.extend(["", "-primary", "-canary"].map(|suffix| ("", "Service", format!("{apex}{suffix}"))));
    let route = match canary_provider(canary) {
        "gatewayapi:v1" | "gatewayapi:v1beta1" | "gatewayapi:v1alpha2" => ("gateway.networking.k8s.io", "HTTPRoute"),
        "istio" => ("networking.istio.io", "VirtualService"),
        "linkerd" => ("split.smi-spec.io", "TrafficSplit"),
        _ => return out,
    };
    out.push((route.0, route.1, apex.to_owned()));
    out
}

/// Returns whether Flux leaves an object as it finds it.
fn is_left_alone(resource: &Resource) -> bool {
    let annotation = |key: &str| {
        let key = format!("kustomize.toolkit.fluxcd.io/{key}");
        resource.node.at(&["metadata", "annotations", &key]).and_then(Node::as_str)
    };
    annotation("reconcile") == Some("disabled") || matches!(annotation("ssa"), Some("IfNotPresent" | "Ignore"))
}

/// Reports every object that Flux and Flagger both write.
fn check_made(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        for (group, kind, name) in made(canary) {
            let Some(found) = index.find(group, kind, canary.namespace(), &name) else { continue };
            if is_left_alone(found) {
                continue;
            }
            out.push(
                rule.report(format!("Flux and Flagger both write `{}`", found.object_ref()))
                    .label(found.name_span(), "applied by Flux")
                    .label(canary.name_span(), format!("Flagger makes it for `{}`", canary.object_ref()))
                    .help("remove it from Git: Flagger makes it"),
            );
        }
    }
}

/// Metrics that Flagger has queries of its own for.
const BUILT_IN: [&str; 2] = ["request-success-rate", "request-duration"];

/// Reports every metric that has no query.
fn check_metrics(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        let metrics = canary_analysis(canary).map(|analysis| analysis.items("metrics")).unwrap_or_default();
        for metric in metrics {
            let name = metric.get("name").filter(|node| node.as_str().is_some());
            let template = metric.at(&["templateRef", "name"]).filter(|node| node.as_str().is_some());
            let has_query = metric.get("query").is_some_and(|query| !query.is_null());
            let (span, message, worst) = match (template, name) {
                (Some(node), _) => {
                    let wanted = node.as_str().unwrap_or_default();
                    let written = metric.at(&["templateRef", "namespace"]).and_then(Node::as_str);
                    let namespace = written.unwrap_or(canary.namespace());
                    if index.find("flagger.app", "MetricTemplate", namespace, wanted).is_some() {
                        continue;
                    }
                    let near = nearest(wanted, index.names("flagger.app", "MetricTemplate", namespace));
                    let message = format!("asks for MetricTemplate `{wanted}`, which `{namespace}` does not have");
                    (node.span, message, index.absence(namespace, near))
                }
                (None, Some(node)) if !has_query && node.as_str().is_none_or(|name| !BUILT_IN.contains(&name)) => {
                    let message = format!("has no query for its metric `{}`", node.as_str().unwrap_or_default());
                    (node.span, message, Severity::Error)
                }
                _ => continue,
            };
            out.push(
                rule.report(format!("`{}` {message}", canary.object_ref()))
                    .label(span, "has no value")
                    .help("name a MetricTemplate of the cluster with `templateRef`")
                    .note("no value is a failed check: every analysis ends in a rollback")
                    .at_most(worst),
            );
        }
    }
}
