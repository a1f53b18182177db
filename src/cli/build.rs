//! `gitops-gen build`: everything that Flux applies to one cluster, rendered.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::slice;

use crate::cli::console::Console;
use crate::cli::fleet::{self, ClusterArg, Names, Rendered};
use crate::cli::tree::{self, Tree};
use crate::cli::{CliError, Ended};
use crate::diagnostic::{Findings, Severity};
use crate::flux::{Cluster, FluxKustomization, FluxVersion, Object};
use crate::repo::Repo;
use crate::report;
use crate::rules::{self, Context};
use crate::yaml;

/// Print what Flux applies to a cluster: built, substituted, in the order of its Kustomizations
///
/// What Flux or the API server would refuse is told on stderr, and so is what cannot be built offline and is left out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the cluster: the last part of its directory; with =DIR, the directory that Flux applies first
    #[arg(value_name = "CLUSTER[=DIR]")]
    cluster: ClusterArg,
    /// Only what this Flux Kustomization applies: `name` or `namespace/name`
    #[arg(long, value_name = "NAME")]
    kustomization: Option<String>,
    /// Before each object, say where it is written and which Kustomization applies it
    #[arg(long)]
    origin: bool,
    /// Root of the repository
    #[arg(long, default_value = ".", value_name = "DIR")]
    root: PathBuf,
    /// Flux release whose behaviour is followed [default: what gitops.yaml says, else 2.9]
    #[arg(long, value_name = "VERSION")]
    flux_version: Option<FluxVersion>,
}

/// Builds the cluster and prints its objects; findings go to stderr.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let Tree { repo, .. } = tree::read(&args.root)?;
    let (fleet, version) = fleet::render(&repo, slice::from_ref(&args.cluster), args.flux_version, Rendered::Wanted)?;
    let Some(cluster) = fleet.clusters.first() else { return Ok(Ended::Clean) };
    if let Some(name) = &args.kustomization
        && !cluster.kustomizations.values().any(|owner| is_called(owner, name))
    {
        let known = cluster.kustomizations.keys().map(ToString::to_string).collect();
        return Err(CliError::UnknownKustomization { name: name.clone(), known: Names(known) });
    }
    let findings = talk(&Context::new(&repo, &fleet, version), cluster, args);
    if !findings.diagnostics.is_empty() || !findings.not_checked.is_empty() {
        console.say(report::text(&findings, &repo, console.talk_color).trim_end());
    }
    console.print(&objects(cluster, args, &repo)?)?;
    let failed = findings.worst() == Some(Severity::Error);
    Ok(if failed { Ended::WithFindings } else { Ended::Clean })
}

fn is_called(owner: &FluxKustomization, wanted: &str) -> bool {
    owner.id.name == wanted || owner.id.to_string() == wanted
}

fn is_wanted(object: &Object<'_>, args: &Args) -> bool {
    let Some(wanted) = &args.kustomization else { return true };
    object.owner.is_some_and(|owner| is_called(owner, wanted))
}

/// Returns what Flux or the API server would refuse of the wanted part, and what of it is left out.
fn talk(context: &Context<'_>, cluster: &Cluster, args: &Args) -> Findings {
    let mut findings = Findings { checked: Vec::new(), not_checked: Vec::new(), ..rules::check(context) };
    findings.diagnostics.retain(|finding| finding.severity == Severity::Error);

    let wanted = |owner: &&FluxKustomization| match &args.kustomization {
        Some(name) => is_called(owner, name),
        None => true,
    };
    let owned = cluster.kustomizations.values().filter(wanted).map(|owner| &owner.build);
    let root = cluster.root.iter().filter(|_| args.kustomization.is_none());
    let mut files = BTreeSet::new();
    for build in root.chain(owned) {
        files.extend(build.files.iter().copied());
        for outside in &build.outside {
            let why = format!("{}: never fetched", outside.what);
            findings.not_checked(outside.reference.as_str(), why, Some(outside.span));
        }
    }
    if args.kustomization.is_some() {
        findings.diagnostics.retain(|finding| finding.span().is_some_and(|span| files.contains(&span.source)));
    }
    findings.sort(context.repo.sources());
    findings
}

/// Returns the wanted objects as documents.
fn objects(cluster: &Cluster, args: &Args, repo: &Repo) -> Result<String, CliError> {
    let mut documents = Vec::new();
    for object in cluster.objects().filter(|object| is_wanted(object, args)) {
        let document = yaml::emit(&object.resource.node)?;
        documents.push(if args.origin { origin(&object, repo) + &document } else { document });
    }
    Ok(documents.join("---\n"))
}

/// Returns a comment that says where `object` comes from.
fn origin(object: &Object<'_>, repo: &Repo) -> String {
    let span = object.resource.origin;
    let place = repo.sources().path(span).zip(repo.sources().start(span));
    let place = place.map_or_else(String::new, |(path, at)| format!("{path}:{}", at.line));
    let owner = object.owner.map_or_else(String::new, |owner| format!(", applied by Kustomization {}", owner.id));
    format!("# {place}{owner}\n")
}
