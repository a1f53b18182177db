//! `spec.commonMetadata` of a Flux Kustomization.

use crate::yaml::{Entry, Map, Node, Step};

/// Sets the labels and annotations of `common` on the metadata of `object`; equal keys are replaced. Pod templates and
/// selectors stay as they are.
pub(crate) fn apply(common: &Node, object: &mut Node) {
    for field in ["labels", "annotations"] {
        for entry in common.get(field).and_then(Node::as_map).into_iter().flat_map(Map::iter) {
            set(object, field, entry);
        }
    }
}

fn set(object: &mut Node, field: &str, entry: &Entry) {
    let Some(map) = object.as_map_mut() else { return };
    let span = entry.key.span();
    if map.get("metadata").is_none_or(|metadata| metadata.as_map().is_none()) {
        map.set("metadata", Node::empty_map(span));
    }
    let Some(metadata) = map.get_mut("metadata").and_then(Node::as_map_mut) else { return };
    if metadata.get(field).is_none_or(|field| field.as_map().is_none()) {
        metadata.set(field, Node::empty_map(span));
    }
    let Some(values) = metadata.get_mut(field).and_then(Node::as_map_mut) else { return };
    let before = values.get(entry.key.text()).cloned();
    let value = entry.value.clone().via(Step::Transformer("commonMetadata"), Some(span), before.as_ref());
    values.set(entry.key.text(), value);
}
