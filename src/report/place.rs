//! Places as other programs are told them.

use crate::repo::Repo;
use crate::text::{LineColumn, RepoPath, Span};

/// A place: a path, and two positions in that file, the second exclusive.
pub(super) struct Place {
    /// Path from what the reader of the report calls the root.
    pub(super) path: RepoPath,
    /// Where it begins.
    pub(super) start: LineColumn,
    /// One past where it ends.
    pub(super) end: LineColumn,
}

impl Place {
    /// Returns the place of `span`; the root of `repo` is the directory `base` to the reader.
    pub(super) fn new(span: Span, repo: &Repo, base: &RepoPath) -> Option<Self> {
        let file = repo.source(span.source)?;
        let path = base.join(file.path().as_str()).ok()?;
        Some(Self { path, start: file.line_column(span.start as usize), end: file.line_column(span.end as usize) })
    }
}
