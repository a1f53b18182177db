//! What the new text asks of ours, node by node.
//!
//! Mappings are matched by key and lists by what Kubernetes and kustomize tell their items apart by. What only the
//! generator changed is taken over, what only a person changed stays, and what both changed is a conflict of that node.

use std::ops::Range;

use crate::generate::merge::lists::{self, Identity};
use crate::generate::merge::side::{Region, Side, moved};
use crate::text::{Span, line_end, line_start};
use crate::yaml::{Dialect, Entry, Kind, Node, Style};

/// Replaces the bytes of `range` in our text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// A node that a person and the generator changed differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// Keys and items on the way to it, joined by dots.
    pub(super) path: String,
    /// Its lines in our text; empty where it is to be inserted.
    pub(super) range: Range<usize>,
    /// Its lines as they were generated before; empty where they were not.
    pub(super) base: String,
    /// Its lines as they are generated now; empty where they no longer are.
    pub(super) theirs: String,
    /// Why both cannot be had, as a clause.
    pub(super) reason: &'static str,
}

/// Something that cannot be merged by its lines: an alias, a flow collection in an unexpected place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unmergeable;

/// The three texts, and what is to be done to ours.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) base: &'a Side<'a>,
    pub(super) ours: &'a Side<'a>,
    pub(super) theirs: &'a Side<'a>,
    /// The values of ours that a setter writes: they count as unchanged, and are never written.
    pub(super) marked: Vec<Span>,
    pub(super) splices: Vec<Splice>,
    pub(super) clashes: Vec<Clash>,
}

/// Where a node stands: under a key or in a list; nothing for the root of a document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot<'n> {
    Root,
    Entry(&'n Entry),
    Item(&'n Node),
}

/// One node in the three texts; before, it need not have been there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Triple<'n> {
    pub(super) base: Option<(Slot<'n>, &'n Node)>,
    pub(super) ours: (Slot<'n>, &'n Node),
    pub(super) theirs: (Slot<'n>, &'n Node),
}

impl<'a> Plan<'a> {
    /// Returns a plan that does nothing yet.
    pub(super) fn new(base: &'a Side<'a>, ours: &'a Side<'a>, theirs: &'a Side<'a>) -> Self {
        Self { base, ours, theirs, marked: ours.marked(), splices: Vec::new(), clashes: Vec::new() }
    }

    /// Returns whether `ours` is what `other`, a node of another text, is; marked values count as equal.
    pub(super) fn is_same(&self, ours: &Node, other: &Node) -> bool {
        same(ours, other, &self.marked)
    }

    /// Plans what the change from `base` to `theirs` asks of the node, which is called `path`.
    pub(super) fn node(&mut self, path: &str, triple: Triple<'_>) -> Result<(), Unmergeable> {
        let (ours, theirs) = (triple.ours.1, triple.theirs.1);
        let base = triple.base.map(|(_, node)| node);
        if base.is_some_and(|base| same(base, theirs, &[])) || self.is_same(ours, theirs) {
            return Ok(());
        }
        if self.marked.contains(&ours.span) {
            return Ok(());
        }
        match (&ours.kind, &theirs.kind) {
            (Kind::Map(mine), Kind::Map(new)) if self.has_own_lines(triple) && !mine.is_empty() && !new.is_empty() => {
                self.map(path, triple)
            }
            (Kind::Sequence(mine), Kind::Sequence(new))
                if self.has_own_lines(triple) && !mine.is_empty() && !new.is_empty() =>
            {
                let before = base.and_then(Node::as_sequence).unwrap_or_default();
                match lists::identity(path, [before, mine, new]) {
                    Some(identity) => self.list(path, triple, identity),
                    None => self.whole(path, triple),
                }
            }
            _ => self.whole(path, triple),
        }
    }

    /// Returns whether the entries or items of the node have lines of their own in ours and theirs.
    fn has_own_lines(&self, triple: Triple<'_>) -> bool {
        let regular = |side: &Side<'_>, node: &Node| match &node.kind {
            Kind::Map(map) => map.iter().all(|entry| side.entry(entry).is_some()),
            Kind::Sequence(items) => items.iter().all(|item| side.item(item).is_some()),
            Kind::Scalar(_) => false,
        };
        regular(self.ours, triple.ours.1) && regular(self.theirs, triple.theirs.1)
    }

    fn map(&mut self, path: &str, triple: Triple<'_>) -> Result<(), Unmergeable> {
        let (Some(ours), Some(theirs)) = (triple.ours.1.as_map(), triple.theirs.1.as_map()) else { return Ok(()) };
        let base = triple.base.and_then(|(_, node)| node.as_map());
        let mut previous = None;
        for new in theirs {
            let key = new.key.text();
            let (mine, before) = (ours.entry(key), base.and_then(|base| base.entry(key)));
            match (mine, before) {
                (Some(mine), before) => {
                    previous = Some(mine);
                    let slot = |entry| (Slot::Entry(entry), &entry.value);
                    let triple = Triple { base: before.map(slot), ours: slot(mine), theirs: slot(new) };
                    self.node(&join(path, key), triple)?;
                }
                // Who removed it does not want it back.
                (None, Some(_)) => {}
                (None, None) => {
                    let first = || ours.entries().first().ok_or(Unmergeable);
                    let anchor = self.ours.entry(previous.map_or_else(first, Ok)?).ok_or(Unmergeable)?;
                    let lines = self.theirs.entry(new).ok_or(Unmergeable)?;
                    self.insert(&anchor, previous.is_none(), &lines);
                }
            }
        }
        for before in base.into_iter().flatten() {
            let key = before.key.text();
            if let (Some(mine), None) = (ours.entry(key), theirs.get(key)) {
                let slots = (Slot::Entry(before), Slot::Entry(mine));
                self.removed(&join(path, key), slots, (&before.value, &mine.value))?;
            }
        }
        Ok(())
    }

    fn list(&mut self, path: &str, triple: Triple<'_>, identity: Identity) -> Result<(), Unmergeable> {
        let items = |node: &'_ Node| node.as_sequence().unwrap_or_default().to_vec();
        let (ours, theirs) = (items(triple.ours.1), items(triple.theirs.1));
        let base = triple.base.map(|(_, node)| items(node)).unwrap_or_default();
        let find = |items: &[Node], wanted: &Node| {
            let name = identity.of(wanted);
            items.iter().position(|item| identity.of(item) == name)
        };
        let mut previous = None;
        for new in &theirs {
            match (find(&ours, new), find(&base, new)) {
                (Some(mine), before) => {
                    previous = Some(mine);
                    let slot = |item| (Slot::Item(item), item);
                    let triple =
                        Triple { base: before.map(|at| slot(&base[at])), ours: slot(&ours[mine]), theirs: slot(new) };
                    self.node(&join(path, &identity.of(new)), triple)?;
                }
                (None, Some(_)) => {}
                (None, None) => {
                    let anchor = self.ours.item(&ours[previous.unwrap_or(0)]).ok_or(Unmergeable)?;
                    let lines = self.theirs.item(new).ok_or(Unmergeable)?;
                    self.insert(&anchor, previous.is_none(), &lines);
                }
            }
        }
        for before in &base {
            if let (Some(mine), None) = (find(&ours, before), find(&theirs, before)) {
                let slots = (Slot::Item(before), Slot::Item(&ours[mine]));
                self.removed(&join(path, &identity.of(before)), slots, (before, &ours[mine]))?;
            }
        }
        Ok(())
    }

    /// Plans the removal of what the generator no longer writes: `nodes` in base and ours.
    fn removed(&mut self, path: &str, slots: (Slot<'_>, Slot<'_>), nodes: (&Node, &Node)) -> Result<(), Unmergeable> {
        let mine = region(self.ours, slots.1).ok_or(Unmergeable)?;
        let before = region(self.base, slots.0).ok_or(Unmergeable)?;
        if self.is_same(nodes.1, nodes.0) && self.has_no_new_comment(&mine, &before) && mine.begins_line {
            self.splices.push(Splice { range: mine.above..mine.end, text: String::new() });
            return Ok(());
        }
        self.clash(path, Some(&before), &mine, None, "it was changed here and is no longer generated");
        Ok(())
    }

    /// Plans the replacement of a node as a whole.
    fn whole(&mut self, path: &str, triple: Triple<'_>) -> Result<(), Unmergeable> {
        let mine = region(self.ours, triple.ours.0).ok_or(Unmergeable)?;
        let new = region(self.theirs, triple.theirs.0).ok_or(Unmergeable)?;
        let before = triple.base.and_then(|(slot, _)| region(self.base, slot));
        let only_generated = triple.base.is_some_and(|(_, base)| self.is_same(triple.ours.1, base));
        if !only_generated {
            self.clash(path, before.as_ref(), &mine, Some(&new), "it was changed here and in what is generated");
            return Ok(());
        }
        let holds_marked = self.marked.iter().any(|span| (mine.start..mine.end).contains(&span.range().start));
        let token = one_line_token(self.ours, triple.ours.1).zip(one_line_token(self.theirs, triple.theirs.1));
        if let (Some((mine, new)), false) = (token, holds_marked) {
            self.splices.push(Splice { range: mine, text: self.theirs.text[new].to_owned() });
            return Ok(());
        }
        if holds_marked || before.as_ref().is_none_or(|before| !self.has_no_new_comment(&mine, before)) {
            self.clash(path, before.as_ref(), &mine, Some(&new), "it holds what only stands here");
            return Ok(());
        }
        let text = self.with_our_line_ends(moved(&self.theirs.text[new.start..new.end], new.column, mine.column));
        self.splices.push(Splice { range: mine.start..mine.end, text });
        Ok(())
    }

    /// Plans the insertion of `lines` of theirs behind (or, where `first`, in front of) the lines at `anchor`.
    fn insert(&mut self, anchor: &Region, first: bool, lines: &Region) {
        let comments = if lines.above < lines.start {
            let whole = &self.theirs.text[lines.above..line_start(self.theirs.text, lines.start)];
            " ".repeat(anchor.column) + moved(whole.trim_start_matches(' '), lines.column, anchor.column).as_str()
        } else {
            String::new()
        };
        let comments = if comments.trim().is_empty() { String::new() } else { comments };
        let own = moved(&self.theirs.text[lines.start..lines.end], lines.column, anchor.column);
        let mut text = format!("{comments}{}{own}", " ".repeat(anchor.column));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        // In front of a key that shares its line with a dash there is no room.
        let at = if first && anchor.begins_line { anchor.above } else { anchor.end };
        if at > 0 && !self.ours.text[..at].ends_with('\n') {
            text = format!("\n{}", text.trim_end_matches('\n'));
        }
        let text = self.with_our_line_ends(text);
        self.splices.push(Splice { range: at..at, text });
    }

    fn clash(
        &mut self,
        path: &str,
        base: Option<&Region>,
        ours: &Region,
        theirs: Option<&Region>,
        reason: &'static str,
    ) {
        let lines = |side: &Side<'_>, region: Option<&Region>| match region {
            Some(region) => {
                let own = moved(&side.text[region.start..region.end], region.column, ours.column);
                let lead = &side.text[line_start(side.text, region.start)..region.start];
                let lead = if lead.trim().is_empty() { " ".repeat(ours.column) } else { lead.to_owned() };
                lead + &own
            }
            None => String::new(),
        };
        let base = lines(self.base, base);
        let theirs = lines(self.theirs, theirs);
        let range = line_start(self.ours.text, ours.start)..line_end(self.ours.text, ours.end.saturating_sub(1));
        self.clashes.push(Clash { path: path.to_owned(), range, base, theirs, reason });
    }

    /// Returns whether every comment of ours within `mine` stood there before.
    pub(super) fn has_no_new_comment(&self, mine: &Region, before: &Region) -> bool {
        let generated = self.base.comments(before.above..before.end);
        self.ours.comments(mine.above..mine.end).iter().all(|comment| generated.binary_search(comment).is_ok())
    }

    fn with_our_line_ends(&self, text: String) -> String {
        if self.ours.text.contains("\r\n") && !text.contains("\r\n") { text.replace('\n', "\r\n") } else { text }
    }
}

fn region(side: &Side<'_>, slot: Slot<'_>) -> Option<Region> {
    match slot {
        Slot::Root => None,
        Slot::Entry(entry) => side.entry(entry),
        Slot::Item(item) => side.item(item),
    }
}

/// Returns where the token of a scalar or flow collection stands that is written in one line.
fn one_line_token(side: &Side<'_>, node: &Node) -> Option<Range<usize>> {
    let token = side.token(node);
    let is_token = match &node.kind {
        Kind::Scalar(scalar) => scalar.tag.is_none() && !matches!(scalar.style, Style::Literal | Style::Folded),
        Kind::Sequence(_) | Kind::Map(_) => token.starts_with(['{', '[']),
    };
    (is_token && !token.is_empty() && !token.contains('\n')).then(|| node.span.range())
}

/// Returns whether two nodes have the same value, whatever the order of keys; scalars in `marked` equal any other.
pub(super) fn same(left: &Node, right: &Node, marked: &[Span]) -> bool {
    match (&left.kind, &right.kind) {
        (Kind::Scalar(one), Kind::Scalar(other)) => {
            let is_text = |dialect| one.is_string(dialect) == other.is_string(dialect);
            marked.contains(&left.span) || one.text == other.text && is_text(Dialect::KubernetesV2)
        }
        (Kind::Sequence(one), Kind::Sequence(other)) => {
            one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| same(one, other, marked))
        }
        (Kind::Map(one), Kind::Map(other)) => {
            let has =
                |entry: &Entry| other.get(entry.key.text()).is_some_and(|value| same(&entry.value, value, marked));
            one.len() == other.len() && one.iter().all(has)
        }
        _ => false,
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
