//! Scalars in their five styles.

use crate::yaml::Style;
use crate::yaml::kyaml::print::Emitter;
use crate::yaml::kyaml::style::{self, Place};

impl Emitter {
    pub(super) fn scalar(&mut self, text: &str, style: Style, is_key: bool) {
        let place = Place { is_flow: self.is_in_flow, is_key };
        match style::select(text, style, place) {
            Style::Plain if text.is_empty() => {}
            Style::Plain => self.word(text),
            Style::SingleQuoted => {
                let written = format!("'{}'", text.replace('\'', "''"));
                self.single_quoted(&written);
            }
            Style::DoubleQuoted => self.word(&style::double_quoted(text)),
            Style::Literal => self.literal(text),
            Style::Folded => self.folded(text),
        }
    }

    fn word(&mut self, written: &str) {
        self.indicator(written, true, false, false);
    }

    /// Line breaks inside single quotes are doubled.
    fn single_quoted(&mut self, written: &str) {
        let mut lines = written.split('\n').peekable();
        let Some(first) = lines.next() else { return };
        self.indicator(first, true, false, false);
        let mut is_first_break = true;
        while let Some(line) = lines.next() {
            if is_first_break {
                self.put_break();
            }
            self.put_break();
            is_first_break = !line.is_empty();
            if line.is_empty() && lines.peek().is_some() {
                continue;
            }
            self.write_indent();
            self.put(line);
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn block_header(&mut self, indicator: &str, text: &str) {
        self.indicator(indicator, true, false, false);
        let mut hints = String::new();
        if text.starts_with([' ', '\n', '\u{85}', '\u{2028}', '\u{2029}']) {
            hints.push('2');
        }
        if !text.ends_with('\n') {
            hints.push('-');
        } else if text == "\n" || text.ends_with("\n\n") {
            hints.push('+');
        }
        self.put(&hints);
        if self.line.is_empty() {
            self.put_break();
        } else {
            self.process_line();
        }
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str) {
        let outer = self.increase_for_block();
        self.block_header("|", text);
        let mut lines = text.split('\n').peekable();
        let mut is_first = true;
        while let Some(line) = lines.next() {
            if !is_first {
                self.put_break();
            }
            is_first = false;
            if !line.is_empty() {
                self.write_indent();
                self.put(line);
                self.indention = false;
            }
            if lines.peek().is_some_and(|last| last.is_empty()) && lines.clone().count() == 1 {
                self.put_break();
                break;
            }
        }
        self.indent = outer;
    }

    /// Text of a block is indented like a collection at its place.
    fn increase_for_block(&mut self) -> isize {
        let outer = self.indent;
        self.indent = if outer < 0 { 2 } else { (outer / 2 + 1) * 2 };
        outer
    }

    fn folded(&mut self, text: &str) {
        let outer = self.increase_for_block();
        self.block_header(">", text);
        let (mut breaks, mut leading_spaces) = (true, true);
        for (at, character) in text.char_indices() {
            if character == '\n' {
                if !breaks && !leading_spaces {
                    // Upstream looks at the start of the text, not at this line.
                    let first = text.trim_start_matches('\n').chars().next();
                    if !matches!(first, None | Some(' ' | '\t')) {
                        self.put_break();
                    }
                }
                self.put_break();
                breaks = true;
                continue;
            }
            if breaks {
                self.write_indent();
                leading_spaces = text[at..].starts_with([' ', '\t']);
            }
            let mut buffer = [0; 4];
            self.put(character.encode_utf8(&mut buffer));
            (self.indention, breaks) = (false, false);
        }
        self.indent = outer;
    }
}
