//! The way back: what the variables of a pod mean, in the words of parameters.

use serde_json::{Map, Value, json};

use crate::generate::graph::model::{App, Fleet, From};
use crate::generate::graph::variables;

/// What variables may say of a service, what is most particular first.
const MEANINGS: [From; 16] = [
    From::Kafka,
    From::KafkaProtocol,
    From::KafkaMechanism,
    From::KafkaPassword,
    From::KafkaPasswordFile,
    From::KafkaCaFile,
    From::KafkaCertificateFile,
    From::KafkaKeyFile,
    From::Postgres,
    From::Valkey,
    From::Elasticsearch,
    From::ElasticsearchPassword,
    From::ElasticsearchCa,
    From::ElasticsearchUser,
    From::KafkaUser,
    From::Group,
];

/// Returns what `variables` of the app `name` mean, as its parameter `env`, and those that mean nothing in particular. Both `variables`
/// and what is returned of them are `{name, value}` or `{name, secret, key}`, in their order.
///
/// `values` are the completed parameters without any `env`. What the graph derives under its usual names is left out.
pub(in crate::generate) fn explain(
    values: &Value,
    name: &str,
    variables: &[Value],
) -> (Map<String, Value>, Vec<Value>) {
    let fleet: Option<Fleet> = serde_json::from_value(values.clone()).ok();
    let Some((fleet, app)) = fleet.as_ref().and_then(|fleet| Some((fleet, fleet.apps.get(name)?))) else {
        return (Map::new(), variables.to_vec());
    };
    let derived = variables::variables(fleet, name, app);
    let mut expected = derived.iter();
    let of_graph = variables.iter().take_while(|variable| expected.any(|derived| derived == *variable)).count();
    let (mut env, mut rest) = (Map::new(), Vec::new());
    for variable in variables.iter().skip(of_graph) {
        let called = variable["name"].as_str().unwrap_or_default();
        match meaning(fleet, name, app, variable) {
            Some(meaning) => drop(env.insert(called.to_owned(), meaning)),
            None => rest.push(variable.clone()),
        }
    }
    (env, rest)
}

fn meaning(fleet: &Fleet, name: &str, app: &App, variable: &Value) -> Option<Value> {
    let called = variable["name"].as_str()?;
    let upper = called.to_ascii_uppercase();
    // The name of the app alone says nothing.
    let is_told = |from: From| match from {
        From::KafkaUser | From::ElasticsearchUser => upper.contains("USER"),
        From::Group => upper.contains("GROUP"),
        _ => true,
    };
    let is_it = |from: &From| {
        variables::is_there(fleet, app, *from)
            && is_told(*from)
            && variables::said_as(fleet, name, app, *from, called) == *variable
    };
    if let Some(from) = MEANINGS.into_iter().find(is_it) {
        return Some(json!({"from": from}));
    }
    let value = variable["value"].as_str()?;
    if app.produces.iter().chain(&app.consumes).any(|topic| topic == value) {
        return Some(json!({"topic": value}));
    }
    let called = app.calls.iter().find(|called| variables::address(fleet, called) == value)?;
    Some(json!({"app": called}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::builtin;
    use crate::generate::parameters;

    /// Parameters with an app `web` that reads `trades` as the group `readers`, calls `api` and uses Valkey.
    fn values() -> Value {
        let blueprint = builtin("minimal").unwrap().unwrap();
        let mut answers = blueprint.defaults();
        let web = json!({"kind": "http", "port": 80, "consumes": ["trades"], "group": "readers", "calls": ["api"], "uses": ["valkey"]});
        answers["apps"] = json!({"web": web, "api": {"kind": "http", "port": 80}});
        answers["topics"] = json!({"trades": {"partitions": 3, "external": true}});
        answers["kafka"] = json!({"enabled": true});
        answers["valkey"] = json!({"enabled": true});
        parameters::complete(&blueprint.schema, &blueprint.schema, &Value::Object(answers))
    }

    #[test]
    fn variables_are_told_in_the_words_of_parameters_and_those_that_the_graph_derives_are_left_out() {
        let cache = "redis://valkey.apps.svc.cluster.local:6379";
        let variable = |name: &str, value: &str| json!({"name": name, "value": value});
        let password = json!({"name": "PASSWORD", "secret": "web", "key": "password"});
        let token = json!({"name": "TOKEN", "secret": "tokens", "key": "api"});
        let variables = [
            variable("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
            variable("API", "http://api.apps.svc.cluster.local"),
            variable("CACHE", cache),
            variable("GROUP", "readers"),
            variable("NAME", "web"),
            password,
            token.clone(),
            variable("TOPIC", "trades"),
            variable("USER", "web"),
        ];
        let (env, rest) = explain(&values(), "web", &variables);
        let expected = json!({
            "API": {"app": "api"}, "CACHE": {"from": "valkey"}, "GROUP": {"from": "group"}, "PASSWORD": {"from": "kafka-password"},
            "TOPIC": {"topic": "trades"}, "USER": {"from": "kafka-user"},
        });
        assert_eq!((Value::Object(env), rest), (expected, vec![variable("NAME", "web"), token]));
    }

    #[test]
    fn of_an_app_that_is_none_nothing_is_told() {
        let variables = [json!({"name": "A", "value": "b"})];
        assert_eq!(explain(&values(), "nobody", &variables), (Map::new(), variables.to_vec()));
    }
}
