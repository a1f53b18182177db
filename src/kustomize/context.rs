//! What one build carries along: the files it reads, what it found, and the resources so far.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::listing::Listing;
use crate::kustomize::openapi::OpenApi;
use crate::kustomize::transform::{Configuration, Variable};
use crate::kustomize::{Id, Mode, Outside, Resource, UnmatchedPatch};
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, SourceId, Span};

/// Rule ids of what kustomize refuses.
pub(crate) mod rule {
    /// A field of a kustomization file is unknown, has the wrong type or the wrong value.
    pub(crate) const INVALID: &str = "kustomization-invalid";
    /// A path names no file or directory.
    pub(crate) const MISSING: &str = "kustomization-path-missing";
    /// A path may not be read from where it is named.
    pub(crate) const RESTRICTED: &str = "kustomization-path-outside";
    /// Kustomization files include each other.
    pub(crate) const CYCLE: &str = "kustomization-cycle";
    /// A document that should be a Kubernetes object is none.
    pub(crate) const NOT_AN_OBJECT: &str = "kustomization-resource-invalid";
    /// Two resources have one id.
    pub(crate) const DUPLICATE: &str = "kustomization-resource-duplicate";
    /// A patch cannot be read or applied, or what it must change does not exist.
    pub(crate) const PATCH: &str = "kustomization-patch-fails";
    /// A generator cannot do what it says.
    pub(crate) const GENERATOR: &str = "kustomization-generator-fails";
    /// Any other transformer cannot do what it says.
    pub(crate) const TRANSFORMER: &str = "kustomization-transformer-fails";
}

/// The surroundings of one build.
pub(crate) struct Context<'a> {
    /// The parse cache.
    pub(crate) repo: &'a Repo,
    /// The files that are there, by the paths of this build.
    pub(crate) files: Listing<'a>,
    /// Whose rules are followed.
    pub(crate) mode: Mode,
    /// What patches merge by.
    pub(crate) openapi: OpenApi<'a>,
    /// What kustomize would refuse.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What is not in the repository.
    pub(crate) outside: Vec<Outside>,
    /// Patches whose target selects nothing.
    pub(crate) unmatched: Vec<UnmatchedPatch>,
    /// Files that took part.
    pub(crate) read: BTreeSet<SourceId>,
}

impl<'a> Context<'a> {
    /// Returns the surroundings of a build that has not begun.
    pub(crate) fn new(repo: &'a Repo, files: &'a FileSet, mode: Mode) -> Self {
        Self {
            repo,
            files: Listing::new(files),
            mode,
            openapi: OpenApi::new(mode),
            diagnostics: Vec::new(),
            outside: Vec::new(),
            unmatched: Vec::new(),
            read: BTreeSet::new(),
        }
    }

    /// Records an error of `rule` at `span`; `label` says what stands there.
    pub(crate) fn error(&mut self, rule: &'static str, message: impl Into<String>, span: Span, label: &'static str) {
        self.diagnostics.push(Diagnostic::new(rule, Severity::Error, message).label(span, label));
    }

    /// Returns the file that `reference`, written at `span` in a kustomization file of `dir`, names.
    ///
    /// Nothing, and a diagnostic, where it does not exist or may not be read from there.
    pub(crate) fn file(&mut self, dir: &RepoPath, reference: &str, span: Span) -> Option<(RepoPath, SourceId)> {
        if is_remote(reference) {
            self.outside.push(Outside { what: "remote file", reference: reference.into(), span });
            return None;
        }
        let path = match dir.join(reference) {
            Ok(path) => path,
            Err(error) => {
                self.error(rule::RESTRICTED, error.to_string(), span, "named here");
                return None;
            }
        };
        let Some(id) = self.files.id(&path) else {
            self.error(rule::MISSING, format!("there is no file `{path}`"), span, "named here");
            return None;
        };
        if self.mode != Mode::Flux && !path.is_below(dir) {
            let message = format!("`{path}` is not below `{dir}`, where kustomize may read files");
            self.error(rule::RESTRICTED, message, span, "named here");
            return None;
        }
        self.read.insert(id);
        Some((path, id))
    }
}

/// Returns whether `reference` names something on the network: a URL, or a Git repository in one of its short forms.
///
/// Source: kustomize v5.8.1, `api/internal/git/repospec.go`.
pub(crate) fn is_remote(reference: &str) -> bool {
    let reference = reference.trim_start();
    let starts = ["git::", "gh:", "git@", "github.com/", "github.com:", "bitbucket.org/", "gitlab.com/"];
    reference.contains("://") && !reference.starts_with('.') || starts.iter().any(|start| reference.starts_with(start))
}

/// The resources of a kustomization so far, and the rules that were collected with them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accumulator {
    /// In the order they were added.
    pub(crate) resources: Vec<Resource>,
    /// Field specs: the built-in ones and those of `configurations` and `crds`.
    pub(crate) configuration: Configuration,
    /// `vars` of this kustomization and those below.
    pub(crate) variables: Vec<Variable>,
}

impl Accumulator {
    /// Returns the positions of the resources that have, or ever had, an id that `matches`.
    pub(crate) fn positions_by_any_id(&self, matches: impl Fn(&Id) -> bool) -> Vec<usize> {
        let has = |resource: &Resource| resource.history.iter().any(&matches) || matches(&resource.id());
        self.resources.iter().enumerate().filter(|(_, resource)| has(resource)).map(|(at, _)| at).collect()
    }
}
