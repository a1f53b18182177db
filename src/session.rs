//! A repository that is validated again and again while it changes.
//!
//! Owns what outlives one run: parsed files, builds, the verdicts of schemas and what rules found are kept for as long as nothing
//! that they came from changed. What it finds is what a fresh [`validate`](crate::rules::validate) of the same files would find.
//! It knows neither disks nor editors: edits arrive as values.
//!
//! ```
//! use gitops_gen::session::{Session, Settings};
//! use gitops_gen::text::{Content, FileSet, RepoPath};
//!
//! let mut session = Session::new(FileSet::from_texts([("a.yaml", "kind: Service\nkind: Service\n")]), Settings::default());
//! assert_eq!(session.findings().diagnostics[0].rule, "yaml-duplicate-key");
//! let path = RepoPath::new("a.yaml").expect("a path inside the repository");
//! session.update([(path, Some(Content::Text("kind: Service\n".into())))]);
//! assert!(session.findings().diagnostics.is_empty());
//! ```

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use crate::config::Date;
use crate::diagnostic::Findings;
use crate::flux::{Fleet, FluxVersion, Options, Revision};
use crate::repo::{Changes, Repo};
use crate::rules::{self, Context, Verdicts};
use crate::schema::SchemaLocation;
use crate::text::{Content, FileSet, RepoPath};

/// What a session is told beside the files.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which clusters are wanted; what it leaves open gitops.yaml or the layout of the repository decides.
    pub options: Options,
    /// Names of the clusters that findings are wanted of; empty: all.
    pub reported: BTreeSet<String>,
    /// Release line whose behaviour is followed; nothing: what gitops.yaml says.
    pub version: Option<FluxVersion>,
    /// Schemas from outside the repository.
    pub schemas: Vec<Arc<SchemaLocation>>,
    /// The day on which accepted findings may have expired; nothing: none has.
    pub today: Option<Date>,
}

/// A repository and what is wrong with it, kept up to date.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    repo: Repo,
    revision: Revision,
    verdicts: Verdicts,
    findings: Findings,
}

impl Session {
    /// Validates `files`.
    pub fn new(files: FileSet, settings: Settings) -> Self {
        let repo = Repo::new(files);
        let mut session = Self {
            revision: Revision::new(&repo, &settings.options(&repo)),
            settings,
            repo,
            verdicts: Verdicts::default(),
            findings: Findings::default(),
        };
        session.check();
        session
    }

    /// Takes over `edits` (the new content of a path, or nothing where its file is gone), validates again what they
    /// touch, and returns what they changed.
    pub fn update(&mut self, edits: impl IntoIterator<Item = (RepoPath, Option<Content>)>) -> Changes {
        let (repo, changes) = self.repo.updated(edits);
        if changes.is_empty() {
            return changes;
        }
        self.verdicts.forget(&self.repo, &repo, &changes);
        self.repo = repo;
        let options = self.settings.options(&self.repo);
        self.revision = mem::take(&mut self.revision).next(&self.repo, &options, &changes);
        self.check();
        changes
    }

    fn check(&mut self) {
        let version = self.settings.options(&self.repo).version;
        let schemas = self.settings.schemas.clone();
        let known = mem::take(&mut self.verdicts);
        let context = Context::knowing(known, &self.repo, &self.revision.fleet, version, schemas)
            .reporting(self.settings.reported.iter().cloned())
            .on(self.settings.today);
        (self.findings, self.verdicts) = rules::check_and_remember(context);
    }

    /// Returns the files as they are now.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Returns the clusters as they are now.
    pub fn fleet(&self) -> &Fleet {
        &self.revision.fleet
    }

    /// Returns what is wrong now, sorted by place.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }
}

impl Settings {
    fn options(&self, repo: &Repo) -> Options {
        self.options.clone().configured(self.version, repo.config(), repo.files())
    }
}
