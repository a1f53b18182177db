//! Services by the names under which programs are told of them.
//!
//! Source: Kubernetes, "DNS for Services and Pods".

use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload, number};
use crate::rules::kafka::{Kafka, Strimzi};
use crate::rules::network::model::{Endpoint, Port};
use crate::rules::variables::{Variable, variables};
use crate::yaml::Node;

/// Ports of schemes that programs write without one.
const SCHEMES: [(&str, i64); 9] = [
    ("http", 80),
    ("https", 443),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("redis", 6379),
    ("mongodb", 27017),
    ("mysql", 3306),
    ("amqp", 5672),
    ("nats", 4222),
];

/// A connection that a workload is told to make.
pub(super) struct Flow<'a> {
    /// The variable that says so.
    pub(super) variable: Variable<'a>,
    /// The host as it is written.
    pub(super) host: &'a str,
    /// Who answers.
    pub(super) target: Target<'a>,
    /// The port of the pods that answer.
    pub(super) port: Port<'a>,
}

/// Who answers at a host.
pub(super) enum Target<'a> {
    /// The pods of workloads that a Service selects.
    Pods(Vec<Endpoint<'a>>),
    /// The brokers of a Kafka.
    Kafka {
        /// A broker.
        broker: Endpoint<'a>,
        /// The listener.
        listener: &'a Node,
    },
}

/// Returns the connections to Services and Kafka of the cluster that `workload` is told to make, each once.
pub(super) fn flows<'a>(index: &ClusterIndex<'a>, strimzi: &Strimzi<'a>, workload: &Workload<'a>) -> Vec<Flow<'a>> {
    let mut found: Vec<Flow<'a>> = Vec::new();
    for container in workload.containers() {
        for variable in variables(index, workload, container) {
            for (scheme, host, port) in hosts(variable.value()) {
                let Some((name, namespace)) =
                    service_of(host, workload.namespace(), scheme.is_some() || port.is_some())
                else {
                    continue;
                };
                let wanted =
                    port.or_else(|| SCHEMES.iter().find(|(name, _)| Some(*name) == scheme).map(|(_, port)| *port));
                let target = match index.find("", "Service", namespace, name) {
                    Some(service) => of_service(index, service, wanted),
                    None => of_kafka(strimzi, namespace, name, wanted),
                };
                let is_new = !found
                    .iter()
                    .any(|flow| flow.host == host && Some(flow.port.number) == target.as_ref().map(|it| it.1.number));
                if let Some((target, port)) = target.filter(|_| is_new) {
                    found.push(Flow { variable, host, target, port });
                }
            }
        }
    }
    found
}

/// Returns scheme, host and port of each address in `text`.
fn hosts(text: &str) -> Vec<(Option<&str>, &str, Option<i64>)> {
    let is_cut = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '"' | '\'' | '=' | '(' | ')');
    let read = |piece: &'_ str| -> Option<(usize, usize, Option<i64>)> {
        let start = piece.find("://").map_or(0, |at| at + 3);
        let rest = &piece[start..];
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        // What stands before the last `@` is who asks.
        let from = rest[..end].rfind('@').map_or(0, |at| at + 1);
        let authority = &rest[from..end];
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let is_host = !host.is_empty()
            && host.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == '.');
        let port = match port {
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        is_host.then_some((start + from, host.len(), port))
    };
    let pieces = text.split(is_cut).filter(|piece| !piece.is_empty());
    pieces
        .filter_map(|piece| {
            let (at, length, port) = read(piece)?;
            let scheme = piece.split_once("://").map(|(scheme, _)| scheme);
            Some((scheme, piece.get(at..at + length)?, port))
        })
        .collect()
}

/// Returns name and namespace of the Service that `host` may be, seen from `home`. A word alone is a host only where a
/// scheme or a port says that it is one.
fn service_of<'a>(host: &'a str, home: &'a str, is_address: bool) -> Option<(&'a str, &'a str)> {
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        [name] if is_address => Some((name, home)),
        // With a pod of a StatefulSet before its Service, or without.
        [name, namespace] | [name, namespace, "svc", ..] | [_, name, namespace, "svc", ..] => Some((name, namespace)),
        _ => None,
    }
}

/// Returns the pods behind a port of `service`, and their own port; the only port where none is asked for.
pub(super) fn of_service<'a>(
    index: &ClusterIndex<'a>,
    service: &'a Resource,
    port: Option<i64>,
) -> Option<(Target<'a>, Port<'a>)> {
    let labels = service.node.at(&["spec", "selector"])?.as_map().filter(|labels| !labels.is_empty())?;
    let pods = index.selected(service.namespace(), &LabelSelector::of_labels(labels));
    let ports = service.node.get("spec")?.items("ports");
    let written = match port {
        Some(wanted) => ports.iter().find(|it| number(it.get("port")) == Some(wanted))?,
        None => ports.first().filter(|_| ports.len() == 1)?,
    };
    let target = written.get("targetPort").or_else(|| written.get("port"))?;
    let declared = pods.iter().flat_map(|workload| workload.ports()).find(|it| it.answers_to(target));
    let number = declared.and_then(|it| it.number).or_else(|| number(Some(target)))?;
    let port = Port { protocol: "TCP", number, name: declared.and_then(|it| it.name()) };
    let endpoints: Vec<Endpoint<'a>> = pods.into_iter().map(Endpoint::of).collect();
    (!endpoints.is_empty()).then_some((Target::Pods(endpoints), port))
}

fn of_kafka<'a>(
    strimzi: &Strimzi<'a>,
    namespace: &str,
    service: &str,
    port: Option<i64>,
) -> Option<(Target<'a>, Port<'a>)> {
    let kafka: &Kafka<'a> = strimzi.clusters.iter().find(|kafka| {
        let name = kafka.resource.name();
        kafka.resource.namespace() == namespace
            && [format!("{name}-kafka-bootstrap"), format!("{name}-kafka-brokers")].iter().any(|it| it == service)
    })?;
    let wanted = port?;
    let listener =
        kafka.listeners().map(|listener| listener.0).find(|node| number(node.get("port")) == Some(wanted))?;
    let name = kafka.resource.name();
    let pool = kafka.pools.first().map_or("kafka", |pool| pool.name());
    let labels = vec![
        ("app.kubernetes.io/instance", name.to_owned()),
        ("app.kubernetes.io/managed-by", "strimzi-cluster-operator".to_owned()),
        ("app.kubernetes.io/name", "kafka".to_owned()),
        ("app.kubernetes.io/part-of", format!("strimzi-{name}")),
        ("strimzi.io/broker-role", "true".to_owned()),
        ("strimzi.io/cluster", name.to_owned()),
        ("strimzi.io/component-type", "kafka".to_owned()),
        ("strimzi.io/kind", "Kafka".to_owned()),
        ("strimzi.io/name", format!("{name}-kafka")),
        ("strimzi.io/pool-name", pool.to_owned()),
    ];
    let broker = Endpoint { namespace: kafka.resource.namespace(), labels };
    Some((Target::Kafka { broker, listener }, Port { protocol: "TCP", number: wanted, name: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_lists_and_urls() {
        assert_eq!(hosts("http://api.web:8080/v1?fast"), [(Some("http"), "api.web", Some(8080))]);
        assert_eq!(hosts("postgresql://user:pa55@db:5432/shop"), [(Some("postgresql"), "db", Some(5432))]);
        assert_eq!(hosts("a.kafka:9092,b.kafka:9092"), [(None, "a.kafka", Some(9092)), (None, "b.kafka", Some(9092))]);
        assert_eq!(hosts("info"), [(None, "info", None)]);
        assert_eq!(hosts("C:\\Temp Hello!"), []);
    }

    #[test]
    fn a_word_is_a_host_only_where_something_says_so() {
        assert_eq!(service_of("db", "web", false), None);
        assert_eq!(service_of("db", "web", true), Some(("db", "web")));
        assert_eq!(service_of("db-0.db.data.svc.cluster.local", "web", true), Some(("db", "data")));
        assert_eq!(service_of("www.example.com", "web", true), None);
    }
}
