//! gitops.yaml: the clusters of the fleet, the Flux release, and which findings matter.
//!
//! Owns the meaning of that file for validation, with the place of every word, so that a mistake in it is a finding like
//! any other. It knows no rule: ids are compared by those who have the table. Fields that are a generator's own
//! (`blueprint`, `parameters`) are passed over.
//!
//! ```
//! use gitops_gen::config;
//! use gitops_gen::text::FileSet;
//!
//! let text = "clusters:\n- name: fra1\n  path: clusters/fra1\nrules:\n  replicas-with-hpa: note\n";
//! let files = FileSet::from_texts([(config::FILE, text)]);
//! let (config, findings) = config::read(&files);
//! assert!(findings.is_empty());
//! assert_eq!(config.clusters[0].path.value.as_str(), "clusters/fra1");
//! ```

mod date;
mod level;
mod read;
mod suppress;

pub use crate::config::date::Date;
pub use crate::config::level::{Level, Levels};
pub use crate::config::read::{INVALID, read};
pub use crate::config::suppress::Suppression;

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::text::{RepoPath, Spanned};

/// JSON Schema of the file, without that of the parameters.
pub const SCHEMA: &str = include_str!("config/gitops.schema.json");

/// Where the file stands.
pub const FILE: &str = "gitops.yaml";

/// The newest format of the file that this program reads, its field `version`.
pub const VERSION: u64 = 1;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The Flux release that the clusters run, as written.
    pub flux: Option<Spanned<SmolStr>>,
    /// The clusters, in order; none where the layout tells.
    pub clusters: Vec<NamedCluster>,
    /// Levels of rules that differ from their own, by rule id.
    pub levels: BTreeMap<SmolStr, Levels>,
    /// Directories and files of the repository with schemas, in the order in which they are asked.
    pub schemas: Vec<Spanned<RepoPath>>,
    /// Files that are passed over, as lines of a .gitignore.
    pub exclude: Vec<Spanned<SmolStr>>,
    /// Findings that are accepted, in order.
    pub suppressions: Vec<Suppression>,
}

/// A cluster that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCluster {
    /// Its name, unique.
    pub name: Spanned<SmolStr>,
    /// The directory that Flux applies first.
    pub path: Spanned<RepoPath>,
}

impl Config {
    /// Returns `finding`, whose primary place is in `path`, as this configuration has it: with the level that its rule has
    /// there, or nothing where the rule is off.
    pub fn apply_level(&self, mut finding: Diagnostic, path: Option<&RepoPath>) -> Option<Diagnostic> {
        match self.levels.get(finding.rule).and_then(|levels| levels.at(path)) {
            None => Some(finding),
            Some(Level::Off) => None,
            Some(Level::At(severity)) => {
                // A note says that the defect could not be proven: no level makes it more certain.
                if finding.severity != Severity::Note || severity < finding.severity {
                    finding.severity = severity;
                }
                Some(finding)
            }
        }
    }

    /// Returns the first entry that accepts `finding` at `path` on the day `today`.
    pub fn suppression(&self, finding: &Diagnostic, path: Option<&RepoPath>, today: Date) -> Option<&Suppression> {
        self.suppressions.iter().find(|entry| !entry.has_expired(today) && entry.matches(finding, path))
    }
}
