//! What a validator found, in words for people, at places of the tree.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Found;
use serde_json::{Map, Value};

use crate::diagnostic::pick;
use crate::schema::cel::{Broken, Message};
use crate::schema::list_map::{self, Keys};
use crate::schema::{Violation, ViolationKind, elsewhere, path};
use crate::text::Span;
use crate::yaml::{Node, Pointer, Segment, Step};

/// An object that a schema refuses, while the reasons are collected.
pub(super) struct Explainer<'e> {
    /// The whole schema.
    pub(super) schema: &'e Value,
    /// The object.
    pub(super) root: &'e Node,
    /// The object as JSON.
    pub(super) instance: &'e Value,
}

impl Explainer<'_> {
    /// Adds what `error` means.
    pub(super) fn explain(&self, error: &ValidationError<'_>, out: &mut Vec<Violation>) {
        let Ok(at) = error.instance_path().as_str().parse::<Pointer>() else { return };
        let at = &at;
        let beside = self.schema_beside(error);
        match error.kind() {
            Found::AdditionalProperties { unexpected } | Found::UnevaluatedProperties { unexpected } => {
                out.extend(unexpected.iter().map(|field| self.unknown_field(at, field, beside)));
            }
            Found::Required { property } => out.push(self.missing_field(at, property)),
            Found::PropertyNames { error } => out.push(self.bad_key(at, error)),
            Found::Custom { keyword, .. } if [list_map::KEYWORD, list_map::UNIQUE].contains(&keyword.as_str()) => {
                self.duplicates(at, beside.map(|schema| Keys::of(schema, keyword)), out);
            }
            Found::AnyOf { context } | Found::OneOfNotValid { context } => self.no_branch(at, beside, context, out),
            Found::OneOfMultipleValid { .. } => out.push(self.many_branches(at, beside)),
            Found::Not { schema } => out.push(self.forbidden(at, schema)),
            // The engine gave up: that says nothing about the object.
            Found::BacktrackLimitExceeded { .. } | Found::RegexEngineFailure { .. } | Found::Referencing(_) => {}
            _ if self.is_encrypted(error.instance()) => {}
            _ => out.push(self.bad_value(at, error, beside)),
        }
    }

    /// Returns what a broken rule means; nothing where it depends on what SOPS encrypted.
    pub(super) fn broken(&self, broken: Broken) -> Option<Violation> {
        let value = self.instance.pointer(&broken.place.to_string())?;
        let is_encrypted = self.root.get("sops").is_some() && any_text(value, &|text| text.starts_with("ENC["));
        if is_encrypted {
            return None;
        }
        let node = path::nearest(&broken.place, self.root);
        let rule = |rule: &str| format!("breaks the rule `{}`", shorten(rule));
        let said = match broken.message {
            Message::Fixed(text) => text,
            Message::Made { text, .. } if !self.any_may_be_secret(&broken.place, node) => text,
            Message::Made { fixed, .. } => fixed.unwrap_or_else(|| "breaks a rule of its schema".to_owned()),
            Message::Rule(text) => rule(&text),
            Message::Absent { rule: text, field } => format!("{}: it needs `{field}`", rule(&text)),
        };
        let message = format!("`{}`: {}", self.object_name(&broken.place), said.lines().collect::<Vec<_>>().join(" "));
        let target = path::nearest(&broken.field, self.root);
        let span = if target.as_scalar().is_some() { target.span } else { path::place(&broken.field, self.root) };
        let mut violation = self.violation(&broken.field, span, ViolationKind::Rule, message);
        violation.holds_variable = any_text(value, &has_variable);
        Some(violation)
    }

    /// Returns whether anything below `node` may be secret.
    fn any_may_be_secret(&self, at: &Pointer, node: &Node) -> bool {
        let inner = || {
            let values = node.as_map().into_iter().flatten().map(|entry| &entry.value);
            values.chain(node.as_sequence().unwrap_or_default())
        };
        self.may_be_secret(at, node) || inner().any(|value| self.any_may_be_secret(at, value))
    }

    /// A value that SOPS encrypted: nobody here knows what Flux will decrypt it to.
    fn is_encrypted(&self, value: &Value) -> bool {
        self.root.get("sops").is_some() && value.as_str().is_some_and(|text| text.starts_with("ENC["))
    }

    /// Returns the schema that the failed keyword is part of.
    fn schema_beside(&self, error: &ValidationError<'_>) -> Option<&Map<String, Value>> {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(parent)?.as_object()
    }

    fn unknown_field(&self, at: &Pointer, field: &str, beside: Option<&Map<String, Value>>) -> Violation {
        let whole = at.key(field);
        let properties = beside.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
        let present = path::nearest(at, self.root);
        let suggestion = pick::nearest(field, known.filter(|name| present.get(name).is_none()));
        let home = suggestion.is_none().then(|| elsewhere::home(field, at, self.schema, self.root)).flatten();
        let hint = home.map(|home| format!(", which is a field of {home}")).unwrap_or_default();
        let message = format!("unknown field `{}`{hint}", path::display(&whole, self.root));
        let span = path::place(&whole, self.root);
        let mut violation = self.violation(&whole, span, ViolationKind::UnknownField, message).suggest(suggestion);
        violation.holds_variable = has_variable(field);
        violation
    }

    fn missing_field(&self, at: &Pointer, property: &Value) -> Violation {
        let whole = at.key(property.as_str().unwrap_or_default());
        let message = format!("missing required field `{}`", path::display(&whole, self.root));
        self.violation(&whole, path::place(at, self.root), ViolationKind::Required, message)
    }

    fn bad_key(&self, at: &Pointer, error: &ValidationError<'_>) -> Violation {
        let key = error.instance().as_str().unwrap_or_default();
        let whole = at.key(key);
        let expected = Self::expectation(error, self.schema_beside(error));
        let message = format!("`{}`: expected a key of {expected}", path::display(&whole, self.root));
        let mut violation = self.violation(&whole, path::place(&whole, self.root), ViolationKind::Pattern, message);
        violation.holds_variable = has_variable(key);
        violation
    }

    fn duplicates(&self, at: &Pointer, keys: Option<Keys>, out: &mut Vec<Violation>) {
        let (Some(keys), Some(list)) = (keys, self.instance.pointer(&at.to_string())) else { return };
        for index in keys.duplicates(list) {
            let item = at.index(index);
            let fields = keys.fields().join("` and `");
            let message = format!("`{}` repeats the `{fields}` of an earlier entry", path::display(&item, self.root));
            let node = path::nearest(&item, self.root);
            let telling = keys.fields().iter().find_map(|field| node.get(field));
            let span = telling.map_or_else(|| path::place(&item, self.root), |node| node.span);
            out.push(self.violation(&item, span, ViolationKind::Duplicate, message));
        }
    }

    /// Says what the branch that came nearest lacks.
    fn no_branch(
        &self,
        at: &Pointer,
        beside: Option<&Map<String, Value>>,
        context: &[Vec<ValidationError<'static>>],
        out: &mut Vec<Violation>,
    ) {
        let is_required = |errors: &Vec<ValidationError<'_>>| matches!(errors.as_slice(), [error] if matches!(error.kind(), Found::Required { .. }));
        let choices = required_fields(beside);
        if choices.len() > 1 && context.iter().all(is_required) {
            let message = format!("`{}` needs one of {}", self.object_name(at), quoted(&choices));
            out.push(self.violation(at, path::place(at, self.root), ViolationKind::Combination, message));
            return;
        }
        let depth = |errors: &&Vec<ValidationError<'_>>| {
            let deepest = errors.iter().map(|error| error.instance_path().segments().count()).max();
            (deepest, std::cmp::Reverse(errors.len()))
        };
        if let Some(nearest) = context.iter().max_by_key(depth) {
            for error in nearest {
                self.explain(error, out);
            }
        }
    }

    fn many_branches(&self, at: &Pointer, beside: Option<&Map<String, Value>>) -> Violation {
        let node = path::nearest(at, self.root);
        let present: Vec<_> = required_fields(beside).into_iter().filter(|name| node.get(name).is_some()).collect();
        let name = self.object_name(at);
        let message = if present.len() > 1 {
            format!("`{name}` may have only one of {}", quoted(&present))
        } else {
            format!("`{name}` fits more than one of the forms that exclude each other")
        };
        let field = present.last().map_or_else(|| at.clone(), |field| at.key(*field));
        self.violation(at, path::place(&field, self.root), ViolationKind::Combination, message)
    }

    fn forbidden(&self, at: &Pointer, schema: &Value) -> Violation {
        let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let fields: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
        let name = self.object_name(at);
        let message = match fields.as_slice() {
            [] => format!("`{name}` has a form that is refused"),
            [field] => format!("`{name}` must not have `{field}` here"),
            _ => format!("`{name}` must not have {} together", quoted(&fields)),
        };
        let field = fields.last().map_or_else(|| at.clone(), |field| at.key(*field));
        self.violation(at, path::place(&field, self.root), ViolationKind::Combination, message)
    }

    fn bad_value(&self, at: &Pointer, error: &ValidationError<'_>, beside: Option<&Map<String, Value>>) -> Violation {
        let node = path::nearest(at, self.root);
        let expected = Self::expectation(error, beside);
        let found = self.found(at, node, error.instance());
        let message = format!("`{}`: expected {expected}, found {found}", self.object_name(at));
        let kind = match error.kind() {
            Found::Type { .. } => ViolationKind::Type,
            Found::Enum { .. } | Found::Constant { .. } => ViolationKind::Enum,
            Found::Pattern { .. } | Found::Format { .. } => ViolationKind::Pattern,
            Found::FalseSchema => ViolationKind::Combination,
            Found::UniqueItems => ViolationKind::Duplicate,
            _ => ViolationKind::Range,
        };
        let span = if node.as_scalar().is_some() { node.span } else { path::place(at, self.root) };
        let suggestion = match (error.kind(), node.as_str()) {
            (Found::Enum { options }, Some(text)) => pick::nearest(text, texts(options)).map(str::to_owned),
            _ => None,
        };
        self.violation(at, span, kind, message).suggest(suggestion.as_deref())
    }

    /// Returns what was wanted, to be read after "expected".
    fn expectation(error: &ValidationError<'_>, beside: Option<&Map<String, Value>>) -> String {
        let hint = || beside?.get("x-expected")?.as_str().map(str::to_owned);
        match error.kind() {
            Found::Type { .. } => type_names(beside.and_then(|schema| schema.get("type"))),
            Found::Enum { options } => match texts(options).as_slice() {
                [] => format!("one of {options}"),
                [one] => format!("`{one}`"),
                many => format!("one of {}", quoted(many)),
            },
            Found::Constant { expected_value } => format!("`{expected_value}`"),
            Found::Pattern { pattern } => hint().unwrap_or_else(|| format!("text like `{pattern}`")),
            Found::Format { format } => format!("a {format}"),
            Found::Minimum { limit } => format!("at least {limit}"),
            Found::Maximum { limit } => format!("at most {limit}"),
            Found::ExclusiveMinimum { limit } => format!("more than {limit}"),
            Found::ExclusiveMaximum { limit } => format!("less than {limit}"),
            Found::MinLength { limit: 1 } => "text that is not empty".to_owned(),
            Found::MinLength { limit } => format!("at least {limit} characters"),
            Found::MaxLength { limit } => format!("at most {limit} characters"),
            Found::MinItems { limit } => format!("at least {limit} {}", plural(*limit, "entry", "entries")),
            Found::MaxItems { limit } => format!("at most {limit} {}", plural(*limit, "entry", "entries")),
            Found::MinProperties { limit } => format!("at least {limit} {}", plural(*limit, "field", "fields")),
            Found::MaxProperties { limit } => format!("at most {limit} {}", plural(*limit, "field", "fields")),
            Found::UniqueItems => "entries that differ".to_owned(),
            Found::FalseSchema => "nothing here".to_owned(),
            Found::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
            other => format!("what `{}` asks for", other.keyword()),
        }
    }

    /// Returns what stands there, to be read after "found"; values that may be secret are not shown.
    fn found(&self, at: &Pointer, node: &Node, value: &Value) -> String {
        let may_show = !self.may_be_secret(at, node);
        match value {
            Value::Null => "nothing".to_owned(),
            Value::Array(items) => format!("a list of {}", items.len()),
            Value::Object(_) => "a mapping".to_owned(),
            Value::String(text) if may_show => format!("text {:?}", shorten(text)),
            Value::String(_) => "other text".to_owned(),
            Value::Bool(_) if !may_show => "a boolean".to_owned(),
            Value::Number(_) if !may_show => "a number".to_owned(),
            Value::Bool(value) => format!("the boolean `{value}`"),
            Value::Number(number) => format!("the number `{number}`"),
        }
    }

    /// A Secret's content, and text that a variable may have brought in from one.
    fn may_be_secret(&self, at: &Pointer, node: &Node) -> bool {
        let mut steps = std::iter::successors(node.chain.as_deref(), |chain| chain.earlier.as_deref());
        let is_substituted = steps.any(|chain| matches!(chain.step, Step::Substitution(_)));
        let in_metadata = matches!(at.segments().first(), Some(Segment::Key(key)) if key == "metadata");
        let in_secret = self.root.get("kind").and_then(Node::as_str) == Some("Secret") && !in_metadata;
        is_substituted || in_secret
    }

    /// Returns the path for people; the kind for the object itself.
    fn object_name(&self, at: &Pointer) -> String {
        let name = path::display(at, self.root);
        let kind = || self.root.get("kind").and_then(Node::as_str).unwrap_or("object").to_owned();
        if name.is_empty() { kind() } else { name }
    }

    fn violation(&self, at: &Pointer, span: Span, kind: ViolationKind, message: String) -> Violation {
        let holds_variable = path::nearest(at, self.root).as_str().is_some_and(has_variable);
        Violation { pointer: at.clone(), span, kind, message, suggestion: None, holds_variable }
    }
}

impl Violation {
    fn suggest(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }
}

/// Returns whether `is_wanted` is true of a text in `value`.
fn any_text(value: &Value, is_wanted: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_wanted(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_wanted)),
        Value::Object(map) => map.values().any(|value| any_text(value, is_wanted)),
        _ => false,
    }
}

fn has_variable(text: &str) -> bool {
    text.split_once("${").is_some_and(|(_, rest)| rest.contains('}'))
}

/// Returns the texts of an `enum`; null is there only for absent values.
fn texts(options: &Value) -> Vec<&str> {
    options.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

/// Returns the fields that the branches of `oneOf` or `anyOf` ask for.
fn required_fields(schema: Option<&Map<String, Value>>) -> Vec<&str> {
    let branches = ["oneOf", "anyOf"].iter().filter_map(|key| schema?.get(*key)?.as_array()).flatten();
    let fields = branches.filter_map(|branch| branch.get("required")?.as_array()).flatten();
    fields.filter_map(Value::as_str).collect()
}

fn type_names(types: Option<&Value>) -> String {
    let names: Vec<&str> = match types {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    let words: Vec<&str> = names.into_iter().map(type_name).collect();
    // A place that only refuses null lists every other type.
    if words.is_empty() || words.len() > 3 { "a value".to_owned() } else { words.join(" or ") }
}

fn type_name(name: &str) -> &str {
    match name {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "null" => "nothing",
        other => other,
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// Returns the first line of `text`, cut after 60 characters.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(60).collect();
    if short.len() < text.trim_end().len() { format!("{short}…") } else { short }
}
