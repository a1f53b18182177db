//! The Flux Kustomization: its fields, read once, and what became of it.

use std::collections::BTreeMap;
use std::fmt;

use smol_str::SmolStr;

use crate::flux::census::Census;
use crate::flux::read::{self, SourceRef};
use crate::kube::{Gvk, NamespacedName, ObjectRef};
use crate::kustomize::{Build, MissingComponents, Overlay, Resource};
use crate::text::{RepoPath, Span, Spanned};
use crate::yaml::{Map, Node};

/// Group of the Flux Kustomization.
pub(crate) const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// Where the files of a Flux Kustomization are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Inside this repository: the directory, in the artifact's own paths.
    Here(RepoPath),
    /// In a source that this repository does not hold (another Git repository, an OCI artifact, a bucket).
    Elsewhere,
    /// `spec.sourceRef` names no source of the cluster.
    MissingSource,
    /// The source is this repository, but there is no such directory in its artifact.
    MissingPath(RepoPath),
}

/// What became of a `substituteFrom` entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceState {
    /// The object is among those of the cluster; where it is encrypted its keys are known and its values are not.
    Found,
    /// No object of the cluster has this kind, namespace and name.
    Missing,
}

/// A `ConfigMap` or `Secret` that variables are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubstituteReference {
    /// `ConfigMap` or `Secret`.
    pub kind: SmolStr,
    /// Its name, in the Kustomization's namespace.
    pub name: Spanned<SmolStr>,
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether it was found.
    pub state: ReferenceState,
}

/// A variable of a substitution.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value without line breaks; nothing where it cannot be known offline (encrypted, or not in the repository).
    pub value: Option<SmolStr>,
    /// Where it is defined: its key in the `ConfigMap`, the `Secret` or `spec.postBuild.substitute`.
    pub span: Option<Span>,
    /// Whether a `Secret` defines it: its value is printed nowhere.
    pub is_secret: bool,
}

impl Variable {
    /// Returns a variable of this value, defined at `span`. Flux drops the line breaks of every value.
    pub(crate) fn known(value: &str, span: Option<Span>) -> Self {
        let value = if value.contains('\n') { SmolStr::from(value.replace('\n', "")) } else { SmolStr::new(value) };
        Self { value: Some(value), span, is_secret: false }
    }
}

impl fmt::Debug for Variable {
    /// Leaves the value out: it may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.value.is_some() { "known" } else { "unknown" };
        let mut writer = formatter.debug_struct("Variable");
        writer.field("value", &known).field("span", &self.span).field("is_secret", &self.is_secret).finish()
    }
}

/// What is wrong with a substitution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubstitutionProblem {
    /// A variable is used and not defined. When the substitution is strict the Kustomization fails, else the text is
    /// empty there.
    Undefined {
        /// The variable.
        name: SmolStr,
    },
    /// An expression is outside the language: the Kustomization fails, strict or not.
    Expression {
        /// Flux's own reason: `missing closing brace`, `bad substitution`, …
        reason: String,
    },
    /// A variable has a name that Flux refuses: the Kustomization fails, even where nothing uses it.
    InvalidName {
        /// The variable.
        name: SmolStr,
    },
    /// The text after substitution is no YAML mapping.
    NotYaml {
        /// What the reader says.
        reason: String,
    },
}

/// A problem with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubstitutionFinding {
    /// What is wrong.
    pub problem: SubstitutionProblem,
    /// The object whose text it is in.
    pub object: ObjectRef,
    /// The expression in the source where the source spells it out, else the scalar that holds it.
    pub span: Span,
}

/// What `spec.postBuild` came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Substitution {
    /// Whether Flux substitutes at all: it does not where there is no variable and no `substituteStrategy: Always`.
    pub active: bool,
    /// Whether an undefined variable is an error.
    pub strict: bool,
    /// Whether every `substituteFrom` object was found: otherwise an undefined variable may be defined outside.
    pub complete: bool,
    /// The variables by name.
    pub variables: BTreeMap<SmolStr, Variable>,
    /// What is wrong, in the order of the objects.
    pub findings: Vec<SubstitutionFinding>,
}

impl Substitution {
    /// Returns whether some variable of `names` has a value that is not known offline.
    pub fn is_opaque<'a>(&self, names: impl IntoIterator<Item = &'a SmolStr>) -> bool {
        names.into_iter().any(|name| self.variables.get(name).map_or(!self.complete, |known| known.value.is_none()))
    }
}

/// A `Kustomization` of kustomize.toolkit.fluxcd.io, read once.
#[derive(Debug, Clone)]
pub struct FluxKustomization {
    /// Namespace and name.
    pub id: NamespacedName,
    /// The rendered object; for the one that a `FluxInstance` makes, what Flux Operator writes.
    pub node: Node,
    /// Place of `metadata.name`.
    pub span: Span,
    /// The Kustomization that applies this one; nothing for the bootstrap one and those of a directory without one.
    pub applied_by: Option<NamespacedName>,
    /// `spec.sourceRef`
    pub source: Option<SourceRef>,
    /// `spec.path` as written; nothing where it is absent.
    pub path: Option<Spanned<SmolStr>>,
    /// What source and path come to.
    pub location: Location,
    /// `spec.dependsOn`, with the default namespace filled in; the spans are of the names.
    pub depends_on: Vec<Spanned<NamespacedName>>,
    /// `spec.suspend`
    pub suspend: bool,
    /// `spec.wait`
    pub wait: bool,
    /// `spec.prune`
    pub prune: bool,
    /// `spec.kubeConfig`: its objects go to another cluster.
    pub remote: Option<Span>,
    /// `spec.healthChecks`: the spans are of the names.
    pub health_checks: Vec<Spanned<ObjectRef>>,
    /// `spec.postBuild.substituteFrom`
    pub substitute_from: Vec<SubstituteReference>,
    /// What `spec.postBuild` came to.
    pub substitution: Substitution,
    /// Objects after build, substitution and commonMetadata, in build order.
    pub resources: Vec<Resource>,
    /// Where the objects of each kind stand in `resources`.
    pub(crate) census: Census,
    /// The build itself: findings, what is outside, unmatched patches, files; its resources are kustomize's own output.
    pub build: Build,
}

impl FluxKustomization {
    /// Returns whether `node` is a Flux Kustomization.
    pub fn is_one(node: &Node) -> bool {
        let field = |key| node.get(key).and_then(Node::as_str).unwrap_or("");
        Self::is_kind(&Gvk::new(field("apiVersion"), "").group, field("kind"))
    }

    /// Returns whether objects of this group and kind are Flux Kustomizations.
    pub(crate) fn is_kind(group: &str, kind: &str) -> bool {
        kind == "Kustomization" && group == GROUP
    }

    /// Returns the Flux Kustomization that `node` is, not located and not built yet; nothing where it has no name.
    pub(crate) fn read(node: &Node) -> Option<Self> {
        let name = read::text(node, &["metadata", "name"])?;
        let namespace = read::namespace(node);
        let spec = node.get("spec");
        Some(Self {
            id: NamespacedName { namespace: namespace.clone(), name: name.value },
            span: name.span,
            applied_by: None,
            source: node.at(&["spec", "sourceRef"]).and_then(|field| read::source_ref(field, &namespace)),
            path: read::text(node, &["spec", "path"]),
            location: Location::Elsewhere,
            depends_on: read::depends_on(node, &namespace),
            suspend: read::is_true(node, &["spec", "suspend"]),
            wait: read::is_true(node, &["spec", "wait"]),
            prune: read::is_true(node, &["spec", "prune"]),
            remote: node.at(&["spec", "kubeConfig"]).filter(|field| !field.is_null()).map(|field| field.span),
            health_checks: spec
                .map(|spec| spec.items("healthChecks").iter().filter_map(read::object_reference).collect())
                .unwrap_or_default(),
            substitute_from: substitute_from(node),
            substitution: Substitution::default(),
            resources: Vec::new(),
            census: Census::default(),
            build: Build::default(),
            node: node.clone(),
        })
    }

    /// Returns the objects of every kind that `is_wanted`, by its group and name, in build order.
    pub(crate) fn of_kinds(&self, is_wanted: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = &Resource> {
        self.census.places_of(is_wanted).into_iter().filter_map(|place| self.resources.get(place))
    }

    /// Returns what is folded into the kustomization file of the path.
    pub(crate) fn overlay(&self) -> Overlay {
        let field = |key| self.node.at(&["spec", key]).filter(|node| !node.is_null()).cloned();
        let list = |key| self.node.get("spec").map(|spec| spec.items(key).to_vec()).unwrap_or_default();
        let ignore_missing = read::is_true(&self.node, &["spec", "ignoreMissingComponents"]);
        Overlay {
            namespace: field("targetNamespace"),
            name_prefix: field("namePrefix"),
            name_suffix: field("nameSuffix"),
            patches: list("patches"),
            components: list("components"),
            missing_components: if ignore_missing { MissingComponents::Ignore } else { MissingComponents::Fail },
            images: list("images"),
        }
    }

    /// Returns `spec.postBuild.substitute`.
    pub(crate) fn inline_variables(&self) -> Option<&Map> {
        self.node.at(&["spec", "postBuild", "substitute"])?.as_map()
    }
}

fn substitute_from(node: &Node) -> Vec<SubstituteReference> {
    let Some(post_build) = node.at(&["spec", "postBuild"]) else { return Vec::new() };
    let read = |item: &Node| {
        Some(SubstituteReference {
            kind: read::text(item, &["kind"])?.value,
            name: read::text(item, &["name"])?,
            optional: read::is_true(item, &["optional"]),
            state: ReferenceState::Missing,
        })
    };
    post_build.items("substituteFrom").iter().filter_map(read).collect()
}
