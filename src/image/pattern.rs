//! Go's regular expressions, run by the crate `regex`.
//!
//! Both are RE2, and their languages differ at the edges: a pattern is read here as Go reads it, what Go refuses is
//! refused in Go's words, and what is left is written anew in the other language. Groups become plain ones, since Go
//! allows one name for several.
//!
//! Source: Go, `regexp/syntax/parse.go` and `regexp.Expand`.

mod class;
mod examples;
mod scan;

use std::borrow::Cow;
use std::fmt;

use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::image::pattern::scan::Scanner;

/// Compiled programs above this size in bytes are refused, where Go would refuse the expression as too large.
const SIZE_LIMIT: usize = 64 * 1024 * 1024;

/// Why a pattern is refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: `{part}`")]
pub struct PatternError {
    /// What is wrong: `missing closing )`.
    pub code: &'static str,
    /// The part of the pattern.
    pub part: String,
}

/// A compiled pattern; it is searched for, not anchored.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// Name of each group, empty for one without; the whole match is the first.
    names: Vec<String>,
}

impl Pattern {
    /// Returns the pattern that `text` says.
    ///
    /// # Errors
    /// When Go refuses it.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let mut scanner = Scanner::new(text);
        scanner.run()?;
        let (translated, names) = scanner.finish();
        let regex = RegexBuilder::new(&translated)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|_| PatternError { code: "expression too large", part: text.to_owned() })?;
        Ok(Self { text: text.to_owned(), regex, names })
    }

    /// Returns whether `tag` holds a match.
    pub fn matches(&self, tag: &str) -> bool {
        self.regex.is_match(tag.as_bytes())
    }

    /// Returns what `template` makes of the first match in `tag`, or nothing where there is none.
    ///
    /// Source: `regexp.Expand`: `$name` takes the longest run of letters, digits and `_`; a group that is unknown or took
    /// no part is empty; `$$` is `$`; a `$` before anything else stands for itself.
    pub fn extract<'t>(&self, tag: &'t str, template: &Template) -> Option<Cow<'t, str>> {
        let found = self.regex.captures(tag.as_bytes())?;
        if let [Piece::Group(name)] = &template.0[..] {
            return Some(Cow::Borrowed(self.group(&found, name, tag)));
        }
        let mut out = String::with_capacity(tag.len());
        for piece in &template.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(name) => out.push_str(self.group(&found, name, tag)),
            }
        }
        Some(Cow::Owned(out))
    }

    fn group<'t>(&self, found: &Captures<'t>, name: &str, tag: &'t str) -> &'t str {
        let text = |index: usize| tag.get(found.get(index)?.range());
        if let Ok(index) = name.parse::<usize>() {
            return text(index).unwrap_or_default();
        }
        let mut named = self.names.iter().enumerate().filter(|(_, candidate)| *candidate == name);
        named.find_map(|(index, _)| text(index)).unwrap_or_default()
    }

    /// Returns whether a group of this name or number exists.
    pub fn has_group(&self, name: &str) -> bool {
        match name.parse::<usize>() {
            Ok(index) => index < self.names.len(),
            Err(_) => self.names.iter().any(|candidate| candidate == name),
        }
    }

    /// Returns whether both ends are anchored, as far as the text tells: `^` first and `$` last.
    pub fn is_anchored(&self) -> bool {
        let starts = self.text.starts_with('^') || self.text.starts_with("\\A");
        let ends = (self.text.ends_with('$') && !self.text.ends_with("\\$")) || self.text.ends_with("\\z");
        starts && ends
    }

    /// Returns some tags that it lets through, sorted; none where it lets no tag through, or only such as look around.
    pub fn examples(&self) -> Vec<String> {
        examples::examples(self.regex.as_str()).into_iter().filter(|tag| self.matches(tag)).collect()
    }

    /// Returns the text that it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(String),
}

/// What is made of a match: text with `$1`, `$name` and `${name}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Returns the template that `text` says; every text is one.
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                literal.push('$');
                rest = after;
            } else if let Some((name, after)) = reference(after) {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Group(name.to_owned()));
                rest = after;
            } else {
                literal.push('$');
                rest = after;
            }
        }
        literal.push_str(rest);
        pieces.push(Piece::Text(literal));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Self(pieces)
    }

    /// Returns the names and numbers of the groups that it asks for.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Group(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }
}

/// Splits the name of a group off `text`, which follows a `$`.
fn reference(text: &str) -> Option<(&str, &str)> {
    let end_of_name = |text: &str| {
        text.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(text.len())
    };
    if let Some(braced) = text.strip_prefix('{') {
        let (name, rest) = braced.split_at(end_of_name(braced));
        return rest.strip_prefix('}').filter(|_| !name.is_empty()).map(|rest| (name, rest));
    }
    let (name, rest) = text.split_at(end_of_name(text));
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pattern: &str) -> String {
        Pattern::new(pattern).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        let cases = [
            ("a++", "invalid nested repetition operator: `++`"),
            ("a*??", "invalid nested repetition operator: `*??`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("(*)", "missing argument to repetition operator: `*`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("(a{100}){100}", "invalid repeat count: `{100}`"),
            ("a)", "unexpected ): `a)`"),
            ("[a", "missing closing ]: `[a`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("\\C", "invalid escape sequence: `\\C`"),
            ("(?R)a", "invalid or unsupported Perl syntax: `(?R`"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
        ];
        for (pattern, reason) in cases {
            assert_eq!(refused(pattern), reason, "{pattern}");
        }
    }

    #[test]
    fn what_go_takes_literally_is_taken_literally() {
        for (pattern, tag) in [
            ("^\\Qa.b\\E$", "a.b"),
            ("^[[a]$", "["),
            ("^[a&&b]+$", "a&b"),
            ("^a{,5}$", "a{,5}"),
            ("^}$", "}"),
            ("^\\x41\\x{42}\\103$", "ABC"),
            ("^[]a]+$", "]a"),
            ("^[a-]+$", "a-a"),
            ("^[\\d-]+$", "1-2"),
            ("^\\>$", ">"),
            ("^[^\\W]+$", "ab_1"),
        ] {
            assert!(Pattern::new(pattern).unwrap().matches(tag), "{pattern} {tag}");
        }
        assert!(!Pattern::new("^\\Qa.b\\E$").unwrap().matches("axb"));
    }

    #[test]
    fn a_pattern_knows_whether_it_is_anchored() {
        let is_anchored = |pattern| Pattern::new(pattern).unwrap().is_anchored();
        assert!(is_anchored("^v1$") && is_anchored("\\Av1\\z"));
        assert!(!is_anchored("v1$") && !is_anchored("^v1") && !is_anchored("^v\\$"));
    }
}
