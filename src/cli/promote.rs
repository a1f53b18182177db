//! `gitops-gen promote`: a version of an application, to every place whose policy takes it, in waves.

pub(super) mod destination;

use std::path::{Path, PathBuf};

use crate::cli::console::Console;
use crate::cli::fleet::Rendered;
use crate::cli::images::{Target, lists};
use crate::cli::promote::destination::{Destination, Edited};
use crate::cli::{CliError, Ended};
use crate::flux::Fleet;
use crate::git;
use crate::promote::{self, Plan, TagLists};
use crate::repo::Repo;
use crate::report;

/// Plan the promotion of a version, in waves; --write or --branch edits the values at the markers
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the application's ImageRepository
    #[arg(value_name = "APP")]
    app: String,
    /// The version, which is an image tag [default: the best that a policy selects of the Git tags and the lists; releases before builds]
    #[arg(value_name = "VERSION")]
    release: Option<String>,
    /// Directory with lists of image tags, or a lock file
    #[arg(long, value_name = "DIR")]
    tags: Option<PathBuf>,
    #[command(flatten)]
    destination: Destination,
    /// Make this annotated Git tag at the current commit
    #[arg(long = "tag", value_name = "VERSION")]
    tag: Option<String>,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why nothing was written; each fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub(super) enum RefusedError {
    #[error("write: {0} in the working tree is not committed")]
    Dirty(String),
    #[error("write: HEAD is detached; switch to a branch")]
    Detached,
    #[error("promote `{0}`: Git has no such tag; make it with --tag {0}")]
    TagMissing(String),
    #[error("make the tag `{0}`: it exists")]
    TagExists(String),
    #[error("promote `{version}`: the list of the tags of `{image}` does not have it")]
    NotInRegistry { version: String, image: String },
    #[error("write: the files would have {0} that they do not have now; nothing was written")]
    Errors(String),
}

/// Prints the plan, and makes it so where that is wanted.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let root = &args.target.root;
    let repo = args.destination.read(root)?;
    let (fleet, version) = args.target.wanted.render(&repo, Rendered::Wanted)?;
    let known = known_tags(root, args.tags.as_deref(), &fleet, &args.app, console)?;
    let wanted = args.release.as_deref().or(args.tag.as_deref());
    let plan = promote::plan(&repo, &fleet, version, &args.app, (wanted, &known.all))?;
    if let Some((image, tags)) = &known.listed
        && !tags.contains(&plan.version)
    {
        return Err(RefusedError::NotInRegistry { version: plan.version, image: image.clone() }.into());
    }
    args.destination.check(root)?;
    if args.tag.is_some() {
        destination::check_tree(root)?;
    }
    check_tag(args, &plan, &known.git)?;
    // Who tags is known before anything is written.
    let tagger = args.tag.as_ref().map(|_| git::author_in(root)).transpose()?;
    let after = Repo::new(plan.apply(&repo)?);
    print(&plan, args.json, console)?;
    if args.destination.is_preview() && !args.json {
        console.print(&report::diff(&repo, &after, console.color))?;
    }
    let edited = Edited { repo: &repo, after: &after, version, message: &plan.commit_message() };
    args.destination.put(root, &edited, console)?;
    if let (Some(tag), Some(author)) = (&args.tag, tagger) {
        git::make_tag(root, tag, &format!("{} {tag}\n", args.app), &author)?;
        console.say(&format!("tag {tag} made; push it with `git push origin {tag}`"));
    }
    Ok(Ended::Clean)
}

/// Tags of an application.
pub(super) struct Known {
    /// Those of Git.
    git: Vec<String>,
    /// The image, and the tags of its list where one is given.
    listed: Option<(String, Vec<String>)>,
    /// All of them.
    pub(super) all: Vec<String>,
}

/// Returns the tags of Git and those of the lists for `app`.
pub(super) fn known_tags(
    root: &Path,
    lists: Option<&Path>,
    fleet: &Fleet,
    app: &str,
    console: &Console,
) -> Result<Known, CliError> {
    let git: Vec<String> = git::tags(root).unwrap_or_default().into_iter().map(|tag| tag.name).collect();
    let lists = match lists {
        Some(path) => lists::read(path, fleet, console)?,
        None => TagLists::default(),
    };
    let mut listed = None;
    for automation in fleet.clusters.iter().map(crate::flux::ImageAutomation::of) {
        for repository in automation.repositories.values().filter(|repository| repository.name.name == app) {
            if let Some(tags) = lists.of(repository.image) {
                listed = Some((repository.image.to_owned(), tags.to_vec()));
            }
        }
    }
    let all = git.iter().chain(listed.iter().flat_map(|(_, tags)| tags)).cloned().collect();
    Ok(Known { git, listed, all })
}

fn check_tag(args: &Args, plan: &Plan, git_tags: &[String]) -> Result<(), CliError> {
    if let Some(tag) = &args.tag {
        git::check_tag_name(tag)?;
    }
    if let Some(tag) = args.tag.as_ref().filter(|tag| git_tags.contains(tag)) {
        return Err(RefusedError::TagExists(tag.clone()).into());
    }
    let is_tagged = git_tags.contains(&plan.version) || args.tag.as_ref() == Some(&plan.version);
    // A build of a branch has no tag of its own in Git.
    let is_release = plan.version.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit());
    if !args.destination.is_preview() && is_release && !is_tagged {
        return Err(RefusedError::TagMissing(plan.version.clone()).into());
    }
    Ok(())
}

fn print(plan: &Plan, is_json: bool, console: &Console) -> Result<(), CliError> {
    console.print(&if is_json { report::plan_json(plan) } else { report::plan_text(plan) })?;
    Ok(())
}
