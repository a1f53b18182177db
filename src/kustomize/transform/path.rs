//! Field paths with dots, as replacements and vars write them.
//!
//! Source: kustomize, `kyaml/utils/pathsplitter.go`, `kyaml/yaml/fns.go` (reading) and `kyaml/yaml/match.go` (writing).

use regex::Regex;
use smol_str::SmolStr;

use crate::text::Span;
use crate::yaml::{Entry, Key, Kind, Members, Node, Scalar};

/// Splits `path` at its dots; `\.` and the dots of `[a.b.c]` and `[name=a.b]` belong to a part.
pub(super) fn split(path: &str) -> Vec<SmolStr> {
    let mut parts = unescaped(path).into_iter();
    let mut result = Vec::new();
    while let Some(mut part) = parts.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            for more in parts.by_ref() {
                part.push('.');
                part.push_str(&more);
                if more.ends_with(']') {
                    break;
                }
            }
            if !part.contains('=') {
                part = part.trim_matches(['[', ']']).into();
            }
        }
        result.push(part.into());
    }
    result
}

/// Splits at dots that have no backslash before them.
fn unescaped(path: &str) -> Vec<String> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let mut parts: Vec<String> = Vec::new();
    let mut is_continued = false;
    for part in path.split('.') {
        let (text, is_escaped) = part.strip_suffix('\\').map_or((part, false), |text| (text, true));
        match parts.last_mut().filter(|_| is_continued) {
            Some(last) => {
                last.push('.');
                last.push_str(text);
            }
            None => parts.push(text.to_owned()),
        }
        is_continued = is_escaped;
    }
    if let Some(last) = parts.last_mut().filter(|_| is_continued) {
        last.push('\\');
    }
    parts
}

/// Splits `[key=value]`; the key is empty for `[=value]`.
fn element(part: &str) -> Option<(&str, &str)> {
    part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoWay(pub(super) String);

/// Returns what `parts` lead to for reading: keys, positions, `-` for the last element, `[key=value]` for the first match.
///
/// # Errors
/// When a part does not fit what is there.
pub(super) fn look_up<'a>(node: &'a Node, parts: &[SmolStr]) -> Result<Option<&'a Node>, NoWay> {
    let mut node = node;
    for part in parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let found = step(node, part)?;
        let Some(found) = found else { return Ok(None) };
        node = found;
    }
    Ok(Some(node))
}

fn step<'a>(node: &'a Node, part: &str) -> Result<Option<&'a Node>, NoWay> {
    let list = || {
        let wrong = || NoWay(format!("`{part}` needs a list, and there is a {}", node.kind_name()));
        if node.is_null() { Ok(&[][..]) } else { node.as_sequence().ok_or_else(wrong) }
    };
    if let Ok(position) = part.parse::<i64>() {
        let position = usize::try_from(position).map_err(|_| NoWay(format!("the position `{part}` is negative")))?;
        return Ok(list()?.get(position));
    }
    if part == "-" {
        return Ok(list()?.last());
    }
    if part == "*" {
        return Err(NoWay("`*` cannot be read from".to_owned()));
    }
    if part.starts_with('[') && part.ends_with(']') {
        let (key, value) = element(part).ok_or_else(|| NoWay(format!("`{part}` is not `[key=value]`")))?;
        let text = |node: &'a Node| node.as_scalar().map(|scalar| scalar.text.as_str());
        return Ok(list()?.iter().find(|item| {
            let field = if key.is_empty() { Some(*item) } else { item.get(key) };
            field.and_then(text) == Some(value)
        }));
    }
    if node.is_null() {
        return Ok(None);
    }
    let wrong = || NoWay(format!("`{part}` needs a mapping, and there is a {}", node.kind_name()));
    Ok(node.as_map().ok_or_else(wrong)?.get(part))
}

/// Returns how many of `parts` lead to the first string on the way that has more of the path below it.
pub(super) fn split_at_scalar(node: &Node, parts: &[SmolStr]) -> Option<usize> {
    (1..parts.len()).find(|&at| {
        let found = look_up(node, &parts[..at]).ok().flatten();
        found.is_some_and(|node| node.as_scalar().is_some_and(|scalar| !scalar.text.is_empty()))
    })
}

/// The tag of a scalar that was made on the way and has no type of its own yet.
pub(super) const UNTYPED: &str = "?";

/// One part of a path for writing.
#[derive(Debug)]
enum Part {
    /// A position in a list.
    At(usize),
    /// Elements whose field (or which themselves, where the key is empty) match.
    Where { key: SmolStr, value: SmolStr, pattern: Regex },
    /// Every element of a list.
    Every,
    /// A key of a mapping.
    Key(SmolStr),
}

/// A path for writing.
#[derive(Debug)]
pub(super) struct Path(Vec<Part>);

/// What is made at the end of a path that leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// A scalar without a type.
    Scalar,
    /// A list.
    Sequence,
    /// A mapping.
    Map,
}

/// Whether what is missing along a path is made, and where it then points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Create {
    /// Nothing is made.
    No,
    /// A leaf of this kind and what leads to it.
    Yes(Leaf, Span),
}

/// Receives every value that a path leads to.
pub(super) type Visitor<'v> = dyn FnMut(&mut Node) -> Result<(), NoWay> + 'v;

impl Path {
    /// Returns the path of `parts`.
    ///
    /// # Errors
    /// When a part in brackets has no `=`, or its value is no pattern.
    pub(super) fn new(parts: &[SmolStr]) -> Result<Self, NoWay> {
        parts.iter().map(Part::new).collect::<Result<_, _>>().map(Self)
    }

    /// Calls `visit` on every value that this path leads to in `node`, and returns how many there are.
    ///
    /// # Errors
    /// When a part does not fit what is there, or `visit` says so.
    pub(super) fn visit(&self, node: &mut Node, create: Create, visit: &mut Visitor<'_>) -> Result<usize, NoWay> {
        walk(node, &self.0, create, visit)
    }
}

impl Part {
    fn new(part: &SmolStr) -> Result<Self, NoWay> {
        if let Ok(position) = part.parse::<usize>() {
            return Ok(Self::At(position));
        }
        if part.starts_with('[') && part.ends_with(']') {
            let (key, value) = element(part).ok_or_else(|| NoWay(format!("`{part}` is not `[key=value]`")))?;
            let pattern = Regex::new(value).map_err(|_| NoWay(format!("`{value}` is no valid pattern")))?;
            return Ok(Self::Where { key: key.into(), value: value.into(), pattern });
        }
        Ok(if part == "*" { Self::Every } else { Self::Key(part.clone()) })
    }
}

fn walk(node: &mut Node, path: &[Part], create: Create, visit: &mut Visitor<'_>) -> Result<usize, NoWay> {
    let Some((part, rest)) = path.split_first() else { return visit(node).map(|()| 1) };
    match part {
        Part::At(position) => {
            let items = items_of(node)?;
            if items.len() == *position
                && let Create::Yes(leaf, span) = create
            {
                items.push(made(rest.first(), leaf, span));
            }
            let count = items.len();
            let missing = || NoWay(format!("there is no element {position}: the list has {count}"));
            walk(items.make_mut().get_mut(*position).ok_or_else(missing)?, rest, create, visit)
        }
        Part::Every => {
            let items = items_of(node)?.make_mut();
            items.iter_mut().try_fold(0, |count, item| Ok(count + walk(item, rest, create, visit)?))
        }
        Part::Where { key, value, pattern } => {
            let count = walk_matching(node, key, pattern, rest, create, visit)?;
            let Create::Yes(_, span) = create else { return Ok(count) };
            if count > 0 {
                return Ok(count);
            }
            let value = Node::plain(value.clone(), span);
            let item = if key.is_empty() {
                value
            } else {
                let key = Key::string(key.clone(), span);
                Node::map(vec![Entry { key, value }], span)
            };
            items_of(node)?.push(item);
            walk_matching(node, key, pattern, rest, create, visit)
        }
        Part::Key(key) => walk_key(node, key, rest, create, visit),
    }
}

fn items_of(node: &mut Node) -> Result<&mut Members<Node>, NoWay> {
    if node.is_null() {
        *node = Node::sequence(Vec::new(), node.span);
    }
    let found = node.kind_name();
    node.as_sequence_mut().ok_or_else(|| NoWay(format!("a list is needed, and there is a {found}")))
}

fn walk_matching(
    node: &mut Node,
    key: &str,
    pattern: &Regex,
    rest: &[Part],
    create: Create,
    visit: &mut Visitor<'_>,
) -> Result<usize, NoWay> {
    let mut count = 0;
    for item in items_of(node)?.make_mut() {
        let field = if key.is_empty() { Some(&*item) } else { item.get(key) };
        let is_match = field.and_then(Node::as_scalar).is_some_and(|scalar| pattern.is_match(scalar.text.trim()));
        if !is_match {
            continue;
        }
        // An element that matches as a whole is the target, whatever follows in the path.
        count += if key.is_empty() { visit(item).map(|()| 1)? } else { walk(item, rest, create, visit)? };
    }
    Ok(count)
}

fn walk_key(
    node: &mut Node,
    key: &SmolStr,
    rest: &[Part],
    create: Create,
    visit: &mut Visitor<'_>,
) -> Result<usize, NoWay> {
    if node.is_null() {
        // kustomize adds nothing to a null; where it may create, it believes that it did.
        return Ok(usize::from(create != Create::No));
    }
    let found = node.kind_name();
    let wrong = || NoWay(format!("`{key}` needs a mapping, and there is a {found}"));
    let map = node.as_map_mut().ok_or_else(wrong)?;
    if map.get(key).is_none() {
        let Create::Yes(leaf, span) = create else { return Ok(0) };
        let value = made(rest.first(), leaf, span);
        map.push(Entry { key: Key::string(key.clone(), span), value });
    }
    let Some(value) = map.get_mut(key) else { return Ok(0) };
    walk(value, rest, create, visit)
}

/// Returns what stands for a missing value, of which `next` is the part that follows.
fn made(next: Option<&Part>, leaf: Leaf, span: Span) -> Node {
    let kind = match next {
        Some(Part::At(_) | Part::Where { .. }) => Leaf::Sequence,
        Some(Part::Key(_) | Part::Every) => Leaf::Map,
        None => leaf,
    };
    match kind {
        Leaf::Scalar => {
            let scalar = Scalar { tag: Some(UNTYPED.into()), ..Scalar::plain("") };
            Node::new(Kind::Scalar(scalar), span)
        }
        Leaf::Sequence => Node::sequence(Vec::new(), span),
        Leaf::Map => Node::empty_map(span),
    }
}

/// Returns the leaf that holds a value like `node`.
pub(super) fn leaf_of(node: &Node) -> Leaf {
    match node.kind {
        Kind::Scalar(_) => Leaf::Scalar,
        Kind::Sequence(_) => Leaf::Sequence,
        Kind::Map(_) => Leaf::Map,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_in_brackets_and_after_backslashes_belong_to_a_part() {
        assert_eq!(split("metadata.annotations.[a.b/c]"), ["metadata", "annotations", "a.b/c"]);
        assert_eq!(split("spec.[name=com.foo.app].image"), ["spec", "[name=com.foo.app]", "image"]);
        assert_eq!(split("data.application\\.yaml"), ["data", "application.yaml"]);
        assert_eq!(split("spec.list.[name=x].*"), ["spec", "list", "[name=x]", "*"]);
    }
}
