//! Lists whose entries have a key, such as the containers of a pod: no key may come twice.

use std::collections::BTreeSet;

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

/// Names the fields that make the key.
pub(super) const KEYWORD: &str = "x-kubernetes-list-map-keys";
/// Names the fields of a second key, which entries may lack: the name of a port.
pub(super) const UNIQUE: &str = "x-unique-keys";
/// Values of key fields that an entry leaves out.
const DEFAULTS: &str = "x-list-map-defaults";

/// The keyword as jsonschema runs it.
struct ListMap(Keys);

/// What tells the entries of a list apart.
pub(super) struct Keys {
    fields: Vec<String>,
    defaults: Map<String, Value>,
}

impl Keys {
    /// Returns the keys that `keyword` of the schema of a list names.
    pub(super) fn of(schema: &Map<String, Value>, keyword: &str) -> Self {
        let fields = schema.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let fields: Vec<String> = fields.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let mut defaults = schema.get(DEFAULTS).and_then(Value::as_object).cloned().unwrap_or_default();
        for field in &fields {
            let default = schema.get("items").and_then(|items| items.get("properties")?.get(field)?.get("default"));
            if let Some(default) = default {
                defaults.insert(field.clone(), default.clone());
            }
        }
        Self { fields, defaults }
    }

    /// Returns the fields.
    pub(super) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Returns the index of every entry whose key an earlier one has.
    pub(super) fn duplicates(&self, list: &Value) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let keys = items.iter().enumerate().map(|(index, item)| (index, self.key(item)));
        keys.filter(|(_, key)| key.as_ref().is_some_and(|key| !seen.insert(key.clone())))
            .map(|(index, _)| index)
            .collect()
    }

    /// Returns the key of an entry; nothing where a field of it is missing, which is found elsewhere.
    fn key(&self, item: &Value) -> Option<Vec<String>> {
        let field = |name: &String| {
            let value = item.get(name).filter(|value| !value.is_null()).or_else(|| self.defaults.get(name));
            value.map(ToString::to_string)
        };
        self.fields.iter().map(field).collect()
    }
}

impl<'i> Keyword<'i> for ListMap {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("an entry has the key of another")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.0.duplicates(instance).is_empty()
    }
}

/// Builds the keyword for the schema that holds it.
///
/// The signature is jsonschema's.
#[expect(clippy::unnecessary_wraps, reason = "a keyword's factory may fail")]
pub(super) fn build<'s>(
    parent: &'s Map<String, Value>,
    _value: &'s Value,
    _location: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>> {
    Ok(Box::new(ListMap(Keys::of(parent, KEYWORD))))
}

/// Builds the keyword of the second key; see [`build`].
#[expect(clippy::unnecessary_wraps, reason = "a keyword's factory may fail")]
pub(super) fn build_unique<'s>(
    parent: &'s Map<String, Value>,
    _value: &'s Value,
    _location: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>> {
    Ok(Box::new(ListMap(Keys::of(parent, UNIQUE))))
}
