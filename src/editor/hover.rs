//! What there is to know about a place: what it is in the clusters, and the rules that have something to say of it.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::editor::occurrence::{Occurrence, Role, occurrences};
use crate::editor::place::Place;
use crate::report::Redactions;
use crate::rules;
use crate::session::Session;
use crate::text::{RepoPath, SourceId, Span};
use crate::yaml::{Chain, Node, Step};

/// Rendered values that are shown; a value in a base may be in hundreds.
const SHOWN: usize = 12;
/// Characters of a value that are shown.
const LONGEST: usize = 80;

/// What there is to know about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// Markdown.
    pub markdown: String,
    /// The value that it is about, where it is about one.
    pub span: Option<Span>,
}

/// Returns what there is to know about `byte` of the file `path`.
pub fn hover(session: &Session, path: &RepoPath, byte: usize) -> Option<Hover> {
    let source = session.repo().files().id(path)?;
    let place = Place::at(session.repo(), path, byte);
    let mut sections = Vec::new();
    if place.is_some() {
        sections.extend(rendered(session, source, byte));
    }
    sections.extend(findings(session, source, byte));
    let span = place.map(|place| place.node().span).filter(|span| span.source == source);
    (!sections.is_empty()).then(|| Hover { markdown: sections.join("\n\n---\n\n"), span })
}

/// Returns the documentation of every rule that found something at the place.
fn findings(session: &Session, source: SourceId, byte: usize) -> Vec<String> {
    let is_here = |span: Span| span.source == source && span.range().start <= byte && byte <= span.range().end;
    let is_about = |finding: &&Diagnostic| finding.labels.iter().any(|label| is_here(label.span));
    let found = session.findings().diagnostics.iter().filter(is_about);
    let ids: BTreeSet<&str> = found.map(|finding| finding.rule).collect();
    let section = |id: &str| {
        let rule = rules::find(id)?;
        Some(format!("**{}** ({})\n\n{}", rule.id, rule.severity.name(), rule.docs.trim_end().replace("## ", "#### ")))
    };
    ids.into_iter().filter_map(section).collect()
}

/// Returns what the place is in the clusters, a line each.
fn rendered(session: &Session, source: SourceId, byte: usize) -> Option<String> {
    let mut found = occurrences(session, source, byte, SHOWN * 8);
    // What only a transformer or a variable causes is of interest where the place is no value by itself.
    if found.iter().any(|occurrence| occurrence.role < Role::Causes) {
        found.retain(|occurrence| occurrence.role < Role::Causes);
    }
    let mut redactions = Redactions::new(session.repo());
    let mut lines: Vec<String> = Vec::new();
    for occurrence in &found {
        let line = line(session, occurrence, &mut redactions);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push("- and more".to_owned());
    }
    (!lines.is_empty()).then(|| format!("**In the clusters**\n\n{}", lines.join("\n")))
}

fn line(session: &Session, occurrence: &Occurrence<'_>, redactions: &mut Redactions<'_>) -> String {
    let Occurrence { cluster, resource, way, node, role, .. } = occurrence;
    let value = if is_hidden(occurrence, redactions) { "(hidden)".to_owned() } else { shown(node) };
    let by = match role {
        Role::Sets => String::new(),
        Role::Replaced | Role::Causes => changed_by(session, node),
    };
    format!("- `{}`: {value} — `{}` `{way}`{by}", cluster.name, resource.object_ref())
}

/// Returns a scalar as Markdown, on one line and cut off where it is long.
fn shown(node: &Node) -> String {
    let Some(text) = node.as_scalar().map(|scalar| scalar.text.as_str()) else { return String::new() };
    let line = text.lines().next().unwrap_or_default();
    let mut cut: String = line.chars().take(LONGEST).map(|letter| if letter == '`' { '\'' } else { letter }).collect();
    if cut.len() < text.trim_end().len() {
        cut.push('…');
    }
    if cut.is_empty() { "(empty)".to_owned() } else { format!("`{cut}`") }
}

/// Returns what made the value what it is, and where.
fn changed_by(session: &Session, node: &Node) -> String {
    let Some(chain) = node.chain.as_deref() else { return String::new() };
    let what = match &chain.step {
        Step::Patch => "a patch".to_owned(),
        Step::Transformer(name) => format!("`{name}`"),
        Step::Substitution(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`${{{name}}}`")).collect();
            names.join(", ")
        }
        Step::NameReference => "the name of what it refers to".to_owned(),
    };
    let sources = session.repo().sources();
    // A patch is many lines; the value knows its own.
    let at = chain.by.filter(|_| chain.step != Step::Patch).unwrap_or(node.span);
    let place = sources.path(at).zip(sources.start(at)).map(|(path, start)| format!(" in {path}:{}", start.line));
    format!(", set by {what}{}", place.unwrap_or_default())
}

/// Returns whether the value is, or may hold, a value of a Secret; in doubt it does.
fn is_hidden(occurrence: &Occurrence<'_>, redactions: &mut Redactions<'_>) -> bool {
    let Occurrence { owner, resource, way, node, .. } = occurrence;
    let names_it = ["apiVersion", "kind", "type", "metadata.name", "metadata.namespace"].contains(&way.as_str());
    if resource.kind().to_ascii_lowercase().contains("secret") && !names_it && !way.starts_with("metadata.labels.") {
        return true;
    }
    let steps = || std::iter::successors(node.chain.as_deref(), |step: &&Chain| step.earlier.as_deref());
    let places = steps().flat_map(|step| step.by.into_iter().chain(step.before)).chain([node.span]);
    let is_redacted = |span: Span, redactions: &mut Redactions<'_>| {
        let hidden = redactions.of(span.source);
        hidden.iter().any(|hidden| hidden.start < span.range().end && span.range().start < hidden.end)
    };
    if places.into_iter().any(|span| is_redacted(span, redactions)) {
        return true;
    }
    let takes_secrets = owner.is_some_and(|owner| owner.substitute_from.iter().any(|from| from.kind == "Secret"));
    let is_inline = |name: &str| {
        owner.and_then(|owner| owner.inline_variables()).is_some_and(|variables| variables.get(name).is_some())
    };
    let mut names = steps().flat_map(|step| match &step.step {
        Step::Substitution(names) => names.as_slice(),
        _ => &[],
    });
    takes_secrets && names.any(|name| !is_inline(name))
}
