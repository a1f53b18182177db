//! The schema that the patches of a build merge by: the built-in one, or one that a kustomization brings.
//!
//! kustomize keeps one schema for a whole build, the first that a kustomization file asks for on the way down. Source:
//! kyaml v0.21.1, `openapi/openapi.go`.
//!
//! Of the built-in schema only what leads to a merged list is known here, so that a schema of a kustomization that
//! gives a part of a built-in type merged lists, and not the kind itself, goes unnoticed where there were none.

pub(crate) mod comment;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use smol_str::{SmolStr, format_smolstr};

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::context::{Context, rule};
use crate::kustomize::file::KustomizationFile;
use crate::kustomize::merge_schema::Schema;
use crate::kustomize::{Mode, Outside, scope};
use crate::text::SourceId;
use crate::yaml::{DUPLICATE_KEY, Node};

/// The built-in schema that `openapi.version` may ask for.
const BUILT_IN_VERSION: &str = "v1.21.2";
/// Most references that are followed from one to the next; kustomize follows a circle for ever.
const LONGEST_CHAIN: usize = 100;

/// What is known of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type<'s> {
    /// A type of the built-in schema.
    BuiltIn(&'static Schema),
    /// An OpenAPI schema that a kustomization brings.
    Own(&'s Node),
}

/// How a field takes a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListStrategy<'s> {
    /// The patch's list replaces the old one (or the field is no list).
    Replace,
    /// Elements are merged by these keys; without any, they are scalars that are united.
    Merge(Cow<'s, [&'s str]>),
}

/// The schema of a build.
#[derive(Debug, Default)]
pub(crate) struct OpenApi<'a> {
    /// Whether a kustomization file has asked for a schema; what later ones ask for is passed over.
    is_chosen: bool,
    built_in: BuiltIn,
    own: Option<Definitions<'a>>,
    /// Schemas in comments of resources, and of patches.
    in_comments: [SchemasInComments; 2],
    /// Whether lists that no schema knows are merged by the names of their elements; no build of kustomize wants it.
    #[cfg(test)]
    pub(crate) infers_names: bool,
}

/// Schemas in comments, by the file and the first byte of the list or mapping beside which they stand.
type SchemasInComments = HashMap<(SourceId, u32), Node>;

/// Which side of a merge a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A comment in it is heeded by all patches.
    Resource,
    /// A comment in it is heeded while it is merged: what it adds comes without its comments.
    Patch,
}

/// What the built-in schema is beside one that a kustomization brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum BuiltIn {
    /// Not there: kustomize has had no need of it yet.
    #[default]
    Absent,
    /// kustomize has met a kind that it must look up, and reads the built-in schema after the other: it wins.
    Above,
    /// kustomize has read it before the other, which wins.
    Below,
}

/// The definitions of a schema that a kustomization brings.
#[derive(Debug, Default)]
struct Definitions<'a> {
    by_name: BTreeMap<&'a str, &'a Node>,
    /// By apiVersion and kind.
    by_kind: BTreeMap<(SmolStr, &'a str), &'a Node>,
}

impl OpenApi<'_> {
    /// Returns the schema of a build that has not begun.
    pub(crate) fn new(mode: Mode) -> Self {
        // Flux has kustomize read the built-in schema before each build.
        let built_in = if mode == Mode::Flux { BuiltIn::Below } else { BuiltIn::Absent };
        Self { built_in, ..Self::default() }
    }

    /// Notes that the object `node` is in the build.
    pub(crate) fn note_object(&mut self, node: &Node) {
        if self.built_in != BuiltIn::Absent || self.own.is_some() {
            return;
        }
        let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if Schema::of_kind(api_version, kind).is_none() && !scope::is_cluster_scoped(api_version, kind) {
            self.built_in = BuiltIn::Above;
        }
    }

    /// Notes that a patch is about to be merged.
    pub(crate) fn note_merge(&mut self) {
        if self.own.is_none() {
            self.built_in = BuiltIn::Below;
        }
    }

    /// Returns the type of the objects of `api_version` and `kind`.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Type<'_>> {
        let built_in = || Schema::of_kind(api_version, kind).map(Type::BuiltIn);
        let Some(definitions) = &self.own else { return built_in() };
        self.first(|| definitions.by_kind.get(&(api_version.into(), kind)).map(|node| Type::Own(node)), built_in)
    }

    /// Returns how the list at `field` of a value of type `of` is merged, and the type of the field (of its elements,
    /// where it is a merged list).
    pub(crate) fn field<'s>(&'s self, of: Type<'s>, field: &str) -> (ListStrategy<'s>, Option<Type<'s>>) {
        match of {
            Type::BuiltIn(schema) => schema.field(field).map_or((ListStrategy::Replace, None), |field| {
                let strategy =
                    field.keys.map_or(ListStrategy::Replace, |keys| ListStrategy::Merge(Cow::Borrowed(keys)));
                (strategy, field.to.map(|to| self.current(to)))
            }),
            Type::Own(node) => self.property(node, field).map_or((ListStrategy::Replace, None), |of| self.list(of)),
        }
    }

    /// Returns how a list of type `of` is merged, and the type of its elements; of what is no merged list, `of` itself.
    fn list<'s>(&'s self, of: Type<'s>) -> (ListStrategy<'s>, Option<Type<'s>>) {
        match of {
            Type::Own(list) => match strategy(list) {
                ListStrategy::Replace => (ListStrategy::Replace, Some(of)),
                merged @ ListStrategy::Merge(_) => (merged, self.elements(list)),
            },
            Type::BuiltIn(_) => (ListStrategy::Replace, Some(of)),
        }
    }

    /// Returns whether a comment of the files of this build is a schema.
    pub(crate) fn has_comments(&self) -> bool {
        self.in_comments.iter().any(|schemas| !schemas.is_empty())
    }

    /// Returns what a comment beside `node` of a resource or patch says, as [`Self::field`] does.
    pub(crate) fn beside(&self, node: &Node, part: Part) -> Option<(ListStrategy<'_>, Option<Type<'_>>)> {
        let schemas = self.in_comments.get(part as usize)?;
        let schema = schemas.get(&(node.span.source, node.span.start)).filter(|_| node.as_scalar().is_none())?;
        // A reference to nothing leaves a schema that says nothing.
        Some(self.resolve(schema).map_or((ListStrategy::Replace, None), |of| self.list(of)))
    }

    /// Returns what stands for the built-in type `schema`, where others refer to it.
    fn current(&self, schema: &'static Schema) -> Type<'_> {
        let own = self.own.as_ref().filter(|_| self.built_in == BuiltIn::Below);
        let own = own.and_then(|definitions| definitions.by_name.get(schema.definition()?.as_str()));
        own.and_then(|node| self.resolve(node)).unwrap_or(Type::BuiltIn(schema))
    }

    fn property<'s>(&'s self, node: &'s Node, field: &str) -> Option<Type<'s>> {
        let property = node.at(&["properties", field]);
        let any = || node.get("additionalProperties").filter(|schema| schema.as_map().is_some());
        self.resolve(property.or_else(any)?)
    }

    fn elements<'s>(&'s self, list: &'s Node) -> Option<Type<'s>> {
        let kind = list.get("type")?;
        let is_list = kind.as_str() == Some("array")
            || kind.as_sequence().is_some_and(|kinds| matches!(kinds, [kind] if kind.as_str() == Some("array")));
        self.resolve(list.get("items").filter(|_| is_list)?)
    }

    /// Follows the references from `node` on.
    fn resolve<'s>(&'s self, mut node: &'s Node) -> Option<Type<'s>> {
        for _ in 0..LONGEST_CHAIN {
            let reference = node.get("$ref").and_then(Node::as_str).filter(|reference| !reference.is_empty());
            let Some(reference) = reference else { return Some(Type::Own(node)) };
            match self.referred(reference)? {
                Type::Own(next) => node = next,
                built_in @ Type::BuiltIn(_) => return Some(built_in),
            }
        }
        None
    }

    /// Returns what `reference` points to: `#/definitions/` and a name, perhaps with a path in it.
    fn referred(&self, reference: &str) -> Option<Type<'_>> {
        let (_, pointer) = reference.split_once('#')?;
        let mut parts =
            pointer.strip_prefix("/definitions/")?.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
        let (name, path) = (parts.next()?, parts.collect::<Vec<_>>());
        let own = || {
            let node = *self.own.as_ref()?.by_name.get(name.as_str())?;
            path.iter().try_fold(node, |node, part| node.get(part)).map(Type::Own)
        };
        self.first(own, || Schema::of_definition(&name).filter(|_| path.is_empty()).map(Type::BuiltIn))
    }

    /// Returns what is found in the schema that wins, or else in the other one.
    fn first<'s>(
        &self,
        own: impl FnOnce() -> Option<Type<'s>>,
        built_in: impl FnOnce() -> Option<Type<'s>>,
    ) -> Option<Type<'s>> {
        match self.built_in {
            BuiltIn::Absent => own(),
            BuiltIn::Above => built_in().or_else(own),
            BuiltIn::Below => own().or_else(built_in),
        }
    }
}

fn strategy(property: &Node) -> ListStrategy<'_> {
    let text = |key: &str| property.get(key).and_then(Node::as_str);
    let is_merged = text("x-kubernetes-patch-strategy").is_some_and(|all| all.split(',').any(|one| one == "merge"));
    if !is_merged {
        return ListStrategy::Replace;
    }
    let keys = property.get("x-kubernetes-list-map-keys").and_then(Node::as_sequence);
    ListStrategy::Merge(match keys {
        Some(keys) => keys.iter().filter_map(Node::as_str).collect(),
        None => text("x-kubernetes-patch-merge-key").into_iter().collect(),
    })
}

/// Takes the schema that `file` asks for, where it is the first to ask.
pub(crate) fn choose(context: &mut Context<'_>, file: &KustomizationFile) {
    let Some(openapi) = &file.openapi else { return };
    let (version, path) = (openapi.get("version"), openapi.get("path"));
    let Some(path) = path else {
        let version = version.filter(|version| version.as_str().is_some_and(|text| !text.is_empty()));
        let Some(version) = version.filter(|_| !context.openapi.is_chosen) else { return };
        context.openapi.is_chosen = true;
        if version.as_str() != Some(BUILT_IN_VERSION) {
            let message = format!("kustomize has the OpenAPI schema `{BUILT_IN_VERSION}` only");
            context.error(rule::INVALID, message, version.span, "this version");
        }
        return;
    };
    let found = context.file(&file.dir, path.as_str().unwrap_or_default(), path.span);
    if std::mem::replace(&mut context.openapi.is_chosen, true) {
        return;
    }
    if let Some(version) = version {
        context.error(rule::INVALID, "`openapi` takes a version or a path, not both", version.span, "this version");
    }
    let Some((_, id)) = found else { return };
    context.openapi.own = read(context, id, path);
}

/// Reads the schema file `id`, which `named` names.
fn read<'a>(context: &mut Context<'a>, id: SourceId, named: &Node) -> Option<Definitions<'a>> {
    let repo = context.repo;
    let text = repo.source(id).map_or("", |file| file.text());
    let Some(parsed) = repo.yaml(id) else {
        context.error(rule::INVALID, "the OpenAPI schema is no text", named.span, "named here");
        return None;
    };
    if parsed.is_broken() {
        let is_error = |finding: &&Diagnostic| finding.severity == Severity::Error && finding.rule != DUPLICATE_KEY;
        context.diagnostics.extend(parsed.diagnostics.iter().filter(is_error).cloned());
        return None;
    }
    let root = parsed.documents.first().map(|document| &document.root);
    let Some(root) = root.filter(|root| root.as_map().is_some() || (root.is_null() && !text.is_empty())) else {
        context.error(rule::INVALID, "this file holds no OpenAPI schema", named.span, "named here");
        return None;
    };
    // kustomize takes such a text for JSON and does not try YAML.
    if text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        context.error(rule::INVALID, "an OpenAPI schema that begins with `{` must be JSON", root.span, "this is not");
        return None;
    }
    if root.get("paths").and_then(Node::as_map).is_some_and(|paths| !paths.is_empty()) {
        // They say which kinds have no namespace.
        let reference = named.as_str().unwrap_or_default().into();
        context.outside.push(Outside { what: "paths of an OpenAPI schema", reference, span: named.span });
    }
    let mut definitions = Definitions::default();
    let Some(all) = root.get("definitions") else { return Some(definitions) };
    if is_refused(context, all) {
        return None;
    }
    for entry in all.as_map().into_iter().flatten() {
        let properties = entry.value.get("properties");
        if is_refused(context, &entry.value) || properties.is_some_and(|all| is_refused(context, all)) {
            continue;
        }
        definitions.by_name.insert(entry.key.text(), &entry.value);
        for kind in entry.value.items("x-kubernetes-group-version-kind") {
            add_kind(context, &mut definitions, kind, &entry.value);
        }
    }
    Some(definitions)
}

/// Returns whether `node`, a part of a schema, is no mapping, and says so.
fn is_refused(context: &mut Context<'_>, node: &Node) -> bool {
    let is_refused = node.as_map().is_none() && !node.is_null();
    if is_refused {
        context.error(rule::INVALID, "a mapping belongs here in an OpenAPI schema", node.span, "this value");
    }
    is_refused
}

/// Adds the `definition` of the objects of `kind`, an entry of `x-kubernetes-group-version-kind`.
fn add_kind<'a>(context: &mut Context<'_>, to: &mut Definitions<'a>, kind: &'a Node, definition: &'a Node) {
    let text = |key: &str| kind.get(key).and_then(Node::as_str);
    let (Some(version), Some(name)) = (text("version"), text("kind")) else {
        let message = "a kind of an OpenAPI schema needs `version` and `kind`";
        return context.error(rule::INVALID, message, kind.span, "this one");
    };
    let api_version = match text("group").filter(|group| !group.is_empty()) {
        Some(group) => format_smolstr!("{group}/{version}"),
        None => version.into(),
    };
    to.by_kind.insert((api_version, name), definition);
}
