//! The variables of apps: what they say of topics and services, and what is left of them as texts and secrets.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::generate::builtin;
use crate::generate::graph;
use crate::generate::import::app::Found;
use crate::generate::import::environment::environment;
use crate::generate::import::{Parameters, Reader, set};
use crate::generate::parameters;
use crate::yaml::Node;

/// Words in names of variables whose values are taken from nobody's file.
const CONFIDENTIAL: [&str; 6] = ["CREDENTIAL", "DATABASE_URL", "KEY", "PASSWORD", "SECRET", "TOKEN"];

/// Returns `variable` as `{name, value}`, `{name, secret, key}` or `{name, field}`; nothing where it comes from elsewhere.
pub(super) fn shape(variable: &Node) -> Option<Value> {
    let at = |keys: &[&str]| variable.at(keys).and_then(Node::as_str);
    let name = at(&["name"])?;
    if let Some(value) = at(&["value"]) {
        return Some(json!({"name": name, "value": value}));
    }
    if let Some(field) = at(&["valueFrom", "fieldRef", "fieldPath"]) {
        return Some(json!({"name": name, "field": field}));
    }
    let of_secret = |key| at(&["valueFrom", "secretKeyRef", key]);
    Some(json!({"name": name, "secret": of_secret("name")?, "key": of_secret("key")?}))
}

/// Sets which topics an app writes and reads, its group and its transactions, as far as the names of its `variables` say.
pub(super) fn directions(variables: &[Value], parameters: &Parameters, app: &mut Parameters) {
    let topics = parameters.get("topics").and_then(Value::as_object);
    let is_topic = |name: &&str| topics.is_some_and(|topics| topics.contains_key(*name));
    let (mut written, mut read): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for variable in variables {
        let name = variable["name"].as_str().unwrap_or_default().to_ascii_uppercase();
        let Some(value) = variable["value"].as_str() else { continue };
        let list = match direction(&name) {
            Some(Direction::Out) => &mut written,
            Some(Direction::In) => &mut read,
            None => continue,
        };
        for topic in value.split(',').filter(is_topic) {
            if !list.contains(&topic) {
                list.push(topic);
            }
        }
    }
    for (field, list) in [("produces", &written), ("consumes", &read)] {
        if !list.is_empty() {
            set(app, field, json!(list));
        }
    }
    if let Some(group) = group(variables) {
        set(app, "group", group);
    }
    let is_transactional = |variable: &Value| variable["name"] == "KAFKA_TRANSACTIONAL_ID";
    if variables.iter().any(is_transactional) && !written.is_empty() {
        set(app, "transactions", true);
    }
}

/// Puts the topics of an app into the order in which its `variables` name them.
pub(super) fn order(variables: &[Value], app: &mut Parameters) {
    for field in ["produces", "consumes"] {
        let Some(topics) = app.get(field).and_then(Value::as_array).cloned() else { continue };
        let lists = variables.iter().filter_map(|variable| variable["value"].as_str());
        let mut lists = lists.map(|value| value.split(',').map(Value::from).collect::<Vec<_>>());
        let is_it = |list: &Vec<Value>| list.len() == topics.len() && list.iter().all(|topic| topics.contains(topic));
        if let Some(list) = lists.find(is_it) {
            set(app, field, list);
        }
    }
}

/// Returns the consumer group that `variables` name.
fn group(variables: &[Value]) -> Option<&str> {
    let names = |variable: &&Value| {
        let name = variable["name"].as_str().unwrap_or_default().to_ascii_uppercase();
        name.contains("CONSUMER_GROUP") || name.contains("GROUP_ID")
    };
    variables.iter().find(names)?["value"].as_str()
}

impl<'a> Reader<'a> {
    /// Reads the variables of `found`, the apps of `parameters`, as far as the graph of apps does not derive them.
    pub(super) fn variables(&mut self, parameters: &mut Parameters, found: &[Found<'a>]) {
        let Ok(schema) = builtin::fleet_schema() else { return };
        // Whatever is not read: the graph looks at the apps alone, and needs all the others.
        let mut whole = parameters::defaults(&schema);
        parameters::overlay(&schema, &mut whole, parameters.clone());
        let whole = parameters::complete(&schema, &schema, &Value::Object(whole));
        for app in found {
            let name = app.resource.name();
            self.leave_elsewhere(app);
            let (mut env, rest) = graph::explain(&whole, name, &app.variables());
            let mut secrets = Map::new();
            for variable in rest {
                self.plain(app, &variable, parameters, &mut env, &mut secrets);
            }
            let local = self.local(app);
            let Some(Value::Object(fields)) = parameters.get_mut("apps").and_then(|apps| apps.get_mut(name)) else {
                continue;
            };
            for (field, map) in [("env", env), ("secrets", secrets), ("localEnv", local)] {
                if !map.is_empty() {
                    set(fields, field, Value::Object(map));
                }
            }
        }
    }

    /// Lists the variables that come from elsewhere.
    fn leave_elsewhere(&mut self, app: &Found<'_>) {
        let (of, Some(container)) = (app.resource.object_ref(), app.container) else { return };
        for variable in container.items("env").iter().filter(|variable| shape(variable).is_none()) {
            let name = variable.get("name").and_then(Node::as_str).unwrap_or_default();
            self.leave(Some(variable.span), format!("`{name}` of `{of}` comes from elsewhere"));
        }
        for source in container.items("envFrom") {
            self.leave(Some(source.span), format!("variables of `{of}` that come from elsewhere"));
        }
    }

    /// Takes a variable that no other part of the fleet says.
    fn plain(
        &mut self,
        app: &Found<'_>,
        variable: &Value,
        parameters: &Parameters,
        env: &mut Map<String, Value>,
        secrets: &mut Map<String, Value>,
    ) {
        let name = variable["name"].as_str().unwrap_or_default();
        let of = app.resource.object_ref();
        let variables = app.container.map(|container| container.items("env")).unwrap_or_default();
        let span = variables.iter().find(|it| it.get("name").and_then(Node::as_str) == Some(name)).map(|it| it.span);
        if let (Some(secret), Some(key)) = (variable["secret"].as_str(), variable["key"].as_str()) {
            secrets.insert(name.to_owned(), Value::from(format!("{secret}/{key}")));
            return;
        }
        let Some(value) = variable["value"].as_str() else {
            self.leave(span, format!("`{name}` of `{of}` comes from elsewhere"));
            return;
        };
        let upper = name.to_ascii_uppercase();
        let topics = parameters.get("topics").and_then(Value::as_object);
        if CONFIDENTIAL.iter().any(|word| upper.contains(word)) {
            self.leave(span, format!("`{name}` of `{of}` may be a secret"));
            return;
        }
        if value.split(',').any(|value| topics.is_some_and(|topics| topics.contains_key(value))) {
            self.leave(span, format!("`{name}` of `{of}` names a topic, and not whether it is read or written"));
        }
        env.insert(name.to_owned(), Value::from(value));
    }

    /// Returns the variables of `app` that have another value on local clusters.
    fn local(&self, app: &Found<'_>) -> Map<String, Value> {
        let texts = |container: &Node| -> BTreeMap<String, String> {
            let shapes = container.items("env").iter().filter_map(shape);
            shapes.filter_map(|it| Some((it["name"].as_str()?.to_owned(), it["value"].as_str()?.to_owned()))).collect()
        };
        let usual = app.container.map(texts).unwrap_or_default();
        let mut clusters = self.clusters.iter();
        let local = clusters.find(|cluster| environment(cluster, self.environments) == Some("local"));
        let objects = local.into_iter().flat_map(|local| local.objects_of("apps", "Deployment"));
        let mut own = objects.map(|object| object.resource).filter(|it| it.object_ref() == app.resource.object_ref());
        let own = own.next().and_then(|own| own.node.at(&["spec", "template", "spec"])?.items("containers").first());
        let differs = |(name, value): &(String, String)| usual.get(name) != Some(value);
        own.map(texts)
            .unwrap_or_default()
            .into_iter()
            .filter(differs)
            .map(|(name, value)| (name, value.into()))
            .collect()
    }

    /// Sets which topics something outside the fleet writes: those that apps read and none writes.
    pub(super) fn external(&mut self, parameters: &mut Parameters) {
        let apps = parameters.get("apps").and_then(Value::as_object);
        let named = |field: &str| -> Vec<String> {
            let lists = apps.into_iter().flatten().filter_map(|(_, app)| app.get(field)?.as_array());
            lists.flatten().filter_map(|topic| topic.as_str().map(str::to_owned)).collect()
        };
        let (written, read) = (named("produces"), named("consumes"));
        let Some(Value::Object(topics)) = parameters.get_mut("topics") else { return };
        let mut unknown = Vec::new();
        for (name, topic) in topics.iter_mut().filter_map(|(name, topic)| Some((name, topic.as_object_mut()?))) {
            match (written.contains(name), read.contains(name)) {
                (true, _) => {}
                (false, true) => set(topic, "external", true),
                (false, false) => unknown.push(name.clone()),
            }
        }
        for name in unknown {
            self.leave(
                None,
                format!("nothing tells who writes and reads topic `{name}`: produces and consumes of apps"),
            );
        }
    }
}

/// Which way records go.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

/// Returns which way the name of a variable, in capitals, says that records go.
fn direction(name: &str) -> Option<Direction> {
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match (says(&["INPUT", "CONSUM", "SOURCE", "SUBSCRI"]), says(&["OUTPUT", "PRODUC", "SINK", "PUBLISH"])) {
        (true, false) => Some(Direction::In),
        (false, true) => Some(Direction::Out),
        _ => None,
    }
}
