//! `gitops-gen images tags`: what a registry client printed, as a list of tags.

use std::path::PathBuf;

use crate::cli::console::Console;
use crate::cli::images::lists;
use crate::cli::{CliError, Ended};
use crate::image::TagList;
use crate::report;

/// Turn what `skopeo list-tags` or `crane ls` printed into a list with one tag a line
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What the client printed; `-` is standard input
    #[arg(long = "from-json", default_value = "-", value_name = "FILE")]
    input: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the tags, each once, in the order of the client.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let text = lists::read_text(&args.input)?;
    let text = lists::client_list(&args.input, &text)?;
    let list = TagList::read(&text);
    lists::tell(&args.input, &list, console)?;
    if args.json {
        console.print(&report::tags_json(&list.tags))?;
        return Ok(Ended::Clean);
    }
    console.stream(|out| list.tags.iter().try_for_each(|tag| writeln!(out, "{tag}")))?;
    Ok(Ended::Clean)
}
