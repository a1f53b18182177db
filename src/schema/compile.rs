//! Schemas made ready for use, and objects run through them.

use std::fmt;

use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::{Value, json};

use crate::schema::cel::{Absence, Rules};
use crate::schema::{Checked, Origin, Outcome, Unchecked, ViolationKind, explain, list_map, pattern};
use crate::text::Span;
use crate::yaml::{Dialect, Node, Pointer};

/// A schema that can be run.
#[derive(Debug)]
pub(super) struct Compiled {
    validator: Validator,
    /// The schema itself, for messages.
    schema: Value,
    rules: Option<Rules>,
    /// Patterns and rules that were left out, since they cannot be run.
    unchecked: Vec<Unchecked>,
}

/// Why a schema cannot be used.
#[derive(Debug)]
pub(super) struct Broken {
    /// What of the schema is wrong, as a JSON pointer; empty for all of it.
    pointer: String,
    /// What is wrong with it, as a lowercase fragment.
    reason: String,
}

impl Broken {
    /// Returns that the whole schema is wrong.
    pub(super) fn whole(reason: String) -> Self {
        Self { pointer: String::new(), reason }
    }

    fn new(error: &ValidationError<'_>) -> Self {
        let pointer = error.instance_path().to_string();
        let unknown = unknown_type(error.instance()).filter(|_| pointer.ends_with("/type"));
        let reason = match unknown {
            Some(unknown) => format!("`{unknown}` is none of the types {}", TYPES.join(", ")),
            None => error.masked().to_string(),
        };
        Self { pointer, reason }
    }

    /// Returns where in `schema`, which was compiled, the mistake stands.
    pub(super) fn place(&self, schema: &Node) -> Span {
        let pointer: Option<Pointer> = self.pointer.parse().ok();
        pointer.map_or(schema.span, |pointer| pointer.resolve_nearest(schema).0.node.span)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => formatter.write_str(&self.reason),
            pointer => write!(formatter, "{} at `{pointer}`", self.reason),
        }
    }
}

/// What `type` of a schema may be.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Returns what of `written`, the `type` of a schema, is no type.
fn unknown_type(written: &Value) -> Option<&str> {
    match written {
        Value::String(name) => Some(name),
        // A field that may be absent may be null too.
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| !TYPES.contains(name)),
        _ => None,
    }
}

impl Compiled {
    /// Compiles `schema`; patterns that no linear-time engine takes and rules that cannot be read are left out and named.
    pub(super) fn new(mut schema: Value) -> Result<Self, Broken> {
        let mut unchecked = Vec::new();
        let validator = if let Ok(validator) = build(&schema) {
            validator
        } else {
            drop_patterns(&mut schema, &mut unchecked);
            build(&schema)?
        };
        let rules = Rules::of(&schema, &mut unchecked);
        Ok(Self { validator, schema, rules, unchecked })
    }

    /// Compiles one of the embedded schemas, its patterns not before they are used.
    pub(super) fn embedded(schema: Value) -> Result<Self, Broken> {
        let options = options().with_keyword(pattern::KEYWORD, pattern::build);
        let validator = options.build(&schema).map_err(|error| Broken::new(&error))?;
        let mut unchecked = Vec::new();
        let rules = Rules::of(&schema, &mut unchecked);
        Ok(Self { validator, schema, rules, unchecked })
    }

    /// Returns what is wrong with `instance`, as jsonschema says it, with the places in the instance and in the schema.
    #[cfg(test)]
    pub(super) fn errors(&self, instance: &Value) -> Vec<String> {
        let errors = self.validator.iter_errors(instance);
        errors.map(|error| format!("{} {} {:?}", error.instance_path(), error.schema_path(), error.kind())).collect()
    }
}

fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex())
        .with_keyword(list_map::KEYWORD, list_map::build)
        .with_keyword(list_map::UNIQUE, list_map::build_unique)
}

pub(super) fn build(schema: &Value) -> Result<Validator, Broken> {
    options().build(schema).map_err(|error| Broken::new(&error))
}

/// Removes every pattern that cannot be compiled (RE2 takes some that Rust does not).
fn drop_patterns(schema: &mut Value, dropped: &mut Vec<Unchecked>) {
    match schema {
        Value::Object(map) => {
            let pattern = map.get("pattern").and_then(Value::as_str);
            if let Some(pattern) = pattern.filter(|pattern| build(&json!({ "pattern": pattern })).is_err()) {
                let why = "no engine that runs in linear time takes it".to_owned();
                dropped.push(Unchecked { what: format!("pattern `{pattern}`"), why });
                map.remove("pattern");
            }
            map.values_mut().for_each(|value| drop_patterns(value, dropped));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_patterns(item, dropped)),
        _ => {}
    }
}

/// Runs `node` through a schema.
pub(super) fn check(compiled: Result<&Compiled, &Broken>, origin: Origin, node: &Node) -> Outcome {
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(reason) => return Outcome::BrokenSchema { origin, reason: reason.to_string() },
    };
    // kustomize prints what it read as text in quotes, and what Flux substitutes is canonical already: so the API
    // server sees the types of kustomize's own dialect, not those of the file read as YAML 1.1.
    let mut instance = node.to_json(Dialect::KustomizeV3);
    // What SOPS adds is gone when Flux has decrypted the object.
    if let Some(object) = instance.as_object_mut() {
        object.remove("sops");
    }
    let mut violations = Vec::new();
    let mut unchecked = compiled.unchecked.clone();
    let explainer = explain::Explainer { schema: &compiled.schema, root: node, instance: &instance };
    // Most objects are valid, and saying so is much cheaper than looking for errors.
    if !compiled.validator.is_valid(&instance) {
        for error in compiled.validator.iter_errors(&instance) {
            explainer.explain(&error, &mut violations);
        }
    }
    // As in the API server, rules are for objects of the right form; fields that it prunes do not matter to them.
    if let Some(rules) = &compiled.rules
        && violations.iter().all(|violation| violation.kind == ViolationKind::UnknownField)
    {
        let absence = if matches!(origin, Origin::Model(_)) { Absence::MayBeOurs } else { Absence::Proves };
        let judgement = rules.judge(&compiled.schema, &instance, absence);
        violations.extend(judgement.broken.into_iter().filter_map(|broken| explainer.broken(broken)));
        unchecked.extend(judgement.unchecked);
    }
    violations.sort_by(|one, other| {
        (&one.pointer, one.kind, &one.message).cmp(&(&other.pointer, other.kind, &other.message))
    });
    violations.dedup();
    Outcome::Checked(Checked { violations, origin, unchecked })
}
