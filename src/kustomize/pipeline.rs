//! One kustomization after the other: resources, generators, components, transformers, in kustomize's order.
//!
//! Source: kustomize v5.8.1, `api/internal/target/kusttarget.go`.

use crate::kustomize::adding::Adding;
use crate::kustomize::context::{Accumulator, Context, is_remote, rule};
use crate::kustomize::file::{FileKind, KustomizationFile, Strictness, patch_config};
use crate::kustomize::load;
use crate::kustomize::metadata::{self, Provenance};
use crate::kustomize::openapi;
use crate::kustomize::transform::{self, Builtin};
use crate::kustomize::{Outside, Resource, patches};
use crate::text::{RepoPath, Span};
use crate::yaml::Node;

/// Most kustomizations that one build may enter, each as often as it is named.
const MOST_DIRECTORIES: usize = 20_000;
/// Files with more objects get room for exactly these.
const MANY_OBJECTS: usize = 1000;
/// Most kustomizations below one another.
const DEEPEST: usize = 100;

/// A build on its way through the directories.
pub(crate) struct Pipeline<'c, 'a> {
    /// What it carries along.
    pub(crate) context: &'c mut Context<'a>,
    /// Directories that are being accumulated, the innermost last.
    pub(crate) open: Vec<RepoPath>,
    /// Kustomizations entered so far.
    pub(crate) entered: usize,
    /// What `buildMetadata` of the top-level file asks to be noted on each resource.
    pub(crate) provenance: Provenance,
}

impl Pipeline<'_, '_> {
    /// Adds what `file` describes to `to`: its own accumulator, or its parent's where it is a component.
    pub(crate) fn accumulate(&mut self, file: &KustomizationFile, to: &mut Accumulator) {
        openapi::choose(self.context, file);
        self.add_resources(&file.resources, &file.dir, to);
        to.configuration.extend_from_file(self.context, file);
        self.run_generators(file, to);
        for component in &file.components {
            self.add_component(component, &file.dir, to);
        }
        self.run_transformers(file, to);
        if !file.validators.is_empty() {
            // What they change is dropped.
            self.run_configs(&file.validators, file, &mut to.clone());
        }
        transform::collect_variables(self.context, to, file);
    }

    fn add_resources(&mut self, entries: &[Node], dir: &RepoPath, to: &mut Accumulator) {
        let mut adding = Adding::new(to);
        for entry in entries {
            let reference = entry.as_str().unwrap_or_default();
            let Ok(path) = dir.join(reference) else {
                self.refuse_path(entry, dir);
                continue;
            };
            if self.context.files.is_file(&path) && !reference.ends_with('/') {
                self.add_file(entry, dir, &mut adding);
            } else if is_remote(reference) {
                self.outside("remote base", entry);
            } else {
                self.add_directory(entry, &path, &mut adding);
            }
        }
    }

    /// Reports a path that leads out of the repository, or notes one that leads to the network.
    fn refuse_path(&mut self, entry: &Node, dir: &RepoPath) {
        let reference = entry.as_str().unwrap_or_default();
        if is_remote(reference) {
            return self.outside("remote base", entry);
        }
        if let Err(error) = dir.join(reference) {
            self.context.error(rule::RESTRICTED, error.to_string(), entry.span, "named here");
        }
    }

    fn outside(&mut self, what: &'static str, entry: &Node) {
        let reference = entry.as_str().unwrap_or_default().into();
        self.context.outside.push(Outside { what, reference, span: entry.span });
    }

    fn add_file(&mut self, entry: &Node, dir: &RepoPath, to: &mut Adding<'_>) {
        let reference = entry.as_str().unwrap_or_default();
        let Some((_, id)) = self.context.file(dir, reference, entry.span) else { return };
        let objects = load::file_objects(self.context, id, entry.span, openapi::Part::Resource);
        if objects.len() > MANY_OBJECTS {
            to.reserve(objects.len());
        }
        for (node, span) in objects {
            let mut resource = Resource::new(node, span);
            self.provenance.note_file(&mut resource, reference);
            to.add(self.context, resource);
        }
    }

    fn add_directory(&mut self, entry: &Node, path: &RepoPath, to: &mut Adding<'_>) {
        if !self.context.files.is_dir(path) {
            let message = format!("there is no file or directory `{path}`");
            return self.context.error(rule::MISSING, message, entry.span, "named here");
        }
        if let Some(file) = self.enter(entry, path, FileKind::Kustomization) {
            let mut below = Accumulator::default();
            self.descend(entry, path, &file, &mut below);
            for resource in below.resources {
                to.add(self.context, resource);
            }
            to.to.configuration.merge(below.configuration);
            to.to.variables.extend(below.variables);
        }
    }

    fn add_component(&mut self, entry: &Node, dir: &RepoPath, to: &mut Accumulator) {
        let reference = entry.as_str().unwrap_or_default();
        if is_remote(reference) {
            return self.outside("remote component", entry);
        }
        let Ok(path) = dir.join(reference) else { return self.refuse_path(entry, dir) };
        if !self.context.files.is_dir(&path) {
            let message = format!("there is no directory `{path}`");
            return self.context.error(rule::MISSING, message, entry.span, "named here");
        }
        if let Some(file) = self.enter(entry, &path, FileKind::Component) {
            self.descend(entry, &path, &file, to);
        }
    }

    fn descend(&mut self, entry: &Node, path: &RepoPath, file: &KustomizationFile, to: &mut Accumulator) {
        self.open.push(path.clone());
        let outer = self.provenance.enter(entry.as_str().unwrap_or_default());
        self.accumulate(file, to);
        self.provenance.leave(outer);
        self.open.pop();
    }

    /// Reads the kustomization file of `path`, where it may be entered and is of the kind that is `wanted` there.
    fn enter(&mut self, entry: &Node, path: &RepoPath, wanted: FileKind) -> Option<KustomizationFile> {
        if let Some(open) = self.open.iter().find(|open| *open == path || open.is_below(path)) {
            let message = format!("`{path}` holds `{open}`, which includes it");
            self.context.error(rule::CYCLE, message, entry.span, "a cycle closes here");
            return None;
        }
        self.entered += 1;
        if self.entered > MOST_DIRECTORIES || self.open.len() > DEEPEST {
            let message = "too many kustomizations include each other";
            self.context.error(rule::CYCLE, message, entry.span, "reading stopped here");
            return None;
        }
        let file = load::kustomization_file(self.context, path, Some(entry.span), Strictness::Strict)?;
        if file.kind != wanted {
            let message = match wanted {
                FileKind::Component => format!("`{path}` is no Component"),
                FileKind::Kustomization => format!("`{path}` is a Component and belongs into `components`"),
            };
            self.context.error(rule::INVALID, message, entry.span, "named here");
            return None;
        }
        Some(file)
    }

    fn run_generators(&mut self, file: &KustomizationFile, to: &mut Accumulator) {
        transform::run_generators(self.context, to, file);
        self.provenance.note_generated(&mut to.resources, file);
        for chart in &file.helm_charts {
            let name = chart.get("name").or_else(|| chart.get("chartName")).and_then(Node::as_str);
            let reference = name.unwrap_or_default().into();
            self.context.outside.push(Outside { what: "Helm chart", reference, span: chart.span });
        }
        self.run_configs(&file.generators, file, to);
    }

    fn run_transformers(&mut self, file: &KustomizationFile, to: &mut Accumulator) {
        if !file.patches_strategic_merge.is_empty() {
            patches::run_strategic_merge(self.context, to, &file.patches_strategic_merge, &file.dir);
            self.provenance.note_transformer(&mut to.resources, file, "PatchStrategicMergeTransformer");
        }
        for entry in &file.patches {
            patches::run_patch(self.context, to, entry, &file.dir);
            self.provenance.note_transformer(&mut to.resources, file, "PatchTransformer");
        }
        transform::run_before_json_patches(self.context, to, file);
        for name in metadata::early_transformers(file) {
            self.provenance.note_transformer(&mut to.resources, file, name);
        }
        for entry in &file.patches_json6902 {
            patches::run_json6902(self.context, to, entry, "patch", &file.dir);
            self.provenance.note_transformer(&mut to.resources, file, "PatchJson6902Transformer");
        }
        transform::run_after_json_patches(self.context, to, file);
        for name in metadata::late_transformers(file) {
            self.provenance.note_transformer(&mut to.resources, file, name);
        }
        self.run_configs(&file.transformers, file, to);
        to.resources.retain(|resource| resource.node.as_map().is_some_and(|map| !map.is_empty()));
    }

    /// Runs what `entries` of `generators`, `transformers` or `validators` describe: objects, or paths of some.
    fn run_configs(&mut self, entries: &[Node], file: &KustomizationFile, to: &mut Accumulator) {
        let mut configs = Accumulator::default();
        let mut adding = Adding::new(&mut configs);
        let mut paths = Vec::new();
        for entry in entries {
            match patches::inline_objects(self.context, entry) {
                Some(objects) => {
                    for (node, span) in objects {
                        let mut resource = Resource::new(node, span);
                        self.provenance.note_file(&mut resource, file.path.name());
                        adding.add(self.context, resource);
                    }
                }
                // Neither an object nor a path.
                None if entry.as_str() == Some("") => {}
                None => paths.push(entry.clone()),
            }
        }
        self.add_resources(&paths, &file.dir, &mut configs);
        for config in configs.resources {
            self.run_config(&config.node, config.origin, &file.dir, to);
            self.provenance.note_config(&mut to.resources, &config);
        }
    }

    fn run_config(&mut self, config: &Node, span: Span, dir: &RepoPath, to: &mut Accumulator) {
        if transform::run_builtin(self.context, to, config, dir) == Builtin::Ran {
            return;
        }
        let kind = config.get("kind").and_then(Node::as_str).unwrap_or_default();
        let is_builtin = config.get("apiVersion").and_then(Node::as_str) == Some("builtin");
        let patch = patch_config(config);
        match kind {
            "PatchTransformer" if is_builtin => patches::run_patch(self.context, to, &patch, dir),
            "PatchJson6902Transformer" if is_builtin => {
                patches::run_json6902(self.context, to, &patch, "jsonOp", dir);
            }
            "PatchStrategicMergeTransformer" if is_builtin => {
                let inline = patch.get("patches").into_iter().cloned();
                let entries: Vec<Node> = patch.items("paths").iter().cloned().chain(inline).collect();
                patches::run_strategic_merge(self.context, to, &entries, dir);
            }
            _ => {
                let what = if is_builtin { "builtin plugin" } else { "plugin" };
                self.context.outside.push(Outside { what, reference: kind.into(), span });
            }
        }
    }
}
