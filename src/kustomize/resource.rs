//! One object on its way through the pipeline.

use smol_str::SmolStr;

use crate::kube::{Gvk, ObjectRef};
use crate::text::Span;
use crate::yaml::Node;

/// kustomize's identity of a resource: group, version, kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// As written; empty where none is.
    pub namespace: SmolStr,
    /// Name.
    pub name: SmolStr,
}

/// A resource and what the pipeline remembers of it beside its content.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The object.
    pub node: Node,
    /// The document that it was read from, or the generator's entry.
    pub origin: Span,
    /// Earlier ids, oldest first (without the current one).
    pub(crate) history: Vec<Id>,
    /// Name prefixes that were added, outermost last.
    pub(crate) prefixes: Vec<SmolStr>,
    /// Name suffixes that were added, outermost last.
    pub(crate) suffixes: Vec<SmolStr>,
    /// Whether the name gets a content hash at the end.
    pub(crate) needs_hash: bool,
}

impl Resource {
    /// Returns a resource read from a file.
    pub fn new(node: Node, origin: Span) -> Self {
        Self { node, origin, history: Vec::new(), prefixes: Vec::new(), suffixes: Vec::new(), needs_hash: false }
    }

    fn text(&self, keys: &[&str]) -> &str {
        self.node.at(keys).and_then(Node::as_str).unwrap_or("")
    }

    /// Returns group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.text(&["apiVersion"]), self.text(&["kind"]))
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// Returns the current name.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// Returns the current namespace as written; empty where none is.
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    /// Returns the current id.
    pub fn id(&self) -> Id {
        Id { gvk: self.gvk(), namespace: self.namespace().into(), name: self.name().into() }
    }

    /// Returns the reference under which the cluster knows the object.
    pub fn object_ref(&self) -> ObjectRef {
        let gvk = self.gvk();
        ObjectRef { group: gvk.group, kind: gvk.kind, namespace: self.namespace().into(), name: self.name().into() }
    }
}
