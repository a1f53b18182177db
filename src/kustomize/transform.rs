//! The transformers and generators of a kustomization file, one module each.
//!
//! Owns what they do to resources; their order belongs to the pipeline, which calls the functions here.

mod builtin;
mod config;
#[cfg(test)]
#[expect(clippy::print_stdout, reason = "the figures of a suite, and that it is skipped, are for people")]
mod conformance;
mod field_spec;
mod generators;
mod hash;
mod images;
mod json;
mod name_reference;
mod names;
mod namespace;
mod pairs;
mod path;
mod replacements;
mod replicas;
mod sources;
mod structured;
mod tables;
mod value_add;
mod vars;

pub(crate) use crate::kustomize::transform::builtin::{Builtin, run_builtin};
pub(crate) use crate::kustomize::transform::config::Configuration;
pub(crate) use crate::kustomize::transform::vars::Variable;

use smol_str::SmolStr;

use crate::kustomize::Id;
use crate::kustomize::context::{Accumulator, Context, rule};
use crate::kustomize::file::KustomizationFile;
use crate::kustomize::transform::field_spec::WrongKind;
use crate::kustomize::transform::generators::{Generated, Generator, Names};
use crate::kustomize::transform::names::End;
use crate::text::Span;
use crate::yaml::{Dialect, Kind, Node, Scalar, Step, Style, Typed};

/// Runs `configMapGenerator`, then `secretGenerator`.
pub(crate) fn run_generators(context: &mut Context<'_>, to: &mut Accumulator, file: &KustomizationFile) {
    if file.config_map_generator.is_empty() && file.secret_generator.is_empty() {
        return;
    }
    let mut names = Names::of(&to.resources);
    for (entries, what) in
        [(&file.config_map_generator, Generated::ConfigMap), (&file.secret_generator, Generated::Secret)]
    {
        let generator = Generator { what, global: file.generator_options.as_ref(), dir: &file.dir };
        for entry in entries {
            generators::run(context, to, &mut names, entry, &generator);
        }
    }
}

/// Runs namespace, namePrefix, nameSuffix, labels, commonLabels and commonAnnotations: what comes after `patches` and
/// before `patchesJson6902`.
pub(crate) fn run_before_json_patches(context: &mut Context<'_>, to: &mut Accumulator, file: &KustomizationFile) {
    let Accumulator { resources, configuration, .. } = to;
    if let Some(namespace) = &file.namespace {
        let specs = configuration.specs(|tables| &tables.namespace);
        namespace::apply(context, resources, namespace, &specs, namespace::Options::default());
    }
    if let Some(prefix) = &file.name_prefix {
        names::apply(context, resources, prefix, &configuration.specs(|tables| &tables.name_prefix), End::Prefix);
    }
    if let Some(suffix) = &file.name_suffix {
        names::apply(context, resources, suffix, &configuration.specs(|tables| &tables.name_suffix), End::Suffix);
    }
    for entry in &file.labels {
        pairs::apply_labels_entry(context, resources, entry, configuration);
    }
    if let Some(labels) = &file.common_labels {
        let specs = configuration.specs(|tables| &tables.common_labels);
        pairs::apply(context, resources, labels, &specs, "commonLabels");
    }
    if let Some(annotations) = &file.common_annotations {
        let specs = configuration.specs(|tables| &tables.common_annotations);
        pairs::apply(context, resources, annotations, &specs, "commonAnnotations");
    }
}

/// Runs replicas, images and replacements: what comes after `patchesJson6902`.
pub(crate) fn run_after_json_patches(context: &mut Context<'_>, to: &mut Accumulator, file: &KustomizationFile) {
    let Accumulator { resources, configuration, .. } = to;
    for entry in &file.replicas {
        replicas::apply(context, resources, entry, &configuration.specs(|tables| &tables.replicas));
    }
    for entry in &file.images {
        images::apply(context, resources, entry, &configuration.specs(|tables| &tables.images));
    }
    replacements::apply(context, resources, &file.replacements, &file.dir);
}

/// Collects `vars` of `file`.
pub(crate) fn collect_variables(context: &mut Context<'_>, to: &mut Accumulator, file: &KustomizationFile) {
    vars::collect(context, to, &file.vars);
}

/// Does what comes once, at the end, on the root: content hashes, name references, vars.
pub(crate) fn finish(context: &mut Context<'_>, to: &mut Accumulator) {
    let Accumulator { resources, configuration, variables } = to;
    hash::apply(resources);
    name_reference::apply(context, resources, configuration);
    vars::resolve(context, resources, variables, &configuration.specs(|tables| &tables.var_reference));
}

/// Returns whether `node` is the boolean true.
fn is_true(node: Option<&Node>) -> bool {
    let scalar = node.and_then(Node::as_scalar);
    scalar.is_some_and(|scalar| scalar.typed(Dialect::KubernetesV2) == Typed::Bool(true))
}

/// Returns `old`, a scalar, with another text and the style that it has, at `span`; `step`, caused by `by`, did it.
///
/// As in kustomize a type that was fixed by a tag is gone: only quotes keep a string a string.
fn retext(old: &Node, text: SmolStr, span: Span, step: Step, by: Span) -> Node {
    let style = old.as_scalar().map_or(Style::Plain, |scalar| scalar.style);
    Node::new(Kind::Scalar(Scalar { text, style, tag: None }), span).via(step, Some(by), Some(old))
}

/// Reports that `field`, written at `span`, meets a value of the wrong kind in the object `id`.
fn wrong_kind(context: &mut Context<'_>, field: &str, span: Span, id: &Id, wrong: &WrongKind) {
    let message =
        format!("`{field}` needs {} in {} `{}`, and there is a {}", wrong.wanted, id.gvk.kind, id.name, wrong.found);
    context.error(rule::TRANSFORMER, message, wrong.span, "this value");
    if span != wrong.span
        && let Some(diagnostic) = context.diagnostics.pop()
    {
        context.diagnostics.push(diagnostic.label(span, "asked for here"));
    }
}
