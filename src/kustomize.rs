//! A directory with a kustomization file, rendered in process: what kustomize 5.8 makes of it, with origins.
//!
//! Owns kustomize's semantics, quirks included (Source: kubernetes-sigs/kustomize v5.8.1). It refuses to know Flux:
//! what a Flux Kustomization folds into the top-level file arrives as an [`Overlay`].

mod adding;
mod context;
mod file;
mod finish;
mod json_patch;
#[cfg(test)]
#[expect(clippy::print_stdout, reason = "the figures of a suite are for people")]
mod known_misses;
mod listing;
mod load;
mod merge;
mod merge_schema;
mod metadata;
mod openapi;
mod patches;
mod pattern;
mod pipeline;
mod resource;
mod scope;
mod selector;
mod subjects;
mod top_level;
mod transform;

pub use crate::kustomize::file::FILE_NAMES;
pub use crate::kustomize::resource::{Id, Resource};
pub(crate) use crate::kustomize::selector::Selector;

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::context::{Accumulator, Context, is_remote};
use crate::kustomize::metadata::Provenance;
use crate::kustomize::pipeline::Pipeline;
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, SourceId, Span};
use crate::yaml::{self, EmitError, Node, Parsed};

/// Whose rules a build follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As kustomize-controller builds: load order, files from anywhere inside the repository.
    Flux,
    /// As `kustomize build` does: legacy order, files only from the kustomization's own directory.
    Kustomize,
    /// As `kustomize build --reorder=none` does: load order, files only from the kustomization's own directory.
    KustomizeUnsorted,
}

/// What a Flux Kustomization adds to the kustomization file of its path (Source: fluxcd/pkg/kustomize).
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// `spec.targetNamespace`: replaces `namespace`.
    pub namespace: Option<Node>,
    /// `spec.namePrefix`: replaces `namePrefix`.
    pub name_prefix: Option<Node>,
    /// `spec.nameSuffix`: replaces `nameSuffix`.
    pub name_suffix: Option<Node>,
    /// `spec.patches`, appended: each a mapping as in a kustomization file.
    pub patches: Vec<Node>,
    /// `spec.components`, appended: scalars.
    pub components: Vec<Node>,
    /// `spec.ignoreMissingComponents`.
    pub missing_components: MissingComponents,
    /// `spec.images`, merged by name: each a mapping as in a kustomization file.
    pub images: Vec<Node>,
}

/// What becomes of a component of a Flux Kustomization that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingComponents {
    /// The build fails.
    #[default]
    Fail,
    /// It is passed over.
    Ignore,
}

/// Something that cannot be built offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// What it is, for people: `remote base`, `Helm chart`, `exec plugin`.
    pub what: &'static str,
    /// The reference as it is written.
    pub reference: SmolStr,
    /// Where it is written.
    pub span: Span,
}

/// A patch that changed nothing, since its target selects no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedPatch {
    /// The target, or the patch itself where it has none.
    pub span: Span,
    /// What it asks for, for people: `Ingress gateway`.
    pub wanted: String,
    /// Ids of the objects that were there, for a suggestion.
    pub candidates: Vec<Id>,
}

/// A rendered directory. Where `diagnostics` holds an error kustomize would fail; `resources` is then what could be
/// rendered all the same, for rules that look further.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// The objects, in output order.
    pub resources: Vec<Resource>,
    /// What kustomize would refuse, each with its place.
    pub diagnostics: Vec<Diagnostic>,
    /// What was left out, since it is not in the repository.
    pub outside: Vec<Outside>,
    /// Patches with a target that nothing matches (kustomize is silent about them).
    pub unmatched: Vec<UnmatchedPatch>,
    /// Every file that took part: kustomization files, resources, patches, generator inputs.
    pub files: BTreeSet<SourceId>,
    /// Paths, as the build knows them, whose presence it asked for; with one that is a directory, what is below it.
    pub asked: BTreeSet<RepoPath>,
}

/// Returns what kustomize makes of the directory `dir` of `files`, which are files of `repo`.
///
/// `files` may be the whole repository or a view of it (a Flux artifact): paths and restrictions are those of `files`,
/// spans point into `repo`. In [`Mode::Flux`] a directory without a kustomization file gets a generated one, and
/// `overlay` is folded into the top-level file. Never panics and never fails: see [`Build`].
///
/// ```
/// use gitops_gen::kustomize::{Mode, build};
/// use gitops_gen::repo::Repo;
/// use gitops_gen::text::{FileSet, RepoPath};
///
/// let repo = Repo::new(FileSet::from_texts([("apps/kustomization.yaml", "resources: []\nnamespace: web\n")]));
/// let apps = RepoPath::new("apps").expect("a path inside the repository");
/// let build = build(&repo, repo.files(), &apps, Mode::Flux, None);
/// assert!(build.resources.is_empty());
/// ```
pub fn build(repo: &Repo, files: &FileSet, dir: &RepoPath, mode: Mode, overlay: Option<&Overlay>) -> Build {
    let mut context = Context::new(repo, files, mode);
    let mut resources = Vec::new();
    if let Some(file) = top_level::file(&mut context, dir, overlay) {
        let mut pipeline =
            Pipeline { context: &mut context, open: vec![dir.clone()], entered: 1, provenance: Provenance::of(&file) };
        let mut accumulator = Accumulator::default();
        pipeline.accumulate(&file, &mut accumulator);
        transform::finish(&mut context, &mut accumulator);
        resources = accumulator.resources;
        finish::finish(&mut context, &mut resources, &file);
    }
    let Context { diagnostics, outside, unmatched, read, files, .. } = context;
    Build { resources, diagnostics, outside, unmatched, files: read, asked: files.into_asked() }
}

/// Returns the paths that the kustomization file `parsed`, which stands in `dir`, includes: of directories, and of files
/// with resources. Remote ones and those outside the repository are left out.
pub fn included(dir: &RepoPath, parsed: &Parsed) -> Vec<RepoPath> {
    let fields = ["resources", "bases", "components", "generators", "transformers", "validators"];
    let roots = parsed.documents.iter().map(|document| &document.root);
    let entries = roots.flat_map(|root| fields.into_iter().flat_map(|field| root.items(field)));
    let references = entries.filter_map(Node::as_str).filter(|reference| !is_remote(reference));
    references.filter_map(|reference| dir.join(reference).ok()).collect()
}

impl Build {
    /// Returns whether kustomize would print the resources: nothing was refused.
    pub fn is_clean(&self) -> bool {
        self.diagnostics.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// Returns the resources as `kustomize build` prints them.
    ///
    /// # Errors
    /// On a value that cannot be printed, such as a key that is no string.
    pub fn yaml(&self) -> Result<String, EmitError> {
        yaml::emit_documents(self.resources.iter().map(|resource| &resource.node))
    }
}
