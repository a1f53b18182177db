//! Rules on `spec.sourceRef` and `spec.path`: where a Kustomization takes its files from.
//!
//! Source: Flux, Kustomization API, "Source reference" and "Path".

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{self, Cluster, Location, Object, SourceRef};
use crate::kustomize::Resource;
use crate::rules::{Check, Context, FixAvailability, Rule, nearest};
use crate::text::RepoPath;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[SOURCE_MISSING, PATH_MISSING, COPY_UNMATCHED];

const SOURCE_MISSING: Rule = Rule {
    id: "source-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The source that each Kustomization, HelmRelease and ImageUpdateAutomation refers to exists in its cluster.

## Why it matters
Without its source the object stays `SourceNotReady` or `ArtifactFailed`: nothing of it is applied.

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

const COPY_UNMATCHED: Rule = Rule {
    id: "artifact-copy-unmatched",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `copy` entry of an ArtifactGenerator finds files in its source, unless it is `optional`.

## Why it matters
The generator fails (`BuildFailed`), and what uses its artifact stays at the last one, or never gets any.

## What it cannot see
Sources that are not this repository.
",
    check: Check::Cluster(check_copies),
};

/// An object and the source that it takes its files from.
struct Consumer {
    /// `Kustomization namespace/name` and the like.
    object: String,
    source: SourceRef,
}

/// Returns every object of `cluster` with a source that does not exist.
fn without_source(cluster: &Cluster) -> Vec<Consumer> {
    let mut consumers = Vec::new();
    for found in cluster.kustomizations.values() {
        if let (Location::MissingSource, Some(source)) = (&found.location, &found.source) {
            consumers.push(Consumer { object: format!("Kustomization {}", found.id), source: source.clone() });
        }
    }
    let fields_of = |group: &str, kind: &str| -> &[&[&str]] {
        match (kind, group) {
            ("HelmRelease", "helm.toolkit.fluxcd.io") => {
                &[&["spec", "chart", "spec", "sourceRef"], &["spec", "chartRef"]]
            }
            ("ImageUpdateAutomation", "image.toolkit.fluxcd.io") => &[&["spec", "sourceRef"]],
            _ => &[],
        }
    };
    for Object { resource, .. } in cluster.objects_where(|group, kind| !fields_of(group, kind).is_empty()) {
        let fields = fields_of(resource.group(), resource.kind());
        let references = fields.iter().filter_map(|keys| resource.node.at(keys));
        for source in references.filter_map(|field| flux::source_ref(field, resource.namespace())) {
            if !exists(cluster, &source) {
                consumers.push(Consumer { object: resource.object_ref().to_string(), source });
            }
        }
    }
    consumers
}

fn exists(cluster: &Cluster, source: &SourceRef) -> bool {
    let name = &source.name.value;
    let mut of_kind = cluster.objects_where(|_, kind| kind == source.kind.value).map(|object| object.resource);
    cluster.sources.contains_key(&source.key())
        || of_kind.any(|resource| resource.namespace() == name.namespace && resource.name() == name.name)
}

/// Reports every object of `cluster` whose source does not exist.
fn check_source(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for Consumer { object, source } in without_source(cluster) {
        let kind = &source.kind.value;
        let objects = cluster.objects_where(|_, known| known == kind).map(|object| object.resource);
        let known: BTreeSet<&str> = objects.map(Resource::name).collect();
        let near = nearest(&source.name.value.name, known.iter().copied());
        let help = match near {
            Some(name) => format!("did you mean `{name}`?"),
            None if known.contains(source.name.value.name.as_str()) => "correct the namespace".to_owned(),
            None => "correct the name, or add the source".to_owned(),
        };
        let message = format!("`{object}` takes its files from {kind} `{}`, which does not exist", source.name.value);
        out.push(
            rule.report(message)
                .label(source.name.span, format!("no {kind} has this name"))
                .help(help)
                .note("Flux waits for the source: nothing of this object is applied")
                .at_most(absence_of_source(cluster, near)),
        );
    }
}

/// A missing source leaves its own Kustomization unrendered, so that one must not soften the finding.
fn absence_of_source(cluster: &Cluster, near: Option<&str>) -> Severity {
    let elsewhere = cluster.kustomizations.values().any(|other| matches!(other.location, Location::Elsewhere));
    match (elsewhere || !cluster.outside.is_empty(), near) {
        (false, _) => Severity::Error,
        (true, Some(_)) => Severity::Warning,
        (true, None) => Severity::Note,
    }
}

/// Reports what keeps the generators of `cluster` from making their artifacts.
fn check_copies(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for (key, source) in &cluster.sources {
        for finding in &source.findings {
            out.push(
                rule.report(format!("the artifact `{}` cannot be made: {}", key.name, finding.reason))
                    .label(finding.span, "nothing is copied")
                    .help("correct the pattern, or set `optional: true`")
                    .note("the ArtifactGenerator fails: what uses the artifact gets nothing new"),
            );
        }
    }
}

/// Returns why a directory that the repository has is not in the artifact, and what to do.
fn why_hidden(context: &Context<'_>, cluster: &Cluster, path: &RepoPath) -> Option<(&'static str, String)> {
    let whole = cluster.source_root.join(path.as_str()).ok()?;
    let files = context.repo.files();
    let linked = files.links().keys().any(|link| *link == whole || whole.is_below(link));
    if linked {
        return Some((
            "a symbolic link, which no artifact holds",
            "name the directory that the link leads to".to_owned(),
        ));
    }
    let reason = "`.sourceignore` or `spec.ignore` leaves it out";
    files.is_dir(&whole).then(|| (reason, format!("take it back in there with `!/{path}`")))
}

/// Reports every Kustomization whose path is no directory of its artifact.
fn check_path(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        for found in cluster.kustomizations.values() {
            let written = found.path.as_ref().map_or("./", |path| path.value.as_str());
            let Location::MissingPath(path) = &found.location else { continue };
            let what = if why_hidden(context, cluster, path).is_some() {
                "its source does not hold"
            } else {
                "does not exist"
            };
            let message = format!("Kustomization `{}` reads `{written}`, which {what}", found.id);
            let hidden = why_hidden(context, cluster, path);
            let label = match &hidden {
                Some((reason, _)) => (*reason).to_owned(),
                None => format!("no directory `{path}` in its source"),
            };
            let directories = directories(context);
            let wanted = written.trim_start_matches("./").trim_end_matches('/');
            let help = match nearest(wanted, directories.iter().map(String::as_str)) {
                _ if hidden.is_some() => hidden.map(|(_, help)| help).unwrap_or_default(),
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
