//! Lists of tags, as people and registry clients write them.

use std::collections::HashSet;

use serde_json::Value;

use crate::image::reference::{LONGEST_TAG, is_tag};

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
        let mut list = Self::default();
        let mut seen = HashSet::new();
        let mut is_windows = false;
        for (number, line) in text.split('\n').enumerate().map(|(at, line)| (at + 1, line)) {
            let line = match line.strip_suffix('\r') {
                Some(line) => {
                    if !std::mem::replace(&mut is_windows, true) {
                        list.problem(TagProblem::WindowsLine(number));
                    }
                    line
                }
                None => line,
            };
            let tag = line.trim();
            if tag.is_empty() {
                continue;
            }
            if tag.len() > LONGEST_TAG {
                list.problem(TagProblem::TooLong(number, tag.chars().count()));
            } else if !is_tag(tag) {
                list.problem(TagProblem::NoTag(number, tag.escape_debug().to_string()));
            } else if seen.insert(tag) {
                list.tags.push(tag);
            } else {
                list.problem(TagProblem::Repeated(number, tag.to_owned()));
            }
        }
        if list.tags.is_empty() {
            list.problem(TagProblem::Empty);
        }
        list
    }

    fn problem(&mut self, problem: TagProblem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }
}

/// Returns the tags that a registry client printed: the JSON object of `skopeo list-tags`, a JSON list, or the lines of
/// `crane ls`; as a list with one tag a line.
///
/// # Errors
/// When it begins like JSON and holds no tags.
pub fn tags_of_client(text: &str) -> Result<String, TagsError> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return Ok(text.to_owned());
    }
    let value: Value = serde_json::from_str(text).map_err(|error| TagsError::Syntax(error.to_string()))?;
    let list = match &value {
        Value::Array(list) => Some(list),
        Value::Object(object) => ["Tags", "tags"].iter().find_map(|key| object.get(*key)?.as_array()),
        _ => None,
    };
    let tags: Option<Vec<&str>> = list.ok_or(TagsError::NoList)?.iter().map(Value::as_str).collect();
    let mut out = tags.ok_or(TagsError::NoList)?.join("\n");
    if !out.is_empty() {
        out.push('\n');
    }
    Ok(out)
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
    fn what_registry_clients_print_becomes_a_list() {
        let skopeo = r#"{"Repository": "ghcr.io/o/a", "Tags": ["v1", "v2"]}"#;
        assert_eq!(tags_of_client(skopeo).as_deref(), Ok("v1\nv2\n"));
        assert_eq!(tags_of_client("[\"v1\"]").as_deref(), Ok("v1\n"));
        assert_eq!(tags_of_client("v1\nv2\n").as_deref(), Ok("v1\nv2\n"));
        assert_eq!(tags_of_client("{\"a\": 1}"), Err(TagsError::NoList));
        assert!(matches!(tags_of_client("{"), Err(TagsError::Syntax(_))));
    }
}
