//! Reading and writing of whole recorded files: builds are printed again unchanged, sources keep values and comments.

#![expect(clippy::print_stdout, reason = "a test says what it measured, and when it is skipped")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use gitops_gen::text::FileSet;
use gitops_gen::yaml::{self, Comments, Dialect, Parsed};

/// Returns the folder of recorded cases, or says that the test is skipped.
fn conformance() -> Option<PathBuf> {
    let folder = env::var_os("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|| "../shared/conformance".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no recorded cases at {}", folder.display());
    None
}

fn read(text: &str) -> Parsed {
    let files = FileSet::from_texts([("build.yaml", text)]);
    let (_, source) = files.iter().next().expect("one file");
    yaml::parse(source, text)
}

fn emitted(text: &str) -> String {
    let parsed = read(text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    yaml::emit_documents(parsed.documents.iter().map(|document| &document.root)).expect("kustomize printed it")
}

#[test]
fn recorded_builds_are_emitted_as_they_were() {
    let Some(conformance) = conformance() else { return };
    let folders = [
        conformance.join("../corpus/expected"),
        conformance.join("kustomize/micro"),
        conformance.join("kustomize/krusty"),
    ];
    let is_build = |path: &Path| {
        let is_expected = path.file_stem().and_then(OsStr::to_str).is_some_and(|stem| stem.starts_with("expected"));
        path.extension() == Some(OsStr::new("yaml")) && (is_expected || path.starts_with(&folders[0]))
    };
    let mut count = 0;
    let mut changed = Vec::new();
    for folder in &folders {
        for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok) {
            if !is_build(entry.path()) {
                continue;
            }
            count += 1;
            let text = fs::read_to_string(entry.path()).expect("recorded builds are text");
            if emitted(&text) != text {
                changed.push(entry.path().display().to_string());
            }
        }
    }
    println!("{} of {count} recorded builds emitted unchanged", count - changed.len());
    assert!(count > 0, "no recorded build found");
    assert!(changed.is_empty(), "changed:\n{}", changed.join("\n"));
}

#[test]
fn every_kind_of_scalar_is_emitted_as_kustomize_prints_it() {
    let Some(conformance) = conformance() else { return };
    let case = conformance.join("kustomize/micro/scalars");
    let text = fs::read_to_string(case.join("in/r.yaml")).or_else(|_| fs::read_to_string(case.join("r.yaml")));
    let expected = fs::read_to_string(case.join("expected.yaml")).expect("the case is recorded");
    let emitted = emitted(&text.expect("the case is recorded"));
    for (ours, theirs) in emitted.lines().zip(expected.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(emitted, expected);
}

/// Returns the values of a text in both dialects, and its comments sorted.
fn values_and_comments(text: &str) -> (Vec<Value>, Vec<String>) {
    let parsed = read(text);
    let values = [Dialect::KustomizeV3, Dialect::KubernetesV2]
        .into_iter()
        .flat_map(|dialect| parsed.documents.iter().map(move |document| document.root.to_json(dialect)))
        .collect();
    let comments = parsed.comments.iter().filter_map(|comment| text.get(comment.span.range()));
    let mut comments: Vec<String> = comments.map(|comment| comment.trim_end().to_owned()).collect();
    comments.sort();
    (values, comments)
}

#[test]
fn files_written_anew_keep_their_values_and_comments() {
    let Some(conformance) = conformance() else { return };
    let mut count = 0;
    let mut changed = Vec::new();
    for entry in WalkDir::new(conformance.join("../corpus")).sort_by_file_name().into_iter().filter_map(Result::ok) {
        if !matches!(entry.path().extension().and_then(OsStr::to_str), Some("yaml" | "yml")) {
            continue;
        }
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        let parsed = read(&text);
        if parsed.is_broken() || parsed.documents.is_empty() {
            continue;
        }
        count += 1;
        let documents = parsed.documents.iter().map(|document| &document.root);
        let written = yaml::write(documents, &Comments::of(&text, &parsed));
        if values_and_comments(&written) != values_and_comments(&text) {
            changed.push(entry.path().display().to_string());
        }
    }
    println!("{} of {count} files written anew with the same values and comments", count - changed.len());
    assert!(count > 0, "no YAML file found");
    assert!(changed.is_empty(), "changed:\n{}", changed.join("\n"));
}
