//! The whole flow in a Git repository: what the automation of each branch commits, and what every cluster then runs.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{Repository, Signature};
use gitops_gen::flux::{self, Options};
use gitops_gen::git;
use gitops_gen::image::Mode;
use gitops_gen::promote::{self, Scope, TagLists};
use gitops_gen::repo::Repo;
use gitops_gen::text::FileSet;

use crate::{BUILDS, repository, run, said};

const APPS: [&str; 2] = ["candles", "trades"];
const ROLLBACK: &str = "rollback/v1.0.0";

/// A repository with the branches of production and staging, and the tags that the registry has.
struct Flow {
    root: tempfile::TempDir,
    lists: TagLists,
}

/// Returns the branch that `cluster` follows.
fn branch_of(cluster: &str) -> &'static str {
    if cluster == "staging" { "stage" } else { "main" }
}

impl Flow {
    fn new() -> Self {
        let root = repository();
        let git = Repository::open(root.path()).expect("it is a repository");
        let head = git.head().and_then(|head| head.peel_to_commit()).expect("it has a commit");
        git.branch("stage", &head, false).expect("there is no such branch");
        let mut lists = TagLists::default();
        for app in APPS {
            lists.add(&image(app), ["v0.1.0"]);
        }
        Self { root, lists }
    }

    fn files(&self, branch: &str) -> FileSet {
        git::read_revision(self.root.path(), branch).expect("the branch is there")
    }

    /// The registry gets an image of each app with this tag, and the automations of both branches commit.
    fn push(&mut self, tag: &str) -> Vec<usize> {
        for app in APPS {
            self.lists.add(&image(app), [tag]);
        }
        ["main", "stage"].into_iter().map(|branch| self.automate(branch, tag)).collect()
    }

    /// Commits what the automation of `branch` writes; returns how many lines that changes.
    fn automate(&self, branch: &str, message: &str) -> usize {
        // The automation runs in the elected cluster, which follows main.
        let repo = Repo::new(self.files("main"));
        let options = Options::default().configured(None, repo.config(), repo.files());
        let fleet = flux::clusters(&repo, &options);
        let selected = promote::selections(&fleet, &self.lists, options.version);
        let before = self.files(branch);
        let scope = Scope { mode: Mode::Flux, branch: Some(branch) };
        let (runs, after) = promote::automate(&before, &fleet, &selected, scope);
        let updates = runs.iter().map(|run| run.update.as_ref().expect("the run succeeds"));
        let changes: usize = updates.flat_map(|update| update.files.values()).map(|file| file.changes.len()).sum();
        if changes == 0 {
            return 0;
        }
        let (added, removed) = commit(self.root.path(), branch, &before, &after, message);
        assert_eq!((added, removed), (changes, changes), "{branch}, {message}: one line for each marker");
        changes
    }

    /// Asserts what every cluster runs: `primary` in production, `build` in its canary and in staging, nothing elsewhere.
    fn assert_images(&self, primary: &str, build: &str) {
        let options = Options::default();
        let names: Vec<String> = {
            let repo = Repo::new(self.files("main"));
            flux::clusters(&repo, &options).clusters.iter().map(|cluster| cluster.name.clone()).collect()
        };
        assert_eq!(names, ["fra1", "local", "nyc1", "staging"]);
        for name in names {
            let repo = Repo::new(self.files(branch_of(&name)));
            let fleet = flux::clusters(&repo, &options);
            let cluster = fleet.clusters.iter().find(|cluster| cluster.name == name).expect("every branch has it");
            let mut found = BTreeMap::new();
            for app in APPS {
                for (workload, references) in promote::images_of(cluster, &image(app)) {
                    let tags: Vec<String> = references.iter().filter_map(|reference| tag_of(reference)).collect();
                    found.insert(workload, tags.join(", "));
                }
            }
            let expected: &[(&str, &str)] = match name.as_str() {
                // What is built on the machine itself.
                "local" => &[],
                "staging" => &[("candles", build), ("trades", build)],
                _ => &[("candles", primary), ("candles-canary", build), ("trades", primary)],
            };
            let expected: BTreeMap<String, String> = expected
                .iter()
                .map(|(app, tag)| (format!("Deployment crypto-trading/{app}"), (*tag).to_owned()))
                .collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}

fn image(app: &str) -> String {
    format!("ghcr.io/gitops-gen/{app}")
}

fn tag_of(reference: &str) -> Option<String> {
    reference.rsplit_once(':').map(|(_, tag)| tag.to_owned())
}

/// Commits the files of `after` that `before` has otherwise on `branch`; returns the lines that came and went.
fn commit(root: &Path, branch: &str, before: &FileSet, after: &FileSet, message: &str) -> (usize, usize) {
    let git = Repository::open(root).expect("it is a repository");
    let parent = git.find_branch(branch, git2::BranchType::Local).and_then(|found| found.get().peel_to_commit());
    let parent = parent.expect("the branch has a commit");
    let old = parent.tree().expect("a commit has a tree");
    let mut builder = git2::build::TreeUpdateBuilder::new();
    for (path, _) in after.iter().filter(|(path, _)| after.text(path) != before.text(path)) {
        let text = after.text(path).expect("an update writes texts");
        let blob = git.blob(text.as_bytes()).expect("it can be written");
        builder.upsert(path.as_str(), blob, git2::FileMode::Blob);
    }
    let new = builder.create_updated(&git, &old).and_then(|tree| git.find_tree(tree)).expect("it can be written");
    let author = Signature::now("fluxcdbot", "flux@example.com").expect("a name and an address");
    git.commit(Some(&format!("refs/heads/{branch}")), &author, &author, message, &new, &[&parent]).expect("it goes on");
    let diff = git.diff_tree_to_tree(Some(&old), Some(&new), None).and_then(|diff| diff.stats());
    let stats = diff.expect("both are trees");
    (stats.insertions(), stats.deletions())
}

#[test]
fn eight_steps_in_git_are_one_line_for_each_marker_and_every_cluster_runs_what_it_should() {
    let mut flow = Flow::new();
    // Three builds of main: the canary of production, and staging.
    for build in &BUILDS[..3] {
        assert_eq!(flow.push(build), [1, 2], "{build}");
        flow.assert_images("v0.1.0", build);
    }
    // A release: the primaries alone.
    assert_eq!(flow.push("v1.0.0"), [2, 0]);
    flow.assert_images("v1.0.0", BUILDS[2]);
    for build in &BUILDS[3..] {
        assert_eq!(flow.push(build), [1, 2], "{build}");
        flow.assert_images("v1.0.0", build);
    }
    assert_eq!(flow.push("v1.0.1"), [2, 0]);
    flow.assert_images("v1.0.1", BUILDS[4]);

    // The rollback, by hand as a person does it: a branch for review, then main. The automation leaves it alone.
    let root = flow.root.path();
    let git = Repository::open(root).expect("it is a repository");
    let switch = |branch: &str| {
        git.set_head(&format!("refs/heads/{branch}")).expect("the branch is there");
        git.checkout_head(Some(git2::build::CheckoutBuilder::new().force())).expect("it can be written");
    };
    for app in APPS {
        switch("main");
        let back = run(root, &["rollback", app, "--to", "v1.0.0", "--branch", &format!("{ROLLBACK}-{app}")]);
        assert!(back.status.success(), "{}", said(&back));
        let made = git.find_branch(&format!("{ROLLBACK}-{app}"), git2::BranchType::Local).expect("it was made");
        let made = made.get().peel_to_commit().expect("it has a commit");
        git.reference("refs/heads/main", made.id(), true, "merge").expect("it goes forward");
        let parent = made.parent(0).expect("it begins at main").tree().expect("a commit has a tree");
        let diff = git.diff_tree_to_tree(Some(&parent), made.tree().ok().as_ref(), None).expect("both are trees");
        let stats = diff.stats().expect("they are texts");
        // The value, and the range of the policy.
        assert_eq!((stats.insertions(), stats.deletions()), (2, 2), "{app}");
    }
    flow.assert_images("v1.0.0", BUILDS[4]);
    assert_eq!([flow.automate("main", "again"), flow.automate("stage", "again")], [0, 0], "the rollback holds");
}
