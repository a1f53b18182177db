//! Files and places: what every other floor points at.
//!
//! Owns paths inside a repository, the text of its files and byte spans in them, and is the only module that reads
//! or writes a working tree. It knows nothing of YAML.
//!
//! ```
//! use gitops_gen::text::{FileSet, RepoPath};
//!
//! let files = FileSet::from_texts([("apps/web.yaml", "kind: Service\n")]);
//! let path = RepoPath::new("apps/web.yaml").expect("a path inside the repository");
//! assert_eq!(files.text(&path), Some("kind: Service\n"));
//! ```

mod journal;
mod line;
mod path;
mod read;
mod splice;
mod write;

pub use crate::text::journal::{Recovered, change_tree, create_tree, recover};
pub use crate::text::line::{line_end, line_start};
pub use crate::text::path::{PathError, RepoPath};
pub use crate::text::read::{
    ReadError, ReadOutcome, directories, is_never_entered, read_file, read_one, read_part, read_tree,
};
pub use crate::text::splice::spliced;
pub use crate::text::write::{WriteError, Written, replace_texts, write_file, write_tree};

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Largest file that is read as text, in bytes; larger ones are recorded with their size alone.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Identifies a file of a [`Sources`] table; copies are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// Returns the position in the table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A place: a byte range (end exclusive) of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Returns the span of `range` in `source`.
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        let clamp = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Self { source, start: clamp(range.start), end: clamp(range.end) }
    }

    /// Returns the bytes as a range for slicing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns the smallest span that holds both; `other` must be of the same file, else `self` is returned.
    pub fn to(self, other: Self) -> Self {
        if self.source != other.source {
            return self;
        }
        Self { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Returns the empty span where this one begins.
    pub fn start_point(self) -> Self {
        Self { end: self.start, ..self }
    }
}

/// A value together with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Returns `value` at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// What a file of the repository holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// UTF-8 text.
    Text(Arc<str>),
    /// Bytes that are not UTF-8 (kustomize generators may take them).
    Binary(Arc<[u8]>),
    /// Larger than [`MAX_FILE_BYTES`]; the size in bytes.
    TooLarge(u64),
    /// Present, but it cannot be read; the operating system's reason.
    Unreadable(Arc<str>),
}

/// A position for people: both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in Unicode scalar values.
    pub column: usize,
}

/// One file: its path in the repository and its content.
#[derive(Debug)]
pub struct SourceFile {
    path: RepoPath,
    content: Content,
    line_starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    fn new(path: RepoPath, content: Content) -> Self {
        Self { path, content, line_starts: OnceLock::new() }
    }

    /// Returns the path that the file has in the repository (not in an artifact made of it).
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Returns the content.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Returns the text, empty for what is not text.
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Text(text) => text,
            _ => "",
        }
    }

    /// Returns the line and column of `byte`; past the end it is the end.
    pub fn line_column(&self, byte: usize) -> LineColumn {
        let text = self.text();
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let starts = self.line_starts.get_or_init(|| line_starts(text));
        let line = starts.partition_point(|start| *start as usize <= byte);
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(0) as usize;
        LineColumn { line: line.max(1), column: text.get(start..byte).map_or(0, |before| before.chars().count()) + 1 }
    }
}

fn line_starts(text: &str) -> Vec<u32> {
    let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(newlines.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))).collect()
}

/// Every file that spans may point into: append-only while a repository is read, then shared.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Arc<Vec<Arc<SourceFile>>>,
}

impl Sources {
    /// Returns the file of `id`. An id of another table gives `None`, or another file.
    pub fn get(&self, id: SourceId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize).map(Arc::as_ref)
    }

    /// Returns the number of files, also of those that a later revision has no more: every id is below it.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the repository path of the file that `span` is in.
    pub fn path(&self, span: Span) -> Option<&RepoPath> {
        self.get(span.source).map(SourceFile::path)
    }

    /// Returns the bytes of `span`, or nothing where it is not on character boundaries of a text.
    pub fn slice(&self, span: Span) -> Option<&str> {
        self.get(span.source)?.text().get(span.range())
    }

    /// Returns line and column of the first byte of `span`.
    pub fn start(&self, span: Span) -> Option<LineColumn> {
        Some(self.get(span.source)?.line_column(span.start as usize))
    }
}

/// A tree of files: a working tree, a Git revision, a blueprint's output or a Flux artifact made of one of them.
///
/// Sorted by path. A view made with [`FileSet::view`] has other paths over the same [`Sources`], so that a span
/// taken in an artifact still points at the repository's file.
#[derive(Debug, Clone, Default)]
pub struct FileSet {
    sources: Sources,
    /// Shared by the revisions of a tree that have the same files, whatever these hold.
    paths: Arc<BTreeMap<RepoPath, SourceId>>,
    /// Symbolic links, which are never followed: Flux drops them from artifacts.
    links: BTreeMap<RepoPath, String>,
}

impl FileSet {
    /// Returns a set of text files; later texts replace earlier ones of the same path.
    ///
    /// # Panics
    /// On a path that leaves the repository: it is for tests and for our own tables.
    pub fn from_texts<P: AsRef<str>, T: Into<String>>(texts: impl IntoIterator<Item = (P, T)>) -> Self {
        Self::from_contents(texts.into_iter().map(|(path, text)| {
            let path = RepoPath::new(path.as_ref()).expect("paths of from_texts stay inside the repository");
            (path, Content::Text(Arc::from(text.into())))
        }))
    }

    /// Returns a set of files with the given contents.
    pub fn from_contents(contents: impl IntoIterator<Item = (RepoPath, Content)>) -> Self {
        let mut files = Vec::new();
        let mut paths = BTreeMap::new();
        for (path, content) in contents {
            let id = SourceId(u32::try_from(files.len()).unwrap_or(u32::MAX));
            paths.insert(path.clone(), id);
            files.push(Arc::new(SourceFile::new(path, content)));
        }
        Self { sources: Sources { files: Arc::new(files) }, paths: Arc::new(paths), links: BTreeMap::new() }
    }

    /// Returns the set after `edits`: the new content of a path, or nothing where its file is gone. A file that stays
    /// keeps its id, also with another content, so that places in unchanged files still hold.
    pub fn updated(&self, edits: impl IntoIterator<Item = (RepoPath, Option<Content>)>) -> Self {
        let mut files = Vec::clone(&self.sources.files);
        let mut paths = Arc::clone(&self.paths);
        for (path, content) in edits {
            match (paths.get(&path).copied(), content) {
                (Some(id), Some(content)) => files[id.index()] = Arc::new(SourceFile::new(path, content)),
                (Some(id), None) => {
                    Arc::make_mut(&mut paths).remove(&path);
                    files[id.index()] = Arc::new(SourceFile::new(path, Content::Text(Arc::from(""))));
                }
                (None, Some(content)) => {
                    let id = SourceId(u32::try_from(files.len()).unwrap_or(u32::MAX));
                    Arc::make_mut(&mut paths).insert(path.clone(), id);
                    files.push(Arc::new(SourceFile::new(path, content)));
                }
                (None, None) => {}
            }
        }
        Self { sources: Sources { files: Arc::new(files) }, paths, links: self.links.clone() }
    }

    /// Records symbolic links and where they point.
    pub fn with_links(mut self, links: BTreeMap<RepoPath, String>) -> Self {
        self.links = links;
        self
    }

    /// Returns the same files, those of `texts` with another text. It is a table of its own: spans of this one do not
    /// point into it.
    pub fn with_texts(&self, mut texts: BTreeMap<RepoPath, String>) -> Self {
        let contents = self.iter().filter_map(|(path, id)| {
            let content = match texts.remove(path) {
                Some(text) => Content::Text(Arc::from(text)),
                None => self.sources.get(id)?.content().clone(),
            };
            Some((path.clone(), content))
        });
        Self::from_contents(contents).with_links(self.links.clone())
    }

    /// Returns the same files under other paths: what a Flux artifact holds of a repository.
    pub fn view(&self, paths: impl IntoIterator<Item = (RepoPath, SourceId)>) -> Self {
        Self { sources: self.sources.clone(), paths: Arc::new(paths.into_iter().collect()), links: BTreeMap::new() }
    }

    /// Returns the same paths over the files of `sources`, a later revision of this set's own.
    pub fn over(&self, sources: &Sources) -> Self {
        Self { sources: sources.clone(), paths: Arc::clone(&self.paths), links: BTreeMap::new() }
    }

    /// Returns the set after `edits` of its paths: the file of a path, or nothing where there is none any more.
    pub fn with_paths(&self, edits: impl IntoIterator<Item = (RepoPath, Option<SourceId>)>) -> Self {
        let mut paths = Arc::clone(&self.paths);
        for (path, id) in edits {
            match id {
                Some(id) => drop(Arc::make_mut(&mut paths).insert(path, id)),
                None => drop(Arc::make_mut(&mut paths).remove(&path)),
            }
        }
        Self { sources: self.sources.clone(), paths, links: BTreeMap::new() }
    }

    /// Returns whether both list the same files because one was made of the other; equal lists that were made twice are
    /// not noticed.
    pub fn shares_paths(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.paths, &other.paths)
    }

    /// Returns the paths that only one of the two has, or that are different files in them, sorted.
    pub fn changed_paths(&self, other: &Self) -> Vec<RepoPath> {
        if self.shares_paths(other) {
            return Vec::new();
        }
        let (mut left, mut right) = (self.paths.iter().peekable(), other.paths.iter().peekable());
        let mut changed = Vec::new();
        while let Some(order) = order_of_next(left.peek(), right.peek()) {
            let one = left.next_if(|_| order != Ordering::Greater);
            let two = right.next_if(|_| order != Ordering::Less);
            if one != two {
                changed.extend(one.or(two).map(|(path, _)| path.clone()));
            }
        }
        changed
    }

    /// Returns the table that spans of this set point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the symbolic links (not followed) with their targets, sorted by path.
    pub fn links(&self) -> &BTreeMap<RepoPath, String> {
        &self.links
    }

    /// Returns the number of files.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Returns whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Returns every file, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&RepoPath, SourceId)> {
        self.paths.iter().map(|(path, id)| (path, *id))
    }

    /// Returns the id of the file at `path`.
    pub fn id(&self, path: &RepoPath) -> Option<SourceId> {
        self.paths.get(path).copied()
    }

    /// Returns the file at `path`.
    pub fn file(&self, path: &RepoPath) -> Option<&SourceFile> {
        self.sources.get(self.id(path)?)
    }

    /// Returns the text of the file at `path`, where it is text.
    pub fn text(&self, path: &RepoPath) -> Option<&str> {
        match self.file(path)?.content() {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether a file stands at `path`.
    pub fn is_file(&self, path: &RepoPath) -> bool {
        self.paths.contains_key(path)
    }

    /// Returns whether some file is below `path`; the root is a directory always.
    pub fn is_dir(&self, path: &RepoPath) -> bool {
        path.is_root() || self.below(path).next().is_some()
    }

    /// Returns every file below the directory `path`, at any depth, sorted by path.
    pub fn below<'a>(&'a self, path: &'a RepoPath) -> impl Iterator<Item = (&'a RepoPath, SourceId)> + 'a {
        // `/` sorts after `-` and `.`, so the files of a directory are not one range from the directory's own name.
        let first = if path.is_root() { String::new() } else { format!("{path}/") };
        self.paths
            .range::<str, _>((std::ops::Bound::Included(first.as_str()), std::ops::Bound::Unbounded))
            .take_while(move |(candidate, _)| candidate.is_below(path))
            .map(|(candidate, id)| (candidate, *id))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// Returns which of two entries comes first by its path, where one of them is there.
fn order_of_next<T>(left: Option<&(&RepoPath, T)>, right: Option<&(&RepoPath, T)>) -> Option<Ordering> {
    match (left, right) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some((left, _)), Some((right, _))) => Some(left.cmp(right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_column_count_characters_from_one() {
        let files = FileSet::from_texts([("a", "x\néß: y\n")]);
        let (_, id) = files.iter().next().unwrap();
        let file = files.sources().get(id).unwrap();
        assert_eq!(file.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(file.line_column(6), LineColumn { line: 2, column: 3 });
        assert_eq!(file.line_column(999), LineColumn { line: 3, column: 1 });
    }

    #[test]
    fn a_file_that_stays_keeps_its_id_when_others_come_and_go() {
        let path = |text: &str| RepoPath::new(text).unwrap();
        let text = |text: &str| Some(Content::Text(Arc::from(text)));
        let old = FileSet::from_texts([("a", "1"), ("b", "2"), ("c", "3")]);
        let edited = old.updated([(path("b"), text("22"))]);
        assert!(edited.shares_paths(&old));
        assert_eq!((edited.text(&path("b")), old.text(&path("b"))), (Some("22"), Some("2")));
        let new = edited.updated([(path("a"), None), (path("d"), text("4"))]);
        assert_eq!(new.id(&path("c")), old.id(&path("c")));
        assert_eq!(new.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["b", "c", "d"]);
        assert_eq!(new.changed_paths(&old), [path("a"), path("d")]);
    }

    #[test]
    fn below_lists_a_directory_and_not_its_namesakes() {
        let files = FileSet::from_texts([("a/b/x", ""), ("a/b-c/y", ""), ("a/b", ""), ("a/b.d", "")]);
        let directory = RepoPath::new("a/b").unwrap();
        let below: Vec<_> = files.below(&directory).map(|(path, _)| path.to_string()).collect();
        assert_eq!(below, ["a/b/x"]);
    }
}
