//! Which resources a patch or a replacement is for.
//!
//! Source: kustomize, `api/types/selector.go`.

use crate::kube::{Gvk, LabelSelector};
use crate::kustomize::pattern::Whole;
use crate::kustomize::{Id, Resource};
use crate::text::Span;
use crate::yaml::Node;

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
    group: Option<Whole>,
    version: Option<Whole>,
    kind: Option<Whole>,
    name: Option<Whole>,
    namespace: Option<Whole>,
    labels: LabelSelector,
    annotations: LabelSelector,
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
            Whole::new(text).map(Some).map_err(bad)
        };
        let requirements = |key: &str| {
            let Some((text, span)) = text(key) else { return Ok(LabelSelector::default()) };
            LabelSelector::parse(text).map_err(|error| BadSelector { span, message: error.to_string() })
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
        let all_met = |field: &str, selector: &LabelSelector| {
            let pairs = resource.node.at(&["metadata", field]).and_then(Node::as_map);
            selector.matches(|key| pairs?.get(key)?.as_scalar().map(|scalar| scalar.text.as_str()))
        };
        all_met("labels", &self.labels) && all_met("annotations", &self.annotations)
    }

    /// Returns whether `resource` is selected, by its first or its current name and namespace.
    pub(crate) fn matches(&self, resource: &Resource) -> bool {
        let current = resource.id();
        if !self.matches_gvk(&current.gvk) {
            return false;
        }
        let original = resource.original_id();
        let either = |fits: &dyn Fn(&Id) -> bool| fits(&original) || fits(&current);
        either(&|id| self.matches_namespace(id.effective_namespace()))
            && either(&|id| self.matches_name(&id.name))
            && self.matches_metadata(resource)
    }
}

fn matches(pattern: Option<&Whole>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text))
}
