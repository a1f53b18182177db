//! The files of one build by path, and which paths it asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::text::{FileSet, RepoPath, SourceId};

/// A view of the files of a repository that remembers every path it was asked for, also those that are not there: a
/// build comes out the same for as long as the answers do.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    files: &'a FileSet,
    asked: RefCell<BTreeSet<RepoPath>>,
}

impl<'a> Listing<'a> {
    /// Returns a view of `files` that was asked for nothing yet.
    pub(crate) fn new(files: &'a FileSet) -> Self {
        Self { files, asked: RefCell::default() }
    }

    /// Returns the id of the file at `path`.
    pub(crate) fn id(&self, path: &RepoPath) -> Option<SourceId> {
        self.note(path);
        self.files.id(path)
    }

    /// Returns whether a file stands at `path`.
    pub(crate) fn is_file(&self, path: &RepoPath) -> bool {
        self.note(path);
        self.files.is_file(path)
    }

    /// Returns whether some file is below `path`.
    pub(crate) fn is_dir(&self, path: &RepoPath) -> bool {
        self.note(path);
        self.files.is_dir(path)
    }

    /// Returns every file below the directory `path`, sorted by path.
    pub(crate) fn below(&self, path: &'a RepoPath) -> impl Iterator<Item = (&'a RepoPath, SourceId)> {
        self.note(path);
        self.files.below(path)
    }

    /// Returns every path that was asked for.
    pub(crate) fn into_asked(self) -> BTreeSet<RepoPath> {
        self.asked.into_inner()
    }

    fn note(&self, path: &RepoPath) {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(path) {
            asked.insert(path.clone());
        }
    }
}
