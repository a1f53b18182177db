//! `configMapGenerator` and `secretGenerator`.
//!
//! Source: kustomize, `api/internal/generators`, `api/resmap/reswrangler.go` and `kyaml/yaml/datamap.go`.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smol_str::SmolStr;

use crate::kustomize::context::{Accumulator, Context, rule};
use crate::kustomize::resource::Behavior;
use crate::kustomize::transform::is_true;
use crate::kustomize::transform::pairs::non_string_key;
use crate::kustomize::transform::sources::{self, Value};
use crate::kustomize::{Id, Resource};
use crate::text::{RepoPath, Span};
use crate::yaml::{Entry, Key, Map, Node, Scalar, Step};

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generated {
    /// `configMapGenerator`
    ConfigMap,
    /// `secretGenerator`
    Secret,
}

impl Generated {
    /// Returns the generator's field in a kustomization file.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::ConfigMap => "configMapGenerator",
            Self::Secret => "secretGenerator",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// Where `buildMetadata` notes what made a resource.
const ORIGIN: &str = "config.kubernetes.io/origin";

/// Characters of one line of base64 in generated data.
const BASE64_LINE: usize = 70;

/// Generates the object of `entry`, found in `dir`, and adds it, or merges it into the one that it is for.
pub(super) fn run(
    context: &mut Context<'_>,
    to: &mut Accumulator,
    names: &mut Names,
    entry: &Node,
    generator: &Generator<'_>,
) {
    let Some(resource) = generate(context, entry, generator) else { return };
    absorb(context, to, names, resource, entry);
}

/// What one kind of generator has in common for all its entries.
pub(super) struct Generator<'a> {
    /// What is generated.
    pub(super) what: Generated,
    /// `generatorOptions`
    pub(super) global: Option<&'a Node>,
    /// Where its files are looked for.
    pub(super) dir: &'a RepoPath,
}

/// Positions of resources by every name that they have or had.
pub(super) struct Names(HashMap<SmolStr, Vec<usize>>);

impl Names {
    /// Returns the names of `resources`.
    pub(super) fn of(resources: &[Resource]) -> Self {
        let mut names = Self(HashMap::new());
        for (at, resource) in resources.iter().enumerate() {
            names.add(resource, at);
        }
        names
    }

    fn add(&mut self, resource: &Resource, at: usize) {
        let earlier = resource.history.iter().map(|id| id.name.as_str());
        for name in earlier.chain([resource.name()]) {
            let known = self.0.entry(name.into()).or_default();
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
    }

    /// Returns the positions of the resources that have or had `id`.
    fn find(&self, resources: &[Resource], id: &Id) -> Vec<usize> {
        let has =
            |resource: &Resource| resource.history.iter().any(|other| other.is_same(id)) || resource.id().is_same(id);
        let known = self.0.get(&id.name).map_or(&[][..], Vec::as_slice);
        known.iter().copied().filter(|at| resources.get(*at).is_some_and(has)).collect()
    }
}

/// Generates the ServiceAccount that an `IAMPolicyGenerator` describes.
pub(super) fn run_iam_policy(context: &mut Context<'_>, to: &mut Accumulator, config: &Node) {
    let text = |keys: &[&str]| config.at(keys).and_then(Node::as_str).unwrap_or_default();
    if text(&["cloud"]) != "gke" {
        context.error(
            rule::GENERATOR,
            "an `IAMPolicyGenerator` knows no cloud but `gke`",
            config.span,
            "another cloud",
        );
        return;
    }
    let at = config.span;
    let (account, project) = (text(&["serviceAccount", "name"]), text(&["serviceAccount", "projectId"]));
    let address = format!("{account}@{project}.iam.gserviceaccount.com");
    let mut object = Object { node: Node::empty_map(at), at, field: "generators" };
    object.set("apiVersion", Node::string("v1", at));
    object.set("kind", Node::string("ServiceAccount", at));
    let mut metadata = Object { node: Node::empty_map(at), at, field: "generators" };
    let mut annotations = Object { node: Node::empty_map(at), at, field: "generators" };
    annotations.set("iam.gke.io/gcp-service-account", Node::string(address, at));
    metadata.set("annotations", annotations.node);
    for key in ["name", "namespace"] {
        if let Some(value) = config.at(&["kubernetesService", key]) {
            metadata.set(key, string_of(value));
        }
    }
    object.set("metadata", metadata.node);
    let mut resource = Resource::new(object.node, at);
    resource.is_generated = true;
    absorb(context, to, &mut Names::of(&to.resources), resource, config);
}

fn generate(context: &mut Context<'_>, entry: &Node, generator: &Generator<'_>) -> Option<Resource> {
    let Generator { what, global, dir } = *generator;
    let text = |key: &str| entry.get(key).filter(|node| node.as_str().is_some_and(|text| !text.is_empty()));
    let metadata = |key: &str| text(key).or_else(|| entry.at(&["metadata", key]));
    let Some(name) = metadata("name") else {
        context.error(rule::GENERATOR, format!("an entry of `{}` needs a name", what.field()), entry.span, "no name");
        return None;
    };
    let options = Options::of(entry.get("options"), global);
    let at = entry.span;
    let mut object = Object { node: Node::empty_map(at), at, field: what.field() };
    object.set("apiVersion", Node::string("v1", at));
    object.set("kind", Node::string(what.kind(), at));
    let mut fields = Object { node: Node::empty_map(at), at, field: what.field() };
    fields.set("name", string_of(name));
    if let Some(namespace) = metadata("namespace") {
        fields.set("namespace", string_of(namespace));
    }
    fields.set_pairs("labels", &options.labels);
    fields.set_pairs("annotations", &options.annotations);
    object.set("metadata", fields.node);
    if what == Generated::Secret {
        object.set("type", text("type").map_or_else(|| Node::string("Opaque", at), string_of));
    }
    set_data(context, &mut object, entry, what, dir);
    if options.is_immutable {
        object.set("immutable", Node::plain("true", at));
    }
    let mut resource = Resource::new(object.node, at);
    resource.is_generated = true;
    resource.needs_hash = !options.is_hash_disabled;
    resource.behavior = match text("behavior").and_then(Node::as_str) {
        Some("merge") => Behavior::Merge,
        Some("replace") => Behavior::Replace,
        _ => Behavior::Create,
    };
    Some(resource)
}

fn set_data(context: &mut Context<'_>, object: &mut Object, entry: &Node, what: Generated, dir: &RepoPath) {
    let mut seen: BTreeMap<SmolStr, Span> = BTreeMap::new();
    if what == Generated::Secret {
        object.set("data", Node::empty_map(object.at));
    }
    for pair in sources::read(context, dir, entry) {
        if let Some(first) = seen.insert(pair.key.clone(), pair.entry) {
            let message = format!("`{}` gives the key `{}` twice", what.field(), pair.key);
            context.error(rule::GENERATOR, message, pair.entry, "given again here");
            if let Some(diagnostic) = context.diagnostics.pop() {
                context.diagnostics.push(diagnostic.label(first, "given here"));
            }
            continue;
        }
        if let Some(read_as) = non_string_key(&Scalar::string(pair.key.clone())) {
            let message = format!("the data key `{read_as}` reads back as something else than a string");
            context.error(rule::GENERATOR, message, pair.entry, "kustomize cannot print this key");
            continue;
        }
        let (field, value) = match (what, &pair.value) {
            (Generated::ConfigMap, Value::Text(text)) => ("data", SmolStr::new(text)),
            (Generated::ConfigMap, Value::Binary(bytes)) => ("binaryData", broken_base64(bytes)),
            (Generated::Secret, value) => ("data", broken_base64(value.bytes())),
        };
        if object.node.get(field).is_none() {
            object.set(field, Node::empty_map(object.at));
        }
        let node = Node::string(value, pair.span).via(Step::Transformer(what.field()), Some(pair.entry), None);
        if let Some(data) = object.node.get_mut(field).and_then(Node::as_map_mut) {
            data.push(Entry { key: key(&pair.key, pair.entry), value: node });
        }
    }
}

/// An object that is being built: what has no place of its own points at the generator's entry.
struct Object {
    node: Node,
    at: Span,
    field: &'static str,
}

impl Object {
    fn set(&mut self, name: &str, value: Node) {
        let value = value.via(Step::Transformer(self.field), Some(self.at), None);
        if let Some(map) = self.node.as_map_mut() {
            map.push(Entry { key: key(name, self.at), value });
        }
    }

    fn set_pairs(&mut self, name: &str, pairs: &[&Entry]) {
        if pairs.is_empty() {
            return;
        }
        let entries = pairs.iter().map(|pair| {
            let value = string_of(&pair.value).via(Step::Transformer(self.field), Some(pair.value.span), None);
            Entry { key: pair.key.clone(), value }
        });
        self.set(name, Node::map(entries.collect(), self.at));
    }
}

fn key(text: &str, span: Span) -> Key {
    Key::string(text, span)
}

/// Returns the text of a scalar as a string, whatever its type.
fn string_of(node: &Node) -> Node {
    Node::string(node.as_str().unwrap_or_default(), node.span)
}

/// Returns base64 as kustomize writes it into objects: text of a line's length or more is broken after every line.
fn broken_base64(bytes: &[u8]) -> SmolStr {
    let text = STANDARD.encode(bytes);
    if text.len() < BASE64_LINE {
        return text.into();
    }
    let mut broken = String::with_capacity(text.len() + text.len() / BASE64_LINE + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(BASE64_LINE.min(rest.len()));
        broken.push_str(line);
        broken.push('\n');
        rest = more;
    }
    broken.into()
}

/// `options` of an entry over `generatorOptions`: the entry's pairs win, either may say yes to the flags.
struct Options<'a> {
    labels: Vec<&'a Entry>,
    annotations: Vec<&'a Entry>,
    is_hash_disabled: bool,
    is_immutable: bool,
}

impl<'a> Options<'a> {
    fn of(local: Option<&'a Node>, global: Option<&'a Node>) -> Self {
        let pairs = |key: &str| {
            let own = local.and_then(|options| options.get(key)).and_then(Node::as_map);
            let shared = global.and_then(|options| options.get(key)).and_then(Node::as_map);
            let is_new = |entry: &&'a Entry| own.is_none_or(|own| own.get(entry.key.text()).is_none());
            own.into_iter().flat_map(Map::iter).chain(shared.into_iter().flat_map(Map::iter).filter(is_new)).collect()
        };
        let flag = |key: &str| [local, global].into_iter().any(|options| is_true(options.and_then(|all| all.get(key))));
        Self {
            labels: pairs("labels"),
            annotations: pairs("annotations"),
            is_hash_disabled: flag("disableNameSuffixHash"),
            is_immutable: flag("immutable"),
        }
    }
}

/// Adds `resource`, or does with the one that has or had its id what its behavior says.
fn absorb(context: &mut Context<'_>, to: &mut Accumulator, names: &mut Names, mut resource: Resource, entry: &Node) {
    let id = resource.id();
    let matches = names.find(&to.resources, &id);
    let span = entry.get("name").unwrap_or(entry).span;
    let refuse = |context: &mut Context<'_>, problem: &str| {
        let message = format!("generated {} {problem}", resource.object_ref());
        context.error(rule::GENERATOR, message, span, "generated here");
    };
    match (matches.as_slice(), resource.behavior) {
        ([], Behavior::Create) => {
            names.add(&resource, to.resources.len());
            to.resources.push(resource);
        }
        ([], _) => refuse(context, "replaces or extends one that does not exist"),
        ([_], Behavior::Create) => refuse(context, "exists already; its behavior must be `merge` or `replace`"),
        ([at], behavior) => {
            let old = &mut to.resources[*at];
            take_metadata(&mut resource, old, behavior);
            if behavior == Behavior::Merge {
                merge_data(&mut resource.node, &old.node, "data");
                merge_data(&mut resource.node, &old.node, "binaryData");
            }
            *old = resource;
        }
        _ => refuse(context, "could extend several resources"),
    }
}

/// Gives `new` the identity of `old`, and the labels and annotations that only `old` has.
fn take_metadata(new: &mut Resource, old: &Resource, behavior: Behavior) {
    for field in ["labels", "annotations"] {
        let Some(pairs) = old.node.at(&["metadata", field]).and_then(Node::as_map) else { continue };
        let Some(metadata) = new.node.get_mut("metadata").and_then(Node::as_map_mut) else { continue };
        let own = metadata.get(field).and_then(Node::as_map).cloned().unwrap_or_default();
        // What replaces a resource has an origin of its own.
        let is_kept = |entry: &&Entry| behavior == Behavior::Merge || entry.key.text() != ORIGIN;
        let is_new = |entry: &&Entry| own.get(entry.key.text()).is_none() && is_kept(entry);
        let as_string = |entry: &Entry| {
            let mut entry = entry.clone();
            if let Some(scalar) = entry.value.as_scalar_mut() {
                *scalar = Scalar::string(scalar.text.clone());
            }
            entry
        };
        let mut entries: Vec<_> = pairs.iter().filter(is_new).map(as_string).collect();
        entries.extend(own.iter().cloned());
        let span = old.node.at(&["metadata", field]).map_or(new.origin, |node| node.span);
        if !entries.is_empty() {
            metadata.set(field, Node::map(entries, span));
        }
    }
    for field in ["name", "namespace"] {
        let Some(value) = old.node.at(&["metadata", field]) else { continue };
        if let Some(metadata) = new.node.get_mut("metadata").and_then(Node::as_map_mut) {
            metadata.set(field, value.clone());
        }
    }
    new.history.clone_from(&old.history);
    new.prefixes.clone_from(&old.prefixes);
    new.suffixes.clone_from(&old.suffixes);
    new.behavior = old.behavior;
    new.needs_hash &= old.needs_hash;
}

/// Adds the keys of `field` that only `old` has; every value becomes a string.
fn merge_data(new: &mut Node, old: &Node, field: &str) {
    let own = new.get(field).and_then(Node::as_map).cloned().unwrap_or_default();
    let Some((before, span)) = old.get(field).and_then(|node| Some((node.as_map()?, node.span))) else { return };
    let is_new = |entry: &&Entry| own.get(entry.key.text()).is_none();
    let mut entries: Vec<_> = before.iter().filter(is_new).cloned().collect();
    for entry in &mut entries {
        if let Some(scalar) = entry.value.as_scalar_mut() {
            *scalar = Scalar::string(scalar.text.clone());
        }
    }
    entries.extend(own.iter().cloned());
    let Some(map) = new.as_map_mut() else { return };
    if entries.is_empty() {
        map.remove(field);
        return;
    }
    map.set(field, Node::map(entries, span));
}
