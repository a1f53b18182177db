//! Rules on HelmReleases: the chart, its version, and the values it gets.
//!
//! Source: Flux, HelmRelease v2 ("Values references") and HelmChart v1; Helm, "Schema Files".

mod values;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{self, Artifact, Object, SourceKey};
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::text::{FileSet, RepoPath};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[CHART_MISSING, UNPINNED, VALUES_FROM_MISSING, VALUES_INVALID];

const CHART_MISSING: Rule = Rule {
    id: "helm-chart-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A chart that a HelmRelease takes from this repository is there: a directory with a `Chart.yaml` at `spec.chart.spec.chart`.

## Why it matters
Flux cannot make the chart: `ChartPackageError`. Nothing is installed or upgraded.

## What it cannot see
Charts in Helm repositories, registries and other Git repositories.
",
    check: Check::Index(check_chart),
};

const UNPINNED: Rule = Rule {
    id: "helm-chart-unpinned",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The version of a chart from a Helm repository or a registry has an upper bound: one version, or a range that ends.

## Why it matters
The next major version, with all that it breaks, is installed into every cluster at once the day it is published, and no commit \
says so.

## What it cannot see
Whether a range like `1.x` is meant: it is passed over.
",
    check: Check::Index(check_pinned),
};

const VALUES_FROM_MISSING: Rule = Rule {
    id: "helm-values-from-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each `spec.valuesFrom` entry of a HelmRelease names a ConfigMap or Secret of its namespace, and a key that it has (`values.yaml` \
where none is named), unless the entry is `optional`.

## Why it matters
Flux does not install or upgrade the release: `ValuesError`.

## What it cannot see
Objects made by hand or by controllers: a missing Secret is a warning, and where something of the cluster could not be rendered a \
note.
",
    check: Check::Index(check_values_from),
};

const VALUES_INVALID: Rule = Rule {
    id: "helm-values-invalid",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The values of a HelmRelease (the chart's own, then `valuesFrom`, then `values`) fit the `values.schema.json` of a chart that is in \
this repository.

## Why it matters
Helm refuses the release: `values don't meet the specifications of the schema(s)`.

## What it cannot see
Charts that are not in this repository. Where a `valuesFrom` is not known offline, what is missing is not reported.
",
    check: Check::Index(values::check),
};

/// A HelmRelease.
fn releases<'a>(index: &ClusterIndex<'a>) -> Vec<Object<'a>> {
    index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease").to_vec()
}

/// Returns the files that the chart of a release is in and the path of the chart, where they are in this repository.
fn local_chart<'i>(index: &'i ClusterIndex<'_>, release: &Object<'_>) -> Option<(&'i FileSet, RepoPath)> {
    let spec = release.resource.node.at(&["spec", "chart", "spec"])?;
    let source = flux::source_ref(spec.get("sourceRef")?, release.resource.namespace())?;
    let key: SourceKey = source.key();
    let Artifact::Here(files) = &index.cluster().sources.get(&key)?.artifact else { return None };
    let chart = spec.get("chart").filter(|chart| !ClusterIndex::is_opaque(release, chart))?;
    Some((files, flux::artifact_path(chart.as_str()?)))
}

/// Reports every release of the cluster whose chart should be in this repository and is not.
fn check_chart(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for release in releases(index) {
        let Some((files, path)) = local_chart(index, &release) else { continue };
        let is_chart = |path: &RepoPath| path.join("Chart.yaml").is_ok_and(|file| files.is_file(&file));
        let Some(chart) = release.resource.node.at(&["spec", "chart", "spec", "chart"]) else { continue };
        // A packaged chart is one file.
        if is_chart(&path) || files.is_file(&path) {
            continue;
        }
        let charts = files.iter().filter(|(path, _)| path.name() == "Chart.yaml").map(|(path, _)| path.parent());
        let charts: Vec<String> = charts.map(|path| path.to_string()).collect();
        let help = match nearest(path.as_str(), charts.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `./{near}`?"),
            None => "correct the path, or add the chart".to_owned(),
        };
        let written = chart.as_str().unwrap_or("");
        out.push(
            rule.report(format!(
                "`{}` installs the chart `{written}`, which does not exist",
                release.resource.object_ref()
            ))
            .label(chart.span, format!("no `Chart.yaml` in `{path}` of its source"))
            .help(help)
            .note("Flux installs and upgrades nothing"),
        );
    }
}

/// Returns whether a range of versions has no upper end.
fn is_open(range: &str) -> bool {
    range.split("||").any(|alternative| {
        let alternative = alternative.trim();
        let is_lower = alternative.starts_with('>') && !alternative.contains('<') && !alternative.contains(" - ");
        matches!(alternative, "" | "*" | "x" | "X") || is_lower
    })
}

/// Reports every release of the cluster that takes whatever version comes.
fn check_pinned(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let report = |what: String, at: &Node, label: &'static str| {
        rule.report(format!("{what} takes any version of the chart, the next major one too"))
            .label(at.span, label)
            .help("write the version, or a range that ends, such as `1.x`")
    };
    for release in releases(index) {
        let Some(spec) = release.resource.node.at(&["spec", "chart", "spec"]) else { continue };
        // Charts from Git and buckets have the version that the files say.
        if spec.at(&["sourceRef", "kind"]).and_then(Node::as_str) != Some("HelmRepository") {
            continue;
        }
        let what = format!("`{}`", release.resource.object_ref());
        match spec.get("version") {
            Some(version) if version.as_str().is_some_and(is_open) => out.push(report(what, version, "no upper end")),
            Some(version) if !version.is_null() => {}
            _ => out.extend(spec.get("chart").map(|chart| report(what, chart, "no `version` beside it"))),
        }
    }
    for object in index.of_kind("source.toolkit.fluxcd.io", "OCIRepository") {
        if !is_chart_source(index, object) {
            continue;
        }
        let node = &object.resource.node;
        let what = format!("`{}`", object.resource.object_ref());
        let reference = |key| node.at(&["spec", "ref", key]).filter(|field| !field.is_null());
        if reference("digest").is_some() {
            continue;
        }
        match (reference("semver"), reference("tag")) {
            (Some(range), _) if range.as_str().is_some_and(is_open) => out.push(report(what, range, "no upper end")),
            (None, Some(tag)) if tag.as_str() == Some("latest") => out.push(report(what, tag, "whatever comes")),
            (None, None) => out.extend(node.at(&["spec", "url"]).map(|url| report(what, url, "no `ref` beside it"))),
            _ => {}
        }
    }
}

/// Returns whether some HelmRelease takes its chart from this source.
fn is_chart_source(index: &ClusterIndex<'_>, source: &Object<'_>) -> bool {
    releases(index).iter().any(|release| {
        let reference = release.resource.node.at(&["spec", "chartRef"]);
        let reference = reference.and_then(|field| flux::source_ref(field, release.resource.namespace()));
        reference.is_some_and(|reference| {
            let name = &reference.name.value;
            reference.kind.value == "OCIRepository"
                && name.name == source.resource.name()
                && name.namespace == source.resource.namespace()
        })
    })
}

/// Reports every `valuesFrom` entry of the cluster that has nothing to give.
fn check_values_from(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for release in releases(index) {
        let entries = release.resource.node.get("spec").map(|spec| spec.items("valuesFrom")).unwrap_or_default();
        for entry in entries {
            let text = |key| entry.get(key).and_then(Node::as_str);
            let (Some(kind), Some(name)) = (text("kind"), entry.get("name")) else { continue };
            if text("optional") == Some("true") || ClusterIndex::is_opaque(&release, name) {
                continue;
            }
            let finding = missing_values(rule, index, &release, (kind, name), entry.get("valuesKey"));
            out.extend(finding.map(|finding| finding.note("Flux installs and upgrades nothing: `ValuesError`")));
        }
    }
}

/// Returns what is wrong with the object (kind and name) or the key that values are taken from.
fn missing_values(
    rule: &Rule,
    index: &ClusterIndex<'_>,
    release: &Object<'_>,
    (kind, name): (&str, &Node),
    key: Option<&Node>,
) -> Option<Diagnostic> {
    let (namespace, wanted) = (release.resource.namespace(), name.as_str().unwrap_or(""));
    let release = release.resource.object_ref();
    let Some(object) = index.find("", kind, namespace, wanted) else {
        if index.is_made(kind, namespace, wanted) {
            return None;
        }
        let near = nearest(wanted, index.names("", kind, namespace));
        let help = near.map_or_else(
            || format!("add the {kind}, or set `optional: true`"),
            |near| format!("did you mean `{near}`?"),
        );
        // A Secret may well be made by hand; a chart does not make its own values.
        let worst = if kind == "Secret" { Severity::Warning } else { Severity::Error };
        let message = format!("`{release}` takes values from {kind} `{namespace}/{wanted}`, which does not exist");
        let finding = rule.report(message).label(name.span, format!("no {kind} has this name")).help(help);
        return Some(finding.at_most(worst).at_most(index.absence_anywhere(near)));
    };
    let keys = object_keys(&object.node);
    let written = key.and_then(Node::as_str).unwrap_or("values.yaml");
    if keys.is_empty() || keys.contains(&written) {
        return None;
    }
    let help = match nearest(written, keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a key of the object in `valuesKey`".to_owned(),
    };
    let message =
        format!("`{release}` takes values from key `{written}` of `{}`, which does not have it", object.object_ref());
    Some(rule.report(message).label(key.unwrap_or(name).span, "no key has this name").help(help))
}

/// Returns the keys of a ConfigMap or Secret.
pub(super) fn object_keys(object: &Node) -> Vec<&str> {
    let fields = ["data", "binaryData", "stringData"].into_iter().filter_map(|field| object.get(field)?.as_map());
    fields.flat_map(|map| map.iter()).map(|entry| entry.key.text()).collect()
}
