//! Patterns of kustomization files: regular expressions, although most of them are plain names.
//!
//! To compile an expression costs more than to build a small overlay, so that one without operators is compared.

use regex::Regex;
use smol_str::SmolStr;

/// A pattern without operators but `.`, which is any character.
#[derive(Debug, Clone)]
pub(crate) struct Simple(SmolStr);

impl Simple {
    /// Returns `text` as a pattern, where it is as simple as that.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let is_simple = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
        text.bytes().all(is_simple).then(|| Self(text.into()))
    }

    /// Returns what follows in `text` where it begins with the pattern.
    pub(crate) fn rest<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut characters = text.chars();
        for wanted in self.0.chars() {
            let found = characters.next()?;
            if found != wanted && (wanted != '.' || found == '\n') {
                return None;
            }
        }
        Some(characters.as_str())
    }
}

/// A pattern for a whole text.
#[derive(Debug, Clone)]
pub(crate) enum Whole {
    /// One without operators.
    Simple(Simple),
    /// Any other.
    Expression(Regex),
}

impl Whole {
    /// Returns the pattern `text`.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub(crate) fn new(text: &str) -> Result<Self, regex::Error> {
        match Simple::new(text) {
            Some(simple) => Ok(Self::Simple(simple)),
            None => Regex::new(&format!("^(?:{text})$")).map(Self::Expression),
        }
    }

    /// Returns whether all of `text` is a match.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Simple(simple) => simple.rest(text) == Some(""),
            Self::Expression(expression) => expression.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_pattern_matches_what_its_expression_does() {
        let patterns = ["", "app", "a.b", "ghcr.io/x/y:1", ".", "..", "é", "a|b", "a*"];
        let texts = ["", "app", "apps", "ap", "a.b", "a-b", "aéb", "a\nb", "ghcr.io/x/y:1", "ghcr-io/x/y:1", "é", "aa"];
        for pattern in patterns {
            let expression = Regex::new(&format!("^(?:{pattern})$")).unwrap();
            for text in texts {
                let found = Whole::new(pattern).unwrap().is_match(text);
                assert_eq!(found, expression.is_match(text), "{pattern:?} in {text:?}");
            }
        }
    }
}
