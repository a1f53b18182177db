//! The report for programs: one JSON object with a version of its own.

use serde::Serialize;

use crate::diagnostic::{Checked, Edit, Findings, Fix, FixSafety, Label, NotChecked};
use crate::repo::Repo;
use crate::report::fingerprint::fingerprints;
use crate::report::group::{Group, groups};
use crate::report::redact::Redactions;
use crate::text::Span;

/// Version of the object. It grows when a field goes or changes its meaning, not when one is added.
pub const JSON_VERSION: u32 = 1;

/// Returns `findings` as one JSON object with a final newline; `docs/json-report.md` describes it.
#[expect(clippy::missing_panics_doc, reason = "strings and numbers always serialize")]
pub fn json(findings: &Findings, repo: &Repo) -> String {
    let mut redactions = Redactions::new(repo);
    let groups = groups(&findings.diagnostics);
    let diagnostics = groups.iter().zip(fingerprints(&groups, repo));
    let report = Report {
        version: JSON_VERSION,
        diagnostics: diagnostics
            .map(|(group, fingerprint)| WireDiagnostic::new(group, fingerprint, repo, &mut redactions))
            .collect(),
        checked: findings.checked.iter().map(WireChecked::new).collect(),
        not_checked: findings.not_checked.iter().map(|item| WireNotChecked::new(item, repo)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&report).expect("strings and numbers always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    diagnostics: Vec<WireDiagnostic<'a>>,
    checked: Vec<WireChecked<'a>>,
    not_checked: Vec<WireNotChecked<'a>>,
}

#[derive(Serialize)]
struct WireDiagnostic<'a> {
    rule: &'a str,
    severity: &'static str,
    message: &'a str,
    clusters: &'a [&'a str],
    fingerprint: String,
    #[serde(flatten)]
    place: WirePlace,
    labels: Vec<WireLabel<'a>>,
    help: Option<&'a str>,
    notes: &'a [String],
    fix: Option<WireFix<'a>>,
}

impl<'a> WireDiagnostic<'a> {
    fn new(group: &'a Group<'_>, fingerprint: String, repo: &Repo, redactions: &mut Redactions<'_>) -> Self {
        let finding = group.first;
        let fix = finding.fix.as_ref().filter(|fix| redactions.shows(fix));
        Self {
            rule: finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            clusters: &group.clusters,
            fingerprint,
            place: WirePlace::new(finding.span(), repo),
            labels: finding.labels.iter().map(|label| WireLabel::new(label, repo)).collect(),
            help: finding.help.as_deref(),
            notes: &finding.notes,
            fix: fix.map(|fix| WireFix::new(fix, repo)),
        }
    }
}

/// Lines and columns count from 1; the end is exclusive. All null where there is no file to point at.
#[derive(Serialize, Default)]
struct WirePlace {
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

impl WirePlace {
    fn new(span: Option<Span>, repo: &Repo) -> Self {
        let Some((span, file)) = span.and_then(|span| Some((span, repo.source(span.source)?))) else {
            return Self::default();
        };
        let start = file.line_column(span.start as usize);
        let end = file.line_column(span.end as usize);
        Self {
            file: Some(file.path().to_string()),
            line: Some(start.line),
            column: Some(start.column),
            end_line: Some(end.line),
            end_column: Some(end.column),
        }
    }
}

#[derive(Serialize)]
struct WireLabel<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: WirePlace,
}

impl<'a> WireLabel<'a> {
    fn new(label: &'a Label, repo: &Repo) -> Self {
        Self { message: &label.message, place: WirePlace::new(Some(label.span), repo) }
    }
}

#[derive(Serialize)]
struct WireFix<'a> {
    title: &'a str,
    safe: bool,
    edits: Vec<WireEdit<'a>>,
}

impl<'a> WireFix<'a> {
    fn new(fix: &'a Fix, repo: &Repo) -> Self {
        let edit =
            |edit: &'a Edit| WireEdit { replacement: &edit.replacement, place: WirePlace::new(Some(edit.span), repo) };
        Self { title: &fix.title, safe: fix.safety == FixSafety::Safe, edits: fix.edits.iter().map(edit).collect() }
    }
}

#[derive(Serialize)]
struct WireEdit<'a> {
    #[serde(flatten)]
    place: WirePlace,
    replacement: &'a str,
}

#[derive(Serialize)]
struct WireChecked<'a> {
    what: &'a str,
    count: usize,
}

impl<'a> WireChecked<'a> {
    fn new(checked: &'a Checked) -> Self {
        Self { what: &checked.what, count: checked.count }
    }
}

#[derive(Serialize)]
struct WireNotChecked<'a> {
    what: &'a str,
    why: &'a str,
    #[serde(flatten)]
    place: WirePlace,
}

impl<'a> WireNotChecked<'a> {
    fn new(item: &'a NotChecked, repo: &Repo) -> Self {
        Self { what: &item.what, why: &item.why, place: WirePlace::new(item.span, repo) }
    }
}
