//! Which tag a policy selects and why not the others, for people and for programs.
//!
//! Written piece by piece: a registry may hold a million tags.

use std::fmt;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

use crate::image::{Explanation, Group, Kind, Outcome, Verdict};
use crate::report::object::VERSION;

/// Which policy is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// `namespace/name`.
    pub policy: String,
    /// How it selects, in a few words.
    pub rule: String,
}

impl Title {
    fn write(&self, out: &mut dyn Write, explained: &Explanation<'_>) -> io::Result<()> {
        let policy = &self.policy;
        match &explained.outcome {
            Outcome::Selected(tag) => writeln!(out, "{policy} selects {tag}")?,
            Outcome::Random(tags) => writeln!(out, "{policy} selects one of {} by chance", Few(tags))?,
            Outcome::Failed(error) => writeln!(out, "{policy} selects nothing: {error}")?,
        }
        let count = explained.verdicts.len();
        writeln!(out, "  {}, over {count} {}", self.rule, if count == 1 { "tag" } else { "tags" })
    }
}

/// The first of many tags, and how many more there are.
struct Few<'a>(&'a [String]);

impl fmt::Display for Few<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 10;
        let (first, rest) = self.0.split_at(self.0.len().min(MOST));
        formatter.write_str(&first.join(", "))?;
        if rest.is_empty() { Ok(()) } else { write!(formatter, " and {} more", rest.len()) }
    }
}

/// Writes what a policy makes of a list, then the reasons, each with the number of its tags and those nearest to winning.
///
/// # Errors
/// When `out` takes no more.
pub fn reasons_text(
    out: &mut dyn Write,
    title: &Title,
    explained: &Explanation<'_>,
    groups: &[Group<'_, '_>],
) -> io::Result<()> {
    title.write(out, explained)?;
    let reason = |group: &Group<'_, '_>| reason_of_kind(group.kind, &explained.outcome);
    let count_width = groups.iter().map(|group| group.count.to_string().len()).max().unwrap_or(0);
    let width = groups.iter().map(|group| reason(group).len()).max().unwrap_or(0);
    let mut has_more = false;
    for group in groups {
        let nearest: Vec<&str> = group.nearest.iter().map(|(tag, _)| *tag).collect();
        let is_more = nearest.len() < group.count;
        has_more |= is_more;
        let more = if is_more { ", …" } else { "" };
        writeln!(out, "  {:count_width$} {:width$}  {}{more}", group.count, reason(group), nearest.join(", "))?;
    }
    if has_more { writeln!(out, "`--all` tells the reason for each tag") } else { Ok(()) }
}

/// Writes what a policy makes of a list, then the verdict on each tag.
///
/// # Errors
/// When `out` takes no more.
pub fn verdicts_text(out: &mut dyn Write, title: &Title, explained: &Explanation<'_>) -> io::Result<()> {
    title.write(out, explained)?;
    let width = explained.verdicts.iter().map(|(tag, _)| tag.len()).max().unwrap_or(0);
    for (tag, verdict) in &explained.verdicts {
        writeln!(out, "  {tag:width$}  {}", Reason { tag, verdict, outcome: &explained.outcome })?;
    }
    Ok(())
}

/// Returns what is said of all tags of one kind.
fn reason_of_kind(kind: Kind, outcome: &Outcome) -> &'static str {
    match kind {
        Kind::Selected => "selected",
        Kind::Tied => "equal: chance decides",
        Kind::Behind if matches!(outcome, Outcome::Failed(_)) => "taking part",
        Kind::Behind => "behind the selected one",
        Kind::OutOfRange => "out of the range",
        Kind::NoVersion => "no version with three parts",
        Kind::NoNumber => "no number: the whole policy fails",
        Kind::SameKey => "extracting to the same as a smaller tag",
        Kind::NotMatched => "not matched by filterTags.pattern",
        Kind::Excluded => "excluded by the ImageRepository",
    }
}

/// Returns the word for a kind in JSON.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Selected => "selected",
        Kind::Tied => "tied",
        Kind::Behind => "behind",
        Kind::OutOfRange => "out-of-range",
        Kind::NoVersion => "no-version",
        Kind::NoNumber => "no-number",
        Kind::SameKey => "same-key",
        Kind::NotMatched => "not-matched",
        Kind::Excluded => "excluded",
    }
}

/// Why a tag is or is not the one, as a clause about it.
struct Reason<'a> {
    tag: &'a str,
    verdict: &'a Verdict<'a>,
    outcome: &'a Outcome,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |formatter: &mut fmt::Formatter<'_>, key: &str| {
            if key == self.tag { Ok(()) } else { write!(formatter, "{key} ") }
        };
        match self.verdict {
            Verdict::Selected => formatter.write_str("selected"),
            Verdict::Tied => formatter.write_str("equal to another, and chance decides"),
            Verdict::Excluded(pattern) => write!(formatter, "excluded by {pattern}"),
            Verdict::NotMatched => formatter.write_str("not matched by filterTags.pattern"),
            Verdict::SameKey(other) => write!(formatter, "extracts to the same as {other}, which is smaller"),
            Verdict::NoVersion(key) => {
                of(formatter, key)?;
                formatter.write_str("is no version with three parts")
            }
            Verdict::OutOfRange(key) => {
                of(formatter, key)?;
                formatter.write_str("is out of the range")
            }
            Verdict::NoNumber(key) => {
                of(formatter, key)?;
                formatter.write_str("is no number: the whole policy fails")
            }
            Verdict::Behind(key) => {
                of(formatter, key)?;
                let fails = matches!(self.outcome, Outcome::Failed(_));
                formatter.write_str(if fails { "takes part" } else { "is behind the selected one" })
            }
        }
    }
}

#[derive(Serialize)]
struct Explained<'a> {
    version: u32,
    policy: &'a str,
    rule: &'a str,
    selected: Option<&'a str>,
    by_chance_among: &'a [String],
    error: Option<String>,
    tags: Tags<'a>,
}

/// The verdicts, made while they are written.
struct Tags<'a>(&'a Explanation<'a>);

#[derive(Serialize)]
struct ExplainedTag<'a> {
    tag: &'a str,
    verdict: &'static str,
    reason: Reason<'a>,
}

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let outcome = &self.0.outcome;
        serializer.collect_seq(self.0.verdicts.iter().map(|(tag, verdict)| ExplainedTag {
            tag,
            verdict: word(verdict.kind()),
            reason: Reason { tag, verdict, outcome },
        }))
    }
}

impl Serialize for Reason<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes the verdicts as one JSON object.
///
/// # Errors
/// When `out` takes no more.
pub fn verdicts_json(out: &mut dyn Write, title: &Title, explained: &Explanation<'_>) -> io::Result<()> {
    let (selected, by_chance_among, error) = match &explained.outcome {
        Outcome::Selected(tag) => (Some(tag.as_str()), &[][..], None),
        Outcome::Random(tags) => (None, &tags[..], None),
        Outcome::Failed(error) => (None, &[][..], Some(error.to_string())),
    };
    let (policy, rule, tags) = (&title.policy, &title.rule, Tags(explained));
    let explained = Explained { version: VERSION, policy, rule, selected, by_chance_among, error, tags };
    serde_json::to_writer_pretty(&mut *out, &explained)?;
    writeln!(out)
}
