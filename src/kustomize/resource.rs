//! One object on its way through the pipeline.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::kube::{Gvk, ObjectRef};
use crate::kustomize::scope;
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

/// What happens when a generator's id exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    /// It is an error.
    #[default]
    Create,
    /// The generated one replaces it.
    Replace,
    /// Their data are merged.
    Merge,
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
    /// What a generator wants done with an existing resource of the same id; `Create` for everything else.
    pub(crate) behavior: Behavior,
    /// Whether a generator made it.
    pub(crate) is_generated: bool,
    /// Whether the name gets a content hash at the end.
    pub(crate) needs_hash: bool,
    /// The id, once the object is finished: see [`Resource::seal`].
    pub(in crate::kustomize) sealed: Option<Arc<Id>>,
}

impl Id {
    /// Returns the id that the object `node` gives itself.
    pub(crate) fn of(node: &Node) -> Self {
        let text = |keys: &[&str]| node.at(keys).and_then(Node::as_str).unwrap_or("");
        Self {
            gvk: Gvk::new(text(&["apiVersion"]), text(&["kind"])),
            namespace: text(&["metadata", "namespace"]).into(),
            name: text(&["metadata", "name"]).into(),
        }
    }

    /// Returns whether kustomize knows that objects of this kind have no namespace.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        if self.gvk.group.is_empty() {
            return scope::is_cluster_scoped(&self.gvk.version, &self.gvk.kind);
        }
        scope::is_cluster_scoped(&self.gvk.api_version(), &self.gvk.kind)
    }

    /// Returns the namespace in which kustomize compares: `default` where none is written, and one that cannot exist
    /// where the kind is known to be cluster-scoped.
    pub(crate) fn effective_namespace(&self) -> &str {
        if self.is_cluster_scoped() {
            "_non_namespaceable_"
        } else if self.namespace.is_empty() {
            "default"
        } else {
            &self.namespace
        }
    }

    /// Returns whether kustomize takes the two for one resource: everything equal, the namespaces in effect.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk && self.effective_namespace() == other.effective_namespace()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.gvk.kind)?;
        formatter.write_str(" ")?;
        if !self.namespace.is_empty() {
            write!(formatter, "{}/", self.namespace)?;
        }
        formatter.write_str(&self.name)
    }
}

impl Resource {
    /// Returns a resource read from a file.
    pub fn new(node: Node, origin: Span) -> Self {
        Self {
            node,
            origin,
            history: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: Behavior::Create,
            is_generated: false,
            needs_hash: false,
            sealed: None,
        }
    }

    /// Returns the same resource with another object.
    pub(crate) fn with_node(&self, node: Node) -> Self {
        Self { node, sealed: None, ..self.clone() }
    }

    /// Reads the id once and for all: whoever looks at a whole cluster asks for it thousands of times. From here on kind,
    /// namespace and name of the object must not change.
    pub(crate) fn seal(&mut self) {
        self.sealed = Some(Arc::new(Id::of(&self.node)));
    }

    /// Returns the id that was sealed.
    fn sealed(&self) -> Option<&Id> {
        let sealed = self.sealed.as_deref();
        debug_assert!(sealed.is_none_or(|id| self.is_called(id)), "{sealed:?} changed after it was sealed");
        sealed
    }

    fn is_called(&self, id: &Id) -> bool {
        let metadata = |key| self.text(&["metadata", key]);
        id.gvk.kind == self.text(&["kind"]) && id.name == metadata("name") && id.namespace == metadata("namespace")
    }

    fn text(&self, keys: &[&str]) -> &str {
        self.node.at(keys).and_then(Node::as_str).unwrap_or("")
    }

    /// Returns group, version and kind.
    pub fn gvk(&self) -> Gvk {
        if let Some(id) = self.sealed() {
            return id.gvk.clone();
        }
        Gvk::new(self.text(&["apiVersion"]), self.text(&["kind"]))
    }

    /// Returns the group; empty for the core group.
    pub fn group(&self) -> &str {
        match self.sealed() {
            Some(id) => &id.gvk.group,
            None => self.text(&["apiVersion"]).split_once('/').map_or("", |(group, _)| group),
        }
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.sealed().map_or_else(|| self.text(&["kind"]), |id| &id.gvk.kind)
    }

    /// Returns the current name.
    pub fn name(&self) -> &str {
        self.sealed().map_or_else(|| self.text(&["metadata", "name"]), |id| &id.name)
    }

    /// Returns the current namespace as written; empty where none is.
    pub fn namespace(&self) -> &str {
        self.sealed().map_or_else(|| self.text(&["metadata", "namespace"]), |id| &id.namespace)
    }

    /// Remembers the current id as an earlier one: to be called before name, namespace or kind change.
    pub(crate) fn remember_id(&mut self) {
        // Most resources get one: an id is large, and room for four would be as much as the whole object.
        self.history.reserve_exact(1);
        self.history.push(self.id());
    }

    /// Returns whether kustomize would have annotations of its own on the resource by now.
    pub(crate) fn has_bookkeeping(&self) -> bool {
        !self.history.is_empty() || !self.prefixes.is_empty() || !self.suffixes.is_empty() || self.is_generated
    }

    /// Returns the first id that the resource had.
    pub(crate) fn original_id(&self) -> Id {
        self.history.first().cloned().unwrap_or_else(|| self.id())
    }

    /// Returns where the name is written, or else the document.
    pub fn name_span(&self) -> Span {
        self.node.at(&["metadata", "name"]).map_or(self.origin, |name| name.span)
    }

    /// Returns the current id.
    pub fn id(&self) -> Id {
        self.sealed().cloned().unwrap_or_else(|| Id::of(&self.node))
    }

    /// Returns the reference under which the cluster knows the object.
    pub fn object_ref(&self) -> ObjectRef {
        let gvk = self.gvk();
        ObjectRef { group: gvk.group, kind: gvk.kind, namespace: self.namespace().into(), name: self.name().into() }
    }
}
