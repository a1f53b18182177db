//! Which resources a patch or a replacement is for.
//!
//! Source: kustomize, `api/types/selector.go`; Kubernetes, `apimachinery/pkg/labels`.

use regex::Regex;

use crate::kube::Gvk;
use crate::kustomize::Resource;
use crate::text::Span;
use crate::yaml::{Map, Node};

/// Why a selector cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadSelector {
    /// The field.
    pub(crate) span: Span,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// A selector: every field that is given must match. Group, version, kind, name and namespace are regular expressions
/// for the whole text.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Selector {
    /// Returns the selector that `node`, a mapping, describes.
    ///
    /// # Errors
    /// When a field is no valid pattern or label selector.
    pub(crate) fn new(node: &Node) -> Result<Self, BadSelector> {
        let text = |key: &str| {
            let field = node.get(key)?;
            field.as_str().filter(|text| !text.is_empty()).map(|text| (text, field.span))
        };
        let pattern = |key: &str| {
            let Some((text, span)) = text(key) else { return Ok(None) };
            let bad = |_| BadSelector { span, message: format!("`{text}` is no valid regular expression") };
            Regex::new(&format!("^(?:{text})$")).map(Some).map_err(bad)
        };
        let requirements = |key: &str| {
            let Some((text, span)) = text(key) else { return Ok(Vec::new()) };
            parse_requirements(text)
                .ok_or_else(|| BadSelector { span, message: format!("`{text}` is no valid label selector") })
        };
        Ok(Self {
            group: pattern("group")?,
            version: pattern("version")?,
            kind: pattern("kind")?,
            name: pattern("name")?,
            namespace: pattern("namespace")?,
            labels: requirements("labelSelector")?,
            annotations: requirements("annotationSelector")?,
        })
    }

    /// Returns whether nothing but labels and annotations is asked for.
    pub(crate) fn names_nothing(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().all(|part| part.is_none())
    }

    /// Returns whether neither labels nor annotations are asked for.
    pub(crate) fn asks_for_no_metadata(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }

    /// Returns whether group, version and kind match.
    pub(crate) fn matches_gvk(&self, gvk: &Gvk) -> bool {
        matches(self.group.as_ref(), &gvk.group)
            && matches(self.version.as_ref(), &gvk.version)
            && matches(self.kind.as_ref(), &gvk.kind)
    }

    /// Returns whether `name` matches.
    pub(crate) fn matches_name(&self, name: &str) -> bool {
        matches(self.name.as_ref(), name)
    }

    /// Returns whether `namespace` matches.
    pub(crate) fn matches_namespace(&self, namespace: &str) -> bool {
        matches(self.namespace.as_ref(), namespace)
    }

    /// Returns whether labels and annotations of `resource` match.
    pub(crate) fn matches_metadata(&self, resource: &Resource) -> bool {
        let all_met = |field: &str, requirements: &[Requirement]| {
            let pairs = resource.node.at(&["metadata", field]).and_then(Node::as_map);
            requirements.iter().all(|requirement| requirement.is_met(pairs))
        };
        all_met("labels", &self.labels) && all_met("annotations", &self.annotations)
    }
}

fn matches(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text))
}

/// One condition on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Requirement {
    fn is_met(&self, pairs: Option<&Map>) -> bool {
        let value = pairs.and_then(|pairs| pairs.get(&self.key));
        let text = value.map(|value| value.as_str().unwrap_or_default());
        let number = || text.and_then(|text| text.parse::<i64>().ok());
        match &self.condition {
            Condition::Exists => text.is_some(),
            Condition::Absent => text.is_none(),
            Condition::In(values) => text.is_some_and(|text| values.iter().any(|value| value == text)),
            Condition::NotIn(values) => text.is_none_or(|text| values.iter().all(|value| value != text)),
            Condition::Above(bound) => number().is_some_and(|number| number > *bound),
            Condition::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

/// Returns the requirements of `text`, joined by commas; nothing where it is no selector.
fn parse_requirements(text: &str) -> Option<Vec<Requirement>> {
    let mut requirements = Vec::new();
    let mut depth = 0_usize;
    let parts = text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    for part in parts {
        requirements.push(parse_requirement(part.trim())?);
    }
    Some(requirements)
}

fn parse_requirement(text: &str) -> Option<Requirement> {
    let requirement = |key: &str, condition| {
        let key = key.trim();
        let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        is_key.then(|| Requirement { key: key.to_owned(), condition })
    };
    if let Some(key) = text.strip_prefix('!') {
        return requirement(key, Condition::Absent);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return requirement(key, Condition::NotIn(vec![parse_value(value)?]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return requirement(key, Condition::In(vec![parse_value(value)?]));
    }
    if let Some((key, value)) = text.split_once('>') {
        return requirement(key, Condition::Above(value.trim().parse().ok()?));
    }
    if let Some((key, value)) = text.split_once('<') {
        return requirement(key, Condition::Below(value.trim().parse().ok()?));
    }
    let Some((key, rest)) = text.split_once(char::is_whitespace) else {
        return requirement(text, Condition::Exists);
    };
    let rest = rest.trim();
    let (is_in, list) = match rest.strip_prefix("notin") {
        Some(list) => (false, list),
        None => (true, rest.strip_prefix("in")?),
    };
    let list = list.trim().strip_prefix('(')?.strip_suffix(')')?;
    let values = list.split(',').map(parse_value).collect::<Option<_>>()?;
    requirement(key, if is_in { Condition::In(values) } else { Condition::NotIn(values) })
}

fn parse_value(text: &str) -> Option<String> {
    let text = text.trim();
    let is_value = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_value.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_are_read_as_kubernetes_writes_them() {
        let parsed = parse_requirements("app=web, tier in (a, b),!old,x!=y,env").unwrap();
        let conditions: Vec<_> = parsed.into_iter().map(|requirement| requirement.condition).collect();
        let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            conditions,
            [
                Condition::In(list(&["web"])),
                Condition::In(list(&["a", "b"])),
                Condition::Absent,
                Condition::NotIn(list(&["y"])),
                Condition::Exists,
            ]
        );
        assert_eq!(parse_requirements("a b"), None);
        assert_eq!(parse_requirements("a=b=c"), None);
    }
}
