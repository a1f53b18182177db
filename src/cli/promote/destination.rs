//! Where the edits of a promotion or a rollback go: nowhere, into the working tree, or onto a branch.

use std::path::Path;

use crate::cli::console::Console;
use crate::cli::fleet::{self, Rendered};
use crate::cli::promote::RefusedError;
use crate::cli::{CliError, tree};
use crate::diagnostic::Severity;
use crate::flux::FluxVersion;
use crate::git;
use crate::repo::Repo;
use crate::rules::{self, Context};
use crate::text::{self, FileSet, RepoPath};

/// Where edits go; without any of these they are shown.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Destination {
    /// Edit the files of the working tree, after the result was validated in memory
    #[arg(long)]
    write: bool,
    /// Commit the edits on this new branch, which begins at HEAD, after the result was validated in memory; the working
    /// tree stays as it is
    #[arg(long, value_name = "NAME", conflicts_with = "write")]
    branch: Option<String>,
}

impl Destination {
    /// Returns whether edits are only shown.
    pub(in crate::cli) fn is_preview(&self) -> bool {
        !self.write && self.branch.is_none()
    }

    /// Returns the files that are edited: those of HEAD for a branch, else those of the working tree.
    pub(in crate::cli) fn read(&self, root: &Path) -> Result<Repo, CliError> {
        match &self.branch {
            None => Ok(tree::read(root)?.repo),
            Some(_) => Ok(Repo::new(git::read_revision(root, "HEAD")?)),
        }
    }

    /// Refuses what cannot take edits: a working tree that is not as it was committed, a HEAD on no branch, a branch that
    /// exists.
    pub(in crate::cli) fn check(&self, root: &Path) -> Result<(), CliError> {
        if self.write {
            check_tree(root)?;
        }
        if let Some(branch) = &self.branch {
            if git::state(root)?.branch.is_none() {
                return Err(RefusedError::Detached.into());
            }
            git::check_branch(root, branch)?;
        }
        Ok(())
    }

    /// Puts the files of `after` where they are wanted, unless they have errors that those of `repo` do not have.
    pub(in crate::cli) fn put(&self, root: &Path, edited: &Edited<'_>, console: &Console) -> Result<(), CliError> {
        if self.is_preview() {
            return Ok(());
        }
        let (before, after) = (edited.repo.files(), edited.after.files());
        let changed = changed(before, after);
        let Some(branch) = &self.branch else {
            refuse_errors(edited)?;
            let count = text::replace_texts(root, before, after)?;
            console.say(&format!("{} written", counted(count)));
            return Ok(());
        };
        if changed.is_empty() {
            console.say(&format!("nothing changes: branch {branch} was not made"));
            return Ok(());
        }
        refuse_errors(edited)?;
        let author = git::author_in(root)?;
        let count = changed.len();
        let commit = git::commit_on_new_branch(root, branch, changed, edited.message, &author)?;
        console.say(&format!(
            "branch {branch} made at {}, {} changed; push it with `git push origin {branch}`",
            &commit[..commit.len().min(10)],
            counted(count)
        ));
        Ok(())
    }
}

/// Files before and after, and what a commit says of the difference.
pub(in crate::cli) struct Edited<'e> {
    pub(in crate::cli) repo: &'e Repo,
    pub(in crate::cli) after: &'e Repo,
    pub(in crate::cli) version: FluxVersion,
    pub(in crate::cli) message: &'e str,
}

fn counted(files: usize) -> String {
    format!("{files} {}", if files == 1 { "file" } else { "files" })
}

fn changed<'f>(before: &FileSet, after: &'f FileSet) -> Vec<(&'f RepoPath, &'f str)> {
    let texts = after.iter().filter_map(|(path, _)| Some((path, after.text(path)?)));
    texts.filter(|(path, text)| before.text(path) != Some(text)).collect()
}

/// Refuses a working tree that is not as it was committed, or not on a branch.
pub(in crate::cli) fn check_tree(root: &Path) -> Result<(), CliError> {
    let state = git::state(root)?;
    if state.branch.is_none() {
        return Err(RefusedError::Detached.into());
    }
    match state.changed.first() {
        Some(path) => Err(RefusedError::Dirty(format!("`{path}`")).into()),
        None => Ok(()),
    }
}

/// Refuses edits after which the files have errors that they do not have now.
fn refuse_errors(edited: &Edited<'_>) -> Result<(), CliError> {
    let before = errors(edited.repo, edited.version)?;
    let after = errors(edited.after, edited.version)?;
    let new: Vec<String> = after.into_iter().filter(|error| !before.contains(error)).collect();
    let Some(first) = new.first() else { return Ok(()) };
    let more = if new.len() > 1 { format!(" and {} more", new.len() - 1) } else { String::new() };
    Err(RefusedError::Errors(format!("the error \"{first}\"{more}")).into())
}

/// Returns the messages of the errors of a repository.
fn errors(repo: &Repo, version: FluxVersion) -> Result<Vec<String>, CliError> {
    let (fleet, _) = fleet::render(repo, &[], Some(version), Rendered::All)?;
    let findings = rules::check(&Context::new(repo, &fleet, version));
    let errors = findings.diagnostics.into_iter().filter(|finding| finding.severity == Severity::Error);
    Ok(errors.map(|finding| format!("{}: {}", finding.rule, finding.message)).collect())
}
