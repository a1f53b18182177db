//! The order in which kustomize-controller applies the objects of one Kustomization.
//!
//! Source: fluxcd/pkg/ssa: stages for definitions, classes and the rest, each sorted by kind, group, namespace, name.

use crate::kube::ObjectRef;
use crate::kustomize::Resource;

/// Kinds that are applied first, in this order.
const FIRST: &[&str] = &[
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Kinds that are applied last, in this order.
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Returns what `resource` is sorted by.
pub(crate) fn apply_rank(resource: &Resource) -> (u8, usize, ObjectRef) {
    let object = resource.object_ref();
    let kind = object.kind.as_str();
    let stage = match kind {
        "CustomResourceDefinition" | "Namespace" | "ClusterRole" => 0,
        _ if kind.ends_with("Class") => 1,
        _ => 2,
    };
    let position = |kinds: &[&str]| kinds.iter().position(|candidate| *candidate == kind);
    let rank = match (position(FIRST), position(LAST)) {
        (Some(at), _) => at,
        (None, Some(at)) => FIRST.len() + 1 + at,
        (None, None) => FIRST.len(),
    };
    (stage, rank, object)
}
