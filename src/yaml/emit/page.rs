//! The text that is being printed, and how each style of scalar is put on it.

use std::borrow::Cow;

use crate::yaml::emit::shape;

/// Column after which the next space becomes a line break.
const WIDTH: usize = 80;

/// Whether a quoted or plain scalar may go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folding {
    /// A value: indented by so many columns on further lines.
    To(usize),
    /// A simple key.
    Never,
}

pub(super) struct Page {
    out: String,
    /// The byte of `out` where the current line begins.
    line_start: usize,
    /// Whether the current line has nothing but indentation and the indicators `-`, `?` and `:`.
    fresh: bool,
}

impl Page {
    pub(super) fn new() -> Self {
        Self { out: String::new(), line_start: 0, fresh: true }
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    /// Appends `text`, which has no line break.
    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Says that a key or a value was written. After a block the line is fresh again.
    pub(super) fn content_written(&mut self) {
        self.fresh = self.out.len() == self.line_start;
    }

    /// Ends the line, unless nothing is in it.
    pub(super) fn end_line(&mut self) {
        if !self.fresh {
            self.break_line();
        }
    }

    pub(super) fn break_line(&mut self) {
        self.out.push('\n');
        self.line_start = self.out.len();
        self.fresh = true;
    }

    /// Goes to column `indent`, in the next line where this one already holds a key or a value.
    pub(super) fn indent_to(&mut self, indent: usize) {
        self.end_line();
        // A fresh line is ASCII: bytes are columns.
        let column = self.out.len() - self.line_start;
        self.pad(indent.saturating_sub(column));
    }

    fn pad(&mut self, count: usize) {
        const BLANKS: &str = "                                                                ";
        let mut left = count;
        while left > 0 {
            let now = left.min(BLANKS.len());
            self.out.push_str(&BLANKS[..now]);
            left -= now;
        }
    }

    /// Returns whether a text of `bytes` bytes may reach the column after which lines are folded.
    fn may_fold(&self, bytes: usize) -> bool {
        self.out.len() - self.line_start + bytes > WIDTH
    }

    fn column(&self) -> usize {
        self.out[self.line_start..].chars().count()
    }

    pub(super) fn plain(&mut self, text: &str, indent: usize) {
        if !self.may_fold(text.len()) {
            self.out.push_str(text);
            return;
        }
        self.folded(text, indent, |_| true);
    }

    /// Writes words up to the first single space past the width, and goes on in the next line.
    fn folded(&mut self, text: &str, indent: usize, may_break: impl Fn(usize) -> bool) {
        let bytes = text.as_bytes();
        let mut column = self.column();
        let mut written = 0;
        let mut after_space = false;
        for (at, character) in text.char_indices() {
            let is_space = character == ' ';
            if is_space && !after_space && column > WIDTH && bytes.get(at + 1) != Some(&b' ') && may_break(at) {
                self.out.push_str(&text[written..at]);
                self.break_line();
                self.pad(indent);
                column = indent;
                written = at + 1;
            } else {
                column += 1;
            }
            after_space = is_space;
        }
        self.out.push_str(&text[written..]);
    }

    pub(super) fn single_quoted(&mut self, text: &str, folding: Folding) {
        self.out.push('\'');
        let text: Cow<'_, str> = if text.contains('\'') { text.replace('\'', "''").into() } else { text.into() };
        let has_breaks = text.contains(shape::UNICODE_BREAKS);
        match folding {
            Folding::To(indent) if has_breaks => self.single_quoted_with_breaks(&text, indent),
            Folding::To(indent) if self.may_fold(text.len()) => {
                let last = text.len() - 1;
                self.folded(&text, indent, |at| at > 0 && at < last);
            }
            _ => self.out.push_str(&text),
        }
        self.out.push('\'');
    }

    /// U+2028 and U+2029 stay as they are, begin a line and are followed by its indentation.
    fn single_quoted_with_breaks(&mut self, text: &str, indent: usize) {
        for (at, line) in text.split(shape::UNICODE_BREAKS).enumerate() {
            if at > 0 && !line.is_empty() {
                self.pad(indent);
            }
            let last = line.len();
            self.folded(line, indent, |space| (at > 0 || space > 0) && space < last);
            self.unicode_break_after(text, line);
        }
    }

    pub(super) fn double_quoted(&mut self, text: &str, folding: Folding) {
        self.out.push('"');
        let bytes = text.as_bytes();
        // go-yaml looks for a byte order mark at the start of the text, whichever character it is at.
        let starts_with_mark = text.starts_with('\u{FEFF}');
        let mut column = self.column();
        let mut after_space = false;
        for (at, character) in text.char_indices() {
            if starts_with_mark || shape::needs_escape(character) {
                let before = self.out.len();
                shape::push_escaped(&mut self.out, character);
                column += self.out.len() - before;
                after_space = false;
                continue;
            }
            let is_space = character == ' ';
            let may_break = is_space && !after_space && column > WIDTH && at > 0 && at < bytes.len() - 1;
            if let (true, Folding::To(indent)) = (may_break, folding) {
                self.break_line();
                self.pad(indent);
                column = indent;
                if bytes[at + 1] == b' ' {
                    self.out.push('\\');
                    column += 1;
                }
            } else {
                self.out.push(character);
                column += 1;
            }
            after_space = is_space;
        }
        self.out.push('"');
    }

    pub(super) fn literal(&mut self, text: &str, has_unicode_breaks: bool, indent: usize) {
        self.out.push('|');
        if text.starts_with(|first: char| first == ' ' || shape::is_break(first)) {
            self.out.push('2');
        }
        let mut from_end = text.chars().rev();
        let last_is_break = from_end.next().is_some_and(shape::is_break);
        let ends_with_blank_line = from_end.next().is_none_or(shape::is_break);
        if !last_is_break {
            self.out.push('-');
        } else if ends_with_blank_line {
            self.out.push('+');
        }
        self.break_line();
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            if has_unicode_breaks {
                self.literal_line_with_breaks(line, indent);
            } else if !line.is_empty() {
                self.pad(indent);
                self.out.push_str(line);
            }
            if lines.peek().is_some() {
                self.break_line();
            }
        }
    }

    fn literal_line_with_breaks(&mut self, line: &str, indent: usize) {
        for part in line.split(shape::UNICODE_BREAKS) {
            if !part.is_empty() {
                self.pad(indent);
                self.out.push_str(part);
            }
            self.unicode_break_after(line, part);
        }
    }

    /// Writes the U+2028 or U+2029 that follows `part` in `text`, a slice of it; the next line begins behind it.
    fn unicode_break_after(&mut self, text: &str, part: &str) {
        let end = part.as_ptr() as usize - text.as_ptr() as usize + part.len();
        if let Some(separator) = text[end..].chars().next() {
            self.out.push(separator);
            self.line_start = self.out.len();
        }
    }
}
