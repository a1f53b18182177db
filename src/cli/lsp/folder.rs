//! One folder of the editor's workspace, with what is typed into its files and not saved yet.

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::{Diagnostic, TextDocumentContentChangeEvent, Uri};

use crate::cli::CliError;
use crate::cli::lsp::position;
use crate::cli::watch::{Notice, Watcher};
use crate::cli::workspace::{PathEdit, Workspace};
use crate::session::{Session, Settings};
use crate::text::{Content, RepoPath, SourceFile};

/// A file that is open in the editor.
#[derive(Debug)]
pub(super) struct Document {
    /// As the client spells it.
    pub(super) uri: Uri,
    /// The client's count of its changes.
    pub(super) version: i32,
    text: String,
}

/// A folder of the workspace.
pub(super) struct Folder {
    /// Its path as the client spells it, which may lead over symbolic links.
    given: PathBuf,
    workspace: Workspace,
    pub(super) open: BTreeMap<RepoPath, Document>,
    pending: Vec<PathEdit>,
    /// What the client shows of each file.
    pub(super) published: BTreeMap<RepoPath, Vec<Diagnostic>>,
    /// Whether the client was told of the findings at all.
    pub(super) is_published: bool,
    watcher: Option<Watcher>,
}

impl Folder {
    /// Reads and validates the tree at `given`.
    pub(super) fn open(given: PathBuf, exclude: &[String], settings: Settings) -> Result<Self, CliError> {
        let workspace = Workspace::open(&given, exclude, settings)?;
        Ok(Self {
            given,
            workspace,
            open: BTreeMap::new(),
            pending: Vec::new(),
            published: BTreeMap::new(),
            is_published: false,
            watcher: None,
        })
    }

    /// Watches the tree for changes that the client will not tell of.
    pub(super) fn watch(&mut self, send: impl Fn(Vec<PathBuf>) + Clone + Send + 'static) -> Result<(), CliError> {
        let (watcher, _) = Watcher::new(self.workspace.root(), Notice::Events, send)?;
        self.watcher = Some(watcher);
        Ok(())
    }

    /// Returns the session.
    pub(super) fn session(&self) -> &Session {
        self.workspace.session()
    }

    /// Returns the folder as the client spells it.
    pub(super) fn given(&self) -> &Path {
        &self.given
    }

    /// Returns the path in the repository of the absolute `path`; nothing where it is not this folder's.
    pub(super) fn locate(&self, path: &Path) -> Option<RepoPath> {
        let root = self.workspace.root();
        let below = path.strip_prefix(&self.given).or_else(|_| path.strip_prefix(root)).ok()?;
        self.workspace.locate(&root.join(below))
    }

    /// Returns the URI of a file, as the client spells it where the file is open.
    pub(super) fn uri(&self, path: &RepoPath) -> Option<Uri> {
        match self.open.get(path) {
            Some(document) => Some(document.uri.clone()),
            None => position::uri(&self.given.join(path.as_str())),
        }
    }

    /// Returns the file of `path`, as it is typed.
    pub(super) fn file(&self, path: &RepoPath) -> Option<&SourceFile> {
        self.session().repo().files().file(path)
    }

    /// Takes over a file that the editor opens.
    pub(super) fn did_open(&mut self, path: RepoPath, uri: Uri, version: i32, text: String) {
        self.pending.push((path.clone(), Some(Content::Text(Arc::from(text.as_str())))));
        self.open.insert(path, Document { uri, version, text });
    }

    /// Takes over what was typed, in order; a change without a range is the whole text.
    pub(super) fn did_change(&mut self, path: &RepoPath, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let Some(document) = self.open.get_mut(path) else { return };
        document.version = version;
        for change in changes {
            let Some(range) = change.range else {
                document.text = change.text;
                continue;
            };
            let start = position::byte(&document.text, range.start);
            let end = position::byte(&document.text, range.end).max(start);
            document.text.replace_range(start..end, &change.text);
        }
        self.pending.push((path.clone(), Some(Content::Text(Arc::from(document.text.as_str())))));
    }

    /// Goes back to what the disk holds.
    pub(super) fn did_close(&mut self, path: &RepoPath) {
        self.open.remove(path);
        let at = self.workspace.root().join(path.as_str());
        self.pending.extend(self.workspace.on_disk(&at));
    }

    /// Reads again what the disk holds at `path`; what is open is the editor's.
    pub(super) fn disk_changed(&mut self, path: &Path) {
        let Some(located) = self.locate(path) else { return };
        let at = self.workspace.root().join(located.as_str());
        if let Some(watcher) = &mut self.watcher {
            // A directory that is gone again by now has nothing to watch.
            drop(watcher.follow(&at));
        }
        let edits = self.workspace.on_disk(&at);
        self.pending.extend(edits.into_iter().filter(|(path, _)| !self.open.contains_key(path)));
    }

    /// Validates what changed; returns whether there was anything.
    pub(super) fn update(&mut self) -> bool {
        let pending = mem::take(&mut self.pending);
        !pending.is_empty() && !self.workspace.update(pending).is_empty()
    }
}
