//! What happens once, when everything is accumulated: what is not meant for the cluster goes, the rest is ordered.

use std::cmp::Ordering;

use smol_str::{SmolStr, format_smolstr};

use crate::kustomize::context::{Context, rule};
use crate::kustomize::file::KustomizationFile;
use crate::kustomize::load;
use crate::kustomize::metadata::{self, ORIGIN, TRANSFORMATIONS};
use crate::kustomize::patches::texts;
use crate::kustomize::subjects;
use crate::kustomize::{Id, Mode, Resource};
use crate::yaml::Node;

/// What the label of `buildMetadata: [managedByLabel]` says where kustomize is a library, as in Flux and kubectl.
const MANAGED_BY: &str = "kustomize-(devel)";

/// Annotations that kustomize takes for its own and removes from every output.
const INTERNAL: &[&str] = &[
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];

/// Kinds that kustomize lists first, in this order.
const FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that kustomize lists last, in this order.
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Drops, orders and cleans `resources` as the top-level `file` and the mode want it.
pub(crate) fn finish(context: &mut Context<'_>, resources: &mut Vec<Resource>, file: &KustomizationFile) {
    for resource in resources.iter() {
        subjects::refuse(context, resource);
        if let Some(finding) = load::not_an_object(&resource.node, resource.origin) {
            context.diagnostics.push(finding);
        }
    }
    resources.retain(|resource| !is_local(resource));
    order(context, resources, file);
    let wants = |option: &str| file.build_metadata.iter().any(|node| node.as_str() == Some(option));
    for resource in resources {
        if wants("managedByLabel") {
            let label = Node::string(MANAGED_BY, resource.origin);
            metadata::set_text(&mut resource.node, "labels", "app.kubernetes.io/managed-by", label);
        }
        if !wants("originAnnotations") {
            metadata::remove_annotation(&mut resource.node, ORIGIN);
        }
        if !wants("transformerAnnotations") {
            metadata::remove_annotation(&mut resource.node, TRANSFORMATIONS);
        }
        let is_internal = |key: &str| INTERNAL.contains(&key);
        let annotations = resource.node.at(&["metadata", "annotations"]).and_then(Node::as_map);
        if annotations.is_some_and(|map| map.iter().any(|entry| is_internal(entry.key.text()))) {
            for key in INTERNAL {
                metadata::remove_annotation(&mut resource.node, key);
            }
        }
        clean_annotations(&mut resource.node);
    }
}

/// Returns whether the resource is for kustomize alone.
fn is_local(resource: &Resource) -> bool {
    let value = resource.node.at(&["metadata", "annotations", "config.kubernetes.io/local-config"]);
    value.is_some_and(|value| value.as_scalar().is_none_or(|scalar| scalar.text != "false"))
}

/// Makes strings of all annotations, and nothing of an empty mapping of them, as kustomize does when it removes its
/// own.
fn clean_annotations(node: &mut Node) {
    let Some(annotations) = node.at(&["metadata", "annotations"]) else { return };
    let is_empty = annotations.as_map().is_none_or(crate::yaml::Map::is_empty);
    let is_text =
        |node: &Node| node.as_scalar().is_some_and(|scalar| scalar.is_string(crate::yaml::Dialect::KustomizeV3));
    if !is_empty && annotations.as_map().is_some_and(|map| map.iter().all(|entry| is_text(&entry.value))) {
        return;
    }
    let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut) else { return };
    if is_empty {
        metadata.remove("annotations");
    } else if let Some(map) = metadata.get_mut("annotations").and_then(Node::as_map_mut) {
        texts(map);
    }
}

fn order(context: &mut Context<'_>, resources: &mut [Resource], file: &KustomizationFile) {
    let Some(options) = &file.sort_options else {
        if context.mode == Mode::Kustomize {
            sort(resources, FIRST, LAST);
        }
        return;
    };
    let legacy = options.get("legacySortOptions");
    match options.get("order").and_then(Node::as_str) {
        Some("fifo") if legacy.is_none() => {}
        Some("legacy") => match legacy {
            None => sort(resources, FIRST, LAST),
            Some(legacy) => {
                let kinds = |key: &str| legacy.items(key).iter().filter_map(Node::as_str).collect::<Vec<_>>();
                sort(resources, &kinds("orderFirst"), &kinds("orderLast"));
            }
        },
        _ => {
            let message = "`sortOptions.order` must be `legacy`, or `fifo` without `legacySortOptions`";
            context.error(rule::INVALID, message, options.span, "these options");
        }
    }
}

fn sort(resources: &mut [Resource], first: &[&str], last: &[&str]) {
    resources.sort_by_cached_key(|resource| Place::new(&resource.id(), first, last));
}

/// Where a resource stands in the order of old.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    rank: isize,
    gvk: SmolStr,
    rest: SmolStr,
    is_core_namespace: bool,
}

impl Place {
    fn new(id: &Id, first: &[&str], last: &[&str]) -> Self {
        let position = |kinds: &[&str]| kinds.iter().rposition(|kind| *kind == id.gvk.kind);
        let before = |at: usize| at.cast_signed() - first.len().cast_signed();
        let rank = position(last).map(|at| 1 + at.cast_signed()).or(position(first).map(before)).unwrap_or(0);
        let or = |text: &SmolStr, other: &'static str| if text.is_empty() { other.into() } else { text.clone() };
        let gvk =
            format_smolstr!("{}_{}_{}", or(&id.gvk.group, "~G"), or(&id.gvk.version, "~V"), or(&id.gvk.kind, "~K"));
        let rest = format_smolstr!("{}|{}", or(&id.namespace, "~X"), or(&id.name, "~N"));
        Self { rank, gvk, rest, is_core_namespace: id.gvk.kind == "Namespace" && id.gvk.group.is_empty() }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_gvk = self.gvk.cmp(&other.gvk);
        // The Namespace of the core group comes before other groups' kinds of that name.
        let is_reversed = (self.is_core_namespace || other.is_core_namespace)
            && self.gvk.ends_with("_Namespace")
            && other.gvk.ends_with("_Namespace");
        let by_gvk = if is_reversed { by_gvk.reverse() } else { by_gvk };
        self.rank.cmp(&other.rank).then(by_gvk).then_with(|| self.rest.cmp(&other.rest))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
