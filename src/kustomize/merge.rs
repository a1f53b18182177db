//! Strategic merge of a patch into an object, as kustomize does it: its oddities are visible in outputs, so they are
//! copied rather than corrected.
//!
//! Source: kyaml v0.21.1, `yaml/walk` and `yaml/merge2`, with lists growing at their front.
//!
//! A patch value is a [`Node`] whose span is in the patch; where it lands it records the patch as its cause.

#[cfg(test)]
#[expect(clippy::print_stdout, reason = "the figures of a suite, and that it is skipped, are for people")]
mod conformance;
mod list;

use std::collections::BTreeSet;

use crate::kustomize::openapi::{ListStrategy, OpenApi, Part, Type};
use crate::text::Span;
use crate::yaml::{Entry, Kind, Map, Node, Step, Style};

/// Why a patch cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct MergeError {
    /// What is wrong.
    pub(crate) message: String,
    /// Where, in the patch.
    pub(crate) span: Span,
}

/// Where new list elements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Before the old ones, as kustomize wants it.
    Prepend,
    /// After the old ones: merge2's other mode.
    #[cfg(test)]
    Append,
}

/// Merges patches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merger<'s> {
    /// The patch as a whole.
    pub(crate) patch: Span,
    /// Where new list elements go.
    pub(crate) direction: Direction,
    /// Which lists are merged.
    pub(crate) openapi: &'s OpenApi<'s>,
}

/// One side of a merge: nothing, or a node. A null is a node.
type Side<'a> = Option<&'a Node>;

impl<'s> Merger<'s> {
    /// Returns `target` with `patch` merged in; nothing where the patch deletes it.
    ///
    /// # Errors
    /// Where mapping meets list, or a `$patch` directive is unknown.
    pub(crate) fn merge(&self, target: &Node, patch: &Node) -> Result<Option<Node>, MergeError> {
        self.walk(Some(target), Some(patch), ListStrategy::Replace, None)
    }

    fn walk(
        &self,
        target: Side<'_>,
        patch: Side<'_>,
        strategy: ListStrategy<'s>,
        schema: Option<Type<'s>>,
    ) -> Result<Option<Node>, MergeError> {
        let beside = |side: Side<'_>, part| side.and_then(|node| self.openapi.beside(node, part));
        let (strategy, schema) =
            beside(target, Part::Resource).or_else(|| beside(patch, Part::Patch)).unwrap_or((strategy, schema));
        let schema = schema.or_else(|| self.own_schema(target)).or_else(|| self.own_schema(patch));
        #[cfg(test)]
        let strategy = conformance::inferred(self.openapi, strategy, schema, [target, patch]);
        let Some(first) = present(target).or(present(patch)) else { return self.walk_map(target, patch, schema) };
        if let (Some(old), Some(new)) = (present(target), present(patch))
            && std::mem::discriminant(&old.kind) != std::mem::discriminant(&new.kind)
        {
            let message = format!("cannot merge a {} into a {}", new.kind_name(), old.kind_name());
            return Err(MergeError { message, span: new.span });
        }
        match (&first.kind, strategy) {
            (Kind::Map(_), _) => self.walk_map(target, patch, schema),
            (Kind::Sequence(_), ListStrategy::Merge(keys)) => self.walk_list(target, patch, &keys, schema),
            (Kind::Sequence(_) | Kind::Scalar(_), _) => Ok(match patch {
                Some(patch) => Some(self.patched(patch, target)),
                None => target.cloned(),
            }),
        }
    }

    /// Merges mappings; also what is done where both sides are absent or null.
    fn walk_map(
        &self,
        target: Side<'_>,
        patch: Side<'_>,
        schema: Option<Type<'s>>,
    ) -> Result<Option<Node>, MergeError> {
        let Some(old) = present(target) else { return self.add_map(target, patch, schema) };
        let Some(patch) = patch else {
            return if self.is_settled(old, schema) {
                Ok(Some(old.clone()))
            } else {
                self.each_field(old.clone(), None, schema)
            };
        };
        if patch.is_null() {
            return Ok(None);
        }
        match directive_of_map(patch)? {
            Directive::Delete => Ok(None),
            Directive::Replace => {
                let replacement = without_directive(patch);
                let result = self.patched(&replacement, Some(old));
                self.each_field(result, Some(&replacement), schema)
            }
            Directive::Merge => {
                let (original, patch) = (patch, &without_directive(patch));
                // Where the patch is merged with itself, the directive is on both sides.
                let old = if is_itself(old, original) { without_directive(old) } else { old.clone() };
                self.each_field(old, Some(patch), schema)
            }
        }
    }

    /// Adds the mapping `patch` where there is none; nulls in it vanish.
    fn add_map(&self, target: Side<'_>, patch: Side<'_>, schema: Option<Type<'s>>) -> Result<Option<Node>, MergeError> {
        let Some(patch) = patch else {
            // A null that is written out stays; one that is an empty value vanishes.
            let written = |null: &Node| null.as_scalar().is_some_and(|scalar| !scalar.text.is_empty());
            return Ok(target.filter(|null| written(null)).cloned());
        };
        if patch.as_map().is_none() {
            return Ok(None);
        }
        match directive_of_map(patch) {
            Ok(Directive::Delete) => return Ok(None),
            Ok(_) => {}
            // kustomize looks at the directive here without minding an unknown one.
            Err(_) => return self.each_field(self.patched(patch, target), Some(patch), schema),
        }
        let patch = without_directive(patch);
        self.each_field(self.patched(&patch, target), Some(&patch), schema)
    }

    /// Merges the fields of `patch` into `result`.
    fn each_field(
        &self,
        mut result: Node,
        patch: Side<'_>,
        schema: Option<Type<'s>>,
    ) -> Result<Option<Node>, MergeError> {
        let fields = patch.and_then(Node::as_map);
        let Some(old) = result.as_map().cloned() else { return Ok(Some(result)) };
        let mut entries = Vec::with_capacity(old.len());
        for entry in &old {
            let (strategy, below) = self.below(schema, entry.key.text());
            let new = fields.and_then(|fields| fields.get(entry.key.text()));
            let value = self.walk(Some(&entry.value), new, strategy, below)?;
            let Some(value) = value else { continue };
            // What was null before the patch and stays unmentioned is kept; any other null removes the field.
            if value.is_null() && (new.is_some() || !entry.value.is_null()) {
                continue;
            }
            entries.push(Entry { key: entry.key.clone(), value: with_style_of(value, &entry.value) });
        }
        for entry in fields.into_iter().flat_map(Map::iter) {
            if old.get(entry.key.text()).is_some() {
                continue;
            }
            let (strategy, below) = self.below(schema, entry.key.text());
            let value = self.walk(None, Some(&entry.value), strategy, below)?;
            if let Some(value) = value.filter(|value| !value.is_null()) {
                entries.push(Entry { key: entry.key.clone(), value });
            }
        }
        result.kind = Kind::Map(Map::from_entries(entries));
        Ok(Some(result))
    }

    /// Returns `value` of the patch as a value that the patch set in place of `old`.
    fn patched(&self, value: &Node, old: Side<'_>) -> Node {
        match old {
            // The patch merged with itself: what it says where there was nothing.
            Some(old) if old == value => value.clone().via(Step::Patch, Some(self.patch), None),
            _ => value.clone().via(Step::Patch, Some(self.patch), old),
        }
    }

    /// Returns whether merging nothing into `node` leaves it as it is, as nearly always.
    fn is_settled(&self, node: &Node, schema: Option<Type<'s>>) -> bool {
        if self.openapi.has_comments() {
            return false;
        }
        let Some(map) = node.as_map() else { return true };
        let schema = schema.or_else(|| self.own_schema(Some(node)));
        map.iter().all(|entry| {
            let (strategy, below) = self.below(schema, entry.key.text());
            match &entry.value.kind {
                Kind::Map(_) => self.is_settled(&entry.value, below),
                Kind::Scalar(scalar) => !(scalar.text.is_empty() && entry.value.is_null()),
                Kind::Sequence(items) => match strategy {
                    ListStrategy::Replace => true,
                    ListStrategy::Merge(keys) => self.is_settled_list(items, &keys, below),
                },
            }
        })
    }

    /// Returns the schema that a mapping with its own apiVersion and kind starts.
    fn own_schema(&self, side: Side<'_>) -> Option<Type<'s>> {
        let map = side?.as_map()?;
        self.openapi.of_kind(map.get("apiVersion")?.as_str()?, map.get("kind")?.as_str()?)
    }

    fn below(&self, schema: Option<Type<'s>>, field: &str) -> (ListStrategy<'s>, Option<Type<'s>>) {
        schema.map_or((ListStrategy::Replace, None), |schema| self.openapi.field(schema, field))
    }

    fn is_settled_list(&self, items: &[Node], keys: &[&str], schema: Option<Type<'s>>) -> bool {
        let mut seen = BTreeSet::new();
        items.iter().all(|item| {
            let identity: Option<Vec<&str>> = match (&item.kind, keys) {
                (Kind::Scalar(scalar), []) if !item.is_null() => Some(vec![&scalar.text]),
                (Kind::Map(map), [_, ..]) => keys.iter().map(|key| map.get(key).and_then(Node::as_str)).collect(),
                _ => None,
            };
            let is_whole =
                identity.is_some_and(|parts| parts.iter().all(|part| !part.is_empty()) && seen.insert(parts));
            is_whole && self.is_settled(item, schema)
        })
    }
}

/// Returns `value`, quoted where the scalar that it replaces was: so a number becomes a string in the place of one.
fn with_style_of(mut value: Node, old: &Node) -> Node {
    if let (Some(new), Some(old)) = (value.as_scalar(), old.as_scalar())
        && new.style == Style::Plain
        && old.style != Style::Plain
    {
        let style = old.style;
        if let Some(scalar) = value.as_scalar_mut() {
            scalar.style = style;
            scalar.tag = None;
        }
    }
    value
}

/// Returns whether `old` is what `patch` itself says: the patch is merged with itself where there was nothing.
fn is_itself(old: &Node, patch: &Node) -> bool {
    old.span == patch.span && old.kind == patch.kind
}

/// Returns the node, unless it is absent or null.
fn present(side: Side<'_>) -> Side<'_> {
    side.filter(|node| !node.is_null())
}

/// What a `$patch` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

const DIRECTIVE: &str = "$patch";

fn directive(value: &Node) -> Result<Directive, MergeError> {
    match value.as_scalar().map_or("", |scalar| scalar.text.as_str()) {
        "delete" => Ok(Directive::Delete),
        "replace" => Ok(Directive::Replace),
        "merge" => Ok(Directive::Merge),
        other => Err(MergeError { message: format!("unknown patch strategy `{other}`"), span: value.span }),
    }
}

fn directive_of_map(patch: &Node) -> Result<Directive, MergeError> {
    patch.get(DIRECTIVE).map_or(Ok(Directive::Merge), directive)
}

fn without_directive(patch: &Node) -> Node {
    let mut patch = patch.clone();
    if patch.get(DIRECTIVE).is_some()
        && let Some(map) = patch.as_map_mut()
    {
        map.remove(DIRECTIVE);
    }
    patch
}
