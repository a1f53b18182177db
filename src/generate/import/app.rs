//! Apps: what runs an image of its own, how it runs, and who reaches it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::generate::import::environment::environment;
use crate::generate::import::images::Image;
use crate::generate::import::peers::is_selected;
use crate::generate::import::services::is_valkey;
use crate::generate::import::tracks;
use crate::generate::import::variables::{self, shape};
use crate::generate::import::{Parameters, Reader, number, set, text_at};
use crate::kustomize::Resource;
use crate::yaml::{Dialect, Node};

/// Namespaces that others than apps live in.
const GIVEN: [&str; 4] = ["flagger-system", "flux-system", "kube-system", "monitoring"];

/// An app as it was found: its object, its pod and its container.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) resource: &'a Resource,
    /// The template of its pods.
    template: Option<&'a Node>,
    /// Its first container.
    pub(super) container: Option<&'a Node>,
}

impl<'a> Found<'a> {
    fn of(resource: &'a Resource) -> Self {
        let template: &[&str] = match resource.kind() {
            "CronJob" => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        };
        let template = resource.node.at(template);
        let container = template.and_then(|template| template.get("spec")?.items("containers").first());
        Self { resource, template, container }
    }

    fn pod(&self) -> Option<&'a Node> {
        self.template?.get("spec")
    }

    /// Returns the labels of its pods.
    pub(super) fn labels(&self) -> Option<&'a Node> {
        self.template?.at(&["metadata", "labels"])
    }

    /// Returns its variables as a graph derives them, without those that come from elsewhere.
    pub(super) fn variables(&self) -> Vec<Value> {
        self.container.map(|container| container.items("env").iter().filter_map(shape).collect()).unwrap_or_default()
    }
}

impl<'a> Reader<'a> {
    /// Reads the namespace that most apps are in, and the apps of it.
    pub(super) fn apps(&mut self, parameters: &mut Parameters) {
        let found = self.workloads();
        self.leave_others();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for app in &found {
            *counts.entry(app.resource.namespace()).or_default() += 1;
        }
        let namespace = counts.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name);
        if let Some(namespace) = namespace.filter(|name| !name.is_empty()) {
            set(parameters, "namespace", namespace);
        }
        let (own, others): (Vec<Found<'a>>, _) =
            found.into_iter().partition(|app| Some(app.resource.namespace()) == namespace);
        for other in others {
            let what = format!("`{}` is in another namespace than most apps", other.resource.object_ref());
            self.leave(Some(other.resource.name_span()), what);
        }
        let names: Vec<String> = own.iter().map(|app| app.resource.name().to_owned()).collect();
        let mut apps = Map::new();
        for app in &own {
            let mut fields = self.app(app);
            self.peers(app, parameters, &names).describe(&mut fields);
            if !self.rights(app.resource.name(), &mut fields) {
                variables::directions(&app.variables(), parameters, &mut fields);
            }
            variables::order(&app.variables(), &mut fields);
            let name = app.resource.name();
            // A group is called like its app where nobody says otherwise.
            fields.retain(|field, value| field != "group" || value != name);
            apps.insert(name.to_owned(), Value::Object(fields));
        }
        self.registry(parameters, &mut apps);
        let (releases, builds) = self.image_tags(&names);
        self.tags(parameters, &releases, &builds);
        set(parameters, "apps", Value::Object(apps));
        self.variables(parameters, &own);
        self.external(parameters);
    }

    /// Returns what runs an image of its own, each name once, that of production first.
    fn workloads(&self) -> Vec<Found<'a>> {
        let mut found: Vec<Found<'a>> = Vec::new();
        for (group, kind) in [("apps", "Deployment"), ("batch", "CronJob")] {
            for resource in self.of_kind(group, kind) {
                let is_known = found.iter().any(|known| known.resource.object_ref() == resource.object_ref());
                let is_other = GIVEN.contains(&resource.namespace()) || resource.name().contains("kafka-ui");
                if !is_known && !is_other && !self.is_canary(resource) {
                    found.push(Found::of(resource));
                }
            }
        }
        found
    }

    /// Lists what runs and is no app.
    fn leave_others(&mut self) {
        for (group, kind) in [("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")] {
            for resource in self.of_kind(group, kind).filter(|it| !is_valkey(it)).collect::<Vec<_>>() {
                let what = format!("`{}`: an app is a Deployment or a CronJob", resource.object_ref());
                self.leave(Some(resource.name_span()), what);
            }
        }
    }

    /// Returns the tags of the images that the apps `names` run in production, and those of staging and of canaries.
    fn image_tags(&self, names: &[String]) -> (Vec<&'a str>, Vec<&'a str>) {
        let (mut releases, mut builds) = (Vec::new(), Vec::new());
        for cluster in self.clusters.clone() {
            let environment = environment(cluster, self.environments);
            let workloads = cluster.objects_of("apps", "Deployment").chain(cluster.objects_of("batch", "CronJob"));
            for resource in workloads.map(|object| object.resource) {
                let image = Found::of(resource).container.and_then(|container| container.get("image")?.as_str());
                let tag = image.and_then(|image| Image::of(image).tag);
                let app = tracks::app_of(resource.name());
                let (Some(tag), true) = (tag, names.iter().any(|name| name == app)) else { continue };
                match environment {
                    Some("production") if app == resource.name() || !self.is_canary(resource) => releases.push(tag),
                    Some("production" | "staging") => builds.push(tag),
                    _ => {}
                }
            }
        }
        (releases, builds)
    }

    fn app(&mut self, found: &Found<'a>) -> Parameters {
        let resource = found.resource;
        let mut app = Parameters::new();
        let Some(container) = found.container else {
            self.leave(Some(resource.name_span()), format!("`{}` has no container", resource.object_ref()));
            set(&mut app, "kind", "worker");
            return app;
        };
        for further in found.pod().into_iter().flat_map(|pod| &pod.items("containers")[1..]) {
            let name = further.get("name").and_then(Node::as_str).unwrap_or_default();
            self.leave(
                Some(further.span),
                format!("container `{name}` of `{}`: an app has one", resource.object_ref()),
            );
        }
        let service = self.service(found);
        self.rollout(resource, &mut app);
        let is_flagger = app.get("rollout").and_then(Value::as_str) == Some("flagger");
        let kind = match resource.kind() {
            "CronJob" => "cron",
            _ if service.is_some() || is_flagger => "http",
            _ => "worker",
        };
        set(&mut app, "kind", kind);
        self.image(&mut app, resource, container);
        ports(container, &mut app);
        if let Some(schedule) = text_at(resource, &["spec", "schedule"]) {
            set(&mut app, "schedule", schedule);
        }
        self.scale(&mut app, found);
        probes(container, &mut app);
        self.hosts(found, service.map_or(resource.name(), |service| service.name()), &mut app);
        self.metrics(found, &mut app);
        run(found, container, &mut app);
        app
    }

    fn image(&mut self, app: &mut Parameters, resource: &Resource, container: &Node) {
        let Some((node, image)) = container.get("image").and_then(|node| Some((node, node.as_str()?))) else {
            self.leave(Some(container.span), format!("`{}` has no image", resource.object_ref()));
            return;
        };
        let name = Image::of(image).name;
        if name.contains("${") {
            self.leave(Some(node.span), format!("the image of `{}` is a variable", resource.object_ref()));
        } else {
            set(app, "image", name);
        }
    }

    /// Reads how many there are, and whether a drain leaves some.
    fn scale(&self, app: &mut Parameters, found: &Found<'_>) {
        let resource = found.resource;
        let own = |other: &&Resource| {
            other.namespace() == resource.namespace()
                && text_at(other, &["spec", "scaleTargetRef", "name"]) == Some(resource.name())
        };
        let scaler = self.of_kind("autoscaling", "HorizontalPodAutoscaler").find(own).map(hpa);
        let scaler = scaler.or_else(|| self.of_kind("keda.sh", "ScaledObject").find(own).map(scaled_object));
        let running = match scaler {
            None => {
                let replicas = resource.node.at(&["spec", "replicas"]).and_then(number);
                if let (Some(replicas), false) = (replicas, app.contains_key("replicas")) {
                    set(app, "replicas", replicas);
                }
                app.get("replicas").and_then(Value::as_i64)
            }
            Some(fields) => {
                let least = fields.get("min").and_then(Value::as_i64);
                set(app, "hpa", Value::Object(fields));
                least
            }
        };
        let mut budgets =
            self.of_kind("policy", "PodDisruptionBudget").filter(|it| it.namespace() == resource.namespace());
        let has_budget = budgets.any(|budget| is_selected(found.labels(), budget.node.at(&["spec", "selector"])));
        let has_production = self.clusters.iter().any(|it| environment(it, self.environments) == Some("production"));
        // Where there are several, a budget comes along.
        if has_production && resource.kind() != "CronJob" && has_budget != running.is_some_and(|count| count > 1) {
            set(app, "pdb", has_budget);
        }
    }

    /// Returns the Service that sends requests to the pods.
    fn service(&self, found: &Found<'_>) -> Option<&'a Resource> {
        let mut services =
            self.of_kind("", "Service").filter(|service| service.namespace() == found.resource.namespace());
        services.find(|service| {
            let selector = service.node.at(&["spec", "selector"]).and_then(Node::as_map);
            selector.is_some_and(|selector| {
                let has = |key: &str| found.labels()?.get(key)?.as_str();
                !selector.is_empty() && selector.iter().all(|entry| has(entry.key.text()) == entry.value.as_str())
            })
        })
    }

    /// Reads the public name that leads to the Service `service`, its first part, and the path that requests begin with.
    fn hosts(&self, found: &Found<'_>, service: &str, app: &mut Parameters) {
        let leads = |name: Option<&Node>| name.and_then(Node::as_str) == Some(service);
        let routes = self.of_kind("gateway.networking.k8s.io", "HTTPRoute").filter_map(|route| route.node.get("spec"));
        let of_route = routes.filter_map(|spec| {
            let mut rules = spec.items("rules").iter();
            let rule = rules.find(|rule| rule.items("backendRefs").iter().any(|backend| leads(backend.get("name"))))?;
            let path = rule.items("matches").first().and_then(|it| it.at(&["path", "value"])?.as_str());
            Some((spec.items("hostnames").first()?.as_str()?, path))
        });
        let ingresses = self.of_kind("networking.k8s.io", "Ingress").filter_map(|ingress| ingress.node.get("spec"));
        let of_ingress = ingresses.flat_map(|spec| spec.items("rules")).filter_map(|rule| {
            let mut paths = rule.get("http")?.items("paths").iter();
            let path = paths.find(|path| leads(path.at(&["backend", "service", "name"])))?;
            Some((rule.get("host")?.as_str()?, path.get("path").and_then(Node::as_str)))
        });
        let canaries = self.of_kind("flagger.app", "Canary").filter(|it| it.name() == found.resource.name());
        let of_canary = canaries.filter_map(|it| {
            let hosts = it.node.at(&["spec", "service"])?.items("hosts");
            Some((hosts.first()?.as_str()?, None))
        });
        let Some((host, path)) = of_route.chain(of_ingress).chain(of_canary).next() else { return };
        let first = host.split('.').next().filter(|first| !first.contains(['$', '*']));
        app.extend(first.map(|first| ("host".to_owned(), Value::from(first))));
        app.extend(path.filter(|path| *path != "/").map(|path| ("path".to_owned(), Value::from(path))));
    }

    /// Reads where its metrics are.
    fn metrics(&self, found: &Found<'_>, app: &mut Parameters) {
        let mut monitors = self.of_kind("monitoring.coreos.com", "PodMonitor");
        let own = monitors.find(|monitor| {
            monitor.namespace() == found.resource.namespace()
                && is_selected(found.labels(), monitor.node.at(&["spec", "selector"]))
        });
        let path =
            own.and_then(|own| own.node.get("spec")?.items("podMetricsEndpoints").first()?.get("path")?.as_str());
        app.extend(path.map(|path| ("metrics".to_owned(), Value::from(path))));
    }
}

/// Returns the port of `container` that is called `name`.
fn named_port(container: &Node, name: &str) -> Option<i64> {
    let mut ports = container.items("ports").iter();
    ports.find(|port| port.get("name").and_then(Node::as_str) == Some(name))?.get("containerPort").and_then(number)
}

fn ports(container: &Node, app: &mut Parameters) {
    let is_other = |port: &&Node| port.get("name").and_then(Node::as_str) != Some("health");
    let port = container.items("ports").iter().find(is_other).and_then(|port| number(port.get("containerPort")?));
    app.extend(port.map(|port| ("port".to_owned(), Value::from(port))));
}

/// Reads where the app says that it is well.
fn probes(container: &Node, app: &mut Parameters) {
    let at = |probe: &str, field: &str| container.at(&[probe, "httpGet", field]).and_then(Node::as_str);
    let ready = at("readinessProbe", "path");
    let Some(path) = at("livenessProbe", "path").or(ready) else { return };
    let mut health = Parameters::new();
    set(&mut health, "path", path);
    if let Some(ready) = ready.filter(|ready| *ready != path) {
        set(&mut health, "readyPath", ready);
    }
    let port = at("livenessProbe", "port").or_else(|| at("readinessProbe", "port")).unwrap_or_default();
    let port = port.parse().ok().or_else(|| named_port(container, port));
    if let Some(port) = port.filter(|port| app.get("port").and_then(Value::as_i64) != Some(*port)) {
        set(&mut health, "port", port);
    }
    set(app, "health", Value::Object(health));
}

/// Reads how the container runs.
fn run(found: &Found<'_>, container: &Node, app: &mut Parameters) {
    for list in ["command", "args"] {
        let texts: Vec<&str> = container.items(list).iter().filter_map(Node::as_str).collect();
        if !texts.is_empty() {
            set(app, list, json!(texts));
        }
    }
    if let Some(resources) = container.get("resources").filter(|it| it.as_map().is_some_and(|it| !it.is_empty())) {
        set(app, "resources", resources.to_json(Dialect::KubernetesV2));
    }
    if text_at(found.resource, &["spec", "strategy", "type"]) == Some("Recreate") {
        set(app, "strategy", "recreate");
    }
    let of_pod = |keys: &[&str]| found.pod().and_then(|pod| pod.at(keys)).and_then(number);
    let usual = [
        ("gracePeriod", &["terminationGracePeriodSeconds"][..], 30),
        ("user", &["securityContext", "runAsUser"], 65532),
    ];
    for (field, keys, default) in usual {
        if let Some(value) = of_pod(keys).filter(|value| *value != default) {
            set(app, field, value);
        }
    }
    let mounts = container.items("volumeMounts").iter();
    if mounts.filter_map(|mount| mount.get("mountPath")?.as_str()).any(|path| path == "/tmp") {
        set(app, "tmp", true);
    }
}

fn hpa(scaler: &Resource) -> Parameters {
    let mut fields = Parameters::new();
    let spec = |key: &str| scaler.node.at(&["spec", key]).and_then(number);
    set(&mut fields, "min", spec("minReplicas").unwrap_or(1));
    fields.extend(spec("maxReplicas").map(|most| ("max".to_owned(), Value::from(most))));
    let metrics = scaler.node.get("spec").map(|spec| spec.items("metrics")).unwrap_or_default();
    for metric in metrics {
        let name = metric.at(&["resource", "name"]).and_then(Node::as_str);
        let target = metric.at(&["resource", "target", "averageUtilization"]).and_then(number);
        if let (Some(name), Some(target)) = (name, target) {
            set(&mut fields, name, target);
        }
    }
    fields
}

fn scaled_object(scaler: &Resource) -> Parameters {
    let mut fields = Parameters::new();
    for (field, key, default) in [("min", "minReplicaCount", 0), ("max", "maxReplicaCount", 100)] {
        set(&mut fields, field, scaler.node.at(&["spec", key]).and_then(number).unwrap_or(default));
    }
    fields
}
