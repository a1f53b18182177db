//! The misses of the recorded unit cases against the list of known ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Prints the figures of the unit suite `suite` and fails where `misses`, by number of the case, are not those that
/// `tests/conformance/known-misses.md` lists.
pub(crate) fn conclude(suite: &str, cases: usize, misses: &BTreeMap<String, String>) {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/known-misses.md");
    let list = fs::read_to_string(list).unwrap();
    let number = |line: &str| {
        let case = line.strip_prefix("- `")?.split_once('`')?.0;
        Some(case.strip_prefix(suite)?.strip_prefix('/')?.to_owned())
    };
    let known: BTreeSet<String> = list.lines().filter_map(number).collect();
    println!("{suite}: {}/{cases}", cases - misses.len());
    let news: Vec<String> =
        misses.iter().filter(|(at, _)| !known.contains(*at)).map(|(at, why)| format!("{at}: {why}")).collect();
    assert!(news.is_empty(), "{suite}: {} misses are not listed\n{}", news.len(), news.join("\n======\n"));
    let passing: Vec<&String> = known.iter().filter(|at| !misses.contains_key(*at)).collect();
    assert!(passing.is_empty(), "{suite}: {passing:?} pass now: take them off the list");
}
