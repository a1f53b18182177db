//! A kustomization file as kustomize reads it.

use crate::text::{RepoPath, Span};
use crate::yaml::Node;

/// Which of the two kinds a kustomization file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FileKind {
    /// `Kustomization`, or nothing said.
    #[default]
    Kustomization,
    /// `Component`
    Component,
}

/// A kustomization file, checked: unknown fields and wrong types were reported and are gone.
///
/// Every [`Node`] in it has the canonical spelling of its keys (kustomize matches them without regard to case), has
/// no null anywhere but in `valuesInline`, holds scalars where kustomize has strings, numbers and booleans, and
/// mappings where it has structs and maps. Spans are those of the file. Deprecated fields were folded: `bases` into
/// `resources`, `imageTags` into `images`, `env` of a generator into `envs`.
#[derive(Debug, Clone)]
pub(crate) struct KustomizationFile {
    /// Path of the file.
    pub(crate) path: RepoPath,
    /// Directory that its references are relative to.
    pub(crate) dir: RepoPath,
    /// The document.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: FileKind,
    /// `openapi`
    pub(crate) openapi: Option<Node>,
    /// `namePrefix`: a scalar, not empty. The same for `nameSuffix` and `namespace`.
    pub(crate) name_prefix: Option<Node>,
    /// `nameSuffix`
    pub(crate) name_suffix: Option<Node>,
    /// `namespace`
    pub(crate) namespace: Option<Node>,
    /// `commonLabels`: a mapping of strings.
    pub(crate) common_labels: Option<Node>,
    /// `labels`: mappings of `pairs`, `includeSelectors`, `includeTemplates`, `fields`.
    pub(crate) labels: Vec<Node>,
    /// `commonAnnotations`: a mapping of strings.
    pub(crate) common_annotations: Option<Node>,
    /// `patchesStrategicMerge`: scalars, each a path or a patch.
    pub(crate) patches_strategic_merge: Vec<Node>,
    /// `patchesJson6902`: mappings as in `patches`.
    pub(crate) patches_json6902: Vec<Node>,
    /// `patches`: mappings of `path`, `patch`, `target`, `options`.
    pub(crate) patches: Vec<Node>,
    /// `images`: mappings of `name`, `newName`, `tagSuffix`, `newTag`, `digest`.
    pub(crate) images: Vec<Node>,
    /// `replacements`: mappings of `source`, `targets`, `sourceValue`, `path`.
    pub(crate) replacements: Vec<Node>,
    /// `replicas`: mappings of `name`, `count`.
    pub(crate) replicas: Vec<Node>,
    /// `vars`: mappings of `name`, `objref`, `fieldref`.
    pub(crate) vars: Vec<Node>,
    /// `sortOptions`
    pub(crate) sort_options: Option<Node>,
    /// `resources`: scalars.
    pub(crate) resources: Vec<Node>,
    /// `components`: scalars.
    pub(crate) components: Vec<Node>,
    /// `crds`: scalars.
    pub(crate) crds: Vec<Node>,
    /// `configMapGenerator`: mappings, `env` folded into `envs`.
    pub(crate) config_map_generator: Vec<Node>,
    /// `secretGenerator`: mappings, `env` folded into `envs`.
    pub(crate) secret_generator: Vec<Node>,
    /// `generatorOptions`: a mapping of `labels`, `annotations`, `disableNameSuffixHash`, `immutable`.
    pub(crate) generator_options: Option<Node>,
    /// `helmCharts` and `helmChartInflationGenerator`: mappings.
    pub(crate) helm_charts: Vec<Node>,
    /// `configurations`: scalars.
    pub(crate) configurations: Vec<Node>,
    /// `generators`: scalars, each a path or an object.
    pub(crate) generators: Vec<Node>,
    /// `transformers`: scalars, each a path or an object.
    pub(crate) transformers: Vec<Node>,
    /// `validators`: scalars, each a path or an object.
    pub(crate) validators: Vec<Node>,
    /// `buildMetadata`: scalars.
    pub(crate) build_metadata: Vec<Node>,
}
