//! What pods, and the objects that stand before them, refer to by name.

use crate::flux::Object;
use crate::rules::index::{ClusterIndex, Workload};
use crate::yaml::Node;

/// A name that an object gives of a ConfigMap, Secret, ServiceAccount or PersistentVolumeClaim.
pub(super) struct Reference<'a> {
    /// Who refers.
    pub(super) from: Object<'a>,
    /// The kind that is meant.
    pub(super) kind: &'static str,
    /// The namespace that it is looked for in.
    pub(super) namespace: &'a str,
    /// The name.
    pub(super) name: &'a Node,
    /// The key in it, where one is meant.
    pub(super) key: Option<&'a Node>,
    /// Whether it may be absent.
    pub(super) optional: bool,
}

/// Collects the references of one object.
struct Collector<'o, 'a> {
    from: Object<'a>,
    out: &'o mut Vec<Reference<'a>>,
}

impl<'a> Collector<'_, 'a> {
    fn add(&mut self, kind: &'static str, name: Option<&'a Node>, key: Option<&'a Node>, optional: bool) {
        let Some(name) = name.filter(|name| !ClusterIndex::is_opaque(&self.from, name)) else { return };
        let namespace = self.from.resource.namespace();
        // An object without a namespace is wrong already, and where it would look nobody knows.
        if namespace.is_empty() {
            return;
        }
        self.out.push(Reference { from: self.from, kind, namespace, name, key, optional });
    }

    /// Adds what `source` (`{name, key, optional}`) means.
    fn source(&mut self, kind: &'static str, source: Option<&'a Node>, name: &str) {
        let Some(source) = source else { return };
        let optional = is_optional(source);
        let items = source.items("items");
        if items.is_empty() {
            self.add(kind, source.get(name), source.get("key"), optional);
        }
        for item in items {
            self.add(kind, source.get(name), item.get("key"), optional);
        }
    }

    fn pod(&mut self, workload: &Workload<'a>) {
        let Some(spec) = workload.pod_spec() else { return };
        let account = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount"));
        let account = account.filter(|name| name.as_str().is_some_and(|name| name != "default"));
        self.add("ServiceAccount", account, None, false);
        for secret in spec.items("imagePullSecrets") {
            self.add("Secret", secret.get("name"), None, false);
        }
        for container in workload.containers() {
            for variable in container.node.items("env").iter().filter_map(|variable| variable.get("valueFrom")) {
                self.source("ConfigMap", variable.get("configMapKeyRef"), "name");
                self.source("Secret", variable.get("secretKeyRef"), "name");
            }
            for from in container.node.items("envFrom") {
                self.source("ConfigMap", from.get("configMapRef"), "name");
                self.source("Secret", from.get("secretRef"), "name");
            }
        }
        for volume in spec.items("volumes") {
            self.source("ConfigMap", volume.get("configMap"), "name");
            self.source("Secret", volume.get("secret"), "secretName");
            self.source("PersistentVolumeClaim", volume.get("persistentVolumeClaim"), "claimName");
            let projected = volume.get("projected").map(|projected| projected.items("sources")).unwrap_or_default();
            for source in projected {
                self.source("ConfigMap", source.get("configMap"), "name");
                self.source("Secret", source.get("secret"), "name");
            }
        }
    }
}

fn is_optional(source: &Node) -> bool {
    source.get("optional").and_then(Node::as_str) == Some("true")
}

/// Returns every reference of the cluster's objects, in the order of its objects by kind.
pub(super) fn references<'a>(index: &ClusterIndex<'a>) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    for workload in index.workloads() {
        Collector { from: workload.object, out: &mut found }.pod(workload);
    }
    for object in index.of_kind("", "ServiceAccount") {
        for secret in object.resource.node.items("imagePullSecrets") {
            Collector { from: *object, out: &mut found }.add("Secret", secret.get("name"), None, false);
        }
    }
    entrances(index, &mut found);
    found
}

/// Adds the Secrets of what stands before Services: certificates and passwords.
fn entrances<'a>(index: &ClusterIndex<'a>, out: &mut Vec<Reference<'a>>) {
    const AUTH: &[&str] = &[
        "nginx.ingress.kubernetes.io/auth-secret",
        "haproxy-ingress.github.io/auth-secret",
        "haproxy.org/auth-secret",
    ];
    for object in index.of_kind("networking.k8s.io", "Ingress") {
        let node = &object.resource.node;
        let mut collector = Collector { from: *object, out };
        for tls in node.get("spec").map(|spec| spec.items("tls")).unwrap_or_default() {
            collector.add("Secret", tls.get("secretName"), None, false);
        }
        for annotation in AUTH {
            // A name with a namespace (`namespace/name`) needs a permission that only the controller knows.
            let name = node.at(&["metadata", "annotations", annotation]);
            collector.add("Secret", name.filter(|name| !name.as_str().unwrap_or("").contains('/')), None, false);
        }
    }
    for object in index.of_kind("gateway.networking.k8s.io", "Gateway") {
        let listeners = object.resource.node.get("spec").map(|spec| spec.items("listeners")).unwrap_or_default();
        for certificate in listeners.iter().filter_map(|it| it.get("tls")).flat_map(|tls| tls.items("certificateRefs"))
        {
            let is_own = certificate.get("namespace").is_none()
                && certificate.get("group").is_none_or(|group| group.as_str() == Some(""));
            Collector { from: *object, out }.add("Secret", certificate.get("name").filter(|_| is_own), None, false);
        }
    }
    for object in index.of_kind("gateway.envoyproxy.io", "SecurityPolicy") {
        let spec = |keys: &[&str]| object.resource.node.get("spec")?.at(keys);
        let mut collector = Collector { from: *object, out };
        collector.add("Secret", spec(&["basicAuth", "users", "name"]), None, false);
        collector.add("Secret", spec(&["oidc", "clientSecret", "name"]), None, false);
    }
}
