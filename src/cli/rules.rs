//! `gitops-gen rules`: every rule in a line.

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::console::Console;
use crate::cli::{CliError, Ended};
use crate::rules::{self, Rule};

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
    /// One JSON array, with the page of each rule
    Json,
}

/// Prints the rules in the order they are documented.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let list = match args.format {
        Format::Text => text(),
        Format::Markdown => markdown(),
        Format::Json => json(),
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
    let head = "| rule | severity | fix | what it checks |\n|---|---|---|---|\n".to_owned();
    rules::all().fold(head, |list, rule| {
        let (id, severity) = (rule.id, rule.severity.name());
        list + &format!("| [`{id}`](rules/{id}.md) | {severity} | {} | {} |\n", rule.fix.name(), rule.summary())
    })
}

/// What programs are told of a rule.
#[derive(Serialize)]
struct WireRule {
    id: &'static str,
    severity: &'static str,
    fix: &'static str,
    summary: &'static str,
    docs: &'static str,
}

fn json() -> String {
    let rule = |rule: &'static Rule| WireRule {
        id: rule.id,
        severity: rule.severity.name(),
        fix: rule.fix.name(),
        summary: rule.summary(),
        docs: rule.docs,
    };
    let list: Vec<WireRule> = rules::all().map(rule).collect();
    serde_json::to_string_pretty(&list).expect("strings always serialize") + "\n"
}
