//! The proof that edits changed their targets and nothing else: the text is parsed again, and every value that no edit
//! touches has to be where it was, under the same keys, with the same text.
//!
//! Keys that an edit touches do not count on the way to a value, so that a key may be renamed or a value wrapped.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::Edit;
use crate::text::{SourceId, Span};
use crate::yaml::{self, Kind, Node, Parsed, Scalar};

/// Returns whether `after` is YAML that differs from `before` only where `edits` (in order) changed the text, and has
/// no defect that `before` did not have.
pub(super) fn only_targets_change(source: SourceId, before: &Parsed, after: &str, edits: &[&Edit]) -> bool {
    let after = yaml::parse(source, after);
    let new_defect = defects(&after).into_iter().any(|(what, count)| count > *defects(before).get(&what).unwrap_or(&0));
    let regions = Regions::new(edits);
    !new_defect && leaves(before, |span| regions.kept_before(span)) == leaves(&after, |span| regions.kept_after(span))
}

fn defects(parsed: &Parsed) -> BTreeMap<(&str, &str), usize> {
    let mut defects = BTreeMap::new();
    for finding in &parsed.diagnostics {
        *defects.entry((finding.rule, finding.message.as_str())).or_default() += 1;
    }
    defects
}

/// The places of edits before and after they were made.
struct Regions {
    before: Vec<Range<usize>>,
    after: Vec<Range<usize>>,
}

impl Regions {
    fn new(edits: &[&Edit]) -> Self {
        let before: Vec<Range<usize>> = edits.iter().map(|edit| edit.span.range()).collect();
        let mut after: Vec<Range<usize>> = Vec::new();
        let (mut grown, mut shrunk) = (0, 0);
        for edit in edits {
            let start = edit.span.range().start + grown - shrunk;
            after.push(start..start + edit.replacement.len());
            grown += edit.replacement.len();
            shrunk += edit.span.range().len();
        }
        Self { before, after }
    }

    /// Returns where `span` begins, where no edit touches it.
    fn kept_before(&self, span: Span) -> Option<usize> {
        (!touched(&self.before, span.range())).then(|| span.range().start)
    }

    /// Returns where `span` of the edited text began before, where no edit touches it.
    fn kept_after(&self, span: Span) -> Option<usize> {
        let range = span.range();
        let passed = self.after.iter().zip(&self.before).filter(|(after, _)| after.end <= range.start);
        let (grown, shrunk) =
            passed.fold((0, 0), |(grown, shrunk), (after, before)| (grown + after.len(), shrunk + before.len()));
        (!touched(&self.after, range.clone())).then(|| range.start + shrunk - grown)
    }
}

/// A value that merely meets an edit is touched: what was inserted beside it may have become part of it.
fn touched(regions: &[Range<usize>], range: Range<usize>) -> bool {
    regions.iter().any(|region| region.start <= range.end && range.start <= region.end)
}

/// A value that no edit touches: its document, the untouched steps to it, where it stands and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Leaf {
    document: usize,
    path: Vec<Step>,
    at: usize,
    /// Nothing for an empty collection.
    scalar: Option<Scalar>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    /// Position among the items that begin untouched.
    Item(usize),
}

fn leaves(parsed: &Parsed, kept: impl Fn(Span) -> Option<usize>) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut documents = 0;
    for document in &parsed.documents {
        let before = leaves.len();
        let mut path = Vec::new();
        collect(&document.root, documents, &mut path, &kept, &mut leaves);
        documents += usize::from(leaves.len() > before);
    }
    leaves
}

fn collect(
    node: &Node,
    document: usize,
    path: &mut Vec<Step>,
    kept: &impl Fn(Span) -> Option<usize>,
    leaves: &mut Vec<Leaf>,
) {
    let mut inner = |node: &Node, step: Option<Step>, leaves: &mut Vec<Leaf>| {
        let depth = path.len();
        path.extend(step);
        collect(node, document, path, kept, leaves);
        path.truncate(depth);
    };
    match &node.kind {
        Kind::Map(map) if !map.is_empty() => {
            for entry in map {
                let step = kept(entry.key.span()).map(|_| Step::Key(entry.key.text().to_owned()));
                inner(&entry.value, step, leaves);
            }
        }
        Kind::Sequence(items) if !items.is_empty() => {
            let mut position = 0;
            for item in items.iter() {
                let step = kept(beginning(item)).map(|_| Step::Item(position));
                position += usize::from(step.is_some());
                inner(item, step, leaves);
            }
        }
        Kind::Scalar(_) | Kind::Sequence(_) | Kind::Map(_) => {
            let Some(at) = kept(node.span) else { return };
            leaves.push(Leaf { document, path: path.clone(), at, scalar: node.as_scalar().cloned() });
        }
    }
}

/// Returns the first thing that is written of `item`.
fn beginning(item: &Node) -> Span {
    match &item.kind {
        Kind::Map(map) => map.entries().first().map_or(item.span, |entry| entry.key.span()),
        Kind::Sequence(items) => items.first().map_or(item.span, beginning),
        Kind::Scalar(_) => item.span,
    }
}
