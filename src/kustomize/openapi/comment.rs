//! Schemas in comments: `containers: # {"type": "array", "x-kubernetes-patch-merge-key": "name", …}`.
//!
//! kustomize takes a comment that is a JSON object for the schema of the list or mapping beside it, in a resource and in
//! a patch, whatever is known of its kind. It stands after the key, after the last bracket of the value, or alone on the
//! line above the key. Source: kyaml v0.21.1, `fieldmeta/fieldmeta.go` and `yaml/walk/map.go`.
//!
//! Differs: a comment above an element of a list says nothing of the lists in this element, and one after the last
//! bracket of a list is heeded by every patch; kustomize loses it with the first.

use crate::kustomize::context::Context;
use crate::kustomize::openapi::{OpenApi, Part};
use crate::text::Span;
use crate::yaml::{self, Comment, CommentPlace, Entry, Kind, Node, Parsed};

/// Notes the schemas in the comments of `parsed`, which a build reads as `part`.
pub(crate) fn note(context: &mut Context<'_>, parsed: &Parsed, part: Part) {
    let Some(source) = parsed.comments.first().map(|comment| comment.span.source) else { return };
    let repo = context.repo;
    context.openapi.note_comments(parsed, repo.source(source).map_or("", |file| file.text()), part);
}

impl OpenApi<'_> {
    /// Notes the schemas in the comments of `parsed`, whose places are in `text`.
    pub(crate) fn note_comments(&mut self, parsed: &Parsed, text: &str, part: Part) {
        let beside = Beside { text, comments: &parsed.comments };
        // Nearly no file has one.
        if !parsed.comments.iter().any(|comment| beside.schema(comment).is_some()) {
            return;
        }
        let mut found = Vec::new();
        for document in &parsed.documents {
            beside.collect(&document.root, &mut found);
        }
        let schemas = found.into_iter().map(|(at, schema)| ((at.source, at.start), schema));
        self.in_comments[part as usize].extend(schemas);
    }
}

/// The comments of a text, in order.
struct Beside<'a> {
    text: &'a str,
    comments: &'a [Comment],
}

impl Beside<'_> {
    fn collect(&self, node: &Node, found: &mut Vec<(Span, Node)>) {
        match &node.kind {
            Kind::Scalar(_) => {}
            Kind::Sequence(items) => items.iter().for_each(|item| self.collect(item, found)),
            Kind::Map(map) => {
                for entry in map.iter().filter(|entry| entry.value.as_scalar().is_none()) {
                    found.extend(self.of(entry).and_then(|comment| Some((entry.value.span, self.schema(comment)?))));
                    self.collect(&entry.value, found);
                }
            }
        }
    }

    /// Returns the comment of `entry`: the one on its line, or else the one above it.
    fn of(&self, entry: &Entry) -> Option<&Comment> {
        let (key, value) = (entry.key.span(), entry.value.span);
        let after = |end: u32| {
            let next = self.comments.partition_point(|comment| comment.span.start < end);
            self.comments.get(next).filter(|comment| comment.place == CommentPlace::AfterContent)
        };
        let is_blank = |gap: &str| gap.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
        let beside_key = after(key.end).filter(|comment| {
            self.between(key.end, comment.span.start).and_then(|gap| gap.strip_prefix(':')).is_some_and(is_blank)
        });
        let beside_value =
            || after(value.end).filter(|comment| self.between(value.end, comment.span.start).is_some_and(is_blank));
        beside_key.or_else(beside_value).or_else(|| self.above(key))
    }

    /// Returns the comment on the line above `key`, where it is the only one there.
    fn above(&self, key: Span) -> Option<&Comment> {
        let is_next_line = |gap: &str| gap.trim_matches([' ', '\t', '\r']) == "\n";
        let last = self.comments.partition_point(|comment| comment.span.end <= key.start).checked_sub(1)?;
        let comment = &self.comments[last];
        let is_above = comment.place == CommentPlace::OwnLine
            && self.between(comment.span.end, key.start).is_some_and(is_next_line);
        let before = last.checked_sub(1).map(|before| &self.comments[before]);
        let is_one_of_many = before.is_some_and(|before| {
            before.place == CommentPlace::OwnLine
                && self.between(before.span.end, comment.span.start).is_some_and(is_next_line)
        });
        (is_above && !is_one_of_many).then_some(comment)
    }

    fn between(&self, start: u32, end: u32) -> Option<&str> {
        self.text.get(start as usize..end as usize)
    }

    /// Returns the JSON object that `comment` begins with; kustomize does not mind what follows it.
    fn schema(&self, comment: &Comment) -> Option<Node> {
        let text = self.text.get(comment.span.range())?.strip_prefix('#')?.trim_start_matches('#').trim_start();
        if !text.starts_with('{') {
            return None;
        }
        let mut values =
            serde_json::Deserializer::from_str(text).into_iter::<serde_json::Map<String, serde_json::Value>>();
        let object = values.next()?.ok()?;
        let schema = text.get(..values.byte_offset())?;
        let parsed = yaml::parse(comment.span.source, schema);
        let root = parsed.documents.into_iter().next().map(|document| document.root);
        root.filter(|_| !object.is_empty())
    }
}
