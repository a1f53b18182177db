//! A document, fitted to a [`Shape`].

use smol_str::{SmolStr, format_smolstr};

use crate::diagnostic::{Diagnostic, Severity, pick};
use crate::kustomize::context::rule;
use crate::kustomize::file::Strictness;
use crate::kustomize::file::shape::Shape;
use crate::yaml::{Dialect, Entry, Key, Map, Node, Typed};

/// Fits values to shapes and collects what does not fit.
pub(super) struct Conform {
    /// What becomes of unknown fields.
    pub(super) strictness: Strictness,
    /// What was wrong.
    pub(super) findings: Vec<Diagnostic>,
}

impl Conform {
    /// Returns `node`, the value of `field`, as `shape` wants it; nothing for null and for what does not fit.
    pub(super) fn value(&mut self, node: &Node, shape: &Shape, field: &str) -> Option<Node> {
        if node.is_null() {
            return None;
        }
        match shape {
            Shape::Text => {
                self.scalar(node, field, "a string", |typed| matches!(typed, Typed::String | Typed::Binary(_)))
            }
            Shape::Flag => self.scalar(node, field, "true or false", |typed| matches!(typed, Typed::Bool(_))),
            Shape::Whole => self.scalar(node, field, "an integer", is_whole),
            Shape::List(items) => {
                let Some(list) = node.as_sequence() else { return self.misfit(node, field, "a list") };
                // A null item is the zero value of its Go type.
                let item = |item: &Node| match items {
                    Shape::Text if item.is_null() => Some(Node::string("", item.span)),
                    Shape::Fields(_) if item.is_null() => Some(Node::empty_map(item.span)),
                    _ => self.value(item, items, field),
                };
                let items = list.iter().filter_map(item).collect();
                Some(Node { kind: Node::sequence(items, node.span).kind, ..node.clone() })
            }
            Shape::Texts => {
                let Some(map) = node.as_map() else { return self.misfit(node, field, "a mapping") };
                let entry = |entry: &Entry| {
                    // A null value is the empty string.
                    let value = if entry.value.is_null() {
                        Some(Node::string("", entry.value.span))
                    } else {
                        self.value(&entry.value, &Shape::Text, entry.key.text())
                    };
                    Some(Entry { key: text_key(&entry.key), value: value? })
                };
                Some(rebuilt(node, map.iter().filter_map(entry).collect()))
            }
            Shape::Fields(fields) => {
                let Some(map) = node.as_map() else { return self.misfit(node, field, "a mapping") };
                let mut entries: Vec<Entry> = Vec::with_capacity(map.len());
                for entry in map {
                    let Some((name, shape)) = find(fields, entry.key.text()) else {
                        self.unknown(&entry.key, field, fields);
                        continue;
                    };
                    let Some(value) = self.value(&entry.value, shape, name) else { continue };
                    let key = Key::string(*name, entry.key.span());
                    // Two spellings of one key: the last one counts.
                    entries.retain(|earlier| earlier.key.text() != *name);
                    entries.push(Entry { key, value });
                }
                Some(rebuilt(node, entries))
            }
            Shape::Anything => Some(node.clone()),
        }
    }

    fn scalar(&mut self, node: &Node, field: &str, wanted: &str, fits: impl Fn(&Typed) -> bool) -> Option<Node> {
        let Some(scalar) = node.as_scalar() else { return self.misfit(node, field, wanted) };
        if fits(&scalar.typed(Dialect::KubernetesV2)) { Some(node.clone()) } else { self.misfit(node, field, wanted) }
    }

    fn misfit(&mut self, node: &Node, field: &str, wanted: &str) -> Option<Node> {
        let message = format!("`{field}` is not {wanted}");
        self.findings.push(Diagnostic::new(rule::INVALID, Severity::Error, message).label(node.span, "this value"));
        None
    }

    fn unknown(&mut self, key: &Key, field: &str, known: &[(&'static str, Shape)]) {
        let severity = match self.strictness {
            Strictness::Strict => Severity::Error,
            Strictness::Loose => Severity::Warning,
        };
        let place = if field.is_empty() { SmolStr::default() } else { format_smolstr!(" in `{field}`") };
        let message = format!("unknown field `{}`{place}", key.text());
        let finding =
            Diagnostic::new(rule::INVALID, severity, message).label(key.span(), "kustomize has no such field");
        self.findings.push(match pick::nearest(key.text(), known.iter().map(|(name, _)| *name)) {
            Some(name) => finding.help(format!("write `{name}`")),
            None => finding,
        });
    }
}

fn is_whole(typed: &Typed) -> bool {
    match typed {
        Typed::Int(_) | Typed::UInt(_) => true,
        Typed::Float(number) => number.fract() == 0.0,
        _ => false,
    }
}

fn rebuilt(node: &Node, entries: Vec<Entry>) -> Node {
    Node { kind: crate::yaml::Kind::Map(Map::from_entries(entries)), span: node.span, chain: node.chain.clone() }
}

/// Returns the field that `key` means: exactly spelled, else without regard to case.
fn find<'a>(fields: &'a [(&'static str, Shape)], key: &str) -> Option<&'a (&'static str, Shape)> {
    let exact = fields.iter().find(|(name, _)| *name == key);
    exact.or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)))
}

/// Returns `key` as the string that YAML 1.1 makes of it before it becomes JSON: `yes` is `true`, `0x10` is `16`.
fn text_key(key: &Key) -> Key {
    let text = match key.scalar().typed(Dialect::KubernetesV2) {
        Typed::Bool(value) => SmolStr::new(if value { "true" } else { "false" }),
        Typed::Int(value) => format_smolstr!("{value}"),
        Typed::UInt(value) => format_smolstr!("{value}"),
        _ => key.scalar().text.clone(),
    };
    Key::string(text, key.span())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kustomize::file::shape;
    use crate::text::FileSet;
    use crate::yaml::parse;

    #[test]
    fn an_unknown_field_comes_with_the_nearest_known_one_at_any_depth() {
        let text = "resource: []\nimages: [{name: a, newTga: b}]\nreplacements: [{source: {fieldpath: a, fildPath: b}}]\nx: 1\n";
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        let root = parse(source, text).documents.remove(0).root;
        let mut conform = Conform { strictness: Strictness::Strict, findings: Vec::new() };
        conform.value(&root, &shape::KUSTOMIZATION, "");
        let helps: Vec<_> =
            conform.findings.iter().map(|finding| finding.help.as_deref().unwrap_or_default()).collect();
        assert_eq!(helps, ["write `resources`", "write `newTag`", "write `fieldPath`", ""]);
    }
}
