//! What kustomize printed for recorded cases, against what we print.
//!
//! The cases are not part of this repository: they are read from `$GITOPS_GEN_CONFORMANCE` (by default
//! `../shared/conformance`), and without them the tests say that they are skipped. Each suite prints how many cases
//! pass and fails where a case differs that `known-misses.md` does not list, or passes although it does.

#![expect(clippy::print_stdout, reason = "the figures of a suite, and that it is skipped, are for people")]

#[path = "conformance/images.rs"]
mod images;
#[path = "conformance/setters.rs"]
mod setters;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use gitops_gen::kustomize::{self, Build, Mode};
use gitops_gen::repo::Repo;
use gitops_gen::text::{RepoPath, read_tree};
use serde_json::Value;

/// What a case expects.
enum Expected {
    Output(String),
    Error,
}

/// Why a case differs; nothing where it passes.
type Outcome = Result<(), String>;

fn data() -> Option<PathBuf> {
    let from_environment = std::env::var_os("GITOPS_GEN_CONFORMANCE").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = from_environment.unwrap_or_else(|| root.join("../shared/conformance"));
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there are no recorded cases at {}", path.display());
    None
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

fn repo(directory: &Path) -> Repo {
    Repo::new(read_tree(directory).expect("a recorded case is a readable directory").files)
}

fn expected(case: &Path, output: &str) -> Option<Expected> {
    if let Ok(text) = fs::read_to_string(case.join(output)) {
        return Some(Expected::Output(text));
    }
    case.join("expected_error.txt").exists().then_some(Expected::Error)
}

fn compare(build: &Build, expected: &Expected) -> Outcome {
    let printed = build.yaml().map_err(|error| error.to_string());
    let first_error =
        build.diagnostics.iter().find(|finding| finding.severity >= gitops_gen::diagnostic::Severity::Error);
    let refused = first_error.map(|finding| finding.message.clone()).or(printed.as_ref().err().cloned());
    let refused = refused.or(build.outside.first().map(|outside| format!("{}: {}", outside.what, outside.reference)));
    match (expected, refused) {
        (Expected::Error, Some(_)) => Ok(()),
        (Expected::Error, None) => Err("kustomize refuses this, and we do not".to_owned()),
        (Expected::Output(_), Some(message)) => Err(format!("we refuse this: {message}")),
        (Expected::Output(text), None) => {
            let printed = printed.unwrap_or_default();
            if printed == *text { Ok(()) } else { Err(first_difference(text, &printed)) }
        }
    }
}

fn first_difference(expected: &str, printed: &str) -> String {
    let mut lines = expected.lines().zip(printed.lines()).enumerate();
    let Some((at, (wanted, got))) = lines.find(|(_, (wanted, got))| wanted != got) else {
        return format!("{} lines expected, {} printed", expected.lines().count(), printed.lines().count());
    };
    format!("line {}: expected `{wanted}`, printed `{got}`", at + 1)
}

/// Prints the figures of `suite` and fails where the misses are not the known ones.
fn conclude(suite: &str, outcomes: &BTreeMap<String, Outcome>) {
    let known = known_misses(suite);
    let passed = outcomes.values().filter(|outcome| outcome.is_ok()).count();
    println!("{suite}: {passed}/{}", outcomes.len());
    let mut surprises = String::new();
    for (case, outcome) in outcomes {
        match outcome {
            Err(reason) => {
                println!("  {case}: {reason}");
                if !known.contains(case) {
                    writeln!(surprises, "{suite}/{case} differs: {reason}").expect("a String takes every text");
                }
            }
            Ok(()) if known.contains(case) => {
                writeln!(surprises, "{suite}/{case} passes now: take it off the list")
                    .expect("a String takes every text");
            }
            Ok(()) => {}
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}

/// Returns the cases that `known-misses.md` lists for `suite`: lines "- `suite/case`: why".
fn known_misses(suite: &str) -> Vec<String> {
    let list = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/known-misses.md"));
    let entry = |line: &str| {
        let name = line.strip_prefix("- `")?.split_once('`')?.0;
        Some(name.strip_prefix(suite)?.strip_prefix('/')?.to_owned())
    };
    list.lines().filter_map(entry).collect()
}

fn micro(mode: Mode, output: &str, suite: &str) {
    let Some(data) = data() else { return };
    let mut outcomes = BTreeMap::new();
    for entry in fs::read_dir(data.join("kustomize/micro")).expect("the suite is readable").flatten() {
        let case = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(expected) = expected(&case, output) else { continue };
        let repo = micro_repo(&case);
        let dir = micro_dir(&case);
        let build = kustomize::build(&repo, repo.files(), &dir, mode, None);
        outcomes.insert(name, compare(&build, &expected));
    }
    conclude(suite, &outcomes);
}

/// Returns the files of a case: those of `in`, or of the case itself.
fn micro_repo(case: &Path) -> Repo {
    let files = case.join("in");
    repo(if files.is_dir() { &files } else { case })
}

fn micro_dir(case: &Path) -> RepoPath {
    let description = fs::read_to_string(case.join("case.json")).unwrap_or_default();
    let value: Value = serde_json::from_str(&description).unwrap_or(Value::Null);
    RepoPath::new(value["build"].as_str().unwrap_or_default()).expect("a path inside the case")
}

#[test]
fn small_cases_are_built_as_kustomize_builds_them() {
    micro(Mode::Kustomize, "expected.yaml", "micro");
}

#[test]
fn small_cases_are_built_as_flux_builds_them() {
    micro(Mode::Flux, "expected.flux.yaml", "micro-flux");
}

#[test]
fn the_cases_of_kustomize_itself_are_built_as_it_builds_them() {
    let Some(data) = data() else { return };
    let suite = data.join("kustomize/krusty");
    let mut outcomes = BTreeMap::new();
    for entry in json(&suite.join("index.json")).as_array().expect("a list of cases") {
        if entry["verified"].as_bool() != Some(true) {
            continue;
        }
        let name = entry["id"].as_str().unwrap_or_default();
        let case = suite.join(name);
        let Some(expected) = expected(&case, "expected.yaml") else { continue };
        let is_unsorted = entry["reorder"].as_str() == Some("none");
        let mode = match (is_unsorted, entry["load_restrictor"].as_str()) {
            (true, Some("none")) => Mode::Flux,
            (true, _) => Mode::KustomizeUnsorted,
            (false, _) => Mode::Kustomize,
        };
        let repo = repo(&case.join("in"));
        let dir = entry["build"].as_str().unwrap_or_default().trim_start_matches('/');
        let dir = RepoPath::new(dir).expect("a path inside the case");
        let build = kustomize::build(&repo, repo.files(), &dir, mode, None);
        outcomes.insert(name.to_owned(), compare(&build, &expected));
    }
    conclude("krusty", &outcomes);
}

#[test]
fn public_repositories_are_built_as_flux_builds_them() {
    let Some(data) = data() else { return };
    let corpus = data.with_file_name("corpus");
    let mut repos: BTreeMap<String, Repo> = BTreeMap::new();
    let mut outcomes = BTreeMap::new();
    for entry in json(&corpus.join("index.json")).as_array().expect("a list of builds") {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let repo = repos.entry(text("repo").to_owned()).or_insert_with(|| repo(&corpus.join(text("repo"))));
        let dir = RepoPath::new(text("path")).expect("a path inside the repository");
        let build = kustomize::build(repo, repo.files(), &dir, Mode::Flux, None);
        let expected = Expected::Output(read(&corpus.join(text("expected"))));
        outcomes.insert(format!("{}/{}", text("repo"), text("path")), compare(&build, &expected));
    }
    conclude("corpus", &outcomes);
}
