//! The words of Kubernetes: kinds, names, references, selectors, quantities, durations.
//!
//! Owns how these are written and compared; it knows nothing of files or Flux.
//!
//! ```
//! use gitops_gen::kube::Gvk;
//!
//! let gvk = Gvk::new("apps/v1", "Deployment");
//! assert_eq!((gvk.group.as_str(), gvk.version.as_str()), ("apps", "v1"));
//! assert_eq!(gvk.api_version(), "apps/v1");
//! ```

mod quantity;
mod selector;

pub use crate::kube::quantity::{display_quantity, milli_quantity};
pub use crate::kube::selector::{LabelSelector, SelectorError};

use std::fmt;

use smol_str::SmolStr;

/// Group, version and kind of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Gvk {
    /// Group; empty for the core group.
    pub group: SmolStr,
    /// Version.
    pub version: SmolStr,
    /// Kind.
    pub kind: SmolStr,
}

impl Gvk {
    /// Returns the kind of `api_version` (`group/version`, or a version of the core group).
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// Returns `group/version`, or the version alone for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.api_version(), self.kind)
    }
}

/// Namespace and name; prints as `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespacedName {
    /// Namespace.
    pub namespace: SmolStr,
    /// Name.
    pub name: SmolStr,
}

impl NamespacedName {
    /// Returns the name `name` in `namespace`.
    pub fn new(namespace: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// What makes an object one object in a cluster: group and kind (not version), namespace and name.
///
/// Prints as `Kind namespace/name`, or `Kind name` without a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Group; empty for the core group.
    pub group: SmolStr,
    /// Kind.
    pub kind: SmolStr,
    /// Namespace; empty where the object has none.
    pub namespace: SmolStr,
    /// Name.
    pub name: SmolStr,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(formatter, "{} {}", self.kind, self.name)
        } else {
            write!(formatter, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}
