//! `gitops-gen explain`: one rule, for people.

use crate::cli::console::Console;
use crate::cli::{CliError, Ended};
use crate::diagnostic::pick;
use crate::rules;

/// Rules that are offered in the place of one that does not exist.
const OFFERED: usize = 3;

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
        return Err(CliError::UnknownRule { id: args.rule.clone(), hint: hint(&args.rule) });
    };
    console.print(&rule.page())?;
    Ok(Ended::Clean)
}

/// Returns which rules may be meant by `id`, and where all of them are listed.
fn hint(id: &str) -> String {
    let id = id.to_ascii_lowercase();
    let near = pick::near(&id, rules::all().map(|rule| rule.id));
    let parts = rules::all().map(|rule| rule.id).filter(|known| id.len() > 2 && known.contains(&id));
    let mut others: Vec<&str> = parts.filter(|known| !near.contains(known)).collect();
    others.sort_by_key(|known| (known.len(), *known));
    let near: Vec<String> = near.iter().chain(&others).take(OFFERED).map(|known| format!("`{known}`")).collect();
    if near.is_empty() {
        return "none is called so; `gitops-gen rules` lists them".to_owned();
    }
    format!("did you mean {}?", near.join(" or "))
}
