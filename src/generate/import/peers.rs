//! Whom an app talks to: by its network policies and its rights in Kafka, else by what its variables name.

use serde_json::{Value, json};

use crate::generate::import::app::Found;
use crate::generate::import::{Parameters, Reader, number, set};
use crate::kube::LabelSelector;
use crate::yaml::Node;

/// Labels of the pods of data services, and the parameter that each stands for.
const SERVICES: [(&str, &str); 3] = [
    ("cnpg.io/cluster", "postgres"),
    ("app.kubernetes.io/instance", "valkey"),
    ("elasticsearch.k8s.elastic.co/cluster-name", "elasticsearch"),
];

/// What an app has to do with others.
#[derive(Debug, Default)]
pub(super) struct Peers {
    calls: Vec<String>,
    uses: Vec<&'static str>,
    outbound: bool,
}

impl Peers {
    /// Sets what there is.
    pub(super) fn describe(&self, app: &mut Parameters) {
        for (field, list) in [("calls", json!(self.calls)), ("uses", json!(self.uses))] {
            if list.as_array().is_some_and(|list| !list.is_empty()) {
                set(app, field, list);
            }
        }
        if self.outbound {
            set(app, "outbound", true);
        }
    }

    fn call(&mut self, name: &str) {
        if !self.calls.iter().any(|known| known == name) {
            self.calls.push(name.to_owned());
        }
    }

    fn use_service(&mut self, service: &'static str) {
        if !self.uses.contains(&service) {
            self.uses.push(service);
        }
    }

    /// Adds what one rule of a policy lets out.
    fn allow(&mut self, rule: &Node) {
        let mut ports = rule.items("ports").iter().filter_map(|port| number(port.get("port")?));
        let is_https = ports.any(|port| port == 443);
        for peer in rule.items("to") {
            let cidr = peer.at(&["ipBlock", "cidr"]).and_then(Node::as_str);
            self.outbound |= is_https && cidr == Some("0.0.0.0/0");
            if peer.get("namespaceSelector").is_some() {
                continue;
            }
            let label = |name: &str| peer.at(&["podSelector", "matchLabels", name])?.as_str();
            match SERVICES.iter().find(|(name, _)| label(name).is_some()) {
                Some((_, service)) => self.use_service(service),
                None => label("app.kubernetes.io/name").into_iter().for_each(|name| self.call(name)),
            }
        }
    }

    /// Adds what a variable names: an app or a data service of `namespace`.
    fn name(&mut self, variable: &Value, parameters: &Parameters, apps: &[String]) {
        let service_name = |service: &str| parameters.get(service)?.get("name")?.as_str();
        if let (Some(secret), Some(postgres)) = (variable["secret"].as_str(), service_name("postgres"))
            && secret == format!("{postgres}-app")
        {
            self.use_service("postgres");
        }
        let address = variable["value"].as_str().and_then(|value| value.split_once("://"));
        let Some((scheme, rest)) = address else { return };
        let host = rest.split(['/', ':', '.']).next().unwrap_or_default();
        let elasticsearch = service_name("elasticsearch").map(|name| format!("{name}-es-http"));
        if scheme == "redis" && service_name("valkey") == Some(host) {
            self.use_service("valkey");
        } else if elasticsearch.as_deref() == Some(host) {
            self.use_service("elasticsearch");
        } else if apps.iter().any(|app| app == host) {
            self.call(host);
        }
    }
}

impl Reader<'_> {
    /// Returns whom the pods of `app` talk to; `apps` are the names of all.
    pub(super) fn peers(&self, app: &Found<'_>, parameters: &Parameters, apps: &[String]) -> Peers {
        let mut peers = Peers::default();
        let policies = self.of_kind("networking.k8s.io", "NetworkPolicy");
        let mut own = policies.filter(|policy| {
            let selector =
                policy.node.at(&["spec", "podSelector"]).filter(|it| it.as_map().is_some_and(|it| !it.is_empty()));
            policy.namespace() == app.resource.namespace() && is_selected(app.labels(), selector)
        });
        let of_policy =
            own.find_map(|policy| policy.node.get("spec").map(|spec| spec.items("egress")).filter(|it| !it.is_empty()));
        for rule in of_policy.into_iter().flatten() {
            peers.allow(rule);
        }
        for variable in &app.variables() {
            peers.name(variable, parameters, apps);
        }
        peers
    }

    /// Sets which topics the app `name` writes and reads, by the rights that its user has in Kafka; returns whether there is one.
    pub(super) fn rights(&self, name: &str, app: &mut Parameters) -> bool {
        let Some(user) = self.of_kind("kafka.strimzi.io", "KafkaUser").find(|user| user.name() == name) else {
            return false;
        };
        let rights = user.node.at(&["spec", "authorization"]).map(|it| it.items("acls")).unwrap_or_default();
        let resource = |right: &Node, key: &str| right.at(&["resource", key]).and_then(Node::as_str).map(str::to_owned);
        let may = |right: &Node, operation: &str| {
            right.items("operations").iter().filter_map(Node::as_str).any(|it| it == operation)
        };
        let of = |kind: &str, operation: &str| -> Vec<String> {
            let rights =
                rights.iter().filter(|right| resource(right, "type").as_deref() == Some(kind) && may(right, operation));
            rights.filter_map(|right| resource(right, "name")).collect()
        };
        let (written, readable, groups) = (of("topic", "Write"), of("topic", "Read"), of("group", "Read"));
        // Who reads without a group reads what it wrote itself.
        let resumes = written.iter().any(|topic| readable.contains(topic))
            && (groups.is_empty() || written.iter().all(|topic| readable.contains(topic)));
        let read: Vec<&String> = readable.iter().filter(|topic| !(resumes && written.contains(*topic))).collect();
        for (field, list) in [("produces", json!(written)), ("consumes", json!(read))] {
            if list.as_array().is_some_and(|list| !list.is_empty()) {
                set(app, field, list);
            }
        }
        if resumes {
            set(app, "resumes", true);
        }
        if !of("transactionalId", "Write").is_empty() {
            set(app, "transactions", true);
        }
        if let Some(group) = groups.first().filter(|group| *group != name) {
            set(app, "group", group.as_str());
        }
        true
    }
}

/// Returns whether `selector` takes pods with `labels`.
pub(super) fn is_selected(labels: Option<&Node>, selector: Option<&Node>) -> bool {
    let Some(selector) = selector else { return false };
    LabelSelector::of_node(selector).matches(|key| labels?.get(key)?.as_str())
}
