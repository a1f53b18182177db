//! The Kafka clusters, node pools and topics of one cluster, as Strimzi reads them.
//!
//! Source: Strimzi 1.2, "Configuring" and the resource descriptions of `kafka.strimzi.io/v1`.

use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::yaml::Node;

/// Group of Strimzi's kinds.
const GROUP: &str = "kafka.strimzi.io";

/// Label that says which Kafka an object belongs to.
pub(in crate::rules) const CLUSTER_LABEL: &str = "strimzi.io/cluster";

/// What Strimzi would find in a cluster.
pub(in crate::rules) struct Strimzi<'a> {
    /// Every Kafka, in the order of the cluster's objects.
    pub(in crate::rules) clusters: Vec<Kafka<'a>>,
    /// Every KafkaTopic.
    pub(in crate::rules) topics: Vec<Topic<'a>>,
}

/// A Kafka cluster with its node pools.
pub(in crate::rules) struct Kafka<'a> {
    /// The Kafka object.
    pub(in crate::rules) resource: &'a Resource,
    /// The KafkaNodePools that carry its label in its namespace.
    pub(in crate::rules) pools: Vec<&'a Resource>,
}

/// A KafkaTopic.
pub(in crate::rules) struct Topic<'a> {
    /// The KafkaTopic object.
    pub(in crate::rules) resource: &'a Resource,
}

/// One listener of a Kafka.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Listener<'a>(pub(in crate::rules) &'a Node);

impl<'a> Strimzi<'a> {
    /// Reads the objects of a cluster.
    pub(in crate::rules) fn of(index: &ClusterIndex<'a>) -> Self {
        let pools: Vec<&'a Resource> = objects(index, "KafkaNodePool").collect();
        let with_pools = |resource: &'a Resource| Kafka {
            resource,
            pools: pools
                .iter()
                .filter(|pool| pool.namespace() == resource.namespace())
                .filter(|pool| cluster_label(pool).and_then(Node::as_str) == Some(resource.name()))
                .copied()
                .collect(),
        };
        Self {
            clusters: objects(index, "Kafka").map(with_pools).collect(),
            topics: objects(index, "KafkaTopic").map(|resource| Topic { resource }).collect(),
        }
    }

    /// Returns the Kafka with this name in this namespace.
    pub(in crate::rules) fn find(&self, namespace: &str, name: &str) -> Option<&Kafka<'a>> {
        self.clusters.iter().find(|kafka| kafka.resource.namespace() == namespace && kafka.resource.name() == name)
    }

    /// Returns the Kafka that `object` is labelled with, in its own namespace.
    pub(in crate::rules) fn owner_of(&self, object: &Resource) -> Option<&Kafka<'a>> {
        self.find(object.namespace(), cluster_label(object)?.as_str()?)
    }

    /// Returns the topic that Kafka calls `name`, of the Kafka `kafka`.
    pub(in crate::rules) fn topic<'s>(&'s self, kafka: &Kafka<'a>, name: &str) -> Option<&'s Topic<'a>> {
        self.topics_of(kafka).find(|topic| topic.name() == name)
    }

    /// Returns the topics of `kafka`.
    pub(in crate::rules) fn topics_of<'s>(
        &'s self,
        kafka: &Kafka<'a>,
    ) -> impl Iterator<Item = &'s Topic<'a>> + use<'s, 'a> {
        let owner: &'a Resource = kafka.resource;
        let is_of = move |topic: &&'s Topic<'a>| {
            topic.resource.namespace() == owner.namespace()
                && cluster_label(topic.resource).and_then(Node::as_str) == Some(owner.name())
        };
        self.topics.iter().filter(is_of)
    }
}

impl<'a> Kafka<'a> {
    /// Returns the number of brokers; nothing where no object says it.
    pub(in crate::rules) fn brokers(&self) -> Option<u64> {
        if self.pools.is_empty() {
            return number(self.resource.node.at(&["spec", "kafka", "replicas"])?);
        }
        let is_broker = |pool: &&Resource| {
            let roles = pool.node.get("spec").map(|spec| spec.items("roles")).unwrap_or_default();
            roles.iter().any(|role| role.as_str() == Some("broker"))
        };
        let replicas = |pool: &Resource| pool.node.at(&["spec", "replicas"]).and_then(number);
        self.pools.iter().copied().filter(|pool| is_broker(pool)).map(replicas).sum()
    }

    /// Returns the broker setting `key` of `spec.kafka.config`.
    pub(in crate::rules) fn config(&self, key: &str) -> Option<&'a Node> {
        self.resource.node.at(&["spec", "kafka", "config", key]).filter(|value| !value.is_null())
    }

    /// Returns the broker setting `key` as a number, or what Kafka takes where it is not set.
    pub(in crate::rules) fn number(&self, key: &str, default: u64) -> u64 {
        self.config(key).and_then(number).unwrap_or(default)
    }

    /// Returns whether brokers create a topic when a client asks for one that is absent; Kafka's default is that they do.
    pub(in crate::rules) fn creates_topics(&self) -> bool {
        self.config("auto.create.topics.enable").and_then(Node::as_str) != Some("false")
    }

    /// Returns the listeners, in order.
    pub(in crate::rules) fn listeners(&self) -> impl Iterator<Item = Listener<'a>> {
        let list = self.resource.node.at(&["spec", "kafka"]).map(|kafka| kafka.items("listeners")).unwrap_or_default();
        list.iter().map(Listener)
    }
}

impl<'a> Topic<'a> {
    /// Returns the name that Kafka knows: `spec.topicName`, else the object's.
    pub(in crate::rules) fn name(&self) -> &'a str {
        let written = self.resource.node.at(&["spec", "topicName"]).and_then(Node::as_str);
        written.unwrap_or_else(|| self.resource.name())
    }

    /// Returns the number of partitions, where it is written.
    pub(in crate::rules) fn partitions(&self) -> Option<u64> {
        number(self.resource.node.at(&["spec", "partitions"])?)
    }

    /// Returns the value of `spec.replicas`, where it is written.
    pub(in crate::rules) fn replicas(&self) -> Option<&'a Node> {
        self.resource.node.at(&["spec", "replicas"]).filter(|replicas| !replicas.is_null())
    }

    /// Returns the setting `key` of `spec.config`.
    pub(in crate::rules) fn config(&self, key: &str) -> Option<&'a Node> {
        self.resource.node.at(&["spec", "config", key]).filter(|value| !value.is_null())
    }
}

impl<'a> Listener<'a> {
    /// Returns the text of the field `key`; empty where it is absent.
    pub(in crate::rules) fn text(self, key: &str) -> &'a str {
        self.0.get(key).and_then(Node::as_str).unwrap_or("")
    }

    /// Returns whether only pods of the cluster reach it.
    pub(in crate::rules) fn is_internal(self) -> bool {
        matches!(self.text("type"), "internal" | "cluster-ip")
    }

    /// Returns the name of its bootstrap Service, for the Kafka `kafka`.
    pub(in crate::rules) fn bootstrap_service(self, kafka: &str) -> String {
        if self.text("type") == "internal" {
            format!("{kafka}-kafka-bootstrap")
        } else {
            format!("{kafka}-kafka-{}-bootstrap", self.text("name"))
        }
    }
}

/// Returns the objects of Strimzi's group and of this kind.
pub(in crate::rules) fn objects<'a>(
    index: &ClusterIndex<'a>,
    kind: &str,
) -> impl Iterator<Item = &'a Resource> + use<'a> {
    let found: Vec<&'a Resource> = index.of_kind(GROUP, kind).iter().map(|object| object.resource).collect();
    found.into_iter()
}

/// Returns the label that says which Kafka `object` belongs to.
pub(in crate::rules) fn cluster_label(object: &Resource) -> Option<&Node> {
    object.node.at(&["metadata", "labels", CLUSTER_LABEL]).filter(|label| !label.is_null())
}

/// Returns the number that `node` writes, as a number or as text.
pub(in crate::rules) fn number(node: &Node) -> Option<u64> {
    node.as_str()?.trim().parse().ok()
}
