//! A repository: its files, each parsed once, and their documents as Kubernetes objects.
//!
//! Owns the parse cache that every build of a run shares. It knows nothing of kustomize.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::config::{self, Config};
use crate::diagnostic::Diagnostic;
use crate::text::{Content, FileSet, RepoPath, SourceFile, SourceId, Sources};
use crate::yaml::{self, Parsed};

/// The files of a repository and what was parsed of them; shared by all threads of a run.
#[derive(Debug)]
pub struct Repo {
    files: FileSet,
    /// By the id of the file; shared with the revisions in which the file is the same.
    parsed: Vec<Arc<OnceLock<Parsed>>>,
    /// gitops.yaml, and what is wrong in it.
    config: OnceLock<(Config, Vec<Diagnostic>)>,
    /// The files that hold a text, by the text.
    searches: Mutex<Searches>,
    lending: Lending,
}

type Searches = BTreeMap<&'static str, Arc<BTreeSet<SourceId>>>;

/// What becomes of a text that was parsed for a caller who takes parts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lending {
    /// It is kept, for the next one.
    Shared,
    /// It is the caller's: there is no next one.
    GivenAway,
}

/// What differs between two revisions of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files with another content, and files that are gone.
    pub files: BTreeSet<SourceId>,
    /// Files that came, by path, sorted.
    pub added: BTreeSet<RepoPath>,
    /// Files that went, by path, sorted.
    pub removed: BTreeSet<RepoPath>,
}

impl Changes {
    /// Returns whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }
}

impl Repo {
    /// Returns the repository of `files`; nothing is parsed yet.
    pub fn new(files: FileSet) -> Self {
        let parsed = (0..files.sources().len()).map(|_| Arc::default()).collect();
        Self { files, parsed, config: OnceLock::new(), searches: Mutex::default(), lending: Lending::Shared }
    }

    /// Returns the repository of `files` for one build and no other reader: the objects of a file are the build's alone,
    /// so that changing one copies nothing.
    pub fn for_one_build(files: FileSet) -> Self {
        Self { lending: Lending::GivenAway, ..Self::new(files) }
    }

    /// Returns the repository after `edits` (the new content of a path, or nothing where its file is gone), and what
    /// they changed: an edit to what a file holds already is none. What was parsed of the other files is kept.
    pub fn updated(&self, edits: impl IntoIterator<Item = (RepoPath, Option<Content>)>) -> (Self, Changes) {
        let mut changes = Changes::default();
        let mut real = Vec::new();
        // Of several edits to one path the last counts.
        let edits: BTreeMap<_, _> = edits.into_iter().collect();
        for (path, content) in edits {
            let known = self.files.file(&path);
            if known.map(SourceFile::content) == content.as_ref() {
                continue;
            }
            changes.files.extend(self.files.id(&path));
            if known.is_none() {
                changes.added.insert(path.clone());
            } else if content.is_none() {
                changes.removed.insert(path.clone());
            }
            real.push((path, content));
        }
        let files = self.files.updated(real);
        let mut parsed = self.parsed.clone();
        for id in &changes.files {
            parsed[id.index()] = Arc::default();
        }
        parsed.resize_with(files.sources().len(), Arc::default);
        let searches = Mutex::new(self.searches_of(&files, &changes));
        (Self { files, parsed, config: OnceLock::new(), searches, lending: self.lending }, changes)
    }

    /// Returns what was searched for so far, with the answers for `files`, which `changes` made of the files here.
    fn searches_of(&self, files: &FileSet, changes: &Changes) -> Searches {
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let added: Vec<SourceId> = changes.added.iter().filter_map(|path| files.id(path)).collect();
        for (text, found) in &mut searches {
            for id in changes.files.iter().chain(&added) {
                // A file that is gone holds nothing.
                let holds = files.sources().get(*id).is_some_and(|file| file.text().contains(text));
                if holds != found.contains(id) {
                    let found = Arc::make_mut(found);
                    if holds {
                        found.insert(*id)
                    } else {
                        found.remove(id)
                    };
                }
            }
        }
        searches
    }

    /// Returns the files.
    pub fn files(&self) -> &FileSet {
        &self.files
    }

    /// Returns the files, without what was parsed of them.
    pub fn into_files(self) -> FileSet {
        self.files
    }

    /// Returns the table that spans point into.
    pub fn sources(&self) -> &Sources {
        self.files.sources()
    }

    /// Returns a file.
    pub fn source(&self, id: SourceId) -> Option<&SourceFile> {
        self.files.sources().get(id)
    }

    /// Returns the files whose text holds `text`, sorted by path. The texts are searched at the first call; those of a later
    /// revision that did not change are not searched again.
    pub fn holding(&self, text: &'static str) -> Vec<(&RepoPath, SourceId)> {
        let search = || {
            let holds = |id: &SourceId| self.source(*id).is_some_and(|file| file.text().contains(text));
            Arc::new(self.files.iter().map(|(_, id)| id).filter(holds).collect())
        };
        let found = {
            let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(searches.entry(text).or_insert_with(search))
        };
        let mut found: Vec<_> = found.iter().filter_map(|id| Some((self.source(*id)?.path(), *id))).collect();
        found.sort_unstable();
        found
    }

    /// Returns what gitops.yaml says, reading it at the first call.
    pub fn config(&self) -> &Config {
        &self.read_config().0
    }

    /// Returns what is wrong in gitops.yaml.
    pub fn config_findings(&self) -> &[Diagnostic] {
        &self.read_config().1
    }

    fn read_config(&self) -> &(Config, Vec<Diagnostic>) {
        self.config.get_or_init(|| config::read(&self.files))
    }

    /// Returns what `id` holds as YAML, parsing it at the first call; nothing for what is not text.
    pub fn yaml(&self, id: SourceId) -> Option<&Parsed> {
        let text = self.text(id)?;
        Some(self.parsed.get(id.index())?.get_or_init(|| yaml::parse(id, text)))
    }

    /// Returns what [`Repo::yaml`] does, to a caller who takes the objects out of it.
    pub fn yaml_to_take(&self, id: SourceId) -> Option<Cow<'_, Parsed>> {
        match self.lending {
            Lending::Shared => self.yaml(id).map(Cow::Borrowed),
            Lending::GivenAway => self.text(id).map(|text| Cow::Owned(yaml::parse(id, text))),
        }
    }

    fn text(&self, id: SourceId) -> Option<&str> {
        match self.source(id)?.content() {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(repo: &Repo) -> Vec<&str> {
        repo.holding("needle").into_iter().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn a_search_follows_the_files_through_revisions() {
        let path = |text: &str| RepoPath::new(text).unwrap();
        let text = |text: &str| Some(Content::Text(Arc::from(text)));
        let repo = Repo::new(FileSet::from_texts([("a", "needle"), ("b", "hay"), ("c", "a needle")]));
        assert_eq!(holding(&repo), ["a", "c"]);
        let (repo, _) = repo.updated([(path("a"), text("hay")), (path("b"), text("needle")), (path("c"), None)]);
        assert_eq!(holding(&repo), ["b"]);
        let (repo, _) = repo.updated([(path("aa"), text("needle")), (path("c"), text("needle"))]);
        assert_eq!(holding(&repo), ["aa", "b", "c"]);
    }
}
