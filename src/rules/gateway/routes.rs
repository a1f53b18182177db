//! Rules on routes and the Gateways that they attach to.
//!
//! Source: Gateway API v1: a route that no listener accepts has `Accepted: False` and serves nothing.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::Object;
use crate::kustomize::Resource;
use crate::rules::gateway::model::{GROUP, Listener, ParentRef, intersects, listeners, parents};
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[PARENT_MISSING, NAMESPACE_REFUSED, HOSTNAME_UNMATCHED, CLASS_MISSING];

const PARENT_MISSING: Rule = Rule {
    id: "route-parent-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The Gateway that a route attaches to exists, and has the listener that `sectionName` or `port` names.

## Why it matters
The route stays `Accepted: False` (`NoMatchingParent`) and serves nothing.

## What it cannot see
Gateways that charts or people make: where something of the cluster could not be rendered the finding is a note. Parents of \
other kinds are passed over.
",
    check: Check::Index(check_parents),
};

const NAMESPACE_REFUSED: Rule = Rule {
    id: "route-namespace-refused",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Some listener that a route attaches to allows routes of its namespace (`allowedRoutes.namespaces`; without it only those of the \
Gateway's own).

## Why it matters
The route stays `Accepted: False` (`NotAllowedByListeners`) and serves nothing.

## What it cannot see
Labels of namespaces that are not in this repository.
",
    check: Check::Index(check_namespaces),
};

const HOSTNAME_UNMATCHED: Rule = Rule {
    id: "route-hostname-unmatched",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each hostname of a route is one that some listener it attaches to serves.

## Why it matters
Requests for the hostname never reach the route. Where none of its hostnames is served the route stays `Accepted: False` \
(`NoMatchingListenerHostname`); where some are, the others are a warning.

## What it cannot see
Hostnames that contain a variable without a known value.
",
    check: Check::Index(check_hostnames),
};

const CLASS_MISSING: Rule = Rule {
    id: "gateway-class-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.gatewayClassName` of each Gateway names a GatewayClass of the cluster.

## Why it matters
No controller feels responsible: the Gateway gets no address, and its routes serve nothing.

## What it cannot see
Classes that charts and platforms bring along: where the cluster has HelmReleases and no near name the finding is a note, and \
names that platforms and charts are known to bring (`cilium`, `istio`, `nginx`, `traefik`, `gke-…`, …) are passed over.
",
    check: Check::Index(check_classes),
};

/// Classes that a platform or the chart of a controller makes.
const BROUGHT_ALONG: [&str; 10] = [
    "cilium",
    "istio",
    "istio-remote",
    "istio-waypoint",
    "nginx",
    "traefik",
    "kong",
    "haproxy",
    "azure-alb-external",
    "aws-alb",
];

/// Reports every reference to a Gateway or listener that does not exist.
fn check_parents(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for parent in parents(index) {
        let Some((name, name_node)) = parent.name() else { continue };
        let route = parent.route.object_ref();
        let Some(gateway) = parent.gateway(index) else {
            let known: Vec<&Resource> = index.of_kind(GROUP, "Gateway").iter().map(|object| object.resource).collect();
            let near = nearest(name, known.iter().map(|gateway| gateway.name()));
            let namesake = known.iter().find(|gateway| gateway.name() == name);
            let help = match (namesake, near) {
                (Some(gateway), _) => format!("add `namespace: {}`", gateway.namespace()),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => "correct the name, or add the Gateway".to_owned(),
            };
            let worst = index.absence(parent.namespace(), near.or(namesake.map(|gateway| gateway.name())));
            let message =
                format!("`{route}` attaches to Gateway `{}/{name}`, which does not exist", parent.namespace());
            out.push(rule.report(message).label(name_node.span, "no Gateway has this name").help(help).at_most(worst));
            continue;
        };
        let Some(section) = parent.section().filter(|_| !listeners(gateway).any(|listener| parent.means(listener)))
        else {
            continue;
        };
        let wanted = section.as_str().unwrap_or("");
        let known: Vec<&str> = listeners(gateway).filter_map(|listener| listener.text("name")).collect();
        let help = match nearest(wanted, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("name one of its listeners: `{}`", known.join("`, `")),
        };
        let message =
            format!("`{route}` attaches to listener `{wanted}`, which `{}` does not have", gateway.object_ref());
        out.push(rule.report(message).label(section.span, "no listener answers to it").help(help));
    }
}

/// Returns the listeners that `parent` means, with the Gateway.
fn meant<'a>(index: &ClusterIndex<'a>, parent: ParentRef<'a>) -> Vec<Listener<'a>> {
    let gateway = parent.gateway(index);
    gateway.into_iter().flat_map(listeners).filter(|listener| parent.means(*listener)).collect()
}

/// Reports every route that no listener takes from its namespace.
fn check_namespaces(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for parent in parents(index) {
        let meant = meant(index, parent);
        let namespace = parent.route.namespace();
        let is_refused = meant.iter().all(|listener| listener.allows(index, namespace) == Some(false));
        let (Some(listener), Some((_, name)), true) = (meant.first(), parent.name(), is_refused) else { continue };
        let place = listener.node.at(&["allowedRoutes", "namespaces", "from"]).or_else(|| listener.node.get("name"));
        let place = place.unwrap_or(listener.node).span;
        let gateway = listener.gateway.object_ref();
        out.push(
            rule.report(format!(
                "`{}` attaches to `{gateway}`, which takes no routes of `{namespace}`",
                parent.route.object_ref()
            ))
            .label(name.span, "refuses the route")
            .label(place, allowed(listener))
            .help("let the listener's `allowedRoutes.namespaces` take the namespace, or move the route"),
        );
    }
}

fn allowed(listener: &Listener<'_>) -> &'static str {
    match listener.node.at(&["allowedRoutes", "namespaces", "from"]).and_then(Node::as_str) {
        Some("Selector") => "takes routes of namespaces with certain labels",
        Some("None") => "takes no routes",
        _ => "takes routes of its own namespace only",
    }
}

/// Reports every hostname of a route that no listener serves.
fn check_hostnames(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute"] {
        for object in index.of_kind(GROUP, kind) {
            let hostnames = object.resource.node.get("spec").map(|spec| spec.items("hostnames")).unwrap_or_default();
            let Some(served) = served(index, object.resource) else { continue };
            let is_unserved = |node: &&Node| {
                let is_known = node.as_str().is_some() && !ClusterIndex::is_opaque(object, node);
                is_known && !served.iter().any(|host| intersects(host, node.as_str().unwrap_or("")))
            };
            let unserved: Vec<&Node> = hostnames.iter().filter(is_unserved).collect();
            let worst = if unserved.len() == hostnames.len() { Severity::Error } else { Severity::Warning };
            for node in unserved {
                let hostname = node.as_str().unwrap_or("");
                let message = format!(
                    "`{}` is for `{hostname}`, which no listener it attaches to serves",
                    object.resource.object_ref()
                );
                out.push(
                    rule.report(message)
                        .label(node.span, format!("the listeners serve `{}`", served.join("`, `")))
                        .help("correct the hostname, or that of the listener")
                        .at_most(worst),
                );
            }
        }
    }
}

/// Returns the hostnames of the listeners that `route` attaches to; nothing where one takes every host, or is not known.
fn served<'a>(index: &ClusterIndex<'a>, route: &'a Resource) -> Option<Vec<&'a str>> {
    let parents: Vec<ParentRef<'a>> =
        parents(index).into_iter().filter(|parent| std::ptr::eq(parent.route, route)).collect();
    let references = route.node.get("spec").map(|spec| spec.items("parentRefs").len()).unwrap_or_default();
    if parents.is_empty() || parents.len() < references {
        return None;
    }
    let mut served = Vec::new();
    for parent in parents {
        let gateway: Object<'a> = *index
            .of_kind(GROUP, "Gateway")
            .iter()
            .find(|object| parent.gateway(index).is_some_and(|gateway| std::ptr::eq(gateway, object.resource)))?;
        for listener in meant(index, parent) {
            let hostname = listener.hostname()?;
            if listener.node.get("hostname").is_some_and(|node| ClusterIndex::is_opaque(&gateway, node)) {
                return None;
            }
            served.push(hostname);
        }
    }
    (!served.is_empty()).then_some(served)
}

/// Reports every Gateway whose class does not exist.
fn check_classes(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let has_releases = !index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").is_empty();
    let known: Vec<&str> = index.names(GROUP, "GatewayClass", "").collect();
    for gateway in index.of_kind(GROUP, "Gateway").iter().map(|object| object.resource) {
        let Some(node) = gateway.node.at(&["spec", "gatewayClassName"]) else { continue };
        let Some(name) = node.as_str().filter(|name| !known.contains(name) && !is_brought_along(name)) else {
            continue;
        };
        let near = nearest(name, known.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a GatewayClass `{name}`"),
        };
        let worst = if has_releases && near.is_none() { Severity::Note } else { index.absence_anywhere(near) };
        out.push(
            rule.report(format!("`{}` is of the class `{name}`, which does not exist", gateway.object_ref()))
                .label(node.span, "no GatewayClass has this name")
                .help(help)
                .note("no controller serves the Gateway")
                .at_most(worst),
        );
    }
}

fn is_brought_along(class: &str) -> bool {
    class.starts_with("gke-") || class.contains("${") || BROUGHT_ALONG.contains(&class)
}
