//! The reports as people and programs see them. Expected files are in `tests/reports/`; `SNAPSHOTS=overwrite` writes them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use gitops_gen::diagnostic::{Diagnostic, Findings, Severity};
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::text::{FileSet, RepoPath, Span};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::select;
use proptest::{prop_assert, proptest};
use snapbox::{assert_data_eq, file as golden};

const GATEWAY_PATCH: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../base
patches:
  - path: route.yaml
    target:
      group: networking.k8s.io
    kind: Ingress
    name: gateway
";

fn repo(files: &[(&str, &str)]) -> Repo {
    Repo::new(FileSet::from_texts(files.iter().copied()))
}

/// Returns the place of the `nth` (from 0) `needle` in the file at `path`.
fn place(repo: &Repo, path: &str, needle: &str, nth: usize) -> Span {
    let path = RepoPath::new(path).unwrap();
    let text = repo.files().text(&path).unwrap();
    let (start, _) = text.match_indices(needle).nth(nth).unwrap();
    Span::new(repo.files().id(&path).unwrap(), start..start + needle.len())
}

fn findings(diagnostics: Vec<Diagnostic>) -> Findings {
    let mut findings = Findings { diagnostics, ..Findings::default() };
    findings.checked("files", 1);
    findings
}

fn unmatched_patch(repo: &Repo, cluster: &str) -> Diagnostic {
    Diagnostic::new(
        "patch-target-unmatched",
        Severity::Error,
        "patch in `apps/production/kustomization.yaml` matches nothing",
    )
    .label(
        place(repo, "apps/production/kustomization.yaml", "Ingress", 0),
        "no `Ingress gateway` is left: the base replaced it",
    )
    .help("target `HTTPRoute gateway`, or remove the patch")
    .in_cluster(cluster)
}

#[test]
fn a_finding_stands_beside_its_source_line() {
    let repo = repo(&[("apps/production/kustomization.yaml", GATEWAY_PATCH)]);
    let text = report::text(&findings(vec![unmatched_patch(&repo, "fra1")]), &repo, Color::Never);
    assert_data_eq!(
        text,
        "\
error[patch-target-unmatched]: patch in `apps/production/kustomization.yaml` matches nothing in cluster `fra1`
  ╭─[apps/production/kustomization.yaml:9:11]
9 │     kind: Ingress
  │           ───┬───  no `Ingress gateway` is left: the base replaced it
  ╰──
  help: target `HTTPRoute gateway`, or remove the patch

found: 1 error
checked: 1 file
"
    );
}

#[test]
fn the_same_finding_in_three_clusters_is_printed_once() {
    let repo = repo(&[("apps/production/kustomization.yaml", GATEWAY_PATCH)]);
    let found = ["fra1", "nyc1", "sgp1"].map(|cluster| unmatched_patch(&repo, cluster)).to_vec();
    let text = report::text(&findings(found), &repo, Color::Never);
    assert_eq!(text.matches("error[patch-target-unmatched]").count(), 1);
    assert!(text.contains(" matches nothing in clusters `fra1`, `nyc1`, `sgp1`\n"), "{text}");
    assert!(text.contains("found: 1 error\n"), "{text}");
}

#[test]
fn of_many_clusters_the_first_are_named_and_the_rest_counted() {
    let repo = repo(&[("a.yaml", "a: 1\n")]);
    let finding = |cluster: &str| Diagnostic::new("some-rule", Severity::Warning, "wrong").in_cluster(cluster);
    let text = report::text(&findings(["a", "b", "c", "d", "e", "f"].map(finding).to_vec()), &repo, Color::Never);
    assert!(text.starts_with("warning[some-rule]: wrong in clusters `a`, `b`, `c`, `d` and 2 more\n"), "{text}");
}

#[test]
fn two_places_with_one_message_are_two_findings() {
    let repo = repo(&[("a.yaml", "a: 1\nb: 1\n")]);
    let finding = |nth| Diagnostic::new("r", Severity::Error, "wrong").label(place(&repo, "a.yaml", "1", nth), "here");
    let text = report::text(&findings(vec![finding(0), finding(1)]), &repo, Color::Never);
    assert!(text.contains("found: 2 errors"), "{text}");
}

#[test]
fn labels_share_a_line_skip_lines_and_cross_files() {
    let repo = repo(&[
        ("clusters/fra1/apps.yaml", "metadata:\n  name: apps\nspec:\n  interval: 1h\n  path: ./apps  # here\n"),
        ("clusters/nyc1/apps.yaml", &format!("{}name: apps\n", "\n".repeat(99))),
    ]);
    let finding =
        Diagnostic::new("name-repeated", Severity::Warning, "Kustomization `flux-system/apps` is defined twice")
            .label(place(&repo, "clusters/fra1/apps.yaml", "./apps", 0), "with this path")
            .label(place(&repo, "clusters/fra1/apps.yaml", "apps", 0), "defined here")
            .label(place(&repo, "clusters/fra1/apps.yaml", "path", 0), "")
            .label(place(&repo, "clusters/nyc1/apps.yaml", "apps", 0), "defined again here")
            .note("Flux applies both in turn.")
            .note("The later one wins.");
    let text = report::text(&findings(vec![finding]), &repo, Color::Never);
    assert_data_eq!(text, golden!["reports/labels.txt"]);
}

#[test]
fn no_value_of_a_secret_is_quoted() {
    let secrets = "\
apiVersion: v1
kind: Secret
metadata: {name: api}
data:
  password: aHVudGVyMg==
  key: |
    aHVudGVyMg
stringData: {token: hunter2, user: hunter2}
---
kind: List
items:
  - kind: Secret
    stringData:
      list: \"hunter2\"
";
    let kustomization = "\
secretGenerator:
  - name: db
    literals: [password=hunter2]
patches:
  - patch: |
      kind: Secret
      stringData:
        inline: hunter2
";
    let files = [
        ("secret.yaml", secrets),
        ("kustomization.yaml", kustomization),
        ("db.env", "USER=hunter2\n"),
        ("broken.yaml", "kind: Secret\ndata:\n  a: hunter2\n  b: {\n  c: aHVudGVyMg==\n"),
    ];
    let repo = repo(&files);
    let mut found = Vec::new();
    for (path, text) in files {
        for value in ["hunter2", "aHVudGVyMg"] {
            for nth in 0..text.matches(value).count() {
                let here = place(&repo, path, value, nth);
                found.push(Diagnostic::new("some-rule", Severity::Error, format!("{path} {nth}")).label(here, "here"));
            }
        }
        let line = Diagnostic::new("some-rule", Severity::Error, path);
        found.push(line.label(place(&repo, path, text.lines().last().unwrap(), 0), "the whole line"));
    }
    let text = report::text(&findings(found), &repo, Color::Never);
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    assert!(text.contains("password: ••••••••"), "{text}");
}

/// Returns the report of findings at every value that must not be seen (`hunter2`), at every value that may (`shown`),
/// and at the first letter of every line.
fn report_everywhere(files: &[(&str, &str)]) -> String {
    let repo = repo(files);
    let mut found = Vec::new();
    for (path, text) in files {
        let source = repo.files().id(&RepoPath::new(path).unwrap()).unwrap();
        let starts = text.match_indices("hunter2").chain(text.match_indices("shown")).map(|(at, _)| at);
        let lines = text.match_indices('\n').map(|(at, _)| at + 1);
        for at in starts.chain([0]).chain(lines) {
            let label = Span::new(source, at..at + 1);
            found.push(Diagnostic::new("some-rule", Severity::Error, format!("{path} {at}")).label(label, "here"));
        }
    }
    report::text(&findings(found), &repo, Color::Never)
}

#[track_caller]
fn assert_hides(files: &[(&str, &str)]) -> String {
    let text = report_everywhere(files);
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(
        text.contains("shown"),
        files.iter().any(|(_, text)| text.contains("shown")),
        "what is no secret is shown\n{text}"
    );
    text
}

#[test]
fn the_first_of_two_equal_keys_of_a_secret_is_hidden_too() {
    // The tree holds only the last of equal keys; the first was quoted in the finding about it.
    let text = assert_hides(&[(
        "a.yaml",
        "kind: Secret\nmetadata: {name: shown}  # was hunter2\nstringData:\n  pw: hunter2\n  key: |\n    hunter2\n  \
         key: x\n  pw: hunter2  # not hunter2\n---\nkind: ConfigMap\ndata: {a: shown}\n",
    )]);
    assert!(text.contains("pw: ••••••••"), "{text}");
    assert_hides(&[("a.yaml", "kind: Secret\ndata: {pw: hunter2}\ndata:\n  other: x\nmetadata: {name: shown}\n")]);
    assert_hides(&[("a.yaml", "stringData: {pw: hunter2, pw: hunter2, pw: x}\nkind: Secret\n")]);
    assert_hides(&[("a.yaml", "kind: Secret\nkind: ConfigMap\ndata: {pw: hunter2}\n")]);
    assert_hides(&[(
        "kustomization.yaml",
        "secretGenerator: [{name: s, literals: [pw=hunter2]}]\nsecretGenerator: []\nnamespace: shown\n",
    )]);
    assert_hides(&[(
        "kustomization.yaml",
        "patches:\n- patch: 'x'\n  patch: |\n    stringdata: {pw: hunter2}\n  target: {kind: Secret}\n  \
         target: {kind: Deployment}\n",
    )]);
}

#[test]
fn misspelt_fields_of_secrets_and_of_their_generators_are_hidden() {
    assert_hides(&[("a.yaml", "kind: Secret\nstringdata: {pw: hunter2}\nmetadata: {name: shown}\n")]);
    assert_hides(&[("a.yaml", "kind: secret\nspec: {pw: hunter2}\nmetadata: {labels: {app: shown}}\n")]);
    assert_hides(&[("a.yaml", "kind: Secret\nmetadata:\n  name: shown\n  stringdata:\n    pw: hunter2\n")]);
    assert_hides(&[("a.yaml", "kind: Secret\nstringData: {hunter2}\n")]);
    assert_hides(&[("a.yaml", "items:\n- kind: Secret\n  spec: {pw: hunter2}\n- {kind: Service, spec: {a: shown}}\n")]);
    assert_hides(&[(
        "a.yaml",
        "kind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{a: hunter2}'\n",
    )]);
    assert_hides(&[("a.yaml", "secretGenerator: [{name: shown, literal: [pw=hunter2]}]\n")]);
    assert_hides(&[("a.yaml", "secretGenerators:\n- name: shown\n  literal: pw=hunter2\n  env: pw=hunter2\n")]);
    assert_hides(&[("a.yaml", "secretGenerator:\n- literals: [pw=hunter2\n- name: {\n")]);
}

#[test]
fn operations_on_a_secret_are_hidden_inline_and_in_their_file() {
    let operations =
        "- {op: add, path: /stringData/x/y, value: hunter2}\n- op: test\n  path: /shown\n  value: hunter2\n";
    assert_hides(&[("ops.yaml", operations)]);
    let indented = operations.replace('\n', "\n      ");
    for target in ["{kind: Secret, name: s}", "{name: s}", "{kind: Secret|ConfigMap}", "{kind: .*}"] {
        let inline = format!("patches:\n  - target: {target}\n    patch: |\n      {indented}\n");
        assert_hides(&[("kustomization.yaml", &inline)]);
        let file = format!("patches:\n  - target: {target}\n    path: ../ops.yaml\n");
        assert_hides(&[("a/kustomization.yaml", &file), ("ops.yaml", operations)]);
    }
    let broken = "patches:\n- target: {kind: Secret}\n  patch: |\n    - op: add\n      value: hunter2\n      x: [\n";
    assert_hides(&[("kustomization.yaml", broken)]);
    let merge = "patches:\n- target: {kind: Secret}\n  path: p.yaml\n";
    assert_hides(&[("kustomization.yaml", merge), ("p.yaml", "kind: ConfigMap\nstringdata: {pw: hunter2}\n")]);
}

#[test]
fn operations_on_anything_else_are_shown() {
    let operations = "- {op: add, path: /spec/replicas, value: shown}\n";
    let file = "patches:\n- target: {kind: Deployment}\n  path: ops.yaml\n";
    let text = report_everywhere(&[("kustomization.yaml", file), ("ops.yaml", operations)]);
    assert!(text.contains("value: shown"), "{text}");
    let inline = format!("patches:\n- target: {{kind: Deployment}}\n  patch: |\n    {operations}");
    let text = report_everywhere(&[("kustomization.yaml", &inline)]);
    assert!(text.contains("value: shown"), "{text}");
}

#[test]
fn what_only_refers_to_a_secret_is_shown() {
    for reference in ["valuesFrom:\n- kind: Secret\n  name: shown\n", "a: {kind: Secret, name: x, valuesKey: shown}\n"]
    {
        let text = report_everywhere(&[("a.yaml", reference)]);
        assert!(text.contains("shown") && !text.contains('•'), "{text}");
    }
}

#[test]
fn patches_in_quotes_are_hidden_as_those_in_blocks_are() {
    for patch in [
        r#""apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pw: hunter2}""#,
        r#""kind: Secret\ndata: hunter2\ndata: {}""#,
        "'{kind: Secret, stringdata: {pw: hunter2}}'",
        "'{kind: Secret, stringdata: {pw: hunter2}'",
        "'[{op: test, path: /data/pw, value: hunter2}]'",
        r#""[{\"op\": \"test\", \"path\": \"/data/pw\", \"value\": \"hunter2\"}]""#,
        ">\n    {kind: Secret,\n    data: {pw: hunter2}}",
        "{kind: Secret, spec: {pw: hunter2}}",
        "[{op: test, path: /data/pw, value: hunter2}]",
    ] {
        assert_hides(&[("kustomization.yaml", &format!("namespace: shown\npatches:\n- patch: {patch}\n"))]);
        let target = format!("patches:\n- patch: {patch}\n  target: {{kind: Secret, name: shown}}\n");
        assert_hides(&[("kustomization.yaml", &target)]);
        assert_hides(&[("kustomization.yaml", &format!("namespace: shown\npatchesStrategicMerge:\n- {patch}\n"))]);
    }
}

#[test]
fn files_that_become_values_of_secrets_are_hidden() {
    assert_hides(&[
        ("kustomization.yaml", "secretGenerator:\n- name: shown\n  files: [config.yaml, key=id]\n"),
        ("config.yaml", "kind: hunter2\nmetadata: {name: hunter2}\n"),
        ("id", "hunter2==\nhunter2\n"),
    ]);
}

#[test]
fn a_line_break_in_a_name_makes_no_line_of_its_own() {
    let mut findings = findings(Vec::new());
    findings.not_checked("a\nerror[forged]: b.yaml", "too\nlarge", None);
    let text = report::text(&findings, &repo(&[]), Color::Never);
    assert!(text.ends_with("not checked:\n  too\\nlarge:\n    a\\nerror[forged]: b.yaml\n"), "{text}");
}

#[test]
fn hostile_text_cannot_drive_the_terminal() {
    let repo = repo(&[("a.yaml", "a: \u{1b}[2Jb\u{202e}c\t漢字: x\r\n")]);
    let finding = Diagnostic::new("some-rule", Severity::Error, "name `\u{1b}]0;x\u{7}`")
        .label(place(&repo, "a.yaml", "x", 0), "here \u{1b}[31m");
    let text = report::text(&findings(vec![finding]), &repo, Color::Never);
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\t', '\r']), "{text:?}");
    assert_data_eq!(text, golden!["reports/hostile.txt"]);
}

#[test]
fn long_lines_are_cut_around_the_label_and_very_long_ones_not_quoted() {
    let long = format!("key: {}needle{}\n", "a".repeat(1000), "z".repeat(1000));
    let very_long = format!("key: {}needle\n", "a".repeat(70_000));
    let repo = repo(&[("long.yaml", &long), ("very-long.yaml", &very_long)]);
    let finding = |path| {
        Diagnostic::new("some-rule", Severity::Error, "wrong").label(place(&repo, path, "needle", 0), "this one")
    };
    let text = report::text(&findings(vec![finding("long.yaml"), finding("very-long.yaml")]), &repo, Color::Never);
    assert_data_eq!(text, golden!["reports/long-lines.txt"]);
}

#[test]
fn the_end_tells_what_was_checked_and_what_was_not() {
    let repo = repo(&[("apps/nginx.yaml", "kind: HelmRelease\n")]);
    let mut findings = Findings::default();
    findings.checked("files", 1780);
    findings.checked("clusters", 1);
    findings.not_checked(
        "HelmRelease ingress/nginx",
        "the chart is not in this repository",
        Some(place(&repo, "apps/nginx.yaml", "HelmRelease", 0)),
    );
    (0..12).for_each(|index| findings.not_checked(format!("base {index:02}"), "a remote base is never fetched", None));
    findings.sort(repo.sources());
    assert_data_eq!(report::text(&findings, &repo, Color::Never), golden!["reports/summary.txt"]);
}

#[test]
fn the_json_report_has_every_place_and_cluster() {
    let repo = repo(&[("apps/production/kustomization.yaml", GATEWAY_PATCH)]);
    let mut findings =
        findings(vec![unmatched_patch(&repo, "fra1"), unmatched_patch(&repo, "nyc1").note("Flux says nothing.")]);
    findings.not_checked("base 1", "a remote base is never fetched", None);
    assert_data_eq!(report::json(&findings, &repo), golden!["reports/report.json"].raw());
}

#[test]
fn colours_are_only_where_they_are_asked_for() {
    let repo = repo(&[("apps/production/kustomization.yaml", GATEWAY_PATCH)]);
    let findings = findings(vec![unmatched_patch(&repo, "fra1")]);
    assert!(!report::text(&findings, &repo, Color::Never).contains('\u{1b}'));
    let coloured = report::text(&findings, &repo, Color::Always);
    assert!(coloured.contains("\u{1b}[31merror[patch-target-unmatched]"), "{coloured:?}");
}

const WORDS: &[&str] = &[
    "kind: Secret\n",
    "data:\n",
    "  pw: é\n",
    "  pw: |\n    é: x\n",
    "- ",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\n",
    "\r\n",
    "patch: ",
    "*a",
    "&a ",
    "<<: ",
    "\"",
    "'",
    "\\",
    "op: test\n",
    "path: a.yaml\n",
    "value: é\n",
    "# é",
    "---\n",
    "target:\n",
    "patches:\n",
    "secretGenerator:\n",
    "files: [a.yaml]\n",
    "kind: x\n",
    "|\n",
    ">\n",
    ": ",
    "stringData: {pw: é}\n",
];

proptest! {
    #[test]
    fn any_place_in_any_text_can_be_reported(text in any::<String>(), start in 0_usize..64, length in 0_usize..64) {
        let repo = repo(&[("a.yaml", &text)]);
        let (_, source) = repo.files().iter().next().unwrap();
        let finding = Diagnostic::new("some-rule", Severity::Error, "wrong")
            .label(Span::new(source, start..start + length), "here");
        let report = report::text(&findings(vec![finding]), &repo, Color::Never);
        prop_assert!(report.contains("╭─[a.yaml:"));
    }
    #[test]
    fn any_text_about_secrets_can_be_reported(words in vec(select(WORDS), 0..24)) {
        let text = report_everywhere(&[("kustomization.yaml", &words.concat()), ("a.yaml", &words.concat())]);
        prop_assert!(text.contains("╭─[a.yaml:"));
    }
}
