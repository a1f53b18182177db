//! Edits in place against recorded runs of Flux's image automation, in which only the value's token changed.

#![expect(clippy::print_stdout, reason = "a test says what it measured, and when it is skipped")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use serde_json::Value;

use gitops_gen::text::{FileSet, Span};
use gitops_gen::yaml::{self, Kind, Node};

/// Cases about finding markers that this test does not look for: above their value, behind a comma, in other spellings,
/// or at a key that is written twice.
const OTHER_MARKERS: [&str; 7] = [
    "dup-key",
    "flow-map-multi",
    "head-seq",
    "key-on-comment-line",
    "ref-style",
    "x-json-style-multi",
    "x-marker-percent",
];

/// Returns the recorded cases, or says that the test is skipped.
fn cases() -> Option<Vec<Value>> {
    let folder = env::var_os("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|| "../shared/conformance".into());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("setters.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: no recorded cases at {}", path.display());
        return None;
    };
    let recorded: Value = serde_json::from_str(&text).expect("the cases are JSON");
    recorded["cases"].as_array().cloned()
}

/// Returns the value that the marker in `comment` asks for.
fn wanted(comment: &str, policies: &Value) -> Option<String> {
    let marker: BTreeMap<String, String> = serde_json::from_str(comment.trim_start_matches('#')).ok()?;
    let setter = marker.get("$imagepolicy")?;
    policies.as_array()?.iter().find_map(|policy| {
        let field = |name: &str| policy[name].as_str().unwrap_or_default().to_owned();
        let key = format!("{}:{}", field("namespace"), field("name"));
        let digest = match field("digest") {
            digest if digest.is_empty() => digest,
            digest => format!("@{digest}"),
        };
        match setter.strip_prefix(&key)? {
            "" => Some(format!("{}:{}{digest}", field("image"), field("tag"))),
            ":tag" => Some(field("tag")),
            ":name" => Some(field("image")),
            ":digest" => Some(field("digest")),
            _ => None,
        }
    })
}

fn find(node: &Node, span: Span) -> Option<&Node> {
    match &node.kind {
        Kind::Scalar(_) => (node.span == span).then_some(node),
        Kind::Sequence(items) => items.iter().find_map(|item| find(item, span)),
        Kind::Map(map) => map.iter().find_map(|entry| find(&entry.value, span)),
    }
}

/// Edits every value that a marker in the same line names.
fn edited(text: &str, policies: &Value) -> String {
    let files = FileSet::from_texts([("f.yaml", text)]);
    let (_, source) = files.iter().next().expect("one file");
    let parsed = yaml::parse(source, text);
    let mut out = text.to_owned();
    for comment in parsed.comments.iter().rev() {
        let Some(span) = comment.scalar else { continue };
        let Some(new) = text.get(comment.span.range()).and_then(|comment| wanted(comment, policies)) else { continue };
        let Some(node) = parsed.documents.iter().find_map(|document| find(&document.root, span)) else { continue };
        if node.as_str() == Some(new.as_str()) {
            continue;
        }
        if let Ok(edit) = yaml::replace_scalar(text, node, &new) {
            out.replace_range(edit.span.range(), &edit.replacement);
        }
    }
    out
}

#[test]
fn an_edit_changes_the_token_that_flux_changes_and_no_other_byte() {
    let Some(cases) = cases() else { return };
    let (mut equal, mut differing) = (0, Vec::new());
    for case in &cases {
        let Some(expected) = case["minimal_edit"].as_object() else { continue };
        if case["id"].as_str().is_some_and(|id| OTHER_MARKERS.contains(&id)) {
            continue;
        }
        for (path, after) in expected {
            let (Some(before), Some(after)) = (case["input"][path].as_str(), after.as_str()) else { continue };
            let got = edited(before, &case["policies"]);
            if got == after {
                equal += 1;
            } else {
                differing.push(format!("{}\n--- before\n{before}\n--- expected\n{after}\n--- got\n{got}", case["id"]));
            }
        }
    }
    println!("{equal} of {} files edited as recorded", equal + differing.len());
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(equal > 100, "only {equal} cases were read");
}
