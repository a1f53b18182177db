//! Releases: what policies select of lists of tags, what automation then writes, and plans for people who promote.
//!
//! Owns the way from a tag to what each cluster runs. It reads no registry and writes no disk.
//!
//! ```
//! use gitops_gen::promote::TagLists;
//!
//! let mut lists = TagLists::default();
//! lists.add("ghcr.io/example/web", ["v1.0.0", "v1.1.0"]);
//! assert_eq!(lists.of("ghcr.io/example/web").map(<[String]>::len), Some(2));
//! ```

mod events;
mod lists;
mod lowered;
mod plan;
mod rollback;
mod rollout;
mod run;
mod simulate;

pub use crate::promote::events::{Event, EventProblem, EventsError, read_events};
pub use crate::promote::lists::{PolicySelection, TagLists, selections};
pub use crate::promote::lowered::{Lowered, lowered};
pub use crate::promote::plan::{Direction, Plan, PromoteError, Step, plan};
pub use crate::promote::rollback::{NarrowedRange, Rollback, RollbackError, rollback};
pub use crate::promote::rollout::Rollout;
pub use crate::promote::run::{Run, Scope, Workloads, automate, images_of};
pub use crate::promote::simulate::{Commit, Moment, Simulation};
