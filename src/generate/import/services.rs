//! Data services, topics, and what brings requests in.

use serde_json::{Map, Value, json};

use crate::flux;
use crate::generate::import::Reader;
use crate::kustomize::Resource;
use crate::yaml::Node;

/// Charts that a parameter stands for: name of the chart, parameter, value.
const CHARTS: &[(&str, &str, &str)] = &[
    ("gateway-helm", "gateway", "envoy"),
    ("ingress-nginx", "gateway", "ingress-nginx"),
    ("external-dns", "dns", "external-dns"),
    ("kube-prometheus-stack", "monitoring", "prometheus"),
    ("trivy-operator", "scanner", "trivy"),
    ("linkerd-control-plane", "mesh", "linkerd"),
    ("keda", "scaler", "keda"),
    ("external-secrets", "secrets", "external-secrets"),
];
/// Charts that come along with what other parameters ask for.
const ALONG: &[&str] = &[
    "cert-manager",
    "cloudnative-pg",
    "eck-operator",
    "flagger",
    "linkerd-crds",
    "metrics-server",
    "strimzi-kafka-operator",
    "valkey",
];

impl Reader<'_> {
    pub(super) fn services(&mut self) -> Vec<(&'static str, Value)> {
        let mut parameters = self.charts();
        if let Some(issuer) = self.of_kind("cert-manager.io", "ClusterIssuer").next() {
            let is_acme = issuer.node.at(&["spec", "acme"]).is_some();
            parameters.push(("tls", Value::from(if is_acme { "letsencrypt" } else { "self-signed" })));
        }
        parameters.extend(self.kafka());
        let topics = self.topics();
        if !topics.is_empty() {
            parameters.push(("topics", Value::Object(topics)));
        }
        if let Some(postgres) = self.of_kind("postgresql.cnpg.io", "Cluster").next() {
            let instances = postgres.node.at(&["spec", "instances"]).and_then(number);
            parameters.push(("postgres", service(postgres, "instances", instances)));
        }
        if let Some(elasticsearch) = self.of_kind("elasticsearch.k8s.elastic.co", "Elasticsearch").next() {
            let sets = elasticsearch.node.get("spec").map(|spec| spec.items("nodeSets")).unwrap_or_default();
            let nodes = sets.iter().filter_map(|set| set.get("count").and_then(number)).sum();
            parameters.push(("elasticsearch", service(elasticsearch, "nodes", Some(nodes))));
        }
        parameters
    }

    /// Returns the parameters that charts stand for; the others are left out.
    fn charts(&mut self) -> Vec<(&'static str, Value)> {
        let mut parameters: Vec<(&'static str, Value)> = Vec::new();
        for release in self.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").collect::<Vec<_>>() {
            let chart = flux::chart_name(release, |group, kind, namespace, name| {
                self.of_kind(group, kind).find(|source| source.namespace() == namespace && source.name() == name)
            });
            let Some(name) = chart else {
                self.leave(Some(release.name_span()), format!("`{}`: nothing tells its chart", release.object_ref()));
                continue;
            };
            match CHARTS.iter().find(|(chart, _, _)| *chart == name) {
                Some((_, parameter, value)) => {
                    if !parameters.iter().any(|(known, _)| known == parameter) {
                        parameters.push((parameter, Value::from(*value)));
                    }
                }
                None if ALONG.contains(&name) => {}
                None => {
                    let what = format!("`{}`: no parameter stands for the chart `{name}`", release.object_ref());
                    self.leave(Some(release.name_span()), what);
                }
            }
        }
        parameters
    }

    fn kafka(&mut self) -> Option<(&'static str, Value)> {
        let kafka = self.of_kind("kafka.strimzi.io", "Kafka").next()?;
        let has_ui = self.of_kind("apps", "Deployment").any(|resource| resource.name().contains("kafka-ui"));
        let mut fields = Map::new();
        fields.insert("enabled".to_owned(), Value::from(true));
        fields.insert("name".to_owned(), Value::from(kafka.name()));
        if kafka.namespace().is_empty() {
            self.leave(Some(kafka.name_span()), "nothing tells the namespace of Kafka: kafka.namespace");
        } else {
            fields.insert("namespace".to_owned(), Value::from(kafka.namespace()));
        }
        fields.insert("authentication".to_owned(), Value::from(authentication(kafka)));
        fields.insert("ui".to_owned(), Value::from(has_ui));
        let pool = self.of_kind("kafka.strimzi.io", "KafkaNodePool").find(|pool| {
            pool.node.at(&["spec", "roles"]).is_some_and(|roles| {
                roles.as_sequence().is_some_and(|roles| roles.iter().any(|role| role.as_str() == Some("broker")))
            })
        });
        let count = pool.and_then(|pool| pool.node.at(&["spec", "replicas"]));
        let count = count.or_else(|| kafka.node.at(&["spec", "kafka", "replicas"])).and_then(number);
        fields.extend(count.map(|count| ("brokers".to_owned(), Value::from(count))));
        Some(("kafka", Value::Object(fields)))
    }

    fn topics(&mut self) -> Map<String, Value> {
        let mut topics = Map::new();
        for topic in self.of_kind("kafka.strimzi.io", "KafkaTopic").collect::<Vec<_>>() {
            let spec = |keys: &[&str]| topic.node.get("spec").and_then(|spec| spec.at(keys));
            let name = spec(&["topicName"]).and_then(Node::as_str).unwrap_or_else(|| topic.name());
            if topics.contains_key(name) {
                continue;
            }
            let Some(partitions) = spec(&["partitions"]).and_then(number) else {
                self.leave(Some(topic.name_span()), format!("topic `{name}` says no number of partitions"));
                continue;
            };
            let mut fields = Map::from_iter([("partitions".to_owned(), Value::from(partitions))]);
            if let Some(retention) = spec(&["config", "retention.ms"]).and_then(number) {
                fields.insert("retentionMs".to_owned(), Value::from(retention));
            }
            if let Some(cleanup) = spec(&["config", "cleanup.policy"]).and_then(Node::as_str) {
                fields.insert("cleanup".to_owned(), Value::from(cleanup));
            }
            topics.insert(name.to_owned(), Value::Object(fields));
        }
        topics
    }
}

/// Returns how the clients of `kafka` say who they are, where the parameter knows it: by the first listener that asks.
fn authentication(kafka: &Resource) -> &'static str {
    let listeners = kafka.node.at(&["spec", "kafka"]).map(|kafka| kafka.items("listeners")).unwrap_or_default();
    let mut kinds = listeners.iter().filter_map(|listener| listener.at(&["authentication", "type"])?.as_str());
    let known = |kind: &str| ["scram-sha-512", "tls"].into_iter().find(|known| *known == kind);
    kinds.find_map(known).unwrap_or("none")
}

fn service(resource: &Resource, counted: &str, count: Option<i64>) -> Value {
    let mut fields = json!({"enabled": true, "name": resource.name()});
    if let Some(count) = count {
        fields[counted] = Value::from(count);
    }
    fields
}

/// Returns the whole number that `node` holds.
pub(super) fn number(node: &Node) -> Option<i64> {
    node.as_str()?.parse().ok()
}
