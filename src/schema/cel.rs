//! The rules of a schema (`x-kubernetes-validations`, written in CEL): compiled once, run on every object that fits the
//! schema otherwise.
//!
//! A rule that cannot be run here is never taken for one that holds: it is named with the reason.
//!
//! Source: Kubernetes, "Validation rules" of CustomResourceDefinitions, and k8s.io/apiserver, pkg/cel.

mod cost;
mod functions;
mod program;
mod value;

use serde_json::Value;

use crate::schema::Unchecked;
use crate::schema::cel::program::{Program, Subject, Verdict};
use crate::yaml::Pointer;

/// Names the rules of a schema.
const KEYWORD: &str = "x-kubernetes-validations";

/// Why a rule on changes is passed over.
pub(super) const ON_CHANGE: &str = "a rule on changes (`oldSelf`) needs the object that is in the cluster";

/// The rules of a kind, in the shape of its schema: only places with a rule at or below them are kept.
#[derive(Debug)]
pub(super) struct Rules {
    /// JSON pointer of the schema of this place.
    schema: String,
    here: Vec<Rule>,
    fields: Vec<(String, Rules)>,
    /// Rules of each entry of a list.
    items: Option<Box<Rules>>,
    /// Rules of each value of a mapping.
    values: Option<Box<Rules>>,
}

#[derive(Debug)]
struct Rule {
    text: String,
    message: Option<String>,
    message_expression: Option<Program>,
    /// What the finding is about, below the place of the rule.
    field_path: Option<Pointer>,
    program: Program,
}

/// A rule that an object breaks.
#[derive(Debug)]
pub(super) struct Broken {
    /// The object that the rule is about.
    pub(super) place: Pointer,
    /// The field that the finding is about: the rule's own word, else the only one that the rule reads and that is there.
    pub(super) field: Pointer,
    /// What the rule says, written for people where it has a message.
    pub(super) message: Message,
}

/// What a broken rule says.
#[derive(Debug)]
pub(super) enum Message {
    /// A text of the schema.
    Fixed(String),
    /// A text that was made of the object's values; the fixed one stands in where these are not to be shown.
    Made { text: String, fixed: Option<String> },
    /// The rule itself: it has no message.
    Rule(String),
    /// A field that the rule reads is absent: the API server refuses that too.
    Absent { rule: String, field: String },
}

/// What the rules of a kind say of an object.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) broken: Vec<Broken>,
    /// Rules that could not be run.
    pub(super) unchecked: Vec<Unchecked>,
}

/// How much an absent field of a rule proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// The schema has every default: the API server would miss the field too.
    Proves,
    /// The schema is our own and may lack a default.
    MayBeOurs,
}

impl Rules {
    /// Returns the rules of `schema`; nothing where it has none that can be run. Those that cannot are added to `unchecked`.
    pub(super) fn of(schema: &Value, unchecked: &mut Vec<Unchecked>) -> Option<Self> {
        if !mentions_rules(schema) {
            return None;
        }
        Compiler { root: schema, inside: Vec::new(), unchecked }.place(schema, String::new())
    }

    /// Runs every rule on `instance`, whose schema is in `schema`.
    pub(super) fn judge(&self, schema: &Value, instance: &Value, absence: Absence) -> Judgement {
        let mut judge = Judge { schema, absence, judgement: Judgement::default() };
        judge.place(self, instance, &Pointer::root());
        judge.judgement
    }
}

/// Returns whether there is a rule anywhere in `schema`: in most there is none, and nothing to walk through for each reference.
fn mentions_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(KEYWORD) || map.values().any(mentions_rules),
        Value::Array(items) => items.iter().any(mentions_rules),
        _ => false,
    }
}

/// A schema while its rules are compiled.
struct Compiler<'s, 'o> {
    root: &'s Value,
    /// References that lead here: a definition inside itself has no rules of its own kind below.
    inside: Vec<&'s str>,
    unchecked: &'o mut Vec<Unchecked>,
}

impl<'s> Compiler<'s, '_> {
    fn place(&mut self, schema: &'s Value, pointer: String) -> Option<Rules> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if self.inside.contains(&reference) {
                return None;
            }
            let target = reference.strip_prefix('#')?;
            self.inside.push(reference);
            let place = self.root.pointer(target).and_then(|schema| self.place(schema, target.to_owned()));
            self.inside.pop();
            return place;
        }
        let mut place =
            Rules { here: self.rules(schema), fields: Vec::new(), items: None, values: None, schema: pointer };
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let below = format!("{}/properties/{}", place.schema, name.replace('~', "~0").replace('/', "~1"));
            place.fields.extend(self.place(property, below).map(|rules| (name.clone(), rules)));
        }
        let mut below = |keyword: &str| {
            let inner = schema.get(keyword).filter(|inner| inner.is_object())?;
            Some(Box::new(self.place(inner, format!("{}/{keyword}", place.schema))?))
        };
        place.items = below("items");
        place.values = below("additionalProperties");
        let is_empty = place.here.is_empty() && place.fields.is_empty();
        (!is_empty || place.items.is_some() || place.values.is_some()).then_some(place)
    }

    /// Compiles the rules that stand at one place.
    fn rules(&mut self, schema: &Value) -> Vec<Rule> {
        let entries = schema.get(KEYWORD).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut rules = Vec::new();
        for entry in entries {
            let text =
                |key: &str| entry.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            let Some(rule) = text("rule") else { continue };
            let mut refuse = |why: String| self.unchecked.push(Unchecked { what: format!("rule `{rule}`"), why });
            let program = match Program::compile(rule) {
                Ok(program) => program,
                Err(reason) => {
                    refuse(reason);
                    continue;
                }
            };
            if program.reads_old_self() && entry.get("optionalOldSelf") != Some(&Value::Bool(true)) {
                refuse(ON_CHANGE.to_owned());
                continue;
            }
            rules.push(Rule {
                text: rule.to_owned(),
                message: text("message").map(str::to_owned),
                // Where it cannot be made the API server falls back to the fixed message, and so do we.
                message_expression: text("messageExpression").and_then(|text| Program::compile(text).ok()),
                field_path: text("fieldPath").and_then(field_path),
                program,
            });
        }
        rules
    }
}

/// An object while its rules are run.
struct Judge<'s> {
    schema: &'s Value,
    absence: Absence,
    judgement: Judgement,
}

impl Judge<'_> {
    fn place(&mut self, rules: &Rules, instance: &Value, at: &Pointer) {
        if !rules.here.is_empty() {
            self.rules(rules, instance, at);
        }
        for (name, below) in &rules.fields {
            // A rule speaks of a value that is there.
            if let Some(value) = instance.get(name).filter(|value| !value.is_null()) {
                self.place(below, value, &at.key(name.as_str()));
            }
        }
        if let (Some(below), Some(items)) = (&rules.items, instance.as_array()) {
            for (index, item) in items.iter().enumerate() {
                self.place(below, item, &at.index(index));
            }
        }
        if let (Some(below), Some(values)) = (&rules.values, instance.as_object()) {
            for (name, value) in values {
                self.place(below, value, &at.key(name.as_str()));
            }
        }
    }

    fn rules(&mut self, rules: &Rules, instance: &Value, at: &Pointer) {
        let Some(schema) = self.schema.pointer(&rules.schema) else { return };
        let subject = Subject::new(value::convert(instance, schema, self.schema, value::Part::at(at)));
        for rule in &rules.here {
            let message = match rule.program.judge(&subject) {
                Verdict::Holds => continue,
                Verdict::Broken => rule.message(&subject),
                Verdict::Absent(field) if self.absence == Absence::Proves => {
                    Message::Absent { rule: rule.text.clone(), field }
                }
                Verdict::Absent(field) => {
                    self.unchecked(rule, format!("it reads `{field}`, which is absent"));
                    continue;
                }
                Verdict::NotRun(why) => {
                    self.unchecked(rule, why);
                    continue;
                }
            };
            let field = rule.field(instance, at);
            self.judgement.broken.push(Broken { place: at.clone(), field, message });
        }
    }

    fn unchecked(&mut self, rule: &Rule, why: String) {
        self.judgement.unchecked.push(Unchecked { what: format!("rule `{}`", rule.text), why });
    }
}

impl Rule {
    /// Returns what the rule says of `subject`.
    fn message(&self, subject: &Subject<'_>) -> Message {
        let fixed = self.message.as_ref().map(|message| message.trim_end_matches('.').to_owned());
        let made = self.message_expression.as_ref().and_then(|program| program.text(subject));
        match (made, fixed) {
            (Some(text), fixed) => Message::Made { text: text.trim_end_matches('.').to_owned(), fixed },
            (None, Some(fixed)) => Message::Fixed(fixed),
            (None, None) => Message::Rule(self.text.clone()),
        }
    }

    /// Returns the field that a finding is about.
    fn field(&self, instance: &Value, at: &Pointer) -> Pointer {
        if let Some(path) = &self.field_path {
            return at.join(path);
        }
        let there = |path: &&Pointer| instance.pointer(&path.to_string()).is_some_and(|value| !value.is_null());
        let mut present = self.program.fields().iter().filter(there);
        match (present.next(), present.next()) {
            (Some(only), None) => at.join(only),
            _ => at.clone(),
        }
    }
}

/// Reads a path as rules write it: `.spec.ports`, `.annotations['a.b/c']`.
fn field_path(text: &str) -> Option<Pointer> {
    let mut path = Pointer::root();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("['") {
            let (name, after) = quoted.split_once("']")?;
            path = path.key(name);
            rest = after;
        } else {
            let name = rest.strip_prefix('.')?;
            let end = name.find(['.', '[']).unwrap_or(name.len());
            path = path.key(name.get(..end)?);
            rest = name.get(end..)?;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns the messages of what `self` breaks, and what was not run.
    fn judge(schema: &Value, instance: &Value) -> (Vec<String>, Vec<String>) {
        let mut unchecked = Vec::new();
        let judgement = Rules::of(schema, &mut unchecked)
            .map(|rules| rules.judge(schema, instance, Absence::Proves))
            .unwrap_or_default();
        let broken = judgement.broken.into_iter().map(|broken| format!("{}: {:?}", broken.field, broken.message));
        unchecked.extend(judgement.unchecked);
        (broken.collect(), unchecked.into_iter().map(|unchecked| unchecked.why).collect())
    }

    fn schema(rule: &Value) -> Value {
        let field = json!({"type": "integer"});
        json!({
            "type": "object",
            "properties": {"a": field, "b": field, "my-name": {"type": "string"}, "when": {"type": "string"}},
            "x-kubernetes-validations": [rule],
        })
    }

    #[test]
    fn a_broken_rule_is_told_at_the_one_field_that_it_reads() {
        let rule = json!({"rule": "!has(self.a) || self.a % 2 == 0 || has(self.b)", "message": "must be even."});
        assert_eq!(judge(&schema(&rule), &json!({"a": 3})).0, ["/a: Fixed(\"must be even\")"]);
        assert_eq!(judge(&schema(&rule), &json!({"a": 4})).0, [""; 0]);
        assert_eq!(judge(&schema(&rule), &json!({})).0, [""; 0]);
    }

    #[test]
    fn names_that_are_no_identifiers_are_escaped() {
        let rule = json!({"rule": "self.my__dash__name == 'x'", "fieldPath": ".my-name"});
        assert_eq!(judge(&schema(&rule), &json!({"my-name": "x"})), (vec![], vec![]));
        assert_eq!(judge(&schema(&rule), &json!({"my-name": "y"})).0.len(), 1);
    }

    #[test]
    fn a_rule_on_changes_is_passed_over_unless_the_old_object_is_optional() {
        let (broken, unchecked) = judge(&schema(&json!({"rule": "self.a == oldSelf.a"})), &json!({"a": 1}));
        assert_eq!((broken.len(), unchecked), (0, vec![ON_CHANGE.to_owned()]));
        let optional = json!({"rule": "oldSelf.hasValue() || self.a > 1", "optionalOldSelf": true});
        let (broken, unchecked) = judge(&schema(&optional), &json!({"a": 1}));
        assert_eq!((broken.len(), unchecked.len()), (1, 0));
    }

    #[test]
    fn an_hour_in_utc_or_at_an_offset_is_known_and_one_in_a_named_zone_decides_nothing() {
        let moment = "timestamp('2026-07-01T23:30:00Z')";
        let judged = |rule: &str| judge(&schema(&json!({ "rule": rule })), &json!({}));
        for zone in ["'UTC'", "'Etc/UTC'", "'GMT'", "''", "'+00:00'", "'-00:15'"] {
            assert_eq!(judged(&format!("{moment}.getHours({zone}) == 23")), (vec![], vec![]), "{zone}");
        }
        assert_eq!(judged(&format!("{moment}.getHours('+02:00') == 1 && {moment}.getHours() == 23")), (vec![], vec![]));
        assert_eq!(judged(&format!("{moment}.getHours() == 22")).0.len(), 1);
        for hour in [1, 23] {
            let (broken, unchecked) = judged(&format!("{moment}.getHours('Europe/Berlin') == {hour}"));
            assert_eq!((broken.len(), unchecked.concat().as_str()), (0, "it names a time zone that is not known here"));
        }
        assert_eq!(judged(&format!("{moment}.getHours('Europe/Berlin') == 23 || true")), (vec![], vec![]));
    }

    #[test]
    fn a_rule_that_cannot_be_run_is_named_with_the_reason() {
        let why = |rule: &str| judge(&schema(&json!({ "rule": rule })), &json!({"a": 1})).1;
        assert_eq!(why("self.a.isBlue()"), ["it calls `isBlue`, which is not known here"]);
        assert_eq!(why("self.a =="), ["it cannot be read"]);
        assert_eq!(why("string(self.a).matches('(')"), ["`matches` cannot be run on these values"]);
        assert_eq!(why("self.a"), ["it gives no `true` or `false`"]);
        assert_eq!(why("request.user == 'a'"), ["it reads `request`, which is not known here"]);
        assert_eq!(why(&format!("{}1 == self.a", "1 + ".repeat(3000))), ["it is longer than 8 KiB"]);
        assert_eq!(why(&format!("{}1 == self.a", "1 + ".repeat(1500))), ["it nests too deeply"]);
    }

    #[test]
    fn a_field_that_the_rule_needs_and_nobody_wrote_is_refused_as_in_the_cluster() {
        let (broken, _) = judge(&schema(&json!({"rule": "self.b > 0"})), &json!({"a": 1}));
        assert_eq!(broken, ["/: Absent { rule: \"self.b > 0\", field: \"b\" }".replace("/:", ":")]);
    }

    #[test]
    fn a_message_may_be_made_of_values() {
        let rule = json!({"rule": "self.a > 1", "message": "too small", "messageExpression": "'is ' + string(self.a)"});
        let made = "/a: Made { text: \"is 1\", fixed: Some(\"too small\") }";
        assert_eq!(judge(&schema(&rule), &json!({"a": 1})).0, [made]);
        let not_text = json!({"rule": "self.a > 1", "message": "too small", "messageExpression": "self.a"});
        assert_eq!(judge(&schema(&not_text), &json!({"a": 1})).0, ["/a: Fixed(\"too small\")"]);
    }

    #[test]
    fn rules_of_entries_and_of_values_are_run_on_each() {
        let positive = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self > 0"}]});
        let schema = json!({
            "properties": {
                "list": {"type": "array", "items": positive},
                "map": {"type": "object", "additionalProperties": positive},
            },
        });
        let (broken, _) = judge(&schema, &json!({"list": [1, 0], "map": {"x": -1, "y": 1}}));
        assert_eq!(broken, ["/list/1: Rule(\"self > 0\")", "/map/x: Rule(\"self > 0\")"]);
    }

    #[test]
    fn defaults_are_there_before_rules_are_run() {
        let schema = json!({
            "type": "object",
            "properties": {
                "mode": {"type": "string", "default": "safe"},
                "inner": {"type": "object", "default": {}, "properties": {"count": {"type": "integer", "default": 2}}},
            },
            "x-kubernetes-validations": [{"rule": "self.mode == 'safe' && self.inner.count == 2"}],
        });
        assert_eq!(judge(&schema, &json!({})), (vec![], vec![]));
        assert_eq!(judge(&schema, &json!({"mode": "fast"})).0.len(), 1);
    }

    #[test]
    fn a_rule_that_would_run_for_ages_is_not_run() {
        let list: Vec<u32> = (0..5000).collect();
        let schema = json!({
            "properties": {"l": {"type": "array", "items": {"type": "integer"}}},
            "x-kubernetes-validations": [{"rule": "self.l.all(a, self.l.all(b, self.l.exists(c, a + b != c)))"}],
        });
        assert_eq!(judge(&schema, &json!({ "l": list })).1, ["it takes too long on so large an object"]);
    }

    #[test]
    fn paths_of_rules_are_read() {
        let read = |text| field_path(text).map(|path| path.to_string());
        assert_eq!(read(".spec.ports").as_deref(), Some("/spec/ports"));
        assert_eq!(read(".annotations['a.b/c'].d").as_deref(), Some("/annotations/a.b~1c/d"));
        assert_eq!(read("spec"), None);
    }
}
