//! How much a rule matters, everywhere and below some paths.

use crate::diagnostic::Severity;
use crate::text::{RepoPath, Span, Spanned};

/// How much a rule matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Not at all.
    Off,
    /// Its findings get this severity; those that cannot be proven stay milder.
    At(Severity),
}

/// What is said of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// Where the rule is named.
    pub span: Span,
    /// Its level where no path says otherwise; its own where nothing is said.
    pub everywhere: Option<Level>,
    /// Its level in a file, or in a directory with everything below it.
    pub paths: Vec<(Spanned<RepoPath>, Level)>,
}

impl Levels {
    /// Returns the level of findings in `path`: that of the longest path that holds it, else that of everywhere.
    pub fn at(&self, path: Option<&RepoPath>) -> Option<Level> {
        let holds =
            |wanted: &RepoPath| path.is_some_and(|path| path == wanted || path.is_below(wanted) || wanted.is_root());
        let holding = self.paths.iter().filter(|(wanted, _)| holds(&wanted.value));
        let nearest = holding.max_by_key(|(wanted, _)| wanted.value.as_str().len());
        nearest.map(|(_, level)| *level).or(self.everywhere)
    }
}
