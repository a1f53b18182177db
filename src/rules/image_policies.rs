//! Rules on what image policies select from.
//!
//! Source: image-reflector-controller 1.2, fluxcd/pkg `version`, Masterminds/semver 3.5.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{ImageAutomation, ImagePolicy};
use crate::image::{self, Choice, Grammar, MarkedFile, Marking, Policy, Template};
use crate::kube::NamespacedName;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::Span;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[
    REPOSITORY_INVALID,
    POLICY_INVALID,
    UNANCHORED,
    GROUP_UNKNOWN,
    UNBOUNDED,
    WITHOUT_MARKER,
    WITHOUT_POLICY,
    SEVERAL_KINDS,
];

const REPOSITORY_INVALID: Rule = Rule {
    id: "image-repository-invalid",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.image` of each ImageRepository is a name without scheme and tag, and each entry of `spec.exclusionList` a regular expression \
of Go.

## Why it matters
Flux stalls it as `ImageURLInvalid`: its policies get no tags.

## What it cannot see
Whether the registry has the image.
",
    check: Check::Index(check_repositories),
};

const POLICY_INVALID: Rule = Rule {
    id: "image-policy-invalid",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each ImagePolicy says how it selects, with a version range of Masterminds/semver and a filter that is a regular expression of Go.

## Why it matters
The API server takes any text there. Flux stalls the policy as `InvalidPolicy`, and the image that was selected last stays for ever.

## What it cannot see
Nothing that matters: the languages are known.
",
    check: Check::Repository(check_policies),
};

const UNANCHORED: Rule = Rule {
    id: "image-pattern-unanchored",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.filterTags.pattern` begins with `^` and ends with `$`.

## Why it matters
The pattern is searched for, not matched: `v1` is found in `dev1-debug` too, and whatever the filter lets through may win.

## What it cannot see
Patterns that are anchored in each of their alternatives.
",
    check: Check::Repository(check_anchors),
};

const GROUP_UNKNOWN: Rule = Rule {
    id: "image-extract-unknown-group",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.filterTags.extract` names groups that the pattern has; `$1x` asks for a group `1x`, `${1}x` for the first.

## Why it matters
An unknown group is empty: every tag extracts to the same text, and the smallest tag wins, or a number cannot be read.

## What it cannot see
Groups that take part in no match.
",
    check: Check::Repository(check_groups),
};

const UNBOUNDED: Rule = Rule {
    id: "image-range-unbounded",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The range of a semver policy leaves something out: `*`, `>=0.0.0` and their like take every version.

## Why it matters
Any tag that looks like a version wins if it is greatest: `20240101.0.0` of another naming scheme, or the next major version.

## What it cannot see
Which versions are wanted: any bound is enough.
",
    check: Check::Repository(check_ranges),
};

const WITHOUT_MARKER: Rule = Rule {
    id: "image-policy-without-marker",
    severity: Severity::Note,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Some marker names each ImagePolicy of a cluster that runs image automation.

## Why it matters
What the policy selects is written nowhere.

## What it cannot see
Other readers of the policy's status, such as alerts.
",
    check: Check::Repository(check_unused_policies),
};

const WITHOUT_POLICY: Rule = Rule {
    id: "image-repository-without-policy",
    severity: Severity::Note,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Some ImagePolicy selects from each ImageRepository of its cluster.

## Why it matters
The registry is scanned for nothing.

## What it cannot see
Policies created outside this repository: where something of the cluster could not be rendered, it says nothing.
",
    check: Check::Index(check_unused_repositories),
};

const SEVERAL_KINDS: Rule = Rule {
    id: "image-policy-several-kinds",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.policy` of each ImagePolicy has one of `semver`, `alphabetical` and `numerical`.

## Why it matters
The API server takes several, and the controller uses the first in this order: the others have no effect.

## What it cannot see
Nothing that matters: the policy says it all.
",
    check: Check::Repository(check_kinds),
};

/// Reports what is wrong with `spec.image` and `spec.exclusionList`.
fn check_repositories(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for repository in index.automation().repositories.values() {
        let name = &repository.name;
        let span =
            |key| repository.resource.node.at(&["spec", key]).map_or(repository.resource.origin, |node| node.span);
        if let Some(problem) = image::image_problem(repository.image) {
            out.push(
                rule.report(format!("ImageRepository `{name}` names no repository"))
                    .label(span("image"), problem)
                    .help("write host and path alone, as in `ghcr.io/example/web`")
                    .note("Flux stalls it as `ImageURLInvalid`"),
            );
        }
        if let Err(error) = repository.exclusions() {
            out.push(
                rule.report(format!("ImageRepository `{name}` excludes by what is no regular expression of Go"))
                    .label(span("exclusionList"), error.to_string())
                    .help("write expressions that Go's regexp reads"),
            );
        }
    }
}

/// Every policy of the fleet, once for each place that it is written at.
pub(super) fn policies<'a>(context: &Context<'a>) -> Vec<ImagePolicy<'a>> {
    once(context.automations())
}

/// The policies of `automations`, each that several clusters have once.
fn once<'e, 'a: 'e>(automations: impl Iterator<Item = &'e ImageAutomation<'a>>) -> Vec<ImagePolicy<'a>> {
    let mut seen = BTreeSet::new();
    let all = automations.flat_map(|automation| automation.policies.values()).cloned();
    all.filter(|policy| seen.insert((policy.resource.origin, policy.name.clone()))).collect()
}

/// The place of a field of a policy, or else of its name.
pub(super) fn place(policy: &ImagePolicy<'_>, keys: &[&str]) -> Span {
    let found = policy.spec().and_then(|spec| spec.at(keys));
    found.map_or_else(|| policy.resource.name_span(), |node| node.span)
}

pub(super) const RANGE: [&str; 3] = ["policy", "semver", "range"];
pub(super) const PATTERN: [&str; 2] = ["filterTags", "pattern"];
pub(super) const EXTRACT: [&str; 2] = ["filterTags", "extract"];

/// Reports every policy that the controller stalls.
fn check_policies(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for policy in policies(context) {
        let Err(error) = policy.policy(context.version.image_grammar()) else { continue };
        let (span, help) = match &error {
            image::PolicyError::Range(_) => (place(&policy, &RANGE), "write a range such as `>=1.0.0 <2.0.0`"),
            image::PolicyError::Pattern { .. } => {
                (place(&policy, &PATTERN), "write a regular expression that Go reads (RE2)")
            }
            image::PolicyError::Order(_) => (place(&policy, &["policy"]), "write `asc` or `desc`"),
            image::PolicyError::NoChoice => {
                (place(&policy, &["policy"]), "give one of `semver`, `alphabetical` and `numerical`")
            }
        };
        out.push(
            rule.report(format!("ImagePolicy `{}` cannot select", policy.name))
                .label(span, error.to_string())
                .help(help)
                .note("Flux stalls it as `InvalidPolicy`; the image that it selected last stays"),
        );
    }
}

/// The policies of `automations` that can select, with what they select by.
pub(super) fn readable<'e, 'a: 'e>(
    automations: impl Iterator<Item = &'e ImageAutomation<'a>>,
    grammar: Grammar,
) -> Vec<(ImagePolicy<'a>, Policy)> {
    let read = |found: ImagePolicy<'a>| found.policy(grammar).ok().map(|policy| (found, policy));
    once(automations).into_iter().filter_map(read).collect()
}

/// Reports every filter that is found anywhere in a tag.
fn check_anchors(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (found, policy) in &context.policies {
        let Some(filter) = policy.filter.as_ref().filter(|filter| !filter.pattern.as_str().is_empty()) else {
            continue;
        };
        if filter.pattern.is_anchored() {
            continue;
        }
        out.push(
            rule.report(format!("the filter of ImagePolicy `{}` is not anchored", found.name))
                .label(place(found, &PATTERN), "found anywhere in a tag")
                .help("begin it with `^` and end it with `$`"),
        );
    }
}

/// Reports every template that asks for a group that the pattern does not have.
fn check_groups(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (found, policy) in &context.policies {
        let Some(filter) = &policy.filter else { continue };
        let groups = filter.extract.iter().flat_map(Template::groups);
        for group in groups.filter(|group| !filter.pattern.has_group(group)) {
            out.push(
                rule.report(format!("the filter of ImagePolicy `{}` has no group `{group}`", found.name))
                    .label(place(found, &EXTRACT), "extracts nothing")
                    .help("name a group of the pattern; `${1}x` ends the name before `x`"),
            );
        }
    }
}

/// Reports every range that takes all versions.
fn check_ranges(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (found, policy) in &context.policies {
        if matches!(&policy.choice, Choice::Semver(range) if range.accepts_everything()) {
            out.push(
                rule.report(format!("the range of ImagePolicy `{}` takes every version", found.name))
                    .label(place(found, &RANGE), "no bound")
                    .help("give a bound, such as `>=1.0.0 <2.0.0`"),
            );
        }
    }
}

/// The tags that the files name, by policy.
pub(super) fn written_tags<'a>(context: &'a Context<'_>) -> BTreeMap<&'a NamespacedName, BTreeSet<&'a str>> {
    let mut tags: BTreeMap<&NamespacedName, BTreeSet<&str>> = BTreeMap::new();
    for value in context.marked.iter().flat_map(MarkedFile::values) {
        tags.entry(&value.policy).or_default().extend(value.tag());
    }
    tags
}

/// Reports every policy that no marker names.
fn check_unused_policies(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    // A marker that has no effect is told by another rule.
    let mut named: BTreeSet<&NamespacedName> = written_tags(context).into_keys().collect();
    named.extend(context.markers.iter().filter_map(|marker| match &marker.marking {
        Marking::Marker { policy, .. } => Some(policy),
        _ => None,
    }));
    let mut seen = BTreeSet::new();
    for automation in context.automations() {
        if automation.automations.is_empty() {
            continue;
        }
        for policy in automation.policies.values().filter(|policy| !named.contains(&policy.name)) {
            if seen.insert((policy.name.clone(), policy.resource.origin)) {
                out.push(
                    rule.report(format!("no marker names ImagePolicy `{}`", policy.name))
                        .label(policy.resource.name_span(), "what it selects is written nowhere")
                        .help("put a marker behind the image, or remove the policy"),
                );
            }
        }
    }
}

/// Reports every repository of `cluster` that no policy selects from.
fn check_unused_repositories(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let automation = index.automation();
    if index.absence_anywhere(None) != Severity::Error {
        return;
    }
    for repository in automation.repositories.values() {
        if automation.policies.values().any(|policy| policy.repository == repository.name) {
            continue;
        }
        out.push(
            rule.report(format!("no ImagePolicy selects from ImageRepository `{}`", repository.name))
                .label(repository.resource.name_span(), "scanned for nothing")
                .help("add an ImagePolicy, or remove it"),
        );
    }
}

/// Reports every policy that says twice how it selects.
fn check_kinds(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for policy in policies(context) {
        let Some(spec) = policy.spec().and_then(|spec| spec.get("policy")) else { continue };
        let written = |kind: &&str| spec.get(kind).is_some_and(|node| !node.is_null());
        let kinds: Vec<&str> = ["semver", "alphabetical", "numerical"].into_iter().filter(written).collect();
        let [used, unused, ..] = kinds[..] else { continue };
        let key =
            |kind: &str| spec.as_map().and_then(|map| map.entry(kind)).map_or(spec.span, |entry| entry.key.span());
        out.push(
            rule.report(format!("ImagePolicy `{}` says both `{used}` and `{unused}`", policy.name))
                .label(key(unused), "without effect")
                .label(key(used), "used")
                .help("keep one of them"),
        );
    }
}
