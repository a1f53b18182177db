//! `vars`: `$(NAME)` in certain fields, replaced by a field of another object.
//!
//! Source: kustomize, `api/internal/accumulator/resaccumulator.go` and `api/filters/refvar`.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::kube::Gvk;
use crate::kustomize::context::{Accumulator, Context, rule};
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::path::{look_up, split};
use crate::kustomize::transform::wrong_kind;
use crate::kustomize::{Id, Resource};
use crate::text::Span;
use crate::yaml::{Dialect, Kind, Map, Members, Node, Scalar, Step, Style, Typed};

/// An entry of `vars`.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    name: SmolStr,
    /// What the object that it reads from was called when the entry was read.
    source: Option<Id>,
    field: SmolStr,
    span: Span,
}

/// Collects the entries of `vars`, and marks the resources that they read from.
pub(super) fn collect(context: &mut Context<'_>, to: &mut Accumulator, vars: &[Node]) {
    for entry in vars {
        let Some(name) = entry.get("name").and_then(Node::as_str) else { continue };
        if let Some(known) = to.variables.iter().find(|known| known.name == name) {
            report_repeated(context, name, known.span, entry.span);
            continue;
        }
        let found = to.positions_by_any_id(|id| is_meant(entry.get("objref"), id));
        if found.len() > 1 {
            let message = format!("the var `{name}` could read from {} objects", found.len());
            let span = entry.get("objref").unwrap_or(entry).span;
            context.error(rule::TRANSFORMER, message, span, "several objects match");
        }
        let source = found.first().map(|at| to.resources[*at].id());
        let field = entry.at(&["fieldref", "fieldPath"]).and_then(Node::as_str).filter(|path| !path.is_empty());
        let field = field.unwrap_or("metadata.name").into();
        to.variables.push(Variable { name: name.into(), source, field, span: entry.span });
    }
}

fn report_repeated(context: &mut Context<'_>, name: &str, first: Span, again: Span) {
    context.error(rule::TRANSFORMER, format!("the var `{name}` exists already"), again, "defined again here");
    if let Some(diagnostic) = context.diagnostics.pop() {
        context.diagnostics.push(diagnostic.label(first, "defined here"));
    }
}

fn is_meant(objref: Option<&Node>, id: &Id) -> bool {
    let text = |key: &str| objref.and_then(|objref| objref.get(key)).and_then(Node::as_str).unwrap_or_default();
    let gvk = match text("apiVersion") {
        "" => Gvk { group: text("group").into(), version: text("version").into(), kind: text("kind").into() },
        version if version.contains('/') => Gvk::new(version, text("kind")),
        version => Gvk { group: text("group").into(), version: version.into(), kind: text("kind").into() },
    };
    let wanted = Id { gvk, namespace: text("namespace").into(), name: text("name").into() };
    wanted.name == id.name
        && wanted.gvk == id.gvk
        && ((wanted.namespace.is_empty() && !wanted.is_cluster_scoped()) || wanted.is_same(id))
}

/// Replaces `$(NAME)` in the fields of `specs`.
pub(super) fn resolve(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    variables: &[Variable],
    specs: &[&FieldSpec],
) {
    if variables.is_empty() {
        return;
    }
    let mut values = BTreeMap::new();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for variable in variables {
        // Directories that do not know of each other can define one name.
        if let Some(first) = seen.insert(&variable.name, variable.span) {
            report_repeated(context, &variable.name, first, variable.span);
        }
        match value_of(variable, resources) {
            Ok(value) => {
                values.insert(variable.name.clone(), value);
            }
            Err(problem) => {
                let message = format!("the var `{}` {problem}", variable.name);
                context.error(rule::TRANSFORMER, message, variable.span, "defined here");
            }
        }
    }
    replace_in(context, resources, &values, specs);
}

/// Replaces `$(NAME)` with its value in the fields of `specs`; a reference without a value stays.
pub(super) fn replace_in(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    values: &BTreeMap<SmolStr, Node>,
    specs: &[&FieldSpec],
) {
    for resource in resources {
        let gvk = resource.gvk();
        for spec in specs.iter().filter(|spec| spec.selects(&gvk)) {
            let result = visit(&mut resource.node, spec, Missing::Skip, &mut |node| replace(node, values));
            if let Err(wrong) = result {
                wrong_kind(context, "vars", wrong.span, &resource.id(), &wrong);
            }
        }
    }
}

fn value_of(variable: &Variable, resources: &[Resource]) -> Result<Node, &'static str> {
    let wanted = variable.source.as_ref().ok_or("reads from an object that does not exist")?;
    let is_wanted =
        |resource: &&Resource| resource.history.iter().any(|id| id.is_same(wanted)) || resource.id().is_same(wanted);
    let source = resources.iter().find(is_wanted).ok_or("reads from an object that does not exist")?;
    // `a[0]` is `a.0`.
    let path = variable.field.replace('[', ".[").replace("..[", ".[");
    let parts: Vec<_> = split(&path).iter().map(position_in_brackets).collect();
    match look_up(&source.node, &parts) {
        Ok(Some(value)) if !value.is_null() => Ok(value.clone()),
        _ => Err("reads from a field that does not exist"),
    }
}

fn position_in_brackets(part: &SmolStr) -> SmolStr {
    let position = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    position.filter(|text| text.parse::<usize>().is_ok()).map_or_else(|| part.clone(), SmolStr::new)
}

/// Replaces in a string, in the strings of a list, or in the string values of a mapping.
fn replace(node: &mut Node, values: &BTreeMap<SmolStr, Node>) -> Result<(), WrongKind> {
    let is_plain_text = |node: &Node| node.as_scalar().is_some_and(|scalar| scalar.is_string(Dialect::KustomizeV3));
    match &node.kind {
        Kind::Scalar(_) => {
            replace_scalar(node, values);
            Ok(())
        }
        Kind::Sequence(items) => {
            if let Some(item) = items.iter().find(|item| !is_plain_text(item)) {
                return Err(WrongKind::new(item, "a string"));
            }
            node.as_sequence_mut()
                .map(Members::make_mut)
                .into_iter()
                .flatten()
                .for_each(|item| replace_scalar(item, values));
            Ok(())
        }
        Kind::Map(map) => {
            if let Some(entry) = map.iter().find(|entry| !entry.key.scalar().is_string(Dialect::KustomizeV3)) {
                return Err(WrongKind { span: entry.key.span(), wanted: "a string as key", found: "another type" });
            }
            let entries = node.as_map_mut().into_iter().flat_map(Map::entries_mut);
            entries.for_each(|entry| replace_scalar(&mut entry.value, values));
            Ok(())
        }
    }
}

fn replace_scalar(node: &mut Node, values: &BTreeMap<SmolStr, Node>) {
    let Some(scalar) = node.as_scalar().filter(|scalar| scalar.is_string(Dialect::KustomizeV3)) else { return };
    let text = &scalar.text;
    if !text.contains('$') {
        return;
    }
    if let Some(value) = whole_reference(text).and_then(|name| values.get(name)) {
        if let Some(scalar) = value.as_scalar() {
            let typed = Node::new(Kind::Scalar(with_fixed_type(scalar)), value.span);
            *node = typed.via(Step::Transformer("vars"), Some(value.span), Some(node));
        }
        return;
    }
    let expanded = expand(text, values);
    if expanded != *text {
        *node = Node::string(expanded, node.span).via(Step::Transformer("vars"), None, Some(node));
    }
}

/// Returns the scalar so that it keeps its type without its quotes.
fn with_fixed_type(scalar: &Scalar) -> Scalar {
    match scalar.typed(Dialect::KustomizeV3) {
        Typed::Bool(_) | Typed::Int(_) | Typed::UInt(_) | Typed::Float(_) => {
            Scalar { style: Style::Plain, ..scalar.clone() }
        }
        _ => Scalar::string(scalar.text.clone()),
    }
}

fn whole_reference(text: &str) -> Option<&str> {
    text.strip_prefix("$(")?.strip_suffix(')').filter(|name| !name.contains(')'))
}

/// Expands `$(NAME)`; `$$` is a dollar, and what is unknown or incomplete stays.
fn expand(text: &str, values: &BTreeMap<SmolStr, Node>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = if let Some(more) = after.strip_prefix('$') {
            out.push('$');
            more
        } else if let Some((name, more)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match values.get(name).and_then(Node::as_scalar) {
                Some(value) => out.push_str(&value.text),
                None => out.extend(["$(", name, ")"]),
            }
            more
        } else {
            out.push('$');
            after
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_incomplete_references_stay() {
        let values = BTreeMap::new();
        for text in ["$(A)", "$(A", "a$", "$a", "cost: $5"] {
            assert_eq!(expand(text, &values), text);
        }
        assert_eq!(expand("$$(A)", &values), "$(A)");
    }
}
