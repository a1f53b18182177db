//! `gitops-gen images`: the table of policies and markers.

use crate::cli::console::Console;
use crate::cli::fleet::Rendered;
use crate::cli::images::Target;
use crate::cli::{CliError, Ended, tree};
use crate::report;

/// Prints every policy with each of its markers.
pub(super) fn run(target: &Target, is_json: bool, console: &Console) -> Result<Ended, CliError> {
    let repo = tree::read(&target.root)?.repo;
    let (fleet, version) = target.wanted.render(&repo, Rendered::Wanted)?;
    let rows = report::image_rows(&repo, &fleet, version);
    let text = if is_json { report::images_json(&rows) } else { report::images_table(&rows) };
    console.print(&text)?;
    Ok(Ended::Clean)
}
