//! Rules on where image policy markers stand: a marker that nothing writes is silent.
//!
//! Source: image-automation-controller 1.2, kyaml `setters2`.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Edit, Fix, FixSafety, Severity};
use crate::flux::{Cluster, ImageAutomation, ImagePolicy, Usage, branch_of};
use crate::image::{Digests, Field, Marked, MarkedFile, Marking};
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::SourceId;
use crate::yaml::{Dialect, Typed};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[WITHOUT_EFFECT, NO_TEXT, UNWRITTEN, OTHER_BRANCH, MASKED, NO_DIGEST];

const WITHOUT_EFFECT: Rule = Rule {
    id: "image-marker-without-effect",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `$imagepolicy` marker belongs to a value: it stands behind it in its line, or above an item of a list.

## Why it matters
A comment above a key, behind `}` or `]`, behind an alias or behind a key without a value belongs to none: the setter passes \
over it without a word, and the image is never updated.

## What it cannot see
Markers in text blocks: they are text.
",
    check: Check::Repository(check_effect),
};

const NO_TEXT: Rule = Rule {
    id: "image-marker-on-no-text",
    severity: Severity::Warning,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
A value with a marker is a text: numbers, booleans and dates have quotes.

## Why it matters
The type of the old value stays when Flux writes the new one: `newTag: 1.5` becomes `newTag: !!float 2.0.0`, which nothing can read.

## What it cannot see
Values with an explicit tag are taken as they are.
",
    check: Check::Repository(check_text),
};

const UNWRITTEN: Rule = Rule {
    id: "image-marker-unwritten",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Some ImageUpdateAutomation writes each marker: it is of the policy's namespace, its `policySelector` takes the policy, and its \
`update.path` holds the file.

## Why it matters
Otherwise the policy selects new images, and nobody writes them.

## What it cannot see
Clusters without any automation: there somebody else may read what the policies select.
",
    check: Check::Repository(check_written),
};

const OTHER_BRANCH: Rule = Rule {
    id: "image-marker-on-other-branch",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The branch that automation pushes a value to is the branch that the clusters with this value follow.

## Why it matters
An automation of `main` never changes what a cluster on `stage` runs.

## What it cannot see
Branches that only the cluster knows, and merges between them: an automation may push to a branch of its own for review.
",
    check: Check::Repository(check_branch),
};

const MASKED: Rule = Rule {
    id: "image-marker-masked",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The value of a marker reaches a cluster: no overlay replaces it in every one of them.

## Why it matters
Where `images` or a patch sets the image too, what Flux writes at the marker changes nothing.

## What it cannot see
Files that no cluster renders.
",
    check: Check::Repository(check_masked),
};

const NO_DIGEST: Rule = Rule {
    id: "image-digest-not-reflected",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A marker that asks for a `:digest` names a policy with `digestReflectionPolicy: Always` or `IfNotPresent`.

## Why it matters
Other policies have no digest: Flux writes the empty text.

## What it cannot see
Policies created outside this repository.
",
    check: Check::Repository(check_digest),
};

/// Reports every marker that belongs to no value.
fn check_effect(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for marker in &context.markers {
        let Marking::Marker { policy, .. } = &marker.marking else { continue };
        let file = context.marked.iter().find(|file| file.source == marker.span.source);
        let text = context.repo.source(marker.span.source).map_or("", |file| file.text());
        // What the setter cannot read at all is told by another rule.
        let Some(file) = file.filter(|file| file.read.is_ok()) else { continue };
        if !file.has_effect(marker, text) {
            out.push(
                rule.report(format!("marker of ImagePolicy `{policy}` belongs to no value"))
                    .label(marker.span, "not behind a value")
                    .help("put it behind the value, in the same line")
                    .note("Flux passes over the marker without a word: the image is never updated"),
            );
        }
    }
}

/// Reports every marked value that is no text.
fn check_text(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, value) in values(context).filter(|(_, value)| value.is_no_text()) {
        let shown = &value.text;
        let mut finding = rule
            .report(format!("the value `{shown}` with a marker of ImagePolicy `{}` is no text", value.policy))
            .label(value.span, "read as a number, a boolean, a date or nothing")
            .help("put it in quotes")
            .note("Flux would write the new value with the type of the old one, as in `!!float 2.0.0`");
        if Dialect::KustomizeV3.resolve_plain(shown) != Typed::Null {
            let edits = vec![Edit { span: value.span, replacement: format!("\"{shown}\"") }];
            let title = format!("write `\"{shown}\"`");
            finding = finding.fix(Fix { title, edits, safety: FixSafety::Unsafe });
        }
        out.push(finding);
    }
}

fn values<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a MarkedFile, &'a Marked)> {
    context.marked.iter().flat_map(|file| file.values().iter().map(move |value| (file, value)))
}

/// The automation of every cluster, in the order of the fleet.
fn automation<'s, 'a>(context: &'s Context<'a>) -> Vec<(&'a Cluster, &'s ImageAutomation<'a>)> {
    context.fleet.clusters.iter().zip(context.automations()).collect()
}

/// The clusters that have the policy of `value` and run automation at all.
fn with_policy<'s, 'a>(
    clusters: &[(&'a Cluster, &'s ImageAutomation<'a>)],
    value: &Marked,
) -> Vec<(&'s ImageAutomation<'a>, &'s ImagePolicy<'a>)> {
    let found = clusters.iter().filter(|(_, automation)| !automation.automations.is_empty());
    found.filter_map(|(_, automation)| Some((*automation, automation.policies.get(&value.policy)?))).collect()
}

/// Reports every value that no automation writes.
fn check_written(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let clusters = automation(context);
    for (file, value) in values(context) {
        let known = with_policy(&clusters, value);
        let is_written =
            known.iter().any(|(automation, policy)| automation.writers(policy, &file.path).next().is_some());
        let Some((automation, policy)) = known.first().filter(|_| !is_written) else { continue };
        let namespace = &policy.name.namespace;
        let of_namespace = automation.automations.iter().filter(|other| other.name.namespace == *namespace);
        let selecting: Vec<_> = of_namespace.clone().filter(|other| other.selects(policy)).collect();
        let (reason, help) = if let Some(first) = selecting.first() {
            let reason = format!("ImageUpdateAutomation `{}` writes only below `{}`", first.name, first.path);
            (reason, "move the marker, or widen `spec.update.path`".to_owned())
        } else if let Some(first) = of_namespace.clone().next() {
            let reason =
                format!("the `policySelector` of ImageUpdateAutomation `{}` leaves the policy out", first.name);
            (reason, "give the policy the label that the selector wants".to_owned())
        } else {
            let reason = format!("no ImageUpdateAutomation is in the namespace `{namespace}` of the policy");
            (reason, "put policy and automation into one namespace".to_owned())
        };
        out.push(
            rule.report(format!("no automation writes the value of ImagePolicy `{}` here", value.policy))
                .label(value.span, "never updated")
                .help(help)
                .note(reason),
        );
    }
}

/// Reports every value that an overlay replaces wherever it is rendered.
fn check_masked(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    if context.marked.is_empty() {
        return;
    }
    let clusters: Vec<(&str, Usage)> =
        context.fleet.clusters.iter().map(|cluster| (cluster.name.as_str(), Usage::of(cluster))).collect();
    for (_, value) in values(context) {
        if clusters.iter().any(|(_, used)| used.made.contains(&value.span)) {
            continue;
        }
        let masked = clusters.iter().find_map(|(name, used)| Some((*name, *used.replaced.get(&value.span)?)));
        let Some((cluster, by)) = masked else { continue };
        out.push(
            rule.report(format!("the value of ImagePolicy `{}` is replaced in cluster `{cluster}`", value.policy))
                .label(value.span, "what Flux writes here has no effect")
                .label(by, "replaced here")
                .help("move the marker to the value that replaces it"),
        );
    }
}

/// Reports every value that is pushed to another branch than its clusters follow.
fn check_branch(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let clusters = automation(context);
    if clusters.iter().all(|(_, automation)| automation.automations.is_empty()) {
        return;
    }
    let used: Vec<BTreeSet<SourceId>> = clusters.iter().map(|(cluster, _)| Usage::of(cluster).files).collect();
    for (file, value) in values(context) {
        let pushed: Option<BTreeSet<&str>> = with_policy(&clusters, value)
            .iter()
            .flat_map(|(automation, policy)| automation.writers(policy, &file.path))
            // A branch for review is merged by people.
            .filter(|writer| writer.branch == writer.checkout)
            .map(|writer| writer.branch.as_deref())
            .collect();
        let Some(pushed) = pushed.filter(|pushed| !pushed.is_empty()) else { continue };
        let with_value = clusters.iter().zip(&used).filter(|(_, files)| files.contains(&file.source));
        let followers: Vec<(&str, Option<&str>)> =
            with_value.map(|((cluster, _), _)| (cluster.name.as_str(), branch_of(cluster))).collect();
        let reaches = |branch: Option<&str>| branch.is_none_or(|branch| pushed.contains(branch));
        if followers.is_empty() || followers.iter().any(|(_, branch)| reaches(*branch)) {
            continue;
        }
        let (cluster, branch) = (followers[0].0, followers[0].1.unwrap_or_default());
        let to = pushed.into_iter().collect::<Vec<_>>().join("`, `");
        out.push(
            rule.report(format!(
                "the value of ImagePolicy `{}` is pushed to `{to}`, and cluster `{cluster}` follows `{branch}`",
                value.policy
            ))
            .label(value.span, "never changes for this cluster")
            .help(format!("give it an ImageUpdateAutomation that reads and pushes `{branch}`")),
        );
    }
}

/// Reports every marker that asks a policy for a digest that it does not reflect.
fn check_digest(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let clusters = automation(context);
    for (_, value) in values(context).filter(|(_, value)| value.field == Field::Digest) {
        let known = clusters.iter().filter_map(|(_, automation)| automation.policies.get(&value.policy));
        let mut without = known.filter(|policy| policy.digests() == Digests::Never);
        let Some(policy) = without.next() else { continue };
        out.push(
            rule.report(format!("ImagePolicy `{}` reflects no digest", value.policy))
                .label(value.span, "becomes the empty text")
                .label(policy.resource.name_span(), "`digestReflectionPolicy` is `Never`")
                .help("set `digestReflectionPolicy: IfNotPresent`, or remove the marker"),
        );
    }
}
