//! `gitops-gen completions`: what a shell completes after the program's name.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::console::Console;
use crate::cli::{Cli, CliError, Ended};

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script that the shell has to load.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gitops-gen", &mut script);
    console.print(&String::from_utf8_lossy(&script))?;
    Ok(Ended::Clean)
}
