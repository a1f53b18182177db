//! gitops.yaml for a repository that nobody generated: what it says of itself, as parameters of a fleet.
//!
//! Reads the rendered clusters, and the files beside them that no cluster reads (Terraform, sops, CI). What parameters cannot
//! say, or what only a person knows, is listed with its place and left out; no value is guessed, and none of a Secret is taken.

mod app;
mod clusters;
mod environment;
mod images;
mod origin;
mod peers;
mod services;
mod settings;
mod terraform;
mod topics;
mod tracks;
mod url;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::flux::{Cluster, Fleet, ImageAutomation};
use crate::generate::block_style;
use crate::generate::builtin;
use crate::generate::parameters;
use crate::kustomize::Resource;
use crate::repo::Repo;
use crate::text::{RepoPath, Span};
use crate::yaml::{self, Node};

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

/// Parameters by their name.
type Parameters = Map<String, Value>;

/// What reads a repository, with what it could not read so far.
struct Reader<'a> {
    repo: &'a Repo,
    /// Production first, then by name: what differs between clusters is taken from the first that has it.
    clusters: Vec<&'a Cluster>,
    /// Which of them is for `production`, `staging` or `test`, where that is known.
    environments: &'a BTreeMap<String, &'static str>,
    unread: Vec<Unread>,
}

/// Returns gitops.yaml for `fleet`, the clusters of `repo`; `environments` says which cluster is for `production`, `staging` or
/// `test`, where that is known.
pub fn import(repo: &Repo, fleet: &Fleet, environments: &BTreeMap<String, &'static str>) -> Imported {
    let mut clusters: Vec<&Cluster> = fleet.clusters.iter().collect();
    let is_production = |cluster: &Cluster| environments.get(&cluster.name) == Some(&"production");
    clusters.sort_by_key(|cluster| (!is_production(cluster), cluster.name.clone()));
    let mut reader = Reader { repo, clusters, environments, unread: Vec::new() };
    let mut parameters = Parameters::new();
    reader.origin(&mut parameters);
    reader.cluster_parameters(&mut parameters);
    reader.automation(&mut parameters);
    reader.services(&mut parameters);
    reader.topics(&mut parameters);
    reader.apps(&mut parameters);
    reader.settings(&mut parameters);
    reader.leave_refused(&mut parameters);
    let text = text(fleet, reader.flux().as_deref(), parameters);
    let Reader { mut unread, .. } = reader;
    let mut known = BTreeSet::new();
    // What clusters share is said once.
    unread.retain(|entry| known.insert(entry.clone()));
    Imported { text, unread }
}

/// Returns the file: clusters, then parameters in the order of their schema.
fn text(fleet: &Fleet, flux: Option<&str>, parameters: Parameters) -> String {
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
    out.push_str(&block_style::block_by(&Value::Object(parameters), 2, builtin::field_orders()));
    out
}

impl<'a> Reader<'a> {
    fn leave(&mut self, span: Option<Span>, what: impl Into<String>) {
        self.unread.push(Unread { span, what: what.into() });
    }

    /// Leaves out what the schema refuses: there are repositories whose names no parameter can have.
    fn leave_refused(&mut self, parameters: &mut Parameters) {
        let Ok(mut schema) = builtin::fleet_schema() else { return };
        // What is not read is missing, and that is no mistake.
        drop(schema.as_object_mut().and_then(|schema| schema.remove("required")));
        for problem in parameters::check(&schema, &Value::Object(parameters.clone())).unwrap_or_default() {
            if parameters::remove(parameters, &problem.parameter) {
                self.leave(None, problem.to_string());
            }
        }
    }

    /// Returns the objects of a kind that stay in their cluster, those of production first.
    fn of_kind(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let objects = self.clusters.clone().into_iter().flat_map(move |cluster| cluster.objects_of(group, kind));
        objects.filter(|object| !object.is_remote()).map(|object| object.resource)
    }

    /// Returns the text of the file at `path` of the directory that the fleet lies in.
    fn file(&self, parameters: &Parameters, path: &str) -> Option<&'a str> {
        let directory = parameters.get("path").and_then(Value::as_str).unwrap_or_default();
        let path = RepoPath::new(directory).unwrap_or_else(|_| RepoPath::root()).join(path).ok()?;
        self.repo.files().text(&path)
    }

    /// Returns the first document of the file at `path` of the directory that the fleet lies in.
    fn document(&self, parameters: &Parameters, path: &str) -> Option<Node> {
        let directory = parameters.get("path").and_then(Value::as_str).unwrap_or_default();
        let path = RepoPath::new(directory).unwrap_or_else(|_| RepoPath::root()).join(path).ok()?;
        let files = self.repo.files();
        let parsed = yaml::parse(files.id(&path)?, files.text(&path)?);
        parsed.documents.into_iter().next().map(|document| document.root)
    }

    /// Reads which cluster writes image tags, and whether by pull requests.
    fn automation(&mut self, parameters: &mut Parameters) {
        let automates = |cluster: &&Cluster| !ImageAutomation::of(cluster).automations.is_empty();
        let all: Vec<&Cluster> = self.clusters.iter().filter(|cluster| automates(cluster)).copied().collect();
        let elected = all.first().map_or("", |cluster| cluster.name.as_str());
        set(parameters, "imageAutomationCluster", elected);
        for other in all.iter().skip(1) {
            self.leave(None, format!("cluster `{}` automates images too: there can be one", other.name));
        }
        let by_request = self.of_kind("image.toolkit.fluxcd.io", "ImageUpdateAutomation").any(|automation| {
            let branch = |keys: &[&str]| automation.node.at(keys).and_then(Node::as_str);
            let pushed = branch(&["spec", "git", "push", "branch"]);
            pushed.is_some() && pushed != branch(&["spec", "git", "checkout", "ref", "branch"])
        });
        if !elected.is_empty() {
            set(parameters, "imageUpdates", if by_request { "pull-request" } else { "push" });
        }
    }
}

/// Sets the parameter `name`.
fn set(parameters: &mut Parameters, name: &str, value: impl Into<Value>) {
    parameters.insert(name.to_owned(), value.into());
}

/// Returns the text at `keys` of `resource`.
fn text_at<'r>(resource: &'r Resource, keys: &[&str]) -> Option<&'r str> {
    resource.node.at(keys)?.as_str()
}

/// Returns the whole number that `node` holds.
fn number(node: &Node) -> Option<i64> {
    node.as_str()?.parse().ok()
}
