//! Text as `kustomize build` prints it.
//!
//! kustomize turns every resource into JSON and prints that with go-yaml v2, so nothing of how a file was written
//! survives: keys are sorted, comments and quotes are gone, numbers are normalised (`0644` is `420`, `1.0` is `1`).
//! Flux substitutes variables in this text and applies what it says, hence byte for byte.
//!
//! Source: `emitterc.go`, `encode.go` and `sorter.go` of go-yaml v2, which follow libyaml.

mod number;
mod order;
mod page;
mod shape;

pub(super) use crate::yaml::emit::shape::{needs_escape, push_escaped};

use crate::text::Span;
use crate::yaml::emit::page::{Folding, Page};
use crate::yaml::emit::shape::Shape;
use crate::yaml::scalar::plain_is_string_to_v2;
use crate::yaml::{Dialect, Entry, Kind, Map, Node, Scalar, Typed};

/// U+0085, a line break of YAML 1.1 that JSON does not escape.
const NEXT_LINE: char = '\u{85}';
/// Longest key in bytes that is written without `? `.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Why kustomize cannot print a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// A mapping key that is no string, as in `1: x`.
    #[error("print the key `{key}`, which is no string")]
    KeyIsNoString {
        /// The key as it is written.
        key: String,
        /// Where it is written.
        span: Span,
    },
    /// `.inf` or `.nan`, which JSON does not have.
    #[error("print `{text}`, which JSON does not have")]
    NotFinite {
        /// The number as it is written.
        text: String,
        /// Where it is written.
        span: Span,
    },
    /// A character that go-yaml refuses to read again: U+007F, U+0080 to U+009F, U+FFFE or U+FFFF.
    #[error("print the control character U+{:04X}", u32::from(*character))]
    ControlCharacter {
        /// The character.
        character: char,
        /// The scalar that holds it.
        span: Span,
    },
    /// A text that its explicit tag does not allow, as in `!!int abc`.
    #[error("read `{text}` as `{tag}`")]
    TagContradicted {
        /// The tag in its short form.
        tag: String,
        /// The text.
        text: String,
        /// Where it is written.
        span: Span,
    },
}

impl EmitError {
    /// Returns the place of the value that cannot be printed.
    pub fn span(&self) -> Span {
        match self {
            Self::KeyIsNoString { span, .. }
            | Self::NotFinite { span, .. }
            | Self::ControlCharacter { span, .. }
            | Self::TagContradicted { span, .. } => *span,
        }
    }
}

/// Returns `node` as one document, with a newline at the end.
///
/// # Errors
/// On a value that kustomize cannot print either.
pub fn emit(node: &Node) -> Result<String, EmitError> {
    emit_documents([node])
}

/// Returns `nodes` as documents with `---` between them; no nodes are an empty text.
///
/// # Errors
/// On a value that kustomize cannot print either.
pub fn emit_documents<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Result<String, EmitError> {
    let mut emitter = Emitter { page: Page::new(), entries: Vec::new() };
    for (at, node) in nodes.into_iter().enumerate() {
        if at > 0 {
            emitter.page.push("---");
            emitter.page.break_line();
        }
        emitter.root(node)?;
    }
    Ok(emitter.page.into_text())
}

/// Where a node goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After `key:`.
    Value,
    /// After `-`, `?` or the `:` of a key that is not simple: a collection begins on the same line.
    Inline,
}

struct Emitter<'a> {
    page: Page,
    /// The sorted entries of the mappings that are being written, the innermost ones last: one allocation for all.
    entries: Vec<&'a Entry>,
}

impl<'a> Emitter<'a> {
    fn root(&mut self, node: &'a Node) -> Result<(), EmitError> {
        match &node.kind {
            Kind::Map(map) if !map.is_empty() => self.map(map, 0)?,
            Kind::Sequence(items) if !items.is_empty() => self.sequence(items, 0)?,
            _ => self.leaf(node, 0)?,
        }
        self.page.end_line();
        Ok(())
    }

    /// Writes a mapping whose keys stand at column `indent`; the first one goes where the line is.
    fn map(&mut self, map: &'a Map, indent: usize) -> Result<(), EmitError> {
        let first = self.entries.len();
        self.entries.extend(map.iter());
        order::sort(&mut self.entries[first..]);
        for at in first..first + map.len() {
            let entry = self.entries[at];
            self.page.indent_to(indent);
            let place = self.key(entry, indent)?;
            self.node(&entry.value, indent, place)?;
        }
        self.entries.truncate(first);
        Ok(())
    }

    /// Writes a list whose dashes stand at column `indent`.
    fn sequence(&mut self, items: &'a [Node], indent: usize) -> Result<(), EmitError> {
        for item in items {
            self.page.indent_to(indent);
            self.page.push("-");
            self.node(item, indent, Place::Inline)?;
        }
        Ok(())
    }

    /// Writes a node below a collection that is indented by `indent`.
    fn node(&mut self, node: &'a Node, indent: usize, place: Place) -> Result<(), EmitError> {
        match &node.kind {
            Kind::Map(map) if !map.is_empty() => self.map(map, indent + 2),
            // The dashes of a list below a simple key stand under the key.
            Kind::Sequence(items) if !items.is_empty() && place == Place::Value => self.sequence(items, indent),
            Kind::Sequence(items) if !items.is_empty() => self.sequence(items, indent + 2),
            _ => {
                self.page.push(" ");
                self.leaf(node, indent + 2)
            }
        }
    }

    /// Writes a scalar or an empty collection; its further lines are indented by `indent`.
    fn leaf(&mut self, node: &Node, indent: usize) -> Result<(), EmitError> {
        match &node.kind {
            Kind::Map(_) => self.page.push("{}"),
            Kind::Sequence(_) => self.page.push("[]"),
            Kind::Scalar(scalar) => self.scalar(scalar, node.span, indent)?,
        }
        self.page.content_written();
        Ok(())
    }

    fn scalar(&mut self, scalar: &Scalar, span: Span, indent: usize) -> Result<(), EmitError> {
        let typed = scalar.typed(Dialect::KustomizeV3);
        if let Some(tag) = scalar.tag.as_deref()
            && scalar.contradicts_its_tag()
        {
            return Err(EmitError::TagContradicted { tag: tag.to_owned(), text: scalar.text.to_string(), span });
        }
        match typed {
            Typed::String => self.string(&scalar.text, span, indent)?,
            Typed::Null => self.page.push("null"),
            Typed::Bool(true) => self.page.push("true"),
            Typed::Bool(false) => self.page.push("false"),
            Typed::Int(value) => self.page.push(&value.to_string()),
            Typed::UInt(value) => self.page.push(&value.to_string()),
            Typed::Float(value) if value.is_finite() => self.page.push(&number::print(value)),
            Typed::Float(_) => return Err(EmitError::NotFinite { text: scalar.text.to_string(), span }),
            Typed::Timestamp(moment) => self.string(&moment, span, indent)?,
            Typed::Binary(bytes) => self.string(&replace_invalid(&bytes), span, indent)?,
        }
        Ok(())
    }

    /// Writes a key and its colon, and returns how its value follows.
    fn key(&mut self, entry: &Entry, indent: usize) -> Result<Place, EmitError> {
        let key = &entry.key;
        // At the root kustomize asks for text, and gets it whatever the key is.
        let is_root_text = indent == 0 && key.scalar().typed(Dialect::KustomizeV3) != Typed::Null;
        if !is_root_text && !key.scalar().is_string(Dialect::KustomizeV3) {
            return Err(EmitError::KeyIsNoString { key: key.text().to_owned(), span: key.span() });
        }
        let text = key.text();
        let shape = shape_of(text, key.span())?;
        if shape.multiline || text.len() > LONGEST_SIMPLE_KEY {
            self.page.push("? ");
            self.shaped(text, shape, indent + 2);
            self.page.content_written();
            self.page.indent_to(indent);
            self.page.push(":");
            return Ok(Place::Inline);
        }
        if plain_is_string_to_v2(text) {
            if shape.plain_allowed && !text.is_empty() {
                self.page.push(text);
            } else if shape.single_quoted_allowed {
                self.page.single_quoted(text, Folding::Never);
            } else {
                self.page.double_quoted(text, Folding::Never);
            }
        } else {
            self.page.double_quoted(text, Folding::Never);
        }
        self.page.push(":");
        self.page.content_written();
        Ok(Place::Value)
    }

    fn string(&mut self, text: &str, span: Span, indent: usize) -> Result<(), EmitError> {
        let shape = shape_of(text, span)?;
        if shape.special && text.contains(NEXT_LINE) {
            let text = fold_next_lines(text);
            let shape = shape_of(&text, span)?;
            self.shaped(&text, shape, indent);
        } else {
            self.shaped(text, shape, indent);
        }
        Ok(())
    }

    /// Writes a string in the style that go-yaml chooses for it.
    fn shaped(&mut self, text: &str, shape: Shape, indent: usize) {
        let folding = Folding::To(indent);
        if shape.newline {
            if shape.block_allowed {
                self.page.literal(text, shape.unicode_breaks, indent);
            } else {
                self.page.double_quoted(text, folding);
            }
        } else if !plain_is_string_to_v2(text) {
            self.page.double_quoted(text, folding);
        } else if shape.plain_allowed {
            self.page.plain(text, indent);
        } else if shape.single_quoted_allowed {
            self.page.single_quoted(text, folding);
        } else {
            self.page.double_quoted(text, folding);
        }
    }
}

fn shape_of(text: &str, span: Span) -> Result<Shape, EmitError> {
    Shape::of(text).map_err(|character| EmitError::ControlCharacter { character, span })
}

/// Appends `text` in double quotes, in one line.
pub(super) fn escape_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        // Whatever is beyond U+FFFF may stand for itself; it is go-yaml v2 alone that escapes it.
        if character <= '\u{FFFF}' && needs_escape(character) {
            push_escaped(out, character);
        } else {
            out.push(character);
        }
    }
    out.push('"');
}

/// Returns whether `text` is one plain scalar of a block or flow collection, of whatever type.
pub(super) fn plain_text_is_safe(text: &str) -> bool {
    let is_plain = Shape::of(text).is_ok_and(|shape| shape.plain_allowed);
    is_plain && !text.is_empty() && !text.contains([',', '[', ']', '{', '}', '?']) && !text.starts_with(':')
}

/// Folds U+0085 as go-yaml does where it reads the JSON that kustomize made: it is a line break there.
fn fold_next_lines(text: &str) -> String {
    let mut lines = text.split(NEXT_LINE);
    let mut out = lines.next().unwrap_or_default().trim_end_matches(' ').to_owned();
    let mut lines = lines.peekable();
    let mut breaks = 0;
    while let Some(line) = lines.next() {
        breaks += 1;
        let line = line.trim_start_matches(' ');
        if line.is_empty() && lines.peek().is_some() {
            continue;
        }
        if breaks == 1 {
            out.push(' ');
        } else {
            out.extend(std::iter::repeat_n('\n', breaks - 1));
        }
        breaks = 0;
        out.push_str(if lines.peek().is_some() { line.trim_end_matches(' ') } else { line });
    }
    out
}

/// Replaces each byte that is not UTF-8, as Go's JSON writer does.
fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::emit;
    use crate::text::FileSet;
    use crate::yaml::parse;

    fn emitted(text: &str) -> Result<String, String> {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        emit(&parse(source, text).documents[0].root).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_of_the_root_alone_may_be_no_strings() {
        assert_eq!(emitted("1: x\n").as_deref(), Ok("\"1\": x\n"));
        assert_eq!(emitted("a:\n  1: x\n"), Err("print the key `1`, which is no string".to_owned()));
    }

    #[test]
    fn what_json_and_go_yaml_cannot_hold_is_an_error() {
        for text in ["a: .inf\n", "a: .nan\n", "a: \"\\x7F\"\n", "a: \"\\x80\"\n", "a: !!int b\n", "a:\n  true: b\n"] {
            assert!(emitted(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn next_line_is_folded_as_a_line_break() {
        let cases = [
            ("\\Nx", "' x'"),
            ("a \\N b", "a b"),
            ("a\\N\\Nb", "|-\n  a\n  b"),
            ("a\\N", "'a '"),
            ("\\N \\N", "|2+\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(emitted(&format!("a: \"{text}\"\n")), Ok(format!("a: {expected}\n")), "{text}");
        }
    }
}
