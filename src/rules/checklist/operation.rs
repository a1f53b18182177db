//! Lines on how the clusters are run: metrics, logs, quotas, plans.

use crate::rules::checklist::{Answer, Look, Place, Verdict, there};
use crate::rules::index::{ClusterIndex, Workload};
use crate::rules::operators::chart_name;
use crate::text::{RepoPath, Span};

/// Charts that collect metrics and alert.
const MONITORING: &[&str] =
    &["datadog", "kube-prometheus-stack", "newrelic-bundle", "prometheus", "victoria-metrics-k8s-stack"];
/// Charts that collect metrics, and leave alerts to others.
const METRICS: &[&str] = &["k8s-monitoring", "opentelemetry-kube-stack", "prometheus-agent", "prometheus-operator"];
/// Charts, and names of images, that collect logs.
const LOGS: &[&str] = &[
    "alloy",
    "datadog",
    "elastic-agent",
    "filebeat",
    "fluent-bit",
    "fluent-operator",
    "fluentd",
    "k8s-monitoring",
    "logging-operator",
    "loki-stack",
    "newrelic-bundle",
    "opentelemetry-collector",
    "promtail",
    "vector",
    "victoria-logs-single",
];
/// Words of files and directories with load tests.
const LOAD_TESTS: &[&str] = &["gatling", "jmeter", "k6", "load-test", "load_test", "loadtest", "locust", "vegeta"];
/// Words of files with plans for a disaster.
const RECOVERY: &[&str] = &["disaster", "recover", "restore", "runbook"];

/// Returns where a chart of these names is released.
pub(super) fn chart(index: &ClusterIndex<'_>, names: &[&str]) -> Option<Place> {
    let releases = index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").iter().map(|object| object.resource);
    let mut charts = releases.filter_map(|release| Some((release, chart_name(index, release)?)));
    let (release, name) = charts.find(|(_, name)| names.contains(name))?;
    Some(there(release.name_span(), format!("chart `{name}`")))
}

/// Returns where a pod runs an image whose name is one of these.
fn image(index: &ClusterIndex<'_>, names: &[&str]) -> Option<Place> {
    let containers = index.workloads().iter().flat_map(Workload::containers);
    containers.filter_map(|container| container.node.get("image")).find_map(|node| {
        let image = node.as_str()?;
        let last = image.rsplit('/').next().unwrap_or(image);
        let name = last.split([':', '@']).next().unwrap_or(last);
        names.contains(&name).then(|| there(node.span, format!("`{image}`")))
    })
}

/// Returns where the first object of these kinds is.
pub(super) fn object(index: &ClusterIndex<'_>, group: &str, kinds: &[&str]) -> Option<Place> {
    let found = kinds.iter().find_map(|kind| index.of_kind(group, kind).first().map(|object| object.resource))?;
    Some(there(found.name_span(), format!("`{}`", found.object_ref())))
}

pub(super) fn monitoring(look: &Look<'_, '_>) -> Answer {
    const PROMETHEUS: &str = "monitoring.coreos.com";
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for index in &look.clusters {
        let whole = chart(index, MONITORING);
        let metrics = whole.clone().or_else(|| chart(index, METRICS));
        let metrics = metrics.or_else(|| object(index, PROMETHEUS, &["Prometheus", "PrometheusAgent"]));
        let metrics = metrics.or_else(|| image(index, &["prometheus", "victoria-metrics", "grafana-agent"]));
        let alerts = object(index, PROMETHEUS, &["PrometheusRule", "AlertmanagerConfig", "Alertmanager"]);
        let alerts = alerts.or(whole).or_else(|| image(index, &["alertmanager"]));
        let alerts = alerts.or_else(|| object(index, "notification.toolkit.fluxcd.io", &["Alert"]));
        let name = index.cluster_name();
        for (place, lack) in [(metrics, "nothing collects metrics"), (alerts, "nobody is alerted")] {
            match place {
                Some(place) => done.push(place),
                None => missing.push(Place { span: None, what: format!("{lack} in cluster `{name}`") }),
            }
        }
    }
    Answer::of(done, missing, "")
}

pub(super) fn logs(look: &Look<'_, '_>) -> Answer {
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for index in &look.clusters {
        if let Some(place) = chart(index, LOGS).or_else(|| image(index, LOGS)) {
            done.push(place);
        } else {
            let what = format!("nothing of cluster `{}` collects logs", index.cluster_name());
            missing.push(Place { span: None, what });
        }
    }
    Answer::of(done, missing, "")
}

pub(super) fn quotas(look: &Look<'_, '_>) -> Answer {
    look.in_each_namespace("ResourceQuota", |index, namespace| {
        let name = index.names("", "ResourceQuota", namespace).next()?;
        Some(index.find("", "ResourceQuota", namespace, name)?.name_span())
    })
}

/// Returns the files whose path holds one of the words.
fn files(look: &Look<'_, '_>, words: &[&str], is_meant: impl Fn(&RepoPath) -> bool) -> Vec<Place> {
    let files = look.context.repo.files().iter().filter(|(path, _)| {
        let path_text = path.as_str().to_ascii_lowercase();
        is_meant(path) && words.iter().any(|word| path_text.contains(word))
    });
    files.map(|(path, source)| there(Span::new(source, 0..0), format!("`{path}`"))).collect()
}

pub(super) fn load_test(look: &Look<'_, '_>) -> Answer {
    let mut places = files(look, LOAD_TESTS, |path| !path.is_yaml());
    places.extend(look.clusters.iter().filter_map(|index| object(index, "k6.io", &["TestRun", "K6"])));
    let reason = if places.is_empty() {
        "the repository shows no load test"
    } else {
        "there is one; what it showed is not in the repository"
    };
    Answer::new(Verdict::Unknown, reason, places)
}

pub(super) fn recovery(look: &Look<'_, '_>) -> Answer {
    let is_text = |path: &RepoPath| [".md", ".adoc", ".rst", ".txt"].iter().any(|end| path.as_str().ends_with(end));
    let done = files(look, RECOVERY, is_text);
    let nothing = Place { span: None, what: "no file of the repository is called like one".to_owned() };
    let missing = if done.is_empty() { vec![nothing] } else { Vec::new() };
    Answer::of(done, missing, "")
}
