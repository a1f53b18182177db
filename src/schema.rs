//! What the API server would refuse: objects against the schemas of their kinds.
//!
//! Owns the catalogue: CRDs of the cluster, then whichever fits best of the CRDs found elsewhere in the repository and one of
//! the schemas from outside it, the embedded ones of Kubernetes and our models of Flux and its neighbours. Schemas are compiled at their first use and shared by all
//! clusters and threads. It knows nothing of rules: it says what is wrong, not how bad that is.
//!
//! ```
//! use gitops_gen::schema::{Catalogue, Outcome};
//! use gitops_gen::text::FileSet;
//! use gitops_gen::repo::Repo;
//!
//! let repo = Repo::new(FileSet::from_texts([("apps.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndate: {}\n")]));
//! let catalogue = Catalogue::of(&repo);
//! let (_, file) = repo.files().iter().next().expect("there is one file");
//! for document in repo.yaml(file).into_iter().flat_map(|parsed| &parsed.documents) {
//!     let Outcome::Checked(checked) = catalogue.check(&document.root) else { continue };
//!     assert_eq!(checked.violations[0].message, "unknown field `date`");
//! }
//! ```

mod cel;
mod compile;
mod crd;
mod elsewhere;
mod explain;
mod import;
mod list_map;
mod location;
mod path;
mod pattern;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use smol_str::SmolStr;

use crate::kube::Gvk;
use crate::repo::Repo;
use crate::schema::compile::{Broken, Compiled};
use crate::schema::crd::CrdVersion;
use crate::text::Span;
use crate::yaml::{Node, Pointer};

pub use gitops_gen_schemas::Scope;

pub use crate::schema::import::{ImportError, import};
pub use crate::schema::location::{Layout, SchemaLocation, SchemaLocationError};

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViolationKind {
    /// A field that the kind does not have: server-side apply fails.
    UnknownField,
    /// A field that must be there.
    Required,
    /// Text where a number is wanted, and the like.
    Type,
    /// Not one of the values that are allowed.
    Enum,
    /// Text that is not of the wanted form.
    Pattern,
    /// Too small, too large, too short, too long, too many.
    Range,
    /// A list entry with the key of an earlier one: server-side apply fails.
    Duplicate,
    /// Fields that exclude each other, or other combinations that are refused.
    Combination,
    /// A rule of the schema (`x-kubernetes-validations`) that does not hold.
    Rule,
}

/// One thing that a schema refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value, or the field that is missing.
    pub pointer: Pointer,
    /// The key of an unknown field or of the object that lacks one, else the value.
    pub span: Span,
    /// What is wrong, as a kind.
    pub kind: ViolationKind,
    /// What is wrong, as a clause without a final period; never holds a value of a Secret.
    pub message: String,
    /// What may stand instead of the bytes of `span`: the nearest known field or value.
    pub suggestion: Option<String>,
    /// Whether the value still holds a `${variable}`, so that another text may stand there in the cluster.
    pub holds_variable: bool,
}

/// Whose schema an object was checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A CRD of the repository; the place of its schema.
    Crd(Span),
    /// A file from outside the repository; its path, for people.
    File(Arc<str>),
    /// Kubernetes itself (1.36).
    Kubernetes,
    /// Our own model of a release (`Flux 2.9`): fields of later ones are unknown to it.
    Model(&'static str),
}

/// A part of a schema that was not applied to an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unchecked {
    /// The part: ``pattern `…` `` or ``rule `…` ``.
    pub what: String,
    /// Why not, as a clause.
    pub why: String,
}

impl Unchecked {
    /// Returns whether it compares an object with what it was before: nothing that a repository could tell.
    pub fn is_about_change(&self) -> bool {
        self.why == cel::ON_CHANGE
    }
}

/// An object that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What is refused, by place; empty for a valid object.
    pub violations: Vec<Violation>,
    /// Whose schema it was.
    pub origin: Origin,
    /// Patterns and rules of the schema that were not checked.
    pub unchecked: Vec<Unchecked>,
}

impl Checked {
    /// Returns whether everything was checked and nothing is refused.
    pub fn says_nothing(&self) -> bool {
        self.violations.is_empty() && self.unchecked.is_empty()
    }
}

/// Why objects of a kind were not checked for which there is [`Outcome::NoSchema`].
pub const UNKNOWN_KIND: &str = "no schema of the kind is known";

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The kind has a schema.
    Checked(Checked),
    /// The kind has none: nothing was checked. Holds the versions of the kind that do have one.
    NoSchema(BTreeSet<SmolStr>),
    /// The kind has a schema that cannot be used: nothing was checked.
    BrokenSchema {
        /// Whose schema it is.
        origin: Origin,
        /// Why, as a lowercase fragment.
        reason: String,
    },
}

/// The schemas that apply to the objects of one cluster; clones share everything that was compiled.
#[derive(Debug, Clone)]
pub struct Catalogue {
    shared: Arc<Shared>,
    /// Schemas from outside the repository, in the order in which they are asked.
    locations: Arc<[Arc<SchemaLocation>]>,
    /// CRDs that the cluster applies.
    cluster: Arc<BTreeMap<Gvk, Arc<CrdVersion>>>,
    /// Group and kind of these CRDs: other versions of them do not exist in the cluster.
    owned: Arc<BTreeSet<(SmolStr, SmolStr)>>,
}

/// What all clusters have in common.
#[derive(Debug)]
struct Shared {
    embedded: BTreeMap<Gvk, Embedded>,
    /// Every CRD found in the files of the repository; more than one where they differ.
    repository: BTreeMap<Gvk, Vec<Arc<CrdVersion>>>,
    /// CRDs of clusters by the place of their schema, so that what is equal is compiled once.
    seen: Mutex<BTreeMap<Span, Vec<Arc<CrdVersion>>>>,
}

#[derive(Debug)]
struct Embedded {
    kind: &'static gitops_gen_schemas::Kind,
    compiled: OnceLock<Result<Compiled, Broken>>,
}

/// Returns how `values` differ from `schema`, a chart's `values.schema.json`.
///
/// # Errors
/// With the reason, where the schema itself cannot be used.
pub fn check_values(schema: serde_json::Value, values: &Node) -> Result<Vec<Violation>, String> {
    let compiled = Compiled::new(schema).map_err(|broken| broken.to_string())?;
    // Fields that are unknown to it are as wrong as to a CRD of the repository.
    match compile::check(Ok(&compiled), Origin::Crd(values.span), values) {
        Outcome::Checked(checked) => Ok(checked.violations),
        _ => Ok(Vec::new()),
    }
}

impl Catalogue {
    /// Returns the embedded schemas, and the CRDs in the files of `repo`.
    pub fn of(repo: &Repo) -> Self {
        let mut repository: BTreeMap<Gvk, Vec<Arc<CrdVersion>>> = BTreeMap::new();
        for (_, id) in repo.files().iter() {
            // Most files hold none, and need not be parsed for it.
            if !repo.source(id).is_some_and(|file| Self::may_read(file.text())) {
                continue;
            }
            for document in repo.yaml(id).into_iter().flat_map(|parsed| &parsed.documents) {
                for version in crd::versions(&document.root) {
                    let known = repository.entry(version.gvk.clone()).or_default();
                    if !known.iter().any(|other| other.says_the_same(&version)) {
                        known.push(Arc::new(version));
                    }
                }
            }
        }
        Self::with_repository(repository)
    }

    /// Returns the embedded schemas alone.
    pub fn embedded() -> Self {
        Self::with_repository(BTreeMap::new())
    }

    fn with_repository(repository: BTreeMap<Gvk, Vec<Arc<CrdVersion>>>) -> Self {
        let embedded = gitops_gen_schemas::kinds().iter().map(|kind| {
            let gvk = Gvk { group: kind.group.into(), version: kind.version.into(), kind: kind.kind.into() };
            (gvk, Embedded { kind, compiled: OnceLock::new() })
        });
        Self {
            shared: Arc::new(Shared { embedded: embedded.collect(), repository, seen: Mutex::default() }),
            locations: Arc::default(),
            cluster: Arc::default(),
            owned: Arc::default(),
        }
    }

    /// Returns the same with schemas from outside the repository, which come after its CRDs and before the embedded ones.
    pub fn with_locations(self, locations: impl IntoIterator<Item: Into<Arc<SchemaLocation>>>) -> Self {
        Self { locations: locations.into_iter().map(Into::into).collect(), ..self }
    }

    /// Returns the catalogue of a cluster that applies `objects`: the CRDs among them come first.
    pub fn with_crds<'n>(&self, objects: impl IntoIterator<Item = &'n Node>) -> Self {
        let mut cluster = BTreeMap::new();
        let mut owned = BTreeSet::new();
        for version in objects.into_iter().flat_map(crd::versions) {
            owned.insert((version.gvk.group.clone(), version.gvk.kind.clone()));
            cluster.insert(version.gvk.clone(), self.shared.share(version));
        }
        Self {
            shared: Arc::clone(&self.shared),
            locations: Arc::clone(&self.locations),
            cluster: Arc::new(cluster),
            owned: Arc::new(owned),
        }
    }

    /// Returns whether both judge every object alike, because they hold the same schemas.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
            && Arc::ptr_eq(&self.locations, &other.locations)
            && self.owned == other.owned
            && self.cluster.keys().eq(other.cluster.keys())
            && self.cluster.values().zip(other.cluster.values()).all(|(here, there)| Arc::ptr_eq(here, there))
    }

    /// Returns whether the catalogue of a repository may hold something of the file `text`.
    pub fn may_read(text: &str) -> bool {
        text.contains("CustomResourceDefinition")
    }

    /// Checks an object against the schema of the kind that it names.
    pub fn check(&self, object: &Node) -> Outcome {
        let text = |key| object.get(key).and_then(Node::as_str).unwrap_or("");
        self.check_as(&Gvk::new(text("apiVersion"), text("kind")), object)
    }

    /// Checks `node` against the schema of `gvk`, whatever kind it names (a kustomization file may name none).
    pub fn check_as(&self, gvk: &Gvk, node: &Node) -> Outcome {
        if let Some(version) = self.cluster.get(gvk) {
            return version.check(node);
        }
        if self.owned.contains(&(gvk.group.clone(), gvk.kind.clone())) {
            return Outcome::NoSchema(self.known_versions(&gvk.group, &gvk.kind));
        }
        // This cluster's CRD is not in sight. Those of the repository may be other clusters' and older or newer than
        // ours, so an object is wrong only where nothing fits it; the repository's word comes first.
        let repository = self.shared.repository.get(gvk).into_iter().flatten().map(|version| version.check(node));
        let location = self.locations.iter().find_map(|location| location.check(gvk, node));
        let embedded = || self.shared.embedded.get(gvk).map(|embedded| embedded.check(node));
        let best = repository.chain(location.or_else(embedded)).min_by_key(Outcome::weight);
        best.unwrap_or_else(|| Outcome::NoSchema(self.known_versions(&gvk.group, &gvk.kind)))
    }

    /// Returns the versions of a kind that the catalogue has a schema of: where the cluster applies the CRD, that CRD's.
    pub fn known_versions(&self, group: &str, kind: &str) -> BTreeSet<SmolStr> {
        let own: BTreeSet<_> = versions(&self.cluster, group, kind).cloned().collect();
        if !own.is_empty() {
            return own;
        }
        let embedded = versions(&self.shared.embedded, group, kind);
        let repository = versions(&self.shared.repository, group, kind);
        let locations = self.locations.iter().flat_map(|location| location.versions(group, kind));
        embedded.chain(repository).chain(locations).cloned().collect()
    }

    /// Returns the version that Kubernetes prefers among [`Catalogue::known_versions`]: stable ones first, the newest first.
    pub fn preferred_version(&self, group: &str, kind: &str) -> Option<SmolStr> {
        self.known_versions(group, kind).into_iter().max_by_key(|version| stability(version))
    }

    /// Returns where objects of a kind live, where the kind is known.
    pub fn scope(&self, gvk: &Gvk) -> Option<Scope> {
        let repository = || self.shared.repository.get(gvk)?.first();
        match self.cluster.get(gvk).or_else(repository) {
            Some(version) => Some(version.scope),
            None => self
                .locations
                .iter()
                .find_map(|location| location.scope(gvk))
                .or_else(|| Some(self.shared.embedded.get(gvk)?.kind.scope)),
        }
    }
}

/// Returns the versions of a kind in a map that is sorted by group first.
fn versions<'m, T>(map: &'m BTreeMap<Gvk, T>, group: &str, kind: &str) -> impl Iterator<Item = &'m SmolStr> {
    let first = Gvk { group: group.into(), ..Gvk::default() };
    let of_group = map.range(first.clone()..).map(|(gvk, _)| gvk).take_while(move |gvk| gvk.group == first.group);
    of_group.filter(move |gvk| gvk.kind == kind).map(|gvk| &gvk.version)
}

/// Orders versions as the API server does: `v2`, `v1`, `v2beta1`, `v1beta2`, `v1alpha1`.
///
/// Source: Kubernetes, "Versions in CustomResourceDefinitions", version priority.
fn stability(version: &str) -> (u8, u32, u32) {
    let digits = |text: &str| text.parse().unwrap_or(0);
    let number = version.trim_start_matches('v');
    match (number.split_once("beta"), number.split_once("alpha")) {
        (Some((major, minor)), _) => (1, digits(major), digits(minor)),
        (_, Some((major, minor))) => (0, digits(major), digits(minor)),
        _ => (2, digits(number), 0),
    }
}

impl Shared {
    /// Returns the version that an earlier cluster brought, where it is the same one.
    fn share(&self, version: CrdVersion) -> Arc<CrdVersion> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let in_repository = self.repository.get(&version.gvk).map(Vec::as_slice).unwrap_or_default();
        let here = seen.entry(version.schema.span).or_default();
        if let Some(same) = in_repository.iter().chain(here.iter()).find(|other| other.says_the_same(&version)) {
            return Arc::clone(same);
        }
        let version = Arc::new(version);
        here.push(Arc::clone(&version));
        version
    }
}

impl Outcome {
    /// How badly an object fits a schema.
    fn weight(&self) -> usize {
        match self {
            Self::Checked(checked) => checked.violations.len(),
            Self::NoSchema(_) | Self::BrokenSchema { .. } => usize::MAX,
        }
    }
}

impl Embedded {
    fn check(&self, node: &Node) -> Outcome {
        let kind = self.kind;
        let compiled = self.compiled.get_or_init(|| {
            let schema = gitops_gen_schemas::schema(kind.group, kind.version, kind.kind).unwrap_or_default();
            Compiled::embedded(schema)
        });
        let origin = kind.modelled.map_or(Origin::Kubernetes, Origin::Model);
        compile::check(compiled.as_ref(), origin, node)
    }
}

impl CrdVersion {
    fn check(&self, node: &Node) -> Outcome {
        let compiled = self.compiled.get_or_init(|| Compiled::new(crd::strict(self)));
        let place = compiled.as_ref().err().map_or(self.schema.span, |broken| broken.place(&self.schema));
        compile::check(compiled.as_ref(), Origin::Crd(place), node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_and_newer_versions_are_preferred() {
        let mut versions = ["v1alpha1", "v2beta1", "v1", "v10", "v2", "v1beta2", "v2beta2"];
        versions.sort_by_key(|version| std::cmp::Reverse(stability(version)));
        assert_eq!(versions, ["v10", "v2", "v1", "v2beta2", "v2beta1", "v1beta2", "v1alpha1"]);
        assert_eq!(
            Catalogue::embedded().preferred_version("gateway.networking.k8s.io", "ReferenceGrant"),
            Some("v1".into())
        );
    }

    #[test]
    fn known_versions_are_those_of_the_kind_alone() {
        let known = Catalogue::embedded().known_versions("", "Pod");
        assert_eq!(known, ["v1".into()].into());
        assert!(Catalogue::embedded().known_versions("apps", "Pod").is_empty());
    }
}
