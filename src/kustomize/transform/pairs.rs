//! `labels`, `commonLabels` and `commonAnnotations`: pairs that are set in mappings.
//!
//! Source: kustomize, `api/filters/labels`, `api/filters/annotations` and `kusttarget_configplugin.go`.

use smol_str::{SmolStr, format_smolstr};

use crate::kustomize::Resource;
use crate::kustomize::context::{Context, rule};
use crate::kustomize::transform::config::{Configuration, add};
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::tables::METADATA_LABELS;
use crate::kustomize::transform::{is_true, wrong_kind};
use crate::yaml::{Dialect, Entry, Map, Node, Scalar, Step, Typed};

/// Sets `pairs`, a mapping, in the fields of `specs`, unless kustomize could not print one of the keys; `field` is its
/// name in the kustomization file.
pub(super) fn apply(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    pairs: &Node,
    specs: &[&FieldSpec],
    field: &'static str,
) {
    for entry in pairs.as_map().into_iter().flat_map(Map::iter) {
        if let Some(read_as) = non_string_key(entry.key.scalar()) {
            let key = entry.key.text();
            let message = format!("the key `{key}` of `{field}` is written as `{read_as}`, which is no string");
            context.error(rule::TRANSFORMER, message, entry.key.span(), "kustomize cannot print this key");
            return;
        }
    }
    set_on_all(context, resources, pairs, specs, field);
}

/// Sets `pairs`, a mapping, in the fields of `specs`; `field` is its name in the kustomization file.
pub(super) fn set_on_all(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    pairs: &Node,
    specs: &[&FieldSpec],
    field: &'static str,
) {
    let Some(map) = pairs.as_map().filter(|map| !map.is_empty()) else { return };
    for resource in resources {
        let gvk = resource.gvk();
        for spec in specs.iter().filter(|spec| spec.selects(&gvk)) {
            let mut set = |node: &mut Node| set_pairs(node, map, field);
            if let Err(wrong) = visit(&mut resource.node, spec, Missing::Map(pairs.span), &mut set) {
                wrong_kind(context, field, pairs.span, &resource.id(), &wrong);
            }
        }
    }
}

fn set_pairs(node: &mut Node, pairs: &Map, field: &'static str) -> Result<(), WrongKind> {
    if node.is_null() {
        // Where nothing may be made, kustomize leaves a null as it is.
        return Ok(());
    }
    let wrong = WrongKind::new(node, "a mapping");
    let Some(map) = node.as_map_mut() else { return Err(wrong) };
    for pair in pairs {
        let text = pair.value.as_str().unwrap_or_default();
        let at = pair.value.span;
        let value = Node::string(text, at);
        let step = Step::Transformer(field);
        if let Some(old) = map.get_mut(pair.key.text()) {
            *old = value.via(step, Some(at), Some(old));
        } else {
            map.push(Entry { key: pair.key.clone(), value: value.via(step, Some(at), None) });
        }
    }
    Ok(())
}

/// Returns what kustomize writes for `key`, without quotes, where that reads back as something else than a string.
pub(super) fn non_string_key(key: &Scalar) -> Option<SmolStr> {
    let text = match key.typed(Dialect::KubernetesV2) {
        Typed::Bool(value) => SmolStr::new_static(if value { "true" } else { "false" }),
        Typed::Int(value) => format_smolstr!("{value}"),
        _ => key.text.clone(),
    };
    (Dialect::KustomizeV3.resolve_plain(&text) != Typed::String).then_some(text)
}

/// Runs one entry of `labels`: `pairs` in the fields that its options name.
pub(super) fn apply_labels_entry(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    entry: &Node,
    configuration: &Configuration,
) {
    let Some(pairs) = entry.get("pairs") else { return };
    let mut specs: Vec<FieldSpec> = entry.items("fields").iter().map(FieldSpec::from_node).collect();
    let mut wanted = configuration.specs(|tables| &tables.labels);
    if is_true(entry.get("includeSelectors")) {
        wanted.extend(configuration.specs(|tables| &tables.common_labels));
    } else {
        if is_true(entry.get("includeTemplates")) {
            wanted.extend(configuration.specs(|tables| &tables.template_labels));
        }
        wanted.push(&METADATA_LABELS);
    }
    for spec in wanted {
        if add(&mut specs, &[], spec).is_err() {
            let message = format!("`labels` names the field `{}` with another `create`", spec.path);
            let span = entry.get("fields").map_or(entry.span, |fields| fields.span);
            context.error(rule::INVALID, message, span, "named here");
        }
    }
    apply(context, resources, pairs, &specs.iter().collect::<Vec<_>>(), "labels");
}
