//! What a person is shown of a text that is no YAML: the place to look at, which is not always where the scanner gave up.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{Diagnostic, Severity};
use crate::text::{line_end, line_start};
use crate::yaml::parse::{SYNTAX, SpanMap, limit};

/// Returns the finding of `error`, which the scanner came to at byte `at` of `text`. `open` is the first byte of what was
/// not closed by then: a quote where the error is in quoted text, else the innermost bracket.
pub(super) fn finding(error: &ScanError, text: &str, at: usize, open: Option<usize>, map: &SpanMap) -> Diagnostic {
    let at = character(text, at);
    let invalid = |place: Range<usize>, label: Cow<'static, str>| {
        Diagnostic::new(SYNTAX, Severity::Error, "not valid YAML").label(map.span(place), label)
    };
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => limit(map.span(at), "collections are nested too deeply"),
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabNotAllowed => tab(text, at, map),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            invalid(at, "this quote is never closed".into()).help("close it")
        }
        kind @ ErrorKind::InvalidQuotedScalarIndent => match open {
            // What stands too far left is the next key.
            Some(quote) => invalid(character(text, quote), "this quote is never closed".into()).help("close it"),
            None => invalid(at, kind.to_string().into()),
        },
        ErrorKind::UnclosedFlowCollection { open } => {
            let closing = closing_of(*open);
            invalid(at, format!("this `{open}` is never closed").into()).help(format!("close it with `{closing}`"))
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            let found = unmatched(text, at.start).unwrap_or_else(|| at.clone());
            let closing = closing_of(*open);
            invalid(found, format!("`{close}` closes what `{open}` opened").into())
                .label(map.span(at), "opened here")
                .help(format!("write `{closing}`, or close what stands between"))
        }
        kind => {
            let is_in_brackets = matches!(
                kind,
                ErrorKind::InvalidIndentation
                    | ErrorKind::ExpectedFlowSequenceSeparator
                    | ErrorKind::ExpectedFlowMappingSeparator
                    | ErrorKind::BlockEntryInFlowCollection
                    | ErrorKind::InvalidColonPlacement
                    | ErrorKind::InvalidFlowScalarIndent
                    | ErrorKind::InvalidTrailingSingleQuotedScalar
                    | ErrorKind::InvalidTrailingDoubleQuotedScalar
                    | ErrorKind::MappingValueNotAllowed
                    | ErrorKind::BlockSequenceEntryNotAllowed
                    | ErrorKind::ExpectedNodeContent
                    | ErrorKind::UnexpectedEofFlowSequence
                    | ErrorKind::UnexpectedEofFlowMapping
                    | ErrorKind::UnexpectedEofImplicitFlowMapping
            );
            let Some(open) = open.filter(|open| is_in_brackets && *open < at.start) else {
                return invalid(at, kind.to_string().into());
            };
            let bracket = character(text, open);
            let closing = closing_of(text[bracket.clone()].chars().next().unwrap_or('['));
            invalid(at, format!("`,` or `{closing}` is missing before this").into())
                .label(map.span(bracket), "opened here, and not closed")
        }
    }
}

/// Returns the bytes of the character at `at`; none at the end of a line.
fn character(text: &str, at: usize) -> Range<usize> {
    let mut start = at.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let length = text[start..].chars().next().filter(|character| *character != '\n').map_or(0, char::len_utf8);
    start..start + length
}

/// Returns the finding of a tab, which the scanner came to at or after `at`.
fn tab(text: &str, at: Range<usize>, map: &SpanMap) -> Diagnostic {
    let indenting = indenting_tab(text, at.start);
    let message =
        if indenting.is_some() { "a tab is used as indentation" } else { "a tab stands where YAML wants a space" };
    let other = || text[at.start..].find('\t').map(|found| at.start + found).map(|found| found..found + 1);
    let place = indenting.or_else(other).unwrap_or(at);
    Diagnostic::new(SYNTAX, Severity::Error, message)
        .label(map.span(place), "YAML allows only spaces here")
        .help("write spaces")
}

/// Returns the first tabs that indent something, from the line of `at` on.
fn indenting_tab(text: &str, at: usize) -> Option<Range<usize>> {
    let mut line = line_start(text, at);
    while line < text.len() {
        let end = line_end(text, line);
        let content = &text[line..end];
        let indentation = &content[..content.len() - content.trim_start_matches([' ', '\t']).len()];
        if let Some(tab) = indentation.find('\t').filter(|_| !content.trim().is_empty()) {
            let tabs = indentation[tab..].bytes().take_while(|byte| *byte == b'\t').count();
            return Some(line + tab..line + tab + tabs);
        }
        line = end;
    }
    None
}

fn closing_of(open: char) -> char {
    if open == '{' { '}' } else { ']' }
}

/// Returns the closing bracket that ends what the bracket at `open` began, and is none of its kind. Brackets in quotes and
/// comments are none.
fn unmatched(text: &str, open: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut at = open;
    while let Some(byte) = bytes.get(at).copied() {
        match (quote, byte) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(begun), _) => quote = (begun != byte).then_some(begun),
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'#') if bytes[at - 1].is_ascii_whitespace() => at = line_end(text, at) - 1,
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') if depth == 1 => return Some(at..at + 1),
            (None, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}
