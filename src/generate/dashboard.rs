//! The dashboard of a fleet for Grafana: its apps, what goes through its topics, its data services, and Flux.
//!
//! It is drawn from the same graph as the objects, so that it asks for nothing that is not there and leaves nothing out.
//! The names of metrics are those of kube-state-metrics, cAdvisor, the Kafka exporter of Strimzi and CloudNativePG.

use serde_json::{Map, Value, json};

/// Width and height of a panel in units of Grafana's grid, which is 24 wide.
const PANEL: [usize; 2] = [12, 8];

/// The longest identifier that Grafana takes.
const LONGEST_UID: usize = 40;

/// Adds `dashboard` (the JSON model of Grafana as text, with its last newline) to `values`, the derived values of a fleet.
pub(super) fn derive(values: &mut Value) {
    let model = json!({
        "uid": values["system"].as_str().map(|system| system.get(..LONGEST_UID).unwrap_or(system)),
        "title": values["system"],
        "tags": ["gitops-gen"],
        "editable": false,
        "schemaVersion": 41,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "panels": laid_out(sections(values)),
    });
    // A tree of texts and numbers can always be printed.
    values["dashboard"] = Value::from(format!("{model:#}\n"));
}

/// A row of the dashboard.
struct Section {
    title: &'static str,
    panels: Vec<Panel>,
}

/// One chart: each query with the legend of its lines.
struct Panel {
    title: &'static str,
    unit: &'static str,
    queries: Vec<(String, String)>,
}

impl Panel {
    fn new<const N: usize>(title: &'static str, unit: &'static str, queries: [(String, &str); N]) -> Self {
        Self { title, unit, queries: queries.map(|(query, legend)| (query, legend.to_owned())).into() }
    }
}

fn sections(values: &Value) -> Vec<Section> {
    let mut sections = vec![Section { title: "Apps", panels: apps(values) }];
    if values["kafka"]["enabled"] == true {
        sections.push(Section { title: "Kafka", panels: kafka(values) });
    }
    if values["postgres"]["enabled"] == true {
        sections.push(Section { title: "PostgreSQL", panels: postgres(values) });
    }
    sections.push(Section { title: "Flux", panels: flux() });
    sections.retain(|section| !section.panels.is_empty());
    sections
}

fn entries<'a>(values: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    values[name].as_object().into_iter().flat_map(Map::iter)
}

/// Returns `names` as a regular expression that matches each of them; nothing where there is none. A dot is the one
/// character of theirs that means something else there.
fn any_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = names.map(|name| name.replace('.', "[.]")).collect();
    (!names.is_empty()).then(|| names.join("|"))
}

fn apps(values: &Value) -> Vec<Panel> {
    let namespace = values["namespace"].as_str().unwrap_or_default();
    let named = |wanted: &[&str]| {
        let is_wanted = |app: &Value| app["kind"].as_str().is_some_and(|kind| wanted.contains(&kind));
        any_of(entries(values, "apps").filter(|(_, app)| is_wanted(app)).map(|(name, _)| name.as_str()))
    };
    let mut panels = Vec::new();
    if let Some(apps) = named(&["http", "worker"]) {
        // Beside an app stand its tracks.
        let deployments = format!("{{namespace=\"{namespace}\", deployment=~\"({apps})(-canary|-primary)?\"}}");
        panels.push(Panel::new(
            "Replicas that are missing",
            "short",
            [(
                format!(
                    "kube_deployment_spec_replicas{deployments} - kube_deployment_status_replicas_available{deployments}"
                ),
                "{{deployment}}",
            )],
        ));
    }
    if let Some(apps) = named(&["http", "worker", "cron"]) {
        let containers = format!("{{namespace=\"{namespace}\", container=~\"{apps}\"}}");
        let of =
            |resource: &str| format!("{{namespace=\"{namespace}\", container=~\"{apps}\", resource=\"{resource}\"}}");
        panels.push(Panel::new(
            "Restarts in an hour",
            "short",
            [(
                format!("sum by (container) (increase(kube_pod_container_status_restarts_total{containers}[1h]))"),
                "{{container}}",
            )],
        ));
        panels.push(Panel::new(
            "CPU, of what was asked for",
            "percentunit",
            [(
                format!(
                    "sum by (container) (rate(container_cpu_usage_seconds_total{containers}[$__rate_interval])) / sum by (container) (kube_pod_container_resource_requests{})",
                    of("cpu")
                ),
                "{{container}}",
            )],
        ));
        panels.push(Panel::new(
            "Memory, of its limit, in the fullest replica",
            "percentunit",
            [(
                format!(
                    "max by (container) (container_memory_working_set_bytes{containers} / on (namespace, pod, container) kube_pod_container_resource_limits{})",
                    of("memory")
                ),
                "{{container}}",
            )],
        ));
    }
    if let Some(apps) = named(&["cron"]) {
        panels.push(Panel::new(
            "Time since the last run that succeeded",
            "s",
            [(
                format!(
                    "time() - kube_cronjob_status_last_successful_time{{namespace=\"{namespace}\", cronjob=~\"{apps}\"}}"
                ),
                "{{cronjob}}",
            )],
        ));
    }
    panels
}

fn kafka(values: &Value) -> Vec<Panel> {
    let mut panels = Vec::new();
    if let Some(topics) = any_of(entries(values, "topics").map(|(name, _)| name.as_str())) {
        panels.push(Panel::new(
            "Records written in a second",
            "short",
            [(
                format!(
                    "sum by (topic) (rate(kafka_topic_partition_current_offset{{topic=~\"{topics}\"}}[$__rate_interval]))"
                ),
                "{{topic}}",
            )],
        ));
    }
    let mut lags = Vec::new();
    for (name, app) in entries(values, "apps") {
        let group = app["consumerGroup"].as_str().unwrap_or(name);
        for topic in app["consumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let query = format!("sum(kafka_consumergroup_lag{{consumergroup=\"{group}\", topic=\"{topic}\"}})");
            lags.push((query, format!("{name} behind {topic}")));
        }
    }
    if !lags.is_empty() {
        panels.push(Panel { title: "Records not read yet", unit: "short", queries: lags });
    }
    panels
}

fn postgres(values: &Value) -> Vec<Panel> {
    let namespace = values["namespace"].as_str().unwrap_or_default();
    let pods = format!(
        "{{namespace=\"{namespace}\", pod=~\"{}-[0-9]+\"}}",
        values["postgres"]["name"].as_str().unwrap_or_default()
    );
    let database = values["postgres"]["database"].as_str().unwrap_or_default();
    let size = format!("max(cnpg_pg_database_size_bytes{{namespace=\"{namespace}\", datname=\"{database}\"}})");
    vec![
        Panel::new("Connections", "short", [(format!("sum by (pod) (cnpg_backends_total{pods})"), "{{pod}}")]),
        Panel::new(
            "Replicas are behind by",
            "s",
            [(format!("max by (pod) (cnpg_pg_replication_lag{pods})"), "{{pod}}")],
        ),
        Panel::new("Size of the database", "bytes", [(size, database)]),
    ]
}

fn flux() -> Vec<Panel> {
    vec![
        Panel::new(
            "Objects that are not ready",
            "short",
            [(
                "max by (customresource_kind, exported_namespace, name) (gotk_resource_info{ready=\"False\"})".to_owned(),
                "{{customresource_kind}} {{exported_namespace}}/{{name}}",
            )],
        ),
        Panel::new(
            "A reconciliation takes (95 of 100)",
            "s",
            [(
                "histogram_quantile(0.95, sum by (kind, le) (rate(gotk_reconcile_duration_seconds_bucket[$__rate_interval])))"
                    .to_owned(),
                "{{kind}}",
            )],
        ),
    ]
}

/// Returns the panels as Grafana takes them: each section below a title, two charts beside each other.
fn laid_out(sections: Vec<Section>) -> Vec<Value> {
    let [width, height] = PANEL;
    let (mut panels, mut top) = (Vec::new(), 0);
    for Section { title, panels: charts } in sections {
        panels.push(json!({
            "id": panels.len() + 1, "type": "row", "title": title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": top, "w": 2 * width, "h": 1},
        }));
        top += 1;
        let rows = charts.len().div_ceil(2);
        for (at, chart) in charts.into_iter().enumerate() {
            let place = json!({"x": at % 2 * width, "y": top + at / 2 * height, "w": width, "h": height});
            panels.push(drawn(chart, panels.len() + 1, &place));
        }
        top += rows * height;
    }
    panels
}

fn drawn(Panel { title, unit, queries }: Panel, id: usize, place: &Value) -> Value {
    // What kube-prometheus-stack calls its own Prometheus.
    let source = json!({"type": "prometheus", "uid": "prometheus"});
    let letters = 'A'..='Z';
    let targets: Vec<Value> = queries
        .into_iter()
        .enumerate()
        .map(|(at, (query, legend))| {
            let name = letters.clone().nth(at).map_or_else(|| format!("Q{at}"), String::from);
            json!({"refId": name, "datasource": source, "expr": query, "legendFormat": legend})
        })
        .collect();
    json!({
        "id": id, "type": "timeseries", "title": title, "datasource": source, "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": targets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the queries of the dashboard of `values`, each with its legend.
    fn queries(mut values: Value) -> Vec<(String, String)> {
        derive(&mut values);
        let model: Value = serde_json::from_str(values["dashboard"].as_str().unwrap()).unwrap();
        let panels = model["panels"].as_array().unwrap().iter();
        let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        targets.map(|target| (text(&target["expr"]), text(&target["legendFormat"]))).collect()
    }

    fn shop() -> Value {
        json!({
            "system": "shop", "namespace": "shop", "kafka": {"enabled": true}, "topics": {"orders.dlq": {}, "orders": {}},
            "postgres": {"enabled": true, "name": "pg", "database": "stock"},
            "apps": {
                "web": {"kind": "http", "produces": ["orders"], "consumes": [], "consumerGroup": "web"},
                "stock": {"kind": "worker", "consumes": ["orders"], "consumerGroup": "stock-v2"},
                "tidy": {"kind": "cron", "consumes": []},
            },
        })
    }

    #[test]
    fn the_lag_is_asked_for_by_the_group_and_the_topics_of_each_app() {
        let lags: Vec<_> = queries(shop()).into_iter().filter(|(query, _)| query.contains("_lag{consumer")).collect();
        let query = "sum(kafka_consumergroup_lag{consumergroup=\"stock-v2\", topic=\"orders\"})";
        assert_eq!(lags, [(query.to_owned(), "stock behind orders".to_owned())]);
    }

    #[test]
    fn every_topic_and_every_kind_of_app_is_asked_for() {
        let all: String = queries(shop()).into_iter().map(|(query, _)| query + "\n").collect();
        for part in [
            "topic=~\"orders|orders[.]dlq\"",
            "deployment=~\"(stock|web)(-canary|-primary)?\"",
            "cronjob=~\"tidy\"",
            "pod=~\"pg-[0-9]+\"",
            "datname=\"stock\"",
        ] {
            assert!(all.contains(part), "{part} is not in\n{all}");
        }
    }

    #[test]
    fn what_a_fleet_does_not_have_is_not_asked_for() {
        let mut values = shop();
        values["kafka"]["enabled"] = Value::from(false);
        values["postgres"]["enabled"] = Value::from(false);
        values["apps"] = json!({});
        let all: String = queries(values).into_iter().map(|(query, _)| query + "\n").collect();
        assert!(["kafka_", "cnpg_", "kube_"].iter().all(|metric| !all.contains(metric)), "{all}");
        assert!(all.contains("gotk_"), "{all}");
    }

    #[test]
    fn no_two_panels_lie_upon_each_other_or_share_a_number() {
        let mut values = shop();
        derive(&mut values);
        let model: Value = serde_json::from_str(values["dashboard"].as_str().unwrap()).unwrap();
        let (mut ids, mut cells) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for panel in model["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()));
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|field| panel["gridPos"][field].as_u64().unwrap());
            assert!(x + w <= 24);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{}: {cell:?}", panel["title"]);
            }
        }
    }
}
