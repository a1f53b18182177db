//! A working tree that is read again, file by file, while a session over it goes on.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::Gitignore;

use crate::cli::CliError;
use crate::cli::tree;
use crate::diagnostic::{Findings, NotChecked};
use crate::repo::Changes;
use crate::session::{Session, Settings};
use crate::text::{self, Content, RepoPath};

/// A working tree and the session over it.
pub(super) struct Workspace {
    /// The tree's absolute path, without symbolic links where the system tells.
    root: PathBuf,
    excluded: Gitignore,
    session: Session,
    /// What of the tree was passed over when it was first read.
    not_checked: Vec<NotChecked>,
}

/// The new content of a path, or nothing where its file is gone.
pub(super) type PathEdit = (RepoPath, Option<Content>);

impl Workspace {
    /// Reads and validates the tree at `root` without the files that `patterns` match.
    pub(super) fn open(root: &Path, patterns: &[String], settings: Settings) -> Result<Self, CliError> {
        let tree = tree::read_without(root, patterns)?;
        Ok(Self {
            root: fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()),
            excluded: tree::excluded(patterns)?,
            session: Session::new(tree.repo.into_files(), settings),
            not_checked: tree.not_checked,
        })
    }

    /// Returns the absolute path of the tree.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the session.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Returns what is wrong now, with what was not looked at.
    pub(super) fn findings(&self) -> Findings {
        let mut findings = self.session.findings().clone();
        findings.not_checked.extend(self.not_checked.iter().cloned());
        findings.sort(self.session.repo().sources());
        findings
    }

    /// Validates again what `edits` touch; returns what they changed.
    pub(super) fn update(&mut self, edits: impl IntoIterator<Item = PathEdit>) -> Changes {
        self.session.update(edits)
    }

    /// Returns the path in the repository of the absolute `path`; nothing where it is outside or passed over.
    pub(super) fn locate(&self, path: &Path) -> Option<RepoPath> {
        let located = RepoPath::new(path.strip_prefix(&self.root).ok()?.to_str()?).ok()?;
        let is_excluded = || self.excluded.matched_path_or_any_parents(located.as_str(), path.is_dir()).is_ignore();
        let is_passed_over = located.parts().any(text::is_never_entered) || !located.is_root() && is_excluded();
        (!is_passed_over).then_some(located)
    }

    /// Returns what the disk now holds at and below the absolute `path`, as edits of what the session has there.
    pub(super) fn on_disk(&self, path: &Path) -> Vec<PathEdit> {
        let Some(located) = self.locate(path) else { return Vec::new() };
        let files = self.session.repo().files();
        let mut edits: Vec<PathEdit> = files.below(&located).map(|(path, _)| (path.clone(), None)).collect();
        if !located.is_root() {
            edits.push((located.clone(), text::read_one(&self.root, &located)));
        }
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            let read = text::read_part(&self.root, &located).files;
            let contents =
                read.iter().filter_map(|(path, _)| Some((path.clone(), Some(read.file(path)?.content().clone()))));
            edits.extend(contents.filter(|(path, _)| self.locate(&self.root.join(path.as_str())).is_some()));
        }
        edits
    }
}
