//! Findings that the owners of a repository accept.

use smol_str::SmolStr;

use crate::config::Date;
use crate::diagnostic::Diagnostic;
use crate::text::{RepoPath, Spanned};

/// One entry of `suppress`: findings of a rule that are accepted, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Id of the rule.
    pub rule: Spanned<SmolStr>,
    /// File, or directory with everything below it; everywhere where it is absent.
    pub path: Option<Spanned<RepoPath>>,
    /// Name of the cluster; all where it is absent.
    pub cluster: Option<Spanned<SmolStr>>,
    /// Why it is accepted.
    pub reason: Spanned<SmolStr>,
    /// Last day on which it counts.
    pub until: Option<Spanned<Date>>,
}

impl Suppression {
    /// Returns whether it counts no more on the day `today`.
    pub fn has_expired(&self, today: Date) -> bool {
        self.until.as_ref().is_some_and(|until| until.value < today)
    }

    /// Returns whether it is about `finding`, whose primary place is in `path`.
    pub fn matches(&self, finding: &Diagnostic, path: Option<&RepoPath>) -> bool {
        let in_path = self.path.as_ref().is_none_or(|wanted| {
            let wanted = &wanted.value;
            path.is_some_and(|path| wanted.is_root() || path == wanted || path.is_below(wanted))
        });
        let in_cluster =
            self.cluster.as_ref().is_none_or(|wanted| finding.cluster.as_deref() == Some(wanted.value.as_str()));
        finding.rule == self.rule.value && in_path && in_cluster
    }
}
