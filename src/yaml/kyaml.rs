//! Text as kyaml prints it again: what Flux's image automation makes of a file in which it changed a value.
//!
//! kyaml keeps comments, quotes and the order of keys, and little else: indentation becomes two, blank lines vanish
//! except beside comments, a leading `---` and a byte order mark go, multi-line scalars are joined. Unlike the tree of
//! this floor, the one here keeps aliases, anchors, merge keys and repeated keys, because kyaml prints them.
//!
//! Source: kyaml 0.21 (`kio/byteio_reader.go`, `byteio_writer.go`), go-yaml 3.0 (`scannerc.go`, `parserc.go`,
//! `decode.go`, `emitterc.go`, `encode.go`).

mod comments;
mod print;
mod read;
mod style;

use crate::text::Span;
use crate::yaml::Style;
use crate::yaml::kyaml::read::Tree;

/// Why kyaml cannot read a text; the automation passes over such a file without a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReemitError {
    /// A line that begins with `---` holds more than a comment.
    #[error("a document begins on the line of its `---`")]
    Separator,
    /// It is no YAML to go-yaml; why.
    #[error("it is no YAML: {0}")]
    Syntax(String),
    /// A document is a list or a text.
    #[error("a document is no mapping")]
    NoMapping,
}

/// Whether kyaml visits a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// It does.
    #[default]
    Visited,
    /// Its key, or one above it, stands in the same mapping before: kyaml looks keys up by name, and visits the first.
    Repeated,
}

/// A scalar that a setter may give another value.
#[derive(Debug, Clone, Copy)]
pub struct Settable<'a> {
    /// Its text.
    pub text: &'a str,
    /// The comment in its line, with the `#`; empty without one.
    pub line_comment: &'a str,
    /// The comments that stand above it and belong to it; empty without one.
    pub head_comment: &'a str,
    /// Its first byte in the text with Unix line ends.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How it is written.
    pub style: Style,
    /// Whether kyaml would ask for it; who writes as Flux does answers for those that it visits alone.
    pub reach: Reach,
}

/// A change of a setter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetScalar {
    /// First byte of the scalar in the text; where kyaml reads its document.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Its text before.
    pub old: String,
    /// Its text now.
    pub new: String,
    /// How it was written.
    pub style: Style,
    /// Its explicit tag in the short form, where it had one.
    pub tag: Option<String>,
    /// The comment that belongs to it: that of its line, else the one above.
    pub comment: Option<String>,
}

/// What kyaml makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reemitted {
    /// The text.
    pub text: String,
    /// What was set, in the order of the text.
    pub changes: Vec<SetScalar>,
    /// Whether the text holds one document of kind `List` or `ResourceList`: its items are written to files of their
    /// own, and the file stays as it is.
    pub items: Option<Vec<ListItem>>,
}

/// An item of a list, as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListItem {
    /// `[namespace/]kind_name.yaml`.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// Whether something was set in it.
    pub is_changed: bool,
}

/// Returns `text` as kyaml prints it.
///
/// # Errors
/// When kyaml does not read it.
pub fn reemit(text: &str) -> Result<String, ReemitError> {
    Ok(reemit_with(text, &|_| None)?.text)
}

/// Returns `text` as kyaml prints it after `set` gave scalars new texts. Every scalar is offered, those of repeated keys
/// too.
///
/// # Errors
/// When kyaml does not read it.
pub fn reemit_with(text: &str, set: &dyn Fn(Settable<'_>) -> Option<String>) -> Result<Reemitted, ReemitError> {
    let unix = text.replace("\r\n", "\n");
    let documents = split(&unix)?;
    let count = documents.len();
    let mut out = Reemitted { text: String::new(), changes: Vec::new(), items: None };
    for (start, document) in documents {
        let Some(mut tree) = Tree::read(&document)? else { continue };
        let mut changes =
            tree.set(&|scalar| set(Settable { start: start + scalar.start, end: start + scalar.end, ..scalar }));
        let is_wide = is_wide(&document);
        if count == 1
            && let Some(items) = tree.list_items()
        {
            out.items = Some(print::list_items(items, is_wide));
        }
        for change in &mut changes {
            // A change has its place in its document.
            change.start = original(text, start + change.start);
            change.end = original(text, start + change.end);
        }
        out.changes.extend(changes);
        tree.clear_empty_annotations();
        if !out.text.is_empty() {
            out.text.push_str("---\n");
        }
        out.text.push_str(&print::document(&tree, is_wide));
    }
    Ok(out)
}

/// Returns the byte of `text` that is byte `at` of it with Unix line ends.
fn original(text: &str, at: usize) -> usize {
    if !text.contains("\r\n") {
        return at;
    }
    let mut rest = at;
    for (index, _) in text.match_indices("\r\n") {
        if index >= rest {
            break;
        }
        rest += 1;
    }
    rest
}

/// Returns the place in `text` of `span`, which was taken in it with Unix line ends.
pub(crate) fn with_unix_ends_undone(text: &str, span: Span) -> Span {
    let range = span.range();
    Span::new(span.source, original(text, range.start)..original(text, range.end))
}

/// Splits at lines that begin with `---`, whatever stands around them; returns each document with its first byte.
fn split(text: &str) -> Result<Vec<(usize, String)>, ReemitError> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("\n---") {
        let separator = from + found;
        let Some(length) = text[separator + 1..].find('\n') else { break };
        let line_end = separator + 1 + length;
        let behind = text[separator + 4..line_end].trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(ReemitError::Separator);
        }
        documents.push((start, format!("{}\n", &text[start..separator])));
        start = line_end + 1;
        // The newline that ends one separator cannot begin the next.
        from = line_end + 1;
    }
    documents.push((start, text[start..].to_owned()));
    Ok(documents)
}

/// Returns whether the first list of a document is indented by two below its key.
///
/// Source: kyaml, `DeriveSeqIndentStyle`.
fn is_wide(document: &str) -> bool {
    let lines: Vec<&str> = document.split('\n').collect();
    let width = |line: &str| line.len() - line.trim_start_matches(' ').len();
    for (at, line) in lines.iter().enumerate() {
        let Some((before, _)) = line.split_once("- ") else { continue };
        if !before.trim_matches(' ').is_empty() {
            continue;
        }
        let above = lines[..at].iter().rev().find(|line| !line.trim_matches(' ').starts_with('#'));
        let key = above.map_or("", |line| line.split('#').next().unwrap_or_default());
        let trimmed = key.trim_matches(' ');
        if key.is_empty() || trimmed.matches(':').count() != 1 || !trimmed.ends_with(':') {
            continue;
        }
        match before.len().checked_sub(width(key)) {
            Some(0) => return false,
            Some(2) => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
