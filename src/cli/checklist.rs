//! `gitops-gen checklist`: what has to be there before people rely on a cluster, answered from the repository.

use std::path::PathBuf;

use crate::cli::console::{self, Console};
use crate::cli::fleet::{self, ClusterArgs, Rendered};
use crate::cli::{CliError, Ended, tree};
use crate::report;
use crate::rules::{self, Context, Verdict};

/// Answer the production checklist: what is done and where, what is missing, what no repository can tell
///
/// It is about production: clusters that a name, a directory or a variable tells to be for staging or tests are left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 nothing is missing, 1 something is, 2 could not run.")]
pub(super) struct Args {
    /// Root of the repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    wanted: ClusterArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Renders the clusters, answers and prints.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let repo = tree::read(&args.directory)?.repo;
    let (fleet, version) = args.wanted.render(&repo, Rendered::All)?;
    if fleet.clusters.is_empty() {
        return Err(CliError::NoCluster(args.directory.clone()));
    }
    let context =
        Context::new(&repo, &fleet, version).reporting(fleet::names(&args.wanted.clusters)).on(console::today());
    let findings = rules::check(&context);
    let checklist = rules::checklist(&context, &findings);
    let print = if args.json { report::checklist_json } else { report::checklist_text };
    console.print(&print(&checklist, &repo))?;
    let is_missing = checklist.items.iter().any(|item| item.verdict == Verdict::Missing);
    Ok(if is_missing { Ended::WithFindings } else { Ended::Clean })
}
