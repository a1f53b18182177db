//! The runner: every rule over every cluster and file, and what of it is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::flux::{Cluster, Location};
use crate::rules::index::ClusterIndex;
use crate::rules::verdicts::{InFiles, Remembered, Verdicts};
use crate::rules::{
    Check, Context, FileCheck, IndexCheck, Rule, all, files, fixes, ownership, redact, schemas, settings,
};
use crate::text::SourceId;

/// Runs every rule over clusters that are rendered already; findings are sorted by place.
pub fn check(context: &Context<'_>) -> Findings {
    let found = run_all(context);
    judged(context, &found)
}

/// Does the same, and returns what will hold of the next revision too.
pub fn check_and_remember(context: Context<'_>) -> (Findings, Verdicts) {
    let found = run_all(&context);
    let findings = judged(&context, &found);
    let mut files = Vec::new();
    let mut remembered: Vec<Vec<(&'static str, Arc<Remembered>)>> =
        context.schemas.iter().map(|_| Vec::new()).collect();
    for (rule, found) in all().zip(found) {
        match found {
            Found::Anywhere(_) => {}
            Found::InClusters(found) => {
                remembered.iter_mut().zip(found).for_each(|(cluster, found)| cluster.push((rule.id, found)));
            }
            Found::InFiles(found, _) => files.push((rule.id, found)),
        }
    }
    let clusters = context.schemas.into_iter().zip(remembered).map(|(schemas, remembered)| {
        let (name, mut verdicts) = schemas.into_verdicts();
        verdicts.remember(remembered);
        (name, verdicts)
    });
    (findings, Verdicts::new(context.catalogue, clusters, files))
}

/// What a rule found.
enum Found {
    /// Anywhere.
    Anywhere(Vec<Diagnostic>),
    /// In each cluster, in the order of `fleet.clusters`.
    InClusters(Vec<Arc<Remembered>>),
    /// In each file that it ever looked at, and the files that count now.
    InFiles(InFiles, BTreeSet<SourceId>),
}

impl Found {
    fn diagnostics(&self) -> Box<dyn Iterator<Item = &Diagnostic> + '_> {
        match self {
            Self::Anywhere(found) => Box::new(found.iter()),
            Self::InClusters(found) => Box::new(found.iter().flat_map(|remembered| &remembered.findings)),
            Self::InFiles(found, built) => {
                Box::new(built.iter().filter_map(|id| found.get(id.index())).flatten().flatten())
            }
        }
    }
}

/// Returns what each rule finds, in the order of [`all`].
fn run_all(context: &Context<'_>) -> Vec<Found> {
    let rules: Vec<&Rule> = all().collect();
    rules.par_iter().map(|rule| run(rule, context)).collect()
}

/// Returns what is to be reported of what the rules found.
fn judged(context: &Context<'_>, found: &[Found]) -> Findings {
    let mut findings = Findings::default();
    rendering(context, &mut findings);
    let broken: BTreeSet<&str> = broken_clusters(context).collect();
    for (rule, found) in all().zip(found) {
        let told = found.diagnostics().filter(|finding| !is_consequence(rule, finding, &broken));
        findings.diagnostics.extend(told.cloned());
    }
    drop_repetitions(&mut findings);
    redact::hide_secret_variables(context, &mut findings);
    fixes::settle(context, &mut findings);
    settings::apply(context, &mut findings);
    findings
        .diagnostics
        .retain(|finding| finding.cluster.as_deref().is_none_or(|cluster| context.is_reported(cluster)));
    count(context, &mut findings);
    findings.sort(context.repo.sources());
    findings
}

fn run(rule: &Rule, context: &Context<'_>) -> Found {
    let mut out = Vec::new();
    match rule.check {
        Check::Rendering => {}
        Check::Repository(check) => check(rule, context, &mut out),
        Check::File(check) => return look_at_files(rule, check, context),
        Check::Cluster(check) => {
            for cluster in &context.fleet.clusters {
                in_cluster(&cluster.name, &mut out, |out| check(rule, cluster, out));
            }
        }
        Check::Index(check) => {
            let known = context.schemas.iter().map(|schemas| schemas.verdicts().found_by(rule.id));
            let clusters = context.indexes().zip(known);
            return Found::InClusters(
                clusters
                    .map(|(index, known)| match known {
                        Some(known) => Arc::clone(known),
                        None => Arc::new(look(rule, check, index)),
                    })
                    .collect(),
            );
        }
    }
    Found::Anywhere(out)
}

/// Returns what `check` finds in the files that clusters build.
fn look_at_files(rule: &Rule, check: FileCheck, context: &Context<'_>) -> Found {
    let repo = context.repo;
    let builds = context.fleet.clusters.iter().flat_map(Cluster::builds);
    let built: BTreeSet<SourceId> = builds.flat_map(|build| build.files.iter().copied()).collect();
    let mut found = context.known_files.get(rule.id).cloned().unwrap_or_default();
    found.resize(repo.sources().len(), None);
    for id in &built {
        let unseen = found.get_mut(id.index()).filter(|known| known.is_none());
        let file = repo.source(*id).filter(|file| file.path().is_yaml());
        if let (Some(known), Some(file), Some(parsed)) = (unseen, file, repo.yaml(*id)) {
            let mut out = Vec::new();
            check(rule, file, parsed, &mut out);
            *known = Some(out);
        }
    }
    Found::InFiles(found, built)
}

/// Returns what `check` finds in a cluster, and what it asked.
fn look(rule: &Rule, check: IndexCheck, index: ClusterIndex<'_>) -> Remembered {
    let mut findings = Vec::new();
    in_cluster(index.cluster_name(), &mut findings, |out| check(rule, &index, out));
    Remembered { asked: index.into_asked(), findings }
}

/// Returns the names of the clusters of which a mistake keeps some part from being rendered.
fn broken_clusters<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a str> {
    context.fleet.clusters.iter().filter(|cluster| cluster.is_broken()).map(|cluster| cluster.name.as_str())
}

/// Returns whether the finding may well be a consequence of what could not be rendered: the mistake is told, what follows
/// from it is not. Only what cannot be proven is a note although its rule is none.
fn is_consequence(rule: &Rule, finding: &Diagnostic, broken: &BTreeSet<&str>) -> bool {
    let is_unproven = finding.severity == Severity::Note && rule.severity > Severity::Note;
    is_unproven && finding.cluster.as_deref().map_or(!broken.is_empty(), |cluster| broken.contains(cluster))
}

/// Drops what a cluster that takes in another one has twice for that reason.
fn drop_repetitions(findings: &mut Findings) {
    const REPETITIONS: [&str; 3] =
        ["kustomization-resource-duplicate", ownership::TWO_OWNERS.id, ownership::DEFINED_TWICE.id];
    let cause = |finding: &&Diagnostic| finding.rule == ownership::CLUSTER_IN_CLUSTER.id;
    let taken: BTreeSet<Option<String>> =
        findings.diagnostics.iter().filter(cause).map(|finding| finding.cluster.clone()).collect();
    findings.diagnostics.retain(|finding| !(REPETITIONS.contains(&finding.rule) && taken.contains(&finding.cluster)));
}

/// Names `cluster` in every finding that `check` adds.
fn in_cluster(cluster: &str, out: &mut Vec<Diagnostic>, check: impl FnOnce(&mut Vec<Diagnostic>)) {
    let first = out.len();
    check(out);
    for finding in &mut out[first..] {
        finding.cluster = Some(cluster.to_owned());
    }
}

/// Takes over what reading and rendering found.
fn rendering(context: &Context<'_>, findings: &mut Findings) {
    findings.diagnostics.extend(context.fleet.diagnostics.iter().cloned());
    for cluster in context.fleet.clusters.iter().filter(|cluster| context.is_reported(&cluster.name)) {
        for build in cluster.builds() {
            // What is wrong with a file whoever builds it is reported once, with the files.
            let own = build.diagnostics.iter().filter(|finding| !files::is_about_a_file(finding));
            findings.diagnostics.extend(own.cloned().map(|finding| finding.in_cluster(&cluster.name)));
        }
        for outside in &cluster.outside {
            let what = format!("{} `{}`", outside.what, outside.reference);
            findings.not_checked(what, "it is not in this repository", Some(outside.span));
        }
        for owner in cluster.kustomizations.values() {
            if matches!(owner.location, Location::Elsewhere) {
                let what = format!("Kustomization {} of cluster `{}`", owner.id, cluster.name);
                findings.not_checked(what, "its source is not this repository", Some(owner.span));
            }
        }
    }
    for cluster in broken_clusters(context).filter(|cluster| context.is_reported(cluster)) {
        let why = "a part of the cluster could not be rendered, see the errors";
        findings.not_checked(format!("what cluster `{cluster}` lacks"), why, None);
    }
    schemas::list_unchecked(context, findings);
}

/// Records what was looked at.
fn count(context: &Context<'_>, findings: &mut Findings) {
    let files = context.repo.files().iter().filter(|(path, _)| path.is_yaml()).count();
    let clusters: Vec<&Cluster> =
        context.fleet.clusters.iter().filter(|cluster| context.is_reported(&cluster.name)).collect();
    findings.checked("files", files);
    findings.checked("clusters", clusters.len());
    findings.checked("Kustomizations", clusters.iter().map(|cluster| cluster.kustomizations.len()).sum());
    findings.checked("objects", clusters.iter().map(|cluster| cluster.objects().count()).sum());
    if clusters.is_empty() && files > 0 {
        findings.not_checked("rendered objects", "no cluster was found; name one with --cluster NAME=DIR", None);
    }
}
