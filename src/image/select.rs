//! Which tag a policy selects, and why not the others.
//!
//! Source: image-reflector-controller 1.2: the scan sorts tags in descending byte order, the filter keeps the last of
//! those that extract to one key, and a map hands the keys to the policy in random order. So where two candidates are
//! equal, upstream changes its mind from one reconciliation to the next: here that is [`Outcome::Random`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use rayon::prelude::*;

use crate::image::constraint::Constraint;
use crate::image::number;
use crate::image::pattern::Pattern;
use crate::image::policy::{Choice, Filter, Order, Policy};
use crate::image::semver::{Grammar, Version};

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

/// A tag that takes part, with what is compared in its place.
#[derive(Debug, Clone)]
struct Candidate<'t> {
    tag: &'t str,
    key: Cow<'t, str>,
}

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
    let candidates = candidates(policy.filter.as_ref(), tags);
    if candidates.is_empty() {
        return Outcome::Failed(SelectError::NoCandidates);
    }
    let best = match &policy.choice {
        Choice::Semver(range) => best_version(&candidates, range, grammar),
        Choice::Alphabetical(order) => Ok(best_text(&candidates, *order)),
        Choice::Numerical(order) => best_number(&candidates, *order, policy.filter.is_some()),
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

/// Returns what passes the filter; of the tags with one key the last, which is the smallest.
fn candidates<'t>(filter: Option<&Filter>, tags: &[&'t str]) -> Vec<Candidate<'t>> {
    let Some(filter) = filter else {
        return tags.iter().map(|tag| Candidate { tag, key: Cow::Borrowed(*tag) }).collect();
    };
    let found: Vec<Candidate<'t>> = tags.par_iter().filter_map(|tag| candidate(filter, tag)).collect();
    if filter.extract.is_none() {
        return found;
    }
    let mut last: HashMap<&str, usize> = HashMap::with_capacity(found.len());
    for (at, candidate) in found.iter().enumerate() {
        last.insert(&candidate.key, at);
    }
    if last.len() == found.len() {
        return found;
    }
    let mut kept: Vec<usize> = last.into_values().collect();
    kept.sort_unstable();
    kept.into_iter().map(|at| found[at].clone()).collect()
}

fn candidate<'t>(filter: &Filter, tag: &'t str) -> Option<Candidate<'t>> {
    match &filter.extract {
        None => filter.pattern.matches(tag).then_some(Candidate { tag, key: Cow::Borrowed(tag) }),
        Some(template) => filter.pattern.extract(tag, template).map(|key| Candidate { tag, key: Cow::Owned(key) }),
    }
}

/// Returns what `policy` compares in the place of `tag`; nothing where the filter leaves the tag out.
pub fn key_of(policy: &Policy, tag: &str) -> Option<String> {
    match &policy.filter {
        None => Some(tag.to_owned()),
        Some(filter) => candidate(filter, tag).map(|candidate| candidate.key.into_owned()),
    }
}

fn best_version<'t>(
    candidates: &[Candidate<'t>],
    range: &Constraint,
    grammar: Grammar,
) -> Result<Vec<&'t str>, SelectError> {
    let versions: Vec<(Version, &str)> = candidates
        .par_iter()
        .filter_map(|candidate| Some((Version::of_tag(&candidate.key, grammar)?, candidate.tag)))
        .filter(|(version, _)| range.accepts(version))
        .collect();
    let Some((best, _)) = versions.iter().max_by(|left, right| left.0.cmp(&right.0)) else {
        return Err(SelectError::NoneInRange);
    };
    Ok(versions.iter().filter(|(version, _)| version.cmp(best) == Ordering::Equal).map(|(_, tag)| *tag).collect())
}

fn best_text<'t>(candidates: &[Candidate<'t>], order: Order) -> Vec<&'t str> {
    let best = match order {
        Order::Ascending => candidates.iter().max_by(|left, right| left.key.cmp(&right.key)),
        Order::Descending => candidates.iter().min_by(|left, right| left.key.cmp(&right.key)),
    };
    best.map(|candidate| candidate.tag).into_iter().collect()
}

fn best_number<'t>(candidates: &[Candidate<'t>], order: Order, is_filtered: bool) -> Result<Vec<&'t str>, SelectError> {
    let mut numbers = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(value) = number::parse(&candidate.key) else {
            return Err(SelectError::NoNumber(candidate.key.clone().into_owned()));
        };
        numbers.push((value, candidate.tag));
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

/// Why a tag is not the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one.
    Selected,
    /// It is equal to others, and chance decides.
    Tied,
    /// The repository excludes it; the expression.
    Excluded(String),
    /// `filterTags.pattern` is not in it.
    NotMatched,
    /// This tag, which is smaller, extracts to the same key.
    SameKey(String),
    /// What is compared (it, or what was extracted) is no version with three parts.
    NoVersion(String),
    /// This version is out of the range.
    OutOfRange(String),
    /// What is compared is no number: the policy fails.
    NoNumber(String),
    /// What is compared is not the best.
    Behind(String),
}

/// Returns a verdict on each of `tags`, in descending byte order.
pub fn explain<'t>(
    policy: &Policy,
    exclusions: &[Pattern],
    tags: &[&'t str],
    grammar: Grammar,
) -> Vec<(&'t str, Verdict)> {
    let all = scan(tags.iter().copied(), &[]);
    let kept = scan(tags.iter().copied(), exclusions);
    let outcome = select(policy, &kept, grammar);
    let candidates = candidates(policy.filter.as_ref(), &kept);
    let by_key: HashMap<&str, &str> =
        candidates.iter().map(|candidate| (candidate.key.as_ref(), candidate.tag)).collect();
    let verdict = |tag: &str| {
        if let Some(pattern) = exclusions.iter().find(|pattern| pattern.matches(tag)) {
            return Verdict::Excluded(pattern.to_string());
        }
        match &outcome {
            Outcome::Selected(selected) if selected == tag => return Verdict::Selected,
            Outcome::Random(tied) if tied.iter().any(|other| other == tag) => return Verdict::Tied,
            _ => {}
        }
        let Some(key) = key_of(policy, tag) else { return Verdict::NotMatched };
        match by_key.get(key.as_str()) {
            Some(other) if *other != tag => Verdict::SameKey((*other).to_owned()),
            _ => compare(&policy.choice, key, grammar),
        }
    };
    all.into_iter().map(|tag| (tag, verdict(tag))).collect()
}

fn compare(choice: &Choice, key: String, grammar: Grammar) -> Verdict {
    match choice {
        Choice::Semver(range) => match Version::of_tag(&key, grammar) {
            None => Verdict::NoVersion(key),
            Some(version) if !range.accepts(&version) => Verdict::OutOfRange(version.to_string()),
            Some(version) => Verdict::Behind(version.to_string()),
        },
        Choice::Numerical(_) if number::parse(&key).is_none() => Verdict::NoNumber(key),
        Choice::Numerical(_) | Choice::Alphabetical(_) => Verdict::Behind(key),
    }
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
    fn each_tag_is_told_why_it_is_not_the_one() {
        let policy = policy("{policy: {semver: {range: '>=1.0.0'}}, filterTags: {pattern: '^v(.*)$', extract: $1}}");
        let exclusions = policy::read_exclusions(None).unwrap();
        let tags = ["v1.0.0", "v1.1.0", "v0.9.0", "v1", "main", "v9.sig"];
        let verdicts = explain(&policy, &exclusions, &tags, Grammar::Loose);
        let expected = [
            ("v9.sig", Verdict::Excluded(r"^.*\.sig$".to_owned())),
            ("v1.1.0", Verdict::Selected),
            ("v1.0.0", Verdict::Behind("1.0.0".to_owned())),
            ("v1", Verdict::NoVersion("1".to_owned())),
            ("v0.9.0", Verdict::OutOfRange("0.9.0".to_owned())),
            ("main", Verdict::NotMatched),
        ];
        assert_eq!(verdicts, expected);
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

    use crate::image::policy;
}
