//! A kustomization file as kustomize reads it.

mod conform;
mod shape;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::context::rule;
use crate::kustomize::file::conform::Conform;
use crate::text::{RepoPath, Span};
use crate::yaml::{Entry, Key, Map, Node};

/// Names that a kustomization file may have, in the order in which Flux looks for them.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

/// What becomes of unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// They are errors.
    Strict,
    /// They are dropped, as kustomize-controller does with the file of a Flux Kustomization's own path.
    Loose,
}

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

impl KustomizationFile {
    /// Returns what `root`, the first document of the file at `path`, says, and what kustomize would refuse of it.
    pub(crate) fn read(path: &RepoPath, root: &Node, strictness: Strictness) -> (Self, Vec<Diagnostic>) {
        let mut conform = Conform { strictness, findings: Vec::new() };
        let document = conform.value(root, &shape::KUSTOMIZATION, "");
        let mut findings = conform.findings;
        let map = document.as_ref().and_then(Node::as_map).cloned().unwrap_or_default();
        // Flux adds a field to an empty file before kustomize sees it.
        if strictness == Strictness::Strict && is_empty(&map) {
            let finding = Diagnostic::new(rule::INVALID, Severity::Error, format!("`{path}` is empty"));
            findings.push(finding.label(root.span, "nothing here says what to build"));
        }
        let file = Self::from_fields(path, root.span, map, &mut findings);
        (file, findings)
    }

    /// Returns a file of `path` that lists `resources`, as Flux generates it.
    pub(crate) fn of_resources(path: &RepoPath, resources: Vec<Node>, span: Span) -> Self {
        let list = Entry { key: Key::string("resources", span), value: Node::sequence(resources, span) };
        Self::from_fields(path, span, Map::from_entries(vec![list]), &mut Vec::new())
    }

    fn from_fields(path: &RepoPath, span: Span, mut map: Map, findings: &mut Vec<Diagnostic>) -> Self {
        let kind = head(&mut map, span, findings);
        let mut text = |key: &str| map.remove(key).map(|entry| entry.value).filter(|node| node.as_str() != Some(""));
        let (name_prefix, name_suffix, namespace) = (text("namePrefix"), text("nameSuffix"), text("namespace"));
        let mut whole = |key: &str| map.remove(key).map(|entry| entry.value);
        let openapi = whole("openapi");
        let common_labels = whole("commonLabels");
        let common_annotations = whole("commonAnnotations");
        let sort_options = whole("sortOptions");
        let generator_options = whole("generatorOptions");
        let mut list =
            |key: &str| whole(key).map(|node| node.as_sequence().unwrap_or_default().to_vec()).unwrap_or_default();
        Self {
            path: path.clone(),
            dir: path.parent(),
            span,
            kind,
            openapi,
            name_prefix,
            name_suffix,
            namespace,
            common_labels,
            labels: list("labels"),
            common_annotations,
            patches_strategic_merge: list("patchesStrategicMerge"),
            patches_json6902: list("patchesJson6902"),
            patches: list("patches"),
            images: [list("images"), list("imageTags")].concat(),
            replacements: list("replacements"),
            replicas: list("replicas"),
            vars: list("vars"),
            sort_options,
            resources: [list("resources"), list("bases")].concat(),
            components: list("components"),
            crds: list("crds"),
            config_map_generator: list("configMapGenerator").into_iter().map(with_env_folded).collect(),
            secret_generator: list("secretGenerator").into_iter().map(with_env_folded).collect(),
            generator_options,
            helm_charts: [list("helmCharts"), list("helmChartInflationGenerator")].concat(),
            configurations: list("configurations"),
            generators: list("generators"),
            transformers: list("transformers"),
            validators: list("validators"),
            build_metadata: list("buildMetadata"),
        }
    }
}

/// Returns the fields of `config`, an object that configures a builtin patch transformer, spelled as they should be;
/// others, such as apiVersion and metadata, are gone.
pub(crate) fn patch_config(config: &Node) -> Node {
    let mut conform = Conform { strictness: Strictness::Loose, findings: Vec::new() };
    conform.value(config, &shape::PATCH_CONFIG, "").unwrap_or_else(|| Node::empty_map(config.span))
}

/// Takes apiVersion and kind out of `map` and returns the kind.
fn head(map: &mut Map, span: Span, findings: &mut Vec<Diagnostic>) -> FileKind {
    let kind = map.remove("kind").map(|entry| entry.value);
    let version = map.remove("apiVersion").map(|entry| entry.value);
    let (file_kind, wanted) = match kind.as_ref().and_then(Node::as_str).unwrap_or_default() {
        "" | "Kustomization" => (FileKind::Kustomization, KUSTOMIZATION_VERSION),
        "Component" => (FileKind::Component, COMPONENT_VERSION),
        other => {
            let message = format!("kind is `{other}`, not `Kustomization` or `Component`");
            let at = kind.as_ref().map_or(span, |node| node.span);
            findings.push(Diagnostic::new(rule::INVALID, Severity::Error, message).label(at, "this kind"));
            (FileKind::Kustomization, KUSTOMIZATION_VERSION)
        }
    };
    if let Some(node) = &version
        && let Some(text) = node.as_str().filter(|text| !text.is_empty() && *text != wanted)
    {
        let message = format!("apiVersion is `{text}`, not `{wanted}`");
        findings.push(Diagnostic::new(rule::INVALID, Severity::Error, message).label(node.span, "this version"));
    }
    file_kind
}

/// Returns whether every field is the zero value of its Go type; an empty list or mapping is none.
fn is_empty(map: &Map) -> bool {
    let is_zero = |entry: &Entry| match entry.key.text() {
        // Folded away by appending: an empty one leaves nothing.
        "kind" | "apiVersion" => true,
        "bases" | "imageTags" | "helmChartInflationGenerator" => {
            entry.value.as_sequence().is_none_or(<[Node]>::is_empty)
        }
        _ => entry.value.as_str() == Some(""),
    };
    map.iter().all(is_zero)
}

/// Returns the generator `entry` with `env` moved to the end of `envs`.
fn with_env_folded(mut entry: Node) -> Node {
    let Some(map) = entry.as_map_mut() else { return entry };
    let Some(env) = map.remove("env").filter(|env| env.value.as_str() != Some("")) else { return entry };
    match map.get_mut("envs").and_then(Node::as_sequence_mut) {
        Some(envs) => envs.push(env.value),
        None => map.set("envs", Node::sequence(vec![env.value.clone()], env.value.span)),
    }
    entry
}
