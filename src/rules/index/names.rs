//! What is asked of every object of a cluster again and again, remembered with the object: its name, and what its texts hold.
//!
//! Names are kept as hashes. Whoever looks one up compares the names themselves: two that are equal by chance cost a comparison.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::OnceLock;

use crate::kustomize::Resource;
use crate::yaml::{Kind, Node};

/// What every address of a Strimzi Service holds.
pub(in crate::rules) const KAFKA: &str = "-kafka-";

/// What is known of the objects of a cluster, in the order of [`Cluster::objects`](crate::flux::Cluster::objects).
#[derive(Debug, Clone, Default)]
pub(in crate::rules) struct Names {
    objects: Vec<Known>,
    /// Namespace with name of each object, and its place; sorted.
    by_name: Vec<(u64, usize)>,
    /// Places of the objects that have group, kind, namespace and name of another one; sorted.
    shared: Vec<usize>,
}

/// What is known of one object.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Known {
    /// Namespace and name.
    name: u64,
    /// The same with group and kind.
    identity: u64,
    /// Whether SOPS encrypted it.
    is_encrypted: bool,
    /// Whether one of its texts may be an address of Kafka; looked for when somebody asks.
    holds_kafka: OnceLock<bool>,
}

impl Known {
    /// Returns what is known of `resource`.
    pub(in crate::rules) fn of(resource: &Resource) -> Self {
        let mut hasher = hasher(resource.namespace(), resource.name());
        let name = hasher.finish();
        (resource.group(), resource.kind()).hash(&mut hasher);
        Self {
            name,
            identity: hasher.finish(),
            is_encrypted: resource.node.at(&["sops", "mac"]).is_some(),
            holds_kafka: OnceLock::new(),
        }
    }
}

fn hasher(namespace: &str, name: &str) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    (namespace, name).hash(&mut hasher);
    hasher
}

impl Names {
    /// Puts `come` in the place of the objects at `gone`.
    pub(in crate::rules) fn replace(&mut self, gone: Range<usize>, come: Vec<Known>) {
        let key = |known: &Known| (known.name, known.identity);
        let has_same_names = self.objects[gone.clone()].iter().map(key).eq(come.iter().map(key));
        self.objects.splice(gone, come);
        if has_same_names {
            return;
        }
        self.by_name = self.sorted_by(|known| known.name);
        let identities = self.sorted_by(|known| known.identity);
        let runs = identities.chunk_by(|left, right| left.0 == right.0).filter(|run| run.len() > 1);
        self.shared = runs.flatten().map(|(_, place)| *place).collect();
        self.shared.sort_unstable();
    }

    fn sorted_by(&self, key: impl Fn(&Known) -> u64) -> Vec<(u64, usize)> {
        let mut sorted: Vec<_> = self.objects.iter().enumerate().map(|(place, known)| (key(known), place)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// Returns the places of the objects that may have this namespace and name, ascending.
    pub(super) fn places(&self, namespace: &str, name: &str) -> impl Iterator<Item = usize> {
        let wanted = hasher(namespace, name).finish();
        let first = self.by_name.partition_point(|(hash, _)| *hash < wanted);
        self.by_name[first..].iter().take_while(move |(hash, _)| *hash == wanted).map(|(_, place)| *place)
    }

    /// Returns the places of the objects that may have group, kind, namespace and name of another one, ascending.
    pub(super) fn shared(&self) -> &[usize] {
        &self.shared
    }

    /// Returns the places of the objects that SOPS encrypted, ascending.
    pub(super) fn encrypted(&self) -> impl Iterator<Item = usize> {
        self.objects.iter().enumerate().filter(|(_, known)| known.is_encrypted).map(|(place, _)| place)
    }

    /// Returns whether a text of `resource`, the object at `place`, holds [`KAFKA`].
    pub(super) fn holds_kafka(&self, place: usize, resource: &Resource) -> bool {
        self.objects.get(place).is_some_and(|known| *known.holds_kafka.get_or_init(|| holds(&resource.node, KAFKA)))
    }
}

fn holds(node: &Node, text: &str) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.contains(text),
        Kind::Sequence(items) => items.iter().any(|item| holds(item, text)),
        Kind::Map(map) => map.iter().any(|entry| holds(&entry.value, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileSet, Span};
    use crate::yaml;

    fn known(objects: &[&str]) -> Vec<Known> {
        objects.iter().map(|text| Known::of(&resource(text))).collect()
    }

    fn resource(text: &str) -> Resource {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        Resource::new(yaml::parse(source, text).documents.remove(0).root, Span::new(source, 0..0))
    }

    const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}}";
    const SERVICE_ELSEWHERE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: test}}";
    const DEPLOYMENT: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}";

    #[test]
    fn objects_are_found_by_name_whatever_came_and_went() {
        let mut names = Names::default();
        names.replace(0..0, known(&[SERVICE, SERVICE_ELSEWHERE, DEPLOYMENT]));
        assert_eq!(names.places("shop", "web").collect::<Vec<_>>(), [0, 2]);
        assert_eq!(names.shared(), [0_usize; 0], "they are of two kinds and two namespaces");
        names.replace(1..1, known(&[SERVICE]));
        assert_eq!(names.places("shop", "web").collect::<Vec<_>>(), [0, 1, 3]);
        assert_eq!(names.places("test", "web").collect::<Vec<_>>(), [2]);
        assert_eq!(names.shared(), [0, 1]);
        names.replace(0..1, Vec::new());
        assert_eq!(names.places("shop", "web").collect::<Vec<_>>(), [0, 2]);
        assert_eq!(names.shared(), [0_usize; 0]);
    }

    #[test]
    fn an_object_with_the_same_name_is_another_object() {
        let plain = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {host: kafka}}";
        let address = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {hosts: [events-kafka-brokers]}}";
        let encrypted = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, sops: {mac: x}}";
        let mut names = Names::default();
        names.replace(0..0, known(&[plain]));
        assert!(!names.holds_kafka(0, &resource(plain)));
        names.replace(0..1, known(&[address]));
        assert!(names.holds_kafka(0, &resource(address)));
        assert_eq!(names.encrypted().count(), 0);
        names.replace(0..1, known(&[encrypted]));
        assert_eq!(names.encrypted().collect::<Vec<_>>(), [0]);
    }
}
