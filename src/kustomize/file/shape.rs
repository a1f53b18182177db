//! The shape of a kustomization file: kustomize's own Go types as one table.
//!
//! Source: kustomize v5.8.1, `api/types`.

/// What a value has to be.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// An integer.
    Whole,
    /// A boolean.
    Flag,
    /// A list.
    List(&'static Shape),
    /// A mapping with any keys to strings.
    Texts,
    /// A mapping with these keys.
    Fields(&'static [(&'static str, Shape)]),
    /// Whatever it is, as it is.
    Anything,
}

use Shape::{Anything, Fields, Flag, List, Text, Texts, Whole};

const LIST_OF_TEXT: Shape = List(&Text);

const OBJECT_META: Shape = Fields(&[("name", Text), ("namespace", Text), ("labels", Texts), ("annotations", Texts)]);

const SELECTOR: Shape = Fields(&[
    ("group", Text),
    ("version", Text),
    ("kind", Text),
    ("name", Text),
    ("namespace", Text),
    ("annotationSelector", Text),
    ("labelSelector", Text),
]);

const PATCH_OPTIONS: Shape = Fields(&[("allowNameChange", Flag), ("allowKindChange", Flag)]);

const PATCH: Shape = Fields(&[("path", Text), ("patch", Text), ("target", SELECTOR), ("options", PATCH_OPTIONS)]);

const IMAGE: Shape =
    Fields(&[("name", Text), ("newName", Text), ("tagSuffix", Text), ("newTag", Text), ("digest", Text)]);

const FIELD_SPEC: Shape =
    Fields(&[("group", Text), ("version", Text), ("kind", Text), ("path", Text), ("create", Flag)]);

const LABEL: Shape =
    Fields(&[("pairs", Texts), ("includeSelectors", Flag), ("includeTemplates", Flag), ("fields", List(&FIELD_SPEC))]);

const GENERATOR_OPTIONS: Shape =
    Fields(&[("labels", Texts), ("annotations", Texts), ("disableNameSuffixHash", Flag), ("immutable", Flag)]);

const CONFIG_MAP: Shape = Fields(&[
    ("namespace", Text),
    ("name", Text),
    ("behavior", Text),
    ("literals", LIST_OF_TEXT),
    ("files", LIST_OF_TEXT),
    ("envs", LIST_OF_TEXT),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
]);

const SECRET: Shape = Fields(&[
    ("namespace", Text),
    ("name", Text),
    ("behavior", Text),
    ("literals", LIST_OF_TEXT),
    ("files", LIST_OF_TEXT),
    ("envs", LIST_OF_TEXT),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
    ("type", Text),
]);

const FIELD_OPTIONS: Shape = Fields(&[("delimiter", Text), ("index", Whole), ("encoding", Text), ("create", Flag)]);

const REPLACEMENT_SOURCE: Shape = Fields(&[
    ("group", Text),
    ("version", Text),
    ("kind", Text),
    ("name", Text),
    ("namespace", Text),
    ("fieldPath", Text),
    ("options", FIELD_OPTIONS),
]);

const REPLACEMENT_TARGET: Shape = Fields(&[
    ("select", SELECTOR),
    ("reject", List(&SELECTOR)),
    ("fieldPaths", LIST_OF_TEXT),
    ("options", FIELD_OPTIONS),
]);

const REPLACEMENT: Shape = Fields(&[
    ("source", REPLACEMENT_SOURCE),
    ("targets", List(&REPLACEMENT_TARGET)),
    ("sourceValue", Text),
    ("path", Text),
]);

const VARIABLE: Shape = Fields(&[
    ("name", Text),
    (
        "objref",
        Fields(&[
            ("apiVersion", Text),
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
        ]),
    ),
    ("fieldref", Fields(&[("fieldPath", Text)])),
]);

const SORT_OPTIONS: Shape = Fields(&[
    ("order", Text),
    ("legacySortOptions", Fields(&[("orderFirst", LIST_OF_TEXT), ("orderLast", LIST_OF_TEXT)])),
]);

const HELM_CHART: Shape = Fields(&[
    ("name", Text),
    ("version", Text),
    ("repo", Text),
    ("releaseName", Text),
    ("namespace", Text),
    ("additionalValuesFiles", LIST_OF_TEXT),
    ("valuesFile", Text),
    ("valuesInline", Anything),
    ("valuesMerge", Text),
    ("includeCRDs", Flag),
    ("skipHooks", Flag),
    ("apiVersions", LIST_OF_TEXT),
    ("kubeVersion", Text),
    ("nameTemplate", Text),
    ("skipTests", Flag),
    ("debug", Flag),
    ("devel", Flag),
]);

const HELM_CHART_INFLATION: Shape = Fields(&[
    ("chartName", Text),
    ("chartVersion", Text),
    ("chartRepoUrl", Text),
    ("chartHome", Text),
    ("chartRepoName", Text),
    ("helmBin", Text),
    ("helmHome", Text),
    ("values", Text),
    ("valuesLocal", Anything),
    ("valuesMerge", Text),
    ("releaseName", Text),
    ("releaseNamespace", Text),
    ("extraArgs", LIST_OF_TEXT),
]);

/// What the builtin patch transformers take together.
pub(super) const PATCH_CONFIG: Shape = Fields(&[
    ("path", Text),
    ("patch", Text),
    ("jsonOp", Text),
    ("paths", LIST_OF_TEXT),
    ("patches", Text),
    ("target", SELECTOR),
    ("options", PATCH_OPTIONS),
]);

/// A whole kustomization file.
pub(super) const KUSTOMIZATION: Shape = Fields(&[
    ("kind", Text),
    ("apiVersion", Text),
    ("metadata", OBJECT_META),
    ("openapi", Texts),
    ("namePrefix", Text),
    ("nameSuffix", Text),
    ("namespace", Text),
    ("commonLabels", Texts),
    ("labels", List(&LABEL)),
    ("commonAnnotations", Texts),
    ("patchesStrategicMerge", LIST_OF_TEXT),
    ("patchesJson6902", List(&PATCH)),
    ("patches", List(&PATCH)),
    ("images", List(&IMAGE)),
    ("imageTags", List(&IMAGE)),
    ("replacements", List(&REPLACEMENT)),
    ("replicas", List(&Fields(&[("name", Text), ("count", Whole)]))),
    ("vars", List(&VARIABLE)),
    ("sortOptions", SORT_OPTIONS),
    ("resources", LIST_OF_TEXT),
    ("components", LIST_OF_TEXT),
    ("crds", LIST_OF_TEXT),
    ("bases", LIST_OF_TEXT),
    ("configMapGenerator", List(&CONFIG_MAP)),
    ("secretGenerator", List(&SECRET)),
    ("helmGlobals", Fields(&[("chartHome", Text), ("configHome", Text)])),
    ("helmCharts", List(&HELM_CHART)),
    ("helmChartInflationGenerator", List(&HELM_CHART_INFLATION)),
    ("generatorOptions", GENERATOR_OPTIONS),
    ("configurations", LIST_OF_TEXT),
    ("generators", LIST_OF_TEXT),
    ("transformers", LIST_OF_TEXT),
    ("validators", LIST_OF_TEXT),
    ("buildMetadata", LIST_OF_TEXT),
]);
