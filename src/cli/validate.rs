//! `gitops-gen validate`: what is wrong in a repository.

mod changed;
mod fixing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;

use crate::cli::console::{self, Console};
use crate::cli::fleet::{self, ClusterArgs, Rendered};
use crate::cli::schema;
use crate::cli::tree;
use crate::cli::watch::{self, Notice};
use crate::cli::workspace::Workspace;
use crate::cli::{CliError, Ended};
use crate::diagnostic::{Findings, NotChecked, Severity};
use crate::git;
use crate::repo::Repo;
use crate::report::{self, Color};
use crate::rules::{self, Context};
use crate::schema::SchemaLocation;
use crate::session::Settings;
use crate::text;

/// Check a repository offline, cluster by cluster, as Flux would apply it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Root of the repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Print the report as
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Write the report to a file; what is printed is the text
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with 1 when a finding is at least this bad
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    fail_on: FailOn,
    #[command(flatten)]
    wanted: ClusterArgs,
    /// Pass over the files that match, as in a .gitignore (may be repeated)
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Schemas of kinds that this tool does not know, or that you know better: a directory, a file, or a path with the placeholders
    /// of kubeconform (may be repeated); CRDs of the repository come before them, embedded schemas after
    #[arg(long = "schema-location", value_name = "DIR|FILE|TEMPLATE")]
    schema_locations: Vec<String>,
    /// Report only what is not in this revision yet; of a branch, in the commit that both have in common
    #[arg(long, value_name = "REV", conflicts_with_all = ["watch", "fixing"])]
    changed_since: Option<String>,
    /// Repair what can be repaired without changing the meaning, and report the rest
    #[arg(long, group = "fixing", conflicts_with = "watch")]
    fix: bool,
    /// With --fix or --diff: repair also what may change the meaning
    #[arg(long, requires = "fixing")]
    unsafe_fixes: bool,
    /// Print what --fix would change, and write nothing
    #[arg(long, group = "fixing", conflicts_with_all = ["format", "output", "watch"])]
    diff: bool,
    /// Keep running and check again whenever a file is saved; `poll` looks every second instead of waiting to be told,
    /// for network file systems. Not with --fix: you are editing these files
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "events")]
    watch: Option<Notice>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people: each finding with its source line
    #[default]
    Text,
    /// For programs: one JSON object
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For GitHub Actions: annotations
    Github,
    /// For GitLab: code quality
    Gitlab,
    /// For test reports: JUnit's XML
    Junit,
    /// For a comment on a pull request
    Markdown,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FailOn {
    #[default]
    Error,
    Warning,
    Note,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Note => Severity::Note,
        }
    }
}

impl Args {
    /// Reads the schemas of `--schema-location`.
    fn locations(&self) -> Result<Vec<SchemaLocation>, CliError> {
        let locations =
            self.schema_locations.iter().map(|given| schema::location(given)).collect::<Result<Vec<_>, _>>()?;
        Ok(locations.into_iter().flatten().collect())
    }
}

/// Checks the repository, repairs it where that is wanted, and prints the report; again and again where `--watch` asks
/// for it.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    if let Some(notice) = args.watch {
        return watch(args, notice, console);
    }
    let tree = tree::read_without(&args.directory, &args.exclude)?;
    if args.fix || args.diff {
        return fixing::run(args, tree, console);
    }
    let base = changed::base(args)?;
    let mut findings = check(args, &tree.repo, &tree.not_checked)?;
    if let Some(base) = &base {
        base.leave_new(&mut findings, &tree.repo);
    }
    end(args, &findings, &tree.repo, console)
}

/// Returns what is found in `repo`, of which `not_checked` was passed over.
fn check(args: &Args, repo: &Repo, not_checked: &[NotChecked]) -> Result<Findings, CliError> {
    let locations = args.locations()?;
    let (fleet, version) = args.wanted.render(repo, Rendered::All)?;
    let context = Context::with_schemas(repo, &fleet, version, locations)
        .reporting(fleet::names(&args.wanted.clusters))
        .on(console::today());
    let mut findings = rules::check(&context);
    findings.not_checked.extend(not_checked.iter().cloned());
    findings.sort(repo.sources());
    Ok(findings)
}

/// Prints the report and returns what it means for the exit code.
fn end(args: &Args, findings: &Findings, repo: &Repo, console: &Console) -> Result<Ended, CliError> {
    print(args, findings, repo, console)?;
    if findings.checked_nothing() {
        return Err(CliError::NothingToCheck(args.directory.clone()));
    }
    if findings.worst().is_some_and(|worst| worst >= args.fail_on.severity()) {
        return Ok(Ended::WithFindings);
    }
    // Without a cluster nothing was built: that the files are YAML says little.
    if findings.checked.iter().any(|checked| checked.what == "clusters" && checked.count == 0) {
        return Err(CliError::NoCluster(args.directory.clone()));
    }
    Ok(Ended::Clean)
}

/// Checks the repository after every change, until somebody stops the process.
fn watch(args: &Args, notice: Notice, console: &Console) -> Result<Ended, CliError> {
    let schemas = args.locations()?.into_iter().map(Arc::new).collect();
    let settings = Settings {
        options: fleet::options(&args.wanted.clusters, Rendered::All),
        reported: fleet::names(&args.wanted.clusters).collect(),
        version: args.wanted.flux_version,
        today: console::today(),
        schemas,
    };
    let started = Instant::now();
    let mut workspace = Workspace::open(&args.directory, &args.exclude, settings)?;
    fleet::check_names(workspace.session().repo(), &args.wanted.clusters, workspace.session().fleet())?;
    let show = |workspace: &Workspace, what: &str, started: Instant| -> Result<(), CliError> {
        console.clear()?;
        print(args, &workspace.findings(), workspace.session().repo(), console)?;
        console.say(&format!("{what}, checked in {} ms; waiting for changes", started.elapsed().as_millis()));
        Ok(())
    };
    watch::changes(&mut workspace, notice, console, started, show)
}

/// Prints the report, or writes it to a file and prints the text.
fn print(args: &Args, findings: &Findings, repo: &Repo, console: &Console) -> Result<(), CliError> {
    let Some(path) = &args.output else {
        return Ok(console.print(&report(args, findings, repo, console.color))?);
    };
    let report = report(args, findings, repo, Color::Never);
    text::write_file(path, report.as_bytes())?;
    Ok(console.print(&report::text(findings, repo, console.color))?)
}

/// Returns the report in the format that was asked for.
fn report(args: &Args, findings: &Findings, repo: &Repo, color: Color) -> String {
    // Services know a file by its path from the top of the Git repository, wherever the run was started.
    let base = || git::path_from_top(&args.directory);
    match args.format {
        Format::Text => report::text(findings, repo, color),
        Format::Json => report::json(findings, repo),
        Format::Sarif => report::sarif(findings, repo, &base()),
        Format::Github => report::github(findings, repo, &base()),
        Format::Gitlab => report::gitlab(findings, repo, &base()),
        Format::Junit => report::junit(findings, repo, &base(), args.fail_on.severity()),
        Format::Markdown => report::markdown(findings, repo, &base()),
    }
}
