//! `gitops-gen man`: the manual, a page for each command.

use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::cli::console::Console;
use crate::cli::{Cli, CliError, Ended};

/// Write the manual pages into a directory
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory that is there, such as ~/.local/share/man/man1
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Writes `gitops-gen.1` and a page for each command.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .map_err(|source| CliError::Manual { path: args.directory.clone(), source })?;
    console.say(&format!("the manual is in {}", args.directory.display()));
    Ok(Ended::Clean)
}
