//! The parameters of a fleet that the graph reads, after the schema has checked them and filled in what is not set.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::generate::graph::tags::TagScheme;

/// The parameters; there are more, which only templates read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fleet {
    pub(super) organisation: String,
    pub(super) path: String,
    pub(super) registry: String,
    pub(super) domain: String,
    pub(super) provider: Provider,
    pub(super) storage_class: String,
    pub(super) branches: BTreeMap<Environment, String>,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) image_automation_cluster: String,
    pub(super) tag_scheme: TagScheme,
    pub(super) release_tag: String,
    pub(super) build_tag: String,
    pub(super) gateway: String,
    pub(super) scaler: String,
    pub(super) mesh: String,
    pub(super) monitoring: String,
    pub(super) secrets: String,
    pub(super) namespace: String,
    pub(super) kafka: Kafka,
    pub(super) postgres: Service,
    pub(super) valkey: Service,
    pub(super) elasticsearch: Service,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) apps: BTreeMap<String, App>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Environment {
    Production,
    Staging,
    Local,
}

impl fmt::Display for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Local => "local",
        })
    }
}

/// Where a cluster runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Provider {
    Digitalocean,
    Kind,
    Generic,
    Eks,
    Gke,
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Digitalocean => "digitalocean",
            Self::Kind => "kind",
            Self::Generic => "generic",
            Self::Eks => "eks",
            Self::Gke => "gke",
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    pub(super) environment: Environment,
    pub(super) address: String,
    pub(super) branch: Option<String>,
    pub(super) domain: Option<String>,
    provider: Option<Provider>,
    storage_class: Option<String>,
}

impl Cluster {
    pub(super) fn is_local(&self) -> bool {
        self.environment == Environment::Local
    }

    /// Returns where the cluster runs: as it says, else in kind where it is local, else where the fleet does.
    pub(super) fn provider(&self, fleet: &Fleet) -> Provider {
        self.provider.unwrap_or(if self.is_local() { Provider::Kind } else { fleet.provider })
    }

    /// Returns the StorageClass of its volumes, the default of the cluster where it is empty: as the cluster says, else that of
    /// the fleet where the cluster runs where the fleet does.
    pub(super) fn storage_class<'a>(&'a self, fleet: &'a Fleet) -> &'a str {
        // Every cluster of kind brings this one along.
        const OF_KIND: &str = "standard";
        match (&self.storage_class, self.provider(fleet)) {
            (Some(class), _) => class,
            (None, provider) if provider == fleet.provider => &fleet.storage_class,
            (None, Provider::Kind) => OF_KIND,
            (None, _) => "",
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Kafka {
    pub(super) enabled: bool,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) authentication: Authentication,
    pub(super) ui: bool,
    pub(super) brokers: u64,
}

/// How clients of Kafka say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Authentication {
    None,
    #[serde(rename = "scram-sha-512")]
    Scram,
    Tls,
}

/// A data service beside the apps.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    pub(super) enabled: bool,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Topic {
    pub(super) partitions: u64,
    pub(super) external: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct App {
    pub(super) kind: Kind,
    pub(super) image: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) replicas: u64,
    pub(super) hpa: Option<Hpa>,
    pub(super) pdb: Option<bool>,
    pub(super) env: BTreeMap<String, Variable>,
    pub(super) local_env: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) produces: Vec<String>,
    pub(super) consumes: Vec<String>,
    pub(super) group: Option<String>,
    pub(super) transactions: bool,
    pub(super) resumes: bool,
    pub(super) calls: Vec<String>,
    pub(super) uses: Vec<DataService>,
    pub(super) host: Option<String>,
    pub(super) path: String,
    pub(super) health: Option<Health>,
    pub(super) metrics: Option<String>,
    pub(super) schedule: Option<String>,
    pub(super) rollout: Rollout,
    pub(super) canary_weight: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Http,
    Worker,
    Cron,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rollout {
    Rolling,
    TwoTrack,
    Flagger,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DataService {
    Postgres,
    Valkey,
    Elasticsearch,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hpa {
    pub(super) min: u64,
    pub(super) max: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    pub(super) path: String,
    pub(super) ready_path: Option<String>,
    pub(super) port: Option<u16>,
}

/// The value of an environment variable: a text, or what another part of the fleet says.
#[derive(Debug, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(super) enum Variable {
    Text(String),
    Topic(String),
    App(String),
    From(From),
}

/// What a variable may say of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum From {
    Kafka,
    KafkaProtocol,
    KafkaMechanism,
    KafkaUser,
    KafkaPassword,
    KafkaPasswordFile,
    KafkaCaFile,
    KafkaCertificateFile,
    KafkaKeyFile,
    Group,
    Postgres,
    Valkey,
    Elasticsearch,
    ElasticsearchUser,
    ElasticsearchPassword,
    ElasticsearchCa,
}

impl TryFrom<serde_json::Value> for Variable {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        if let serde_json::Value::String(text) = value {
            return Ok(Self::Text(text));
        }
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        if let Some(topic) = text("topic") {
            return Ok(Self::Topic(topic));
        }
        if let Some(app) = text("app") {
            return Ok(Self::App(app));
        }
        let from = value.get("from").cloned().ok_or("it is neither a text nor a reference")?;
        serde_json::from_value(from).map(Self::From).map_err(|error| error.to_string())
    }
}

impl Fleet {
    /// Returns whether `service` is there.
    pub(super) fn service(&self, service: DataService) -> &Service {
        match service {
            DataService::Postgres => &self.postgres,
            DataService::Valkey => &self.valkey,
            DataService::Elasticsearch => &self.elasticsearch,
        }
    }

    /// Returns whether something in the clusters has volumes.
    pub(super) fn has_volumes(&self) -> bool {
        let services = [&self.postgres, &self.valkey, &self.elasticsearch];
        self.kafka.enabled || self.monitoring != "none" || services.iter().any(|service| service.enabled)
    }

    /// Returns the tag that images of production start with.
    pub(super) fn first_release(&self) -> String {
        if self.release_tag.is_empty() { self.tag_scheme.first_release() } else { self.release_tag.clone() }
    }

    /// Returns the tag that images of staging and of canaries start with.
    pub(super) fn first_build(&self) -> String {
        if self.build_tag.is_empty() { self.tag_scheme.first_build() } else { self.build_tag.clone() }
    }

    /// Returns the namespace of Kafka: that of the apps where its users have Secrets, which pods of no other namespace read.
    pub(super) fn kafka_namespace(&self) -> &str {
        let usual = if self.kafka.is_authenticated() { self.namespace.as_str() } else { "kafka" };
        self.kafka.namespace.as_deref().unwrap_or(usual)
    }

    /// Returns the apps that `chosen` takes, by name.
    pub(super) fn apps_that(&self, chosen: impl Fn(&App) -> bool) -> Vec<&str> {
        self.apps.iter().filter(|(_, app)| chosen(app)).map(|(name, _)| name.as_str()).collect()
    }

    /// Returns the name under which the image of `app` has its repository and policies.
    pub(super) fn image_name<'a>(&'a self, name: &'a str) -> &'a str {
        let image = self.apps.get(name).and_then(|app| app.image.as_deref());
        image.map_or(name, |image| image.rsplit('/').next().unwrap_or(image))
    }

    /// Returns the image of `app`, without its tag.
    pub(super) fn image(&self, name: &str) -> String {
        match self.apps.get(name).and_then(|app| app.image.as_deref()) {
            Some(image) if image.contains('/') => image.to_owned(),
            image => format!("{}/{}/{}", self.registry, self.organisation, image.unwrap_or(name)),
        }
    }
}

impl Kafka {
    /// Returns whether clients have to say who they are.
    pub(super) fn is_authenticated(&self) -> bool {
        self.authentication != Authentication::None
    }
}

impl App {
    /// Returns whether it has something to do with Kafka.
    pub(super) fn is_on_kafka(&self) -> bool {
        !self.produces.is_empty() || !self.consumes.is_empty()
    }

    /// Returns the most replicas that there can be.
    pub(super) fn most_replicas(&self) -> u64 {
        self.hpa.as_ref().map_or(self.replicas, |hpa| hpa.max)
    }

    /// Returns the replicas of the canary in production, where there is one.
    pub(super) fn canary_replicas(&self) -> u64 {
        match (self.rollout, self.kind) {
            (Rollout::TwoTrack, Kind::Worker) => self.replicas * self.canary_weight / 100,
            // Requests are shared out by the route: one answers as many as it can.
            (Rollout::TwoTrack, _) => (self.replicas * self.canary_weight).div_ceil(100).max(1),
            _ => 0,
        }
    }
}
