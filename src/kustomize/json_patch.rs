//! JSON 6902 patches, as the library of kustomize applies them; that is not quite what the RFC says.
//!
//! Source: evanphx/json-patch v4: `replace` of a missing member adds it, `remove` of one fails, indexes may be
//! negative, an index beyond the end fails.

use crate::text::Span;
use crate::yaml::{Dialect, Key, Kind, Node, Scalar, Step, Style, Typed};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
    Move,
    Copy,
    Test,
}

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    verb: Verb,
    path: Vec<String>,
    from: Vec<String>,
    value: Option<Node>,
    span: Span,
}

/// Why an operation cannot be read or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct PatchError {
    /// What is wrong.
    pub(crate) message: String,
    /// The operation.
    pub(crate) span: Span,
}

/// Returns the operations of `patch`, a list of mappings.
pub(crate) fn read(patch: &Node) -> Result<Vec<Operation>, PatchError> {
    let Some(items) = patch.as_sequence() else {
        return Err(PatchError { message: "a JSON patch is a list of operations".to_owned(), span: patch.span });
    };
    items.iter().map(|item| operation(item, patch.span)).collect()
}

fn operation(item: &Node, cause: Span) -> Result<Operation, PatchError> {
    let refuse = |message: String| Err(PatchError { message, span: item.span });
    if item.as_map().is_none() {
        return refuse("an operation of a JSON patch is a mapping".to_owned());
    }
    let text = |key: &str| item.get(key).and_then(Node::as_str);
    let verb = match text("op") {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        Some("move") => Verb::Move,
        Some("copy") => Verb::Copy,
        Some("test") => Verb::Test,
        Some(other) => return refuse(format!("unknown operation `{other}`")),
        None => return refuse("an operation of a JSON patch has no `op`".to_owned()),
    };
    let Some(path) = text("path") else { return refuse("an operation of a JSON patch has no `path`".to_owned()) };
    let from = match (verb, text("from")) {
        (Verb::Move | Verb::Copy, None) => return refuse("`move` and `copy` need `from`".to_owned()),
        (_, from) => parts(from.unwrap_or_default()),
    };
    let value = item.get("value").map(retyped);
    let value = match verb {
        // Said once for all targets, which share it.
        Verb::Add => Some(value.unwrap_or_else(|| Node::null(item.span)).via(Step::Patch, Some(cause), None)),
        _ => value,
    };
    Ok(Operation { verb, path: parts(path), from, value, span: item.span })
}

/// Returns the unescaped parts of a pointer; none for the whole document.
fn parts(pointer: &str) -> Vec<String> {
    if pointer.is_empty() {
        return Vec::new();
    }
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Returns `node` with the types that YAML 1.1 gives its plain scalars, written so that every reader agrees.
pub(crate) fn retyped(node: &Node) -> Node {
    let kind = match &node.kind {
        Kind::Scalar(scalar) => Kind::Scalar(match scalar.typed(Dialect::KubernetesV2) {
            Typed::Null => Scalar::plain("null"),
            Typed::Bool(value) => Scalar::plain(if value { "true" } else { "false" }),
            Typed::Int(value) => Scalar::plain(value.to_string()),
            Typed::UInt(value) => Scalar::plain(value.to_string()),
            Typed::Float(_) => scalar.clone(),
            Typed::String => Scalar::string(scalar.text.clone()),
            Typed::Timestamp(text) => Scalar::string(text),
            Typed::Binary(bytes) => Scalar::string(String::from_utf8_lossy(&bytes).as_ref()),
        }),
        Kind::Sequence(items) => Kind::Sequence(items.iter().map(retyped).collect()),
        Kind::Map(map) => {
            let mut map = map.clone();
            for entry in map.entries_mut() {
                entry.value = retyped(&entry.value);
                let key = retyped(&Node::new(Kind::Scalar(entry.key.scalar().clone()), entry.key.span()));
                if let Some(scalar) = key.as_scalar() {
                    entry.key = Key::string(scalar.text.clone(), entry.key.span());
                }
            }
            Kind::Map(map)
        }
    };
    Node { kind, span: node.span, chain: node.chain.clone() }
}

/// Applies `operations` of the patch at `patch` to `target`, one after the other.
pub(crate) fn apply(target: &mut Node, operations: &[Operation], patch: Span) -> Result<(), PatchError> {
    for operation in operations {
        step(target, operation, patch).map_err(|message| PatchError { message, span: operation.span })?;
    }
    through_float(target);
    Ok(())
}

fn step(target: &mut Node, operation: &Operation, patch: Span) -> Result<(), String> {
    let value = || operation.value.clone().unwrap_or_else(|| Node::null(operation.span));
    match operation.verb {
        Verb::Add => add(target, &operation.path, value()),
        Verb::Replace => replace(target, &operation.path, value(), patch),
        Verb::Remove => remove(target, &operation.path).map(drop),
        Verb::Move => {
            let node = remove(target, &operation.from)?;
            add(target, &operation.path, node)
        }
        Verb::Copy => {
            let node = find(target, &operation.from).ok_or_else(|| missing(&operation.from))?.clone();
            add(target, &operation.path, node)
        }
        Verb::Test => {
            let wanted = value();
            match find(target, &operation.path) {
                Some(found) if is_equal(found, &wanted) => Ok(()),
                None if wanted.is_null() => Ok(()),
                _ => Err(format!("testing value at `/{}` failed", operation.path.join("/"))),
            }
        }
    }
}

fn missing(path: &[String]) -> String {
    format!("there is nothing at `/{}`", path.join("/"))
}

fn find<'n>(target: &'n Node, path: &[String]) -> Option<&'n Node> {
    path.iter().try_fold(target, |node, part| match &node.kind {
        Kind::Map(map) => map.get(part),
        Kind::Sequence(items) => items.get(index(part, items.len())?),
        Kind::Scalar(_) => None,
    })
}

/// Returns the mapping or list that holds the last part of `path`.
fn container<'n>(target: &'n mut Node, path: &[String]) -> Result<&'n mut Node, String> {
    let mut node = target;
    for part in path {
        node = match &mut node.kind {
            Kind::Map(map) => map.get_mut(part),
            Kind::Sequence(items) => index(part, items.len()).and_then(|at| items.make_mut().get_mut(at)),
            Kind::Scalar(_) => None,
        }
        .ok_or_else(|| missing(path))?;
    }
    Ok(node)
}

/// Returns the position that `part` names in a list of `len` elements; a negative one counts from the end.
fn index(part: &str, len: usize) -> Option<usize> {
    let number: i64 = part.parse().ok()?;
    let len = i64::try_from(len).ok()?;
    let at = if number < 0 { number + len } else { number };
    if (0..len).contains(&at) { usize::try_from(at).ok() } else { None }
}

fn add(target: &mut Node, path: &[String], value: Node) -> Result<(), String> {
    let Some((last, above)) = path.split_last() else {
        *target = value;
        return Ok(());
    };
    let parent = container(target, above)?;
    match &mut parent.kind {
        Kind::Map(map) => {
            // What the patch itself stands for was put there for it to be added to, and is nothing's past.
            let before = map.get(last).filter(|old| by(&value) != Some(old.span));
            let value = match before {
                Some(old) => Node { chain: None, ..value.clone() }.via(Step::Patch, by(&value), Some(old)),
                None => value,
            };
            map.set(last, value);
        }
        Kind::Sequence(items) => {
            let at = if last == "-" { Some(items.len()) } else { index(last, items.len() + 1) };
            let at = at.ok_or_else(|| format!("index `{last}` is beyond the end of `/{}`", above.join("/")))?;
            items.to_mut().insert(at, value);
        }
        Kind::Scalar(_) => return Err(missing(path)),
    }
    Ok(())
}

fn by(value: &Node) -> Option<Span> {
    value.chain.as_ref().and_then(|chain| chain.by)
}

fn replace(target: &mut Node, path: &[String], value: Node, cause: Span) -> Result<(), String> {
    let Some((last, above)) = path.split_last() else {
        *target = value.via(Step::Patch, Some(cause), None);
        return Ok(());
    };
    let parent = container(target, above)?;
    match &mut parent.kind {
        Kind::Map(map) => {
            let value = value.via(Step::Patch, Some(cause), map.get(last));
            map.set(last, value);
        }
        Kind::Sequence(items) => {
            let at = index(last, items.len()).ok_or_else(|| missing(path))?;
            let items = items.make_mut();
            items[at] = value.via(Step::Patch, Some(cause), Some(&items[at]));
        }
        Kind::Scalar(_) => return Err(missing(path)),
    }
    Ok(())
}

fn remove(target: &mut Node, path: &[String]) -> Result<Node, String> {
    let Some((last, above)) = path.split_last() else {
        return Err("the whole document cannot be removed".to_owned());
    };
    let parent = container(target, above)?;
    match &mut parent.kind {
        Kind::Map(map) => map.remove(last).map(|entry| entry.value).ok_or_else(|| missing(path)),
        Kind::Sequence(items) => {
            let at = index(last, items.len()).ok_or_else(|| missing(path))?;
            Ok(items.to_mut().remove(at))
        }
        Kind::Scalar(_) => Err(missing(path)),
    }
}

/// Returns whether two values are equal as JSON.
fn is_equal(left: &Node, right: &Node) -> bool {
    match (&left.kind, &right.kind) {
        (Kind::Scalar(left), Kind::Scalar(right)) => number(left).zip(number(right)).map_or_else(
            || {
                left.typed(Dialect::KustomizeV3) == right.typed(Dialect::KustomizeV3)
                    && (left.text == right.text || !left.is_string(Dialect::KustomizeV3))
            },
            #[expect(clippy::float_cmp, reason = "kustomize compares the numbers that JSON gave it")]
            |(one, other)| one == other,
        ),
        (Kind::Sequence(left), Kind::Sequence(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| is_equal(left, right))
        }
        (Kind::Map(left), Kind::Map(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|entry| right.get(entry.key.text()).is_some_and(|value| is_equal(&entry.value, value)))
        }
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "JSON numbers are floats to kustomize")]
fn number(scalar: &Scalar) -> Option<f64> {
    match scalar.typed(Dialect::KustomizeV3) {
        Typed::Int(value) => Some(value as f64),
        Typed::UInt(value) => Some(value as f64),
        Typed::Float(value) => Some(value),
        _ => None,
    }
}

/// Writes every number as it is after a journey through JSON into a float: `12345678901234567` ends in 8.
fn through_float(node: &mut Node) {
    if !has_other_text(node) {
        return;
    }
    match &mut node.kind {
        Kind::Scalar(scalar) => {
            if let Some(value) = number(scalar) {
                *scalar = Scalar::plain(float_text(value));
            }
        }
        Kind::Sequence(items) => items.make_mut().iter_mut().for_each(through_float),
        Kind::Map(map) => map.entries_mut().iter_mut().for_each(|entry| through_float(&mut entry.value)),
    }
}

/// Returns whether some number in `node` is not written as that journey leaves it.
fn has_other_text(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => {
            let first = scalar.text.as_bytes().first();
            scalar.style == Style::Plain
                && first.is_some_and(|byte| byte.is_ascii_digit() || b"+-.".contains(byte))
                && number(scalar).is_some_and(|value| value.is_finite() && scalar.text != float_text(value))
        }
        Kind::Sequence(items) => items.iter().any(has_other_text),
        Kind::Map(map) => map.iter().any(|entry| has_other_text(&entry.value)),
    }
}

/// Returns `value` as Go's `%g` writes it: with an exponent from a million on.
fn float_text(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}
