//! `gitops-gen add cluster`: one cluster more, in gitops.yaml and everywhere that it has to be.

use std::path::PathBuf;

use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::init::assignment;
use crate::cli::update::{Generated, UpdateError};
use crate::cli::{CliError, Ended};
use crate::generate::ParameterProblem;

/// Add a cluster to a generated repository
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be added.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Add a cluster: its directory, and its entry in gitops.yaml
    Cluster(ClusterArgs),
}

#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// Name of the cluster
    name: String,
    /// The repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Set a field of the cluster, such as `region=lon1`; the others have their defaults
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = assignment)]
    fields: Vec<(String, String)>,
}

/// Adds the cluster.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let What::Cluster(cluster) = &args.what;
    let mut generated = Generated::open(&cluster.directory, None, console)?;
    let clusters = generated.clusters()?;
    if clusters.contains_key(&cluster.name) {
        let problem = ParameterProblem { parameter: at(&cluster.name), reason: "is there already".to_owned() };
        return Err(UpdateError::Parameter(problem).into());
    }
    let entry = generated.blueprint.entry_defaults("clusters", &cluster.name);
    generated.clusters()?.insert(cluster.name.clone(), Value::Object(entry));
    for (field, value) in &cluster.fields {
        let path = format!("{}.{field}", at(&cluster.name));
        let answers = &mut generated.answers;
        generated.blueprint.assign(answers, &path, value).map_err(UpdateError::Parameter)?;
    }
    let plan = generated.plan()?;
    Ok(generated.carry_out(&plan, console)?)
}

/// Returns the parameter of the cluster `name`.
fn at(name: &str) -> String {
    format!("clusters.{name}")
}
