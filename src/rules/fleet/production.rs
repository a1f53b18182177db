//! Rules on production clusters that take in what is meant for another environment.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, FluxKustomization, Object};
use crate::rules::fleet::environment::Environment;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::RepoPath;
use crate::yaml::{Kind, Node};

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[OVERLAY, ACME_STAGING, NODE_POOL];

const OVERLAY: Rule = Rule {
    id: "production-on-other-overlay",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kustomization of a production cluster applies, or takes files from, a `staging` or `test` directory that has a `production` \
beside it.

## Why it matters
Production runs what is meant to be tried: its size, its images, its addresses.

## What it cannot see
Environments whose names are other words: what a cluster is, is read from its variables (`CLUSTER_ENV`), its name, its directory, \
or most of the paths that it applies.
",
    check: Check::Repository(check_overlays),
};

const ACME_STAGING: Rule = Rule {
    id: "acme-staging-in-production",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No issuer of a production cluster asks the staging server of its certificate authority.

## Why it matters
Its certificates are signed by an authority that no browser trusts.

## What it cannot see
Private authorities.
",
    check: Check::Cluster(check_acme),
};

const NODE_POOL: Rule = Rule {
    id: "node-pool-of-other-environment",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No pod of a production cluster asks for nodes of staging or test, and none of those for nodes of production (`nodeSelector` and \
node affinity).

## Why it matters
The pods stay pending where there are no such nodes; where there are, tests take what production needs.

## What it cannot see
Pools whose names say nothing of an environment.
",
    check: Check::Index(check_pools),
};

/// Reports every Kustomization of a production cluster that takes in the overlay of another environment.
fn check_overlays(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        if Environment::of(cluster) != Some(Environment::Production) {
            continue;
        }
        for owner in cluster.kustomizations.values() {
            let Some((directory, environment)) = foreign(context, cluster, owner) else { continue };
            let span = owner.path.as_ref().map_or(owner.span, |path| path.span);
            let is_own = owner.path.as_ref().is_some_and(|path| Environment::of_path(&path.value) == Some(environment));
            let what = if is_own { "applies" } else { "takes files from" };
            out.push(
                rule.report(format!("Kustomization `{}` of a production cluster {what} `{directory}`", owner.id))
                    .label(span, format!("the overlay of {}", environment.name()))
                    .help("take the one of production beside it")
                    .in_cluster(&cluster.name),
            );
        }
    }
}

/// Returns the first directory of another environment among the files of `owner`, where it has one of production beside it.
fn foreign(context: &Context<'_>, cluster: &Cluster, owner: &FluxKustomization) -> Option<(RepoPath, Environment)> {
    let sources = context.repo.sources();
    let paths = owner.build.files.iter().filter_map(|id| Some(sources.get(*id)?.path().parent()));
    let mut paths: Vec<RepoPath> = paths.filter(|path| !path.is_below(&cluster.path)).collect();
    paths.sort();
    paths.into_iter().find_map(|path| {
        let environment = Environment::of_path(path.as_str()).filter(|found| *found != Environment::Production)?;
        let parts: Vec<&str> = path.parts().collect();
        let at = parts.iter().rposition(|part| environment.words().contains(&part.to_ascii_lowercase().as_str()))?;
        let beside = Environment::Production.words().iter().any(|word| {
            let mut other = parts[..at].to_vec();
            other.push(word);
            RepoPath::new(&other.join("/")).is_ok_and(|other| context.repo.files().is_dir(&other))
        });
        // What a production path holds below itself is production's own business.
        let is_inside = parts[..at].iter().any(|part| Environment::of_path(part) == Some(Environment::Production));
        let directory = RepoPath::new(&parts[..=at].join("/")).ok()?;
        (beside && !is_inside).then_some((directory, environment))
    })
}

/// Reports every issuer of a production cluster that asks a staging server.
fn check_acme(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    if Environment::of(cluster) != Some(Environment::Production) {
        return;
    }
    let is_issuer = |group: &str, kind: &str| group == "cert-manager.io" && matches!(kind, "Issuer" | "ClusterIssuer");
    for Object { resource, .. } in cluster.objects_where(is_issuer).filter(|object| !object.is_remote()) {
        let Some(server) = resource.node.at(&["spec", "acme", "server"]) else { continue };
        let url = server.as_str().unwrap_or("");
        if !url.contains("acme-staging") && !url.contains(".stg-") && !url.contains("staging-acme") {
            continue;
        }
        out.push(
            rule.report(format!(
                "`{}` of a production cluster asks the staging server of its authority",
                resource.object_ref()
            ))
            .label(server.span, "signs with an authority that no browser trusts")
            .help("write the authority's production server, such as https://acme-v02.api.letsencrypt.org/directory"),
        );
    }
}

/// Reports every pod that asks for nodes of another environment than its cluster's.
fn check_pools(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let Some(own) = Environment::of(index.cluster()) else { return };
    for workload in index.workloads() {
        let Some(spec) = workload.pod_spec() else { continue };
        let affinity = spec.at(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
        for value in spec.get("nodeSelector").into_iter().chain(affinity).flat_map(texts) {
            let Some(wanted) = value.as_str().and_then(Environment::of_name) else { continue };
            let is_mixed = (own == Environment::Production) != (wanted == Environment::Production);
            if is_mixed {
                let message = format!(
                    "`{}` of a {} cluster asks for nodes of {}",
                    workload.resource().object_ref(),
                    own.name(),
                    wanted.name()
                );
                out.push(
                    rule.report(message)
                        .label(value.span, "another environment")
                        .help("name a pool of the cluster's own"),
                );
            }
        }
    }
}

/// Returns every text below `node`, in order, except keys, operators and effects.
fn texts(node: &Node) -> Vec<&Node> {
    match &node.kind {
        Kind::Scalar(_) => vec![node],
        Kind::Sequence(items) => items.iter().flat_map(texts).collect(),
        Kind::Map(map) => {
            let values = map.iter().filter(|entry| !matches!(entry.key.text(), "key" | "operator"));
            values.flat_map(|entry| texts(&entry.value)).collect()
        }
    }
}
