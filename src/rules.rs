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
mod run;
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
pub use crate::rules::run::{check, check_and_remember};
pub use crate::rules::verdicts::Verdicts;

use rayon::prelude::*;

use crate::config::{Config, Date};
use crate::diagnostic::pick::nearest;
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::flux::{self, Cluster, Fleet, FluxVersion, ImageAutomation, ImagePolicy};
use crate::image::{self, MarkedFile, Marker, Policy};
use crate::repo::Repo;
use crate::rules::allowances::Allowance;
use crate::rules::index::ClusterIndex;
use crate::rules::index::entries::Entries;
use crate::rules::schemas::ClusterSchemas;
use crate::rules::verdicts::InFiles;
use crate::schema::{Catalogue, SchemaLocation};
use crate::text::SourceFile;
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
    /// The image policies that can select, with what they select by.
    policies: Vec<(ImagePolicy<'a>, Policy)>,
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
        let schemas: Vec<ClusterSchemas<'_>> = schemas.collect();
        let clusters = fleet.clusters.par_iter().zip(&schemas);
        let entries = clusters.map(|(cluster, schemas)| Arc::new(Entries::new(cluster, schemas.verdicts().names())));
        let entries: Vec<Arc<Entries<'_>>> = entries.collect();
        let automations = entries.iter().map(|entries| entries.automation());
        let policies = image_policies::readable(automations, version.image_grammar());
        Self {
            repo,
            fleet,
            version,
            catalogue,
            schemas,
            entries,
            policies,
            known_files: known.take_files(),
            markers: image::markers(repo),
            marked: image::marked_files(repo, image::Mode::Flux),
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

    /// Returns the image automation of each cluster, in the order of `fleet.clusters`.
    fn automations(&self) -> impl Iterator<Item = &ImageAutomation<'a>> {
        self.entries.iter().map(|entries| entries.automation())
    }

    /// Returns the same on the day `today`: findings that were accepted until an earlier one are reported again; on no day
    /// none of them is.
    pub fn on(self, today: Option<Date>) -> Self {
        Self { today, ..self }
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
    kafka::USERS,
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

/// Returns the severity of "it is not there" in `cluster`: absence is a proof only where everything was rendered; where
/// not, a known name that is `near` makes a slip likely.
fn absence(cluster: &Cluster, near: Option<&str>) -> Severity {
    match (cluster.is_fully_resolved(), near) {
        (true, _) => Severity::Error,
        (false, Some(_)) => Severity::Warning,
        (false, None) => Severity::Note,
    }
}
