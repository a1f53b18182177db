//! Rules on `spec.postBuild`: variables and the expressions that use them.
//!
//! Source: Flux, Kustomization API, "Post build variable substitution"; fluxcd/pkg/envsubst.

pub(super) mod effects;

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Edit, FixSafety, Severity};
use crate::flux::{Cluster, FluxKustomization, ReferenceState, SubstitutionFinding, SubstitutionProblem};
use crate::kustomize::Resource;
use crate::rules::{Check, Context, FixAvailability, Rule, absence, fixes, nearest};
use crate::text::{RepoPath, Span};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[UNDEFINED, INVALID, FROM_MISSING];

const UNDEFINED: Rule = Rule {
    id: "substitution-undefined",
    severity: Severity::Error,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
Each `${variable}` of an object that is substituted is defined by `spec.postBuild`, or has a default.

## Why it matters
From Flux 2.9 on an undefined variable fails the Kustomization: `variable not set (strict mode)`. Before, and where the \
strictness is turned off, the text is silently empty there: then the finding is a warning.

## What it cannot see
Variables of a ConfigMap or Secret that this repository does not hold: nothing is reported then, and \
`substitute-from-missing` names them.
",
    check: Check::Repository(check_undefined),
};

const INVALID: Rule = Rule {
    id: "substitution-invalid",
    severity: Severity::Error,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
Each `${…}` of an object that is substituted is an expression of Flux's language, variables have names that Flux takes, and \
the text after substitution is YAML.

## Why it matters
One expression that was meant for a shell or for Grafana fails the whole Kustomization, strict or not.

## What it cannot see
Values that only the cluster knows.
",
    check: Check::Repository(check_invalid),
};

const FROM_MISSING: Rule = Rule {
    id: "substitute-from-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each ConfigMap and Secret of `spec.postBuild.substituteFrom` that is not optional exists in the namespace of its \
Kustomization.

## Why it matters
Flux fails the Kustomization: nothing of it is applied.

## What it cannot see
Objects that are created outside this repository. A ConfigMap or Secret is often made by hand or by Terraform when the \
cluster is: where the repository holds none of its kind in that namespace the finding is a note.
",
    check: Check::Cluster(check_from),
};

/// Title of the fix that keeps an expression from Flux.
const ESCAPE: &str = "escape it as `$${…}`";

fn problems(cluster: &Cluster) -> impl Iterator<Item = (&FluxKustomization, &SubstitutionFinding)> {
    cluster
        .kustomizations
        .values()
        .flat_map(|owner| owner.substitution.findings.iter().map(move |finding| (owner, finding)))
}

/// Returns every problem of every cluster, with the cluster's name.
fn all_problems<'a>(
    context: &'a Context<'_>,
) -> impl Iterator<Item = (&'a str, &'a FluxKustomization, &'a SubstitutionFinding)> {
    let clusters = context.fleet.clusters.iter();
    clusters.flat_map(|cluster| problems(cluster).map(|(owner, finding)| (cluster.name.as_str(), owner, finding)))
}

/// Reports every variable that is used and not defined.
fn check_undefined(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (cluster, owner, finding) in all_problems(context) {
        let SubstitutionProblem::Undefined { name } = &finding.problem else { continue };
        let substitution = &owner.substitution;
        // What is missing may define it: `substitute-from-missing` names the variables of one Kustomization together.
        if !substitution.complete {
            continue;
        }
        let worst = if substitution.strict { Severity::Error } else { Severity::Warning };
        let known = substitution.variables.keys().map(SmolStr::as_str);
        let near = nearest(name, known);
        // A script's own argument: no variable of Flux begins with a digit.
        let is_argument = name.starts_with(|first: char| first.is_ascii_digit());
        let help = match near.filter(|_| !is_argument) {
            Some(near) => format!("did you mean `{near}`?"),
            None if is_argument => format!("escape it as `$${{{name}}}`"),
            None => format!(
                "define it in `spec.postBuild`, give it a default `${{{name}:=…}}`, or escape it as `$${{{name}}}`"
            ),
        };
        let effect = if substitution.strict {
            format!("Flux fails Kustomization `{}`: `variable not set (strict mode): \"{name}\"`", owner.id)
        } else {
            "Flux puts nothing in its place".to_owned()
        };
        let report = rule
            .report(format!("variable `{name}` of `{}` is not defined", finding.object))
            .label(finding.span, format!("Kustomization `{}` does not define it", owner.id))
            .help(help)
            .note(effect)
            .at_most(worst)
            .in_cluster(cluster);
        if let Some(near) = near.filter(|_| !is_argument) {
            let edit = rename(context, finding.span, name, near);
            out.push(fixes::with_edit(report, format!("write `{near}`"), edit, FixSafety::Unsafe));
            continue;
        }
        let edit = escape(context, finding.span);
        let safety = if is_argument { escape_safety(context, finding.span) } else { FixSafety::Unsafe };
        out.push(fixes::with_edit(report, ESCAPE.to_owned(), edit, safety));
    }
}

/// Returns the edit that gives the variable `name` of the expression at `span` the name `new`.
fn rename(context: &Context<'_>, span: Span, name: &str, new: &str) -> Option<Edit> {
    let expression = context.repo.sources().slice(span)?;
    let after = expression.strip_prefix("${")?.strip_prefix(name)?;
    let is_whole = !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    let start = span.range().start + "${".len();
    let place = Span::new(span.source, start..start + name.len());
    is_whole.then(|| Edit { span: place, replacement: new.to_owned() })
}

/// Returns the edit that makes Flux leave the expression at `span` as it is.
fn escape(context: &Context<'_>, span: Span) -> Option<Edit> {
    let is_expression = context.repo.sources().slice(span)?.starts_with("${");
    let before = context.repo.source(span.source)?.text().get(..span.range().start)?;
    let edit = Edit { span: span.start_point(), replacement: "$".to_owned() };
    (is_expression && !before.ends_with('$')).then_some(edit)
}

/// Returns how safe it is to escape an expression in the file of `span`: whoever reads a script may not be Flux alone.
fn escape_safety(context: &Context<'_>, span: Span) -> FixSafety {
    let is_yaml = context.repo.sources().path(span).is_some_and(RepoPath::is_yaml);
    if is_yaml { FixSafety::Safe } else { FixSafety::Unsafe }
}

/// Reports everything else that fails the substitution of an object.
fn check_invalid(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (cluster, owner, finding) in all_problems(context) {
        let object = &finding.object;
        let (message, label, help) = match &finding.problem {
            SubstitutionProblem::Undefined { .. } => continue,
            SubstitutionProblem::Expression { reason } => (
                format!("`{object}` holds an expression that Flux cannot read"),
                reason.clone(),
                "escape it as `$${…}`, or label the object `kustomize.toolkit.fluxcd.io/substitute: disabled`",
            ),
            SubstitutionProblem::InvalidName { name } => (
                format!("variable `{name}` has a name that Flux refuses"),
                "letters, digits and `_` are allowed, and no digit first".to_owned(),
                "rename it",
            ),
            SubstitutionProblem::NotYaml { reason } => (
                format!("`{object}` is no YAML after substitution"),
                reason.clone(),
                "quote the value inside the variable, or the place that it goes to",
            ),
        };
        let report = rule
            .report(message)
            .label(finding.span, label)
            .help(help)
            .note(format!("Flux fails Kustomization `{}`: nothing of it is applied", owner.id))
            .in_cluster(cluster);
        let is_expression = matches!(finding.problem, SubstitutionProblem::Expression { .. });
        let edit = escape(context, finding.span).filter(|_| is_expression);
        out.push(fixes::with_edit(report, ESCAPE.to_owned(), edit, escape_safety(context, finding.span)));
    }
}

/// Reports every ConfigMap and Secret of `cluster` that variables are taken from and that does not exist.
fn check_from(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for owner in cluster.kustomizations.values() {
        for reference in &owner.substitute_from {
            if reference.optional || reference.state != ReferenceState::Missing {
                continue;
            }
            let namespace = &owner.id.namespace;
            let known: Vec<&str> = cluster
                .objects_of("", &reference.kind)
                .map(|object| object.resource)
                .filter(|resource| resource.namespace() == namespace)
                .map(Resource::name)
                .collect();
            let near = nearest(&reference.name.value, known.iter().copied());
            // Without any of its kind beside it, it is likely made when the cluster is.
            let worst = if known.is_empty() { Severity::Note } else { absence(cluster, near) };
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it, or set `optional: true`".to_owned(),
            };
            let what = format!("{} {namespace}/{}", reference.kind, reference.name.value);
            let finding = rule
                .report(format!("Kustomization `{}` takes variables from `{what}`, which does not exist", owner.id))
                .label(reference.name.span, format!("no {} of namespace `{namespace}` has this name", reference.kind))
                .help(help)
                .note("Flux fails the Kustomization: nothing of it is applied")
                .at_most(worst);
            out.push(match undefined_names(owner) {
                Some(names) => finding.note(format!("it would have to define {names}, which nothing else does")),
                None => finding,
            });
        }
    }
}

/// Returns the variables that `owner` uses and nothing known defines, for people; nothing where there is none.
fn undefined_names(owner: &FluxKustomization) -> Option<String> {
    let names: BTreeSet<&str> = owner
        .substitution
        .findings
        .iter()
        .filter_map(|finding| match &finding.problem {
            SubstitutionProblem::Undefined { name } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    (!quoted.is_empty()).then(|| quoted.join(", "))
}
