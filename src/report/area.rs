//! A part of a file of which only keys and a few values are shown.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::text::Span;
use crate::yaml::Node;

/// Bytes of a file that are hidden but for what is said to be visible.
///
/// What the tree does not hold (the first of two equal keys, comments) is therefore hidden too.
pub(super) struct Area<'a> {
    text: &'a str,
    range: Range<usize>,
    keys: BTreeSet<&'a str>,
    visible: Vec<Range<usize>>,
}

impl<'a> Area<'a> {
    /// Returns the area `range` of `text`, in which the keys below `node` are visible and nothing else.
    pub(super) fn new(text: &'a str, range: Range<usize>, node: &'a Node) -> Self {
        let range = range.start.min(text.len())..range.end.min(text.len());
        let mut area = Self { text, range, keys: BTreeSet::new(), visible: Vec::new() };
        area.show_keys(node);
        area
    }

    fn show_keys(&mut self, node: &'a Node) {
        for entry in node.as_map().into_iter().flatten() {
            let span = entry.key.span().range();
            // In `{hunter2}` the value stands where a key should.
            if self.text.get(span.end..).is_some_and(|after| after.trim_start().starts_with(':')) {
                self.keys.insert(entry.key.text());
                self.visible.push(span);
            }
        }
        for value in children(node) {
            self.show_keys(value);
        }
    }

    /// Shows the value at `span`, if it ends on the line that it begins on.
    pub(super) fn show(&mut self, span: Span) {
        if self.text.get(span.range()).is_some_and(|value| !value.contains('\n')) {
            self.visible.push(span.range());
        }
    }

    /// Appends what is hidden to `hidden`.
    pub(super) fn hide(mut self, hidden: &mut Vec<Range<usize>>) {
        self.visible.sort_by_key(|range| (range.start, range.end));
        let mut at = self.range.start;
        for visible in &self.visible {
            if visible.start > at && visible.start <= self.range.end {
                self.hide_between(at..visible.start, hidden);
            }
            at = at.max(visible.end);
        }
        if at < self.range.end {
            self.hide_between(at..self.range.end, hidden);
        }
    }

    fn hide_between(&self, between: Range<usize>, hidden: &mut Vec<Range<usize>>) {
        let mut at = between.start;
        for line in self.text.get(between).unwrap_or_default().split_inclusive('\n') {
            let begins_line = at == 0 || self.text.as_bytes().get(at - 1) == Some(&b'\n');
            let shown = if begins_line { self.known_key(line) } else { 0 };
            let rest = line[shown..].trim_end();
            let from = rest.len() - rest.trim_start_matches(|next| " \t:,{}[]".contains(next)).len();
            if !is_punctuation(&rest[from..]) {
                hidden.push(at + shown + from..at + shown + rest.len());
            }
            at += line.len();
        }
    }

    /// Returns the length of a known key at the beginning of `line`, with its colon.
    fn known_key(&self, line: &str) -> usize {
        let Some(colon) = line.find(':') else { return 0 };
        let key = line[..colon].trim_start_matches([' ', '-']).trim_end().trim_matches(['"', '\'']);
        if self.keys.contains(key) { colon + 1 } else { 0 }
    }
}

/// Returns whether `text` is nothing, dashes of a list, a document marker or the header of a block scalar.
fn is_punctuation(text: &str) -> bool {
    text.split_whitespace().all(|word| matches!(word, "-" | "---" | "|" | ">" | "|-" | ">-" | "|+" | ">+"))
}

/// Returns the values of a mapping or the items of a list.
pub(super) fn children(node: &Node) -> impl Iterator<Item = &Node> {
    let values = node.as_map().into_iter().flat_map(|map| map.iter().map(|entry| &entry.value));
    values.chain(node.as_sequence().unwrap_or_default())
}

/// Appends the place of every scalar below `node`.
pub(super) fn hide_scalars(node: &Node, hidden: &mut Vec<Range<usize>>) {
    if node.as_scalar().is_some() {
        hidden.push(node.span.range());
    }
    for value in children(node) {
        hide_scalars(value, hidden);
    }
}

/// Appends what follows the key of each line of `range`; the whole line where there is no key.
pub(super) fn hide_lines(text: &str, range: Range<usize>, separator: char, hidden: &mut Vec<Range<usize>>) {
    let mut start = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let from = key_length(content, separator).unwrap_or(indent);
        let from = content.len() - content[from..].trim_start().len();
        if from < content.len() && content != "---" {
            hidden.push(start + from..start + content.len());
        }
        start += line.len();
    }
}

/// Returns the length of the key that `line` begins with, with its separator.
fn key_length(line: &str, separator: char) -> Option<usize> {
    let (key, value) = line.split_once(separator)?;
    let name = key.trim_start_matches([' ', '-']).trim_end().trim_matches(['"', '\'']);
    let is_name = !name.is_empty() && name.chars().all(|next| next.is_ascii_alphanumeric() || "_.-/".contains(next));
    // `aHVudGVyMg==` is a value, and so are `hunter:2` and `https://…`.
    let is_value = value.trim_matches(separator).is_empty() && separator == '=';
    let is_separated = separator != ':' || value.is_empty() || value.starts_with([' ', '\t']);
    (is_name && !is_value && is_separated).then_some(key.len() + separator.len_utf8())
}

/// Returns `ranges` in order, without empty ones, joined where they meet.
pub(super) fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
