//! Which fixes can be applied together.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Edit, Fix};
use crate::text::Span;

/// Returns the edits of fixes that want different texts at the same places: clusters that share a file disagree, and
/// only a person can tell which is right.
pub(super) fn rivals<'a>(fixes: &[&'a Fix]) -> Vec<&'a [Edit]> {
    let mut by_place: BTreeMap<Vec<Span>, BTreeSet<Vec<&str>>> = BTreeMap::new();
    for fix in fixes {
        by_place.entry(places(fix)).or_default().insert(replacements(fix));
    }
    let disagree = |fix: &&&Fix| by_place.get(&places(fix)).is_some_and(|wanted| wanted.len() > 1);
    fixes.iter().filter(disagree).map(|fix| fix.edits.as_slice()).collect()
}

fn places(fix: &Fix) -> Vec<Span> {
    fix.edits.iter().map(|edit| edit.span).collect()
}

fn replacements(fix: &Fix) -> Vec<&str> {
    fix.edits.iter().map(|edit| edit.replacement.as_str()).collect()
}

/// Returns the first of `fixes` that do not touch each other; the others may come in the next round. The same edits for
/// another cluster are the same fix.
pub(super) fn choose<'a>(fixes: &[&'a Fix]) -> Vec<&'a Fix> {
    let mut chosen: Vec<&Fix> = Vec::new();
    for fix in fixes {
        let taken = || chosen.iter().flat_map(|chosen| &chosen.edits);
        let mut own = fix.edits.iter().enumerate();
        let overlaps_itself = own.any(|(at, edit)| fix.edits[..at].iter().any(|other| touch(edit, other)));
        if !overlaps_itself && !fix.edits.iter().any(|edit| taken().any(|other| touch(edit, other))) {
            chosen.push(fix);
        }
    }
    chosen
}

/// Returns whether the edits overlap or meet: where two insertions meet, their order would decide the result.
fn touch(edit: &Edit, other: &Edit) -> bool {
    let (edit, other) = (edit.span, other.span);
    edit.source == other.source && edit.start <= other.end && other.start <= edit.end
}
