//! Builtin transformers and generators that are configured as objects, in `transformers:` and `generators:`.
//!
//! Source: kustomize, `api/internal/builtins`.

use smol_str::SmolStr;

use crate::kustomize::context::{Accumulator, Context, rule};
use crate::kustomize::transform::field_spec::FieldSpec;
use crate::kustomize::transform::generators::{self, Generated, Generator, Names};
use crate::kustomize::transform::names::{self, End};
use crate::kustomize::transform::namespace::{self, Options};
use crate::kustomize::transform::{hash, images, pairs, replacements, replicas, value_add};
use crate::text::RepoPath;
use crate::yaml::{Key, Map, Node};

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
    let config = &with_known_keys(config);
    let specs: Vec<FieldSpec> = config.items("fieldSpecs").iter().map(FieldSpec::from_node).collect();
    let specs: Vec<&FieldSpec> = specs.iter().collect();
    let resources = &mut to.resources;
    match config.get("kind").and_then(Node::as_str).unwrap_or_default() {
        kind @ ("ConfigMapGenerator" | "SecretGenerator") => {
            let what = if kind == "SecretGenerator" { Generated::Secret } else { Generated::ConfigMap };
            let mut names = Names::of(resources);
            generators::run(context, to, &mut names, config, &Generator { what, global: None, dir });
        }
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
        kind @ ("PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer") => {
            for (field, end, other) in
                [("prefix", End::Prefix, "SuffixTransformer"), ("suffix", End::Suffix, "PrefixTransformer")]
            {
                if let Some(affix) = config.get(field).filter(|_| kind != other) {
                    names::apply(context, resources, affix, &specs, end);
                }
            }
        }
        "ValueAddTransformer" => value_add::apply(context, resources, config, dir),
        "IAMPolicyGenerator" => generators::run_iam_policy(context, to, config),
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

/// Keys of builtin configurations, which kustomize matches without regard to case.
const KEYS: &[&str] = &[
    "annotations",
    "behavior",
    "count",
    "create",
    "digest",
    "envs",
    "fieldSpecs",
    "files",
    "group",
    "imageTag",
    "kind",
    "labels",
    "literals",
    "metadata",
    "name",
    "namespace",
    "newName",
    "newTag",
    "options",
    "path",
    "prefix",
    "replica",
    "replacements",
    "setRoleBindingSubjects",
    "suffix",
    "tagSuffix",
    "targets",
    "type",
    "unsetOnly",
    "value",
    "version",
];

/// Returns `config` with the known spelling of its keys; the keys of labels and annotations stay as they are.
fn with_known_keys(config: &Node) -> Node {
    let mut config = config.clone();
    if let Some(items) = config.as_sequence_mut() {
        for item in items.make_mut() {
            *item = with_known_keys(item);
        }
    }
    for entry in config.as_map_mut().into_iter().flat_map(Map::entries_mut) {
        let known = KEYS.iter().find(|known| known.eq_ignore_ascii_case(entry.key.text()));
        if let Some(known) = known {
            entry.key = Key::string(SmolStr::new_static(known), entry.key.span());
        }
        if !matches!(entry.key.text(), "labels" | "annotations") {
            entry.value = with_known_keys(&entry.value);
        }
    }
    config
}
