//! Findings as the client shows them.

use std::collections::BTreeMap;

use lsp_server::{Message, Notification};
use lsp_types::notification::{Notification as _, PublishDiagnostics};
use lsp_types::{
    Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, NumberOrString, PublishDiagnosticsParams,
};

use crate::cli::lsp::folder::Folder;
use crate::cli::lsp::position;
use crate::config;
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::text::{RepoPath, Span};

/// Clusters that are named after a message.
const NAMED: usize = 4;

/// Returns the messages that bring the client up to date with the findings of `folder`: files with other findings than
/// it shows, also those without any more.
pub(super) fn messages(folder: &mut Folder) -> Vec<Message> {
    let mut now = by_file(folder);
    let mut messages = Vec::new();
    let gone: Vec<RepoPath> = folder.published.keys().filter(|path| !now.contains_key(*path)).cloned().collect();
    now.extend(gone.into_iter().map(|path| (path, Vec::new())));
    for (path, diagnostics) in now {
        if folder.published.get(&path) == Some(&diagnostics) {
            continue;
        }
        let Some(uri) = folder.uri(&path) else { continue };
        let version = folder.open.get(&path).map(|document| document.version);
        let params = PublishDiagnosticsParams { uri, diagnostics: diagnostics.clone(), version };
        messages.push(Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_owned(), params)));
        if diagnostics.is_empty() {
            folder.published.remove(&path);
        } else {
            folder.published.insert(path, diagnostics);
        }
    }
    folder.is_published = true;
    messages
}

/// Returns what is shown of each file that has findings.
fn by_file(folder: &Folder) -> BTreeMap<RepoPath, Vec<Shown>> {
    let mut shown: BTreeMap<RepoPath, Vec<Shown>> = BTreeMap::new();
    for (finding, clusters) in grouped(folder) {
        if let Some((path, diagnostic)) = diagnostic(folder, finding, &clusters) {
            shown.entry(path).or_default().push(diagnostic);
        }
    }
    shown
}

/// Returns every finding once, with the clusters that it was found in.
pub(super) fn grouped(folder: &Folder) -> Vec<(&Diagnostic, Vec<&str>)> {
    let mut groups: Vec<(&Diagnostic, Vec<&str>)> = Vec::new();
    let mut known = BTreeMap::new();
    for finding in &folder.session().findings().diagnostics {
        let places: Vec<(Span, &str)> =
            finding.labels.iter().map(|label| (label.span, label.message.as_ref())).collect();
        let at =
            *known.entry((finding.rule, finding.message.as_str(), finding.severity, places)).or_insert_with(|| {
                groups.push((finding, Vec::new()));
                groups.len() - 1
            });
        groups[at].1.extend(finding.cluster.as_deref());
    }
    groups
}

/// Returns `finding` as the client shows it, and the file that it is shown in: gitops.yaml where it has no place.
pub(super) fn diagnostic(folder: &Folder, finding: &Diagnostic, clusters: &[&str]) -> Option<(RepoPath, Shown)> {
    let sources = folder.session().repo().sources();
    let (path, range) = match finding.span() {
        Some(span) => {
            let file = sources.get(span.source)?;
            (file.path().clone(), position::range(file, span))
        }
        None => (RepoPath::new(config::FILE).ok()?, lsp_types::Range::default()),
    };
    let related = |label: &Label| {
        let file = sources.get(label.span.source)?;
        let location = position::location(file, label.span, folder.uri(file.path())?);
        Some(DiagnosticRelatedInformation { location, message: label.message.to_string() })
    };
    let related: Vec<_> = finding.labels.iter().skip(1).filter_map(related).collect();
    let shown = Shown {
        range,
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(finding.rule.to_owned())),
        source: Some("gitops-gen".to_owned()),
        message: message(finding, clusters),
        related_information: (!related.is_empty()).then_some(related),
        ..Shown::default()
    };
    Some((path, shown))
}

fn message(finding: &Diagnostic, clusters: &[&str]) -> String {
    let names: Vec<String> = clusters.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let place = match clusters.len() {
        0 => String::new(),
        1 => format!(" (in cluster {names})"),
        count if count > NAMED => format!(" (in clusters {names} and {} more)", count - NAMED),
        _ => format!(" (in clusters {names})"),
    };
    let help = finding.help.iter().map(|help| format!("\nhelp: {help}"));
    let notes = finding.notes.iter().map(|note| format!("\nnote: {note}"));
    [finding.message.clone(), place].into_iter().chain(help).chain(notes).collect()
}
