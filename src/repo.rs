//! A repository: its files, each parsed once, and their documents as Kubernetes objects.
//!
//! Owns the parse cache that every build of a run shares. It knows nothing of kustomize.

use std::sync::OnceLock;

use crate::text::{Content, FileSet, SourceFile, SourceId, Sources};
use crate::yaml::{self, Parsed};

/// The files of a repository and what was parsed of them; shared by all threads of a run.
#[derive(Debug)]
pub struct Repo {
    files: FileSet,
    parsed: Vec<OnceLock<Parsed>>,
}

impl Repo {
    /// Returns the repository of `files`; nothing is parsed yet.
    pub fn new(files: FileSet) -> Self {
        let parsed = files.iter().map(|_| OnceLock::new()).collect();
        Self { files, parsed }
    }

    /// Returns the files.
    pub fn files(&self) -> &FileSet {
        &self.files
    }

    /// Returns the table that spans point into.
    pub fn sources(&self) -> &Sources {
        self.files.sources()
    }

    /// Returns a file.
    pub fn source(&self, id: SourceId) -> Option<&SourceFile> {
        self.files.sources().get(id)
    }

    /// Returns what `id` holds as YAML, parsing it at the first call; nothing for what is not text.
    pub fn yaml(&self, id: SourceId) -> Option<&Parsed> {
        let file = self.source(id)?;
        let Content::Text(text) = file.content() else { return None };
        Some(self.parsed.get(id.index())?.get_or_init(|| yaml::parse(id, text)))
    }
}
