//! Collections in flow style, and the commas among their comments.

use crate::yaml::kyaml::print::{Context, Emitter, is_simple_key};
use crate::yaml::kyaml::read::Item;

impl Emitter {
    pub(super) fn flow_sequence(&mut self, item: &Item, items: &[Item]) {
        self.indicator("[", true, true, false);
        let outer = self.open_flow();
        let was_in_flow = std::mem::replace(&mut self.is_in_flow, true);
        let mut has_comma = true;
        for item in items {
            if !has_comma {
                self.indicator(",", false, false, false);
            }
            self.set_head(item);
            self.process_head();
            if self.column == 0 {
                self.write_indent();
            }
            self.node_without_head(item, Context::MapValue);
            has_comma = self.trailing();
        }
        self.is_in_flow = was_in_flow;
        self.indent = outer;
        if self.column == 0 {
            self.write_indent();
        }
        self.indicator("]", false, false, false);
        self.close_flow(item);
    }

    pub(super) fn flow_map(&mut self, item: &Item, entries: &[(Item, Item)]) {
        self.indicator("{", true, true, false);
        let outer = self.open_flow();
        let was_in_flow = std::mem::replace(&mut self.is_in_flow, true);
        let mut has_comma = true;
        for (key, value) in entries {
            if !has_comma {
                self.indicator(",", false, false, false);
            }
            self.set_head(key);
            self.process_head();
            if self.column == 0 {
                self.write_indent();
            }
            if is_simple_key(key) {
                self.key(key);
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, false);
                let bare = Item { head: String::new(), line: String::new(), foot: String::new(), ..key.clone() };
                self.node(&bare, Context::MapValue);
                self.indicator(":", true, false, false);
            }
            self.node(value, Context::MapValue);
            has_comma = self.trailing();
            key.foot.clone_into(&mut self.tail);
        }
        if !has_comma && (!self.head.is_empty() || !self.tail.is_empty()) {
            self.indicator(",", false, false, false);
        }
        self.process_head();
        self.is_in_flow = was_in_flow;
        self.indent = outer;
        self.indicator("}", false, false, false);
        self.close_flow(item);
    }

    fn open_flow(&mut self) -> isize {
        let outer = self.indent;
        self.indent = if outer < 0 { 2 } else { (outer / 2 + 1) * 2 };
        outer
    }

    /// A comma goes before the comments of an item; returns whether it is written.
    fn trailing(&mut self) -> bool {
        let has_comments = !(self.line.is_empty() && self.foot.is_empty());
        if has_comments {
            self.indicator(",", false, false, false);
        }
        self.process_line();
        self.process_foot();
        has_comments
    }

    fn close_flow(&mut self, item: &Item) {
        if !item.line.is_empty() {
            item.line.clone_into(&mut self.line);
        }
        if !item.foot.is_empty() {
            item.foot.clone_into(&mut self.foot);
        }
        // Inside another flow collection its own comma comes first.
        if !self.is_in_flow {
            self.process_line();
            self.process_foot();
        }
    }
}
