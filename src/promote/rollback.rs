//! A rollback that automation does not undo.
//!
//! A plain revert does not hold: the policy still selects the newest version, and the next run of the automation writes
//! it again. So the policy has to leave out what is newer.

use crate::flux::{Fleet, FluxVersion};
use crate::image::{self, Choice, Constraint, ConstraintError, MarkedFile, Outcome, Policy, Version};
use crate::kube::NamespacedName;
use crate::promote::plan::{AppPolicy, edited, policies_of};
use crate::promote::{Plan, PromoteError, plan};
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, Span};
use crate::yaml::Node;

/// More versions than these are left out by a bound, which holds up later releases too.
const MOST_EXCLUDED: usize = 4;

/// A rollback.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// The values that go back.
    pub plan: Plan,
    /// Ranges of policies that are narrowed, by policy.
    pub ranges: Vec<NarrowedRange>,
    /// The files after it.
    pub files: FileSet,
    /// Why it holds, each a sentence.
    pub reasons: Vec<String>,
}

impl Rollback {
    /// Returns what a commit of the rollback says: a title, each value that changes, and why it holds.
    pub fn commit_message(&self) -> String {
        let Plan { app, version, .. } = &self.plan;
        let reasons: Vec<String> = self.reasons.iter().map(|reason| format!("\n{reason}.\n")).collect();
        format!("Roll back {app} to {version}\n{}{}", self.plan.changes(), reasons.concat())
    }
}

/// A range that a rollback narrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarrowedRange {
    /// The policy.
    pub policy: NamespacedName,
    /// The file.
    pub path: RepoPath,
    /// The value.
    pub span: Span,
    /// Its text.
    pub old: String,
    /// Its text after the rollback.
    pub new: String,
}

/// Why there is no rollback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RollbackError {
    /// There is no plan to that version.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// Only ranges of versions can be narrowed.
    #[error("roll back ImagePolicy `{0}`: it has no range of versions to narrow; suspend its automation")]
    NoRange(String),
    /// The narrowed range is none.
    #[error("narrow the range of ImagePolicy `{policy}`")]
    Range {
        /// The policy.
        policy: String,
        /// Why not.
        source: ConstraintError,
    },
    /// The narrowed policy still selects another version.
    #[error("roll back ImagePolicy `{policy}`: it would still select `{selected}`")]
    NotHeld {
        /// The policy.
        policy: String,
        /// What it selects.
        selected: String,
    },
}

/// Returns the rollback of `app` to `to`, where `known` are the tags that the registry is known to have.
///
/// # Errors
/// When there is no such application or version, or no edit of a range holds it.
pub fn rollback(
    repo: &Repo,
    fleet: &Fleet,
    version: FluxVersion,
    app: &str,
    target: (&str, &[String]),
) -> Result<Rollback, RollbackError> {
    let (to, known) = target;
    let plan = plan(repo, fleet, version, app, (Some(to), known))?;
    let mut reasons = Vec::new();
    let mut ranges: Vec<NarrowedRange> = Vec::new();
    // What is written now is in the registry too.
    let written = image::marked_files(repo, image::Mode::Edit);
    for policy in policies_of(fleet, app, version)? {
        let grammar = version.image_grammar();
        if !matches!(image::select(&policy.policy, &[to], grammar), Outcome::Selected(_)) {
            continue;
        }
        let at_markers = written.iter().flat_map(MarkedFile::values).filter(|value| value.policy == policy.name);
        let all: Vec<&str> =
            known.iter().map(String::as_str).chain(at_markers.filter_map(|value| value.tag())).chain([to]).collect();
        let tags = image::scan(all.iter().copied(), &[]);
        if image::select(&policy.policy, &tags, grammar).tag() == Some(to) {
            reasons.push(format!("ImagePolicy `{}` selects `{to}` as it is", policy.name));
            continue;
        }
        let (span, old, new) = narrowed(&policy, to, &tags, version)?;
        reasons.push(format!("ImagePolicy `{}` gets the range `{new}`: automation does not go beyond it", policy.name));
        let path = repo.sources().path(span).cloned().unwrap_or_else(RepoPath::root);
        ranges.push(NarrowedRange { policy: policy.name.clone(), path, span, old, new });
    }
    let values = plan.steps.iter().map(|step| (step.span, step.old.as_str(), step.new.as_str()));
    let edits = ranges.iter().map(|range| (range.span, range.old.as_str(), range.new.as_str()));
    let files = edited(repo, values.chain(edits))?;
    Ok(Rollback { plan, ranges, files, reasons })
}

/// Returns the place of the range, its text and the text that leaves out whatever the policy prefers to `to`.
fn narrowed(
    policy: &AppPolicy<'_>,
    to: &str,
    tags: &[&str],
    version: FluxVersion,
) -> Result<(Span, String, String), RollbackError> {
    let grammar = version.image_grammar();
    let name = policy.name.to_string();
    let range = policy.spec.and_then(|spec| spec.at(&["policy", "semver", "range"]));
    let text = range.and_then(Node::as_str);
    let parsed = |tag: &str| Version::of_tag(&image::key_of(&policy.policy, tag)?, grammar);
    let (Some(range), Some(text), Choice::Semver(constraint), Some(goal)) =
        (range, text, &policy.policy.choice, parsed(to))
    else {
        return Err(RollbackError::NoRange(name));
    };
    let mut newer: Vec<Version> = tags.iter().filter_map(|tag| parsed(tag)).collect();
    newer.retain(|version| *version > goal && constraint.accepts(version));
    newer.sort();
    newer.dedup();
    let bound = if newer.len() > MOST_EXCLUDED {
        format!(" <={goal}")
    } else {
        newer.iter().map(|version| [" !=", &version.to_string()].concat()).collect::<Vec<_>>().concat()
    };
    let new = text.split("||").map(|group| format!("{}{bound}", group.trim_end())).collect::<Vec<_>>().join(" ||");
    let narrowed =
        Constraint::parse(&new, grammar).map_err(|source| RollbackError::Range { policy: name.clone(), source })?;
    let held = Policy { choice: Choice::Semver(narrowed), filter: policy.policy.filter.clone() };
    match image::select(&held, tags, grammar).tag() {
        Some(selected) if selected == to => Ok((range.span, text.to_owned(), new)),
        selected => Err(RollbackError::NotHeld { policy: name, selected: selected.unwrap_or("nothing").to_owned() }),
    }
}
