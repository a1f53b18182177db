//! `gitops-gen images tags`: what a registry client printed, as a list of tags.

use std::path::PathBuf;

use crate::cli::console::Console;
use crate::cli::images::lists;
use crate::cli::{CliError, Ended};
use crate::image::TagList;

/// Turn what `skopeo list-tags` or `crane ls` printed into a list with one tag a line
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What the client printed; `-` is standard input
    #[arg(long = "from-json", default_value = "-", value_name = "FILE")]
    input: PathBuf,
}

/// Prints the tags, each once, in the order of the client.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let text = lists::client_list(&args.input, &lists::read_text(&args.input)?)?;
    let list = TagList::read(&text);
    lists::tell(&args.input, &list, console)?;
    let mut out = list.tags.join("\n");
    out.push('\n');
    console.print(&out)?;
    Ok(Ended::Clean)
}
