//! A plan to promote one version of one application, in waves.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Edit;
use crate::flux::{Cluster, Fleet, FluxVersion, ImageAutomation, Usage};
use crate::image::{self, Choice, Field, ImageRef, Marked, MarkedFile, Outcome, Policy};
use crate::kube::NamespacedName;
use crate::promote::rollout::{Rollout, rollouts};
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, SourceId, Span, spliced};
use crate::yaml::{self, EditRefusal, Kind, Node, Reach, Scalar};

/// The track whose clusters come first.
const CANARY: &str = "canary";

/// Whether a step goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The policy prefers the new tag.
    Up,
    /// The policy prefers the old tag: automation would undo the step.
    Down,
    /// The old tag is none that the policy could select.
    Unknown,
}

/// A value that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From 1: all steps of a wave belong together, and wait for the wave before.
    pub wave: usize,
    /// The track of the policy.
    pub track: String,
    /// The policy that the value follows.
    pub policy: NamespacedName,
    /// Clusters that the file has a part in, sorted; several change together.
    pub clusters: Vec<String>,
    /// The file.
    pub path: RepoPath,
    /// The value.
    pub span: Span,
    /// Its text.
    pub old: String,
    /// Its text after the step.
    pub new: String,
    /// Whether that is forward.
    pub direction: Direction,
}

/// What a promotion does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name of the `ImageRepository`.
    pub app: String,
    /// The tag.
    pub version: String,
    /// By wave, then by file.
    pub steps: Vec<Step>,
    /// What a person should know, each a sentence.
    pub notes: Vec<String>,
    /// What Flagger makes of it, by Canary.
    pub rollouts: Vec<Rollout>,
}

/// Why nothing can be promoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromoteError {
    /// No cluster scans an image under this name.
    #[error("find the application `{app}`: the fleet has {known}")]
    UnknownApp {
        /// As it was given.
        app: String,
        /// Those that there are.
        known: String,
    },
    /// No policy of the application could select the version.
    #[error("promote `{version}`: no policy of `{app}` selects it{stalled}")]
    NotSelected {
        /// The application.
        app: String,
        /// The tag.
        version: String,
        /// Clauses about its policies that can select nothing, each behind a semicolon.
        stalled: String,
    },
    /// The application has no policy, or none that can select.
    #[error("promote `{app}`: it has no ImagePolicy that can select{stalled}")]
    NoPolicy {
        /// The application.
        app: String,
        /// As above.
        stalled: String,
    },
    /// No version was given, and none is known.
    #[error("find a version of `{0}` to promote: name one, or tag a release")]
    NoVersion(String),
    /// A value cannot be edited in place.
    #[error("edit `{path}`")]
    Edit {
        /// The file.
        path: RepoPath,
        /// Why not.
        source: EditRefusal,
    },
}

impl PromoteError {
    /// Returns the error that the fleet, which has `known`, has no application `app`.
    pub(super) fn unknown_app<'k>(app: &str, known: impl Iterator<Item = &'k str>) -> Self {
        let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Self::UnknownApp { app: app.to_owned(), known }
    }
}

/// A policy of an application, ready to be asked.
pub(super) struct AppPolicy<'a> {
    pub(super) name: NamespacedName,
    pub(super) image: &'a str,
    pub(super) track: &'a str,
    pub(super) policy: Policy,
    pub(super) spec: Option<&'a Node>,
}

/// Returns the policies of `app`, each once.
pub(super) fn policies_of<'a>(
    fleet: &'a Fleet,
    app: &str,
    version: FluxVersion,
) -> Result<Vec<AppPolicy<'a>>, PromoteError> {
    let mut known = BTreeSet::new();
    let mut found: BTreeMap<NamespacedName, AppPolicy<'a>> = BTreeMap::new();
    for cluster in &fleet.clusters {
        let automation = ImageAutomation::of(cluster);
        known.extend(automation.repositories.keys().map(|name| name.name.to_string()));
        for policy in automation.policies.values().filter(|policy| policy.repository.name == app) {
            let (Some(image), Ok(read)) = (automation.image_of(policy), policy.policy(version.image_grammar())) else {
                continue;
            };
            let (name, track, spec) = (policy.name.clone(), policy.track(), policy.spec());
            found.entry(name.clone()).or_insert(AppPolicy { name, image, track, policy: read, spec });
        }
    }
    if !known.contains(app) {
        return Err(PromoteError::unknown_app(app, known.iter().map(String::as_str)));
    }
    if found.is_empty() {
        return Err(PromoteError::NoPolicy { app: app.to_owned(), stalled: stalled(fleet, app, version) });
    }
    Ok(found.into_values().collect())
}

/// Returns why policies of `app` can select nothing, each behind a semicolon.
fn stalled(fleet: &Fleet, app: &str, version: FluxVersion) -> String {
    let mut out = BTreeSet::new();
    for automation in fleet.clusters.iter().map(ImageAutomation::of) {
        for policy in automation.policies.values().filter(|policy| policy.repository.name == app) {
            if let Err(error) = policy.policy(version.image_grammar()) {
                out.insert(format!("; ImagePolicy `{}` is stalled: {error}", policy.name));
            }
        }
    }
    out.into_iter().collect()
}

/// Returns the plan to bring `tag` (or, without one, the best of `known` that a track selects) to every value of `app`
/// whose policy could select it.
///
/// # Errors
/// When there is no such application or version.
pub fn plan(
    repo: &Repo,
    fleet: &Fleet,
    version: FluxVersion,
    app: &str,
    tags: (Option<&str>, &[String]),
) -> Result<Plan, PromoteError> {
    let (tag, known) = tags;
    let policies = policies_of(fleet, app, version)?;
    let grammar = version.image_grammar();
    let best = || {
        let tags = image::scan(known.iter().map(String::as_str), &[]);
        // What is promoted is a release; a build goes by itself.
        let is_release = |policy: &&AppPolicy<'_>| matches!(policy.policy.choice, Choice::Semver(_));
        let (releases, builds): (Vec<_>, Vec<_>) = policies.iter().partition(is_release);
        let mut in_turn = releases.into_iter().chain(builds);
        in_turn.find_map(|policy| image::select(&policy.policy, &tags, grammar).tag().map(str::to_owned))
    };
    let tag = tag.map(str::to_owned).or_else(best).ok_or_else(|| PromoteError::NoVersion(app.to_owned()))?;
    let could = |policy: &&AppPolicy<'_>| {
        matches!(image::select(&policy.policy, &[tag.as_str()], grammar), Outcome::Selected(_))
    };
    let taking: Vec<&AppPolicy<'_>> = policies.iter().filter(could).collect();
    if taking.is_empty() {
        return Err(PromoteError::NotSelected {
            app: app.to_owned(),
            version: tag,
            stalled: stalled(fleet, app, version),
        });
    }
    let (steps, notes) = (Vec::new(), Vec::new());
    let mut out = Plan { app: app.to_owned(), version: tag.clone(), steps, notes, rollouts: Vec::new() };
    let marked = image::marked_files(repo, image::Mode::Edit);
    let usage: Vec<(&str, Usage)> =
        fleet.clusters.iter().map(|cluster| (cluster.name.as_str(), Usage::of(cluster))).collect();
    for policy in &taking {
        for file in &marked {
            let is_repeated = |value: &Marked| value.policy == policy.name && value.reach == Reach::Repeated;
            if file.values().iter().any(is_repeated) {
                out.notes
                    .push(format!("`{}` has a key twice: each is edited, and Flux sets the first alone", file.path));
            }
            let users = usage.iter().filter(|(_, used)| used.files.contains(&file.source));
            let clusters: Vec<String> = users.map(|(name, _)| (*name).to_owned()).collect();
            out.steps.extend(steps_of(policy, file, &tag, &clusters, version));
        }
        let tags = image::scan(known.iter().map(String::as_str).chain([tag.as_str()]), &[]);
        match image::select(&policy.policy, &tags, grammar).tag() {
            Some(best) if best != tag => {
                out.notes.push(format!("ImagePolicy `{}` selects `{best}`: automation moves on to it", policy.name));
            }
            _ => {}
        }
    }
    order(&mut out.steps);
    add_notes(&mut out);
    let changes = |cluster: &&Cluster| out.steps.iter().any(|step| step.clusters.contains(&cluster.name));
    let images = taking.iter().map(|policy| policy.image).collect();
    out.rollouts = rollouts(fleet.clusters.iter().filter(changes), &images);
    Ok(out)
}

fn steps_of(
    policy: &AppPolicy<'_>,
    file: &MarkedFile,
    tag: &str,
    clusters: &[String],
    version: FluxVersion,
) -> Vec<Step> {
    let image = ImageRef { name: policy.image.to_owned(), tag: tag.to_owned(), digest: String::new() };
    let values = file.values().iter().filter(|value| value.policy == policy.name);
    values
        .filter_map(|value| {
            let new = match value.field {
                Field::Tag => image.tag.clone(),
                Field::Reference => image.to_string(),
                Field::Name => image.name.clone(),
                Field::Digest => return None,
            };
            let direction = match value.tag() {
                Some(old) => compare(&policy.policy, old, tag, version),
                None => Direction::Up,
            };
            (new != value.text).then(|| Step {
                wave: 0,
                track: policy.track.to_owned(),
                policy: policy.name.clone(),
                clusters: clusters.to_vec(),
                path: file.path.clone(),
                span: value.span,
                old: value.text.clone(),
                new,
                direction,
            })
        })
        .collect()
}

/// Returns which of two tags the policy prefers.
fn compare(policy: &Policy, old: &str, new: &str, version: FluxVersion) -> Direction {
    let grammar = version.image_grammar();
    if !matches!(image::select(policy, &[old], grammar), Outcome::Selected(_)) {
        return Direction::Unknown;
    }
    match image::select(policy, &image::scan([old, new], &[]), grammar).tag() {
        Some(best) if best == new => Direction::Up,
        _ => Direction::Down,
    }
}

/// Canary first, then the first cluster with what it shares, then the rest.
fn order(steps: &mut [Step]) {
    let first = steps.iter().filter(|step| step.track != CANARY).map(|step| step.clusters.clone()).min();
    for step in &mut *steps {
        step.wave = if step.track == CANARY {
            0
        } else if Some(&step.clusters) == first.as_ref() {
            1
        } else {
            2
        };
    }
    let waves: BTreeSet<usize> = steps.iter().map(|step| step.wave).collect();
    for step in &mut *steps {
        step.wave = waves.iter().position(|wave| *wave == step.wave).unwrap_or_default() + 1;
    }
    steps.sort_by(|left, right| (left.wave, &left.path, left.span).cmp(&(right.wave, &right.path, right.span)));
}

fn add_notes(plan: &mut Plan) {
    let mut notes = BTreeSet::new();
    for step in &plan.steps {
        if step.clusters.len() > 1 {
            notes.insert(format!("`{}` is shared: {} change together", step.path, step.clusters.join(" and ")));
        }
        if step.direction == Direction::Down {
            notes.insert(format!(
                "`{}` would be lowered from `{}`: automation undoes that; use `gitops-gen rollback`",
                step.path, step.old
            ));
        }
    }
    plan.notes.extend(notes);
}

impl Plan {
    /// Returns what a commit of the plan says: a title, and each value that changes.
    pub fn commit_message(&self) -> String {
        format!("Promote {} to {}\n{}", self.app, self.version, self.changes())
    }

    /// Returns a line for each value that changes, after an empty one.
    pub(super) fn changes(&self) -> String {
        let lines: Vec<String> =
            self.steps.iter().map(|step| format!("{}: {} -> {}\n", step.path, step.old, step.new)).collect();
        if lines.is_empty() { String::new() } else { format!("\n{}", lines.concat()) }
    }

    /// Returns the files of `repo` after the steps of the plan: the values change, and no other byte.
    ///
    /// # Errors
    /// When a value cannot be edited in place.
    pub fn apply(&self, repo: &Repo) -> Result<FileSet, PromoteError> {
        let edits = self.steps.iter().map(|step| (step.span, step.old.as_str(), step.new.as_str()));
        edited(repo, edits)
    }
}

/// Returns the files of `repo` with each value at a span given a new text.
pub(super) fn edited<'e>(
    repo: &Repo,
    edits: impl IntoIterator<Item = (Span, &'e str, &'e str)>,
) -> Result<FileSet, PromoteError> {
    let mut by_file: BTreeMap<SourceId, Vec<Edit>> = BTreeMap::new();
    for (span, old, new) in edits {
        let Some(file) = repo.source(span.source) else { continue };
        let token = file.text().get(span.range()).unwrap_or_default();
        let style = match token.as_bytes().first() {
            Some(b'"') => yaml::Style::DoubleQuoted,
            Some(b'\'') => yaml::Style::SingleQuoted,
            Some(b'|') => yaml::Style::Literal,
            Some(b'>') => yaml::Style::Folded,
            _ => yaml::Style::Plain,
        };
        let node = Node::new(Kind::Scalar(Scalar { text: old.into(), style, tag: None }), span);
        let edit = yaml::replace_scalar(file.text(), &node, new)
            .map_err(|source| PromoteError::Edit { path: file.path().clone(), source })?;
        by_file.entry(span.source).or_default().push(edit);
    }
    let mut texts: BTreeMap<RepoPath, String> = BTreeMap::new();
    for (source, edits) in by_file {
        let Some(file) = repo.source(source) else { continue };
        let text = spliced(file.text(), edits.iter().map(|edit| (edit.span.range(), edit.replacement.as_str())));
        let overlap = || EditRefusal::NotInText(edits[0].span);
        let text = text.ok_or_else(|| PromoteError::Edit { path: file.path().clone(), source: overlap() })?;
        texts.insert(file.path().clone(), text);
    }
    Ok(repo.files().with_texts(texts))
}
