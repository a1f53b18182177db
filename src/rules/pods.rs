//! Rules on what pods refer to: configuration, secrets, accounts, claims, and their own volumes and labels.
//!
//! Source: Kubernetes API, Pod v1 and the kubelet's `CreateContainerConfigError`.

use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::LabelSelector;
use crate::rules::index::references::Reference;
use crate::rules::index::{ClusterIndex, Container, Port, Workload, number};
use crate::rules::releases::object_keys;
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[
    CONFIG_MAP_MISSING,
    SECRET_MISSING,
    KEY_MISSING,
    SERVICE_ACCOUNT_MISSING,
    CLAIM_MISSING,
    VOLUME_MISSING,
    SELECTOR_MISMATCH,
    PROBE_PORT,
];

const CONFIG_MAP_MISSING: Rule = Rule {
    id: "config-map-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each ConfigMap that a pod takes variables or files from exists in its namespace, unless the reference is `optional`.

## Why it matters
The pod does not start: `CreateContainerConfigError` for variables, `FailedMount` for files.

## What it cannot see
ConfigMaps that charts, operators and people make: where a HelmRelease goes into the namespace, or something of the cluster \
could not be rendered, the finding is a note.
",
    check: Check::Index(check_objects),
};

const SECRET_MISSING: Rule = Rule {
    id: "secret-missing",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each Secret that a pod, a ServiceAccount, an Ingress, a Gateway or a policy of Envoy Gateway refers to is in the repository \
(encrypted), or is made by an object of the cluster: an ExternalSecret, a SealedSecret, a Certificate, a KafkaUser.

## Why it matters
Until somebody makes the Secret by hand, in each cluster, the pod does not start and the listener has no certificate.

## What it cannot see
Secrets that people make by hand, and those of charts: where a HelmRelease goes into the namespace, or something of the \
cluster could not be rendered, the finding is a note.
",
    check: Check::Index(check_objects),
};

const KEY_MISSING: Rule = Rule {
    id: "config-key-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each key that a pod takes from a ConfigMap or a Secret of the repository is there, unless the reference is `optional`.

## Why it matters
The pod does not start: `CreateContainerConfigError` for variables, `FailedMount` for files.

## What it cannot see
Objects that are not in the repository, or of which only a part is.
",
    check: Check::Index(check_keys),
};

const SERVICE_ACCOUNT_MISSING: Rule = Rule {
    id: "service-account-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The ServiceAccount of each pod exists in its namespace.

## Why it matters
No pod is made: `FailedCreate … serviceaccount \"…\" not found`.

## What it cannot see
ServiceAccounts of charts and operators: where a HelmRelease goes into the namespace, or something of the cluster could not be \
rendered, the finding is a note.
",
    check: Check::Index(check_objects),
};

const CLAIM_MISSING: Rule = Rule {
    id: "volume-claim-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each PersistentVolumeClaim that a pod mounts exists in its namespace.

## Why it matters
The pod stays `Pending`: `persistentvolumeclaim \"…\" not found`.

## What it cannot see
Claims of charts, operators and StatefulSets: where a HelmRelease goes into the namespace, or something of the cluster could \
not be rendered, the finding is a note.
",
    check: Check::Index(check_objects),
};

const VOLUME_MISSING: Rule = Rule {
    id: "volume-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `volumeMounts` entry names a volume of its pod, or a `volumeClaimTemplates` entry of its StatefulSet.

## Why it matters
The API server refuses the workload: `volumeMounts[0].name: Not found`.

## What it cannot see
Volumes that admission webhooks add.
",
    check: Check::Index(check_volumes),
};

const SELECTOR_MISMATCH: Rule = Rule {
    id: "selector-mismatch",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The selector of each Deployment, StatefulSet, DaemonSet and ReplicaSet matches its own pod template.

## Why it matters
The API server refuses the workload: `selector does not match template labels`.

## What it cannot see
Labels that admission webhooks add.
",
    check: Check::Index(check_selector),
};

const PROBE_PORT: Rule = Rule {
    id: "probe-port-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The port of each probe and lifecycle hook is a port of its container.

## Why it matters
A name that the container does not have fails the probe each time, and the container is restarted for ever. A number that is not \
among the declared ports is a note: the declaration is only information.

## What it cannot see
Which ports a program really opens.
",
    check: Check::Index(check_probes),
};

/// Returns the rule that reports a missing object of `kind`.
fn rule_of(kind: &str) -> &'static str {
    match kind {
        "ConfigMap" => CONFIG_MAP_MISSING.id,
        "Secret" => SECRET_MISSING.id,
        "ServiceAccount" => SERVICE_ACCOUNT_MISSING.id,
        _ => CLAIM_MISSING.id,
    }
}

/// Reports every object of the rule's kind that is referred to and does not exist.
fn check_objects(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for &Reference { from, kind, namespace, name, optional, .. } in index.references() {
        let wanted = name.as_str().unwrap_or("");
        let is_there = || index.find("", kind, namespace, wanted).is_some() || index.is_made(kind, namespace, wanted);
        if rule_of(kind) != rule.id || optional || wanted.is_empty() || is_there() {
            continue;
        }
        let near = nearest(wanted, index.names("", kind, namespace));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if kind == "Secret" => "add it, encrypted, or an object that makes it".to_owned(),
            None => format!("correct the name, or add the {kind}"),
        };
        let from = from.resource.object_ref();
        out.push(
            rule.report(format!("`{from}` needs {kind} `{namespace}/{wanted}`, which does not exist"))
                .label(name.span, format!("no {kind} has this name"))
                .help(help)
                .at_most(index.absence(namespace, near)),
        );
    }
}

/// Reports every key that a pod takes from an object of the repository that does not have it.
fn check_keys(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for &Reference { from, kind, namespace, name, key, optional } in index.references() {
        let (Some(key), false) = (key, optional) else { continue };
        let Some(object) = index.find("", kind, namespace, name.as_str().unwrap_or("")) else { continue };
        let wanted = key.as_str().unwrap_or("");
        let keys = object_keys(&object.node);
        let is_shared = object.node.at(&["metadata", "annotations", "kustomize.toolkit.fluxcd.io/ssa"]).is_some();
        // Nothing at all is filled in by somebody else: by a controller, or by hand.
        if keys.is_empty() || is_shared || keys.contains(&wanted) || ClusterIndex::is_opaque(&from, key) {
            continue;
        }
        let help = match nearest(wanted, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "correct the key, or add it".to_owned(),
        };
        let (from, object) = (from.resource.object_ref(), object.object_ref());
        out.push(
            rule.report(format!("`{from}` needs key `{wanted}` of `{object}`, which does not have it"))
                .label(key.span, "no key has this name")
                .help(help)
                .note("the pod does not start"),
        );
    }
}

/// Reports every mount of a volume that its pod does not have.
fn check_volumes(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        let Some(spec) = workload.pod_spec() else { continue };
        let name = |volume: &'_ Node| volume.get("name").and_then(Node::as_str).map(str::to_owned);
        let templates = workload.resource().node.get("spec").map(|spec| spec.items("volumeClaimTemplates"));
        let claims = templates.unwrap_or_default().iter().filter_map(|claim| name(claim.get("metadata")?));
        let volumes: Vec<String> = spec.items("volumes").iter().filter_map(name).chain(claims).collect();
        for container in workload.containers() {
            for mount in container.node.items("volumeMounts").iter().filter_map(|mount| mount.get("name")) {
                let wanted = mount.as_str().unwrap_or("");
                if wanted.is_empty() || volumes.iter().any(|volume| volume == wanted) {
                    continue;
                }
                let help = match nearest(wanted, volumes.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "add the volume, or remove the mount".to_owned(),
                };
                let (object, container) = (workload.resource().object_ref(), container.name());
                out.push(
                    rule.report(format!(
                        "container `{container}` of `{object}` mounts volume `{wanted}`, which the pod does not have"
                    ))
                    .label(mount.span, "no volume has this name")
                    .help(help)
                    .note("the API server refuses the object"),
                );
            }
        }
    }
}

/// Reports every workload whose selector does not match its own pods.
fn check_selector(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        let resource = workload.resource();
        let has_selector = matches!(resource.kind(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet");
        let Some(node) = resource.node.at(&["spec", "selector"]).filter(|_| has_selector) else { continue };
        let selector = LabelSelector::of_node(node);
        if selector.is_empty() || workload.is_selected(&selector) {
            continue;
        }
        let labels = workload.template.at(&["metadata", "labels"]).unwrap_or(workload.template);
        out.push(
            rule.report(format!("the selector of `{}` does not match its own pods", resource.object_ref()))
                .label(mismatch(node, workload).unwrap_or(node).span, "not among the labels of the pod template")
                .label(labels.span, "the labels of its pods")
                .help("give the pod template the labels of the selector")
                .note("the API server refuses the object: `selector does not match template labels`"),
        );
    }
}

/// Returns the first label of a selector that the pods do not have.
fn mismatch<'a>(selector: &'a Node, workload: &Workload<'_>) -> Option<&'a Node> {
    let value = |key: &str| workload.labels()?.get(key)?.as_str();
    let wanted = selector.get("matchLabels")?.as_map()?;
    wanted.iter().find(|entry| value(entry.key.text()) != entry.value.as_str()).map(|entry| &entry.value)
}

/// Returns the ports that the probes and hooks of a container ask.
fn asked_ports<'a>(container: &Container<'a>) -> Vec<(&'static str, &'a Node)> {
    const PLACES: &[(&str, &[&str])] = &[
        ("startup probe", &["startupProbe"]),
        ("liveness probe", &["livenessProbe"]),
        ("readiness probe", &["readinessProbe"]),
        ("hook after its start", &["lifecycle", "postStart"]),
        ("hook before its stop", &["lifecycle", "preStop"]),
    ];
    let mut found = Vec::new();
    for (what, path) in PLACES {
        let Some(probe) = container.node.at(path) else { continue };
        let ports = ["httpGet", "tcpSocket", "grpc"].into_iter().filter_map(|way| probe.at(&[way, "port"]));
        found.extend(ports.map(|port| (*what, port)));
    }
    found
}

/// Reports every probe of a port that its container does not have.
fn check_probes(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for workload in index.workloads() {
        for container in workload.containers() {
            let ports: Vec<_> = container.ports().collect();
            for (what, port) in asked_ports(&container) {
                let is_number = number(Some(port)).is_some();
                let is_known = ports.iter().any(|known| known.answers_to(port));
                if is_known || (is_number && ports.is_empty()) || ClusterIndex::is_opaque(&workload.object, port) {
                    continue;
                }
                let written = port.as_str().unwrap_or("");
                let near = nearest(written, ports.iter().filter_map(Port::name));
                let help = near.map_or_else(
                    || "name a port of the container".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let (object, name) = (workload.resource().object_ref(), container.name());
                let finding = rule
                    .report(format!("the {what} of container `{name}` of `{object}` asks port `{written}`, which the container does not have"))
                    .label(port.span, "no port of the container")
                    .help(help);
                out.push(if is_number { finding.at_most(Severity::Note) } else { finding });
            }
        }
    }
}
