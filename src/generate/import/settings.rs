//! What stands around the apps: the way in, certificates, secrets, alerts, limits, and the files beside the clusters.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::generate::import::{Parameters, Reader, set, text_at};
use crate::kustomize::Resource;
use crate::yaml::{Map, Node};

/// Label that says which whole an object is part of.
const PART_OF: &str = "app.kubernetes.io/part-of";
/// Label that says what pods of a namespace may do.
const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";

impl Reader<'_> {
    /// Reads what is left when clusters, services and apps are known.
    pub(super) fn settings(&mut self, parameters: &mut Parameters) {
        self.system(parameters);
        self.gateway(parameters);
        self.certificates(parameters);
        self.secrets(parameters);
        self.pull_secret(parameters);
        self.around_flux(parameters);
        self.limits(parameters);
        self.provider(parameters);
        self.storage(parameters);
        self.beside(parameters);
    }

    /// Reads the name of the whole: what most workloads say that they are part of.
    fn system(&mut self, parameters: &mut Parameters) {
        let kinds =
            [("apps", "Deployment"), ("batch", "CronJob"), ("apps", "StatefulSet"), ("postgresql.cnpg.io", "Cluster")];
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (group, kind) in kinds {
            for system in self.of_kind(group, kind).filter_map(|it| text_at(it, &["metadata", "labels", PART_OF])) {
                *counts.entry(system).or_default() += 1;
            }
        }
        match counts.into_iter().max_by_key(|(_, count)| *count) {
            Some((system, _)) => set(parameters, "system", system),
            None => self.leave(None, format!("no label `{PART_OF}` tells the name of the whole: system")),
        }
    }

    /// Reads what brings requests in, beyond what charts tell.
    fn gateway(&mut self, parameters: &mut Parameters) {
        let gateway = self.of_kind("gateway.networking.k8s.io", "Gateway").next();
        if gateway.is_some_and(|gateway| text_at(gateway, &["spec", "gatewayClassName"]) == Some("cilium")) {
            set(parameters, "gateway", "cilium");
        }
        let ingress = self.of_kind("networking.k8s.io", "Ingress").next();
        match (parameters.contains_key("gateway"), gateway.or(ingress)) {
            (true, _) => {}
            (false, None) => set(parameters, "gateway", "none"),
            (false, Some(unknown)) => {
                let what = format!("`{}`: nothing tells what answers to it: gateway", unknown.object_ref());
                self.leave(Some(unknown.name_span()), what);
            }
        }
        let domain = parameters.get("domain").and_then(Value::as_str);
        let dns = domain.map(|domain| if domain == "nip.io" { "nip.io" } else { "manual" });
        if let Some(dns) = dns.filter(|_| !parameters.contains_key("dns")) {
            set(parameters, "dns", dns);
        }
    }

    fn certificates(&self, parameters: &mut Parameters) {
        let Some(issuer) = self.of_kind("cert-manager.io", "ClusterIssuer").next() else { return };
        let acme = issuer.node.at(&["spec", "acme"]);
        set(parameters, "tls", if acme.is_some() { "letsencrypt" } else { "self-signed" });
        if let Some(email) = acme.and_then(|acme| acme.get("email")?.as_str()) {
            set(parameters, "email", email);
        }
    }

    /// Reads whom secrets are encrypted for.
    fn secrets(&self, parameters: &mut Parameters) {
        let rules = self.document(&Parameters::new(), ".sops.yaml");
        if rules.is_some() && !parameters.contains_key("secrets") {
            set(parameters, "secrets", "sops");
        }
        let mut rules = rules.iter().flat_map(|rules| rules.items("creation_rules"));
        let key = rules.find_map(|rule| rule.get("age")?.as_str());
        // Several recipients are joined by commas: there is one parameter for one.
        if let Some(key) = key.filter(|key| !key.contains(',')) {
            set(parameters, "ageRecipient", key);
        }
    }

    /// Reads what images are pulled with.
    fn pull_secret(&self, parameters: &mut Parameters) {
        let namespace = parameters.get("namespace").and_then(Value::as_str).unwrap_or("apps");
        let mut accounts = self.of_kind("", "ServiceAccount").filter(|account| account.namespace() == namespace);
        let secret = accounts.find_map(|it| it.node.items("imagePullSecrets").first()?.get("name")?.as_str());
        if let Some(secret) = secret {
            set(parameters, "pullSecret", secret);
        }
    }

    /// Reads where Flux reports to, and who calls it.
    fn around_flux(&self, parameters: &mut Parameters) {
        let types =
            |kind| self.of_kind("notification.toolkit.fluxcd.io", kind).filter_map(|it| text_at(it, &["spec", "type"]));
        if let Some(chat) = types("Provider").find(|kind| ["slack", "discord", "msteams"].contains(kind)) {
            set(parameters, "alerts", chat);
        }
        let mut hosts = types("Receiver").map(|kind| match kind {
            "github" | "gitlab" => kind,
            _ => "generic",
        });
        let host = hosts.next();
        set(parameters, "receiver", host.is_some());
        if let Some(host) = host {
            set(parameters, "gitProvider", host);
        }
    }

    /// Reads what the namespace of the apps may use and do.
    fn limits(&mut self, parameters: &mut Parameters) {
        let namespace = parameters.get("namespace").and_then(Value::as_str).unwrap_or("apps").to_owned();
        let has_quota = self.of_kind("", "ResourceQuota").any(|quota| quota.namespace() == namespace);
        set(parameters, "quotas", has_quota);
        let denies = self.of_kind("networking.k8s.io", "NetworkPolicy").any(|policy| {
            let selected = policy.node.at(&["spec", "podSelector"]).and_then(Node::as_map);
            policy.namespace() == namespace && selected.is_some_and(Map::is_empty)
        });
        set(parameters, "networkPolicies", denies);
        if !denies {
            self.leave(
                None,
                "without network policies nothing tells which apps reach the internet: apps.NAME.outbound",
            );
        }
        let own = self.of_kind("", "Namespace").find(|it| it.name() == namespace);
        match own.and_then(|own| text_at(own, &["metadata", "labels", POD_SECURITY])) {
            Some(level) => set(parameters, "podSecurity", level),
            None => self.leave(
                own.map(Resource::name_span),
                format!("no label `{POD_SECURITY}` of the namespace `{namespace}` tells its Pod Security Standard: podSecurity"),
            ),
        }
    }

    /// Reads who runs the clusters from what only one provider understands, where no table tells.
    fn provider(&mut self, parameters: &mut Parameters) {
        if parameters.contains_key("provider") {
            return;
        }
        let mut proxies = self.of_kind("gateway.envoyproxy.io", "EnvoyProxy");
        let is_digitalocean = parameters.get("terraform") == Some(&Value::Bool(true))
            || parameters.get("gateway").and_then(Value::as_str) == Some("cilium")
            || proxies.any(|proxy| {
                let keys = ["spec", "provider", "kubernetes", "envoyService", "annotations"];
                let annotations = proxy.node.at(&keys).and_then(Node::as_map).into_iter().flatten();
                annotations.into_iter().any(|entry| entry.key.text().starts_with("service.beta.kubernetes.io/do-"))
            });
        if is_digitalocean {
            set(parameters, "provider", "digitalocean");
        } else {
            self.leave(None, "nothing tells who runs the clusters: provider");
        }
    }

    /// Reads the class of the volumes that data services have.
    fn storage(&self, parameters: &mut Parameters) {
        let first = |group, kind| self.of_kind(group, kind).next();
        let claims = |claim: &Node| {
            claim.at(&["spec", "storageClassName"]).and_then(Node::as_str).unwrap_or_default().to_owned()
        };
        let of_kafka = first("kafka.strimzi.io", "KafkaNodePool").and_then(|pool| {
            let volume = pool.node.at(&["spec", "storage"])?.items("volumes").first()?;
            Some(volume.get("class").and_then(Node::as_str).unwrap_or_default().to_owned())
        });
        let of_postgres = first("postgresql.cnpg.io", "Cluster")
            .map(|it| text_at(it, &["spec", "storage", "storageClass"]).unwrap_or_default().to_owned());
        let of_set = first("apps", "StatefulSet")
            .and_then(|set| set.node.get("spec")?.items("volumeClaimTemplates").first().map(claims));
        let of_elasticsearch = first("elasticsearch.k8s.elastic.co", "Elasticsearch").and_then(|it| {
            it.node.get("spec")?.items("nodeSets").first()?.items("volumeClaimTemplates").first().map(claims)
        });
        let mut releases = self.of_kind("helm.toolkit.fluxcd.io", "HelmRelease");
        let of_chart = releases.find_map(|it| {
            let spec = ["spec", "values", "prometheus", "prometheusSpec", "storageSpec", "volumeClaimTemplate"];
            it.node.at(&spec).map(claims)
        });
        if let Some(class) = of_kafka.or(of_postgres).or(of_set).or(of_elasticsearch).or(of_chart) {
            set(parameters, "storageClass", class);
        }
    }

    /// Reads what lies beside the clusters' own files.
    fn beside(&self, parameters: &mut Parameters) {
        let has_scripts = self.file(parameters, "scripts/up.sh").is_some();
        set(parameters, "operations", has_scripts);
        let files = self.repo.files();
        let mut workflows = files.iter().filter(|(path, _)| path.parent().as_str() == ".github/workflows");
        let checks = |text: Option<&str>| text.is_some_and(|text| text.contains("gitops-gen"));
        let ci = if workflows.any(|(path, _)| checks(files.text(path))) {
            "github"
        } else if files.iter().any(|(path, _)| path.as_str() == ".gitlab-ci.yml" && checks(files.text(path))) {
            "gitlab"
        } else {
            "none"
        };
        set(parameters, "ci", ci);
    }
}
