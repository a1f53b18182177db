//! Parameters of a blueprint: defaults from its schema, what the user says over them, and the check.

use serde_json::{Map, Value};

/// One thing that is wrong with the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterProblem {
    /// Where: names joined by dots, empty for the whole.
    pub parameter: String,
    /// What is wrong, as a clause that follows the name.
    pub reason: String,
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

/// Returns the defaults of a new entry of the mapping `parameter`; a default of `{name}` is the entry's own name.
pub(super) fn entry_defaults(schema: &Value, parameter: &str, name: &str) -> Map<String, Value> {
    let mapping = schema.pointer(&format!("/properties/{parameter}")).map(|mapping| resolve(schema, mapping));
    let entry = mapping.and_then(|mapping| mapping.get("additionalProperties")).map(|entry| resolve(schema, entry));
    let mut fields = entry.map(defaults).unwrap_or_default();
    for value in fields.values_mut().filter(|value| value.as_str() == Some("{name}")) {
        *value = Value::from(name);
    }
    fields
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
    let problem = |reason: String| ParameterProblem { parameter: path.to_owned(), reason };
    let mut place = schema;
    let names: Vec<&str> = path.split('.').collect();
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

fn unknown(schema: &Value, place: &Value, name: &str) -> String {
    let known = resolve(schema, place).get("properties").and_then(Value::as_object);
    let nearest = known.into_iter().flatten().map(|(known, _)| (strsim::damerau_levenshtein(known, name), known)).min();
    match nearest {
        Some((distance, known)) if distance <= 3 => format!("is no parameter; `{known}` is"),
        _ => "is no parameter".to_owned(),
    }
}

/// Returns the schema of the property `name` of an object that `place` describes.
fn property<'a>(schema: &'a Value, place: &'a Value, name: &str) -> Option<&'a Value> {
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
    let wants_string = match (place.get("type").and_then(Value::as_str), place.get("enum")) {
        (Some(kind), _) => kind == "string",
        (None, Some(choices)) => choices.as_array().is_some_and(|choices| choices.iter().all(Value::is_string)),
        (None, None) => false,
    };
    let parsed = if wants_string { None } else { serde_json::from_str(text).ok() };
    parsed.unwrap_or_else(|| Value::from(text))
}

/// Returns everything that `schema` finds wrong with `values`, in the order of the schema.
///
/// # Errors
/// The reason, when the schema itself cannot be used.
pub(super) fn check(schema: &Value, values: &Value) -> Result<Vec<ParameterProblem>, String> {
    let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    Ok(validator.iter_errors(values).map(|error| problem(schema, &error)).collect())
}

fn problem(schema: &Value, error: &jsonschema::ValidationError<'_>) -> ParameterProblem {
    let parameter = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
    let keyword = error.schema_path().as_str();
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    let expected = schema.pointer(parent).and_then(|place| place.get("x-expects")).and_then(Value::as_str);
    let reason = match expected {
        Some(expected) => format!("is {}, expected {expected}", error.instance()),
        None if parameter.is_empty() => error.to_string(),
        None => format!("is wrong: {error}"),
    };
    ParameterProblem { parameter, reason }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
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
    fn a_new_entry_has_the_defaults_of_its_fields_and_may_be_called_after_itself() {
        let schema = json!({"properties": {"clusters": {"additionalProperties": {"$ref": "#/$defs/cluster"}}}, "$defs": {
            "cluster": {"properties": {"region": {"default": "{name}"}, "size": {"default": 3}, "address": {}}}}});
        assert_eq!(Value::from(entry_defaults(&schema, "clusters", "lon1")), json!({"region": "lon1", "size": 3}));
        assert!(entry_defaults(&schema, "nothing", "lon1").is_empty());
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_nearest_name() {
        let problem = assign(&schema(), &mut Map::new(), "nmae", "x").unwrap_err();
        assert_eq!(problem.to_string(), "`nmae` is no parameter; `name` is");
    }

    #[test]
    fn a_wrong_value_is_told_in_the_words_of_the_schema() {
        let values = json!({"name": "X", "clusters": {"fra1": {"region": "F!"}}});
        let said: Vec<_> = check(&schema(), &values).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.contains(&"`name` is \"X\", expected small letters".to_owned()), "{said:?}");
        assert!(said.contains(&"`clusters.fra1.region` is \"F!\", expected a region".to_owned()), "{said:?}");
    }

    #[test]
    fn a_missing_parameter_is_found() {
        assert_eq!(check(&schema(), &json!({})).unwrap().len(), 1);
    }
}
