//! `gitops-gen images explain`: which tag wins, and why no other.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::cli::console::Console;
use crate::cli::fleet::{Names, Rendered};
use crate::cli::images::{ImagesError, Target, lists};
use crate::cli::{CliError, Ended, tree};
use crate::flux::{ImageAutomation, ImagePolicy};
use crate::image::{self, Choice, Explanation, Outcome, Policy, TagList};
use crate::report::{self, Title};

/// Tell which tag a policy selects of a list, and why not the others
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the policy, with its namespace (NAMESPACE/NAME) where there are several
    #[arg(value_name = "POLICY")]
    policy: String,
    /// List of the tags, one a line, or what skopeo or crane printed; `-` is standard input
    #[arg(long, value_name = "FILE")]
    tags: PathBuf,
    #[command(flatten)]
    target: Target,
    /// Print the verdict on each tag, instead of the reasons with the tags nearest to winning
    #[arg(long)]
    all: bool,
    /// Print one JSON object, with the verdict on each tag
    #[arg(long, conflicts_with = "all")]
    json: bool,
}

/// How many tags are named for each reason.
const NEAREST: usize = 5;

/// Prints the verdicts; the exit code is 1 where nothing is selected, or by chance.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let repo = tree::read(&args.target.root)?.repo;
    let (fleet, version) = args.target.wanted.render(&repo, Rendered::Wanted)?;
    let automation: Vec<ImageAutomation<'_>> = fleet.clusters.iter().map(ImageAutomation::of).collect();
    let (found, of) = find(&automation, &args.policy)?;
    let grammar = version.image_grammar();
    let refused = |source| ImagesError::Policy { name: found.name.to_string(), source };
    let policy = found.policy(grammar).map_err(refused)?;
    let repository = of.repositories.get(&found.repository);
    let exclusions = match repository {
        Some(repository) => repository.exclusions(),
        None => image::read_exclusions(None),
    };
    let exclusions = exclusions.map_err(refused)?;
    let text = lists::read_text(&args.tags)?;
    let text = lists::client_list(&args.tags, &text)?;
    let list = TagList::read(&text);
    lists::tell(&args.tags, &list, console)?;
    let explained = image::explain(&policy, &exclusions, list.tags, grammar);
    let title = Title { policy: found.name.to_string(), rule: report::selection_rule(found, version) };
    if let Some(key) = rounded(&policy, &explained) {
        console.say(&format!("note: numbers such as `{key}` are rounded to 64-bit floats, and may become equal"));
    }
    console.stream(|out| {
        if args.json {
            report::verdicts_json(out, &title, &explained)
        } else if args.all {
            report::verdicts_text(out, &title, &explained)
        } else {
            report::reasons_text(out, &title, &explained, &explained.groups(&policy, grammar, NEAREST))
        }
    })?;
    Ok(if matches!(explained.outcome, Outcome::Selected(_)) { Ended::Clean } else { Ended::WithFindings })
}

/// Returns a number of those that are equal to the policy, where a float does not hold it.
fn rounded<'e>(policy: &Policy, explained: &'e Explanation<'_>) -> Option<Cow<'e, str>> {
    let (Choice::Numerical(_), Outcome::Random(tags)) = (&policy.choice, &explained.outcome) else { return None };
    let mut keys = tags.iter().filter_map(|tag| image::key_of(policy, tag));
    keys.find(|key| image::coarseness(key).is_some())
}

/// Returns the policy called `wanted`, with the automation of its cluster.
fn find<'s, 'a>(
    all: &'s [ImageAutomation<'a>],
    wanted: &str,
) -> Result<(&'s ImagePolicy<'a>, &'s ImageAutomation<'a>), ImagesError> {
    let policies = || all.iter().flat_map(|of| of.policies.values().map(move |policy| (policy, of)));
    let mut found: Vec<_> =
        policies().filter(|(policy, _)| policy.name.to_string() == wanted || policy.name.name == wanted).collect();
    found.dedup_by(|left, right| left.0.name == right.0.name);
    let names = |policies: &mut dyn Iterator<Item = &ImagePolicy<'a>>| {
        let mut names: Vec<String> = policies.map(|policy| policy.name.to_string()).collect();
        names.sort();
        names.dedup();
        Names(names)
    };
    match &found[..] {
        [] => Err(ImagesError::UnknownPolicy {
            name: wanted.to_owned(),
            known: names(&mut policies().map(|(policy, _)| policy)),
        }),
        [one] => Ok(*one),
        several if several.iter().all(|(policy, _)| policy.name == several[0].0.name) => Ok(several[0]),
        several => Err(ImagesError::SeveralPolicies {
            name: wanted.to_owned(),
            known: names(&mut several.iter().map(|(policy, _)| *policy)),
        }),
    }
}
