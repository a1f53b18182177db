//! The image automation of a cluster: repositories that are scanned, policies that select, automations that write.
//!
//! Source: Flux, image-reflector-controller and image-automation-controller 1.2.

use std::collections::BTreeMap;

use crate::flux::{Cluster, FluxVersion, Object, normalised_url};
use crate::image::{self, Digests, Grammar, Pattern, Policy, PolicyError};
use crate::kube::{LabelSelector, NamespacedName};
use crate::kustomize::Resource;
use crate::text::RepoPath;
use crate::yaml::Node;

/// Group of the three kinds.
const GROUP: &str = "image.toolkit.fluxcd.io";

/// The label by which our blueprints tell which track a policy serves.
pub const TRACK_LABEL: &str = "gitops-gen.dev/track";

impl FluxVersion {
    /// Returns how this release reads versions of images.
    pub fn image_grammar(self) -> Grammar {
        if self >= (Self { major: 2, minor: 7 }) { Grammar::Loose } else { Grammar::Strict }
    }
}

/// An `ImageRepository`.
#[derive(Debug, Clone)]
pub struct ImageRepository<'a> {
    /// Namespace and name.
    pub name: NamespacedName,
    /// The object.
    pub resource: &'a Resource,
    /// `spec.image`; empty where none is written.
    pub image: &'a str,
}

impl ImageRepository<'_> {
    /// Returns what it excludes.
    ///
    /// # Errors
    /// Where an expression is none.
    pub fn exclusions(&self) -> Result<Vec<Pattern>, PolicyError> {
        image::read_exclusions(self.resource.node.get("spec"))
    }
}

/// An `ImagePolicy`.
#[derive(Debug, Clone)]
pub struct ImagePolicy<'a> {
    /// Namespace and name.
    pub name: NamespacedName,
    /// The object.
    pub resource: &'a Resource,
    /// The repository that it selects from.
    pub repository: NamespacedName,
}

impl<'a> ImagePolicy<'a> {
    /// Returns what it selects by.
    ///
    /// # Errors
    /// Where the controller stalls.
    pub fn policy(&self, grammar: Grammar) -> Result<Policy, PolicyError> {
        match self.spec() {
            Some(spec) => Policy::read(spec, grammar),
            None => Err(PolicyError::NoChoice),
        }
    }

    /// Returns what it reflects of digests.
    pub fn digests(&self) -> Digests {
        self.spec().map(image::read_digests).unwrap_or_default()
    }

    /// Returns `spec`.
    pub fn spec(&self) -> Option<&'a Node> {
        self.resource.node.get("spec")
    }

    /// Returns the track that it serves, where its label tells one, or else what its name adds to its repository's.
    pub fn track(&self) -> &'a str {
        let label = self.resource.node.at(&["metadata", "labels", TRACK_LABEL]).and_then(Node::as_str);
        let suffix = self.resource.name().strip_prefix(self.repository.name.as_str());
        label.or_else(|| suffix.map(|suffix| suffix.trim_start_matches('-'))).unwrap_or_default()
    }
}

/// An `ImageUpdateAutomation`.
#[derive(Debug, Clone)]
pub struct ImageUpdateAutomation<'a> {
    /// Namespace and name.
    pub name: NamespacedName,
    /// The object.
    pub resource: &'a Resource,
    /// URL of its Git repository, normalised, where the cluster says one.
    pub url: Option<String>,
    /// Branch that it reads; nothing where only the cluster knows.
    pub checkout: Option<String>,
    /// Branch that it pushes to; nothing where only the cluster knows.
    pub branch: Option<String>,
    /// Directory or file that it edits.
    pub path: RepoPath,
    selector: Option<LabelSelector>,
}

impl ImageUpdateAutomation<'_> {
    /// Returns whether it reads the file at `path`.
    pub fn covers(&self, path: &RepoPath) -> bool {
        self.path.is_root() || *path == self.path || path.is_below(&self.path)
    }

    /// Returns whether it writes what `policy` selects: it is of its namespace, and the selector takes it.
    pub fn selects(&self, policy: &ImagePolicy<'_>) -> bool {
        let label = |key: &str| policy.resource.node.at(&["metadata", "labels", key]).and_then(Node::as_str);
        policy.name.namespace == self.name.namespace
            && self.selector.as_ref().is_none_or(|selector| selector.matches(label))
    }

    /// Returns whether both write the same files of the same branch.
    pub fn races_with(&self, other: &Self) -> bool {
        let same_repository = self.url.is_none() || other.url.is_none() || self.url == other.url;
        let overlap = self.covers(&other.path) || other.covers(&self.path);
        same_repository && self.branch == other.branch && overlap
    }
}

/// The image automation of one cluster.
#[derive(Debug, Clone, Default)]
pub struct ImageAutomation<'a> {
    /// By namespace and name.
    pub repositories: BTreeMap<NamespacedName, ImageRepository<'a>>,
    /// By namespace and name.
    pub policies: BTreeMap<NamespacedName, ImagePolicy<'a>>,
    /// In the order of the cluster.
    pub automations: Vec<ImageUpdateAutomation<'a>>,
}

impl<'a> ImageAutomation<'a> {
    /// Returns that of `cluster`.
    pub fn of(cluster: &'a Cluster) -> Self {
        let mut out = Self::default();
        let objects_of = |kind| {
            let objects = cluster.objects_of(GROUP, kind).filter(|object| !object.is_remote());
            objects
                .map(|Object { resource, .. }| (NamespacedName::new(resource.namespace(), resource.name()), resource))
        };
        for (name, resource) in objects_of("ImageRepository") {
            let image = resource.node.at(&["spec", "image"]).and_then(Node::as_str).unwrap_or_default();
            out.repositories.insert(name.clone(), ImageRepository { name, resource, image });
        }
        for (name, resource) in objects_of("ImagePolicy") {
            let repository = repository_of(resource);
            out.policies.insert(name.clone(), ImagePolicy { name, resource, repository });
        }
        let mut sources = BTreeMap::new();
        for source in repositories(cluster) {
            sources.entry((source.namespace(), source.name())).or_insert(source);
        }
        for (name, resource) in objects_of("ImageUpdateAutomation") {
            out.automations.push(automation(&sources, resource, name));
        }
        out
    }

    /// Returns the image that `policy` selects tags of; nothing where its repository is not there.
    pub fn image_of(&self, policy: &ImagePolicy<'_>) -> Option<&'a str> {
        self.repositories.get(&policy.repository).map(|repository| repository.image)
    }

    /// Returns the automations that write what `policy` selects into the file at `path`.
    pub fn writers<'s>(
        &'s self,
        policy: &'s ImagePolicy<'a>,
        path: &'s RepoPath,
    ) -> impl Iterator<Item = &'s ImageUpdateAutomation<'a>> {
        self.automations.iter().filter(move |automation| automation.selects(policy) && automation.covers(path))
    }
}

fn repository_of(policy: &Resource) -> NamespacedName {
    let text = |key| policy.node.at(&["spec", "imageRepositoryRef", key]).and_then(Node::as_str);
    let namespace = text("namespace").unwrap_or_else(|| policy.namespace());
    NamespacedName::new(namespace, text("name").unwrap_or_default())
}

/// Returns the automation that `resource` is; `sources` are the GitRepositories by namespace and name.
fn automation<'a>(
    sources: &BTreeMap<(&'a str, &'a str), &'a Resource>,
    resource: &'a Resource,
    name: NamespacedName,
) -> ImageUpdateAutomation<'a> {
    let text = |keys: &[&str]| resource.node.at(keys).and_then(Node::as_str);
    let source_name = text(&["spec", "sourceRef", "name"]).unwrap_or_default();
    let source_namespace = text(&["spec", "sourceRef", "namespace"]).unwrap_or_else(|| resource.namespace());
    let source = sources.get(&(source_namespace, source_name));
    let of_source = |keys: &[&str]| source?.node.at(keys).and_then(Node::as_str);
    let checkout =
        text(&["spec", "git", "checkout", "ref", "branch"]).or_else(|| of_source(&["spec", "ref", "branch"]));
    let branch = text(&["spec", "git", "push", "branch"]).or(checkout);
    let path = text(&["spec", "update", "path"]).unwrap_or_default();
    ImageUpdateAutomation {
        name,
        resource,
        url: of_source(&["spec", "url"]).map(normalised_url),
        checkout: checkout.map(str::to_owned),
        branch: branch.map(str::to_owned),
        path: RepoPath::new(path.trim_start_matches('/')).unwrap_or_else(|_| RepoPath::root()),
        selector: resource.node.at(&["spec", "policySelector"]).map(LabelSelector::of_node),
    }
}

fn repositories(cluster: &Cluster) -> impl Iterator<Item = &Resource> {
    cluster.objects_of("source.toolkit.fluxcd.io", "GitRepository").map(|object| object.resource)
}

/// Returns the branch that the cluster's own repository follows, where it says one.
pub fn branch_of(cluster: &Cluster) -> Option<&str> {
    let owner = cluster.bootstrap.as_ref().and_then(|name| cluster.kustomizations.get(name));
    let wanted = owner.map_or("flux-system", |owner| owner.id.name.as_str());
    let found = repositories(cluster).find(|resource| resource.name() == wanted)?;
    found.node.at(&["spec", "ref", "branch"]).and_then(Node::as_str)
}
