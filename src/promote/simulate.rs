//! Pushes and tags played against the policies: what each cluster runs, commit by commit.
//!
//! Each branch is a state of the files of its own; a cluster runs what its branch says. Automation follows each event.

use std::collections::{BTreeMap, BTreeSet};

use crate::flux::{self, Cluster, Fleet, ImageAutomation, Options, branch_of};
use crate::image::{self, MarkedFile, Mode};
use crate::promote::run::workloads;
use crate::promote::{
    Event, PromoteError, RollbackError, Rollout, Scope, TagLists, Workloads, automate, rollback, rollout, selections,
};
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath};

/// Branch of a cluster that does not say which it follows, where the automations of the fleet read several, or none.
const UNNAMED: &str = "an unnamed branch";

/// A commit that an event led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Branch.
    pub branch: String,
    /// Who makes it: an automation as `namespace/name`, or `gitops-gen rollback`.
    pub author: String,
    /// Files that it changes, sorted.
    pub paths: Vec<RepoPath>,
    /// Each value that it changes: before and after.
    pub changes: Vec<(String, String)>,
}

/// The state after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// What happened.
    pub event: Event,
    /// What was committed because of it.
    pub commits: Vec<Commit>,
    /// What each cluster runs: workload to references.
    pub clusters: BTreeMap<String, Workloads>,
    /// What Flagger makes of the workloads that changed, by cluster.
    pub rollouts: Vec<Rollout>,
}

/// A fleet on its way through events.
#[derive(Debug)]
pub struct Simulation {
    options: Options,
    /// Files of each branch.
    branches: BTreeMap<String, FileSet>,
    /// Directory and branch of each cluster.
    clusters: BTreeMap<String, (RepoPath, String)>,
    /// What each cluster runs by now.
    running: BTreeMap<String, Workloads>,
    lists: TagLists,
}

impl Simulation {
    /// Returns the fleet of `repo` with every branch at its files. The values at the markers are taken for tags that the
    /// registry has.
    pub fn new(repo: &Repo, fleet: &Fleet, options: &Options) -> Self {
        let mut out = Self {
            options: options.clone(),
            branches: BTreeMap::new(),
            clusters: BTreeMap::new(),
            running: BTreeMap::new(),
            lists: TagLists::default(),
        };
        let marked = image::marked_files(repo, Mode::Edit);
        let unsaid = only_branch(fleet).unwrap_or_else(|| UNNAMED.to_owned());
        for cluster in &fleet.clusters {
            let branch = branch_of(cluster).unwrap_or(&unsaid).to_owned();
            out.branches.insert(branch.clone(), repo.files().clone());
            out.clusters.insert(cluster.name.clone(), (cluster.path.clone(), branch));
            let automation = ImageAutomation::of(cluster);
            for written in automation.automations.iter().filter_map(|automation| automation.branch.clone()) {
                out.branches.insert(written, repo.files().clone());
            }
            for policy in automation.policies.values() {
                let values = marked.iter().flat_map(MarkedFile::values).filter(|value| value.policy == policy.name);
                if let Some(image) = automation.image_of(policy) {
                    out.lists.add(image, values.filter_map(|value| value.tag()));
                }
            }
        }
        let images: BTreeSet<&str> = out.lists.images().collect();
        let running = fleet.clusters.iter().map(|cluster| (cluster.name.clone(), workloads([cluster], &images)));
        out.running = running.collect();
        out
    }

    /// Returns the tags that the registry has by now.
    pub fn lists(&self) -> &TagLists {
        &self.lists
    }

    /// Returns the files of `branch` as they are by now.
    pub fn files(&self, branch: &str) -> Option<&FileSet> {
        self.branches.get(branch)
    }

    /// Plays one event and what automation makes of it.
    ///
    /// # Errors
    /// When the fleet has no such application, or a rollback is not possible.
    pub fn play(&mut self, event: &Event) -> Result<Moment, RollbackError> {
        let mut commits = Vec::new();
        let applications = self.applications();
        let images_of_app = |app: &str| {
            let known = applications.keys().map(String::as_str);
            applications.get(app).ok_or_else(|| PromoteError::unknown_app(app, known))
        };
        match event {
            Event::Pushed { app: None, tag } => self.push(applications.values().flatten(), tag),
            Event::Pushed { app: Some(app), tag } => self.push(images_of_app(app)?, tag),
            Event::RolledBack { app, to } => {
                images_of_app(app)?;
                commits.extend(self.roll_back(app, to)?);
            }
        }
        commits.extend(self.reconcile());
        let images: BTreeSet<&str> = self.lists.images().collect();
        let (mut running, mut rollouts) = (BTreeMap::new(), Vec::new());
        for name in self.clusters.keys() {
            let (_, fleet) = self.fleet_of(name);
            let found = workloads(&fleet.clusters, &images);
            let before = self.running.get(name);
            let has_changed = |rollout: &Rollout| {
                before.and_then(|before| before.get(&rollout.workload)) != found.get(&rollout.workload)
            };
            rollouts.extend(rollout::rollouts(&fleet.clusters, &images).into_iter().filter(has_changed));
            running.insert(name.clone(), found);
        }
        self.running.clone_from(&running);
        Ok(Moment { event: event.clone(), commits, clusters: running, rollouts })
    }

    fn fleet_of(&self, cluster: &str) -> (Repo, Fleet) {
        let (path, branch) = &self.clusters[cluster];
        let files = self.branches.get(branch).cloned().unwrap_or_default();
        let options = Options {
            clusters: [(cluster.to_owned(), path.clone())].into(),
            only: BTreeSet::new(),
            ..self.options.clone()
        };
        let repo = Repo::new(files);
        let fleet = flux::clusters(&repo, &options);
        (repo, fleet)
    }

    /// Returns the images of each application, by the name of its `ImageRepository`.
    fn applications(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in self.clusters.keys() {
            let (_, fleet) = self.fleet_of(name);
            for automation in fleet.clusters.iter().map(ImageAutomation::of) {
                for repository in automation.repositories.values() {
                    out.entry(repository.name.name.to_string()).or_default().insert(repository.image.to_owned());
                }
            }
        }
        out
    }

    fn push<'i>(&mut self, images: impl IntoIterator<Item = &'i String>, tag: &str) {
        for image in images {
            self.lists.add(image, [tag]);
        }
    }

    fn roll_back(&mut self, app: &str, to: &str) -> Result<Vec<Commit>, RollbackError> {
        let mut commits = Vec::new();
        for branch in self.branches.keys().cloned().collect::<Vec<_>>() {
            let of_branch: Vec<&String> =
                self.clusters.iter().filter(|(_, (_, on))| *on == branch).map(|(name, _)| name).collect();
            let has_policy = |cluster: &Cluster| {
                let policies = ImageAutomation::of(cluster).policies;
                policies.values().any(|policy| policy.repository.name == app)
            };
            let is_elected = of_branch.iter().any(|name| self.fleet_of(name).1.clusters.iter().any(has_policy));
            if !is_elected {
                continue;
            }
            let repo = Repo::new(self.branches[&branch].clone());
            let clusters = self
                .clusters
                .iter()
                .filter(|(_, (_, on))| *on == branch)
                .map(|(name, (path, _))| (name.clone(), path.clone()));
            let options = Options { clusters: clusters.collect(), only: BTreeSet::new(), ..self.options.clone() };
            let fleet = flux::clusters(&repo, &options);
            let known: Vec<String> = self.known_tags(&fleet, app);
            let done = rollback(&repo, &fleet, self.options.version, app, (to, &known))?;
            let paths: Vec<RepoPath> = done
                .files
                .iter()
                .map(|(path, _)| path.clone())
                .filter(|path| done.files.text(path) != repo.files().text(path))
                .collect();
            let steps = done.plan.steps.iter().map(|step| (step.old.clone(), step.new.clone()));
            let changes = steps.chain(done.ranges.iter().map(|range| (range.old.clone(), range.new.clone()))).collect();
            commits.push(Commit { branch: branch.clone(), author: "gitops-gen rollback".to_owned(), paths, changes });
            self.branches.insert(branch, done.files);
        }
        Ok(commits)
    }

    fn known_tags(&self, fleet: &Fleet, app: &str) -> Vec<String> {
        let mut tags = BTreeSet::new();
        for automation in fleet.clusters.iter().map(ImageAutomation::of) {
            for repository in automation.repositories.values().filter(|found| found.name.name == app) {
                tags.extend(self.lists.of(repository.image).unwrap_or_default().iter().cloned());
            }
        }
        tags.into_iter().collect()
    }

    /// Runs the automation of every cluster, each over the branch that it writes.
    fn reconcile(&mut self) -> Vec<Commit> {
        let mut commits = Vec::new();
        for name in self.clusters.keys().cloned().collect::<Vec<_>>() {
            let (_, fleet) = self.fleet_of(&name);
            let selected = selections(&fleet, &self.lists, self.options.version);
            for branch in self.branches.keys().cloned().collect::<Vec<_>>() {
                let scope = Scope { mode: Mode::Flux, branch: Some(&branch) };
                let (runs, _) = automate(&self.branches[&branch], &fleet, &selected, scope);
                for run in runs {
                    let Ok(update) = run.update else { continue };
                    if update.files.is_empty() {
                        continue;
                    }
                    let paths = update.files.keys().cloned().collect();
                    let changes = update.files.values().flat_map(|file| &file.changes);
                    let changes = changes.map(|change| (change.old.clone(), change.new.clone())).collect();
                    commits.push(Commit { branch: branch.clone(), author: run.automation.to_string(), paths, changes });
                    let texts = update.files.into_iter().map(|(path, file)| (path, file.text)).collect();
                    let files = self.branches[&branch].with_texts(texts);
                    self.branches.insert(branch.clone(), files);
                }
            }
        }
        commits
    }
}

/// Returns the branch that all automations of the fleet read, where it is one.
fn only_branch(fleet: &Fleet) -> Option<String> {
    let automation = fleet.clusters.iter().flat_map(|cluster| ImageAutomation::of(cluster).automations);
    let mut branches: BTreeSet<String> = automation.filter_map(|automation| automation.checkout).collect();
    branches.pop_first().filter(|_| branches.is_empty())
}
