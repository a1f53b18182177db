//! Pointers for people, and the places that stand for what they lead to.

use std::fmt::Write;

use crate::text::Span;
use crate::yaml::{Node, Pointer, Segment};

/// Returns the path for people, as far as `root` tells lists from mappings: `spec.ports[0].name`.
pub(super) fn display(pointer: &Pointer, root: &Node) -> String {
    let mut text = String::new();
    let mut here = Pointer::root();
    for segment in pointer.segments() {
        let in_list = here.resolve(root).is_some_and(|found| found.node.as_sequence().is_some());
        let (name, below) = match segment {
            Segment::Key(key) => (key.to_string(), here.key(key.clone())),
            Segment::Index(index) => (index.to_string(), here.index(*index)),
        };
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if in_list {
            let _ = write!(text, "[{name}]");
        } else if !is_word || name.is_empty() {
            let _ = write!(text, "[\"{name}\"]");
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            let _ = write!(text, "{dot}{name}");
        }
        here = below;
    }
    text
}

/// Returns the value that `pointer` leads to; where it is not there, the last one on the way to it.
pub(super) fn nearest<'n>(pointer: &Pointer, root: &'n Node) -> &'n Node {
    pointer.resolve_nearest(root).0.node
}

/// Returns the place that stands for the object at `pointer`: its key, else what tells it from others.
pub(super) fn place(pointer: &Pointer, root: &Node) -> Span {
    let (found, _) = pointer.resolve_nearest(root);
    if let Some(key) = found.key {
        return key;
    }
    let node = found.node;
    let telling = ["name", "kind"].iter().find_map(|key| node.get(key));
    let first = node.as_map().and_then(|map| map.entries().first()).map(|entry| entry.key.span());
    telling.map(|node| node.span).or(first).unwrap_or(node.span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;
    use crate::yaml::parse;

    #[test]
    fn a_path_shows_items_of_lists_and_keys_that_are_no_words() {
        let text = "metadata: {labels: {app.io/name: a}}\nspec: {ports: [{name: b}]}\n";
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        let root = parse(source, text).documents.remove(0).root;
        let shown = |pointer: &str| display(&pointer.parse().unwrap(), &root);
        assert_eq!(shown("/spec/ports/0/name"), "spec.ports[0].name");
        assert_eq!(shown("/metadata/labels/app.io~1name"), "metadata.labels[\"app.io/name\"]");
        assert_eq!(shown(""), "");
    }
}
