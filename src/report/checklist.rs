//! The production checklist, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::repo::Repo;
use crate::report::object::object;
use crate::rules::{Checklist, Item, Place, Verdict};

/// Version of the JSON object.
const VERSION: u32 = 1;
/// Places that the text names of one line; of more it tells how many.
const NAMED: usize = 3;

/// Returns the checklist as text: a line for each item, below it the places and what to do, at the end the counts.
pub fn checklist_text(checklist: &Checklist, repo: &Repo) -> String {
    let mut out = format!("clusters: {}", list(&checklist.clusters));
    if !checklist.left_out.is_empty() {
        write!(out, " (left out, as they are for staging or tests: {})", list(&checklist.left_out)).expect(EVERY_TEXT);
    }
    out.push_str("\n\n");
    for item in &checklist.items {
        write_item(&mut out, item, repo);
    }
    let count = |verdict| checklist.items.iter().filter(|item| item.verdict == verdict).count();
    let [done, missing, unknown] = [Verdict::Done, Verdict::Missing, Verdict::Unknown].map(count);
    writeln!(out, "\n{done} done, {missing} missing, {unknown} that a repository cannot tell").expect(EVERY_TEXT);
    out
}

const EVERY_TEXT: &str = "a String takes every text";

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn write_item(out: &mut String, item: &Item, repo: &Repo) {
    writeln!(out, "{:8} {}", item.verdict.name(), item.line).expect(EVERY_TEXT);
    if !item.reason.is_empty() {
        writeln!(out, "           {}", item.reason).expect(EVERY_TEXT);
    }
    for place in item.places.iter().take(NAMED) {
        match location(place, repo) {
            Some((path, line)) => writeln!(out, "           {path}:{line}: {}", place.what),
            None => writeln!(out, "           {}", place.what),
        }
        .expect(EVERY_TEXT);
    }
    match item.places.len().saturating_sub(NAMED) {
        0 => {}
        more => writeln!(out, "           and {more} more").expect(EVERY_TEXT),
    }
    if let Some(todo) = item.todo {
        writeln!(out, "           do: {todo}").expect(EVERY_TEXT);
    }
}

/// Returns the file and line of `place`.
fn location(place: &Place, repo: &Repo) -> Option<(String, usize)> {
    let span = place.span?;
    Some((repo.sources().path(span)?.to_string(), repo.sources().start(span)?.line))
}

#[derive(Serialize)]
struct WireChecklist<'a> {
    version: u32,
    clusters: &'a [String],
    left_out: &'a [String],
    items: Vec<WireItem<'a>>,
}

#[derive(Serialize)]
struct WireItem<'a> {
    id: &'static str,
    line: &'static str,
    verdict: &'static str,
    reason: &'a str,
    places: Vec<WirePlace<'a>>,
    todo: Option<&'static str>,
}

#[derive(Serialize)]
struct WirePlace<'a> {
    path: Option<String>,
    line: Option<usize>,
    what: &'a str,
}

/// Returns the checklist as one JSON object, with every place.
pub fn checklist_json(checklist: &Checklist, repo: &Repo) -> String {
    let wire = WireChecklist {
        version: VERSION,
        clusters: &checklist.clusters,
        left_out: &checklist.left_out,
        items: checklist.items.iter().map(|item| wire_item(item, repo)).collect(),
    };
    object(&wire)
}

fn wire_item<'a>(item: &'a Item, repo: &Repo) -> WireItem<'a> {
    let places = item.places.iter().map(|place| {
        let (path, line) = location(place, repo).unzip();
        WirePlace { path, line, what: &place.what }
    });
    WireItem {
        id: item.id,
        line: item.line,
        verdict: item.verdict.name(),
        reason: &item.reason,
        places: places.collect(),
        todo: item.todo,
    }
}
