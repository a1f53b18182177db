//! Rules on Flagger's Canaries: what keeps an analysis from ever starting, advancing or ending.
//!
//! Source: Flagger 1.44, "How it works", and `pkg/controller`, `pkg/canary`, `pkg/router`.

pub(super) mod surroundings;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{CanarySteps, KUBERNETES_PROVIDER, canary_analysis, canary_provider};
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] =
    &[TARGET_MISSING, TARGET_SHARED, TARGET_REPLICAS, SELECTOR, NEVER_ADVANCES, STRATEGY_MIXED, ROUTE_UNSET];

const TARGET_MISSING: Rule = Rule {
    id: "canary-target-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The Deployment or DaemonSet of `spec.targetRef`, and the autoscaler of `spec.autoscalerRef`, exist in the Canary's namespace.

## Why it matters
The Canary stays in the phase `Initializing`: its Services are never made, and nothing serves the application.

## What it cannot see
Workloads that charts make: where a HelmRelease goes into the namespace the finding is a note.
",
    check: Check::Index(check_target),
};

const TARGET_SHARED: Rule = Rule {
    id: "canary-target-shared",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No two Canaries have the same target.

## Why it matters
Both scale and copy one workload and undo each other; Flagger itself logs `Bad things will happen`.

## What it cannot see
Canaries outside this repository.
",
    check: Check::Index(check_shared),
};

const TARGET_REPLICAS: Rule = Rule {
    id: "canary-target-replicas",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The target of a Canary does not set `spec.replicas`.

## Why it matters
Flagger scales the target to 0 after each promotion, and Flux puts the number of Git back at each reconciliation: pods of the \
canary come and go without an analysis. The size belongs into the autoscaler of `spec.autoscalerRef`.

## What it cannot see
Fields that another tool sets.
",
    check: Check::Index(check_replicas),
};

const SELECTOR: Rule = Rule {
    id: "canary-selector-label",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The selector of a Canary's target has one of the labels `app`, `name` or `app.kubernetes.io/name`.

## Why it matters
Flagger gives its copy another value of that label; without it the Canary fails: `spec.selector.matchLabels must contain one \
of [app name app.kubernetes.io/name]`.

## What it cannot see
A controller that is started with other labels (`-selector-labels`).
",
    check: Check::Index(check_selector),
};

const NEVER_ADVANCES: Rule = Rule {
    id: "canary-never-advances",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A progressive analysis has a step: `stepWeight` above 0, or `stepWeights`.

## Why it matters
The weight stays at 0: the analysis neither succeeds nor fails, and no new version is ever served.

## What it cannot see
Nothing that matters: the Canary says it all.
",
    check: Check::Index(check_step),
};

const STRATEGY_MIXED: Rule = Rule {
    id: "canary-strategy-mixed",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
An analysis says one strategy: not `stepWeight` beside `stepWeights`, not `match` without `iterations`, no weights for the \
provider `kubernetes`, no `maxWeight` that the steps overshoot.

## Why it matters
Flagger takes the step from the one and the end from the other; `match` alone is still progressive; the provider `kubernetes` \
has no weights and switches all traffic at once. None of it is an error that somebody would see.

## What it cannot see
A provider that is only set on the controller.
",
    check: Check::Index(check_strategy),
};

const ROUTE_UNSET: Rule = Rule {
    id: "canary-route-unset",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Canary of a provider of the Gateway API has `service.gatewayRefs`; one of the provider `nginx` has `ingressRef`, and that \
Ingress exists and has a backend with the name of the Canary's Service.

## Why it matters
Flagger cannot route: the Canary stays in the phase `Initializing`.

## What it cannot see
A provider that is only set on the controller.
",
    check: Check::Index(check_route),
};

/// Labels that Flagger looks for in a selector.
const SELECTOR_LABELS: [&str; 3] = ["app", "name", "app.kubernetes.io/name"];

fn canaries<'a>(index: &ClusterIndex<'a>) -> Vec<&'a Resource> {
    index.of_kind("flagger.app", "Canary").iter().map(|object| object.resource).collect()
}

/// Returns kind and name of a reference of `canary`.
fn reference<'a>(canary: &'a Resource, field: &str) -> Option<(&'a str, &'a Node)> {
    let reference = canary.node.at(&["spec", field])?;
    let name = reference.get("name").filter(|name| name.as_str().is_some())?;
    Some((reference.get("kind")?.as_str()?, name))
}

fn target<'a, 'i>(index: &'i ClusterIndex<'a>, canary: &Resource) -> Option<&'i Workload<'a>> {
    let (kind, name) = reference(canary, "targetRef")?;
    let name = name.as_str()?;
    index.workloads().iter().find(|workload| {
        let resource = workload.resource();
        resource.kind() == kind && resource.name() == name && workload.namespace() == canary.namespace()
    })
}

/// Reports every Canary whose target or autoscaler does not exist.
fn check_target(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        for (field, group) in [("targetRef", "apps"), ("autoscalerRef", "autoscaling")] {
            let Some((kind, node)) = reference(canary, field) else { continue };
            let group = match kind {
                "ScaledObject" => "keda.sh",
                "Deployment" | "DaemonSet" | "HorizontalPodAutoscaler" => group,
                _ => continue,
            };
            let (namespace, name) = (canary.namespace(), node.as_str().unwrap_or(""));
            if index.find(group, kind, namespace, name).is_some() {
                continue;
            }
            let near = nearest(name, index.names(group, kind, namespace));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("correct the name, or add the {kind}"),
            };
            out.push(
                rule.report(format!("`{}` is about {kind} `{name}`, which does not exist", canary.object_ref()))
                    .label(node.span, format!("no {kind} has this name in `{namespace}`"))
                    .help(help)
                    .note("Flagger waits in the phase `Initializing`")
                    .at_most(index.absence(namespace, near)),
            );
        }
    }
}

/// Reports every Canary whose target an earlier one has.
fn check_shared(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let all = canaries(index);
    for (at, canary) in all.iter().enumerate() {
        let Some((kind, node)) = reference(canary, "targetRef") else { continue };
        let shares = |other: &&&Resource| {
            other.namespace() == canary.namespace()
                && other.name() != canary.name()
                && reference(other, "targetRef")
                    .is_some_and(|(its, name)| its == kind && name.as_str() == node.as_str())
        };
        let Some(earlier) = all[..at].iter().find(shares) else { continue };
        let first = reference(earlier, "targetRef").map_or(earlier.name_span(), |(_, name)| name.span);
        let target = format!("{kind} `{}`", node.as_str().unwrap_or(""));
        out.push(
            rule.report(format!("`{}` and `{}` are both about {target}", canary.object_ref(), earlier.object_ref()))
                .label(node.span, "the same target")
                .label(first, "as here")
                .help("remove one of them"),
        );
    }
}

/// Reports every target that says how many pods it has.
fn check_replicas(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        let Some(workload) = target(index, canary) else { continue };
        let Some(node) = workload.resource().node.at(&["spec", "replicas"]).filter(|node| !node.is_null()) else {
            continue;
        };
        out.push(
            rule.report(format!(
                "`{}` sets `replicas`, and `{}` scales it",
                workload.resource().object_ref(),
                canary.object_ref()
            ))
            .label(node.span, "Flux puts this number back at each reconciliation")
            .help("remove it, and give the Canary an `autoscalerRef`"),
        );
    }
}

/// Reports every target without a label that Flagger can change.
fn check_selector(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        let Some(workload) = target(index, canary) else { continue };
        let resource = workload.resource();
        let Some(labels) = resource.node.at(&["spec", "selector", "matchLabels"]) else { continue };
        if SELECTOR_LABELS.iter().any(|label| labels.get(label).is_some()) {
            continue;
        }
        let span = labels.as_map().and_then(|map| map.entries().first()).map_or(labels.span, |entry| entry.key.span());
        out.push(
            rule.report(format!("the selector of `{}` has no label that Flagger can change", resource.object_ref()))
                .label(span, "neither `app`, `name` nor `app.kubernetes.io/name`")
                .help(
                    "select by `app`; the selector of a Deployment cannot be changed in place: replace the Deployment",
                )
                .note(format!("`{}` fails", canary.object_ref())),
        );
    }
}

/// Reports every progressive analysis without a step.
fn check_step(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        let Some(analysis) = canary_analysis(canary) else { continue };
        let CanarySteps { step, weights, iterations, .. } = CanarySteps::of(analysis);
        let can_route = canary_provider(canary) != KUBERNETES_PROVIDER;
        if iterations > 0 || step > 0 || weights.iter().any(|weight| *weight > 0) || !can_route {
            continue;
        }
        let spec = canary.node.get("spec").and_then(Node::as_map).and_then(|spec| spec.entry("analysis"));
        let span = analysis.get("stepWeight").map(|node| node.span).or(spec.map(|entry| entry.key.span()));
        out.push(
            rule.report(format!("the analysis of `{}` has no step", canary.object_ref()))
                .label(span.unwrap_or(canary.name_span()), "the weight stays at 0")
                .help("set `stepWeight`, `stepWeights` or `iterations`"),
        );
    }
}

/// Reports every analysis of which Flagger takes only a part.
fn check_strategy(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        let Some(analysis) = canary_analysis(canary) else { continue };
        let CanarySteps { step, weights, maximum, iterations } = CanarySteps::of(analysis);
        let mut say = |key: &str, label: String, help: String| {
            let span = analysis.as_map().and_then(|map| map.entry(key)).map_or(analysis.span, |entry| entry.key.span());
            out.push(
                rule.report(format!("the analysis of `{}` says two things", canary.object_ref()))
                    .label(span, label)
                    .help(help),
            );
        };
        if canary_provider(canary) == KUBERNETES_PROVIDER && (step > 0 || !weights.is_empty()) {
            let key = if step > 0 { "stepWeight" } else { "stepWeights" };
            say(
                key,
                "the provider `kubernetes` has no weights".into(),
                "set `iterations`, or a provider that can route".into(),
            );
            continue;
        }
        if step > 0 && !weights.is_empty() {
            say("stepWeights", "only its last weight counts beside `stepWeight`".into(), "keep one of the two".into());
        }
        if analysis.get("match").is_some() && iterations <= 0 {
            say("match", "without `iterations` the analysis is still progressive".into(), "set `iterations`".into());
        }
        if let Some(maximum) =
            maximum.filter(|maximum| step > 0 && weights.is_empty() && *maximum > 0 && maximum % step != 0)
        {
            let reached = (maximum / step + 1) * step;
            say("maxWeight", format!("the weight goes to {}", reached.min(100)), format!("write a multiple of {step}"));
        }
    }
}

/// Reports every Canary that names no way to route.
fn check_route(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for canary in canaries(index) {
        let span = canary.node.at(&["spec", "provider"]).map_or(canary.name_span(), |node| node.span);
        let who = canary.object_ref();
        match canary_provider(canary) {
            "gatewayapi:v1" | "gatewayapi:v1beta1" | "gatewayapi:v1alpha2" => {
                let references = canary.node.at(&["spec", "service"]).map(|service| service.items("gatewayRefs"));
                if references.unwrap_or_default().is_empty() {
                    out.push(
                        rule.report(format!("`{who}` routes by the Gateway API and names no Gateway"))
                            .label(span, "needs `service.gatewayRefs`")
                            .help("add `gatewayRefs` below `spec.service`"),
                    );
                }
            }
            "nginx" => out.extend(check_ingress(rule, index, canary, span)),
            _ => {}
        }
    }
}

fn check_ingress(rule: &Rule, index: &ClusterIndex<'_>, canary: &Resource, span: Span) -> Option<Diagnostic> {
    let who = canary.object_ref();
    let Some((_, node)) = reference(canary, "ingressRef") else {
        let finding = rule.report(format!("`{who}` routes by an Ingress and names none"));
        return Some(finding.label(span, "needs `ingressRef`").help("add `ingressRef` below `spec`"));
    };
    let (namespace, name) = (canary.namespace(), node.as_str().unwrap_or(""));
    let Some(ingress) = index.find("networking.k8s.io", "Ingress", namespace, name) else {
        let near = nearest(name, index.names("networking.k8s.io", "Ingress", namespace));
        let help = near.map_or_else(
            || "correct the name, or add the Ingress".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let finding = rule.report(format!("`{who}` routes by Ingress `{name}`, which does not exist"));
        let worst = index.absence(namespace, near);
        return Some(finding.label(node.span, "no Ingress has this name").help(help).at_most(worst));
    };
    let written = canary.node.at(&["spec", "service", "name"]).and_then(Node::as_str);
    let apex = written.or_else(|| reference(canary, "targetRef")?.1.as_str())?;
    let rules = ingress.node.get("spec").map(|spec| spec.items("rules")).unwrap_or_default();
    let paths = rules.iter().flat_map(|rule| rule.get("http").map(|http| http.items("paths")).unwrap_or_default());
    let mut backends = paths.filter_map(|path| path.at(&["backend", "service", "name"])?.as_str());
    if backends.any(|backend| backend == apex) {
        return None;
    }
    let finding = rule.report(format!("`{who}` routes by `{}`, which has no backend `{apex}`", ingress.object_ref()));
    Some(
        finding
            .label(node.span, format!("no backend is the Service `{apex}`"))
            .help(format!("send the Ingress to `{apex}`")),
    )
}
