//! Which bytes of a file are the values of Secrets, and therefore never printed.
//!
//! In doubt a value is hidden: the message of a finding says what is wrong with it, and its key stays visible.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::slice;

use crate::diagnostic::{Edit, Fix};
use crate::repo::Repo;
use crate::report::area::{Area, children, hide_lines, hide_scalars, joined};
use crate::rules;
use crate::text::{RepoPath, SourceId};
use crate::yaml::{self, DUPLICATE_KEY, Node, Parsed, Style, extent};

/// Stands for every Secret's value, whatever its length.
pub(super) const HIDDEN: &str = "••••••••";

/// Fields of a Secret's metadata that are shown, and those of which every value is.
const SHOWN_METADATA: [&str; 3] = ["name", "namespace", "generateName"];
const SHOWN_MAPS: [&str; 2] = ["labels", "annotations"];
/// Ends the name of the annotation in which kubectl keeps the whole object.
const LAST_APPLIED: &str = "last-applied-configuration";
/// Fields of an item of `secretGenerator` that are shown.
const SHOWN_OF_GENERATOR: [&str; 4] = ["name", "namespace", "behavior", "type"];
const FILES_OF_GENERATOR: [&str; 3] = ["files", "envs", "env"];

/// Fields of what only refers to a Secret: `valuesFrom`, targets of patches, health checks, replacements.
const SHOWN_OF_REFERENCE: [&str; 10] = [
    "name",
    "namespace",
    "group",
    "version",
    "valuesKey",
    "targetPath",
    "optional",
    "fieldPath",
    "labelSelector",
    "annotationSelector",
];

/// The bytes to hide, by file, found when a file is first quoted.
#[derive(Debug)]
pub struct Redactions<'a> {
    repo: &'a Repo,
    hidden: BTreeMap<SourceId, Vec<Range<usize>>>,
    /// What kustomization files use other files for; read when a file is first quoted.
    roles: Option<BTreeMap<RepoPath, Role>>,
}

/// What a file or a text is to Secrets; the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// A patch of something else.
    OtherPatch,
    /// A patch whose target may be a Secret.
    UnclearPatch,
    /// A patch of a Secret.
    SecretPatch,
    /// A value of a Secret.
    SecretValue,
}

/// Which values of a mapping are shown, besides all keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// None.
    Nothing,
    /// Those that name an object.
    Identity,
    /// Those that name an object, also where it is only referred to.
    Reference,
}

impl<'a> Redactions<'a> {
    /// Returns the values of Secrets in `repo`, not looked for yet.
    pub fn new(repo: &'a Repo) -> Self {
        Self { repo, hidden: BTreeMap::new(), roles: None }
    }

    /// Returns the byte ranges of `source` that must not be shown, in order.
    pub fn of(&mut self, source: SourceId) -> &[Range<usize>] {
        let repo = self.repo;
        let roles = self.roles.get_or_insert_with(|| roles(repo));
        self.hidden.entry(source).or_insert_with(|| joined(hidden_ranges(repo, source, roles)))
    }

    /// Returns whether `fix` may be shown: none of its edits is where a Secret's value stands.
    pub(super) fn shows(&mut self, fix: &Fix) -> bool {
        let is_hidden = |edit: &Edit, hidden: &[Range<usize>]| {
            let place = edit.span.range();
            hidden.iter().any(|hidden| hidden.start <= place.end && place.start <= hidden.end)
        };
        !fix.edits.iter().any(|edit| is_hidden(edit, self.of(edit.span.source)))
    }
}

/// Returns what the kustomization files of `repo` use its files for.
fn roles(repo: &Repo) -> BTreeMap<RepoPath, Role> {
    let mut roles = BTreeMap::new();
    let files: BTreeSet<_> = ["patches", "secretGenerator"].into_iter().flat_map(|word| repo.holding(word)).collect();
    for (path, source) in files.into_iter().filter(|(path, _)| path.is_yaml()) {
        let directory = path.parent();
        let mut note = |relative: &str, role: Role| {
            if let Ok(path) = directory.join(relative) {
                let known = roles.entry(path).or_insert(role);
                *known = role.max(*known);
            }
        };
        let documents = repo.yaml(source).map(|parsed| parsed.documents.as_slice()).unwrap_or_default();
        for root in documents.iter().map(|document| &document.root) {
            for patch in root.items("patches").iter().chain(root.items("patchesJson6902")) {
                if let Some(path) = patch.get("path").and_then(Node::as_str) {
                    note(path, role_of_patch(patch));
                }
            }
            for generator in root.items("secretGenerator") {
                for field in FILES_OF_GENERATOR.iter().filter_map(|field| generator.get(field)) {
                    let files = field.as_sequence().unwrap_or(slice::from_ref(field));
                    for file in files.iter().filter_map(Node::as_str) {
                        note(file.rsplit_once('=').map_or(file, |(_, file)| file), Role::SecretValue);
                    }
                }
            }
        }
    }
    roles
}

/// Returns what the target of `patch`, an item of `patches`, says.
fn role_of_patch(patch: &Node) -> Role {
    let Some(kind) = patch.at(&["target", "kind"]).and_then(Node::as_str) else { return Role::UnclearPatch };
    // A kind is a regular expression to kustomize.
    let is_word = kind.chars().all(char::is_alphanumeric);
    match kind {
        _ if kind.eq_ignore_ascii_case("secret") => Role::SecretPatch,
        _ if is_word => Role::OtherPatch,
        _ if kind.contains("ecret") || kind.contains('.') => Role::SecretPatch,
        _ => Role::UnclearPatch,
    }
}

fn hidden_ranges(repo: &Repo, source: SourceId, roles: &BTreeMap<RepoPath, Role>) -> Vec<Range<usize>> {
    let Some(file) = repo.source(source) else { return Vec::new() };
    let text = file.text();
    let mut hidden = Vec::new();
    if !file.path().is_yaml() {
        // An env file of a generator: nobody can tell which of its values are secret.
        hide_lines(text, 0..text.len(), '=', &mut hidden);
        return hidden;
    }
    // What `password-in-config` reports is no Secret's, and no less a password.
    hidden.extend(rules::password_ranges(text));
    let Some(parsed) = repo.yaml(source) else { return hidden };
    let role = roles.get(file.path()).copied();
    let mut reader = Reader { text, hidden };
    for (at, document) in parsed.documents.iter().enumerate() {
        // Comments after a Secret are its own.
        let end = parsed.documents.get(at + 1).map_or(text.len(), |next| next.span.range().start);
        let range = document.span.range().start..end;
        reader.document(&document.root, range, role, &dropped(parsed));
    }
    // What follows a syntax error is in no document: there the lines themselves have to tell.
    let read = parsed.documents.last().map_or(0, |document| document.span.range().end);
    let is_secret = mentions_secret(text) || role > Some(Role::OtherPatch);
    if !parsed.diagnostics.is_empty() && is_secret {
        hide_lines(text, read..text.len(), ':', &mut reader.hidden);
    }
    reader.hidden
}

/// Returns where the keys begin that the tree of `parsed` does not hold, because they come again.
fn dropped(parsed: &Parsed) -> Vec<usize> {
    let repeated = parsed.diagnostics.iter().filter(|finding| finding.rule == DUPLICATE_KEY);
    repeated.filter_map(|finding| Some(finding.labels.get(1)?.span.range().start)).collect()
}

/// Collects what is hidden of one file.
struct Reader<'a> {
    text: &'a str,
    hidden: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    /// Hides what is secret of a document or of the text of a patch.
    fn document(&mut self, root: &Node, range: Range<usize>, role: Option<Role>, dropped: &[usize]) {
        let is_secret = match role {
            Some(Role::SecretValue) => true,
            _ if is_operations(root) => {
                // A list of operations does not say what it patches.
                role != Some(Role::OtherPatch) || root.as_sequence().into_iter().flatten().any(adds_string_data)
            }
            Some(Role::SecretPatch) => true,
            Some(Role::UnclearPatch) => root.get("kind").is_none(),
            _ => false,
        };
        if is_secret || is_secret_object(root) {
            let shown = if role == Some(Role::SecretValue) { Shown::Nothing } else { Shown::Identity };
            self.secret(root, range, shown);
        }
        self.node(root, dropped);
    }

    /// Hides the values below every Secret in `node`: in lists, in patches, in generators.
    fn node(&mut self, node: &Node, dropped: &[usize]) {
        let first_keys = self.hide_dropped(node, dropped);
        let repeats = !first_keys.is_empty();
        let was_secret = first_keys.iter().any(|first| first.trim_start_matches(['"', '\'']).starts_with("kind"));
        if is_secret_object(node) || was_secret {
            self.secret(node, self.bytes(node), Shown::Reference);
        }
        for entry in node.as_map().into_iter().flatten() {
            let first = entry.key.text().get(.."secretGenerator".len());
            if first.is_some_and(|first| first.eq_ignore_ascii_case("secretGenerator")) {
                self.generators(&entry.value);
            }
        }
        let role = if repeats { Role::SecretPatch } else { role_of_patch(node) };
        for entry in node.as_map().into_iter().flatten() {
            if entry.key.text() == "patch" && (repeats || node.get("target").is_some()) {
                self.embedded(&entry.value, Some(role));
            } else {
                self.value(&entry.value, dropped);
            }
        }
        for item in node.as_sequence().into_iter().flatten() {
            self.value(item, dropped);
        }
    }

    fn value(&mut self, value: &Node, dropped: &[usize]) {
        match value.as_scalar() {
            Some(scalar) if scalar.text.contains(':') && mentions_secret(&scalar.text) => self.embedded(value, None),
            Some(scalar) if scalar.text.contains("value") && scalar.text.contains("op") => self.embedded(value, None),
            Some(_) => {}
            None if is_operations(value) => self.document(value, self.bytes(value), None, dropped),
            None => self.node(value, dropped),
        }
    }

    /// Hides what is secret of the text that `scalar` holds.
    fn embedded(&mut self, scalar: &Node, role: Option<Role>) {
        let Some(content) = scalar.as_scalar() else {
            // A patch that is no text, as some write it.
            self.document(scalar, self.bytes(scalar), role, &[]);
            return;
        };
        let parsed = yaml::parse_embedded(self.text, scalar);
        let unread = parsed.is_broken() && (role > Some(Role::OtherPatch) || mentions_secret(&content.text));
        let block = matches!(content.style, Style::Literal | Style::Folded);
        if unread && block {
            hide_lines(self.text, scalar.span.range(), ':', &mut self.hidden);
        } else if unread {
            self.hidden.push(scalar.span.range());
        }
        let dropped = dropped(&parsed);
        for document in &parsed.documents {
            let before = self.hidden.len();
            self.document(&document.root, self.bytes(&document.root), role, &dropped);
            // Escapes leave no place but the whole text.
            let is_hidden = self.hidden.len() > before || mentions_secret(&content.text);
            if document.span == scalar.span && document.root.as_scalar().is_none() && is_hidden {
                self.hidden.push(scalar.span.range());
            }
        }
    }

    /// Hides what was dropped from `node` because its key comes again, where it speaks of Secrets; returns all of it.
    fn hide_dropped(&mut self, node: &Node, dropped: &[usize]) -> Vec<&'a str> {
        if dropped.is_empty() || node.as_map().is_none() {
            return Vec::new();
        }
        let extent = extent(node);
        let in_children = |at: &usize| children(node).any(|child| yaml::extent(child).contains(at));
        let mut texts = Vec::new();
        for start in dropped.iter().filter(|at| extent.contains(at) && !in_children(at)) {
            let keys = node.as_map().into_iter().flatten().map(|entry| entry.key.span().range().start);
            let end = keys.filter(|key| key > start).min().unwrap_or(extent.end);
            let Some(text) = self.text.get(*start..end) else { continue };
            if mentions_secret(text) {
                hide_lines(self.text, *start..end, ':', &mut self.hidden);
            }
            texts.push(text);
        }
        texts
    }

    /// Hides all of `range` but keys and what names the object `node`.
    fn secret(&mut self, node: &Node, range: Range<usize>, shown: Shown) {
        let mut area = Area::new(self.text, range, node);
        let is_shown = |key: &str| match shown {
            Shown::Nothing => false,
            Shown::Identity => matches!(key, "apiVersion" | "kind"),
            Shown::Reference => matches!(key, "apiVersion" | "kind") || SHOWN_OF_REFERENCE.contains(&key),
        };
        for entry in node.as_map().into_iter().flatten() {
            let (key, value) = (entry.key.text(), &entry.value);
            if is_shown(key) && value.as_scalar().is_some() {
                area.show(value.span);
            } else if key == "metadata" && shown != Shown::Nothing {
                show_metadata(&mut area, value);
            } else {
                hide_scalars(value, &mut self.hidden);
            }
        }
        let shows_places = is_operations(node) && shown != Shown::Nothing;
        for entry in node.as_sequence().into_iter().flatten().filter_map(Node::as_map).flatten() {
            let is_place = matches!(entry.key.text(), "op" | "path" | "from") && entry.value.as_scalar().is_some();
            if shows_places && is_place {
                area.show(entry.value.span);
            } else {
                hide_scalars(&entry.value, &mut self.hidden);
            }
        }
        area.hide(&mut self.hidden);
    }

    /// Hides the literals of generators, under whatever name they stand.
    fn generators(&mut self, node: &Node) {
        let mut area = Area::new(self.text, self.bytes(node), node);
        let items = node.as_sequence().unwrap_or(slice::from_ref(node));
        for entry in items.iter().filter_map(Node::as_map).flatten() {
            let (key, value) = (entry.key.text(), &entry.value);
            if SHOWN_OF_GENERATOR.contains(&key) && value.as_scalar().is_some() {
                area.show(value.span);
            } else if FILES_OF_GENERATOR.contains(&key) {
                let files = value.as_sequence().unwrap_or(slice::from_ref(value));
                let names = files.iter().filter(|file| file.as_str().is_some_and(|name| !name.contains('=')));
                names.for_each(|file| area.show(file.span));
            } else {
                hide_scalars(value, &mut self.hidden);
            }
        }
        area.hide(&mut self.hidden);
    }

    /// Returns the bytes of `node`, with the comment on its last line.
    fn bytes(&self, node: &Node) -> Range<usize> {
        let range = extent(node);
        let end = range.end.min(self.text.len());
        let rest = self.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let comment = if rest.trim_start().starts_with('#') { rest.len() } else { 0 };
        range.start.min(end)..end + comment
    }
}

fn show_metadata(area: &mut Area<'_>, metadata: &Node) {
    for entry in metadata.as_map().into_iter().flatten() {
        let (key, value) = (entry.key.text(), &entry.value);
        if SHOWN_METADATA.contains(&key) && value.as_scalar().is_some() {
            area.show(value.span);
        } else if SHOWN_MAPS.contains(&key) {
            let entries = value.as_map().into_iter().flatten();
            let shown = entries.filter(|entry| !entry.key.text().ends_with(LAST_APPLIED));
            shown.filter(|entry| entry.value.as_scalar().is_some()).for_each(|entry| area.show(entry.value.span));
        }
    }
}

/// Returns whether `node` is a Secret, or is written as if it were.
fn is_secret_object(node: &Node) -> bool {
    let is_kind = |kind: &str| {
        ["Secret", "SecretList", "SecretGenerator"].into_iter().any(|known| kind.eq_ignore_ascii_case(known))
    };
    node.get("kind").and_then(Node::as_str).is_some_and(is_kind) || node.get("stringData").is_some()
}

/// Returns whether `node` is the text of a JSON 6902 patch.
fn is_operations(node: &Node) -> bool {
    node.as_sequence().is_some_and(|items| items.iter().any(|item| item.get("op").is_some()))
}

fn adds_string_data(operation: &Node) -> bool {
    operation.get("path").and_then(Node::as_str).is_some_and(|path| path.starts_with("/stringData"))
}

/// Returns whether `text`, which cannot be read as a whole, speaks of Secrets.
fn mentions_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.contains("Secret") || ["stringdata", "secretgenerator", "kind: secret"].iter().any(|word| lower.contains(word))
}
