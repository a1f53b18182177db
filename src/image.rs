//! Image automation: which tag a policy selects, the setter markers in files, and what a run would write at them.
//!
//! Owns the semantics of image-reflector-controller and image-automation-controller that matter offline (Source: their
//! release 1.2, and 0.x where [`Grammar`] says so). It knows no clusters.
//!
//! ```
//! use gitops_gen::image::{Field, Marking, read_marker};
//!
//! let marking = read_marker(r##"# {"$imagepolicy": "flux-system:web:tag"}"##);
//! let Marking::Marker { policy, field } = marking else { panic!("a marker") };
//! assert_eq!((policy.to_string().as_str(), field), ("flux-system/web", Field::Tag));
//! ```

mod constraint;
mod explain;
mod marked;
mod marker;
mod number;
mod pattern;
mod policy;
mod reference;
mod repeats;
mod select;
mod semver;
mod setters;
mod tags;
mod verdict;

pub use crate::image::constraint::{Constraint, ConstraintError};
pub use crate::image::explain::{Explanation, Group, compare_tags, explain};
pub use crate::image::marked::{Marked, MarkedFile, ReadFile, marked_files};
pub(crate) use crate::image::marker::KEY;
pub use crate::image::marker::{Field, Marker, Marking, markers, read_marker};
pub use crate::image::number::coarseness;
pub use crate::image::pattern::{Pattern, PatternError, Template};
pub use crate::image::policy::{
    Choice, DEFAULT_EXCLUSION, Digests, Filter, Order, Policy, PolicyError, read_digests, read_exclusions,
};
pub use crate::image::reference::{ImageRef, LONGEST_TAG, Reflected, image_problem, is_tag, reflect};
pub use crate::image::select::{Outcome, SelectError, key_of, scan, select};
pub use crate::image::semver::{Grammar, Version};
pub use crate::image::setters::{
    Change, FileUpdate, Mode, Setters, Update, UpdateError, is_format_stable, is_read_by_setters, passes_screen, update,
};
pub use crate::image::tags::{TagList, TagProblem, TagsError, tags_of_client};
pub use crate::image::verdict::{Kind, Verdict};
