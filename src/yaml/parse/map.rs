//! The mappings of a text: repeated keys, merge keys, and keys that are held once.

use std::collections::HashMap;
use std::vec::Drain;

use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::text::Span;
use crate::yaml::parse::{DUPLICATE_KEY, SYNTAX};
use crate::yaml::{Entry, Key, Kind, Map, Node, Scalar, Style};

/// Mappings with more keys are checked for repeated ones with a hash map.
const SMALL_MAP: usize = 16;
/// How many keys of a text are held once however often it has them: data may have a million, once each.
const MOST_SHARED_KEYS: usize = 1024;

/// Plain keys that a text has had: manifests repeat few of them often, and the tree holds each of these once.
#[derive(Default)]
pub(super) struct Keys(HashMap<SmolStr, Key>);

impl Keys {
    /// Returns the key `scalar` at `span`, in one with an equal one that came before it.
    pub(super) fn key(&mut self, scalar: Scalar, span: Span) -> Key {
        if scalar.style != Style::Plain || scalar.tag.is_some() {
            return Key::new(scalar, span);
        }
        if let Some(known) = self.0.get(&scalar.text) {
            return known.at(span);
        }
        let key = Key::new(scalar, span);
        if self.0.len() < MOST_SHARED_KEYS {
            self.0.insert(key.text().into(), key.clone());
        }
        key
    }
}

/// Returns `entries` with merge keys expanded and without repeated keys: the last one stays, each is reported.
pub(super) fn unique(entries: Drain<'_, Entry>, diagnostics: &mut Vec<Diagnostic>) -> Map {
    if !entries.as_slice().iter().any(is_merge) {
        let repeated = repeated(entries.as_slice());
        return if repeated.is_empty() { entries.collect() } else { without(entries, repeated, diagnostics) };
    }
    let entries = merged(entries, diagnostics);
    let repeated = repeated(&entries);
    without(entries, repeated, diagnostics)
}

/// Returns the positions of the entries that repeat a key, each with that of the one before it.
fn repeated(entries: &[Entry]) -> Vec<(usize, usize)> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut repeated: Vec<(usize, usize)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let text = entry.key.text();
        let before = if entries.len() <= SMALL_MAP {
            entries[..at].iter().rposition(|earlier| earlier.key.text() == text)
        } else {
            first.insert(text, at)
        };
        if let Some(before) = before {
            repeated.push((before, at));
        }
    }
    repeated
}

/// Returns `entries` without the first of each of the `repeated`, which are reported.
fn without(
    entries: impl IntoIterator<Item = Entry>,
    repeated: Vec<(usize, usize)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Map {
    let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    for (before, at) in repeated {
        let Some(dropped) = entries[before].take() else { continue };
        if let Some(entry) = &entries[at] {
            diagnostics.push(duplicate_key(&dropped.key, &entry.key));
        }
    }
    entries.into_iter().flatten().collect()
}

/// Expands `<<`: keys that are written win over merged ones, earlier merged mappings over later ones.
///
/// Source: the YAML merge key type, as go-yaml v3 reads it.
fn merged(entries: impl Iterator<Item = Entry>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut written = Vec::new();
    let mut merges = Vec::new();
    for entry in entries {
        if is_merge(&entry) { merges.push(entry) } else { written.push(entry) }
    }
    for merge in merges {
        let maps: Vec<&Map> = match &merge.value.kind {
            Kind::Map(map) => vec![map],
            Kind::Sequence(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.iter().filter_map(Node::as_map).collect()
            }
            _ => {
                let finding = Diagnostic::new(SYNTAX, Severity::Error, "a merge key holds no mapping")
                    .label(merge.value.span, "only mappings can be merged");
                diagnostics.push(finding);
                continue;
            }
        };
        for entry in maps.into_iter().flat_map(Map::iter) {
            if !written.iter().any(|other| other.key.text() == entry.key.text()) {
                written.push(entry.clone());
            }
        }
    }
    written
}

fn is_merge(entry: &Entry) -> bool {
    entry.key.text() == "<<" && entry.key.scalar().style == Style::Plain && entry.key.scalar().tag.is_none()
}

fn duplicate_key(dropped: &Key, kept: &Key) -> Diagnostic {
    Diagnostic::new(DUPLICATE_KEY, Severity::Error, format!("key `{}` is defined twice", kept.text()))
        .label(kept.span(), "defined again here")
        .label(dropped.span(), "first defined here")
        .help("remove one of them")
        .note("kustomize refuses the file")
}
