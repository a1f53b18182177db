//! Quoted scalars whose later lines stand further left than their key.
//!
//! libyaml accepts them (Flagger's CRD has some), the YAML specification and the scanner do not. Spaces at the start of
//! a continuation line are folded away, so the parse buffer gets some more of them; places are translated back.

use crate::text::line_start;
use std::borrow::Cow;
use std::ops::Range;

/// How many scalars of a text are repaired; each one costs a reading.
const MOST: usize = 64;

/// A text as the scanner gets it, and where spaces were put in.
pub(super) struct Repaired<'a> {
    text: Cow<'a, str>,
    /// (first byte after the insertion, in the buffer; spaces inserted up to there), ascending.
    inserted: Vec<(usize, usize)>,
    /// Repaired scalars, in the original text.
    scalars: Vec<Range<usize>>,
}

impl<'a> Repaired<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), inserted: Vec::new(), scalars: Vec::new() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the repaired scalars as byte ranges of the original text.
    pub(super) fn scalars(&self) -> &[Range<usize>] {
        &self.scalars
    }

    /// Returns the byte of the original text that stands at `at` of the buffer.
    pub(super) fn original(&self, at: usize) -> usize {
        let next = self.inserted.partition_point(|(start, _)| *start <= at);
        match next.checked_sub(1).and_then(|index| self.inserted.get(index)) {
            Some((_, spaces)) => at - spaces,
            None => at,
        }
    }

    /// Indents the later lines of the quoted scalar that holds byte `at` and begins at or after `after`.
    ///
    /// Returns whether there is such a scalar; without one the text is as it was.
    pub(super) fn indent_quoted(&mut self, after: usize, at: usize) -> bool {
        if self.scalars.len() >= MOST {
            return false;
        }
        let Some((start, Some(end))) = find_quoted(&self.text, after, at) else { return false };
        let scalar = start..end;
        let spaces = scalar.start - line_start(&self.text, scalar.start) + 1;
        self.scalars.push(self.original(scalar.start)..self.original(scalar.end));

        let mut repaired = String::with_capacity(self.text.len() + 64);
        let mut insertions = Vec::new();
        let mut copied = 0;
        for (newline, _) in self.text[scalar.clone()].match_indices('\n') {
            let line = scalar.start + newline + 1;
            repaired.push_str(&self.text[copied..line]);
            repaired.extend(std::iter::repeat_n(' ', spaces));
            copied = line;
            insertions.push((line, spaces));
        }
        if insertions.is_empty() {
            self.scalars.pop();
            return false;
        }
        repaired.push_str(&self.text[copied..]);
        self.record(&insertions);
        self.text = Cow::Owned(repaired);
        true
    }

    /// Returns where, in the buffer, the quoted scalar begins that holds byte `at`, begins at or after `after`, and never ends.
    pub(super) fn unclosed_quote(&self, after: usize, at: usize) -> Option<usize> {
        find_quoted(&self.text, after, at).filter(|(_, end)| end.is_none()).map(|(start, _)| start)
    }

    /// Merges new insertions (positions in the buffer before them) into the table.
    fn record(&mut self, insertions: &[(usize, usize)]) {
        let mut all: Vec<(usize, usize)> = Vec::with_capacity(self.inserted.len() + insertions.len());
        // Single insertions (position in the original text, spaces), whatever round they came in.
        let mut previous = 0;
        for (start, total) in &self.inserted {
            all.push((start - total, total - previous));
            previous = *total;
        }
        for (at, spaces) in insertions {
            all.push((self.original(*at), *spaces));
        }
        all.sort_unstable();
        let mut total = 0;
        self.inserted = all
            .into_iter()
            .map(|(original, spaces)| {
                total += spaces;
                (original + total, total)
            })
            .collect();
    }
}

/// Returns where the quoted scalar that holds byte `at` begins and ends, where it does, looking from `after` on past indicators,
/// properties and comments.
fn find_quoted(text: &str, after: usize, at: usize) -> Option<(usize, Option<usize>)> {
    let bytes = text.as_bytes();
    let mut position = after;
    while position < at {
        let byte = *bytes.get(position)?;
        let starts_token = position == 0 || matches!(bytes[position - 1], b' ' | b'\t' | b'\n' | b'[' | b'{' | b',');
        match byte {
            b'"' | b'\'' if starts_token => {
                let end = end_of_quoted(bytes, position);
                match end {
                    Some(end) if end <= at => position = end,
                    _ => return Some((position, end)),
                }
            }
            b'#' if starts_token => position += text[position..].find('\n')?,
            _ => position += 1,
        }
    }
    None
}

fn end_of_quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let mut position = start + 1;
    loop {
        match *bytes.get(position)? {
            b'\\' if quote == b'"' => position += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(position + 1) == Some(&b'\'') => position += 2,
            byte if byte == quote => return Some(position + 1),
            _ => position += 1,
        }
    }
}
