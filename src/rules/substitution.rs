//! Rules on `spec.postBuild`: variables and the expressions that use them.
//!
//! Source: Flux, Kustomization API, "Post build variable substitution"; fluxcd/pkg/envsubst.

pub(super) mod effects;

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, FluxKustomization, ReferenceState, SubstitutionFinding, SubstitutionProblem};
use crate::kustomize::Resource;
use crate::rules::{Check, FixAvailability, Rule, absence, nearest};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[UNDEFINED, INVALID, FROM_MISSING];

const UNDEFINED: Rule = Rule {
    id: "substitution-undefined",
    severity: Severity::Error,
    fix: FixAvailability::None,
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
    check: Check::Cluster(check_undefined),
};

const INVALID: Rule = Rule {
    id: "substitution-invalid",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `${…}` of an object that is substituted is an expression of Flux's language, variables have names that Flux takes, and \
the text after substitution is YAML.

## Why it matters
One expression that was meant for a shell or for Grafana fails the whole Kustomization, strict or not.

## What it cannot see
Values that only the cluster knows.
",
    check: Check::Cluster(check_invalid),
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

fn problems(cluster: &Cluster) -> impl Iterator<Item = (&FluxKustomization, &SubstitutionFinding)> {
    cluster
        .kustomizations
        .values()
        .flat_map(|owner| owner.substitution.findings.iter().map(move |finding| (owner, finding)))
}

/// Reports every variable of `cluster` that is used and not defined.
fn check_undefined(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for (owner, finding) in problems(cluster) {
        let SubstitutionProblem::Undefined { name } = &finding.problem else { continue };
        let substitution = &owner.substitution;
        // What is missing may define it: `substitute-from-missing` names the variables of one Kustomization together.
        if !substitution.complete {
            continue;
        }
        let worst = if substitution.strict { Severity::Error } else { Severity::Warning };
        let known = substitution.variables.keys().map(SmolStr::as_str);
        let help = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "define it in `spec.postBuild`, give it a default `${{{name}:=…}}`, or escape it as `$${{{name}}}`"
            ),
        };
        let effect = if substitution.strict {
            format!("Flux fails Kustomization `{}`: `variable not set (strict mode): \"{name}\"`", owner.id)
        } else {
            "Flux puts nothing in its place".to_owned()
        };
        out.push(
            rule.report(format!("variable `{name}` of `{}` is not defined", finding.object))
                .label(finding.span, format!("Kustomization `{}` does not define it", owner.id))
                .help(help)
                .note(effect)
                .at_most(worst),
        );
    }
}

/// Reports everything else that fails the substitution of an object of `cluster`.
fn check_invalid(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for (owner, finding) in problems(cluster) {
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
        out.push(
            rule.report(message)
                .label(finding.span, label)
                .help(help)
                .note(format!("Flux fails Kustomization `{}`: nothing of it is applied", owner.id)),
        );
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
                .objects()
                .map(|object| object.resource)
                .filter(|resource| resource.kind() == reference.kind && resource.namespace() == namespace)
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
