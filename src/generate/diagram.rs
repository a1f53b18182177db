//! The fleet as two diagrams, in the language of Mermaid: who speaks to whom, and which cluster follows which branch.
//!
//! They stand in the README of each generated repository, drawn from the same graph as its objects.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Adds `diagrams`, `{apps, clusters}` (flow charts, each with its last newline), to `values`, the derived values of a fleet.
pub(super) fn derive(values: &mut Value) {
    values["diagrams"] = json!({"apps": apps(values), "clusters": clusters(values)});
}

/// Returns the entries of a mapping of the values; none where there is none.
fn entries<'a>(values: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    values[name].as_object().into_iter().flat_map(Map::iter)
}

fn texts<'a>(value: &'a Value, list: &str) -> impl Iterator<Item = &'a str> {
    value[list].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Returns an identifier for a node: the name with a prefix, since names like `end` mean something in Mermaid.
fn id(prefix: &str, name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    format!("{prefix}_{}", name.chars().map(letter).collect::<String>())
}

/// Returns the apps, the topics and data services between them, and the internet.
fn apps(values: &Value) -> String {
    let mut text = String::from("flowchart LR\n");
    let mut line = |content: String| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {content}");
    };
    let namespace = values["namespace"].as_str().unwrap_or_default();
    line(format!("subgraph {}[\"namespace {namespace}\"]", id("namespace", namespace)));
    for (name, app) in entries(values, "apps") {
        let kind = app["kind"].as_str().unwrap_or_default();
        line(format!("  {}[\"{name} ({kind})\"]", id("app", name)));
    }
    for service in ["postgres", "valkey", "elasticsearch"] {
        if values[service]["enabled"] == true {
            let name = values[service]["name"].as_str().unwrap_or(service);
            line(format!("  {}[(\"{name}\")]", id("service", service)));
        }
    }
    line("end".to_owned());
    if values["kafka"]["enabled"] == true {
        let name = values["kafka"]["name"].as_str().unwrap_or_default();
        line(format!("subgraph {}[\"Kafka {name}\"]", id("kafka", name)));
        for (topic, _) in entries(values, "topics") {
            line(format!("  {}[/\"{topic}\"/]", id("topic", topic)));
        }
        line("end".to_owned());
    }
    for (name, app) in entries(values, "apps") {
        for edge in edges(name, app) {
            line(edge);
        }
    }
    text
}

/// Returns what goes in and out of one app.
fn edges(name: &str, app: &Value) -> Vec<String> {
    let this = id("app", name);
    let mut edges = Vec::new();
    if let Some(host) = app["host"].as_str() {
        edges.push(format!("internet((internet)) -- \"{host}.…\" --> {this}"));
    }
    edges.extend(texts(app, "consumes").map(|topic| format!("{} --> {this}", id("topic", topic))));
    edges.extend(texts(app, "produces").map(|topic| format!("{this} --> {}", id("topic", topic))));
    edges.extend(texts(app, "calls").map(|called| format!("{this} --> {}", id("app", called))));
    edges.extend(texts(app, "uses").map(|service| format!("{this} --- {}", id("service", service))));
    if app["outbound"] == true {
        edges.push(format!("{this} -- \"HTTPS\" --> internet((internet))"));
    }
    edges
}

/// Returns the clusters, the branches that they follow, and which of them writes new image tags.
fn clusters(values: &Value) -> String {
    let mut text = String::from("flowchart LR\n");
    // Images are written to the branch of each environment that has an automation.
    let mut written = BTreeSet::new();
    for (name, cluster) in entries(values, "clusters") {
        let said = |field: &str| cluster[field].as_str().unwrap_or_default();
        let (environment, region) = (said("environment"), said("region"));
        let branch = said("branch");
        let (from, to) = (id("branch", branch), id("cluster", name));
        let _ = writeln!(text, "  {from}([\"branch {branch}\"]) --> {to}[\"{name}<br/>{environment}, {region}\"]");
        written.extend(values["branches"][environment].as_str().filter(|_| environment != "local"));
    }
    if let Some(writer) = values["imageAutomationCluster"].as_str().filter(|name| !name.is_empty()) {
        for branch in written {
            let (from, to) = (id("cluster", writer), id("branch", branch));
            let _ = writeln!(text, "  {from} -. \"writes new image tags\" .-> {to}([\"branch {branch}\"])");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_stand_between_those_who_write_and_those_who_read() {
        let mut values = json!({
            "namespace": "shop", "kafka": {"enabled": true, "name": "events"}, "topics": {"price_updates": {}},
            "postgres": {"enabled": true, "name": "postgres"},
            "apps": {
                "end": {"kind": "http", "host": "api", "calls": ["prices"], "outbound": false},
                "prices": {"kind": "worker", "produces": ["price_updates"], "outbound": true},
                "charts": {"kind": "worker", "consumes": ["price_updates"], "uses": ["postgres"]},
            },
            "clusters": {}, "branches": {},
        });
        derive(&mut values);
        assert_eq!(
            values["diagrams"]["apps"],
            "flowchart LR
  subgraph namespace_shop[\"namespace shop\"]
    app_charts[\"charts (worker)\"]
    app_end[\"end (http)\"]
    app_prices[\"prices (worker)\"]
    service_postgres[(\"postgres\")]
  end
  subgraph kafka_events[\"Kafka events\"]
    topic_price_updates[/\"price_updates\"/]
  end
  topic_price_updates --> app_charts
  app_charts --- service_postgres
  internet((internet)) -- \"api.…\" --> app_end
  app_end --> app_prices
  app_prices --> topic_price_updates
  app_prices -- \"HTTPS\" --> internet((internet))
"
        );
    }

    #[test]
    fn each_cluster_follows_its_branch_and_one_writes_to_those_of_the_environments() {
        let mut values = json!({
            "namespace": "shop", "apps": {}, "branches": {"production": "main", "staging": "stage", "local": "main"},
            "imageAutomationCluster": "fra1",
            "clusters": {
                "fra1": {"environment": "production", "region": "fra1", "branch": "main"},
                "home": {"environment": "local", "region": "local", "branch": "mine"},
                "test": {"environment": "staging", "region": "ams3", "branch": "stage"},
            },
        });
        derive(&mut values);
        assert_eq!(
            values["diagrams"]["clusters"],
            "flowchart LR
  branch_main([\"branch main\"]) --> cluster_fra1[\"fra1<br/>production, fra1\"]
  branch_mine([\"branch mine\"]) --> cluster_home[\"home<br/>local, local\"]
  branch_stage([\"branch stage\"]) --> cluster_test[\"test<br/>staging, ams3\"]
  cluster_fra1 -. \"writes new image tags\" .-> branch_main([\"branch main\"])
  cluster_fra1 -. \"writes new image tags\" .-> branch_stage([\"branch stage\"])
"
        );
    }
}
