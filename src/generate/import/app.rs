//! Apps: what runs an image of its own, with its variables, its probes and who reaches it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::generate::import::Reader;
use crate::generate::import::services::number;
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::yaml::Node;

/// Namespaces that others than apps live in.
const GIVEN: [&str; 3] = ["flux-system", "kube-system", "monitoring"];
/// Words in names of variables whose values are taken from nobody's file.
const CONFIDENTIAL: [&str; 6] = ["CREDENTIAL", "DATABASE_URL", "KEY", "PASSWORD", "SECRET", "TOKEN"];

impl<'a> Reader<'a> {
    /// Returns the namespace that most apps are in, and the apps of it.
    pub(super) fn apps(&mut self) -> (Option<String>, Map<String, Value>) {
        let mut found: Vec<&'a Resource> = Vec::new();
        for (group, kind) in [("apps", "Deployment"), ("batch", "CronJob")] {
            for resource in self.of_kind(group, kind) {
                let is_known = found.iter().any(|known| known.object_ref() == resource.object_ref());
                if !is_known && !GIVEN.contains(&resource.namespace()) && !resource.name().contains("kafka-ui") {
                    found.push(resource);
                }
            }
        }
        for (group, kind) in [("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")] {
            for resource in self.of_kind(group, kind).collect::<Vec<_>>() {
                let what = format!("`{}`: an app is a Deployment or a CronJob", resource.object_ref());
                self.leave(Some(resource.name_span()), what);
            }
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for resource in &found {
            *counts.entry(resource.namespace()).or_default() += 1;
        }
        let namespace = counts.iter().max_by_key(|(_, count)| **count).map(|(name, _)| (*name).to_owned());
        let mut apps = Map::new();
        for resource in found {
            if Some(resource.namespace()) == namespace.as_deref() {
                apps.insert(resource.name().to_owned(), self.app(resource));
            } else {
                let what = format!("`{}` is in another namespace than most apps", resource.object_ref());
                self.leave(Some(resource.name_span()), what);
            }
        }
        (namespace.filter(|name| !name.is_empty()), apps)
    }

    fn app(&mut self, resource: &'a Resource) -> Value {
        let mut app = Map::new();
        let template: &[&str] = match resource.kind() {
            "CronJob" => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        };
        let template = resource.node.at(template);
        let containers = template.and_then(|template| template.get("spec")).map(|spec| spec.items("containers"));
        let containers = containers.unwrap_or_default();
        let Some(container) = containers.first() else {
            self.leave(Some(resource.name_span()), format!("`{}` has no container", resource.object_ref()));
            return json!({"kind": "worker"});
        };
        for further in &containers[1..] {
            let name = further.get("name").and_then(Node::as_str).unwrap_or_default();
            self.leave(
                Some(further.span),
                format!("container `{name}` of `{}`: an app has one", resource.object_ref()),
            );
        }
        let labels = template.and_then(|template| template.at(&["metadata", "labels"]));
        let service = self.service(resource, labels);
        let kind = match (resource.kind(), service) {
            ("CronJob", _) => "cron",
            (_, Some(_)) => "http",
            _ => "worker",
        };
        app.insert("kind".to_owned(), Value::from(kind));
        self.image(&mut app, resource, container);
        let port = container.items("ports").first().and_then(|port| number(port.get("containerPort")?));
        app.extend(port.map(|port| ("port".to_owned(), Value::from(port))));
        let schedule = resource.node.at(&["spec", "schedule"]).and_then(Node::as_str);
        app.extend(schedule.map(|schedule| ("schedule".to_owned(), Value::from(schedule))));
        self.scale(&mut app, resource, labels);
        let path = container.at(&["livenessProbe", "httpGet", "path"]);
        let path = path.or_else(|| container.at(&["readinessProbe", "httpGet", "path"])).and_then(Node::as_str);
        app.extend(path.map(|path| ("health".to_owned(), json!({"path": path}))));
        if let Some(host) = service.and_then(|service| self.host(service)) {
            app.insert("host".to_owned(), Value::from(host));
        }
        for list in ["command", "args"] {
            let texts: Vec<&str> = container.items(list).iter().filter_map(Node::as_str).collect();
            if !texts.is_empty() {
                app.insert(list.to_owned(), json!(texts));
            }
        }
        self.variables(&mut app, resource, container);
        Value::Object(app)
    }

    fn image(&mut self, app: &mut Map<String, Value>, resource: &Resource, container: &Node) {
        let Some((node, image)) = container.get("image").and_then(|node| Some((node, node.as_str()?))) else {
            self.leave(Some(container.span), format!("`{}` has no image", resource.object_ref()));
            return;
        };
        let name = image.split_once('@').map_or(image, |(name, _)| name);
        let slash = name.rfind('/').map_or(0, |at| at + 1);
        let end = name[slash..].find(':').map_or(name.len(), |at| slash + at);
        if name[..end].contains("${") {
            self.leave(Some(node.span), format!("the image of `{}` is a variable", resource.object_ref()));
        } else {
            app.insert("image".to_owned(), Value::from(&name[..end]));
        }
    }

    fn scale(&self, app: &mut Map<String, Value>, resource: &Resource, labels: Option<&Node>) {
        let in_namespace = |other: &&Resource| other.namespace() == resource.namespace();
        let mut scalers = self.of_kind("autoscaling", "HorizontalPodAutoscaler").filter(in_namespace);
        let scaler = scalers.find(|scaler| {
            scaler.node.at(&["spec", "scaleTargetRef", "name"]).and_then(Node::as_str) == Some(resource.name())
        });
        match scaler {
            None => {
                let replicas = resource.node.at(&["spec", "replicas"]).and_then(number);
                app.extend(replicas.map(|replicas| ("replicas".to_owned(), Value::from(replicas))));
            }
            Some(scaler) => drop(app.insert("hpa".to_owned(), Value::Object(hpa(scaler)))),
        }
        let mut budgets = self.of_kind("policy", "PodDisruptionBudget").filter(in_namespace);
        if budgets.any(|budget| is_selected(labels, budget.node.at(&["spec", "selector"]))) {
            app.insert("pdb".to_owned(), Value::from(true));
        }
    }

    /// Returns the Service that sends requests to the pods.
    fn service(&self, resource: &Resource, labels: Option<&Node>) -> Option<&'a Resource> {
        let mut services = self.of_kind("", "Service").filter(|service| service.namespace() == resource.namespace());
        services.find(|service| {
            let selector = service.node.at(&["spec", "selector"]).and_then(Node::as_map);
            selector.is_some_and(|selector| {
                let has = |key: &str| labels?.get(key)?.as_str();
                !selector.is_empty() && selector.iter().all(|entry| has(entry.key.text()) == entry.value.as_str())
            })
        })
    }

    /// Returns the first part of the public name that leads to `service`.
    fn host(&self, service: &Resource) -> Option<String> {
        let routes = self.of_kind("gateway.networking.k8s.io", "HTTPRoute");
        let of_route = routes.filter_map(|route| {
            let spec = route.node.get("spec")?;
            let backends = spec.items("rules").iter().flat_map(|rule| rule.items("backendRefs"));
            let mut names = backends.filter_map(|backend| backend.get("name")?.as_str());
            names.any(|name| name == service.name()).then(|| spec.items("hostnames").first()?.as_str())?
        });
        let ingresses = self.of_kind("networking.k8s.io", "Ingress");
        let of_ingress =
            ingresses.flat_map(|ingress| ingress.node.get("spec").map(|spec| spec.items("rules")).unwrap_or_default());
        let of_ingress = of_ingress.filter_map(|rule| {
            let paths = rule.get("http")?.items("paths").iter();
            let mut names = paths.filter_map(|path| path.at(&["backend", "service", "name"])?.as_str());
            names.any(|name| name == service.name()).then(|| rule.get("host")?.as_str())?
        });
        let host = of_route.chain(of_ingress).next()?;
        let first = host.split('.').next()?;
        (!first.contains(['$', '*'])).then(|| first.to_owned())
    }

    fn variables(&mut self, app: &mut Map<String, Value>, resource: &Resource, container: &Node) {
        let topics: Vec<String> = self.topic_names();
        let mut read = Variables::default();
        for variable in container.items("env") {
            let Some(name) = variable.get("name").and_then(Node::as_str) else { continue };
            if let Some(reason) = read.add(name, variable, &topics) {
                self.leave(Some(variable.span), format!("`{name}` of `{}` {reason}", resource.object_ref()));
            }
        }
        for source in container.items("envFrom") {
            self.leave(Some(source.span), format!("variables of `{}` that come from elsewhere", resource.object_ref()));
        }
        app.extend(read.group.map(|group| ("group".to_owned(), Value::from(group))));
        for (name, list) in [("produces", read.produces), ("consumes", read.consumes)] {
            if !list.is_empty() {
                app.insert(name.to_owned(), json!(list));
            }
        }
        for (name, map) in [("env", read.env), ("secrets", read.secrets)] {
            if !map.is_empty() {
                app.insert(name.to_owned(), Value::Object(map));
            }
        }
    }

    fn topic_names(&self) -> Vec<String> {
        let topics = self.of_kind("kafka.strimzi.io", "KafkaTopic");
        let name = |topic: &Resource| topic.node.at(&["spec", "topicName"]).and_then(Node::as_str).map(str::to_owned);
        topics.map(|topic| name(topic).unwrap_or_else(|| topic.name().to_owned())).collect()
    }
}

fn hpa(scaler: &Resource) -> Map<String, Value> {
    let mut fields = Map::new();
    let spec = |key: &str| scaler.node.at(&["spec", key]).and_then(number);
    fields.insert("min".to_owned(), Value::from(spec("minReplicas").unwrap_or(1)));
    fields.extend(spec("maxReplicas").map(|most| ("max".to_owned(), Value::from(most))));
    let metrics = scaler.node.get("spec").map(|spec| spec.items("metrics")).unwrap_or_default();
    for metric in metrics {
        let name = metric.at(&["resource", "name"]).and_then(Node::as_str);
        let target = metric.at(&["resource", "target", "averageUtilization"]).and_then(number);
        if let (Some(name), Some(target)) = (name, target) {
            fields.insert(name.to_owned(), Value::from(target));
        }
    }
    fields
}

fn is_selected(labels: Option<&Node>, selector: Option<&Node>) -> bool {
    let Some(selector) = selector else { return false };
    LabelSelector::of_node(selector).matches(|key| labels?.get(key)?.as_str())
}

/// The variables of an app, as parameters say them.
#[derive(Default)]
struct Variables {
    env: Map<String, Value>,
    secrets: Map<String, Value>,
    produces: Vec<String>,
    consumes: Vec<String>,
    group: Option<String>,
}

impl Variables {
    /// Takes the variable `name`; returns what could not be read of it, as a clause.
    fn add(&mut self, name: &str, variable: &Node, topics: &[String]) -> Option<&'static str> {
        let place = |keys: &[&str]| variable.at(keys).and_then(Node::as_str);
        let secret = place(&["valueFrom", "secretKeyRef", "name"]).zip(place(&["valueFrom", "secretKeyRef", "key"]));
        if let Some((secret, key)) = secret {
            self.secrets.insert(name.to_owned(), Value::from(format!("{secret}/{key}")));
            return None;
        }
        let Some(value) = variable.get("value").and_then(Node::as_str) else { return Some("comes from elsewhere") };
        let upper = name.to_ascii_uppercase();
        if CONFIDENTIAL.iter().any(|word| upper.contains(word)) {
            return Some("may be a secret");
        }
        if topics.iter().any(|topic| topic == value) {
            self.env.insert(name.to_owned(), json!({"topic": value}));
            match direction(name) {
                Some(Direction::Out) => self.produces.push(value.to_owned()),
                Some(Direction::In) => self.consumes.push(value.to_owned()),
                None => return Some("names a topic, and not whether it is read or written"),
            }
        } else if upper.contains("CONSUMER_GROUP") || upper.contains("GROUP_ID") {
            self.group = Some(value.to_owned());
            self.env.insert(name.to_owned(), json!({"from": "group"}));
        } else {
            self.env.insert(name.to_owned(), Value::from(value));
        }
        None
    }
}

/// Which way records go.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

/// Returns which way the name of a variable says that records go.
fn direction(name: &str) -> Option<Direction> {
    let name = name.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match (says(&["INPUT", "CONSUM", "SOURCE", "SUBSCRI"]), says(&["OUTPUT", "PRODUC", "SINK", "PUBLISH"])) {
        (true, false) => Some(Direction::In),
        (false, true) => Some(Direction::Out),
        _ => None,
    }
}
