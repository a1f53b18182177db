//! How much the namespace of the apps may take: what everything in it asks for at its most, and a margin.

use serde_json::{Value, json};

use crate::kube::{display_quantity, milli_quantity};

/// What one container asks for, as quantities: CPU, memory, and the most memory that it may take.
type Footprint = [&'static str; 3];

/// The data services beside the apps: parameter, the field that counts its pods, and what each of them asks for.
const SERVICES: [(&str, Option<&str>, Footprint); 4] = [
    ("kafka", Some("brokers"), ["250m", "1Gi", "2Gi"]),
    ("postgres", Some("instances"), ["250m", "512Mi", "1Gi"]),
    ("valkey", None, ["50m", "256Mi", "512Mi"]),
    ("elasticsearch", Some("nodes"), ["500m", "2Gi", "2Gi"]),
];

/// The operators of topics and of users, beside Kafka, in one pod.
const KAFKA_OPERATOR: Footprint = ["50m", "256Mi", "512Mi"];

/// Other pods beside Kafka: what it says of its groups, and kafka-ui.
const BESIDE_KAFKA: [Footprint; 2] = [["20m", "64Mi", "128Mi"], ["100m", "384Mi", "768Mi"]];

/// What the plugin barman-cloud puts beside each instance of PostgreSQL, where there are backups.
const BACKUPS: Footprint = ["50m", "128Mi", "512Mi"];

/// What a container has that says nothing: the LimitRange of the block `quotas`.
const DEFAULT: Footprint = ["50m", "64Mi", "256Mi"];

/// The proxy that Linkerd puts into each pod: its block sets the same.
const PROXY: Footprint = ["20m", "32Mi", "128Mi"];

/// A sum over pods, in thousandths.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    pods: i128,
    cpu: i128,
    memory: i128,
    memory_limit: i128,
}

impl Sum {
    fn add(&mut self, pods: i128, [cpu, memory, memory_limit]: [i128; 3]) {
        self.cpu += pods * cpu;
        self.memory += pods * memory;
        self.memory_limit += pods * memory_limit;
    }
}

/// Adds `resources` to the data services and `quota` to `values`, the derived values of a fleet: the quota of production,
/// where everything is largest.
///
/// `quota` is `{requestsCpu, requestsMemory, limitsMemory, pods, defaults: {cpu, memory, memoryLimit}}`, quantities as text.
pub(super) fn derive(values: &mut Value) {
    let is_meshed = values["mesh"] == "linkerd";
    let mut sum = Sum::default();
    for (service, count, footprint) in SERVICES {
        values[service]["resources"] = resources(footprint);
        // Kafka may have a namespace of its own.
        if values[service]["enabled"] != true || service == "kafka" && values[service]["isBesideApps"] != true {
            continue;
        }
        // One more, for the job that sets it up or the pod that replaces another.
        let pods = 1 + count.map_or(1, |count| i128::from(values[service][count].as_u64().unwrap_or(1)));
        sum.pods += pods;
        sum.add(pods, footprint.map(thousandths));
    }
    if values["postgres"]["backups"].is_object() {
        values["postgres"]["backups"]["resources"] = resources(BACKUPS);
        if values["postgres"]["enabled"] == true {
            let instances = i128::from(values["postgres"]["instances"].as_u64().unwrap_or(1));
            sum.add(1 + instances, BACKUPS.map(thousandths));
        }
    }
    values["kafka"]["operatorResources"] = resources(KAFKA_OPERATOR);
    if values["kafka"]["enabled"] == true && values["kafka"]["isBesideApps"] == true {
        for footprint in BESIDE_KAFKA.into_iter().chain([KAFKA_OPERATOR; 2]) {
            sum.pods += 1;
            sum.add(1, footprint.map(thousandths));
        }
    }
    for app in values["apps"].as_object().into_iter().flat_map(|apps| apps.values()) {
        let pods = pods(app);
        sum.pods += pods;
        sum.add(pods, footprint(app));
        if is_meshed {
            sum.add(pods, PROXY.map(thousandths));
        }
    }
    values["quota"] = json!({
        "requestsCpu": display_quantity(with_margin(sum.cpu, 1000)),
        "requestsMemory": display_quantity(with_margin(sum.memory, GIBIBYTE)),
        "limitsMemory": display_quantity(with_margin(sum.memory_limit, GIBIBYTE)),
        "pods": with_margin(sum.pods, 10).to_string(),
        "defaults": {"cpu": DEFAULT[0], "memory": DEFAULT[1], "memoryLimit": DEFAULT[2]},
    });
    values["meshProxy"] = json!({"cpu": PROXY[0], "memory": PROXY[1], "memoryLimit": PROXY[2]});
}

/// A gibibyte in thousandths of a byte.
const GIBIBYTE: i128 = 1024 * 1024 * 1024 * 1000;

/// Returns `amount` and a third of it, in whole `unit`s, one at least.
fn with_margin(amount: i128, unit: i128) -> i128 {
    let wanted = amount * 4;
    let units = (wanted + 3 * unit - 1) / (3 * unit);
    units.max(1) * unit
}

/// Returns how many pods of the app there are in production at most: while a release rolls there is one more.
fn pods(app: &Value) -> i128 {
    let number = |value: &Value| i128::from(value.as_u64().unwrap_or(1));
    let most = if app["hpa"].is_object() { number(&app["hpa"]["max"]) } else { number(&app["replicas"]) };
    match (app["rollout"].as_str(), app["kind"].as_str()) {
        // Flagger keeps a primary beside what it tries out; so do two tracks, at most.
        (Some("flagger" | "two-track"), _) => 2 * most + 1,
        // The last run may still be going.
        (_, Some("cron")) => 2,
        _ => most + 1,
    }
}

/// Returns what one container of the app asks for, in thousandths.
fn footprint(app: &Value) -> [i128; 3] {
    let said = |list: &str, name: &str| app["resources"][list][name].as_str().and_then(milli_quantity);
    let [cpu, memory, memory_limit] = DEFAULT.map(thousandths);
    let memory_limit = said("limits", "memory").unwrap_or(memory_limit);
    [
        said("requests", "cpu").or_else(|| said("limits", "cpu")).unwrap_or(cpu),
        said("requests", "memory").or_else(|| said("limits", "memory")).unwrap_or(memory),
        memory_limit,
    ]
}

fn resources([cpu, memory, memory_limit]: Footprint) -> Value {
    json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}})
}

fn thousandths(quantity: &str) -> i128 {
    milli_quantity(quantity).expect("the quantities of this file are well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(mut values: Value) -> Value {
        for service in ["postgres", "valkey", "elasticsearch", "kafka"] {
            if values[service].is_null() {
                values[service] = json!({"enabled": false});
            }
        }
        derive(&mut values);
        values["quota"].clone()
    }

    fn app(cpu: &str, memory: &str, limit: &str) -> Value {
        json!({
            "kind": "http", "rollout": "rolling", "replicas": 2, "hpa": null,
            "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}},
        })
    }

    #[test]
    fn the_quota_is_all_replicas_one_more_of_each_and_a_third() {
        let quota = quota(json!({"mesh": "none", "apps": {"web": app("1", "1Gi", "2Gi")}}));
        assert_eq!(quota["requestsCpu"], "4");
        assert_eq!(quota["requestsMemory"], "4Gi");
        assert_eq!(quota["limitsMemory"], "8Gi");
        assert_eq!(quota["pods"], "10");
    }

    #[test]
    fn an_autoscaler_counts_with_its_most() {
        let mut scaled = app("1", "1Gi", "1Gi");
        scaled["hpa"] = json!({"min": 1, "max": 8});
        assert_eq!(quota(json!({"mesh": "none", "apps": {"web": scaled}}))["requestsCpu"], "12");
    }

    #[test]
    fn tracks_beside_each_other_and_the_proxies_of_the_mesh_count() {
        let mut canary = app("1", "1Gi", "1Gi");
        canary["rollout"] = json!("flagger");
        assert_eq!(quota(json!({"mesh": "none", "apps": {"web": canary.clone()}}))["requestsCpu"], "7");
        let meshed = quota(json!({"mesh": "linkerd", "apps": {"web": canary}}));
        assert_eq!(meshed["limitsMemory"], "8Gi", "5 pods of 1 GiB and 128 MiB, and a third");
    }

    #[test]
    fn the_data_services_of_the_namespace_count_and_say_what_they_ask_for() {
        let mut values = json!({
            "mesh": "none", "apps": {}, "postgres": {"enabled": true, "instances": 3},
            "valkey": {"enabled": false}, "elasticsearch": {"enabled": false}, "kafka": {"enabled": false},
        });
        derive(&mut values);
        assert_eq!(values["quota"]["limitsMemory"], "6Gi");
        assert_eq!(values["postgres"]["resources"]["requests"]["cpu"], "250m");
    }

    #[test]
    fn a_container_that_says_nothing_counts_with_the_default() {
        let quota = quota(json!({"mesh": "none", "apps": {"web": {"kind": "http", "replicas": 39}}}));
        assert_eq!(quota["requestsCpu"], "3", "40 times 50m, and a third");
    }
}
