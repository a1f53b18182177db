//! How go-yaml v3 writes one scalar.

use crate::yaml::emit::{needs_escape, push_escaped};
use crate::yaml::{Dialect, Style, Typed};

/// What a text allows, in a block and inside a flow collection.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as in libyaml")]
pub(super) struct Shape {
    pub(super) multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Shape {
    /// Source: `yaml_emitter_analyze_scalar`.
    pub(super) fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, flow_plain: false, block_plain: true, single_quoted: true, block: false };
        }
        let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let is_blank = |c: char| matches!(c, ' ' | '\t') || is_break(c);
        let starts = text.starts_with("---") || text.starts_with("...");
        let (mut flow_indicators, mut block_indicators) = (starts, starts);
        let (mut special, mut tab, mut breaks) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let before_blank = characters.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t'));
            let (flow, block) = indicator(character, at == 0, after_blank, before_blank);
            flow_indicators |= flow;
            block_indicators |= block;
            tab |= character == '\t';
            special |= character != '\t' && !is_break_written(character) && is_escaped(character);
            break_space |= character == ' ' && after_break;
            space_break |= is_break(character) && after_space;
            breaks |= is_break(character);
            (after_space, after_break) = (character == ' ', is_break(character));
            after_blank = is_blank(character);
        }
        let at_ends = |wanted: &dyn Fn(char) -> bool| text.starts_with(wanted) || text.ends_with(wanted);
        let spaced = at_ends(&|c| c == ' ' || is_break(c)) || break_space || space_break || tab || special || breaks;
        Self {
            multiline: breaks,
            flow_plain: !spaced && !flow_indicators,
            block_plain: !spaced && !block_indicators,
            single_quoted: !(break_space || space_break || tab || special),
            block: !(text.ends_with(' ') || space_break || special),
        }
    }
}

/// A line feed is printable.
fn is_break_written(character: char) -> bool {
    character == '\n'
}

fn is_escaped(character: char) -> bool {
    !matches!(character, '"' | '\\') && (needs_escape(character) || character > '\u{FFFF}')
}

/// Returns whether the character is an indicator in a flow collection, and in a block.
fn indicator(character: char, is_first: bool, after_blank: bool, before_blank: bool) -> (bool, bool) {
    match character {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' if is_first => {
            (true, true)
        }
        '?' | ':' if is_first => (true, before_blank),
        '-' if is_first => (before_blank, before_blank),
        ',' | '?' | '[' | ']' | '{' | '}' => (true, false),
        ':' => (true, before_blank),
        '#' => (after_blank, after_blank),
        _ => (false, false),
    }
}

/// Where a scalar stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) is_flow: bool,
    pub(super) is_key: bool,
}

/// Returns the style in which go-yaml writes `text` where `style` is asked for.
///
/// Source: `yaml_emitter_select_scalar_style`.
pub(super) fn select(text: &str, style: Style, place: Place) -> Style {
    let shape = Shape::of(text);
    let mut style = if place.is_key && shape.multiline { Style::DoubleQuoted } else { style };
    let plain_allowed = if place.is_flow { shape.flow_plain } else { shape.block_plain };
    if style == Style::Plain && (!plain_allowed || text.is_empty() && (place.is_flow || place.is_key)) {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && !shape.single_quoted {
        style = Style::DoubleQuoted;
    }
    if matches!(style, Style::Literal | Style::Folded) && (!shape.block || place.is_flow || place.is_key) {
        style = Style::DoubleQuoted;
    }
    style
}

/// Returns `text` in double quotes.
pub(super) fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        if needs_escape(character) || character > '\u{FFFF}' {
            push_escaped(&mut out, character);
        } else {
            out.push(character);
        }
    }
    out.push('"');
    out
}

/// Returns the tag and the style of a scalar after a setter gave it the text `new`.
///
/// The type of the old text leaks: a plain `1.5` that becomes `2.0.0` keeps the tag `!!float`.
///
/// Source: kyaml, `setters2/set.go` and `yaml.IsYaml1_1NonString`; go-yaml, `encoder.node`.
pub(super) fn after_set(tag: Option<String>, style: Style, old: &str, new: &str) -> (Option<String>, Style) {
    if style != Style::Plain || tag.is_some() {
        return (tag, style);
    }
    let (before, after) = (type_tag(old), type_tag(new));
    let is_date = after == "!!timestamp";
    let is_other = after != "!!str" && !is_date || is_boolean_of_yaml_1_1(new);
    let style = if is_other || is_date && before == "!!str" { Style::DoubleQuoted } else { style };
    let keeps_tag = before != "!!str" && before != after;
    (keeps_tag.then(|| before.to_owned()), style)
}

fn is_boolean_of_yaml_1_1(text: &str) -> bool {
    matches!(Dialect::KubernetesV2.resolve_plain(text), Typed::Bool(_))
}

/// Returns the tag that go-yaml v3 gives to a plain `text`.
fn type_tag(text: &str) -> &'static str {
    if text == "<<" {
        return "!!merge";
    }
    match Dialect::KustomizeV3.resolve_plain(text) {
        Typed::Null => "!!null",
        Typed::Bool(_) => "!!bool",
        Typed::Int(_) | Typed::UInt(_) => "!!int",
        Typed::Float(_) => "!!float",
        Typed::Timestamp(_) => "!!timestamp",
        Typed::String | Typed::Binary(_) => "!!str",
    }
}
