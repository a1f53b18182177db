//! What an editor asks about a place in a file: what stands there, what it refers to, and what may stand there.
//!
//! Owns the answers, as functions of a [`Session`](crate::session::Session), a file and a byte of it. It knows no
//! protocol and no editor; answers are places, names and Markdown. No Secret's value is ever part of one.
//!
//! ```
//! use gitops_gen::editor;
//! use gitops_gen::session::{Session, Settings};
//! use gitops_gen::text::{FileSet, RepoPath};
//!
//! let files = [("apps/kustomization.yaml", "resources: [web.yaml]\n"), ("apps/web.yaml", "kind: Service\n")];
//! let session = Session::new(FileSet::from_texts(files), Settings::default());
//! let path = RepoPath::new("apps/kustomization.yaml").expect("a path inside the repository");
//! let found = editor::definitions(&session, &path, 14);
//! assert_eq!(session.repo().sources().path(found[0]).map(RepoPath::as_str), Some("apps/web.yaml"));
//! ```

mod completion;
mod definition;
mod hover;
mod marker;
mod occurrence;
mod place;
mod reference;

pub use crate::editor::completion::{Candidate, Completion, completion};
pub use crate::editor::definition::definitions;
pub use crate::editor::hover::{Hover, hover};
