//! Fault injection: a valid fleet is clean, and each small mutation of it is found by the rule that it is named after.
//!
//! `tests/faults/fleet/` is a repository of four clusters (three of production, one of staging) without any finding.
//! `tests/faults/cases/<rule-id>[.<variant>].yaml` holds one mutation each, so that several people can add without
//! meeting in one file:
//!
//! ```yaml
//! # Why this bites, in a sentence.
//! file: apps/base/orders/service.yaml   # in the fleet
//! replace: "targetPort: http"           # must occur exactly once; without it `file` is a new one that `with` fills
//! with: "targetPort: htpp"
//! edits: [{file, replace, with}, …]     # instead of the three above, where one place is not enough
//! at: apps/base/orders/service.yaml:12  # where the rule must point; by default a line of the (first) mutation
//! severity: warning                     # by default error or warning
//! also: [other-rule]                    # rules that must fire beside it; by default nothing else may
//! ```
//!
//! The rule is the file's name up to the first dot. Every finding of other rules, notes included, that `also` does not
//! list fails the case: one mistake must not drown in its consequences.

#![expect(clippy::print_stdout, reason = "what was skipped is for people")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gitops_gen::diagnostic::{Diagnostic, Findings, Severity};
use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;
use gitops_gen::text::{FileSet, read_tree};
use gitops_gen::yaml::{self, Node};
use rayon::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults")
}

/// One replacement in a file of the fleet.
#[derive(Debug)]
struct Edit {
    file: String,
    /// Nothing: the file is a new one.
    replace: Option<String>,
    with: String,
}

/// A mutation and what must be found.
#[derive(Debug)]
struct Case {
    name: String,
    edits: Vec<Edit>,
    at: Option<String>,
    severity: Option<String>,
    also: BTreeSet<String>,
}

impl Case {
    fn rule(&self) -> &str {
        self.name.split('.').next().expect("split gives one part at least")
    }
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::as_str).map(str::to_owned)
}

fn read_edit(name: &str, node: &Node) -> Edit {
    let field = |key| text(node, key).unwrap_or_else(|| panic!("{name}: `{key}` is missing"));
    let with = node.get("with").unwrap_or_else(|| panic!("{name}: `with` is missing"));
    Edit { file: field("file"), replace: text(node, "replace"), with: with.as_str().unwrap_or("").to_owned() }
}

fn read_case(path: &Path) -> Case {
    let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a UTF-8 name").to_owned();
    let content = std::fs::read_to_string(path).expect("a case can be read");
    let files = FileSet::from_texts([("case.yaml", content.as_str())]);
    let (_, source) = files.iter().next().expect("one file");
    let parsed = yaml::parse(source, &content);
    assert!(!parsed.is_broken(), "{name}: no YAML");
    let root = &parsed.documents[0].root;
    let known = ["file", "replace", "with", "edits", "at", "severity", "also"];
    for entry in root.as_map().expect("a case is a mapping") {
        assert!(known.contains(&entry.key.text()), "{name}: unknown field `{}`", entry.key.text());
    }
    let edits = match root.get("edits").and_then(Node::as_sequence) {
        Some(items) => items.iter().map(|item| read_edit(&name, item)).collect(),
        None => vec![read_edit(&name, root)],
    };
    let also = root.items("also").iter().filter_map(Node::as_str).map(str::to_owned).collect();
    Case { edits, at: text(root, "at"), severity: text(root, "severity"), also, name }
}

fn cases() -> Vec<Case> {
    let entries = std::fs::read_dir(folder().join("cases")).expect("tests/faults/cases is a directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of the cases").path()).collect();
    paths.sort();
    paths.iter().map(|path| read_case(path)).collect()
}

fn fleet() -> BTreeMap<String, String> {
    let tree = read_tree(&folder().join("fleet")).expect("the fleet can be read").files;
    let text = |path| tree.text(path).expect("the fleet is text").to_owned();
    tree.iter().map(|(path, _)| (path.to_string(), text(path))).collect()
}

/// Applies `edit`; returns the lines of the file, first and last, that it changed.
fn mutate(name: &str, files: &mut BTreeMap<String, String>, edit: &Edit) -> (usize, usize) {
    let Some(replace) = &edit.replace else {
        let before = files.insert(edit.file.clone(), edit.with.clone());
        assert!(before.is_none(), "{name}: {} exists already, so say what to replace", edit.file);
        return (1, edit.with.lines().count());
    };
    let content = files.get_mut(&edit.file).unwrap_or_else(|| panic!("{name}: the fleet has no {}", edit.file));
    let found: Vec<usize> = content.match_indices(replace.as_str()).map(|(at, _)| at).collect();
    let [at] = found[..] else { panic!("{name}: the text to replace occurs {} times", found.len()) };
    let first = content[..at].matches('\n').count() + 1;
    content.replace_range(at..at + replace.len(), &edit.with);
    (first, first + edit.with.trim_end_matches('\n').matches('\n').count())
}

fn validate(files: BTreeMap<String, String>) -> (Repo, Findings) {
    let repo = Repo::new(FileSet::from_texts(files));
    let findings = rules::validate(&repo, &Options::default());
    (repo, findings)
}

/// Returns where `finding` points, as path and line.
fn place(repo: &Repo, finding: &Diagnostic) -> Option<(String, usize)> {
    let span = finding.span()?;
    Some((repo.sources().path(span)?.to_string(), repo.sources().start(span)?.line))
}

/// Returns what is wrong with the outcome of `case`.
fn judge(case: &Case, repo: &Repo, findings: &Findings, lines: &[(usize, usize)]) -> Option<String> {
    let report = || report::text(findings, repo, Color::Never);
    let is_expected_line = |finding: &&Diagnostic| {
        let Some((path, line)) = place(repo, finding) else { return false };
        if let Some(at) = &case.at {
            return *at == format!("{path}:{line}");
        }
        let mut edits = case.edits.iter().zip(lines);
        edits.any(|(edit, (first, last))| path == edit.file && (*first..=*last).contains(&line))
    };
    let is_expected_level = |finding: &&Diagnostic| match &case.severity {
        Some(name) => finding.severity.name() == name,
        None => finding.severity >= Severity::Warning,
    };
    let own: Vec<_> = findings.diagnostics.iter().filter(|finding| finding.rule == case.rule()).collect();
    if !own.iter().copied().filter(is_expected_level).any(|finding| is_expected_line(&finding)) {
        return Some(format!("{} was not found where it is (changed: {lines:?})\n{}", case.name, report()));
    }
    let others = findings.diagnostics.iter().map(|finding| finding.rule).filter(|rule| *rule != case.rule());
    let others: BTreeSet<String> = others.map(str::to_owned).collect();
    (others != case.also)
        .then(|| format!("{}: beside it {others:?} were found, not {:?}\n{}", case.name, case.also, report()))
}

#[test]
fn the_fleet_without_a_fault_has_no_finding() {
    let (repo, findings) = validate(fleet());
    assert!(findings.diagnostics.is_empty(), "{}", report::text(&findings, &repo, Color::Never));
    let checked =
        |what: &str| findings.checked.iter().find(|checked| checked.what == what).map(|checked| checked.count);
    assert_eq!(checked("clusters"), Some(4));
    assert!(checked("objects") > Some(200), "the fleet renders");
}

/// Rules that no fault of this fleet can show, and why.
const WITHOUT_A_CASE: &[(&str, &str)] = &[
    ("file-too-large", "a case of 16 MiB is too much to keep: `tests/cli.rs` makes the file"),
    ("file-unreadable", "a case is text, and this is about files that are none: `tests/cli.rs` makes them"),
];

#[test]
fn every_rule_has_a_fault_or_a_reason_to_have_none() {
    let cases = cases();
    let shown: BTreeSet<&str> = cases.iter().map(Case::rule).collect();
    let excused: BTreeSet<&str> = WITHOUT_A_CASE.iter().map(|(rule, _)| *rule).collect();
    let unshown: Vec<&str> = rules::all().map(|rule| rule.id).filter(|rule| !shown.contains(rule)).collect();
    let without: Vec<&&str> = unshown.iter().filter(|rule| !excused.contains(**rule)).collect();
    assert!(without.is_empty(), "write a fault in tests/faults/cases for {without:#?}");
    let stale: Vec<&&str> = excused.iter().filter(|rule| !unshown.contains(rule)).collect();
    assert!(stale.is_empty(), "these have a fault by now, or are no rules: {stale:?}");
}

#[test]
fn every_fault_is_found_by_its_rule_on_its_line() {
    let fleet = fleet();
    let wrong: Vec<String> = cases()
        .par_iter()
        .filter_map(|case| {
            assert!(rules::find(case.rule()).is_some(), "{}: no rule has this id", case.name);
            let mut files = fleet.clone();
            let lines: Vec<_> = case.edits.iter().map(|edit| mutate(&case.name, &mut files, edit)).collect();
            let (repo, findings) = validate(files);
            judge(case, &repo, &findings, &lines)
        })
        .collect();
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// The blueprints are held to more, in `tests/blueprints.rs`: no finding at all.
#[test]
fn the_reference_tree_has_no_error() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let conformance =
        std::env::var_os("GITOPS_GEN_CONFORMANCE").map_or_else(|| package.join("../shared/conformance"), PathBuf::from);
    let tree = conformance.join("../reference-tree");
    if !tree.is_dir() {
        println!("skipped: no reference tree at {}", tree.display());
        return;
    }
    let repo = Repo::new(read_tree(&tree).expect("the tree can be read").files);
    let findings = rules::validate(&repo, &Options::default());
    assert!(findings.worst() < Some(Severity::Error), "{}", report::text(&findings, &repo, Color::Never));
}
