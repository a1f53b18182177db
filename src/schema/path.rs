//! Paths into objects: from JSON pointers to nodes, and to words.

use std::fmt::Write;

use crate::text::Span;
use crate::yaml::{Key, Node};

/// The keys and indices on the way to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// Returns the path of an RFC 6901 pointer.
    pub(super) fn from_pointer(pointer: &str) -> Self {
        let segments = pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"));
        Self(segments.collect())
    }

    /// Returns the path of `segment` below this one.
    pub(super) fn join(&self, segment: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_owned());
        Self(segments)
    }

    /// Returns the RFC 6901 pointer.
    pub(super) fn pointer(&self) -> String {
        self.0.iter().fold(String::new(), |mut pointer, segment| {
            let _ = write!(pointer, "/{}", segment.replace('~', "~0").replace('/', "~1"));
            pointer
        })
    }

    /// Returns whether the path begins with `key`.
    pub(super) fn starts_with(&self, key: &str) -> bool {
        self.0.first().is_some_and(|first| first == key)
    }

    /// Returns the path for people, as far as `root` tells lists from mappings: `spec.ports[0].name`.
    pub(super) fn display(&self, root: &Node) -> String {
        let mut text = String::new();
        let mut node = Some(root);
        for segment in &self.0 {
            let in_list = node.is_some_and(|node| node.as_sequence().is_some());
            let is_word = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            if in_list {
                let _ = write!(text, "[{segment}]");
            } else if !is_word || segment.is_empty() {
                let _ = write!(text, "[\"{segment}\"]");
            } else {
                let dot = if text.is_empty() { "" } else { "." };
                let _ = write!(text, "{dot}{segment}");
            }
            node = node.and_then(|node| step(node, segment));
        }
        text
    }

    /// Returns the value at this path; where it is not there, the last one on the way to it.
    pub(super) fn nearest<'n>(&self, root: &'n Node) -> &'n Node {
        let mut node = root;
        for segment in &self.0 {
            let Some(next) = step(node, segment) else { return node };
            node = next;
        }
        node
    }

    /// Returns the key that the value at this path stands under; nothing for list items and the root.
    pub(super) fn key<'n>(&self, root: &'n Node) -> Option<&'n Key> {
        let (last, before) = self.0.split_last()?;
        let parent = Self(before.to_vec()).nearest(root);
        Some(&parent.as_map()?.entry(last)?.key)
    }

    /// Returns the place that stands for the object at this path: its key, else what tells it from others.
    pub(super) fn place(&self, root: &Node) -> Span {
        if let Some(key) = self.key(root) {
            return key.span;
        }
        let node = self.nearest(root);
        let telling = ["name", "kind"].iter().find_map(|key| node.get(key));
        let first = node.as_map().and_then(|map| map.entries().first()).map(|entry| entry.key.span);
        telling.map(|node| node.span).or(first).unwrap_or(node.span)
    }
}

fn step<'n>(node: &'n Node, segment: &str) -> Option<&'n Node> {
    match node.as_sequence() {
        Some(items) => items.get(segment.parse::<usize>().ok()?),
        None => node.get(segment),
    }
}
