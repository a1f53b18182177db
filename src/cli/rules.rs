//! `gitops-gen rules`: every rule in a line.

use clap::ValueEnum;

use crate::cli::console::Console;
use crate::cli::{CliError, Ended};
use crate::rules;

/// List every rule
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the list as
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Aligned columns
    #[default]
    Text,
    /// A Markdown table: docs/rules.md
    Markdown,
}

/// Prints the rules in the order they are documented.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let list = match args.format {
        Format::Text => text(),
        Format::Markdown => markdown(),
    };
    console.print(&list)?;
    Ok(Ended::Clean)
}

fn text() -> String {
    let width = rules::all().map(|rule| rule.id.len()).max().unwrap_or(0);
    rules::all().fold(String::new(), |list, rule| {
        let columns = format!("{:width$}  {:7}  {}", rule.id, rule.severity.name(), rule.summary());
        list + columns.trim_end() + "\n"
    })
}

fn markdown() -> String {
    let head = "| rule | severity | what it checks |\n|---|---|---|\n".to_owned();
    rules::all()
        .fold(head, |list, rule| list + &format!("| `{}` | {} | {} |\n", rule.id, rule.severity.name(), rule.summary()))
}
