//! The page: characters, indentation, and the comments that wait for their line.

use crate::yaml::kyaml::print::Emitter;

impl Emitter {
    pub(super) fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    pub(super) fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indention = true;
    }

    fn width(&self) -> usize {
        usize::try_from(self.indent).unwrap_or(0)
    }

    pub(super) fn write_indent(&mut self) {
        let indent = self.width();
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if usize::try_from(self.foot_indent).is_ok_and(|foot| foot == indent) {
            self.put_break();
        }
        while self.column < indent {
            self.put(" ");
        }
        self.whitespace = true;
        self.foot_indent = -1;
    }

    pub(super) fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(" ");
        }
        self.put(text);
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    fn write_comment(&mut self, comment: &str) {
        let mut ends_in_break = false;
        for (at, line) in comment.split('\n').enumerate() {
            if at > 0 {
                self.put_break();
                ends_in_break = true;
            }
            if line.is_empty() {
                continue;
            }
            if at > 0 {
                self.write_indent();
            }
            self.put(line);
            self.indention = false;
            ends_in_break = false;
        }
        if !ends_in_break {
            self.put_break();
        }
        self.whitespace = true;
    }

    pub(super) fn process_head(&mut self) {
        if !self.tail.is_empty() {
            self.write_indent();
            let tail = std::mem::take(&mut self.tail);
            self.write_comment(&tail);
            self.foot_indent = self.indent.max(0);
        }
        if !self.head.is_empty() {
            self.write_indent();
            let head = std::mem::take(&mut self.head);
            self.write_comment(&head);
        }
    }

    pub(super) fn process_line(&mut self) {
        if self.line.is_empty() {
            return;
        }
        if !self.whitespace {
            self.put(" ");
        }
        let line = std::mem::take(&mut self.line);
        self.write_comment(&line);
    }

    pub(super) fn process_foot(&mut self) {
        if self.foot.is_empty() {
            return;
        }
        self.write_indent();
        let foot = std::mem::take(&mut self.foot);
        self.write_comment(&foot);
        self.foot_indent = self.indent.max(0);
    }
}
