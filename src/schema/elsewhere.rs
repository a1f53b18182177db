//! Where a misplaced field belongs.

use serde_json::Value;

use crate::schema::path;
use crate::yaml::{Node, Pointer, Segment};

/// How far below the object a field is looked for.
const DEPTH: usize = 3;

/// Returns the path, for people, of the one object near `at` that has the field `name`: below it, else around it.
pub(super) fn home(name: &str, at: &Pointer, schema: &Value, root: &Node) -> Option<String> {
    below(name, at_pointer(schema, at)?, &path::display(at, root), schema).or_else(|| {
        let around = std::iter::successors(at.parent(), Pointer::parent);
        let mut homes = around.filter(|outer| has(at_pointer(schema, outer), name));
        let home = path::display(&homes.next()?, root);
        Some(if home.is_empty() { "the object itself".to_owned() } else { format!("`{home}`") })
    })
}

/// Looks level by level, and is content only with a single answer.
fn below<'s>(name: &str, start: &'s Value, start_path: &str, schema: &'s Value) -> Option<String> {
    let mut level = vec![(start_path.to_owned(), start)];
    for _ in 0..DEPTH {
        level = level.iter().flat_map(|(path, object)| children(path, object, schema)).collect();
        let mut homes = level.iter().filter(|(_, object)| has(Some(*object), name));
        match (homes.next(), homes.next()) {
            (Some((path, _)), None) => return Some(format!("`{path}`")),
            (None, _) => {}
            (Some(_), Some(_)) => return None,
        }
    }
    None
}

/// Returns the objects directly inside `object`, through lists too, with their paths; what the cluster writes is left out.
fn children<'s>(path: &str, object: &'s Value, schema: &'s Value) -> Vec<(String, &'s Value)> {
    let properties = object.get("properties").and_then(Value::as_object).into_iter().flatten();
    let dot = if path.is_empty() { "" } else { "." };
    let inner = properties.filter(|(name, _)| *name != "status" && *name != "managedFields").map(|(name, property)| {
        let property = resolve(property, schema);
        match property.get("items") {
            Some(items) => (format!("{path}{dot}{name}[]"), resolve(items, schema)),
            None => (format!("{path}{dot}{name}"), property),
        }
    });
    inner.collect()
}

fn has(object: Option<&Value>, name: &str) -> bool {
    object.and_then(|object| object.get("properties")?.get(name)).is_some()
}

/// Returns the schema of the value at `pointer`.
fn at_pointer<'s>(schema: &'s Value, pointer: &Pointer) -> Option<&'s Value> {
    let mut here = resolve(schema, schema);
    for segment in pointer.segments() {
        let next = match segment {
            Segment::Key(key) => here
                .get("properties")
                .and_then(|all| all.get(key.as_str()))
                .or_else(|| here.get("additionalProperties")),
            Segment::Index(_) => None,
        };
        here = resolve(next.or_else(|| here.get("items"))?, schema);
    }
    Some(here)
}

/// Returns the definition that `value` refers to, else `value` itself.
fn resolve<'s>(value: &'s Value, schema: &'s Value) -> &'s Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|target| schema.pointer(target)).unwrap_or(value)
}
