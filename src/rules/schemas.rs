//! Rules on objects against the schemas of their kinds.
//!
//! Source: the CRDs of the repository, Kubernetes 1.36, and our models of Flux 2.9 and its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{self, Config};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::flux::{Cluster, Object, SubstitutionProblem};
use crate::kube::Gvk;
use crate::kustomize::Resource;
use crate::repo::Repo;
use crate::rules::fixes;
use crate::rules::verdicts::ClusterVerdicts;
use crate::rules::versions;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::schema::{
    Catalogue, Layout, Origin, Outcome, SchemaLocation, Scope, UNKNOWN_KIND, Unchecked, Violation, ViolationKind,
};
use crate::text::{RepoPath, Span};
use crate::yaml::{Dialect, Step};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[VIOLATION, UNKNOWN_FIELD, RULE_VIOLATED, NOT_SERVED, BROKEN];

const VIOLATION: Rule = Rule {
    id: "schema-violation",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each rendered and substituted object has the fields, types and values that the schema of its kind asks for.

## Why it matters
The API server refuses the object, and Flux applies nothing of its Kustomization.

## What it cannot see
Rules that only admission webhooks know, and values that still hold a variable. Kinds without a schema are listed as not \
checked.
",
    check: Check::Repository(check_violations),
};

const UNKNOWN_FIELD: Rule = Rule {
    id: "schema-unknown-field",
    severity: Severity::Error,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
Each field of a rendered object exists in the schema of its kind.

## Why it matters
Flux applies on the server's side, where an unknown field is an error: `field not declared in schema`. Most are misspelt.

## What it cannot see
Fields of a release that is newer than our model: for kinds without a CRD in the repository the finding is a warning.
",
    check: Check::Repository(check_violations),
};

const RULE_VIOLATED: Rule = Rule {
    id: "schema-rule-violated",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each rendered and substituted object keeps the rules of its schema: the CEL expressions below `x-kubernetes-validations`, with \
the defaults of the schema filled in.

## Why it matters
The API server runs them on every object and refuses what breaks one; Flux then applies nothing of the Kustomization.

## What it cannot see
Rules on changes (`oldSelf`), which need the object in the cluster, values that still hold a variable, and rules that call what \
this tool does not know (`url()`, `ip()`, `cidr()`, `format`, `semver()`) or that would run too long: they are listed as not \
checked, never taken for kept.
",
    check: Check::Repository(check_violations),
};

const NOT_SERVED: Rule = Rule {
    id: "api-version-not-served",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The API version of each object is one that its kind has: in the CRD of the repository, in Kubernetes 1.36, or in the release \
that we model.

## Why it matters
A cluster that does not serve the version refuses the object: `no matches for kind`.

## What it cannot see
Older clusters, which may still serve it.
",
    check: Check::Repository(check_served),
};

const BROKEN: Rule = Rule {
    id: "crd-schema-broken",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The schema of each CRD, and of each file of `--schema-location`, that objects are checked against can be used.

## Why it matters
Objects of its kinds are not checked; the API server likely refuses the CRD too.

## What it cannot see
CRDs of which the repository has no object.
",
    check: Check::Repository(check_broken),
};

/// Groups of which every kind is known: another one does not exist.
const COMPLETE_GROUPS: &[&str] =
    &["", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io"];

/// A cluster with the schemas that apply to it, and what they say of its objects.
#[derive(Debug)]
pub(super) struct ClusterSchemas<'a> {
    cluster: &'a Cluster,
    catalogue: Catalogue,
    verdicts: ClusterVerdicts,
}

impl<'a> ClusterSchemas<'a> {
    /// Checks every object of `cluster` that `known` has not; its own CRDs come before those of `catalogue`.
    pub(super) fn new(catalogue: &Catalogue, cluster: &'a Cluster, known: ClusterVerdicts) -> Self {
        let definitions = cluster.objects_of("apiextensions.k8s.io", "CustomResourceDefinition");
        let catalogue = catalogue.with_crds(definitions.map(|object| &object.resource.node));
        Self { cluster, verdicts: known.renewed(catalogue.clone(), cluster), catalogue }
    }

    /// Returns what was said of the cluster so far.
    pub(super) fn verdicts(&self) -> &ClusterVerdicts {
        &self.verdicts
    }

    /// Returns what was said of the cluster, to be remembered by its name.
    pub(super) fn into_verdicts(self) -> (String, ClusterVerdicts) {
        (self.cluster.name.clone(), self.verdicts)
    }

    /// Returns every object of which something was said, or of which nothing could be said.
    fn outcomes(&self) -> impl Iterator<Item = (Object<'a>, &Outcome)> {
        let objects = self.cluster.objects().zip(self.verdicts.objects());
        objects.filter_map(|(object, known)| Some((object, known.said()?)))
    }

    /// Returns the cluster's name.
    pub(super) fn cluster_name(&self) -> &str {
        &self.cluster.name
    }

    /// Returns every object without a namespace whose kind lives in namespaces.
    pub(super) fn without_namespace(&self) -> impl Iterator<Item = &'a Resource> {
        let unset = self.cluster.objects().map(|object| object.resource).filter(|it| it.namespace().is_empty());
        unset.filter(|resource| self.catalogue.scope(&resource.gvk()) == Some(Scope::Namespaced))
    }
}

/// Returns the schemas that gitops.yaml names; a place that has none is added to `findings`.
pub(super) fn locations(repo: &Repo, config: &Config, findings: &mut Vec<Diagnostic>) -> Vec<SchemaLocation> {
    let files = repo.files();
    let mut locations = Vec::new();
    for place in &config.schemas {
        let below = files.below(&place.value).filter_map(|(path, id)| Some((path.strip_prefix(&place.value)?, id)));
        let itself = files.id(&place.value).and_then(|id| Some((RepoPath::new(place.value.name()).ok()?, id)));
        let view = files.view(below.chain(itself));
        match SchemaLocation::new(place.value.as_str(), &view, Layout::Known) {
            Ok(location) => locations.push(location),
            Err(error) => findings.push(
                Diagnostic::new(config::INVALID, Severity::Error, format!("failed to {error}"))
                    .label(place.span, "no schemas")
                    .help("name a directory or a file with CRDs or JSON Schemas"),
            ),
        }
    }
    locations
}

/// Returns the rule that reports a kind of violation.
fn rule_of(kind: ViolationKind) -> &'static Rule {
    match kind {
        ViolationKind::UnknownField => &UNKNOWN_FIELD,
        ViolationKind::Rule => &RULE_VIOLATED,
        _ => &VIOLATION,
    }
}

/// Reports what schemas refuse: unknown fields and broken rules under rules of their own, everything else under the first.
fn check_violations(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for schemas in &context.schemas {
        for (object, outcome) in schemas.outcomes() {
            let Outcome::Checked(checked) = outcome else { continue };
            for violation in &checked.violations {
                let is_own = rule_of(violation.kind).id == rule.id;
                if is_own && !violation.holds_variable && !is_undefined(&object, violation.span) {
                    let finding = violated(rule, object.resource, violation, &checked.origin);
                    let finding = fixes::of_unknown_field(context, finding, &object.resource.gvk(), violation);
                    out.push(finding.in_cluster(&schemas.cluster.name));
                }
            }
        }
    }
}

/// Returns whether the value holds a variable that nothing defines: that is the mistake, not what is left of the value.
fn is_undefined(object: &Object<'_>, span: Span) -> bool {
    let findings = object.owner.map(|owner| owner.substitution.findings.as_slice()).unwrap_or_default();
    findings.iter().any(|finding| {
        let place = finding.span;
        let inside = place.source == span.source && span.start <= place.start && place.end <= span.end;
        inside && matches!(finding.problem, SubstitutionProblem::Undefined { .. })
    })
}

fn violated(rule: &Rule, resource: &Resource, violation: &Violation, origin: &Origin) -> Diagnostic {
    let (label, worst) = match origin {
        Origin::Crd(_) => ("refused by the CRD of this repository".to_owned(), Severity::Error),
        Origin::File(path) => (format!("refused by {path}"), Severity::Error),
        Origin::Kubernetes => ("refused by Kubernetes 1.36".to_owned(), Severity::Error),
        // A later release may have the field, unless it is a known one misspelt.
        Origin::Model(release) if violation.kind == ViolationKind::UnknownField && violation.suggestion.is_none() => {
            (format!("not a field of {release}"), Severity::Warning)
        }
        Origin::Model(release) => (format!("refused by {release}"), Severity::Error),
    };
    let finding = rule
        .report(format!("{} in `{}`", violation.message, resource.object_ref()))
        .label(violation.span, label)
        .at_most(worst);
    match (&violation.suggestion, violation.kind) {
        (Some(suggestion), _) => finding.help(format!("write `{suggestion}`")),
        (None, ViolationKind::UnknownField) => finding.help("remove it, or move it to where it belongs"),
        (None, ViolationKind::Type) if is_retyped(resource, violation) => finding
            .help("put quotes into the variable's value, or write a default with quotes: `${name:=\"3\"}`")
            .note("Flux reads the text after substitution as YAML again: quotes of the file are gone by then"),
        (None, _) => finding,
    }
}

/// Returns whether the value is a number or a boolean only since a variable was put in.
fn is_retyped(resource: &Resource, violation: &Violation) -> bool {
    let Some(found) = violation.pointer.resolve(&resource.node) else { return false };
    let substituted = found.node.chain.as_ref().is_some_and(|chain| matches!(chain.step, Step::Substitution(_)));
    substituted && found.node.as_scalar().is_some_and(|scalar| !scalar.is_string(Dialect::KustomizeV3))
}

/// Reports every object whose kind exists in other versions only.
fn check_served(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for schemas in &context.schemas {
        for (object, outcome) in schemas.outcomes() {
            let Outcome::NoSchema(known) = outcome else { continue };
            let gvk = object.resource.gvk();
            if versions::is_removed(&gvk) {
                continue;
            }
            let Some(node) = object.resource.node.get("apiVersion") else { continue };
            if known.is_empty() {
                if COMPLETE_GROUPS.contains(&gvk.group.as_str()) {
                    out.push(unknown_kind(rule, object.resource, &gvk).in_cluster(&schemas.cluster.name));
                }
                continue;
            }
            let served: Vec<String> = known.iter().map(|version| format!("`{version}`")).collect();
            let versions = served.join(", ");
            let preferred = schemas.catalogue.preferred_version(&gvk.group, &gvk.kind);
            let newest = preferred.map_or(String::new(), |version| format!("{}/{version}", gvk.group));
            out.push(
                rule.report(format!("`{}` of `{}` is not served", gvk.api_version(), object.resource.object_ref()))
                    .label(node.span, format!("{} exists as {versions}", gvk.kind))
                    .help(format!("use `{}`", newest.trim_start_matches('/')))
                    .in_cluster(&schemas.cluster.name),
            );
        }
    }
}

fn unknown_kind(rule: &Rule, resource: &Resource, gvk: &Gvk) -> Diagnostic {
    let span = resource.node.get("kind").map_or(resource.origin, |kind| kind.span);
    rule.report(format!("`{}` has no kind `{}`", gvk.api_version(), gvk.kind))
        .label(span, "not a kind of Kubernetes 1.36")
        .help("correct the kind or the API version")
}

/// Reports every schema that objects could not be checked against, once: a CRD where it stands, a file from outside the
/// repository at the first object that needs it.
fn check_broken(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let mut broken = BTreeMap::new();
    let clusters = context.fleet.clusters.iter().zip(&context.schemas);
    let reported = clusters.filter(|(cluster, _)| context.is_reported(&cluster.name));
    for (object, outcome) in reported.flat_map(|(_, schemas)| schemas.outcomes()) {
        let Outcome::BrokenSchema { origin, reason } = outcome else { continue };
        let (span, why) = match origin {
            Origin::Crd(span) => (*span, reason.clone()),
            Origin::File(path) => (object.resource.origin, format!("`{path}`: {reason}")),
            Origin::Kubernetes | Origin::Model(_) => (object.resource.origin, reason.clone()),
        };
        broken.entry((object.resource.gvk(), reason)).or_insert((span, why));
    }
    for ((gvk, _), (span, why)) in broken {
        out.push(
            rule.report(format!("the schema of `{gvk}` cannot be used"))
                .label(span, why)
                .help("correct the schema")
                .note("objects of this kind are not checked"),
        );
    }
}

/// Records what was not checked: every kind of which no schema is known, and the parts of schemas that cannot be run.
pub(super) fn list_unchecked(context: &Context<'_>, findings: &mut Findings) {
    let mut unknown: BTreeMap<Gvk, usize> = BTreeMap::new();
    let mut skipped: BTreeMap<(Gvk, &Unchecked), usize> = BTreeMap::new();
    let mut on_change: BTreeMap<(Gvk, &str), BTreeSet<&str>> = BTreeMap::new();
    let clusters = context.fleet.clusters.iter().zip(&context.schemas);
    let reported = clusters.filter(|(cluster, _)| context.is_reported(&cluster.name));
    for (object, outcome) in reported.flat_map(|(_, schemas)| schemas.outcomes()) {
        let gvk = || object.resource.gvk();
        match outcome {
            Outcome::NoSchema(_) => *unknown.entry(gvk()).or_default() += 1,
            Outcome::BrokenSchema { .. } => {}
            Outcome::Checked(checked) => {
                for part in &checked.unchecked {
                    if part.is_about_change() {
                        on_change.entry((gvk(), &part.why)).or_default().insert(&part.what);
                    } else {
                        *skipped.entry((gvk(), part)).or_default() += 1;
                    }
                }
            }
        }
    }
    for (gvk, count) in unknown {
        findings.not_checked(format!("{gvk} ({count})"), UNKNOWN_KIND, None);
    }
    for ((gvk, part), count) in skipped {
        findings.not_checked(format!("{} of {gvk} ({count})", part.what), part.why.clone(), None);
    }
    for ((gvk, why), rules) in on_change {
        let what = match rules.len() {
            1 => format!("a rule of {gvk}"),
            count => format!("{count} rules of {gvk}"),
        };
        findings.not_checked(what, why.to_owned(), None);
    }
}
