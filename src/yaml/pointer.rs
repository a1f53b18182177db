//! Places inside a document, independent of its bytes.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use crate::text::Span;
use crate::yaml::{Kind, Node};

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The value of a key. In a pointer that was read from text, digits are a key too: they find items of lists.
    Key(SmolStr),
    /// The item of a list, from 0.
    Index(usize),
}

/// A path from the root of a document; displayed as a JSON pointer (RFC 6901): `/spec/ports/0/name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(Vec<Segment>);

/// A text that is no JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the JSON pointer `{0}`, which does not begin with `/`")]
pub struct PointerError(String);

/// What a pointer leads to.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The value.
    pub node: &'a Node,
    /// Where the key of the value is written, if it is the value of a key.
    pub key: Option<Span>,
}

impl Pointer {
    /// Returns the pointer to the root.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns the pointer along `keys`.
    pub fn from_keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.into())).collect())
    }

    /// Returns the steps from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the pointer to the value of `key` below this one.
    pub fn key(&self, key: impl Into<SmolStr>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// Returns the pointer to the item `index` below this one.
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// Returns the pointer that leads on from here along `below`.
    pub fn join(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }

    /// Returns the pointer to what holds this; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Returns what this leads to below `root`.
    pub fn resolve<'a>(&self, root: &'a Node) -> Option<Resolved<'a>> {
        let start = Resolved { node: root, key: None };
        self.0.iter().try_fold(start, |here, segment| step(here.node, segment))
    }

    /// Returns what the longest part of this that exists leads to, and how many steps that part has: where a missing
    /// field is reported.
    pub fn resolve_nearest<'a>(&self, root: &'a Node) -> (Resolved<'a>, usize) {
        let mut here = Resolved { node: root, key: None };
        for (depth, segment) in self.0.iter().enumerate() {
            let Some(next) = step(here.node, segment) else { return (here, depth) };
            here = next;
        }
        (here, self.0.len())
    }
}

fn step<'a>(node: &'a Node, segment: &Segment) -> Option<Resolved<'a>> {
    match (&node.kind, segment) {
        (Kind::Map(map), Segment::Key(key)) => {
            let entry = map.entry(key)?;
            Some(Resolved { node: &entry.value, key: Some(entry.key.span()) })
        }
        (Kind::Sequence(items), Segment::Index(index)) => Some(Resolved { node: items.get(*index)?, key: None }),
        (Kind::Sequence(items), Segment::Key(digits)) => {
            Some(Resolved { node: items.get(digits.parse::<usize>().ok()?)?, key: None })
        }
        _ => None,
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let Some(steps) = text.strip_prefix('/') else { return Err(PointerError(text.to_owned())) };
        let unescape = |step: &str| Segment::Key(step.replace("~1", "/").replace("~0", "~").into());
        Ok(Self(steps.split('/').map(unescape).collect()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            match segment {
                Segment::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?,
                Segment::Index(index) => write!(f, "/{index}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;
    use crate::yaml::parse;

    #[test]
    fn a_pointer_leads_to_the_value_and_its_key() {
        let text = "spec:\n  ports:\n    - name: web\n  a/b~c: 1\n";
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        let root = parse(source, text).documents.remove(0).root;

        let name = Pointer::from_keys(["spec", "ports"]).index(0).key("name");
        assert_eq!(name.to_string(), "/spec/ports/0/name");
        let found = name.resolve(&root).unwrap();
        assert_eq!(found.node.as_str(), Some("web"));
        assert_eq!(&text[found.key.unwrap().range()], "name");

        let read: Pointer = "/spec/ports/0/name".parse().unwrap();
        assert_eq!(read.resolve(&root).unwrap().node.as_str(), Some("web"));
        let escaped: Pointer = "/spec/a~1b~0c".parse().unwrap();
        assert_eq!(escaped.resolve(&root).unwrap().node.as_str(), Some("1"));
        assert_eq!(escaped.to_string(), "/spec/a~1b~0c");
    }

    #[test]
    fn the_nearest_existing_value_is_found_for_what_is_missing() {
        let text = "spec:\n  replicas: 1\n";
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        let root = parse(source, text).documents.remove(0).root;
        let missing = Pointer::from_keys(["spec", "template", "spec"]);
        assert!(missing.resolve(&root).is_none());
        let (nearest, depth) = missing.resolve_nearest(&root);
        assert_eq!(depth, 1);
        assert_eq!(&text[nearest.key.unwrap().range()], "spec");
        assert_eq!("spec".parse::<Pointer>(), Err(PointerError("spec".to_owned())));
    }
}
