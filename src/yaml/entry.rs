//! Edits of whole entries: a key is renamed, an entry goes or comes, every other byte stays.
//!
//! Only block style is edited by lines, and only where an entry has its lines to itself: anything else is for a person.

use std::ops::Range;

use crate::diagnostic::Edit;
use crate::text::{Span, line_start};
use crate::yaml::{Entry, Key, Kind, Node};

/// Returns the bytes of `node` with those of all that is written in it.
pub fn extent(node: &Node) -> Range<usize> {
    let mut range = node.span.range();
    let mut widen = |inner: Range<usize>| {
        // A value that an alias stands for may be written before.
        if inner.start >= range.start {
            range.end = range.end.max(inner.end);
        }
    };
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => items.iter().map(extent).for_each(widen),
        Kind::Map(map) => {
            for entry in map {
                widen(entry.key.span().range());
                widen(extent(&entry.value));
            }
        }
    }
    range
}

/// Returns the edit of `text` that gives `key`, which was read from it, the name `new`; nothing where it is not written
/// plainly.
pub fn rename_key(text: &str, key: &Key, new: &str) -> Option<Edit> {
    let written = text.get(key.span().range())?;
    (written == key.text()).then(|| Edit { span: key.span(), replacement: new.to_owned() })
}

/// Returns the edit of `text` that takes `entry` out of `map`, with its lines; nothing where it is the only one or
/// shares a line with another.
pub fn remove_entry(text: &str, map: &Node, entry: &Entry) -> Option<Edit> {
    if map.as_map()?.len() < 2 {
        return None;
    }
    remove_lines(text, entry.key.span(), entry.key.span().range().start..extent(&entry.value).end, "")
}

/// Returns the edit of `text` that takes `item` out of `list`, with its lines; nothing where it is the only one or
/// shares a line with another.
pub fn remove_item(text: &str, list: &Node, item: &Node) -> Option<Edit> {
    if list.as_sequence()?.len() < 2 {
        return None;
    }
    let mut range = extent(item);
    if let Some(first) = item.as_map().and_then(|map| map.entries().first()) {
        range.start = range.start.min(first.key.span().range().start);
    }
    remove_lines(text, item.span, range, "-")
}

/// Removes the lines of `range`, before which on its line only blanks and `mark` may stand.
fn remove_lines(text: &str, at: Span, range: Range<usize>, mark: &str) -> Option<Edit> {
    let start = line_start(text, range.start);
    let before = text.get(start..range.start)?.trim_start_matches(' ').trim_end();
    let end = end_of_lines(text, range.end)?;
    (before == mark).then(|| Edit { span: Span::new(at.source, start..end), replacement: String::new() })
}

/// Returns the edit of `text` that writes `lines` at the end of the block mapping `map`, each with its indentation;
/// nothing for a mapping in braces or without entries.
///
/// `lines` are relative to the mapping: `["decryption:", "  provider: sops"]`.
pub fn append_lines(text: &str, map: &Node, lines: &[&str]) -> Option<Edit> {
    let entries = map.as_map()?.entries();
    let first = entries.first()?.key.span().range().start;
    let column = first - line_start(text, first);
    if text.get(map.span.range().start..)?.starts_with('{') {
        return None;
    }
    let last = entries.iter().map(|entry| extent(&entry.value).end.max(entry.key.span().range().end)).max()?;
    below(text, Span::new(map.span.source, first..last), &" ".repeat(column), lines)
}

/// Returns the edit of `text` that writes `items`, one line each, at the end of the block list `list`; nothing for a list
/// in brackets or without items.
pub fn append_items(text: &str, list: &Node, items: &[&str]) -> Option<Edit> {
    let lowest = list.as_sequence()?.last()?;
    let first = extent(lowest).start;
    let start = line_start(text, first);
    let indent = text.get(start..first)?.trim_end().strip_suffix('-')?;
    if !indent.trim().is_empty() {
        return None;
    }
    below(text, Span::new(list.span.source, extent(lowest)), &format!("{indent}- "), items)
}

/// Returns the edit of `text` that writes `lines`, each behind `lead`, below the last line of `written`; nothing where
/// something other than a comment follows on it.
fn below(text: &str, written: Span, lead: &str, lines: &[&str]) -> Option<Edit> {
    let at = end_of_lines(text, written.range().end)?;
    let end_of_line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut replacement = String::new();
    if !text.get(..at)?.ends_with('\n') {
        replacement.push_str(end_of_line);
    }
    for line in lines {
        replacement.extend([lead, line, end_of_line]);
    }
    Some(Edit { span: Span::new(written.source, at..at), replacement })
}

/// Returns where the line after that of `end` begins, if only a comment follows on it.
fn end_of_lines(text: &str, end: usize) -> Option<usize> {
    // A block scalar ends where the next token begins.
    let written = text.get(..end)?.trim_end_matches(' ');
    if written.ends_with('\n') {
        return Some(written.len());
    }
    let rest = text.get(end..)?;
    let line = rest.split_inclusive('\n').next().unwrap_or("");
    // The colon of a key without a value stands behind the value's place.
    let follows = line.trim().trim_start_matches(':').trim_start();
    (follows.is_empty() || follows.starts_with('#')).then_some(end + line.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;
    use crate::yaml::parse;

    fn read(text: &str) -> Node {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        parse(source, text).documents.remove(0).root
    }

    fn edited(text: &str, edit: Option<Edit>) -> Option<String> {
        let edit = edit?;
        let mut out = text.to_owned();
        out.replace_range(edit.span.range(), &edit.replacement);
        Some(out)
    }

    #[test]
    fn an_entry_goes_with_its_lines_and_its_comment() {
        let removed = |text: &str, key: &str| {
            let root = read(text);
            let map = root.get("spec").unwrap_or(&root);
            edited(text, remove_entry(text, map, map.as_map()?.entry(key)?))
        };
        let cases = [
            ("spec:\n  a: 1 # c\n  b: 2\n", "a", "spec:\n  b: 2\n"),
            ("spec:\n  b: 2\n  a:\n    c:\n    - 1\n    - 2\nx: 1\n", "a", "spec:\n  b: 2\nx: 1\n"),
            ("spec:\r\n  b: 2\r\n  a: |\r\n    text\r\n    more\r\nx: 1\r\n", "a", "spec:\r\n  b: 2\r\nx: 1\r\n"),
            ("b: 2\na: 'x\n\n  y'", "a", "b: 2\n"),
            ("spec:\n  a: |\n    text\n\n  b: 2\n", "a", "spec:\n  b: 2\n"),
        ];
        for (text, key, expected) in cases {
            assert_eq!(removed(text, key).as_deref(), Some(expected), "{text}");
        }
        for (text, key) in [("spec: {a: 1, b: 2}\n", "a"), ("spec:\n  a: 1\n", "a"), ("spec:\n- a: 1\n", "a")] {
            assert_eq!(removed(text, key), None, "{text}");
        }
    }

    #[test]
    fn an_item_goes_with_its_lines() {
        let removed = |text: &str, at: usize| {
            let root = read(text);
            let list = root.get("a").unwrap();
            edited(text, remove_item(text, list, &list.as_sequence()?[at]))
        };
        assert_eq!(removed("a:\n- b: 1\n  c: 2\n- d\n", 0).as_deref(), Some("a:\n- d\n"));
        assert_eq!(removed("a:\n  - b\n  - c # x\n", 1).as_deref(), Some("a:\n  - b\n"));
        assert_eq!(removed("a: [b, c]\n", 1), None);
        assert_eq!(removed("a:\n- b\n", 0), None);
    }

    #[test]
    fn lines_come_at_the_end_of_a_mapping_with_its_indentation() {
        let appended = |text: &str| {
            let root = read(text);
            edited(text, append_lines(text, root.get("spec")?, &["new:", "  x: 1"]))
        };
        let cases = [
            ("spec:\n  a: 1 # c\nb: 2\n", "spec:\n  a: 1 # c\n  new:\n    x: 1\nb: 2\n"),
            ("spec:\n    a:\n    - b", "spec:\n    a:\n    - b\n    new:\n      x: 1\n"),
            ("spec:\r\n  a: |\r\n    t\r\n", "spec:\r\n  a: |\r\n    t\r\n  new:\r\n    x: 1\r\n"),
            ("spec:\n  a:\n", "spec:\n  a:\n  new:\n    x: 1\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(appended(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(appended("spec: {a: 1}\n"), None);
        assert_eq!(appended("spec: {}\n"), None);
    }
}
