//! Which bytes of a file are the values of Secrets, and therefore never printed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::repo::Repo;
use crate::text::SourceId;
use crate::yaml::{self, Node, Parsed, Style};

/// The bytes to hide, by file, found when a file is first quoted.
pub(super) struct Redactions<'a> {
    repo: &'a Repo,
    hidden: BTreeMap<SourceId, Vec<Range<usize>>>,
}

impl<'a> Redactions<'a> {
    pub(super) fn new(repo: &'a Repo) -> Self {
        Self { repo, hidden: BTreeMap::new() }
    }

    /// Returns the byte ranges of `source` that must not be shown, in no particular order.
    pub(super) fn of(&mut self, source: SourceId) -> &[Range<usize>] {
        let repo = self.repo;
        self.hidden.entry(source).or_insert_with(|| hidden_ranges(repo, source))
    }
}

fn hidden_ranges(repo: &Repo, source: SourceId) -> Vec<Range<usize>> {
    let Some(file) = repo.source(source) else { return Vec::new() };
    let text = file.text();
    if !file.path().is_yaml() {
        // An env file of a generator: nobody can tell which of its values are secret.
        return values_of_lines(text, '=');
    }
    let mut hidden = Vec::new();
    let Some(parsed) = repo.yaml(source) else { return hidden };
    hide_secrets(text, parsed, &mut hidden);
    // What follows a syntax error is in no document: there the lines themselves have to tell.
    let read = parsed.documents.last().map_or(0, |document| document.span.end as usize);
    let unread = text.get(read..).unwrap_or_default();
    if !parsed.diagnostics.is_empty() && text.contains("Secret") {
        hidden.extend(values_of_lines(unread, ':').into_iter().map(|range| range.start + read..range.end + read));
    }
    hidden
}

fn hide_secrets(text: &str, parsed: &Parsed, hidden: &mut Vec<Range<usize>>) {
    for document in &parsed.documents {
        hide_in(text, &document.root, hidden);
    }
}

/// Collects the values below every Secret in `node`: in lists, in inline patches, in generators.
fn hide_in(text: &str, node: &Node, hidden: &mut Vec<Range<usize>>) {
    if node.get("kind").and_then(Node::as_str) == Some("Secret") {
        for field in ["data", "stringData"] {
            if let Some(values) = node.get(field) {
                hide_scalars(values, hidden);
            }
        }
    }
    for generator in node.items("secretGenerator") {
        if let Some(literals) = generator.get("literals") {
            hide_scalars(literals, hidden);
        }
    }
    for value in children(node) {
        hide_in(text, value, hidden);
    }
    let block = |style| matches!(style, Style::Literal | Style::Folded);
    if node.as_scalar().is_some_and(|scalar| block(scalar.style) && scalar.text.contains("Secret")) {
        hide_secrets(text, &yaml::parse_embedded(text, node), hidden);
    }
}

fn hide_scalars(node: &Node, hidden: &mut Vec<Range<usize>>) {
    if node.as_scalar().is_some() {
        hidden.push(node.span.range());
    }
    for value in children(node) {
        hide_scalars(value, hidden);
    }
}

/// Returns the values of a mapping or the items of a list.
fn children(node: &Node) -> impl Iterator<Item = &Node> {
    let values = node.as_map().into_iter().flat_map(|map| map.iter().map(|entry| &entry.value));
    values.chain(node.as_sequence().unwrap_or_default())
}

/// Returns what follows the first `separator` of each line; the whole line where there is none.
fn values_of_lines(text: &str, separator: char) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut values = Vec::new();
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let from = content.find(separator).map_or(indent, |at| at + separator.len_utf8());
        if from < content.len() && !content.starts_with("---") {
            values.push(start + from..start + content.len());
        }
        start += line.len();
    }
    values
}
