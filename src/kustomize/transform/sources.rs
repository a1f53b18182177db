//! The data of a generator: `envs`, `literals` and `files`.
//!
//! Source: kustomize, `api/kv/kv.go` and `api/internal/generators/utils.go`.

use smol_str::SmolStr;

use crate::kustomize::Outside;
use crate::kustomize::context::{Context, rule};
use crate::text::{Content, RepoPath, SourceId, Span};
use crate::yaml::Node;

/// The bytes of a value.
pub(super) enum Value<'a> {
    /// UTF-8
    Text(&'a str),
    /// Anything else.
    Binary(&'a [u8]),
}

impl Value<'_> {
    /// Returns the bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A key and its value.
pub(super) struct Pair<'a> {
    pub(super) key: SmolStr,
    pub(super) value: Value<'a>,
    /// The literal, the line of an environment file, or the whole of a text file.
    pub(super) span: Span,
    /// The entry of the generator that it comes from.
    pub(super) entry: Span,
}

/// Returns the pairs of a generator's `entry` in kustomize's order; what cannot be read is reported and left out.
pub(super) fn read<'a: 'b, 'b>(context: &mut Context<'a>, dir: &RepoPath, entry: &'b Node) -> Vec<Pair<'b>> {
    let mut pairs = Vec::new();
    for key in ["envs", "env"] {
        let values =
            entry.get(key).into_iter().flat_map(|node| node.as_sequence().unwrap_or(std::slice::from_ref(node)));
        for path in values {
            read_env_file(context, dir, path, &mut pairs);
        }
    }
    for literal in entry.items("literals") {
        if let Some(pair) = split_literal(literal) {
            pairs.push(pair);
        } else {
            let message = "a literal must have the form `key=value`";
            context.error(rule::GENERATOR, message, literal.span, "no `key=` here");
        }
    }
    for file in entry.items("files") {
        read_file(context, dir, file, &mut pairs);
    }
    pairs
}

/// Splits `key=value`; one pair of matching quotes around the value goes.
fn split_literal(literal: &Node) -> Option<Pair<'_>> {
    let text = literal.as_str()?;
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty())?;
    Some(Pair { key: key.into(), value: Value::Text(without_quotes(value)), span: literal.span, entry: literal.span })
}

fn without_quotes(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// Returns the content of the file that `reference` names, which `named` holds.
fn load<'a>(
    context: &mut Context<'a>,
    dir: &RepoPath,
    reference: &str,
    named: &Node,
) -> Option<(&'a Content, SourceId)> {
    if reference.starts_with("http://") || reference.starts_with("https://") {
        context.outside.push(Outside { what: "remote file", reference: reference.into(), span: named.span });
        return None;
    }
    let (path, id) = context.file(dir, reference, named.span)?;
    let loaded = context.repo.source(id)?.content();
    let problem = match loaded {
        Content::Text(_) | Content::Binary(_) => return Some((loaded, id)),
        Content::TooLarge(bytes) => format!("`{path}` has {bytes} bytes, too many to be read"),
        Content::Unreadable(reason) => format!("`{path}` cannot be read: {reason}"),
    };
    context.error(rule::GENERATOR, problem, named.span, "named here");
    None
}

fn read_file<'a: 'b, 'b>(context: &mut Context<'a>, dir: &RepoPath, file: &'b Node, pairs: &mut Vec<Pair<'b>>) {
    let Some(source) = file.as_str() else { return };
    let (key, path) = match source.split_once('=') {
        None => (source.trim_end_matches('/').rsplit('/').next().unwrap_or(source), source),
        Some((key, path)) if !key.is_empty() && !path.is_empty() && !path.contains('=') => (key, path),
        Some(_) => {
            let message = format!("`{source}` must have the form `path` or `key=path`, with one `=` at most");
            context.error(rule::GENERATOR, message, file.span, "named here");
            return;
        }
    };
    let Some((loaded, id)) = load(context, dir, path, file) else { return };
    let (value, length) = match loaded {
        Content::Text(text) => (Value::Text(text), text.len()),
        Content::Binary(bytes) => (Value::Binary(bytes), 0),
        Content::TooLarge(_) | Content::Unreadable(_) => return,
    };
    // A binary file has no text to point at.
    let span = if length == 0 { file.span } else { Span::new(id, 0..length) };
    pairs.push(Pair { key: key.into(), value, span, entry: file.span });
}

fn read_env_file<'a: 'b, 'b>(context: &mut Context<'a>, dir: &RepoPath, file: &Node, pairs: &mut Vec<Pair<'b>>) {
    let Some(path) = file.as_str() else { return };
    let Some((loaded, id)) = load(context, dir, path, file) else { return };
    let Content::Text(text) = loaded else {
        context.error(rule::GENERATOR, format!("`{path}` is not UTF-8"), file.span, "named here");
        return;
    };
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let range = start..start + raw.len();
        start = range.end;
        let line = raw.strip_suffix('\n').unwrap_or(raw);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let unmarked = if range.start == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let trimmed = unmarked.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (key, value) = trimmed.split_once('=').unwrap_or((trimmed, ""));
        if key.is_empty() {
            // kustomize takes a line without a key for a comment.
            continue;
        }
        let span = Span::new(id, range.start + line.len() - trimmed.len()..range.start + line.len());
        pairs.push(Pair { key: key.into(), value: Value::Text(value), span, entry: file.span });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_of_matching_quotes_goes() {
        assert_eq!(without_quotes("\"a\""), "a");
        assert_eq!(without_quotes("''a''"), "'a'");
        assert_eq!(without_quotes("\"a'"), "\"a'");
        assert_eq!(without_quotes("'"), "'");
    }
}
