//! What pods, and the objects that stand before them, refer to by name.

use crate::flux::Object;
use crate::rules::index::entries::Entries;
use crate::rules::index::{ClusterIndex, Workload};
use crate::yaml::Node;

/// What looks for the references of one object.
type Look = fn(&mut Collector<'_, '_>);

/// The kinds beside those of pods whose objects refer to others.
const KINDS: &[(&str, &str, Look)] = &[
    ("", "ServiceAccount", |collector| collector.pull_secrets()),
    ("networking.k8s.io", "Ingress", |collector| collector.ingress()),
    ("gateway.networking.k8s.io", "Gateway", |collector| collector.gateway()),
    ("gateway.envoyproxy.io", "SecurityPolicy", |collector| collector.security_policy()),
];

/// A name that an object gives of a ConfigMap, Secret, ServiceAccount or PersistentVolumeClaim.
#[derive(Debug)]
pub(in crate::rules) struct Reference<'a> {
    /// Who refers.
    pub(in crate::rules) from: Object<'a>,
    /// The kind that is meant.
    pub(in crate::rules) kind: &'static str,
    /// The namespace that it is looked for in.
    pub(in crate::rules) namespace: &'a str,
    /// The name.
    pub(in crate::rules) name: &'a Node,
    /// The key in it, where one is meant.
    pub(in crate::rules) key: Option<&'a Node>,
    /// Whether it may be absent.
    pub(in crate::rules) optional: bool,
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

    fn pull_secrets(&mut self) {
        for secret in self.from.resource.node.items("imagePullSecrets") {
            self.add("Secret", secret.get("name"), None, false);
        }
    }

    fn ingress(&mut self) {
        const AUTH: &[&str] = &[
            "nginx.ingress.kubernetes.io/auth-secret",
            "haproxy-ingress.github.io/auth-secret",
            "haproxy.org/auth-secret",
        ];
        let node = &self.from.resource.node;
        for tls in node.get("spec").map(|spec| spec.items("tls")).unwrap_or_default() {
            self.add("Secret", tls.get("secretName"), None, false);
        }
        for annotation in AUTH {
            // A name with a namespace (`namespace/name`) needs a permission that only the controller knows.
            let name = node.at(&["metadata", "annotations", annotation]);
            self.add("Secret", name.filter(|name| !name.as_str().unwrap_or("").contains('/')), None, false);
        }
    }

    fn gateway(&mut self) {
        let spec = self.from.resource.node.get("spec");
        let listeners = spec.map(|spec| spec.items("listeners")).unwrap_or_default();
        for certificate in listeners.iter().filter_map(|it| it.get("tls")).flat_map(|tls| tls.items("certificateRefs"))
        {
            let is_own = certificate.get("namespace").is_none()
                && certificate.get("group").is_none_or(|group| group.as_str() == Some(""));
            self.add("Secret", certificate.get("name").filter(|_| is_own), None, false);
        }
    }

    fn security_policy(&mut self) {
        let spec = self.from.resource.node.get("spec");
        let at = |keys: &[&str]| spec?.at(keys);
        self.add("Secret", at(&["basicAuth", "users", "name"]), None, false);
        self.add("Secret", at(&["oidc", "clientSecret", "name"]), None, false);
    }
}

fn is_optional(source: &Node) -> bool {
    source.get("optional").and_then(Node::as_str) == Some("true")
}

/// Returns the groups and kinds beside those of pods whose objects refer to others.
pub(super) fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|(group, kind, _)| (*group, *kind))
}

/// Returns every reference of the objects of `entries`, in their order by kind.
pub(super) fn collect<'a>(entries: &Entries<'a>) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    for workload in &entries.workloads {
        Collector { from: workload.object, out: &mut found }.pod(workload);
    }
    for (group, kind, look) in KINDS {
        for object in entries.of_kind(group, kind) {
            look(&mut Collector { from: *object, out: &mut found });
        }
    }
    found
}
