//! Rules on the files themselves: are they YAML, can they be read, does anybody apply them.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{Cluster, Location};
use crate::kustomize::FILE_NAMES;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::{Content, RepoPath, SourceId, Span};
use crate::yaml::{self, Node};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] =
    &[SYNTAX, DUPLICATE_KEY, QUOTED_INDENT, LIMIT, FILE_TOO_LARGE, FILE_UNREADABLE, ORPHAN];

const SYNTAX: Rule = Rule {
    id: yaml::SYNTAX,
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `.yaml` and `.yml` file can be read as YAML, as libyaml reads it: what kustomize and Flux read with.

## Why it matters
One file that cannot be read fails the whole Kustomization that it belongs to: `MalformedYAMLError`.

## What it cannot see
Templates that only look like YAML are reported too, where they are not below a Helm chart.
",
    check: Check::Repository(check_syntax),
};

const DUPLICATE_KEY: Rule = Rule {
    id: yaml::DUPLICATE_KEY,
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No mapping has a key twice.

## Why it matters
kustomize refuses a resource with a repeated key: `mapping key already defined`. In a kustomization file the last one wins \
without a word.

## What it cannot see
Keys that differ only after substitution.
",
    check: Check::Rendering,
};

const QUOTED_INDENT: Rule = Rule {
    id: yaml::QUOTED_INDENT,
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The later lines of quoted text stand further right than its key.

## Why it matters
Flux reads the file, since libyaml does; other YAML readers (editors, linters, CI) refuse it, as YAML 1.2 asks.

## What it cannot see
Nothing that matters: it is found while reading.
",
    check: Check::Rendering,
};

const LIMIT: Rule = Rule {
    id: yaml::LIMIT,
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each YAML file stays within what is read: 2 million values, 256 nested collections, 1 million values made by aliases, \
10,000 documents.

## Why it matters
What is beyond is not read, and so not checked. No manifest needs as much; an alias bomb does.

## What it cannot see
Whether a controller would still read it.
",
    check: Check::Rendering,
};

const FILE_TOO_LARGE: Rule = Rule {
    id: "file-too-large",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each YAML file has at most 16 MiB.

## Why it matters
Larger ones are not read, and so not checked. The API server refuses objects above 1.5 MiB.

## What it cannot see
What the file holds.
",
    check: Check::Repository(check_content),
};

const FILE_UNREADABLE: Rule = Rule {
    id: "file-unreadable",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each YAML file can be read and is UTF-8 text.

## Why it matters
What cannot be read is not checked; a YAML file that is not text fails the Kustomization that it belongs to.

## What it cannot see
Files that are not named `.yaml` or `.yml`.
",
    check: Check::Repository(check_content),
};

const ORPHAN: Rule = Rule {
    id: "manifest-orphaned",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each Kubernetes manifest beside applied ones is itself applied by some cluster.

## Why it matters
With a kustomization file present only what it lists is applied: a file that was forgotten there never reaches a cluster, \
and nobody is told.

## What it cannot see
Files that people apply by hand: top-level directories of which nothing is applied are passed over, and so is what stands \
beside a cluster's directory (`deployments/dev` beside the cluster `deployments/prod`).
",
    check: Check::Repository(check_orphans),
};

/// Returns whether the finding is the reader's: reported for every file, whether a cluster builds it or not.
pub(super) fn is_about_a_file(finding: &Diagnostic) -> bool {
    [SYNTAX.id, DUPLICATE_KEY.id, QUOTED_INDENT.id, LIMIT.id].contains(&finding.rule)
}

/// Reports every YAML file that cannot be read, and what the reader found in the others.
fn check_syntax(_: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let clusters = &context.fleet.clusters;
    // A build that failed may have stopped before it named all of its files.
    let is_known = !clusters.is_empty() && clusters.iter().all(is_rendered);
    let read: BTreeSet<SourceId> = clusters.iter().flat_map(applied_files).collect();
    for (path, source) in yaml_files(context) {
        let Some(parsed) = context.repo.yaml(source) else { continue };
        if parsed.diagnostics.is_empty() || is_template(context, path) {
            continue;
        }
        let is_unread = is_known && !read.contains(&source);
        let silent_duplicates = is_kustomization_file(path);
        for finding in &parsed.diagnostics {
            // kustomize takes the last of repeated keys in its own files: a trap, not a failure.
            let worst = if silent_duplicates && finding.rule == yaml::DUPLICATE_KEY {
                Severity::Warning
            } else {
                finding.severity
            };
            let finding = finding.clone().at_most(worst);
            out.push(if is_unread && finding.severity == Severity::Error {
                finding.at_most(Severity::Warning).note("no cluster builds this file")
            } else {
                finding
            });
        }
    }
}

/// Reports every YAML file that `rule` is about: those too large to read, or those that cannot be read.
fn check_content(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (path, source) in yaml_files(context) {
        let Some(file) = context.repo.source(source) else { continue };
        let span = Span::new(source, 0..0);
        let finding = match file.content() {
            Content::TooLarge(bytes) if rule.id == FILE_TOO_LARGE.id => rule
                .report(format!("`{path}` has {} MiB and was not read", bytes / (1024 * 1024)))
                .label(span, "too large")
                .help("split it"),
            Content::Unreadable(reason) if rule.id == FILE_UNREADABLE.id => rule
                .report(format!("`{path}` cannot be read: {reason}"))
                .label(span, "not read")
                .help("correct its permissions"),
            Content::Binary(_) if rule.id == FILE_UNREADABLE.id => rule
                .report(format!("`{path}` is not UTF-8 text"))
                .label(span, "not text")
                .help("save it as UTF-8, or give it another name"),
            _ => continue,
        };
        out.push(finding);
    }
}

fn yaml_files<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a RepoPath, SourceId)> {
    // Flux keeps `.github` and its like out of every artifact.
    let hidden = |path: &RepoPath| path.parts().any(|part| part.starts_with('.'));
    context.repo.files().iter().filter(move |(path, _)| path.is_yaml() && !hidden(path))
}

/// Returns whether the file is a template of a Helm chart: it stands in a `templates` directory beside a `Chart.yaml`.
fn is_template(context: &Context<'_>, path: &RepoPath) -> bool {
    let mut directory = path.parent();
    while !directory.is_root() {
        let parent = directory.parent();
        let chart = parent.join("Chart.yaml").is_ok_and(|chart| context.repo.files().is_file(&chart));
        if directory.name() == "templates" && chart {
            return true;
        }
        directory = parent;
    }
    false
}

fn is_kustomization_file(path: &RepoPath) -> bool {
    FILE_NAMES.contains(&path.name())
}

/// Reports manifests that no cluster applies, once for each directory.
fn check_orphans(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let clusters = &context.fleet.clusters;
    let applied: BTreeSet<SourceId> = clusters.iter().flat_map(applied_files).collect();
    let sources = context.repo.sources();
    let applied_paths = applied.iter().filter_map(|id| Some(sources.get(*id)?.path()));
    let served: BTreeSet<Option<&str>> = applied_paths.map(top).collect();
    // A build that failed may have stopped before it named all of its files.
    let worst = if clusters.iter().all(is_rendered) { Severity::Warning } else { Severity::Note };

    let mut by_directory: BTreeMap<RepoPath, Vec<(RepoPath, Span)>> = BTreeMap::new();
    for (path, source) in yaml_files(context) {
        if applied.contains(&source) || !served.contains(&top(path)) || is_template(context, path) {
            continue;
        }
        if clusters.iter().any(|cluster| is_beside(path, &cluster.path)) {
            continue;
        }
        let Some(span) = manifest_name(context, path, source) else { continue };
        by_directory.entry(path.parent()).or_default().push((path.clone(), span));
    }
    for (directory, files) in by_directory {
        let Some((first, span)) = files.first() else { continue };
        let message = match files.len() {
            1 => format!("no cluster applies `{first}`"),
            count => format!("no cluster applies {count} manifests of `{directory}`"),
        };
        let kustomization = files.iter().find(|(path, _)| is_kustomization_file(path));
        let help = match kustomization {
            Some(_) => "name the directory in a kustomization file or in a Flux Kustomization, or remove it",
            None => "list it under `resources` of the kustomization file that should apply it, or remove it",
        };
        let mut finding = rule
            .report(message)
            .label(kustomization.map_or(*span, |(_, span)| *span), "never reaches a cluster")
            .help(help)
            .at_most(worst);
        if files.len() > 1 {
            let names: Vec<String> = files.iter().take(8).map(|(path, _)| format!("`{}`", path.name())).collect();
            let more = if files.len() > names.len() { ", …" } else { "" };
            finding = finding.note(format!("they are {}{more}", names.join(", ")));
        }
        out.push(finding);
    }
}

/// Returns the directory below the root that `path` is in; nothing for a file of the root itself.
fn top(path: &RepoPath) -> Option<&str> {
    path.as_str().split_once('/').map(|(first, _)| first)
}

/// Returns whether `path` is below a sibling of the directory `cluster`: another environment, which Flux does not serve.
fn is_beside(path: &RepoPath, cluster: &RepoPath) -> bool {
    let parent = cluster.parent();
    !parent.is_root() && path.is_below(&parent) && path.parent() != parent && !path.is_below(cluster)
}

fn applied_files(cluster: &Cluster) -> impl Iterator<Item = SourceId> {
    cluster.builds().flat_map(|build| build.files.iter().copied())
}

fn is_rendered(cluster: &Cluster) -> bool {
    let root = cluster.root.as_ref().is_none_or(|build| build.diagnostics.is_empty());
    let is_located = |location: &Location| matches!(location, Location::Here(_) | Location::Elsewhere);
    root && cluster
        .kustomizations
        .values()
        .all(|owner| is_located(&owner.location) && owner.build.diagnostics.is_empty())
}

/// Returns where the first object of a manifest (or the first field of a kustomization file) is named.
fn manifest_name(context: &Context<'_>, path: &RepoPath, source: SourceId) -> Option<Span> {
    let parsed = context.repo.yaml(source)?;
    if is_kustomization_file(path) {
        let first = parsed.documents.first()?.root.as_map()?.entries().first()?;
        return Some(first.key.span().to(first.value.span));
    }
    parsed.documents.iter().find_map(|document| object_name(&document.root))
}

/// Returns the place of `metadata.name`, where `root` is a Kubernetes object that a cluster could take.
fn object_name(root: &Node) -> Option<Span> {
    let api_version = root.get("apiVersion")?.as_str()?;
    root.get("kind")?.as_str()?;
    let is_local = api_version.starts_with("kind.x-k8s.io/") || api_version.starts_with("kustomize.config.k8s.io/");
    let name = root.at(&["metadata", "name"])?;
    (!is_local).then_some(name.span)
}
