//! Topics of Kafka, and what they say of themselves.

use serde_json::{Map, Value};

use crate::generate::import::{Parameters, Reader, number, set};
use crate::kustomize::Resource;
use crate::yaml::{Dialect, Node};

impl Reader<'_> {
    /// Reads the topics.
    pub(super) fn topics(&mut self, parameters: &mut Parameters) {
        let mut topics = Map::new();
        for topic in self.of_kind("kafka.strimzi.io", "KafkaTopic").collect::<Vec<_>>() {
            let name = name(topic);
            if topics.contains_key(name) {
                continue;
            }
            let Some(partitions) = topic.node.at(&["spec", "partitions"]).and_then(number) else {
                self.leave(Some(topic.name_span()), format!("topic `{name}` says no number of partitions"));
                continue;
            };
            let mut fields = Parameters::new();
            set(&mut fields, "partitions", partitions);
            settings(topic, &mut fields);
            if let Some(description) = self.description(topic) {
                set(&mut fields, "description", description);
            }
            topics.insert(name.to_owned(), Value::Object(fields));
        }
        if !topics.is_empty() {
            set(parameters, "topics", Value::Object(topics));
        }
    }

    /// Returns the comment in the line above `topic`, where it is one line.
    fn description(&self, topic: &Resource) -> Option<String> {
        let path = self.repo.sources().path(topic.origin)?;
        let text = self.repo.files().text(path)?;
        let start = self.repo.sources().start(topic.origin)?.line;
        let lines: Vec<&str> = text.lines().take(start.checked_sub(1)?).collect();
        let (above, before) = lines.split_last()?;
        let is_alone = before.last().is_none_or(|line| !line.starts_with('#'));
        above.strip_prefix("# ").filter(|_| is_alone).map(str::to_owned)
    }
}

/// Returns the name of a topic in Kafka, which may be none of Kubernetes.
pub(super) fn name(topic: &Resource) -> &str {
    topic.node.at(&["spec", "topicName"]).and_then(Node::as_str).unwrap_or_else(|| topic.name())
}

/// Reads what `topic` sets of Kafka; how many copies have to be in step follows from the brokers.
fn settings(topic: &Resource, fields: &mut Parameters) {
    let config = topic.node.at(&["spec", "config"]).and_then(Node::as_map);
    let mut others = Map::new();
    for entry in config.into_iter().flatten() {
        match entry.key.text() {
            "min.insync.replicas" => {}
            "retention.ms" => fields.extend(number(&entry.value).map(|it| ("retentionMs".to_owned(), it.into()))),
            "cleanup.policy" => fields.extend(entry.value.as_str().map(|it| ("cleanup".to_owned(), it.into()))),
            name => drop(others.insert(name.to_owned(), entry.value.to_json(Dialect::KubernetesV2))),
        }
    }
    if !others.is_empty() {
        set(fields, "config", Value::Object(others));
    }
}
