//! Lists that are merged by keys.
//!
//! Source: kyaml v0.21.1, `yaml/walk/associative_sequence.go` and `ElementSetter` of `yaml/fns.go`.

use smol_str::SmolStr;

use crate::kustomize::merge::{
    DIRECTIVE, Direction, Directive, MergeError, Merger, Side, directive, is_itself, present,
};
use crate::kustomize::openapi::{ListStrategy, Type};
use crate::text::Span;
use crate::yaml::{Entry, Key, Node};

/// The values that an element has for the merge keys; empty where it has none.
type Values = Vec<SmolStr>;

/// The key of elements that are scalars.
const ITSELF: &[&str] = &[""];

/// A patch's list, and whether it stands for both sides.
enum Source<'a> {
    Absent,
    Patch(&'a [Node]),
}

impl Source<'_> {
    fn items(&self) -> &[Node] {
        match self {
            Self::Absent => &[],
            Self::Patch(items) => items,
        }
    }
}

impl<'s> Merger<'s> {
    /// Merges lists whose elements are found by `keys` (without any: scalars that are united).
    pub(super) fn walk_list(
        &self,
        target: Side<'_>,
        patch: Side<'_>,
        keys: &[&str],
        schema: Option<Type<'s>>,
    ) -> Result<Option<Node>, MergeError> {
        let Some(old) = present(target) else {
            // There is nothing to merge with but the patch itself.
            let Some(patch) = patch else { return Ok(None) };
            let items = patch.as_sequence().unwrap_or_default();
            let merged = self.elements(items.to_vec(), &Source::Patch(items), keys, schema, patch.span)?;
            return Ok(Some(self.patched(&Node::sequence(merged, patch.span), target)));
        };
        let items = old.as_sequence().unwrap_or_default().to_vec();
        let Some(patch) = patch else {
            let merged = self.elements(items, &Source::Absent, keys, schema, old.span)?;
            return Ok(Some(Node { kind: Node::sequence(merged, old.span).kind, ..old.clone() }));
        };
        if patch.is_null() {
            return Ok(None);
        }
        let (directive, new) = directive_of_list(patch)?;
        match directive {
            Directive::Delete => Ok(None),
            Directive::Replace => {
                let merged = self.elements(new.clone(), &Source::Patch(&new), keys, schema, patch.span)?;
                Ok(Some(self.patched(&Node::sequence(merged, patch.span), Some(old))))
            }
            Directive::Merge => {
                let items = if is_itself(old, patch) { new.clone() } else { items };
                let merged = self.elements(items, &Source::Patch(&new), keys, schema, patch.span)?;
                Ok(Some(Node { kind: Node::sequence(merged, old.span).kind, ..old.clone() }))
            }
        }
    }

    fn elements(
        &self,
        mut target: Vec<Node>,
        patch: &Source<'_>,
        keys: &[&str],
        schema: Option<Type<'s>>,
        span: Span,
    ) -> Result<Vec<Node>, MergeError> {
        let keys = if keys.is_empty() { ITSELF } else { keys };
        let mut identities = self.identities(&target, patch.items(), keys);
        if keys.len() > 1 {
            unite_loose_matches(&mut identities);
        }
        let mut merged = Vec::new();
        let mut valid_keys = keys.to_vec();
        for identity in identities.clone() {
            let (now_valid, values) = valid(&identities, &identity, keys);
            let (match_keys, match_values) = valid(std::slice::from_ref(&values), &values, &now_valid);
            let old = position(&target, &match_keys, &match_values);
            let new = position(patch.items(), &match_keys, &match_values).map(|at| &patch.items()[at]);
            let value = self.walk(old.map(|at| &target[at]), new, ListStrategy::Replace, schema)?;
            valid_keys.clone_from(&now_valid);
            let Some(mut value) = value.filter(|value| !value.is_null() && !is_empty_map(value)) else {
                target = set_element(target, None, &now_valid, &values, span)?;
                continue;
            };
            fill_keys(&mut value, &now_valid, &values);
            // kustomize changes the old element in place, save where the patch replaces it as a whole.
            if let Some(at) = old
                && !new.is_some_and(|new| replaces(new) && !is_itself(&target[at], new))
            {
                target[at] = value.clone();
            }
            merged = set_element(merged, Some(value), &now_valid, &values, span)?;
        }
        if identities.is_empty() {
            return Ok(target);
        }
        match self.direction {
            Direction::Prepend => append_all(merged, target, &valid_keys, span),
            #[cfg(test)]
            Direction::Append => append_all(target, merged, &valid_keys, span),
        }
    }

    /// Returns the identities of all elements, each once.
    fn identities(&self, target: &[Node], patch: &[Node], keys: &[&str]) -> Vec<Values> {
        let (first, second) = match self.direction {
            Direction::Prepend => (patch, target),
            #[cfg(test)]
            Direction::Append => (target, patch),
        };
        let mut identities: Vec<Values> = Vec::new();
        for item in first.iter().chain(second) {
            let values: Values = keys.iter().map(|key| value_of(item, key)).collect();
            if !identities.contains(&values) {
                identities.push(values);
            }
        }
        identities
    }
}

/// Returns the text of the field `key` of `item`, or of `item` itself; empty where there is none.
fn value_of(item: &Node, key: &str) -> SmolStr {
    if key.is_empty() {
        return item.as_scalar().map(|scalar| scalar.text.clone()).unwrap_or_default();
    }
    let Some(field) = item.get(key).filter(|field| !field.is_null()) else { return SmolStr::default() };
    field.as_scalar().map(|scalar| scalar.text.clone()).unwrap_or_default()
}

/// Gives identities that agree where both say something the same full set of values.
fn unite_loose_matches(identities: &mut [Values]) {
    for left in 0..identities.len() {
        for right in 0..identities.len() {
            if let Some(values) = united(&identities[left], &identities[right]) {
                identities[left].clone_from(&values);
                identities[right] = values;
            }
        }
    }
}

fn united(left: &Values, right: &Values) -> Option<Values> {
    if left.len() != right.len() {
        return None;
    }
    let mut has_common = false;
    let mut values = Vec::with_capacity(left.len());
    for (left, right) in left.iter().zip(right) {
        if left == right {
            has_common = true;
        } else if !left.is_empty() && !right.is_empty() {
            return None;
        }
        values.push(if left.is_empty() { right.clone() } else { left.clone() });
    }
    has_common.then_some(values)
}

/// Returns the keys that some identity has a value for, with the values of `identity` for them.
fn valid<'k>(identities: &[Values], identity: &Values, keys: &[&'k str]) -> (Vec<&'k str>, Values) {
    let is_used = |at: usize| identities.iter().any(|values| values.get(at).is_some_and(|value| !value.is_empty()));
    if !(0..keys.len()).any(is_used) {
        return (keys.to_vec(), identity.clone());
    }
    let used_keys = keys.iter().enumerate().filter(|(at, _)| is_used(*at)).map(|(_, key)| *key).collect();
    let used_values = identity.iter().enumerate();
    let used_values = used_values.filter(|(at, value)| !value.is_empty() || is_used(*at)).map(|(_, v)| v.clone());
    (used_keys, used_values.collect())
}

/// Returns the position of the first element that has exactly `values`.
fn position(items: &[Node], keys: &[&str], values: &[SmolStr]) -> Option<usize> {
    if keys.first().is_none_or(|key| key.is_empty()) {
        let wanted = values.first().map_or("", SmolStr::as_str);
        return items.iter().position(|item| item.as_scalar().map_or("", |scalar| scalar.text.as_str()) == wanted);
    }
    items.iter().position(|item| {
        let Some(map) = item.as_map() else { return false };
        let text = |node: &Node| node.as_scalar().map(|scalar| scalar.text.clone()).unwrap_or_default();
        keys.len() == values.len()
            && keys.iter().zip(values).all(|(key, value)| map.get(key).map(text).as_ref() == Some(value))
    })
}

/// Replaces, in `items`, each element that has `values` for `keys` with `element`, or adds it at the end; without an
/// element the matching ones are removed. Empty elements vanish on the way.
fn set_element(
    items: Vec<Node>,
    element: Option<Node>,
    keys: &[&str],
    values: &[SmolStr],
    span: Span,
) -> Result<Vec<Node>, MergeError> {
    let sets_mapping = keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut result = Vec::with_capacity(items.len() + 1);
    let mut was_found = false;
    for item in items {
        if item.is_null() || is_empty_map(&item) {
            continue;
        }
        if item.as_map().is_none() && sets_mapping {
            result.push(item);
            continue;
        }
        if !matches_element(&item, keys, values, span)? {
            // Without any value kustomize loses the element.
            if !values.is_empty() {
                result.push(item);
            }
            continue;
        }
        was_found = true;
        result.extend(element.clone());
    }
    if let Some(element) = element.filter(|element| !element.is_null())
        && !was_found
    {
        result.push(element);
    }
    Ok(result)
}

fn matches_element(item: &Node, keys: &[&str], values: &[SmolStr], span: Span) -> Result<bool, MergeError> {
    let mut has_matched = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            let is_right_kind = if key.is_empty() { item.as_scalar().is_some() } else { item.as_map().is_some() };
            if !is_right_kind {
                let message = format!("a list of mappings and others cannot be merged: found a {}", item.kind_name());
                return Err(MergeError { message, span });
            }
            has_matched = if key.is_empty() {
                value_of(item, "") == *value
            } else {
                // An empty wanted value asks for the field alone.
                item.get(key)
                    .is_some_and(|field| value.is_empty() || field.as_scalar().is_some_and(|s| s.text == *value))
            };
        }
        if !has_matched {
            return Ok(false);
        }
    }
    Ok(has_matched)
}

/// Adds `source` to `items`, each element in the place of those with the same keys.
fn append_all(mut items: Vec<Node>, source: Vec<Node>, keys: &[&str], span: Span) -> Result<Vec<Node>, MergeError> {
    for element in source {
        if keys.first().is_none_or(|key| key.is_empty()) {
            let value = value_of(&element, "");
            items = set_element(items, Some(element), ITSELF, &[value], span)?;
            continue;
        }
        let mut values = Values::new();
        for key in keys {
            if !element.is_null() && element.as_map().is_none() {
                let message = format!("a list of mappings cannot be merged with a {}", element.kind_name());
                return Err(MergeError { message, span });
            }
            match element.get(key) {
                Some(field) => values.push(field.as_scalar().map(|scalar| scalar.text.clone()).unwrap_or_default()),
                None => items.push(element.clone()),
            }
        }
        if keys.len() > 1 {
            items = set_element(items, None, keys, &values, span)?;
        }
        items = set_element(items, Some(element), keys, &values, span)?;
    }
    Ok(items)
}

/// Gives `value` the keys that it lacks.
fn fill_keys(value: &mut Node, keys: &[&str], values: &[SmolStr]) {
    let span = value.span;
    let Some(map) = value.as_map_mut() else { return };
    for (key, text) in keys.iter().zip(values) {
        if !text.is_empty() && map.get(key).is_none() {
            let key = Key::string(*key, span);
            map.push(Entry { key, value: Node::plain(text.clone(), span) });
        }
    }
}

fn is_empty_map(node: &Node) -> bool {
    node.as_map().is_some_and(crate::yaml::Map::is_empty)
}

fn replaces(patch: &Node) -> bool {
    patch.get(DIRECTIVE).is_some_and(|value| directive(value) == Ok(Directive::Replace))
}

/// Returns the directive that a list holds as an element of its own, and the list without it.
fn directive_of_list(patch: &Node) -> Result<(Directive, Vec<Node>), MergeError> {
    let items = patch.as_sequence().unwrap_or_default();
    let Some(element) = items.iter().find(|item| item.get(DIRECTIVE).is_some()) else {
        return Ok((Directive::Merge, items.to_vec()));
    };
    let (Some(map), Some(value)) = (element.as_map(), element.get(DIRECTIVE)) else {
        return Ok((Directive::Merge, items.to_vec()));
    };
    if map.len() > 1 {
        return Ok((Directive::Merge, items.to_vec()));
    }
    let directive = directive(value)?;
    let text = value_of(element, DIRECTIVE);
    Ok((directive, set_element(items.to_vec(), None, &[DIRECTIVE], &[text], patch.span)?))
}
