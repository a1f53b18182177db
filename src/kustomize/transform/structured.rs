//! Replacements inside of YAML or JSON text that a string holds.
//!
//! Source: kustomize 5.8, `setValueInStructuredData` in `api/filters/replacement`.
//! Differs: kustomize prints YAML text anew and keeps its comments as its parser attached them. Text with comments is
//! edited in place here where only scalars change, so that they and the layout stay as they are.

use std::ops::Range;

use smol_str::SmolStr;

use crate::kustomize::transform::json;
use crate::kustomize::transform::path::{Create, Path, look_up, split_at_scalar};
use crate::kustomize::transform::replacements::typed_as_now;
use crate::text::{Span, spliced};
use crate::yaml::{self, Dialect, Entry, Kind, Node, Scalar, Step, Style, Typed};

/// Writes `value` where `parts` lead through a string into the text that it holds; returns whether they do.
pub(super) fn write(object: &mut Node, parts: &[SmolStr], value: &Node, create: Create, by: Span) -> bool {
    let Some(at) = split_at_scalar(object, parts) else { return false };
    let (outer, inner) = parts.split_at(at);
    let Some(text) = look_up(object, outer).ok().flatten().and_then(Node::as_scalar).map(|scalar| &scalar.text) else {
        return false;
    };
    let Some(changed) = changed_text(object.span, text, inner, value, create) else { return false };
    let Ok(path) = Path::new(outer) else { return false };
    let mut set = |node: &mut Node| {
        let Some(scalar) = node.as_scalar() else { return Ok(()) };
        let scalar = Scalar { text: changed.as_str().into(), ..typed_as_now(scalar) };
        *node = Node::new(Kind::Scalar(scalar), node.span).via(Step::Transformer("replacements"), Some(by), Some(node));
        Ok(())
    };
    path.visit(object, Create::No, &mut set).is_ok_and(|count| count > 0)
}

/// Returns `text` with `value` written where `parts` lead in it.
fn changed_text(place: Span, text: &str, parts: &[SmolStr], value: &Node, create: Create) -> Option<String> {
    // Spans of this tree are offsets in the text, whatever file they name.
    let parsed = yaml::parse(place.source, text);
    let has_comments = !parsed.comments.is_empty();
    let mut root = parsed.documents.into_iter().next().filter(|_| parsed.diagnostics.is_empty())?.root;
    let mut edits: Option<Vec<(Range<usize>, String)>> = Some(Vec::new());
    let mut set = |node: &mut Node| {
        let edit = match (&mut node.kind, &value.kind) {
            (Kind::Scalar(old), _) => {
                // A list or mapping has no text.
                let text = value.as_scalar().map_or(SmolStr::default(), |new| new.text.clone());
                *old = Scalar { text, ..typed_as_now(old) };
                written(old).map(|text| (node.span.range(), text))
            }
            (kind, new) => {
                kind.clone_from(new);
                None
            }
        };
        match (edit, &mut edits) {
            (Some(edit), Some(edits)) => edits.push(edit),
            _ => edits = None,
        }
        Ok(())
    };
    let count = Path::new(parts).ok()?.visit(&mut root, create, &mut set).ok()?;
    if count == 0 {
        return None;
    }
    if text.trim_start().starts_with(['{', '[']) {
        let is_pretty = text.contains('\n') && text.contains("  ");
        return Some(if is_pretty { json::pretty(&root) } else { json::compact(&root) });
    }
    let in_place = edits.filter(|_| create == Create::No && has_comments).and_then(|edits| {
        spliced(text, edits.iter().map(|(range, replacement)| (range.clone(), replacement.as_str())))
    });
    let printed = || {
        let mut printer = Printer { text, out: String::new() };
        printer.block(&root, 0, false);
        printer.out
    };
    Some(in_place.unwrap_or_else(printed).trim().to_owned())
}

/// Returns the scalar as it is written on one line; nothing where it needs several.
fn written(scalar: &Scalar) -> Option<String> {
    let text = scalar.text.as_str();
    if text.contains('\n') {
        return None;
    }
    let quoted = || format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match scalar.style {
        Style::DoubleQuoted | Style::Literal | Style::Folded => Some(quoted()),
        Style::SingleQuoted => Some(format!("'{}'", text.replace('\'', "''"))),
        Style::Plain if !is_plain(text) => Some(format!("'{}'", text.replace('\'', "''"))),
        Style::Plain => {
            let is_string = matches!(scalar.tag.as_deref(), Some("!!str"));
            let reads_as_string = Dialect::KustomizeV3.resolve_plain(text) == Typed::String;
            Some(if is_string && !reads_as_string { quoted() } else { text.to_owned() })
        }
    }
}

/// Returns whether `text` can stand after a key as it is.
fn is_plain(text: &str) -> bool {
    let starts_well = text.chars().next().is_some_and(|first| {
        let rest = &text[first.len_utf8()..];
        let is_indicator = "-?:".contains(first) && (rest.is_empty() || rest.starts_with(' '));
        !is_indicator && !",[]{}#&*!|>'\"%@` ".contains(first)
    });
    starts_well && !text.ends_with([' ', ':']) && !text.contains(": ") && !text.contains(" #")
}

/// Prints a tree in its own order, with flow collections where `text`, which it was read from, has them.
struct Printer<'t> {
    text: &'t str,
    out: String,
}

impl Printer<'_> {
    fn is_flow(&self, node: &Node) -> bool {
        let is_empty = match &node.kind {
            Kind::Scalar(_) => true,
            Kind::Sequence(items) => items.is_empty(),
            Kind::Map(map) => map.is_empty(),
        };
        is_empty || self.text.get(node.span.range()).is_some_and(|text| text.starts_with(['{', '[']))
    }

    fn pad(&mut self, indent: usize) {
        self.out.push_str(&" ".repeat(indent));
    }

    /// Prints `node` and a newline; `is_inline` where something stands before it on the line.
    fn block(&mut self, node: &Node, indent: usize, is_inline: bool) {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text.contains('\n') => self.literal(&scalar.text, indent),
            Kind::Sequence(items) if !self.is_flow(node) => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 || !is_inline {
                        self.pad(indent);
                    }
                    self.out.push_str("- ");
                    self.block(item, indent + 2, true);
                }
            }
            Kind::Map(map) if !self.is_flow(node) => {
                for (at, entry) in map.iter().enumerate() {
                    if at > 0 || !is_inline {
                        self.pad(indent);
                    }
                    self.entry(entry, indent);
                }
            }
            _ => {
                self.flow(node);
                self.out.push('\n');
            }
        }
    }

    fn entry(&mut self, entry: &Entry, indent: usize) {
        self.out.push_str(&written(entry.key.scalar()).unwrap_or_default());
        self.out.push(':');
        let value = &entry.value;
        if self.is_flow(value) {
            self.out.push(' ');
            self.block(value, indent + 2, true);
            return;
        }
        self.out.push('\n');
        // Lists stand below their key without more indentation.
        self.block(value, if value.as_map().is_some() { indent + 2 } else { indent }, false);
    }

    fn flow(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar(scalar) => {
                self.out.push_str(&written(scalar).unwrap_or_else(|| json::compact(node)));
            }
            Kind::Sequence(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.flow(item);
                }
                self.out.push(']');
            }
            Kind::Map(map) => {
                self.out.push('{');
                for (at, entry) in map.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.out.push_str(&written(entry.key.scalar()).unwrap_or_default());
                    self.out.push_str(": ");
                    self.flow(&entry.value);
                }
                self.out.push('}');
            }
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        let content = text.trim_end_matches('\n');
        let header = match text.len() - content.len() {
            0 => "|-\n",
            1 => "|\n",
            _ => "|+\n",
        };
        self.out.push_str(header);
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.pad(indent);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }
}
