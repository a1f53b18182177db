//! One of the three texts of a merge, and the lines of what stands in it.

use std::ops::Range;

use crate::image::{self, Marking};
use crate::text::{SourceId, Span, line_end, line_start};
use crate::yaml::{self, Comment, Entry, Kind, Node, Parsed};

/// A text with what was read from it.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) text: &'a str,
    pub(super) parsed: Parsed,
}

/// The lines of a mapping's entry or of a list's item, as byte ranges of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    /// From the comments that stand directly above it.
    pub(super) above: usize,
    /// From its key or dash, which is not always where its line begins.
    pub(super) start: usize,
    /// To the end of its last line, the line break included.
    pub(super) end: usize,
    /// Characters before the key or dash in its line.
    pub(super) column: usize,
    /// Whether nothing but spaces stands before it in its line.
    pub(super) begins_line: bool,
}

impl<'a> Side<'a> {
    /// Reads `text`, which is called `source`.
    pub(super) fn new(source: SourceId, text: &'a str) -> Self {
        Self { text, parsed: yaml::parse(source, text) }
    }

    /// Returns the bytes of `node` as they are written.
    pub(super) fn token(&self, node: &Node) -> &'a str {
        self.text.get(node.span.range()).unwrap_or_default()
    }

    /// Returns the lines of `entry`; nothing where they hold something else too, as in a flow collection.
    pub(super) fn entry(&self, entry: &Entry) -> Option<Region> {
        let after_key = entry.key.span().range().end;
        let end = content_end(&entry.value, self.text).filter(|end| *end > after_key);
        // An alias has its value elsewhere, and a value that was merged in has no lines of its own.
        let is_here = entry.value.span.start as usize >= after_key;
        if !is_here && end.is_some() {
            return None;
        }
        let end = end.unwrap_or_else(|| after_key + self.text[after_key..].find(':').map_or(0, |colon| colon + 1));
        self.region(entry.key.span().range().start, end)
    }

    /// Returns the lines of `item`, a list's, from its dash; nothing where they hold something else too.
    pub(super) fn item(&self, item: &Node) -> Option<Region> {
        let start = item.span.range().start;
        let before = &self.text[line_start(self.text, start)..start];
        let dash = before.trim_end().strip_suffix('-').map(str::len)?;
        self.region(line_start(self.text, start) + dash, content_end(item, self.text)?)
    }

    /// Returns the lines from `start` to `end`.
    fn region(&self, start: usize, end: usize) -> Option<Region> {
        let line = line_start(self.text, start);
        let before = self.text.get(line..start)?;
        if !before.chars().all(|character| matches!(character, ' ' | '-')) {
            return None;
        }
        let rest = self.text.get(end..line_end(self.text, end))?;
        if !matches!(rest.trim_start().chars().next(), None | Some('#')) {
            return None;
        }
        let column = before.len();
        let begins_line = before.trim().is_empty();
        let mut above = if begins_line { line } else { start };
        while begins_line && above > 0 {
            let previous = line_start(self.text, above - 1);
            let comment = &self.text[previous..above];
            let indent = comment.len() - comment.trim_start().len();
            if !comment.trim_start().starts_with('#') || indent != column {
                break;
            }
            above = previous;
        }
        Some(Region { above, start, end: line_end(self.text, end), column, begins_line })
    }

    /// Returns the comments within `range`, with their `#`, sorted.
    pub(super) fn comments(&self, range: Range<usize>) -> Vec<&'a str> {
        let inside = |comment: &&Comment| range.contains(&(comment.span.start as usize));
        let mut texts: Vec<&str> =
            self.parsed.comments.iter().filter(inside).map(|comment| self.written(comment)).collect();
        texts.sort_unstable();
        texts
    }

    fn written(&self, comment: &Comment) -> &'a str {
        self.text.get(comment.span.range()).unwrap_or_default().trim_end()
    }

    /// Returns the scalars whose value a setter writes, by the `$imagepolicy` marker in their line.
    pub(super) fn marked(&self) -> Vec<Span> {
        let comments = self.parsed.comments.iter();
        let marked = comments.filter(|comment| !matches!(image::read_marker(self.written(comment)), Marking::None));
        marked.filter_map(|comment| comment.scalar).collect()
    }
}

/// Returns where the last byte of content of `node` ends; nothing where it has none.
fn content_end(node: &Node, text: &str) -> Option<usize> {
    let written = text.get(node.span.range()).map_or(0, |token| token.trim_end().len());
    let own = (written > 0).then(|| node.span.range().start + written);
    let inner = match &node.kind {
        Kind::Scalar(_) => None,
        Kind::Sequence(items) => items.last().and_then(|item| content_end(item, text)),
        Kind::Map(map) => map
            .entries()
            .last()
            .map(|entry| content_end(&entry.value, text).unwrap_or(0).max(entry.key.span().range().end + 1)),
    };
    own.max(inner)
}

/// Returns `lines` with each but the first moved from column `from` to column `to`.
pub(super) fn moved(lines: &str, from: usize, to: usize) -> String {
    let mut out = String::with_capacity(lines.len());
    for (number, line) in lines.split_inclusive('\n').enumerate() {
        if number == 0 || line.trim().is_empty() {
            out.push_str(line);
        } else {
            let indent = line.len() - line.trim_start_matches(' ').len();
            out.extend(std::iter::repeat_n(' ', (indent + to).saturating_sub(from)));
            out.push_str(&line[indent..]);
        }
    }
    out
}
