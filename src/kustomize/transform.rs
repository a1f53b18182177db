//! The transformers and generators of a kustomization file, one module each.
//!
//! Owns what they do to resources; their order belongs to the pipeline, which calls the functions here.

use crate::kustomize::context::{Accumulator, Context};
use crate::kustomize::file::KustomizationFile;
use crate::text::RepoPath;
use crate::yaml::Node;

/// Field specs of all transformers: the built-in tables and what `configurations` and `crds` add.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configuration;

impl Configuration {
    /// Adds what `file` says in `configurations` and `crds`.
    pub(crate) fn extend_from_file(&mut self, _context: &mut Context<'_>, _file: &KustomizationFile) {}

    /// Adds what a directory below collected.
    pub(crate) fn merge(&mut self, _other: Self) {}
}

/// An entry of `vars`.
#[derive(Debug, Clone)]
pub(crate) struct Variable;

/// Runs `configMapGenerator`, then `secretGenerator`.
pub(crate) fn run_generators(_context: &mut Context<'_>, _to: &mut Accumulator, _file: &KustomizationFile) {}

/// Runs namespace, namePrefix, nameSuffix, labels, commonLabels and commonAnnotations: what comes after `patches` and
/// before `patchesJson6902`.
pub(crate) fn run_before_json_patches(_context: &mut Context<'_>, _to: &mut Accumulator, _file: &KustomizationFile) {}

/// Runs replicas, images and replacements: what comes after `patchesJson6902`.
pub(crate) fn run_after_json_patches(_context: &mut Context<'_>, _to: &mut Accumulator, _file: &KustomizationFile) {}

/// What became of an object of `transformers:` or `generators:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// It is a builtin of this module and ran (or was reported).
    Ran,
    /// It is none of this module's.
    Unknown,
}

/// Runs the builtin that `config`, an object of `transformers:` or `generators:` found in `dir`, describes.
pub(crate) fn run_builtin(
    _context: &mut Context<'_>,
    _to: &mut Accumulator,
    _config: &Node,
    _dir: &RepoPath,
) -> Builtin {
    Builtin::Unknown
}

/// Collects `vars` of `file`.
pub(crate) fn collect_variables(_context: &mut Context<'_>, _to: &mut Accumulator, _file: &KustomizationFile) {}

/// Does what comes once, at the end, on the root: content hashes, name references, vars.
pub(crate) fn finish(_context: &mut Context<'_>, _to: &mut Accumulator) {}
