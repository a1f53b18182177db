//! What does not fit together in a fleet.

use std::collections::BTreeMap;

use crate::generate::graph::access;
use crate::generate::graph::model::{App, Cluster, DataService, Fleet, Kind, Provider, Rollout, Variable};
use crate::generate::parameters::ParameterProblem;

/// Returns everything that is wrong, in the order of the parameters.
pub(super) fn problems(fleet: &Fleet) -> Vec<ParameterProblem> {
    let mut problems = Problems(Vec::new());
    clusters(fleet, &mut problems);
    tags(fleet, &mut problems);
    access::check(fleet, &mut problems);
    for name in fleet.topics.keys() {
        topic(fleet, name, &mut problems);
    }
    for (name, app) in &fleet.apps {
        image(fleet, name, &mut problems);
        references(fleet, name, app, &mut problems);
        shape(name, app, &mut problems);
        access::check_app(name, app, &mut problems);
        rollout(fleet, name, app, &mut problems);
    }
    hosts(fleet, &mut problems);
    problems.0
}

/// What is wrong, in the order in which it was found.
pub(super) struct Problems(Vec<ParameterProblem>);

impl Problems {
    pub(super) fn add(&mut self, parameter: impl Into<String>, reason: impl Into<String>) {
        self.0.push(ParameterProblem::of_value(parameter, reason));
    }
}

fn clusters(fleet: &Fleet, problems: &mut Problems) {
    const AUTOMATION: &str = "imageAutomationCluster";
    let elected = fleet.image_automation_cluster.as_str();
    match fleet.clusters.get(elected) {
        None if elected.is_empty() => {}
        None => problems.add(AUTOMATION, format!("is `{elected}`, which is none of the clusters")),
        Some(cluster) if cluster.is_local() => {
            problems.add(
                AUTOMATION,
                format!("is `{elected}`, a local cluster, which is not always there to write new tags"),
            );
        }
        Some(_) => {}
    }
    let names_class = |cluster: &Cluster| !cluster.is_local() && !cluster.storage_class(fleet).is_empty();
    let named = fleet.clusters.iter().find(|(_, cluster)| names_class(cluster));
    for (name, cluster) in &fleet.clusters {
        let provider = cluster.provider(fleet);
        if cluster.is_local() && provider != Provider::Kind {
            let reason = format!("is `{provider}`, and the cluster on this machine is one of kind");
            problems.add(format!("clusters.{name}.provider"), reason);
        }
        // All of them share the manifests of volumes, in which it is a variable: it cannot be left out for one alone.
        if let Some((other, known)) = named.filter(|_| cluster.storage_class(fleet).is_empty() && fleet.has_volumes()) {
            let class = known.storage_class(fleet);
            let reason = format!("is missing: volumes have a class of their own in `{other}` (`{class}`)");
            problems.add(format!("clusters.{name}.storageClass"), reason);
        }
    }
}

/// A tag that its policy does not take would never be replaced by an older one, and not be one that can be gone back to.
fn tags(fleet: &Fleet, problems: &mut Problems) {
    let scheme = fleet.tag_scheme;
    let wrong = |tag: &str, first: &str| format!("is `{tag}`, which is none of `tagScheme`: `{first}` is, for example");
    if !scheme.is_release(&fleet.first_release()) {
        problems.add("releaseTag", wrong(&fleet.release_tag, &scheme.first_release()));
    }
    if !scheme.is_build(&fleet.first_build()) {
        problems.add("buildTag", wrong(&fleet.build_tag, &scheme.first_build()));
    }
}

fn topic(fleet: &Fleet, name: &str, problems: &mut Problems) {
    let at = format!("topics.{name}");
    if !fleet.kafka.enabled {
        problems.add(&at, "needs Kafka: set kafka.enabled");
    }
    let is_produced = fleet.apps.values().any(|app| app.produces.iter().any(|topic| topic == name));
    let is_external = fleet.topics.get(name).is_some_and(|topic| topic.external);
    let is_consumed = fleet.apps.values().any(|app| app.consumes.iter().any(|topic| topic == name));
    match (is_produced || is_external, is_consumed) {
        (true, _) => {}
        (false, true) => {
            problems.add(&at, "is read and nobody writes it: name it in `produces` of an app, or set `external`");
        }
        (false, false) => problems.add(&at, "is neither written nor read by an app"),
    }
    let object = topic_object(name);
    if let Some(other) = fleet.topics.keys().find(|other| other.as_str() < name && topic_object(other) == object) {
        problems.add(&at, format!("and `{other}` are both `{object}` in Kubernetes"));
    }
}

/// Returns the name of the KafkaTopic for the topic `name`: Kubernetes takes lower-case letters, digits, `-` and `.`.
pub(super) fn topic_object(name: &str) -> String {
    let letter = |letter: char| if letter == '_' { '-' } else { letter.to_ascii_lowercase() };
    name.chars().map(letter).collect::<String>().trim_end_matches(['-', '.']).to_owned()
}

/// Topics, apps and services that are named and not there.
fn references(fleet: &Fleet, name: &str, app: &App, problems: &mut Problems) {
    for (field, topics) in [("produces", &app.produces), ("consumes", &app.consumes)] {
        for (at, topic) in topics.iter().enumerate().filter(|(_, topic)| !fleet.topics.contains_key(*topic)) {
            problems.add(format!("apps.{name}.{field}.{at}"), unknown("topic", topic, fleet.topics.keys()));
        }
    }
    for (at, called) in app.calls.iter().enumerate() {
        let place = format!("apps.{name}.calls.{at}");
        match fleet.apps.get(called) {
            None => problems.add(place, unknown("app", called, fleet.apps.keys())),
            Some(_) if called == name => problems.add(place, "is the app itself"),
            Some(other) if other.kind != Kind::Http => {
                problems.add(place, format!("is `{called}`, which answers no requests: its kind is not http"));
            }
            Some(_) => {}
        }
    }
    for (at, service) in app.uses.iter().enumerate().filter(|(_, service)| !fleet.service(**service).enabled) {
        let service = service_name(*service);
        problems.add(
            format!("apps.{name}.uses.{at}"),
            format!("is `{service}`, which is not there: set {service}.enabled"),
        );
    }
    for (variable, value) in &app.env {
        let place = format!("apps.{name}.env.{variable}");
        match value {
            Variable::Topic(topic) if !app.produces.contains(topic) && !app.consumes.contains(topic) => {
                problems.add(place, format!("names topic `{topic}`, which the app neither produces nor consumes"));
            }
            Variable::App(called) if !app.calls.contains(called) => {
                problems.add(place, format!("names app `{called}`, which is not among its `calls`"));
            }
            Variable::From(from) if !super::variables::is_there(fleet, app, *from) => {
                problems.add(
                    place,
                    "names what the app has no business with: see `uses`, `produces`, `consumes`, kafka.authentication",
                );
            }
            _ => {}
        }
        if app.secrets.contains_key(variable) {
            problems.add(format!("apps.{name}.secrets.{variable}"), "is set by `env` too");
        }
    }
}

/// Two images of one name would share their policies.
fn image(fleet: &Fleet, name: &str, problems: &mut Problems) {
    let same_name = |other: &&String| fleet.image_name(other) == fleet.image_name(name);
    let mut before = fleet.apps.keys().filter(|other| other.as_str() < name).filter(same_name);
    if let Some(other) = before.find(|other| fleet.image(other) != fleet.image(name)) {
        let (own, theirs) = (fleet.image(name), fleet.image(other));
        problems.add(
            format!("apps.{name}.image"),
            format!("is `{own}`, and `{theirs}` of app `{other}` has the same last name"),
        );
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let nearest = known.map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    match nearest {
        Some((distance, known)) if distance * 2 < name.len() => {
            format!("is {what} `{name}`, which is not there; `{known}` is")
        }
        _ => format!("is {what} `{name}`, which is not there"),
    }
}

pub(super) fn service_name(service: DataService) -> &'static str {
    match service {
        DataService::Postgres => "postgres",
        DataService::Valkey => "valkey",
        DataService::Elasticsearch => "elasticsearch",
    }
}

/// Fields that an app of its kind needs, or cannot have.
fn shape(name: &str, app: &App, problems: &mut Problems) {
    let at = |field: &str| format!("apps.{name}.{field}");
    if app.kind == Kind::Http && app.port.is_none() {
        problems.add(at("port"), "is missing: an app that answers requests has one");
    }
    if app.kind == Kind::Cron && app.schedule.is_none() {
        problems.add(at("schedule"), "is missing: when does it run?");
    }
    if app.kind != Kind::Cron && app.schedule.is_some() {
        problems.add(at("schedule"), "is for apps of kind cron");
    }
    if app.host.is_some() && app.kind != Kind::Http {
        problems.add(at("host"), "is for apps of kind http");
    }
    if app.kind == Kind::Cron && !app.local_env.is_empty() {
        problems.add(at("localEnv"), "is not for apps of kind cron");
    }
    if app.kind == Kind::Cron && app.hpa.is_some() {
        problems.add(at("hpa"), "is not for apps of kind cron");
    }
    if app.kind == Kind::Worker && app.health.is_some() && health_port(app).is_none() {
        problems.add(at("health"), "has no port, and the app has none");
    }
    if app.metrics.is_some() && app.port.is_none() {
        problems.add(at("metrics"), "needs a port of the app");
    }
    if let Some(hpa) = app.hpa.as_ref().filter(|hpa| hpa.min > hpa.max) {
        problems.add(at("hpa.min"), format!("is {}, more than hpa.max, {}", hpa.min, hpa.max));
    }
}

/// Returns the port that the probes of `app` ask.
pub(super) fn health_port(app: &App) -> Option<u16> {
    app.health.as_ref().and_then(|health| health.port).or(app.port)
}

/// Replicas, partitions, and what a canary needs.
fn rollout(fleet: &Fleet, name: &str, app: &App, problems: &mut Problems) {
    let at = |field: &str| format!("apps.{name}.{field}");
    let consumed = app.consumes.iter().filter_map(|topic| Some((topic, fleet.topics.get(topic)?.partitions)));
    let fewest = consumed.min_by_key(|(_, partitions)| *partitions);
    let field = if app.hpa.is_some() { "hpa.max" } else { "replicas" };
    let most = app.most_replicas();
    if let Some((topic, partitions)) = fewest.filter(|(_, partitions)| most > *partitions) {
        let idle = most - partitions;
        problems.add(
            at(field),
            format!("is {most}, topic `{topic}` has {partitions} partitions: {idle} would read nothing"),
        );
    }
    match (app.rollout, app.kind) {
        (Rollout::Rolling, _) => {}
        (_, Kind::Cron) => {
            problems.add(at("rollout"), "of an app of kind cron is rolling: it has no replicas to choose from");
        }
        (Rollout::Flagger, Kind::Worker) => {
            problems.add(at("rollout"), "is flagger, which moves requests: a worker can have two-track");
        }
        (Rollout::TwoTrack, Kind::Worker) => worker_canary(name, app, fewest, problems),
        (_, Kind::Http) => {
            if app.rollout == Rollout::Flagger && !matches!(fleet.gateway.as_str(), "envoy" | "cilium") {
                problems.add(at("rollout"), "is flagger, which needs a gateway of the Gateway API: envoy or cilium");
            }
            if app.rollout == Rollout::TwoTrack && app.host.is_some() && fleet.gateway == "ingress-nginx" {
                problems.add(at("rollout"), "is two-track, which needs a gateway of the Gateway API: envoy or cilium");
            }
        }
    }
}

/// A consumer has no weight but its share of the partitions.
fn worker_canary(name: &str, app: &App, fewest: Option<(&String, u64)>, problems: &mut Problems) {
    let place = format!("apps.{name}.canaryWeight");
    let weight = app.canary_weight;
    let Some((topic, partitions)) = fewest else {
        problems.add(format!("apps.{name}.rollout"), "is two-track, and the worker consumes no topic to share");
        return;
    };
    if app.hpa.is_some() {
        problems.add(format!("apps.{name}.hpa"), "would change the canary's share of the partitions");
    }
    let replicas = app.replicas;
    if !(replicas * weight).is_multiple_of(100) || app.canary_replicas() == 0 || app.canary_replicas() >= replicas {
        problems.add(
            &place,
            format!("is {weight}, and {replicas} replicas cannot give it: one of them is {}", percent(replicas)),
        );
    } else if replicas <= partitions && !partitions.is_multiple_of(replicas) {
        let reason =
            format!("is {weight}, and {replicas} replicas cannot share {partitions} partitions of `{topic}` evenly");
        problems.add(&place, reason);
    }
}

fn percent(replicas: u64) -> String {
    match replicas {
        0 => "none".to_owned(),
        replicas if 100 % replicas == 0 => format!("{} per cent", 100 / replicas),
        replicas => format!("about {} per cent", 100 / replicas),
    }
}

/// Public hosts that cannot be reached, or that two apps want.
fn hosts(fleet: &Fleet, problems: &mut Problems) {
    let mut taken: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, app) in &fleet.apps {
        let Some(host) = app.host.as_deref() else { continue };
        let at = format!("apps.{name}.host");
        if fleet.gateway == "none" {
            problems.add(&at, "needs a gateway: set gateway");
        }
        if let Some(other) = taken.insert((host, app.path.as_str()), name) {
            problems.add(&at, format!("is `{host}` with the path `{}`, which app `{other}` has", app.path));
        }
    }
}
