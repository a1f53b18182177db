//! Markers at keys that are written twice: Flux sets the first value alone, an edit sets each.

use std::fs;

use crate::{PRIMARY, read, repository, run, said};

/// A fleet in which a tag and its marker are written twice, and the lists with a newer one.
fn twice() -> (tempfile::TempDir, String) {
    let root = repository();
    let text = read(root.path(), PRIMARY);
    let line = text.lines().find(|line| line.contains("newTag:")).expect("a tag").to_owned();
    fs::write(root.path().join(PRIMARY), text.replace(&line, &format!("{line}\n{line}"))).expect("it can be written");
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).expect("a directory");
    fs::write(lists.join("candles.txt"), "v0.1.0\nv0.2.0\n").expect("it can be written");
    let lists = lists.to_str().expect("a path in Unicode").to_owned();
    (root, lists)
}

#[test]
fn an_update_says_that_flux_sets_the_first_alone_and_an_edit_sets_each() {
    let (root, lists) = twice();
    for (mode, told, count) in
        [("flux", "the first alone is set", 1), ("edit", "each is set, and Flux sets the first alone", 2)]
    {
        let shown = run(root.path(), &["images", "update", "--tags", &lists, "--branch", "main", "--mode", mode]);
        let told = format!("warning: `{PRIMARY}` has a marker at a key that is written twice: {told}");
        assert!(said(&shown).contains(&told), "{mode}: {}", said(&shown));
        let diff = String::from_utf8_lossy(&shown.stdout).into_owned();
        let added = diff.lines().filter(|line| line.starts_with('+') && line.contains("v0.2.0"));
        assert_eq!(added.count(), count, "{mode}: {diff}");
    }
}

#[test]
fn a_promotion_edits_each_and_says_so() {
    let (root, _) = twice();
    let planned = run(root.path(), &["promote", "candles", "v0.2.0"]);
    let told = format!("note: `{PRIMARY}` has a key twice: each is edited, and Flux sets the first alone");
    assert!(said(&planned).contains(&told), "{}", said(&planned));
    assert_eq!(said(&planned).matches("+    newTag: \"v0.2.0\"").count(), 2, "{}", said(&planned));
}
