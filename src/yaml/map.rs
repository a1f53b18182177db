//! Mappings: keys with their places, and their values.

use std::slice;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::text::Span;
use crate::yaml::{Members, Node, Scalar};

/// A mapping key: a scalar with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key. A file repeats few of them often: one that it repeats is held once.
    pub scalar: Arc<Scalar>,
    /// Where it is written.
    pub span: Span,
}

impl Key {
    /// Returns the key `scalar`, written at `span`.
    pub fn new(scalar: Scalar, span: Span) -> Self {
        Self { scalar: Arc::new(scalar), span }
    }

    /// Returns a key that is a string whatever its text, at `span`.
    pub fn string(text: impl Into<SmolStr>, span: Span) -> Self {
        Self::new(Scalar::string(text), span)
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.scalar.text
    }
}

/// One key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

// Trees are most of the memory of a run, and entries most of a tree.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Entry>() <= 88, "an entry of a mapping has grown");

/// A mapping in the order of the text. Keys are unique: the reader reports repeated ones and keeps the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map(Members<Entry>);

impl Map {
    /// Returns a map of `entries`, whose keys must be unique.
    pub fn from_entries(entries: Vec<Entry>) -> Self {
        Self(entries.into())
    }

    /// Returns the entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Returns the entries for change, each in its place; shared ones are copied first.
    pub fn entries_mut(&mut self) -> &mut [Entry] {
        self.0.make_mut()
    }

    /// Adds `entry`, whose key must be new, at the end.
    pub fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// Returns the entries as a list that others can be added to or taken from; shared ones are copied first.
    pub fn to_mut(&mut self) -> &mut Vec<Entry> {
        self.0.to_mut()
    }

    /// Returns a number that no other map has while this one lives, except clones that share its entries.
    pub fn identity(&self) -> usize {
        self.0.identity()
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the entries in order.
    pub fn iter(&self) -> slice::Iter<'_, Entry> {
        self.0.iter()
    }

    /// Returns the entry of `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key.text() == key)
    }

    /// Returns the value of `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the value of `key` for change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        // Looked up first, so that a miss copies nothing.
        let at = self.0.iter().position(|entry| entry.key.text() == key)?;
        Some(&mut self.entries_mut()[at].value)
    }

    /// Sets `key` to `value`: in place where the key exists (its span stays), else at the end with the value's span.
    pub fn set(&mut self, key: &str, value: Node) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
            return;
        }
        let key = Key::string(key, value.span);
        self.0.push(Entry { key, value });
    }

    /// Removes `key` and returns its entry.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let at = self.0.iter().position(|entry| entry.key.text() == key)?;
        Some(self.to_mut().remove(at))
    }
}

impl FromIterator<Entry> for Map {
    /// Returns a map of `entries`, whose keys must be unique.
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a Entry;
    type IntoIter = slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
