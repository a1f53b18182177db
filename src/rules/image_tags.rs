//! Rules on the tags that image policies may select, and on those that stand in the files.
//!
//! Source: image-reflector-controller 1.2, Masterminds/semver 3.5.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::ImagePolicy;
use crate::image::{self, Choice, MarkedFile, Order, Outcome, Pattern, Policy, SelectError};
use crate::kube::NamespacedName;
use crate::rules::image_policies::{EXTRACT, PATTERN, RANGE, place, written_tags};
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[OVERLAP, NOT_SELECTABLE, NOT_NUMERIC, ROUNDED, TIED, PRERELEASE_OF_BOUND, SMALLEST];

const OVERLAP: Rule = Rule {
    id: "image-tracks-overlap",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A tag that one track may select cannot be selected by another track of the same image: the policies of canary and primary are \
disjoint.

## Why it matters
Otherwise a build that nobody released reaches production, or a release ends the canary.

## What it cannot see
Tags of other forms than those that the files name, the usual ones (`v1.2.3`, `1.2.3`, `main-0123abc-1700000000`), and examples \
made of the patterns. Tracks are told by the label `gitops-gen.dev/track`.
",
    check: Check::Repository(check_tracks),
};

const NOT_SELECTABLE: Rule = Rule {
    id: "image-tag-not-selectable",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The tag at a marker is one that its policy could select: the ImageRepository does not exclude it, the filter lets it through, and \
it is a version in the range, or a number.

## Why it matters
Flux compares nothing: it replaces the tag with whatever the policy selects, be it older. A version above the range is lowered.

## What it cannot see
What the registry holds: `gitops-gen images update --tags` warns of each value that would be lowered.
",
    check: Check::Repository(check_values),
};

const NOT_NUMERIC: Rule = Rule {
    id: "image-extract-not-numeric",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
What a policy with `numerical` compares is a number for every tag that its filter lets through; without `extract` that is the tag \
itself.

## Why it matters
One tag that is no number fails the whole policy: `failed to parse invalid numeric value`, and the image that was selected last \
stays. A hash can look like a number (`1e10`), and then wins.

## What it cannot see
Tags of other forms than the examples that it makes of the pattern.
",
    check: Check::Repository(check_numbers),
};

const ROUNDED: Rule = Rule {
    id: "image-numbers-rounded",
    severity: Severity::Note,
    fix: FixAvailability::None,
    docs: "\
## What it checks
What a policy with `numerical` compares is below 2^53 (9007199254740992), for the tags at its markers and for examples of its \
pattern. Seconds, milliseconds and microseconds since 1970 are; nanoseconds, and a date with milliseconds or a counter behind it \
(`20260101123045001`), are not.

## Why it matters
Flux compares 64-bit floats. Greater numbers are rounded to steps: of 4 with 17 digits, of 256 in nanoseconds, so that the counter \
at the end of a number may not count at all. Tags in one step are equal, and which of them is selected changes by chance from one \
reconciliation to the next.

## What it cannot see
Greater numbers that neither a marker nor the pattern tells of: `[0-9]+` takes any. `gitops-gen images explain` tells for a list of \
tags.
",
    check: Check::Repository(check_rounding),
};

const TIED: Rule = Rule {
    id: "image-versions-tie",
    severity: Severity::Note,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The filter of a semver policy does not let both `v1.2.3` and `1.2.3` through.

## Why it matters
Both are one version. Flux visits filtered tags in random order, so where the registry has both the selected tag changes from \
one reconciliation to the next, and each change is a commit.

## What it cannot see
Whether the registry has both; `gitops-gen images explain` tells for a list of tags.
",
    check: Check::Repository(check_ties),
};

const PRERELEASE_OF_BOUND: Rule = Rule {
    id: "image-range-admits-prerelease",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A range that admits prereleases does not admit those of its own upper bound: `>=1.0.0-0 <2.0.0` takes `2.0.0-alpha`.

## Why it matters
`2.0.0-alpha` is below 2.0.0. Whoever writes `<2.0.0` wants no build of the next major version. `<2.0.0-0` leaves them out.

## What it cannot see
Tags that the filter leaves out by a suffix of its own.
",
    check: Check::Repository(check_bounds),
};

const SMALLEST: Rule = Rule {
    id: "image-order-descending",
    severity: Severity::Note,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`order` of an alphabetical or numerical policy is `asc`.

## Why it matters
The order is that of the list of which the last is taken: `desc` selects the smallest, so the oldest build.

## What it cannot see
Tags that count down.
",
    check: Check::Repository(check_order),
};

/// Returns what `policy` would select of these tags alone.
fn select(policy: &Policy, tags: &[&str], context: &Context<'_>) -> Outcome {
    image::select(policy, &image::scan(tags.iter().copied(), &[]), context.version.image_grammar())
}

/// Returns whether `policy` could select `tag` if there were no other.
fn could_select(policy: &Policy, tag: &str, context: &Context<'_>) -> bool {
    matches!(select(policy, &[tag], context), Outcome::Selected(_))
}

fn examples(policy: &Policy) -> Vec<String> {
    policy.filter.as_ref().map(|filter| filter.pattern.examples()).unwrap_or_default()
}

/// Reports every two tracks of an image that may select the same tag.
fn check_tracks(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let written = written_tags(context);
    let all = &context.policies;
    let labelled = |policy: &ImagePolicy<'_>| {
        policy.resource.node.at(&["metadata", "labels", crate::flux::TRACK_LABEL]).and_then(Node::as_str).is_some()
    };
    for (at, (found, policy)) in all.iter().enumerate() {
        for (other, other_policy) in &all[..at] {
            let is_pair = found.repository == other.repository && found.track() != other.track();
            if !is_pair || !labelled(found) || !labelled(other) {
                continue;
            }
            let usual = ["v1.2.3", "1.2.3", "main-0123abc-1700000000"].into_iter();
            let of = |name: &NamespacedName| written.get(name).into_iter().flatten().copied();
            let made = [examples(policy), examples(other_policy)].concat();
            let mut tags = usual.chain(of(&found.name)).chain(of(&other.name)).chain(made.iter().map(String::as_str));
            let shared =
                tags.find(|tag| could_select(policy, tag, context) && could_select(other_policy, tag, context));
            let Some(tag) = shared else { continue };
            out.push(
                rule.report(format!(
                    "ImagePolicies `{}` and `{}` both select tags such as `{tag}`",
                    other.name, found.name
                ))
                .label(found.resource.name_span(), format!("track `{}`", found.track()))
                .label(other.resource.name_span(), format!("track `{}`", other.track()))
                .help("give each a `filterTags.pattern` that the other's tags do not match"),
            );
        }
    }
}

/// What the repositories of policies exclude, by the policy.
fn exclusions(context: &Context<'_>) -> BTreeMap<NamespacedName, Vec<Pattern>> {
    let mut out = BTreeMap::new();
    for automation in context.automations() {
        for policy in automation.policies.values() {
            let repository = automation.repositories.get(&policy.repository);
            if let Some(Ok(excluded)) = repository.map(crate::flux::ImageRepository::exclusions) {
                out.entry(policy.name.clone()).or_insert(excluded);
            }
        }
    }
    out
}

/// Reports every tag at a marker that its policy could not have selected.
fn check_values(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    if context.marked.is_empty() {
        return;
    }
    // A group that the pattern does not have is told by another rule.
    let asked = context.policies.iter().filter(|(_, policy)| policy.has_its_groups());
    let policies: BTreeMap<&NamespacedName, &Policy> = asked.map(|(found, policy)| (&found.name, policy)).collect();
    let exclusions = exclusions(context);
    for value in context.marked.iter().flat_map(MarkedFile::values) {
        let (Some(policy), Some(tag)) = (policies.get(&value.policy), value.tag()) else { continue };
        let excluded = exclusions.get(&value.policy).and_then(|all| all.iter().find(|pattern| pattern.matches(tag)));
        let label = match (excluded, select(policy, &[tag], context)) {
            (Some(pattern), _) => format!("the ImageRepository excludes `{pattern}`"),
            (None, Outcome::Selected(_)) => continue,
            (None, Outcome::Failed(SelectError::NoCandidates)) => "`filterTags.pattern` does not match it".to_owned(),
            (None, Outcome::Failed(SelectError::NoneInRange)) => "no version in the range".to_owned(),
            (None, Outcome::Failed(SelectError::NoNumber(text))) => format!("`{text}` is no number"),
            (None, _) => "not among what the policy selects from".to_owned(),
        };
        out.push(
            rule.report(format!("ImagePolicy `{}` can never select the tag `{tag}`", value.policy))
                .label(value.span, label)
                .help("write a tag that the policy selects, or change the policy")
                .note("Flux replaces it with whatever the policy selects, be it older"),
        );
    }
}

/// Reports every numerical policy that compares what may be no number.
fn check_numbers(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (found, policy) in &context.policies {
        let (Choice::Numerical(_), Some(filter), true) = (&policy.choice, &policy.filter, policy.has_its_groups())
        else {
            continue;
        };
        let mut made = filter.pattern.examples().into_iter();
        let bad = made.find_map(|tag| match select(policy, &[&tag], context) {
            Outcome::Failed(SelectError::NoNumber(key)) => Some((tag, key)),
            _ => None,
        });
        let Some((tag, key)) = bad else { continue };
        let keys = if filter.extract.is_some() { EXTRACT } else { PATTERN };
        let help = match filter.extract {
            Some(_) => "extract a group that holds digits alone, such as `(?P<n>[0-9]+)`",
            None => "name the number with a group of the pattern, and extract it",
        };
        out.push(
            rule.report(format!(
                "ImagePolicy `{}` compares numbers, and `{key}` of the tag `{tag}` is none",
                found.name
            ))
            .label(place(found, &keys), format!("lets `{tag}` through, for one"))
            .help(help)
            .note("one tag that is no number fails the whole policy"),
        );
    }
}

/// Reports every numerical policy that compares numbers which a float cannot hold.
fn check_rounding(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let written = written_tags(context);
    for (found, policy) in &context.policies {
        if !matches!(policy.choice, Choice::Numerical(_)) || !policy.has_its_groups() {
            continue;
        }
        let made = examples(policy);
        let of_files = written.get(&found.name).into_iter().flatten().copied();
        let mut tags = of_files.chain(made.iter().map(String::as_str));
        let rounded = tags.find_map(|tag| {
            let key = image::key_of(policy, tag)?;
            Some((image::coarseness(&key)?, key.into_owned()))
        });
        let Some((step, key)) = rounded else { continue };
        let keys: &[&str] = match &policy.filter {
            Some(filter) if filter.extract.is_some() => &EXTRACT,
            Some(_) => &PATTERN,
            None => &["policy", "numerical"],
        };
        let finding = rule
            .report(format!("ImagePolicy `{}` compares numbers such as `{key}`, which are rounded", found.name))
            .label(place(found, keys), format!("those within {step} of each other are equal"))
            .help("extract fewer digits, or compare numbers of one length by `alphabetical`");
        // Without a filter the order of the scan decides.
        let is_random = policy.filter.is_some();
        out.push(if is_random { finding.note("of equal tags Flux selects one by chance") } else { finding });
    }
}

/// Reports every semver policy that may find one version under two tags.
fn check_ties(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let written = written_tags(context);
    for (found, policy) in &context.policies {
        let (Choice::Semver(_), Some(_)) = (&policy.choice, &policy.filter) else { continue };
        let made = examples(policy);
        let of_files = written.get(&found.name).into_iter().flatten().copied();
        let twin = |tag: &str| tag.strip_prefix('v').map_or_else(|| format!("v{tag}"), str::to_owned);
        let mut tags = ["1.2.3"].into_iter().chain(of_files).chain(made.iter().map(String::as_str));
        let Some(tag) = tags.find(|tag| matches!(select(policy, &[tag, &twin(tag)], context), Outcome::Random(_)))
        else {
            continue;
        };
        out.push(
            rule.report(format!("ImagePolicy `{}` takes both `{tag}` and `{}`", found.name, twin(tag)))
                .label(place(found, &PATTERN), "one version under two tags: chance decides")
                .help("let one of the two forms through"),
        );
    }
}

/// Reports every range that takes prereleases of the release that it ends before.
fn check_bounds(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (found, policy) in &context.policies {
        let Choice::Semver(range) = &policy.choice else { continue };
        let Some(version) = range.prerelease_of_bound() else { continue };
        out.push(
            rule.report(format!("the range of ImagePolicy `{}` takes `{version}`", found.name))
                .label(place(found, &RANGE), "prereleases of the upper bound are below it")
                .help(format!("end it with `<{version}`")),
        );
    }
}

/// Reports every policy that selects the smallest.
fn check_order(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (found, policy) in &context.policies {
        let kind = match policy.choice {
            Choice::Alphabetical(Order::Descending) => "alphabetical",
            Choice::Numerical(Order::Descending) => "numerical",
            _ => continue,
        };
        out.push(
            rule.report(format!("ImagePolicy `{}` selects the smallest tag", found.name))
                .label(place(found, &["policy", kind, "order"]), "`desc` takes the smallest, `asc` the greatest")
                .help("write `asc`, unless the tags count down"),
        );
    }
}
