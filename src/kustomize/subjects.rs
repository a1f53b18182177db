//! `subjects` of role bindings that kustomize cannot take, whatever the kustomization asks for.
//!
//! Source: kustomize v5.8.1, `getNamespacesForRoleBinding` of `api/resmap/reswrangler.go`, which panics where a value has
//! another type than it expects (Flux recovers, and the build has failed), and `setMapping` of
//! `api/filters/nameref/nameref.go`.

use crate::kustomize::Resource;
use crate::kustomize::context::{Context, rule};
use crate::text::Span;
use crate::yaml::{Dialect, Kind, Node};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Reports the subjects of `binding`, where it is one, that kustomize refuses.
pub(crate) fn refuse(context: &mut Context<'_>, binding: &Resource) {
    let is_of_namespace = binding.kind() == "RoleBinding";
    let has_references = binding.group() == RBAC && (is_of_namespace || binding.kind() == "ClusterRoleBinding");
    let Some(subjects) = binding.node.get("subjects").filter(|_| is_of_namespace || has_references) else { return };
    let listed = subjects.as_sequence().unwrap_or_default();
    let refused = if is_of_namespace { listed.iter().filter_map(wrong_type).collect() } else { Vec::new() };
    for Refused { what, span, label } in refused {
        context.error(rule::TRANSFORMER, format!("a subject of {} {what}", binding.object_ref()), span, label);
    }
    let references = if listed.is_empty() { std::slice::from_ref(subjects) } else { listed };
    for reference in references.iter().filter(|_| has_references) {
        let is_nameless = matches!(&reference.kind, Kind::Map(map) if map.get("name").is_none());
        // Where names have changed, who followed them has said so.
        if is_nameless && !context.diagnostics.iter().any(|finding| finding.span() == Some(reference.span)) {
            let message = format!("a subject of {} has no `name`", binding.object_ref());
            context.error(rule::TRANSFORMER, message, reference.span, "a mapping with `name` belongs here");
        }
    }
}

/// Why a subject is refused.
struct Refused {
    what: &'static str,
    span: Span,
    label: &'static str,
}

/// Returns what of `subject`, one of a RoleBinding, is not of the type that kustomize expects.
fn wrong_type(subject: &Node) -> Option<Refused> {
    let Some(map) = subject.as_map() else {
        return Some(Refused { what: "is no mapping", span: subject.span, label: "kustomize expects a mapping" });
    };
    let (namespace, kind) = (map.get("namespace")?, map.get("kind")?);
    if !is_text(kind) {
        return Some(Refused { what: "has a kind that is no string", span: kind.span, label: "not a string" });
    }
    if is_text(namespace) || kind.as_str() != Some("ServiceAccount") {
        return None;
    }
    let span = namespace.span;
    Some(if namespace.is_null() {
        Refused { what: "has a blank namespace", span, label: "nothing is written here" }
    } else {
        Refused { what: "has a namespace that is no string", span, label: "not a string" }
    })
}

fn is_text(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| scalar.is_string(Dialect::KustomizeV3))
}

#[cfg(test)]
mod tests {
    use crate::kustomize::{Mode, build};
    use crate::repo::Repo;
    use crate::text::{FileSet, RepoPath};

    #[test]
    fn a_subject_without_a_name_is_told_once_whether_names_change_or_not() {
        let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: readers}\n\
                       subjects:\n  - {kind: User, namespace: build}\n";
        for kustomization in ["resources: [binding.yaml]\n", "resources: [binding.yaml]\nnamePrefix: eu-\n"] {
            let repo =
                Repo::new(FileSet::from_texts([("binding.yaml", binding), ("kustomization.yaml", kustomization)]));
            let build = build(&repo, repo.files(), &RepoPath::root(), Mode::Flux, None);
            let messages: Vec<&str> = build.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
            let [message] = messages.as_slice() else { panic!("{kustomization}: {messages:?}") };
            assert!(message.ends_with("has no `name`"), "{message}");
        }
    }
}
