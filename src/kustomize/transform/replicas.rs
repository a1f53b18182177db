//! `replicas`: the replica count of workloads, by name.
//!
//! Source: kustomize, `ReplicaCountTransformer`.

use smol_str::SmolStr;

use crate::kustomize::context::{Context, rule};
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::wrong_kind;
use crate::kustomize::{Id, Resource};
use crate::yaml::{Node, Step};

/// Runs one entry of `replicas` on the resources that have, or had, its name.
pub(super) fn apply(context: &mut Context<'_>, resources: &mut [Resource], entry: &Node, specs: &[&FieldSpec]) {
    let name = entry.get("name").and_then(Node::as_str).unwrap_or_default();
    let count = entry.get("count");
    // A missing count is zero, as in Go.
    let text: SmolStr = count.and_then(Node::as_str).unwrap_or("0").into();
    let span = count.unwrap_or(entry).span;
    let mut is_found = false;
    for resource in resources {
        let current = resource.id();
        for spec in specs {
            let matches = |id: &Id| id.name == name && spec.selects(&id.gvk);
            if !matches(&current) && !resource.history.iter().any(matches) {
                continue;
            }
            is_found = true;
            if !spec.selects(&current.gvk) {
                continue;
            }
            let mut set = |node: &mut Node| {
                if node.as_scalar().is_none() {
                    return Err(WrongKind::new(node, "a scalar"));
                }
                *node = Node::plain(text.clone(), span).via(Step::Transformer("replicas"), Some(span), Some(node));
                Ok(())
            };
            if let Err(wrong) = visit(&mut resource.node, spec, Missing::Scalar(span), &mut set) {
                wrong_kind(context, "replicas", span, &current, &wrong);
            }
        }
    }
    if !is_found {
        let mut kinds: Vec<_> = specs.iter().map(|spec| spec.kind.as_str()).filter(|kind| !kind.is_empty()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let message = format!("`replicas` names `{name}`, but there is no {} of this name", kinds.join(", "));
        let span = entry.get("name").unwrap_or(entry).span;
        context.error(rule::TRANSFORMER, message, span, "no workload has this name");
    }
}
