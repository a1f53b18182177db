//! What is derived for apps, topics, images and public hosts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::generate::graph::check::{health_port, service_name, topic_object};
use crate::generate::graph::model::{App, DataService, Environment, Fleet, Kind, Rollout};
use crate::generate::graph::{access, cluster, peers, variables};

/// Returns what is derived for the app `name`, whatever the environment.
pub(super) fn derived(fleet: &Fleet, name: &str) -> Value {
    let Some(app) = fleet.apps.get(name) else { return Value::Null };
    let image = fleet.image_name(name);
    json!({
        "name": name,
        "namespace": fleet.namespace,
        "fullImage": fleet.image(name),
        "imageName": image,
        "isHttp": app.kind == Kind::Http,
        "isWorker": app.kind == Kind::Worker,
        "isCron": app.kind == Kind::Cron,
        "variables": variables::variables(fleet, name, app),
        "egress": peers::egress(fleet, app),
        "ingress": peers::ingress(fleet, name, app),
        "health": health(app),
        "healthPort": health_port(app),
        "hasOwnHealthPort": health_port(app) != app.port,
        "hasCanary": app.rollout == Rollout::TwoTrack,
        "isFlagger": app.rollout == Rollout::Flagger,
        "isPublic": app.host.is_some(),
        "hostName": app.host.as_deref().map(|host| host_name(fleet, host)),
        "kafkaFiles": access::files(fleet, name, app),
        "kafkaUserVariable": access::user_variable(app),
        "ownSecrets": own_secrets(fleet, name),
        "elasticsearchCa": app.uses.contains(&DataService::Elasticsearch).then(|| json!({
            "secret": format!("{}-es-http-certs-public", fleet.elasticsearch.name),
            "directory": variables::ELASTICSEARCH_CA.trim_end_matches("/ca.crt"),
        })),
        "canaryTopic": scarcest_topic(fleet, app),
        "canaryTopicObject": scarcest_topic(fleet, app).map(|topic| topic_object(topic)),
        "consumerGroup": app.group.as_deref().unwrap_or(name),
    })
}

/// Returns the Flux Kustomizations that have to be ready before the app.
fn layers(fleet: &Fleet, app: &App, has_secrets: bool) -> Vec<&'static str> {
    let kafka = app.is_on_kafka().then_some("kafka");
    let store = (has_secrets && fleet.secrets == "external-secrets").then_some("secret-store");
    let mesh = (fleet.mesh == "linkerd").then_some("linkerd");
    let services = app.uses.iter().copied().map(service_name);
    let layers: Vec<_> = kafka.into_iter().chain(services).chain(store).chain(mesh).collect();
    if layers.is_empty() { vec!["infra-configs"] } else { layers }
}

/// Returns where probes ask; null where nothing can be asked.
fn health(app: &App) -> Value {
    let Some(port) = health_port(app) else { return Value::Null };
    match &app.health {
        Some(health) => {
            json!({"path": health.path, "readyPath": health.ready_path.as_ref().unwrap_or(&health.path), "port": port})
        }
        None if app.kind == Kind::Http => json!({"path": "/healthz", "readyPath": "/healthz", "port": port}),
        None => Value::Null,
    }
}

/// Returns the topic whose partitions the replicas of a consumer share: the one with the fewest.
fn scarcest_topic<'a>(fleet: &Fleet, app: &'a App) -> Option<&'a String> {
    app.consumes.iter().min_by_key(|topic| fleet.topics.get(*topic).map(|topic| topic.partitions))
}

/// Returns the secrets that the app is the first to name, each with the keys that all apps take from it.
fn own_secrets(fleet: &Fleet, name: &str) -> Vec<Value> {
    let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (app_name, app) in &fleet.apps {
        for (secret, key) in app.secrets.values().filter_map(|secret| secret.split_once('/')) {
            keys.entry(secret).or_default().insert(key);
            first.entry(secret).or_insert(app_name);
        }
    }
    let own = keys.iter().filter(|(secret, _)| first.get(*secret) == Some(&name));
    own.map(|(secret, keys)| json!({"name": secret, "keys": keys})).collect()
}

/// Returns what is derived for the app `name` in one environment.
pub(super) fn in_environment(fleet: &Fleet, name: &str, environment: Environment) -> Value {
    let Some(app) = fleet.apps.get(name) else { return Value::Null };
    let is_production = environment == Environment::Production;
    let is_local = environment == Environment::Local;
    let image = fleet.image_name(name);
    let (tag, policy) = match environment {
        Environment::Production => (fleet.first_release(), format!("{image}-release")),
        Environment::Staging => (fleet.first_build(), format!("{image}-build")),
        Environment::Local => ("dev".to_owned(), String::new()),
    };
    let canary = if is_production { app.canary_replicas() } else { 0 };
    let replicas = if is_production { app.replicas } else { app.replicas.min(1) };
    let hpa = if is_production { app.hpa.as_ref() } else { None };
    let has_secrets = !own_secrets(fleet, name).is_empty();
    let running = hpa.map_or(replicas, |hpa| hpa.min);
    json!({
        "isTwoTrack": is_production && app.rollout == Rollout::TwoTrack,
        "isFlagger": is_production && app.rollout == Rollout::Flagger,
        "replicas": replicas,
        "primaryReplicas": primary_replicas(app, replicas, canary),
        "canaryReplicas": canary,
        "primaryWeight": 100 - app.canary_weight,
        "hasHpa": hpa.is_some(),
        "isScaledByLag": hpa.is_some() && fleet.scaler == "keda" && is_scaled_by_lag(app),
        "hasPdb": is_production && app.kind != Kind::Cron && app.pdb.unwrap_or(running > 1),
        "tag": tag,
        "policy": policy,
        "canaryTag": fleet.first_build(),
        "canaryPolicy": format!("{image}-build"),
        "isAutomated": !is_local && !fleet.image_automation_cluster.is_empty(),
        "layers": layers(fleet, app, !is_local && has_secrets),
        "hasExternalSecrets": !is_local && fleet.secrets == "external-secrets" && has_secrets,
        // A cluster on this machine has no store beside it.
        "decrypt": has_secrets && (is_local || fleet.secrets == "sops"),
        "isScraped": !is_local && fleet.monitoring == "prometheus" && app.metrics.is_some(),
    })
}

/// A worker's canary takes replicas from the primary, so that together they share the partitions; that of an app which
/// answers requests stands beside it.
fn primary_replicas(app: &App, replicas: u64, canary: u64) -> u64 {
    if app.kind == Kind::Worker { replicas - canary.min(replicas) } else { replicas }
}

/// Returns what is derived for the topic `name`.
pub(super) fn topic(fleet: &Fleet, name: &str) -> Value {
    json!({
        "name": name,
        "object": topic_object(name),
        "producers": fleet.apps_that(|app| app.produces.iter().any(|topic| topic == name)),
        "consumers": fleet.apps_that(|app| app.consumes.iter().any(|topic| topic == name)),
    })
}

/// Returns the images of the apps by their name: `{name, image, apps, hasRelease, hasBuild}`.
///
/// Production runs releases, staging and the canaries of production run builds.
pub(super) fn images(fleet: &Fleet) -> Value {
    let environments = cluster::environments(fleet);
    let is_there = |environment| environments.contains(&environment);
    let mut images: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in fleet.apps.keys() {
        images.entry(fleet.image_name(name)).or_default().push(name);
    }
    let image = |(image, apps): (&str, Vec<&str>)| {
        let has_canary = apps.iter().filter_map(|name| fleet.apps.get(*name)).any(|app| app.canary_replicas() > 0);
        let described = json!({
            "name": image,
            "image": apps.first().map(|name| fleet.image(name)),
            "hasRelease": is_there(Environment::Production),
            "hasBuild": is_there(Environment::Staging) || is_there(Environment::Production) && has_canary,
            "hasCanary": is_there(Environment::Production) && has_canary,
            "apps": apps,
        });
        (image.to_owned(), described)
    };
    Value::Object(images.into_iter().map(image).collect::<Map<_, _>>())
}

/// Returns what some app makes use of, for the blocks that are only there then.
pub(super) fn features(fleet: &Fleet) -> Value {
    let some = |chosen: fn(&App) -> bool| !fleet.apps_that(chosen).is_empty();
    json!({
        "hpa": some(|app| app.hpa.is_some()),
        "flagger": some(|app| app.rollout == Rollout::Flagger),
        "keda": fleet.scaler == "keda" && some(is_scaled_by_lag),
        "canary": some(|app| app.rollout == Rollout::TwoTrack),
        "automation": !fleet.image_automation_cluster.is_empty() && !fleet.apps.is_empty(),
        "publicHosts": some(|app| app.host.is_some()),
    })
}

/// A consumer that scales does so by its lag, where there is something that knows the lag.
fn is_scaled_by_lag(app: &App) -> bool {
    app.hpa.is_some() && app.kind == Kind::Worker && !app.consumes.is_empty()
}

/// Returns the name of the listener for `host`: that of the first app which answers there.
fn host_name<'a>(fleet: &'a Fleet, host: &str) -> &'a str {
    fleet.apps_that(|app| app.host.as_deref() == Some(host)).first().copied().unwrap_or_default()
}

/// Returns the public hosts of the apps: `{name, namespace, prefix}`, each prefix once.
pub(super) fn hosts(fleet: &Fleet) -> Vec<Value> {
    let prefixes: BTreeSet<&str> = fleet.apps.values().filter_map(|app| app.host.as_deref()).collect();
    let host = |prefix| json!({"name": host_name(fleet, prefix), "namespace": fleet.namespace, "prefix": prefix, "environments": null});
    prefixes.into_iter().map(host).collect()
}
