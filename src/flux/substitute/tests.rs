//! What Flux itself did with texts and resources, and where origins go.

#![cfg(test)]

use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

use super::*;
use crate::text::FileSet;
use crate::yaml::Step;

/// Returns the recorded cases, or says that the test is skipped.
fn cases() -> Vec<Value> {
    let folder = env::var("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|_| "../shared/conformance".to_owned());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join("envsubst.json");
    let Ok(text) = fs::read_to_string(&path) else {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: {} is absent", path.display());
        }
        return Vec::new();
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn variables(case: &Value) -> BTreeMap<SmolStr, Variable> {
    let vars = case["vars"].as_object().unwrap();
    let variable = |value: &Value| Variable::known(value.as_str().unwrap(), None);
    vars.iter().map(|(name, value)| (SmolStr::new(name), variable(value))).collect()
}

/// Returns the output or the error of a text, as Flux words it.
fn evaluate(text: &str, variables: &BTreeMap<SmolStr, Variable>, strict: bool) -> Result<String, String> {
    let value = |name: &str| variables.get(name).and_then(|variable| variable.value.as_deref());
    let template = Template::parse(text).map_err(|error| error.reason.to_owned())?;
    let expansion = template.expand(&value, "").map_err(|error| error.reason.to_owned())?;
    match expansion.undefined.first() {
        Some(name) if strict => Err(format!("variable not set (strict mode): \"{name}\"")),
        _ => Ok(expansion.text),
    }
}

/// Returns the printed result or the first problem of a resource, as Flux words it.
fn evaluate_resource(case: &Value) -> Result<String, String> {
    let variables = variables(case);
    let input = case["input"].as_str().unwrap();
    let files = FileSet::from_texts([("a.yaml", input)]);
    let (_, source) = files.iter().next().unwrap();
    let document = yaml::parse(source, input).documents.remove(0);
    let resource = Resource::new(document.root, document.span);
    if variables.is_empty() && case["substituteStrategy"] != "Always" {
        return Ok(yaml::emit(&resource.node).unwrap());
    }
    if let Some(name) = variables.keys().find(|name| !is_variable_name(name)) {
        return Err(format!("'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"));
    }
    let mut findings = Vec::new();
    let substituter = Substituter { sources: files.sources(), variables: &variables, complete: true };
    let result = substituter.resource(&resource, &mut findings);
    match findings.first().map(|finding| &finding.problem) {
        Some(SubstitutionProblem::Undefined { name }) if case["strict"] == true => {
            Err(format!("variable not set (strict mode): \"{name}\""))
        }
        Some(SubstitutionProblem::Expression { reason } | SubstitutionProblem::NotYaml { reason }) => {
            Err(reason.clone())
        }
        _ => Ok(yaml::emit(&result.node).unwrap()),
    }
}

#[test]
fn texts_and_resources_come_out_as_flux_recorded_them() {
    let mut failures = Vec::new();
    for case in cases() {
        let result = if case["level"] == "eval" {
            let strict = case["strict"].as_bool().unwrap();
            evaluate(case["input"].as_str().unwrap(), &variables(&case), strict)
        } else {
            evaluate_resource(&case)
        };
        let expected = match (&case["expect"]["output"], &case["expect"]["error"]) {
            (Value::String(output), _) => Ok(output.clone()),
            (_, Value::String(error)) => Err(error.clone()),
            other => panic!("{}: {other:?}", case["id"]),
        };
        if result != expected {
            failures.push(format!("{} {}: {result:?}, not {expected:?}", case["id"], case["input"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Returns `text` after substitution of `variables`, its findings, and the files it is in.
fn substituted(text: &str, variables: &[(&str, &str)]) -> (Resource, Vec<SubstitutionFinding>, FileSet) {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let (_, source) = files.iter().next().unwrap();
    let document = yaml::parse(source, text).documents.remove(0);
    let resource = Resource::new(document.root, document.span);
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| (SmolStr::new(name), Variable::known(value, None))).collect();
    let mut findings = Vec::new();
    let substituter = Substituter { sources: files.sources(), variables: &variables, complete: true };
    let result = substituter.resource(&resource, &mut findings);
    (result, findings, files)
}

#[test]
fn a_changed_value_keeps_its_place_and_names_its_variables() {
    let text = "kind: Service\nspec:\n  host: \"x.${DOMAIN}\"\n  port: 80\n";
    let (result, _, files) = substituted(text, &[("DOMAIN", "example.com")]);
    let host = result.node.at(&["spec", "host"]).unwrap();
    assert_eq!(host.as_str(), Some("x.example.com"));
    assert_eq!(files.sources().slice(host.span), Some("\"x.${DOMAIN}\""));
    let chain = host.chain.as_ref().unwrap();
    assert_eq!(chain.step, Step::Substitution(vec!["DOMAIN".into()]));
    assert_eq!(chain.by.and_then(|by| files.sources().slice(by)), Some("${DOMAIN}"));
    let port = result.node.at(&["spec", "port"]).unwrap();
    assert_eq!(port.chain, None);
    assert_eq!(files.sources().slice(port.span), Some("80"));
}

#[test]
fn keys_stay_in_their_order_and_changed_ones_at_their_place() {
    let (result, _, files) = substituted("z: 1\n${K}: 2\na: 3\n", &[("K", "m")]);
    let keys: Vec<_> = result.node.as_map().unwrap().iter().map(|entry| entry.key.text()).collect();
    assert_eq!(keys, ["z", "m", "a"]);
    let key = &result.node.as_map().unwrap().entry("m").unwrap().key;
    assert_eq!(files.sources().slice(key.span()), Some("${K}"));
}

#[test]
fn an_undefined_variable_is_found_at_each_of_its_places_inside_a_block() {
    let text = "a: |\n  one ${HOST}\n  two ${HOST:-x} ${HOST}\nb: ${HOSTS}\n";
    let (_, findings, files) = substituted(text, &[("OTHER", "x"), ("HOSTS", "y")]);
    let places: Vec<_> = findings.iter().map(|finding| finding.span.start as usize).collect();
    assert_eq!(places, [text.find("${HOST}").unwrap(), text.rfind("${HOST}").unwrap()]);
    assert!(findings.iter().all(|finding| files.sources().slice(finding.span) == Some("${HOST}")));
}

#[test]
fn an_expression_outside_the_language_is_found_at_its_opening() {
    let text = "a: ok ${FINE}\nb: ${FINE} and ${DS.x}\n";
    let (result, findings, _) = substituted(text, &[("FINE", "1")]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].problem, SubstitutionProblem::Expression { reason: "missing closing brace".to_owned() });
    assert_eq!(findings[0].span.start as usize, text.find("${DS").unwrap());
    assert_eq!(result.node.get("a").and_then(Node::as_str), Some("ok ${FINE}"), "the object stays as it was");
}

#[test]
fn every_expression_outside_the_language_is_found_in_one_run() {
    let text = "kind: A\na: ${one-1} and ${two[0]}\nb: |\n  ${fine}\n  ${three.x}\n";
    let (_, findings, files) = substituted(text, &[("fine", "yes")]);
    let places: Vec<_> = findings.iter().map(|finding| files.sources().start(finding.span).unwrap()).collect();
    let places: Vec<_> = places.iter().map(|place| (place.line, place.column)).collect();
    assert_eq!(places, [(2, 4), (2, 17), (5, 3)]);
}

#[test]
fn a_resource_without_expressions_shares_its_nodes() {
    let files = FileSet::from_texts([("a.yaml", "a: {b: yes}\n")]);
    let (_, source) = files.iter().next().unwrap();
    let document = yaml::parse(source, "a: {b: yes}\n").documents.remove(0);
    let resource = Resource::new(document.root, document.span);
    let variables = BTreeMap::new();
    let substituter = Substituter { sources: files.sources(), variables: &variables, complete: true };
    let result = substituter.resource(&resource, &mut Vec::new());
    let entries = |resource: &Resource| resource.node.as_map().unwrap().entries().as_ptr();
    assert_eq!(entries(&result), entries(&resource));
}

#[test]
fn integers_beyond_float64_lose_digits_as_in_flux() {
    let (result, _, _) = substituted("a: 9007199254740993\nb: 9007199254740991\nc: \"9007199254740993\"\n", &[]);
    let text = |key| result.node.get(key).and_then(Node::as_str).unwrap().to_owned();
    assert_eq!((text("a").as_str(), text("b").as_str()), ("9007199254740992", "9007199254740991"));
    assert_eq!(text("c"), "9007199254740993");
}

#[test]
fn hostile_expressions_end_without_a_panic() {
    let deep = format!("a: {}", "${x:-".repeat(5000));
    for text in ["a: ${v:0:-9}", "a: ${e:1}", "a: ${v:-9223372036854775808:9223372036854775807}", deep.as_str()] {
        substituted(text, &[("v", "value"), ("e", "é")]);
    }
    let (_, findings, _) = substituted("a: ${v:2:-9}", &[("v", "value")]);
    assert_eq!(findings.len(), 1, "Flux panics there");
}
