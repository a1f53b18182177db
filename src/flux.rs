//! Flux: which clusters a repository serves, and what Flux applies to each.
//!
//! Owns the semantics of kustomize-controller and source-controller that matter offline (Source: Flux 2.9; where the
//! versions differ, [`FluxVersion`] decides). It judges nothing: what is wrong in a cluster is left as facts on its
//! types, and `rules` makes findings of them.
//!
//! ```
//! use gitops_gen::flux::FluxVersion;
//!
//! let version: FluxVersion = "v2.8.3".parse().expect("a version");
//! assert!(!version.substitutes_strictly());
//! assert!(FluxVersion::default().substitutes_strictly());
//! ```

mod artifact;
mod automation;
mod bootstrap;
mod build;
mod canary;
mod census;
mod cluster;
mod discover;
mod glob;
mod ignore;
mod kustomization;
mod metadata;
mod order;
mod read;
mod recall;
mod source;
mod substitute;
mod usage;
mod variables;
mod version;

pub use crate::flux::automation::{
    ImageAutomation, ImagePolicy, ImageRepository, ImageUpdateAutomation, TRACK_LABEL, branch_of,
};
pub(crate) use crate::flux::bootstrap::artifact_path;
pub use crate::flux::canary::{CanaryPace, CanarySteps, KUBERNETES_PROVIDER, canary_analysis, canary_provider};
pub use crate::flux::cluster::{CLUSTER_MISSING, Cluster, Fleet, Object, Options, Revision, clusters};
pub use crate::flux::kustomization::{
    FluxKustomization, Location, ReferenceState, SubstituteReference, Substitution, SubstitutionFinding,
    SubstitutionProblem, Variable,
};
pub use crate::flux::read::{SourceRef, chart_name, depends_on, duration, duration_text, object_reference, source_ref};
pub(crate) use crate::flux::source::normalised_url;
pub use crate::flux::source::{Artifact, Source, SourceFinding, SourceKey};
pub(crate) use crate::flux::substitute::is_disabled as is_substitution_disabled;
pub use crate::flux::usage::Usage;
pub use crate::flux::version::{FluxVersion, ParseVersionError};
