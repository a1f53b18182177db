//! Readers of the fields that many Flux kinds share: references, dependencies, durations.

use std::time::Duration;

use smol_str::SmolStr;

use crate::kube::{Gvk, NamespacedName, ObjectRef};
use crate::kustomize::Resource;
use crate::text::Spanned;
use crate::yaml::Node;

/// A reference to a Flux source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// `GitRepository`, `OCIRepository`, `Bucket`, `ExternalArtifact`, `HelmRepository` or `HelmChart`.
    pub kind: Spanned<SmolStr>,
    /// Namespace (the referrer's by default) and name; the span is the name's.
    pub name: Spanned<NamespacedName>,
}

/// Returns the text of a field with its place, where it is a scalar that is not null.
pub(crate) fn text(node: &Node, keys: &[&str]) -> Option<Spanned<SmolStr>> {
    let field = node.at(keys)?;
    Some(Spanned::new(field.as_str()?.into(), field.span))
}

/// Returns whether the field at `keys` says `true`.
pub(crate) fn is_true(node: &Node, keys: &[&str]) -> bool {
    node.at(keys).and_then(Node::as_str).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Returns the namespace of `object`; `default` where it says none.
pub(crate) fn namespace(object: &Node) -> SmolStr {
    text(object, &["metadata", "namespace"]).map_or(SmolStr::new_static("default"), |written| written.value)
}

/// Returns the reference that `field` holds (`spec.sourceRef`, `spec.chartRef`); `namespace` is the referrer's.
pub fn source_ref(field: &Node, namespace: &str) -> Option<SourceRef> {
    let kind = text(field, &["kind"])?;
    let name = text(field, &["name"])?;
    let namespace = text(field, &["namespace"]).map_or_else(|| namespace.into(), |written| written.value);
    Some(SourceRef { kind, name: Spanned::new(NamespacedName { namespace, name: name.value }, name.span) })
}

/// Returns `spec.dependsOn` of `object`, which is in `namespace`; the spans are of the names.
pub fn depends_on(object: &Node, namespace: &str) -> Vec<Spanned<NamespacedName>> {
    let Some(spec) = object.get("spec") else { return Vec::new() };
    let read = |item: &Node| {
        let name = text(item, &["name"])?;
        let namespace = text(item, &["namespace"]).map_or_else(|| namespace.into(), |written| written.value);
        Some(Spanned::new(NamespacedName { namespace, name: name.value }, name.span))
    };
    spec.items("dependsOn").iter().filter_map(read).collect()
}

/// Returns the object that `item` names (`apiVersion`, `kind`, `name`, `namespace`); the span is of the name.
pub fn object_reference(item: &Node) -> Option<Spanned<ObjectRef>> {
    let name = text(item, &["name"])?;
    let kind = text(item, &["kind"])?.value;
    let api_version = text(item, &["apiVersion"]).map(|version| version.value).unwrap_or_default();
    let namespace = text(item, &["namespace"]).map(|namespace| namespace.value).unwrap_or_default();
    let group = Gvk::new(&api_version, &kind).group;
    Some(Spanned::new(ObjectRef { group, kind, namespace, name: name.value }, name.span))
}

/// Returns the duration that Flux reads from `text` (`1h30m`, `90s`, `1.5h`); nothing where the API server refuses.
///
/// Source: Flux, `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let (milliseconds, length) = match after.as_bytes() {
            [b'm', b's', ..] => (1.0, 2),
            [b's', ..] => (1e3, 1),
            [b'm', ..] => (6e4, 1),
            [b'h', ..] => (3.6e6, 1),
            _ => return None,
        };
        let part = number.parse::<f64>().ok()? * milliseconds / 1e3;
        total = total.checked_add(Duration::try_from_secs_f64(part).ok()?)?;
        rest = &after[length..];
    }
    (!text.is_empty()).then_some(total)
}

/// Returns `duration` as Flux writes it, to the second: `1h30m`, `45s`.
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text.concat() }
}

/// Returns the name of the chart of the HelmRelease `release`; `find` returns the object of a group, kind, namespace and name.
///
/// Source: Flux, helm.toolkit.fluxcd.io/v2: `spec.chart`, or `spec.chartRef` to an OCIRepository or a HelmChart.
pub fn chart_name<'a>(
    release: &'a Resource,
    find: impl Fn(&'static str, &'static str, &str, &str) -> Option<&'a Resource>,
) -> Option<&'a str> {
    let last = |path: &'a str| path.trim_end_matches('/').rsplit('/').next();
    if let Some(chart) = release.node.at(&["spec", "chart", "spec", "chart"]).and_then(Node::as_str) {
        return last(chart);
    }
    let SourceRef { kind, name } = source_ref(release.node.at(&["spec", "chartRef"])?, release.namespace())?;
    let (kind, key) = match kind.value.as_str() {
        "OCIRepository" => ("OCIRepository", "url"),
        "HelmChart" => ("HelmChart", "chart"),
        _ => return None,
    };
    let NamespacedName { namespace, name } = &name.value;
    last(find("source.toolkit.fluxcd.io", kind, namespace, name)?.node.at(&["spec", key])?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_their_parts() {
        assert_eq!(duration("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(duration("1.5h"), Some(Duration::from_mins(90)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("10m0s"), Some(Duration::from_mins(10)));
    }

    #[test]
    fn what_the_api_server_refuses_is_no_duration() {
        for text in ["", "10", "1d", "h", "1.h", ".5h", "1..5h", "-1h", "1h ", "1 h"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }
}
