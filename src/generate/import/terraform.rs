//! The clusters that a file of Terraform's variables describes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Returns the nodes and the release of Kubernetes of each cluster in `text`, in the words of parameters.
///
/// Of HCL it knows what such a file needs: blocks, names and literals, one to a line.
pub(super) fn clusters(text: &str) -> BTreeMap<String, Map<String, Value>> {
    let mut clusters: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut way: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line == "}" {
            way.pop();
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let (name, value) = (name.trim().trim_matches('"'), value.trim());
        if value == "{" {
            way.push(name.to_owned());
            continue;
        }
        match way.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["clusters", cluster] if name == "kubernetes" => {
                let version = Value::from(value.trim_matches('"'));
                clusters.entry((*cluster).to_owned()).or_default().insert(name.to_owned(), version);
            }
            ["clusters", cluster, "node_pools", pool] => {
                let fields = clusters.entry((*cluster).to_owned()).or_default();
                let pools = fields.entry("nodePools").or_insert_with(|| Value::Object(Map::new()));
                let field = if name == "max_count" { "maxCount" } else { name };
                pools[*pool][field] = serde_json::from_str(value).unwrap_or_default();
            }
            _ => {}
        }
    }
    for pool in clusters.values_mut().filter_map(|fields| fields.get_mut("nodePools")?.as_object_mut()) {
        for fields in pool.values_mut().filter_map(Value::as_object_mut) {
            // As many as at least: it does not scale.
            if fields.get("maxCount") == fields.get("count") {
                fields.remove("maxCount");
            }
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_and_releases_are_read_by_cluster() {
        let text = "# A line.\nsystem = \"shop\"\n\nclusters = {\n  \"fra1\" = {\n    environment = \"production\"\n    kubernetes  = \"1.36\"\n    \
                    node_pools = {\n      \"web\" = {\n        size      = \"s-2vcpu-4gb\"\n        count     = 2\n        max_count = 5\n      }\n      \
                    \"jobs\" = {\n        size      = \"x\"\n        count     = 1\n        max_count = 1\n      }\n    }\n  }\n}\n";
        let read = clusters(text);
        let pools =
            json!({"web": {"size": "s-2vcpu-4gb", "count": 2, "maxCount": 5}, "jobs": {"size": "x", "count": 1}});
        assert_eq!(Value::Object(read["fra1"].clone()), json!({"kubernetes": "1.36", "nodePools": pools}));
    }
}
