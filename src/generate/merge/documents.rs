//! The documents of the three texts, matched.

use std::ops::Range;

use crate::generate::merge::plan::{Plan, Slot, Splice, Triple, Unmergeable};
use crate::generate::merge::side::Side;
use crate::kube::Gvk;
use crate::text::{line_end, line_start};
use crate::yaml::{Document, Node};

/// Group, kind, namespace and name.
type Identity = [String; 4];

fn identity(document: &Document) -> Identity {
    let text = |keys: &[&str]| document.root.at(keys).and_then(Node::as_str).unwrap_or_default().to_owned();
    let gvk = Gvk::new(&text(&["apiVersion"]), &text(&["kind"]));
    [gvk.group.to_string(), gvk.kind.to_string(), text(&["metadata", "namespace"]), text(&["metadata", "name"])]
}

/// Plans what the change of each document asks of ours.
pub(super) fn plan_documents(plan: &mut Plan<'_>) -> Result<(), Unmergeable> {
    let (base, ours, theirs) = (plan.base, plan.ours, plan.theirs);
    let sides = [base, ours, theirs];
    if let [[before], [mine], [new]] = sides.map(|side| side.parsed.documents.as_slice()) {
        return plan.node("", triple(Some(before), mine, new));
    }
    if sides.iter().any(|side| !is_unambiguous(side)) {
        return Err(Unmergeable);
    }
    for new in &theirs.parsed.documents {
        let name = identity(new);
        match (find(ours, &name), find(base, &name)) {
            (Some(mine), before) => plan.node(&path(&name), triple(before, mine, new))?,
            (None, Some(_)) => {}
            (None, None) => append(plan, new),
        }
    }
    for before in &base.parsed.documents {
        let name = identity(before);
        if let (Some(mine), None) = (find(ours, &name), find(theirs, &name)) {
            let (old, range) = (chunk(base, before), chunk(ours, mine));
            let generated = base.comments(old);
            let is_ours = !ours.comments(range.clone()).iter().all(|comment| generated.binary_search(comment).is_ok());
            if is_ours || !plan.is_same(&mine.root, &before.root) {
                return Err(Unmergeable);
            }
            plan.splices.push(Splice { range, text: String::new() });
        }
    }
    Ok(())
}

fn triple<'n>(base: Option<&'n Document>, ours: &'n Document, theirs: &'n Document) -> Triple<'n> {
    let slot = |document: &'n Document| (Slot::Root, &document.root);
    Triple { base: base.map(slot), ours: slot(ours), theirs: slot(theirs) }
}

fn find<'s>(side: &'s Side<'_>, name: &Identity) -> Option<&'s Document> {
    side.parsed.documents.iter().find(|document| identity(document) == *name)
}

fn is_unambiguous(side: &Side<'_>) -> bool {
    let mut names: Vec<Identity> = side.parsed.documents.iter().map(identity).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

fn path(name: &Identity) -> String {
    format!("{} {}", name[1], name[3])
}

/// Returns the lines of `document`: from its `---` or the end of the document before it, to the next `---`.
fn chunk(side: &Side<'_>, document: &Document) -> Range<usize> {
    let text = side.text;
    let is_separator = |at: usize| text[at..].starts_with("---");
    let mut start = line_start(text, document.span.range().start);
    while start > 0 && !is_separator(start) {
        start = line_start(text, start - 1);
    }
    let mut end = line_end(text, document.span.range().end);
    while end < text.len() && !is_separator(end) {
        end = line_end(text, end);
    }
    start..end
}

/// Plans the insertion of a document behind the last one.
fn append(plan: &mut Plan<'_>, document: &Document) {
    let lines = &plan.theirs.text[chunk(plan.theirs, document)];
    let end = plan.ours.text.len();
    let gap = if end == 0 || plan.ours.text.ends_with('\n') { "" } else { "\n" };
    let separator = if lines.starts_with("---") || end == 0 { "" } else { "---\n" };
    plan.splices.push(Splice { range: end..end, text: format!("{gap}{separator}{lines}") });
}
