//! Text to a tree that keeps what kyaml keeps.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};

use crate::yaml::kyaml::comments;
use crate::yaml::kyaml::{Reach, ReemitError, SetScalar, Settable, style};
use crate::yaml::parse::short_tag;
use crate::yaml::{Dialect, Style, Typed};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 256;

/// A document of kyaml.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) root: Item,
    /// Comments above the first value, set off by an empty line.
    pub(super) head: String,
    /// Comments below the last value.
    pub(super) foot: String,
}

/// A node with what stands beside it.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) anchor: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) head: String,
    pub(super) line: String,
    pub(super) foot: String,
    /// First byte of the node, its properties included.
    pub(super) start: usize,
    /// One past the last byte of its content.
    pub(super) end: usize,
    /// First byte of a scalar's own text.
    pub(super) content: usize,
}

#[derive(Debug, Clone)]
pub(super) enum ItemKind {
    Scalar { text: String, style: Style },
    Alias(String),
    Sequence { flow: bool, items: Vec<Item>, dashes: Vec<usize> },
    Map { flow: bool, entries: Vec<(Item, Item)> },
}

impl Default for ItemKind {
    fn default() -> Self {
        Self::Scalar { text: String::new(), style: Style::Plain }
    }
}

struct Frame {
    item: Item,
    key: Option<Item>,
}

impl Tree {
    /// Returns the document that `text` holds; nothing where it is empty or null.
    pub(super) fn read(text: &str) -> Result<Option<Self>, ReemitError> {
        if let Some(reason) = refused_by_go(text) {
            return Err(ReemitError::Syntax(reason.to_owned()));
        }
        let mut reader = Reader {
            text,
            stack: Vec::new(),
            root: None,
            last_end: 0,
            comments: Vec::new(),
            documents: 0,
            refused: None,
        };
        let options = granit_parser::options! {
            max_buffered_comment_events: usize::MAX,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| ReemitError::Syntax(error.to_string()))?;
            // kyaml decodes the first document of each piece; the rest of it is lost.
            if reader.documents > 1 {
                break;
            }
            reader.event(event, &span.byte_range().unwrap_or(0..0));
        }
        if let Some(reason) = reader.refused {
            return Err(ReemitError::Syntax(reason.to_owned()));
        }
        let Some(root) = reader.root else { return Ok(None) };
        let found = reader.comments;
        match &root.kind {
            ItemKind::Map { .. } => {}
            ItemKind::Scalar { text, style: Style::Plain }
                if Dialect::KustomizeV3.resolve_plain(text) == Typed::Null =>
            {
                return Ok(None);
            }
            _ => return Err(ReemitError::NoMapping),
        }
        let mut tree = Self { root, head: String::new(), foot: String::new() };
        comments::attach(text, &found, &mut tree);
        Ok(Some(tree))
    }

    /// Gives scalars the texts that `set` says, and returns the changes.
    pub(super) fn set(&mut self, set: &dyn Fn(Settable<'_>) -> Option<String>) -> Vec<SetScalar> {
        let mut changes = Vec::new();
        set_in(&mut self.root, Reach::Visited, set, &mut changes);
        changes
    }

    /// Returns the items, where this is a list of objects.
    pub(super) fn list_items(&self) -> Option<&[Item]> {
        let kind = self.root.get("kind")?.text()?;
        match &self.root.get("items")?.kind {
            ItemKind::Sequence { items, .. } if kind == "List" || kind == "ResourceList" => Some(items),
            _ => None,
        }
    }

    /// kyaml sets annotations of its own while it reads, and removes what is then empty.
    pub(super) fn clear_empty_annotations(&mut self) {
        let ItemKind::Map { entries, .. } = &mut self.root.kind else { return };
        let Some(at) = entries.iter().position(|(key, _)| key.text() == Some("metadata")) else { return };
        let is_empty = |item: &Item| match &item.kind {
            ItemKind::Map { entries, .. } => entries.is_empty(),
            ItemKind::Scalar { text, style: Style::Plain } => Dialect::KustomizeV3.resolve_plain(text) == Typed::Null,
            _ => false,
        };
        if let ItemKind::Map { entries, .. } = &mut entries[at].1.kind {
            entries.retain(|(key, value)| key.text() != Some("annotations") || !is_empty(value));
        }
        if is_empty(&entries[at].1) {
            entries.remove(at);
        }
    }
}

impl Item {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            ItemKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(super) fn get(&self, wanted: &str) -> Option<&Self> {
        match &self.kind {
            ItemKind::Map { entries, .. } => {
                entries.iter().find(|(key, _)| key.text() == Some(wanted)).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

fn set_in(item: &mut Item, reach: Reach, set: &dyn Fn(Settable<'_>) -> Option<String>, changes: &mut Vec<SetScalar>) {
    match &mut item.kind {
        ItemKind::Alias(_) => {}
        ItemKind::Sequence { items, .. } => {
            for item in items {
                set_in(item, reach, set, changes);
            }
        }
        ItemKind::Map { entries, .. } => {
            for at in 0..entries.len() {
                let (before, rest) = entries.split_at_mut(at);
                let (key, value) = &mut rest[0];
                let is_repeated = key.text().is_some() && before.iter().any(|(other, _)| other.text() == key.text());
                set_in(value, if is_repeated { Reach::Repeated } else { reach }, set, changes);
            }
        }
        ItemKind::Scalar { text, style: written } => {
            let settable = Settable {
                text,
                line_comment: &item.line,
                head_comment: &item.head,
                start: item.content,
                end: item.end,
                style: *written,
                reach,
            };
            let Some(new) = set(settable).filter(|new| new != text) else { return };
            let old = std::mem::replace(text, new.clone());
            let tag = item.tag.take();
            changes.push(SetScalar {
                start: item.content,
                end: item.end,
                old,
                new,
                style: *written,
                tag: tag.clone(),
                comment: [&item.line, &item.head].into_iter().find(|comment| !comment.is_empty()).cloned(),
            });
            let change = &changes[changes.len() - 1];
            (item.tag, *written) = style::after_set(tag, *written, &change.old, &change.new);
        }
    }
}

/// Returns what go-yaml v3 refuses and the scanner of this floor takes.
fn refused_by_go(text: &str) -> Option<&'static str> {
    if text.starts_with('%') || text.contains("\n%YAML") {
        return Some("a directive stands before the document");
    }
    None
}

struct Reader<'t> {
    text: &'t str,
    stack: Vec<Frame>,
    root: Option<Item>,
    /// End of the last node, behind which the properties of the next one are looked for.
    last_end: usize,
    comments: Vec<Range<usize>>,
    documents: usize,
    /// What go-yaml refuses and the scanner of this floor takes.
    refused: Option<&'static str>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::DocumentStart(..) => self.documents += 1,
            Event::Comment(..) => self.comments.push(range.clone()),
            Event::Scalar(text, style, anchor, tag) => {
                let written = self.text.get(range.clone()).unwrap_or_default();
                if style == ScalarStyle::DoubleQuoted && has_slash_escape(written) {
                    self.refused = Some("`\\/` is no escape");
                }
                let text = if range.is_empty() && style == ScalarStyle::Plain { "" } else { &text };
                let mut item = self.item(range, anchor, tag.as_deref());
                item.kind = ItemKind::Scalar { text: text.to_owned(), style: style_of(style) };
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    // The scanner gives the first line of a block as its place.
                    item.content = self.header_before(range.start);
                    item.start = item.start.min(item.content);
                    item.end = range.start + written.trim_end_matches(['\n', ' ']).len();
                    if range.end >= self.text.len() && !self.text.ends_with('\n') {
                        item.kind = ItemKind::Scalar {
                            text: text.strip_suffix('\n').unwrap_or(text).to_owned(),
                            style: style_of(style),
                        };
                    }
                }
                self.add(item);
            }
            Event::Alias(_) => {
                let name = self.text.get(range.clone()).unwrap_or_default().trim_start_matches('*').to_owned();
                let mut item = self.item(range, 0, None);
                item.kind = ItemKind::Alias(name);
                self.add(item);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let mut item = self.item(range, anchor, tag.as_deref());
                item.kind = ItemKind::Sequence { flow, items: Vec::new(), dashes: Vec::new() };
                self.stack.push(Frame { item, key: None });
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let mut item = self.item(range, anchor, tag.as_deref());
                item.kind = ItemKind::Map { flow, entries: Vec::new() };
                self.stack.push(Frame { item, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut frame) = self.stack.pop() else { return };
                let flow =
                    matches!(frame.item.kind, ItemKind::Sequence { flow: true, .. } | ItemKind::Map { flow: true, .. });
                frame.item.end = if flow { range.end } else { self.last_end.max(frame.item.start) };
                self.add(frame.item);
            }
            _ => {}
        }
    }

    /// Returns an empty item; anchor and tag stand between the last node and this one.
    fn item(&mut self, range: &Range<usize>, anchor: usize, tag: Option<&Tag>) -> Item {
        let from = self.last_end.min(range.start);
        let between = self.text.get(from..range.start).unwrap_or_default();
        let mut start = range.start;
        let mut name = None;
        if anchor != 0 {
            // The scanner may give a collection the place of its first token, before or behind its properties.
            let at = between.rfind('&').map(|at| from + at).or_else(|| {
                let here = self.text.get(range.start..)?;
                here.find('&').map(|at| range.start + at)
            });
            if let Some(at) = at {
                let rest = self.text.get(at + 1..).unwrap_or_default();
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(rest.len());
                name = Some(rest[..end].to_owned());
                start = start.min(at);
            }
        }
        if tag.is_some()
            && let Some(at) = between.find('!')
        {
            start = start.min(from + at);
        }
        Item {
            anchor: name,
            tag: tag.map(|tag| short_tag(tag).to_string()),
            start,
            end: range.end,
            content: range.start,
            ..Item::default()
        }
    }

    /// Returns the byte of the `|` or `>` whose block begins at `start`.
    fn header_before(&self, start: usize) -> usize {
        let mut line_end = start;
        for line in self.text.get(..start).unwrap_or_default().rsplit('\n') {
            let line_start = line_end - line.len();
            let code = line.split(" #").next().unwrap_or_default().trim_end();
            let header = code.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
            if header.ends_with(['|', '>']) {
                return line_start + header.len() - 1;
            }
            line_end = line_start.saturating_sub(1);
        }
        start
    }

    fn add(&mut self, item: Item) {
        self.last_end = self.last_end.max(item.end);
        let text = self.text;
        match self.stack.last_mut() {
            None => {
                if self.root.is_none() {
                    self.root = Some(item);
                }
            }
            Some(frame) => match &mut frame.item.kind {
                ItemKind::Sequence { flow, items, dashes } => {
                    if !*flow {
                        let from = items.last().map_or(frame.item.start, |last| last.end);
                        dashes.push(dash_before(text, from, item.start));
                    }
                    items.push(item);
                }
                ItemKind::Map { entries, .. } => match frame.key.take() {
                    None => frame.key = Some(item),
                    Some(key) => entries.push((key, item)),
                },
                _ => {}
            },
        }
    }
}

/// Returns the byte of the dash that stands before the item at `start`, behind `from`.
fn dash_before(text: &str, from: usize, start: usize) -> usize {
    let mut at = from.min(start);
    // Comments may hold dashes of their own.
    while at < start {
        let rest = &text[at..];
        match rest.as_bytes().first() {
            Some(b'#') => at += rest.find('\n').unwrap_or(rest.len()),
            Some(b'-') if matches!(rest.as_bytes().get(1), None | Some(b' ' | b'\n' | b'\t')) => return at,
            _ => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    start
}

/// Returns whether the double-quoted `written` has the escape `\/`, which is one of YAML 1.2 alone.
fn has_slash_escape(written: &str) -> bool {
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        if character == '\\' && characters.next() == Some('/') {
            return true;
        }
    }
    false
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
