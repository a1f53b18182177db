//! What controllers make of the objects of a cluster: Secrets, ConfigMaps, Services and pods that no file shows.
//!
//! Source: cert-manager (`Certificate`, annotated Ingresses and Gateways), External Secrets, Sealed Secrets, trust-manager,
//! Strimzi 1.2, CloudNativePG 1.30, ECK 3.5, Flagger 1.44.

use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::yaml::Node;

/// A name that a controller derives from an object's: `{}` is the object's.
type Pattern = (&'static str, &'static str, &'static [&'static str]);

/// Secrets by the object that they are made of.
const SECRETS: &[Pattern] = &[
    ("bitnami.com", "SealedSecret", &["{}"]),
    ("kafka.strimzi.io", "KafkaUser", &["{}"]),
    ("kafka.strimzi.io", "Kafka", &["{}-cluster-ca-cert", "{}-clients-ca-cert", "{}-cluster-ca", "{}-clients-ca"]),
    ("postgresql.cnpg.io", "Cluster", &["{}-app", "{}-superuser", "{}-ca", "{}-server", "{}-replication"]),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", &["{}-es-elastic-user", "{}-es-http-certs-public"]),
];

/// Services by the object that they are made of.
const SERVICES: &[Pattern] = &[
    ("kafka.strimzi.io", "Kafka", &["{}-kafka-bootstrap", "{}-kafka-brokers", "{}-kafka-external-bootstrap"]),
    ("kafka.strimzi.io", "KafkaConnect", &["{}-connect-api"]),
    ("kafka.strimzi.io", "KafkaBridge", &["{}-bridge-service"]),
    ("postgresql.cnpg.io", "Cluster", &["{}-rw", "{}-ro", "{}-r"]),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", &["{}-es-http", "{}-es-transport"]),
    ("kibana.k8s.elastic.co", "Kibana", &["{}-kb-http"]),
];

/// Pods by the object that they are made of: the label that has its name.
const PODS: &[(&str, &str, &str)] = &[
    ("kafka.strimzi.io", "Kafka", "strimzi.io/cluster"),
    ("postgresql.cnpg.io", "Cluster", "cnpg.io/cluster"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "elasticsearch.k8s.elastic.co/cluster-name"),
];

/// The Services of Flux: each cluster has them, whatever its repository shows.
const FLUX_SERVICES: &[&str] = &["source-controller", "source-watcher", "notification-controller", "webhook-receiver"];

/// What the pods of Flux are labelled with as `app`: each cluster has them, whatever its repository shows.
const FLUX: &[&str] = &[
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
];

fn matches(index: &ClusterIndex<'_>, patterns: &[Pattern], namespace: &str, name: &str) -> bool {
    patterns.iter().any(|(group, kind, names)| {
        let mut resources = index.of_kind_in(group, kind, namespace).map(|object| object.resource);
        resources.any(|resource| names.iter().any(|pattern| pattern.replace("{}", resource.name()) == name))
    })
}

/// Returns whether some object makes a `kind` of this name.
pub(super) fn is_made(index: &ClusterIndex<'_>, kind: &str, namespace: &str, name: &str) -> bool {
    match kind {
        "Secret" => matches(index, SECRETS, namespace, name) || is_named_secret(index, namespace, name),
        // Every namespace has it; a trust-manager bundle goes into all of them.
        // So does istiod with its own root certificate.
        "ConfigMap" => matches!(name, "kube-root-ca.crt" | "istio-ca-root-cert") || has_bundle(index, name),
        _ => false,
    }
}

/// Returns whether some object makes a Service of this name.
pub(super) fn is_made_service(index: &ClusterIndex<'_>, namespace: &str, name: &str) -> bool {
    let is_flux = namespace == "flux-system" && FLUX_SERVICES.contains(&name);
    is_flux || matches(index, SERVICES, namespace, name) || is_canary(index, namespace, name)
}

/// Returns whether some object, or Flux itself, makes pods that `selector` selects by the label that they are known by.
pub(super) fn is_made_pod(index: &ClusterIndex<'_>, namespace: &str, selector: &LabelSelector) -> bool {
    let has = |label: &str, value: &str| selector.matches(|key| (key == label).then_some(value));
    let is_flux = namespace == "flux-system" && FLUX.iter().any(|app| has("app", app));
    // cert-manager answers challenges by a pod beside the Ingress or Gateway.
    let has_issuers = ["Issuer", "ClusterIssuer"].iter().any(|kind| !index.of_kind("cert-manager.io", kind).is_empty());
    let is_solver = has_issuers && has("acme.cert-manager.io/http01-solver", "true");
    is_flux
        || is_solver
        || PODS.iter().any(|(group, kind, label)| {
            let mut objects = index.of_kind_in(group, kind, namespace);
            objects.any(|object| has(label, object.resource.name()))
        })
}

fn has_bundle(index: &ClusterIndex<'_>, name: &str) -> bool {
    index.of_kind("trust.cert-manager.io", "Bundle").iter().any(|object| object.resource.name() == name)
}

/// Returns whether Flagger makes the Service: the apex, `-primary` and `-canary`.
fn is_canary(index: &ClusterIndex<'_>, namespace: &str, name: &str) -> bool {
    let base = name.strip_suffix("-primary").or_else(|| name.strip_suffix("-canary")).unwrap_or(name);
    let canaries = index.of_kind("flagger.app", "Canary").iter().map(|object| object.resource);
    canaries.filter(|canary| canary.namespace() == namespace).any(|canary| {
        let text = |keys: &[&str]| canary.node.at(keys).and_then(Node::as_str);
        text(&["spec", "service", "name"]).or_else(|| text(&["spec", "targetRef", "name"])) == Some(base)
    })
}

/// Returns whether an object says the name of a Secret that a controller then makes.
fn is_named_secret(index: &ClusterIndex<'_>, namespace: &str, name: &str) -> bool {
    let resources = |group, kind| index.of_kind_in(group, kind, namespace).map(|object| object.resource);
    let text = |resource: &Resource, keys: &[&str]| resource.node.at(keys).and_then(Node::as_str).map(str::to_owned);
    let external = resources("external-secrets.io", "ExternalSecret").any(|resource| {
        text(resource, &["spec", "target", "name"]).unwrap_or_else(|| resource.name().to_owned()) == name
    });
    let certificate = resources("cert-manager.io", "Certificate")
        .any(|resource| text(resource, &["spec", "secretName"]).as_deref() == Some(name));
    let ingress = resources("networking.k8s.io", "Ingress").filter(|resource| has_issuer(resource)).any(|resource| {
        let tls = resource.node.get("spec").map(|spec| spec.items("tls")).unwrap_or_default();
        tls.iter().any(|tls| tls.get("secretName").and_then(Node::as_str) == Some(name))
    });
    let gateway =
        resources("gateway.networking.k8s.io", "Gateway").filter(|resource| has_issuer(resource)).any(|resource| {
            let listeners = resource.node.get("spec").map(|spec| spec.items("listeners")).unwrap_or_default();
            let certificates =
                listeners.iter().filter_map(|it| it.get("tls")).flat_map(|tls| tls.items("certificateRefs"));
            certificates.into_iter().any(|certificate| certificate.get("name").and_then(Node::as_str) == Some(name))
        });
    external || certificate || ingress || gateway
}

/// Returns whether cert-manager makes the certificates of an Ingress or a Gateway.
fn has_issuer(resource: &Resource) -> bool {
    let annotations = resource.node.at(&["metadata", "annotations"]).and_then(Node::as_map);
    let keys = ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme"];
    annotations.is_some_and(|map| keys.iter().any(|key| map.get(key).is_some()))
}
