//! Text as a person would write it: the generator's output.
//!
//! Keys keep their order, but the head of an object comes first; comments stay; lists are indented under their key; a
//! text has quotes only where one of the two dialects would read it without them as anything else.

mod style;

use std::collections::HashSet;

use crate::text::{SourceId, Span};
use crate::yaml::comments::{Beside, Comments, item_span};
use crate::yaml::write::style::Style;
use crate::yaml::{Entry, Kind, Map, Node, Scalar};

/// First keys of an object, in this order.
const OBJECT_HEAD: [&str; 3] = ["apiVersion", "kind", "metadata"];
/// First keys of an object's metadata, in this order.
const METADATA_HEAD: [&str; 4] = ["name", "namespace", "labels", "annotations"];
/// Longest key in bytes that libyaml reads without `? `, well below its limit of 1,024 characters.
const LONGEST_SIMPLE_KEY: usize = 512;

/// Returns `documents` as one text with `---` between them; no documents are an empty text.
pub fn write<'a>(documents: impl IntoIterator<Item = &'a Node>, comments: &Comments) -> String {
    let mut writer = Writer { out: String::new(), comments, used: HashSet::new(), ends_open: false };
    let mut last = None;
    for (at, document) in documents.into_iter().enumerate() {
        if at > 0 {
            writer.out.push_str("---\n");
            writer.ends_open = false;
        }
        writer.document(document);
        last = Some(document.span.source);
    }
    if let Some(source) = last {
        for comment in comments.below(source) {
            writer.out.push_str(comment);
            writer.out.push('\n');
        }
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    comments: &'a Comments,
    /// Places whose comments are written: an expanded alias stands at the same place as its anchor.
    used: HashSet<(SourceId, u32, Side)>,
    /// Whether the text ends with a block that keeps every line break, where an empty line would be content.
    ends_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Above,
    Behind,
}

/// Where a collection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// In a line of its own.
    NewLine,
    /// Behind the dash of a list.
    BehindDash,
}

impl<'a> Writer<'a> {
    fn document(&mut self, root: &'a Node) {
        match &root.kind {
            Kind::Map(map) if !map.is_empty() => {
                let is_object = map.get("apiVersion").is_some() && map.get("kind").is_some();
                self.map(map, 0, Start::NewLine, if is_object { &OBJECT_HEAD } else { &[] });
            }
            Kind::Sequence(items) if !items.is_empty() => self.sequence(items, 0, Start::NewLine),
            Kind::Scalar(scalar) => {
                if !self.scalar(scalar, root.span, 0) {
                    self.end_line();
                }
            }
            _ => {
                self.empty(root);
                self.end_line();
            }
        }
    }

    fn map(&mut self, map: &'a Map, indent: usize, start: Start, head: &[&str]) {
        let rank = |entry: &Entry| head.iter().position(|key| *key == entry.key.text()).unwrap_or(head.len());
        let mut entries: Vec<&Entry> = map.iter().collect();
        entries.sort_by_key(|entry| rank(entry));
        for (at, entry) in entries.into_iter().enumerate() {
            if at > 0 || start == Start::NewLine {
                self.above(entry.key.span(), indent, at == 0);
                self.pad(indent);
            }
            self.key(entry.key.scalar(), indent);
            let head: &[&str] =
                if head == OBJECT_HEAD && entry.key.text() == "metadata" { &METADATA_HEAD } else { &[] };
            self.value(entry, indent, head);
        }
    }

    fn key(&mut self, key: &Scalar, indent: usize) {
        let is_long = key.text.len() > LONGEST_SIMPLE_KEY;
        if is_long {
            self.out.push_str("? ");
        }
        self.tag(key);
        match style::of_key(key) {
            Style::Absent => self.out.push_str("null"),
            style => style::push(&mut self.out, &key.text, style, indent),
        }
        if is_long {
            self.out.push('\n');
            self.pad(indent);
        }
        self.out.push(':');
    }

    fn value(&mut self, entry: &'a Entry, indent: usize, head: &[&str]) {
        match &entry.value.kind {
            Kind::Scalar(scalar) => {
                self.out.push(' ');
                let is_block = self.scalar(scalar, entry.value.span, indent);
                if !is_block {
                    self.behind(entry.key.span());
                    self.end_line();
                }
            }
            Kind::Map(map) if !map.is_empty() => {
                self.behind(entry.key.span());
                self.end_line();
                self.map(map, indent + 2, Start::NewLine, head);
            }
            Kind::Sequence(items) if !items.is_empty() => {
                self.behind(entry.key.span());
                self.end_line();
                self.sequence(items, indent + 2, Start::NewLine);
            }
            _ => {
                self.out.push(' ');
                self.empty(&entry.value);
                self.behind(entry.key.span());
                self.end_line();
            }
        }
    }

    fn sequence(&mut self, items: &'a [Node], indent: usize, start: Start) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 || start == Start::NewLine {
                self.above(item_span(item), indent, at == 0);
                self.pad(indent);
            }
            self.out.push_str("- ");
            match &item.kind {
                Kind::Scalar(scalar) => {
                    let is_block = self.scalar(scalar, item.span, indent);
                    if self.out.ends_with("- ") {
                        self.out.push_str("null");
                    }
                    if !is_block {
                        self.end_line();
                    }
                }
                Kind::Map(map) if !map.is_empty() => self.map(map, indent + 2, Start::BehindDash, &[]),
                Kind::Sequence(items) if !items.is_empty() => self.sequence(items, indent + 2, Start::BehindDash),
                _ => {
                    self.empty(item);
                    self.end_line();
                }
            }
        }
    }

    /// Writes a scalar of a collection at `indent` and its comment; returns whether it was a block, which ends its line.
    fn scalar(&mut self, scalar: &Scalar, span: Span, indent: usize) -> bool {
        self.tag(scalar);
        let style = style::of(scalar);
        let Style::Literal = style else {
            style::push(&mut self.out, &scalar.text, style, indent);
            self.behind(span);
            return false;
        };
        self.out.push_str(&style::literal_header(&scalar.text));
        self.behind(span);
        self.out.push('\n');
        style::push(&mut self.out, &scalar.text, style, indent + 2);
        self.ends_open = scalar.text.lines().next_back().is_some_and(|line| line.trim().is_empty());
        true
    }

    fn tag(&mut self, scalar: &Scalar) {
        if let Some(tag) = &scalar.tag {
            // A tag that was given in full has no short form.
            if tag.starts_with('!') {
                self.out.push_str(tag);
            } else {
                self.out.extend(["!<", tag, ">"]);
            }
            self.out.push(' ');
        }
    }

    fn empty(&mut self, node: &Node) {
        self.out.push_str(if node.as_map().is_some() { "{}" } else { "[]" });
        self.behind(node.span);
    }

    /// Writes the comments above what is written at `span`, and the empty line before it.
    fn above(&mut self, span: Span, indent: usize, is_first: bool) {
        let Some(beside) = self.unused(span, Side::Above) else { return };
        if beside.after_blank_line && !is_first && !self.ends_open {
            self.out.push('\n');
        }
        for comment in &beside.above {
            self.pad(indent);
            self.out.push_str(comment);
            self.out.push('\n');
        }
    }

    fn behind(&mut self, span: Span) {
        let Some(comment) = self.unused(span, Side::Behind).and_then(|beside| beside.behind.as_ref()) else { return };
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
        self.out.push_str(comment);
    }

    /// Returns what stands beside `span`, once.
    fn unused(&mut self, span: Span, side: Side) -> Option<&'a Beside> {
        let beside = self.comments.beside(span)?;
        self.used.insert((span.source, span.start, side)).then_some(beside)
    }

    fn end_line(&mut self) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        self.out.push('\n');
        self.ends_open = false;
    }

    fn pad(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }
}

#[cfg(test)]
mod tests;
