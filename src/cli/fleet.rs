//! Arguments that decide which clusters there are and which Flux they run.

use std::fmt;
use std::str::FromStr;

use crate::cli::CliError;
use crate::flux::{self, Fleet, FluxVersion, Options};
use crate::repo::Repo;
use crate::text::RepoPath;

/// A cluster as it is named on the command line: `NAME`, or `NAME=DIR`.
#[derive(Debug, Clone)]
pub(super) struct ClusterArg {
    pub(super) name: String,
    /// Directory that Flux applies first; without it the clusters are found by the layout of the repository.
    directory: Option<RepoPath>,
}

/// Which clusters are looked at, and which Flux they run.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterArgs {
    /// Only this cluster (may be repeated); with =DIR, a cluster whose first directory is DIR
    #[arg(long = "cluster", value_name = "NAME[=DIR]")]
    pub(super) clusters: Vec<ClusterArg>,
    /// Flux release whose behaviour is followed [default: what gitops.yaml says, else 2.9]
    #[arg(long, value_name = "VERSION")]
    pub(super) flux_version: Option<FluxVersion>,
}

impl ClusterArgs {
    /// Does what [`render`] does for these.
    pub(super) fn render(&self, repo: &Repo, rendered: Rendered) -> Result<(Fleet, FluxVersion), CliError> {
        render(repo, &self.clusters, self.flux_version, rendered)
    }
}

/// Returns the names of `clusters`.
pub(super) fn names(clusters: &[ClusterArg]) -> impl Iterator<Item = String> {
    clusters.iter().map(|cluster| cluster.name.clone())
}

impl FromStr for ClusterArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, directory) = text.split_once('=').map_or((text, None), |(name, at)| (name, Some(at)));
        if name.is_empty() {
            return Err("the name is empty".to_owned());
        }
        let directory = directory.map(RepoPath::new).transpose().map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), directory })
    }
}

/// Which clusters are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rendered {
    /// All of them: what the wanted ones do not use, others may.
    All,
    /// The wanted ones.
    Wanted,
}

/// Returns the rendered clusters of `repo`, at least those of `wanted` or all where none is, and the Flux release that
/// they run: `version`, else what gitops.yaml says.
///
/// # Errors
/// When the repository has no cluster of a wanted name.
pub(super) fn render(
    repo: &Repo,
    wanted: &[ClusterArg],
    version: Option<FluxVersion>,
    rendered: Rendered,
) -> Result<(Fleet, FluxVersion), CliError> {
    let options = options(wanted, rendered).configured(version, repo.config(), repo.files());
    let fleet = flux::clusters(repo, &options);
    check_names(repo, wanted, &fleet)?;
    Ok((fleet, options.version))
}

/// Returns the options that ask for `wanted`.
pub(super) fn options(wanted: &[ClusterArg], rendered: Rendered) -> Options {
    let located = |cluster: &ClusterArg| Some((cluster.name.clone(), cluster.directory.clone()?));
    Options {
        clusters: wanted.iter().filter_map(located).collect(),
        only: match rendered {
            Rendered::All => [].into(),
            Rendered::Wanted => names(wanted).collect(),
        },
        ..Options::default()
    }
}

/// Refuses a name of `wanted` that no cluster of `fleet`, which was rendered for it, has.
pub(super) fn check_names(repo: &Repo, wanted: &[ClusterArg], fleet: &Fleet) -> Result<(), CliError> {
    let exists = |wanted: &ClusterArg| fleet.clusters.iter().any(|cluster| cluster.name == wanted.name);
    let Some(missing) = wanted.iter().find(|wanted| !exists(wanted)) else { return Ok(()) };
    let all = options(wanted, Rendered::All).configured(None, repo.config(), repo.files());
    let known = flux::clusters(repo, &all).clusters.into_iter().map(|cluster| cluster.name);
    Err(CliError::UnknownCluster { name: missing.name.clone(), known: Names(known.collect()) })
}

/// Names for a message: quoted, with commas.
#[derive(Debug)]
pub(super) struct Names(pub(super) Vec<String>);

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("none");
        }
        formatter.write_str(&self.0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
    }
}
