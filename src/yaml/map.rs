//! Mappings: keys with their places, and their values.

use std::slice;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::text::{SourceId, Span};
use crate::yaml::{Members, Node, Scalar};

/// A mapping key: a scalar with its place.
///
/// A file repeats few keys often, and all but the first byte of such a key is the same each time: it is held once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    written: Arc<Written>,
    start: u32,
}

/// What keys that are written alike in one file have in common.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    scalar: Scalar,
    source: SourceId,
    /// In bytes, as it is written.
    length: u32,
}

impl Key {
    /// Returns the key `scalar`, written at `span`.
    pub fn new(scalar: Scalar, span: Span) -> Self {
        let length = span.end.saturating_sub(span.start);
        Self { written: Arc::new(Written { scalar, source: span.source, length }), start: span.start }
    }

    /// Returns a key that is a string whatever its text, at `span`.
    pub fn string(text: impl Into<SmolStr>, span: Span) -> Self {
        Self::new(Scalar::string(text), span)
    }

    /// Returns the same key at `span`; it is held once where only its first byte differs.
    pub fn at(&self, span: Span) -> Self {
        let moved = Self { written: Arc::clone(&self.written), start: span.start };
        if moved.span() == span { moved } else { Self::new(self.scalar().clone(), span) }
    }

    /// Returns the scalar.
    pub fn scalar(&self) -> &Scalar {
        &self.written.scalar
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.written.scalar.text
    }

    /// Returns where it is written.
    pub fn span(&self) -> Span {
        Span { source: self.written.source, start: self.start, end: self.start.saturating_add(self.written.length) }
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
const _: () = assert!(size_of::<Entry>() <= 80, "an entry of a mapping has grown");

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;

    #[test]
    fn a_key_at_another_place_is_held_once_unless_it_is_written_otherwise_there() {
        let files = FileSet::from_texts([("a.yaml", ""), ("b.yaml", "")]);
        let sources: Vec<SourceId> = files.iter().map(|(_, source)| source).collect();
        let key = Key::string("name", Span::new(sources[0], 4..8));
        let places = [(sources[0], 20..24, true), (sources[0], 20..26, false), (sources[1], 20..24, false)];
        for (source, range, is_shared) in places {
            let span = Span::new(source, range);
            let moved = key.at(span);
            assert_eq!((moved.span(), moved.text()), (span, "name"));
            assert_eq!(Arc::ptr_eq(&moved.written, &key.written), is_shared, "{span:?}");
            assert_ne!(moved, key);
            assert_eq!(moved, Key::string("name", span));
        }
    }
}
