//! `gitops-gen rollback`: back to a version, so that automation does not undo it.

use std::path::PathBuf;

use crate::cli::console::Console;
use crate::cli::fleet::Rendered;
use crate::cli::images::Target;
use crate::cli::promote::destination::{Destination, Edited};
use crate::cli::{CliError, Ended, promote};
use crate::promote::rollback;
use crate::repo::Repo;
use crate::report;

/// Plan a rollback that automation does not undo: the range of the policy is narrowed too
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the application's ImageRepository
    #[arg(value_name = "APP")]
    app: String,
    /// The version, which is an image tag
    #[arg(long, value_name = "VERSION")]
    to: String,
    /// Directory with lists of image tags, or a lock file
    #[arg(long, value_name = "DIR")]
    tags: Option<PathBuf>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the plan and its reasons, and makes it so where that is wanted.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let root = &args.target.root;
    let repo = args.destination.read(root)?;
    let (fleet, version) = args.target.wanted.render(&repo, Rendered::Wanted)?;
    let known = promote::known_tags(root, args.tags.as_deref(), &fleet, &args.app, console)?;
    let done = rollback(&repo, &fleet, version, &args.app, (&args.to, &known.all))?;
    args.destination.check(root)?;
    if args.json {
        console.print(&report::rollback_json(&done))?;
    } else {
        console.say("A plain revert would be undone: the policy still selects the newest version.");
        for reason in &done.reasons {
            console.say(&format!("{reason}."));
        }
        for rollout in &done.plan.rollouts {
            console.say(&format!("note: {}", report::rollout_text(rollout)));
        }
    }
    let message = done.commit_message();
    let after = Repo::new(done.files);
    if args.destination.is_preview() && !args.json {
        console.print(&report::diff(&repo, &after, console.color))?;
    }
    let edited = Edited { repo: &repo, after: &after, version, message: &message };
    args.destination.put(root, &edited, console)?;
    Ok(Ended::Clean)
}
