//! The report for programs: one JSON object with a version of its own.

use serde::Serialize;

use crate::diagnostic::{Checked, Diagnostic, Findings, Label, NotChecked};
use crate::repo::Repo;
use crate::text::Span;

/// Version of the object. It grows when a field goes or changes its meaning, not when one is added.
pub const JSON_VERSION: u32 = 1;

/// Returns `findings` as one JSON object with a final newline; `docs/json-report.md` describes it.
#[expect(clippy::missing_panics_doc, reason = "strings and numbers always serialize")]
pub fn json(findings: &Findings, repo: &Repo) -> String {
    let report = Report {
        version: JSON_VERSION,
        diagnostics: findings.diagnostics.iter().map(|finding| WireDiagnostic::new(finding, repo)).collect(),
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
    cluster: Option<&'a str>,
    #[serde(flatten)]
    place: WirePlace,
    labels: Vec<WireLabel<'a>>,
    help: Option<&'a str>,
    notes: &'a [String],
}

impl<'a> WireDiagnostic<'a> {
    fn new(finding: &'a Diagnostic, repo: &Repo) -> Self {
        Self {
            rule: finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            cluster: finding.cluster.as_deref(),
            place: WirePlace::new(finding.span(), repo),
            labels: finding.labels.iter().map(|label| WireLabel::new(label, repo)).collect(),
            help: finding.help.as_deref(),
            notes: &finding.notes,
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
