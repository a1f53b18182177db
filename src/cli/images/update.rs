//! `gitops-gen images update`: what image automation would commit.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::console::Console;
use crate::cli::fleet::Rendered;
use crate::cli::images::{Target, lists};
use crate::cli::{CliError, Ended, tree};
use crate::image;
use crate::promote::{self, Lowered, PolicySelection, Run, Scope};
use crate::repo::Repo;
use crate::report;
use crate::text;

/// Preview what image automation would commit for lists of tags, as a unified diff
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory with a list for each image (IMAGE.txt or NAME.txt, one tag a line), or a lock file
    #[arg(long, value_name = "DIR")]
    tags: PathBuf,
    /// Write the files instead of printing the difference
    #[arg(long)]
    write: bool,
    /// How changed files are written
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    mode: Mode,
    /// Only the automations that push to this branch
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object
    #[arg(long, conflicts_with = "write")]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Mode {
    /// As image-automation-controller prints them
    #[default]
    Flux,
    /// Only the values change
    Edit,
}

impl Mode {
    fn library(self) -> image::Mode {
        match self {
            Self::Flux => image::Mode::Flux,
            Self::Edit => image::Mode::Edit,
        }
    }
}

/// Runs every automation over the working tree and shows or writes what changes; the exit code is 1 where a run fails.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let repo = tree::read(&args.target.root)?.repo;
    let (fleet, version) = args.target.wanted.render(&repo, Rendered::Wanted)?;
    let lists = lists::read(&args.tags, &fleet, console)?;
    let selections = promote::selections(&fleet, &lists, version);
    let scope = Scope { mode: args.mode.library(), branch: args.branch.as_deref() };
    let (runs, files) = promote::automate(repo.files(), &fleet, &selections, scope);
    for (name, selection) in &selections {
        say_selection(&name.to_string(), selection, console);
    }
    let failed = runs.iter().filter(|run| say_run(run, scope.mode, console)).count();
    for Lowered { policy, path, old, new } in promote::lowered(&runs, &fleet, version) {
        console.say(&format!("warning: `{path}` is lowered from `{old}` to `{new}` by ImagePolicy `{policy}`"));
    }
    if args.json {
        console.print(&report::runs_json(&runs))?;
    } else if args.write {
        let changed = text::replace_texts(&args.target.root, repo.files(), &files)?;
        console.say(&format!("{changed} {} written", if changed == 1 { "file" } else { "files" }));
    } else {
        console.print(&report::diff(&repo, &Repo::new(files), console.color))?;
    }
    Ok(if failed > 0 { Ended::WithFindings } else { Ended::Clean })
}

fn say_selection(name: &str, selection: &PolicySelection, console: &Console) {
    match &selection.outcome {
        None => console.say(&format!("warning: ImagePolicy `{name}` is not known: {}", selection.unknown)),
        Some(image::Outcome::Failed(error)) => {
            console.say(&format!("warning: ImagePolicy `{name}` selects nothing: {error}"));
        }
        Some(image::Outcome::Random(tags)) => {
            console.say(&format!("warning: ImagePolicy `{name}` selects one of `{}` by chance", tags.join("`, `")));
        }
        Some(image::Outcome::Selected(_)) => {}
    }
}

/// Says what a run passed over; returns whether it fails.
fn say_run(run: &Run, mode: image::Mode, console: &Console) -> bool {
    let name = &run.automation;
    match &run.update {
        Err(error) => {
            console.say(&format!("error: ImageUpdateAutomation `{name}` of cluster `{}` fails: {error}", run.cluster));
            true
        }
        Ok(update) => {
            for (path, reason) in &update.skipped {
                console.say(&format!("warning: ImageUpdateAutomation `{name}` passes over `{path}`: {reason}"));
            }
            for path in &update.repeated {
                let what = match mode {
                    image::Mode::Flux => "the first alone is set",
                    image::Mode::Edit => "each is set, and Flux sets the first alone",
                };
                console.say(&format!("warning: `{path}` has a marker at a key that is written twice: {what}"));
            }
            for (path, refusal) in
                update.files.iter().flat_map(|(path, file)| file.refused.iter().map(move |r| (path, r)))
            {
                console.say(&format!("warning: `{path}` stays: failed to {refusal}"));
            }
            false
        }
    }
}
