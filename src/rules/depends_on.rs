//! Rules on `spec.dependsOn`, the order in which Flux applies Kustomizations and HelmReleases.
//!
//! Source: Flux, Kustomization and HelmRelease API, "Dependencies".

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, FixSafety, Severity};
use crate::flux::{self, Cluster, FluxKustomization};
use crate::kube::NamespacedName;
use crate::rules::{Check, Context, FixAvailability, Rule, absence, fixes, nearest};
use crate::text::{Span, Spanned};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[MISSING, CYCLE, ON_SELF, ON_PARENT, SUSPENDED];

const MISSING: Rule = Rule {
    id: "depends-on-missing",
    severity: Severity::Error,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
Each `spec.dependsOn` entry of a Kustomization or HelmRelease names one of the same kind in the same cluster.

## Why it matters
While the dependency is absent the dependent stays `DependencyNotReady`: nothing below it is applied.

## What it cannot see
Objects created outside this repository: where some source of the cluster could not be rendered the finding is a note.
",
    check: Check::Repository(check_missing),
};

const CYCLE: Rule = Rule {
    id: "depends-on-cycle",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.dependsOn` entries form no circle.

## Why it matters
Members of a circle wait for each other for ever. Worse, when their source changes Flux fails to sort the Kustomizations \
that use it, and enqueues none of them, healthy ones included.

## What it cannot see
Dependencies that a `readyExpr` makes ready all the same.
",
    check: Check::Cluster(check_cycle),
};

const ON_SELF: Rule = Rule {
    id: "depends-on-self",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kustomization or HelmRelease names itself in `spec.dependsOn`.

## Why it matters
It waits for itself for ever: nothing below it is applied.

## What it cannot see
Nothing that matters: the object says it itself.
",
    check: Check::Cluster(check_self),
};

const ON_PARENT: Rule = Rule {
    id: "depends-on-parent",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kustomization depends on the one that applies it and waits for what it applies (`wait: true`, or a health check of it).

## Why it matters
Each waits for the other: the parent is ready when the child is, and the child is applied when the parent is ready. Flux does not \
notice; nothing below the child is ever applied.

## What it cannot see
A parent outside this repository.
",
    check: Check::Cluster(check_parent),
};

const SUSPENDED: Rule = Rule {
    id: "depends-on-suspended",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kustomization or HelmRelease depends on one with `suspend: true`.

## Why it matters
A suspended object takes no new revision: with the next commit (or, on a new cluster, from the start) what depends on it waits until \
somebody resumes it.

## What it cannot see
What was suspended by hand with `flux suspend`.
",
    check: Check::Cluster(check_suspended),
};

/// An object with dependencies.
struct Dependent {
    /// Place of `spec.suspend`, where it is true.
    suspended: Option<Span>,
    id: NamespacedName,
    depends_on: Vec<Spanned<NamespacedName>>,
}

/// Objects of one kind that can depend on each other.
struct Graph {
    kind: &'static str,
    dependents: BTreeMap<NamespacedName, Dependent>,
}

impl Graph {
    /// Returns every dependency that no object of this kind answers to, with who depends on it.
    fn missing(&self) -> impl Iterator<Item = (&NamespacedName, &Spanned<NamespacedName>)> {
        let all = self.dependents.values();
        let dependencies = all.flat_map(|dependent| dependent.depends_on.iter().map(|it| (&dependent.id, it)));
        dependencies.filter(|(_, dependency)| !self.dependents.contains_key(&dependency.value))
    }
}

/// Returns the dependency graph of each kind of `cluster`.
fn graphs(cluster: &Cluster) -> [Graph; 2] {
    let kustomizations = cluster.kustomizations.values().map(|found| Dependent {
        suspended: suspended(&found.node),
        id: found.id.clone(),
        depends_on: found.depends_on.clone(),
    });
    let releases = cluster.objects_of("helm.toolkit.fluxcd.io", "HelmRelease").map(|object| {
        let resource = object.resource;
        Dependent {
            suspended: suspended(&resource.node),
            id: NamespacedName::new(resource.namespace(), resource.name()),
            depends_on: flux::depends_on(&resource.node, resource.namespace()),
        }
    });
    [
        Graph { kind: "Kustomization", dependents: by_id(kustomizations) },
        Graph { kind: "HelmRelease", dependents: by_id(releases) },
    ]
}

/// Returns the place of `spec.suspend`, where it is true.
fn suspended(object: &Node) -> Option<Span> {
    let field = object.at(&["spec", "suspend"])?;
    (field.as_str() == Some("true")).then_some(field.span)
}

/// Reports every dependency of `cluster` on an object that is suspended.
fn check_suspended(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for graph in graphs(cluster) {
        for dependent in graph.dependents.values().filter(|dependent| dependent.suspended.is_none()) {
            for dependency in &dependent.depends_on {
                let target = graph.dependents.get(&dependency.value);
                let Some(suspended) = target.and_then(|target| target.suspended) else { continue };
                let (kind, id) = (graph.kind, &dependent.id);
                out.push(
                    rule.report(format!("{kind} `{id}` depends on `{}`, which is suspended", dependency.value))
                        .label(dependency.span, "never ready for a new revision")
                        .label(suspended, "suspended here")
                        .help("resume it, or remove the entry")
                        .note("Flux keeps it at `DependencyNotReady` from the next revision on"),
                );
            }
        }
    }
}

fn by_id(dependents: impl Iterator<Item = Dependent>) -> BTreeMap<NamespacedName, Dependent> {
    dependents.map(|dependent| (dependent.id.clone(), dependent)).collect()
}

/// Reports every dependency that no object of the dependent's kind answers to in its cluster.
fn check_missing(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        let graphs = graphs(cluster);
        for (graph, other) in [(&graphs[0], &graphs[1]), (&graphs[1], &graphs[0])] {
            for (dependent, dependency) in graph.missing() {
                let message =
                    format!("{} `{}` depends on `{}`, which does not exist", graph.kind, dependent, dependency.value);
                let names = || graph.dependents.keys().map(|id| id.name.as_str());
                let near = nearest(&dependency.value.name, names());
                let finding = rule
                    .report(message)
                    .label(dependency.span, format!("no {} has this name", graph.kind))
                    .help(missing_help(graph, other, &dependency.value, near))
                    .note("Flux keeps it at `DependencyNotReady`: nothing below it is applied")
                    .at_most(absence(cluster, near))
                    .in_cluster(&cluster.name);
                out.push(match near {
                    Some(near) => renamed(context, finding, dependency, near, names()),
                    None => finding,
                });
            }
        }
    }
}

/// Returns `finding` with the fix that writes the known name `near`: unsafe where other names are near too.
fn renamed<'a>(
    context: &Context<'_>,
    finding: Diagnostic,
    dependency: &Spanned<NamespacedName>,
    near: &str,
    names: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let wanted = dependency.value.name.as_str();
    let mut others = names.filter(|name| *name != near);
    let is_ambiguous = others.any(|name| nearest(wanted, [name]).is_some());
    let safety = if is_ambiguous { FixSafety::Unsafe } else { FixSafety::Safe };
    let edit = fixes::rewrite(context.repo, dependency.span, wanted, near);
    fixes::with_edit(finding, format!("write `{near}`"), edit, safety)
}

fn missing_help(graph: &Graph, other: &Graph, wanted: &NamespacedName, near: Option<&str>) -> String {
    let elsewhere = graph.dependents.keys().find(|id| id.name == wanted.name);
    if let Some(id) = elsewhere {
        format!("set `namespace: {}`", id.namespace)
    } else if let Some(name) = near {
        format!("did you mean `{name}`?")
    } else if other.dependents.contains_key(wanted) {
        format!("a {} has this name, but a {} can wait only for its own kind: remove the entry", other.kind, graph.kind)
    } else {
        "correct the name, or remove the entry".to_owned()
    }
}

/// Reports every object of `cluster` that waits for itself.
fn check_self(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for graph in graphs(cluster) {
        for dependent in graph.dependents.values() {
            for dependency in dependent.depends_on.iter().filter(|dependency| dependency.value == dependent.id) {
                out.push(
                    rule.report(format!("{} `{}` depends on itself", graph.kind, dependent.id))
                        .label(dependency.span, "this is its own name")
                        .help("remove the entry"),
                );
            }
        }
    }
}

/// Returns whether `parent` is ready only when the Kustomization `child`, which it applies, is.
fn waits_for(parent: &FluxKustomization, child: &NamespacedName) -> bool {
    let checks = parent.health_checks.iter().map(|check| &check.value);
    parent.wait
        || checks.into_iter().any(|check| {
            check.kind == "Kustomization" && check.name == child.name && check.namespace == child.namespace
        })
}

/// Reports every Kustomization of `cluster` that waits for one which waits for it.
fn check_parent(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for owner in cluster.kustomizations.values() {
        let mut child = owner;
        let mut seen = BTreeSet::from([&owner.id]);
        while let Some(parent) = child.applied_by.as_ref().and_then(|parent| cluster.kustomizations.get(parent)) {
            if !waits_for(parent, &child.id) || !seen.insert(&parent.id) {
                break;
            }
            if let Some(entry) = owner.depends_on.iter().find(|dependency| dependency.value == parent.id) {
                let waits = parent.node.at(&["spec", "wait"]).map_or(parent.span, |wait| wait.span);
                out.push(
                    rule.report(format!(
                        "Kustomization `{}` and `{}`, which applies it, wait for each other",
                        owner.id, parent.id
                    ))
                    .label(entry.span, format!("waits for `{}`", parent.id))
                    .label(waits, "waits for what it applies")
                    .help("remove the entry: what a parent applies before is there in any case")
                    .note("Flux keeps it at `DependencyNotReady`: nothing below it is applied"),
                );
            }
            child = parent;
        }
    }
}

/// Reports every circle of `cluster` once, at the entry that closes it.
fn check_cycle(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for graph in graphs(cluster) {
        for circle in circles(&graph) {
            let names: Vec<String> = circle.iter().map(|(id, _)| id.to_string()).collect();
            let path = format!("{} -> {}", names.join(" -> "), names[0]);
            let mut finding = rule.report(format!("{}s wait for each other: {path}", graph.kind));
            for (at, (id, span)) in circle.iter().enumerate() {
                let next = &names[(at + 1) % names.len()];
                finding = finding.label(*span, format!("`{id}` waits for `{next}`"));
            }
            out.push(
                finding
                    .help("remove one of these entries")
                    .note("Flux applies none of them, and no longer reacts to changes of their source"),
            );
        }
    }
}

/// Returns every circle of two or more, each beginning at its smallest member, with the spans of its entries.
fn circles(graph: &Graph) -> Vec<Vec<(&NamespacedName, Span)>> {
    let mut done: BTreeSet<&NamespacedName> = BTreeSet::new();
    let mut found = Vec::new();
    for start in graph.dependents.keys() {
        if done.contains(start) {
            continue;
        }
        // The path walked so far: each step is an object and the index of the dependency to try next.
        let mut path: Vec<(&NamespacedName, usize)> = vec![(start, 0)];
        while let Some((id, next)) = path.last_mut() {
            let Some(dependency) = graph.dependents.get(*id).and_then(|dependent| dependent.depends_on.get(*next))
            else {
                done.insert(*id);
                path.pop();
                continue;
            };
            *next += 1;
            let Some((target, _)) = graph.dependents.get_key_value(&dependency.value) else { continue };
            if let Some(at) = path.iter().position(|(walked, _)| *walked == target) {
                if path.len() - at > 1 {
                    found.push(circle(graph, &path[at..]));
                }
            } else if !done.contains(target) {
                path.push((target, 0));
            }
        }
    }
    found
}

fn circle<'a>(graph: &'a Graph, path: &[(&'a NamespacedName, usize)]) -> Vec<(&'a NamespacedName, Span)> {
    let mut steps: Vec<(&NamespacedName, Span)> = path
        .iter()
        .filter_map(|(id, next)| Some((*id, graph.dependents.get(*id)?.depends_on.get(next.checked_sub(1)?)?.span)))
        .collect();
    let smallest = steps.iter().enumerate().min_by_key(|(_, (id, _))| *id).map_or(0, |(at, _)| at);
    steps.rotate_left(smallest);
    steps
}
