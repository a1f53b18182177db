//! Which lists a strategic merge patch merges, and by which keys: the Kubernetes 1.21.2 schema that kustomize embeds,
//! reduced to the fields that lead to such a list.
//!
//! Generated once from that schema (Source: kyaml v0.21.1, `openapi/kubernetesapi/v1_21_2`) and checked against the
//! recorded table of the conformance suite.

/// A type of the schema: its fields that lead to a merged list, sorted by name.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The name that others refer to it by, without `io.k8s.`; empty for most kinds, which are found by what they are.
    definition: &'static str,
    fields: &'static [Field],
}

/// A field of a [`Schema`].
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    /// The merge keys of a merged list; none for one of scalars, which are united. Nothing where a list is replaced.
    pub(crate) keys: Option<&'static [&'static str]>,
    /// The schema of the field (of its elements, where it is a list), where it leads further.
    pub(crate) to: Option<&'static Schema>,
}

/// What the names of Kubernetes' definitions begin with.
const PREFIX: &str = "io.k8s.";

impl Schema {
    /// Returns the schema of the objects of `api_version` and `kind`, where it leads to a merged list.
    pub(crate) fn of_kind(api_version: &str, kind: &str) -> Option<&'static Self> {
        let at = KINDS.binary_search_by(|(version, name, _)| (*version, *name).cmp(&(api_version, kind))).ok()?;
        Some(KINDS[at].2)
    }

    /// Returns the schema that `$ref` finds by `name`, where it leads to a merged list.
    pub(crate) fn of_definition(name: &str) -> Option<&'static Self> {
        let definition = name.strip_prefix(PREFIX)?;
        let named = DEFINITIONS.iter().find(|schema| schema.definition == definition);
        named.copied().or_else(|| Self::of_kind_named(definition))
    }

    /// Returns the schema of the kind whose definition has this name, as `api.apps.v1.Deployment` has.
    fn of_kind_named(definition: &str) -> Option<&'static Self> {
        let (rest, kind) = definition.rsplit_once('.')?;
        let (rest, version) = rest.rsplit_once('.')?;
        let (_, group) = rest.rsplit_once('.')?;
        let is_it = |(api_version, name, _): &&(&str, &str, _)| {
            let (in_group, in_version) = api_version.split_once('/').unwrap_or(("core", api_version));
            *name == kind && in_version == version && in_group.split('.').next() == Some(group)
        };
        KINDS.iter().find(is_it).map(|(_, _, schema)| *schema)
    }

    /// Returns the name that others refer to it by, where it has one of its own.
    pub(crate) fn definition(&self) -> Option<String> {
        (!self.definition.is_empty()).then(|| format!("{PREFIX}{}", self.definition))
    }

    /// Returns what is known of `field`.
    pub(crate) fn field(&self, field: &str) -> Option<&'static Field> {
        self.fields.iter().find(|candidate| candidate.name == field)
    }
}

/// A type that is found by its kind.
const fn kind(fields: &'static [Field]) -> Schema {
    definition("", fields)
}

/// A type that others refer to by `definition`.
const fn definition(definition: &'static str, fields: &'static [Field]) -> Schema {
    Schema { definition, fields }
}

/// An object or a list whose elements matter.
const fn through(name: &'static str, to: &'static Schema) -> Field {
    Field { name, keys: None, to: Some(to) }
}

/// A merged list of objects.
const fn merged(name: &'static str, keys: &'static [&'static str], to: &'static Schema) -> Field {
    Field { name, keys: Some(keys), to: Some(to) }
}

/// A merged list whose elements lead no further.
const fn merged_leaf(name: &'static str, keys: &'static [&'static str]) -> Field {
    Field { name, keys: Some(keys), to: None }
}

static API_SERVICE: Schema = kind(&[through("metadata", &OBJECT_META), through("status", &API_SERVICE_STATUS)]);
static API_SERVICE_STATUS: Schema =
    definition("kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus", &[merged_leaf("conditions", &["type"])]);
static API_SERVICE_STATUS_V1BETA1: Schema = definition(
    "kube-aggregator.pkg.apis.apiregistration.v1beta1.APIServiceStatus",
    &[merged_leaf("conditions", &["type"])],
);
static API_SERVICE_V1BETA1: Schema =
    kind(&[through("metadata", &OBJECT_META), through("status", &API_SERVICE_STATUS_V1BETA1)]);
static COMPONENT_STATUS: Schema = kind(&[merged_leaf("conditions", &["type"]), through("metadata", &OBJECT_META)]);
static CONTAINER: Schema = definition(
    "api.core.v1.Container",
    &[
        merged_leaf("env", &["name"]),
        merged_leaf("ports", &["containerPort", "protocol"]),
        merged_leaf("volumeDevices", &["devicePath"]),
        merged_leaf("volumeMounts", &["mountPath"]),
    ],
);
static CRON_JOB: Schema = kind(&[through("metadata", &OBJECT_META), through("spec", &CRON_JOB_SPEC)]);
static CRON_JOB_SPEC: Schema = definition("api.batch.v1.CronJobSpec", &[through("jobTemplate", &JOB_TEMPLATE_SPEC)]);
static CRON_JOB_SPEC_V1BETA1: Schema =
    definition("api.batch.v1beta1.CronJobSpec", &[through("jobTemplate", &JOB_TEMPLATE_SPEC_V1BETA1)]);
static CRON_JOB_V1BETA1: Schema = kind(&[through("metadata", &OBJECT_META), through("spec", &CRON_JOB_SPEC_V1BETA1)]);
static CSI_NODE: Schema = kind(&[through("metadata", &OBJECT_META), through("spec", &CSI_NODE_SPEC)]);
static CSI_NODE_SPEC: Schema = definition("api.storage.v1.CSINodeSpec", &[merged_leaf("drivers", &["name"])]);
static CSI_NODE_SPEC_V1BETA1: Schema =
    definition("api.storage.v1beta1.CSINodeSpec", &[merged_leaf("drivers", &["name"])]);
static CSI_NODE_V1BETA1: Schema = kind(&[through("metadata", &OBJECT_META), through("spec", &CSI_NODE_SPEC_V1BETA1)]);
static DAEMON_SET: Schema = kind(&[
    through("metadata", &OBJECT_META),
    through("spec", &DAEMON_SET_SPEC),
    through("status", &DAEMON_SET_STATUS),
]);
static DAEMON_SET_SPEC: Schema = definition("api.apps.v1.DaemonSetSpec", &[through("template", &POD_TEMPLATE_SPEC)]);
static DAEMON_SET_STATUS: Schema = definition("api.apps.v1.DaemonSetStatus", &[merged_leaf("conditions", &["type"])]);
static DEPLOYMENT: Schema = kind(&[
    through("metadata", &OBJECT_META),
    through("spec", &DEPLOYMENT_SPEC),
    through("status", &DEPLOYMENT_STATUS),
]);
static DEPLOYMENT_SPEC: Schema = definition("api.apps.v1.DeploymentSpec", &[through("template", &POD_TEMPLATE_SPEC)]);
static DEPLOYMENT_STATUS: Schema = definition("api.apps.v1.DeploymentStatus", &[merged_leaf("conditions", &["type"])]);
static EPHEMERAL_CONTAINER: Schema = definition(
    "api.core.v1.EphemeralContainer",
    &[
        merged_leaf("env", &["name"]),
        merged_leaf("volumeDevices", &["devicePath"]),
        merged_leaf("volumeMounts", &["mountPath"]),
    ],
);
static EPHEMERAL_VOLUME_SOURCE: Schema = definition(
    "api.core.v1.EphemeralVolumeSource",
    &[through("volumeClaimTemplate", &PERSISTENT_VOLUME_CLAIM_TEMPLATE)],
);
static JOB: Schema =
    kind(&[through("metadata", &OBJECT_META), through("spec", &JOB_SPEC), through("status", &JOB_STATUS)]);
static JOB_SPEC: Schema = definition("api.batch.v1.JobSpec", &[through("template", &POD_TEMPLATE_SPEC)]);
static JOB_STATUS: Schema = definition("api.batch.v1.JobStatus", &[merged_leaf("conditions", &["type"])]);
static JOB_TEMPLATE_SPEC: Schema =
    definition("api.batch.v1.JobTemplateSpec", &[through("metadata", &OBJECT_META), through("spec", &JOB_SPEC)]);
static JOB_TEMPLATE_SPEC_V1BETA1: Schema =
    definition("api.batch.v1beta1.JobTemplateSpec", &[through("metadata", &OBJECT_META), through("spec", &JOB_SPEC)]);
static KUSTOMIZATION: Schema =
    kind(&[merged_leaf("configMapGenerator", &["name"]), merged_leaf("secretGenerator", &["name"])]);
static METADATA_ONLY: Schema = kind(&[through("metadata", &OBJECT_META)]);
static NAMESPACE: Schema = kind(&[through("metadata", &OBJECT_META), through("status", &NAMESPACE_STATUS)]);
static NAMESPACE_STATUS: Schema = definition("api.core.v1.NamespaceStatus", &[merged_leaf("conditions", &["type"])]);
static NODE: Schema =
    kind(&[through("metadata", &OBJECT_META), through("spec", &NODE_SPEC), through("status", &NODE_STATUS)]);
static NODE_SPEC: Schema = definition("api.core.v1.NodeSpec", &[merged_leaf("podCIDRs", &[])]);
static NODE_STATUS: Schema =
    definition("api.core.v1.NodeStatus", &[merged_leaf("addresses", &["type"]), merged_leaf("conditions", &["type"])]);
static OBJECT_META: Schema = definition(
    "apimachinery.pkg.apis.meta.v1.ObjectMeta",
    &[merged_leaf("finalizers", &[]), merged_leaf("ownerReferences", &["uid"])],
);
static PERSISTENT_VOLUME_CLAIM: Schema = definition(
    "api.core.v1.PersistentVolumeClaim",
    &[through("metadata", &OBJECT_META), through("status", &PERSISTENT_VOLUME_CLAIM_STATUS)],
);
static PERSISTENT_VOLUME_CLAIM_STATUS: Schema =
    definition("api.core.v1.PersistentVolumeClaimStatus", &[merged_leaf("conditions", &["type"])]);
static PERSISTENT_VOLUME_CLAIM_TEMPLATE: Schema =
    definition("api.core.v1.PersistentVolumeClaimTemplate", &[through("metadata", &OBJECT_META)]);
static POD: Schema =
    kind(&[through("metadata", &OBJECT_META), through("spec", &POD_SPEC), through("status", &POD_STATUS)]);
static POD_DISRUPTION_BUDGET: Schema =
    kind(&[through("metadata", &OBJECT_META), through("status", &POD_DISRUPTION_BUDGET_STATUS)]);
static POD_DISRUPTION_BUDGET_STATUS: Schema =
    definition("api.policy.v1.PodDisruptionBudgetStatus", &[merged_leaf("conditions", &["type"])]);
static POD_DISRUPTION_BUDGET_STATUS_V1BETA1: Schema =
    definition("api.policy.v1beta1.PodDisruptionBudgetStatus", &[merged_leaf("conditions", &["type"])]);
static POD_DISRUPTION_BUDGET_V1BETA1: Schema =
    kind(&[through("metadata", &OBJECT_META), through("status", &POD_DISRUPTION_BUDGET_STATUS_V1BETA1)]);
static POD_SPEC: Schema = definition(
    "api.core.v1.PodSpec",
    &[
        merged("containers", &["name"], &CONTAINER),
        merged("ephemeralContainers", &["name"], &EPHEMERAL_CONTAINER),
        merged_leaf("hostAliases", &["ip"]),
        merged_leaf("imagePullSecrets", &["name"]),
        merged("initContainers", &["name"], &CONTAINER),
        merged_leaf("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
        merged("volumes", &["name"], &VOLUME),
    ],
);
static POD_STATUS: Schema =
    definition("api.core.v1.PodStatus", &[merged_leaf("conditions", &["type"]), merged_leaf("podIPs", &["ip"])]);
static POD_TEMPLATE: Schema = kind(&[through("metadata", &OBJECT_META), through("template", &POD_TEMPLATE_SPEC)]);
static POD_TEMPLATE_SPEC: Schema =
    definition("api.core.v1.PodTemplateSpec", &[through("metadata", &OBJECT_META), through("spec", &POD_SPEC)]);
static REPLICATION_CONTROLLER: Schema = kind(&[
    through("metadata", &OBJECT_META),
    through("spec", &REPLICATION_CONTROLLER_SPEC),
    through("status", &REPLICATION_CONTROLLER_STATUS),
]);
static REPLICATION_CONTROLLER_SPEC: Schema =
    definition("api.core.v1.ReplicationControllerSpec", &[through("template", &POD_TEMPLATE_SPEC)]);
static REPLICATION_CONTROLLER_STATUS: Schema =
    definition("api.core.v1.ReplicationControllerStatus", &[merged_leaf("conditions", &["type"])]);
static REPLICA_SET: Schema = kind(&[
    through("metadata", &OBJECT_META),
    through("spec", &REPLICA_SET_SPEC),
    through("status", &REPLICA_SET_STATUS),
]);
static REPLICA_SET_SPEC: Schema = definition("api.apps.v1.ReplicaSetSpec", &[through("template", &POD_TEMPLATE_SPEC)]);
static REPLICA_SET_STATUS: Schema = definition("api.apps.v1.ReplicaSetStatus", &[merged_leaf("conditions", &["type"])]);
static SERVICE: Schema =
    kind(&[through("metadata", &OBJECT_META), through("spec", &SERVICE_SPEC), through("status", &SERVICE_STATUS)]);
static SERVICE_ACCOUNT: Schema = kind(&[through("metadata", &OBJECT_META), merged_leaf("secrets", &["name"])]);
static SERVICE_SPEC: Schema = definition("api.core.v1.ServiceSpec", &[merged_leaf("ports", &["port", "protocol"])]);
static SERVICE_STATUS: Schema = definition("api.core.v1.ServiceStatus", &[merged_leaf("conditions", &["type"])]);
static STATEFUL_SET: Schema = kind(&[
    through("metadata", &OBJECT_META),
    through("spec", &STATEFUL_SET_SPEC),
    through("status", &STATEFUL_SET_STATUS),
]);
static STATEFUL_SET_SPEC: Schema = definition(
    "api.apps.v1.StatefulSetSpec",
    &[through("template", &POD_TEMPLATE_SPEC), through("volumeClaimTemplates", &PERSISTENT_VOLUME_CLAIM)],
);
static STATEFUL_SET_STATUS: Schema =
    definition("api.apps.v1.StatefulSetStatus", &[merged_leaf("conditions", &["type"])]);
static VOLUME: Schema = definition("api.core.v1.Volume", &[through("ephemeral", &EPHEMERAL_VOLUME_SOURCE)]);
static WEBHOOK_CONFIGURATION: Schema = kind(&[through("metadata", &OBJECT_META), merged_leaf("webhooks", &["name"])]);

/// Every definition that has a name of its own and no kind, or is referred to by its name.
static DEFINITIONS: &[&Schema] = &[
    &API_SERVICE_STATUS,
    &API_SERVICE_STATUS_V1BETA1,
    &CONTAINER,
    &CRON_JOB_SPEC,
    &CRON_JOB_SPEC_V1BETA1,
    &CSI_NODE_SPEC,
    &CSI_NODE_SPEC_V1BETA1,
    &DAEMON_SET_SPEC,
    &DAEMON_SET_STATUS,
    &DEPLOYMENT_SPEC,
    &DEPLOYMENT_STATUS,
    &EPHEMERAL_CONTAINER,
    &EPHEMERAL_VOLUME_SOURCE,
    &JOB_SPEC,
    &JOB_STATUS,
    &JOB_TEMPLATE_SPEC,
    &JOB_TEMPLATE_SPEC_V1BETA1,
    &NAMESPACE_STATUS,
    &NODE_SPEC,
    &NODE_STATUS,
    &OBJECT_META,
    &PERSISTENT_VOLUME_CLAIM,
    &PERSISTENT_VOLUME_CLAIM_STATUS,
    &PERSISTENT_VOLUME_CLAIM_TEMPLATE,
    &POD_DISRUPTION_BUDGET_STATUS,
    &POD_DISRUPTION_BUDGET_STATUS_V1BETA1,
    &POD_SPEC,
    &POD_STATUS,
    &POD_TEMPLATE_SPEC,
    &REPLICATION_CONTROLLER_SPEC,
    &REPLICATION_CONTROLLER_STATUS,
    &REPLICA_SET_SPEC,
    &REPLICA_SET_STATUS,
    &SERVICE_SPEC,
    &SERVICE_STATUS,
    &STATEFUL_SET_SPEC,
    &STATEFUL_SET_STATUS,
    &VOLUME,
];

/// Every kind that leads to a merged list, sorted.
static KINDS: &[(&str, &str, &Schema)] = &[
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", &WEBHOOK_CONFIGURATION),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", &METADATA_ONLY),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", &METADATA_ONLY),
    ("apiregistration.k8s.io/v1", "APIService", &API_SERVICE),
    ("apiregistration.k8s.io/v1beta1", "APIService", &API_SERVICE_V1BETA1),
    ("apps/v1", "ControllerRevision", &METADATA_ONLY),
    ("apps/v1", "DaemonSet", &DAEMON_SET),
    ("apps/v1", "Deployment", &DEPLOYMENT),
    ("apps/v1", "ReplicaSet", &REPLICA_SET),
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
    ("batch/v1", "Job", &JOB),
    ("batch/v1beta1", "CronJob", &CRON_JOB_V1BETA1),
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
    ("policy/v1", "PodDisruptionBudget", &POD_DISRUPTION_BUDGET),
    ("policy/v1beta1", "Eviction", &METADATA_ONLY),
    ("policy/v1beta1", "PodDisruptionBudget", &POD_DISRUPTION_BUDGET_V1BETA1),
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
    ("storage.k8s.io/v1beta1", "CSINode", &CSI_NODE_V1BETA1),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", &METADATA_ONLY),
    ("storage.k8s.io/v1beta1", "StorageClass", &METADATA_ONLY),
    ("storage.k8s.io/v1beta1", "VolumeAttachment", &METADATA_ONLY),
    ("v1", "Binding", &METADATA_ONLY),
    ("v1", "ComponentStatus", &COMPONENT_STATUS),
    ("v1", "ConfigMap", &METADATA_ONLY),
    ("v1", "Endpoints", &METADATA_ONLY),
    ("v1", "Event", &METADATA_ONLY),
    ("v1", "LimitRange", &METADATA_ONLY),
    ("v1", "Namespace", &NAMESPACE),
    ("v1", "Node", &NODE),
    ("v1", "PersistentVolume", &METADATA_ONLY),
    ("v1", "PersistentVolumeClaim", &PERSISTENT_VOLUME_CLAIM),
    ("v1", "Pod", &POD),
    ("v1", "PodTemplate", &POD_TEMPLATE),
    ("v1", "ReplicationController", &REPLICATION_CONTROLLER),
    ("v1", "ResourceQuota", &METADATA_ONLY),
    ("v1", "Secret", &METADATA_ONLY),
    ("v1", "Service", &SERVICE),
    ("v1", "ServiceAccount", &SERVICE_ACCOUNT),
];
