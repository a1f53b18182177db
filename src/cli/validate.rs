//! `gitops-gen validate`: what is wrong in a repository.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::console::Console;
use crate::cli::tree::{self, Tree};
use crate::cli::{CliError, Ended};
use crate::diagnostic::{Findings, Severity};
use crate::repo::Repo;
use crate::report;

/// Check a repository offline, cluster by cluster, as Flux would apply it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Root of the repository
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Print the report as
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Exit with 1 when a finding is at least this bad
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people: each finding with its source line
    #[default]
    Text,
    /// For programs: one JSON object
    Json,
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

/// Checks the repository and prints the report.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let Tree { repo, mut findings } = tree::read(&args.directory)?;
    check(&repo, &mut findings);
    findings.sort(repo.sources());
    let report = match args.format {
        Format::Text => report::text(&findings, &repo, console.color),
        Format::Json => report::json(&findings, &repo),
    };
    console.print(&report)?;
    if findings.checked_nothing() {
        return Err(CliError::NothingToCheck(args.directory.clone()));
    }
    let fails = findings.worst().is_some_and(|worst| worst >= args.fail_on.severity());
    Ok(if fails { Ended::WithFindings } else { Ended::Clean })
}

/// Adds what is wrong with the files themselves.
pub(super) fn check(repo: &Repo, findings: &mut Findings) {
    let yaml: Vec<_> = repo.files().iter().filter(|(path, _)| path.is_yaml()).collect();
    for (_, source) in &yaml {
        findings.diagnostics.extend(repo.yaml(*source).map(|parsed| parsed.diagnostics.clone()).unwrap_or_default());
    }
    findings.checked("files", yaml.len());
}
