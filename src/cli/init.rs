//! `gitops-gen init`: a new repository from a blueprint, all of it or nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use dialoguer::{Input, Select};
use serde_json::{Map, Value};

use crate::cli::console::Console;
use crate::cli::problems;
use crate::cli::{CliError, Ended};
use crate::diagnostic::Severity;
use crate::flux::Options;
use crate::generate::{self, Blueprint, FileError, GenerateError, ParameterProblem, Question, Records, Texts};
use crate::git::{self, Author, GitError};
use crate::repo::Repo;
use crate::report::{self, Color};
use crate::rules;
use crate::text::{self, Content, FileSet, ReadError, Recovered, RepoPath, WriteError};

/// How many existing paths a refusal names.
const PATHS_NAMED: usize = 10;

/// Generate a repository from a blueprint: all of it, or nothing
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory to write into; made where it does not exist
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Name of a built-in blueprint, or the directory of one of your own
    #[arg(long, default_value = "crypto-trading", value_name = "NAME|DIR")]
    blueprint: String,
    /// Take parameters from a YAML file
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// Set one parameter; names inside a mapping are joined by dots
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    assignments: Vec<(String, String)>,
    #[command(flatten)]
    named: Named,
    /// Ask nothing: what is not given has its default
    #[arg(long, short)]
    yes: bool,
    /// List the files on stdout and write none
    #[arg(long)]
    dry_run: bool,
    /// Make a Git repository of the directory and commit what was generated
    #[arg(long)]
    git: bool,
    /// Who commits; by default what Git's configuration says
    #[arg(long, value_name = "NAME <EMAIL>", value_parser = author, requires = "git")]
    author: Option<Author>,
}

/// The parameters that have a flag of their own.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Parameters")]
struct Named {
    /// Organisation or user that owns the Git repository and the images
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// Name of the Git repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Registry that holds the images
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,
    /// Domain of the public hosts
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Address for the certificate authority's warnings
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Where the clusters run
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// StorageClass of the brokers' volumes
    #[arg(long, value_name = "NAME")]
    storage_class: Option<String>,
    /// Public age key that secrets are encrypted for
    #[arg(long, value_name = "KEY")]
    age_recipient: Option<String>,
}

impl Named {
    /// Returns the names of the parameters with what was given for them.
    fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = [
            ("organisation", &self.organisation),
            ("repository", &self.repository),
            ("registry", &self.registry),
            ("domain", &self.domain),
            ("email", &self.email),
            ("provider", &self.provider),
            ("storageClass", &self.storage_class),
            ("ageRecipient", &self.age_recipient),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn author(text: &str) -> Result<Author, String> {
    let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
    match parts.map(|(name, email)| (name.trim(), email.trim())) {
        Some((name, email)) if !name.is_empty() && !email.is_empty() => {
            Ok(Author { name: name.to_owned(), email: email.to_owned() })
        }
        _ => Err("expected NAME <EMAIL>".to_owned()),
    }
}

/// Why nothing was generated; in every case the disk is as it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum InitError {
    #[error("find blueprint `{0}`: the built-in ones are {known}, a path to one of your own has a `/`", known = list(&generate::builtin_names()))]
    NoBlueprint(String),
    #[error("use blueprint `{0}`")]
    Blueprint(String, #[source] FileError),
    #[error(transparent)]
    ReadBlueprint(#[from] ReadError),
    #[error("read the parameters of `{0}`")]
    ReadParameters(PathBuf, #[source] io::Error),
    #[error("use the parameters of `{0}`")]
    Parameters(PathBuf, #[source] FileError),
    #[error("use the parameters:\n\n{0}")]
    Located(String),
    #[error("use the parameters: {0}")]
    Parameter(ParameterProblem),
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error("write into `{}`: {}", directory.display(), existing(paths))]
    Exists { directory: PathBuf, paths: Vec<RepoPath> },
    #[error("generate a repository without errors; these are the blueprint's:\n\n{0}")]
    Findings(String),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("ask for the parameters; --yes takes the defaults")]
    Ask(#[source] dialoguer::Error),
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn existing(paths: &[RepoPath]) -> String {
    let names: Vec<&str> = paths.iter().take(PATHS_NAMED).map(RepoPath::as_str).collect();
    let rest = match paths.len().saturating_sub(PATHS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{rest} stand there already", list(&names))
}

/// Generates the repository and writes it.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    if !args.dry_run {
        end_earlier_run(&args.directory, console)?;
    }
    let blueprint = load(&args.blueprint)?;
    let answers = answers(args, &blueprint)?;
    let generated = generate::generate_repo(&blueprint, &answers).map_err(|error| explained(args, error))?;
    let repo = with_records(&generated, &blueprint, answers);
    let files = repo.files();
    refuse_existing(&args.directory, files)?;
    refuse_findings(&repo)?;
    if args.dry_run {
        let paths: String = files.iter().flat_map(|(path, _)| [path.as_str(), "\n"]).collect();
        console.print(&paths)?;
        return Ok(Ended::Clean);
    }
    write(args, &blueprint, files)?;
    console.say(&format!("{}: {} files in {}", blueprint.name, files.len(), args.directory.display()));
    Ok(Ended::Clean)
}

/// Ends what a killed run has begun in `directory`, and says so.
pub(super) fn end_earlier_run(directory: &Path, console: &Console) -> Result<(), WriteError> {
    match text::recover(directory)? {
        Recovered::Nothing => {}
        Recovered::Dropped => console.say("an earlier run was stopped before it changed anything"),
        Recovered::CarriedOut => console.say("an earlier run was stopped half-way; its changes are complete now"),
    }
    Ok(())
}

/// Returns `error` with the lines of the file of parameters, where there is one.
fn explained(args: &Args, error: GenerateError) -> InitError {
    let (GenerateError::Parameters(found), Some(path)) = (&error, &args.parameters) else { return error.into() };
    let Ok(text) = fs::read_to_string(path) else { return error.into() };
    let Ok(name) = RepoPath::new(&path.file_name().unwrap_or_default().to_string_lossy()) else { return error.into() };
    let files = FileSet::from_texts([(name.as_str(), text.as_str())]);
    InitError::Located(problems::located(&files, &name, None, found, found.len()))
}

/// Returns the blueprint of this name, or that in the directory of this path.
pub(super) fn load(name: &str) -> Result<Blueprint, InitError> {
    let broken = |error| InitError::Blueprint(name.to_owned(), error);
    if name.contains('/') {
        let outcome = text::read_tree(Path::new(name))?;
        return Blueprint::from_files(&outcome.files).map_err(broken);
    }
    generate::builtin(name).ok_or_else(|| InitError::NoBlueprint(name.to_owned()))?.map_err(broken)
}

/// Returns every parameter: the default, over it the file, the flags, and what a person says at the terminal.
fn answers(args: &Args, blueprint: &Blueprint) -> Result<Map<String, Value>, InitError> {
    let mut answers = blueprint.defaults();
    let mut given = BTreeSet::new();
    if let Some(path) = &args.parameters {
        let text = fs::read_to_string(path).map_err(|error| InitError::ReadParameters(path.clone(), error))?;
        let of_file = generate::parse_parameters(&text).map_err(|error| InitError::Parameters(path.clone(), error))?;
        given.extend(of_file.keys().cloned());
        blueprint.overlay(&mut answers, of_file);
    }
    let assigned = args.assignments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in args.named.given().chain(assigned) {
        blueprint.assign(&mut answers, name, value).map_err(InitError::Parameter)?;
        given.extend(name.split('.').next().map(str::to_owned));
    }
    let somebody_is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !args.yes && somebody_is_there {
        for question in blueprint.questions.iter().filter(|question| !given.contains(&question.parameter)) {
            let answer = ask(question, blueprint, &answers).map_err(InitError::Ask)?;
            blueprint.assign(&mut answers, &question.parameter, &answer).map_err(InitError::Parameter)?;
        }
    }
    Ok(answers)
}

fn ask(question: &Question, blueprint: &Blueprint, answers: &Map<String, Value>) -> dialoguer::Result<String> {
    let default = match answers.get(&question.parameter) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    if !question.choices.is_empty() {
        let at = question.choices.iter().position(|choice| *choice == default).unwrap_or(0);
        let chosen = Select::new().with_prompt(&question.title).items(&question.choices).default(at).interact()?;
        return Ok(question.choices.get(chosen).cloned().unwrap_or(default));
    }
    let refuse = |text: &String| {
        blueprint.refuse(answers, &question.parameter, text).map_or(Ok(()), |problem| Err(problem.reason))
    };
    Input::new().with_prompt(&question.title).default(default).allow_empty(true).validate_with(refuse).interact_text()
}

/// Returns the repository with what it has to know of its own making.
fn with_records(generated: &Repo, blueprint: &Blueprint, answers: Map<String, Value>) -> Repo {
    let files = generated.files();
    let text = |(path, _): (&RepoPath, _)| (path.clone(), files.text(path).unwrap_or_default().to_owned());
    let texts: Texts = files.iter().map(text).collect();
    let records = Records::new(env!("CARGO_PKG_VERSION"), &blueprint.name, answers, texts);
    let content = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => Content::Text(text.into()),
        Err(error) => Content::Binary(error.into_bytes().into()),
    };
    let records = records.changes(&FileSet::default()).into_iter();
    generated.updated(records.map(|(path, bytes)| (path, Some(content(bytes))))).0
}

/// Refuses when something stands where a file goes, or where one of its directories goes and is none.
fn refuse_existing(directory: &Path, files: &FileSet) -> Result<(), InitError> {
    let (mut paths, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (path, _) in files.iter() {
        if fs::symlink_metadata(directory.join(path.as_str())).is_ok() {
            paths.insert(path.clone());
        }
        let mut parent = path.parent();
        while !parent.is_root() && seen.insert(parent.clone()) {
            // A link would lead out of the directory.
            if fs::symlink_metadata(directory.join(parent.as_str())).is_ok_and(|found| !found.is_dir()) {
                paths.insert(parent.clone());
            }
            parent = parent.parent();
        }
    }
    if paths.is_empty() {
        return Ok(());
    }
    Err(InitError::Exists { directory: directory.to_owned(), paths: paths.into_iter().collect() })
}

/// Refuses to write what `validate` would call wrong.
fn refuse_findings(repo: &Repo) -> Result<(), InitError> {
    let findings = rules::validate(repo, &Options::default());
    match findings.worst() {
        Some(Severity::Error) => Err(InitError::Findings(report::text(&findings, repo, Color::Never))),
        _ => Ok(()),
    }
}

/// Writes the files and commits them where that is wanted; on any failure the disk is as it was.
fn write(args: &Args, blueprint: &Blueprint, files: &FileSet) -> Result<(), InitError> {
    if !args.git {
        text::create_tree(&args.directory, files)?;
        return Ok(());
    }
    // Asked first: after the files are written it would be a reason to remove them again.
    let author = args.author.clone().map_or_else(git::configured_author, Ok)?;
    if fs::symlink_metadata(args.directory.join(".git")).is_ok() {
        return Err(GitError::Exists(args.directory.clone()).into());
    }
    let written = text::create_tree(&args.directory, files)?;
    let message = format!("Generate the repository from the blueprint {}\n", blueprint.name);
    if let Err(error) = git::init_and_commit(&args.directory, files, &message, &author) {
        written.undo();
        return Err(error.into());
    }
    Ok(())
}
