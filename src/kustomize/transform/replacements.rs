//! `replacements`: a value of one object, written into fields of others.
//!
//! Source: kustomize 5.8, `api/filters/replacement`.

use smol_str::SmolStr;

use crate::kustomize::context::{Context, rule};
use crate::kustomize::selector::Selector;
use crate::kustomize::transform::path::{Create, NoWay, Path, leaf_of, look_up, split};
use crate::kustomize::transform::{field_spec, is_true, structured};
use crate::kustomize::{Id, Resource};
use crate::text::{RepoPath, Span};
use crate::yaml::{Dialect, Kind, Node, Scalar, Step, Style, Typed};

/// The field that is read and written where none is named.
const DEFAULT_PATH: &str = "metadata.name";

/// Why a replacement fails, and where it says so.
struct Failure {
    span: Span,
    message: String,
}

impl Failure {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

/// Runs the entries of `replacements`, found in `dir`, up to the first that fails.
pub(super) fn apply(context: &mut Context<'_>, resources: &mut [Resource], entries: &[Node], dir: &RepoPath) {
    for entry in entries {
        for replacement in load(context, entry, dir) {
            if let Err(failure) = replace(resources, &replacement) {
                context.error(rule::TRANSFORMER, failure.message, failure.span, "the replacement fails here");
                return;
            }
        }
    }
}

/// Returns the replacements of an entry: itself, or those of the file that it names.
fn load(context: &mut Context<'_>, entry: &Node, dir: &RepoPath) -> Vec<Node> {
    let Some(path) = entry.get("path") else { return vec![entry.clone()] };
    if entry.get("source").is_some() || !entry.items("targets").is_empty() {
        let message = "a replacement has either `path` or `source` and `targets`";
        context.error(rule::TRANSFORMER, message, path.span, "beside `source` or `targets`");
        return Vec::new();
    }
    let Some((_, id)) = context.file(dir, path.as_str().unwrap_or_default(), path.span) else { return Vec::new() };
    let Some(parsed) = context.repo.yaml(id) else { return Vec::new() };
    context.diagnostics.extend(parsed.diagnostics.iter().cloned());
    match parsed.documents.first().map(|document| &document.root) {
        Some(root) if root.as_sequence().is_some() => root.as_sequence().unwrap_or_default().to_vec(),
        Some(root) if root.as_map().is_some() => vec![root.clone()],
        _ => {
            let message = "the file holds neither a replacement nor a list of them";
            context.error(rule::TRANSFORMER, message, path.span, "named here");
            Vec::new()
        }
    }
}

fn replace(resources: &mut [Resource], replacement: &Node) -> Result<(), Failure> {
    let (source, targets) = (replacement.get("source"), replacement.get("targets"));
    let value = match (source, replacement.get("sourceValue"), targets) {
        (Some(_), Some(value), Some(_)) => {
            return Err(Failure::new(value.span, "a replacement has either `source` or `sourceValue`"));
        }
        (Some(source), None, Some(_)) => source_value(resources, source)?,
        (None, Some(value), Some(_)) => Node::plain(value.as_str().unwrap_or_default(), value.span),
        _ => return Err(Failure::new(replacement.span, "a replacement needs a source and at least one target")),
    };
    for target in replacement.items("targets") {
        write_to_target(resources, target, &value)?;
    }
    Ok(())
}

/// Returns the value that `source` names.
fn source_value(resources: &[Resource], source: &Node) -> Result<Node, Failure> {
    let text = |key: &str| source.get(key).and_then(Node::as_str).unwrap_or_default();
    let wanted_namespace = match text("namespace") {
        "" => None,
        namespace => Some(namespace),
    };
    let is_wanted = |id: &Id| {
        field_spec::is_selected(&id.gvk, text("group"), text("version"), text("kind"))
            && (text("name").is_empty() || text("name") == id.name)
            && wanted_namespace.is_none_or(|namespace| namespace == id.effective_namespace())
    };
    let was = |resource: &&Resource| resource.history.iter().any(is_wanted) || is_wanted(&resource.id());
    let mut found = resources.iter().filter(was);
    let wanted = format!("{} {}", text("kind"), text("name"));
    let Some(resource) = found.next() else {
        return Err(Failure::new(
            source.span,
            format!("the source of a replacement, `{}`, does not exist", wanted.trim()),
        ));
    };
    if let Some(second) = found.next() {
        let message =
            format!("the source of a replacement could be {} or {}", resource.object_ref(), second.object_ref());
        return Err(Failure::new(source.span, message));
    }
    let path = Some(text("fieldPath")).filter(|path| !path.is_empty()).unwrap_or(DEFAULT_PATH);
    let span = source.get("fieldPath").unwrap_or(source).span;
    let found = look_up(&resource.node, &split(path)).map_err(|NoWay(problem)| Failure::new(span, problem))?;
    let is_empty = |node: &Node| match &node.kind {
        Kind::Scalar(_) => node.is_null(),
        Kind::Sequence(items) => items.is_empty(),
        Kind::Map(map) => map.is_empty(),
    };
    let missing = || Failure::new(span, format!("{} has no `{path}` to replace with", resource.object_ref()));
    let value = found.filter(|node| !is_empty(node)).ok_or_else(missing)?;
    refined(value, source.get("options"))
}

/// Returns the part of `value` that `options` name.
fn refined(value: &Node, options: Option<&Node>) -> Result<Node, Failure> {
    let Some((delimiter, index, span)) = delimiter_of(options) else { return Ok(value.clone()) };
    let Some(scalar) = value.as_scalar() else {
        return Err(Failure::new(span, "`delimiter` can only be used with a scalar"));
    };
    let part = usize::try_from(index).ok().and_then(|index| scalar.text.split(delimiter).nth(index));
    let Some(part) = part else {
        return Err(Failure::new(span, format!("`index: {index}` is out of bounds for `{}`", scalar.text)));
    };
    let mut value = value.clone();
    if let Some(scalar) = value.as_scalar_mut() {
        *scalar = Scalar { text: part.into(), ..typed_as_now(scalar) };
    }
    Ok(value)
}

/// Returns delimiter, index and place of `options`, where there is a delimiter.
fn delimiter_of(options: Option<&Node>) -> Option<(&str, i64, Span)> {
    let options = options?;
    let delimiter = options.get("delimiter")?.as_str().filter(|text| !text.is_empty())?;
    let index = options.get("index").and_then(Node::as_str).and_then(|text| text.parse().ok()).unwrap_or(0);
    Some((delimiter, index, options.span))
}

/// The fields of one target, ready to be written.
struct Target<'a> {
    value: &'a Node,
    options: Option<&'a Node>,
    /// Path, parts and place of every field.
    fields: Vec<(Path, Vec<SmolStr>, Span)>,
    create: Create,
}

fn write_to_target(resources: &mut [Resource], target: &Node, value: &Node) -> Result<(), Failure> {
    let selector = |node: &Node| Selector::new(node).map_err(|bad| Failure::new(bad.span, bad.message));
    let Some(select) = target.get("select") else {
        return Err(Failure::new(target.span, "the target of a replacement needs `select`"));
    };
    let select = selector(select)?;
    let rejects = target.items("reject").iter().map(selector).collect::<Result<Vec<_>, _>>()?;
    let options = target.get("options");
    let is_created = is_true(options.and_then(|options| options.get("create")));
    let fields: Vec<(&str, Span)> = match target.items("fieldPaths") {
        [] => vec![(DEFAULT_PATH, target.span)],
        paths => paths.iter().map(|path| (path.as_str().unwrap_or_default(), path.span)).collect(),
    };
    let fields = fields.into_iter().map(|(text, span)| {
        let parts = split(text);
        let path = Path::new(&parts).map_err(|NoWay(problem)| Failure::new(span, problem))?;
        Ok((path, parts, span))
    });
    let target = Target {
        value,
        options,
        fields: fields.collect::<Result<_, Failure>>()?,
        create: if is_created { Create::Yes(leaf_of(value), value.span) } else { Create::No },
    };
    for resource in resources {
        if is_selected(resource, &select, &rejects) {
            target.write(resource)?;
        }
    }
    Ok(())
}

fn is_selected(resource: &Resource, select: &Selector, rejects: &[Selector]) -> bool {
    let is_rejected = |reject: &Selector| !reject.asks_for_no_metadata() && reject.matches_metadata(resource);
    if !select.matches_metadata(resource) || rejects.iter().any(is_rejected) {
        return false;
    }
    let current = resource.id();
    // Earlier ids hold the namespace in effect, the current one what is written.
    let earlier = resource.history.iter().map(|id| (id, id.effective_namespace()));
    let ids: Vec<_> = earlier.chain([(&current, current.namespace.as_str())]).collect();
    let has = |selector: &Selector| {
        ids.iter().any(|(id, namespace)| {
            selector.matches_gvk(&id.gvk) && selector.matches_name(&id.name) && selector.matches_namespace(namespace)
        })
    };
    has(select) && !rejects.iter().any(|reject| !reject.names_nothing() && has(reject))
}

impl Target<'_> {
    fn write(&self, resource: &mut Resource) -> Result<(), Failure> {
        for (path, parts, span) in &self.fields {
            if structured::write(&mut resource.node, parts, self.value, self.create, *span) {
                continue;
            }
            let object = resource.object_ref();
            let mut problem = None;
            let mut set = |node: &mut Node| {
                problem = problem.take().or_else(|| self.set(node, *span).err());
                Ok(())
            };
            let count = path.visit(&mut resource.node, self.create, &mut set);
            if let Some(problem) = problem {
                return Err(Failure::new(*span, problem));
            }
            let path = parts.join(".");
            match count {
                Ok(0) => return Err(Failure::new(*span, format!("{object} has no `{path}` to replace"))),
                Ok(_) => {}
                Err(NoWay(reason)) => {
                    return Err(Failure::new(*span, format!("{object} has no `{path}` to replace: {reason}")));
                }
            }
        }
        Ok(())
    }

    /// Writes the value over `node`, which keeps its type where it is a scalar.
    fn set(&self, node: &mut Node, span: Span) -> Result<(), String> {
        let mut value = self.value.clone();
        if let Some((delimiter, index, _)) = delimiter_of(self.options) {
            let (Some(old), Some(new)) = (node.as_scalar(), value.as_scalar_mut()) else {
                return Err("`delimiter` can only be used with a scalar".to_owned());
            };
            new.text = joined(&old.text, &new.text, delimiter, index).into();
        }
        let step = Step::Transformer("replacements");
        let Kind::Scalar(old) = &node.kind else {
            *node = Node::new(value.kind, value.span).via(step, Some(span), Some(node));
            return Ok(());
        };
        // A list or mapping has no text: kustomize empties the scalar.
        let text = value.as_scalar().map_or(SmolStr::default(), |new| new.text.clone());
        let scalar = Scalar { text, ..typed_as_now(old) };
        if scalar.contradicts_its_tag() {
            let tag = scalar.tag.as_deref().unwrap_or_default();
            return Err(format!("`{}` does not have the type of the value that it replaces, `{tag}`", scalar.text));
        }
        *node = Node::new(Kind::Scalar(scalar), value.span).via(step, Some(span), Some(node));
        Ok(())
    }
}

/// Returns `old`, split at `delimiter`, with `new` at the position `index`: in front below 0, at the end past it.
fn joined(old: &str, new: &str, delimiter: &str, index: i64) -> String {
    let mut parts: Vec<&str> = old.split(delimiter).collect();
    match usize::try_from(index) {
        Err(_) => parts.insert(0, new),
        Ok(index) => match parts.get_mut(index) {
            Some(part) => *part = new,
            None => parts.push(new),
        },
    }
    parts.join(delimiter)
}

/// Returns the scalar with the tag of the type that it has now, so that another text keeps the type.
pub(super) fn typed_as_now(scalar: &Scalar) -> Scalar {
    if scalar.tag.as_deref() == Some(super::path::UNTYPED) {
        return Scalar::plain(scalar.text.clone());
    }
    if scalar.tag.is_some() || scalar.style != Style::Plain {
        return scalar.clone();
    }
    let tag = match scalar.typed(Dialect::KustomizeV3) {
        Typed::Null => "!!null",
        Typed::Bool(_) => "!!bool",
        Typed::Int(_) | Typed::UInt(_) => "!!int",
        Typed::Float(_) => "!!float",
        Typed::String | Typed::Binary(_) => "!!str",
        Typed::Timestamp(_) => "!!timestamp",
    };
    Scalar { tag: Some(tag.into()), ..scalar.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_put_in_front_replaced_or_appended() {
        assert_eq!(joined("a/b", "x", "/", -1), "x/a/b");
        assert_eq!(joined("a/b", "x", "/", 1), "a/x");
        assert_eq!(joined("a/b", "x", "/", 5), "a/b/x");
    }
}
