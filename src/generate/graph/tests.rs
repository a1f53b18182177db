use proptest::prelude::*;
use serde_json::{Value, json};

use crate::generate::builtin;
use crate::generate::data;
use crate::generate::graph::derive;
use crate::generate::parameters;

/// The defaults of the fleet's schema with `over` over them, completed.
fn values(over: &Value) -> Value {
    let schema = data::read(builtin::library(), "fleet.schema.json").expect("the schema can be read");
    let mut answers = parameters::defaults(&schema);
    parameters::overlay(&schema, &mut answers, over.as_object().expect("a mapping").clone());
    let answers = Value::Object(answers);
    assert_eq!(parameters::check(&schema, &answers), Ok(Vec::new()));
    parameters::complete(&schema, &schema, &answers)
}

fn said(over: &Value) -> Vec<String> {
    let problems = derive(values(over)).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// An app on `topic`, which `feed` writes.
fn stream(partitions: u64, app: &Value) -> Value {
    let feed = json!({"kind": "worker", "produces": ["trades"]});
    json!({"kafka": {"enabled": true}, "topics": {"trades": {"partitions": partitions}}, "apps": {"feed": feed, "candles": app}})
}

#[test]
fn what_does_not_fit_together_is_told_with_the_name_of_its_parameter() {
    let http = json!({"kind": "http", "port": 80});
    let table = [
        (
            json!({"apps": {"web": {"kind": "worker", "consumes": ["x"]}}}),
            "`apps.web.consumes.0` is topic `x`, which is not there",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["tradse"]})),
            "`apps.candles.consumes.0` is topic `tradse`, which is not there; `trades` is",
        ),
        (
            json!({"apps": {"web": {"kind": "http", "port": 80, "calls": ["api"]}}}),
            "`apps.web.calls.0` is app `api`, which is not there",
        ),
        (
            json!({"apps": {"web": {"kind": "http", "port": 80, "calls": ["web"]}}}),
            "`apps.web.calls.0` is the app itself",
        ),
        (
            json!({"apps": {"web": {"kind": "http"}}}),
            "`apps.web.port` is missing: an app that answers requests has one",
        ),
        (
            json!({"apps": {"web": {"kind": "http", "port": 80, "uses": ["valkey"]}}}),
            "`apps.web.uses.0` is `valkey`, which is not there: set valkey.enabled",
        ),
        (json!({"apps": {"web": {"kind": "worker", "host": "x"}}}), "`apps.web.host` is for apps of kind http"),
        (json!({"apps": {"web": {"kind": "cron"}}}), "`apps.web.schedule` is missing: when does it run?"),
        (
            json!({"apps": {"a": {"kind": "http", "port": 80, "host": "x"}, "b": {"kind": "http", "port": 80, "host": "x"}}}),
            "`apps.b.host` is `x` with the path `/`, which app `a` has",
        ),
        (
            json!({"gateway": "none", "apps": {"a": {"kind": "http", "port": 80, "host": "x"}}}),
            "`apps.a.host` needs a gateway: set gateway",
        ),
        (
            json!({"imageAutomationCluster": "lon1", "apps": {"web": http}}),
            "`imageAutomationCluster` is `lon1`, which is none of the clusters",
        ),
        (
            json!({"imageAutomationCluster": "x", "clusters": {"x": {"environment": "local", "region": "x", "address": "127.0.0.1"}}}),
            "`imageAutomationCluster` is `x`, a local cluster, which is not always there to write new tags",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["trades"], "replicas": 5})),
            "`apps.candles.replicas` is 5, topic `trades` has 3 partitions: 2 would read nothing",
        ),
        (
            stream(10, &json!({"kind": "worker", "consumes": ["trades"], "replicas": 4, "rollout": "two-track"})),
            "`apps.candles.canaryWeight` is 10, and 4 replicas cannot give it: one of them is 25 per cent",
        ),
        (
            stream(12, &json!({"kind": "worker", "consumes": ["trades"], "replicas": 10, "rollout": "two-track"})),
            "`apps.candles.canaryWeight` is 10, and 10 replicas cannot share 12 partitions of `trades` evenly",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["trades"], "rollout": "flagger"})),
            "`apps.candles.rollout` is flagger, which moves requests: a worker can have two-track",
        ),
        (
            stream(3, &json!({"kind": "worker", "env": {"T": {"topic": "trades"}}})),
            "`apps.candles.env.T` names topic `trades`, which the app neither produces nor consumes",
        ),
        (
            json!({"kafka": {"enabled": true}, "topics": {"t": {"partitions": 1}}}),
            "`topics.t` is neither written nor read by an app",
        ),
        (
            json!({"kafka": {"enabled": true}, "topics": {"t": {"partitions": 1}}, "apps": {"w": {"kind": "worker", "consumes": ["t"]}}}),
            "`topics.t` is read and nobody writes it: name it in `produces` of an app, or set `external`",
        ),
        (
            json!({"topics": {"t": {"partitions": 1}}, "apps": {"w": {"kind": "worker", "produces": ["t"]}}}),
            "`topics.t` needs Kafka: set kafka.enabled",
        ),
        (
            json!({"apps": {"a": {"kind": "worker", "image": "x/app"}, "b": {"kind": "worker", "image": "y/app"}}}),
            "`apps.b.image` is `y/app`, and `x/app` of app `a` has the same last name",
        ),
    ];
    for (over, expected) in table {
        assert_eq!(said(&over), [expected]);
    }
}

#[test]
fn clusters_and_tags_that_do_not_fit_are_told_with_the_name_of_their_parameter() {
    let table = [
        (
            json!({"tagScheme": {"release": "1.2.3"}, "releaseTag": "v0.1.0"}),
            "`releaseTag` is `v0.1.0`, which is none of `tagScheme`: `0.1.0` is, for example",
        ),
        (
            json!({"tagScheme": {"build": "prerelease"}, "buildTag": "main-0000000-1"}),
            "`buildTag` is `main-0000000-1`, which is none of `tagScheme`: `v0.1.0-rc.1` is, for example",
        ),
        (
            json!({"imageAutomationCluster": "", "clusters": {"x": {"environment": "local", "region": "x", "address": "127.0.0.1", "provider": "eks"}}}),
            "`clusters.x.provider` is `eks`, and the cluster on this machine is one of kind",
        ),
        (
            json!({"imageAutomationCluster": "a", "valkey": {"enabled": true}, "clusters": {
                "a": {"environment": "production", "region": "a", "address": "192.0.2.1"},
                "b": {"environment": "production", "region": "b", "address": "192.0.2.2", "provider": "gke"}}}),
            "`clusters.b.storageClass` is missing: volumes have a class of their own in `a` (`do-block-storage`)",
        ),
    ];
    for (over, expected) in table {
        assert_eq!(said(&over), [expected]);
    }
}

#[test]
fn what_cannot_be_let_into_kafka_is_told_with_the_name_of_its_parameter() {
    let table = [
        (
            json!({"kafka": {"enabled": true, "namespace": "queue"}}),
            "`kafka.namespace` is `queue`, and the apps in `apps` could not read the credentials that Strimzi makes there: \
             leave it out, or set kafka.authentication to none",
        ),
        (
            json!({"kafka": {"enabled": true, "namespace": "apps", "authentication": "none"}}),
            "`kafka.namespace` is the namespace of the apps: without authentication its network policies and its quota are others",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["trades"], "secrets": {"TOKEN": "feed/token"}})),
            "`apps.candles.secrets.TOKEN` is in the Secret `feed`, which Strimzi makes for the Kafka user of this name",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["trades"], "transactions": true})),
            "`apps.candles.transactions` is set, and the app produces nothing",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["trades"], "resumes": true})),
            "`apps.candles.resumes` is set, and the app produces nothing",
        ),
        (
            stream(3, &json!({"kind": "worker", "consumes": ["trades"], "env": {"KEY": {"from": "kafka-key-file"}}})),
            "`apps.candles.env.KEY` names what the app has no business with: see `uses`, `produces`, `consumes`, kafka.authentication",
        ),
    ];
    for (over, expected) in table {
        assert_eq!(said(&over), [expected]);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let over = json!({"imageAutomationCluster": "lon1", "apps": {"web": {"kind": "http", "calls": ["x"], "uses": ["postgres"]}}});
    assert_eq!(said(&over).len(), 4, "{:?}", said(&over));
}

#[test]
fn variables_topics_and_peers_say_the_same() {
    let mut over = stream(10, &json!({"kind": "worker", "consumes": ["trades"], "env": {"LEVEL": "info"}}));
    over["namespace"] = json!("crypto");
    let values = derive(values(&over)).unwrap();
    let candles = &values["apps"]["candles"];
    let expected = json!([
        {"name": "KAFKA_BROKER_ADDRESS", "value": "events-kafka-bootstrap.crypto.svc.cluster.local:9093"},
        {"name": "KAFKA_SECURITY_PROTOCOL", "value": "SASL_SSL"},
        {"name": "KAFKA_SASL_MECHANISM", "value": "SCRAM-SHA-512"},
        {"name": "KAFKA_SASL_USERNAME", "value": "candles"},
        {"name": "KAFKA_SASL_PASSWORD_FILE", "value": "/etc/kafka/user/password"},
        {"name": "KAFKA_SSL_CA_FILE", "value": "/etc/kafka/ca/ca.crt"},
        {"name": "KAFKA_CONSUMER_GROUP", "value": "candles"},
        {"name": "KAFKA_INPUT_TOPIC", "value": "trades"},
        {"name": "LEVEL", "value": "info"},
    ]);
    assert_eq!(candles["variables"], expected);
    assert_eq!(values["environments"]["production"]["apps"]["candles"]["layers"], json!(["kafka"]));
    let to_kafka = json!({
        "why": "Kafka", "namespace": null, "labels": {"strimzi.io/cluster": "events"}, "port": 9093,
    });
    assert_eq!(candles["egress"][0], to_kafka);
    assert_eq!(values["topics"]["trades"]["producers"], json!(["feed"]));
    assert_eq!(values["topics"]["trades"]["consumers"], json!(["candles"]));
    assert_eq!(values["kafka"]["clients"][0], json!({"namespace": "crypto", "app": "candles"}));
}

/// The rights of a user as `type/name operations`, with `*` behind the name of a prefix.
fn rights(derived: &Value, user: &str) -> Vec<String> {
    let users = derived["kafka"]["users"].as_array().unwrap();
    let user = users.iter().find(|found| found["name"] == *user).unwrap_or_else(|| panic!("no user {user}"));
    let right = |right: &Value| {
        let [kind, name] = ["type", "name"].map(|field| right[field].as_str().unwrap_or_default());
        let prefix = if right["pattern"] == "prefix" { "*" } else { "" };
        let operations = right["operations"].as_array().unwrap().iter().filter_map(Value::as_str);
        format!("{kind}/{name}{prefix} {}", operations.collect::<Vec<_>>().join(","))
    };
    user["rights"].as_array().unwrap().iter().map(right).collect()
}

#[test]
fn a_user_may_do_what_the_graph_says_of_its_app_and_nothing_else() {
    let app = json!({
        "kind": "worker", "consumes": ["trades"], "produces": ["candles", "trades"], "group": "desk", "transactions": true,
    });
    let mut over = stream(3, &app);
    over["topics"]["candles"] = json!({"partitions": 3});
    let derived = derive(values(&over)).unwrap();
    let expected = [
        "topic/candles Describe,Write",
        "topic/trades Describe,Read,Write",
        "group/desk Read",
        "transactionalId/candles-* Describe,Write",
    ];
    assert_eq!(rights(&derived, "candles"), expected);
    assert_eq!(rights(&derived, "feed"), ["topic/trades Describe,Write"]);
    over["apps"]["feed"]["resumes"] = json!(true);
    assert_eq!(rights(&derive(values(&over)).unwrap(), "feed"), ["topic/trades Describe,Read,Write"]);
    let mut looks = rights(&derived, "kafka-ui");
    looks.retain(|right| ["Alter", "Create", "Delete", "Write", "All"].iter().any(|change| right.contains(change)));
    assert_eq!(looks, Vec::<String>::new(), "who looks at the page changes nothing");
    let variables = derived["apps"]["candles"]["variables"].as_array().unwrap();
    let id = variables.iter().find(|variable| variable["name"] == "KAFKA_TRANSACTIONAL_ID").unwrap();
    assert_eq!(
        id["field"], "metadata.name",
        "each replica has an id of its own, which begins with the name of the app"
    );
}

#[test]
fn without_authentication_there_are_no_users_and_kafka_has_its_own_namespace() {
    let mut over = stream(3, &json!({"kind": "worker", "consumes": ["trades"]}));
    over["kafka"]["authentication"] = json!("none");
    let derived = derive(values(&over)).unwrap();
    assert_eq!(derived["kafka"]["users"], json!([]));
    assert_eq!(derived["kafka"]["address"], "events-kafka-bootstrap.kafka.svc.cluster.local:9092");
    assert_eq!(derived["apps"]["candles"]["kafkaFiles"], Value::Null);
    assert_eq!(derived["apps"]["candles"]["egress"][0]["namespace"], "kafka");
}

#[test]
fn with_certificates_there_is_no_password() {
    let mut over = stream(3, &json!({"kind": "worker", "consumes": ["trades"]}));
    over["kafka"]["authentication"] = json!("tls");
    let derived = derive(values(&over)).unwrap();
    let variables = derived["apps"]["candles"]["variables"].as_array().unwrap();
    let names: Vec<_> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
    let expected = [
        "KAFKA_BROKER_ADDRESS",
        "KAFKA_SECURITY_PROTOCOL",
        "KAFKA_SSL_CA_FILE",
        "KAFKA_SSL_CERTIFICATE_FILE",
        "KAFKA_SSL_KEY_FILE",
        "KAFKA_CONSUMER_GROUP",
        "KAFKA_INPUT_TOPIC",
    ];
    assert_eq!(names, expected);
    assert_eq!(derived["apps"]["candles"]["kafkaFiles"]["user"]["keys"], json!(["user.crt", "user.key"]));
}

#[test]
fn what_an_app_names_itself_has_no_second_name() {
    let env = json!({"URL": {"from": "kafka"}, "TOPIC": {"topic": "trades"}, "KAFKA_CONSUMER_GROUP": "mine"});
    let mut over = stream(3, &json!({"kind": "worker", "consumes": ["trades"], "env": env}));
    over["kafka"]["authentication"] = json!("none");
    let values = derive(values(&over)).unwrap();
    let variables = values["apps"]["candles"]["variables"].as_array().unwrap();
    let names: Vec<_> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(names, ["KAFKA_CONSUMER_GROUP", "TOPIC", "URL"]);
}

#[test]
fn a_secret_that_two_apps_take_from_belongs_to_the_first() {
    let app = |key: &str| json!({"kind": "worker", "secrets": {"TOKEN": format!("shared/{key}")}});
    let values = derive(values(&json!({"apps": {"b": app("y"), "a": app("x")}}))).unwrap();
    assert_eq!(values["apps"]["a"]["ownSecrets"], json!([{"name": "shared", "keys": ["x", "y"]}]));
    assert_eq!(values["apps"]["b"]["ownSecrets"], json!([]));
}

proptest! {
    #[test]
    fn a_canary_that_is_accepted_reads_its_share_of_the_partitions(
        replicas in 1_u64..40, partitions in 1_u64..60, weight in 1_u64..=50,
    ) {
        let app = json!({"kind": "worker", "consumes": ["trades"], "rollout": "two-track", "replicas": replicas, "canaryWeight": weight});
        if let Ok(derived) = derive(values(&stream(partitions, &app))) {
            let there = &derived["environments"]["production"]["apps"]["candles"];
            let [canary, primary] = ["canaryReplicas", "primaryReplicas"].map(|field| there[field].as_u64().unwrap());
            prop_assert!(canary > 0 && primary > 0);
            prop_assert_eq!(canary + primary, replicas);
            let each = partitions / replicas;
            prop_assert_eq!(each * replicas, partitions);
            prop_assert_eq!(canary * each * 100, partitions * weight);
        }
    }

    #[test]
    fn every_call_is_allowed_at_both_ends(calls in prop::collection::vec((0_usize..5, 0_usize..5), 0..12)) {
        let mut apps = serde_json::Map::new();
        for app in 0..5_usize {
            let mut called: Vec<_> = calls.iter().filter(|(from, to)| *from == app && to != from).map(|(_, to)| format!("a{to}")).collect();
            called.sort_unstable();
            called.dedup();
            apps.insert(format!("a{app}"), json!({"kind": "http", "port": 8000 + app, "calls": called}));
        }
        let derived = derive(values(&json!({"apps": apps}))).unwrap();
        for (from, to) in calls.into_iter().filter(|(from, to)| from != to) {
            let (from, to) = (format!("a{from}"), format!("a{to}"));
            let names = |peers: &Value, name: &str| peers.as_array().unwrap().iter().any(|peer| peer["labels"]["app.kubernetes.io/name"] == *name);
            prop_assert!(names(&derived["apps"][&from]["egress"], &to));
            prop_assert!(names(&derived["apps"][&to]["ingress"], &from));
        }
    }
}
