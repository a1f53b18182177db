//! The working tree that a command is about.

use std::path::Path;

use crate::cli::CliError;
use crate::diagnostic::NotChecked;
use crate::repo::Repo;
use crate::text::{self, ReadOutcome};

/// A repository as it was read from disk, with what of it was passed over.
pub(super) struct Tree {
    pub(super) repo: Repo,
    pub(super) not_checked: Vec<NotChecked>,
}

/// Reads the repository whose root is `directory`.
pub(super) fn read(directory: &Path) -> Result<Tree, CliError> {
    let ReadOutcome { files, unnamed } = text::read_tree(directory)?;
    let unnamed = unnamed.iter().map(|path| NotChecked {
        why: "the name is not UTF-8 or holds control characters".into(),
        what: path.display().to_string(),
        span: None,
    });
    let links = files.links().iter().map(|(path, target)| NotChecked {
        why: "Flux drops symbolic links from its artifacts".into(),
        what: format!("{path} -> {target}"),
        span: None,
    });
    let not_checked = unnamed.chain(links).collect();
    Ok(Tree { repo: Repo::new(files), not_checked })
}
