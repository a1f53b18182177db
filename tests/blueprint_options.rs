//! Every built-in blueprint with its defaults, with each option once, and with every pair of options: it generates, and
//! the validator has nothing to say.
//!
//! Of the pairs a sample is checked; `PAIRS=all cargo test --test blueprint_options` checks all of them.

#![expect(clippy::print_stdout, reason = "how many pairs there are is for people")]

use std::collections::BTreeSet;
use std::env;

use gitops_gen::flux::Options;
use gitops_gen::generate::{self, Blueprint, GenerateError};
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;
use gitops_gen::schema::UNKNOWN_KIND;
use rayon::prelude::*;
use serde_json::Value;

/// Options that a blueprint cannot have, with why; `*` is every blueprint.
const REFUSED: &[(&str, &str, &str)] = &[
    ("*", "dns=external-dns", "ExternalDNS writes into a zone of yours"),
    ("*", "organisation=acme/platform", "there are no groups within"),
    ("crypto-analytics", "gateway=none", "`apps.api-gateway.host` needs a gateway"),
    ("crypto-analytics", "kafka.enabled=false", "needs Kafka: set kafka.enabled"),
    ("crypto-analytics", "postgres.enabled=false", "which is not there: set postgres.enabled"),
    ("crypto-analytics", "valkey.enabled=false", "which is not there: set valkey.enabled"),
    ("crypto-trading", "kafka.enabled=false", "needs Kafka: set kafka.enabled"),
    ("minimal", "gateway=none", "`apps.web.host` needs a gateway"),
    ("recommendation", "gateway=ingress-nginx", "which needs a gateway of the Gateway API"),
    ("recommendation", "gateway=none", "`apps.gateway.host` needs a gateway"),
    ("purchases", "gateway=none", "`apps.api.host` needs a gateway"),
    ("purchases", "kafka.enabled=false", "needs Kafka: set kafka.enabled"),
    ("purchases", "elasticsearch.enabled=false", "`elasticsearch`, which is not there: set elasticsearch.enabled"),
    ("ratings", "kafka.authentication=scram-sha-512", "could not read the credentials"),
    ("ratings", "kafka.authentication=tls", "could not read the credentials"),
    ("ratings", "gateway=none", "`apps.kconsumer.host` needs a gateway"),
    ("ratings", "kafka.enabled=false", "needs Kafka: set kafka.enabled"),
];

fn blueprints() -> Vec<Blueprint> {
    let blueprint = |name| generate::builtin(name).expect("it is built in").expect("it is well-formed");
    generate::builtin_names().into_iter().map(blueprint).collect()
}

/// A choice for each of some options.
type Choices = Vec<(String, String)>;

/// What is wrong with `blueprint` under `choices`: nothing, or all that is said.
fn said(blueprint: &Blueprint, choices: &Choices) -> Result<(), String> {
    let mut answers = blueprint.defaults();
    for (name, value) in choices {
        blueprint.assign(&mut answers, name, value).map_err(|problem| problem.to_string())?;
    }
    let files = generate::generate(blueprint, &answers).map_err(|error: GenerateError| error.to_string())?;
    let repo = Repo::new(files);
    let findings = rules::validate(&repo, &Options::default());
    // What we generate ourselves has to be known to us.
    let knows_all = findings.not_checked.iter().all(|left| left.why != UNKNOWN_KIND);
    let is_clean = findings.diagnostics.is_empty() && knows_all;
    if is_clean { Ok(()) } else { Err(report::text(&findings, &repo, Color::Never)) }
}

fn named(choices: &Choices) -> String {
    choices.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// Why `choices` may be refused for the blueprint `name`.
fn reason(name: &str, choices: &Choices) -> Option<&'static str> {
    let has = |option: &str| choices.iter().any(|(name, value)| format!("{name}={value}") == option);
    REFUSED.iter().find(|(of, option, _)| (*of == "*" || *of == name) && has(option)).map(|(_, _, reason)| *reason)
}

/// Everything that goes otherwise than it should.
fn surprises(cases: &[(&Blueprint, Choices)]) -> Vec<String> {
    let surprise = |(blueprint, choices): &(&Blueprint, Choices)| {
        let what = format!("{} with {}", blueprint.name, named(choices));
        match (said(blueprint, choices), reason(&blueprint.name, choices)) {
            (Ok(()), None) => None,
            (Ok(()), Some(_)) => Some(format!("{what} is refused no longer")),
            (Err(said), Some(reason)) if said.contains(reason) => None,
            (Err(said), _) => Some(format!("{what}: {said}")),
        }
    };
    cases.par_iter().filter_map(surprise).collect()
}

#[test]
fn each_option_alone_makes_a_fleet_without_any_finding() {
    let blueprints = blueprints();
    let mut cases = Vec::new();
    for blueprint in &blueprints {
        cases.push((blueprint, Choices::new()));
        for (name, values) in options(blueprint) {
            cases.extend(values.into_iter().map(|value| (blueprint, vec![(name.clone(), value)])));
        }
    }
    assert!(cases.len() > 50, "{} cases", cases.len());
    assert_eq!(surprises(&cases).join("\n"), "");
}

/// Rows of choices in which every pair of values of two options stands together at least once.
///
/// Greedy: each row begins with a pair that is missing, and takes for every other option the value with the most missing pairs.
fn covering(options: &[(String, Vec<String>)]) -> Vec<Choices> {
    let mut missing = BTreeSet::new();
    for (left, (_, left_values)) in options.iter().enumerate() {
        for (right, (_, right_values)) in options.iter().enumerate().skip(left + 1) {
            let values = (0..left_values.len()).flat_map(|one| (0..right_values.len()).map(move |other| (one, other)));
            missing.extend(values.map(|(one, other)| ((left, one), (right, other))));
        }
    }
    let pair = |one: (usize, usize), other: (usize, usize)| if one < other { (one, other) } else { (other, one) };
    let mut rows = Vec::new();
    while let Some((first, second)) = missing.first().copied() {
        let mut row = vec![first, second];
        for (option, (_, values)) in options.iter().enumerate() {
            if row.iter().any(|(chosen, _)| *chosen == option) {
                continue;
            }
            let news =
                |value: &usize| row.iter().filter(|one| missing.contains(&pair(**one, (option, *value)))).count();
            let best = (0..values.len()).rev().max_by_key(news).unwrap_or_default();
            row.push((option, best));
        }
        for (at, one) in row.iter().enumerate() {
            for other in &row[at + 1..] {
                missing.remove(&pair(*one, *other));
            }
        }
        row.sort_unstable();
        rows.push(
            row.iter()
                .map(|(option, value)| (options[*option].0.clone(), options[*option].1[*value].clone()))
                .collect(),
        );
    }
    rows
}

/// What parameters may refuse in a pair: none of these is a surprise.
const EXCLUDED: &[&str] = &[
    "ExternalDNS writes into a zone of yours",
    "at GitHub (`gitProvider`) there are no groups within",
    "needs a gateway",
    "which needs a gateway of the Gateway API",
    "needs Kafka: set kafka.enabled",
    "could not read the credentials that Strimzi makes there",
    "which is not there: set ",
];

/// Returns `choices` without those that the parameters refuse, and what was said of them.
fn accepted(blueprint: &Blueprint, mut choices: Choices) -> (Choices, Vec<String>) {
    let mut refused = Vec::new();
    loop {
        let mut answers = blueprint.defaults();
        for (name, value) in &choices {
            blueprint.assign(&mut answers, name, value).expect("the option exists");
        }
        let Err(GenerateError::Parameters(problems)) = generate::generate(blueprint, &answers) else {
            return (choices, refused);
        };
        let count = choices.len();
        for problem in problems {
            let said = problem.to_string();
            choices.retain(|(name, _)| {
                // Of an app it is the option that it speaks of which has to go.
                let option = name.split('.').next().unwrap_or(name);
                let mut words = said.split(|letter: char| !letter.is_alphanumeric());
                !(problem.parameter == *name || words.any(|word| word == option))
            });
            refused.push(said);
        }
        assert!(choices.len() < count, "{}: no option is at fault: {refused:?}", blueprint.name);
    }
}

/// The options of `blueprint` with their values, and those that no schema can list.
fn options(blueprint: &Blueprint) -> Vec<(String, Vec<String>)> {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    // A domain of one's own comes first: nip.io has no zone to write into.
    let mut options = vec![("domain".to_owned(), values(&["example.com", "nip.io"]))];
    options.extend(blueprint.options());
    options.push(("organisation".to_owned(), values(&["gitops-gen", "acme/platform"])));
    options.push(("path".to_owned(), values(&["", "deploy/gitops"])));
    options.push(elsewhere(blueprint));
    options.push(("pullSecret".to_owned(), values(&["", "registry-credentials"])));
    options
}

/// A cluster of the fleet, as it is and at each provider.
fn elsewhere(blueprint: &Blueprint) -> (String, Vec<String>) {
    let defaults = blueprint.defaults();
    let mut clusters = defaults.get("clusters").and_then(Value::as_object).into_iter().flatten();
    let (name, as_it_is) =
        clusters.rfind(|(_, cluster)| cluster["environment"] != "local").expect("a fleet has a cluster");
    let at = |provider: &str| {
        let mut cluster = as_it_is.clone();
        cluster["provider"] = Value::from(provider);
        cluster["storageClass"] = Value::from(format!("{provider}-disks"));
        cluster.to_string()
    };
    let moved = ["digitalocean", "kind", "generic", "eks", "gke"].map(at);
    (format!("clusters.{name}"), [as_it_is.to_string()].into_iter().chain(moved).collect())
}

/// What is wrong with `blueprint` under as much of `row` as its parameters accept, and how much that is.
fn wrong(blueprint: &Blueprint, row: &Choices) -> (Choices, Option<String>) {
    let (choices, refused) = accepted(blueprint, row.clone());
    let unknown: Vec<_> = refused.iter().filter(|said| !is_expected(said)).collect();
    let wrong = match said(blueprint, &choices) {
        Ok(()) if unknown.is_empty() => None,
        Ok(()) => Some(format!("{} refuses {}: {unknown:?}", blueprint.name, named(row))),
        Err(said) => Some(format!("{} with {}: {said}", blueprint.name, named(&choices))),
    };
    (choices, wrong)
}

/// The pairs of `options` that stand together in none of `rows`, each as a row of its own with the domain.
fn apart(options: &[(String, Vec<String>)], rows: &[Choices]) -> Vec<Choices> {
    let together: BTreeSet<_> =
        rows.iter().flat_map(|row| row.iter().flat_map(move |one| row.iter().map(move |other| (one, other)))).collect();
    let choices: Vec<(String, String)> =
        options.iter().flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone()))).collect();
    let mut apart = Vec::new();
    for (at, one) in choices.iter().enumerate() {
        for other in &choices[at + 1..] {
            if one.0 != other.0 && !together.contains(&(one, other)) && !together.contains(&(other, one)) {
                apart.push(vec![choices[0].clone(), one.clone(), other.clone()]);
            }
        }
    }
    apart
}

#[test]
fn every_pair_of_options_makes_a_fleet_without_any_finding() {
    const SAMPLE: usize = 4;
    let all = env::var("PAIRS").is_ok_and(|value| value == "all");
    let mut failures = Vec::new();
    for blueprint in &blueprints() {
        let options = options(blueprint);
        let rows = covering(&options);
        let count = if all { rows.len() } else { SAMPLE };
        // From every part of the rows, not the first ones.
        let step = rows.len().div_ceil(count).max(1);
        let tried: Vec<_> = rows.par_iter().step_by(step).map(|row| wrong(blueprint, row)).collect();
        let (tried, said): (Vec<Choices>, Vec<Option<String>>) = tried.into_iter().unzip();
        failures.extend(said.into_iter().flatten());
        if all {
            // What a row had to give up: alone, such a pair is refused, or right.
            let pairs = apart(&options, &tried);
            let said: Vec<_> = pairs.par_iter().map(|pair| (pair, wrong(blueprint, pair))).collect();
            let excluded = said.iter().filter(|(pair, (choices, _))| choices.len() < pair.len()).count();
            failures.extend(said.into_iter().filter_map(|(_, (_, said))| said));
            let values: usize = options.iter().map(|(_, values)| values.len()).sum();
            println!(
                "{}: {} options with {values} values; {} rows and {} pairs alone, of which {excluded} are excluded",
                blueprint.name,
                options.len(),
                tried.len(),
                pairs.len()
            );
        }
    }
    assert_eq!(failures.join("\n"), "");
}

/// Whether a refusal is one that is known: of the graph, or a fact with its source.
fn is_expected(said: &str) -> bool {
    EXCLUDED.iter().any(|excluded| said.contains(excluded)) || said.contains("(http")
}

#[test]
fn the_rows_hold_every_pair() {
    let values = |count: usize| (0..count).map(|value| value.to_string()).collect::<Vec<_>>();
    let options: Vec<_> =
        [2, 3, 5, 1, 4].into_iter().enumerate().map(|(at, count)| (format!("o{at}"), values(count))).collect();
    let rows = covering(&options);
    for (at, (left, left_values)) in options.iter().enumerate() {
        for (right, right_values) in &options[at + 1..] {
            for (one, other) in left_values.iter().flat_map(|one| right_values.iter().map(move |other| (one, other))) {
                let has = |row: &Choices, name: &String, value: &String| row.contains(&(name.clone(), value.clone()));
                assert!(
                    rows.iter().any(|row| has(row, left, one) && has(row, right, other)),
                    "{left}={one} {right}={other}"
                );
            }
        }
    }
    assert!(rows.len() <= 30, "{} rows", rows.len());
}
