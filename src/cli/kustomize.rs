//! `gitops-gen kustomize`: one directory, rendered.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::console::Console;
use crate::cli::tree;
use crate::cli::{CliError, Ended};
use crate::diagnostic::{Findings, Severity};
use crate::kustomize::{self, Build};
use crate::repo::Repo;
use crate::report;
use crate::text::{ReadError, RepoPath};
use crate::yaml;

/// Print what kustomize makes of a directory, byte for byte
///
/// Remote bases and Helm charts are never fetched: a directory that needs one is refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory with a kustomization file
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Whose rules to follow
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    mode: Mode,
    /// Root of the repository, which no file may leave [default: the nearest parent with a .git, else the current
    /// directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Mode {
    /// `kustomize build`: objects in legacy order, files only from below DIR
    #[default]
    Kustomize,
    /// Flux's kustomize-controller: load order, files from anywhere in the repository
    Flux,
}

impl Mode {
    fn library(self) -> kustomize::Mode {
        match self {
            Self::Kustomize => kustomize::Mode::Kustomize,
            Self::Flux => kustomize::Mode::Flux,
        }
    }
}

/// Renders the directory and prints it; where kustomize would fail, nothing but the reasons.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let (root, directory) = locate(&args.directory, args.root.as_deref())?;
    let render = |repo: &Repo| kustomize::build(repo, repo.files(), &directory, args.mode.library(), None);
    let mut repo = tree::read_reachable(&root, &directory);
    let mut build = render(&repo);
    if !build.diagnostics.is_empty() {
        // What was not found may be elsewhere in the repository.
        repo = tree::read(&root)?.repo;
        build = render(&repo);
    }
    let Build { resources, diagnostics, outside, .. } = build;

    let refused = diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    if !diagnostics.is_empty() || !outside.is_empty() {
        let mut findings = Findings { diagnostics, ..Findings::default() };
        for left_out in &outside {
            findings.not_checked(
                left_out.reference.as_str(),
                format!("{}: never fetched", left_out.what),
                Some(left_out.span),
            );
        }
        findings.sort(repo.sources());
        console.say(report::text(&findings, &repo, console.talk_color).trim_end());
    }
    if refused {
        return Ok(Ended::WithFindings);
    }
    if !outside.is_empty() {
        return Err(CliError::NotOffline(args.directory.clone()));
    }
    // The tree of an object is gone when its text is there: both of all objects would be the most memory of a run.
    drop(repo);
    let texts = resources.into_iter().map(|resource| yaml::emit(&resource.node).map(String::into_boxed_str));
    console.print_documents(&texts.collect::<Result<Vec<_>, _>>()?)?;
    Ok(Ended::Clean)
}

/// Returns the repository's root and where in it `directory` is.
fn locate(directory: &Path, root: Option<&Path>) -> Result<(PathBuf, RepoPath), CliError> {
    let absolute = |path: &Path| {
        let found = fs::canonicalize(path);
        found.map_err(|source| CliError::Find { path: path.to_owned(), source })
    };
    let wanted = absolute(directory)?;
    if !wanted.is_dir() {
        return Err(ReadError::NotADirectory(directory.to_owned()).into());
    }
    let root = match root {
        Some(root) => absolute(root)?,
        None => match wanted.ancestors().find(|parent| parent.join(".git").exists()) {
            Some(parent) => parent.to_owned(),
            // Without a repository the current directory stands for one, so that `../base` resolves.
            None => env::current_dir().ok().filter(|current| wanted.starts_with(current)).unwrap_or(wanted.clone()),
        },
    };
    let outside = || CliError::OutsideRoot { path: directory.to_owned(), root: root.clone() };
    let inside = wanted.strip_prefix(&root).ok().and_then(Path::to_str).ok_or_else(outside)?;
    let path = RepoPath::new(inside).map_err(|_| outside())?;
    Ok((root, path))
}
