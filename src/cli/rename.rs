//! `gitops-gen rename`: another name for a cluster, with its directory and what a person changed in it.

use std::path::PathBuf;

use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::entry::{self, Kind};
use crate::cli::update::Generated;
use crate::cli::{CliError, Ended};

/// Rename a cluster of a generated repository, after showing what moves
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be renamed.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Rename a cluster: its directory with what you changed there, and its entry in gitops.yaml
    ///
    /// The cluster reads `clusters/OLD` until it is told otherwise: run `flux bootstrap` with the new path right after the change
    /// is pushed. Until then its Kustomization `flux-system` fails and nothing is pruned.
    Cluster(Cluster),
}

#[derive(Debug, clap::Args)]
struct Cluster {
    /// Name that it has
    old: String,
    /// Name that it gets
    new: String,
    /// The repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Renames the cluster.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let What::Cluster(cluster) = &args.what;
    let (old, new) = (&cluster.old, &cluster.new);
    let mut generated = Generated::open(&cluster.directory, None, console)?;
    let clusters = Kind::Cluster.entries(&mut generated)?;
    if clusters.contains_key(new) {
        return Err(Kind::Cluster.problem(new, "is there already").into());
    }
    let Some(entry) = clusters.remove(old) else { return Err(Kind::Cluster.problem(old, "is not there").into()) };
    clusters.insert(new.clone(), entry);
    if let Some(Value::String(elected)) = generated.answers.get_mut("imageAutomationCluster")
        && elected == old
    {
        elected.clone_from(new);
    }
    generated.rename_cluster(old, new);
    let plan = generated.plan()?;
    let prompt = format!("Rename cluster {old} to {new}?");
    entry::confirm(&generated, &plan, (!cluster.yes).then_some(prompt.as_str()), console)
}
