//! Parameters of a blueprint: defaults from its schema, what the user says over them, and the check.

mod check;

pub(super) use crate::generate::parameters::check::check;

use serde_json::{Map, Value};

use crate::diagnostic::pick;

/// One thing that is wrong with the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterProblem {
    /// Where: names joined by dots, empty for the whole.
    pub parameter: String,
    /// What is wrong, as a clause that follows the name.
    pub reason: String,
    /// Whether its name is wrong or its value.
    pub part: Part,
}

/// The part of a parameter that is wrong, which is shown to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its name, the last one: nobody knows it, or it is taken.
    Name,
    /// Its value.
    Value,
}

impl ParameterProblem {
    /// Returns the problem that the value of `parameter` has.
    pub fn of_value(parameter: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), reason: reason.into(), part: Part::Value }
    }

    /// Returns the problem that the name itself of `parameter` is.
    pub fn of_name(parameter: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), reason: reason.into(), part: Part::Name }
    }
}

impl std::fmt::Display for ParameterProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.parameter.is_empty() {
            return formatter.write_str(&self.reason);
        }
        write!(formatter, "`{}` {}", self.parameter, self.reason)
    }
}

/// Returns the defaults of `schema`: one value for each property that has one.
pub(super) fn defaults(schema: &Value) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let with_default = properties
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| property.get("default").map(|default| (name.clone(), default.clone())));
    with_default.collect()
}

/// Returns the defaults of a new entry of the mapping `parameter`, those of the fields that it has to have; a default of
/// `{name}` is the entry's own name.
pub(super) fn entry_defaults(schema: &Value, parameter: &str, name: &str) -> Map<String, Value> {
    let mapping = schema.pointer(&format!("/properties/{parameter}")).map(|mapping| resolve(schema, mapping));
    let entry = mapping.and_then(|mapping| mapping.get("additionalProperties")).map(|entry| resolve(schema, entry));
    let mut fields = entry.map(defaults).unwrap_or_default();
    let required = entry.and_then(|entry| entry.get("required")).and_then(Value::as_array);
    fields.retain(|field, _| required.is_some_and(|required| required.iter().any(|name| name == field)));
    for value in fields.values_mut().filter(|value| value.as_str() == Some("{name}")) {
        *value = Value::from(name);
    }
    fields
}

/// Returns every property of `schema` that has a few values, at the top or in a mapping of fixed fields: its path, joined by
/// dots, with all of its values.
pub(super) fn options(schema: &Value) -> Vec<(String, Vec<String>)> {
    let properties = |place: &Value| place.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut options = Vec::new();
    for (name, property) in properties(schema) {
        let inner = properties(&property).into_iter().map(|(field, place)| (format!("{name}.{field}"), place));
        for (path, place) in [(name.clone(), property.clone())].into_iter().chain(inner) {
            let place = resolve(schema, &place);
            let of_enum = place.get("enum").and_then(Value::as_array);
            let values: Vec<String> = match of_enum {
                Some(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                None if place.get("type").and_then(Value::as_str) == Some("boolean") => {
                    vec!["false".to_owned(), "true".to_owned()]
                }
                None => continue,
            };
            options.push((path, values));
        }
    }
    options
}

/// Sets `values` over `base`: a mapping of fixed fields field by field, everything else as a whole.
pub(super) fn overlay(schema: &Value, base: &mut Map<String, Value>, values: Map<String, Value>) {
    for (name, value) in values {
        let place = property(schema, schema, &name).filter(|place| place.get("properties").is_some());
        match (place, base.get_mut(&name), value) {
            (Some(_), Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
            (_, _, value) => drop(base.insert(name, value)),
        }
    }
}

/// Returns `value` with everything that `place` of `schema` knows and it does not set: the default where there is one, else
/// null.
pub(super) fn complete(schema: &Value, place: &Value, value: &Value) -> Value {
    let place = resolve(schema, place);
    match value {
        Value::Object(map) => {
            let properties = place.get("properties").and_then(Value::as_object);
            let additional = place.get("additionalProperties").filter(|entry| entry.is_object());
            let mut whole = Map::new();
            for (name, entry) in map {
                let of_entry = properties.and_then(|properties| properties.get(name)).or(additional);
                let entry = of_entry.map_or_else(|| entry.clone(), |place| complete(schema, place, entry));
                whole.insert(name.clone(), entry);
            }
            for (name, property) in properties.into_iter().flatten() {
                if !whole.contains_key(name) {
                    let default = resolve_default(schema, property);
                    whole.insert(name.clone(), complete(schema, property, &default));
                }
            }
            Value::Object(whole)
        }
        Value::Array(list) => {
            let items = place.get("items");
            let item = |item: &Value| items.map_or_else(|| item.clone(), |place| complete(schema, place, item));
            Value::Array(list.iter().map(item).collect())
        }
        other => other.clone(),
    }
}

fn resolve_default(schema: &Value, property: &Value) -> Value {
    property.get("default").or_else(|| resolve(schema, property).get("default")).cloned().unwrap_or_default()
}

/// Sets the parameter at `path` (names joined by dots) to `text`, read as the type that the schema gives it.
///
/// # Errors
/// When the schema knows no such parameter, or a name on the way holds no mapping.
pub(super) fn assign(
    schema: &Value,
    values: &mut Map<String, Value>,
    path: &str,
    text: &str,
) -> Result<(), ParameterProblem> {
    let problem = |reason: String| ParameterProblem::of_name(path, reason);
    let mut place = schema;
    let names = names(values, path);
    for name in &names {
        place = property(schema, place, name).ok_or_else(|| problem(unknown(schema, place, name)))?;
    }
    let value = typed(place, text);
    let (last, way) = names.split_last().ok_or_else(|| problem("has no name".to_owned()))?;
    let mut target = values;
    for name in way {
        let next = target.entry((*name).to_owned()).or_insert_with(|| Value::Object(Map::new()));
        target = next.as_object_mut().ok_or_else(|| problem(format!("goes through `{name}`, which is no mapping")))?;
    }
    target.insert((*last).to_owned(), value);
    Ok(())
}

/// Removes the parameter at `path` (names joined by dots); returns whether it was there.
pub(super) fn remove(values: &mut Map<String, Value>, path: &str) -> bool {
    let way: Vec<String> = names(values, path).into_iter().map(str::to_owned).collect();
    let Some((last, way)) = way.split_last() else { return false };
    let mut target = values;
    for name in way {
        let Some(next) = target.get_mut(name).and_then(Value::as_object_mut) else { return false };
        target = next;
    }
    target.remove(last).is_some()
}

/// Splits `path` at its dots, but not inside of a name that `values` have: a topic may be called `trades.dlq`.
fn names<'a>(values: &Map<String, Value>, path: &'a str) -> Vec<&'a str> {
    let mut names = Vec::new();
    let (mut map, mut rest) = (Some(values), Some(path));
    while let Some(text) = rest {
        let begins = |name: &&String| {
            text.strip_prefix(name.as_str()).is_some_and(|more| more.is_empty() || more.starts_with('.'))
        };
        let known = map.into_iter().flat_map(Map::keys).filter(begins).max_by_key(|name| name.len());
        let length = known.map_or_else(|| text.find('.').unwrap_or(text.len()), String::len);
        let (name, more) = text.split_at(length);
        map = map.and_then(|map| map.get(name)?.as_object());
        names.push(name);
        rest = more.strip_prefix('.');
    }
    names
}

fn unknown(schema: &Value, place: &Value, name: &str) -> String {
    let known = resolve(schema, place).get("properties").and_then(Value::as_object);
    match pick::nearest(name, known.into_iter().flatten().map(|(known, _)| known.as_str())) {
        Some(known) => format!("is no parameter; `{known}` is"),
        None => "is no parameter".to_owned(),
    }
}

/// Returns the schema of the property `name` of an object that `place` describes.
pub(super) fn property<'a>(schema: &'a Value, place: &'a Value, name: &str) -> Option<&'a Value> {
    let place = resolve(schema, place);
    let named = place.get("properties").and_then(|properties| properties.get(name));
    let found = named.or_else(|| place.get("additionalProperties").filter(|any| any.is_object()))?;
    Some(resolve(schema, found))
}

fn resolve<'a>(schema: &'a Value, place: &'a Value) -> &'a Value {
    let reference = place.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    reference.and_then(|pointer| schema.pointer(pointer)).unwrap_or(place)
}

/// Reads `text` as JSON where the schema wants no string and it is JSON, else as it stands.
fn typed(place: &Value, text: &str) -> Value {
    let is_string = |place: &Value| place.get("type").and_then(Value::as_str) == Some("string");
    let one_of = place.get("anyOf").and_then(Value::as_array);
    let wants_string = match (place.get("type").and_then(Value::as_str), place.get("enum")) {
        (Some(kind), _) => kind == "string",
        (None, Some(choices)) => choices.as_array().is_some_and(|choices| choices.iter().all(Value::is_string)),
        (None, None) => one_of.is_some_and(|places| places.iter().all(is_string)),
    };
    let parsed: Option<Value> = if wants_string { None } else { serde_json::from_str(text).ok() };
    // Where a text or a mapping goes, a number is a text.
    let may_be_string = one_of.is_some_and(|places| places.iter().any(is_string));
    parsed.filter(|value| !may_be_string || value.is_object()).unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z]+$", "x-expects": "small letters", "default": "x"},
                "count": {"type": "integer", "default": 3},
                "clusters": {"additionalProperties": {"properties": {"region": {"$ref": "#/$defs/region"}}}},
            },
            "$defs": {"region": {"type": "string", "pattern": "^[a-z0-9]+$", "x-expects": "a region"}},
        })
    }

    #[test]
    fn defaults_come_from_the_schema() {
        assert_eq!(Value::from(defaults(&schema())), json!({"name": "x", "count": 3}));
    }

    #[test]
    fn a_value_has_the_type_that_the_schema_asks_for() {
        let mut values = Map::new();
        assign(&schema(), &mut values, "count", "5").unwrap();
        assign(&schema(), &mut values, "name", "5").unwrap();
        assign(&schema(), &mut values, "clusters.fra1.region", "1").unwrap();
        assert_eq!(Value::from(values), json!({"count": 5, "name": "5", "clusters": {"fra1": {"region": "1"}}}));
    }

    #[test]
    fn a_name_that_holds_a_dot_is_one_name() {
        let schema = json!({"properties": {"topics": {"additionalProperties": {"properties": {"partitions": {"type": "integer"}}}}}});
        let mut values = Map::new();
        values.insert("topics".to_owned(), json!({"trades": {}, "trades.dlq": {}}));
        for name in ["trades", "trades.dlq"] {
            assign(&schema, &mut values, &format!("topics.{name}.partitions"), "3").unwrap();
        }
        assert_eq!(
            Value::from(values),
            json!({"topics": {"trades": {"partitions": 3}, "trades.dlq": {"partitions": 3}}})
        );
    }

    #[test]
    fn where_a_text_or_a_mapping_goes_a_number_is_a_text() {
        let schema = json!({"properties": {"env": {"anyOf": [{"type": "string"}, {"type": "object"}]}}});
        let assigned = |text| {
            let mut values = Map::new();
            assign(&schema, &mut values, "env", text).map(|()| values["env"].clone())
        };
        assert_eq!(assigned("30"), Ok(json!("30")));
        assert_eq!(assigned("{\"topic\": \"trades\"}"), Ok(json!({"topic": "trades"})));
    }

    #[test]
    fn a_new_entry_has_the_defaults_of_its_fields_and_may_be_called_after_itself() {
        let schema = json!({"properties": {"clusters": {"additionalProperties": {"$ref": "#/$defs/cluster"}}}, "$defs": {
            "cluster": {"required": ["region", "size", "address"], "properties": {
                "region": {"default": "{name}"}, "size": {"default": 3}, "address": {}, "more": {"default": 1}}}}});
        assert_eq!(Value::from(entry_defaults(&schema, "clusters", "lon1")), json!({"region": "lon1", "size": 3}));
        assert!(entry_defaults(&schema, "nothing", "lon1").is_empty());
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_nearest_name() {
        let problem = assign(&schema(), &mut Map::new(), "nmae", "x").unwrap_err();
        assert_eq!(problem.to_string(), "`nmae` is no parameter; `name` is");
    }

    #[test]
    fn what_is_not_set_has_its_default_or_is_null() {
        let schema = json!({"properties": {"kafka": {"properties": {"on": {"default": false}, "name": {}}, "default": {}},
            "apps": {"additionalProperties": {"properties": {"env": {"default": {}}, "port": {}}}}}});
        let whole = complete(&schema, &schema, &json!({"apps": {"web": {"port": 1}}}));
        let expected = json!({"kafka": {"on": false, "name": null}, "apps": {"web": {"port": 1, "env": {}}}});
        assert_eq!(whole, expected);
    }

    #[test]
    fn an_option_is_a_choice_or_a_switch_at_the_top_or_in_fixed_fields() {
        let schema = json!({"properties": {"tls": {"enum": ["a", "b"]}, "name": {"type": "string"},
            "kafka": {"properties": {"on": {"type": "boolean"}}}, "apps": {"additionalProperties": {"enum": ["x"]}}}});
        let switch = ["false", "true"].map(str::to_owned).to_vec();
        let choice = ["a", "b"].map(str::to_owned).to_vec();
        assert_eq!(options(&schema), [("kafka.on".to_owned(), switch), ("tls".to_owned(), choice)]);
    }

    #[test]
    fn fixed_fields_are_set_one_by_one_and_mappings_of_names_as_a_whole() {
        let schema = json!({"properties": {"kafka": {"properties": {"on": {}, "name": {}}}, "apps": {}}});
        let mut base = json!({"kafka": {"on": true}, "apps": {"a": 1}}).as_object().unwrap().clone();
        overlay(&schema, &mut base, json!({"kafka": {"name": "x"}, "apps": {"b": 2}}).as_object().unwrap().clone());
        assert_eq!(Value::from(base), json!({"kafka": {"on": true, "name": "x"}, "apps": {"b": 2}}));
    }
}
