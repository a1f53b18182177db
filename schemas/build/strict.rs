//! Makes a schema say what the API server does: unknown fields are refused, null means absent.

use serde_json::{Map, Value, json};

use crate::Definitions;

/// Keywords that only people read.
const PROSE: [&str; 3] = ["description", "title", "example"];

/// Makes `schema` strict, in place; `null` says whether null may stand here.
pub(crate) fn harden(schema: &mut Map<String, Value>, null: Null) {
    for keyword in PROSE {
        schema.remove(keyword);
    }
    replace_format(schema);
    let required = names(schema.get("required"));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            let null = if required.contains(name) { Null::Refused } else { Null::Allowed };
            if let Value::Object(property) = property {
                harden(property, null);
            }
        }
        // Beside a reference the properties only add to what the definition says.
        if !schema.contains_key("$ref") {
            schema.entry("additionalProperties").or_insert(Value::Bool(false));
        }
    }
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        harden(items, Null::Refused);
    }
    if let Some(Value::Object(values)) = schema.get_mut("additionalProperties") {
        harden(values, Null::Allowed);
    }
    match null {
        Null::Allowed => allow_null(schema),
        Null::Refused => refuse_null(schema),
    }
}

/// Whether null may stand at a place.
///
/// Go reads null as the zero value and custom resources prune it, so that it is as good as absent where the field is optional.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Null {
    Allowed,
    Refused,
}

fn names(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::String(name)) => {
            let both = json!([name.as_str(), "null"]);
            schema.insert("type".to_owned(), both);
        }
        Some(Value::Array(names)) if !names.contains(&json!("null")) => names.push(json!("null")),
        _ => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}

/// A reference leads to a definition that allows null, so a place that refuses it says so itself.
fn refuse_null(schema: &mut Map<String, Value>) {
    if schema.contains_key("$ref") && !schema.contains_key("type") {
        schema.insert("type".to_owned(), json!(["object", "array", "string", "number", "boolean"]));
    }
}

/// Formats that Go's decoder enforces become keywords that every validator knows.
fn replace_format(schema: &mut Map<String, Value>) {
    let Some(Value::String(format)) = schema.remove("format") else { return };
    match format.as_str() {
        "int32" => {
            schema.entry("minimum").or_insert(json!(i32::MIN));
            schema.entry("maximum").or_insert(json!(i32::MAX));
        }
        "byte" => {
            schema.insert("pattern".to_owned(), json!(r"^[A-Za-z0-9+/\s]*=?\s*=?\s*$"));
            schema.insert("x-expected".to_owned(), json!("text in base64"));
        }
        "date-time" => {
            let pattern =
                r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$";
            schema.insert("pattern".to_owned(), json!(pattern));
        }
        _ => {}
    }
}

/// Merges `extra` into `schema`: objects key by key, everything else replaced.
pub(crate) fn merge(schema: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (key, value) in extra {
        match (schema.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                schema.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Calls `visit` with every reference below `value`.
pub(crate) fn each_reference(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(target) if key == "$ref" => visit(target),
                    _ => each_reference(value, visit),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, visit)),
        _ => {}
    }
}

/// Fails on a reference that leads nowhere.
pub(crate) fn check_references(definitions: &Definitions) -> Result<(), String> {
    for (name, definition) in definitions {
        let mut missing = None;
        each_reference(&mut Value::Object(definition.clone()), &mut |target| {
            if !target.strip_prefix("#/$defs/").is_some_and(|target| definitions.contains_key(target)) {
                missing = Some(target.clone());
            }
        });
        if let Some(target) = missing {
            return Err(format!("{name}: there is no definition `{target}`"));
        }
    }
    Ok(())
}
