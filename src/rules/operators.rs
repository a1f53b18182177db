//! Rules on custom resources and the operators that define their kinds: one stage, or one after the other.
//!
//! Source: kustomize-controller, apply stages: a dry run of the whole set comes first, and fails while a kind is unknown. The
//! kinds of charts are those of their CRDs.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{self, Cluster, FluxKustomization, Object};
use crate::kube::NamespacedName;
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[SAME_STAGE, ORDER_UNSET, WITHOUT_WAIT];

const SAME_STAGE: Rule = Rule {
    id: "crd-in-same-stage",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kustomization applies custom resources together with the HelmRelease whose chart brings their CRD.

## Why it matters
On a new cluster the kind does not exist yet: the dry run fails (`no matches for kind`), nothing is applied, and so the operator that \
would bring it is never installed.

## What it cannot see
Charts that are not known to bring CRDs.
",
    check: Check::Index(check_stages),
};

const ORDER_UNSET: Rule = Rule {
    id: "crd-order-unset",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Kustomization with custom resources depends, directly or through others, on the one that brings their CRD.

## Why it matters
On a new cluster it fails until the operator happens to be there, and is tried again only after `retryInterval`.

## What it cannot see
CRDs that are installed outside this repository, and charts that are not known to bring CRDs.
",
    check: Check::Index(check_stages),
};

const WITHOUT_WAIT: Rule = Rule {
    id: "depends-on-without-wait",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Kustomization whose custom resources need the operator of a dependency depends on one that waits: `wait: true`, or \
`healthChecks`.

## Why it matters
Without, the dependency is ready as soon as its HelmRelease is accepted, long before the chart and its CRDs are there.

## What it cannot see
Charts that are not known to bring CRDs.
",
    check: Check::Index(check_wait),
};

/// Charts by name, and the API groups of the CRDs that they bring.
const CHARTS: &[(&str, &[&str])] = &[
    ("argo-rollouts", &["argoproj.io"]),
    ("cert-manager", &["cert-manager.io", "acme.cert-manager.io"]),
    ("cloudnative-pg", &["postgresql.cnpg.io"]),
    ("plugin-barman-cloud", &["barmancloud.cnpg.io"]),
    ("eck-operator", &["elasticsearch.k8s.elastic.co", "kibana.k8s.elastic.co"]),
    ("external-secrets", &["external-secrets.io"]),
    ("flagger", &["flagger.app"]),
    ("gateway-crds-helm", &["gateway.networking.k8s.io", "gateway.envoyproxy.io"]),
    ("gateway-helm", &["gateway.networking.k8s.io", "gateway.envoyproxy.io"]),
    ("grafana-operator", &["grafana.integreatly.org"]),
    ("keda", &["keda.sh"]),
    ("kube-prometheus-stack", &["monitoring.coreos.com"]),
    ("kyverno", &["kyverno.io"]),
    ("linkerd-crds", &["linkerd.io", "policy.linkerd.io"]),
    ("metallb", &["metallb.io"]),
    ("opentelemetry-operator", &["opentelemetry.io"]),
    ("prometheus-operator-crds", &["monitoring.coreos.com"]),
    ("sealed-secrets", &["bitnami.com"]),
    ("strimzi-kafka-operator", &["kafka.strimzi.io"]),
    ("traefik", &["traefik.io"]),
    ("traefik-crds", &["traefik.io"]),
    ("trivy-operator", &["aquasecurity.github.io"]),
    ("trust-manager", &["trust.cert-manager.io"]),
    ("velero", &["velero.io"]),
];

/// How a Kustomization brings the kinds of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As CRDs: Flux waits for them before it applies the rest of the same Kustomization.
    Definition,
    /// As a chart, which the helm-controller installs when it comes to it.
    Chart,
}

/// Who brings the kinds of a group.
struct Provider<'a> {
    owner: &'a FluxKustomization,
    way: Way,
    /// Name of the HelmRelease or CRD.
    span: Span,
}

/// The custom resources of one group in one Kustomization.
struct Use<'a> {
    owner: &'a FluxKustomization,
    first: &'a Resource,
    group: String,
}

/// Returns the name of the chart of a release.
pub(super) fn chart_name<'a>(index: &ClusterIndex<'a>, release: &'a Resource) -> Option<&'a str> {
    flux::chart_name(release, |group, kind, namespace, name| index.find(group, kind, namespace, name))
}

/// Returns who brings which group, by group.
fn providers<'a>(index: &ClusterIndex<'a>) -> BTreeMap<String, Vec<Provider<'a>>> {
    let mut found: BTreeMap<String, Vec<Provider<'a>>> = BTreeMap::new();
    for Object { owner, resource } in index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease") {
        let Some(name) = chart_name(index, resource) else { continue };
        let groups = CHARTS.iter().find(|(chart, _)| *chart == name).map(|(_, groups)| *groups).unwrap_or_default();
        for (group, owner) in groups.iter().filter_map(|group| Some((group, (*owner)?))) {
            let provider = Provider { owner, way: Way::Chart, span: resource.name_span() };
            found.entry((*group).to_owned()).or_default().push(provider);
        }
    }
    for Object { owner, resource } in index.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
        let group = resource.node.at(&["spec", "group"]).and_then(Node::as_str);
        // Flux's own kinds are there before any Kustomization is.
        if let (Some(group), Some(owner)) = (group.filter(|group| !group.ends_with("fluxcd.io")), owner) {
            let provider = Provider { owner, way: Way::Definition, span: resource.name_span() };
            found.entry(group.to_owned()).or_default().push(provider);
        }
    }
    found
}

/// Returns the custom resources of `groups`, once for each Kustomization and group.
fn uses<'a>(cluster: &'a Cluster, groups: &BTreeMap<String, Vec<Provider<'a>>>) -> Vec<Use<'a>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let of_groups = cluster.objects_where(|group, _| groups.contains_key(group));
    for object in of_groups.filter(|object| !object.is_remote()) {
        let Some(owner) = object.owner else { continue };
        let group = object.resource.group().to_owned();
        if seen.insert((&owner.id, group.clone())) {
            found.push(Use { owner, first: object.resource, group });
        }
    }
    found
}

/// Returns the Kustomizations that are ready before `owner` is applied: those it depends on, those that the one which applies it
/// depends on, and so on.
fn before<'a>(cluster: &'a Cluster, owner: &'a FluxKustomization) -> BTreeSet<&'a NamespacedName> {
    let mut ready = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![owner];
    while let Some(next) = open.pop() {
        if !seen.insert(&next.id) {
            continue;
        }
        for dependency in next.depends_on.iter().filter_map(|it| cluster.kustomizations.get(&it.value)) {
            ready.insert(&dependency.id);
            open.push(dependency);
        }
        open.extend(next.applied_by.as_ref().and_then(|parent| cluster.kustomizations.get(parent)));
    }
    ready
}

/// Returns whether `provider`, or one that applies it, is ready before `owner` is applied.
fn is_before(cluster: &Cluster, owner: &FluxKustomization, provider: &FluxKustomization) -> bool {
    let ready = before(cluster, owner);
    let mut next = Some(provider);
    let mut steps = 0;
    while let Some(candidate) = next.filter(|_| steps < cluster.kustomizations.len() + 1) {
        if ready.contains(&candidate.id) {
            return true;
        }
        next = candidate.applied_by.as_ref().and_then(|parent| cluster.kustomizations.get(parent));
        steps += 1;
    }
    false
}

/// Reports custom resources beside, or before, what brings their kind: which of the two is the rule's.
fn check_stages(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let providers = providers(index);
    for Use { owner, first, group } in uses(index.cluster(), &providers) {
        let Some(all) = providers.get(&group) else { continue };
        let own = |provider: &&Provider<'_>| provider.owner.id == owner.id;
        let is_ready = all.iter().any(|provider| {
            (own(&provider) && provider.way == Way::Definition) || is_before(index.cluster(), owner, provider.owner)
        });
        if is_ready {
            continue;
        }
        let (id, kind) = (first.object_ref(), first.kind());
        let beside = all.iter().find(own);
        match (beside, all.first()) {
            (Some(provider), _) if rule.id == SAME_STAGE.id => out.push(
                rule.report(format!(
                    "Kustomization `{}` applies `{id}` together with the operator of its kind",
                    owner.id
                ))
                .label(first.name_span(), format!("a custom resource of `{group}`"))
                .label(provider.span, "this release brings the CRD")
                .help("move it to a Kustomization of its own that depends on this one")
                .note(format!("on a new cluster Flux applies nothing: `no matches for kind \"{kind}\"`")),
            ),
            (None, Some(provider)) if rule.id == ORDER_UNSET.id => out.push(
                rule.report(format!("Kustomization `{}` applies `{id}`, and does not wait for its operator", owner.id))
                    .label(owner.span, format!("depends on nothing that brings `{group}`"))
                    .label(provider.span, format!("Kustomization `{}` brings it here", provider.owner.id))
                    .help(format!("add `{}` to its `spec.dependsOn`", provider.owner.id.name)),
            ),
            _ => {}
        }
    }
}

/// Reports every dependency on an operator that is ready before the operator is.
fn check_wait(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let providers = providers(index);
    let mut seen = BTreeSet::new();
    for Use { owner, first, group } in uses(index.cluster(), &providers) {
        let charts = providers.get(&group).into_iter().flatten().filter(|provider| provider.way == Way::Chart);
        for provider in charts {
            let target = provider.owner;
            let entry = owner.depends_on.iter().find(|dependency| dependency.value == target.id);
            let (Some(entry), false) = (entry, target.wait || !target.health_checks.is_empty()) else { continue };
            if !seen.insert((&owner.id, &target.id)) {
                continue;
            }
            out.push(
                rule.report(format!(
                    "Kustomization `{}` depends on `{}`, which does not wait for its operator",
                    owner.id, target.id
                ))
                .label(entry.span, format!("needed for `{}`", first.object_ref()))
                .label(target.span, "neither `wait: true` nor `healthChecks`")
                .help(format!("set `wait: true` in `{}`", target.id)),
            );
        }
    }
}
