//! Parser events to nodes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Placement, ScalarStyle, StructureStyle};
use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::text::Span;
use crate::yaml::parse::map::{self, Keys};
use crate::yaml::parse::repair::Repaired;
use crate::yaml::parse::{Document, Limits, Parsed, SYNTAX, SpanMap, limit};
use crate::yaml::{Comment, CommentPlace, Entry, Key, Kind, Node, Scalar, Style, Tag};

/// What ends a line in YAML 1.1 and no longer in 1.2.
const UNICODE_BREAKS: [char; 2] = ['\u{2028}', '\u{2029}'];

/// A collection that is being filled: its members are the last ones of the builder, from this position on.
enum Open {
    Sequence { from: usize },
    Map { from: usize, key: Option<Key> },
}

struct Frame {
    open: Open,
    span: Span,
    /// Its first byte in the parse buffer.
    begins: usize,
    style: StructureStyle,
    anchor: usize,
    nodes_before: usize,
    bytes_before: usize,
}

struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
}

/// Collects the documents of a text. [`Builder::event`] says when to stop.
pub(super) struct Builder<'a> {
    repaired: &'a Repaired<'a>,
    map: &'a SpanMap,
    limits: &'a Limits,
    parsed: Parsed,
    stack: Vec<Frame>,
    /// The items of all lists that are being filled, the innermost ones last: one allocation for all.
    items: Vec<Node>,
    /// Likewise the entries of mappings.
    entries: Vec<Entry>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    nodes: usize,
    bytes: usize,
    alias_nodes: usize,
    alias_bytes: usize,
    documents: usize,
    /// Whether a document has begun, empty ones included.
    has_started: bool,
    /// The last scalar: where it ends in the parse buffer, its span, and whether it is a value (not a key).
    last_scalar: Option<(usize, Span, bool)>,
    /// A comment after content whose scalar is not known yet: it may be on the header of a block scalar.
    pending_comment: Option<(usize, usize)>,
    keys: Keys,
}

impl<'a> Builder<'a> {
    pub(super) fn new(repaired: &'a Repaired<'a>, map: &'a SpanMap, limits: &'a Limits) -> Self {
        Self {
            repaired,
            map,
            limits,
            parsed: Parsed::default(),
            stack: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            nodes: 0,
            bytes: 0,
            alias_nodes: 0,
            alias_bytes: 0,
            documents: 0,
            has_started: false,
            last_scalar: None,
            pending_comment: None,
            keys: Keys::default(),
        }
    }

    pub(super) fn finish(self) -> Parsed {
        self.parsed
    }

    /// Takes one event whose bytes in the parse buffer are `range`; returns whether to go on.
    pub(super) fn event(&mut self, event: Event<'_>, range: Range<usize>) -> bool {
        let span = self.span(range.clone());
        match event {
            Event::DocumentStart(false, _) if self.has_started => {
                let finding = Diagnostic::new(SYNTAX, Severity::Error, "a document begins without `---`")
                    .label(span, "`...` has ended the document before")
                    .help("put `---` in its place");
                return self.stop(finding);
            }
            Event::DocumentStart(..) => self.has_started = true,
            Event::DocumentEnd => return self.end_document(span),
            Event::Comment(_, placement) => self.comment(placement, span, range),
            Event::Scalar(text, style, anchor, tag) => return self.scalar(&text, style, anchor, tag.as_deref(), range),
            Event::SequenceStart(style, anchor, _) => {
                self.open(Open::Sequence { from: self.items.len() }, range, style, anchor);
            }
            Event::MappingStart(style, anchor, _) => {
                self.open(Open::Map { from: self.entries.len(), key: None }, range, style, anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(span),
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => {}
        }
        true
    }

    fn span(&self, range: Range<usize>) -> Span {
        self.map.span(self.repaired.original(range.start)..self.repaired.original(range.end))
    }

    /// Returns the first byte, in the parse buffer, of the innermost collection in brackets that is not closed yet.
    pub(super) fn open_bracket(&self) -> Option<usize> {
        let flow = |frame: &&Frame| matches!(frame.style, StructureStyle::Flow);
        self.stack.iter().rev().find(flow).map(|frame| frame.begins)
    }

    fn stop(&mut self, finding: Diagnostic) -> bool {
        self.parsed.diagnostics.push(finding);
        false
    }

    fn end_document(&mut self, span: Span) -> bool {
        self.anchors.clear();
        self.last_scalar = None;
        if let Some(root) = self.root.take()
            && !root.is_null()
        {
            self.documents += 1;
            if self.documents > self.limits.documents {
                return self.stop(limit(span, "the file holds too many documents"));
            }
            self.parsed.documents.push(Document { span: root.span, root });
        }
        true
    }

    fn comment(&mut self, placement: Placement, span: Span, range: Range<usize>) {
        let place = match placement {
            Placement::Right => CommentPlace::AfterContent,
            _ => CommentPlace::OwnLine,
        };
        let mut scalar = None;
        if place == CommentPlace::AfterContent {
            let text = self.repaired.text();
            scalar = self.last_scalar.and_then(|(end, scalar, is_value)| {
                let gap = text.get(end..range.start)?;
                (is_value && gap.bytes().all(|byte| byte == b' ' || byte == b'\t')).then_some(scalar)
            });
            // The scanner gives the header comment of a block scalar after the scalar.
            if let (None, Some((end, block, true))) = (scalar, self.last_scalar)
                && range.end <= end
            {
                scalar = Some(block);
            }
            self.pending_comment = scalar.is_none().then_some((self.parsed.comments.len(), range.end));
        }
        self.parsed.comments.push(Comment { span, place, scalar });
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        range: Range<usize>,
    ) -> bool {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let span = self.span(range.clone());
        let block = matches!(style, Style::Literal | Style::Folded);
        let text = self.as_libyaml_reads(text, style, &range);
        self.bytes += text.len();
        let scalar = Scalar { text: SmolStr::new(text), style, tag: tag.map(short_tag) };
        let is_value = !self.expects_key();
        if !is_value && range.is_empty() && !self.is_explicit_key(range.start) {
            let finding = Diagnostic::new(SYNTAX, Severity::Error, "a value has no key")
                .label(span, "a key is expected before the colon");
            return self.stop(finding);
        }
        if block
            && let Some((index, end)) = self.pending_comment.take()
            && self.repaired.text().get(end..range.start).is_some_and(|gap| gap.trim().is_empty())
            && let Some(comment) = self.parsed.comments.get_mut(index)
        {
            comment.scalar = Some(span);
        }
        self.last_scalar = Some((range.end, span, is_value));
        self.add(Node::new(Kind::Scalar(scalar), span), anchor, 1, 0)
    }

    /// Corrects what the scanner reads otherwise than libyaml.
    fn as_libyaml_reads<'t>(&self, text: &'t str, style: Style, range: &Range<usize>) -> Cow<'t, str> {
        let written = self.repaired.text().get(range.clone()).unwrap_or_default();
        match style {
            // An absent value is `~` to the scanner, nothing to libyaml.
            Style::Plain if range.is_empty() => "".into(),
            // A block that ends the file without a newline has none.
            Style::Literal | Style::Folded
                if range.end >= self.repaired.text().len() && !self.repaired.text().ends_with(['\n', '\r']) =>
            {
                let last_line = written.rsplit('\n').next();
                let ends_in_text = last_line.is_some_and(|line| !line.trim().is_empty());
                if ends_in_text { text.strip_suffix('\n').unwrap_or(text).into() } else { text.into() }
            }
            // Line breaks of YAML 1.1: white space around them is indentation. Escaped ones are text.
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted
                if written.contains(UNICODE_BREAKS) && !(style == Style::DoubleQuoted && written.contains('\\')) =>
            {
                without_blanks_at_breaks(text).into()
            }
            _ => text.into(),
        }
    }

    /// Returns whether a `?` says that the nothing at `at` is a key; without one libyaml refuses it.
    fn is_explicit_key(&self, at: usize) -> bool {
        self.repaired.text().get(..at).is_some_and(|before| before.trim_end().ends_with('?'))
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { open: Open::Map { key: None, .. }, .. }))
    }

    fn open(&mut self, open: Open, range: Range<usize>, style: StructureStyle, anchor: usize) {
        let (begins, span) = (range.start, self.span(range));
        let (nodes_before, bytes_before) = (self.nodes + self.alias_nodes, self.bytes + self.alias_bytes);
        self.stack.push(Frame { open, span, begins, style, anchor, nodes_before, bytes_before });
    }

    fn close(&mut self, end: Span) -> bool {
        let Some(frame) = self.stack.pop() else { return true };
        let nodes = self.nodes + self.alias_nodes - frame.nodes_before + 1;
        let bytes = self.bytes + self.alias_bytes - frame.bytes_before;
        let (kind, last) = match frame.open {
            Open::Sequence { from } => {
                let items = self.items.drain(from..);
                let last = items.as_slice().last().map(|item| item.span);
                (Kind::Sequence(items.collect()), last)
            }
            Open::Map { from, .. } => {
                let entries = self.entries.drain(from..);
                let last = entries.as_slice().last().map(|entry| entry.key.span().to(entry.value.span));
                (Kind::Map(map::unique(entries, &mut self.parsed.diagnostics)), last)
            }
        };
        // A block collection ends where its last child does, not at the token that follows it.
        let span = match (frame.style, last) {
            (StructureStyle::Flow, _) => frame.span.to(end),
            (StructureStyle::Block, Some(last)) if last.start >= frame.span.start => frame.span.to(last),
            (StructureStyle::Block, _) => frame.span,
        };
        self.add(Node::new(kind, span), frame.anchor, nodes, bytes)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> bool {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let finding = Diagnostic::new(SYNTAX, Severity::Error, "an alias contains itself")
                .label(span, "its anchor is not complete here");
            return self.stop(finding);
        };
        self.alias_nodes += anchored.nodes;
        self.alias_bytes += anchored.bytes;
        let node = anchored.node.clone();
        if self.alias_nodes > self.limits.alias_nodes || self.alias_bytes > self.limits.alias_bytes {
            return self.stop(limit(span, "aliases expand to too much"));
        }
        self.last_scalar = None;
        self.add(node, 0, 0, 0)
    }

    /// Puts a complete node where it belongs: into the open collection, or at the root.
    fn add(&mut self, node: Node, anchor: usize, nodes: usize, bytes: usize) -> bool {
        self.nodes += 1;
        let span = node.span;
        if self.nodes > self.limits.nodes {
            return self.stop(limit(span, "the file holds too many values"));
        }
        if anchor != 0 {
            let bytes = bytes.max(node.as_scalar().map_or(0, |scalar| scalar.text.len()));
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes });
        }
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::Sequence { .. }) => self.items.push(node),
            Some(Open::Map { key, .. }) => {
                if let Some(key) = key.take() {
                    self.entries.push(Entry { key, value: node });
                } else {
                    let Kind::Scalar(scalar) = node.kind else {
                        let finding = Diagnostic::new(SYNTAX, Severity::Error, "a mapping key is a collection")
                            .label(span, "Kubernetes objects have only text as keys")
                            .help("quote the text if it is a template expression");
                        return self.stop(finding);
                    };
                    *key = Some(self.keys.key(scalar, span));
                }
            }
        }
        true
    }
}

fn without_blanks_at_breaks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split_inclusive(UNICODE_BREAKS).enumerate() {
        let line = if at > 0 { line.trim_start_matches([' ', '\t']) } else { line };
        let end = line.strip_suffix(UNICODE_BREAKS).map_or(line, |line| line.trim_end_matches([' ', '\t']));
        out.push_str(end);
        out.extend(line.chars().next_back().filter(|last| UNICODE_BREAKS.contains(last)));
    }
    out
}

/// Returns the short form of `tag`: `!!str` for the core types, `!name` for others.
pub(in crate::yaml) fn short_tag(tag: &granit_parser::Tag) -> Tag {
    let full = tag.to_string();
    let short = match full.strip_prefix("tag:yaml.org,2002:") {
        Some(core) => format!("!!{core}"),
        None => full,
    };
    short.into()
}
