//! The functions that templates and expressions call, beside those of handlebars.
//!
//! Each is strict: a value that is not there is an error, never an empty text.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonTruthy, Output, RenderContext, RenderError,
    RenderErrorReason, Renderable as _, ScopedJson,
};
use serde_json::Value;

use crate::generate::block_style;
use crate::generate::builtin;
use crate::generate::template::{escape_controls, quoted};

/// Adds the functions to `registry`.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    for (name, call) in VALUES {
        registry.register_helper(name, Box::new(OfValues(*call)));
    }
    for (name, call) in TEXTS {
        registry.register_helper(name, Box::new(AsWritten(*call)));
    }
    registry.register_helper("if", Box::new(Condition { wanted: true }));
    registry.register_helper("unless", Box::new(Condition { wanted: false }));
}

type Call<R> = fn(&[&Value]) -> Result<R, &'static str>;

/// Functions whose result is a value; where it is written it is escaped like any other.
const VALUES: &[(&str, Call<Value>)] = &[
    ("concat", |parts| Ok(Value::from(parts.iter().map(|part| as_text(part)).collect::<String>()))),
    ("replace", |arguments| match arguments {
        [Value::String(text), Value::String(from), Value::String(to)] => Ok(Value::from(text.replace(from, to))),
        _ => Err("takes three texts"),
    }),
    ("has", |arguments| match arguments {
        [Value::Object(map), Value::String(key)] => Ok(Value::from(map.contains_key(key))),
        [Value::Array(list), item] => Ok(Value::from(list.contains(item))),
        _ => Err("takes a mapping and a key, or a list and an item"),
    }),
    ("upper", |arguments| match arguments {
        [Value::String(text)] => Ok(Value::from(upper(text))),
        _ => Err("takes a text"),
    }),
    ("join", |arguments| match arguments {
        [Value::Array(list), Value::String(between)] => {
            Ok(Value::from(list.iter().map(as_text).collect::<Vec<_>>().join(between)))
        }
        _ => Err("takes a list and the text between its items"),
    }),
    // A list of so many items, to loop over.
    ("repeat", |arguments| match arguments {
        [Value::Number(count)] if count.as_u64().is_some_and(|count| count <= 1000) => {
            Ok(Value::from((0..count.as_u64().unwrap_or_default()).collect::<Vec<_>>()))
        }
        _ => Err("takes a number up to 1000"),
    }),
    ("and", |arguments| Ok(Value::from(arguments.iter().all(|value| value.is_truthy(false))))),
    ("or", |arguments| Ok(Value::from(arguments.iter().any(|value| value.is_truthy(false))))),
];

/// Functions that write YAML themselves.
const TEXTS: &[(&str, Call<String>)] = &[
    // A string whatever its text, always in double quotes.
    ("text", |arguments| match arguments {
        [only] => Ok(quoted(&as_text(only))),
        _ => Err("takes one value"),
    }),
    // A list or mapping, in the flow style, on one line.
    ("yaml", |arguments| match arguments {
        [only] => Ok(escape_controls(&only.to_string())),
        _ => Err("takes one value"),
    }),
    // A list or mapping, in the block style, each line behind so many blanks; without the last line break.
    ("block", |arguments| lines(arguments, block_style::block)),
    // A parameter with its name, with the fields that it has in the order of the schema.
    ("fields", |arguments| {
        let [Value::String(name), value, indent] = arguments else {
            return Err("takes a name, a value and a number of blanks");
        };
        let named = Value::Object([(name.clone(), (*value).clone())].into_iter().collect());
        lines(&[&named, indent], |value, indent| block_style::block_by(value, indent, builtin::field_orders()))
    }),
];

fn lines(arguments: &[&Value], write: fn(&Value, usize) -> String) -> Result<String, &'static str> {
    let [value, Value::Number(indent)] = arguments else { return Err("takes a value and a number of blanks") };
    let indent = indent.as_u64().and_then(|indent| usize::try_from(indent).ok()).ok_or("takes a number of blanks")?;
    Ok(write(value, indent).trim_end_matches('\n').to_owned())
}

/// Returns `text` as the name of an environment variable: `price-updates` as `PRICE_UPDATES`.
pub(in crate::generate) fn upper(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }).collect()
}

pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns the arguments of `helper`, all of which have to be there.
fn arguments<'a>(helper: &'a Helper<'_>) -> Result<Vec<&'a Value>, RenderError> {
    let value = |(at, parameter): (usize, &'a handlebars::PathAndJson<'_>)| {
        if parameter.is_value_missing() {
            let name = parameter.relative_path().cloned().unwrap_or_else(|| format!("value {at} of {}", helper.name()));
            return Err(RenderErrorReason::MissingVariable(Some(name)).into());
        }
        Ok(parameter.value())
    };
    helper.params().iter().enumerate().map(value).collect()
}

fn refused(helper: &Helper<'_>, reason: &str) -> RenderError {
    RenderErrorReason::Other(format!("`{}` {reason}", helper.name())).into()
}

struct OfValues(Call<Value>);

impl HelperDef for OfValues {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        (self.0)(&arguments(helper)?).map(ScopedJson::Derived).map_err(|reason| refused(helper, reason))
    }
}

struct AsWritten(Call<String>);

impl HelperDef for AsWritten {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let written = (self.0)(&arguments(helper)?).map_err(|reason| refused(helper, reason))?;
        Ok(out.write(&written)?)
    }
}

/// `{{#if}}` and `{{#unless}}`, to which a misspelt name is no "no".
struct Condition {
    wanted: bool,
}

impl HelperDef for Condition {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let [value] = arguments(helper)?[..] else { return Err(refused(helper, "takes one value")) };
        let chosen = if value.is_truthy(false) == self.wanted { helper.template() } else { helper.inverse() };
        chosen.map_or(Ok(()), |template| template.render(registry, context, state, out))
    }
}
