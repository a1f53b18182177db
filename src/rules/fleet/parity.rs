//! Rules on clusters of one environment that should be alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, SourceRef};
use crate::kube::NamespacedName;
use crate::rules::fleet::environment::Environment;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[BRANCH_DIFFERS, KUSTOMIZATION_ABSENT];

const BRANCH_DIFFERS: Rule = Rule {
    id: "cluster-branch-differs",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
All clusters of one environment follow the same branch, and no production cluster follows a branch of staging or test.

## Why it matters
A cluster on another branch than its peers runs something else than they do, though the files beside it say the same.

## What it cannot see
Clusters whose source only their bootstrap makes.
",
    check: Check::Repository(check_branches),
};

const KUSTOMIZATION_ABSENT: Rule = Rule {
    id: "kustomization-in-all-but-one",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
What all clusters of an environment but one have (a Flux Kustomization, by its name), that one has too; environments of at \
least three clusters are compared.

## Why it matters
A cluster that was added or changed by hand lacks what its peers have, and nothing reports an error there.

## What it cannot see
Whether the difference is meant: then accept the finding in gitops.yaml.
",
    check: Check::Repository(check_parity),
};

/// Returns the clusters of each environment, in order.
fn environments<'a>(context: &Context<'a>) -> BTreeMap<Environment, Vec<&'a Cluster>> {
    let mut found: BTreeMap<Environment, Vec<&Cluster>> = BTreeMap::new();
    for cluster in &context.fleet.clusters {
        if let Some(environment) = Environment::of(cluster) {
            found.entry(environment).or_default().push(cluster);
        }
    }
    found
}

/// Returns the branch that `cluster` is applied from, where the repository says it.
fn branch(cluster: &Cluster) -> Option<&Node> {
    let instance = || {
        let mut objects = cluster.objects_of("fluxcd.controlplane.io", "FluxInstance").map(|object| object.resource);
        objects.find_map(|resource| resource.node.at(&["spec", "sync", "ref"]))
    };
    let bootstrap = cluster.bootstrap.as_ref().and_then(|id| cluster.kustomizations.get(id));
    let key = bootstrap.and_then(|owner| owner.source.as_ref()).map(SourceRef::key);
    let source = key.and_then(|key| cluster.sources.get(&key)).and_then(|source| source.node.as_ref());
    source.and_then(|node| node.at(&["spec", "ref", "branch"])).or_else(instance)
}

fn short(branch: &Node) -> &str {
    let text = branch.as_str().unwrap_or("");
    text.strip_prefix("refs/heads/").unwrap_or(text)
}

/// Reports every cluster whose branch is not that of its peers.
fn check_branches(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (environment, clusters) in environments(context) {
        let branches: Vec<(&Cluster, &Node)> =
            clusters.iter().filter_map(|cluster| Some((*cluster, branch(cluster)?))).collect();
        let count = |name: &str| branches.iter().filter(|(_, other)| short(other) == name).count();
        for (cluster, node) in &branches {
            let own = short(node);
            let common =
                branches.iter().map(|(_, other)| short(other)).max_by_key(|name| (count(name), *name == "main"));
            let common = common.filter(|common| count(common) > count(own));
            let is_foreign = environment == Environment::Production
                && Environment::of_name(own).is_some_and(|found| found != Environment::Production);
            let (label, help) = match common {
                Some(common) => (format!("its peers follow `{common}`"), format!("write `{common}`")),
                None if is_foreign => {
                    ("a branch of another environment".to_owned(), "follow the branch of production".to_owned())
                }
                None => continue,
            };
            out.push(
                rule.report(format!("a {} cluster follows the branch `{own}`", environment.name()))
                    .label(node.span, label)
                    .help(help)
                    .in_cluster(&cluster.name),
            );
        }
    }
}

/// Reports every Kustomization that one cluster lacks and all its peers have.
fn check_parity(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (environment, clusters) in environments(context).into_iter().filter(|(_, clusters)| clusters.len() > 2) {
        let all: BTreeSet<&NamespacedName> =
            clusters.iter().flat_map(|cluster| cluster.kustomizations.keys()).collect();
        for id in all {
            let (with, without): (Vec<&Cluster>, Vec<&Cluster>) =
                clusters.iter().partition(|cluster| cluster.kustomizations.contains_key(id));
            let ([lacking], Some(peer)) = (without.as_slice(), with.first()) else { continue };
            let span = peer.kustomizations[id].span;
            let message = format!(
                "cluster `{}` has no Kustomization `{id}`, which all other {} clusters have",
                lacking.name,
                environment.name()
            );
            out.push(
                rule.report(message)
                    .label(span, format!("as in cluster `{}`", peer.name))
                    .help("add it, or accept the difference in gitops.yaml"),
            );
        }
    }
}
