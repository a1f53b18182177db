//! `gitops-gen explain`: one rule, for people.

use crate::cli::console::Console;
use crate::cli::{CliError, Ended};
use crate::rules::{self, FixAvailability};

/// Print what a rule checks, why it matters and what it cannot see
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Id of the rule, as reports print it in brackets
    #[arg(value_name = "RULE")]
    rule: String,
}

/// Prints the rule's page as Markdown.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let Some(rule) = rules::find(&args.rule) else {
        let distance = |id: &str| strsim::damerau_levenshtein(&args.rule, id);
        let nearest = rules::all().map(|rule| rule.id).min_by_key(|id| distance(id)).unwrap_or_default();
        return Err(CliError::UnknownRule { id: args.rule.clone(), nearest });
    };
    let fix = match rule.fix {
        FixAvailability::None => "",
        FixAvailability::Sometimes => ", sometimes fixable",
        FixAvailability::Always => ", fixable",
    };
    console.print(&format!("# {}\n\n{}{fix}\n\n{}\n", rule.id, rule.severity.name(), rule.docs.trim_end()))?;
    Ok(Ended::Clean)
}
