//! Rules on names that objects give of other objects: namespaces and health checks.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, Object};
use crate::kustomize::Resource;
use crate::rules::{Check, Context, FixAvailability, Rule, absence, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[NAMESPACE_MISSING, NAMESPACE_UNSET, HEALTH_CHECK_MISSING];

/// Namespaces that every cluster has, or that bootstrapping Flux makes.
const GIVEN_NAMESPACES: &[&str] = &["", "default", "flux-system", "kube-node-lease", "kube-public", "kube-system"];

const NAMESPACE_MISSING: Rule = Rule {
    id: "namespace-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each namespace that an object is in is created by a Namespace object of the cluster, or by a HelmRelease with \
`install.createNamespace`.

## Why it matters
The API server refuses the object: `namespaces \"…\" not found`. Flux applies nothing of a Kustomization whose dry run fails.

## What it cannot see
Namespaces that are made outside this repository: where something of the cluster could not be rendered the finding is a note.
",
    check: Check::Cluster(check_namespaces),
};

const NAMESPACE_UNSET: Rule = Rule {
    id: "namespace-unset",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each object of a kind that lives in namespaces has one: its own, its kustomization file's or `spec.targetNamespace`.

## Why it matters
Flux has no default namespace and refuses the object: `namespace not specified`.

## What it cannot see
Kinds of which no schema is known.
",
    check: Check::Repository(check_unset),
};

const HEALTH_CHECK_MISSING: Rule = Rule {
    id: "health-check-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each object of `spec.healthChecks` is rendered for the cluster.

## Why it matters
Flux waits for it until the timeout and then fails the Kustomization: `health check failed`.

## What it cannot see
Objects that controllers and Helm charts create: where a HelmRelease goes into the same \
namespace the finding is a note.
",
    check: Check::Cluster(check_health),
};

/// Group and kind of what may bring objects that are not rendered.
const RELEASE: (&str, &str) = ("helm.toolkit.fluxcd.io", "HelmRelease");

/// Reports every namespace of `cluster` that is used and never created, at the first object in it.
fn check_namespaces(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    let created = created_namespaces(cluster);
    let mut missing: BTreeMap<&str, (&Resource, usize)> = BTreeMap::new();
    let is_there = |namespace: &str| created.contains(namespace) || GIVEN_NAMESPACES.contains(&namespace);
    // Most objects are in the namespace of the one before.
    let mut last = "";
    for Object { owner, resource } in cluster.objects() {
        // Another cluster has its own namespaces.
        let remote = owner.is_some_and(|owner| owner.remote.is_some());
        let namespace = resource.namespace();
        if remote || namespace == last {
            continue;
        }
        if is_there(namespace) {
            last = namespace;
            continue;
        }
        missing.entry(namespace).or_insert((resource, 0)).1 += 1;
    }
    let remote = cluster.objects_of("", "Namespace").filter(Object::is_remote);
    let elsewhere: BTreeSet<&str> = remote.map(|object| object.resource.name()).collect();
    for (namespace, (resource, objects)) in missing {
        // `spec.kubeConfig` may well lead back to this cluster.
        let worst = if elsewhere.contains(namespace) { Severity::Note } else { Severity::Error };
        let span = resource.node.at(&["metadata", "namespace"]).map_or(resource.origin, |field| field.span);
        let others = match objects {
            1 => String::new(),
            2 => " and 1 more object".to_owned(),
            more => format!(" and {} more objects", more - 1),
        };
        let near = nearest(namespace, created.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a Namespace `{namespace}`"),
        };
        out.push(
            rule.report(format!("namespace `{namespace}` of `{}`{others} is never created", resource.object_ref()))
                .label(span, "no Namespace object has this name")
                .help(help)
                .note(format!("the API server refuses the object: `namespaces \"{namespace}\" not found`"))
                .at_most(absence(cluster, near))
                .at_most(worst),
        );
    }
}

fn created_namespaces(cluster: &Cluster) -> BTreeSet<&str> {
    let mut created: BTreeSet<&str> = home_namespace(cluster).into_iter().collect();
    let is_maker = |group: &str, kind: &str| matches!((group, kind), ("", "Namespace") | RELEASE);
    for Object { resource, .. } in cluster.objects_where(is_maker).filter(|object| !object.is_remote()) {
        let spec = |keys: &[&str]| resource.node.at(keys).and_then(Node::as_str);
        match resource.kind() {
            "Namespace" => {
                created.insert(resource.name());
            }
            "HelmRelease" if spec(&["spec", "install", "createNamespace"]) == Some("true") => {
                created.insert(spec(&["spec", "targetNamespace"]).unwrap_or_else(|| resource.namespace()));
                created.extend(spec(&["spec", "storageNamespace"]));
            }
            _ => {}
        }
    }
    created
}

/// Returns the namespace that bootstrapping makes: the one that most Kustomizations which nobody applies are in.
fn home_namespace(cluster: &Cluster) -> Option<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in cluster.kustomizations.values().filter(|owner| owner.applied_by.is_none()) {
        *counts.entry(owner.id.namespace.as_str()).or_default() += 1;
    }
    let bootstrap = cluster.bootstrap.as_ref().map(|id| id.namespace.as_str());
    bootstrap.or_else(|| counts.into_iter().max_by_key(|(_, count)| *count).map(|(namespace, _)| namespace))
}

/// Reports every object without a namespace whose kind lives in namespaces.
fn check_unset(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for schemas in &context.schemas {
        for resource in schemas.without_namespace() {
            out.push(
                rule.report(format!("`{}` has no namespace", resource.object_ref()))
                    .label(resource.name_span(), format!("a {} lives in a namespace", resource.kind()))
                    .help("set `metadata.namespace`, `namespace` in the kustomization file, or `spec.targetNamespace`")
                    .note("Flux refuses the object: `namespace not specified`")
                    .in_cluster(schemas.cluster_name()),
            );
        }
    }
}

/// Reports every health check of `cluster` on an object that is not rendered.
fn check_health(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for owner in cluster.kustomizations.values().filter(|owner| owner.remote.is_none()) {
        for check in &owner.health_checks {
            let wanted = &check.value;
            let of_kind = || cluster.objects_of(&wanted.group, &wanted.kind).map(|object| object.resource);
            let beside = || of_kind().filter(|resource| resource.namespace() == wanted.namespace).map(Resource::name);
            if beside().any(|name| name == wanted.name) {
                continue;
            }
            let near = nearest(&wanted.name, beside());
            let may_come = !wanted.group.ends_with(".fluxcd.io") && has_release_into(cluster, &wanted.namespace);
            let worst = match (owner.wait || may_come, near) {
                (false, _) => absence(cluster, near),
                (true, Some(_)) if !owner.wait => Severity::Warning,
                (true, _) => Severity::Note,
            };
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "correct the name and namespace, or remove the entry".to_owned(),
            };
            let effect = if owner.wait {
                "`wait: true` makes Flux ignore `healthChecks`"
            } else {
                "Flux waits for it until the timeout, then fails the Kustomization"
            };
            out.push(
                rule.report(format!("Kustomization `{}` waits for `{wanted}`, which is not rendered", owner.id))
                    .label(check.span, format!("no {} has this name", wanted.kind))
                    .help(help)
                    .note(effect)
                    .at_most(worst),
            );
        }
    }
}

/// Returns whether a Helm chart may bring objects into `namespace`.
fn has_release_into(cluster: &Cluster, namespace: &str) -> bool {
    cluster.objects_of(RELEASE.0, RELEASE.1).map(|object| object.resource).any(|release| {
        let target = release.node.at(&["spec", "targetNamespace"]).and_then(Node::as_str);
        target.unwrap_or_else(|| release.namespace()) == namespace
    })
}
