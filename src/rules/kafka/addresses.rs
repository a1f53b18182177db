//! Rules on the addresses under which programs look for Kafka.
//!
//! Source: Strimzi, "Accessing Kafka" (names of the Services).

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, entries, names};
use crate::rules::kafka::model::{Kafka, Strimzi};
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::{Kind, Node};

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[BOOTSTRAP_UNKNOWN, BROKER_FIXED];

const BOOTSTRAP_UNKNOWN: Rule = Rule {
    id: "kafka-bootstrap-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each bootstrap address of a Strimzi Kafka (`<name>-kafka-bootstrap.<namespace>:<port>`) in a workload, a ConfigMap, the values of \
a HelmRelease or another client is that of a Kafka of the cluster, and its port that of one of its listeners.

## Why it matters
The name does not resolve, or nothing listens there: the program retries for ever, or crashes.

## What it cannot see
Addresses in Secrets and inside images. Where something of the cluster could not be rendered a missing Kafka is a note.
",
    check: Check::Index(check_bootstrap),
};

const BROKER_FIXED: Rule = Rule {
    id: "kafka-broker-address-fixed",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No client is given the address of a single broker (`<pod>.<name>-kafka-brokers…`) to begin with.

## Why it matters
While that one broker restarts the client cannot start, though the cluster is there; a node pool of another name or number \
leaves no such broker at all. The bootstrap Service reaches whichever broker is ready.

## What it cannot see
Addresses in Secrets and inside images.
",
    check: Check::Index(check_broker),
};

/// A Strimzi Service with an optional port: the host, its first label and the port.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let host =
        r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?-kafka-(?:[a-z0-9-]+-)?(?:bootstrap|brokers)(?:\.[a-z0-9-]+)*)";
    Regex::new(&format!("{host}(?::(?P<port>[0-9]{{1,5}}))?")).expect("the expression is a constant that tests compile")
});

/// The address of a Strimzi Service.
pub(super) struct Address<'a> {
    /// As written, without the port.
    host: &'a str,
    /// Name of the Service.
    service: &'a str,
    /// Its namespace; the client's own where none is written.
    namespace: &'a str,
    /// Name of one broker's pod, where the address is that of a pod.
    pod: Option<&'a str>,
    port: Option<i64>,
}

impl<'a> Address<'a> {
    /// Returns the addresses in `text`, seen from `namespace`.
    pub(super) fn all(text: &'a str, namespace: &'a str) -> Vec<Self> {
        if !text.contains(names::KAFKA) {
            return Vec::new();
        }
        ADDRESS.captures_iter(text).filter_map(|found| Self::read(&found, namespace)).collect()
    }

    fn read(found: &regex::Captures<'a>, namespace: &'a str) -> Option<Self> {
        let host = found.name("host")?.as_str();
        let labels: Vec<&str> = host.split('.').collect();
        let at = labels.iter().position(|label| label.ends_with("-bootstrap") || label.ends_with("-brokers"))?;
        Some(Self {
            host,
            service: labels[at],
            namespace: labels.get(at + 1).filter(|label| **label != "svc").copied().unwrap_or(namespace),
            pod: at.checked_sub(1).map(|pod| labels[pod]),
            port: found.name("port").and_then(|port| port.as_str().parse().ok()),
        })
    }

    /// Returns the name of the Kafka that the Service would belong to.
    fn kafka(&self) -> &'a str {
        self.service.rsplit_once("-kafka-").map_or(self.service, |(name, _)| name)
    }

    /// Returns the Kafka of the cluster that has this Service.
    pub(super) fn find<'s, 'c>(&self, strimzi: &'s Strimzi<'c>) -> Option<&'s Kafka<'c>> {
        let has_it = |kafka: &&Kafka<'_>| {
            let name = kafka.resource.name();
            let is_external = |service: &str| kafka.listeners().any(|it| it.bootstrap_service(name) == service);
            kafka.resource.namespace() == self.namespace
                && (self.service == format!("{name}-kafka-bootstrap")
                    || self.service == format!("{name}-kafka-brokers")
                    || is_external(self.service))
        };
        strimzi.clusters.iter().find(has_it)
    }
}

/// Kinds beside workloads whose texts may hold addresses of Kafka.
const CLIENTS: [(&str, &str); 6] = [
    ("", "ConfigMap"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ("kafka.strimzi.io", "KafkaConnect"),
    ("kafka.strimzi.io", "KafkaBridge"),
    ("kafka.strimzi.io", "KafkaMirrorMaker2"),
    ("keda.sh", "ScaledObject"),
];

/// Calls `visit` with every text of a client that may hold an address, and the object that it is in.
fn client_texts<'a>(index: &ClusterIndex<'a>, mut visit: impl FnMut(&'a Resource, &'a Node)) {
    let clients = entries::pod_makers().chain(CLIENTS).flat_map(|(group, kind)| index.with_kafka(group, kind));
    for resource in clients.map(|object| object.resource) {
        let mut open = vec![&resource.node];
        while let Some(node) = open.pop() {
            match &node.kind {
                Kind::Scalar(_) => visit(resource, node),
                Kind::Sequence(items) => open.extend(items.iter().rev()),
                Kind::Map(map) => open.extend(map.entries().iter().rev().map(|entry| &entry.value)),
            }
        }
    }
}

/// Returns the namespace from which the pods of `resource` resolve short names.
fn namespace_of(resource: &Resource) -> &str {
    let target = resource.node.at(&["spec", "targetNamespace"]).and_then(Node::as_str);
    target.filter(|_| resource.kind() == "HelmRelease").unwrap_or_else(|| resource.namespace())
}

/// Reports every bootstrap address that no Kafka of the cluster answers to.
fn check_bootstrap(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    client_texts(index, |resource, node| {
        for address in Address::all(node.as_str().unwrap_or(""), namespace_of(resource)) {
            if index.find("", "Service", address.namespace, address.service).is_some() {
                continue;
            }
            let finding = match address.find(&strimzi) {
                Some(kafka) => wrong_port(rule, &address, kafka),
                None => Some(unknown_kafka(rule, index, &address, &strimzi)),
            };
            out.extend(finding.map(|finding| {
                let message = format!("`{}` connects to {}", resource.object_ref(), finding.message);
                let label = format!("nothing answers at `{}`", address.host);
                Diagnostic { message, ..finding.label(node.span, label) }
            }));
        }
    });
}

/// Returns what is wrong with the port of `address`, a Service of `kafka`.
fn wrong_port(rule: &Rule, address: &Address<'_>, kafka: &Kafka<'_>) -> Option<Diagnostic> {
    let name = kafka.resource.name();
    // The Service of the brokers has the ports of all internal listeners, like the common bootstrap Service.
    let is_common = |service: &str| service.ends_with("-brokers") || service == format!("{name}-kafka-bootstrap");
    let of_service = kafka.listeners().filter(|listener| {
        listener.bootstrap_service(name) == address.service
            || is_common(address.service) && listener.text("type") == "internal"
    });
    let ports: Vec<&str> = of_service.map(|listener| listener.text("port")).collect();
    let port = address.port?;
    if ports.iter().any(|known| known.parse() == Ok(port)) {
        return None;
    }
    let message = format!("port {port} of `{}`, and no listener there has it", kafka.resource.object_ref());
    let help = match ports.as_slice() {
        [] => "give the Kafka an internal listener".to_owned(),
        ports => format!("write {}", ports.join(" or ")),
    };
    Some(rule.report(message).help(help))
}

fn unknown_kafka(rule: &Rule, index: &ClusterIndex<'_>, address: &Address<'_>, strimzi: &Strimzi<'_>) -> Diagnostic {
    let (namespace, name) = (address.namespace, address.kafka());
    let full = |kafka: &Kafka<'_>| format!("{}/{}", kafka.resource.namespace(), kafka.resource.name());
    let known: Vec<String> = strimzi.clusters.iter().map(full).collect();
    let near = nearest(&format!("{namespace}/{name}"), known.iter().map(String::as_str));
    let elsewhere = strimzi.clusters.iter().find(|kafka| kafka.resource.name() == name);
    let help = match (elsewhere, near) {
        (Some(kafka), _) => format!("write the namespace `{}`", kafka.resource.namespace()),
        (None, Some(near)) => format!("did you mean the Kafka `{near}`?"),
        (None, None) => "correct the address, or add the Kafka".to_owned(),
    };
    rule.report(format!("Kafka `{namespace}/{name}`, which the cluster does not have"))
        .help(help)
        .at_most(index.absence(namespace, near.or(elsewhere.map(|kafka| kafka.resource.name()))))
}

/// Reports every address of a single broker.
fn check_broker(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    client_texts(index, |resource, node| {
        for address in Address::all(node.as_str().unwrap_or(""), namespace_of(resource)) {
            let Some(pod) = address.pod.filter(|_| address.service.ends_with("-brokers")) else { continue };
            let bootstrap = format!("{}-kafka-bootstrap.{}", address.kafka(), address.namespace);
            out.push(
                rule.report(format!("`{}` connects to the one broker `{pod}`", resource.object_ref()))
                    .label(node.span, "no other broker answers here")
                    .help(format!("write `{bootstrap}`"))
                    .note("while this broker restarts the client cannot start"),
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String, Option<String>, Option<i64>) {
        let address = Address::all(text, "here").remove(0);
        (address.service.to_owned(), address.namespace.to_owned(), address.pod.map(str::to_owned), address.port)
    }

    #[test]
    fn addresses_are_found_in_every_form_that_clients_take() {
        let bootstrap = |namespace: &str, port| ("events-kafka-bootstrap".to_owned(), namespace.to_owned(), None, port);
        assert_eq!(read("events-kafka-bootstrap:9092"), bootstrap("here", Some(9092)));
        assert_eq!(read("events-kafka-bootstrap.kafka"), bootstrap("kafka", None));
        assert_eq!(read("SSL://events-kafka-bootstrap.kafka.svc:9093,b:1"), bootstrap("kafka", Some(9093)));
        assert_eq!(
            read("brokers=events-kafka-bootstrap.kafka.svc.cluster.local:9092\n"),
            bootstrap("kafka", Some(9092))
        );
        let pod = read("kafka-kafka-0.kafka-kafka-brokers.queuing.svc:9092");
        assert_eq!(pod, ("kafka-kafka-brokers".into(), "queuing".into(), Some("kafka-kafka-0".into()), Some(9092)));
    }

    #[test]
    fn other_hosts_are_no_addresses_of_strimzi() {
        for text in ["kafka:9092", "broker.example.com:9092", "my-kafka-ui", "ghcr.io/kafbat/kafka-ui:v1.5.0"] {
            assert!(Address::all(text, "here").is_empty(), "{text}");
        }
    }
}
