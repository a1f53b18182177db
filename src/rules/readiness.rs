//! Rules on what a Deployment needs to be replaced without anybody noticing: probes, and images that stay what they are.
//!
//! Source: Kubernetes, "Pod Lifecycle" and "Images".

use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Container, Workload};
use crate::rules::{Check, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[READINESS_MISSING, IMAGE_MUTABLE, SERVICE_LINK];

const READINESS_MISSING: Rule = Rule {
    id: "readiness-probe-missing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each container that a Service sends requests to has a readiness probe.

## Why it matters
A pod gets requests as soon as its process runs, and a rolling update goes on to the next one: requests fail until the program \
listens.

## What it cannot see
Pods that charts and operators make, and readiness gates that somebody sets.
",
    check: Check::Index(check_readiness),
};

const IMAGE_MUTABLE: Rule = Rule {
    id: "image-tag-mutable",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each image has a tag other than `latest`, or a digest.

## Why it matters
Each node runs what the tag meant when it pulled it: pods of one Deployment differ, and a revert in Git changes nothing.

## What it cannot see
Other tags that are moved (`stable`, `1`). Images that are never pulled (`imagePullPolicy: Never`) are passed over.
",
    check: Check::Index(check_tags),
};

const SERVICE_LINK: Rule = Rule {
    id: "service-link-overrides-setting",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No program that takes its settings from variables with a prefix (`KAFKA_…`) runs beside a Service of that name (`kafka`) while \
`enableServiceLinks` is on, as it is by default.

## Why it matters
Kubernetes gives each container the address of each Service as variables: `KAFKA_PORT=tcp://10.…`. The program reads that as a \
setting of its own and stops.

## What it cannot see
Programs other than the images of Confluent and Neo4j.
",
    check: Check::Index(check_links),
};

/// Images that read every variable with a prefix as a setting, with the Service name that makes such variables.
const PREFIXED: [(&str, &str); 6] = [
    ("confluentinc/cp-kafka", "kafka"),
    ("confluentinc/cp-server", "kafka"),
    ("confluentinc/cp-zookeeper", "zookeeper"),
    ("confluentinc/cp-schema-registry", "schema-registry"),
    ("confluentinc/cp-kafka-connect", "connect"),
    ("library/neo4j", "neo4j"),
];

fn services<'a>(index: &ClusterIndex<'a>) -> impl Iterator<Item = &'a Resource> + use<'a> {
    let found: Vec<&'a Resource> = index.of_kind("", "Service").iter().map(|object| object.resource).collect();
    found.into_iter()
}

/// Reports every container that gets requests and says not when it is ready for them.
fn check_readiness(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for service in services(index) {
        let Some(labels) = service.node.at(&["spec", "selector"]).and_then(Node::as_map).filter(|map| !map.is_empty())
        else {
            continue;
        };
        let publishes = service.node.at(&["spec", "publishNotReadyAddresses"]).and_then(Node::as_str) == Some("true");
        for workload in index.selected(service.namespace(), &LabelSelector::of_labels(labels)) {
            if publishes || matches!(workload.resource().kind(), "Job" | "CronJob") {
                continue;
            }
            for container in serving(workload, service) {
                if container.node.get("readinessProbe").is_some_and(|probe| !probe.is_null()) {
                    continue;
                }
                let span = container.node.get("name").map_or(container.node.span, |name| name.span);
                let message = format!(
                    "container `{}` of `{}` has no readiness probe, and `{}` sends it requests",
                    container.name(),
                    workload.resource().object_ref(),
                    service.object_ref()
                );
                out.push(
                    rule.report(message)
                        .label(span, "ready as soon as its process runs")
                        .help("add a `readinessProbe`")
                        .note("requests fail while it starts, at each rolling update"),
                );
            }
        }
    }
}

/// Returns the containers of `workload` that have a port of `service`; the first one where none declares it.
fn serving<'a>(workload: &Workload<'a>, service: &Resource) -> Vec<Container<'a>> {
    let ports = service.node.get("spec").map(|spec| spec.items("ports")).unwrap_or_default();
    let targets: Vec<&Node> =
        ports.iter().filter_map(|port| port.get("targetPort").or_else(|| port.get("port"))).collect();
    let running: Vec<Container<'a>> = workload.containers().filter(Container::keeps_running).collect();
    let serves =
        |container: &&Container<'a>| container.ports().any(|port| targets.iter().any(|target| port.answers_to(target)));
    let found: Vec<Container<'a>> = running.iter().filter(serves).copied().collect();
    if found.is_empty() { running.into_iter().take(1).collect() } else { found }
}

/// Reports every image that may be another one tomorrow.
fn check_tags(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        for container in workload.containers() {
            let is_local = container.node.get("imagePullPolicy").and_then(Node::as_str) == Some("Never");
            let Some(node) = container.node.get("image").filter(|_| !is_local) else { continue };
            let Some(image) = node.as_str().filter(|image| !image.is_empty() && !image.contains("${")) else {
                continue;
            };
            let label = match tag(image) {
                Tag::Fixed => continue,
                Tag::None => "no tag means `latest`",
                Tag::Latest => "means another image tomorrow",
            };
            out.push(
                rule.report(format!(
                    "container `{}` of `{}` runs whatever `latest` is",
                    container.name(),
                    workload.resource().object_ref()
                ))
                .label(node.span, label)
                .help("write the tag of a release, or a digest")
                .note("each node runs what the tag meant when it pulled the image"),
            );
        }
    }
}

/// What an image reference says of the version.
#[derive(Debug, PartialEq, Eq)]
enum Tag {
    Fixed,
    None,
    Latest,
}

fn tag(image: &str) -> Tag {
    if image.contains('@') {
        return Tag::Fixed;
    }
    // A colon before the last slash belongs to the port of the registry.
    let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
    match name.split_once(':') {
        None => Tag::None,
        Some((_, "latest")) => Tag::Latest,
        Some(_) => Tag::Fixed,
    }
}

/// Reports every container that reads the address of a Service as its own setting.
fn check_links(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        let links = workload.pod_spec().and_then(|spec| spec.get("enableServiceLinks")).and_then(Node::as_str);
        if links == Some("false") {
            continue;
        }
        for container in workload.containers() {
            let image = container.node.get("image").and_then(Node::as_str).unwrap_or("");
            let repository = image.split('@').next().unwrap_or(image);
            let repository = match repository.rsplit_once(':') {
                Some((before, tag)) if !tag.contains('/') => before,
                _ => repository,
            };
            let is_it = |(of, _): &&(&str, &str)| repository == *of || repository.ends_with(&format!("/{of}"));
            let Some((_, name)) = PREFIXED.iter().find(is_it) else { continue };
            let beside = |service: &&Resource| service.namespace() == workload.namespace() && service.name() == *name;
            let Some(service) = services(index).find(beside) else { continue };
            let variable = format!("{}_PORT", name.to_uppercase().replace('-', "_"));
            let span = container.node.get("image").map_or(container.node.span, |node| node.span);
            out.push(
                rule.report(format!(
                    "container `{}` of `{}` reads `{variable}` as its setting",
                    container.name(),
                    workload.resource().object_ref()
                ))
                .label(span, "takes its settings from such variables")
                .label(service.name_span(), format!("makes `{variable}` in every pod of the namespace"))
                .help("set `enableServiceLinks: false`, or give the Service another name"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_what_follows_the_last_part() {
        assert_eq!(tag("web"), Tag::None);
        assert_eq!(tag("localhost:5000/web"), Tag::None);
        assert_eq!(tag("localhost:5000/web:latest"), Tag::Latest);
        assert_eq!(tag("ghcr.io/example/web:1.0.0"), Tag::Fixed);
        assert_eq!(tag("web@sha256:00"), Tag::Fixed);
    }
}
