//! The environment variables of containers, as far as the repository tells their values.

use crate::rules::index::{ClusterIndex, Container, Workload};
use crate::yaml::{Entry, Node};

/// A variable that a container gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable<'a> {
    /// Its name; without the prefix of an `envFrom` entry.
    pub(super) name: &'a str,
    /// Its value, where it is written: in the container, or in the ConfigMap that it comes from.
    pub(super) node: &'a Node,
}

impl<'a> Variable<'a> {
    /// Returns the value; empty where only the cluster knows it.
    pub(super) fn value(&self) -> &'a str {
        let text = self.node.as_str().unwrap_or("");
        if text.contains("${") || text.contains("$(") { "" } else { text }
    }

    /// Returns whether one of the words of the name, cut at `_`, `-` and `.`, is among `words` (upper case).
    pub(super) fn has_word(&self, words: &[&str]) -> bool {
        self.name.split(['_', '-', '.']).any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
    }
}

/// Returns the variables of `container`: those of whole ConfigMaps first, as later ones win.
pub(super) fn variables<'a>(
    index: &ClusterIndex<'a>,
    workload: &Workload<'a>,
    container: Container<'a>,
) -> Vec<Variable<'a>> {
    let config_map = |reference: &Node| {
        let name = reference.get("name").and_then(Node::as_str)?;
        index.find("", "ConfigMap", workload.namespace(), name)?.node.get("data")
    };
    let mut found = Vec::new();
    for source in container.node.items("envFrom") {
        let data = source.get("configMapRef").and_then(config_map).and_then(Node::as_map);
        let variable = |entry: &'a Entry| Variable { name: entry.key.text(), node: &entry.value };
        found.extend(data.into_iter().flat_map(|data| data.iter()).map(variable));
    }
    for entry in container.node.items("env") {
        let Some(name) = entry.get("name").and_then(Node::as_str) else { continue };
        found.retain(|known: &Variable<'_>| known.name != name);
        let from_map = || {
            let reference = entry.at(&["valueFrom", "configMapKeyRef"])?;
            config_map(reference)?.get(reference.get("key")?.as_str()?)
        };
        if let Some(node) = entry.get("value").or_else(from_map) {
            found.push(Variable { name, node });
        }
    }
    found
}
