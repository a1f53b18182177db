//! Rules on certificates: who issues them, and what can be proven to whom.
//!
//! Source: cert-manager 1.21, "Annotated Gateway resource" and "HTTP01".

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::Resource;
use crate::rules::gateway::model::{GROUP, listeners};
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[ISSUER_MISSING, WILDCARD_HTTP01];

const ISSUER_MISSING: Rule = Rule {
    id: "issuer-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The Issuer or ClusterIssuer that a Certificate, Gateway or Ingress names exists.

## Why it matters
cert-manager waits for it: the certificate is never issued, and HTTPS does not work.

## What it cannot see
Issuers that charts or people make: where a cluster with HelmReleases has no issuer at all the finding is a note.
",
    check: Check::Index(check_issuers),
};

const WILDCARD_HTTP01: Rule = Rule {
    id: "wildcard-with-http01",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No certificate for a wildcard (`*.example.com`) is asked of an ACME issuer that has solvers for HTTP-01 only.

## Why it matters
ACME proves wildcards by DNS-01 alone: the order fails, and the certificate is never issued.

## What it cannot see
Issuers outside this repository.
",
    check: Check::Index(check_wildcards),
};

/// Annotations that ask cert-manager for certificates, with the kind of issuer that each names.
const ANNOTATIONS: [(&str, &str); 2] =
    [("cert-manager.io/cluster-issuer", "ClusterIssuer"), ("cert-manager.io/issuer", "Issuer")];
/// Group of cert-manager's kinds.
const CERT_MANAGER: &str = "cert-manager.io";

/// A wish for a certificate, and of whom.
struct Order<'a> {
    /// Who wishes.
    resource: &'a Resource,
    /// `ClusterIssuer` or `Issuer`.
    kind: &'a str,
    /// Name of the issuer.
    issuer: &'a Node,
    /// The hosts.
    hosts: Vec<&'a Node>,
}

fn orders<'a>(index: &ClusterIndex<'a>) -> Vec<Order<'a>> {
    let mut found = Vec::new();
    for resource in objects(index, CERT_MANAGER, "Certificate") {
        let Some(reference) = resource.node.at(&["spec", "issuerRef"]) else { continue };
        let field = |key| reference.get(key).and_then(Node::as_str);
        let Some(issuer) = reference.get("name").filter(|_| field("group").is_none_or(|group| group == CERT_MANAGER))
        else {
            continue;
        };
        let spec = resource.node.get("spec");
        let hosts = spec
            .map(|spec| spec.items("dnsNames"))
            .unwrap_or_default()
            .iter()
            .chain(resource.node.at(&["spec", "commonName"]));
        found.push(Order { resource, kind: field("kind").unwrap_or("Issuer"), issuer, hosts: hosts.collect() });
    }
    for resource in objects(index, GROUP, "Gateway") {
        let hosts = listeners(resource).filter(|listener| listener.node.get("tls").is_some());
        let hosts: Vec<&Node> = hosts.filter_map(|listener| listener.node.get("hostname")).collect();
        found.extend(annotated(resource, hosts));
    }
    for resource in objects(index, "networking.k8s.io", "Ingress") {
        let tls = resource.node.get("spec").map(|spec| spec.items("tls")).unwrap_or_default();
        let hosts: Vec<&Node> = tls.iter().flat_map(|entry| entry.items("hosts")).collect();
        found.extend(annotated(resource, hosts));
    }
    found
}

fn annotated<'a>(resource: &'a Resource, hosts: Vec<&'a Node>) -> Option<Order<'a>> {
    let annotation = |(key, kind)| Some((resource.node.at(&["metadata", "annotations", key])?, kind));
    let (issuer, kind) = ANNOTATIONS.into_iter().find_map(annotation)?;
    Some(Order { resource, kind, issuer, hosts })
}

fn objects<'a>(index: &ClusterIndex<'a>, group: &str, kind: &str) -> Vec<&'a Resource> {
    index.of_kind(group, kind).iter().map(|object| object.resource).collect()
}

impl<'a> Order<'a> {
    fn namespace(&self) -> &'a str {
        if self.kind == "ClusterIssuer" { "" } else { self.resource.namespace() }
    }

    fn find(&self, index: &ClusterIndex<'a>) -> Option<&'a Resource> {
        index.find(CERT_MANAGER, self.kind, self.namespace(), self.issuer.as_str()?)
    }
}

/// Reports every wish for a certificate of an issuer that does not exist.
fn check_issuers(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let has_releases = !index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").is_empty();
    let has_issuers = ["ClusterIssuer", "Issuer"].iter().any(|kind| !index.of_kind(CERT_MANAGER, kind).is_empty());
    for order in orders(index) {
        let Some(name) = order.issuer.as_str().filter(|name| !name.contains("${")) else { continue };
        if order.find(index).is_some() || !matches!(order.kind, "ClusterIssuer" | "Issuer") {
            continue;
        }
        let near = nearest(name, index.names(CERT_MANAGER, order.kind, order.namespace()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("correct the name, or add the {}", order.kind),
        };
        let worst = if has_releases && !has_issuers { Severity::Note } else { index.absence_anywhere(near) };
        out.push(
            rule.report(format!(
                "`{}` wants a certificate of {} `{name}`, which does not exist",
                order.resource.object_ref(),
                order.kind
            ))
            .label(order.issuer.span, format!("no {} has this name", order.kind))
            .help(help)
            .note("cert-manager waits for it: the certificate is never issued")
            .at_most(worst),
        );
    }
}

/// Reports every wildcard that is asked of an issuer which can only prove single hosts.
fn check_wildcards(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for order in orders(index) {
        let Some(issuer) = order.find(index) else { continue };
        let Some(acme) = issuer.node.at(&["spec", "acme"]) else { continue };
        let solvers = acme.items("solvers");
        if solvers.is_empty() || solvers.iter().any(|solver| solver.get("dns01").is_some()) {
            continue;
        }
        for host in order.hosts.iter().filter(|host| host.as_str().is_some_and(|host| host.starts_with("*."))) {
            let message = format!(
                "`{}` wants a certificate for `{}` of `{}`, which proves hosts by HTTP-01 only",
                order.resource.object_ref(),
                host.as_str().unwrap_or(""),
                issuer.object_ref()
            );
            let solver = solvers[0]
                .as_map()
                .and_then(|map| map.entry("http01"))
                .map_or(solvers[0].span, |entry| entry.key.span());
            out.push(
                rule.report(message)
                    .label(host.span, "a wildcard")
                    .label(solver, "proves single hosts")
                    .help("name each host, or give the issuer a solver for DNS-01")
                    .note("the order fails, and the certificate is never issued"),
            );
        }
    }
}
