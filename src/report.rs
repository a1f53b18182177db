//! Findings for people and for programs: one file per format.
//!
//! Owns how findings are printed, and that no Secret's value ever is. It decides nothing: what is wrong, and how bad
//! it is, arrives as [`Findings`](crate::diagnostic::Findings).
//!
//! ```
//! use gitops_gen::diagnostic::Findings;
//! use gitops_gen::repo::Repo;
//! use gitops_gen::report::{self, Color};
//! use gitops_gen::text::FileSet;
//!
//! let repo = Repo::new(FileSet::from_texts([("a.yaml", "kind: Service\n")]));
//! let mut findings = Findings::default();
//! findings.checked("files", 1);
//! assert_eq!(report::text(&findings, &repo, Color::Never), "no findings\nchecked: 1 file\n");
//! ```

mod area;
mod json;
mod redact;
mod snippet;
mod text;

pub use crate::report::json::{JSON_VERSION, json};
pub use crate::report::text::{Color, text};
