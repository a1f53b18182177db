//! Rules on image automation: policies, their repositories, the markers in files, and who writes them.
//!
//! Source: Flux, image-reflector-controller and image-automation-controller 1.2.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, ImageUpdateAutomation, Object};
use crate::image::Marking;
use crate::kube::{LabelSelector, NamespacedName};
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, Context, FixAvailability, Rule, absence, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] =
    &[MARKER_UNKNOWN, MARKER_MALFORMED, POLICY_WITHOUT_REPOSITORY, ACCESS_DENIED, AUTOMATION_REPEATED];

const GROUP: &str = "image.toolkit.fluxcd.io";

const MARKER_UNKNOWN: Rule = Rule {
    id: "image-marker-unknown-policy",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `$imagepolicy` marker names an ImagePolicy that some cluster has.

## Why it matters
Image automation is silent about a marker that it cannot follow: the image is never updated.

## What it cannot see
Policies created outside this repository: where something of a cluster could not be rendered the finding is a note.
",
    check: Check::Repository(check_unknown),
};

const MARKER_MALFORMED: Rule = Rule {
    id: "image-marker-malformed",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each comment with `$imagepolicy` is a marker that the setter reads: one JSON object, `namespace:policy`, and `name`, `tag` or \
`digest` at most.

## Why it matters
The setter passes over anything else without a word: the image is never updated.

## What it cannot see
Comments that mention the key in a sentence are taken for prose.
",
    check: Check::Repository(check_malformed),
};

const POLICY_WITHOUT_REPOSITORY: Rule = Rule {
    id: "image-policy-without-repository",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
`spec.imageRepositoryRef` of each ImagePolicy names an ImageRepository of the same cluster.

## Why it matters
Without its repository a policy has no tags: it stays `DependencyNotReady` and never selects an image.

## What it cannot see
Repositories created outside this repository: where something of the cluster could not be rendered the finding is a note.
",
    check: Check::Cluster(check_policies),
};

const ACCESS_DENIED: Rule = Rule {
    id: "image-repository-access-denied",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
An ImagePolicy that selects from an ImageRepository of another namespace is let in by `spec.accessFrom` of that repository: a \
selector matches the labels of the policy's namespace.

## Why it matters
Without `accessFrom` other namespaces are shut out: the policy stays `AccessDenied` and never selects an image.

## What it cannot see
Labels of namespaces that are made outside this repository, and a controller that is started with `--no-cross-namespace-refs`.
",
    check: Check::Index(check_access),
};

const AUTOMATION_REPEATED: Rule = Rule {
    id: "image-automation-in-two-clusters",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No two clusters run an ImageUpdateAutomation that writes the same branch and overlapping paths.

## Why it matters
Their controllers race: pushes are rejected, commits are made twice, and where their policies see different tags they undo \
each other for ever. One cluster should be elected.

## What it cannot see
Branches that only the cluster knows.
",
    check: Check::Repository(check_automations),
};

fn of_kind<'a>(cluster: &'a Cluster, kind: &'static str) -> impl Iterator<Item = &'a Resource> {
    cluster.objects_of(GROUP, kind).map(|object: Object<'a>| object.resource)
}

fn name_of(resource: &Resource) -> NamespacedName {
    NamespacedName::new(resource.namespace(), resource.name())
}

/// Reports every marker whose policy no cluster has.
fn check_unknown(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let clusters = &context.fleet.clusters;
    // Without a cluster nothing is rendered, and absence says nothing.
    if clusters.is_empty() {
        return;
    }
    let known: BTreeSet<NamespacedName> =
        clusters.iter().flat_map(|cluster| of_kind(cluster, "ImagePolicy").map(name_of)).collect();
    for marker in &context.markers {
        let Marking::Marker { policy, .. } = &marker.marking else { continue };
        if known.contains(policy) {
            continue;
        }
        let same_name = known.iter().find(|other| other.name == policy.name);
        let near = nearest(&policy.name, known.iter().map(|other| other.name.as_str()));
        let help = match (same_name, near) {
            (Some(other), _) => {
                format!("write `{}:{}`: the policy is in another namespace", other.namespace, other.name)
            }
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "add the ImagePolicy, or remove the marker".to_owned(),
        };
        out.push(
            rule.report(format!("marker names ImagePolicy `{policy}`, which no cluster has"))
                .label(marker.span, "no ImagePolicy has this name")
                .help(help)
                .note("Flux passes over the marker without a word: the image is never updated")
                .at_most(clusters.iter().map(|cluster| absence(cluster, near)).min().unwrap_or(Severity::Note)),
        );
    }
}

/// Reports every comment that was meant to be a marker and is none.
fn check_malformed(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for marker in &context.markers {
        let Marking::Malformed(reason) = &marker.marking else { continue };
        out.push(
            rule.report("image policy marker cannot be read")
                .label(marker.span, reason.clone())
                .help("write `# {\"$imagepolicy\": \"namespace:policy\"}`, with `:name`, `:tag` or `:digest` where only that is wanted")
                .note("Flux passes over the marker without a word: the image is never updated"),
        );
    }
}

/// Reports every policy of `cluster` whose repository does not exist.
fn check_policies(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    let repositories: BTreeSet<NamespacedName> = of_kind(cluster, "ImageRepository").map(name_of).collect();
    for policy in of_kind(cluster, "ImagePolicy") {
        let Some(reference) = policy.node.at(&["spec", "imageRepositoryRef"]) else { continue };
        let Some(name) = reference.get("name") else { continue };
        let namespace = reference.get("namespace").and_then(Node::as_str).unwrap_or_else(|| policy.namespace());
        let wanted = NamespacedName::new(namespace, name.as_str().unwrap_or_default());
        if repositories.contains(&wanted) {
            continue;
        }
        let near = nearest(&wanted.name, repositories.iter().map(|other| other.name.as_str()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "correct the name, or add the ImageRepository".to_owned(),
        };
        out.push(
            rule.report(format!(
                "ImagePolicy `{}` scans ImageRepository `{wanted}`, which does not exist",
                name_of(policy)
            ))
            .label(name.span, "no ImageRepository has this name")
            .help(help)
            .note("Flux keeps the policy at `DependencyNotReady`: it never selects an image")
            .at_most(absence(cluster, near)),
        );
    }
}

/// An automation and the cluster that runs it.
struct Running<'a> {
    cluster: &'a Cluster,
    automation: &'a ImageUpdateAutomation<'a>,
}

/// Reports every automation that another cluster runs too.
fn check_automations(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let all: Vec<Running<'_>> = context
        .fleet
        .clusters
        .iter()
        .zip(context.automations())
        .flat_map(|(cluster, found)| found.automations.iter().map(move |automation| Running { cluster, automation }))
        .collect();
    let mut reported: BTreeMap<NamespacedName, usize> = BTreeMap::new();
    for (at, Running { cluster, automation }) in all.iter().enumerate() {
        let rival = all[..at]
            .iter()
            .find(|other| other.cluster.name != cluster.name && other.automation.races_with(automation));
        let Some(rival) = rival else { continue };
        let id = automation.name.clone();
        if let Some(index) = reported.get(&id) {
            let finding: &mut Diagnostic = &mut out[*index];
            finding.notes.push(format!("so does cluster `{}`", cluster.name));
            continue;
        }
        let branch = automation.branch.as_deref().unwrap_or("the default branch");
        reported.insert(id.clone(), out.len());
        let mut finding = rule
            .report(format!(
                "clusters `{}` and `{}` both run an ImageUpdateAutomation that writes `{branch}`",
                rival.cluster.name, cluster.name
            ))
            .label(automation.resource.name_span(), format!("ImageUpdateAutomation `{id}`"))
            .help("keep it in one elected cluster, or give each its own branch or path");
        let rival_span = rival.automation.resource.name_span();
        if rival_span != automation.resource.name_span() {
            let other =
                format!("ImageUpdateAutomation `{}` of cluster `{}`", rival.automation.name, rival.cluster.name);
            finding = finding.label(rival_span, other);
        }
        out.push(finding.note("their controllers race for the same files, and may undo each other"));
    }
}

/// Reports every policy of `cluster` that its repository shuts out.
fn check_access(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let automation = index.automation();
    for policy in automation.policies.values() {
        let (namespace, from) = (&policy.name.namespace, &policy.repository.namespace);
        let Some(repository) = automation.repositories.get(&policy.repository).filter(|_| namespace != from) else {
            continue;
        };
        if is_let_in(index, namespace, repository.resource.node.at(&["spec", "accessFrom"])) {
            continue;
        }
        let reference = policy.spec().and_then(|spec| spec.get("imageRepositoryRef"));
        out.push(
            rule.report(format!("ImageRepository `{}` does not let in ImagePolicy `{}`", repository.name, policy.name))
                .label(reference.map_or(policy.resource.name_span(), |node| node.span), "in another namespace")
                .label(repository.resource.name_span(), format!("`accessFrom` does not select `{namespace}`"))
                .help(format!("select the namespace `{namespace}` in `spec.accessFrom.namespaceSelectors`"))
                .note("the policy stays `AccessDenied`"),
        );
    }
}

/// Returns whether `spec.accessFrom` selects a namespace, or may: where its labels are not in the repository.
fn is_let_in(index: &ClusterIndex<'_>, namespace: &str, access: Option<&Node>) -> bool {
    let object = index.find("", "Namespace", "", namespace);
    let label = |key: &str| match key {
        "kubernetes.io/metadata.name" => Some(namespace),
        _ => object?.node.at(&["metadata", "labels", key]).and_then(Node::as_str),
    };
    let selectors = access.map(|access| access.items("namespaceSelectors")).unwrap_or_default();
    let may_match = object.is_none() && !selectors.is_empty();
    may_match || selectors.iter().any(|selector| LabelSelector::of_node(selector).matches(label))
}
