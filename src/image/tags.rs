//! Lists of tags, as people and registry clients write them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;

use crate::image::reference::{LONGEST_TAG, is_tag};
use crate::image::repeats::repeats;

/// Problems of one list that are told; the rest is counted.
const MOST_PROBLEMS: usize = 20;

/// The tags of a list: one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList<'t> {
    /// In the order of the list, each once.
    pub tags: Vec<&'t str>,
    /// What is wrong with it, in the order of its lines; the first twenty.
    pub problems: Vec<TagProblem>,
    /// How many more problems there are.
    pub more_problems: usize,
}

/// What is wrong with a list of tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagProblem {
    /// It names no tag.
    #[error("the list is empty")]
    Empty,
    /// Its lines end as on Windows; they are read without.
    #[error("line {0} ends with CR LF")]
    WindowsLine(usize),
    /// A line repeats an earlier one.
    #[error("line {0} repeats the tag `{1}`")]
    Repeated(usize, String),
    /// No registry has such a tag: more than 128 characters.
    #[error("line {0} is no tag: it has {1} characters, and a tag 128 at most")]
    TooLong(usize, usize),
    /// No registry has such a tag: another character than letters, digits, `_`, `.` and `-`.
    #[error("line {0} is no tag: `{1}`")]
    NoTag(usize, String),
}

/// Why a text is no list of tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagsError {
    /// It begins like JSON and is none.
    #[error("read the list of tags as JSON: {0}")]
    Syntax(String),
    /// It is JSON of another form.
    #[error("find a list of tags: neither `Tags` of skopeo, nor `tags`, nor a list of texts")]
    NoList,
}

impl<'t> TagList<'t> {
    /// Returns the tags of `text`; empty lines are passed over, and so is what is no tag.
    pub fn read(text: &'t str) -> Self {
        let mut problems = Problems::default();
        let mut tags = Vec::new();
        let mut lines = Vec::new();
        let mut is_windows = false;
        for (line, number) in text.split('\n').zip(1..) {
            if line.ends_with('\r') && !std::mem::replace(&mut is_windows, true) {
                problems.add(number, || TagProblem::WindowsLine(number));
            }
            let tag = line.trim();
            if tag.is_empty() {
                continue;
            }
            if tag.len() > LONGEST_TAG {
                problems.add(number, || TagProblem::TooLong(number, tag.chars().count()));
            } else if is_tag(tag) {
                tags.push(tag);
                lines.push(number);
            } else {
                problems.add(number, || TagProblem::NoTag(number, tag.escape_debug().to_string()));
            }
        }
        let mut again = Problems::default();
        let repeated = repeated(&tags);
        for at in &repeated {
            again.add(lines[*at], || TagProblem::Repeated(lines[*at], tags[*at].to_owned()));
        }
        if tags.is_empty() {
            problems.add(usize::MAX, || TagProblem::Empty);
        }
        let (problems, more_problems) = problems.and(again);
        Self { tags: without(tags, &repeated), problems, more_problems }
    }
}

/// Returns the places of tags that an earlier one is equal to, ascending.
fn repeated(tags: &[&str]) -> Vec<usize> {
    let mut places: Vec<usize> = repeats(tags).into_iter().flat_map(|group| group.into_iter().skip(1)).collect();
    places.sort_unstable();
    places
}

/// Returns `tags` without those at the ascending `places`.
fn without<'t>(mut tags: Vec<&'t str>, places: &[usize]) -> Vec<&'t str> {
    let mut places = places.iter().peekable();
    let mut at = 0..;
    tags.retain(|_| at.next().is_none_or(|at| places.next_if_eq(&&at).is_none()));
    tags
}

/// Problems in the order of their lines: the first ones, and how many there are.
#[derive(Default)]
struct Problems {
    first: Vec<(usize, TagProblem)>,
    count: usize,
}

impl Problems {
    fn add(&mut self, line: usize, problem: impl FnOnce() -> TagProblem) {
        if self.first.len() < MOST_PROBLEMS {
            self.first.push((line, problem()));
        }
        self.count += 1;
    }

    /// Returns the first of both, and how many more there are.
    fn and(mut self, other: Self) -> (Vec<TagProblem>, usize) {
        self.first.extend(other.first);
        self.first.sort_by_key(|(line, _)| *line);
        self.first.truncate(MOST_PROBLEMS);
        let more = self.count + other.count - self.first.len();
        (self.first.into_iter().map(|(_, problem)| problem).collect(), more)
    }
}

/// A tag in JSON, borrowed from its text unless it is written with escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct JsonTag<'t>(#[serde(borrow)] Cow<'t, str>);

/// What skopeo prints, or a registry answers.
#[derive(Deserialize)]
struct JsonTags<'t> {
    #[serde(rename = "Tags", alias = "tags", borrow)]
    tags: Vec<JsonTag<'t>>,
}

/// Returns the tags that a registry client printed: the JSON object of `skopeo list-tags`, a JSON list, or the lines of
/// `crane ls`; as a list with one tag a line. A byte order mark is left out.
///
/// # Errors
/// When it begins like JSON and holds no tags.
pub fn tags_of_client(text: &str) -> Result<Cow<'_, str>, TagsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tags = match text.trim_start().chars().next() {
        Some('[') => serde_json::from_str(text),
        Some('{') => serde_json::from_str(text).map(|object: JsonTags<'_>| object.tags),
        _ => return Ok(Cow::Borrowed(text)),
    };
    let tags: Vec<JsonTag<'_>> = tags.map_err(|error| match error.classify() {
        Category::Data => TagsError::NoList,
        _ => TagsError::Syntax(error.to_string()),
    })?;
    let mut out = String::with_capacity(tags.iter().map(|tag| tag.0.len() + 1).sum());
    for tag in tags {
        out.push_str(&tag.0);
        out.push('\n');
    }
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_list_is_told_line_by_line() {
        let long = "x".repeat(129);
        let text = format!("v1\r\nv1\r\n\r\nv 2\n{long}\nv3\n");
        let list = TagList::read(&text);
        assert_eq!(list.tags, ["v1", "v3"]);
        let told: Vec<String> = list.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "line 1 ends with CR LF",
                "line 2 repeats the tag `v1`",
                "line 4 is no tag: `v 2`",
                "line 5 is no tag: it has 129 characters, and a tag 128 at most",
            ]
        );
        assert_eq!(TagList::read("\n\n").problems, [TagProblem::Empty]);
    }

    #[test]
    fn of_many_problems_the_first_twenty_are_told_and_the_rest_is_counted() {
        let lines: Vec<String> = (0..15).map(|at| format!("v{at}\nv{at}\n! {at}\n")).collect();
        let text = lines.concat();
        let list = TagList::read(&text);
        assert_eq!(list.tags.len(), 15);
        assert_eq!((list.problems.len(), list.more_problems), (20, 10));
        assert_eq!(list.problems[..2], [TagProblem::Repeated(2, "v0".into()), TagProblem::NoTag(3, "! 0".into())]);
    }

    #[test]
    fn what_registry_clients_print_becomes_a_list() {
        let skopeo = r#"{"Repository": "ghcr.io/o/a", "Tags": ["v1", "v2"]}"#;
        assert_eq!(tags_of_client(skopeo).as_deref(), Ok("v1\nv2\n"));
        assert_eq!(tags_of_client("[\"v1\"]").as_deref(), Ok("v1\n"));
        assert_eq!(tags_of_client("v1\nv2\n").as_deref(), Ok("v1\nv2\n"));
        assert_eq!(tags_of_client("{\"a\": 1}"), Err(TagsError::NoList));
        assert_eq!(tags_of_client("{\"Tags\": [1]}"), Err(TagsError::NoList));
        assert!(matches!(tags_of_client("{"), Err(TagsError::Syntax(_))));
        assert_eq!(tags_of_client("\u{feff}v1\n").as_deref(), Ok("v1\n"), "PowerShell begins with a byte order mark");
    }
}
