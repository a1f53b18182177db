//! The working tree that a command is about.

use std::path::Path;

use crate::cli::CliError;
use crate::diagnostic::Findings;
use crate::repo::Repo;
use crate::text::{self, Content, ReadOutcome};

/// A repository as it was read from disk, with what of it could not be read.
pub(super) struct Tree {
    pub(super) repo: Repo,
    pub(super) findings: Findings,
}

/// Reads the repository whose root is `directory`.
pub(super) fn read(directory: &Path) -> Result<Tree, CliError> {
    let ReadOutcome { files, unnamed } = text::read_tree(directory)?;
    let mut findings = Findings::default();
    for path in unnamed {
        findings.not_checked(path.display().to_string(), "the path is not plain UTF-8", None);
    }
    for (path, _) in files.iter().filter(|(path, _)| path.is_yaml()) {
        let why = match files.file(path).map(text::SourceFile::content) {
            Some(Content::Binary(_)) => "the file is not UTF-8 text".to_owned(),
            Some(Content::TooLarge(_)) => format!("the file is larger than {} MiB", text::MAX_FILE_BYTES / 1024 / 1024),
            Some(Content::Unreadable(reason)) => format!("the file cannot be read: {reason}"),
            Some(Content::Text(_)) | None => continue,
        };
        findings.not_checked(path.to_string(), why, None);
    }
    for (path, target) in files.links() {
        findings.not_checked(format!("{path} -> {target}"), "Flux drops symbolic links from its artifacts", None);
    }
    Ok(Tree { repo: Repo::new(files), findings })
}
