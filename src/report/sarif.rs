//! The report for code scanning: SARIF 2.1.0, as GitHub, Azure DevOps and editors read it.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::diagnostic::{Edit, Findings, Fix, Label, NotChecked};
use crate::repo::Repo;
use crate::report::fingerprint::fingerprints;
use crate::report::group::{Group, groups};
use crate::report::place::Place;
use crate::report::redact::Redactions;
use crate::rules::{self, Rule};
use crate::text::{RepoPath, Span};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Name of the directory that paths are relative to: GitHub knows it for the root of the repository.
const ROOT: &str = "%SRCROOT%";

/// Name of our fingerprint. It changes when the way to compute it does.
const FINGERPRINT: &str = "gitopsGen/v1";

/// What a relative URI holds as it is. A colon in its first part would make a scheme of it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns `findings` as a SARIF log with one run and a final newline; paths are those of `repo` below `base`.
///
/// Columns count Unicode scalar values. The descriptors are those of the rules that found something.
#[expect(clippy::missing_panics_doc, reason = "strings and numbers always serialize")]
pub fn sarif(findings: &Findings, repo: &Repo, base: &RepoPath) -> String {
    let groups = groups(&findings.diagnostics);
    let mut writer = Writer { repo, base, redactions: Redactions::new(repo), descriptors: Vec::new() };
    let fingerprints = fingerprints(&groups, repo);
    let results = groups.iter().zip(fingerprints).map(|(group, print)| writer.result(group, print)).collect();
    let notifications = findings.not_checked.iter().map(|item| writer.notification(item)).collect();
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "gitops-gen",
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: writer.descriptors.into_iter().map(Descriptor::new).collect(),
            },
        },
        column_kind: "unicodeCodePoints",
        original_uri_base_ids: BTreeMap::from([(ROOT, BaseId { description: text("The root of the repository.") })]),
        invocations: [Invocation { execution_successful: true, tool_execution_notifications: notifications }],
        results,
        properties: RunProperties {
            checked: findings.checked.iter().map(|checked| (checked.what.as_ref(), checked.count)).collect(),
        },
    };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    let mut text = serde_json::to_string_pretty(&log).expect("strings and numbers always serialize");
    text.push('\n');
    text
}

/// What results are made with, and the rules that they named so far.
struct Writer<'a> {
    repo: &'a Repo,
    base: &'a RepoPath,
    redactions: Redactions<'a>,
    descriptors: Vec<&'a str>,
}

impl<'a> Writer<'a> {
    fn result<'g>(&mut self, group: &'g Group<'a>, fingerprint: String) -> Result<'g> {
        let finding = group.first;
        let rule_index = self.descriptors.iter().position(|id| *id == finding.rule).unwrap_or_else(|| {
            self.descriptors.push(finding.rule);
            self.descriptors.len() - 1
        });
        let (primary, related) = match finding.labels.split_first() {
            Some((primary, related)) => (Some(primary), related),
            None => (None, [].as_slice()),
        };
        let fix = finding.fix.as_ref().filter(|fix| self.redactions.shows(fix));
        Result {
            rule_id: finding.rule,
            rule_index,
            level: finding.severity.name(),
            message: text(group.text()),
            locations: primary.iter().filter_map(|label| self.location(label, None)).collect(),
            related_locations: (1..).zip(related).filter_map(|(id, label)| self.location(label, Some(id))).collect(),
            partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint)]),
            fixes: fix.into_iter().map(|fix| self.fix(fix)).collect(),
            properties: ResultProperties { clusters: &group.clusters },
        }
    }

    fn location(&self, label: &Label, id: Option<usize>) -> Option<Location> {
        let message = Some(label.message.to_string()).filter(|message| !message.is_empty()).map(text);
        Some(Location { id, physical_location: self.place(label.span)?, message })
    }

    fn place(&self, span: Span) -> Option<PhysicalLocation> {
        let place = Place::new(span, self.repo, self.base)?;
        Some(PhysicalLocation {
            artifact_location: ArtifactLocation {
                uri: utf8_percent_encode(place.path.as_str(), ESCAPED).to_string(),
                uri_base_id: ROOT,
            },
            region: Region {
                start_line: place.start.line,
                start_column: place.start.column,
                end_line: place.end.line,
                end_column: place.end.column,
            },
        })
    }

    fn fix<'g>(&self, fix: &'g Fix) -> WireFix<'g> {
        let mut changes: BTreeMap<String, ArtifactChange<'g>> = BTreeMap::new();
        for Edit { span, replacement } in &fix.edits {
            let Some(PhysicalLocation { artifact_location, region }) = self.place(*span) else { continue };
            let inserted_content = Inserted { text: replacement };
            let change = changes
                .entry(artifact_location.uri.clone())
                .or_insert_with(|| ArtifactChange { artifact_location, replacements: Vec::new() });
            change.replacements.push(Replacement { deleted_region: region, inserted_content });
        }
        WireFix { description: text(fix.title.as_str()), artifact_changes: changes.into_values().collect() }
    }

    fn notification(&self, item: &NotChecked) -> Notification {
        let location = item.span.and_then(|span| self.place(span));
        let location = location.map(|place| Location { id: None, physical_location: place, message: None });
        Notification {
            level: "note",
            message: text(format!("not checked: {}: {}", item.what, item.why)),
            locations: location.into_iter().collect(),
        }
    }
}

fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    original_uri_base_ids: BTreeMap<&'static str, BaseId>,
    invocations: [Invocation; 1],
    results: Vec<Result<'a>>,
    properties: RunProperties<'a>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Help>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_configuration: Option<Level>,
}

impl Descriptor {
    /// Returns what the rule table says of `id`.
    fn new(id: &str) -> Self {
        let rule = rules::find(id);
        let docs = |rule: &'static Rule| Help { text: rule.docs, markdown: rule.docs };
        Self {
            id: id.to_owned(),
            short_description: rule.map(|rule| text(rule.summary())),
            help: rule.map(docs),
            default_configuration: rule.map(|rule| Level { level: rule.severity.name() }),
        }
    }
}

#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Level {
    level: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct BaseId {
    description: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct RunProperties<'a> {
    checked: BTreeMap<&'a str, usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<WireFix<'a>>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    clusters: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are those of SARIF")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireFix<'a> {
    description: Text,
    artifact_changes: Vec<ArtifactChange<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Inserted<'a>,
}

#[derive(Serialize)]
struct Inserted<'a> {
    text: &'a str,
}
