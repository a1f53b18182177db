//! `--changed-since`: what a branch brought in.

use crate::cli::CliError;
use crate::cli::tree;
use crate::cli::validate::{Args, check};
use crate::diagnostic::{Findings, NotChecked};
use crate::git;
use crate::repo::Repo;
use crate::rules;

/// What is found in the revision that a branch began at.
pub(super) struct Base {
    revision: String,
    repo: Repo,
    findings: Findings,
}

/// Returns the base of `args`, where they name one.
pub(super) fn base(args: &Args) -> Result<Option<Base>, CliError> {
    let Some(revision) = args.changed_since.clone() else { return Ok(None) };
    let commit = git::merge_base(&args.directory, &revision)?.unwrap_or_else(|| revision.clone());
    let repo = Repo::new(git::read_revision(&args.directory, &commit)?);
    let repo = tree::without_excluded(repo, &args.exclude)?;
    let findings = match check(args, &repo, &[]) {
        // A cluster that the branch adds had no findings.
        Err(CliError::UnknownCluster { .. }) => Findings::default(),
        found => found?,
    };
    Ok(Some(Base { revision, repo, findings }))
}

impl Base {
    /// Leaves of `findings` those that are new, and says how many are not.
    pub(super) fn leave_new(&self, findings: &mut Findings, repo: &Repo) {
        let old = rules::brought_in(findings, repo, &self.findings, &self.repo);
        if old > 0 {
            let what = if old == 1 { "1 finding".to_owned() } else { format!("{old} findings") };
            let why = format!("they are in `{}` already", self.revision);
            findings.not_checked.push(NotChecked { why: why.into(), what, span: None });
            findings.sort(repo.sources());
        }
    }
}
