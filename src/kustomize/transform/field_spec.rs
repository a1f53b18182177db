//! Which fields of which kinds a transformer touches, and the walk that reaches them.
//!
//! Source: kustomize, `api/types/fieldspec.go` and `api/filters/fieldspec`.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::kube::Gvk;
use crate::text::Span;
use crate::yaml::{Entry, Key, Kind, Node};

/// Fields of certain kinds: an empty group, version or kind means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    /// Group of the objects.
    pub(crate) group: SmolStr,
    /// Version of the objects.
    pub(crate) version: SmolStr,
    /// Kind of the objects.
    pub(crate) kind: SmolStr,
    /// Keys joined by `/`; `\/` is a slash in a key, `[]` after a key says that its value is a list.
    pub(crate) path: SmolStr,
    /// Whether what is missing along the path is made.
    pub(crate) create: bool,
}

impl FieldSpec {
    /// Returns `path` in objects of any kind; nothing is made.
    pub(crate) const fn new(path: &'static str) -> Self {
        let any = SmolStr::new_static("");
        Self {
            group: any,
            version: SmolStr::new_static(""),
            kind: SmolStr::new_static(""),
            path: SmolStr::new_static(path),
            create: false,
        }
    }

    /// Returns `path` in objects of `kind`; nothing is made.
    pub(crate) const fn of(group: &'static str, version: &'static str, kind: &'static str, path: &'static str) -> Self {
        Self {
            group: SmolStr::new_static(group),
            version: SmolStr::new_static(version),
            kind: SmolStr::new_static(kind),
            path: SmolStr::new_static(path),
            create: false,
        }
    }

    /// Returns the spec of an entry of `fieldSpecs`.
    pub(crate) fn from_node(entry: &Node) -> Self {
        let text = |key: &str| entry.get(key).and_then(Node::as_str).unwrap_or("").into();
        Self {
            group: text("group"),
            version: text("version"),
            kind: text("kind"),
            path: text("path"),
            create: entry.get("create").and_then(Node::as_str) == Some("true"),
        }
    }

    /// Returns whether objects of `gvk` are meant.
    pub(crate) fn selects(&self, gvk: &Gvk) -> bool {
        is_selected(gvk, &self.group, &self.version, &self.kind)
    }

    /// Returns whether `other` adds nothing to this one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.path == other.path
            && (other.group.is_empty() || other.group == self.group)
            && (other.version.is_empty() || other.version == self.version)
            && (other.kind.is_empty() || other.kind == self.kind)
    }
}

/// Returns whether `gvk` has the given parts, of which empty ones match anything.
pub(crate) fn is_selected(gvk: &Gvk, group: &str, version: &str, kind: &str) -> bool {
    (kind.is_empty() || gvk.kind == kind)
        && (group.is_empty() || gvk.group == group)
        && (version.is_empty() || gvk.version == version)
}

/// What the walk makes of a missing or null value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing: what is absent stays absent.
    Skip,
    /// Mappings along the way and a scalar at the end, where the spec says so; they point at the span.
    Scalar(Span),
    /// Mappings along the way and at the end, where the spec says so; they point at the span.
    Map(Span),
}

/// A value that is not what the path needs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongKind {
    /// The value.
    pub(crate) span: Span,
    /// What was needed, for people: `a mapping or a list`.
    pub(crate) wanted: &'static str,
    /// What it is.
    pub(crate) found: &'static str,
}

impl WrongKind {
    /// Returns the mismatch of `node`.
    pub(crate) fn new(node: &Node, wanted: &'static str) -> Self {
        Self { span: node.span, wanted, found: node.kind_name() }
    }
}

/// Splits the first key off `path`; `\/` belongs to the key.
fn split_first(path: &str) -> (Cow<'_, str>, Option<&str>) {
    let mut from = 0;
    while let Some(at) = path[from..].find('/').map(|at| at + from) {
        if path[..at].ends_with('\\') {
            from = at + 1;
            continue;
        }
        return (unescape(&path[..at]), Some(&path[at + 1..]));
    }
    (unescape(path), None)
}

fn unescape(key: &str) -> Cow<'_, str> {
    if key.contains("\\/") { Cow::Owned(key.replace("\\/", "/")) } else { Cow::Borrowed(key) }
}

/// Returns `path` without the one slash that it may begin with.
fn without_leading_slash(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Calls `set` on every value that `spec` leads to in `object`; lists on the way are entered element by element.
///
/// # Errors
/// When a value on the way is neither mapping nor list nor null, or when `set` says so.
pub(crate) fn visit(
    object: &mut Node,
    spec: &FieldSpec,
    missing: Missing,
    set: &mut dyn FnMut(&mut Node) -> Result<(), WrongKind>,
) -> Result<(), WrongKind> {
    let missing = if spec.create { missing } else { Missing::Skip };
    // Looked at first, so that a shared tree is not copied for nothing.
    if missing == Missing::Skip && !concerns(object, spec) {
        return Ok(());
    }
    walk(object, Some(without_leading_slash(&spec.path)), missing, set)
}

/// Returns whether a walk along `spec` that makes nothing changes, reports or hands over anything of `object`.
pub(crate) fn concerns(object: &Node, spec: &FieldSpec) -> bool {
    reaches(object, Some(without_leading_slash(&spec.path)))
}

/// Returns whether a walk along `path` changes, reports or hands over anything.
fn reaches(node: &Node, path: Option<&str>) -> bool {
    let Some(path) = path else { return true };
    match &node.kind {
        Kind::Sequence(items) => items.iter().any(|item| reaches(item, Some(path))),
        Kind::Map(map) => {
            let (key, rest) = split_first(path);
            let list = key.strip_suffix("[]");
            let value = map.get(list.unwrap_or(&key));
            value.is_some_and(|value| reaches(value, rest) || (list.is_some() && value.is_null()))
        }
        Kind::Scalar(_) => !node.is_null() || path.is_empty(),
    }
}

fn walk(
    node: &mut Node,
    path: Option<&str>,
    missing: Missing,
    set: &mut dyn FnMut(&mut Node) -> Result<(), WrongKind>,
) -> Result<(), WrongKind> {
    let Some(path) = path else { return set(node) };
    if node.is_null() {
        return Ok(());
    }
    if let Some(items) = node.as_sequence_mut() {
        return items.make_mut().iter_mut().try_for_each(|item| walk(item, Some(path), missing, set));
    }
    let (key, rest) = split_first(path);
    let (key, is_list) = key.strip_suffix("[]").map_or((&*key, false), |key| (key, true));
    let Kind::Map(map) = &mut node.kind else {
        return Err(WrongKind::new(node, "a mapping or a list"));
    };
    let made = match (missing, rest) {
        _ if is_list => None,
        (Missing::Skip, _) => None,
        (Missing::Scalar(span), None) => Some(Node::string("", span)),
        (Missing::Scalar(span) | Missing::Map(span), _) => Some(Node::empty_map(span)),
    };
    if map.get(key).is_none() {
        let Some(value) = made.clone() else { return Ok(()) };
        let key = Key::string(key, value.span);
        map.push(Entry { key, value });
    }
    let Some(value) = map.get_mut(key) else { return Ok(()) };
    if value.is_null() {
        if is_list {
            // kustomize turns a null where a list is expected into an empty list.
            *value = Node::sequence(Vec::new(), value.span);
        } else if let Some(made) = made {
            *value = made;
        }
    }
    walk(value, rest, missing, set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;

    fn span() -> Span {
        let files = FileSet::from_texts([("a.yaml", "")]);
        let (_, source) = files.iter().next().expect("one file");
        Span::new(source, 0..0)
    }

    fn map(entries: &[(&str, Node)]) -> Node {
        let mut node = Node::empty_map(span());
        for (key, value) in entries {
            node.as_map_mut().unwrap().set(key, value.clone());
        }
        node
    }

    #[test]
    fn an_escaped_slash_belongs_to_the_key() {
        assert_eq!(split_first("metadata/a.b\\/c"), (Cow::Borrowed("metadata"), Some("a.b\\/c")));
        assert_eq!(split_first("a.b\\/c"), (Cow::Borrowed("a.b/c"), None));
    }

    #[test]
    fn what_is_missing_is_made_only_where_the_spec_says_so() {
        let mut spec = FieldSpec::new("spec/replicas");
        let mut object = map(&[]);
        let mut set = |node: &mut Node| {
            *node = Node::plain("3", span());
            Ok(())
        };
        visit(&mut object, &spec, Missing::Scalar(span()), &mut set).unwrap();
        assert_eq!(object.get("spec"), None);
        spec.create = true;
        visit(&mut object, &spec, Missing::Scalar(span()), &mut set).unwrap();
        assert_eq!(object.at(&["spec", "replicas"]).and_then(Node::as_str), Some("3"));
    }

    #[test]
    fn lists_on_the_way_are_entered_with_and_without_brackets() {
        for path in ["containers/image", "containers[]/image"] {
            let item = map(&[("image", Node::plain("nginx", span()))]);
            let mut object = map(&[("containers", Node::sequence(vec![item.clone(), item], span()))]);
            let mut seen = 0;
            let mut count = |_: &mut Node| {
                seen += 1;
                Ok(())
            };
            visit(&mut object, &FieldSpec::new(path), Missing::Skip, &mut count).unwrap();
            assert_eq!(seen, 2, "{path}");
        }
    }

    #[test]
    fn a_scalar_on_the_way_is_a_mismatch() {
        let mut object = map(&[("spec", Node::plain("text", span()))]);
        let result = visit(&mut object, &FieldSpec::new("spec/replicas"), Missing::Skip, &mut |_| Ok(()));
        assert_eq!(result.map_err(|wrong| wrong.found), Err("scalar"));
    }
}
