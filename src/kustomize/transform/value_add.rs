//! `ValueAddTransformer`: one value in fields of several objects.
//!
//! Source: kustomize, `api/filters/valueadd` and `kyaml/filesys/util.go`.

use smol_str::SmolStr;

use crate::kustomize::Resource;
use crate::kustomize::context::{Context, rule};
use crate::kustomize::selector::Selector;
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::{namespace, retext, wrong_kind};
use crate::text::RepoPath;
use crate::yaml::{Node, Step};

/// Runs the transformer that `config`, found in `dir`, describes.
pub(super) fn apply(context: &mut Context<'_>, resources: &mut [Resource], config: &Node, dir: &RepoPath) {
    let given = config.get("value").and_then(Node::as_str).map_or("", str::trim);
    let text = if given.is_empty() { dir.name() } else { given };
    let value = Node::string(text, config.get("value").unwrap_or(config).span);
    let mut targets = config.items("targets").to_vec();
    if let Some(path) = config.get("targetFilePath") {
        let Some((_, id)) = context.file(dir, path.as_str().unwrap_or_default(), path.span) else { return };
        let document = context.repo.yaml(id).and_then(|parsed| parsed.documents.first());
        targets.extend_from_slice(document.map_or(&[], |document| document.root.items("targets")));
    }
    if targets.is_empty() {
        context.error(rule::TRANSFORMER, "a `ValueAddTransformer` needs at least one target", config.span, "no target");
    }
    for target in &targets {
        apply_to_target(context, resources, target, &value);
    }
}

fn apply_to_target(context: &mut Context<'_>, resources: &mut [Resource], target: &Node, value: &Node) {
    let selector = match target.get("selector").map(Selector::new).transpose() {
        Ok(selector) => selector,
        Err(bad) => return context.error(rule::TRANSFORMER, bad.message, bad.span, "this selector"),
    };
    let Some(path) = target.get("fieldPath").and_then(Node::as_str).filter(|path| !path.is_empty()) else {
        context.error(rule::TRANSFORMER, "a target needs `fieldPath`", target.span, "no field");
        return;
    };
    let position =
        target.get("filePathPosition").and_then(Node::as_str).and_then(|text| text.parse().ok()).unwrap_or(0);
    for resource in resources {
        if selector.as_ref().is_some_and(|selector| !selects(selector, resource)) {
            continue;
        }
        let one = std::slice::from_mut(resource);
        if path == "metadata/namespace" {
            namespace::set_on_all(context, one, value, &[], namespace::Options::default());
        } else {
            add(context, one, value, path, position);
        }
    }
}

/// Writes `value` into the field `path`, or into the file path that stands there: above 0, `position` is its place.
pub(super) fn add(context: &mut Context<'_>, resources: &mut [Resource], value: &Node, path: &str, position: usize) {
    let spec = FieldSpec { path: path.into(), create: true, ..FieldSpec::new("") };
    for resource in resources {
        let mut set = |node: &mut Node| {
            let Some(old) = node.as_scalar() else { return Err(WrongKind::new(node, "a scalar")) };
            let text = value.as_str().unwrap_or_default();
            let text = if position > 0 { inserted(&old.text, position - 1, text) } else { text.into() };
            *node = retext(node, text, value.span, Step::Transformer("transformers"), value.span);
            Ok(())
        };
        if let Err(wrong) = visit(&mut resource.node, &spec, Missing::Scalar(value.span), &mut set) {
            wrong_kind(context, "transformers", value.span, &resource.id(), &wrong);
        }
    }
}

fn selects(selector: &Selector, resource: &Resource) -> bool {
    let (original, current) = (resource.original_id(), resource.id());
    let ids = [&original, &current];
    selector.matches_gvk(&current.gvk)
        && ids.iter().any(|id| selector.matches_name(&id.name))
        && ids.iter().any(|id| selector.matches_namespace(id.effective_namespace()))
        && selector.matches_metadata(resource)
}

/// Returns the file path `path` with `part` before its part at `position`, or at its end.
fn inserted(path: &str, position: usize, part: &str) -> SmolStr {
    if part.is_empty() {
        return path.into();
    }
    let relative = path.trim_start_matches('/');
    let mut parts: Vec<&str> = relative.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_inserted_as_kustomize_documents_it() {
        let cases = [
            ("", 0, "PEACH"),
            ("/", 3, "/PEACH"),
            ("pie", 0, "PEACH/pie"),
            ("/pie", 0, "/PEACH/pie"),
            ("raw", 1, "raw/PEACH"),
            ("/raw", 9, "/raw/PEACH"),
            ("a/nice/warm/pie", 3, "a/nice/warm/PEACH/pie"),
            ("/a/nice/warm/pie", 3, "/a/nice/warm/PEACH/pie"),
        ];
        for (path, position, expected) in cases {
            assert_eq!(inserted(path, position, "PEACH"), expected, "{path}");
        }
    }
}
