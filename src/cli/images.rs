//! `gitops-gen images`: the image policies of a repository, what they select, and what automation would write.

mod explain;
pub(super) mod lists;
mod table;
mod tags;
mod update;

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::console::Console;
use crate::cli::fleet::ClusterArgs;
use crate::cli::{CliError, Ended};
use crate::image::{PolicyError, TagProblem, TagsError};

/// List image policies with their markers; explain and preview what image automation does
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Which clusters are looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// Root of the repository
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(super) root: PathBuf,
    #[command(flatten)]
    pub(super) wanted: ClusterArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(explain::Args),
    Update(update::Args),
    Tags(tags::Args),
}

/// Why a command on images could not do its work; each fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub(super) enum ImagesError {
    #[error("read `{path}`")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("read `{path}`: {what}")]
    NoText { path: PathBuf, what: &'static str },
    #[error("read `{0}`: it is a directory, and one list is wanted")]
    Directory(PathBuf),
    #[error("find a list of tags in `{0}`: no file there is named after an ImageRepository, as in `NAME.txt`")]
    NoLists(PathBuf),
    #[error("find ImagePolicy `{name}`: the fleet has {known}")]
    UnknownPolicy { name: String, known: super::fleet::Names },
    #[error("find ImagePolicy `{name}`: there are several; write one of {known}")]
    SeveralPolicies { name: String, known: super::fleet::Names },
    #[error("explain ImagePolicy `{name}`")]
    Policy { name: String, source: PolicyError },
    #[error("use the tags of `{path}`")]
    Tags { path: PathBuf, source: TagProblem },
    #[error("use the tags of `{path}`")]
    Client { path: PathBuf, source: TagsError },
    #[error("use the tags of `{path}`: {reason}")]
    Lock { path: PathBuf, reason: String },
}

/// Runs the subcommand, or prints the table of policies.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    match &args.command {
        None => table::run(&args.target, args.json, console),
        Some(Command::Explain(args)) => explain::run(args, console),
        Some(Command::Update(args)) => update::run(args, console),
        Some(Command::Tags(args)) => tags::run(args, console),
    }
}
