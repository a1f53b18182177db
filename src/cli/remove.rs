//! `gitops-gen remove cluster`: one cluster fewer, after a look at what goes.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use dialoguer::Confirm;

use crate::cli::console::Console;
use crate::cli::init::InitError;
use crate::cli::update::{Generated, UpdateError};
use crate::cli::{CliError, Ended};
use crate::generate::ParameterProblem;

/// Remove a cluster from a generated repository, after showing what goes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be removed.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Remove a cluster: its directory, and its entry in gitops.yaml
    ///
    /// Flux prunes nothing in it: what it reads is gone, so it stops. Delete the cluster itself, or `flux uninstall` there.
    Cluster(ClusterArgs),
}

#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// Name of the cluster
    name: String,
    /// The repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Removes the cluster.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let What::Cluster(cluster) = &args.what;
    let mut generated = Generated::open(&cluster.directory, None, console)?;
    if generated.clusters()?.remove(&cluster.name).is_none() {
        let parameter = format!("clusters.{}", cluster.name);
        return Err(UpdateError::Parameter(ParameterProblem { parameter, reason: "is not there".to_owned() }).into());
    }
    let plan = generated.plan()?;
    if !cluster.yes {
        console.print(&plan.to_string())?;
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            console.say("nothing is removed: --yes does it");
            return Ok(Ended::WithFindings);
        }
        let prompt = format!("Remove cluster {}?", cluster.name);
        let is_wanted = Confirm::new().with_prompt(prompt).default(false).interact().map_err(InitError::Ask)?;
        if !is_wanted {
            return Ok(Ended::Clean);
        }
    }
    Ok(generated.carry_out(&plan, console)?)
}
