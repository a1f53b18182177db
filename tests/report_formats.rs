//! The reports that services read. Expected files are in `tests/reports/`; `SNAPSHOTS=overwrite` writes them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use gitops_gen::diagnostic::{Diagnostic, Edit, Findings, Fix, FixSafety, Severity};
use gitops_gen::repo::Repo;
use gitops_gen::report;
use gitops_gen::text::{FileSet, RepoPath, Span};
use serde_json::Value;
use snapbox::{assert_data_eq, file as golden};

const ROUTE: &str = "clusters/fra1/a b:c#d.yaml";

fn repo() -> Repo {
    let apps = "apiVersion: v1\nkind: Kustomization\nmetadata:\n  name: apps\nspec:\n  dependsOn:\n  - name: infa\n";
    let secret = "kind: Secret\nmetadata:\n  name: api\nstringData:\n  token: hunter2\n";
    Repo::new(FileSet::from_texts([("apps.yaml", apps), (ROUTE, "kind: Ingress # é <x>\n"), ("secret.yaml", secret)]))
}

fn place(repo: &Repo, path: &str, needle: &str) -> Span {
    let path = RepoPath::new(path).unwrap();
    let start = repo.files().text(&path).unwrap().find(needle).unwrap();
    Span::new(repo.files().id(&path).unwrap(), start..start + needle.len())
}

fn fix(span: Span, replacement: &str) -> Fix {
    let edits = vec![Edit { span, replacement: replacement.to_owned() }];
    Fix { title: format!("write `{}`", replacement.len()), edits, safety: FixSafety::Safe }
}

/// Findings of every shape: with and without place, cluster, fix, related places; one of them hostile, one on a Secret.
fn findings(repo: &Repo) -> Findings {
    let typo = place(repo, "apps.yaml", "infa");
    let missing =
        Diagnostic::new("depends-on-missing", Severity::Error, "Kustomization `flux-system/apps` depends on `infa`")
            .label(typo, "no Kustomization has this name")
            .label(place(repo, "apps.yaml", "apps"), "it waits")
            .help("did you mean `infra`?")
            .note("Flux keeps it at `DependencyNotReady`")
            .fix(fix(typo, "infra"));
    let hostile = "50% of `a|b` ]]> & <script>\n::error::@everyone #1 https://example.com, *bold*";
    let mut findings = Findings {
        diagnostics: vec![
            missing.clone().in_cluster("fra1"),
            missing.in_cluster("nyc1"),
            Diagnostic::new("some-rule", Severity::Warning, hostile)
                .label(place(repo, ROUTE, "Ingress # é <x>"), "never reaches `a cluster`"),
            Diagnostic::new("some-rule", Severity::Note, "wrong in `Secret api`")
                .label(place(repo, "secret.yaml", "hunter2"), "")
                .fix(fix(place(repo, "secret.yaml", "hunter2"), "\"hunter2\"")),
            Diagnostic::new("other-rule", Severity::Error, "cluster `sgp1` has no directory"),
        ],
        ..Findings::default()
    };
    findings.checked("files", 3);
    findings.checked("clusters", 2);
    findings.not_checked("OCIRepository `x`::y", "it is not in this repository", Some(typo));
    findings.not_checked("base 1", "it is not in this repository", None);
    findings.sort(repo.sources());
    findings
}

fn base() -> RepoPath {
    RepoPath::new("fleet").unwrap()
}

#[test]
fn each_format_is_as_expected() {
    let repo = repo();
    let findings = findings(&repo);
    assert_data_eq!(report::sarif(&findings, &repo, &base()), golden!["reports/report.sarif"].raw());
    assert_data_eq!(report::github(&findings, &repo, &base()), golden!["reports/report.github.txt"].raw());
    assert_data_eq!(report::gitlab(&findings, &repo, &base()), golden!["reports/report.gitlab.json"].raw());
    assert_data_eq!(
        report::junit(&findings, &repo, &base(), Severity::Error),
        golden!["reports/report.junit.xml"].raw()
    );
    assert_data_eq!(report::markdown(&findings, &repo, &base()), golden!["reports/report.md"].raw());
}

#[test]
fn no_format_holds_the_value_of_a_secret() {
    let repo = repo();
    let findings = findings(&repo);
    for report in [
        report::json(&findings, &repo),
        report::sarif(&findings, &repo, &base()),
        report::github(&findings, &repo, &base()),
        report::gitlab(&findings, &repo, &base()),
        report::junit(&findings, &repo, &base(), Severity::Note),
        report::markdown(&findings, &repo, &base()),
    ] {
        assert!(!report.contains("hunter2"), "{report}");
    }
}

#[track_caller]
fn assert_valid(schema: &str, document: &str) {
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // OASIS' pattern of a language has a bracket too many, which only JavaScript overlooks.
    for owner in ["run", "toolComponent"] {
        if let Some(language) = schema.pointer_mut(&format!("/definitions/{owner}/properties/language")) {
            language.as_object_mut().unwrap().remove("pattern");
        }
    }
    let validator = jsonschema::draft7::options().should_validate_formats(true).build(&schema).unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn sarif_is_what_its_schema_asks_for() {
    let schema = include_str!("reports/schemas/sarif-2.1.0.json");
    let repo = repo();
    assert_valid(schema, &report::sarif(&findings(&repo), &repo, &base()));
    assert_valid(schema, &report::sarif(&Findings::default(), &repo, &RepoPath::root()));
}

#[test]
fn the_json_report_is_what_its_schema_asks_for() {
    let schema = include_str!("../docs/json-report.schema.json");
    let repo = repo();
    assert_valid(schema, &report::json(&findings(&repo), &repo));
    assert_valid(schema, &report::json(&Findings::default(), &repo));
}

#[test]
fn sarif_describes_the_rules_of_its_results_as_the_rule_table_does() {
    let ids = ["yaml-syntax", "depends-on-missing", "yaml-syntax"];
    let diagnostics = ids.map(|id| Diagnostic::new(id, Severity::Error, "wrong").in_cluster(id)).to_vec();
    let findings = Findings { diagnostics, ..Findings::default() };
    let log: Value = serde_json::from_str(&report::sarif(&findings, &repo(), &base())).unwrap();
    let run = &log["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let descriptor = &run["tool"]["driver"]["rules"][index];
        assert_eq!(descriptor["id"], result["ruleId"]);
        let rule = gitops_gen::rules::find(descriptor["id"].as_str().unwrap()).unwrap();
        assert_eq!(descriptor["help"]["markdown"], rule.docs);
    }
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 2);
}

fn fingerprints(repo: &Repo, findings: Vec<Diagnostic>) -> Vec<String> {
    let findings = Findings { diagnostics: findings, ..Findings::default() };
    let log: Value = serde_json::from_str(&report::sarif(&findings, repo, &base())).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    results.iter().map(|result| result["partialFingerprints"]["gitopsGen/v1"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_fingerprint_stays_when_lines_move_and_differs_when_findings_do() {
    let finding = |repo: &Repo, path, needle, message: &str| {
        Diagnostic::new("some-rule", Severity::Error, message).label(place(repo, path, needle), "here")
    };
    let before = Repo::new(FileSet::from_texts([("a.yaml", "a: 1\nb: 2\n"), ("b.yaml", "a: 1\n")]));
    let after = Repo::new(FileSet::from_texts([("a.yaml", "# new\n\n  a: 1\nb: 2\n"), ("b.yaml", "a: 1\n")]));
    let of = |repo: &Repo| {
        let wrong = [("a.yaml", "1", "x"), ("a.yaml", "2", "x"), ("a.yaml", "2", "y"), ("b.yaml", "1", "x")];
        fingerprints(repo, wrong.map(|(path, needle, message)| finding(repo, path, needle, message)).to_vec())
    };
    assert_eq!(of(&before), of(&after));
    assert_eq!(of(&before).iter().collect::<BTreeSet<_>>().len(), 4);
    // One more cluster is no other finding.
    let found = finding(&before, "a.yaml", "1", "x");
    let clusters = vec![found.clone().in_cluster("fra1"), found.clone().in_cluster("nyc1")];
    assert_eq!(fingerprints(&before, clusters), fingerprints(&before, vec![found]));
}

#[test]
fn a_workflow_command_is_one_line_and_nothing_else_is_a_command() {
    let repo = repo();
    let report = report::github(&findings(&repo), &repo, &base());
    let commands: Vec<&str> = report.lines().filter(|line| line.contains("::")).collect();
    assert_eq!(commands.len(), 4, "{report}");
    for command in commands {
        let kinds = ["::error ", "::warning ", "::notice "];
        assert!(kinds.iter().any(|kind| command.starts_with(kind)), "{command}");
    }
    assert!(report.contains("file=fleet/clusters/fra1/a b%3Ac#d.yaml,line=1,col=7,"), "{report}");
    assert!(report.contains("::50%25 of `a|b` ]]> & <script>%0A::error::@everyone"), "{report}");
}

#[test]
fn junit_is_xml_whose_counts_are_true() {
    let repo = repo();
    for (fail_on, failures) in [(Severity::Error, 2), (Severity::Warning, 3), (Severity::Note, 4)] {
        let report = report::junit(&findings(&repo), &repo, &base(), fail_on);
        let document = roxmltree::Document::parse(&report).unwrap();
        let count = |tag| document.descendants().filter(|node| node.has_tag_name(tag)).count();
        assert_eq!((count("testcase"), count("failure"), count("skipped")), (6, failures, 2));
        let told = |name| document.root_element().attribute(name).unwrap().parse::<usize>().unwrap();
        assert_eq!((told("tests"), told("failures"), told("skipped")), (6, failures, 2));
    }
    let control = Diagnostic::new("some-rule", Severity::Error, "a\u{0}\u{b}\u{ffff}b");
    let findings = Findings { diagnostics: vec![control], ..Findings::default() };
    assert!(roxmltree::Document::parse(&report::junit(&findings, &repo, &base(), Severity::Error)).is_ok());
}

#[test]
fn a_run_without_findings_is_a_test_that_passed() {
    let mut findings = Findings::default();
    findings.checked("files", 3);
    let report = report::junit(&findings, &repo(), &base(), Severity::Error);
    let document = roxmltree::Document::parse(&report).unwrap();
    assert_eq!(document.root_element().attribute("tests"), Some("1"));
    assert_eq!(document.root_element().attribute("failures"), Some("0"));
}

#[test]
fn a_comment_stays_below_the_limit_however_much_is_found() {
    let finding = |number: usize| {
        Diagnostic::new("some-rule", Severity::Error, format!("number {number} {}", "*`é|".repeat(number)))
    };
    let mut findings = Findings { diagnostics: (0..2_000).map(finding).collect(), ..Findings::default() };
    (0..2_000)
        .for_each(|item| findings.not_checked(format!("item {item}"), format!("{item} {}", "<".repeat(item)), None));
    let report = report::markdown(&findings, &repo(), &base());
    assert!(report.len() <= report::MARKDOWN_MAX, "{}", report.len());
    assert!(report.contains(" more, which would make this comment too long"), "{report}");
    assert!(report.contains("2,000 errors") && report.contains("2,000 things not checked"), "{report}");
}

#[test]
fn text_of_the_repository_means_nothing_in_markdown() {
    let message = "@octocat #1 <img src=x> https://example.com [a](b) `code @x` ```fence` \\` _i_ www.example.com";
    let findings =
        Findings { diagnostics: vec![Diagnostic::new("some-rule", Severity::Error, message)], ..Findings::default() };
    let report = report::markdown(&findings, &repo(), &base());
    for live in ["@octocat", "#1", "<img", "https://", " [a](b)", " _i_", "www.e"] {
        assert!(!report.contains(live), "{live} is live in {report}");
    }
    assert!(report.contains("`code @x`"), "{report}");
}
