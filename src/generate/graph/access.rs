//! Who may do what in Kafka: its listener, its users with their rights, and where an app finds what lets it in.
//!
//! Source: Strimzi 1.2, "Securing access to a Kafka cluster"; Apache Kafka 4.3, "Authorization and ACLs".

use serde_json::{Value, json};

use crate::generate::graph::check::Problems;
use crate::generate::graph::model::{App, Authentication, Fleet, From, Kafka, Variable};
use crate::generate::graph::variables;

/// Keys of the Secret that Strimzi makes for a user.
pub(super) const PASSWORD: &str = "password";
pub(super) const CERTIFICATE: &str = "user.crt";
pub(super) const KEY: &str = "user.key";

/// Where the credentials of an app are mounted, and the certificates of the authority behind the brokers.
const USER_DIRECTORY: &str = "/etc/kafka/user";
const CA_DIRECTORY: &str = "/etc/kafka/ca";
pub(super) const CA_FILE: &str = "/etc/kafka/ca/ca.crt";

/// The user of kafka-ui.
const UI: &str = "kafka-ui";

/// Returns the path of a key of the user's Secret in the pod of an app.
pub(super) fn user_file(key: &str) -> String {
    format!("{USER_DIRECTORY}/{key}")
}

/// Returns the port of the listener.
pub(super) fn port(kafka: &Kafka) -> u16 {
    if kafka.is_authenticated() { 9093 } else { 9092 }
}

/// Returns the value of `security.protocol` for the clients.
pub(super) fn protocol(kafka: &Kafka) -> &'static str {
    match kafka.authentication {
        Authentication::None => "PLAINTEXT",
        Authentication::Scram => "SASL_SSL",
        Authentication::Tls => "SSL",
    }
}

/// Returns the keys of a user's Secret that a client needs.
fn keys(kafka: &Kafka) -> &'static [&'static str] {
    match kafka.authentication {
        Authentication::None => &[],
        Authentication::Scram => &[PASSWORD],
        Authentication::Tls => &[CERTIFICATE, KEY],
    }
}

/// Returns what is mounted into the pods of the app `name`: `{ca: {secret, directory}, user: {secret, directory, keys}}`;
/// null where nobody asks it.
pub(super) fn files(fleet: &Fleet, name: &str, app: &App) -> Value {
    if !app.is_on_kafka() || !fleet.kafka.is_authenticated() {
        return Value::Null;
    }
    json!({
        "ca": {"secret": ca_secret(fleet), "directory": CA_DIRECTORY},
        "user": {"secret": name, "directory": USER_DIRECTORY, "keys": keys(&fleet.kafka)},
    })
}

/// Returns the Secret that Strimzi makes for the authority behind the brokers.
fn ca_secret(fleet: &Fleet) -> String {
    format!("{}-cluster-ca-cert", fleet.kafka.name)
}

/// Returns what is derived for the parameter `kafka`.
pub(super) fn derived(fleet: &Fleet) -> Value {
    let has_ui = fleet.kafka.enabled && fleet.kafka.ui;
    let is_authenticated = fleet.kafka.enabled && fleet.kafka.is_authenticated();
    let on_kafka = fleet.apps_that(App::is_on_kafka);
    let client = |app: &&str| json!({"namespace": fleet.namespace, "app": app});
    json!({
        "address": variables::brokers(fleet),
        "clients": on_kafka.iter().map(client).collect::<Vec<_>>(),
        "replication": fleet.kafka.brokers.min(3),
        // One broker may be away.
        "minInsync": fleet.kafka.brokers.min(3).saturating_sub(1).max(1),
        "namespace": fleet.kafka_namespace(),
        "uiNamespace": if is_authenticated { fleet.kafka_namespace() } else { UI },
        "isBesideApps": fleet.kafka_namespace() == fleet.namespace,
        // A mesh would put its proxies around what has certificates of its own.
        "isOutsideMesh": fleet.mesh != "none" && fleet.kafka_namespace() == fleet.namespace,
        "isAuthenticated": is_authenticated,
        "isByPassword": fleet.kafka.authentication == Authentication::Scram,
        "protocol": protocol(&fleet.kafka),
        "listener": if is_authenticated { "tls" } else { "plain" },
        "port": port(&fleet.kafka),
        "caSecret": ca_secret(fleet),
        "hasUi": has_ui,
        "users": if is_authenticated { users(fleet) } else { Vec::new() },
    })
}

/// Returns the users, in the order of their names: `{name, why, rights: [{type, name, pattern, operations}]}`.
fn users(fleet: &Fleet) -> Vec<Value> {
    let on_kafka = fleet.apps.iter().filter(|(_, app)| app.is_on_kafka());
    let mut users: Vec<Value> =
        on_kafka.map(|(name, app)| json!({"name": name, "why": null, "rights": rights(name, app)})).collect();
    if fleet.kafka.enabled && fleet.kafka.ui {
        let why = "Whoever looks at the page sees everything and changes nothing: topics and users are in Git.";
        users.push(json!({"name": UI, "why": why, "rights": rights_to_look()}));
    }
    users.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    users
}

/// Returns what the graph gives to the app `name`: exactly its topics, its group and its transactions. One that
/// resumes reads what it produces, without a group.
fn rights(name: &str, app: &App) -> Vec<Value> {
    let mut topics: Vec<&String> = app.consumes.iter().chain(&app.produces).collect();
    topics.sort_unstable();
    topics.dedup();
    let mut rights: Vec<Value> = topics
        .into_iter()
        .map(|topic| {
            let mut operations = vec!["Describe"];
            operations.extend((app.resumes || app.consumes.contains(topic)).then_some("Read"));
            operations.extend(app.produces.contains(topic).then_some("Write"));
            right("topic", topic, "literal", &operations)
        })
        .collect();
    if !app.consumes.is_empty() {
        rights.push(right("group", app.group.as_deref().unwrap_or(name), "literal", &["Read"]));
    }
    if app.transactions {
        // Each replica has the name of its pod, that of a canary too.
        rights.push(right("transactionalId", &format!("{name}-"), "prefix", &["Describe", "Write"]));
    }
    rights
}

/// Returns the rights of somebody who only looks.
fn rights_to_look() -> Vec<Value> {
    let cluster = json!({
        "type": "cluster", "name": null, "pattern": null, "operations": ["Describe", "DescribeConfigs"],
    });
    vec![
        cluster,
        right("topic", "*", "literal", &["Describe", "DescribeConfigs", "Read"]),
        right("group", "*", "literal", &["Describe"]),
        right("transactionalId", "*", "literal", &["Describe"]),
    ]
}

fn right(kind: &str, name: &str, pattern: &str, operations: &[&str]) -> Value {
    json!({"type": kind, "name": name, "pattern": pattern, "operations": operations})
}

/// Returns the variable that tells the app `name` who it is, from which the scaler takes it too.
pub(super) fn user_variable(app: &App) -> &str {
    let named = app.env.iter().find(|(_, value)| matches!(value, Variable::From(From::KafkaUser)));
    named.map_or(variables::KAFKA_USER, |(variable, _)| variable)
}

/// Where Kafka stands, and Secrets that two would write.
pub(super) fn check(fleet: &Fleet, problems: &mut Problems) {
    if !fleet.kafka.enabled {
        return;
    }
    let namespace = fleet.kafka_namespace();
    match (fleet.kafka.is_authenticated(), namespace == fleet.namespace) {
        (true, true) | (false, false) => {}
        (false, true) => problems.add(
            "kafka.namespace",
            "is the namespace of the apps: without authentication its network policies and its quota are others",
        ),
        (true, false) => problems.add(
            "kafka.namespace",
            format!(
                "is `{namespace}`, and the apps in `{}` could not read the credentials that Strimzi makes there: \
                 leave it out, or set kafka.authentication to none",
                fleet.namespace
            ),
        ),
    }
    if !fleet.kafka.is_authenticated() {
        return;
    }
    let users: Vec<&str> = fleet.apps_that(App::is_on_kafka).into_iter().chain(fleet.kafka.ui.then_some(UI)).collect();
    for (name, app) in &fleet.apps {
        for (variable, secret) in &app.secrets {
            let secret = secret.split_once('/').map_or(secret.as_str(), |(secret, _)| secret);
            if users.contains(&secret) {
                problems.add(
                    format!("apps.{name}.secrets.{variable}"),
                    format!("is in the Secret `{secret}`, which Strimzi makes for the Kafka user of this name"),
                );
            }
        }
    }
}

/// What is said of the records of an app that writes none.
pub(super) fn check_app(name: &str, app: &App, problems: &mut Problems) {
    for (field, is_set) in [("transactions", app.transactions), ("resumes", app.resumes)] {
        if is_set && app.produces.is_empty() {
            problems.add(format!("apps.{name}.{field}"), "is set, and the app produces nothing");
        }
    }
}
