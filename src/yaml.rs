//! The spanned tree: YAML text in, nodes that know where they came from, YAML text out.
//!
//! Owns reading (equal to libyaml), the tree, both scalar dialects, both writers and edits in place. It knows nothing
//! of Kubernetes.
//!
//! ```
//! use gitops_gen::text::FileSet;
//! use gitops_gen::yaml;
//!
//! let files = FileSet::from_texts([("a.yaml", "kind: Service\nport: 80\n")]);
//! let (_, source) = files.iter().next().expect("one file");
//! let parsed = yaml::parse(source, "kind: Service\nport: 80\n");
//! let root = &parsed.documents[0].root;
//! assert_eq!(root.get("kind").and_then(|node| node.as_str()), Some("Service"));
//! ```

mod comments;
mod edit;
mod emit;
mod entry;
mod json;
mod kyaml;
mod map;
mod members;
mod node;
mod parse;
mod pointer;
mod scalar;
mod write;

pub use crate::yaml::comments::Comments;
pub use crate::yaml::edit::{EditRefusal, replace_scalar};
pub use crate::yaml::emit::{EmitError, emit, emit_documents};
pub use crate::yaml::entry::{append_items, append_lines, extent, remove_entry, remove_item, rename_key};
pub(crate) use crate::yaml::kyaml::with_unix_ends_undone;
pub use crate::yaml::kyaml::{ListItem, Reach, ReemitError, Reemitted, SetScalar, Settable, reemit, reemit_with};
pub use crate::yaml::map::{Entry, Key, Map};
pub use crate::yaml::members::Members;
pub use crate::yaml::node::{Chain, Comment, CommentPlace, Kind, Node, Scalar, Step, Style, Tag};
pub use crate::yaml::parse::{
    DUPLICATE_KEY, Document, LIMIT, Limits, Parsed, QUOTED_INDENT, SYNTAX, SpanMap, parse, parse_embedded, parse_with,
};
pub use crate::yaml::pointer::{Pointer, PointerError, Resolved, Segment};
pub use crate::yaml::scalar::{Dialect, Typed};
pub use crate::yaml::write::write;
