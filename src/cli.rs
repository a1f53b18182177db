//! The command line: one file per subcommand, each its arguments and a `run`.
//!
//! The only floor that prints, reads the environment and decides the exit code. Data goes to stdout, talk to stderr.
//! Exit codes: 0 clean, 1 findings at or above `--fail-on`, 2 the work could not be done. A closed pipe is 0.

mod add;
mod build;
mod checklist;
mod completions;
mod console;
mod entry;
mod explain;
mod fleet;
mod images;
mod import;
mod init;
mod kustomize;
mod lsp;
mod man;
mod problems;
mod promote;
mod remove;
mod rename;
mod rollback;
mod rules;
mod schema;
mod simulate;
mod tree;
mod update;
mod validate;
mod watch;
mod workspace;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::console::{ColorChoice, Console};
use crate::cli::fleet::Names;
use crate::cli::init::InitError;
use crate::cli::update::UpdateError;
use crate::git::GitError;
use crate::promote::{EventsError, PromoteError, RollbackError};
use crate::schema::{ImportError, SchemaLocationError};
use crate::text::{ReadError, WriteError};
use crate::yaml::EmitError;

/// Generates Flux multi-cluster GitOps repositories, and validates any of them offline.
#[derive(Debug, Parser)]
#[command(name = "gitops-gen", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    /// When to colour: `auto` is at a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 the work could not be done.";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Import(import::Args),
    Update(update::Args),
    Add(add::Args),
    Remove(remove::Args),
    Rename(rename::Args),
    Validate(validate::Args),
    Build(build::Args),
    Checklist(checklist::Args),
    Kustomize(kustomize::Args),
    Lsp(lsp::Args),
    Rules(rules::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
    Images(images::Args),
    Promote(promote::Args),
    Rollback(rollback::Args),
    Simulate(simulate::Args),
}

/// How a command ended that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Clean,
    WithFindings,
    /// The client of a server went away without saying that it is done.
    WithoutShutdown,
}

/// Why a command could not do its work; each fits after "failed to".
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Images(#[from] images::ImagesError),
    #[error(transparent)]
    Promote(#[from] PromoteError),
    #[error(transparent)]
    Rollback(#[from] RollbackError),
    #[error(transparent)]
    Events(#[from] EventsError),
    #[error(transparent)]
    Refused(#[from] promote::RefusedError),
    #[error("check `{0}`: it holds no YAML file")]
    NothingToCheck(PathBuf),
    #[error("read the pattern of --exclude")]
    Exclude(#[from] ignore::Error),
    #[error("find `{path}`")]
    Find { path: PathBuf, source: io::Error },
    #[error("build `{path}`: it is outside the repository `{root}`")]
    OutsideRoot { path: PathBuf, root: PathBuf },
    #[error("build `{0}`: it needs what is not in the repository")]
    NotOffline(PathBuf),
    #[error("find cluster `{name}`: the repository has {known}")]
    UnknownCluster { name: String, known: Names },
    #[error("find Kustomization `{name}`: the cluster has {known}")]
    UnknownKustomization { name: String, known: Names },
    #[error("find rule `{id}`: {hint}")]
    UnknownRule { id: String, hint: String },
    #[error(
        "check `{0}`: no cluster was found, so nothing was built; name one with `--cluster NAME=DIR` or under `clusters` of \
         gitops.yaml"
    )]
    NoCluster(PathBuf),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("write the manual into `{path}`")]
    Manual { path: PathBuf, source: io::Error },
    #[error(transparent)]
    SchemaLocation(#[from] SchemaLocationError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("read schemas from `{0}`: nothing is loaded from the network; download them and name the directory")]
    RemoteSchemas(String),
    #[error("read `{0}`: its name is not UTF-8 or holds control characters")]
    UnreadableName(PathBuf),
    #[error("watch `{path}`")]
    Watch { path: PathBuf, source: notify::Error },
    #[error("print an object")]
    Emit(#[from] EmitError),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Update(#[from] UpdateError),
    #[error("write the output")]
    Output(#[from] io::Error),
}

/// Runs the program: reads the arguments of this process and returns its exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let cli = match command(arguments.first()).try_get_matches_from(arguments).and_then(|it| Cli::from_arg_matches(&it))
    {
        Ok(cli) => cli,
        Err(usage) => return print_usage(&usage),
    };
    let console = Console::of_this_process(cli.color);
    let ended = match cli.command {
        Command::Init(args) => init::run(&args, &console),
        Command::Import(args) => import::run(&args, &console),
        Command::Update(args) => update::run(&args, &console),
        Command::Add(args) => add::run(&args, &console),
        Command::Remove(args) => remove::run(&args, &console),
        Command::Rename(args) => rename::run(&args, &console),
        Command::Validate(args) => validate::run(&args, &console),
        Command::Build(args) => build::run(&args, &console),
        Command::Checklist(args) => checklist::run(&args, &console),
        Command::Kustomize(args) => kustomize::run(&args, &console),
        Command::Lsp(args) => lsp::run(&args, &console),
        Command::Rules(args) => rules::run(&args, &console),
        Command::Explain(args) => explain::run(&args, &console),
        Command::Completions(args) => completions::run(&args, &console),
        Command::Man(args) => man::run(&args, &console),
        Command::Schema(args) => schema::run(&args, &console),
        Command::Images(args) => images::run(&args, &console),
        Command::Promote(args) => promote::run(&args, &console),
        Command::Rollback(args) => rollback::run(&args, &console),
        Command::Simulate(args) => simulate::run(&args, &console),
    };
    match ended {
        Ok(Ended::Clean) => ExitCode::SUCCESS,
        Ok(Ended::WithFindings | Ended::WithoutShutdown) => ExitCode::from(1),
        // Whoever closed the pipe has seen enough.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            console.say_error(&error);
            ExitCode::from(2)
        }
    }
}

/// Returns the command line under the name that the program was started by: `flux gitops-gen` for `flux-gitops-gen`, as
/// Flux calls what lies in its directory of plugins.
fn command(program: Option<&OsString>) -> clap::Command {
    let is_plugin = program.and_then(|path| Path::new(path).file_stem()).is_some_and(|name| name == "flux-gitops-gen");
    if is_plugin { Cli::command().bin_name("flux gitops-gen") } else { Cli::command() }
}

/// Prints what clap has to say: help and version on stdout, a mistake on stderr.
fn print_usage(usage: &clap::Error) -> ExitCode {
    let printed = usage.print();
    let code = if usage.use_stderr() { 2 } else { 0 };
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(2),
        _ => ExitCode::from(code),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::Cli;

    #[test]
    fn the_command_line_has_no_contradiction() {
        Cli::command().debug_assert();
    }
}
