//! Rules on gitops.yaml, and what it makes of the findings of all others.

use crate::config::{self, Suppression};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::flux::{CLUSTER_MISSING, FluxVersion};
use crate::rules::allowances::Allowance;
use crate::rules::{self, Check, Context, FixAvailability, Rule, nearest};
use crate::text::{Span, Spanned};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[INVALID, MISSING, UNUSED];

const INVALID: Rule = Rule {
    id: config::INVALID,
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`gitops.yaml` has only fields that are known, with values of the right type, rules and paths that exist and a Flux release that \
can be read.

## Why it matters
What cannot be followed is left out: clusters would not be checked, and levels would not count.

## What it cannot see
The parameters of a blueprint: `init` checks those.
",
    check: Check::Repository(check_settings),
};

const MISSING: Rule = Rule {
    id: CLUSTER_MISSING,
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each cluster of `gitops.yaml` has its directory.

## Why it matters
The cluster is not checked at all.

## What it cannot see
Clusters that nobody named: without `gitops.yaml` they are found by the layout of the repository.
",
    check: Check::Repository(check_clusters),
};

const UNUSED: Rule = Rule {
    id: "suppression-unused",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each entry of `suppress` in `gitops.yaml`, and each comment `# gitops-gen: allow RULE -- REASON`, accepts a finding that is there, \
and has not expired.

## Why it matters
An entry that is left behind will hide the next mistake of its kind.

## What it cannot see
Findings of clusters that were left out of the run.
",
    check: Check::Rendering,
};

/// Reports what is wrong in gitops.yaml.
fn check_settings(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let (config, findings) = &context.settings;
    out.extend(findings.iter().chain(&context.allowances.1).filter(|finding| finding.rule == rule.id).cloned());
    let levels = config.levels.iter().map(|(id, levels)| (id.as_str(), levels.span));
    let suppressed = config.suppressions.iter().map(|entry| (entry.rule.value.as_str(), entry.rule.span));
    for (id, span) in levels.chain(suppressed) {
        if rules::find(id).is_none() {
            let finding = rule.report(format!("there is no rule `{id}`")).label(span, "no rule has this id");
            out.push(match nearest(id, rules::all().map(|known| known.id)) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("see `gitops-gen rules`"),
            });
        }
    }
    let files = context.repo.files();
    let paths = config.levels.values().flat_map(|levels| &levels.paths).map(|(path, _)| path);
    for path in paths.filter(|path| !files.is_dir(&path.value) && !files.is_file(&path.value)) {
        out.push(
            rule.report(format!("no file stands at `{}` or below it", path.value))
                .label(path.span, "a level for nothing")
                .help("name a file or a directory; it is no pattern")
                .at_most(Severity::Warning),
        );
    }
    if let Some(Spanned { value, span }) = &config.flux
        && let Err(error) = value.parse::<FluxVersion>()
    {
        let message = format!("`{value}` is no Flux release");
        out.push(rule.report(message).label(*span, error.to_string()).help("write it like `2.9`"));
    }
}

/// Reports every named cluster without a directory.
fn check_clusters(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.settings.0.clusters {
        let path = &cluster.path.value;
        if !context.repo.files().is_dir(path) {
            out.push(
                rule.report(format!("cluster `{}` has no directory `{path}`", cluster.name.value))
                    .label(cluster.path.span, "no such directory")
                    .help("correct the path, or remove the cluster"),
            );
        }
    }
}

/// Gives findings the levels that gitops.yaml sets, leaves out those that it accepts, and reports idle acceptances.
pub(super) fn apply(context: &Context<'_>, findings: &mut Findings) {
    let config = &context.settings.0;
    let comments = &context.allowances.0;
    if config.levels.is_empty() && config.suppressions.is_empty() && comments.is_empty() {
        return;
    }
    let mut idle: Vec<&Suppression> = config.suppressions.iter().collect();
    let mut idle_comments: Vec<&Allowance> = comments.iter().collect();
    let expired = |entry: &Suppression| context.today.is_some_and(|today| entry.has_expired(today));
    for finding in std::mem::take(&mut findings.diagnostics) {
        let source = finding.span().map(|span| span.source);
        let path = finding.span().and_then(|span| context.repo.sources().path(span));
        let Some(finding) = config.apply_level(finding, path) else { continue };
        let accepting: Vec<&Suppression> =
            config.suppressions.iter().filter(|entry| !expired(entry) && entry.matches(&finding, path)).collect();
        let allowing: Vec<&Allowance> = comments.iter().filter(|comment| comment.accepts(&finding, source)).collect();
        if accepting.is_empty() && allowing.is_empty() {
            findings.diagnostics.push(finding);
        }
        idle.retain(|entry| !accepting.iter().any(|used| std::ptr::eq(*used, *entry)));
        idle_comments.retain(|comment| !allowing.iter().any(|used| std::ptr::eq(*used, *comment)));
    }
    findings.diagnostics.extend(idle_comments.into_iter().map(|comment| {
        let finding = UNUSED.report(format!("no finding of `{}` is accepted here", comment.rule));
        finding.label(comment.span, "nothing to accept").help("remove the comment")
    }));
    let only_some = context.fleet.clusters.len() < config.clusters.len();
    for entry in idle {
        if rules::find(&entry.rule.value).is_some() && (!only_some || expired(entry)) {
            findings.diagnostics.push(unused(entry, expired(entry).then_some(entry.until.as_ref()).flatten()));
        }
    }
}

fn unused(entry: &Suppression, expired: Option<&Spanned<config::Date>>) -> Diagnostic {
    let span: Span = entry.rule.span;
    match expired {
        Some(until) => UNUSED
            .report(format!("findings of `{}` were accepted until {}", entry.rule.value, until.value))
            .label(until.span, "this day has passed")
            .help("solve them, or choose a new day"),
        None => UNUSED
            .report(format!("no finding of `{}` is accepted here", entry.rule.value))
            .label(span, "nothing to accept")
            .help("remove the entry"),
    }
}
