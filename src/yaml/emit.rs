//! Text as `kustomize build` prints it.
//!
//! kustomize turns every resource into JSON and prints that with go-yaml v2, so nothing of how a file was written
//! survives: keys are sorted, comments and quotes are gone, numbers are normalised (`0644` is `420`, `1.0` is `1`).
//! Flux substitutes variables in this text and applies what it says, hence byte for byte.
//!
//! Source: `emitterc.go`, `encode.go` and `sorter.go` of go-yaml v2, which follow libyaml.

mod number;
mod order;
mod shape;

use std::borrow::Cow;

use crate::text::Span;
use crate::yaml::emit::shape::Shape;
use crate::yaml::scalar::plain_is_string_to_v2;
use crate::yaml::{Dialect, Entry, Kind, Map, Node, Scalar, Typed};

/// Column after which the next space becomes a line break.
const WIDTH: usize = 80;
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
    let mut emitter = Emitter { out: String::new(), line_start: 0, fresh: true, entries: Vec::new() };
    for (at, node) in nodes.into_iter().enumerate() {
        if at > 0 {
            emitter.out.push_str("---\n");
            emitter.line_start = emitter.out.len();
        }
        emitter.root(node)?;
    }
    Ok(emitter.out)
}

/// Where a node goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After `key:`.
    Value,
    /// After `-`, `?` or the `:` of a key that is not simple: a collection begins on the same line.
    Inline,
}

/// Whether a quoted or plain scalar may go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folding {
    /// A value: indented by so many columns on further lines.
    To(usize),
    /// A simple key.
    Never,
}

struct Emitter<'a> {
    out: String,
    /// The byte of `out` where the current line begins.
    line_start: usize,
    /// Whether the current line has nothing but indentation and the indicators `-`, `?` and `:`.
    fresh: bool,
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
        if !self.fresh {
            self.break_line();
        }
        Ok(())
    }

    /// Writes a mapping whose keys stand at column `indent`; the first one goes where the line is.
    fn map(&mut self, map: &'a Map, indent: usize) -> Result<(), EmitError> {
        let first = self.entries.len();
        self.entries.extend(map.iter());
        order::sort(&mut self.entries[first..]);
        for at in first..first + map.len() {
            let entry = self.entries[at];
            self.indent_to(indent);
            let place = self.key(entry, indent)?;
            self.node(&entry.value, indent, place)?;
        }
        self.entries.truncate(first);
        Ok(())
    }

    /// Writes a list whose dashes stand at column `indent`.
    fn sequence(&mut self, items: &'a [Node], indent: usize) -> Result<(), EmitError> {
        for item in items {
            self.indent_to(indent);
            self.out.push('-');
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
                self.out.push(' ');
                self.leaf(node, indent + 2)
            }
        }
    }

    /// Writes a scalar or an empty collection; its further lines are indented by `indent`.
    fn leaf(&mut self, node: &Node, indent: usize) -> Result<(), EmitError> {
        match &node.kind {
            Kind::Map(_) => self.out.push_str("{}"),
            Kind::Sequence(_) => self.out.push_str("[]"),
            Kind::Scalar(scalar) => self.scalar(scalar, node.span, indent)?,
        }
        self.fresh = self.out.len() == self.line_start;
        Ok(())
    }

    fn scalar(&mut self, scalar: &Scalar, span: Span, indent: usize) -> Result<(), EmitError> {
        let typed = scalar.typed(Dialect::KustomizeV3);
        if scalar.tag.is_some() && scalar.contradicts_its_tag() {
            let tag = scalar.tag.clone().unwrap_or_default().to_string();
            return Err(EmitError::TagContradicted { tag, text: scalar.text.to_string(), span });
        }
        match typed {
            Typed::String => self.string(&scalar.text, span, indent)?,
            Typed::Null => self.out.push_str("null"),
            Typed::Bool(true) => self.out.push_str("true"),
            Typed::Bool(false) => self.out.push_str("false"),
            Typed::Int(value) => self.out.push_str(&value.to_string()),
            Typed::UInt(value) => self.out.push_str(&value.to_string()),
            Typed::Float(value) if value.is_finite() => self.out.push_str(&number::print(value)),
            Typed::Float(_) => return Err(EmitError::NotFinite { text: scalar.text.to_string(), span }),
            Typed::Timestamp(moment) => self.string(&moment, span, indent)?,
            Typed::Binary(bytes) => self.string(&replace_invalid(&bytes), span, indent)?,
        }
        Ok(())
    }

    /// Writes a key and its colon, and returns how its value follows.
    fn key(&mut self, entry: &Entry, indent: usize) -> Result<Place, EmitError> {
        let key = &entry.key;
        if !key.scalar.is_string(Dialect::KustomizeV3) {
            return Err(EmitError::KeyIsNoString { key: key.text().to_owned(), span: key.span });
        }
        let text = key.text();
        let shape = self.shape(text, key.span)?;
        if shape.multiline || text.len() > LONGEST_SIMPLE_KEY {
            self.out.push_str("? ");
            self.shaped(text, &shape, indent + 2);
            self.fresh = self.out.len() == self.line_start;
            self.indent_to(indent);
            self.out.push(':');
            return Ok(Place::Inline);
        }
        if plain_is_string_to_v2(text) {
            if shape.plain_allowed && !text.is_empty() {
                self.out.push_str(text);
            } else if shape.single_quoted_allowed {
                self.single_quoted(text, Folding::Never);
            } else {
                self.double_quoted(text, Folding::Never);
            }
        } else {
            self.double_quoted(text, Folding::Never);
        }
        self.out.push(':');
        self.fresh = false;
        Ok(Place::Value)
    }

    fn string(&mut self, text: &str, span: Span, indent: usize) -> Result<(), EmitError> {
        let shape = self.shape(text, span)?;
        self.shaped(text, &shape, indent);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as one step of the emitter")]
    fn shape(&self, text: &str, span: Span) -> Result<Shape, EmitError> {
        Shape::of(text).map_err(|character| EmitError::ControlCharacter { character, span })
    }

    /// Writes a string in the style that go-yaml chooses for it.
    fn shaped(&mut self, text: &str, shape: &Shape, indent: usize) {
        let folding = Folding::To(indent);
        if shape.newline {
            if shape.block_allowed { self.literal(text, shape, indent) } else { self.double_quoted(text, folding) }
        } else if !plain_is_string_to_v2(text) {
            self.double_quoted(text, folding);
        } else if shape.plain_allowed {
            self.plain(text, indent);
        } else if shape.single_quoted_allowed {
            self.single_quoted(text, folding);
        } else {
            self.double_quoted(text, folding);
        }
    }
}

/// How each style is written.
impl Emitter<'_> {
    fn break_line(&mut self) {
        self.out.push('\n');
        self.line_start = self.out.len();
        self.fresh = true;
    }

    /// Goes to column `indent`, in the next line where this one already holds a key or a value.
    fn indent_to(&mut self, indent: usize) {
        if !self.fresh {
            self.break_line();
        }
        // A fresh line is ASCII: bytes are columns.
        let column = self.out.len() - self.line_start;
        self.pad(indent.saturating_sub(column));
    }

    fn pad(&mut self, count: usize) {
        const BLANKS: &str = "                                                                ";
        let mut left = count;
        while left > 0 {
            let now = left.min(BLANKS.len());
            self.out.push_str(&BLANKS[..now]);
            left -= now;
        }
    }

    /// Returns whether a text of `bytes` bytes may reach the column after which lines are folded.
    fn may_fold(&self, bytes: usize) -> bool {
        self.out.len() - self.line_start + bytes > WIDTH
    }

    fn column(&self) -> usize {
        self.out[self.line_start..].chars().count()
    }

    fn plain(&mut self, text: &str, indent: usize) {
        if !self.may_fold(text.len()) {
            self.out.push_str(text);
            return;
        }
        self.folded(text, indent, |_| true);
    }

    /// Writes words up to the first single space past the width, and goes on in the next line.
    fn folded(&mut self, text: &str, indent: usize, may_break: impl Fn(usize) -> bool) {
        let bytes = text.as_bytes();
        let mut column = self.column();
        let mut written = 0;
        let mut after_space = false;
        for (at, character) in text.char_indices() {
            let is_space = character == ' ';
            if is_space && !after_space && column > WIDTH && bytes.get(at + 1) != Some(&b' ') && may_break(at) {
                self.out.push_str(&text[written..at]);
                self.break_line();
                self.pad(indent);
                column = indent;
                written = at + 1;
            } else {
                column += 1;
            }
            after_space = is_space;
        }
        self.out.push_str(&text[written..]);
    }

    fn single_quoted(&mut self, text: &str, folding: Folding) {
        self.out.push('\'');
        let text: Cow<'_, str> = if text.contains('\'') { text.replace('\'', "''").into() } else { text.into() };
        let has_breaks = text.contains(shape::UNICODE_BREAKS);
        match folding {
            Folding::To(indent) if has_breaks => self.single_quoted_with_breaks(&text, indent),
            Folding::To(indent) if self.may_fold(text.len()) => {
                let last = text.len() - 1;
                self.folded(&text, indent, |at| at > 0 && at < last);
            }
            _ => self.out.push_str(&text),
        }
        self.out.push('\'');
    }

    /// U+2028 and U+2029 stay as they are, begin a line and are followed by its indentation.
    fn single_quoted_with_breaks(&mut self, text: &str, indent: usize) {
        for (at, line) in text.split(shape::UNICODE_BREAKS).enumerate() {
            if at > 0 && !line.is_empty() {
                self.pad(indent);
            }
            let last = line.len();
            self.folded(line, indent, |space| (at > 0 || space > 0) && space < last);
            self.unicode_break_after(text, line);
        }
    }

    fn double_quoted(&mut self, text: &str, folding: Folding) {
        self.out.push('"');
        let bytes = text.as_bytes();
        // go-yaml looks for a byte order mark at the start of the text, whichever character it is at.
        let starts_with_mark = text.starts_with('\u{FEFF}');
        let mut column = self.column();
        let mut after_space = false;
        for (at, character) in text.char_indices() {
            if starts_with_mark || shape::needs_escape(character) {
                let before = self.out.len();
                shape::push_escaped(&mut self.out, character);
                column += self.out.len() - before;
                after_space = false;
                continue;
            }
            let is_space = character == ' ';
            let may_break = is_space && !after_space && column > WIDTH && at > 0 && at < bytes.len() - 1;
            if let (true, Folding::To(indent)) = (may_break, folding) {
                self.break_line();
                self.pad(indent);
                column = indent;
                if bytes[at + 1] == b' ' {
                    self.out.push('\\');
                    column += 1;
                }
            } else {
                self.out.push(character);
                column += 1;
            }
            after_space = is_space;
        }
        self.out.push('"');
    }

    fn literal(&mut self, text: &str, shape: &Shape, indent: usize) {
        self.out.push('|');
        if text.starts_with(|first: char| first == ' ' || shape::is_break(first)) {
            self.out.push('2');
        }
        let mut from_end = text.chars().rev();
        let last_is_break = from_end.next().is_some_and(shape::is_break);
        let ends_with_blank_line = from_end.next().is_none_or(shape::is_break);
        if !last_is_break {
            self.out.push('-');
        } else if ends_with_blank_line {
            self.out.push('+');
        }
        self.break_line();
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            if shape.unicode_breaks {
                self.literal_line_with_breaks(line, indent);
            } else if !line.is_empty() {
                self.pad(indent);
                self.out.push_str(line);
            }
            if lines.peek().is_some() {
                self.break_line();
            }
        }
    }

    fn literal_line_with_breaks(&mut self, line: &str, indent: usize) {
        for part in line.split(shape::UNICODE_BREAKS) {
            if !part.is_empty() {
                self.pad(indent);
                self.out.push_str(part);
            }
            self.unicode_break_after(line, part);
        }
    }

    /// Writes the U+2028 or U+2029 that follows `part` in `text`, a slice of it; the next line begins behind it.
    fn unicode_break_after(&mut self, text: &str, part: &str) {
        let end = part.as_ptr() as usize - text.as_ptr() as usize + part.len();
        if let Some(separator) = text[end..].chars().next() {
            self.out.push(separator);
            self.line_start = self.out.len();
        }
    }
}

/// Appends `text` in double quotes, in one line.
pub(super) fn escape_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        // Whatever is beyond U+FFFF may stand for itself; it is go-yaml v2 alone that escapes it.
        if character <= '\u{FFFF}' && shape::needs_escape(character) {
            shape::push_escaped(out, character);
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

/// Replaces each byte that is not UTF-8, as Go's JSON writer does.
fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
