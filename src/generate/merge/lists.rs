//! How the items of a list are told apart.

use crate::yaml::{Kind, Node};

/// Fields that name the items of a list, in the order they are tried: what Kubernetes merges lists by, and what
/// kustomize tells patches apart by.
const NAMES: &[&str] = &["name", "mountPath", "containerPort", "port", "path", "key", "topicName", "host"];

/// Lists of scalars whose order is their meaning.
const ORDERED: &[&str] = &["args", "command"];

/// What the items of a list are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// Their text: a set.
    Text,
    /// The text of this field.
    Field(&'static str),
}

impl Identity {
    /// Returns what `item` is known by.
    pub(super) fn of(self, item: &Node) -> String {
        let name = match self {
            Self::Text => item.as_scalar(),
            Self::Field(field) => item.get(field).and_then(Node::as_scalar),
        };
        name.map(|scalar| scalar.text.to_string()).unwrap_or_default()
    }

    /// Returns whether every item of `items` has a name, and no two the same.
    fn fits(self, items: &[Node]) -> bool {
        let is_named = |item: &Node| match (self, &item.kind) {
            (Self::Text, Kind::Scalar(_)) => true,
            (Self::Field(field), Kind::Map(map)) => map.get(field).is_some_and(|name| name.as_str().is_some()),
            _ => false,
        };
        let mut names: Vec<String> = items.iter().map(|item| self.of(item)).collect();
        names.sort_unstable();
        items.iter().all(is_named) && names.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// Returns what the items of the list at `path` are told apart by in all its `versions`; nothing where there is no such
/// thing, or where the order matters.
pub(super) fn identity(path: &str, versions: [&[Node]; 3]) -> Option<Identity> {
    let is_ordered = path.rsplit('.').next().is_some_and(|last| ORDERED.contains(&last));
    let candidates = NAMES.iter().map(|field| Identity::Field(field)).chain([Identity::Text]);
    let mut fitting = candidates.filter(|identity| versions.iter().all(|items| identity.fits(items)));
    fitting.next().filter(|identity| *identity != Identity::Text || !is_ordered)
}
