//! Version ranges as Masterminds/semver reads them: `>=1.0.0 <2.0.0 || ~3.1`.
//!
//! Source: Masterminds/semver 3.5 and 3.3.1, `constraints.go`. Its accidents are kept (`^*` accepts 0.0.0 alone), because
//! Flux has them.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use crate::image::semver::{Grammar, Version, compare_prereleases};

/// The operators as an alternation; the longer first, so that the first match is the right one.
const OPERATOR: &str = r"!=|>=|=>|<=|=<|~>|=|>|<|~|\^|";
/// A version in a range; the class of its parts contains `|` upstream too.
const VERSION: &str = concat!(
    r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?",
    r"(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
);

static ITEM: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("({OPERATOR})[\\t\\n\\f\\r ]*{VERSION}")));
static GROUP: LazyLock<Regex> = LazyLock::new(|| {
    let item = format!("(?:{OPERATOR})[\\t\\n\\f\\r ]*{VERSION}[\\t\\n\\f\\r ]*");
    pattern(&format!("^[\\t\\n\\f\\r ]*{item}(?:(?:[\\t\\n\\f\\r ]+|,[\\t\\n\\f\\r ]*){item})*$"))
});
static HYPHEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!("[\\t\\n\\f\\r ]*({VERSION})[\\t\\n\\f\\r ]+-[\\t\\n\\f\\r ]+({VERSION})[\\t\\n\\f\\r ]*"))
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are regular expressions")
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// It does not have the form of one; the group between `||` that does not.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// It has, and a number in it cannot be used.
    #[error("constraint parser error")]
    Number,
}

/// Versions that a policy may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Alternatives, each a list of items that all accept.
    groups: Vec<Group>,
    grammar: Grammar,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    items: Vec<Item>,
    /// Whether an item names a prerelease.
    names_prerelease: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// None, or `=`.
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// What a version leaves out, or says `x` for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Major,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    operator: Operator,
    bound: Version,
    open: Open,
}

impl Constraint {
    /// Returns the range that `text` says.
    ///
    /// # Errors
    /// When the library would refuse it; the texts of the errors are its own.
    pub fn parse(text: &str, grammar: Grammar) -> Result<Self, ConstraintError> {
        let text = rewrite_hyphens(text);
        let groups: Result<Vec<Group>, ConstraintError> =
            text.split("||").map(|group| parse_group(group, grammar)).collect();
        Ok(Self { groups: groups?, grammar })
    }

    /// Returns whether `version` is in the range.
    pub fn accepts(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            group.items.iter().all(|item| {
                let admits_prereleases = match self.grammar {
                    Grammar::Loose => group.names_prerelease,
                    Grammar::Strict => item.bound.is_prerelease(),
                };
                item.accepts(version, admits_prereleases, self.grammar)
            })
        })
    }

    /// Returns whether the range has no upper bound and admits everything from some release on: it is no promise.
    pub fn accepts_everything(&self) -> bool {
        let probe = |text: &str| Version::parse(text, Grammar::Loose).is_some_and(|version| self.accepts(&version));
        probe("0.0.0") && probe("0.0.1") && probe("18446744073709551615.0.0")
    }

    /// Returns the first prerelease of a release that the range ends before, where it takes that: `2.0.0-0` of
    /// `>=1.0.0-0 <2.0.0`.
    pub fn prerelease_of_bound(&self) -> Option<Version> {
        let items = self.groups.iter().filter(|group| group.names_prerelease).flat_map(|group| &group.items);
        let bounds = items.filter(|item| item.operator == Operator::Less && !item.bound.is_prerelease());
        let mut first = bounds.map(|item| Version { prerelease: "0".to_owned(), ..item.bound.clone() });
        first.find(|version| self.accepts(version))
    }
}

/// Turns each `A - B` into two comparisons.
fn rewrite_hyphens(text: &str) -> String {
    HYPHEN
        .replace_all(text, |found: &regex::Captures<'_>| {
            let bound = |group| found.get(group).map_or("", |found| found.as_str());
            format!(">= {}, <= {} ", bound(1), bound(6))
        })
        .into_owned()
}

fn parse_group(text: &str, grammar: Grammar) -> Result<Group, ConstraintError> {
    if !GROUP.is_match(text) {
        return Err(ConstraintError::Improper(text.to_owned()));
    }
    let items: Result<Vec<Item>, ConstraintError> =
        ITEM.captures_iter(text).map(|found| parse_item(&found, grammar)).collect();
    let items = items?;
    let names_prerelease = items.iter().any(|item| item.bound.is_prerelease());
    Ok(Group { items, names_prerelease })
}

fn parse_item(found: &regex::Captures<'_>, grammar: Grammar) -> Result<Item, ConstraintError> {
    let part = |group| found.get(group).map_or("", |part| part.as_str());
    let is_open = |group| matches!(part(group).trim_start_matches('.'), "" | "x" | "X" | "*");
    let (major, minor, patch, prerelease) = (part(2), part(3), part(4), part(5));
    let (open, version) = if is_open(2) {
        (Open::Major, format!("0.0.0{prerelease}"))
    } else if is_open(3) {
        (Open::Minor, format!("{major}.0.0{prerelease}"))
    } else if is_open(4) {
        (Open::Patch, format!("{major}{minor}.0{prerelease}"))
    } else {
        (Open::Nothing, format!("{major}{minor}{patch}{prerelease}"))
    };
    let operator = match part(1) {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let bound = Version::parse(&version, grammar).ok_or(ConstraintError::Number)?;
    Ok(Item { operator, bound, open })
}

impl Item {
    fn accepts(&self, version: &Version, admits_prereleases: bool, grammar: Grammar) -> bool {
        // Before 3.4 a full `!=` and a full `=` took prereleases as they are.
        let compares_alone = self.operator == Operator::NotEqual && self.open == Open::Nothing;
        let is_asked = !(grammar == Grammar::Strict && compares_alone);
        if is_asked && version.is_prerelease() && !admits_prereleases {
            return false;
        }
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => version.cmp(&self.bound) == Ordering::Equal,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => version < &self.bound,
            Operator::GreaterOrEqual => version >= &self.bound,
            Operator::LessOrEqual => self.less_or_equal(version),
            Operator::Caret => self.caret(version),
        }
    }

    /// The same major and minor, from the bound on; the special case of 0.0.0 accepts everything above it.
    fn tilde(&self, version: &Version) -> bool {
        if version < &self.bound {
            return false;
        }
        let is_zero = self.bound.numbers == [0; 3] && matches!(self.open, Open::Nothing | Open::Major);
        is_zero
            || (version.numbers[0] == self.bound.numbers[0]
                && (version.numbers[1] == self.bound.numbers[1] || self.open == Open::Minor))
    }

    fn caret(&self, version: &Version) -> bool {
        let ([major, minor, patch], [at_major, at_minor, at_patch]) = (version.numbers, self.bound.numbers);
        if version < &self.bound {
            return false;
        }
        if at_major > 0 || self.open == Open::Minor {
            return major == at_major;
        }
        if major > 0 {
            return false;
        }
        if at_minor > 0 || self.open == Open::Patch {
            return minor == at_minor;
        }
        minor == 0 && patch == at_patch
    }

    fn not_equal(&self, version: &Version) -> bool {
        let (is, at) = (version.numbers, self.bound.numbers);
        match self.open {
            Open::Minor => is[0] != at[0],
            Open::Patch if is[0] == at[0] && is[1] == at[1] => {
                let both_released = !version.is_prerelease() && !self.bound.is_prerelease();
                let same = compare_prereleases(&version.prerelease, &self.bound.prerelease) == Ordering::Equal;
                !both_released && !same
            }
            Open::Patch => true,
            Open::Nothing | Open::Major => version.cmp(&self.bound) != Ordering::Equal,
        }
    }

    fn greater(&self, version: &Version) -> bool {
        let (is, at) = (version.numbers, self.bound.numbers);
        match self.open {
            Open::Nothing => version > &self.bound,
            _ if is[0] != at[0] => is[0] > at[0],
            Open::Minor => false,
            Open::Patch => is[1] > at[1],
            Open::Major => version > &self.bound,
        }
    }

    fn less_or_equal(&self, version: &Version) -> bool {
        let (is, at) = (version.numbers, self.bound.numbers);
        if self.open == Open::Nothing {
            return version <= &self.bound;
        }
        is[0] < at[0] || (is[0] == at[0] && (is[1] <= at[1] || self.open == Open::Minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(range: &str, version: &str) -> bool {
        let constraint = Constraint::parse(range, Grammar::Loose).unwrap();
        constraint.accepts(&Version::parse(version, Grammar::Loose).unwrap())
    }

    #[test]
    fn one_prerelease_admits_those_of_its_whole_group() {
        assert!(accepts(">=1.0.0-0 <2.0.0", "1.5.0-rc.1"));
        assert!(accepts(">=1.0.0-0 <2.0.0", "2.0.0-alpha"));
        assert!(!accepts(">=1.0.0-0 <2.0.0-0", "2.0.0-alpha"));
        let strict = Constraint::parse(">=1.0.0-0 <2.0.0", Grammar::Strict).unwrap();
        assert!(!strict.accepts(&Version::parse("1.5.0-rc.1", Grammar::Strict).unwrap()));
    }

    #[test]
    fn a_range_with_prereleases_takes_those_of_its_bound() {
        let first = |range| Constraint::parse(range, Grammar::Loose).unwrap().prerelease_of_bound();
        assert_eq!(first(">=1.0.0-0 <2.0.0").map(|version| version.to_string()).as_deref(), Some("2.0.0-0"));
        assert!(first(">=1.0.0-0 <2.0.0-0").is_none() && first(">=1.0.0 <2.0.0").is_none());
        assert!(first(">=1.0.0 <2.0.0 || >=3.0.0-0").is_none());
    }

    #[test]
    fn a_range_without_a_bound_is_told() {
        let is_open = |range| Constraint::parse(range, Grammar::Loose).unwrap().accepts_everything();
        assert!(is_open(">=0.0.0") && is_open("*") && is_open(">=0.0.0-0"));
        assert!(!is_open(">=0.1.0") && !is_open("<2.0.0") && !is_open(">0.0.0"));
    }
}
