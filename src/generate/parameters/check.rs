//! The check of parameters against their schema, in words for people.

use std::collections::BTreeSet;

use jsonschema::JsonType;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::diagnostic::pick;
use crate::generate::parameters::{ParameterProblem, unknown};

/// Returns everything that `schema` finds wrong with `values`, in the order of the schema.
///
/// # Errors
/// The reason, when the schema itself cannot be used.
pub(in crate::generate) fn check(schema: &Value, values: &Value) -> Result<Vec<ParameterProblem>, String> {
    let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    Ok(validator.iter_errors(values).flat_map(|error| problems(schema, &error)).collect())
}

fn problems(schema: &Value, error: &jsonschema::ValidationError<'_>) -> Vec<ParameterProblem> {
    let parameter = parameter(error.instance_path().as_str());
    let below = |name: &str| if parameter.is_empty() { name.to_owned() } else { format!("{parameter}.{name}") };
    match error.kind() {
        ValidationErrorKind::PropertyNames { error: inner } => {
            let name = inner.instance().as_str().unwrap_or_default();
            let said = expected(schema, inner).map_or_else(|| inner.to_string(), |said| format!("expected {said}"));
            vec![ParameterProblem::of_name(below(name), format!("is no name for it, {said}"))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let place = schema_place(schema, error).unwrap_or(schema);
            unexpected.iter().map(|name| ParameterProblem::of_name(below(name), unknown(schema, place, name))).collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![ParameterProblem::of_value(below(name), "is missing")]
        }
        ValidationErrorKind::AnyOf { context } => {
            // Of several shapes the one that was meant says what is wrong with it.
            let depth = error.instance_path().as_str().len();
            let is_meant = |errors: &&Vec<jsonschema::ValidationError<'_>>| {
                errors.iter().all(|error| error.instance_path().as_str().len() > depth)
            };
            if let Some(meant) = context.iter().find(is_meant) {
                return meant.iter().flat_map(|error| problems(schema, error)).collect();
            }
            let unknown = unknown_in_all(schema, error);
            if unknown.is_empty() {
                return vec![wrong_value(schema, error, parameter)];
            }
            unknown.into_iter().map(|(name, reason)| ParameterProblem::of_name(below(&name), reason)).collect()
        }
        _ => vec![wrong_value(schema, error, parameter)],
    }
}

/// Returns the names joined by dots that a JSON pointer leads through.
fn parameter(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.collect::<Vec<_>>().join(".")
}

/// Returns the keys that none of several shapes knows, each with what is wrong with it.
fn unknown_in_all(schema: &Value, error: &jsonschema::ValidationError<'_>) -> Vec<(String, String)> {
    let shapes = schema_place(schema, error).and_then(|place| place.get("anyOf")?.as_array());
    let fields = shapes.into_iter().flatten().filter_map(|shape| shape.get("properties")?.as_object());
    let known: BTreeSet<&str> = fields.flat_map(|fields| fields.keys().map(String::as_str)).collect();
    let written = error.instance().as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown = written.filter(|name| !known.contains(name)).map(|name| {
        let known = match pick::nearest(name, known.iter().copied()) {
            Some(near) => format!("`{near}` is"),
            None => format!("`{}` are", known.iter().copied().collect::<Vec<_>>().join("`, `")),
        };
        (name.to_owned(), format!("is no parameter; {known}"))
    });
    unknown.collect()
}

fn wrong_value(schema: &Value, error: &jsonschema::ValidationError<'_>, parameter: String) -> ParameterProblem {
    let reason = match (expected(schema, error), error.kind()) {
        (Some(expected), _) => format!("is {}, expected {expected}", error.instance()),
        (None, ValidationErrorKind::Enum { options }) => {
            let options = options.as_array().into_iter().flatten().filter_map(Value::as_str);
            let options = options.map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
            format!("is {}, expected one of {options}", error.instance())
        }
        (None, _) if parameter.is_empty() => error.to_string(),
        (None, kind) => match bound(kind) {
            Some(expected) => format!("is {}, expected {expected}", error.instance()),
            None => format!("is wrong: {error}"),
        },
    };
    ParameterProblem::of_value(parameter, reason)
}

/// Returns what a keyword that needs no words of the schema asks for.
fn bound(kind: &ValidationErrorKind) -> Option<String> {
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => Some(
            match kind {
                JsonType::Array => "a list",
                JsonType::Boolean => "`true` or `false`",
                JsonType::Integer => "a whole number",
                JsonType::Null => "nothing",
                JsonType::Number => "a number",
                JsonType::Object => "a mapping",
                JsonType::String => "a text",
            }
            .to_owned(),
        ),
        ValidationErrorKind::Minimum { limit } => Some(format!("{limit} at least")),
        ValidationErrorKind::Maximum { limit } => Some(format!("{limit} at most")),
        ValidationErrorKind::MinProperties { limit: 1 } => Some("at least one entry".to_owned()),
        ValidationErrorKind::UniqueItems => Some("each item once".to_owned()),
        _ => None,
    }
}

/// Returns what the schema says it expects where `error` was found.
fn expected<'a>(schema: &'a Value, error: &jsonschema::ValidationError<'_>) -> Option<&'a str> {
    schema_place(schema, error)?.get("x-expects").and_then(Value::as_str)
}

/// Returns the part of `schema` that holds the keyword of `error`.
fn schema_place<'a>(schema: &'a Value, error: &jsonschema::ValidationError<'_>) -> Option<&'a Value> {
    let keyword = error.schema_path().as_str();
    schema.pointer(keyword.rsplit_once('/').map_or("", |(parent, _)| parent))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::generate::parameters::Part;
    use crate::generate::parameters::tests::schema;

    #[test]
    fn a_wrong_value_is_told_in_the_words_of_the_schema() {
        let values = json!({"name": "X", "clusters": {"fra1": {"region": "F!"}}});
        let said: Vec<_> = check(&schema(), &values).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.contains(&"`name` is \"X\", expected small letters".to_owned()), "{said:?}");
        assert!(said.contains(&"`clusters.fra1.region` is \"F!\", expected a region".to_owned()), "{said:?}");
    }

    #[test]
    fn a_choice_that_is_none_is_told_with_all_that_there_are() {
        let schema = json!({"properties": {"provider": {"enum": ["digitalocean", "kind", "generic", "eks", "gke"]}}});
        let said = check(&schema, &json!({"provider": "azure"})).unwrap();
        let wanted = "`provider` is \"azure\", expected one of `digitalocean`, `kind`, `generic`, `eks`, `gke`";
        assert_eq!(said[0].to_string(), wanted);
    }

    #[test]
    fn a_name_that_is_none_is_told_with_its_place() {
        let schema = json!({"properties": {"clusters": {"propertyNames": {"$ref": "#/$defs/name"}}},
            "$defs": {"name": {"pattern": "^[a-z]+$", "x-expects": "small letters"}}});
        let said: Vec<_> = check(&schema, &json!({"clusters": {"Fra": {}}})).unwrap();
        assert_eq!(said[0].to_string(), "`clusters.Fra` is no name for it, expected small letters");
    }

    #[test]
    fn a_missing_parameter_and_an_unknown_one_are_told_by_name() {
        let said: Vec<_> = check(&schema(), &json!({"nme": 1})).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.contains(&"`name` is missing".to_owned()), "{said:?}");
        assert!(said.contains(&"`nme` is no parameter; `name` is".to_owned()), "{said:?}");
    }

    fn shapes() -> Value {
        let shape = |field: &str, value: Value| json!({"type": "object", "additionalProperties": false, "required": [field], "properties": {field: value}});
        let shapes = json!([{"type": "string"}, shape("topic", json!({"type": "string"})), shape("from", json!({"enum": ["kafka"]}))]);
        json!({"properties": {"env": {"additionalProperties": {"anyOf": shapes, "x-expects": "a text or a mapping"}}}})
    }

    #[test]
    fn a_key_that_is_unknown_at_any_depth_is_wrong_itself_and_its_value_is_not() {
        let schema = json!({"properties": {"apps": {"additionalProperties": {
            "properties": {"port": {"type": "integer"}}, "additionalProperties": false}}}});
        let said = check(&schema, &json!({"apps": {"web": {"prot": 80}}})).unwrap();
        assert_eq!(said, [ParameterProblem::of_name("apps.web.prot", "is no parameter; `port` is")]);
        let said = check(&schema, &json!({"apps": {"web": {"port": "x"}}})).unwrap();
        assert_eq!(said[0].part, Part::Value);
    }

    #[test]
    fn of_several_shapes_the_one_that_was_meant_says_what_is_wrong() {
        let said = |value: Value| {
            let problems = check(&shapes(), &json!({"env": {"X": value}})).unwrap();
            problems.into_iter().map(|problem| (problem.to_string(), problem.part)).collect::<Vec<_>>()
        };
        let kafka = ("`env.X.from` is \"kafak\", expected one of `kafka`".to_owned(), Part::Value);
        assert_eq!(said(json!({"from": "kafak"})), [kafka]);
        assert_eq!(
            said(json!({"topics": "x"})),
            [("`env.X.topics` is no parameter; `topic` is".to_owned(), Part::Name)]
        );
        let other = ("`env.X.value` is no parameter; `from`, `topic` are".to_owned(), Part::Name);
        assert_eq!(said(json!({"value": "x"})), [other]);
        assert_eq!(said(json!(3)), [("`env.X` is 3, expected a text or a mapping".to_owned(), Part::Value)]);
    }

    #[test]
    fn a_value_of_another_kind_or_out_of_bounds_is_told_with_what_belongs_there() {
        let schema = json!({"properties": {
            "map": {"type": "object", "minProperties": 1}, "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "on": {"type": "boolean"}, "list": {"type": "array", "uniqueItems": true}}});
        let said = |value: Value| check(&schema, &value).unwrap().iter().map(ToString::to_string).collect::<String>();
        assert_eq!(said(json!({"map": ["a"]})), "`map` is [\"a\"], expected a mapping");
        assert_eq!(said(json!({"map": null})), "`map` is null, expected a mapping");
        assert_eq!(said(json!({"map": {}})), "`map` is {}, expected at least one entry");
        assert_eq!(said(json!({"count": "two"})), "`count` is \"two\", expected a whole number");
        assert_eq!(said(json!({"count": 0})), "`count` is 0, expected 1 at least");
        assert_eq!(said(json!({"count": 10})), "`count` is 10, expected 9 at most");
        assert_eq!(said(json!({"on": "maybe"})), "`on` is \"maybe\", expected `true` or `false`");
        assert_eq!(said(json!({"list": [1, 1]})), "`list` is [1,1], expected each item once");
    }

    #[test]
    fn a_name_with_a_slash_is_told_as_it_is_written() {
        let said = check(&schema(), &json!({"name": "x", "clusters": {"a/b~c": {"region": "F!"}}})).unwrap();
        assert_eq!(said[0].parameter, "clusters.a/b~c.region");
    }
}
