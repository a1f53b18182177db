//! Handlebars, so that a value can never break the YAML around it.
//!
//! In a template of YAML each `{{value}}` comes out as one safe scalar. Everything is strict: a name that is not there
//! is an error at its line.

mod functions;

use std::cell::RefCell;

use handlebars::{Context, Handlebars, RenderError, RenderErrorReason};
use serde_json::Value;

use crate::text::RepoPath;
use crate::yaml::{Dialect, Typed};

pub(super) use crate::generate::template::functions::upper;

/// What went wrong in a template, with its line counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("render template `{template}`, line {line}: {reason}")]
pub struct TemplateError {
    /// The template, as a path in the blueprint.
    pub template: RepoPath,
    /// Line of the template, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// The values that a template sees.
#[derive(Debug)]
pub(super) struct Values(Context);

impl Values {
    /// Returns them as one value.
    pub(super) fn as_value(&self) -> &Value {
        self.0.data()
    }

    /// Puts `value` in the place of the one called `name`, nothing to have none, and returns what was there.
    pub(super) fn replace(&mut self, name: &str, value: Option<Value>) -> Option<Value> {
        let values = self.0.data_mut().as_object_mut()?;
        match value {
            Some(value) => values.insert(name.to_owned(), value),
            None => values.remove(name),
        }
    }

    /// Returns them as one value.
    pub(super) fn into_value(mut self) -> Value {
        self.0.data_mut().take()
    }
}

impl From<Value> for Values {
    fn from(value: Value) -> Self {
        Self(Context::from(value))
    }
}

/// The two ways to render: YAML with safe scalars, and everything else as it is. Each text is parsed once.
pub(super) struct Engine {
    yaml: RefCell<Handlebars<'static>>,
    verbatim: RefCell<Handlebars<'static>>,
}

impl Engine {
    pub(super) fn new() -> Self {
        Self { yaml: registry(scalar), verbatim: registry(handlebars::no_escape) }
    }

    /// Returns what `text`, the template at `template`, makes of `values`; `target` is the path of the result.
    pub(super) fn render(
        &self,
        template: &RepoPath,
        target: &RepoPath,
        text: &str,
        values: &Values,
    ) -> Result<String, TemplateError> {
        let registry = if target.is_yaml() { &self.yaml } else { &self.verbatim };
        render(registry, text, values).map_err(|error| located(template, &error))
    }

    /// Returns what a path or a message of the manifest makes of `values`.
    pub(super) fn inline(&self, text: &str, values: &Values) -> Result<String, String> {
        render(&self.verbatim, text, values).map_err(|error| format!("`{text}`: {}", reason(&error)))
    }

    /// Returns whether `expression`, a name or a helper call in parentheses, holds for `values`.
    pub(super) fn holds(&self, expression: &str, values: &Values) -> Result<bool, String> {
        let text = format!("{{{{#if {expression}}}}}yes{{{{/if}}}}");
        let rendered = render(&self.verbatim, &text, values);
        rendered.map(|text| text == "yes").map_err(|error| format!("`{expression}`: {}", reason(&error)))
    }

    /// Returns the line of the template that made line `line` (from 1) of its result.
    ///
    /// The template is rendered once more with a mark at the end of each line that is not a block tag: blocks that
    /// stand alone on a line take their line with them, so lines cannot be counted.
    pub(super) fn template_line(&self, target: &RepoPath, text: &str, values: &Values, line: usize) -> usize {
        let mut marked = String::with_capacity(text.len() * 2);
        for (index, content) in text.lines().enumerate() {
            marked.push_str(content);
            if !content.trim_start().starts_with("{{") {
                marked.push(MARK);
                marked.push_str(&(index + 1).to_string());
                marked.push(MARK);
            }
            marked.push('\n');
        }
        let registry = if target.is_yaml() { &self.yaml } else { &self.verbatim };
        let rendered = render(registry, &marked, values).unwrap_or_default();
        // A value of several lines ends at the mark of its own line.
        let mut marks = rendered.lines().skip(line.saturating_sub(1)).filter_map(|content| content.split(MARK).nth(1));
        marks.find_map(|number| number.parse().ok()).unwrap_or(line)
    }
}

/// A character of the private use area, which no template holds.
const MARK: char = '\u{E123}';

fn registry(escape: fn(&str) -> String) -> RefCell<Handlebars<'static>> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    functions::register(&mut registry);
    RefCell::new(registry)
}

/// Renders `text`, which is its own name among the templates that were parsed.
fn render(registry: &RefCell<Handlebars<'static>>, text: &str, values: &Values) -> Result<String, RenderError> {
    if !registry.borrow().has_template(text) {
        registry.borrow_mut().register_template_string(text, text)?;
    }
    registry.borrow().render_with_context(text, &values.0)
}

fn reason(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::TemplateError(inner) => inner.reason().to_string(),
        RenderErrorReason::MissingVariable(Some(name)) => format!("there is no `{name}`"),
        other => other.to_string(),
    }
}

fn located(template: &RepoPath, error: &RenderError) -> TemplateError {
    // An error of the template's own syntax brings its line along inside the reason.
    let line = match error.reason() {
        RenderErrorReason::TemplateError(inner) => inner.pos().map(|(line, _)| line),
        _ => error.line_no,
    };
    TemplateError { template: template.clone(), line: line.unwrap_or(1), reason: reason(error) }
}

/// Returns `text` as one YAML scalar: as it is where every reader takes it for the same string, number or boolean,
/// else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Returns `text` as a YAML scalar that is a string for every reader.
pub(super) fn string(text: &str) -> String {
    let is_string = |dialect: Dialect| dialect.resolve_plain(text) == Typed::String;
    if is_plain(text) && is_string(Dialect::KustomizeV3) && is_string(Dialect::KubernetesV2) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn is_plain(text: &str) -> bool {
    let first_may = |first: char| first.is_ascii_alphanumeric() || matches!(first, '_' | '/' | '.' | '$' | '^' | '(');
    let inside_may = |inside: char| inside.is_ascii_alphanumeric() || "_-./$^()|@+=~:".contains(inside);
    text.chars().next().is_some_and(first_may) && text.chars().all(inside_may) && !text.ends_with(':')
}

/// JSON's quoting is YAML's, but for the control characters that JSON lets through.
fn quoted(text: &str) -> String {
    escape_controls(&Value::from(text).to_string())
}

fn escape_controls(json: &str) -> String {
    let piece = |character: char| match character {
        '\u{2028}' | '\u{2029}' | '\u{FEFF}' => format!("\\u{:04x}", u32::from(character)),
        control if control.is_control() => format!("\\u{:04x}", u32::from(control)),
        other => other.to_string(),
    };
    json.chars().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(text: &str, values: &Value) -> Result<String, TemplateError> {
        let path = |text| RepoPath::new(text).unwrap();
        Engine::new().render(&path("a.yaml.hbs"), &path("a.yaml"), text, &Values::from(values.clone()))
    }

    #[test]
    fn a_value_is_one_scalar_whatever_it_holds() {
        let values = json!({"value": "a: b # c\n- d", "plain": "ghcr.io/acme/web:v1"});
        assert_eq!(render("key: {{value}}\n", &values).unwrap(), "key: \"a: b # c\\n- d\"\n");
        assert_eq!(render("key: {{plain}}\n", &values).unwrap(), "key: ghcr.io/acme/web:v1\n");
    }

    #[test]
    fn a_text_stays_a_text_when_it_looks_like_a_number() {
        assert_eq!(render("{{text n}} {{n}}\n", &json!({"n": 60})).unwrap(), "\"60\" 60\n");
        assert_eq!(string("1.10"), "\"1.10\"");
    }

    #[test]
    fn joined_values_are_escaped_as_one() {
        let values = json!({"host": "a b", "name": "x"});
        assert_eq!(render("{{concat host \"/\" name}}", &values).unwrap(), "\"a b/x\"");
    }

    #[test]
    fn a_missing_name_is_an_error_at_its_line() {
        let error = render("a: 1\nb: {{nope}}\n", &json!({})).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.reason.contains("nope"), "{error}");
    }

    #[test]
    fn broken_syntax_is_an_error_at_its_line() {
        let error = render("a: 1\n\nb: {{#if x}}\n", &json!({"x": 1})).unwrap_err();
        assert_eq!(error.template.as_str(), "a.yaml.hbs");
        assert!(error.line >= 3, "{error}");
    }

    #[test]
    fn lines_of_the_result_lead_back_to_the_template_across_blocks() {
        let text = "a: 1\n{{#if no}}\nb: 2\n{{/if}}\nc: 3\n{{#if yes}}\nd: 4\n{{/if}}\ne: 5\n";
        let target = RepoPath::new("a.yaml").unwrap();
        let values = Values::from(json!({"no": false, "yes": true}));
        let line = |line| Engine::new().template_line(&target, text, &values, line);
        assert_eq!([line(1), line(2), line(3), line(4)], [1, 5, 7, 9]);
    }

    #[test]
    fn a_condition_is_an_expression_over_the_parameters() {
        let values = Values::from(json!({"name": "fra1", "elected": "fra1", "clusters": {"fra1": {}}}));
        let engine = Engine::new();
        assert_eq!(engine.holds("(eq name elected)", &values), Ok(true));
        assert_eq!(engine.holds("(has clusters \"nyc1\")", &values), Ok(false));
        assert!(engine.holds("(eq name nope)", &values).is_err());
        assert!(engine.holds("clusters.nyc1", &values).is_err());
    }

    #[test]
    fn what_a_function_is_not_given_is_an_error() {
        for text in ["{{concat \"a\" nope}}", "{{block nope 2}}", "{{#if nope}}x{{/if}}", "{{upper 1}}", "{{block 1}}"]
        {
            assert!(render(&format!("a: {text}\n"), &json!({})).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_is_asked_joined_and_written_in_lines() {
        let values = json!({"list": ["a-b", "c"], "map": {"x": [1]}});
        assert_eq!(render("a: {{join list \",\"}} {{upper \"a-b\"}}\n", &values).unwrap(), "a: \"a-b,c\" A_B\n");
        assert_eq!(render("a:\n{{block map 2}}\n", &values).unwrap(), "a:\n  x:\n    - 1\n");
        assert_eq!(render("a: {{#if (has list \"c\")}}1{{else}}2{{/if}}\n", &values).unwrap(), "a: 1\n");
    }
}
