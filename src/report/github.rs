//! The report for GitHub Actions: workflow commands that become annotations, and the summary as plain lines.
//!
//! GitHub shows ten annotations of each severity for a step: the log has all of them.
//!
//! Source: GitHub, "Workflow commands for GitHub Actions"; actions/runner, `ActionCommand.cs`.

use crate::diagnostic::{Findings, Severity};
use crate::repo::Repo;
use crate::report::group::{Group, groups};
use crate::report::place::Place;
use crate::report::snippet::push_line;
use crate::report::summary;
use crate::report::text::on_one_line;
use crate::text::RepoPath;

/// Returns `findings` as workflow commands, one line each, then what was checked and what was not; paths are those of
/// `repo` below `base`.
pub fn github(findings: &Findings, repo: &Repo, base: &RepoPath) -> String {
    let groups = groups(&findings.diagnostics);
    let mut out = String::new();
    for group in &groups {
        push_line(&mut out, &command(group, repo, base));
    }
    push_line(&mut out, &summary::found(&groups));
    push_line(&mut out, &format!("checked: {}", plain(&summary::checked(&findings.checked))));
    for (why, items) in summary::by_reason(&findings.not_checked) {
        for item in items {
            push_line(&mut out, &format!("not checked: {}: {}", plain(&item.what), plain(why)));
        }
    }
    out
}

fn command(group: &Group<'_>, repo: &Repo, base: &RepoPath) -> String {
    let finding = group.first;
    let name = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = finding.span().and_then(|span| Place::new(span, repo, base)) {
        properties.push(format!("file={}", property(place.path.as_str())));
        properties.push(format!("line={}", place.start.line));
        // Columns count only where both are in one line.
        if place.end.line == place.start.line {
            properties.push(format!("col={}", place.start.column));
            properties.push(format!("endColumn={}", place.end.column));
        }
    }
    properties.push(format!("title={}", property(finding.rule)));
    format!("::{name} {}::{}", properties.join(","), data(&group.text()))
}

/// Returns `text` as the data of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns `text` as the value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns `text` as part of a line that is no command: neither `::name::` at its beginning nor `##[name]` anywhere.
fn plain(text: &str) -> String {
    on_one_line(text).replace("::", ": :").replace("##[", "## [")
}
