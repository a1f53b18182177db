//! The style that a scalar is written in.

use crate::yaml::edit::reads_as_string;
use crate::yaml::emit::{escape_double_quoted, plain_text_is_safe};
use crate::yaml::{Scalar, Style as Written};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing: an empty null.
    Absent,
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// Returns the style of a value.
pub(super) fn of(scalar: &Scalar) -> Style {
    if scalar.style == Written::Plain && scalar.text.is_empty() && scalar.tag.is_none() {
        return Style::Absent;
    }
    if is_block(&scalar.text) { Style::Literal } else { of_key(scalar) }
}

/// Returns the style of a key: one line.
pub(super) fn of_key(scalar: &Scalar) -> Style {
    let text = scalar.text.as_str();
    // A tag decides the type whatever the quotes; without one a plain text may be left as it is, and a string must
    // be read as one.
    let may_be_plain = match scalar.tag {
        Some(_) => false,
        None => scalar.style == Written::Plain || reads_as_string(text),
    };
    if scalar.style == Written::Plain && text.is_empty() && scalar.tag.is_none() {
        return Style::Absent;
    }
    if may_be_plain && plain_text_is_safe(text) {
        return Style::Plain;
    }
    let prefers_single = scalar.style == Written::SingleQuoted || text.contains(['"', '\\']);
    let single_possible = !text.chars().any(needs_escape) && !text.contains('\'');
    if prefers_single && single_possible { Style::SingleQuoted } else { Style::DoubleQuoted }
}

/// Returns whether a literal block shows `text` as it is.
fn is_block(text: &str) -> bool {
    let is_visible = |character: char| matches!(character, '\n' | '\t') || !needs_escape(character);
    let has_lines = text.trim_end_matches('\n').contains('\n') || (text.ends_with('\n') && text.len() > 1);
    has_lines && !text.trim().is_empty() && !text.ends_with([' ', '\t']) && text.chars().all(is_visible)
}

fn needs_escape(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Returns `|` with the hints that `text` needs.
pub(super) fn literal_header(text: &str) -> String {
    let indent = if text.starts_with([' ', '\t', '\n']) { "2" } else { "" };
    let chomping = match text.strip_suffix('\n') {
        None => "-",
        Some(rest) if rest.ends_with('\n') => "+",
        Some(_) => "",
    };
    format!("|{indent}{chomping}")
}

/// Appends `text`; the lines of a literal block are indented by `indent`.
pub(super) fn push(out: &mut String, text: &str, style: Style, indent: usize) {
    match style {
        Style::Absent => {}
        Style::Plain => out.push_str(text),
        Style::SingleQuoted => {
            out.push('\'');
            out.push_str(text);
            out.push('\'');
        }
        Style::DoubleQuoted => escape_double_quoted(out, text),
        Style::Literal => {
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                if !line.is_empty() {
                    out.extend(std::iter::repeat_n(' ', indent));
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
    }
}
