//! Rules on names that objects give of other objects: namespaces and health checks.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, Object};
use crate::kustomize::Resource;
use crate::rules::{Check, FixAvailability, Rule, absence, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[NAMESPACE_MISSING, HEALTH_CHECK_MISSING];

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
Objects that controllers and Helm charts create: for kinds that a HelmRelease of the cluster may bring the finding is a note.
",
    check: Check::Cluster(check_health),
};

/// Reports every namespace of `cluster` that is used and never created, at the first object in it.
fn check_namespaces(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    let created = created_namespaces(cluster);
    let mut missing: BTreeMap<&str, (&Resource, usize)> = BTreeMap::new();
    for Object { owner, resource } in cluster.objects() {
        // Another cluster has its own namespaces.
        let remote = owner.is_some_and(|owner| owner.remote.is_some());
        let namespace = resource.namespace();
        if remote || created.contains(namespace) || GIVEN_NAMESPACES.contains(&namespace) {
            continue;
        }
        missing.entry(namespace).or_insert((resource, 0)).1 += 1;
    }
    let worst = absence(cluster, Severity::Error);
    for (namespace, (resource, objects)) in missing {
        let span = resource.node.at(&["metadata", "namespace"]).map_or(resource.origin, |field| field.span);
        let others = match objects {
            1 => String::new(),
            2 => " and 1 more object".to_owned(),
            more => format!(" and {} more objects", more - 1),
        };
        let help = match nearest(namespace, created.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a Namespace `{namespace}`"),
        };
        out.push(
            rule.report(format!("namespace `{namespace}` of `{}`{others} is never created", resource.object_ref()))
                .label(span, "no Namespace object has this name")
                .help(help)
                .note(format!("the API server refuses the object: `namespaces \"{namespace}\" not found`"))
                .at_most(worst),
        );
    }
}

fn created_namespaces(cluster: &Cluster) -> BTreeSet<&str> {
    let mut created = BTreeSet::new();
    for Object { resource, .. } in cluster.objects() {
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

/// Reports every health check of `cluster` on an object that is not rendered.
fn check_health(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    let rendered: BTreeSet<_> = cluster.objects().map(|object| object.resource.object_ref()).collect();
    let has_releases = rendered.iter().any(|id| id.kind == "HelmRelease");
    for owner in cluster.kustomizations.values().filter(|owner| owner.remote.is_none()) {
        for check in &owner.health_checks {
            if rendered.contains(&check.value) {
                continue;
            }
            let of_flux = check.value.group.ends_with(".fluxcd.io");
            let worst =
                if owner.wait || has_releases && !of_flux { Severity::Note } else { absence(cluster, Severity::Error) };
            let effect = if owner.wait {
                "`wait: true` makes Flux ignore `healthChecks`"
            } else {
                "Flux waits for it until the timeout, then fails the Kustomization"
            };
            out.push(
                rule.report(format!("Kustomization `{}` waits for `{}`, which is not rendered", owner.id, check.value))
                    .label(check.span, format!("no {} has this name", check.value.kind))
                    .help("correct the name and namespace, or remove the entry")
                    .note(effect)
                    .at_most(worst),
            );
        }
    }
}
