//! The emitter of go-yaml v3, for trees of kyaml.
//!
//! Source: go-yaml 3.0, `emitterc.go`, with an indentation of two and lines of any length.

mod flow;
mod page;
mod scalar;

use crate::yaml::Style;
use crate::yaml::kyaml::ListItem;
use crate::yaml::kyaml::read::{Item, ItemKind, Tree};
use crate::yaml::kyaml::style::Shape;

/// Longest simple key in bytes.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Returns `tree` as text; `is_wide` indents lists below their key.
pub(super) fn document(tree: &Tree, is_wide: bool) -> String {
    let mut emitter = Emitter { is_wide, foot_indent: -1, indention: true, whitespace: true, ..Emitter::default() };
    emitter.document(&tree.root, &tree.head, &tree.foot);
    emitter.out
}

/// Returns each item of a list as a file.
pub(super) fn list_items(items: &[Item], is_wide: bool) -> Vec<ListItem> {
    let file = |item: &Item| {
        let text = |keys: [&str; 2]| {
            let found = item.get(keys[0])?;
            if keys[1].is_empty() { found.text() } else { found.get(keys[1])?.text() }
        };
        let kind = text(["kind", ""]).unwrap_or_default().to_lowercase();
        let name = text(["metadata", "name"]).unwrap_or_default();
        let namespace = text(["metadata", "namespace"]).filter(|namespace| !namespace.is_empty());
        let path = match namespace {
            Some(namespace) => format!("{namespace}/{kind}_{name}.yaml"),
            None => format!("{kind}_{name}.yaml"),
        };
        let mut root = item.clone();
        root.head.clear();
        let tree = Tree { root, head: String::new(), foot: String::new() };
        ListItem { path, text: document(&tree, is_wide), is_changed: false }
    };
    items.iter().map(file).collect()
}

/// What a collection stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    MapValue,
    SequenceItem,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the state of the emitter, as upstream has it")]
struct Emitter {
    out: String,
    column: usize,
    /// The last character was white space.
    whitespace: bool,
    /// Only indentation and `-`, `?`, `:` stand in this line.
    indention: bool,
    indent: isize,
    /// Indentation of a comment below a value, behind which an empty line goes; -1 for none.
    foot_indent: isize,
    is_wide: bool,
    is_in_flow: bool,
    /// Comments that wait to be written.
    tail: String,
    head: String,
    line: String,
    foot: String,
}

impl Emitter {
    fn document(&mut self, root: &Item, head: &str, foot: &str) {
        self.indent = -1;
        if !head.is_empty() {
            head.clone_into(&mut self.head);
            self.process_head();
            self.put_break();
        }
        self.node(root, Context::Root);
        self.process_line();
        self.process_foot();
        self.foot_indent = 0;
        foot.clone_into(&mut self.foot);
        self.process_foot();
        self.foot_indent = -1;
        self.write_indent();
    }

    fn node(&mut self, item: &Item, context: Context) {
        match &item.kind {
            ItemKind::Scalar { text, style } => {
                self.take_comments(item);
                self.properties(item);
                self.scalar(text, *style, false);
            }
            ItemKind::Alias(name) => {
                self.take_comments(item);
                self.indicator(&format!("*{name}"), true, false, false);
            }
            ItemKind::Sequence { flow, items, .. } => {
                self.set_head(item);
                self.properties(item);
                if *flow || self.is_in_flow || items.is_empty() {
                    self.flow_sequence(item, items);
                } else {
                    self.block_sequence(items, context);
                }
            }
            ItemKind::Map { flow, entries } => {
                self.set_head(item);
                self.properties(item);
                if *flow || self.is_in_flow || entries.is_empty() {
                    self.flow_map(item, entries);
                } else {
                    self.block_map(entries, context);
                }
            }
        }
    }

    fn set_head(&mut self, item: &Item) {
        if !item.head.is_empty() {
            item.head.clone_into(&mut self.head);
        }
    }

    fn take_comments(&mut self, item: &Item) {
        self.set_head(item);
        if !item.line.is_empty() {
            item.line.clone_into(&mut self.line);
        }
        if !item.foot.is_empty() {
            item.foot.clone_into(&mut self.foot);
        }
    }

    fn properties(&mut self, item: &Item) {
        if let Some(anchor) = &item.anchor {
            self.indicator(&format!("&{anchor}"), true, false, false);
        }
        if let Some(tag) = &item.tag {
            let written = if tag.starts_with('!') { tag.clone() } else { format!("!<{tag}>") };
            self.indicator(&written, true, false, false);
        }
    }

    fn increase_indent(&mut self, context: Context, is_compact: bool) -> isize {
        let outer = self.indent;
        self.indent = match context {
            _ if outer < 0 => 0,
            Context::SequenceItem => outer + 2,
            _ if is_compact => outer,
            _ => (outer / 2 + 1) * 2,
        };
        outer
    }

    fn block_sequence(&mut self, items: &[Item], context: Context) {
        let is_compact = context == Context::MapValue && (self.column == 0 || !self.indention) && !self.is_wide;
        let outer = self.increase_indent(context, is_compact);
        for item in items {
            self.set_head(item);
            self.process_head();
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node_without_head(item, Context::SequenceItem);
            self.process_line();
            self.process_foot();
        }
        self.indent = outer;
    }

    /// The head is written already.
    fn node_without_head(&mut self, item: &Item, context: Context) {
        if item.head.is_empty() {
            self.node(item, context);
        } else {
            let item = Item { head: String::new(), ..item.clone() };
            self.node(&item, context);
        }
    }

    fn block_map(&mut self, entries: &[(Item, Item)], context: Context) {
        let outer = self.increase_indent(context, false);
        for (key, value) in entries {
            self.set_head(key);
            self.process_head();
            self.write_indent();
            let key_line = key.line.clone();
            if is_simple_key(key) {
                self.key(key);
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                let bare = Item { head: String::new(), line: String::new(), foot: String::new(), ..key.clone() };
                self.node(&bare, Context::SequenceItem);
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.value_after_key(value, &key_line);
            self.process_line();
            self.process_foot();
            key.foot.clone_into(&mut self.tail);
        }
        self.process_head();
        self.indent = outer;
    }

    fn value_after_key(&mut self, value: &Item, key_line: &str) {
        let is_flow_sequence = matches!(value.kind, ItemKind::Sequence { flow: true, .. });
        let is_scalar = matches!(value.kind, ItemKind::Scalar { .. });
        if !key_line.is_empty() {
            if is_scalar && value.line.is_empty() {
                key_line.clone_into(&mut self.line);
            } else if !is_scalar && !is_flow_sequence && !matches!(value.kind, ItemKind::Alias(_)) {
                key_line.clone_into(&mut self.line);
                self.process_line();
            }
        }
        self.node(value, Context::MapValue);
    }

    fn key(&mut self, key: &Item) {
        match &key.kind {
            ItemKind::Scalar { text, style } => {
                if text == "<<" && *style == Style::Plain && key.tag.is_none() {
                    self.indicator("!!merge", true, false, false);
                }
                self.properties(key);
                self.scalar(text, *style, true);
            }
            ItemKind::Alias(name) => {
                self.indicator(&format!("*{name}"), true, false, false);
                // Without a space the colon would be part of the name.
                self.put(" ");
            }
            _ => self.node(key, Context::MapValue),
        }
    }
}

/// Source: `yaml_emitter_check_simple_key`.
fn is_simple_key(key: &Item) -> bool {
    let properties = key.anchor.as_ref().map_or(0, String::len) + key.tag.as_ref().map_or(0, String::len);
    match &key.kind {
        ItemKind::Alias(_) => true,
        ItemKind::Scalar { text, .. } => !Shape::of(text).multiline && text.len() + properties <= LONGEST_SIMPLE_KEY,
        ItemKind::Sequence { items, .. } => items.is_empty(),
        ItemKind::Map { entries, .. } => entries.is_empty(),
    }
}
