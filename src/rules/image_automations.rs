//! Rules on the automations that write images into Git.
//!
//! Source: image-automation-controller 1.2.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnostic::{Diagnostic, Severity};
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[RACE, TEMPLATE_FIELD, NO_BRANCH];

/// Fields that message templates had before release 1.0 of the controller.
static REMOVED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\.(?:Updated\b[.\w]*|Changed\.ImageResult\b[.\w]*)").expect("it is a regular expression")
});

const RACE: Rule = Rule {
    id: "image-automations-race",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No two ImageUpdateAutomations of a cluster write the same policy into the same files of the same branch.

## Why it matters
Each pushes what the other has just pushed: one is rejected and starts anew, and the commits are of either.

## What it cannot see
Branches that only the cluster knows.
",
    check: Check::Index(check_race),
};

const TEMPLATE_FIELD: Rule = Rule {
    id: "image-template-removed-field",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.git.commit.messageTemplate` uses no field that the controller has removed: `.Updated` and `.Changed.ImageResult`.

## Why it matters
Flux stalls the automation as `RemovedTemplateField`: no image is updated any more.

## What it cannot see
Fields whose names are put together by the template.
",
    check: Check::Index(check_template),
};

const NO_BRANCH: Rule = Rule {
    id: "image-automation-without-branch",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each ImageUpdateAutomation has `spec.git`, and a branch to push to: `git.push.branch`, else that of `git.checkout.ref`, else that \
of its GitRepository.

## Why it matters
The API server takes it without. Where the repository follows a tag, a commit or a range of versions there is no branch to push \
to, and every run fails.

## What it cannot see
GitRepositories created outside this repository.
",
    check: Check::Index(check_push_branch),
};

/// Reports every two automations of `cluster` that write the same values.
fn check_race(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let all = index.automation();
    for (at, automation) in all.automations.iter().enumerate() {
        for other in all.automations[..at].iter().filter(|other| other.races_with(automation)) {
            let shared = all.policies.values().find(|policy| automation.selects(policy) && other.selects(policy));
            let Some(policy) = shared else { continue };
            out.push(
                rule.report(format!(
                    "ImageUpdateAutomations `{}` and `{}` both write what ImagePolicy `{}` selects",
                    other.name, automation.name, policy.name
                ))
                .label(automation.resource.name_span(), "the same branch and path")
                .label(other.resource.name_span(), "as this one")
                .help("tell them apart with `policySelector`, `update.path` or `git.push.branch`"),
            );
        }
    }
}

/// Reports every message template with a removed field.
fn check_template(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for automation in &index.automation().automations {
        let keys = ["spec", "git", "commit", "messageTemplate"];
        let Some(template) = automation.resource.node.at(&keys) else { continue };
        let Some(found) = template.as_str().and_then(|text| REMOVED.find(text)) else { continue };
        out.push(
            rule.report(format!(
                "the message template of ImageUpdateAutomation `{}` uses `{}`, which is gone",
                automation.name,
                found.as_str()
            ))
            .label(template.span, "removed from the controller")
            .help("use `.Changed.Changes`, `.Changed.Objects` or `.Changed.FileChanges`")
            .note("Flux stalls the automation as `RemovedTemplateField`"),
        );
    }
}

/// Reports every automation that cannot push.
fn check_push_branch(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for automation in &index.automation().automations {
        let spec = |keys: &[&str]| automation.resource.node.get("spec").and_then(|spec| spec.at(keys));
        let finding = if spec(&["git"]).is_none_or(Node::is_null) {
            rule.report(format!("ImageUpdateAutomation `{}` has no `spec.git`", automation.name))
                .label(automation.resource.name_span(), "does not say who commits, and where")
                .help("add `spec.git` with `commit.author` and `push.branch`")
                .note("every run fails")
        } else if automation.branch.is_none() && automation.url.is_some() {
            let source = spec(&["sourceRef"]).map_or(automation.resource.name_span(), |node| node.span);
            rule.report(format!("ImageUpdateAutomation `{}` has no branch to push to", automation.name))
                .label(source, "its GitRepository follows no branch")
                .help("set `spec.git.push.branch`, and `spec.git.checkout.ref.branch` to what it begins at")
                .note("every run fails: the push branch cannot be inferred")
        } else {
            continue;
        };
        out.push(finding);
    }
}
