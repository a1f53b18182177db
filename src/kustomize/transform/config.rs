//! `configurations` and `crds`: fields that a repository adds to kustomize's own tables.
//!
//! Source: kustomize, `api/internal/plugins/builtinconfig` and `api/internal/accumulator/loadconfigfromcrds.go`.

use std::collections::BTreeSet;

use smol_str::{SmolStr, format_smolstr};

use crate::kube::Gvk;
use crate::kustomize::context::{Context, rule};
use crate::kustomize::file::KustomizationFile;
use crate::kustomize::transform::field_spec::{FieldSpec, is_selected};
use crate::kustomize::transform::tables::default_tables;
use crate::text::Span;
use crate::yaml::Node;

/// Which fields hold the name of an object of some kind.
#[derive(Debug, Clone)]
pub(crate) struct NameReference {
    /// Group of the object that is referred to; empty for any.
    pub(super) group: SmolStr,
    /// Its version; empty for any.
    pub(super) version: SmolStr,
    /// Its kind; empty for any.
    pub(super) kind: SmolStr,
    /// The fields that refer to it.
    pub(super) referrers: Vec<FieldSpec>,
}

impl NameReference {
    /// Returns whether objects of `gvk` are referred to.
    pub(super) fn targets(&self, gvk: &Gvk) -> bool {
        is_selected(gvk, &self.group, &self.version, &self.kind)
    }

    /// Returns the references of `referrers`, entries of `fieldSpecs`, to the kind that `target` names.
    pub(super) fn new(target: FieldSpec, referrers: &[Node]) -> Self {
        let referrers = referrers.iter().map(FieldSpec::from_node).collect();
        Self { group: target.group, version: target.version, kind: target.kind, referrers }
    }

    fn has_gvk_of(&self, other: &Self) -> bool {
        self.group == other.group && self.version == other.version && self.kind == other.kind
    }
}

/// One list of fields per transformer, named as in a `configurations` file.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) name_prefix: Vec<FieldSpec>,
    pub(super) name_suffix: Vec<FieldSpec>,
    pub(super) namespace: Vec<FieldSpec>,
    pub(super) common_labels: Vec<FieldSpec>,
    pub(super) labels: Vec<FieldSpec>,
    pub(super) template_labels: Vec<FieldSpec>,
    pub(super) common_annotations: Vec<FieldSpec>,
    pub(super) images: Vec<FieldSpec>,
    pub(super) replicas: Vec<FieldSpec>,
    pub(super) var_reference: Vec<FieldSpec>,
    pub(super) name_reference: Vec<NameReference>,
}

/// One list of [`Tables`].
pub(super) type List = fn(&Tables) -> &Vec<FieldSpec>;

/// One list of [`Tables`], for change.
type ListMut = fn(&mut Tables) -> &mut Vec<FieldSpec>;

/// The lists of field specs with their names in a `configurations` file.
#[rustfmt::skip]
const LISTS: &[(&str, List, ListMut)] = &[
    ("namePrefix", |tables| &tables.name_prefix, |tables| &mut tables.name_prefix),
    ("nameSuffix", |tables| &tables.name_suffix, |tables| &mut tables.name_suffix),
    ("namespace", |tables| &tables.namespace, |tables| &mut tables.namespace),
    ("commonLabels", |tables| &tables.common_labels, |tables| &mut tables.common_labels),
    ("labels", |tables| &tables.labels, |tables| &mut tables.labels),
    ("templateLabels", |tables| &tables.template_labels, |tables| &mut tables.template_labels),
    ("commonAnnotations", |tables| &tables.common_annotations, |tables| &mut tables.common_annotations),
    ("images", |tables| &tables.images, |tables| &mut tables.images),
    ("replicas", |tables| &tables.replicas, |tables| &mut tables.replicas),
    ("varReference", |tables| &tables.var_reference, |tables| &mut tables.var_reference),
];

/// Kinds that kustomize sorts behind all others.
const LAST_KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Two specs of one field, of which only one makes what is missing.
#[derive(Debug)]
pub(super) struct Conflict;

/// Returns whether `specific` is sorted before `general` and covers it.
fn hides(specific: &FieldSpec, general: &FieldSpec) -> bool {
    // Only kinds that are applied last are sorted behind a spec for any kind.
    let is_behind = general.kind.is_empty() && LAST_KINDS.contains(&specific.kind.as_str());
    specific.covers(general) && !general.covers(specific) && !is_behind
}

/// Adds `spec` to `own`, unless it or `base` covers it already.
///
/// # Errors
/// When what covers it has another `create`.
pub(super) fn add(own: &mut Vec<FieldSpec>, base: &[FieldSpec], spec: &FieldSpec) -> Result<(), Conflict> {
    match base.iter().chain(own.iter()).find(|known| known.covers(spec)) {
        Some(known) if known.create == spec.create => Ok(()),
        Some(_) => Err(Conflict),
        None => {
            own.push(spec.clone());
            Ok(())
        }
    }
}

/// The fields of all transformers: kustomize's tables and what `configurations` and `crds` add to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configuration {
    /// Without kustomize's own, so that merging is cheap.
    added: Tables,
}

impl Configuration {
    /// Returns the fields of one transformer: kustomize's, then the added ones.
    ///
    /// A spec goes where a more specific one of the same field exists: kustomize merges its sorted list once more, and
    /// takes the general one for known.
    pub(super) fn specs(&self, list: List) -> Vec<&FieldSpec> {
        let (base, added) = (list(default_tables()), list(&self.added));
        let is_hidden = |spec: &&FieldSpec| added.iter().any(|other| hides(other, spec));
        base.iter().chain(added).filter(|spec| !is_hidden(spec)).collect()
    }

    /// Returns every kind that is referred to by name, with the referring fields.
    pub(super) fn name_references(&self) -> impl Iterator<Item = (&NameReference, impl Iterator<Item = &FieldSpec>)> {
        let own = default_tables().name_reference.iter();
        let known = own.map(|reference| (reference, self.added_to(reference)));
        let is_new = |reference: &&NameReference| default_reference(reference).is_none();
        let new = self.added.name_reference.iter().filter(is_new).map(|reference| (reference, &[][..]));
        known.chain(new).map(|(reference, more)| (reference, reference.referrers.iter().chain(more)))
    }

    fn added_to(&self, reference: &NameReference) -> &[FieldSpec] {
        let added = self.added.name_reference.iter().find(|added| added.has_gvk_of(reference));
        added.map_or(&[], |added| &added.referrers)
    }

    /// Adds what `file` says in `configurations` and `crds`.
    pub(crate) fn extend_from_file(&mut self, context: &mut Context<'_>, file: &KustomizationFile) {
        for reference in &file.configurations {
            let Some(path) = reference.as_str() else { continue };
            let Some((_, id)) = context.file(&file.dir, path, reference.span) else { continue };
            let repo = context.repo;
            let Some(parsed) = repo.yaml(id) else {
                context.error(rule::INVALID, format!("`{path}` is not text"), reference.span, "named here");
                continue;
            };
            context.diagnostics.extend(parsed.diagnostics.iter().cloned());
            if let Some(document) = parsed.documents.first() {
                self.extend(context, &document.root);
            }
        }
        for reference in &file.crds {
            let Some(path) = reference.as_str() else { continue };
            let Some((_, id)) = context.file(&file.dir, path, reference.span) else { continue };
            let Some(document) = context.repo.yaml(id).and_then(|parsed| parsed.documents.first()) else {
                context.error(
                    rule::INVALID,
                    format!("`{path}` holds no OpenAPI definitions"),
                    reference.span,
                    "named here",
                );
                continue;
            };
            self.extend_from_definitions(context, &document.root, reference.span);
        }
    }

    /// Adds the lists of a `configurations` document.
    fn extend(&mut self, context: &mut Context<'_>, document: &Node) {
        for (key, list, list_mut) in LISTS {
            for entry in document.items(key) {
                let base = list(default_tables());
                let spec = FieldSpec::from_node(entry);
                let contradicts = base.iter().any(|general| hides(&spec, general) && general.create != spec.create);
                if contradicts || add(list_mut(&mut self.added), base, &spec).is_err() {
                    conflict(context, key, entry.span);
                }
            }
        }
        for entry in document.items("nameReference") {
            let reference = NameReference::new(FieldSpec::from_node(entry), entry.items("fieldSpecs"));
            if self.refer(&reference).is_err() {
                conflict(context, "nameReference", entry.span);
            }
        }
    }

    /// Adds the referrers of `reference` to those of the same kind.
    ///
    /// # Errors
    /// When a field is known with another `create`; the remaining ones are added.
    fn refer(&mut self, reference: &NameReference) -> Result<(), Conflict> {
        let base = default_reference(reference).map_or(&[][..], |known| &known.referrers);
        let all = &mut self.added.name_reference;
        let at = all.iter().position(|known| known.has_gvk_of(reference)).unwrap_or_else(|| {
            all.push(NameReference { referrers: Vec::new(), ..reference.clone() });
            all.len() - 1
        });
        let own = &mut all[at];
        let mut result = Ok(());
        for referrer in &reference.referrers {
            result = add(&mut own.referrers, base, referrer).and(result);
        }
        result
    }

    /// Adds what a directory below collected; of two specs of one field the first wins.
    pub(crate) fn merge(&mut self, other: Self) {
        for (_, list, list_mut) in LISTS {
            for spec in list(&other.added) {
                let _: Result<(), Conflict> = add(list_mut(&mut self.added), list(default_tables()), spec);
            }
        }
        for reference in other.added.name_reference {
            let _: Result<(), Conflict> = self.refer(&reference);
        }
    }

    /// Adds the fields that OpenAPI `definitions`, named at `span`, mark as references, labels, annotations or names.
    fn extend_from_definitions(&mut self, context: &mut Context<'_>, definitions: &Node, span: Span) {
        let Some(map) = definitions.as_map() else {
            context.error(rule::INVALID, "these are no OpenAPI definitions", span, "named here");
            return;
        };
        if map.iter().any(|entry| entry.value.as_map().is_none()) {
            let message = "kustomize reads OpenAPI definitions here, not a CustomResourceDefinition";
            context.error(rule::INVALID, message, span, "named here");
            return;
        }
        for entry in map {
            let properties = properties_of(&entry.value);
            let is_object = ["kind", "apiVersion", "metadata"]
                .iter()
                .all(|key| properties.is_some_and(|all| all.get(key).is_some()));
            if is_object {
                let name = entry.key.text();
                let kind = name.rsplit('.').next().unwrap_or(name);
                self.extend_from_definition(kind, definitions, name, "", &mut BTreeSet::new());
            }
        }
    }

    /// Adds the marked fields of the definition `name`, which stands at `path` in objects of `kind`.
    fn extend_from_definition(
        &mut self,
        kind: &str,
        definitions: &Node,
        name: &str,
        path: &str,
        entered: &mut BTreeSet<SmolStr>,
    ) {
        let Some(properties) = definitions.get(name).and_then(properties_of) else { return };
        // kustomize recurses for ever on a definition that holds itself.
        if !entered.insert(name.into()) {
            return;
        }
        for (key, property) in
            properties.as_map().into_iter().flat_map(|map| map.iter().map(|entry| (entry.key.text(), &entry.value)))
        {
            let text = |key: &str| property.get(key).and_then(Node::as_str);
            let path = if path.is_empty() { SmolStr::new(key) } else { format_smolstr!("{path}/{key}") };
            let field = |path: SmolStr| FieldSpec { kind: kind.into(), path, ..FieldSpec::new("") };
            for (mark, list, list_mut) in MARKS {
                if text(mark).is_some() {
                    let _: Result<(), Conflict> =
                        add(list_mut(&mut self.added), list(default_tables()), &field(path.clone()));
                }
            }
            if let (Some(version), Some(kind)) =
                (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind"))
            {
                let name_key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
                let _: Result<(), Conflict> = self.refer(&NameReference {
                    group: SmolStr::default(),
                    version: version.into(),
                    kind: kind.into(),
                    referrers: vec![field(format_smolstr!("{path}/{name_key}"))],
                });
            }
            if let Some(reference) = text("$ref") {
                self.extend_from_definition(kind, definitions, reference, &path, entered);
            }
        }
        entered.remove(name);
    }
}

/// The extensions of OpenAPI properties that mark a field, and the list that the field goes to.
#[rustfmt::skip]
const MARKS: &[(&str, List, ListMut)] = &[
    ("x-kubernetes-annotation", |tables| &tables.common_annotations, |tables| &mut tables.common_annotations),
    ("x-kubernetes-label-selector", |tables| &tables.common_labels, |tables| &mut tables.common_labels),
    ("x-kubernetes-identity", |tables| &tables.name_prefix, |tables| &mut tables.name_prefix),
];

fn properties_of(definition: &Node) -> Option<&Node> {
    let schema = definition.get("Schema").or_else(|| definition.get("schema"))?;
    schema.get("properties")
}

fn default_reference(reference: &NameReference) -> Option<&'static NameReference> {
    default_tables().name_reference.iter().find(|known| known.has_gvk_of(reference))
}

fn conflict(context: &mut Context<'_>, list: &str, span: Span) {
    let message = format!("`{list}` names a field that is known with another `create`");
    context.error(rule::INVALID, message, span, "named again here");
}
