//! Flux: which clusters a repository serves, and what Flux applies to each.
//!
//! Owns the semantics of kustomize-controller and source-controller that matter offline (Source: Flux 2.9; where the
//! versions differ, [`FluxVersion`] decides).

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::diagnostic::Diagnostic;
use crate::kube::{NamespacedName, ObjectRef};
use crate::kustomize::{Build, Outside, Resource};
use crate::text::{RepoPath, Span, Spanned};
use crate::yaml::Node;

/// A Flux release line, such as 2.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FluxVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
}

impl Default for FluxVersion {
    fn default() -> Self {
        Self { major: 2, minor: 9 }
    }
}

/// A reference to a Flux source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// `GitRepository`, `OCIRepository`, `Bucket` or `ExternalArtifact`.
    pub kind: Spanned<SmolStr>,
    /// Namespace (the referrer's by default) and name; the span is the name's.
    pub name: Spanned<NamespacedName>,
}

/// A `ConfigMap` or `Secret` that variables are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubstituteReference {
    /// `ConfigMap` or `Secret`.
    pub kind: SmolStr,
    /// Its name, in the Kustomization's namespace.
    pub name: Spanned<SmolStr>,
    /// Whether it may be absent.
    pub optional: bool,
}

/// Where the files of a Flux Kustomization are.
#[derive(Debug, Clone)]
pub enum Location {
    /// Inside this repository: the directory, in the artifact's own paths.
    Here(RepoPath),
    /// In a source that this repository does not hold (another Git repository, an OCI artifact, a bucket).
    Elsewhere,
    /// `spec.sourceRef` names no source of the cluster.
    MissingSource,
    /// The source is this repository, but there is no such directory.
    MissingPath(RepoPath),
}

/// A `Kustomization` of kustomize.toolkit.fluxcd.io, read once.
#[derive(Debug, Clone)]
pub struct FluxKustomization {
    /// Namespace and name.
    pub id: NamespacedName,
    /// The rendered object.
    pub node: Node,
    /// Place of `metadata.name`.
    pub span: Span,
    /// The Kustomization that applies this one; nothing for those of the cluster's own directory.
    pub applied_by: Option<NamespacedName>,
    /// `spec.sourceRef`.
    pub source: Option<SourceRef>,
    /// `spec.path` as written; nothing where it is absent.
    pub path: Option<Spanned<SmolStr>>,
    /// What source and path come to.
    pub location: Location,
    /// `spec.dependsOn`, with the default namespace filled in; the spans are of the names.
    pub depends_on: Vec<Spanned<NamespacedName>>,
    /// `spec.suspend`
    pub suspend: bool,
    /// `spec.wait`
    pub wait: bool,
    /// `spec.healthChecks`: the spans are of the names.
    pub health_checks: Vec<Spanned<ObjectRef>>,
    /// `spec.postBuild.substituteFrom`
    pub substitute_from: Vec<SubstituteReference>,
    /// Objects after build, substitution and commonMetadata, in build order.
    pub resources: Vec<Resource>,
    /// The build itself: findings, what is outside, unmatched patches, files.
    pub build: Build,
}

/// One cluster: what Flux applies to it, to a fixpoint.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name, by default the last part of its directory.
    pub name: String,
    /// Directory whose content Flux applies first.
    pub path: RepoPath,
    /// Objects of that directory itself (they belong to the bootstrap Kustomization where one is among them).
    pub root: Build,
    /// Every Flux Kustomization found, by namespace and name.
    pub kustomizations: BTreeMap<NamespacedName, FluxKustomization>,
    /// What was found while building: kustomize errors, substitution errors.
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be built offline.
    pub outside: Vec<Outside>,
}
