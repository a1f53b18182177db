//! Origins across the detour through text: the tree that was read again takes over the places of the one before.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::flux::substitute::{Substituter, is_affected, names, narrow};
use crate::yaml::{Dialect, Entry, Key, Kind, Map, Node, Scalar, Step, Typed};

/// Largest integer up to which every one is a float64.
const EXACT: u64 = 1 << 53;
/// Length of the shortest spelling of an integer beyond it, `0x20000000000001`.
const SHORTEST_INEXACT: usize = 16;

/// Returns `new`, which was read from the expanded text of `old`, with the origins of `old`; nothing where both are
/// equal.
pub(super) fn carried(substituter: &Substituter<'_>, old: &Node, new: &Node) -> Option<Node> {
    match (&old.kind, &new.kind) {
        (Kind::Map(before), Kind::Map(after)) => {
            let map = carried_map(substituter, old, before, after)?;
            Some(Node { kind: Kind::Map(map), span: old.span, chain: old.chain.clone() })
        }
        (Kind::Sequence(before), Kind::Sequence(after)) => {
            let mut changed = before.len() != after.len();
            let items = after.iter().enumerate().map(|(at, new)| {
                let Some(before) = before.get(at) else { return adopted(substituter, old, new) };
                let item = carried(substituter, before, new);
                changed |= item.is_some();
                item.unwrap_or_else(|| before.clone())
            });
            let items = items.collect();
            let sequence =
                Node { kind: Node::sequence(items, old.span).kind, span: old.span, chain: old.chain.clone() };
            changed.then_some(sequence)
        }
        (Kind::Scalar(before), Kind::Scalar(after)) => {
            let same = canonical(before, Dialect::KustomizeV3) == canonical(after, Dialect::KubernetesV2);
            (!same).then(|| adopted(substituter, old, new))
        }
        _ => Some(adopted(substituter, old, new)),
    }
}

/// Maps keep the order in which they were written.
fn carried_map(substituter: &Substituter<'_>, owner: &Node, before: &Map, after: &Map) -> Option<Map> {
    let mut left: HashMap<&str, &Node> = after.iter().map(|entry| (entry.key.text(), &entry.value)).collect();
    let mut changed = before.len() != after.len();
    let mut entries = Vec::with_capacity(after.len());
    for old in before {
        let key = expanded_key(substituter, &old.key);
        let Some(new) = left.remove(key.as_ref().map_or(old.key.text(), Key::text)) else {
            changed = true;
            continue;
        };
        let value = carried(substituter, &old.value, new);
        changed |= key.is_some() || value.is_some();
        let value = value.unwrap_or_else(|| old.value.clone());
        entries.push(Entry { key: key.unwrap_or_else(|| old.key.clone()), value });
    }
    // What is left came out of a value or a key that held more than one of them.
    for new in after.iter().filter(|entry| left.contains_key(entry.key.text())) {
        let key = Key::string(key_text(new.key.scalar()), owner.span);
        entries.push(Entry { key, value: adopted(substituter, owner, &new.value) });
        changed = true;
    }
    changed.then(|| Map::from_entries(entries))
}

fn expanded_key(substituter: &Substituter<'_>, key: &Key) -> Option<Key> {
    if !is_affected(key.text()) {
        return None;
    }
    let text = substituter.expand(key.text()).ok()?.text;
    Some(Key::string(text, key.span()))
}

/// The API server's reader makes strings of all keys.
fn key_text(key: &Scalar) -> SmolStr {
    canonical(key, Dialect::KubernetesV2).text
}

/// Returns `new` with every value at the place of `old`, whose expressions made it.
fn adopted(substituter: &Substituter<'_>, old: &Node, new: &Node) -> Node {
    let (names, by) = match &old.kind {
        Kind::Scalar(scalar) => {
            let names = names(&scalar.text);
            let by = names.first().map(|name| narrow(substituter.sources, old.span, name, 0));
            (names, by)
        }
        _ => (Vec::new(), None),
    };
    let place = Node::new(adopted_kind(old, &new.kind), old.span);
    place.via(Step::Substitution(names), by, Some(old))
}

fn adopted_kind(old: &Node, new: &Kind) -> Kind {
    let child = |node: &Node| Node { kind: adopted_kind(old, &node.kind), span: old.span, chain: old.chain.clone() };
    match new {
        Kind::Scalar(scalar) => Kind::Scalar(canonical(scalar, Dialect::KubernetesV2)),
        Kind::Sequence(items) => Node::sequence(items.iter().map(child).collect(), old.span).kind,
        Kind::Map(map) => {
            let entry = |entry: &Entry| Entry {
                key: Key::string(key_text(entry.key.scalar()), old.span),
                value: child(&entry.value),
            };
            Node::map(map.iter().map(entry).collect(), old.span).kind
        }
    }
}

/// Returns the scalar that kustomize's reader would have to see to read what `dialect` reads in `scalar`, after numbers
/// have gone through float64.
fn canonical(scalar: &Scalar, dialect: Dialect) -> Scalar {
    match scalar.typed(dialect) {
        Typed::Null => Scalar::plain("null"),
        Typed::Bool(value) => Scalar::plain(if value { "true" } else { "false" }),
        Typed::Int(value) if value.unsigned_abs() <= EXACT => Scalar::plain(value.to_string()),
        #[expect(clippy::cast_precision_loss, reason = "Flux loses the same digits")]
        Typed::Int(value) => float(value as f64),
        #[expect(clippy::cast_precision_loss, reason = "Flux loses the same digits")]
        Typed::UInt(value) => float(value as f64),
        Typed::Float(value) => float(value),
        Typed::Timestamp(text) => Scalar::string(text),
        Typed::String | Typed::Binary(_) => Scalar::string(scalar.text.clone()),
    }
}

/// As Go's encoding/json spells it, up to the spelling of the exponent.
fn float(value: f64) -> Scalar {
    let magnitude = value.abs();
    let positional = value == 0.0 || (1e-6..1e21).contains(&magnitude);
    Scalar::plain(if positional { format!("{value}") } else { format!("{value:e}") })
}

/// Returns `node` with the integers rounded that float64 cannot hold: all that the detour through text does to a
/// resource without expressions. Nothing where there is none.
pub(super) fn rounded(node: &Node) -> Option<Node> {
    match &node.kind {
        Kind::Scalar(scalar) => {
            if scalar.text.len() < SHORTEST_INEXACT {
                return None;
            }
            let exact = match scalar.typed(Dialect::KustomizeV3) {
                Typed::Int(value) => value.unsigned_abs() <= EXACT,
                Typed::UInt(_) => false,
                _ => true,
            };
            let rounded = || Node::new(Kind::Scalar(canonical(scalar, Dialect::KustomizeV3)), node.span);
            (!exact).then(|| rounded().via(Step::Substitution(Vec::new()), None, Some(node)))
        }
        Kind::Sequence(items) => {
            let (at, first) = items.iter().enumerate().find_map(|(at, item)| Some((at, rounded(item)?)))?;
            let mut copy = node.clone();
            let items = copy.as_sequence_mut()?.make_mut();
            items[at] = first;
            for item in &mut items[at + 1..] {
                if let Some(changed) = rounded(item) {
                    *item = changed;
                }
            }
            Some(copy)
        }
        Kind::Map(map) => {
            let (at, first) = map.iter().enumerate().find_map(|(at, entry)| Some((at, rounded(&entry.value)?)))?;
            let mut copy = node.clone();
            let entries = copy.as_map_mut()?.entries_mut();
            entries[at].value = first;
            for entry in &mut entries[at + 1..] {
                if let Some(changed) = rounded(&entry.value) {
                    entry.value = changed;
                }
            }
            Some(copy)
        }
    }
}
