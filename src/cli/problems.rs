//! What is wrong with parameters, shown on the lines of the file that a person wrote.

use crate::config;
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::generate::{ParameterProblem, Part};
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
        findings.diagnostics.push(match place(files, path, below, problem) {
            Some(span) => finding.label(span, "here"),
            None => finding,
        });
    }
    findings.checked("parameters", count);
    report::text(&findings, &repo, Color::Never)
}

/// Returns where the file has what is wrong: the name or the value of the parameter, else the name of what it is in.
fn place(files: &FileSet, path: &RepoPath, below: Option<&str>, problem: &ParameterProblem) -> Option<Span> {
    let parsed = yaml::parse(files.id(path)?, files.text(path)?);
    let root = &parsed.documents.first()?.root;
    let mut node: &Node = below.map_or(Some(root), |key| root.get(key))?;
    let mut span = node.span.start_point();
    let mut rest = Some(problem.parameter.as_str());
    while let Some(text) = rest {
        // A name may hold dots itself: the longest that is there.
        let ends = text.match_indices('.').map(|(at, _)| at).chain([text.len()]);
        let found = ends.rev().find_map(|end| Some((end, child(node, text.get(..end)?)?)));
        let Some((end, (below, place))) = found else { break };
        (node, span) = (below, place);
        rest = text.get(end + 1..);
    }
    Some(if problem.part == Part::Value && node.as_scalar().is_some() { node.span } else { span })
}

/// Returns the entry or item `name` of `node`, with the place of its key or of itself.
fn child<'a>(node: &'a Node, name: &str) -> Option<(&'a Node, Span)> {
    if let Some(entry) = node.as_map().and_then(|map| map.entry(name)) {
        return Some((&entry.value, entry.key.span()));
    }
    let item = node.as_sequence()?.get(name.parse::<usize>().ok()?)?;
    Some((item, item.span))
}
