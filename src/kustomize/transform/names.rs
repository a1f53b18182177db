//! `namePrefix` and `nameSuffix`.
//!
//! Source: kustomize, `PrefixTransformer` and `SuffixTransformer`.

use smol_str::{SmolStr, format_smolstr};

use crate::kube::Gvk;
use crate::kustomize::Resource;
use crate::kustomize::context::Context;
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::{retext, wrong_kind};
use crate::yaml::{Node, Step};

/// Which end of a name grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `namePrefix`
    Prefix,
    /// `nameSuffix`
    Suffix,
}

impl End {
    fn field(self) -> &'static str {
        match self {
            Self::Prefix => "namePrefix",
            Self::Suffix => "nameSuffix",
        }
    }

    fn join(self, name: &str, affix: &str) -> SmolStr {
        match self {
            Self::Prefix => format_smolstr!("{affix}{name}"),
            Self::Suffix => format_smolstr!("{name}{affix}"),
        }
    }
}

/// Returns whether names of this kind stay: they are fixed by what they name.
fn keeps_its_name(gvk: &Gvk) -> bool {
    match gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}

/// Adds `affix`, a scalar, to one end of the names of `resources`.
pub(super) fn apply(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    affix: &Node,
    specs: &[&FieldSpec],
    end: End,
) {
    let text = affix.as_str().unwrap_or_default();
    for resource in resources {
        let original = resource.original_id().gvk;
        if keeps_its_name(&original) {
            continue;
        }
        for spec in specs.iter().filter(|spec| spec.selects(&original)) {
            if spec.path == "metadata/name" && !text.is_empty() {
                let affixes = if end == End::Prefix { &mut resource.prefixes } else { &mut resource.suffixes };
                affixes.push(text.into());
                resource.remember_id();
            }
            if !spec.selects(&resource.gvk()) {
                continue;
            }
            let mut set = |node: &mut Node| set_name(node, affix, end);
            if let Err(wrong) = visit(&mut resource.node, spec, Missing::Scalar(affix.span), &mut set) {
                wrong_kind(context, end.field(), affix.span, &resource.id(), &wrong);
            }
        }
    }
}

/// The name keeps its own place: what was added to it is in its chain.
fn set_name(node: &mut Node, affix: &Node, end: End) -> Result<(), WrongKind> {
    let Some(scalar) = node.as_scalar() else { return Err(WrongKind::new(node, "a scalar")) };
    let text = end.join(&scalar.text, affix.as_str().unwrap_or_default());
    *node = retext(node, text, node.span, Step::Transformer(end.field()), affix.span);
    Ok(())
}
