//! What can be wrong with a repository: one file per family, a static table, the runner.
//!
//! Owns judgement: the floors below say what is there and what Flux makes of it, rules say what of that is a defect.
//! A rule is a [`Rule`] constant and a function; `tests/rules/<id>/` holds a repository with the defect and one without.
//!
//! ```
//! use gitops_gen::flux::Options;
//! use gitops_gen::repo::Repo;
//! use gitops_gen::rules;
//! use gitops_gen::text::FileSet;
//!
//! let repo = Repo::new(FileSet::from_texts([("a.yaml", "kind: Service\nkind: Service\n")]));
//! let findings = rules::validate(&repo, &Options::default());
//! assert_eq!(findings.diagnostics[0].rule, "yaml-duplicate-key");
//! ```

mod allowances;
mod brought_in;
mod canary_weights;
mod checklist;
mod depends_on;
mod deprecations;
mod encryption;
mod files;
mod fixes;
mod flagger;
mod fleet;
mod gateway;
mod image_automations;
mod image_files;
mod image_markers;
mod image_policies;
mod image_tags;
mod images;
mod index;
mod kafka;
mod kustomizations;
mod lockdown;
mod monitors;
mod network;
mod operators;
mod ownership;
mod patches;
mod pods;
mod readiness;
mod redact;
mod references;
mod releases;
mod resources;
mod retired;
mod scalars;
mod scaling;
mod schemas;
mod secrets;
mod security;
mod services;
mod settings;
mod sources;
mod substitution;
mod variables;
mod verdicts;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use crate::rules::brought_in::brought_in;
pub use crate::rules::checklist::{Checklist, Item, Place, Verdict, checklist};
pub(crate) use crate::rules::encryption::passwords::ranges as password_ranges;
pub use crate::rules::fleet::environment_of;
pub use crate::rules::verdicts::Verdicts;

use rayon::prelude::*;

use crate::config::{Config, Date};
use crate::diagnostic::pick::nearest;
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::flux::{self, Cluster, Fleet, FluxVersion, Location};
use crate::image::{self, MarkedFile, Marker};
use crate::repo::Repo;
use crate::rules::allowances::Allowance;
use crate::rules::index::{ClusterIndex, Entries};
use crate::rules::schemas::ClusterSchemas;
use crate::rules::verdicts::{InFiles, Remembered};
use crate::schema::{Catalogue, SchemaLocation};
use crate::text::{SourceFile, SourceId};
use crate::yaml::Parsed;

/// Whether a rule offers a remedy that can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixAvailability {
    /// Never.
    None,
    /// For some findings.
    Sometimes,
    /// For every finding.
    Always,
}

impl FixAvailability {
    /// Returns the word of lists: `no`, `sometimes` or `yes`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no",
            Self::Sometimes => "sometimes",
            Self::Always => "yes",
        }
    }
}

/// How a rule finds what it reports.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// By a look at one cluster; findings get the cluster's name.
    Cluster(fn(&Rule, &Cluster, &mut Vec<Diagnostic>)),
    /// By following names, labels and ports inside one cluster; findings get the cluster's name.
    Index(IndexCheck),
    /// By a look at one YAML file that a cluster builds.
    File(FileCheck),
    /// By a look at the files and all clusters together.
    Repository(fn(&Rule, &Context<'_>, &mut Vec<Diagnostic>)),
    /// It is found while files are read or rendered: the reader and the renderer report it under this id.
    Rendering,
}

/// A check that follows names, labels and ports inside one cluster. What it finds holds for as long as the index answers alike:
/// it must not look at anything else.
pub type IndexCheck = fn(&Rule, &ClusterIndex<'_>, &mut Vec<Diagnostic>);

/// A check of one file. What it finds holds until the file changes: it must not look at anything else.
pub type FileCheck = fn(&Rule, &SourceFile, &Parsed, &mut Vec<Diagnostic>);

/// One defect that can be found.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, names the defect; never reused.
    pub id: &'static str,
    /// How bad it is; a finding may be milder where absence cannot be proven.
    pub severity: Severity,
    /// Whether it can be repaired.
    pub fix: FixAvailability,
    /// Markdown under the headings `What it checks`, `Why it matters` and `What it cannot see`.
    pub docs: &'static str,
    /// How it is found.
    pub check: Check,
}

impl Rule {
    /// Returns a finding of this rule.
    pub fn report(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.id, self.severity, message)
    }

    /// Returns the rule's page: its id, severity and docs, as Markdown.
    pub fn page(&self) -> String {
        let fix = match self.fix {
            FixAvailability::None => "",
            FixAvailability::Sometimes => ", sometimes fixable",
            FixAvailability::Always => ", fixable",
        };
        format!("# {}\n\n{}{fix}\n\n{}\n", self.id, self.severity.name(), self.docs.trim_end())
    }

    /// Returns the first sentence of the docs: what is checked.
    pub fn summary(&self) -> &'static str {
        self.docs.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default()
    }
}

/// What a rule may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The files.
    pub repo: &'a Repo,
    /// The clusters.
    pub fleet: &'a Fleet,
    /// The Flux release that the clusters run.
    pub version: FluxVersion,
    catalogue: Catalogue,
    /// What the schemas say of the objects of each cluster, in the order of `fleet.clusters`.
    schemas: Vec<ClusterSchemas<'a>>,
    /// The objects of each cluster by name, label and port, in the order of `fleet.clusters`.
    entries: Vec<Arc<Entries<'a>>>,
    /// What rules found in files before, by the id of the rule.
    known_files: BTreeMap<&'static str, InFiles>,
    /// The image policy markers of all files, and what was meant to be one.
    markers: Vec<Marker>,
    /// What the setter makes of the files that hold them.
    marked: Vec<MarkedFile>,
    /// What gitops.yaml says, and what is wrong in it.
    settings: (Config, Vec<Diagnostic>),
    /// What comments in files accept, and what is wrong with them.
    allowances: (Vec<Allowance>, Vec<Diagnostic>),
    /// The day on which accepted findings may have expired; nothing: none has.
    today: Option<Date>,
    /// Names of the clusters that are reported on; empty: all. Rules look at every cluster in any case: what one does not
    /// use is not unused for that.
    reported: BTreeSet<String>,
}

impl<'a> Context<'a> {
    /// Returns what rules look at, with every object checked against the schema of its kind.
    pub fn new(repo: &'a Repo, fleet: &'a Fleet, version: FluxVersion) -> Self {
        Self::with_schemas(repo, fleet, version, Vec::new())
    }

    /// Returns the same with schemas from outside the repository, then those that gitops.yaml names.
    pub fn with_schemas(
        repo: &'a Repo,
        fleet: &'a Fleet,
        version: FluxVersion,
        locations: Vec<SchemaLocation>,
    ) -> Self {
        Self::knowing(Verdicts::default(), repo, fleet, version, locations.into_iter().map(Arc::new).collect())
    }

    /// Returns the same as [`Context::with_schemas`], with what `known` knows already.
    pub fn knowing(
        mut known: Verdicts,
        repo: &'a Repo,
        fleet: &'a Fleet,
        version: FluxVersion,
        mut locations: Vec<Arc<SchemaLocation>>,
    ) -> Self {
        let (config, mut findings) = (repo.config().clone(), repo.config_findings().to_vec());
        locations.extend(schemas::locations(repo, &config, &mut findings).into_iter().map(Arc::new));
        let catalogue = known.catalogue().unwrap_or_else(|| Catalogue::of(repo).with_locations(locations));
        let work: Vec<_> = fleet.clusters.iter().map(|cluster| (cluster, known.take(&cluster.name))).collect();
        let schemas = work.into_par_iter().map(|(cluster, known)| ClusterSchemas::new(&catalogue, cluster, known));
        let schemas = schemas.collect();
        let entries = fleet.clusters.par_iter().map(|cluster| Arc::new(Entries::new(cluster))).collect();
        Self {
            repo,
            fleet,
            version,
            catalogue,
            schemas,
            entries,
            known_files: known.take_files(),
            markers: image::markers(repo),
            marked: image::marked_files(repo),
            settings: (config, findings),
            allowances: allowances::read(repo),
            today: None,
            reported: BTreeSet::new(),
        }
    }

    /// Returns the same for a report on the clusters of these names alone, and on files.
    pub fn reporting(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { reported: names.into_iter().collect(), ..self }
    }

    /// Returns whether there is a report on the cluster `name`.
    fn is_reported(&self, name: &str) -> bool {
        self.reported.is_empty() || self.reported.contains(name)
    }

    /// Returns an index of each cluster, in the order of `fleet.clusters`.
    fn indexes(&self) -> impl Iterator<Item = ClusterIndex<'a>> {
        self.entries.iter().map(ClusterIndex::new)
    }

    /// Returns the same on the day `today`: findings that were accepted until an earlier one are reported again.
    pub fn on(self, today: Date) -> Self {
        Self { today: Some(today), ..self }
    }
}

/// The families, in the order they are documented.
const FAMILIES: &[&[Rule]] = &[
    files::RULES,
    scalars::RULES,
    kustomizations::RULES,
    deprecations::RULES,
    schemas::RULES,
    sources::RULES,
    lockdown::RULES,
    releases::RULES,
    depends_on::RULES,
    operators::RULES,
    ownership::RULES,
    patches::RULES,
    substitution::RULES,
    substitution::effects::RULES,
    references::RULES,
    pods::RULES,
    services::RULES,
    scaling::RULES,
    monitors::RULES,
    readiness::RULES,
    resources::RULES,
    security::RULES,
    network::POLICIES,
    network::FLOWS,
    gateway::ROUTES,
    gateway::CERTIFICATES,
    kafka::CLUSTER,
    kafka::VERSIONS,
    kafka::REPLICATION,
    kafka::ADDRESSES,
    kafka::CLIENTS,
    flagger::RULES,
    flagger::surroundings::RULES,
    fleet::PRODUCTION,
    fleet::PARITY,
    retired::RULES,
    images::RULES,
    image_markers::RULES,
    image_files::RULES,
    image_policies::RULES,
    image_tags::RULES,
    image_automations::RULES,
    canary_weights::RULES,
    versions::RULES,
    secrets::RULES,
    encryption::RULES,
    settings::RULES,
];

/// Returns every rule, in the order they are documented.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().copied().flatten()
}

/// Returns the rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

/// Renders every cluster of `repo` (those that gitops.yaml names, where `options` names none) and runs every rule; findings are sorted by place.
pub fn validate(repo: &Repo, options: &flux::Options) -> Findings {
    let options = options.clone().configured(None, repo.config(), repo.files());
    let fleet = flux::clusters(repo, &options);
    check(&Context::new(repo, &fleet, options.version))
}

/// Runs every rule over clusters that are rendered already; findings are sorted by place.
pub fn check(context: &Context<'_>) -> Findings {
    let found = run_all(context);
    judged(context, &found)
}

/// Does the same, and returns what will hold of the next revision too.
pub fn check_and_remember(context: Context<'_>) -> (Findings, Verdicts) {
    let found = run_all(&context);
    let findings = judged(&context, &found);
    let mut files = Vec::new();
    let mut remembered: Vec<Vec<(&'static str, Arc<Remembered>)>> =
        context.schemas.iter().map(|_| Vec::new()).collect();
    for (rule, found) in all().zip(found) {
        match found {
            Found::Anywhere(_) => {}
            Found::InClusters(found) => {
                remembered.iter_mut().zip(found).for_each(|(cluster, found)| cluster.push((rule.id, found)));
            }
            Found::InFiles(found, _) => files.push((rule.id, found)),
        }
    }
    let clusters = context.schemas.into_iter().zip(remembered).map(|(schemas, remembered)| {
        let (name, mut verdicts) = schemas.into_verdicts();
        verdicts.remember(remembered);
        (name, verdicts)
    });
    (findings, Verdicts::new(context.catalogue, clusters, files))
}

/// What a rule found.
enum Found {
    /// Anywhere.
    Anywhere(Vec<Diagnostic>),
    /// In each cluster, in the order of `fleet.clusters`.
    InClusters(Vec<Arc<Remembered>>),
    /// In each file that it ever looked at, and the files that count now.
    InFiles(InFiles, BTreeSet<SourceId>),
}

impl Found {
    fn diagnostics(&self) -> Box<dyn Iterator<Item = &Diagnostic> + '_> {
        match self {
            Self::Anywhere(found) => Box::new(found.iter()),
            Self::InClusters(found) => Box::new(found.iter().flat_map(|remembered| &remembered.findings)),
            Self::InFiles(found, built) => {
                Box::new(built.iter().filter_map(|id| found.get(id.index())).flatten().flatten())
            }
        }
    }
}

/// Returns what each rule finds, in the order of [`all`].
fn run_all(context: &Context<'_>) -> Vec<Found> {
    let rules: Vec<&Rule> = all().collect();
    rules.par_iter().map(|rule| run(rule, context)).collect()
}

/// Returns what is to be reported of what the rules found.
fn judged(context: &Context<'_>, found: &[Found]) -> Findings {
    let mut findings = Findings::default();
    rendering(context, &mut findings);
    let broken: BTreeSet<&str> = broken_clusters(context).collect();
    for (rule, found) in all().zip(found) {
        let told = found.diagnostics().filter(|finding| !is_consequence(rule, finding, &broken));
        findings.diagnostics.extend(told.cloned());
    }
    drop_repetitions(&mut findings);
    redact::hide_secret_variables(context, &mut findings);
    fixes::settle(context, &mut findings);
    settings::apply(context, &mut findings);
    findings
        .diagnostics
        .retain(|finding| finding.cluster.as_deref().is_none_or(|cluster| context.is_reported(cluster)));
    count(context, &mut findings);
    findings.sort(context.repo.sources());
    findings
}

fn run(rule: &Rule, context: &Context<'_>) -> Found {
    let mut out = Vec::new();
    match rule.check {
        Check::Rendering => {}
        Check::Repository(check) => check(rule, context, &mut out),
        Check::File(check) => return look_at_files(rule, check, context),
        Check::Cluster(check) => {
            for cluster in &context.fleet.clusters {
                in_cluster(&cluster.name, &mut out, |out| check(rule, cluster, out));
            }
        }
        Check::Index(check) => {
            let known = context.schemas.iter().map(|schemas| schemas.verdicts().found_by(rule.id));
            let clusters = context.indexes().zip(known);
            return Found::InClusters(
                clusters
                    .map(|(index, known)| match known {
                        Some(known) => Arc::clone(known),
                        None => Arc::new(look(rule, check, index)),
                    })
                    .collect(),
            );
        }
    }
    Found::Anywhere(out)
}

/// Returns what `check` finds in the files that clusters build.
fn look_at_files(rule: &Rule, check: FileCheck, context: &Context<'_>) -> Found {
    let repo = context.repo;
    let builds = context.fleet.clusters.iter().flat_map(Cluster::builds);
    let built: BTreeSet<SourceId> = builds.flat_map(|build| build.files.iter().copied()).collect();
    let mut found = context.known_files.get(rule.id).cloned().unwrap_or_default();
    found.resize(repo.sources().len(), None);
    for id in &built {
        let unseen = found.get_mut(id.index()).filter(|known| known.is_none());
        let file = repo.source(*id).filter(|file| file.path().is_yaml());
        if let (Some(known), Some(file), Some(parsed)) = (unseen, file, repo.yaml(*id)) {
            let mut out = Vec::new();
            check(rule, file, parsed, &mut out);
            *known = Some(out);
        }
    }
    Found::InFiles(found, built)
}

/// Returns what `check` finds in a cluster, and what it asked.
fn look(rule: &Rule, check: IndexCheck, index: ClusterIndex<'_>) -> Remembered {
    let mut findings = Vec::new();
    in_cluster(index.cluster_name(), &mut findings, |out| check(rule, &index, out));
    Remembered { asked: index.into_asked(), findings }
}

/// Returns the names of the clusters of which a mistake keeps some part from being rendered.
fn broken_clusters<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a str> {
    context.fleet.clusters.iter().filter(|cluster| cluster.is_broken()).map(|cluster| cluster.name.as_str())
}

/// Returns whether the finding may well be a consequence of what could not be rendered: the mistake is told, what follows
/// from it is not. Only what cannot be proven is a note although its rule is none.
fn is_consequence(rule: &Rule, finding: &Diagnostic, broken: &BTreeSet<&str>) -> bool {
    let is_unproven = finding.severity == Severity::Note && rule.severity > Severity::Note;
    is_unproven && finding.cluster.as_deref().map_or(!broken.is_empty(), |cluster| broken.contains(cluster))
}

/// Drops what a cluster that takes in another one has twice for that reason.
fn drop_repetitions(findings: &mut Findings) {
    const REPETITIONS: [&str; 3] =
        ["kustomization-resource-duplicate", ownership::TWO_OWNERS.id, ownership::DEFINED_TWICE.id];
    let cause = |finding: &&Diagnostic| finding.rule == ownership::CLUSTER_IN_CLUSTER.id;
    let taken: BTreeSet<Option<String>> =
        findings.diagnostics.iter().filter(cause).map(|finding| finding.cluster.clone()).collect();
    findings.diagnostics.retain(|finding| !(REPETITIONS.contains(&finding.rule) && taken.contains(&finding.cluster)));
}

/// Names `cluster` in every finding that `check` adds.
fn in_cluster(cluster: &str, out: &mut Vec<Diagnostic>, check: impl FnOnce(&mut Vec<Diagnostic>)) {
    let first = out.len();
    check(out);
    for finding in &mut out[first..] {
        finding.cluster = Some(cluster.to_owned());
    }
}

/// Takes over what reading and rendering found.
fn rendering(context: &Context<'_>, findings: &mut Findings) {
    findings.diagnostics.extend(context.fleet.diagnostics.iter().cloned());
    for cluster in context.fleet.clusters.iter().filter(|cluster| context.is_reported(&cluster.name)) {
        for build in cluster.builds() {
            // What is wrong with a file whoever builds it is reported once, with the files.
            let own = build.diagnostics.iter().filter(|finding| !files::is_about_a_file(finding));
            findings.diagnostics.extend(own.cloned().map(|finding| finding.in_cluster(&cluster.name)));
        }
        for outside in &cluster.outside {
            let what = format!("{} `{}`", outside.what, outside.reference);
            findings.not_checked(what, "it is not in this repository", Some(outside.span));
        }
        for owner in cluster.kustomizations.values() {
            if matches!(owner.location, Location::Elsewhere) {
                let what = format!("Kustomization {} of cluster `{}`", owner.id, cluster.name);
                findings.not_checked(what, "its source is not this repository", Some(owner.span));
            }
        }
    }
    for cluster in broken_clusters(context).filter(|cluster| context.is_reported(cluster)) {
        let why = "a part of the cluster could not be rendered, see the errors";
        findings.not_checked(format!("what cluster `{cluster}` lacks"), why, None);
    }
    schemas::list_unchecked(context, findings);
}

/// Records what was looked at.
fn count(context: &Context<'_>, findings: &mut Findings) {
    let files = context.repo.files().iter().filter(|(path, _)| path.is_yaml()).count();
    let clusters: Vec<&Cluster> =
        context.fleet.clusters.iter().filter(|cluster| context.is_reported(&cluster.name)).collect();
    findings.checked("files", files);
    findings.checked("clusters", clusters.len());
    findings.checked("Kustomizations", clusters.iter().map(|cluster| cluster.kustomizations.len()).sum());
    findings.checked("objects", clusters.iter().map(|cluster| cluster.objects().count()).sum());
    if clusters.is_empty() && files > 0 {
        findings.not_checked("rendered objects", "no cluster was found; name one with --cluster NAME=DIR", None);
    }
}

/// Returns the severity of "it is not there" in `cluster`: absence is a proof only where everything was rendered; where
/// not, a known name that is `near` makes a slip likely.
fn absence(cluster: &Cluster, near: Option<&str>) -> Severity {
    match (cluster.is_fully_resolved(), near) {
        (true, _) => Severity::Error,
        (false, Some(_)) => Severity::Warning,
        (false, None) => Severity::Note,
    }
}
