//! Comments by the place that they were written at.
//!
//! Nodes carry no comments. A comment belongs to the bytes beside it, and a node knows its bytes: so a writer finds the
//! comments of a tree even after the tree was merged from several files.

use std::collections::HashMap;

use crate::text::{SourceId, Span, line_start};
use crate::yaml::{Comment, CommentPlace, Kind, Node, Parsed, Style};

/// First byte of a key, a list item or a scalar.
type Place = (SourceId, u32);

/// What stands beside one key, list item or scalar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// Comments in the lines above, with their `#`.
    pub(super) above: Vec<String>,
    /// The comment in the same line, with its `#`.
    pub(super) behind: Option<String>,
    /// Whether an empty line comes before it and the comments above.
    pub(super) after_blank_line: bool,
}

/// The comments of any number of texts.
#[derive(Debug, Clone, Default)]
pub struct Comments {
    beside: HashMap<Place, Beside>,
    /// Comments below the last value, by file.
    below: HashMap<SourceId, Vec<String>>,
}

impl Comments {
    /// Returns the comments of `text`, which `parsed` was read from.
    pub fn of(text: &str, parsed: &Parsed) -> Self {
        let mut anchors = Vec::new();
        for document in &parsed.documents {
            collect(&document.root, &mut anchors);
        }
        anchors.sort_unstable_by_key(|anchor| (anchor.span.start, anchor.span.end));
        let mut comments = Self::default();
        let mut first_above: HashMap<Place, Span> = HashMap::new();
        for comment in &parsed.comments {
            let Some(written) = text.get(comment.span.range()) else { continue };
            if let Some(place) = comments.attach(comment, written.trim_end(), text, &anchors) {
                first_above.entry(place).or_insert(comment.span);
            }
        }
        for anchor in anchors.iter().filter(|anchor| anchor.begins_line && !anchor.is_block) {
            let place = place(anchor.span);
            let first = first_above.get(&place).unwrap_or(&anchor.span);
            let above = text.get(..line_start(text, first.start as usize)).unwrap_or_default();
            if above.lines().next_back().is_some_and(|line| line.trim().is_empty()) {
                comments.beside.entry(place).or_default().after_blank_line = true;
            }
        }
        comments
    }

    /// Sets the comment in the line of the scalar, or of the key of a collection, that is written at `span`.
    pub fn set_behind(&mut self, span: Span, comment: impl Into<String>) {
        let comment: String = comment.into();
        let line = comment.lines().next().unwrap_or_default();
        let line = if line.starts_with('#') { line.to_owned() } else { format!("# {line}") };
        self.beside.entry(place(span)).or_default().behind = Some(line);
    }

    /// Takes in the comments of other files.
    pub fn extend(&mut self, other: Self) {
        self.beside.extend(other.beside);
        self.below.extend(other.below);
    }

    pub(super) fn beside(&self, span: Span) -> Option<&Beside> {
        self.beside.get(&place(span))
    }

    pub(super) fn below(&self, source: SourceId) -> &[String] {
        self.below.get(&source).map_or(&[], Vec::as_slice)
    }

    /// Returns the place that the comment stands above, if it does.
    fn attach(&mut self, comment: &Comment, written: &str, text: &str, anchors: &[Anchor]) -> Option<Place> {
        let start = comment.span.start;
        let next = anchors.partition_point(|anchor| anchor.span.start < start);
        let same_line = match (comment.place, comment.scalar) {
            (CommentPlace::AfterContent, Some(scalar)) => Some(scalar),
            // Behind the comma or bracket of a flow collection, or behind the key of a block collection.
            (CommentPlace::AfterContent, None) => {
                let line = line_start(text, start as usize);
                let before = next.checked_sub(1).and_then(|at| anchors.get(at));
                before.map(|anchor| anchor.span).filter(|span| span.end as usize >= line)
            }
            (CommentPlace::OwnLine, _) => None,
        };
        if let Some(span) = same_line {
            let behind = &mut self.beside.entry(place(span)).or_default().behind;
            behind.get_or_insert_with(|| written.to_owned());
        } else if let Some(anchor) = anchors[next..].iter().find(|anchor| anchor.begins_line) {
            let place = place(anchor.span);
            self.beside.entry(place).or_default().above.push(written.to_owned());
            return Some(place);
        } else {
            self.below.entry(comment.span.source).or_default().push(written.to_owned());
        }
        None
    }
}

/// A place that comments attach to.
struct Anchor {
    span: Span,
    /// A key or an item: what begins a line when it is written. Else the value of a key.
    begins_line: bool,
    /// A block scalar, whose place is its first line and not its header.
    is_block: bool,
}

impl Anchor {
    fn line(span: Span) -> Self {
        Self { span, begins_line: true, is_block: false }
    }
}

fn collect(node: &Node, anchors: &mut Vec<Anchor>) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => {
            for item in items.iter() {
                let is_block = begins_with_block(item);
                anchors.push(Anchor { is_block, ..Anchor::line(item_span(item)) });
                collect(item, anchors);
            }
        }
        Kind::Map(map) => {
            for entry in map {
                anchors.push(Anchor::line(entry.key.span()));
                if entry.value.as_scalar().is_some() && !entry.value.span.range().is_empty() {
                    anchors.push(Anchor { begins_line: false, ..Anchor::line(entry.value.span) });
                }
                collect(&entry.value, anchors);
            }
        }
    }
}

/// Returns the place that comments of a list item belong to: where its first scalar begins.
pub(super) fn item_span(item: &Node) -> Span {
    match &item.kind {
        Kind::Map(map) => map.entries().first().map_or(item.span, |entry| entry.key.span()),
        Kind::Sequence(items) => items.first().map_or(item.span, item_span),
        Kind::Scalar(_) => item.span,
    }
}

fn begins_with_block(item: &Node) -> bool {
    match &item.kind {
        Kind::Scalar(scalar) => matches!(scalar.style, Style::Literal | Style::Folded),
        Kind::Sequence(items) => items.first().is_some_and(begins_with_block),
        Kind::Map(_) => false,
    }
}

fn place(span: Span) -> Place {
    (span.source, span.start)
}
