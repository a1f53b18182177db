//! The patterns of embedded schemas, each compiled when the first text is there that it is for.
//!
//! A kind has dozens of them, of fields that an object hardly ever sets, and they were half the work of compiling it.

use std::sync::OnceLock;

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::schema::compile;

/// The keyword, in whose place this one stands.
pub(super) const KEYWORD: &str = "pattern";

/// The keyword as jsonschema runs it.
struct Pattern {
    /// The keyword alone.
    schema: Value,
    /// Nothing for a pattern that cannot be compiled: a test proves that no embedded schema has one.
    validator: OnceLock<Option<Validator>>,
}

impl Pattern {
    fn validator(&self) -> Option<&Validator> {
        self.validator.get_or_init(|| compile::build(&self.schema).ok()).as_ref()
    }
}

impl<'i> Keyword<'i> for Pattern {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if !instance.is_string() {
            return Ok(());
        }
        self.validator().map_or(Ok(()), |validator| validator.validate(instance))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        !instance.is_string() || self.validator().is_none_or(|validator| validator.is_valid(instance))
    }
}

/// Builds the keyword for the schema that holds it.
///
/// The signature is jsonschema's.
#[expect(clippy::unnecessary_wraps, reason = "a keyword's factory may fail")]
pub(super) fn build<'s>(
    _parent: &'s Map<String, Value>,
    value: &'s Value,
    _location: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>> {
    Ok(Box::new(Pattern { schema: json!({ KEYWORD: value }), validator: OnceLock::new() }))
}

#[cfg(test)]
mod tests {
    use crate::schema::compile::Compiled;

    use super::*;

    /// Returns the patterns of `schema`, wherever they stand.
    fn patterns<'s>(schema: &'s Value, found: &mut Vec<&'s Value>) {
        match schema {
            Value::Object(map) => {
                found.extend(map.get(KEYWORD).filter(|pattern| pattern.is_string()));
                map.values().for_each(|value| patterns(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_pattern_of_the_embedded_schemas_can_be_compiled() {
        for kind in gitops_gen_schemas::kinds() {
            let schema = gitops_gen_schemas::schema(kind.group, kind.version, kind.kind).unwrap();
            let mut found = Vec::new();
            patterns(&schema, &mut found);
            for pattern in found {
                assert!(compile::build(&json!({ KEYWORD: pattern })).is_ok(), "{kind:?}: {pattern}");
            }
        }
    }

    #[test]
    fn a_pattern_says_the_same_at_its_first_use_as_beforehand() {
        let schema = json!({
            "properties": {"name": {"type": "string", "pattern": "^[a-z]\\d$"}},
            "additionalProperties": {"pattern": "^x"},
            "propertyNames": {"pattern": "^[a-z]+$"},
        });
        let errors = |compiled: &Compiled, instance: &Value| compiled.errors(instance);
        let (late, early) = (Compiled::embedded(schema.clone()).unwrap(), Compiled::new(schema).unwrap());
        for instance in
            [json!({"name": "a1"}), json!({"name": "a"}), json!({"name": 1, "b": 2}), json!({"b": "y", "C": "x"})]
        {
            assert_eq!(errors(&late, &instance), errors(&early, &instance), "{instance}");
        }
        assert_eq!(errors(&late, &json!({"name": "a", "b": "y", "C": "x"})).len(), 3);
    }
}
