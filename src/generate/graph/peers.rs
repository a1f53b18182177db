//! Who sends what to whom: the peers of network policies, and the clients of data services.

use serde_json::{Map, Value, json};

use crate::generate::graph::access;
use crate::generate::graph::check::service_name;
use crate::generate::graph::cluster;
use crate::generate::graph::model::{App, DataService, Fleet};

/// Returns whom the app `name` sends to: `{why, namespace, labels, port}`; a namespace of null is its own.
///
/// Names are asked by every app, and the internet is reached by `outbound`: both stand in the template.
pub(super) fn egress(fleet: &Fleet, app: &App) -> Vec<Value> {
    let mut peers = Vec::new();
    if app.is_on_kafka() {
        let labels = json!({"strimzi.io/cluster": fleet.kafka.name});
        let namespace = Some(fleet.kafka_namespace()).filter(|namespace| *namespace != fleet.namespace);
        let port = access::port(&fleet.kafka);
        peers.push(json!({"why": "Kafka", "namespace": namespace, "labels": labels, "port": port}));
    }
    for service in &app.uses {
        let name = &fleet.service(*service).name;
        let (why, labels, port) = match service {
            DataService::Postgres => ("PostgreSQL", json!({"cnpg.io/cluster": name}), 5432),
            DataService::Valkey => {
                let labels = json!({"app.kubernetes.io/name": "valkey", "app.kubernetes.io/instance": name});
                ("Valkey", labels, 6379)
            }
            DataService::Elasticsearch => {
                ("Elasticsearch", json!({"elasticsearch.k8s.elastic.co/cluster-name": name}), 9200)
            }
        };
        peers.push(json!({"why": why, "namespace": null, "labels": labels, "port": port}));
    }
    for called in &app.calls {
        let port = fleet.apps.get(called).and_then(|called| called.port);
        let labels = json!({"app.kubernetes.io/name": called});
        peers.push(json!({"why": format!("the app {called}"), "namespace": null, "labels": labels, "port": port}));
    }
    if fleet.mesh == "linkerd" {
        // The proxy asks its control plane for identities, destinations and policies.
        for port in [8080, 8086, 8090] {
            peers.push(json!({"why": "the mesh", "namespace": "linkerd", "labels": null, "port": port}));
        }
        for called in &app.calls {
            let labels = json!({"app.kubernetes.io/name": called});
            peers.push(json!({"why": "the app, by its proxy", "namespace": null, "labels": labels, "port": 4143}));
        }
    }
    peers
}

/// Returns who sends to the app `name`: `{why, namespace, labels, port}`; without namespace and labels it is anybody.
pub(super) fn ingress(fleet: &Fleet, name: &str, app: &App) -> Vec<Value> {
    let mut peers = Vec::new();
    let Some(port) = app.port else { return peers };
    let mut peer = |why: String, namespace: Value, labels: Value, port: u16| {
        peers.push(json!({"why": why, "namespace": namespace, "labels": labels, "port": port}));
    };
    if app.host.is_some() {
        // Cilium's own proxy is no pod: no selector of a NetworkPolicy knows it.
        let namespace =
            if fleet.gateway == "cilium" { Value::Null } else { cluster::gateway(fleet)["namespace"].clone() };
        peer("the gateway".to_owned(), namespace, Value::Null, port);
    }
    for caller in fleet.apps_that(|caller| caller.calls.iter().any(|called| called == name)) {
        peer(format!("the app {caller}"), Value::Null, json!({"app.kubernetes.io/name": caller}), port);
        if fleet.mesh == "linkerd" {
            let labels = json!({"app.kubernetes.io/name": caller});
            peer("the app, by its proxy".to_owned(), Value::Null, labels, 4143);
        }
    }
    peers
}

/// Returns what each data service has to know of the apps.
pub(super) fn services(fleet: &Fleet) -> Vec<(&'static str, Value)> {
    let mut services = vec![("kafka", access::derived(fleet))];
    for service in [DataService::Postgres, DataService::Valkey, DataService::Elasticsearch] {
        let clients = fleet.apps_that(|app| app.uses.contains(&service));
        services.push((service_name(service), Value::Object(Map::from_iter([("clients".to_owned(), json!(clients))]))));
    }
    services
}
