//! The working tree that a command is about.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::cli::CliError;
use crate::diagnostic::NotChecked;
use crate::repo::Repo;
use crate::text::{self, FileSet, ReadOutcome};

/// A repository as it was read from disk, with what of it was passed over.
pub(super) struct Tree {
    pub(super) repo: Repo,
    pub(super) not_checked: Vec<NotChecked>,
}

/// Reads the repository whose root is `directory`.
pub(super) fn read(directory: &Path) -> Result<Tree, CliError> {
    read_without(directory, &[])
}

/// Reads the repository whose root is `directory`, as if the files that `patterns` match (as in a .gitignore) were not
/// there.
pub(super) fn read_without(directory: &Path, patterns: &[String]) -> Result<Tree, CliError> {
    let ReadOutcome { files, unnamed } = text::read_tree(directory)?;
    let mut not_checked = Vec::new();
    let mut note = |what: String, why: &'static str| {
        not_checked.push(NotChecked { why: why.into(), what, span: None });
    };
    for path in unnamed {
        note(path.display().to_string(), "the name is not UTF-8 or holds control characters");
    }
    for (path, target) in files.links() {
        note(format!("{path} -> {target}"), "Flux drops symbolic links from its artifacts");
    }
    if patterns.is_empty() {
        return Ok(Tree { repo: Repo::new(files), not_checked });
    }
    let kept = without(&files, &excluded(patterns)?);
    note(format!("{} files", files.len() - kept.len()), "--exclude");
    Ok(Tree { repo: Repo::new(kept), not_checked })
}

fn excluded(patterns: &[String]) -> Result<Gitignore, CliError> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        builder.add_line(None, pattern)?;
    }
    Ok(builder.build()?)
}

/// Returns the files that `excluded` does not match. They are a table of their own, so that nothing else is parsed.
fn without(files: &FileSet, excluded: &Gitignore) -> FileSet {
    let is_kept = |path: &str| !excluded.matched_path_or_any_parents(path, false).is_ignore();
    let kept = files.iter().filter(|(path, _)| is_kept(path.as_str()));
    let contents = kept.filter_map(|(path, _)| Some((path.clone(), files.file(path)?.content().clone())));
    FileSet::from_contents(contents)
}
