//! No text makes the reader, the writers or an edit panic: recorded files are damaged at random and read again.

#![expect(clippy::print_stdout, reason = "a test says what it measured, and when it is skipped")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use walkdir::WalkDir;

use gitops_gen::text::FileSet;
use gitops_gen::yaml::{self, Comments, Dialect, Kind, Node};

/// Longest file that is damaged, so that a run stays short.
const LONGEST: usize = 20_000;

/// What is put into a text.
const PIECES: [&str; 36] = [
    "\n", "\r\n", "\t", " ", "  ", ":", ": ", "- ", "-", "? ", "#", " #", "'", "\"", "\\", "{", "}", "[", "]", ",",
    "&a ", "*a", "!!int ", "!", "|", ">", "|2-", "%", "---\n", "...\n", "<<: *a\n", "\u{2028}", "\u{feff}", "\u{85}",
    "😀", "\0",
];

/// One damage: at a place, so many bytes go and a piece comes.
type Damage = (Index, usize, &'static str);

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let gone = prop_oneof![Just(0usize), Just(1), 0..200usize];
    prop::collection::vec((any::<Index>(), gone, select(PIECES.to_vec())), 1..8)
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut text = text.to_owned();
    for (place, gone, piece) in damages {
        let boundary = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = boundary(place.index(text.len() + 1));
        let end = boundary(start + gone).max(start);
        text.replace_range(start..end, piece);
    }
    text
}

fn for_each_scalar(node: &Node, visit: &mut dyn FnMut(&Node)) {
    match &node.kind {
        Kind::Scalar(_) => visit(node),
        Kind::Sequence(items) => items.iter().for_each(|item| for_each_scalar(item, visit)),
        Kind::Map(map) => map.iter().for_each(|entry| for_each_scalar(&entry.value, visit)),
    }
}

/// Does everything that this crate does with a text.
fn exercise(text: &str) {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let (_, source) = files.iter().next().expect("one file");
    let parsed = yaml::parse(source, text);
    for finding in &parsed.diagnostics {
        for label in &finding.labels {
            assert!(text.get(label.span.range()).is_some(), "a label off the text: {:?}", label.span);
        }
    }
    for document in &parsed.documents {
        let _ = yaml::emit(&document.root);
        let _ = document.root.to_json(Dialect::KubernetesV2);
        for_each_scalar(&document.root, &mut |scalar| {
            assert!(text.get(scalar.span.range()).is_some(), "a scalar off the text: {:?}", scalar.span);
            let _ = yaml::replace_scalar(text, scalar, "new: \n");
        });
    }
    let _ = yaml::write(parsed.documents.iter().map(|document| &document.root), &Comments::of(text, &parsed));
}

#[test]
fn damaged_files_are_read_and_written_without_a_panic() {
    let folder = env::var_os("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|| "../shared/conformance".into());
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("../corpus");
    let files = WalkDir::new(&corpus).sort_by_file_name().into_iter().filter_map(Result::ok);
    let yaml = files.filter(|file| file.path().extension().is_some_and(|extension| extension == OsStr::new("yaml")));
    let texts: Vec<String> =
        yaml.filter_map(|file| fs::read_to_string(file.path()).ok()).filter(|text| text.len() <= LONGEST).collect();
    if texts.is_empty() {
        println!("skipped: no recorded files at {}", corpus.display());
        return;
    }
    // Failures are small enough to read; a file of seeds beside the test would be of no use without the corpus.
    let mut runner = TestRunner::new(Config { cases: 1_000, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(any::<Index>(), damages()), |(file, damages)| {
        let text: &String = file.get(&texts);
        exercise(&damaged(text, &damages));
        Ok(())
    });
    outcome.expect("no panic");
    println!("1000 damaged files of {} read and written", texts.len());
}

#[test]
fn texts_of_nothing_but_indicators_are_read_without_a_panic() {
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    let pieces = prop::collection::vec(select(PIECES.to_vec()), 0..12);
    let outcome = TestRunner::new(config).run(&pieces, |pieces| {
        exercise(&pieces.concat());
        Ok(())
    });
    outcome.expect("no panic");
}
