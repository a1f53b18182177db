//! `buildMetadata`: annotations that say where a resource comes from and what has changed it.
//!
//! Source: kustomize v5.8.1, `api/resource/origin.go`.

use std::fmt::Write as _;

use crate::kustomize::Resource;
use crate::kustomize::file::KustomizationFile;
use crate::yaml::Node;

/// Where a resource comes from.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// What has changed it.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// Whether provenance is noted, and the path so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Provenance {
    /// The path from the top-level directory to the current one; nothing where nobody asks for provenance.
    path: Option<Vec<String>>,
}

impl Provenance {
    /// Returns the provenance of a build whose top-level file is `file`.
    pub(crate) fn of(file: &KustomizationFile) -> Self {
        Self { path: (!file.build_metadata.is_empty()).then(Vec::new) }
    }

    /// Goes to the directory `reference` and returns what [`Self::leave`] needs.
    pub(crate) fn enter(&mut self, reference: &str) -> Self {
        let outer = self.clone();
        self.path = self.path.take().map(|path| join(path, reference));
        outer
    }

    /// Goes back.
    pub(crate) fn leave(&mut self, outer: Self) {
        *self = outer;
    }

    /// Notes that `resource` comes from the file `reference`.
    pub(crate) fn note_file(&self, resource: &mut Resource, reference: &str) {
        let Some(path) = &self.path else { return };
        let text = format!("path: {}\n", join(path.clone(), reference).join("/"));
        annotate(resource, ORIGIN, text);
    }

    /// Notes which generator made each of `resources` that has no origin yet.
    pub(crate) fn note_generated(&self, resources: &mut [Resource], file: &KustomizationFile) {
        if self.path.is_none() {
            return;
        }
        for resource in resources {
            if annotation(resource, ORIGIN).is_none() {
                let kind = if resource.kind() == "Secret" { "SecretGenerator" } else { "ConfigMapGenerator" };
                annotate(resource, ORIGIN, self.configured(file, kind));
            }
        }
    }

    /// Notes on each of `resources` that the builtin `transformer` of `file` has run.
    pub(crate) fn note_transformer(&self, resources: &mut [Resource], file: &KustomizationFile, transformer: &str) {
        if self.path.is_none() {
            return;
        }
        let configured = self.configured(file, transformer);
        for resource in resources {
            if annotation(resource, ORIGIN).is_none() {
                annotate(resource, ORIGIN, configured.clone());
                continue;
            }
            add_transformation(resource, &configured);
        }
    }

    /// Notes on each of `resources` what `config`, an object of `generators` or `transformers`, has done.
    pub(crate) fn note_config(&self, resources: &mut [Resource], config: &Resource) {
        if self.path.is_none() {
            return;
        }
        let path = annotation(config, ORIGIN).unwrap_or_default();
        let text = |keys: &[&str]| config.node.at(keys).and_then(Node::as_str);
        let mut configured = format!("configuredIn: {}\nconfiguredBy:\n", path.trim_start_matches("path: ").trim_end());
        for (name, keys) in [
            ("apiVersion", &["apiVersion"][..]),
            ("kind", &["kind"]),
            ("name", &["metadata", "name"]),
            ("namespace", &["metadata", "namespace"]),
        ] {
            if let Some(value) = text(keys) {
                // Writing to a String cannot fail.
                let _ = writeln!(configured, "  {name}: {value}");
            }
        }
        let is_generator = text(&["kind"]).is_some_and(|kind| kind.ends_with("Generator"));
        for resource in resources {
            if annotation(resource, ORIGIN).is_none() {
                annotate(resource, ORIGIN, configured.clone());
            } else if !is_generator {
                add_transformation(resource, &configured);
            }
        }
    }

    fn configured(&self, file: &KustomizationFile, kind: &str) -> String {
        let path = join(self.path.clone().unwrap_or_default(), file.path.name()).join("/");
        format!("configuredIn: {path}\nconfiguredBy:\n  apiVersion: builtin\n  kind: {kind}\n")
    }
}

/// Returns the transformers of `file` that run between `patches` and `patchesJson6902`, once for each time they do.
pub(crate) fn early_transformers(file: &KustomizationFile) -> Vec<&'static str> {
    let mut names = Vec::new();
    names.extend(file.namespace.as_ref().map(|_| "NamespaceTransformer"));
    names.extend(file.name_prefix.as_ref().map(|_| "PrefixTransformer"));
    names.extend(file.name_suffix.as_ref().map(|_| "SuffixTransformer"));
    names.extend(file.labels.iter().map(|_| "LabelTransformer"));
    // commonLabels has its turn also where only `labels` says something.
    if !file.labels.is_empty() || file.common_labels.as_ref().and_then(Node::as_map).is_some_and(|map| !map.is_empty())
    {
        names.push("LabelTransformer");
    }
    names.extend(file.common_annotations.as_ref().map(|_| "AnnotationsTransformer"));
    names
}

/// Returns the transformers of `file` that run after `patchesJson6902`.
pub(crate) fn late_transformers(file: &KustomizationFile) -> Vec<&'static str> {
    let mut names = Vec::new();
    names.extend(file.replicas.iter().map(|_| "ReplicaCountTransformer"));
    names.extend(file.images.iter().map(|_| "ImageTagTransformer"));
    if !file.replacements.is_empty() {
        names.push("ReplacementTransformer");
    }
    names
}

fn add_transformation(resource: &mut Resource, configured: &str) {
    let mut text = annotation(resource, TRANSFORMATIONS).unwrap_or_default();
    for (at, line) in configured.lines().enumerate() {
        let lead = if at == 0 { "- " } else { "  " };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{lead}{line}");
    }
    annotate(resource, TRANSFORMATIONS, text);
}

fn join(mut path: Vec<String>, reference: &str) -> Vec<String> {
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." if path.last().is_some_and(|last| last != "..") => {
                path.pop();
            }
            part => path.push(part.to_owned()),
        }
    }
    path
}

fn annotation(resource: &Resource, key: &str) -> Option<String> {
    Some(resource.node.at(&["metadata", "annotations", key])?.as_str()?.to_owned())
}

/// Sets the annotation `key` of `resource`.
pub(crate) fn annotate(resource: &mut Resource, key: &str, text: String) {
    let span = resource.origin;
    set_text(&mut resource.node, "annotations", key, Node::string(text, span));
}

/// Sets `key` in the mapping `field` of the metadata, which is made where it is missing.
pub(crate) fn set_text(node: &mut Node, field: &str, key: &str, value: Node) {
    let span = value.span;
    let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut) else { return };
    if metadata.get(field).is_none_or(Node::is_null) {
        metadata.set(field, Node::empty_map(span));
    }
    if let Some(map) = metadata.get_mut(field).and_then(Node::as_map_mut) {
        map.set(key, value);
    }
}

/// Removes the annotation `key`.
pub(crate) fn remove_annotation(node: &mut Node, key: &str) {
    if node.at(&["metadata", "annotations", key]).is_none() {
        return;
    }
    let annotations = node.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    if let Some(annotations) = annotations.and_then(Node::as_map_mut) {
        annotations.remove(key);
    }
}
