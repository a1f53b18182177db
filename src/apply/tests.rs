use super::*;
use crate::diagnostic::{Diagnostic, Severity};
use crate::text::Span;
use std::convert::Infallible;

fn repo(text: &str) -> Repo {
    Repo::new(FileSet::from_texts([("a.yaml", text)]))
}

/// Returns a fix that replaces the first `old` by `new` in the only file.
fn replace(repo: &Repo, old: &str, new: &str) -> Fix {
    let (path, source) = repo.files().iter().next().unwrap();
    let start = repo.files().text(path).unwrap().find(old).unwrap();
    let edits = vec![Edit { span: Span::new(source, start..start + old.len()), replacement: new.to_owned() }];
    Fix { title: "x".to_owned(), edits, safety: FixSafety::Safe }
}

fn applied(text: &str, replacements: &[(&str, &str)]) -> Option<String> {
    let repo = repo(text);
    let fixes: Vec<Fix> = replacements.iter().map(|(old, new)| replace(&repo, old, new)).collect();
    let (tree, _) = apply(&repo, &fixes.iter().collect::<Vec<_>>())?;
    let (path, _) = tree.iter().next()?;
    tree.text(path).map(str::to_owned)
}

#[test]
fn values_keys_and_lines_change_and_all_else_stays() {
    let text = "# top\r\na:   x # c\r\nb:\r\n- 1\r\n- {c: 'd'}\r\n---\r\ne: f\r\n";
    let after = applied(text, &[("x", "yy"), ("b:", "bb:"), ("- 1\r\n", ""), ("e: f", "e: f\r\ng: h")]).unwrap();
    assert_eq!(after, "# top\r\na:   yy # c\r\nbb:\r\n- {c: 'd'}\r\n---\r\ne: f\r\ng: h\r\n");
}

#[test]
fn a_value_may_be_wrapped() {
    let text = "commonLabels:\n  app: web\nname: x\n";
    let wrapped = applied(text, &[("commonLabels:\n  app", "labels:\n- pairs:\n    app")]).unwrap();
    assert_eq!(wrapped, "labels:\n- pairs:\n    app: web\nname: x\n");
}

#[test]
fn what_changes_more_than_its_target_is_refused() {
    for (text, old, new) in [
        // A comment, a quote or a bracket takes in what follows.
        ("a: x\nb: {c: 1, d: 2}\n", "c", "#c"),
        ("a: x\nb: 1\n", "x", "'x"),
        ("a: x\nb: [1, 2]\n", "1", "1]"),
        // The next line becomes part of the value, or a key comes twice.
        ("a: x\nb: 1\n", "x", "|"),
        ("a: x\nb: 1\n", "a", "b"),
        // An anchor changes what its alias says elsewhere: to us it is the same place, so it is the target.
        ("a:\n  b: 1\nc: 2\n", "a:\n", "a: {}\n"),
    ] {
        assert_eq!(applied(text, &[(old, new)]), None, "{text} with {new}");
    }
}

#[test]
fn one_bad_fix_does_not_keep_the_others_out() {
    assert_eq!(applied("a: x\nb: y\nc: z\n", &[("x", "'x"), ("z", "w")]).as_deref(), Some("a: x\nb: y\nc: w\n"));
}

#[test]
fn fixes_that_overlap_wait_for_the_next_round() {
    let repo = repo("a: xyz\n");
    let fixes = [replace(&repo, "xyz", "1"), replace(&repo, "yz", "2")];
    let (tree, count) = apply(&repo, &fixes.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!((tree.text(&RepoPath::new("a.yaml").unwrap()), count), (Some("a: 1\n"), 1));
}

/// Returns what is found while the file says one of `wrong`: the fix is to write the next.
fn check<'a>(wrong: &'a [(&'a str, &'a str)]) -> impl Fn(&Repo) -> Result<Findings, Infallible> + 'a {
    move |repo| {
        let (path, _) = repo.files().iter().next().unwrap();
        let text = repo.files().text(path).unwrap();
        let found = wrong.iter().filter(|(old, _)| text.contains(old));
        let finding = |(old, new): &(&str, &str)| {
            Diagnostic::new("some-rule", Severity::Error, "wrong").fix(replace(repo, old, new))
        };
        Ok(Findings { diagnostics: found.map(finding).collect(), ..Findings::default() })
    }
}

#[test]
fn a_fix_may_make_room_for_the_next() {
    let Ok(fixed) = fix(repo("a: one\n"), Allowed::Safe, check(&[("one", "two"), ("two", "six")]));
    assert_eq!((fixed.applied, fixed.findings.diagnostics.len()), (2, 0));
}

#[test]
fn fixes_that_undo_each_other_come_to_an_end() {
    let Ok(fixed) = fix(repo("a: one\n"), Allowed::Safe, check(&[("one", "two"), ("two", "one")]));
    assert_eq!((fixed.applied, fixed.findings.diagnostics.len()), (ROUNDS, 1));
}

#[test]
fn clusters_that_disagree_are_left_to_a_person() {
    let Ok(fixed) = fix(repo("a: one\n"), Allowed::Unsafe, check(&[("one", "two"), ("one", "six")]));
    assert_eq!((fixed.applied, fixed.findings.diagnostics.len()), (0, 2));
}

#[test]
fn an_unsafe_fix_is_applied_only_where_that_is_allowed() {
    let unsafe_fix = |repo: &Repo| -> Result<Findings, Infallible> {
        let mut findings = check(&[("one", "two")])(repo)?;
        for fix in findings.diagnostics.iter_mut().filter_map(|finding| finding.fix.as_mut()) {
            fix.safety = FixSafety::Unsafe;
        }
        Ok(findings)
    };
    let Ok(safe) = fix(repo("a: one\n"), Allowed::Safe, unsafe_fix);
    let Ok(all) = fix(repo("a: one\n"), Allowed::Unsafe, unsafe_fix);
    assert_eq!((safe.applied, all.applied), (0, 1));
}
