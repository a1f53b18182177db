//! Every rule finds its defect where it is, and nothing where it is not.
//!
//! `tests/rules/<id>/bad/` is the smallest repository with the defect, `good/` the same made right, `expected.txt` the
//! report of `bad/`, `fixed/` (where the rule offers fixes) what `--fix --unsafe-fixes` makes of it. `SNAPSHOTS=overwrite cargo test --test rules` writes the reports; they are then read line by line.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use gitops_gen::apply::{self, Allowed};
use gitops_gen::diagnostic::Findings;
use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules::{self, FixAvailability};
use gitops_gen::text::read_tree;

/// Defects of a whole file (its size, its permissions) stand in `tests/cli.rs`: they need a disk.
const ON_DISK: &[&str] = &["file-too-large", "file-unreadable"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

fn fixtures() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).expect("tests/rules is a directory");
    entries
        .map(|entry| entry.expect("an entry of tests/rules").file_name().into_string().expect("a UTF-8 name"))
        .collect()
}

fn validate(directory: &Path) -> (Repo, Findings) {
    let repo = Repo::new(read_tree(directory).expect("a fixture can be read").files);
    let findings = rules::validate(&repo, &Options::default());
    (repo, findings)
}

#[test]
fn every_rule_has_a_fixture_and_every_fixture_a_rule() {
    let ids: BTreeSet<String> = rules::all().map(|rule| rule.id.to_owned()).collect();
    let mut covered = fixtures();
    covered.extend(ON_DISK.iter().map(|id| (*id).to_owned()));
    assert_eq!(covered, ids);
    assert_eq!(rules::all().count(), ids.len(), "an id is used twice");
}

#[test]
fn bad_fixtures_have_the_defect_and_its_report() {
    let mut wrong = Vec::new();
    for id in fixtures() {
        let (repo, findings) = validate(&folder().join(&id).join("bad"));
        let rule = rules::find(&id).expect("the folder is named after a rule");
        let found: Vec<_> = findings.diagnostics.iter().filter(|finding| finding.rule == id).collect();
        // The defect is proven in its fixture: it has the severity of its rule, and a place.
        let worst = found.iter().map(|finding| finding.severity).max();
        if worst != Some(rule.severity) || found.iter().any(|finding| finding.span().is_none()) {
            wrong.push(format!("{id}/bad:\n{}", report::text(&findings, &repo, Color::Never)));
            continue;
        }
        let report = report::text(&findings, &repo, Color::Never);
        snapbox::assert_data_eq!(
            report,
            snapbox::Data::read_from(&folder().join(&id).join("expected.txt"), None).raw()
        );
    }
}

#[expect(clippy::unnecessary_wraps, reason = "fixing asks for what can fail")]
fn check(repo: &Repo) -> Result<Findings, Infallible> {
    Ok(rules::validate(repo, &Options::default()))
}

#[test]
fn fixed_fixtures_are_what_fixing_makes_of_the_bad_ones() {
    for rule in rules::all().filter(|rule| rule.fix != FixAvailability::None) {
        let directory = folder().join(rule.id);
        let (repo, _) = validate(&directory.join("bad"));
        let Ok(fixed) = apply::fix(repo, Allowed::Unsafe, check);
        assert!(fixed.applied > 0, "{} has no fix in its fixture", rule.id);
        for (path, _) in fixed.repo.files().iter() {
            let text = fixed.repo.files().text(path).expect("fixtures are text");
            let expected = directory.join("fixed").join(path.as_str());
            snapbox::assert_data_eq!(text, snapbox::Data::read_from(&expected, None).raw());
        }
        let read = read_tree(&directory.join("fixed")).expect("fixed/ is a directory").files;
        assert_eq!(read.len(), fixed.repo.files().len(), "{}/fixed has other files than bad", rule.id);
    }
}

#[test]
fn the_rule_table_tells_the_truth_about_fixes() {
    for id in fixtures() {
        let (_, findings) = validate(&folder().join(&id).join("bad"));
        for finding in &findings.diagnostics {
            let availability = rules::find(finding.rule).expect("findings are of rules").fix;
            let agrees = match availability {
                FixAvailability::None => finding.fix.is_none(),
                FixAvailability::Always => finding.fix.is_some(),
                FixAvailability::Sometimes => true,
            };
            assert!(agrees, "{} in {id}/bad", finding.rule);
        }
        let has_folder = folder().join(&id).join("fixed").is_dir();
        let is_fixable = rules::find(&id).is_some_and(|rule| rule.fix != FixAvailability::None);
        assert_eq!(has_folder, is_fixable, "{id}/fixed");
    }
}

#[test]
fn good_fixtures_are_clean_under_every_rule() {
    let mut unclean = Vec::new();
    for id in fixtures() {
        let (repo, findings) = validate(&folder().join(&id).join("good"));
        if !findings.diagnostics.is_empty() {
            unclean.push(format!("{id}/good:\n{}", report::text(&findings, &repo, Color::Never)));
        }
    }
    assert!(unclean.is_empty(), "{}", unclean.join("\n"));
}

#[test]
fn rules_are_documented_under_the_fixed_headings() {
    for rule in rules::all() {
        let headings: Vec<&str> = rule.docs.lines().filter(|line| line.starts_with('#')).collect();
        let expected = ["## What it checks", "## Why it matters", "## What it cannot see"];
        assert_eq!(headings, expected, "{}", rule.id);
        assert!(rule.summary().ends_with('.') || rule.docs.len() > rule.summary().len(), "{}", rule.id);
        let kebab = |character: char| character.is_ascii_lowercase() || character == '-' || character.is_ascii_digit();
        assert!(rule.id.chars().all(kebab), "{}", rule.id);
    }
}
