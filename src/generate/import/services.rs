//! Data services, and what charts stand for.

use serde_json::Value;

use crate::flux;
use crate::generate::import::images::Image;
use crate::generate::import::{Parameters, Reader, number, set, text_at};
use crate::kustomize::Resource;
use crate::yaml::Node;

/// Charts that a parameter stands for: name of the chart, parameter, value.
const CHARTS: &[(&str, &str, &str)] = &[
    ("gateway-helm", "gateway", "envoy"),
    ("ingress-nginx", "gateway", "ingress-nginx"),
    ("external-dns", "dns", "external-dns"),
    ("kube-prometheus-stack", "monitoring", "prometheus"),
    ("trivy-operator", "scanner", "trivy"),
    ("linkerd-control-plane", "mesh", "linkerd"),
    ("keda", "scaler", "keda"),
    ("external-secrets", "secrets", "external-secrets"),
];
/// Charts that come along with what other parameters ask for.
const ALONG: &[&str] = &[
    "cert-manager",
    "cloudnative-pg",
    "eck-operator",
    "flagger",
    "linkerd-crds",
    "linkerd-cni",
    "metrics-server",
    "plugin-barman-cloud",
    "strimzi-kafka-operator",
    "trust-manager",
    "valkey",
];

impl Reader<'_> {
    /// Reads what charts and the objects of operators stand for.
    pub(super) fn services(&mut self, parameters: &mut Parameters) {
        self.charts(parameters);
        self.kafka(parameters);
        self.postgres(parameters);
        self.valkey(parameters);
        self.elasticsearch(parameters);
    }

    /// Reads the parameters that charts stand for; the others are left out.
    fn charts(&mut self, parameters: &mut Parameters) {
        for release in self.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").collect::<Vec<_>>() {
            let chart = flux::chart_name(release, |group, kind, namespace, name| {
                self.of_kind(group, kind).find(|source| source.namespace() == namespace && source.name() == name)
            });
            let Some(name) = chart else {
                self.leave(Some(release.name_span()), format!("`{}`: nothing tells its chart", release.object_ref()));
                continue;
            };
            match CHARTS.iter().find(|(chart, _, _)| *chart == name) {
                Some((_, parameter, value)) => {
                    parameters.entry(*parameter).or_insert_with(|| Value::from(*value));
                }
                None if ALONG.contains(&name) => {}
                None => {
                    let what = format!("`{}`: no parameter stands for the chart `{name}`", release.object_ref());
                    self.leave(Some(release.name_span()), what);
                }
            }
        }
    }

    fn kafka(&mut self, parameters: &mut Parameters) {
        let Some(kafka) = self.of_kind("kafka.strimzi.io", "Kafka").next() else { return };
        let has_ui = self.of_kind("apps", "Deployment").any(|resource| resource.name().contains("kafka-ui"));
        let mut fields = Parameters::new();
        set(&mut fields, "enabled", true);
        set(&mut fields, "name", kafka.name());
        if kafka.namespace().is_empty() {
            self.leave(Some(kafka.name_span()), "nothing tells the namespace of Kafka: kafka.namespace");
        } else {
            set(&mut fields, "namespace", kafka.namespace());
        }
        set(&mut fields, "authentication", authentication(kafka));
        set(&mut fields, "ui", has_ui);
        let pool = self.of_kind("kafka.strimzi.io", "KafkaNodePool").find(|pool| {
            pool.node.at(&["spec", "roles"]).is_some_and(|roles| {
                roles.as_sequence().is_some_and(|roles| roles.iter().any(|role| role.as_str() == Some("broker")))
            })
        });
        let count = pool.and_then(|pool| pool.node.at(&["spec", "replicas"]));
        let count = count.or_else(|| kafka.node.at(&["spec", "kafka", "replicas"])).and_then(number);
        fields.extend(count.map(|count| ("brokers".to_owned(), Value::from(count))));
        let volume = pool.and_then(|pool| pool.node.at(&["spec", "storage"])?.items("volumes").first());
        let size = volume.and_then(|volume| volume.get("size")?.as_str());
        fields.extend(size.map(|size| ("size".to_owned(), Value::from(size))));
        set(parameters, "kafka", Value::Object(fields));
    }

    fn postgres(&mut self, parameters: &mut Parameters) {
        let Some(postgres) = self.of_kind("postgresql.cnpg.io", "Cluster").next() else { return };
        let mut fields = service(postgres);
        let instances = postgres.node.at(&["spec", "instances"]).and_then(number);
        fields.extend(instances.map(|count| ("instances".to_owned(), Value::from(count))));
        for (field, keys) in
            [("database", &["spec", "bootstrap", "initdb", "database"][..]), ("size", &["spec", "storage", "size"])]
        {
            fields.extend(text_at(postgres, keys).map(|text| (field.to_owned(), Value::from(text))));
        }
        if let Some(backups) = self.backups() {
            set(&mut fields, "backups", backups);
        }
        set(parameters, "postgres", Value::Object(fields));
    }

    /// Reads where backups of PostgreSQL go, when, and for how long; nothing where they go nowhere.
    fn backups(&mut self) -> Option<Value> {
        let store = self.of_kind("barmancloud.cnpg.io", "ObjectStore").next()?;
        let destination = text_at(store, &["spec", "configuration", "destinationPath"]).unwrap_or_default();
        let Some(path) = destination.strip_prefix("s3://") else {
            let what = format!("`{}`: backups go to `{destination}`, which is no bucket of S3", store.object_ref());
            self.leave(Some(store.name_span()), what);
            return None;
        };
        let mut fields = Parameters::new();
        set(&mut fields, "bucket", path.split('/').next().unwrap_or_default());
        let schedule = self.of_kind("postgresql.cnpg.io", "ScheduledBackup").next();
        let others = [
            ("endpoint", text_at(store, &["spec", "configuration", "endpointURL"])),
            ("retention", text_at(store, &["spec", "retentionPolicy"])),
            ("schedule", schedule.and_then(|schedule| text_at(schedule, &["spec", "schedule"]))),
        ];
        fields.extend(others.into_iter().filter_map(|(field, text)| Some((field.to_owned(), Value::from(text?)))));
        Some(Value::Object(fields))
    }

    fn valkey(&mut self, parameters: &mut Parameters) {
        let Some(valkey) = self.of_kind("apps", "StatefulSet").find(|it| is_valkey(it)) else { return };
        let mut fields = service(valkey);
        let claim = valkey.node.get("spec").and_then(|spec| spec.items("volumeClaimTemplates").first());
        fields.extend(claim.and_then(storage).map(|size| ("size".to_owned(), Value::from(size))));
        set(parameters, "valkey", Value::Object(fields));
    }

    fn elasticsearch(&mut self, parameters: &mut Parameters) {
        let Some(elasticsearch) = self.of_kind("elasticsearch.k8s.elastic.co", "Elasticsearch").next() else { return };
        let sets = elasticsearch.node.get("spec").map(|spec| spec.items("nodeSets")).unwrap_or_default();
        let nodes: i64 = sets.iter().filter_map(|set| set.get("count").and_then(number)).sum();
        let mut fields = service(elasticsearch);
        set(&mut fields, "nodes", nodes);
        let claim = sets.first().and_then(|set| set.items("volumeClaimTemplates").first());
        fields.extend(claim.and_then(storage).map(|size| ("size".to_owned(), Value::from(size))));
        set(parameters, "elasticsearch", Value::Object(fields));
    }
}

/// Returns whether `set` runs Valkey.
pub(super) fn is_valkey(set: &Resource) -> bool {
    let containers = set.node.at(&["spec", "template", "spec"]).map(|spec| spec.items("containers"));
    let images = containers.unwrap_or_default().iter().filter_map(|container| container.get("image")?.as_str());
    images.map(Image::of).any(|image| image.name.rsplit('/').next() == Some("valkey"))
}

/// Returns what a claim of a volume asks for.
fn storage(claim: &Node) -> Option<&str> {
    claim.at(&["spec", "resources", "requests", "storage"])?.as_str()
}

/// Returns how the clients of `kafka` say who they are, where the parameter knows it: by the first listener that asks.
fn authentication(kafka: &Resource) -> &'static str {
    let listeners = kafka.node.at(&["spec", "kafka"]).map(|kafka| kafka.items("listeners")).unwrap_or_default();
    let mut kinds = listeners.iter().filter_map(|listener| listener.at(&["authentication", "type"])?.as_str());
    let known = |kind: &str| ["scram-sha-512", "tls"].into_iter().find(|known| *known == kind);
    kinds.find_map(known).unwrap_or("none")
}

fn service(resource: &Resource) -> Parameters {
    let mut fields = Parameters::new();
    set(&mut fields, "enabled", true);
    set(&mut fields, "name", resource.name());
    fields
}
