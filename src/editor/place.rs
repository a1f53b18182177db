//! From a byte of a file to the value that stands there.

use smol_str::SmolStr;

use crate::repo::Repo;
use crate::text::{RepoPath, SourceId};
use crate::yaml::{Key, Kind, Node};

/// A byte of a file as a place in its YAML tree.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The file.
    pub(super) source: SourceId,
    /// The byte.
    pub(super) byte: usize,
    /// Root of the document.
    pub(super) root: &'a Node,
    /// The way from the root: keys, and `[]` for an item of a list, joined by dots: `spec.dependsOn[].name`.
    pub(super) way: String,
    /// The values along the way, the root first; the last is the one at the byte.
    pub(super) nodes: Vec<&'a Node>,
}

impl<'a> Place<'a> {
    /// Returns the place of `byte` in the file `path`; nothing where no value stands or could stand there.
    pub(super) fn at(repo: &'a Repo, path: &RepoPath, byte: usize) -> Option<Self> {
        let source = repo.files().id(path)?;
        let text = repo.source(source)?.text();
        let documents = &repo.yaml(source)?.documents;
        let document =
            documents.iter().rev().find(|document| document.span.range().start <= byte).or(documents.first())?;
        let mut place = Self { source, byte, root: &document.root, way: String::new(), nodes: vec![&document.root] };
        let key = place.descend(&document.root);
        let node = place.node();
        // A value that is still to be typed may stand behind its key or its dash, on the same line.
        let start =
            if node.is_null() { key.map_or(node.span.range().start, |key| key.span().range().end) } else { byte };
        let is_near = |from: usize| text.get(from.min(byte)..byte.max(from)).is_some_and(|gap| !gap.contains('\n'));
        let end = node.span.range().end;
        let is_inside = node.as_scalar().is_some() && (byte <= end || (node.is_null() && is_near(start)));
        is_inside.then_some(place)
    }

    fn descend(&mut self, from: &'a Node) -> Option<&'a Key> {
        let (source, byte) = (self.source, self.byte);
        let begins = |start: usize, of: SourceId| of == source && start <= byte;
        let mut node = from;
        let mut last_key = None;
        loop {
            let next = match &node.kind {
                Kind::Scalar(_) => return last_key,
                Kind::Map(map) => {
                    let before =
                        map.iter().filter(|entry| begins(entry.key.span().range().start, entry.key.span().source));
                    let Some(entry) = before.max_by_key(|entry| entry.key.span().start) else { return last_key };
                    if !self.way.is_empty() {
                        self.way.push('.');
                    }
                    self.way.push_str(entry.key.text());
                    last_key = Some(&entry.key);
                    &entry.value
                }
                Kind::Sequence(items) => {
                    let before = items.iter().filter(|item| begins(item.span.range().start, item.span.source));
                    let Some(item) = before.max_by_key(|item| item.span.start) else { return last_key };
                    self.way.push_str("[]");
                    item
                }
            };
            self.nodes.push(next);
            node = next;
        }
    }

    /// Returns the value at the byte.
    pub(super) fn node(&self) -> &'a Node {
        self.nodes.last().copied().unwrap_or(self.root)
    }

    /// Returns the mapping or list that holds the value.
    pub(super) fn parent(&self) -> &'a Node {
        self.nodes.iter().rev().nth(1).copied().unwrap_or(self.root)
    }

    /// Returns the text of the value; empty where it is still to be typed.
    pub(super) fn text(&self) -> &'a str {
        self.node().as_str().unwrap_or_default()
    }

    /// Returns a field beside the value.
    pub(super) fn beside(&self, field: &str) -> Option<SmolStr> {
        Some(self.parent().get(field)?.as_str()?.into())
    }

    /// Returns whether the way ends in the names of `end`.
    pub(super) fn ends_in(&self, end: &str) -> bool {
        self.way
            .strip_suffix(end)
            .is_some_and(|before| before.is_empty() || before.ends_with('.') || end.starts_with('['))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;

    /// Returns the way to the byte that `|` marks in `text`, and the value there.
    fn way(text: &str) -> Option<(String, String)> {
        let byte = text.find('|').unwrap();
        let repo = Repo::new(FileSet::from_texts([("a.yaml", text.replacen('|', "", 1))]));
        let place = Place::at(&repo, &RepoPath::new("a.yaml").unwrap(), byte)?;
        Some((place.way.clone(), place.text().to_owned()))
    }

    #[test]
    fn a_byte_in_a_value_or_its_key_is_that_value() {
        let expected = |way: &str, text: &str| Some((way.to_owned(), text.to_owned()));
        assert_eq!(way("spec:\n  dependsOn:\n  - name: in|fra\n"), expected("spec.dependsOn[].name", "infra"));
        assert_eq!(way("a: 1\n---\nb: {c: [x, |y]}\n"), expected("b.c[]", "y"));
        assert_eq!(way("met|adata: web\nkind: x\n"), expected("metadata", "web"));
    }

    #[test]
    fn a_value_that_is_still_to_be_typed_has_a_place() {
        assert_eq!(way("spec:\n  name: |\n  kind: x\n").unwrap().0, "spec.name");
        assert_eq!(way("resources:\n- a\n- |\n").unwrap().0, "resources[]");
        assert_eq!(way("spec: {kind: x, name: |}\n").unwrap().0, "spec.name");
    }

    #[test]
    fn behind_the_last_value_there_is_none() {
        assert_eq!(way("a: 1\n\n# |\n"), None);
        assert_eq!(way("|"), None);
    }
}
