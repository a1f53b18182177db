//! How new builds of an app reach production: at once, by a canary track beside it, or by Flagger.

use crate::generate::import::{Parameters, Reader, number, set, text_at};
use crate::kustomize::Resource;
use crate::yaml::Node;

/// What a canary track is called after its app.
const SUFFIX: &str = "-canary";
/// Annotation of a canary that shares partitions: its part of them in per cent.
const WEIGHT: &str = "gitops-gen.dev/canary-weight";

/// Returns the app that a Deployment called `name` is a track of, if it is one.
pub(super) fn app_of(name: &str) -> &str {
    name.strip_suffix(SUFFIX).unwrap_or(name)
}

impl<'a> Reader<'a> {
    /// Returns whether `resource` is the canary track of another Deployment.
    pub(super) fn is_canary(&self, resource: &Resource) -> bool {
        let base = resource.name().strip_suffix(SUFFIX);
        base.is_some_and(|base| self.deployment(base, resource.namespace()).is_some())
    }

    fn deployment(&self, name: &str, namespace: &str) -> Option<&'a Resource> {
        self.of_kind("apps", "Deployment").find(|it| it.name() == name && it.namespace() == namespace)
    }

    /// Sets how new builds of `resource` reach production.
    pub(super) fn rollout(&self, resource: &Resource, app: &mut Parameters) {
        let is_own = |canary: &&Resource| {
            text_at(canary, &["spec", "targetRef", "name"]) == Some(resource.name())
                && canary.namespace() == resource.namespace()
        };
        if let Some(canary) = self.of_kind("flagger.app", "Canary").find(is_own) {
            set(app, "rollout", "flagger");
            let weight = canary.node.at(&["spec", "analysis", "maxWeight"]).and_then(number);
            app.extend(weight.map(|weight| ("canaryWeight".to_owned(), weight.into())));
            return;
        }
        let Some(canary) = self.deployment(&format!("{}{SUFFIX}", resource.name()), resource.namespace()) else {
            return;
        };
        set(app, "rollout", "two-track");
        let said = canary.node.at(&["metadata", "annotations", WEIGHT]).and_then(number);
        if let Some(weight) = said.or_else(|| self.weight(canary)) {
            set(app, "canaryWeight", weight);
        }
        // A canary that shares partitions takes its replicas from the primary.
        if said.is_some() {
            let replicas = |it: &Resource| it.node.at(&["spec", "replicas"]).and_then(number);
            if let (Some(primary), Some(canary)) = (replicas(resource), replicas(canary)) {
                set(app, "replicas", primary + canary);
            }
        }
    }

    /// Returns the part of the requests that go to `canary`, in per cent.
    fn weight(&self, canary: &Resource) -> Option<i64> {
        let routes = self.of_kind("gateway.networking.k8s.io", "HTTPRoute").filter_map(|route| route.node.get("spec"));
        let rules = routes.flat_map(|spec| spec.items("rules"));
        let mut backends = rules.flat_map(|rule| rule.items("backendRefs"));
        let own = backends.find(|it| it.get("name").and_then(Node::as_str) == Some(canary.name()))?;
        own.get("weight").and_then(number)
    }
}
