//! Which tag a policy selects of a list, and why not the others: one by one, or the reasons with those nearest to winning.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::image::number;
use crate::image::pattern::Pattern;
use crate::image::policy::{Choice, Order, Policy};
use crate::image::select::{Outcome, SelectError, candidates, choose, key_of, scan};
use crate::image::semver::{Grammar, Version};
use crate::image::verdict::{Kind, Verdict, sift};

/// What a policy makes of a list, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'t> {
    /// What it selects.
    pub outcome: Outcome,
    /// The verdict on each tag of the list, in descending byte order of the tags.
    pub verdicts: Vec<(&'t str, Verdict<'t>)>,
}

/// The tags of a list with verdicts of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'e, 't> {
    /// What is said of them.
    pub kind: Kind,
    /// How many tags there are.
    pub count: usize,
    /// Some of them. Where the policy compares them, those that would win first; elsewhere those next to the selected tag
    /// in byte order.
    pub nearest: Vec<&'e (&'t str, Verdict<'t>)>,
}

/// Returns what `policy` selects of `tags`, and the verdict on each of them.
pub fn explain<'t>(
    policy: &Policy,
    exclusions: &'t [Pattern],
    tags: impl IntoIterator<Item = &'t str>,
    grammar: Grammar,
) -> Explanation<'t> {
    let tags = scan(tags, &[]);
    let mut verdicts = sift(policy.filter.as_ref(), exclusions, &tags);
    let is_empty = verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Excluded(_)));
    let outcome =
        if is_empty { Outcome::Failed(SelectError::NoTags) } else { choose(policy, &candidates(&verdicts), grammar) };
    verdicts.par_iter_mut().for_each(|(tag, verdict)| {
        let Verdict::Behind(key) = verdict else { return };
        *verdict = match &outcome {
            Outcome::Selected(selected) if selected == tag => Verdict::Selected,
            Outcome::Random(tied) if tied.binary_search_by(|other| other.as_str().cmp(tag)).is_ok() => Verdict::Tied,
            _ => compared(&policy.choice, std::mem::take(key), grammar),
        };
    });
    Explanation { outcome, verdicts }
}

/// Returns the verdict on a candidate that is not the best.
fn compared<'t>(choice: &Choice, key: Cow<'t, str>, grammar: Grammar) -> Verdict<'t> {
    match choice {
        Choice::Semver(range) => match Version::of_tag(&key, grammar) {
            None => Verdict::NoVersion(key),
            Some(version) if !range.accepts(&version) => Verdict::OutOfRange(key),
            Some(_) => Verdict::Behind(key),
        },
        Choice::Numerical(_) if number::parse(&key).is_none() => Verdict::NoNumber(key),
        Choice::Numerical(_) | Choice::Alphabetical(_) => Verdict::Behind(key),
    }
}

/// Returns which of two tags `policy` prefers, whether or not it takes them; nothing where it cannot compare them.
pub fn compare_tags(policy: &Policy, one: &str, other: &str, grammar: Grammar) -> Option<Ordering> {
    let key = |tag| key_of(policy, tag).unwrap_or(Cow::Borrowed(tag));
    let (one, other) = (key(one), key(other));
    let weight = |key| Weight::new(key, &policy.choice, grammar);
    let order = weight(&one)?.cmp(&weight(&other)?);
    Some(if policy.choice.order() == Order::Descending { order.reverse() } else { order })
}

/// What a policy compares.
#[derive(Debug, Clone)]
enum Weight<'k> {
    Version(Version),
    Text(&'k str),
    Number(f64),
}

impl<'k> Weight<'k> {
    /// Returns the weight of a tag that was compared; nothing for another.
    fn of(verdict: &'k Verdict<'_>, choice: &Choice, grammar: Grammar) -> Option<Self> {
        let (Verdict::Behind(key) | Verdict::OutOfRange(key)) = verdict else { return None };
        Self::new(key, choice, grammar)
    }

    fn new(key: &'k str, choice: &Choice, grammar: Grammar) -> Option<Self> {
        match choice {
            Choice::Semver(_) => Version::of_tag(key, grammar).map(Self::Version),
            Choice::Alphabetical(_) => Some(Self::Text(key)),
            Choice::Numerical(_) => number::parse(key).map(Self::Number),
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Version(one), Self::Version(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            // One policy compares one kind of thing.
            _ => Ordering::Equal,
        }
    }
}

/// The first few of many, by weight, and of equal weights by place.
struct Leaders<'k> {
    most: usize,
    order: Order,
    found: Vec<(Weight<'k>, usize)>,
}

impl<'k> Leaders<'k> {
    fn with(mut self, (weight, place): (Weight<'k>, usize)) -> Self {
        let comes_before = |(other, at): &(Weight<'_>, usize)| {
            let by_weight = match self.order {
                Order::Ascending => other.cmp(&weight).reverse(),
                Order::Descending => other.cmp(&weight),
            };
            by_weight.then(at.cmp(&place)) == Ordering::Less
        };
        let at = self.found.partition_point(comes_before);
        if at < self.most {
            self.found.truncate(self.most - 1);
            self.found.insert(at, (weight, place));
        }
        self
    }

    fn and(self, other: Self) -> Self {
        other.found.into_iter().fold(self, Self::with)
    }
}

impl<'t> Explanation<'t> {
    /// Returns the verdicts by their kind, each with the `most` tags that are nearest to winning; the kinds in the order
    /// of [`Kind`], without empty ones. `policy` is the one that was explained.
    pub fn groups(&self, policy: &Policy, grammar: Grammar, most: usize) -> Vec<Group<'_, 't>> {
        let mut places: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
        for (at, (_, verdict)) in self.verdicts.iter().enumerate() {
            places.entry(verdict.kind()).or_default().push(at);
        }
        let winner = places.get(&Kind::Selected).or(places.get(&Kind::Tied)).map_or(0, |places| places[0]);
        let nearest = |kind: Kind, places: &[usize]| match kind {
            Kind::Behind | Kind::OutOfRange => self.leaders(places, &policy.choice, grammar, most),
            _ => neighbours(places, winner, most),
        };
        let group = |(kind, places): (Kind, Vec<usize>)| Group {
            kind,
            count: places.len(),
            nearest: nearest(kind, &places).into_iter().map(|at| &self.verdicts[at]).collect(),
        };
        places.into_iter().map(group).collect()
    }

    /// Returns those of `places` that the policy would choose first.
    fn leaders(&self, places: &[usize], choice: &Choice, grammar: Grammar, most: usize) -> Vec<usize> {
        let order = choice.order();
        let none = || Leaders { most, order, found: Vec::with_capacity(most) };
        let weighed =
            places.par_iter().filter_map(|at| Some((Weight::of(&self.verdicts[*at].1, choice, grammar)?, *at)));
        let leaders = weighed.fold(none, Leaders::with).reduce(none, Leaders::and);
        leaders.found.into_iter().map(|(_, at)| at).collect()
    }
}

/// Returns the `most` of the ascending `places` that are nearest to `center`, ascending.
fn neighbours(places: &[usize], center: usize, most: usize) -> Vec<usize> {
    let mut start = places.partition_point(|at| *at < center);
    let mut end = start;
    while end - start < most {
        let before = start.checked_sub(1).map(|at| center - places[at]);
        let after = places.get(end).map(|at| at - center);
        match (before, after) {
            (Some(before), Some(after)) if before < after => start -= 1,
            (_, Some(_)) => end += 1,
            (Some(_), None) => start -= 1,
            (None, None) => break,
        }
    }
    places[start..end].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::policy::read_exclusions;
    use crate::text::FileSet;
    use crate::yaml;

    fn policy(text: &str) -> Policy {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        Policy::read(&yaml::parse(source, text).documents[0].root, Grammar::Loose).unwrap()
    }

    const RELEASES: &str =
        "{policy: {semver: {range: '>=1.0.0 <3.0.0'}}, filterTags: {pattern: '^v(.*)$', extract: $1}}";

    #[test]
    fn each_tag_is_told_why_it_is_not_the_one() {
        let exclusions = read_exclusions(None).unwrap();
        let tags = ["v1.0.0", "v1.1.0", "v0.9.0", "v1", "main", "v9.sig"];
        let explained = explain(&policy(RELEASES), &exclusions, tags, Grammar::Loose);
        let expected = [
            ("v9.sig", Verdict::Excluded(r"^.*\.sig$")),
            ("v1.1.0", Verdict::Selected),
            ("v1.0.0", Verdict::Behind("1.0.0".into())),
            ("v1", Verdict::NoVersion("1".into())),
            ("v0.9.0", Verdict::OutOfRange("0.9.0".into())),
            ("main", Verdict::NotMatched),
        ];
        assert_eq!(explained.verdicts, expected);
        assert_eq!(explained.outcome, Outcome::Selected("v1.1.0".to_owned()));
    }

    #[test]
    fn tags_that_extract_to_the_same_are_hidden_by_the_smallest() {
        let policy = policy("{policy: {numerical: {}}, filterTags: {pattern: '^([0-9]+)-[a-z]+$', extract: $1}}");
        let explained = explain(&policy, &[], ["7-a", "7-c", "7-b", "6-z"], Grammar::Loose);
        let expected = [
            ("7-c", Verdict::SameKey("7-a")),
            ("7-b", Verdict::SameKey("7-a")),
            ("7-a", Verdict::Selected),
            ("6-z", Verdict::Behind("6".into())),
        ];
        assert_eq!(explained.verdicts, expected);
    }

    #[test]
    fn the_nearest_of_each_kind_are_those_that_would_win_next_or_that_look_alike() {
        let policy = policy(RELEASES);
        let tags =
            "v2.10.0 v2.9.0 v2.8.0 v1.0.0 v9.0.0 v10.0.0 v0.1.0 a b c u v2.1 w0 zzz".split(' ').collect::<Vec<_>>();
        let explained = explain(&policy, &[], tags, Grammar::Loose);
        let groups: Vec<(Kind, usize, Vec<&str>)> = explained
            .groups(&policy, Grammar::Loose, 2)
            .into_iter()
            .map(|group| (group.kind, group.count, group.nearest.into_iter().map(|(tag, _)| *tag).collect()))
            .collect();
        let expected = [
            (Kind::Selected, 1, vec!["v2.10.0"]),
            (Kind::Behind, 3, vec!["v2.9.0", "v2.8.0"]),
            (Kind::OutOfRange, 3, vec!["v10.0.0", "v9.0.0"]),
            (Kind::NoVersion, 1, vec!["v2.1"]),
            (Kind::NotMatched, 6, vec!["w0", "u"]),
        ];
        assert_eq!(groups, expected);
    }

    #[test]
    fn tags_are_compared_as_the_policy_compares_whether_it_takes_them_or_not() {
        let compare = |text: &str, one: &str, other: &str| compare_tags(&policy(text), one, other, Grammar::Loose);
        assert_eq!(compare(RELEASES, "v9.0.0", "v1.10.0"), Some(Ordering::Greater));
        assert_eq!(compare(RELEASES, "2.0.0", "v10.0.0"), Some(Ordering::Less));
        assert_eq!(compare(RELEASES, "latest", "v1.0.0"), None);
        assert_eq!(compare("{policy: {numerical: {order: desc}}}", "7", "12"), Some(Ordering::Greater));
        assert_eq!(compare("{policy: {alphabetical: {}}}", "v9", "v10"), Some(Ordering::Greater));
    }

    #[test]
    fn nothing_but_excluded_tags_is_an_empty_database() {
        let exclusions = read_exclusions(None).unwrap();
        let explained = explain(&policy(RELEASES), &exclusions, ["v1.0.0.sig"], Grammar::Loose);
        assert_eq!(explained.outcome, Outcome::Failed(SelectError::NoTags));
    }
}
