//! Lines on who gets what: images, secrets, certificates, networks, accounts.

use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::checklist::{Answer, GIVEN, Look, NO_WORKLOAD, Place, Verdict, there};
use crate::rules::index::ClusterIndex;
use crate::yaml::Node;

/// What blueprints write where a secret has still to be written: `replace me`, where SOPS writes a ciphertext.
const PLACEHOLDER: &str = "data:cmVwbGFjZSBtZQ==,";

pub(super) fn images(look: &Look<'_, '_>) -> Answer {
    let mut done = Vec::new();
    let (mut by_digest, mut by_tag) = (0, 0);
    for (_, workload) in look.workloads() {
        for container in workload.containers() {
            let Some((node, image)) = container.node.get("image").and_then(|node| Some((node, node.as_str()?))) else {
                continue;
            };
            let what = there(node.span, format!("`{image}`"));
            if !done.contains(&what) {
                *(if image.contains('@') { &mut by_digest } else { &mut by_tag }) += 1;
                done.push(what);
            }
        }
    }
    let mut answer = Answer::of(done, look.found(&["image-tag-mutable"]), NO_WORKLOAD);
    if answer.verdict == Verdict::Done {
        answer.reason = format!("{by_digest} by digest, {by_tag} by tag");
    }
    answer
}

pub(super) fn secrets(look: &Look<'_, '_>) -> Answer {
    const WRONG: [&str; 6] = [
        "password-in-config",
        "secret-missing",
        "secret-plaintext",
        "sops-decryption-missing",
        "sops-incomplete",
        "sops-metadata-missing",
    ];
    const STORES: [(&str, &str); 3] = [
        ("external-secrets.io", "ExternalSecret"),
        ("bitnami.com", "SealedSecret"),
        ("secrets-store.csi.x-k8s.io", "SecretProviderClass"),
    ];
    let (mut done, mut missing) = (Vec::new(), look.found(&WRONG));
    for index in &look.clusters {
        for secret in index.of_kind("", "Secret").iter().map(|object| object.resource) {
            if secret.node.get("sops").is_none() {
                continue;
            }
            let what = secret.object_ref();
            if is_placeholder(secret) {
                missing.push(there(secret.name_span(), format!("`{what}` is a placeholder still")));
            } else {
                done.push(there(secret.name_span(), format!("`{what}` is encrypted")));
            }
        }
        for (group, kind) in STORES {
            let objects = index.of_kind(group, kind).iter().map(|object| object.resource);
            done.extend(
                objects.map(|it| there(it.name_span(), format!("`{}` takes it from a store", it.object_ref()))),
            );
        }
    }
    Answer::of(done, missing, "the repository holds no Secret: where programs get theirs cannot be told")
}

fn is_placeholder(secret: &Resource) -> bool {
    let values = ["data", "stringData"].into_iter().filter_map(|field| secret.node.get(field)?.as_map());
    values.flatten().any(|entry| entry.value.as_str().is_some_and(|text| text.contains(PLACEHOLDER)))
}

pub(super) fn tls(look: &Look<'_, '_>) -> Answer {
    let mut missing = look.found(&["acme-staging-in-production", "issuer-missing", "wildcard-with-http01"]);
    let mut done = Vec::new();
    for index in &look.clusters {
        for gateway in index.of_kind("gateway.networking.k8s.io", "Gateway").iter().map(|object| object.resource) {
            let listeners = gateway.node.get("spec").map(|spec| spec.items("listeners")).unwrap_or_default();
            let protocol = |listener: &Node| listener.get("protocol").and_then(Node::as_str).unwrap_or("").to_owned();
            let secure = listeners.iter().find(|listener| ["HTTPS", "TLS"].contains(&protocol(listener).as_str()));
            if let Some(listener) = secure {
                done.push(there(listener.span, format!("listener of `{}`", gateway.object_ref())));
            } else {
                let what = format!("`{}` has no listener with TLS", gateway.object_ref());
                missing.push(there(gateway.name_span(), what));
            }
        }
        for ingress in index.of_kind("networking.k8s.io", "Ingress").iter().map(|object| object.resource) {
            let list = ingress.node.at(&["spec", "tls"]);
            if let Some(tls) = list.filter(|tls| tls.as_sequence().is_some_and(|list| !list.is_empty())) {
                done.push(there(tls.span, format!("certificate of `{}`", ingress.object_ref())));
            } else {
                missing.push(there(ingress.name_span(), format!("`{}` has no `spec.tls`", ingress.object_ref())));
            }
        }
    }
    Answer::of(done, missing, "the repository shows no Gateway and no Ingress")
}

pub(super) fn network(look: &Look<'_, '_>) -> Answer {
    const CILIUM: [&str; 2] = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for (index, workload) in look.workloads() {
        let policies = index.of_kind("networking.k8s.io", "NetworkPolicy").iter().map(|object| object.resource);
        let mut policies = policies.filter(|policy| policy.namespace() == workload.namespace());
        let selects = |policy: &&Resource| {
            let selector = policy.node.at(&["spec", "podSelector"]).map(LabelSelector::of_node).unwrap_or_default();
            workload.is_selected(&selector)
        };
        let others = CILIUM.iter().flat_map(|kind| index.of_kind("cilium.io", kind)).map(|object| object.resource);
        let mut others = others.filter(|policy| [workload.namespace(), ""].contains(&policy.namespace()));
        if let Some(policy) = policies.find(selects).or_else(|| others.next()) {
            done.push(there(policy.name_span(), format!("`{}`", policy.object_ref())));
        } else {
            let what = format!("no policy selects the pods of `{}`", workload.resource().object_ref());
            missing.push(there(workload.resource().name_span(), what));
        }
    }
    Answer::of(done, missing, NO_WORKLOAD)
}

pub(super) fn accounts(look: &Look<'_, '_>) -> Answer {
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for index in &look.clusters {
        missing.extend(administrators(index));
    }
    for (_, workload) in look.workloads() {
        let account = workload.pod_spec().and_then(|spec| spec.get("serviceAccountName"));
        match account.and_then(|node| Some((node, node.as_str()?))) {
            Some((node, name)) if name != "default" => done.push(there(node.span, format!("account `{name}`"))),
            _ => {
                let what = format!("`{}` runs as the account `default`", workload.resource().object_ref());
                missing.push(there(workload.resource().name_span(), what));
            }
        }
    }
    Answer::of(done, missing, NO_WORKLOAD)
}

/// Returns the bindings that make a program of this repository administrator of the cluster.
fn administrators(index: &ClusterIndex<'_>) -> Vec<Place> {
    let bindings = index.of_kind("rbac.authorization.k8s.io", "ClusterRoleBinding").iter();
    let is_one = |binding: &&Resource| {
        let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or("").to_owned();
        let role = binding.node.at(&["roleRef", "name"]).and_then(Node::as_str);
        let is_ours = |subject: &Node| {
            text(subject, "kind") == "ServiceAccount" && !GIVEN.contains(&text(subject, "namespace").as_str())
        };
        role == Some("cluster-admin") && binding.node.items("subjects").iter().any(is_ours)
    };
    let bindings = bindings.map(|object| object.resource).filter(is_one);
    bindings.map(|it| there(it.name_span(), format!("`{}` makes an administrator", it.object_ref()))).collect()
}

pub(super) fn pod_security(look: &Look<'_, '_>) -> Answer {
    const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
    let refused = look.found(&["pod-security-refused", "strimzi-pods-refused"]);
    if !refused.is_empty() {
        return Answer::new(Verdict::Missing, "", refused);
    }
    look.in_each_namespace("Pod Security level", |index, namespace| {
        let label = index.find("", "Namespace", "", namespace)?.node.at(&["metadata", "labels", ENFORCE])?;
        label.as_str().is_some_and(|level| level != "privileged").then_some(label.span)
    })
}
