//! Edits in place: one scalar changes, every other byte stays.
//!
//! Differs: Flux prints a changed file anew, which joins lines, drops blank ones and may keep the type of the old value
//! (`newTag: 1.5` becomes `newTag: !!float 2.0.0`). Here the quotes of the value stay, and a plain value gets quotes
//! only where its new text would not be read back as that string.

use crate::diagnostic::Edit;
use crate::text::Span;
use crate::yaml::emit::{escape_double_quoted, plain_text_is_safe};
use crate::yaml::{Dialect, Node, Style, Typed};

/// Why a scalar is not edited in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditRefusal {
    /// A mapping or a list.
    #[error("replace a value that is no scalar")]
    NoScalar(Span),
    /// `|` or `>`: which lines to keep is for a person to say.
    #[error("replace a block scalar")]
    BlockScalar(Span),
    /// Nothing is written where the value belongs.
    #[error("replace a value that is absent")]
    Absent(Span),
    /// An explicit tag such as `!!int` gives the text another meaning.
    #[error("replace a value with an explicit tag")]
    Tagged(Span),
    /// The place does not hold the scalar in this text: it was made by a transformer, or the text is another one.
    #[error("find the value in the text")]
    NotInText(Span),
}

/// Returns the edit of `text` that gives `scalar`, which was read from it, the string `new` as its value.
///
/// # Errors
/// Where an edit of the one token could change more than the value.
pub fn replace_scalar(text: &str, scalar: &Node, new: &str) -> Result<Edit, EditRefusal> {
    let span = scalar.span;
    let Some(value) = scalar.as_scalar() else { return Err(EditRefusal::NoScalar(span)) };
    let is_text = match value.tag.as_deref() {
        None => false,
        Some("!!str" | "!") => true,
        Some(_) => return Err(EditRefusal::Tagged(span)),
    };
    let Some(token) = text.get(span.range()) else { return Err(EditRefusal::NotInText(span)) };
    let quoted_by = |quote: char| token.len() >= 2 && token.starts_with(quote) && token.ends_with(quote);
    let replacement = match value.style {
        Style::Literal | Style::Folded => return Err(EditRefusal::BlockScalar(span)),
        Style::Plain if token.is_empty() => return Err(EditRefusal::Absent(span)),
        // One line of plain text is its own value; longer ones are folded.
        Style::Plain if !token.contains(['\n', '\r']) && token != value.text => {
            return Err(EditRefusal::NotInText(span));
        }
        Style::Plain if plain_reads_back(new, is_text) => new.to_owned(),
        Style::SingleQuoted if !quoted_by('\'') => return Err(EditRefusal::NotInText(span)),
        Style::SingleQuoted if new.chars().any(is_escaped) => double_quoted(new),
        Style::SingleQuoted => format!("'{}'", new.replace('\'', "''")),
        Style::DoubleQuoted if !quoted_by('"') => return Err(EditRefusal::NotInText(span)),
        Style::Plain | Style::DoubleQuoted => double_quoted(new),
    };
    Ok(Edit { span, replacement })
}

/// Returns whether `text` without quotes is read as this string by both dialects, wherever it stands.
fn plain_reads_back(text: &str, is_text: bool) -> bool {
    plain_text_is_safe(text) && (is_text || reads_as_string(text))
}

/// Returns whether both dialects read the plain `text` as a string, neither as a merge key, and nobody as a number:
/// `12e4567` overflows in Go, other readers see infinity.
pub(super) fn reads_as_string(text: &str) -> bool {
    let is_string = |dialect: Dialect| dialect.resolve_plain(text) == Typed::String;
    let overflows = text.starts_with(['+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        && text.parse::<f64>().is_ok();
    text != "<<" && !overflows && is_string(Dialect::KustomizeV3) && is_string(Dialect::KubernetesV2)
}

fn is_escaped(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    escape_double_quoted(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;
    use crate::yaml::parse;

    fn read(text: &str) -> Node {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        parse(source, text).documents.remove(0).root
    }

    /// Gives the value of the key `a` the text `new`.
    fn edited(text: &str, new: &str) -> Result<String, EditRefusal> {
        let root = read(text);
        let edit = replace_scalar(text, root.get("a").unwrap(), new)?;
        let mut out = text.to_owned();
        out.replace_range(edit.span.range(), &edit.replacement);
        let after = read(&out);
        assert_eq!(after.get("a").and_then(Node::as_str), Some(new), "{out}");
        assert!(after.get("a").and_then(Node::as_scalar).unwrap().is_string(Dialect::KubernetesV2), "{out}");
        Ok(out)
    }

    #[test]
    fn quotes_spaces_comments_and_line_ends_stay() {
        let cases = [
            ("a:   x # c\r\nb: 1\r\n", "a:   y:2 # c\r\nb: 1\r\n"),
            ("a: 'x'", "a: 'y:2'"),
            ("{a: \"x\" , b: 1}\n", "{a: \"y:2\" , b: 1}\n"),
            ("a: 'one\n  two'\nb: 1\n", "a: 'y:2'\nb: 1\n"),
            ("a: one\n  two\nb: 1\n", "a: y:2\nb: 1\n"),
            ("a: !!str 5\n", "a: !!str y:2\n"),
            ("a: &x v\nb: *x\n", "a: &x y:2\nb: *x\n"),
        ];
        for (before, after) in cases {
            assert_eq!(edited(before, "y:2").as_deref(), Ok(after));
        }
    }

    #[test]
    fn a_plain_value_gets_quotes_where_it_would_not_stay_a_string() {
        for new in [
            "1.5",
            "0644",
            "0x1F",
            "1_000",
            "true",
            "yes",
            "on",
            "y",
            "~",
            "",
            "null",
            "2024-01-01",
            "<<",
            ".inf",
            "12e4567",
        ] {
            assert_eq!(edited("a: x\n", new).unwrap(), format!("a: \"{new}\"\n"));
        }
        for new in ["v1", "NaN", "0x", "1e", "_1", "2024-01-01T00-00-00Z", "1.2.3", "a:b", "a#b"] {
            assert_eq!(edited("a: 1.5\n", new).unwrap(), format!("a: {new}\n"));
        }
        for new in ["a: b", "a #b", "- a", "a ", " a", "[a", "a:", "*a", "---", "a\nb", "a\tb", "\u{1F600}\u{7}"] {
            assert!(edited("a: x\n", new).unwrap().starts_with("a: \""), "{new}");
        }
        assert_eq!(edited("{a: x, b: 1}\n", "y,z").unwrap(), "{a: \"y,z\", b: 1}\n");
    }

    #[test]
    fn each_style_escapes_what_it_must() {
        assert_eq!(edited("a: 'x'\n", "it's \"b\" \\").unwrap(), "a: 'it''s \"b\" \\'\n");
        assert_eq!(edited("a: \"x\"\n", "it's \"b\" \\").unwrap(), "a: \"it's \\\"b\\\" \\\\\"\n");
        assert_eq!(edited("a: 'x'\n", "b\nc").unwrap(), "a: \"b\\nc\"\n");
    }

    #[test]
    fn what_one_token_cannot_say_is_refused() {
        assert!(matches!(edited("a: |\n  x\n", "y"), Err(EditRefusal::BlockScalar(_))));
        assert!(matches!(edited("a:\nb: 1\n", "y"), Err(EditRefusal::Absent(_))));
        assert!(matches!(edited("a: !!int 5\n", "y"), Err(EditRefusal::Tagged(_))));
        assert!(matches!(edited("a: [x]\n", "y"), Err(EditRefusal::NoScalar(_))));
        let root = read("a: x\n");
        let refused = replace_scalar("other: text\n", root.get("a").unwrap(), "y");
        assert!(matches!(refused, Err(EditRefusal::NotInText(_))));
    }
}
