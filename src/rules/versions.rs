//! Rules on API versions that a Flux release no longer serves.
//!
//! Source: the custom resource definitions of Flux 2.7, 2.8 and 2.9.

use crate::diagnostic::{Diagnostic, Edit, Fix, FixSafety, Severity};
use crate::flux::FluxVersion;
use crate::kube::Gvk;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::yaml::{self, Node};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[REMOVED];

const REMOVED: Rule = Rule {
    id: "flux-api-removed",
    severity: Severity::Error,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
No object has an API version that the Flux release of the clusters (`--flux-version`) no longer serves.

## Why it matters
The API server refuses the object: `no matches for kind`. Flux then applies nothing of its Kustomization.

## What it cannot see
Fields that changed together with the version: the schema of the new version reports them.
",
    check: Check::Repository(check_removed),
};

/// An API version, the Flux release that removed it, and what takes its place.
struct Removal {
    group: &'static str,
    versions: &'static [&'static str],
    since: FluxVersion,
    now: &'static str,
}

const fn flux(minor: u32) -> FluxVersion {
    FluxVersion { major: 2, minor }
}

/// Newest removals last: an older version of the same group has an entry of its own.
const REMOVALS: &[Removal] = &[
    Removal { group: "source.toolkit.fluxcd.io", versions: &["v1alpha1", "v1beta1"], since: flux(7), now: "v1" },
    Removal { group: "source.toolkit.fluxcd.io", versions: &["v1beta2"], since: flux(8), now: "v1" },
    Removal { group: "kustomize.toolkit.fluxcd.io", versions: &["v1alpha1", "v1beta1"], since: flux(7), now: "v1" },
    Removal { group: "kustomize.toolkit.fluxcd.io", versions: &["v1beta2"], since: flux(8), now: "v1" },
    Removal { group: "helm.toolkit.fluxcd.io", versions: &["v2alpha1", "v2beta1"], since: flux(7), now: "v2" },
    Removal { group: "helm.toolkit.fluxcd.io", versions: &["v2beta2"], since: flux(8), now: "v2" },
    Removal {
        group: "image.toolkit.fluxcd.io",
        versions: &["v1alpha1", "v1alpha2", "v1beta1"],
        since: flux(7),
        now: "v1",
    },
    Removal { group: "image.toolkit.fluxcd.io", versions: &["v1beta2"], since: flux(9), now: "v1" },
    Removal { group: "notification.toolkit.fluxcd.io", versions: &["v1beta1"], since: flux(7), now: "v1beta3" },
    Removal { group: "notification.toolkit.fluxcd.io", versions: &["v1beta2"], since: flux(9), now: "v1beta3" },
];

/// Returns what is served today instead of `version` of `group` for `kind`.
fn successor(removal: &Removal, kind: &str) -> &'static str {
    // Receivers left the beta alone.
    if removal.group == "notification.toolkit.fluxcd.io" && kind == "Receiver" { "v1" } else { removal.now }
}

/// Returns whether some Flux release removed the version.
pub(super) fn is_removed(gvk: &Gvk) -> bool {
    REMOVALS.iter().any(|removal| removal.group == gvk.group && removal.versions.contains(&gvk.version.as_str()))
}

/// Reports every object with an API version that `context.version` does not serve.
fn check_removed(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        let has_removed = |group: &str, _: &str| REMOVALS.iter().any(|removal| removal.group == group);
        for object in cluster.objects_where(has_removed) {
            let gvk = object.resource.gvk();
            let removal = REMOVALS.iter().find(|removal| {
                removal.group == gvk.group
                    && removal.versions.contains(&gvk.version.as_str())
                    && removal.since <= context.version
            });
            let Some((removal, node)) = removal.zip(object.resource.node.get("apiVersion")) else { continue };
            let now = format!("{}/{}", gvk.group, successor(removal, &gvk.kind));
            let message = format!(
                "`{}` of `{}` was removed in Flux {}",
                gvk.api_version(),
                object.resource.object_ref(),
                removal.since
            );
            let finding = rule
                .report(message)
                .label(node.span, format!("Flux {} does not serve it", context.version))
                .help(format!("use `{now}`"))
                .in_cluster(&cluster.name);
            out.push(match edit(context, node, &now) {
                Some(edit) => {
                    finding.fix(Fix { title: format!("use `{now}`"), edits: vec![edit], safety: FixSafety::Safe })
                }
                None => finding,
            });
        }
    }
}

/// Returns the edit that writes `now` where `node` is written, where a file says it just so.
fn edit(context: &Context<'_>, node: &Node, now: &str) -> Option<Edit> {
    let file = context.repo.source(node.span.source).filter(|_| node.chain.is_none())?;
    yaml::replace_scalar(file.text(), node, now).ok()
}
