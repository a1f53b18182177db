//! Fields that name an object.

use smol_str::SmolStr;

use crate::editor::occurrence::occurrences;
use crate::editor::place::Place;
use crate::flux::{Cluster, SourceKey};
use crate::kube::NamespacedName;
use crate::kustomize::Resource;
use crate::session::Session;
use crate::text::Span;
use crate::yaml::{Chain, Node};

/// How a field that names an object tells of which kind it is.
#[derive(Debug, Clone, Copy)]
enum KindOf {
    /// Always this one.
    Fixed(&'static str),
    /// The field `kind` beside it; this one where there is none.
    Beside(&'static str),
    /// The kind of the object that refers.
    Own,
}

/// The ends of the ways to such fields.
const REFERENCES: &[(&str, KindOf)] = &[
    ("spec.dependsOn[].name", KindOf::Own),
    ("sourceRef.name", KindOf::Beside("")),
    ("chartRef.name", KindOf::Beside("")),
    ("spec.sources[].name", KindOf::Beside("")),
    ("substituteFrom[].name", KindOf::Beside("")),
    ("valuesFrom[].name", KindOf::Beside("")),
    ("healthChecks[].name", KindOf::Beside("")),
    ("imageRepositoryRef.name", KindOf::Fixed("ImageRepository")),
    ("configMapRef.name", KindOf::Fixed("ConfigMap")),
    ("configMapKeyRef.name", KindOf::Fixed("ConfigMap")),
    ("configMap.name", KindOf::Fixed("ConfigMap")),
    ("secretRef.name", KindOf::Fixed("Secret")),
    ("SecretRef.name", KindOf::Fixed("Secret")),
    ("secretKeyRef.name", KindOf::Fixed("Secret")),
    ("secret.secretName", KindOf::Fixed("Secret")),
    ("secret.name", KindOf::Fixed("Secret")),
    ("imagePullSecrets[].name", KindOf::Fixed("Secret")),
    ("serviceAccountName", KindOf::Fixed("ServiceAccount")),
    ("persistentVolumeClaim.claimName", KindOf::Fixed("PersistentVolumeClaim")),
    ("scaleTargetRef.name", KindOf::Beside("Deployment")),
    ("backend.service.name", KindOf::Fixed("Service")),
    ("backendRefs[].name", KindOf::Beside("Service")),
    ("parentRefs[].name", KindOf::Beside("Gateway")),
    ("roleRef.name", KindOf::Beside("")),
    ("subjects[].name", KindOf::Beside("")),
    ("issuerRef.name", KindOf::Beside("Issuer")),
];

/// An object that a field names, as it is written.
#[derive(Debug)]
pub(super) struct Reference {
    /// Kind of the object.
    pub(super) kind: SmolStr,
    /// The namespace beside the name, where one is written.
    pub(super) namespace: Option<SmolStr>,
}

impl Reference {
    /// Returns what the field at `place` names, where it names an object.
    pub(super) fn at(place: &Place<'_>) -> Option<Self> {
        let ends = |(end, _): &&(&str, KindOf)| {
            // `certSecretRef` and its like end in a word of the table.
            place.ends_in(end) || (end.starts_with('S') && place.way.ends_with(end))
        };
        let (_, kind) = REFERENCES.iter().find(ends)?;
        let kind = match kind {
            KindOf::Fixed(kind) => SmolStr::new_static(kind),
            KindOf::Beside(usual) => place.beside("kind").unwrap_or(SmolStr::new_static(usual)),
            KindOf::Own => place.root.get("kind")?.as_str()?.into(),
        };
        (!kind.is_empty()).then(|| Self { kind, namespace: place.beside("namespace") })
    }

    /// Returns the objects that are named, where they are written, in every cluster that gets the referring object; in
    /// every cluster at all where none gets it. Sorted, each place once.
    pub(super) fn resolve(&self, session: &Session, place: &Place<'_>) -> Vec<Span> {
        let mut spans = Vec::new();
        for occurrence in occurrences(session, place.source, place.byte, usize::MAX) {
            let Some(name) = occurrence.node.as_str() else { continue };
            let namespace = self.namespace.clone().unwrap_or_else(|| occurrence.resource.namespace().into());
            find(occurrence.cluster, &self.kind, &namespace, name, &mut spans);
        }
        if spans.is_empty() {
            let written = place.root.at(&["metadata", "namespace"]).and_then(Node::as_str).unwrap_or_default();
            let namespace = self.namespace.as_deref().unwrap_or(written);
            for cluster in &session.fleet().clusters {
                find(cluster, &self.kind, namespace, place.text(), &mut spans);
            }
        }
        spans.sort_unstable();
        spans.dedup();
        spans
    }
}

/// Finds the object in `cluster`; an empty namespace is any.
pub(super) fn find(cluster: &Cluster, kind: &SmolStr, namespace: &str, name: &str, spans: &mut Vec<Span>) {
    let before = spans.len();
    let named = cluster.objects().map(|object| object.resource).filter(|resource| {
        let in_place = namespace.is_empty() || resource.namespace().is_empty() || resource.namespace() == namespace;
        resource.kind() == kind && in_place && (resource.name() == name || was_called(resource, name))
    });
    spans.extend(named.map(written_at));
    if spans.len() == before {
        let key = SourceKey { kind: kind.clone(), name: NamespacedName::new(namespace, name) };
        spans.extend(cluster.sources.get(&key).and_then(|source| source.span));
    }
}

/// Returns whether `name` was the name of `resource` before a prefix, a suffix or a hash was added.
fn was_called(resource: &Resource, name: &str) -> bool {
    resource.history.iter().any(|id| id.name == name)
}

/// Returns where `resource` got its name from a file; its document where the name was made.
pub(super) fn written_at(resource: &Resource) -> Span {
    let Some(name) = resource.node.at(&["metadata", "name"]) else { return resource.origin };
    let steps = std::iter::successors(name.chain.as_deref(), |step: &&Chain| step.earlier.as_deref());
    let first = steps.filter_map(|step| step.before).last().unwrap_or(name.span);
    if first.source == resource.origin.source { first } else { resource.origin }
}
