//! `gitops-gen import`: a gitops.yaml for a repository that has none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::console::Console;
use crate::cli::fleet::{ClusterArgs, Rendered};
use crate::cli::{CliError, Ended, tree};
use crate::config;
use crate::flux::Cluster;
use crate::generate::{self, Imported, Lock, Unread};
use crate::repo::Repo;
use crate::rules;
use crate::text::{self, FileSet, RepoPath, WriteError};

/// Write a gitops.yaml for an existing repository, as far as it can be read, and list what could not
///
/// Clusters, environments, branches, the release of Flux, data services, topics and apps are read from what Flux would apply, and from
/// the files of Terraform, sops and CI beside it. Where gitops-gen has generated the repository, its records say what the file was. A
/// gitops.yaml that is there is never overwritten.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Root of the repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    wanted: ClusterArgs,
    /// Print the file, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Reads the repository and writes the file.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let repo = tree::read(&args.directory)?.repo;
    let path = args.directory.join(config::FILE);
    let is_there = RepoPath::new(config::FILE).is_ok_and(|path| repo.files().file(&path).is_some());
    if is_there && !args.dry_run {
        return Err(WriteError::Exists(path).into());
    }
    if let Some(text) = generated_before(&repo) {
        return write(args, &path, &Imported { text, unread: Vec::new() }, &repo, console);
    }
    let (fleet, _) = args.wanted.render(&repo, Rendered::Wanted)?;
    if fleet.clusters.is_empty() {
        return Err(CliError::NoCluster(args.directory.clone()));
    }
    let environment = |cluster: &Cluster| Some((cluster.name.clone(), rules::environment_of(cluster)?));
    let environments: BTreeMap<String, &'static str> = fleet.clusters.iter().filter_map(environment).collect();
    write(args, &path, &generate::import(&repo, &fleet, &environments), &repo, console)
}

/// Returns gitops.yaml as it was generated, where the records of the repository hold it.
fn generated_before(repo: &Repo) -> Option<String> {
    let lock = Lock::read(repo.files()).ok()?;
    let path = RepoPath::new(config::FILE).ok()?;
    generate::generated_before(repo.files(), &lock).ok()?.remove(&path)
}

/// Writes or prints the file, and lists what is not in it.
fn write(args: &Args, path: &Path, imported: &Imported, repo: &Repo, console: &Console) -> Result<Ended, CliError> {
    if args.dry_run {
        console.print(&imported.text)?;
        console.say(list(&imported.unread, repo).trim_end());
        return Ok(Ended::Clean);
    }
    text::write_tree(&args.directory, &FileSet::from_texts([(config::FILE, imported.text.as_str())]))?;
    console.print(&list(&imported.unread, repo))?;
    console.say(&format!("{} written, {} things left to you", path.display(), imported.unread.len()));
    Ok(Ended::Clean)
}

/// Returns what could not be read, a line each, with its place.
fn list(unread: &[Unread], repo: &Repo) -> String {
    let line = |unread: &Unread| {
        let place = unread.span.and_then(|span| {
            let path = repo.sources().path(span)?;
            Some(format!("{path}:{}: ", repo.sources().start(span)?.line))
        });
        format!("not read: {}{}\n", place.unwrap_or_default(), unread.what)
    };
    unread.iter().map(line).collect()
}
