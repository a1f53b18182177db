//! Text to documents.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::text::{SourceId, Span};
use crate::yaml::{Comment, Node};

/// Bounds on hostile input; each one exceeded is a diagnostic.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nodes of all documents of a text.
    pub nodes: usize,
    /// Nested collections.
    pub depth: usize,
    /// Nodes that aliases add when they are expanded.
    pub alias_nodes: usize,
    /// Documents of a text.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 2_000_000, depth: 256, alias_nodes: 1_000_000, documents: 10_000 }
    }
}

/// One document that is not empty.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its root.
    pub root: Node,
    /// From its first to its last byte, without markers and comments.
    pub span: Span,
}

/// A text as it was read: the documents before the first error, and what was wrong.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Documents that are not empty, in order. Aliases and merge keys are expanded.
    pub documents: Vec<Document>,
    /// Every comment, in order.
    pub comments: Vec<Comment>,
    /// What was wrong: syntax errors (rule `yaml-syntax`), repeated keys (`yaml-duplicate-key`), limits (`yaml-limit`).
    pub diagnostics: Vec<Diagnostic>,
}

/// Translates byte offsets of an embedded text (a block scalar's content) to its file.
#[derive(Debug, Clone)]
pub struct SpanMap {
    /// (first byte in the embedded text, first byte in the file), ascending; empty: every place is `whole`.
    pub lines: Vec<(usize, usize)>,
    /// The scalar that holds the text.
    pub whole: Span,
}

impl SpanMap {
    /// Returns the place in the file of `range` in the embedded text.
    pub fn span(&self, _range: Range<usize>) -> Span {
        self.whole
    }
}

/// Reads `text`, which is the content of `source`.
pub fn parse(source: SourceId, text: &str) -> Parsed {
    parse_with(source, text, &Limits::default())
}

/// Reads `text` within `limits`.
pub fn parse_with(_source: SourceId, _text: &str, _limits: &Limits) -> Parsed {
    Parsed::default()
}

/// Reads the text that `scalar` holds (an inline patch), with places in the file that `file_text` is the text of.
pub fn parse_embedded(_file_text: &str, _scalar: &Node) -> Parsed {
    Parsed::default()
}
