//! What Flux's image controllers and Masterminds/semver answered in recorded runs, against what we answer.

use std::collections::BTreeMap;

use gitops_gen::diagnostic::Severity;
use gitops_gen::flux::Options;
use gitops_gen::image::{
    self, Constraint, Digests, Grammar, ImageRef, Outcome, Pattern, Policy, PolicyError, Template, Version,
};
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::text::{FileSet, RepoPath};
use gitops_gen::yaml::{self, Node};
use serde_json::{Value, json};

use crate::{Outcome as Compared, conclude, data, json as read_json};

fn cases<'a>(recorded: &'a Value, array: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let cases = recorded[array].as_array().expect("a list of cases");
    assert!(!cases.is_empty(), "no case of `{array}`");
    cases.iter().map(|case| (text(&case["id"]), case))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// JSON is YAML: a recorded object becomes a node of ours.
fn node(value: &Value) -> Node {
    let written = value.to_string();
    let files = FileSet::from_texts([("a.yaml", written.clone())]);
    let (_, source) = files.iter().next().expect("one file");
    yaml::parse(source, &written).documents.remove(0).root
}

fn equal<T: PartialEq + std::fmt::Debug>(expected: &T, found: &T) -> Compared {
    if expected == found { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}

/// The answer of ours in the form of the recorded ones.
fn selection(case: &Value) -> Value {
    let mut spec = json!({ "policy": case["policy"] });
    if !case["filterTags"].is_null() {
        spec["filterTags"] = case["filterTags"].clone();
    }
    let repository = json!({ "exclusionList": case["exclusionList"] });
    let error = |stage: &str, message: String| json!({ "error": { "stage": stage, "message": message } });
    let exclusions = match image::read_exclusions(Some(&node(&repository))) {
        Ok(exclusions) => exclusions,
        Err(found) => return error("scan", found.to_string()),
    };
    let tags = image::scan(case["tags"].as_array().expect("tags").iter().map(text), &exclusions);
    let policy = match Policy::read(&node(&spec), Grammar::Loose) {
        Ok(policy) => policy,
        Err(found) if tags.is_empty() => return error("database", format!("no tags in database ({found})")),
        Err(found @ PolicyError::Pattern { .. }) => return error("filter", found.to_string()),
        Err(found) => return error("policy", found.to_string()),
    };
    match image::select(&policy, &tags, Grammar::Loose) {
        Outcome::Selected(tag) => json!({ "selected": tag }),
        Outcome::Random(tags) => json!({ "nondeterministic": tags }),
        Outcome::Failed(found @ image::SelectError::NoTags) => error("database", found.to_string()),
        Outcome::Failed(found) => error("select", found.to_string()),
    }
}

#[test]
fn policies_select_the_tags_that_flux_selects() {
    let Some(data) = data() else { return };
    let recorded = read_json(&data.join("imagepolicy.json"));
    let mut outcomes = BTreeMap::new();
    for (id, case) in cases(&recorded, "selection") {
        let mut expected = case["expect"].clone();
        if let Some(expected) = expected.as_object_mut() {
            expected.remove("recommend");
        }
        outcomes.insert(id.to_owned(), equal(&expected, &selection(case)));
    }
    conclude("image-selection", &outcomes);
}

#[test]
fn tags_pass_the_filters_that_they_pass_in_go() {
    let Some(data) = data() else { return };
    let recorded = read_json(&data.join("imagepolicy.json"));
    let mut outcomes = BTreeMap::new();
    for (id, case) in cases(&recorded, "filter") {
        let (pattern, tag, extract) = (text(&case["pattern"]), text(&case["tag"]), text(&case["extract"]));
        let found = match Pattern::new(pattern) {
            Err(error) => {
                json!({ "error": PolicyError::Pattern { pattern: pattern.to_owned(), error }.to_string() })
            }
            Ok(compiled) if !compiled.matches(tag) => json!({ "match": false }),
            Ok(_) if extract.is_empty() => json!({ "match": true, "key": tag }),
            Ok(compiled) => json!({ "match": true, "key": compiled.extract(tag, &Template::new(extract)) }),
        };
        outcomes.insert(id.to_owned(), equal(&case["expect"], &found));
    }
    conclude("image-filter", &outcomes);
}

#[test]
fn ranges_accept_and_versions_compare_as_in_masterminds_semver() {
    let Some(data) = data() else { return };
    let recorded = read_json(&data.join("semver.json"));
    let mut outcomes = BTreeMap::new();
    for (id, case) in cases(&recorded, "cases") {
        outcomes.insert(id.to_owned(), equal(&case["expect"], &semver(case, Grammar::Loose)));
        let older = case.get("masterminds_3_3_1").map(older_answer);
        let found = older_answer(&semver(case, Grammar::Strict));
        if text(&case["kind"]) == "match" {
            let expected = older.unwrap_or_else(|| older_answer(&case["expect"]));
            outcomes.insert(format!("{id} (3.3.1)"), equal(&expected, &found));
        }
    }
    conclude("semver", &outcomes);
}

/// Of an error only that it is one: the texts of the releases differ.
fn older_answer(answer: &Value) -> Value {
    if answer.get("error").is_some() { json!("error") } else { answer.clone() }
}

fn semver(case: &Value, grammar: Grammar) -> Value {
    let version = |key: &str| Version::parse(text(&case[key]), grammar);
    match text(&case["kind"]) {
        "match" => match (Constraint::parse(text(&case["constraint"]), grammar), version("version")) {
            (Err(error), _) => json!({ "error": error.to_string() }),
            (Ok(_), None) => json!({ "error": "version" }),
            (Ok(constraint), Some(version)) => json!({ "match": constraint.accepts(&version) }),
        },
        "parse" => {
            let is_tag = Version::of_tag(text(&case["version"]), grammar).is_some();
            match version("version") {
                Some(version) => json!({ "canonical": version.to_string(), "flux_accepts": is_tag }),
                None => json!({ "error": case["expect"]["error"], "flux_accepts": is_tag }),
            }
        }
        "compare" => {
            let (Some(one), Some(other)) = (version("a"), version("b")) else { return json!({ "error": "version" }) };
            json!({ "compare": one.cmp(&other) as i32 })
        }
        other => panic!("a case of kind `{other}`"),
    }
}

fn image_ref(value: &Value) -> Option<ImageRef> {
    let part = |key: &str| text(&value[key]).to_owned();
    value.is_object().then(|| ImageRef { name: part("name"), tag: part("tag"), digest: part("digest") })
}

#[test]
fn digests_are_reflected_as_flux_reflects_them() {
    let Some(data) = data() else { return };
    let recorded = read_json(&data.join("imagepolicy.json"));
    let mut outcomes = BTreeMap::new();
    for (id, case) in cases(&recorded, "digest") {
        let policy = match text(&case["digestReflectionPolicy"]) {
            "Always" => Digests::Always,
            "IfNotPresent" => Digests::IfNotPresent,
            _ => Digests::Never,
        };
        let before = image_ref(&case["previousLatestRef"]);
        let selected = ("ghcr.io/o/a", text(&case["selectedTag"]));
        let found = image::reflect(policy, before.as_ref(), selected, text(&case["registryDigest"]));
        let expected = &case["expect"];
        let outcome = match expected.get("rendered") {
            Some(rendered) => equal(&text(rendered).to_owned(), &found.latest.to_string()),
            // Not every case recorded the previous reference.
            None if expected.get("observedPreviousRef").is_none() => {
                equal(&image_ref(&expected["latestRef"]), &Some(found.latest))
            }
            None => equal(&image_ref(&expected["latestRef"]), &Some(found.latest))
                .and(equal(&image_ref(&expected["observedPreviousRef"]), &found.previous)),
        };
        outcomes.insert(id.to_owned(), outcome);
    }
    conclude("image-digest", &outcomes);
}

#[test]
fn specs_that_flux_refuses_are_found() {
    let Some(data) = data() else { return };
    let recorded = read_json(&data.join("imagepolicy.json"));
    let mut outcomes = BTreeMap::new();
    for (id, case) in cases(&recorded, "validation") {
        let mut spec = case["spec"].clone();
        let kind = spec.as_object_mut().and_then(|spec| spec.remove("kind"));
        let kind = kind.as_ref().map_or("ImagePolicy", text);
        let object = json!({
            "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": kind,
            "metadata": { "name": "a", "namespace": "default" }, "spec": spec,
        });
        // Three of the accepted ones are stalled by the controller: a rule tells of them too.
        let refused = ["schema-violation", "schema-unknown-field", "image-policy-invalid", "image-repository-invalid"];
        let repo = Repo::new(FileSet::from_texts([("clusters/a/a.yaml", object.to_string())]));
        let cluster = RepoPath::new("clusters/a").expect("a path inside");
        let options = Options { clusters: [("a".to_owned(), cluster)].into(), ..Options::default() };
        let findings = rules::validate(&repo, &options);
        let errors = findings.diagnostics.iter();
        let is_refused = errors.clone().any(|found| found.severity == Severity::Error && refused.contains(&found.rule));
        let stalls = ["val-013", "val-015", "val-016"].contains(&id);
        let accepted = case["expect"]["accepted"].as_bool().unwrap_or_default() && !stalls;
        outcomes.insert(id.to_owned(), equal(&accepted, &!is_refused));
    }
    conclude("image-validation", &outcomes);
}
