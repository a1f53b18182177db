//! Remedies, put into the files: edits in, files out, with a proof that nothing else changed.
//!
//! Owns which fixes go together and the proof; it decides no finding and writes no disk.
//!
//! ```
//! use gitops_gen::apply::{self, Allowed};
//! use gitops_gen::diagnostic::{Diagnostic, Edit, Findings, Fix, FixSafety, Severity};
//! use gitops_gen::repo::Repo;
//! use gitops_gen::text::{FileSet, Span};
//!
//! let check = |repo: &Repo| -> Result<Findings, std::convert::Infallible> {
//!     let (path, source) = repo.files().iter().next().expect("one file");
//!     let mut findings = Findings::default();
//!     if repo.files().text(path) == Some("a: 1\n") {
//!         let edits = vec![Edit { span: Span::new(source, 3..4), replacement: "2".to_owned() }];
//!         let fix = Fix { title: "write `2`".to_owned(), edits, safety: FixSafety::Safe };
//!         findings.diagnostics.push(Diagnostic::new("some-rule", Severity::Error, "wrong").fix(fix));
//!     }
//!     Ok(findings)
//! };
//! let repo = Repo::new(FileSet::from_texts([("a.yaml", "a: 1\n")]));
//! let Ok(fixed) = apply::fix(repo, Allowed::Safe, check);
//! assert_eq!(fixed.applied, 1);
//! assert!(fixed.findings.diagnostics.is_empty());
//! ```

mod choose;
mod proof;

use std::collections::BTreeMap;

use crate::apply::choose::{choose, rivals};
use crate::diagnostic::{Edit, Findings, Fix, FixSafety};
use crate::kustomize;
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, SourceId, spliced};

/// How often findings are looked for again after fixes were applied: one remedy may make room for the next.
const ROUNDS: usize = 8;

/// Which fixes may be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Those that leave the meaning, or mend what could not work.
    Safe,
    /// Those that may change the meaning too.
    Unsafe,
}

impl Allowed {
    /// Returns whether a fix of this safety may be applied.
    pub fn allows(self, safety: FixSafety) -> bool {
        self == Self::Unsafe || safety == FixSafety::Safe
    }
}

/// What fixing came to.
#[derive(Debug)]
pub struct Fixed {
    /// The files after it.
    pub repo: Repo,
    /// What is still found in them.
    pub findings: Findings,
    /// Number of fixes that were applied.
    pub applied: usize,
}

/// Applies the fixes of what `check` finds in `repo`, and of what it finds then, for at most eight rounds.
///
/// # Errors
/// Those of `check`.
pub fn fix<E>(mut repo: Repo, allowed: Allowed, check: impl Fn(&Repo) -> Result<Findings, E>) -> Result<Fixed, E> {
    let mut applied = 0;
    let mut findings = check(&repo)?;
    for _ in 0..ROUNDS {
        let fixes = allowed_fixes(&findings, allowed);
        let Some((tree, count)) = apply(&repo, &fixes) else { break };
        applied += count;
        repo = Repo::new(tree);
        findings = check(&repo)?;
    }
    Ok(Fixed { repo, findings, applied })
}

/// Returns the fixes of `findings` that may be applied, without those that contradict each other.
fn allowed_fixes(findings: &Findings, allowed: Allowed) -> Vec<&Fix> {
    let fixes = findings.diagnostics.iter().filter_map(|finding| finding.fix.as_ref());
    let fixes: Vec<&Fix> = fixes.filter(|fix| allowed.allows(fix.safety) && !fix.edits.is_empty()).collect();
    let rivals = rivals(&fixes);
    fixes.into_iter().filter(|fix| !rivals.contains(&fix.edits.as_slice())).collect()
}

/// Returns the files with `fixes` applied, and how many were; nothing where none can be.
fn apply(repo: &Repo, fixes: &[&Fix]) -> Option<(FileSet, usize)> {
    let chosen = choose(fixes);
    if let Some(tree) = apply_all(repo, &chosen) {
        return Some((tree, chosen.len()));
    }
    // Some fix is not what it claims to be, or two do not go together: each has to prove itself beside those before it.
    let mut sound: Vec<&Fix> = Vec::new();
    let mut tree = None;
    for fix in chosen {
        sound.push(fix);
        if let Some(applied) = apply_all(repo, &sound) {
            tree = Some(applied);
        } else {
            sound.pop();
        }
    }
    tree.map(|tree| (tree, sound.len()))
}

/// Returns the files with every one of `fixes`, which do not overlap, if the proof succeeds for each file.
fn apply_all(repo: &Repo, fixes: &[&Fix]) -> Option<FileSet> {
    let mut edits: BTreeMap<SourceId, Vec<&Edit>> = BTreeMap::new();
    for edit in fixes.iter().flat_map(|fix| &fix.edits) {
        edits.entry(edit.span.source).or_default().push(edit);
    }
    let mut texts: BTreeMap<RepoPath, String> = BTreeMap::new();
    for (source, mut edits) in edits {
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let file = repo.source(source)?;
        let text = spliced(file.text(), edits.iter().map(|edit| (edit.span.range(), edit.replacement.as_str())))?;
        // What is no YAML, such as a script that a generator reads, has no structure to keep.
        let is_yaml = file.path().is_yaml() || kustomize::FILE_NAMES.contains(&file.path().name());
        if is_yaml && !proof::only_targets_change(source, repo.yaml(source)?, &text, &edits) {
            return None;
        }
        texts.insert(file.path().clone(), text);
    }
    (!texts.is_empty()).then(|| repo.files().with_texts(texts))
}

#[cfg(test)]
mod tests;
