//! The environment variables of an app: what the graph says, what its parameters say, and its secrets.

use serde_json::{Value, json};

use crate::generate::graph::access;
use crate::generate::graph::model::{App, Authentication, DataService, Fleet, From, Variable};
use crate::generate::template::upper;

/// The usual name of the variable that tells an app who it is in Kafka.
pub(super) const KAFKA_USER: &str = "KAFKA_SASL_USERNAME";

/// Where the certificate of Elasticsearch is mounted.
pub(super) const ELASTICSEARCH_CA: &str = "/etc/elasticsearch/ca.crt";

/// Returns whether `app` has business with what `from` speaks of.
pub(super) fn is_there(fleet: &Fleet, app: &App, from: From) -> bool {
    let authentication = fleet.kafka.authentication;
    match from {
        From::Kafka => app.is_on_kafka(),
        From::KafkaProtocol | From::KafkaCaFile => app.is_on_kafka() && authentication != Authentication::None,
        From::KafkaMechanism | From::KafkaUser | From::KafkaPassword | From::KafkaPasswordFile => {
            app.is_on_kafka() && authentication == Authentication::Scram
        }
        From::KafkaCertificateFile | From::KafkaKeyFile => app.is_on_kafka() && authentication == Authentication::Tls,
        From::Group => !app.consumes.is_empty(),
        From::Postgres => app.uses.contains(&DataService::Postgres),
        From::Valkey => app.uses.contains(&DataService::Valkey),
        From::Elasticsearch | From::ElasticsearchUser | From::ElasticsearchPassword | From::ElasticsearchCa => {
            app.uses.contains(&DataService::Elasticsearch)
        }
    }
}

/// Returns the variables of the app `name`: `{name, value}`, `{name, secret, key}` or `{name, field}`; derived ones first, then those of
/// `env`, then those of `secrets`.
pub(super) fn variables(fleet: &Fleet, name: &str, app: &App) -> Vec<Value> {
    let mut variables = derived(fleet, name, app);
    for (variable, value) in &app.env {
        variables.push(match value {
            Variable::Text(text) => json!({"name": variable, "value": text}),
            Variable::Topic(topic) => json!({"name": variable, "value": topic}),
            Variable::App(called) => json!({"name": variable, "value": address(fleet, called)}),
            Variable::From(from) => said(fleet, name, app, *from).called(variable),
        });
    }
    for (variable, secret) in &app.secrets {
        let (secret, key) = secret.split_once('/').unwrap_or((secret, variable));
        variables.push(json!({"name": variable, "secret": secret, "key": key}));
    }
    variables
}

/// What a service says: a text, or a key of a secret.
enum Said {
    Text(String),
    Secret(String, &'static str),
}

impl Said {
    fn called(self, name: &str) -> Value {
        match self {
            Self::Text(value) => json!({"name": name, "value": value}),
            Self::Secret(secret, key) => json!({"name": name, "secret": secret, "key": key}),
        }
    }
}

/// Returns the variable `variable` of the app `name` that says `from`.
pub(super) fn said_as(fleet: &Fleet, name: &str, app: &App, from: From, variable: &str) -> Value {
    said(fleet, name, app, from).called(variable)
}

fn said(fleet: &Fleet, name: &str, app: &App, from: From) -> Said {
    let elasticsearch = &fleet.elasticsearch.name;
    match from {
        From::Kafka => Said::Text(brokers(fleet)),
        From::KafkaProtocol => Said::Text(access::protocol(&fleet.kafka).to_owned()),
        From::KafkaMechanism => Said::Text("SCRAM-SHA-512".to_owned()),
        From::KafkaUser => Said::Text(name.to_owned()),
        From::KafkaPassword => Said::Secret(name.to_owned(), access::PASSWORD),
        From::KafkaPasswordFile => Said::Text(access::user_file(access::PASSWORD)),
        From::KafkaCaFile => Said::Text(access::CA_FILE.to_owned()),
        From::KafkaCertificateFile => Said::Text(access::user_file(access::CERTIFICATE)),
        From::KafkaKeyFile => Said::Text(access::user_file(access::KEY)),
        From::Group => Said::Text(app.group.clone().unwrap_or_else(|| name.to_owned())),
        From::Postgres => Said::Secret(format!("{}-app", fleet.postgres.name), "uri"),
        From::Valkey => Said::Text(format!("redis://{}:6379", service(fleet, &fleet.valkey.name))),
        From::Elasticsearch => {
            Said::Text(format!("https://{}:9200", service(fleet, &format!("{elasticsearch}-es-http"))))
        }
        From::ElasticsearchUser => Said::Text("elastic".to_owned()),
        From::ElasticsearchPassword => Said::Secret(format!("{elasticsearch}-es-elastic-user"), "elastic"),
        From::ElasticsearchCa => Said::Text(ELASTICSEARCH_CA.to_owned()),
    }
}

/// Returns the address of Kafka inside the cluster, as host:port.
pub(super) fn brokers(fleet: &Fleet) -> String {
    let port = access::port(&fleet.kafka);
    format!("{}-kafka-bootstrap.{}.svc.cluster.local:{port}", fleet.kafka.name, fleet.kafka_namespace())
}

/// Returns the address of the app `name` inside the cluster.
pub(super) fn address(fleet: &Fleet, name: &str) -> String {
    format!("http://{}", service(fleet, name))
}

fn service(fleet: &Fleet, name: &str) -> String {
    format!("{name}.{}.svc.cluster.local", fleet.namespace)
}

/// Returns what an app uses under the usual names, where its parameters do not name it themselves.
fn derived(fleet: &Fleet, name: &str, app: &App) -> Vec<Value> {
    const USUAL: [(&str, From); 15] = [
        ("KAFKA_BROKER_ADDRESS", From::Kafka),
        ("KAFKA_SECURITY_PROTOCOL", From::KafkaProtocol),
        ("KAFKA_SASL_MECHANISM", From::KafkaMechanism),
        (KAFKA_USER, From::KafkaUser),
        ("KAFKA_SASL_PASSWORD_FILE", From::KafkaPasswordFile),
        ("KAFKA_SSL_CA_FILE", From::KafkaCaFile),
        ("KAFKA_SSL_CERTIFICATE_FILE", From::KafkaCertificateFile),
        ("KAFKA_SSL_KEY_FILE", From::KafkaKeyFile),
        ("KAFKA_CONSUMER_GROUP", From::Group),
        ("DATABASE_URL", From::Postgres),
        ("VALKEY_URL", From::Valkey),
        ("ELASTICSEARCH_URL", From::Elasticsearch),
        ("ELASTICSEARCH_USERNAME", From::ElasticsearchUser),
        ("ELASTICSEARCH_PASSWORD", From::ElasticsearchPassword),
        ("ELASTICSEARCH_CA_FILE", From::ElasticsearchCa),
    ];
    let mut variables = Vec::new();
    for (variable, from) in USUAL {
        let is_named = app.env.values().any(|value| matches!(value, Variable::From(named) if *named == from));
        if is_there(fleet, app, from) && !is_named && !is_set(app, variable) {
            variables.push(said(fleet, name, app, from).called(variable));
        }
    }
    for (variable, topics) in [("KAFKA_INPUT_TOPIC", &app.consumes), ("KAFKA_OUTPUT_TOPIC", &app.produces)] {
        let is_named = app.env.values().any(|value| matches!(value, Variable::Topic(named) if topics.contains(named)));
        if !topics.is_empty() && !is_named && !is_set(app, variable) {
            variables.push(json!({"name": variable, "value": topics.join(",")}));
        }
    }
    if app.transactions {
        variables.extend(transactions(app));
    }
    for called in &app.calls {
        let variable = format!("{}_URL", upper(called));
        let is_named = app.env.values().any(|value| matches!(value, Variable::App(named) if named == called));
        if !is_named && !is_set(app, &variable) {
            variables.push(json!({"name": variable, "value": address(fleet, called)}));
        }
    }
    variables
}

/// Returns what a program needs that writes in transactions: it is told to, and each replica has an id of its own.
fn transactions(app: &App) -> Vec<Value> {
    let guarantee = json!({"name": "PROCESSING_GUARANTEE", "value": "exactly_once"});
    let id = json!({"name": "KAFKA_TRANSACTIONAL_ID", "field": "metadata.name"});
    let is_named = |variable: &Value| variable["name"].as_str().is_some_and(|name| is_set(app, name));
    [guarantee, id].into_iter().filter(|variable| !is_named(variable)).collect()
}

fn is_set(app: &App, variable: &str) -> bool {
    app.env.contains_key(variable) || app.secrets.contains_key(variable)
}
