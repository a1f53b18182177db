//! The report for GitLab's code quality widget.
//!
//! Source: GitLab, "Code Quality", "Code Quality report format".

use serde::Serialize;

use crate::config;
use crate::diagnostic::{Findings, Severity};
use crate::repo::Repo;
use crate::report::fingerprint::fingerprints;
use crate::report::group::{Group, groups};
use crate::report::place::Place;
use crate::text::RepoPath;

/// Returns `findings` as a JSON array with a final newline; paths are those of `repo` below `base`.
///
/// GitLab shows no finding without a file: such a one stands at the first line of gitops.yaml. The format has no room
/// for what was not checked.
#[expect(clippy::missing_panics_doc, reason = "strings and numbers always serialize")]
pub fn gitlab(findings: &Findings, repo: &Repo, base: &RepoPath) -> String {
    let groups = groups(&findings.diagnostics);
    let prints = fingerprints(&groups, repo);
    let issues: Vec<_> = groups.iter().zip(prints).map(|(group, print)| Issue::new(group, print, repo, base)).collect();
    let mut text = serde_json::to_string_pretty(&issues).expect("strings and numbers always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

impl<'a> Issue<'a> {
    fn new(group: &Group<'a>, fingerprint: String, repo: &Repo, base: &RepoPath) -> Self {
        let finding = group.first;
        let place = finding.span().and_then(|span| Place::new(span, repo, base));
        let help = finding.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
        let location = match place {
            Some(place) => Location {
                path: place.path.as_str().to_owned(),
                lines: Lines { begin: place.start.line, end: place.end.line },
            },
            None => Location {
                path: base.join(config::FILE).unwrap_or_else(|_| base.clone()).to_string(),
                lines: Lines { begin: 1, end: 1 },
            },
        };
        Self {
            description: group.message() + &help,
            check_name: finding.rule,
            fingerprint,
            severity: match finding.severity {
                Severity::Error => "critical",
                Severity::Warning => "minor",
                Severity::Note => "info",
            },
            location,
        }
    }
}
