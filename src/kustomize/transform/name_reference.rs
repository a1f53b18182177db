//! Names that follow the objects they refer to, once those are renamed.
//!
//! Source: kustomize, `api/filters/nameref` and `api/internal/accumulator/namereferencetransformer.go`.

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use crate::kustomize::context::{Context, rule};
use crate::kustomize::transform::config::{Configuration, NameReference};
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, concerns, is_selected, visit};
use crate::kustomize::transform::{retext, wrong_kind};
use crate::kustomize::{Id, Resource};
use crate::text::Span;
use crate::yaml::{Kind, Node, Step};

/// What a reference may follow: the ids of a resource as they are before any reference changes.
pub(super) struct Candidate {
    current: Id,
    history: Vec<Id>,
    prefixes: Vec<SmolStr>,
    suffixes: Vec<SmolStr>,
    is_cluster_scoped: bool,
    /// Where its name stands.
    name_span: Span,
}

impl Candidate {
    /// Returns the ids of `resource` as they are now.
    pub(super) fn of(resource: &Resource) -> Self {
        let current = resource.id();
        Self {
            is_cluster_scoped: current.is_cluster_scoped(),
            current,
            history: resource.history.clone(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            name_span: resource.name_span(),
        }
    }

    fn was(&self, matches: impl Fn(&Id) -> bool) -> bool {
        self.history.iter().any(matches)
    }
}

/// The resources by the names and namespaces that they had.
pub(super) struct Index {
    candidates: Vec<Candidate>,
    by_name: HashMap<SmolStr, Vec<usize>>,
    by_original_namespace: HashMap<SmolStr, Vec<usize>>,
}

impl Index {
    /// Returns the index of `resources` as they are now.
    pub(super) fn of(resources: &[Resource]) -> Self {
        let candidates: Vec<_> = resources.iter().map(Candidate::of).collect();
        let mut by_name: HashMap<SmolStr, Vec<usize>> = HashMap::new();
        let mut by_original_namespace: HashMap<SmolStr, Vec<usize>> = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            for id in &candidate.history {
                let known = by_name.entry(id.name.clone()).or_default();
                if known.last() != Some(&at) {
                    known.push(at);
                }
            }
            let original = candidate.history.first().unwrap_or(&candidate.current);
            if !original.is_cluster_scoped() {
                by_original_namespace.entry(original.effective_namespace().into()).or_default().push(at);
            }
        }
        Self { candidates, by_name, by_original_namespace }
    }
}

/// Makes every field that refers to a renamed resource name it again.
pub(super) fn apply(context: &mut Context<'_>, resources: &mut [Resource], configuration: &Configuration) {
    if resources.iter().all(|resource| resource.history.is_empty()) {
        return;
    }
    let references: Vec<(&NameReference, Vec<&FieldSpec>)> =
        configuration.name_references().map(|(target, fields)| (target, fields.collect())).collect();
    let refers = |resource: &Resource| {
        let original = resource.original_id().gvk;
        let mut fields = references.iter().flat_map(|(_, fields)| fields);
        fields.any(|field| field.selects(&original) && concerns(&resource.node, field))
    };
    // The ids of all resources are much to remember where none refers to another.
    let Some(first) = resources.iter().position(refers) else { return };
    let index = Index::of(resources);
    for (own, resource) in index.candidates.iter().zip(resources).skip(first) {
        follow(context, &index, own, resource, &references);
    }
}

/// Makes the fields of `resource`, whose own ids are `own`, name what they refer to again. Each reference is a kind that
/// is referred to, with the fields that may.
pub(super) fn follow(
    context: &mut Context<'_>,
    index: &Index,
    own: &Candidate,
    resource: &mut Resource,
    references: &[(&NameReference, Vec<&FieldSpec>)],
) {
    let original = resource.original_id().gvk;
    let referrer = Referrer::new(index, own, resource);
    for (target, fields) in references {
        for field in fields.iter().filter(|field| field.selects(&original)) {
            // The walk is for this object whatever kind it once had.
            let field = FieldSpec { path: field.path.clone(), ..FieldSpec::new("") };
            let is_role = field.path.ends_with("roleRef/name");
            let lookup = Lookup { referrer: &referrer, target, is_role };
            if let Err(problem) = lookup.follow(&mut resource.node, &field) {
                report(context, own, &field, problem);
            }
        }
    }
}

/// Why a reference cannot be followed.
enum Problem {
    /// The field does not hold what a reference needs.
    WrongKind(WrongKind),
    /// A mapping without `name`.
    NoName(Span),
    /// Several resources could be meant; their ids.
    Ambiguous(Span, Vec<String>),
}

fn report(context: &mut Context<'_>, referrer: &Candidate, field: &FieldSpec, problem: Problem) {
    let object = format!("{} `{}`", referrer.current.gvk.kind, referrer.current.name);
    match problem {
        Problem::WrongKind(wrong) => wrong_kind(context, "nameReference", wrong.span, &referrer.current, &wrong),
        Problem::NoName(span) => {
            let message = format!("the reference at `{}` of {object} has no `name`", field.path);
            context.error(rule::TRANSFORMER, message, span, "a mapping with `name` belongs here");
        }
        Problem::Ambiguous(span, ids) => {
            let message = format!("the reference of {object} could mean {}", ids.join(", "));
            context.error(rule::TRANSFORMER, message, span, "ambiguous once names are changed");
        }
    }
}

/// The object whose references are followed.
struct Referrer<'a> {
    index: &'a Index,
    own: &'a Candidate,
    /// Namespaces of the ServiceAccounts that a RoleBinding names.
    subject_namespaces: HashSet<SmolStr>,
    /// Group and kind that `roleRef` names.
    role: Option<(SmolStr, SmolStr)>,
}

impl<'a> Referrer<'a> {
    fn new(index: &'a Index, own: &'a Candidate, resource: &Resource) -> Self {
        let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(SmolStr::new);
        let subjects = if own.current.gvk.kind == "RoleBinding" { resource.node.items("subjects") } else { &[] };
        let is_account = |subject: &&Node| subject.get("kind").and_then(Node::as_str) == Some("ServiceAccount");
        let role = resource.node.get("roleRef").and_then(|role| Some((text(role, "apiGroup")?, text(role, "kind")?)));
        let namespaces = subjects.iter().filter(is_account).filter_map(|subject| text(subject, "namespace"));
        Self { index, own, subject_namespaces: namespaces.collect(), role }
    }

    /// Returns whether this object may refer to `other` at all.
    fn reaches(&self, other: &Candidate) -> bool {
        self.own.is_cluster_scoped
            || other.is_cluster_scoped
            || other.current.effective_namespace() == self.own.current.effective_namespace()
            || self.subject_namespaces.contains(&other.current.namespace)
    }
}

/// A field of a referrer, and the kind that it refers to.
struct Lookup<'a> {
    referrer: &'a Referrer<'a>,
    target: &'a NameReference,
    is_role: bool,
}

/// What several candidates must agree on to count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Name,
    NameAndNamespace,
}

impl<'a> Lookup<'a> {
    fn follow(&self, object: &mut Node, field: &FieldSpec) -> Result<(), Problem> {
        let mut problem = None;
        let mut set = |node: &mut Node| {
            if problem.is_none() {
                problem = self.set(node).err();
            }
            Ok(())
        };
        visit(object, field, Missing::Skip, &mut set).map_err(Problem::WrongKind)?;
        problem.map_or(Ok(()), Err)
    }

    fn set(&self, node: &mut Node) -> Result<(), Problem> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.kind {
            Kind::Scalar(_) => self.set_scalar(node),
            Kind::Map(_) => self.set_map(node),
            Kind::Sequence(items) if items.iter().any(|item| item.as_sequence().is_some()) => {
                Err(Problem::WrongKind(WrongKind::new(node, "names, or mappings with `name`")))
            }
            Kind::Sequence(items) => items.make_mut().iter_mut().try_for_each(|item| self.set(item)),
        }
    }

    fn set_scalar(&self, node: &mut Node) -> Result<(), Problem> {
        let Some(old) = node.as_str() else { return Ok(()) };
        let Some(found) = self.select(old, node.span, None, Agreement::Name)? else { return Ok(()) };
        if found.current.name != old {
            *node = followed(node, &found.current.name, found);
        }
        Ok(())
    }

    fn set_map(&self, node: &mut Node) -> Result<(), Problem> {
        let Some(name) = node.get("name") else { return Err(Problem::NoName(node.span)) };
        let Some(old) = name.as_str() else { return Ok(()) };
        let namespace = node.get("namespace").map(|node| node.as_str().unwrap_or("null"));
        let Some(found) = self.select(old, name.span, namespace, Agreement::NameAndNamespace)? else { return Ok(()) };
        let (name, namespace) = (&found.current.name, &found.current.namespace);
        let name_node = followed_if_new(node.get("name"), name, found);
        let namespace_node = match (node.get("namespace"), namespace.is_empty()) {
            (_, true) => None,
            (Some(old), false) => followed_if_new(Some(old), namespace, found),
            (None, false) => Some(Node::string(namespace.clone(), found.name_span).via(
                Step::NameReference,
                Some(found.name_span),
                None,
            )),
        };
        let Some(map) = node.as_map_mut().filter(|_| name_node.is_some() || namespace_node.is_some()) else {
            return Ok(());
        };
        for (key, value) in [("name", name_node), ("namespace", namespace_node)] {
            if let Some(value) = value {
                map.set(key, value);
            }
        }
        Ok(())
    }

    /// Returns the resource that `old_name` means; nothing where none of them was renamed.
    ///
    /// # Errors
    /// When there are several.
    fn select(
        &self,
        old_name: &str,
        span: Span,
        namespace: Option<&str>,
        agreement: Agreement,
    ) -> Result<Option<&'a Candidate>, Problem> {
        let index = self.referrer.index;
        let Some(known) = index.by_name.get(old_name) else { return Ok(None) };
        let is_there = |candidate: &Candidate| namespace.is_none_or(|namespace| self.is_in(candidate, namespace));
        let mut found: Vec<&'a Candidate> = known.iter().map(|at| &index.candidates[*at]).collect();
        found.retain(|candidate| {
            let is_kind = candidate.was(|id| self.target.targets(&id.gvk));
            is_kind && self.is_role(candidate) && self.is_near(candidate) && is_there(candidate)
        });
        if found.len() > 1 {
            found.retain(|candidate| self.has_same_affixes(candidate, Affixes::MayBeEmpty));
            if found.len() > 1 {
                found.retain(|candidate| self.has_same_affixes(candidate, Affixes::Equal));
            }
        }
        let Some(first) = found.first() else { return Ok(None) };
        let agrees = |other: &&Candidate| {
            other.current.name == first.current.name
                && (agreement == Agreement::Name || other.current.namespace == first.current.namespace)
        };
        if found.iter().all(agrees) {
            return Ok(Some(first));
        }
        let ids = found.iter().map(|candidate| format!("`{}/{}`", candidate.current.namespace, candidate.current.name));
        Err(Problem::Ambiguous(span, ids.collect()))
    }

    fn is_role(&self, candidate: &Candidate) -> bool {
        match &self.referrer.role {
            Some((group, kind)) if self.is_role => candidate.was(|id| is_selected(&id.gvk, group, "", kind)),
            _ => true,
        }
    }

    /// Returns whether the candidate is in a place that the referrer can name.
    fn is_near(&self, candidate: &Candidate) -> bool {
        let own = self.referrer.own;
        self.referrer.reaches(candidate)
            && (own.is_cluster_scoped
                || candidate.is_cluster_scoped
                || candidate.current.gvk.kind == "ServiceAccount"
                || candidate.current.effective_namespace() == own.current.effective_namespace())
    }

    /// Returns whether `namespace`, written beside the name, is the candidate's: its original one if any object that
    /// can be referred to came from there, else its current one.
    fn is_in(&self, candidate: &Candidate, namespace: &str) -> bool {
        let index = self.referrer.index;
        let original = candidate.history.first().unwrap_or(&candidate.current);
        let from_there = index.by_original_namespace.get(namespace);
        let is_original =
            from_there.is_some_and(|all| all.iter().any(|at| self.referrer.reaches(&index.candidates[*at])));
        let id = if is_original { original } else { &candidate.current };
        !id.is_cluster_scoped() && id.effective_namespace() == namespace
    }

    fn has_same_affixes(&self, candidate: &Candidate, affixes: Affixes) -> bool {
        let own = self.referrer.own;
        let is_same = |a: &[SmolStr], b: &[SmolStr]| {
            (affixes == Affixes::MayBeEmpty && (a.is_empty() || b.is_empty())) || has_same_end(a, b)
        };
        is_same(&candidate.prefixes, &own.prefixes) && is_same(&candidate.suffixes, &own.suffixes)
    }
}

/// How the affixes of referrer and target are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affixes {
    /// One without any matches all.
    MayBeEmpty,
    /// They end alike.
    Equal,
}

/// Returns whether the shorter list ends the longer one; an empty one ends only an empty one.
fn has_same_end(a: &[SmolStr], b: &[SmolStr]) -> bool {
    a.is_empty() == b.is_empty() && (a.ends_with(b) || b.ends_with(a))
}

fn followed(old: &Node, text: &SmolStr, found: &Candidate) -> Node {
    retext(old, text.clone(), old.span, Step::NameReference, found.name_span)
}

fn followed_if_new(old: Option<&Node>, text: &SmolStr, found: &Candidate) -> Option<Node> {
    old.filter(|old| old.as_str() != Some(text)).map(|old| followed(old, text, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affixes_are_compared_from_the_outermost_inwards() {
        let list = |text: &str| text.split_whitespace().map(SmolStr::new).collect::<Vec<_>>();
        assert!(has_same_end(&list("a b c"), &list("b c")));
        assert!(!has_same_end(&list("a b c"), &list("a b")));
        assert!(!has_same_end(&list("a"), &list("")));
        assert!(has_same_end(&list(""), &list("")));
    }
}
