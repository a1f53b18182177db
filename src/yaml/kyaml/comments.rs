//! Which comment belongs to which value, as go-yaml v3 decides it.
//!
//! go-yaml decides while it scans: a comment belongs to the token before it, behind it or to the end of a block, by the
//! indentation at that moment and by empty lines. Here the tokens are taken from the tree, and each gap between two of
//! them is scanned as there.
//!
//! Source: go-yaml 3.0, `yaml_parser_scan_comments`, `yaml_parser_scan_line_comment`, `yaml_parser_unroll_indent`,
//! `yaml_parser_unfold_comments`, and `parser.mapping` of `decode.go`.

mod gap;

use std::collections::HashMap;
use std::ops::Range;

use crate::text::line_start;
use crate::yaml::Style;
use crate::yaml::kyaml::comments::gap::{Found, Gap};
use crate::yaml::kyaml::read::{Item, ItemKind, Tree};

/// Number of an item, in the order in which the tree is walked.
type Id = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The dash of a list; the id is its item's.
    Entry,
    /// A key begins; the id is its own.
    Key,
    /// The colon; the id is its key's.
    Value,
    /// A scalar or an alias.
    Leaf,
    FlowStart,
    FlowEnd,
    /// A block mapping ends; the id is its last key's.
    MapEnd,
    /// A block sequence that has an indentation of its own ends.
    SequenceEnd,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
    id: Id,
    /// Column of the innermost block while what follows is scanned; -1 before the first. For the end of a block: its
    /// own.
    indent: isize,
    is_in_flow: bool,
}

#[derive(Debug, Default)]
struct Attached {
    head: HashMap<Id, String>,
    line: HashMap<Id, String>,
    foot: HashMap<Id, String>,
    document_head: String,
    document_foot: String,
}

/// Gives each of `comments`, byte ranges of `text`, to the item of `tree` that it belongs to.
pub(super) fn attach(text: &str, comments: &[Range<usize>], tree: &mut Tree) {
    if comments.is_empty() {
        return;
    }
    let mut walk = Walk { text, tokens: Vec::new(), prior_key: HashMap::new(), key_of: HashMap::new(), next: 0 };
    walk.item(&tree.root, -1, false);
    let mut attached = Attached::default();
    walk.header_comments(&tree.root, comments, &mut attached);
    walk.gaps(comments, &mut attached);
    let mut next = 0;
    apply(&mut tree.root, &mut attached, &mut next);
    tree.head = attached.document_head;
    tree.foot = attached.document_foot;
}

fn apply(item: &mut Item, attached: &mut Attached, next: &mut Id) {
    let id = *next;
    *next += 1;
    let take = |from: &mut HashMap<Id, String>| from.remove(&id).unwrap_or_default();
    item.head = take(&mut attached.head);
    item.line = take(&mut attached.line);
    item.foot = take(&mut attached.foot);
    match &mut item.kind {
        ItemKind::Sequence { items, .. } => items.iter_mut().for_each(|item| apply(item, attached, next)),
        ItemKind::Map { entries, .. } => {
            for (key, value) in entries {
                apply(key, attached, next);
                apply(value, attached, next);
                if key.foot.is_empty() {
                    key.foot = std::mem::take(&mut value.foot);
                }
            }
        }
        _ => {}
    }
}

struct Walk<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// The key before a key, in the same mapping.
    prior_key: HashMap<Id, Id>,
    /// The key of a value.
    key_of: HashMap<Id, Id>,
    next: Id,
}

impl Walk<'_> {
    fn push(&mut self, kind: Kind, range: Range<usize>, id: Id, scope: (isize, bool)) {
        let (indent, is_in_flow) = scope;
        self.tokens.push(Token { kind, start: range.start, end: range.end, id, indent, is_in_flow });
    }

    fn column(&self, at: usize) -> isize {
        isize::try_from(self.text[line_start(self.text, at)..at].chars().count()).unwrap_or(isize::MAX)
    }

    fn item(&mut self, item: &Item, indent: isize, is_in_flow: bool) {
        let id = self.next;
        self.next += 1;
        match &item.kind {
            ItemKind::Scalar { .. } | ItemKind::Alias(_) => {
                // Where nothing is written there is no token.
                if item.end > item.start {
                    self.push(Kind::Leaf, item.start..item.end, id, (indent, is_in_flow));
                }
            }
            ItemKind::Sequence { flow: true, items, .. } => {
                self.push(Kind::FlowStart, item.content..item.content + 1, id, (indent, true));
                for item in items {
                    self.item(item, indent, true);
                }
                self.push(Kind::FlowEnd, item.end.saturating_sub(1)..item.end, id, (indent, is_in_flow));
            }
            ItemKind::Map { flow: true, entries } => {
                self.push(Kind::FlowStart, item.content..item.content + 1, id, (indent, true));
                for (key, value) in entries {
                    self.item(key, indent, true);
                    self.item(value, indent, true);
                }
                self.push(Kind::FlowEnd, item.end.saturating_sub(1)..item.end, id, (indent, is_in_flow));
            }
            ItemKind::Sequence { items, dashes, .. } => self.sequence(items, dashes, indent),
            ItemKind::Map { entries, .. } => self.map(entries, indent),
        }
    }

    fn sequence(&mut self, items: &[Item], dashes: &[usize], outer: isize) {
        let column = dashes.first().map_or(outer, |dash| self.column(*dash));
        let indent = column.max(outer);
        for (item, dash) in items.iter().zip(dashes) {
            self.push(Kind::Entry, *dash..dash + 1, self.next, (indent, false));
            self.item(item, indent, false);
        }
        if column > outer {
            self.push(Kind::SequenceEnd, 0..0, 0, (indent, false));
        }
    }

    fn map(&mut self, entries: &[(Item, Item)], outer: isize) {
        let Some((first, _)) = entries.first() else { return };
        let indent = self.column(first.start).max(outer);
        let mut last_key = None;
        for (key, value) in entries {
            let id = self.next;
            if let Some(last) = last_key.replace(id) {
                self.prior_key.insert(id, last);
            }
            self.push(Kind::Key, key.start..key.start, id, (indent, false));
            self.item(key, indent, false);
            let colon = self.text[key.end..].find(':').map_or(key.end, |at| key.end + at);
            self.push(Kind::Value, colon..colon + 1, id, (indent, false));
            self.key_of.insert(self.next, id);
            self.item(value, indent, false);
        }
        self.push(Kind::MapEnd, 0..0, last_key.unwrap_or_default(), (indent, false));
    }

    /// A comment behind the header of a block scalar is its line comment.
    fn header_comments(&self, root: &Item, comments: &[Range<usize>], attached: &mut Attached) {
        let mut next = 0;
        block_scalars(root, &mut next, &mut |id, item| {
            let line_end = self.text[item.content..].find('\n').map_or(self.text.len(), |at| item.content + at);
            let found = comments.iter().find(|comment| (item.content..line_end).contains(&comment.start));
            if let Some(comment) = found {
                attached.line.insert(id, self.text[comment.start..line_end].trim_end().to_owned());
            }
        });
    }

    /// Goes through the gaps between tokens.
    fn gaps(&self, comments: &[Range<usize>], attached: &mut Attached) {
        let is_real = |token: &Token| !matches!(token.kind, Kind::MapEnd | Kind::SequenceEnd | Kind::Key);
        let explicit = self.text.starts_with("---");
        let first = self.tokens.iter().find(|token| is_real(token)).map_or(self.text.len(), |token| token.start);
        let mut at = 0;
        let start = Token {
            kind: if explicit { Kind::Entry } else { Kind::Value },
            start: 0,
            end: if explicit { 3 } else { 0 },
            id: usize::MAX,
            indent: -1,
            is_in_flow: false,
        };
        self.gap(&start, 0, first, (comments, attached));
        while at < self.tokens.len() {
            let token = &self.tokens[at];
            at += 1;
            if !is_real(token) {
                continue;
            }
            let next = self.tokens[at..].iter().find(|next| is_real(next));
            self.gap(token, at, next.map_or(self.text.len(), |next| next.start), (comments, attached));
        }
    }

    /// Scans from the end of `token` to `to`; the tokens from `behind` on follow.
    fn gap(&self, token: &Token, behind: usize, to: usize, target: (&[Range<usize>], &mut Attached)) {
        let (comments, attached) = target;
        let first = comments.partition_point(|comment| comment.start < token.end);
        if comments.get(first).is_none_or(|comment| comment.start >= to) {
            return;
        }
        let mut scan = token.end;
        let has_no_line_comment = token.kind == Kind::Entry || token.id == usize::MAX;
        if !has_no_line_comment && let Some((comment, end)) = self.line_comment(token) {
            attached.line.entry(token.id).or_insert(comment);
            scan = end;
        }
        let closed: Vec<&Token> = self.tokens[behind..]
            .iter()
            .take_while(|token| token.start < to || matches!(token.kind, Kind::MapEnd | Kind::SequenceEnd))
            .take_while(|token| matches!(token.kind, Kind::MapEnd | Kind::SequenceEnd))
            .collect();
        let next = self.tokens.get(behind + closed.len());
        let gap = Gap {
            text: self.text,
            from: scan,
            token_start: token.start,
            token_end: token.end,
            indent: token.indent,
            is_value: token.kind == Kind::Value && token.id != usize::MAX,
            is_first: token.id == usize::MAX && token.end == 0,
            is_in_flow: token.is_in_flow,
        };
        let found = gap.scan(to);
        self.distribute(&found, token, &closed, next, attached);
    }

    /// Returns the comment in the line of `token` and where it ends.
    fn line_comment(&self, token: &Token) -> Option<(String, usize)> {
        let mut rest = self.text[token.end..].trim_start_matches([' ', '\t']);
        if token.is_in_flow || token.kind == Kind::FlowEnd {
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start_matches([' ', '\t']);
        }
        let start = self.text.len() - rest.len();
        // Without white space before it, `#` is part of a plain scalar.
        if !rest.starts_with('#') || start == token.end && token.kind == Kind::Leaf {
            return None;
        }
        let end = rest.find('\n').map_or(self.text.len(), |at| start + at);
        Some((self.text[start..end].trim_end_matches('\r').to_owned(), end))
    }

    /// Hands what was found in a gap to the token before it, to the ends of blocks, or to what follows.
    fn distribute(
        &self,
        found: &[Found],
        token: &Token,
        closed: &[&Token],
        next: Option<&Token>,
        attached: &mut Attached,
    ) {
        let mut queue = found.iter().peekable();
        if let Some(foot) = queue.next_if(|found| found.is_foot && found.token_mark == token.start) {
            self.foot_of_token(token, &foot.text, next, attached);
        }
        let mut pending_foot = String::new();
        let marks = gap::block_marks(found, closed.iter().map(|token| token.indent), token.end);
        for (end, mark) in closed.iter().zip(marks) {
            while let Some(foot) = queue.next_if(|found| found.is_foot && found.token_mark <= mark) {
                join(&mut pending_foot, &foot.text);
            }
            if end.kind == Kind::MapEnd && !pending_foot.is_empty() {
                attached.foot.insert(end.id, std::mem::take(&mut pending_foot));
            }
        }
        let mut head = String::new();
        for found in queue {
            join(if found.is_foot { &mut pending_foot } else { &mut head }, &found.text);
        }
        match next {
            None => attached.document_foot = if pending_foot.is_empty() { head } else { pending_foot },
            Some(next) => self.give_to_next(next, token.id == usize::MAX, (head, pending_foot), attached),
        }
    }

    fn foot_of_token(&self, token: &Token, text: &str, next: Option<&Token>, attached: &mut Attached) {
        match (token.kind, next) {
            (Kind::Leaf | Kind::FlowEnd, _) => {
                let id = self.key_of.get(&token.id).copied().unwrap_or(token.id);
                join(attached.foot.entry(id).or_default(), text);
            }
            (_, Some(next)) => join(attached.foot.entry(next.id).or_default(), text),
            (_, None) => join(&mut attached.document_foot, text),
        }
    }

    fn give_to_next(&self, next: &Token, is_first: bool, comments: (String, String), attached: &mut Attached) {
        let (mut head, foot) = comments;
        if is_first && !self.text.starts_with("---") {
            (attached.document_head, head) = split_document_head(&head);
        }
        if !head.is_empty() {
            join(attached.head.entry(next.id).or_default(), &head);
        }
        if !foot.is_empty() {
            let id = self.prior_key.get(&next.id).copied().unwrap_or(next.id);
            join(attached.foot.entry(id).or_default(), &foot);
        }
    }
}

fn block_scalars(item: &Item, next: &mut Id, visit: &mut dyn FnMut(Id, &Item)) {
    let id = *next;
    *next += 1;
    match &item.kind {
        ItemKind::Scalar { style: Style::Literal | Style::Folded, .. } => visit(id, item),
        ItemKind::Sequence { items, .. } => items.iter().for_each(|item| block_scalars(item, next, visit)),
        ItemKind::Map { entries, .. } => {
            for (key, value) in entries {
                block_scalars(key, next, visit);
                block_scalars(value, next, visit);
            }
        }
        _ => {}
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

/// Splits the comments above the first key at the last empty line: what is above belongs to the document.
fn split_document_head(head: &str) -> (String, String) {
    if let Some(whole) = head.strip_suffix('\n') {
        return (whole.to_owned(), String::new());
    }
    match head.rfind("\n\n") {
        Some(at) => (head[..at].to_owned(), head[at + 2..].to_owned()),
        None => (String::new(), head.to_owned()),
    }
}
