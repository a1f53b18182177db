//! Gateways, their listeners, and the references of routes to them.
//!
//! Source: Gateway API v1, `ParentReference`, `Listener` and `AllowedRoutes`.

use crate::kube::LabelSelector;
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::yaml::Node;

/// Group of the Gateway API.
pub(super) const GROUP: &str = "gateway.networking.k8s.io";

/// A reference of a route to a Gateway.
#[derive(Clone, Copy)]
pub(super) struct ParentRef<'a> {
    /// The route.
    pub(super) route: &'a Resource,
    /// The entry of `spec.parentRefs`.
    node: &'a Node,
}

/// One listener of a Gateway.
#[derive(Clone, Copy)]
pub(super) struct Listener<'a> {
    /// The Gateway.
    pub(super) gateway: &'a Resource,
    /// The entry of `spec.listeners`.
    pub(super) node: &'a Node,
}

/// Returns the references of every HTTPRoute, GRPCRoute and TLSRoute to a Gateway.
pub(super) fn parents<'a>(index: &ClusterIndex<'a>) -> Vec<ParentRef<'a>> {
    let mut found = Vec::new();
    for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute"] {
        for route in index.of_kind(GROUP, kind).iter().map(|object| object.resource) {
            let references = route.node.get("spec").map(|spec| spec.items("parentRefs")).unwrap_or_default();
            found.extend(references.iter().map(|node| ParentRef { route, node }).filter(ParentRef::is_to_gateway));
        }
    }
    found
}

/// Returns the listeners of `gateway`.
pub(super) fn listeners(gateway: &Resource) -> impl Iterator<Item = Listener<'_>> {
    let list = gateway.node.get("spec").map(|spec| spec.items("listeners")).unwrap_or_default();
    list.iter().map(move |node| Listener { gateway, node })
}

impl<'a> ParentRef<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(Node::as_str)
    }

    fn is_to_gateway(&self) -> bool {
        self.text("kind").is_none_or(|kind| kind == "Gateway") && self.text("group").is_none_or(|group| group == GROUP)
    }

    /// Returns the name with its place.
    pub(super) fn name(&self) -> Option<(&'a str, &'a Node)> {
        let node = self.node.get("name")?;
        Some((node.as_str()?, node))
    }

    /// Returns the namespace of the Gateway.
    pub(super) fn namespace(&self) -> &'a str {
        self.text("namespace").unwrap_or_else(|| self.route.namespace())
    }

    /// Returns the Gateway, where the repository has it.
    pub(super) fn gateway(&self, index: &ClusterIndex<'a>) -> Option<&'a Resource> {
        index.find(GROUP, "Gateway", self.namespace(), self.name()?.0)
    }

    /// Returns what chooses among the listeners: `sectionName`, else `port`.
    pub(super) fn section(&self) -> Option<&'a Node> {
        let field = |key| self.node.get(key).filter(|node: &&Node| !node.is_null());
        field("sectionName").or_else(|| field("port"))
    }

    /// Returns whether it means `listener`, as far as section and port say.
    pub(super) fn means(&self, listener: Listener<'_>) -> bool {
        let same = |own: &str, its: &str| self.text(own).is_none_or(|wanted| listener.text(its) == Some(wanted));
        same("sectionName", "name") && same("port", "port")
    }
}

impl<'a> Listener<'a> {
    /// Returns the text of a field.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(Node::as_str)
    }

    /// Returns the hostname that it is limited to.
    pub(super) fn hostname(&self) -> Option<&'a str> {
        self.text("hostname").filter(|hostname| !hostname.is_empty())
    }

    /// Returns whether routes of `namespace` may attach to it; nothing where the labels of that namespace are not known.
    pub(super) fn allows(&self, index: &ClusterIndex<'_>, namespace: &str) -> Option<bool> {
        let namespaces = self.node.at(&["allowedRoutes", "namespaces"]);
        match namespaces.and_then(|field| field.get("from")).and_then(Node::as_str).unwrap_or("Same") {
            "All" => Some(true),
            "Same" => Some(namespace == self.gateway.namespace()),
            "None" => Some(false),
            "Selector" => {
                let selector = LabelSelector::of_node(namespaces?.get("selector")?);
                let labels = index.find("", "Namespace", "", namespace)?.node.at(&["metadata", "labels"]);
                Some(selector.matches(|key| match key {
                    "kubernetes.io/metadata.name" => Some(namespace),
                    _ => labels?.get(key)?.as_str(),
                }))
            }
            _ => None,
        }
    }
}

/// Returns whether some host is matched by both hostnames; `*.` stands for one label or more.
pub(super) fn intersects(left: &str, right: &str) -> bool {
    let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    match (left.strip_prefix('*'), right.strip_prefix('*')) {
        (None, None) => left == right,
        (Some(suffix), None) => right.ends_with(suffix) && right.len() > suffix.len(),
        (None, Some(suffix)) => left.ends_with(suffix) && left.len() > suffix.len(),
        (Some(left), Some(right)) => left.ends_with(right) || right.ends_with(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label_or_more() {
        assert!(intersects("*.example.com", "shop.example.com"));
        assert!(intersects("a.b.example.com", "*.example.com"));
        assert!(intersects("*.b.example.com", "*.example.com"));
        assert!(intersects("Shop.example.com", "shop.example.com"));
        assert!(!intersects("*.example.com", "example.com"));
        assert!(!intersects("shop.example.com", "example.com"));
        assert!(!intersects("*.example.com", "*.example.org"));
    }
}
