//! Which lists a strategic merge patch merges, and by which keys: the Kubernetes 1.21.2 schema that kustomize embeds,
//! reduced to the fields that lead to such a list.
//!
//! Generated once from that schema (Source: kyaml v0.21.1, `openapi/kubernetesapi/v1_21_2`) and checked against the
//! recorded table of the conformance suite.

/// A type of the schema: its fields that lead to a merged list, sorted by name.
#[derive(Debug)]
pub(crate) struct Schema(&'static [Field]);

/// A field of a [`Schema`].
#[derive(Debug)]
struct Field {
    name: &'static str,
    list: ListStrategy,
    to: Option<&'static Schema>,
}

/// How a field takes a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListStrategy {
    /// The patch's list replaces the old one (or the field is no list).
    Replace,
    /// Elements are merged by these keys; without any, they are scalars that are united.
    Merge(&'static [&'static str]),
}

impl Schema {
    /// Returns the schema of the objects of `api_version` and `kind`, where it leads to a merged list.
    pub(crate) fn of_kind(api_version: &str, kind: &str) -> Option<&'static Self> {
        let at = KINDS.binary_search_by(|(version, name, _)| (*version, *name).cmp(&(api_version, kind))).ok()?;
        Some(KINDS[at].2)
    }

    /// Returns how the list at `field` is merged, and the schema of `field` (of its elements, where it is a list).
    pub(crate) fn field(&self, field: &str) -> (ListStrategy, Option<&'static Self>) {
        let found = self.0.iter().find(|candidate| candidate.name == field);
        found.map_or((ListStrategy::Replace, None), |field| (field.list, field.to))
    }
}

/// An object or a list whose elements matter.
const fn through(name: &'static str, to: &'static Schema) -> Field {
    Field { name, list: ListStrategy::Replace, to: Some(to) }
}

/// A merged list of objects.
const fn merged(name: &'static str, keys: &'static [&'static str], to: &'static Schema) -> Field {
    Field { name, list: ListStrategy::Merge(keys), to: Some(to) }
}

/// A merged list whose elements lead no further.
const fn merged_leaf(name: &'static str, keys: &'static [&'static str]) -> Field {
    Field { name, list: ListStrategy::Merge(keys), to: None }
}

static COMPONENT_STATUS: Schema = Schema(&[merged_leaf("conditions", &["type"]), through("metadata", &OBJECT_META)]);
static CONTAINER: Schema = Schema(&[
    merged_leaf("env", &["name"]),
    merged_leaf("ports", &["containerPort", "protocol"]),
    merged_leaf("volumeDevices", &["devicePath"]),
    merged_leaf("volumeMounts", &["mountPath"]),
]);
static CRON_JOB: Schema = Schema(&[through("metadata", &OBJECT_META), through("spec", &CRON_JOB_SPEC)]);
static CRON_JOB_SPEC: Schema = Schema(&[through("jobTemplate", &JOB_TEMPLATE_SPEC)]);
static CSI_NODE: Schema = Schema(&[through("metadata", &OBJECT_META), through("spec", &CSI_NODE_SPEC)]);
static CSI_NODE_SPEC: Schema = Schema(&[merged_leaf("drivers", &["name"])]);
static WORKLOAD: Schema =
    Schema(&[through("metadata", &OBJECT_META), through("spec", &WITH_POD_TEMPLATE), through("status", &CONDITIONS)]);
static WITH_POD_TEMPLATE: Schema = Schema(&[through("template", &POD_TEMPLATE_SPEC)]);
static CONDITIONS: Schema = Schema(&[merged_leaf("conditions", &["type"])]);
static EPHEMERAL_CONTAINER: Schema = Schema(&[
    merged_leaf("env", &["name"]),
    merged_leaf("volumeDevices", &["devicePath"]),
    merged_leaf("volumeMounts", &["mountPath"]),
]);
static EPHEMERAL_VOLUME_SOURCE: Schema = Schema(&[through("volumeClaimTemplate", &METADATA_ONLY)]);
static JOB_TEMPLATE_SPEC: Schema = Schema(&[through("metadata", &OBJECT_META), through("spec", &WITH_POD_TEMPLATE)]);
static KUSTOMIZATION: Schema =
    Schema(&[merged_leaf("configMapGenerator", &["name"]), merged_leaf("secretGenerator", &["name"])]);
static METADATA_ONLY: Schema = Schema(&[through("metadata", &OBJECT_META)]);
static WEBHOOK_CONFIGURATION: Schema = Schema(&[through("metadata", &OBJECT_META), merged_leaf("webhooks", &["name"])]);
static METADATA_AND_CONDITIONS: Schema = Schema(&[through("metadata", &OBJECT_META), through("status", &CONDITIONS)]);
static NODE: Schema =
    Schema(&[through("metadata", &OBJECT_META), through("spec", &NODE_SPEC), through("status", &NODE_STATUS)]);
static NODE_SPEC: Schema = Schema(&[merged_leaf("podCIDRs", &[])]);
static NODE_STATUS: Schema = Schema(&[merged_leaf("addresses", &["type"]), merged_leaf("conditions", &["type"])]);
static OBJECT_META: Schema = Schema(&[merged_leaf("finalizers", &[]), merged_leaf("ownerReferences", &["uid"])]);
static POD: Schema =
    Schema(&[through("metadata", &OBJECT_META), through("spec", &POD_SPEC), through("status", &POD_STATUS)]);
static POD_SPEC: Schema = Schema(&[
    merged("containers", &["name"], &CONTAINER),
    merged("ephemeralContainers", &["name"], &EPHEMERAL_CONTAINER),
    merged_leaf("hostAliases", &["ip"]),
    merged_leaf("imagePullSecrets", &["name"]),
    merged("initContainers", &["name"], &CONTAINER),
    merged_leaf("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    merged("volumes", &["name"], &VOLUME),
]);
static POD_STATUS: Schema = Schema(&[merged_leaf("conditions", &["type"]), merged_leaf("podIPs", &["ip"])]);
static POD_TEMPLATE: Schema = Schema(&[through("metadata", &OBJECT_META), through("template", &POD_TEMPLATE_SPEC)]);
static POD_TEMPLATE_SPEC: Schema = Schema(&[through("metadata", &OBJECT_META), through("spec", &POD_SPEC)]);
static SERVICE: Schema =
    Schema(&[through("metadata", &OBJECT_META), through("spec", &SERVICE_SPEC), through("status", &CONDITIONS)]);
static SERVICE_ACCOUNT: Schema = Schema(&[through("metadata", &OBJECT_META), merged_leaf("secrets", &["name"])]);
static SERVICE_SPEC: Schema = Schema(&[merged_leaf("ports", &["port", "protocol"])]);
static STATEFUL_SET: Schema =
    Schema(&[through("metadata", &OBJECT_META), through("spec", &STATEFUL_SET_SPEC), through("status", &CONDITIONS)]);
static STATEFUL_SET_SPEC: Schema =
    Schema(&[through("template", &POD_TEMPLATE_SPEC), through("volumeClaimTemplates", &METADATA_AND_CONDITIONS)]);
static VOLUME: Schema = Schema(&[through("ephemeral", &EPHEMERAL_VOLUME_SOURCE)]);

/// Every kind that leads to a merged list, sorted.
static KINDS: &[(&str, &str, &Schema)] = &[
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", &METADATA_ONLY),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", &METADATA_ONLY),
    ("apiregistration.k8s.io/v1", "APIService", &METADATA_AND_CONDITIONS),
    ("apiregistration.k8s.io/v1beta1", "APIService", &METADATA_AND_CONDITIONS),
    ("apps/v1", "ControllerRevision", &METADATA_ONLY),
    ("apps/v1", "DaemonSet", &WORKLOAD),
    ("apps/v1", "Deployment", &WORKLOAD),
    ("apps/v1", "ReplicaSet", &WORKLOAD),
    ("apps/v1", "StatefulSet", &STATEFUL_SET),
    ("authentication.k8s.io/v1", "TokenRequest", &METADATA_ONLY),
    ("authentication.k8s.io/v1", "TokenReview", &METADATA_ONLY),
    ("authentication.k8s.io/v1beta1", "TokenReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1", "LocalSubjectAccessReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1", "SubjectAccessReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1beta1", "LocalSubjectAccessReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1beta1", "SelfSubjectAccessReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1beta1", "SelfSubjectRulesReview", &METADATA_ONLY),
    ("authorization.k8s.io/v1beta1", "SubjectAccessReview", &METADATA_ONLY),
    ("autoscaling/v1", "HorizontalPodAutoscaler", &METADATA_ONLY),
    ("autoscaling/v1", "Scale", &METADATA_ONLY),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", &METADATA_ONLY),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", &METADATA_ONLY),
    ("batch/v1", "CronJob", &CRON_JOB),
    ("batch/v1", "Job", &WORKLOAD),
    ("batch/v1beta1", "CronJob", &CRON_JOB),
    ("certificates.k8s.io/v1", "CertificateSigningRequest", &METADATA_ONLY),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", &METADATA_ONLY),
    ("coordination.k8s.io/v1", "Lease", &METADATA_ONLY),
    ("coordination.k8s.io/v1beta1", "Lease", &METADATA_ONLY),
    ("discovery.k8s.io/v1", "EndpointSlice", &METADATA_ONLY),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", &METADATA_ONLY),
    ("events.k8s.io/v1", "Event", &METADATA_ONLY),
    ("events.k8s.io/v1beta1", "Event", &METADATA_ONLY),
    ("extensions/v1beta1", "Ingress", &METADATA_ONLY),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema", &METADATA_ONLY),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "PriorityLevelConfiguration", &METADATA_ONLY),
    ("kustomize.config.k8s.io/v1beta1", "Kustomization", &KUSTOMIZATION),
    ("networking.k8s.io/v1", "Ingress", &METADATA_ONLY),
    ("networking.k8s.io/v1", "IngressClass", &METADATA_ONLY),
    ("networking.k8s.io/v1", "NetworkPolicy", &METADATA_ONLY),
    ("networking.k8s.io/v1beta1", "Ingress", &METADATA_ONLY),
    ("networking.k8s.io/v1beta1", "IngressClass", &METADATA_ONLY),
    ("node.k8s.io/v1", "RuntimeClass", &METADATA_ONLY),
    ("node.k8s.io/v1beta1", "RuntimeClass", &METADATA_ONLY),
    ("policy/v1", "PodDisruptionBudget", &METADATA_AND_CONDITIONS),
    ("policy/v1beta1", "Eviction", &METADATA_ONLY),
    ("policy/v1beta1", "PodDisruptionBudget", &METADATA_AND_CONDITIONS),
    ("policy/v1beta1", "PodSecurityPolicy", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1", "Role", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRole", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1beta1", "Role", &METADATA_ONLY),
    ("rbac.authorization.k8s.io/v1beta1", "RoleBinding", &METADATA_ONLY),
    ("scheduling.k8s.io/v1", "PriorityClass", &METADATA_ONLY),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", &METADATA_ONLY),
    ("storage.k8s.io/v1", "CSIDriver", &METADATA_ONLY),
    ("storage.k8s.io/v1", "CSINode", &CSI_NODE),
    ("storage.k8s.io/v1", "StorageClass", &METADATA_ONLY),
    ("storage.k8s.io/v1", "VolumeAttachment", &METADATA_ONLY),
    ("storage.k8s.io/v1beta1", "CSIDriver", &METADATA_ONLY),
    ("storage.k8s.io/v1beta1", "CSINode", &CSI_NODE),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", &METADATA_ONLY),
    ("storage.k8s.io/v1beta1", "StorageClass", &METADATA_ONLY),
    ("storage.k8s.io/v1beta1", "VolumeAttachment", &METADATA_ONLY),
    ("v1", "Binding", &METADATA_ONLY),
    ("v1", "ComponentStatus", &COMPONENT_STATUS),
    ("v1", "ConfigMap", &METADATA_ONLY),
    ("v1", "Endpoints", &METADATA_ONLY),
    ("v1", "Event", &METADATA_ONLY),
    ("v1", "LimitRange", &METADATA_ONLY),
    ("v1", "Namespace", &METADATA_AND_CONDITIONS),
    ("v1", "Node", &NODE),
    ("v1", "PersistentVolume", &METADATA_ONLY),
    ("v1", "PersistentVolumeClaim", &METADATA_AND_CONDITIONS),
    ("v1", "Pod", &POD),
    ("v1", "PodTemplate", &POD_TEMPLATE),
    ("v1", "ReplicationController", &WORKLOAD),
    ("v1", "ResourceQuota", &METADATA_ONLY),
    ("v1", "Secret", &METADATA_ONLY),
    ("v1", "Service", &SERVICE),
    ("v1", "ServiceAccount", &SERVICE_ACCOUNT),
];
