//! JSON values as rules see them: typed by their schema, with its defaults, under names that rules can write.
//!
//! Source: Kubernetes, "Validation rules", type system and escaping; k8s.io/apiserver, pkg/cel/escaping.go.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp, CelUInt,
};
use cel::common::value::Val;
use chrono::DateTime;
use serde_json::{Map, Number, Value};

use crate::schema::cel::cost::Size;
use crate::yaml::Pointer;

/// Words of the language, which stand between underscores where a field has their name.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
/// What stands for a character that no name may have. Two underscores come first: they begin every other.
const ESCAPES: [(&str, &str); 4] = [("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")];
/// Fields of `metadata` that a rule may read.
const METADATA: [&str; 2] = ["name", "generateName"];

/// A value for a rule.
pub(super) struct Converted<'v> {
    pub(super) value: Box<dyn Val + 'v>,
    pub(super) size: Size,
}

/// Which part of an object a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The object itself: of its metadata a rule sees the name alone.
    Root,
    /// Its metadata.
    Metadata,
    /// Anything else.
    Inner,
}

impl Part {
    /// Returns what stands at `pointer`.
    pub(super) fn at(pointer: &Pointer) -> Self {
        if pointer.is_root() { Self::Root } else { Self::Inner }
    }

    fn of_field(self, name: &str) -> Self {
        if self == Self::Root && name == "metadata" { Self::Metadata } else { Self::Inner }
    }
}

/// Returns `json`, whose schema is `schema`, for a rule; references lead into `root`.
pub(super) fn convert<'v>(json: &'v Value, schema: &'v Value, root: &'v Value, part: Part) -> Converted<'v> {
    let schema = target(schema, root);
    let word = |key: &str| schema.get(key).and_then(Value::as_str);
    match json {
        Value::Null => leaf(Box::new(CelNull), 1),
        Value::Bool(value) => leaf(Box::new(CelBool::from(*value)), 1),
        Value::Number(number) => leaf(self::number(number, is_of_type(schema, "number")), 1),
        Value::String(text) => leaf(self::text(text, word("x-format")), text.len() + 1),
        Value::Array(items) => {
            let inner = schema.get("items").unwrap_or(&Value::Null);
            let mut size = Size { bytes: 1, longest: items.len() as u64 };
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                let item = convert(item, inner, root, Part::Inner);
                size = size.and(item.size);
                list.push(item.value);
            }
            Converted { value: Box::new(CelList::from(list)), size }
        }
        Value::Object(map) => object(map, schema, root, part),
    }
}

fn leaf<'v>(value: Box<dyn Val + 'v>, bytes: usize) -> Converted<'v> {
    Converted { value, size: Size { bytes: bytes as u64, longest: 0 } }
}

fn object<'v>(map: &'v Map<String, Value>, schema: &'v Value, root: &'v Value, part: Part) -> Converted<'v> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let values = schema.get("additionalProperties").filter(|values| values.is_object()).unwrap_or(&Value::Null);
    let mut entries: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::with_capacity(map.len());
    let mut size = Size { bytes: 1, longest: map.len() as u64 };
    let mut add = |name: &'v str, json: &'v Value, inner: &'v Value| {
        let value = convert(json, inner, root, part.of_field(name));
        size = size.and(value.size);
        // The keys of a mapping are data, and are not escaped.
        let key = if properties.is_none() { None } else { escaped(name) };
        entries.insert(key.map_or_else(|| CelMapKey::from(name), CelMapKey::from), value.value);
    };
    for (name, json) in map {
        let inner = properties.and_then(|all| all.get(name)).unwrap_or(values);
        let is_hidden = part == Part::Metadata && !METADATA.contains(&name.as_str());
        // Null means absent, where the field may not hold it.
        let is_absent = json.is_null() && target(inner, root).get("nullable") != Some(&Value::Bool(true));
        if !is_hidden && !is_absent {
            add(name, json, inner);
        }
    }
    for (name, inner) in properties.into_iter().flatten() {
        let is_there = map.get(name).is_some_and(|json| !json.is_null());
        if let (false, Some(default)) = (is_there, target(inner, root).get("default").or_else(|| inner.get("default")))
        {
            add(name, default, inner);
        }
    }
    Converted { value: Box::new(CelMap::from(entries)), size }
}

/// Returns the definition that `schema` refers to, else `schema` itself.
fn target<'v>(schema: &'v Value, root: &'v Value) -> &'v Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|reference| root.pointer(reference)).unwrap_or(schema)
}

fn is_of_type(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => false,
    }
}

/// Integers are signed, as rules expect; a `number` is never an integer.
fn number<'v>(number: &Number, is_fraction: bool) -> Box<dyn Val + 'v> {
    if let (false, Some(value)) = (is_fraction, number.as_i64()) {
        return Box::new(CelInt::from(value));
    }
    match number.as_u64() {
        Some(value) if !is_fraction => Box::new(CelUInt::from(value)),
        _ => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
    }
}

fn text<'v>(text: &'v str, format: Option<&str>) -> Box<dyn Val + 'v> {
    match format {
        Some("date-time") => match DateTime::parse_from_rfc3339(text) {
            Ok(moment) => Box::new(CelTimestamp::from(moment)),
            Err(_) => Box::new(CelString::from(text)),
        },
        Some("byte") => match STANDARD.decode(text) {
            Ok(bytes) => Box::new(CelBytes::from(bytes)),
            Err(_) => Box::new(CelString::from(text)),
        },
        _ => Box::new(CelString::from(text)),
    }
}

/// Returns the name as a rule writes it, where that is another.
fn escaped(name: &str) -> Option<String> {
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let needs = name.contains("__") || name.contains(['.', '-', '/']);
    needs.then(|| {
        ESCAPES.iter().fold(name.to_owned(), |text, (plain, word)| {
            // The words themselves have underscores: only the first round may replace those.
            text.replace(plain, word)
        })
    })
}

/// Returns the name of a field that a rule writes as `name`.
pub(super) fn unescaped(name: &str) -> String {
    let bare = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    if let Some(word) = bare.filter(|word| RESERVED.contains(word)) {
        return word.to_owned();
    }
    ESCAPES.iter().rev().fold(name.to_owned(), |text, (plain, word)| text.replace(word, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_back() {
        let cases = [
            ("namespace", "__namespace__"),
            ("x-prop", "x__dash__prop"),
            ("redact__d", "redact__underscores__d"),
            ("a.b/c", "a__dot__b__slash__c"),
        ];
        for (name, written) in cases {
            assert_eq!(escaped(name).as_deref(), Some(written));
            assert_eq!(unescaped(written), name);
        }
        assert_eq!(escaped("plain_name"), None);
    }
}
