//! `gitops-gen schema`: the schema of gitops.yaml, and schemas from outside the repository.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::console::Console;
use crate::cli::update::UpdateError;
use crate::cli::{CliError, Ended};
use crate::generate;
use crate::schema::{self, Layout, SchemaLocation};
use crate::text::{self, FileSet, RepoPath};

/// Print the JSON Schema of gitops.yaml, or work with schemas of kinds that this tool does not know
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(Import),
}

/// Turn CRDs into a directory for `validate --schema-location`: all of them, or nothing
#[derive(Debug, clap::Args)]
struct Import {
    /// CRDs: a file, or a directory with any number of them
    #[arg(value_name = "DIR|FILE")]
    from: PathBuf,
    /// Directory to write into; made where it does not exist, files in it are never replaced
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let Some(Command::Import(import)) = &args.command else {
        console.print(&generate::gitops_schema().map_err(UpdateError::from)?)?;
        return Ok(Ended::Clean);
    };
    let schemas = schema::import(&read(&import.from)?)?;
    text::write_tree(&import.output, &schemas)?;
    let list = schemas.iter().fold(String::new(), |list, (path, _)| list + path.as_str() + "\n");
    console.print(&list)?;
    Ok(Ended::Clean)
}

/// Returns the schemas at a place given as kubeconform takes it: a directory, a file or a path with placeholders; nothing for
/// `default`, which are the embedded ones.
pub(super) fn location(given: &str) -> Result<Option<SchemaLocation>, CliError> {
    if given == "default" {
        return Ok(None);
    }
    if given.contains("://") {
        return Err(CliError::RemoteSchemas(given.to_owned()));
    }
    let Some((before, _)) = given.split_once("{{") else {
        return Ok(Some(SchemaLocation::new(given, &read(Path::new(given))?, Layout::Known)?));
    };
    let (directory, name) = before.rsplit_once('/').unwrap_or((".", before));
    let template = format!("{name}{}", given.strip_prefix(before).unwrap_or_default());
    let directory = if directory.is_empty() { "/" } else { directory };
    Ok(Some(SchemaLocation::new(given, &read(Path::new(directory))?, Layout::Template(template))?))
}

/// Reads a directory, or a file as the only one of its directory, whose name may be that of a group.
fn read(path: &Path) -> Result<FileSet, CliError> {
    if !path.is_file() {
        return Ok(text::read_tree(path)?.files);
    }
    let name = |path: &Path| RepoPath::new(path.file_name()?.to_str()?).ok();
    let file = name(path).ok_or_else(|| CliError::UnreadableName(path.to_owned()))?;
    let directory = path.parent().and_then(name).unwrap_or_else(RepoPath::root);
    let place = directory.join(file.as_str()).unwrap_or(file);
    Ok(FileSet::from_contents([(place, text::read_file(path))]))
}
