//! The three-way merge of a YAML file: what the generator changed since, brought into a text that a person has edited.
//!
//! It works on the tree and writes by lines: what nobody asked to change keeps its bytes, comments and the order of keys
//! included. Documents are matched by group, kind, namespace and name, lists by what their items are told apart by.
//! Values under a setter marker belong to Flux and are never written.

mod documents;
mod lists;
mod plan;
mod side;

use crate::generate::merge::documents::plan_documents;
use crate::generate::merge::plan::{Clash, Plan, Splice};
use crate::generate::merge::side::Side;
use crate::text::{FileSet, RepoPath};

/// A file after the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The text; each node in conflict stands there in its three versions, between Git's markers.
    pub text: String,
    /// The nodes that a person and the generator changed differently, in the order of the text.
    pub conflicts: Vec<NodeConflict>,
}

/// A node that a person and the generator changed differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConflict {
    /// Keys and items on the way to it, joined by dots.
    pub path: String,
    /// Line of [`Merged::text`] where its markers begin, from 1.
    pub line: usize,
    /// Why both cannot be had, as a clause.
    pub reason: &'static str,
}

/// Git's markers, with what each version is.
const MARKERS: [&str; 4] = [
    "<<<<<<< as it stands here\n",
    "||||||| as it was generated before\n",
    "=======\n",
    ">>>>>>> as it is generated now\n",
];

/// Brings what changed from `base` to `theirs` into `ours`; nothing where that cannot be done by nodes: a text is no
/// YAML, or written with aliases or in an unusual way. Then the file as a whole is in conflict.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Option<Merged> {
    let (splices, clashes) = planned(base, ours, theirs)?;
    let without_conflicts = apply(ours, splices.clone(), &[]);
    // The proof: seen from the result, nothing is left to be done.
    let (open, same_clashes) = planned(base, &without_conflicts, theirs)?;
    if !open.is_empty() || same_clashes.len() != clashes.len() {
        return None;
    }
    if clashes.is_empty() {
        return Some(Merged { text: without_conflicts, conflicts: Vec::new() });
    }
    let text = apply(ours, splices, &clashes);
    let begins = text.match_indices(MARKERS[0]).map(|(at, _)| text[..at].matches('\n').count() + 1);
    let mut sorted: Vec<&Clash> = clashes.iter().collect();
    sorted.sort_by_key(|clash| clash.range.start);
    let conflict =
        |(line, clash): (usize, &Clash)| NodeConflict { path: clash.path.clone(), line, reason: clash.reason };
    let conflicts = begins.zip(sorted).map(conflict).collect();
    Some(Merged { text, conflicts })
}

/// Returns what is to be done to `ours`.
fn planned(base: &str, ours: &str, theirs: &str) -> Option<(Vec<Splice>, Vec<Clash>)> {
    let names = ["base", "ours", "theirs"];
    let files = FileSet::from_texts(names.into_iter().zip([base, ours, theirs]));
    let side = |name: &str, text| Some(Side::new(files.id(&RepoPath::new(name).ok()?)?, text));
    let (base, ours, theirs) = (side("base", base)?, side("ours", ours)?, side("theirs", theirs)?);
    if [&base, &ours, &theirs].iter().any(|side| side.parsed.is_broken()) {
        return None;
    }
    let mut plan = Plan::new(&base, &ours, &theirs);
    plan_documents(&mut plan).ok()?;
    Some((plan.splices, plan.clashes))
}

/// Returns `text` with its `splices`, and with the three versions of each clash.
fn apply(text: &str, mut splices: Vec<Splice>, clashes: &[Clash]) -> String {
    splices.extend(clashes.iter().map(|clash| {
        let mut marked = String::from(MARKERS[0]);
        for (version, end) in [(&text[clash.range.clone()], 1), (&clash.base, 2), (&clash.theirs, 3)] {
            marked.push_str(version);
            if !version.is_empty() && !version.ends_with('\n') {
                marked.push('\n');
            }
            marked.push_str(MARKERS[end]);
        }
        Splice { range: clash.range.clone(), text: marked }
    }));
    // Stable: what is inserted at one place keeps its order.
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for splice in splices {
        out.push_str(text.get(at..splice.range.start).unwrap_or_default());
        out.push_str(&splice.text);
        at = at.max(splice.range.end);
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests;
