//! What is wrong with parameters, shown on the lines of the file that a person wrote.

use crate::config;
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::generate::ParameterProblem;
use crate::repo::Repo;
use crate::report::{self, Color};
use crate::text::{FileSet, RepoPath, Span};
use crate::yaml::{self, Node};

/// Returns the report of `problems` with the parameters that the file at `path` holds: under the key `below`, or at its top.
/// One of `count` that stands nowhere in it has no place.
pub(super) fn located(
    files: &FileSet,
    path: &RepoPath,
    below: Option<&str>,
    problems: &[ParameterProblem],
    count: usize,
) -> String {
    let repo = Repo::new(files.clone());
    let mut findings = Findings::default();
    for problem in problems {
        let finding = Diagnostic::new(config::INVALID, Severity::Error, format!("parameter {problem}"));
        findings.diagnostics.push(match place(files, path, below, &problem.parameter) {
            Some(span) => finding.label(span, "here"),
            None => finding,
        });
    }
    findings.checked("parameters", count);
    report::text(&findings, &repo, Color::Never)
}

/// Returns where the file sets `parameter`, or what it is in.
fn place(files: &FileSet, path: &RepoPath, below: Option<&str>, parameter: &str) -> Option<Span> {
    let parsed = yaml::parse(files.id(path)?, files.text(path)?);
    let root = &parsed.documents.first()?.root;
    let mut node: &Node = below.map_or(Some(root), |key| root.get(key))?;
    let mut span = node.span.start_point();
    for name in parameter.split('.') {
        let items = node.as_sequence();
        if let Some(entry) = node.as_map().and_then(|map| map.entry(name)) {
            (node, span) = (&entry.value, entry.key.span());
        } else if let Some(item) = items.zip(name.parse().ok()).and_then(|(list, at): (_, usize)| list.get(at)) {
            (node, span) = (item, item.span);
        } else {
            break;
        }
    }
    Some(if node.as_scalar().is_some() { node.span } else { span })
}
