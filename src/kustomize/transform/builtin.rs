//! Builtin transformers and generators that are configured as objects, in `transformers:` and `generators:`.
//!
//! Source: kustomize, `api/internal/builtins`.

use crate::kustomize::context::{Accumulator, Context, rule};
use crate::kustomize::transform::field_spec::FieldSpec;
use crate::kustomize::transform::generators::{self, Generated};
use crate::kustomize::transform::names::{self, End};
use crate::kustomize::transform::namespace::{self, Options};
use crate::kustomize::transform::{hash, images, pairs, replacements, replicas};
use crate::text::RepoPath;
use crate::yaml::Node;

/// What became of an object of `transformers:` or `generators:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// It is a builtin of this module and ran (or was reported).
    Ran,
    /// It is none of this module's.
    Unknown,
}

/// Runs the builtin that `config`, an object of `transformers:` or `generators:` found in `dir`, describes.
pub(crate) fn run_builtin(context: &mut Context<'_>, to: &mut Accumulator, config: &Node, dir: &RepoPath) -> Builtin {
    if config.get("apiVersion").and_then(Node::as_str) != Some("builtin") {
        return Builtin::Unknown;
    }
    let specs: Vec<FieldSpec> = config.items("fieldSpecs").iter().map(FieldSpec::from_node).collect();
    let specs: Vec<&FieldSpec> = specs.iter().collect();
    let resources = &mut to.resources;
    match config.get("kind").and_then(Node::as_str).unwrap_or_default() {
        "ConfigMapGenerator" => generators::run(context, to, config, Generated::ConfigMap, None, dir),
        "SecretGenerator" => generators::run(context, to, config, Generated::Secret, None, dir),
        "HashTransformer" => hash::apply(resources),
        "NamespaceTransformer" => {
            let namespace = config.at(&["metadata", "namespace"]).filter(|node| node.as_str().is_some());
            match (namespace, Options::of(config)) {
                (Some(namespace), Ok(options)) => namespace::apply(context, resources, namespace, &specs, options),
                (None, _) => {}
                (_, Err(span)) => {
                    let message = "`setRoleBindingSubjects` must be `defaultOnly`, `none` or `allServiceAccounts`";
                    context.error(rule::TRANSFORMER, message, span, "none of them");
                }
            }
        }
        "PrefixTransformer" => {
            if let Some(prefix) = config.get("prefix") {
                names::apply(context, resources, prefix, &specs, End::Prefix);
            }
        }
        "SuffixTransformer" => {
            if let Some(suffix) = config.get("suffix") {
                names::apply(context, resources, suffix, &specs, End::Suffix);
            }
        }
        "LabelTransformer" => {
            if let Some(labels) = config.get("labels") {
                pairs::apply(context, resources, labels, &specs, "labels");
            }
        }
        "AnnotationsTransformer" => {
            if let Some(annotations) = config.get("annotations") {
                pairs::apply(context, resources, annotations, &specs, "commonAnnotations");
            }
        }
        "ReplicaCountTransformer" => {
            if let Some(replica) = config.get("replica") {
                replicas::apply(context, resources, replica, &specs);
            }
        }
        "ImageTagTransformer" => {
            if let Some(image) = config.get("imageTag") {
                images::apply(context, resources, image, &specs);
            }
        }
        "ReplacementTransformer" => {
            replacements::apply(context, resources, config.items("replacements"), dir);
        }
        _ => return Builtin::Unknown,
    }
    Builtin::Ran
}
