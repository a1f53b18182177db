//! The verdicts on tags, and the first of them: whether a tag takes part at all.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::image::pattern::Pattern;
use crate::image::policy::Filter;
use crate::image::repeats::repeats;

/// Why a tag is or is not the one; the kinds in the order in which a person asks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'t> {
    /// It is the one.
    Selected,
    /// It is equal to others, and chance decides.
    Tied,
    /// What is compared is not the best.
    Behind(Cow<'t, str>),
    /// What is compared is a version out of the range.
    OutOfRange(Cow<'t, str>),
    /// What is compared (it, or what was extracted) is no version with three parts.
    NoVersion(Cow<'t, str>),
    /// What is compared is no number: the policy fails.
    NoNumber(Cow<'t, str>),
    /// This tag, which is smaller, extracts to the same key.
    SameKey(&'t str),
    /// `filterTags.pattern` is not in it.
    NotMatched,
    /// The repository excludes it; the expression.
    Excluded(&'t str),
}

/// What a [`Verdict`] says, without the tag that it says it of; in the order in which a person asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is the one.
    Selected,
    /// Chance decides.
    Tied,
    /// Another is better.
    Behind,
    /// The range leaves it out.
    OutOfRange,
    /// It is no version.
    NoVersion,
    /// It is no number.
    NoNumber,
    /// Another tag stands for it.
    SameKey,
    /// The filter leaves it out.
    NotMatched,
    /// The repository leaves it out.
    Excluded,
}

impl Verdict<'_> {
    /// Returns what it says.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Selected => Kind::Selected,
            Self::Tied => Kind::Tied,
            Self::Behind(_) => Kind::Behind,
            Self::OutOfRange(_) => Kind::OutOfRange,
            Self::NoVersion(_) => Kind::NoVersion,
            Self::NoNumber(_) => Kind::NoNumber,
            Self::SameKey(_) => Kind::SameKey,
            Self::NotMatched => Kind::NotMatched,
            Self::Excluded(_) => Kind::Excluded,
        }
    }
}

/// Returns a first verdict on each of `tags`, which are in descending byte order: those that take part are
/// [`Verdict::Behind`], with what is compared in their place. Of the tags with one key the last takes part, which is the
/// smallest.
pub(super) fn sift<'t>(
    filter: Option<&Filter>,
    exclusions: &'t [Pattern],
    tags: &[&'t str],
) -> Vec<(&'t str, Verdict<'t>)> {
    let first = |tag: &'t str| match exclusions.iter().find(|pattern| pattern.matches(tag)) {
        Some(pattern) => Verdict::Excluded(pattern.as_str()),
        None => key(filter, tag).map_or(Verdict::NotMatched, Verdict::Behind),
    };
    let mut sifted: Vec<(&str, Verdict<'_>)> = tags.par_iter().map(|tag| (*tag, first(tag))).collect();
    if filter.is_none_or(|filter| filter.extract.is_none()) {
        return sifted;
    }
    let taking_part = sifted.iter().enumerate().filter_map(|(at, (_, verdict))| match verdict {
        Verdict::Behind(key) => Some((at, key.as_ref())),
        _ => None,
    });
    let (places, keys): (Vec<usize>, Vec<&str>) = taking_part.unzip();
    let groups = repeats(&keys);
    drop(keys);
    for group in groups {
        let Some((last, hidden)) = group.split_last() else { continue };
        let smallest = sifted[places[*last]].0;
        for at in hidden {
            sifted[places[*at]].1 = Verdict::SameKey(smallest);
        }
    }
    sifted
}

/// Returns what is compared in the place of `tag`; nothing where the filter leaves it out.
pub(super) fn key<'t>(filter: Option<&Filter>, tag: &'t str) -> Option<Cow<'t, str>> {
    match filter {
        None => Some(Cow::Borrowed(tag)),
        Some(Filter { pattern, extract: None }) => pattern.matches(tag).then_some(Cow::Borrowed(tag)),
        Some(Filter { pattern, extract: Some(template) }) => pattern.extract(tag, template),
    }
}
