//! Nodes as JSON, byte for byte as Go's `encoding/json` writes them.

use std::fmt::Write as _;

use crate::yaml::{Dialect, Entry, Kind, Node, Scalar, Typed};

/// Returns `node` as JSON without blanks, keys sorted by bytes.
pub(super) fn compact(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, None);
    out
}

/// Returns `node` as JSON with two blanks per level, keys sorted by bytes.
pub(super) fn pretty(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, Some(0));
    out
}

/// Writes `node`; `level` is the depth where lines are broken.
fn write(out: &mut String, node: &Node, level: Option<usize>) {
    match &node.kind {
        Kind::Scalar(scalar) => write_scalar(out, scalar),
        Kind::Sequence(items) => {
            write_list(out, ['[', ']'], items, level, write);
        }
        Kind::Map(map) => {
            let mut entries: Vec<&Entry> = map.iter().collect();
            entries.sort_by(|a, b| a.key.text().cmp(b.key.text()));
            write_list(out, ['{', '}'], &entries, level, |out, entry, level| {
                write_string(out, entry.key.text());
                out.push_str(if level.is_some() { ": " } else { ":" });
                write(out, &entry.value, level);
            });
        }
    }
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    level: Option<usize>,
    write_item: impl Fn(&mut String, &T, Option<usize>),
) {
    out.push(open);
    let inner = level.map(|level| level + 1);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        break_line(out, inner);
        write_item(out, item, inner);
    }
    if !items.is_empty() {
        break_line(out, level);
    }
    out.push(close);
}

fn break_line(out: &mut String, level: Option<usize>) {
    if let Some(level) = level {
        out.push('\n');
        out.push_str(&"  ".repeat(level));
    }
}

fn write_scalar(out: &mut String, scalar: &Scalar) {
    // Writing to a String never fails.
    let _ = match scalar.typed(Dialect::KustomizeV3) {
        Typed::Null => write!(out, "null"),
        Typed::Bool(value) => write!(out, "{value}"),
        Typed::Int(value) => write!(out, "{value}"),
        Typed::UInt(value) => write!(out, "{value}"),
        Typed::Float(value) => write!(out, "{}", float(value)),
        Typed::String => {
            write_string(out, &scalar.text);
            Ok(())
        }
        Typed::Timestamp(text) => {
            write_string(out, &text);
            Ok(())
        }
        Typed::Binary(bytes) => {
            write_string(out, &String::from_utf8_lossy(&bytes));
            Ok(())
        }
    };
}

/// Returns a number as Go does: the shortest digits, with an exponent only where it is small or large.
fn float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    if exponent.starts_with('-') { text } else { format!("{digits}e+{exponent}") }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a String never fails.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_html_are_escaped_as_go_does() {
        let mut out = String::new();
        write_string(&mut out, "<a&b>\u{2028}\u{1}\n");
        assert_eq!(out, "\"\\u003ca\\u0026b\\u003e\\u2028\\u0001\\n\"");
    }

    #[test]
    fn numbers_have_exponents_only_where_go_writes_them() {
        assert_eq!(
            [float(1.5), float(1e21), float(1e-7), float(-2e20)],
            ["1.5", "1e+21", "1e-7", "-200000000000000000000"]
        );
    }
}
