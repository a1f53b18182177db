//! Rules on patches of kustomization files and Flux Kustomizations.
//!
//! Source: kustomize, `patches`; Flux, Kustomization API, "Patches".

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::{Build, Id, UnmatchedPatch};
use crate::rules::{Check, Context, FixAvailability, Rule, nearest};
use crate::text::{RepoPath, SourceFile};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[UNMATCHED];

const UNMATCHED: Rule = Rule {
    id: "patch-target-unmatched",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The target of each patch selects at least one object of the build that it is applied in.

## Why it matters
kustomize is silent about a target that matches nothing: the patch is simply lost, often since the base replaced or renamed \
the object.

## What it cannot see
Objects of remote bases and Helm charts: where the build has some the finding is a note. Patches of Flux's own controllers \
are passed over while `gotk-components.yaml` is empty: `flux bootstrap` fills it.
",
    check: Check::Repository(check_unmatched),
};

/// Reports every patch that matches nothing.
fn check_unmatched(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        for build in cluster.builds() {
            for patch in build.unmatched.iter().filter(|patch| !awaits_bootstrap(context, build, patch)) {
                out.push(unmatched(rule, context, build, patch).in_cluster(&cluster.name));
            }
        }
    }
}

/// Returns whether the patch is on what `flux bootstrap` still has to write into the empty file beside it.
fn awaits_bootstrap(context: &Context<'_>, build: &Build, patch: &UnmatchedPatch) -> bool {
    let sources = context.repo.sources();
    let Some(directory) = sources.path(patch.span).map(RepoPath::parent) else { return false };
    build.files.iter().any(|id| {
        let file = sources.get(*id).map(SourceFile::path);
        let written_by_flux = file.is_some_and(|path| path.parent() == directory && path.name().starts_with("gotk-"));
        written_by_flux && context.repo.yaml(*id).is_some_and(|parsed| parsed.documents.is_empty())
    })
}

fn unmatched(rule: &Rule, context: &Context<'_>, build: &Build, patch: &UnmatchedPatch) -> Diagnostic {
    let file = context.repo.sources().path(patch.span).map_or_else(String::new, |path| format!(" in `{path}`"));
    let finding = rule
        .report(format!("patch{file} matches nothing"))
        .label(patch.span, format!("no `{}` is here", patch.wanted))
        .help(help(patch));
    // The wanted object may come from what could not be rendered.
    let worst = if build.outside.is_empty() { Severity::Error } else { Severity::Note };
    finding.at_most(worst)
}

fn help(patch: &UnmatchedPatch) -> String {
    let known: Vec<String> = patch.candidates.iter().map(wanted_form).collect();
    let name = patch.wanted.rsplit(' ').next().unwrap_or_default();
    let kind = patch.wanted.split(' ').next().unwrap_or_default();
    let same_name = patch.candidates.iter().find(|id| !name.is_empty() && id.name == name).map(wanted_form);
    let near = nearest(&patch.wanted, known.iter().map(String::as_str)).map(str::to_owned);
    let mut of_kind = patch.candidates.iter().filter(|id| id.gvk.kind == kind);
    let only_one = match (of_kind.next(), of_kind.next()) {
        (Some(id), None) => Some(wanted_form(id)),
        _ => None,
    };
    match near.or(same_name).or(only_one) {
        Some(known) => format!("target `{known}`, or remove the patch"),
        None => "correct the target, or remove the patch".to_owned(),
    }
}

fn wanted_form(id: &Id) -> String {
    format!("{} {}", id.gvk.kind, id.name)
}
