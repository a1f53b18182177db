//! `namespace`: puts every object that is not known to be cluster-scoped into one namespace.
//!
//! Source: kustomize, `api/filters/namespace`.

use std::collections::HashMap;

use crate::kustomize::Resource;
use crate::kustomize::context::{Context, rule};
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::tables::METADATA_NAMESPACE;
use crate::kustomize::transform::{is_true, wrong_kind};
use crate::text::Span;
use crate::yaml::{Members, Node, Step};

/// Which subjects of a (Cluster)RoleBinding get the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Subjects {
    /// Those named `default`.
    #[default]
    NamedDefault,
    /// Every ServiceAccount.
    ServiceAccounts,
    /// None.
    None,
}

/// Which values the namespace replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Overwrite {
    /// Every one.
    #[default]
    All,
    /// Only missing and empty ones.
    Empty,
}

/// Marks what Helm generated, whose namespaces are Helm's business.
const HELM: &str = "internal.config.kubernetes.io/helm-generated";

/// How `namespace` is to be set; a kustomization file always takes the default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) subjects: Subjects,
    pub(super) overwrite: Overwrite,
}

impl Options {
    /// Returns how the transformer that `config` describes works.
    ///
    /// # Errors
    /// The place of a `setRoleBindingSubjects` that does not exist.
    pub(super) fn of(config: &Node) -> Result<Self, Span> {
        let mode = config.get("setRoleBindingSubjects");
        let subjects = match mode.and_then(Node::as_str).unwrap_or_default() {
            "" | "defaultOnly" => Subjects::NamedDefault,
            "allServiceAccounts" => Subjects::ServiceAccounts,
            "none" => Subjects::None,
            _ => return Err(mode.unwrap_or(config).span),
        };
        let overwrite = if is_true(config.get("unsetOnly")) { Overwrite::Empty } else { Overwrite::All };
        Ok(Self { subjects, overwrite })
    }
}

/// Sets `namespace`, a scalar, on all `resources`, then in the fields of `specs`; what then collides is reported.
pub(super) fn apply(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    namespace: &Node,
    specs: &[&FieldSpec],
    options: Options,
) {
    set_on_all(context, resources, namespace, specs, options);
    report_conflicts(context, resources, namespace);
}

/// Sets `namespace`, a scalar, on all `resources`, then in the fields of `specs`.
pub(super) fn set_on_all(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    namespace: &Node,
    specs: &[&FieldSpec],
    options: Options,
) {
    let is_of_helm = |resource: &Resource| {
        resource.node.at(&["metadata", "annotations", HELM]).and_then(Node::as_str) == Some("true")
    };
    for resource in resources.iter_mut().filter(|resource| !is_of_helm(resource)) {
        resource.remember_id();
        if let Err(wrong) = apply_to(resource, namespace, specs, options) {
            wrong_kind(context, "namespace", namespace.span, &resource.id(), &wrong);
        }
    }
}

fn apply_to(
    resource: &mut Resource,
    namespace: &Node,
    specs: &[&FieldSpec],
    options: Options,
) -> Result<(), WrongKind> {
    let mut set = |node: &mut Node| set_namespace(node, namespace, options.overwrite);
    let missing = Missing::Scalar(namespace.span);
    let gvk = resource.gvk();
    if !resource.id().is_cluster_scoped() {
        visit(&mut resource.node, &METADATA_NAMESPACE, missing, &mut set)?;
    }
    let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    if is_binding && let Some(subjects) = resource.node.get_mut("subjects") {
        for subject in subjects.as_sequence_mut().map(Members::make_mut).into_iter().flatten() {
            set_on_subject(subject, namespace, options)?;
        }
    }
    let is_core = gvk.group.is_empty() && gvk.version == "v1";
    for spec in specs.iter().filter(|spec| spec.selects(&gvk)) {
        let is_handled = match spec.path.as_str() {
            "metadata/namespace" => true,
            "metadata/name" => !is_core,
            "subjects/namespace" => is_binding && !spec.kind.is_empty(),
            _ => false,
        };
        if !is_handled {
            visit(&mut resource.node, spec, missing, &mut set)?;
        }
    }
    Ok(())
}

fn set_on_subject(subject: &mut Node, namespace: &Node, options: Options) -> Result<(), WrongKind> {
    let has = |key: &str, value: &str| subject.get(key).and_then(Node::as_str) == Some(value);
    let is_meant = match options.subjects {
        Subjects::NamedDefault => has("name", "default"),
        Subjects::ServiceAccounts => has("kind", "ServiceAccount"),
        Subjects::None => false,
    };
    if !is_meant {
        return Ok(());
    }
    let spec = FieldSpec { create: true, ..FieldSpec::new("namespace") };
    let mut set = |node: &mut Node| set_namespace(node, namespace, options.overwrite);
    visit(subject, &spec, Missing::Scalar(namespace.span), &mut set)
}

fn set_namespace(node: &mut Node, namespace: &Node, overwrite: Overwrite) -> Result<(), WrongKind> {
    if node.as_scalar().is_none() {
        return Err(WrongKind::new(node, "a scalar"));
    }
    if overwrite == Overwrite::Empty && node.as_str().is_some_and(|text| !text.is_empty()) {
        return Ok(());
    }
    let text = namespace.as_str().unwrap_or_default();
    *node = Node::string(text, namespace.span).via(Step::Transformer("namespace"), Some(namespace.span), Some(node));
    Ok(())
}

/// Reports objects that only their namespace told apart.
fn report_conflicts(context: &mut Context<'_>, resources: &[Resource], namespace: &Node) {
    let mut seen = HashMap::new();
    for resource in resources {
        let id = resource.id();
        let key = (id.gvk.clone(), id.name.clone(), id.effective_namespace().to_owned());
        if let Some(first) = seen.insert(key, resource.origin) {
            let message = format!("{} exists twice once `namespace` is set", resource.object_ref());
            context.error(rule::DUPLICATE, message, namespace.span, "the namespace is set here");
            if let Some(diagnostic) = context.diagnostics.pop() {
                let diagnostic = diagnostic.label(first, "defined here").label(resource.origin, "and here");
                context.diagnostics.push(diagnostic);
            }
        }
    }
}
