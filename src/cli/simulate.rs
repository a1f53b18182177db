//! `gitops-gen simulate`: pushes and tags played against the policies.

use std::path::PathBuf;

use crate::cli::console::Console;
use crate::cli::fleet::Rendered;
use crate::cli::images::{Target, lists};
use crate::cli::{CliError, Ended, tree};
use crate::flux::Options;
use crate::promote::{Simulation, read_events};
use crate::report;

/// Play builds, releases and rollbacks against the policies, and print what each cluster runs after each
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// YAML with the list `events`: {build: TAG}, {release: TAG}, each with or without app: NAME; {rollback: APP, to: TAG}
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the timeline.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let repo = tree::read(&args.target.root)?.repo;
    let (fleet, version) = args.target.wanted.render(&repo, Rendered::Wanted)?;
    let events = read_events(&lists::read_text(&args.events)?)?;
    let options = Options { version, ..Options::default() }.configured(Some(version), repo.config(), repo.files());
    let mut simulation = Simulation::new(&repo, &fleet, &options);
    let mut moments = Vec::with_capacity(events.len());
    for event in &events {
        moments.push(simulation.play(event)?);
    }
    console.print(&if args.json { report::timeline_json(&moments) } else { report::timeline_text(&moments) })?;
    Ok(Ended::Clean)
}
