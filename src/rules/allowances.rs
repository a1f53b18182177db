//! Findings that a comment beside their place accepts: `# gitops-gen: allow RULE -- REASON`.
//!
//! At the end of a line it counts for that line, on a line of its own for the line below, and above a document for the
//! whole document. It stands in the file that the finding points at, which is where the rendered value comes from.

use std::ops::Range;

use crate::config;
use crate::diagnostic::{Diagnostic, Severity};
use crate::repo::Repo;
use crate::rules::{self, nearest};
use crate::text::{SourceFile, SourceId, Span, line_end, line_start};
use crate::yaml::{Comment, CommentPlace, Parsed};

/// What every such comment begins with, after the `#`.
const PREFIX: &str = "gitops-gen:";

/// A rule that a comment allows to be broken.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Id of the rule.
    pub(super) rule: String,
    /// The comment.
    pub(super) span: Span,
    source: SourceId,
    /// The bytes that it counts for.
    bytes: Range<usize>,
}

impl Allowance {
    /// Returns whether it accepts `finding`.
    pub(super) fn accepts(&self, finding: &Diagnostic, place: Option<SourceId>) -> bool {
        finding.rule == self.rule
            && place == Some(self.source)
            && finding.span().is_some_and(|span| self.bytes.contains(&span.range().start))
    }
}

/// Returns what the comments of the repository's YAML files allow, by path and byte, and what is wrong with them.
pub(super) fn read(repo: &Repo) -> (Vec<Allowance>, Vec<Diagnostic>) {
    let mut allowances = Vec::new();
    let mut findings = Vec::new();
    // Most files have none: the text is searched before anything is parsed.
    for (_, source) in repo.holding(PREFIX).into_iter().filter(|(path, _)| path.is_yaml()) {
        let Some(text) = repo.source(source).map(SourceFile::text) else { continue };
        let Some(parsed) = repo.yaml(source) else { continue };
        for comment in &parsed.comments {
            let written = text.get(comment.span.range()).unwrap_or_default();
            let Some(said) = written.trim_start_matches('#').trim().strip_prefix(PREFIX) else { continue };
            match allowed(said, comment.span) {
                Ok(rules) => allowances.extend(rules.into_iter().map(|rule| Allowance {
                    rule: rule.to_owned(),
                    span: comment.span,
                    source,
                    bytes: scope(text, parsed, comment),
                })),
                Err(finding) => findings.push(*finding),
            }
        }
    }
    (allowances, findings)
}

/// Returns the rules that ` allow RULE, RULE -- REASON` names.
fn allowed(said: &str, span: Span) -> Result<Vec<&str>, Box<Diagnostic>> {
    let refuse = |message: String, label: &'static str| {
        Box::new(Diagnostic::new(config::INVALID, Severity::Error, message).label(span, label))
    };
    let Some(rest) = said.trim().strip_prefix("allow ") else {
        let finding = refuse("a comment for gitops-gen says nothing that it knows".to_owned(), "not understood");
        return Err(Box::new(finding.help("write `# gitops-gen: allow RULE -- REASON`")));
    };
    let (rules, reason) = rest.split_once("--").unwrap_or((rest, ""));
    let rules: Vec<&str> = rules.split(',').map(str::trim).collect();
    if reason.trim().is_empty() {
        let message = format!("a finding of `{}` is accepted without a reason", rules.join("`, `"));
        return Err(Box::new(refuse(message, "no reason").help("add one behind ` -- `")));
    }
    if let Some(unknown) = rules.iter().find(|rule| rules::find(rule).is_none()) {
        let finding = refuse(format!("there is no rule `{unknown}`"), "no rule has this id");
        return Err(Box::new(match nearest(unknown, rules::all().map(|known| known.id)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("see `gitops-gen rules`"),
        }));
    }
    Ok(rules)
}

/// Returns the bytes of `text` that `comment` counts for.
fn scope(text: &str, parsed: &Parsed, comment: &Comment) -> Range<usize> {
    let range = comment.span.range();
    if comment.place == CommentPlace::AfterContent {
        return line_start(text, range.start)..line_end(text, range.end);
    }
    let mut line = line_end(text, range.end);
    let is_passed = |line: &str| line.trim_start().starts_with('#') || line.starts_with("---");
    while line < text.len() && is_passed(&text[line..line_end(text, line)]) {
        line = line_end(text, line);
    }
    let below = line..line_end(text, line);
    let document = parsed.documents.iter().find(|document| below.contains(&document.span.range().start));
    document.map_or(below.clone(), |document| below.start..document.span.range().end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;

    /// The lines, from 1, that the only comment of `text` counts for.
    fn lines(text: &str) -> Vec<usize> {
        let repo = Repo::new(FileSet::from_texts([("a.yaml", text)]));
        let (allowances, findings) = read(&repo);
        assert!(findings.is_empty(), "{findings:?}");
        let [allowance] = allowances.as_slice() else { panic!("{allowances:?}") };
        let starts = text.split_inclusive('\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some(start)
        });
        starts.enumerate().filter(|(_, start)| allowance.bytes.contains(start)).map(|(number, _)| number + 1).collect()
    }

    #[test]
    fn a_comment_counts_for_its_line_the_line_below_or_the_document_below() {
        let comment = "# gitops-gen: allow secret-plaintext -- a test key";
        assert_eq!(lines(&format!("a: 1\nb: 2 {comment}\nc: 3\n")), [2]);
        assert_eq!(lines(&format!("a: 1\n{comment}\n# more\nb: 2\nc: 3\n")), [4]);
        assert_eq!(lines(&format!("list:\n  {comment}\n  - b: 2\n    c: 3\n")), [3]);
        assert_eq!(lines(&format!("{comment}\na: 1\nb: 2\n---\nc: 3\n")), [2, 3]);
        assert_eq!(lines(&format!("a: 1\n---\n{comment}\nb: 2\nc: 3\n")), [4, 5]);
        assert_eq!(lines(&format!("{comment}\n---\nb: 2\nc: 3\n")), [3, 4]);
    }

    #[test]
    fn a_comment_that_cannot_be_followed_is_a_finding() {
        for (comment, message) in [
            ("allow secret-plaintext", "a finding of `secret-plaintext` is accepted without a reason"),
            ("allow secret-plaintext --  ", "a finding of `secret-plaintext` is accepted without a reason"),
            ("allow secret-plaintxt -- x", "there is no rule `secret-plaintxt`"),
            ("ignore secret-plaintext -- x", "a comment for gitops-gen says nothing that it knows"),
        ] {
            let repo = Repo::new(FileSet::from_texts([("a.yaml", format!("a: 1 # gitops-gen: {comment}\n"))]));
            let (allowances, findings) = read(&repo);
            assert!(allowances.is_empty());
            assert_eq!(findings[0].message, message);
        }
    }
}
