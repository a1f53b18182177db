//! What a branch brought in: findings that its base does not have.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Findings};
use crate::repo::Repo;
use crate::text::line_start;

/// Leaves of `findings` in `repo` only those that `base`, found in `base_repo`, does not have, and returns how many went.
///
/// A finding is the same where rule, cluster, file and message are: lines may have moved. Of several that are equal in
/// these the ones on lines that the base has too are the old ones. In a file that was renamed the line has to be the same.
pub fn brought_in(findings: &mut Findings, repo: &Repo, base: &Findings, base_repo: &Repo) -> usize {
    let before = findings.diagnostics.len();
    let mut left: Vec<(&Diagnostic, Identity)> = with_identity(&base.diagnostics, base_repo);
    let all = findings.diagnostics.clone();
    let mut new = with_identity(&all, repo);
    // The surest likeness first, so that an old finding is not taken for another one's.
    for likeness in [Likeness::Line, Likeness::Message, Likeness::Renamed] {
        let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for (_, identity) in &left {
            *known.entry(identity.key(likeness)).or_default() += 1;
        }
        let mut matched: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        new.retain(|(_, identity)| {
            let key = identity.key(likeness);
            let Some(count) = known.get_mut(&key).filter(|count| **count > 0) else { return true };
            *count -= 1;
            *matched.entry(key).or_default() += 1;
            false
        });
        left.retain(|(_, identity)| {
            let Some(count) = matched.get_mut(&identity.key(likeness)).filter(|count| **count > 0) else { return true };
            *count -= 1;
            false
        });
    }
    findings.diagnostics = new.into_iter().map(|(finding, _)| finding.clone()).collect();
    before - findings.diagnostics.len()
}

/// In what two findings have to be equal.
#[derive(Debug, Clone, Copy)]
enum Likeness {
    /// In everything, also in the text of the line.
    Line,
    /// In all but the text of the line.
    Message,
    /// In all but the file.
    Renamed,
}

/// By what a finding is recognised.
struct Identity {
    /// Rule, cluster and message.
    what: [String; 3],
    file: String,
    line: String,
}

impl Identity {
    fn key(&self, likeness: Likeness) -> Vec<String> {
        let mut key = self.what.to_vec();
        match likeness {
            Likeness::Line => key.extend([self.file.clone(), self.line.clone()]),
            Likeness::Message => key.push(self.file.clone()),
            Likeness::Renamed => key.push(self.line.clone()),
        }
        key
    }
}

fn with_identity<'a>(diagnostics: &'a [Diagnostic], repo: &Repo) -> Vec<(&'a Diagnostic, Identity)> {
    diagnostics.iter().map(|finding| (finding, identity(finding, repo))).collect()
}

fn identity(finding: &Diagnostic, repo: &Repo) -> Identity {
    let cluster = finding.cluster.clone().unwrap_or_default();
    let what = [finding.rule.to_owned(), cluster, finding.message.clone()];
    let place = finding.span().and_then(|span| Some((repo.source(span.source)?, span.range().start)));
    let Some((file, at)) = place else { return Identity { what, file: String::new(), line: String::new() } };
    let text = file.text();
    let line = text.get(line_start(text, at)..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    Identity { what, file: file.path().to_string(), line: line.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::text::{FileSet, Span};

    /// Returns a repository and a finding at every `x` of its files.
    fn found(files: &[(&str, &str)]) -> (Repo, Findings) {
        let repo = Repo::new(FileSet::from_texts(files.iter().copied()));
        let mut findings = Findings::default();
        for (path, source) in repo.files().iter() {
            for (at, _) in repo.files().text(path).unwrap().match_indices('x') {
                let finding = Diagnostic::new("some-rule", Severity::Error, "wrong");
                findings.diagnostics.push(finding.label(Span::new(source, at..at + 1), "here"));
            }
        }
        (repo, findings)
    }

    /// Returns the lines of the findings that `head` has and `base` has not.
    fn new(base: &[(&str, &str)], head: &[(&str, &str)]) -> Vec<usize> {
        let (base_repo, base) = found(base);
        let (repo, mut findings) = found(head);
        let (before, known) = (findings.diagnostics.len(), base.diagnostics.len());
        let went = brought_in(&mut findings, &repo, &base, &base_repo);
        assert!(went <= known && went + findings.diagnostics.len() == before);
        findings.diagnostics.iter().map(|finding| repo.sources().start(finding.span().unwrap()).unwrap().line).collect()
    }

    #[test]
    fn a_finding_that_moved_is_not_new() {
        assert_eq!(new(&[("a", "x\n")], &[("a", "\n\n  x\n")]), [0_usize; 0]);
        assert_eq!(new(&[("a", "x\n")], &[("b", "# renamed\nx\n")]), [0_usize; 0]);
        assert_eq!(new(&[("a", "a: x\n")], &[("a", "a: 1 x\n")]), [0_usize; 0], "its line may change");
    }

    #[test]
    fn of_equal_findings_the_one_on_the_new_line_is_new() {
        assert_eq!(new(&[("a", "a: x\nb: x\n")], &[("a", "c: x\na: x\nb: x\n")]), [1]);
        assert_eq!(new(&[], &[("a", "x\n")]), [1]);
        assert_eq!(new(&[("a", "a: x\n")], &[("a", "a: x\n"), ("b", "b: x\n")]), [1]);
    }

    #[test]
    fn another_cluster_makes_another_finding() {
        let (repo, findings) = found(&[("a", "x\n")]);
        let mut other = findings.clone();
        other.diagnostics[0].cluster = Some("nyc1".to_owned());
        assert_eq!(brought_in(&mut other, &repo, &findings, &repo), 0);
    }
}
