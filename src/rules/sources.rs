//! Rules on `spec.sourceRef` and `spec.path`: where a Kustomization takes its files from.
//!
//! Source: Flux, Kustomization API, "Source reference" and "Path".

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, Location};
use crate::rules::{Check, Context, FixAvailability, Rule, nearest};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[SOURCE_MISSING, PATH_MISSING];

const SOURCE_MISSING: Rule = Rule {
    id: "source-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.sourceRef` of each Kustomization names a source (GitRepository, OCIRepository, Bucket or ExternalArtifact) that the \
cluster has.

## Why it matters
Without its source the Kustomization stays `ArtifactFailed` with `Source not found`: nothing of it is applied.

## What it cannot see
Sources created outside this repository: where something of the cluster could not be rendered the finding is a note.
",
    check: Check::Cluster(check_source),
};

const PATH_MISSING: Rule = Rule {
    id: "source-path-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.path` of each Kustomization is a directory of its source's artifact.

## Why it matters
Flux reports `kustomization path not found` and applies nothing of it; with `prune: true` what it applied before stays as \
it was.

## What it cannot see
Paths in sources that are not this repository.
",
    check: Check::Repository(check_path),
};

/// Reports every Kustomization of `cluster` whose source does not exist.
fn check_source(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for found in cluster.kustomizations.values() {
        let (Location::MissingSource, Some(source)) = (&found.location, &found.source) else { continue };
        let message = format!(
            "Kustomization `{}` takes its files from {} `{}`, which does not exist",
            found.id, source.kind.value, source.name.value
        );
        let known: Vec<String> = cluster
            .objects()
            .filter(|object| object.resource.kind() == source.kind.value)
            .map(|object| object.resource.name().to_owned())
            .collect();
        let help = match nearest(&source.name.value.name, known.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "correct the name, or add the source".to_owned(),
        };
        out.push(
            rule.report(message)
                .label(source.name.span, format!("no {} has this name", source.kind.value))
                .help(help)
                .note("Flux waits for the source: nothing of this Kustomization is applied")
                .at_most(absence_of_source(cluster)),
        );
    }
}

/// A missing source leaves its own Kustomization unrendered, so that one must not soften the finding.
fn absence_of_source(cluster: &Cluster) -> Severity {
    let elsewhere = cluster.kustomizations.values().any(|other| matches!(other.location, Location::Elsewhere));
    if elsewhere || !cluster.outside.is_empty() { Severity::Note } else { Severity::Error }
}

/// Reports every Kustomization whose path is no directory of its artifact.
fn check_path(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        for found in cluster.kustomizations.values() {
            let written = found.path.as_ref().map_or("./", |path| path.value.as_str());
            let Location::MissingPath(path) = &found.location else { continue };
            let message = format!("Kustomization `{}` reads `{written}`, which does not exist", found.id);
            let label = format!("no directory `{path}` in its source");
            let directories = directories(context);
            let wanted = written.trim_start_matches("./").trim_end_matches('/');
            let help = match nearest(wanted, directories.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `./{near}`?"),
                None => "correct the path, or add the directory".to_owned(),
            };
            out.push(
                rule.report(message)
                    .label(found.path.as_ref().map_or(found.span, |path| path.span), label)
                    .help(help)
                    .note("Flux applies nothing of this Kustomization")
                    .in_cluster(&cluster.name),
            );
        }
    }
}

/// Returns every directory of the repository that holds manifests, sorted.
fn directories(context: &Context<'_>) -> Vec<String> {
    let parents = context.repo.files().iter().filter(|(path, _)| path.is_yaml()).map(|(path, _)| path.parent());
    let mut all: Vec<String> = parents.map(|path| path.as_str().to_owned()).collect();
    all.dedup();
    all
}
