//! The rule on references across namespaces where the cluster forbids them.
//!
//! Source: Flux, "Multi-tenancy lockdown" (`--no-cross-namespace-refs=true`); Flux Operator, `spec.cluster.multitenant`.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::Object;
use crate::repo::Repo;
use crate::rules::index::{ClusterIndex, Workload};
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::Span;
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[CROSS_NAMESPACE];

const CROSS_NAMESPACE: Rule = Rule {
    id: "cross-namespace-reference",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
In a cluster whose controllers run with `--no-cross-namespace-refs=true` (or whose FluxInstance is `multitenant`) no \
Kustomization, HelmRelease, ImagePolicy, ImageUpdateAutomation or Receiver refers to a Flux object of another namespace.

## Why it matters
The controller refuses it: `AccessDenied`. Nothing of the object is applied.

## What it cannot see
Flags that are set outside this repository.
",
    check: Check::Repository(check),
};

const FLAG: &str = "--no-cross-namespace-refs=true";

/// Kinds, and where they refer to Flux objects that may be in another namespace.
const REFERENCES: &[(&str, &str, &[&[&str]])] = &[
    ("kustomize.toolkit.fluxcd.io", "Kustomization", &[&["spec", "sourceRef"]]),
    ("helm.toolkit.fluxcd.io", "HelmRelease", &[&["spec", "chart", "spec", "sourceRef"], &["spec", "chartRef"]]),
    ("image.toolkit.fluxcd.io", "ImagePolicy", &[&["spec", "imageRepositoryRef"]]),
    ("image.toolkit.fluxcd.io", "ImageUpdateAutomation", &[&["spec", "sourceRef"]]),
];

/// Reports every reference to another namespace in clusters that forbid them.
fn check(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for index in context.indexes() {
        let Some(forbidden) = lockdown(context.repo, &index) else { continue };
        for (group, kind, fields) in REFERENCES {
            for object in index.of_kind(group, kind) {
                let fields = fields.iter().filter_map(|field| object.resource.node.at(field));
                out.extend(
                    fields
                        .filter_map(|field| refused(rule, object, field, forbidden))
                        .map(|finding| finding.in_cluster(index.cluster_name())),
                );
            }
        }
    }
}

fn refused(rule: &Rule, object: &Object<'_>, field: &Node, forbidden: Span) -> Option<Diagnostic> {
    let namespace = field.get("namespace")?;
    let (own, other) = (object.resource.namespace(), namespace.as_str()?);
    if own == other || ClusterIndex::is_opaque(object, namespace) {
        return None;
    }
    let id = object.resource.object_ref();
    Some(
        rule.report(format!("`{id}` refers to an object of namespace `{other}`, which the cluster forbids"))
            .label(namespace.span, "another namespace")
            .label(forbidden, "forbidden here")
            .help(format!("move the object that is referred to into `{own}`, or give `{own}` one of its own"))
            .note("the controller refuses it: `AccessDenied`"),
    )
}

/// Returns where references across namespaces are forbidden, where they are.
fn lockdown(repo: &Repo, index: &ClusterIndex<'_>) -> Option<Span> {
    for object in index.of_kind("fluxcd.controlplane.io", "FluxInstance") {
        let multitenant = object.resource.node.at(&["spec", "cluster", "multitenant"]);
        if let Some(field) = multitenant.filter(|field| field.as_str() == Some("true")) {
            return Some(field.span);
        }
    }
    let controllers = index.workloads().iter().filter(|workload| {
        matches!(workload.resource().name(), "kustomize-controller" | "helm-controller" | "image-reflector-controller")
    });
    for container in controllers.flat_map(Workload::containers) {
        if let Some(flag) = container.node.items("args").iter().find(|flag| flag.as_str() == Some(FLAG)) {
            return Some(flag.span);
        }
    }
    // Until bootstrap has written the controllers, the patches for them are all there is.
    let first = index.cluster().path.join("flux-system").ok()?.join("kustomization.yaml").ok()?;
    let source = repo.files().id(&first)?;
    let parsed = repo.yaml(source)?;
    let patches = parsed.documents.first()?.root.items("patches");
    let patch = patches.iter().filter_map(|patch| patch.get("patch"));
    patch.into_iter().find(|patch| patch.as_str().is_some_and(|text| text.contains(FLAG))).map(|patch| patch.span)
}
