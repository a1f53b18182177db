//! The fields that kustomize's transformers touch by default.
//!
//! Source: kustomize, `api/internal/konfig/builtinpluginconsts`.

use std::sync::OnceLock;

use smol_str::format_smolstr;

use crate::kustomize::transform::config::{NameReference, Tables};
use crate::kustomize::transform::field_spec::FieldSpec;

const fn created(group: &'static str, version: &'static str, kind: &'static str, path: &'static str) -> FieldSpec {
    let mut spec = FieldSpec::of(group, version, kind, path);
    spec.create = true;
    spec
}

const fn found(group: &'static str, kind: &'static str, path: &'static str) -> FieldSpec {
    FieldSpec::of(group, "", kind, path)
}

/// `metadata/labels` of anything: what a `labels` entry sets at least.
pub(super) static METADATA_LABELS: FieldSpec = created("", "", "", "metadata/labels");

/// `metadata/namespace` of anything.
pub(super) static METADATA_NAMESPACE: FieldSpec = created("", "", "", "metadata/namespace");

const TEMPLATE_LABELS: &[FieldSpec] = &[
    created("", "", "", "metadata/labels"),
    created("", "v1", "ReplicationController", "spec/template/metadata/labels"),
    created("", "", "Deployment", "spec/template/metadata/labels"),
    created("", "", "ReplicaSet", "spec/template/metadata/labels"),
    created("", "", "DaemonSet", "spec/template/metadata/labels"),
    created("apps", "", "StatefulSet", "spec/template/metadata/labels"),
    created("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"),
    created("batch", "", "Job", "spec/template/metadata/labels"),
    created("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
    created("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
];

const SELECTORS: &[FieldSpec] = &[
    created("", "v1", "Service", "spec/selector"),
    created("", "v1", "ReplicationController", "spec/selector"),
    created("", "", "Deployment", "spec/selector/matchLabels"),
    created("", "", "ReplicaSet", "spec/selector/matchLabels"),
    created("", "", "DaemonSet", "spec/selector/matchLabels"),
    created("apps", "", "StatefulSet", "spec/selector/matchLabels"),
    found("batch", "Job", "spec/selector/matchLabels"),
    found("batch", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
    found("policy", "PodDisruptionBudget", "spec/selector/matchLabels"),
    found("networking.k8s.io", "NetworkPolicy", "spec/podSelector/matchLabels"),
    found("networking.k8s.io", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
    found("networking.k8s.io", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
];

/// Selectors in the pod templates of Deployments and StatefulSets, below `spec/template/spec/`.
const SPREAD_SELECTORS: &[&str] = &[
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

const ANNOTATIONS: &[FieldSpec] = &[
    created("", "", "", "metadata/annotations"),
    created("", "v1", "ReplicationController", "spec/template/metadata/annotations"),
    created("", "", "Deployment", "spec/template/metadata/annotations"),
    created("", "", "ReplicaSet", "spec/template/metadata/annotations"),
    created("", "", "DaemonSet", "spec/template/metadata/annotations"),
    created("", "", "StatefulSet", "spec/template/metadata/annotations"),
    created("batch", "", "Job", "spec/template/metadata/annotations"),
    created("batch", "", "CronJob", "spec/jobTemplate/metadata/annotations"),
    created("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations"),
];

const NAME: &[FieldSpec] = &[FieldSpec::new("metadata/name")];

const NAMESPACE: &[FieldSpec] = &[
    created("", "", "Namespace", "metadata/name"),
    created("apiregistration.k8s.io", "", "APIService", "spec/service/namespace"),
    found("apiextensions.k8s.io", "CustomResourceDefinition", "spec/conversion/webhook/clientConfig/service/namespace"),
];

const IMAGES: &[FieldSpec] = &[
    created("", "", "", "spec/containers[]/image"),
    created("", "", "", "spec/initContainers[]/image"),
    created("", "", "", "spec/volumes[]/image/reference"),
    created("", "", "", "spec/template/spec/containers[]/image"),
    created("", "", "", "spec/template/spec/initContainers[]/image"),
    created("", "", "", "spec/template/spec/volumes[]/image/reference"),
];

const REPLICAS: &[FieldSpec] = &[
    created("", "", "Deployment", "spec/replicas"),
    created("", "", "ReplicationController", "spec/replicas"),
    created("", "", "ReplicaSet", "spec/replicas"),
    created("", "", "StatefulSet", "spec/replicas"),
];

/// Where `$(VAR)` is replaced in pods, below the pod's spec.
const POD_VARS: &[&str] = &[
    "containers/args",
    "containers/command",
    "containers/env/value",
    "containers/volumeMounts/mountPath",
    "initContainers/args",
    "initContainers/command",
    "initContainers/env/value",
    "initContainers/volumeMounts/mountPath",
    "volumes/nfs/server",
];

/// Kinds with a pod spec in which `$(VAR)` is replaced, and where that is.
const VAR_PODS: &[(&str, &str)] = &[
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("Deployment", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("Pod", "spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
];

const OTHER_VARS: &[FieldSpec] = &[
    // The path lacks a `spec`, here as in kustomize: the nfs server of a CronJob is never reached through it.
    found("", "CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
    found("", "Deployment", "spec/template/metadata/annotations"),
    found("", "Ingress", "spec/rules/host"),
    found("", "Ingress", "spec/tls/hosts"),
    found("", "Ingress", "spec/tls/secretName"),
    found("", "Service", "spec/ports/port"),
    found("", "Service", "spec/ports/targetPort"),
    found("", "StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
    found("", "PersistentVolume", "spec/nfs/server"),
    FieldSpec::new("metadata/labels"),
    FieldSpec::new("metadata/annotations"),
];

/// Version, kind and place of the pod specs that refer to ConfigMaps and Secrets.
const CONFIGURED_PODS: &[(&str, &str, &str)] = &[
    ("v1", "Pod", "spec"),
    ("", "PodTemplate", "template/spec"),
    ("", "Deployment", "spec/template/spec"),
    ("", "ReplicaSet", "spec/template/spec"),
    ("", "DaemonSet", "spec/template/spec"),
    ("", "StatefulSet", "spec/template/spec"),
    ("", "Job", "spec/template/spec"),
    ("", "CronJob", "spec/jobTemplate/spec/template/spec"),
];

/// Version, kind and place of the pod specs that refer to service accounts, claims and priority classes.
const SCHEDULED_PODS: &[(&str, &str, &str)] = &[
    ("", "Pod", "spec"),
    ("", "StatefulSet", "spec/template/spec"),
    ("", "Deployment", "spec/template/spec"),
    ("", "ReplicationController", "spec/template/spec"),
    ("", "CronJob", "spec/jobTemplate/spec/template/spec"),
    ("", "Job", "spec/template/spec"),
    ("", "DaemonSet", "spec/template/spec"),
];

/// What refers to a kind by name: the kind, the fields in pod specs, the other fields.
struct Referred {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    pods: &'static [(&'static str, &'static str, &'static str)],
    pod_fields: &'static [&'static str],
    /// Group (or `group/version`), kind and path of each.
    fields: &'static [(&'static str, &'static str, &'static str)],
}

impl Referred {
    const fn by(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        fields: &'static [(&'static str, &'static str, &'static str)],
    ) -> Self {
        Self { group, version, kind, pods: &[], pod_fields: &[], fields }
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const SCALED: &[(&str, &str, &str)] = &[("", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];

const REFERRED: &[Referred] = &[
    Referred::by("", "", "Deployment", SCALED),
    Referred::by("", "", "ReplicationController", SCALED),
    Referred::by("", "", "ReplicaSet", SCALED),
    Referred::by("", "", "StatefulSet", SCALED),
    Referred {
        group: "",
        version: "v1",
        kind: "ConfigMap",
        pods: CONFIGURED_PODS,
        pod_fields: &[
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ],
        fields: &[
            ("", "Node", "spec/configSource/configMap"),
            ("", "Role", "rules/resourceNames"),
            ("", "ClusterRole", "rules/resourceNames"),
            ("", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
        ],
    },
    Referred {
        group: "",
        version: "v1",
        kind: "Secret",
        pods: CONFIGURED_PODS,
        pod_fields: &[
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
        fields: &[
            ("", "Ingress", "spec/tls/secretName"),
            ("", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
            ("", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
            ("", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
            ("", "ServiceAccount", "imagePullSecrets/name"),
            ("", "StorageClass", "parameters/secretName"),
            ("", "StorageClass", "parameters/adminSecretName"),
            ("", "StorageClass", "parameters/userSecretName"),
            ("", "StorageClass", "parameters/secretRef"),
            ("", "Role", "rules/resourceNames"),
            ("", "ClusterRole", "rules/resourceNames"),
            ("serving.knative.dev/v1", "Service", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
            ("", "PersistentVolume", "spec/azureFile/secretName"),
        ],
    },
    Referred::by(
        "",
        "v1",
        "Service",
        &[
            ("apps", "StatefulSet", "spec/serviceName"),
            ("", "Ingress", "spec/rules/http/paths/backend/serviceName"),
            ("", "Ingress", "spec/backend/serviceName"),
            ("", "Ingress", "spec/rules/http/paths/backend/service/name"),
            ("", "Ingress", "spec/defaultBackend/service/name"),
            ("apiregistration.k8s.io", "APIService", "spec/service/name"),
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
            ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
        ],
    ),
    Referred::by(RBAC, "", "Role", &[(RBAC, "RoleBinding", "roleRef/name")]),
    Referred::by(
        RBAC,
        "",
        "ClusterRole",
        &[(RBAC, "RoleBinding", "roleRef/name"), (RBAC, "ClusterRoleBinding", "roleRef/name")],
    ),
    Referred {
        group: "",
        version: "v1",
        kind: "ServiceAccount",
        pods: SCHEDULED_PODS,
        pod_fields: &["serviceAccountName"],
        fields: &[(RBAC, "RoleBinding", "subjects"), (RBAC, "ClusterRoleBinding", "subjects")],
    },
    Referred {
        group: "",
        version: "v1",
        kind: "PersistentVolumeClaim",
        pods: SCHEDULED_PODS,
        pod_fields: &["volumes/persistentVolumeClaim/claimName"],
        fields: &[],
    },
    Referred::by(
        "",
        "v1",
        "PersistentVolume",
        &[("", "PersistentVolumeClaim", "spec/volumeName"), ("", "ClusterRole", "rules/resourceNames")],
    ),
    Referred::by(
        "storage.k8s.io",
        "v1",
        "StorageClass",
        &[
            ("", "PersistentVolume", "spec/storageClassName"),
            ("", "PersistentVolumeClaim", "spec/storageClassName"),
            ("", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
        ],
    ),
    Referred {
        group: "scheduling.k8s.io",
        version: "v1",
        kind: "PriorityClass",
        pods: SCHEDULED_PODS,
        pod_fields: &["priorityClassName"],
        fields: &[],
    },
    // The group is wrong, here as in kustomize, so that this entry never matches.
    Referred::by("networking.k8s.io/v1", "v1", "IngressClass", &[("", "Ingress", "spec/ingressClassName")]),
    Referred::by(
        "admissionregistration.k8s.io",
        "",
        "ValidatingAdmissionPolicy",
        &[("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec/policyName")],
    ),
];

fn name_references() -> Vec<NameReference> {
    REFERRED
        .iter()
        .map(|referred| {
            let in_pods = referred.pods.iter().flat_map(|(version, kind, pod)| {
                referred.pod_fields.iter().map(move |field| FieldSpec {
                    path: format_smolstr!("{pod}/{field}"),
                    ..FieldSpec::of("", version, kind, "")
                })
            });
            let fields = referred.fields.iter().map(|(group, kind, path)| {
                let (group, version) = group.split_once('/').unwrap_or((group, ""));
                FieldSpec::of(group, version, kind, path)
            });
            NameReference {
                group: referred.group.into(),
                version: referred.version.into(),
                kind: referred.kind.into(),
                referrers: in_pods.chain(fields).collect(),
            }
        })
        .collect()
}

fn common_labels() -> Vec<FieldSpec> {
    let spread = ["Deployment", "StatefulSet"].into_iter().flat_map(|kind| {
        SPREAD_SELECTORS.iter().map(move |field| FieldSpec {
            path: format_smolstr!("spec/template/spec/{field}"),
            ..FieldSpec::of("apps", "", kind, "")
        })
    });
    SELECTORS.iter().cloned().chain(spread).chain(TEMPLATE_LABELS.iter().cloned()).collect()
}

fn var_references() -> Vec<FieldSpec> {
    let in_pods = VAR_PODS.iter().flat_map(|(kind, pod)| {
        let fields = POD_VARS.iter().filter(move |field| *kind != "CronJob" || **field != "volumes/nfs/server");
        fields.map(move |field| FieldSpec { path: format_smolstr!("{pod}/{field}"), ..FieldSpec::of("", "", kind, "") })
    });
    in_pods.chain(OTHER_VARS.iter().cloned()).collect()
}

/// Returns kustomize's own tables.
pub(super) fn default_tables() -> &'static Tables {
    static DEFAULT: OnceLock<Tables> = OnceLock::new();
    DEFAULT.get_or_init(|| Tables {
        name_prefix: NAME.to_vec(),
        name_suffix: NAME.to_vec(),
        namespace: NAMESPACE.to_vec(),
        common_labels: common_labels(),
        labels: Vec::new(),
        template_labels: TEMPLATE_LABELS.to_vec(),
        common_annotations: ANNOTATIONS.to_vec(),
        images: IMAGES.to_vec(),
        replicas: REPLICAS.to_vec(),
        var_reference: var_references(),
        name_reference: name_references(),
    })
}
