//! Which tag a policy selects, and why not the others.
//!
//! Source: image-reflector-controller 1.2: the scan sorts tags in descending byte order, the filter keeps the last of
//! those that extract to one key, and a map hands the keys to the policy in random order. So where two candidates are
//! equal, upstream changes its mind from one reconciliation to the next: here that is [`Outcome::Random`].

use std::borrow::Cow;
use std::cmp::Ordering;

use rayon::prelude::*;

use crate::image::constraint::Constraint;
use crate::image::number;
use crate::image::pattern::Pattern;
use crate::image::policy::{Choice, Order, Policy};
use crate::image::semver::{Grammar, Version};
use crate::image::verdict::{Verdict, key, sift};

/// What a policy makes of a list of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This tag.
    Selected(String),
    /// Upstream selects one of these, another each time; sorted, at least two.
    Random(Vec<String>),
    /// Nothing.
    Failed(SelectError),
}

/// Why a valid policy selects nothing of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The list is empty, or all of it is excluded.
    #[error("no tags in database")]
    NoTags,
    /// No tag passes the filter.
    #[error("version list argument cannot be empty")]
    NoCandidates,
    /// No candidate is a version in the range.
    #[error("unable to determine latest version from provided list")]
    NoneInRange,
    /// A candidate of a numerical policy is no number: the whole policy fails.
    #[error("failed to parse invalid numeric value '{0}'")]
    NoNumber(String),
}

impl Outcome {
    /// Returns the tag that a tool should take for the answer: the selected one, or of those that chance chooses among
    /// the greatest in byte order.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Selected(tag) => Some(tag),
            Self::Random(tags) => tags.last().map(String::as_str),
            Self::Failed(_) => None,
        }
    }
}

/// A tag that takes part, and what is compared in its place.
pub(super) type Candidate<'t, 'k> = (&'t str, &'k str);

/// Returns the tags of a scan as the policy sees them: without the excluded ones, each once, in descending byte order.
pub fn scan<'t>(tags: impl IntoIterator<Item = &'t str>, exclusions: &[Pattern]) -> Vec<&'t str> {
    let mut kept: Vec<&str> = tags.into_iter().collect();
    kept.par_sort_unstable_by(|left, right| right.cmp(left));
    kept.dedup();
    if exclusions.is_empty() {
        return kept;
    }
    kept.into_par_iter().filter(|tag| !exclusions.iter().any(|pattern| pattern.matches(tag))).collect()
}

/// Returns what `policy` selects of `tags`, which [`scan`] made.
pub fn select(policy: &Policy, tags: &[&str], grammar: Grammar) -> Outcome {
    if tags.is_empty() {
        return Outcome::Failed(SelectError::NoTags);
    }
    choose(policy, &candidates(&sift(policy.filter.as_ref(), &[], tags)), grammar)
}

/// Returns what has passed the filter.
pub(super) fn candidates<'t, 'k>(sifted: &'k [(&'t str, Verdict<'t>)]) -> Vec<Candidate<'t, 'k>> {
    let passed = sifted.iter().filter_map(|(tag, verdict)| match verdict {
        Verdict::Behind(key) => Some((*tag, key.as_ref())),
        _ => None,
    });
    passed.collect()
}

/// Returns what `policy` compares in the place of `tag`; nothing where the filter leaves the tag out.
pub fn key_of<'t>(policy: &Policy, tag: &'t str) -> Option<Cow<'t, str>> {
    key(policy.filter.as_ref(), tag)
}

/// Returns what `policy` chooses among `candidates`, which are in descending byte order of their tags.
pub(super) fn choose(policy: &Policy, candidates: &[Candidate<'_, '_>], grammar: Grammar) -> Outcome {
    if candidates.is_empty() {
        return Outcome::Failed(SelectError::NoCandidates);
    }
    let best = match &policy.choice {
        Choice::Semver(range) => best_version(candidates, range, grammar),
        Choice::Alphabetical(order) => Ok(best_text(candidates, *order)),
        Choice::Numerical(order) => best_number(candidates, *order, policy.filter.is_some()),
    };
    match best {
        Err(error) => Outcome::Failed(error),
        Ok(tied) => outcome(tied, policy.filter.is_some(), &policy.choice),
    }
}

/// Without a filter the order of the scan decides a tie: the first for versions, the last for numbers.
fn outcome(tied: Vec<&str>, is_filtered: bool, choice: &Choice) -> Outcome {
    let decided = match choice {
        _ if tied.len() == 1 => tied.first(),
        _ if is_filtered => None,
        Choice::Numerical(_) => tied.last(),
        Choice::Semver(_) | Choice::Alphabetical(_) => tied.first(),
    };
    if let Some(tag) = decided {
        return Outcome::Selected((*tag).to_owned());
    }
    let mut tags: Vec<String> = tied.into_iter().map(str::to_owned).collect();
    tags.sort_unstable();
    Outcome::Random(tags)
}

fn best_version<'t>(
    candidates: &[Candidate<'t, '_>],
    range: &Constraint,
    grammar: Grammar,
) -> Result<Vec<&'t str>, SelectError> {
    let accepted = candidates.par_iter().filter_map(|(tag, key)| {
        let version = Version::of_tag(key, grammar).filter(|version| range.accepts(version))?;
        Some((version, *tag))
    });
    let best = accepted.fold(Best::default, Best::with).reduce(Best::default, Best::and);
    if best.tags.is_empty() { Err(SelectError::NoneInRange) } else { Ok(best.tags) }
}

/// The greatest version so far, and every tag that is equal to it, in the order of the scan.
#[derive(Default)]
struct Best<'t> {
    version: Option<Version>,
    tags: Vec<&'t str>,
}

impl<'t> Best<'t> {
    fn with(mut self, (version, tag): (Version, &'t str)) -> Self {
        match self.version.as_ref().map_or(Ordering::Greater, |best| version.cmp(best)) {
            Ordering::Less => {}
            Ordering::Equal => self.tags.push(tag),
            Ordering::Greater => {
                self.version = Some(version);
                self.tags.clear();
                self.tags.push(tag);
            }
        }
        self
    }

    /// Puts the best of later tags beside the best of earlier ones.
    fn and(mut self, later: Self) -> Self {
        match later.version.cmp(&self.version) {
            Ordering::Less => self,
            Ordering::Greater => later,
            Ordering::Equal => {
                self.tags.extend(later.tags);
                self
            }
        }
    }
}

fn best_text<'t>(candidates: &[Candidate<'t, '_>], order: Order) -> Vec<&'t str> {
    let best = match order {
        Order::Ascending => candidates.iter().max_by(|left, right| left.1.cmp(right.1)),
        Order::Descending => candidates.iter().min_by(|left, right| left.1.cmp(right.1)),
    };
    best.map(|(tag, _)| *tag).into_iter().collect()
}

fn best_number<'t>(
    candidates: &[Candidate<'t, '_>],
    order: Order,
    is_filtered: bool,
) -> Result<Vec<&'t str>, SelectError> {
    let mut numbers = Vec::with_capacity(candidates.len());
    for (tag, key) in candidates {
        let Some(value) = number::parse(key) else { return Err(SelectError::NoNumber((*key).to_owned())) };
        numbers.push((value, *tag));
    }
    // What is no number compares with nothing: it replaces whatever was best, and is replaced by whatever comes next.
    if numbers.iter().any(|(value, _)| value.is_nan()) {
        return Ok(if is_filtered {
            numbers.into_iter().map(|(_, tag)| tag).collect()
        } else {
            in_order(&numbers, order)
        });
    }
    let better = |left: f64, right: f64| match order {
        Order::Ascending => left > right,
        Order::Descending => left < right,
    };
    let best = numbers.iter().fold(numbers[0].0, |best, (value, _)| if better(*value, best) { *value } else { best });
    let ties = numbers.iter().filter(|(value, _)| value.partial_cmp(&best) == Some(Ordering::Equal));
    Ok(ties.map(|(_, tag)| *tag).collect())
}

/// Goes through the numbers as upstream does.
fn in_order<'t>(numbers: &[(f64, &'t str)], order: Order) -> Vec<&'t str> {
    let mut best = numbers.first();
    for candidate in numbers.iter().skip(1) {
        let Some((value, _)) = best else { break };
        let is_worse = match order {
            Order::Ascending => candidate.0 < *value,
            Order::Descending => candidate.0 > *value,
        };
        if !is_worse {
            best = Some(candidate);
        }
    }
    best.map(|(_, tag)| *tag).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;
    use crate::yaml;

    fn policy(text: &str) -> Policy {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        Policy::read(&yaml::parse(source, text).documents[0].root, Grammar::Loose).unwrap()
    }

    #[test]
    fn a_nan_leaves_the_choice_to_chance_where_tags_are_filtered() {
        let filtered = policy("{policy: {numerical: {}}, filterTags: {pattern: .}}");
        let tags = scan(["nan", "1", "2"], &[]);
        assert_eq!(tags, ["nan", "2", "1"]);
        assert!(matches!(select(&filtered, &tags, Grammar::Loose), Outcome::Random(tags) if tags.len() == 3));
        let plain = policy("{policy: {numerical: {}}}");
        assert_eq!(select(&plain, &tags, Grammar::Loose), Outcome::Selected("2".to_owned()));
    }
}
