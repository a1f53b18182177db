//! Text to documents, equal to what libyaml (and so go-yaml, kustomize and Kubernetes) reads.
//!
//! The scanner is granit-parser; three of its differences from libyaml are corrected here (`repair` and
//! `Builder::scalar`), and a differential test over real repositories keeps it so.

mod build;
mod embed;
mod map;
mod repair;
mod syntax;

use std::ops::Range;

use granit_parser::{ErrorKind, Parser, ScanError};

use crate::diagnostic::{Diagnostic, Severity};
use crate::text::{SourceId, Span};
pub(super) use crate::yaml::parse::build::short_tag;

use crate::yaml::parse::build::Builder;
use crate::yaml::parse::repair::Repaired;
use crate::yaml::{Comment, Node};

/// Rule id of texts that are no YAML.
pub const SYNTAX: &str = "yaml-syntax";
/// Rule id of keys that a mapping has twice.
pub const DUPLICATE_KEY: &str = "yaml-duplicate-key";
/// Rule id of texts that exceed a limit.
pub const LIMIT: &str = "yaml-limit";
/// Rule id of quoted scalars that libyaml accepts against the YAML specification.
pub const QUOTED_INDENT: &str = "yaml-quoted-indent";

/// Bounds on hostile input; each one exceeded is a diagnostic.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nodes of all documents of a text.
    pub nodes: usize,
    /// Nested collections.
    pub depth: usize,
    /// Nodes that aliases add when they are expanded.
    pub alias_nodes: usize,
    /// Bytes of scalars that aliases add when they are expanded.
    pub alias_bytes: usize,
    /// Documents of a text.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 2_000_000, depth: 256, alias_nodes: 1_000_000, alias_bytes: 64 * 1024 * 1024, documents: 10_000 }
    }
}

/// One document that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// What was wrong: rules [`SYNTAX`], [`DUPLICATE_KEY`], [`LIMIT`] and [`QUOTED_INDENT`].
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Returns whether reading stopped at an error: documents after it are missing.
    pub fn is_broken(&self) -> bool {
        self.diagnostics.iter().any(|finding| finding.rule == SYNTAX || finding.rule == LIMIT)
    }
}

/// Translates byte offsets of a text that was read to its file.
#[derive(Debug, Clone)]
pub struct SpanMap {
    source: SourceId,
    /// (first byte in the text, first byte in the file) of each run, ascending; none: every place is `whole`.
    runs: Vec<(usize, usize)>,
    /// The scalar that holds the text, for an embedded one.
    whole: Option<Span>,
}

impl SpanMap {
    /// Returns the map of a text that is the whole of `source`.
    pub fn file(source: SourceId) -> Self {
        Self { source, runs: vec![(0, 0)], whole: None }
    }

    /// Returns the place in the file of `range` in the text.
    pub fn span(&self, range: Range<usize>) -> Span {
        if let (true, Some(whole)) = (self.runs.is_empty(), self.whole) {
            return whole;
        }
        let start = self.byte(range.start);
        // The end belongs to the run of the last byte, so that a scalar does not swallow the next line's indentation.
        let end = if range.end > range.start { self.byte(range.end - 1) + 1 } else { start };
        Span::new(self.source, start..end.max(start))
    }

    fn byte(&self, at: usize) -> usize {
        let next = self.runs.partition_point(|(text, _)| *text <= at);
        let (text, file) = self.runs.get(next.saturating_sub(1)).copied().unwrap_or((0, 0));
        file + at.saturating_sub(text)
    }
}

/// Reads `text`, which is the content of `source`.
pub fn parse(source: SourceId, text: &str) -> Parsed {
    parse_with(source, text, &Limits::default())
}

/// Reads `text` within `limits`.
pub fn parse_with(source: SourceId, text: &str, limits: &Limits) -> Parsed {
    parse_mapped(text, &SpanMap::file(source), limits)
}

/// Reads the text that `scalar` holds (an inline patch), with places in the file that `file_text` is the text of.
///
/// Literal blocks and quoted scalars without escapes give exact places; for others every place is the whole scalar.
pub fn parse_embedded(file_text: &str, scalar: &Node) -> Parsed {
    let Some(content) = scalar.as_scalar() else { return Parsed::default() };
    let map = embed::span_map(file_text, scalar.span, content);
    parse_mapped(&content.text, &map, &Limits::default())
}

fn parse_mapped(text: &str, map: &SpanMap, limits: &Limits) -> Parsed {
    let mut repaired = Repaired::new(text);
    loop {
        match parse_once(&repaired, map, limits) {
            Ok(mut parsed) => {
                for range in repaired.scalars() {
                    parsed.diagnostics.push(quoted_indent(map.span(range.clone())));
                }
                return parsed;
            }
            Err(stopped) => {
                let Stopped { error, mut parsed, after, open } = *stopped;
                let at = error.marker().byte_offset().unwrap_or(0);
                let quoted = matches!(error.kind(), ErrorKind::InvalidQuotedScalarIndent);
                if quoted && repaired.indent_quoted(after, at) {
                    continue;
                }
                let open = if quoted { repaired.unclosed_quote(after, at) } else { open };
                let open = open.map(|open| repaired.original(open));
                parsed.diagnostics.push(syntax::finding(&error, text, repaired.original(at), open, map));
                return parsed;
            }
        }
    }
}

/// Where a reading stopped.
struct Stopped {
    error: ScanError,
    /// What was read before.
    parsed: Parsed,
    /// End of the last token that was read, in the parse buffer.
    after: usize,
    /// First byte of the innermost collection in brackets that is open, in the parse buffer.
    open: Option<usize>,
}

fn parse_once(repaired: &Repaired<'_>, map: &SpanMap, limits: &Limits) -> Result<Parsed, Box<Stopped>> {
    let options = granit_parser::options! {
        // Real files have hundreds of comment lines in a row; they are bounded by the size of the file.
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
    };
    let mut builder = Builder::new(repaired, map, limits);
    let mut after = 0;
    for event in Parser::new_from_str_with_options(repaired.text(), options) {
        match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                after = after.max(range.end);
                if !builder.event(event, range) {
                    break;
                }
            }
            Err(error) => {
                let open = builder.open_bracket();
                return Err(Box::new(Stopped { error, parsed: builder.finish(), after, open }));
            }
        }
    }
    Ok(builder.finish())
}

fn quoted_indent(span: Span) -> Diagnostic {
    Diagnostic::new(QUOTED_INDENT, Severity::Warning, "quoted text continues with less indentation than its key")
        .label(span, "later lines stand too far left")
        .help("indent its later lines below the key")
        .note("Flux reads it, other YAML readers refuse the file")
}

fn limit(span: Span, message: &'static str) -> Diagnostic {
    Diagnostic::new(LIMIT, Severity::Error, message).label(span, "reading stopped here").help("split the file")
}

#[cfg(test)]
mod tests;
