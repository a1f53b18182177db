//! Rules on who applies an object: exactly one Kustomization should.
//!
//! Source: Flux, Kustomization API, "Garbage collection" and "Inventory".

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, Location, Object};
use crate::kube::ObjectRef;
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::{RepoPath, Span};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[TWO_OWNERS, DEFINED_TWICE, CLUSTER_IN_CLUSTER];

pub(super) const TWO_OWNERS: Rule = Rule {
    id: "object-two-owners",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No object is applied by two Kustomizations of one cluster.

## Why it matters
Each Kustomization has the object in its inventory: they undo each other's changes at every reconciliation, and when one \
stops applying it, its garbage collection deletes it from under the other.

## What it cannot see
Objects of sources that are not this repository, and what Helm charts create.
",
    check: Check::Index(check_owners),
};

pub(super) const DEFINED_TWICE: Rule = Rule {
    id: "object-defined-twice",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No build renders two objects of the same group, kind, namespace and name.

## Why it matters
They are one object to the API server: Flux applies both, and the later one wins. kustomize itself refuses only those of \
the same API version.

## What it cannot see
Objects that other tools apply.
",
    check: Check::Index(check_twice),
};

pub(super) const CLUSTER_IN_CLUSTER: Rule = Rule {
    id: "cluster-in-cluster",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No cluster applies what stands in the directory of another one.

## Why it matters
It takes over the other cluster's `flux-system`: from then on it follows the other's path, prunes what its own had, and both write to \
the same places.

## What it cannot see
Clusters that nobody named: without `gitops.yaml` they are found by the layout of the repository.
",
    check: Check::Repository(check_clusters),
};

/// The objects that come to one object of the cluster, where there are several.
type Claims<'a> = BTreeMap<(bool, ObjectRef), Vec<Object<'a>>>;

fn claims<'a>(index: &ClusterIndex<'a>) -> Claims<'a> {
    let mut claims = Claims::new();
    for object in index.namesakes() {
        claims.entry((object.is_remote(), object.resource.object_ref())).or_default().push(object);
    }
    claims.retain(|_, objects| objects.len() > 1);
    claims
}

/// Reports every object of `cluster` that two Kustomizations apply.
fn check_owners(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let cluster = index.cluster();
    // Parallel lists of owners are one mistake: reported once, at its first object.
    let mut reported: BTreeMap<(String, String), usize> = BTreeMap::new();
    for ((_, id), objects) in claims(index) {
        let Some(first) = objects.first() else { continue };
        let other = objects.iter().find(|object| owner_name(object, cluster) != owner_name(first, cluster));
        let Some(second) = other else { continue };
        // A Kustomization with kubeConfig may serve another cluster than its namesake.
        if first.is_remote() && remote_target(first) != remote_target(second) {
            continue;
        }
        // Two Kustomizations may share an object on purpose where one of them only merges its own fields.
        if [first, second].into_iter().any(|object| shares_fields(object.resource)) {
            continue;
        }
        let pair = (owner_name(first, cluster), owner_name(second, cluster));
        if let Some(at) = reported.get(&pair) {
            let finding: &mut Diagnostic = &mut out[*at];
            finding.notes.push(format!("so is `{id}`"));
            continue;
        }
        let finding = rule
            .report(format!("`{id}` is applied by {} and by {}", pair.0, pair.1))
            .label(first.resource.name_span(), format!("applied by {}", pair.0));
        let finding = match owner_spans(first, second) {
            Some((left, right)) => finding
                .label(left, format!("{} applies it from here", pair.0))
                .label(right, format!("{} applies it from here", pair.1)),
            None => finding.label(second.resource.name_span(), format!("applied by {}", pair.1)),
        };
        let mut more: Vec<String> = objects.iter().map(|object| owner_name(object, cluster)).collect();
        more.retain(|owner| *owner != pair.0 && *owner != pair.1);
        more.dedup();
        let finding = more.iter().fold(finding, |finding, owner| finding.note(format!("{owner} applies it too")));
        reported.insert(pair, out.len());
        out.push(finding.help(remedy(first, second)));
    }
    for finding in out.iter_mut() {
        shorten(&mut finding.notes);
    }
}

/// Returns what to do: where the path of one lies inside the path of the other, that is the cause.
fn remedy(first: &Object<'_>, second: &Object<'_>) -> String {
    let directory = |object: &Object<'_>| match object.owner.map(|owner| &owner.location) {
        Some(Location::Here(path)) => Some(path.clone()),
        _ => None,
    };
    let (Some(one), Some(two)) = (directory(first), directory(second)) else {
        return "leave it to one of them".to_owned();
    };
    let (inner, outer) = if one.is_below(&two) { (one, two) } else { (two, one) };
    if inner.is_below(&outer) {
        format!(
            "`{inner}` is inside `{outer}`: move it beside, or list what `{outer}` applies in a kustomization file there"
        )
    } else {
        "leave it to one of them".to_owned()
    }
}

/// Keeps the first few of many notes that say the same of other objects.
fn shorten(notes: &mut Vec<String>) {
    const MOST: usize = 3;
    if notes.len() > MOST {
        let more = notes.len() - MOST;
        notes.truncate(MOST);
        notes.push(format!("so are {more} more"));
    }
}

fn owner_name(object: &Object<'_>, cluster: &Cluster) -> String {
    match object.owner {
        Some(owner) => format!("Kustomization `{}`", owner.id),
        None => format!("the cluster's own directory `{}`", cluster.path),
    }
}

/// Returns the paths of the two owners, where both are written.
fn owner_spans(first: &Object<'_>, second: &Object<'_>) -> Option<(Span, Span)> {
    let path = |object: &Object<'_>| Some(object.owner?.path.as_ref()?.span);
    Some((path(first)?, path(second)?))
}

fn remote_target<'a>(object: &Object<'a>) -> Option<&'a Node> {
    object.owner?.node.at(&["spec", "kubeConfig"])
}

/// Returns whether the object says that it is applied beside others (`ssa: Merge`, `IfNotPresent` or `Ignore`).
fn shares_fields(resource: &Resource) -> bool {
    let policy = resource.node.at(&["metadata", "annotations", "kustomize.toolkit.fluxcd.io/ssa"]);
    matches!(policy.and_then(Node::as_str), Some("Merge" | "IfNotPresent" | "Ignore"))
}

/// Reports every cluster that applies what stands in another one's directory.
fn check_clusters(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let sources = context.repo.sources();
    let clusters = &context.fleet.clusters;
    for cluster in clusters {
        for owner in cluster.kustomizations.values().filter(|owner| owner.remote.is_none()) {
            let is_read = |other: &&Cluster| {
                let theirs = |path: &RepoPath| path.is_below(&other.path) && !path.is_below(&cluster.path);
                let files = owner.build.files.iter().filter_map(|id| Some(sources.get(*id)?.path()));
                other.path != cluster.path && !cluster.path.is_below(&other.path) && files.into_iter().any(theirs)
            };
            let others: Vec<&Cluster> = clusters.iter().filter(is_read).collect();
            if others.is_empty() {
                continue;
            }
            let names: Vec<String> = others.iter().map(|other| format!("`{}`", other.name)).collect();
            let paths: Vec<String> = others.iter().map(|other| format!("`{}`", other.path)).collect();
            out.push(
                rule.report(format!("Kustomization `{}` takes in cluster {}", owner.id, names.join(" and ")))
                    .label(
                        owner.path.as_ref().map_or(owner.span, |path| path.span),
                        format!("reads {}", paths.join(" and ")),
                    )
                    .help("give it a directory of its own cluster")
                    .in_cluster(&cluster.name),
            );
        }
    }
}

/// Reports every object that one build of `cluster` renders twice.
fn check_twice(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let cluster = index.cluster();
    for ((_, id), objects) in claims(index) {
        for (at, object) in objects.iter().enumerate() {
            let same_owner = |other: &&Object<'_>| owner_name(other, cluster) == owner_name(object, cluster);
            let Some(earlier) = objects[..at].iter().find(same_owner) else { continue };
            out.push(
                rule.report(format!("`{id}` is defined twice in {}", owner_name(object, cluster)))
                    .label(object.resource.name_span(), format!("as {}", object.resource.gvk().api_version()))
                    .label(earlier.resource.name_span(), format!("first as {}", earlier.resource.gvk().api_version()))
                    .help("remove one of them"),
            );
        }
    }
}
