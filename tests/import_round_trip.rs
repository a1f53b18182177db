//! What was generated, read again: every built-in blueprint with its defaults and with each option is imported without its
//! gitops.yaml and its records, and what was read generates the same files.
//!
//! Of the options each is tried with one blueprint; `ROWS=all cargo test --test import_round_trip` tries it with all.

use std::collections::{BTreeMap, BTreeSet};
use std::env;

use gitops_gen::config;
use gitops_gen::flux::{self, Options};
use gitops_gen::generate::{self, Blueprint, Imported};
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::text::{FileSet, RepoPath};
use rayon::prelude::*;
use serde_json::Value;

/// What no file of some repositories tells: what `import` says of it, the parameters that a person has to fill in then (`*` is any
/// name), and why it is so.
const GAPS: &[(&str, &[&str], &str)] = &[
    (
        "names a topic, and not whether it is read or written",
        &["apps.*.produces", "apps.*.consumes", "apps.*.env"],
        "without authentication in Kafka nobody has rights that would tell, and the names of variables need not",
    ),
    (
        "no app of staging runs a build",
        &["tagScheme.build", "buildTag"],
        "without staging and without a canary only a page names the scheme of builds",
    ),
    ("nothing tells which apps reach the internet", &["apps.*.outbound"], "only a network policy speaks of it"),
];

fn blueprint(name: &str) -> Blueprint {
    generate::builtin(name).expect("it is built in").expect("it is well-formed")
}

/// A blueprint with the name and the summary of `other` and no parameters of its own: nothing comes from it.
fn bare(other: &Blueprint) -> Blueprint {
    let manifest = format!("name: {}\nsummary: {:?}\n", other.name, other.summary);
    Blueprint::from_files(&FileSet::from_texts([("blueprint.yaml", manifest)])).expect("it is well-formed")
}

/// What is read of `files`.
fn imported(files: &FileSet) -> Imported {
    let is_kept = |path: &RepoPath| path.as_str() != config::FILE && !path.as_str().starts_with(".gitops-gen/");
    let texts = files.iter().filter(|(path, _)| is_kept(path));
    let texts = texts.filter_map(|(path, _)| Some((path.to_string(), files.text(path)?.to_owned())));
    let repo = Repo::new(FileSet::from_texts(texts));
    let fleet = flux::clusters(&repo, &Options::default());
    let environments: BTreeMap<String, &'static str> =
        fleet.clusters.iter().filter_map(|it| Some((it.name.clone(), rules::environment_of(it)?))).collect();
    generate::import(&repo, &fleet, &environments)
}

/// Sets what `pattern` names as `original` has it.
fn fill(read: &mut Value, original: &Value, pattern: &[&str]) {
    let Some((first, rest)) = pattern.split_first() else {
        *read = original.clone();
        return;
    };
    let (Some(read), Some(original)) = (read.as_object_mut(), original.as_object()) else { return };
    for (name, original) in original.iter().filter(|(name, _)| *first == "*" || name == first) {
        let place = read.entry(name.clone()).or_insert(Value::Null);
        fill(place, original, rest);
        if place.is_null() {
            read.remove(name);
        }
    }
}

/// What goes otherwise than it should with `blueprint` and `choices`.
fn wrong(blueprint: &Blueprint, choices: &[(String, String)]) -> Option<String> {
    let mut answers = blueprint.defaults();
    for (name, value) in choices {
        blueprint.assign(&mut answers, name, value).expect("the option exists");
    }
    // What is refused is another test's.
    let files = generate::generate(blueprint, &answers).ok()?;
    let imported = imported(&files);
    let text = FileSet::from_texts([(config::FILE, imported.text.as_str())]);
    let read = generate::fleet_parameters(&text).expect("it is well-formed");
    let bare = bare(blueprint);
    let mut again = bare.defaults();
    bare.overlay(&mut again, read);
    let mut again = Value::Object(again);
    let mut problems = Vec::new();
    let original = Value::Object(answers);
    // Only what is said to be unread may be missing.
    let said = GAPS.iter().filter(|(said, _, _)| imported.unread.iter().any(|unread| unread.what.contains(said)));
    for parameter in said.flat_map(|(_, parameters, _)| *parameters) {
        fill(&mut again, &original, &parameter.split('.').collect::<Vec<_>>());
    }
    let Value::Object(again) = again else { return None };
    match generate::generate(&bare, &again) {
        Err(error) => problems.push(error.to_string()),
        Ok(again) => problems.extend(differences(&files, &again)),
    }
    let what: Vec<String> = choices.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!problems.is_empty()).then(|| format!("{} {}:\n  {}", blueprint.name, what.join(" "), problems.join("\n  ")))
}

/// The files that differ, each with its first line that does; gitops.yaml says the same in other words.
fn differences(one: &FileSet, other: &FileSet) -> Vec<String> {
    let paths: BTreeSet<&RepoPath> = one.iter().chain(other.iter()).map(|(path, _)| path).collect();
    let differ = paths.into_iter().filter(|path| path.as_str() != config::FILE && one.text(path) != other.text(path));
    let said = differ.map(|path| {
        let lines = |files: &FileSet| -> Vec<String> {
            files.text(path).unwrap_or_default().lines().map(str::to_owned).collect()
        };
        let (one, other) = (lines(one), lines(other));
        let at = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at)).unwrap_or_default();
        format!("{path}:{}: {:?}, and again {:?}", at + 1, one.get(at), other.get(at))
    });
    said.collect()
}

/// The options of `blueprint` with one value each, those included that no schema can list.
fn options(blueprint: &Blueprint) -> Vec<Vec<(String, String)>> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let listed = blueprint.options().into_iter();
    let mut rows: Vec<Vec<(String, String)>> =
        listed.flat_map(|(name, values)| values.into_iter().map(move |value| vec![(name.clone(), value)])).collect();
    let gitlab = || vec![pair("gitProvider", "gitlab"), pair("gitHost", "gitlab.com"), pair("ci", "gitlab")];
    let mut groups = gitlab();
    groups.extend([pair("organisation", "acme/platform"), pair("registry", "registry.gitlab.com")]);
    let mut requests = gitlab();
    requests.extend([pair("imageUpdates", "pull-request"), pair("receiver", "true")]);
    rows.extend([
        groups,
        requests,
        vec![pair("path", "deploy/gitops")],
        vec![pair("pullSecret", "registry")],
        vec![pair("domain", "example.com"), pair("dns", "external-dns")],
        vec![pair("domain", "example.com"), pair("dns", "manual"), pair("email", "ops@example.com")],
        vec![pair(
            "postgres",
            r#"{"enabled": true, "backups": {"bucket": "fleet-backups", "schedule": "0 30 2 * * *"}}"#,
        )],
        vec![pair("provider", "gke"), pair("storageClass", ""), pair("secrets", "external-secrets")],
        vec![pair("monitoring", "prometheus"), pair("alerts", "slack"), pair("mesh", "linkerd")],
    ]);
    if blueprint.defaults()["clusters"].get("staging").is_some() {
        let elsewhere = pair("clusters.staging.provider", "gke");
        rows.push(vec![elsewhere.clone(), pair("postgres.enabled", "true")]);
        rows.push(vec![elsewhere, pair("monitoring", "prometheus"), pair("terraform", "true")]);
    }
    rows
}

#[test]
fn what_is_read_of_a_generated_repository_generates_it_again() {
    let blueprints: Vec<Blueprint> = generate::builtin_names().into_iter().map(blueprint).collect();
    let is_all = env::var("ROWS").is_ok_and(|rows| rows == "all");
    let mut cases: Vec<(&Blueprint, Vec<(String, String)>)> = Vec::new();
    for (at, blueprint) in blueprints.iter().enumerate() {
        cases.push((blueprint, Vec::new()));
        let rows = options(blueprint).into_iter().enumerate();
        let own = rows.filter(|(row, _)| is_all || row % blueprints.len() == at);
        cases.extend(own.map(|(_, row)| (blueprint, row)));
    }
    assert!(cases.len() > 50, "{} cases", cases.len());
    let wrong: Vec<String> = cases.par_iter().filter_map(|(blueprint, row)| wrong(blueprint, row)).collect();
    assert_eq!(wrong.join("\n"), "");
}
