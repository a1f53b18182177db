//! gitops.yaml for a repository that nobody generated: what it says of itself, as parameters of a fleet.
//!
//! Reads the rendered clusters. What parameters cannot say, or what only a person knows, is listed with its place and left
//! out; no value is guessed, and none of a Secret is taken.

mod app;
mod origin;
mod services;
mod url;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::flux::{Cluster, Fleet, ImageAutomation};
use crate::generate::block_style;
use crate::generate::builtin;
use crate::generate::data;
use crate::generate::parameters;
use crate::kustomize::Resource;
use crate::text::Span;

/// What was read of a repository.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The content of gitops.yaml.
    pub text: String,
    /// What is not in it, in the order of clusters and files.
    pub unread: Vec<Unread>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// Where it is written; nothing where it is nowhere.
    pub span: Option<Span>,
    /// What it is and why it is left out, as a clause.
    pub what: String,
}

/// What reads a repository, with what it could not read so far.
struct Reader<'a> {
    /// Production first, then by name: what differs between clusters is taken from the first that has it.
    clusters: Vec<&'a Cluster>,
    unread: Vec<Unread>,
}

/// Returns gitops.yaml for `fleet`; `environments` says which cluster is for `production`, `staging` or `test`, where that is
/// known.
pub fn import(fleet: &Fleet, environments: &BTreeMap<String, &'static str>) -> Imported {
    let mut clusters: Vec<&Cluster> = fleet.clusters.iter().collect();
    let is_production = |cluster: &Cluster| environments.get(&cluster.name) == Some(&"production");
    clusters.sort_by_key(|cluster| (!is_production(cluster), cluster.name.clone()));
    let mut reader = Reader { clusters, unread: Vec::new() };
    let mut parameters = reader.origin();
    let branches = reader.branches(environments);
    parameters.extend((!branches.is_empty()).then(|| ("branches", json!(branches))));
    parameters.push(("clusters", reader.cluster_parameters(environments, &branches)));
    parameters.extend(reader.automation());
    parameters.extend(reader.services());
    let (namespace, apps) = reader.apps();
    parameters.extend(namespace.map(|namespace| ("namespace", Value::from(namespace))));
    parameters.push(("apps", Value::Object(apps)));
    reader.leave_refused(&mut parameters);
    let text = text(fleet, reader.flux().as_deref(), &parameters);
    let Reader { mut unread, .. } = reader;
    let mut known = BTreeSet::new();
    // What clusters share is said once.
    unread.retain(|entry| known.insert(entry.clone()));
    Imported { text, unread }
}

/// Returns the file: clusters, then parameters in the order in which they were read.
fn text(fleet: &Fleet, flux: Option<&str>, parameters: &[(&'static str, Value)]) -> String {
    let mut out =
        format!("# Read from the repository by gitops-gen {}. Correct it: it is yours.\n", env!("CARGO_PKG_VERSION"));
    if let Some(flux) = flux {
        out.push_str(&block_style::block(&json!({"flux": flux}), 0));
    }
    let clusters = fleet.clusters.iter().map(|cluster| json!({"name": cluster.name, "path": cluster.path.as_str()}));
    out.push_str("# What `gitops-gen validate` checks.\n");
    out.push_str(&block_style::block(&json!({"clusters": clusters.collect::<Vec<_>>()}), 0));
    out.push_str(
        "# What the repository looks like as parameters of a blueprint. Nothing is generated from them as long as no\n",
    );
    out.push_str(
        "# `blueprint` is named: `gitops-gen init --parameters` takes them for a new repository.\nparameters:\n",
    );
    for (name, value) in parameters {
        out.push_str(&block_style::block_by(&json!({ *name: value }), 2, builtin::field_ranks()));
    }
    out
}

impl<'a> Reader<'a> {
    fn leave(&mut self, span: Option<Span>, what: impl Into<String>) {
        self.unread.push(Unread { span, what: what.into() });
    }

    /// Leaves out what the schema refuses: there are repositories whose names no parameter can have.
    fn leave_refused(&mut self, parameters: &mut Vec<(&'static str, Value)>) {
        let Ok(mut schema) = data::read(builtin::library(), builtin::FLEET_SCHEMA) else { return };
        // What is not read is missing, and that is no mistake.
        drop(schema.as_object_mut().and_then(|schema| schema.remove("required")));
        let mut values: Map<String, Value> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        for problem in parameters::check(&schema, &Value::Object(values.clone())).unwrap_or_default() {
            if parameters::remove(&mut values, &problem.parameter) {
                self.leave(None, problem.to_string());
            }
        }
        parameters.retain_mut(|(name, value)| values.remove(*name).map(|kept| *value = kept).is_some());
    }

    /// Returns the objects of a kind that stay in their cluster, those of production first.
    fn of_kind(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let objects = self.clusters.clone().into_iter().flat_map(move |cluster| cluster.objects_of(group, kind));
        objects.filter(|object| !object.is_remote()).map(|object| object.resource)
    }

    fn cluster_parameters(
        &mut self,
        environments: &BTreeMap<String, &'static str>,
        branches: &BTreeMap<&'static str, String>,
    ) -> Value {
        let mut clusters = Map::new();
        for cluster in self.clusters.clone() {
            let mut fields = Map::new();
            match environment(cluster, environments) {
                Some(environment) => {
                    fields.insert("environment".to_owned(), Value::from(environment));
                    if let Some(own) = branch(cluster).filter(|own| branches.get(environment) != Some(own)) {
                        fields.insert("branch".to_owned(), Value::from(own));
                    }
                }
                None => self.leave(None, format!("nothing tells the environment of cluster `{}`", cluster.name)),
            }
            match region(cluster) {
                Some(region) => drop(fields.insert("region".to_owned(), Value::from(region))),
                None => self.leave(None, format!("nothing tells the region of cluster `{}`", cluster.name)),
            }
            clusters.insert(cluster.name.clone(), Value::Object(fields));
        }
        self.leave(None, "the addresses of load balancers are known to the clusters alone: clusters.NAME.address");
        Value::Object(clusters)
    }

    /// Returns the branch of each environment, that of its first cluster.
    fn branches(&self, environments: &BTreeMap<String, &'static str>) -> BTreeMap<&'static str, String> {
        let mut branches = BTreeMap::new();
        for cluster in &self.clusters {
            if let (Some(environment), Some(branch)) = (environment(cluster, environments), branch(cluster)) {
                branches.entry(environment).or_insert(branch);
            }
        }
        branches
    }

    /// Returns the cluster that writes image tags.
    fn automation(&mut self) -> Option<(&'static str, Value)> {
        let automates = |cluster: &&&Cluster| !ImageAutomation::of(cluster).automations.is_empty();
        let all: Vec<&Cluster> = self.clusters.iter().filter(automates).copied().collect();
        let first = all.first()?;
        for other in &all[1..] {
            self.leave(None, format!("cluster `{}` automates images too: there can be one", other.name));
        }
        Some(("imageAutomationCluster", Value::from(first.name.as_str())))
    }
}

/// Returns the environment of `cluster` in the words of parameters.
fn environment(cluster: &Cluster, environments: &BTreeMap<String, &'static str>) -> Option<&'static str> {
    let said = environments.get(&cluster.name).copied();
    match said {
        Some("test") => {
            let is_local = ["dev", "kind", "local"].iter().any(|word| cluster.name.contains(word));
            Some(if is_local { "local" } else { "staging" })
        }
        other => other,
    }
}

/// Returns the region of `cluster`: as its variables say, else its name where it looks like one (`fra1`).
fn region(cluster: &Cluster) -> Option<String> {
    let mut said = cluster.objects_of("", "ConfigMap").filter_map(|map| {
        let data = map.resource.node.get("data")?;
        ["CLUSTER_REGION", "REGION", "region"].iter().find_map(|name| data.get(name)?.as_str())
    });
    if let Some(region) = said.next() {
        return Some(region.to_owned());
    }
    let (letters, digit) = cluster.name.split_at_checked(3)?;
    let is_region = letters.bytes().all(|letter| letter.is_ascii_lowercase()) && digit.parse::<u8>().is_ok();
    is_region.then(|| cluster.name.clone())
}

/// Returns the branch that `cluster` follows.
fn branch(cluster: &Cluster) -> Option<String> {
    origin::home(cluster)?.at(&["spec", "ref", "branch"])?.as_str().map(str::to_owned)
}
