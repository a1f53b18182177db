//! What happens to images in a simulation, as a file tells it.

use crate::image;
use crate::text::{FileSet, Span};
use crate::yaml::{self, Node};

/// What happens to the images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An image gets a tag: a build of a branch, or a release.
    Pushed {
        /// Name of the `ImageRepository`; nothing: of every application.
        app: Option<String>,
        /// The tag.
        tag: String,
    },
    /// Somebody rolls back.
    RolledBack {
        /// Name of the `ImageRepository`.
        app: String,
        /// The tag that it goes back to.
        to: String,
    },
}

/// Why a text holds no events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// It is no YAML.
    #[error("read line {line} of the events: {what}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It has no list under `events`.
    #[error("read the events: `events` is no list")]
    NoList,
    /// An event cannot be played.
    #[error("read event {number}, line {line}: {problem}")]
    Event {
        /// Which one, from 1.
        number: usize,
        /// Where it begins, from 1.
        line: usize,
        /// What is wrong with it.
        problem: EventProblem,
    },
}

/// Why an event cannot be played, as a clause about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// Nothing says what happens.
    #[error("it is neither `build`, nor `release`, nor `rollback`")]
    Unknown,
    /// A field is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field means nothing here.
    #[error("`{0}` is no field of it")]
    Unexpected(String),
    /// No registry has such a tag.
    #[error("`{0}` is no tag of an image")]
    NoTag(String),
}

/// Returns the events that `text`, YAML, lists under `events`: `{build: TAG}` and `{release: TAG}` with or without
/// `app: NAME`, and `{rollback: APP, to: TAG}`.
///
/// # Errors
/// On anything else.
pub fn read_events(text: &str) -> Result<Vec<Event>, EventsError> {
    let files = FileSet::from_texts([("events.yaml", text)]);
    let parsed = files.iter().next().map(|(_, source)| yaml::parse(source, text)).unwrap_or_default();
    let line = |span: Span| files.sources().start(span).map_or(1, |place| place.line);
    if parsed.is_broken()
        && let Some(finding) = parsed.diagnostics.first()
    {
        let line = finding.labels.first().map_or(1, |label| line(label.span));
        return Err(EventsError::Syntax { line, what: finding.message.clone() });
    }
    let root = parsed.documents.first().map(|document| &document.root);
    let events = root.and_then(|root| root.get("events")?.as_sequence()).ok_or(EventsError::NoList)?;
    let read = |(at, node): (usize, &Node)| {
        let place = |problem| EventsError::Event { number: at + 1, line: line(node.span), problem };
        read_event(node).map_err(place)
    };
    events.iter().enumerate().map(read).collect()
}

fn read_event(node: &Node) -> Result<Event, EventProblem> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let only =
        |known: &[&str]| match node.as_map().into_iter().flatten().find(|entry| !known.contains(&entry.key.text())) {
            Some(entry) => Err(EventProblem::Unexpected(entry.key.text().to_owned())),
            None => Ok(()),
        };
    let tag = |text: String| if image::is_tag(&text) { Ok(text) } else { Err(EventProblem::NoTag(text)) };
    for kind in ["build", "release"] {
        if let Some(pushed) = text(kind) {
            only(&[kind, "app"])?;
            return Ok(Event::Pushed { app: text("app"), tag: tag(pushed)? });
        }
    }
    let app = text("rollback").ok_or(EventProblem::Unknown)?;
    only(&["rollback", "to"])?;
    Ok(Event::RolledBack { app, to: tag(text("to").ok_or(EventProblem::Missing("to"))?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_event_and_line() {
        let refused = |text: &str| read_events(text).unwrap_err().to_string();
        for (text, told) in [
            ("events:\n  - build: v1\n  - {biuld: v1}\n", "read event 2, line 3: it is neither `build`"),
            ("events:\n  - {build: v1, ap: web}\n", "read event 1, line 2: `ap` is no field of it"),
            ("events: [{rollback: web}]\n", "read event 1, line 1: `to` is missing"),
            ("events: [{release: v1+2}]\n", "read event 1, line 1: `v1+2` is no tag of an image"),
            ("events: [v1]\n", "read event 1, line 1: it is neither `build`"),
            ("events:\n  - [\n", "read line "),
            ("event: []\n", "read the events: `events` is no list"),
            ("", "read the events: `events` is no list"),
        ] {
            assert!(refused(text).starts_with(told), "{text:?}: {}", refused(text));
        }
    }

    #[test]
    fn a_number_is_a_tag_too() {
        let events = read_events("events: [{build: 17}, {rollback: web, to: v1}]\n").unwrap();
        let pushed = Event::Pushed { app: None, tag: "17".to_owned() };
        assert_eq!(events, [pushed, Event::RolledBack { app: "web".to_owned(), to: "v1".to_owned() }]);
    }
}
