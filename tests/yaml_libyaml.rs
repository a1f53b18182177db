//! Our reader against libyaml, which kustomize and Kubernetes read with: the trees of every file must be equal.

#![expect(clippy::print_stdout, reason = "a test says what it measured, and when it is skipped")]

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::vec;

use libyaml_events::{Event, ScalarStyle};
use walkdir::WalkDir;

use gitops_gen::text::FileSet;
use gitops_gen::yaml::{self, Kind, Node, Scalar, Style};

/// A document without places, aliases and merge keys expanded.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Scalar { text: String, style: Style, tag: Option<String> },
    Sequence(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    fn of(node: &Node) -> Self {
        match &node.kind {
            Kind::Scalar(scalar) => Self::scalar(scalar),
            Kind::Sequence(items) => Self::Sequence(items.iter().map(Self::of).collect()),
            Kind::Map(map) => {
                let pair = |entry: &yaml::Entry| (Self::scalar(entry.key.scalar()), Self::of(&entry.value));
                Self::Map(map.iter().map(pair).collect())
            }
        }
    }

    fn scalar(scalar: &Scalar) -> Self {
        let tag = scalar.tag.as_ref().map(ToString::to_string);
        Self::Scalar { text: scalar.text.to_string(), style: scalar.style, tag }
    }

    fn is_null(&self) -> bool {
        let Self::Scalar { text, style, tag } = self else { return false };
        let scalar = Scalar { text: text.into(), style: *style, tag: tag.as_ref().map(Into::into) };
        scalar.typed(yaml::Dialect::KustomizeV3) == yaml::Typed::Null
    }
}

/// Builds trees from libyaml's events as go-yaml does.
struct Composer {
    events: vec::IntoIter<Event>,
    anchors: HashMap<String, Tree>,
}

impl Composer {
    /// Returns the documents of `text` that are not null, or why there are none.
    fn documents(text: &str) -> Result<Vec<Tree>, String> {
        let mut composer = Self { events: libyaml_events::events(text)?.into_iter(), anchors: HashMap::new() };
        let mut documents = Vec::new();
        while let Some(event) = composer.events.next() {
            if event != Event::DocumentStart {
                continue;
            }
            composer.anchors.clear();
            let first = composer.events.next().ok_or("no event")?;
            let root = composer.tree(first)?;
            if !root.is_null() {
                documents.push(root);
            }
        }
        Ok(documents)
    }

    fn tree(&mut self, event: Event) -> Result<Tree, String> {
        let (tree, anchor) = match event {
            Event::Alias(anchor) => return self.anchors.get(&anchor).cloned().ok_or(format!("unknown *{anchor}")),
            Event::Scalar { text, style, anchor, tag } => {
                (Tree::Scalar { text, style: style_of(style), tag: tag.map(|tag| short(&tag)) }, anchor)
            }
            Event::SequenceStart(anchor) => {
                let mut items = Vec::new();
                while let Some(event) = self.events.next().filter(|event| *event != Event::SequenceEnd) {
                    items.push(self.tree(event)?);
                }
                (Tree::Sequence(items), anchor)
            }
            Event::MappingStart(anchor) => {
                let mut pairs = Vec::new();
                while let Some(event) = self.events.next().filter(|event| *event != Event::MappingEnd) {
                    let key = self.tree(event)?;
                    let value = self.events.next().ok_or("no value")?;
                    pairs.push((key, self.tree(value)?));
                }
                (Tree::Map(unique(merged(pairs)?)?), anchor)
            }
            other => return Err(format!("unexpected {other:?}")),
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, tree.clone());
        }
        Ok(tree)
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn short(tag: &str) -> String {
    tag.strip_prefix("tag:yaml.org,2002:").map_or(tag.to_owned(), |core| format!("!!{core}"))
}

fn merged(pairs: Vec<(Tree, Tree)>) -> Result<Vec<(Tree, Tree)>, String> {
    let is_merge = |key: &Tree| *key == Tree::Scalar { text: "<<".to_owned(), style: Style::Plain, tag: None };
    let (merges, mut written): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| is_merge(key));
    for (_, value) in merges {
        let maps = match value {
            Tree::Sequence(items) => items,
            other => vec![other],
        };
        for map in maps {
            let Tree::Map(entries) = map else { return Err("a merge key holds no mapping".to_owned()) };
            for (key, value) in entries {
                if !written.iter().any(|(other, _)| text_of(other) == text_of(&key)) {
                    written.push((key, value));
                }
            }
        }
    }
    Ok(written)
}

/// The last of repeated keys stays.
fn unique(pairs: Vec<(Tree, Tree)>) -> Result<Vec<(Tree, Tree)>, String> {
    let mut last: HashMap<String, usize> = HashMap::new();
    for (at, (key, _)) in pairs.iter().enumerate() {
        last.insert(text_of(key).ok_or("a key is a collection")?.to_owned(), at);
    }
    let is_last = |at: usize, key: &Tree| text_of(key).and_then(|text| last.get(text)) == Some(&at);
    Ok(pairs.into_iter().enumerate().filter(|(at, (key, _))| is_last(*at, key)).map(|(_, pair)| pair).collect())
}

fn text_of(key: &Tree) -> Option<&str> {
    match key {
        Tree::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

fn ours(text: &str) -> Result<Vec<Tree>, String> {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let (_, source) = files.iter().next().expect("one file");
    let parsed = yaml::parse(source, text);
    if parsed.is_broken() {
        return Err(format!("{:?}", parsed.diagnostics));
    }
    Ok(parsed.documents.iter().map(|document| Tree::of(&document.root)).collect())
}

/// Returns how the two readers differ on `text`.
fn difference(text: &str) -> Option<String> {
    match (ours(text), Composer::documents(text)) {
        (Ok(ours), Ok(theirs)) if ours == theirs => None,
        (Err(_), Err(_)) => None,
        (Ok(ours), Ok(theirs)) => {
            let (ours, theirs) = (format!("{ours:#?}"), format!("{theirs:#?}"));
            let line = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
            Some(format!("first difference (ours, libyaml's): {line:?}"))
        }
        (ours, theirs) => {
            Some(format!("ours: {:?}, libyaml: {:?}", ours.map(|trees| trees.len()), theirs.map(|trees| trees.len())))
        }
    }
}

/// Returns the folder that holds the corpus and the recorded cases, or says that the test is skipped.
fn recorded() -> Option<PathBuf> {
    let folder = env::var_os("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|| "../shared/conformance".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if folder.is_dir() {
        return folder.parent().map(Path::to_owned);
    }
    println!("skipped: no recorded cases at {}", folder.display());
    None
}

#[test]
fn every_recorded_file_is_read_as_libyaml_reads_it() {
    let Some(recorded) = recorded() else { return };
    let mut count = 0;
    let mut differences = Vec::new();
    for entry in WalkDir::new(&recorded).sort_by_file_name().into_iter().filter_map(Result::ok) {
        if !matches!(entry.path().extension().and_then(OsStr::to_str), Some("yaml" | "yml")) {
            continue;
        }
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        count += 1;
        differences.extend(difference(&text).map(|how| format!("{}: {how}", entry.path().display())));
    }
    println!("{} of {count} files read as libyaml reads them", count - differences.len());
    assert!(count > 0, "no YAML file found");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn blocks_that_end_the_file_without_a_newline_have_none() {
    for text in ["a: |\n  b", "a: >\n  b\n  c", "a: |+\n  b", "a: |-\n  b", "a: |\n  b\n  ", "- |\n b\n\n c", "|\n a"] {
        assert_eq!(difference(text), None, "{text:?}");
    }
}

#[test]
fn quoted_scalars_may_stand_left_of_their_key() {
    for text in [
        "a:\n    b: \"one\n  two\"\n    c: 1\n",
        "a:\n    b: 'one\n  two\n\n three'\nc: 2\n",
        "a:\n  - b: \"one\ntwo\"\n",
        "a: \"one\ntwo\"\nb: 1\n",
    ] {
        assert_eq!(difference(text), None, "{text:?}");
    }
}

#[test]
fn hundreds_of_comment_lines_in_a_row_are_read_over() {
    let comments = "# a comment\n".repeat(500);
    for text in [
        format!("{comments}a: 1\n"),
        format!("a:\n{comments}  b: 1\n"),
        format!("a: 1\n{comments}"),
        format!("a:\n  - b\n{comments}  - c\n"),
        format!("a: |\n  text\n{comments}b: 1\n"),
    ] {
        assert_eq!(difference(&text), None, "{text:.30?}");
    }
}

#[test]
fn a_value_without_a_key_is_refused() {
    for text in
        [":", ": a\n", "a:\n  : b\n", "a\n: b\n", "? \n: a\n", "?\n", "{: a}\n", "{? : a}\n", "a: {b, c}\n", "? a\n"]
    {
        assert_eq!(difference(text), None, "{text:?}");
    }
}

#[test]
fn the_end_of_a_document_needs_a_new_beginning() {
    for text in ["a: 1\n...\nb: 2\n", "a: 1\n...\n---\nb: 2\n", "a: 1\n...\n# c\n", "---\n---\na: 1\n...\n"] {
        assert_eq!(difference(text), None, "{text:?}");
    }
}

#[test]
fn a_difference_would_be_seen() {
    let tree = |text: &str| Composer::documents(text).expect("libyaml reads it");
    assert_ne!(tree("a: 1\n"), ours("a: '1'\n").expect("we read it"));
    assert_ne!(tree("a: |\n  b"), ours("a: |\n  b\n").expect("we read it"));
    assert_ne!(tree("a: &x 1\nb: *x\n"), ours("a: 1\nb: 2\n").expect("we read it"));
}
