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
mod checklist;
mod diff;
mod fingerprint;
mod github;
mod gitlab;
mod group;
mod images;
mod json;
mod junit;
mod markdown;
mod object;
mod place;
mod plans;
mod redact;
mod sarif;
mod snippet;
mod summary;
mod text;
mod verdicts;

pub use crate::report::checklist::{checklist_json, checklist_text};
pub use crate::report::diff::diff;
pub use crate::report::github::github;
pub use crate::report::gitlab::gitlab;
pub use crate::report::images::{
    ImageRow, image_rows, images_json, images_table, runs_json, selection_rule, tags_json,
};
pub use crate::report::json::{JSON_VERSION, json};
pub use crate::report::junit::junit;
pub use crate::report::markdown::{MARKDOWN_MAX, markdown};
pub use crate::report::plans::{plan_json, plan_text, rollback_json, rollout_text, timeline_json, timeline_text};
pub use crate::report::redact::Redactions;
pub use crate::report::sarif::sarif;
pub use crate::report::text::{Color, text};
pub use crate::report::verdicts::{Title, reasons_text, verdicts_json, verdicts_text};
