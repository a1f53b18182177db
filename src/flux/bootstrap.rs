//! Who applies a cluster's own directory: the Kustomization that `flux bootstrap` writes, or the one that Flux Operator
//! makes of a `FluxInstance`.

use smol_str::SmolStr;

use crate::flux::kustomization::FluxKustomization;
use crate::flux::read::{self, SourceRef};
use crate::flux::source::{BOOTSTRAP_NAME, Home, SourceKey, SourceTable, repository_url};
use crate::kube::{Gvk, NamespacedName};
use crate::kustomize::Resource;
use crate::text::{RepoPath, Span};
use crate::yaml::{Entry, Key, Node};

/// Returns the Kustomization that applies `directory` (in the artifact's paths), looked for among the objects of that
/// directory. Makes its source known to `table` where an operator makes it.
pub(crate) fn find(resources: &[Resource], directory: &RepoPath, table: &mut SourceTable) -> Option<FluxKustomization> {
    let candidates = resources.iter().filter(|resource| FluxKustomization::is_one(&resource.node));
    let applies = candidates.filter_map(|resource| FluxKustomization::read(&resource.node)).filter(|candidate| {
        let path = candidate.path.as_ref().map_or("", |path| path.value.as_str());
        candidate.remote.is_none() && artifact_path(path) == *directory
    });
    // Several may say so by mistake; the usual name decides.
    if let Some(found) = applies.min_by_key(|candidate| candidate.id.name != BOOTSTRAP_NAME) {
        return Some(found);
    }
    let instance = resources.iter().find(|resource| is_instance(&resource.node))?;
    let (source, kustomization) = synchronised(&instance.node)?;
    table.record(&source);
    let found = FluxKustomization::read(&kustomization)?;
    let path = found.path.as_ref().map_or("", |path| path.value.as_str());
    (artifact_path(path) == *directory).then_some(found)
}

/// Returns `path` as Flux resolves it in an artifact: a leading `/` is the artifact's root, and `..` never leaves it.
pub(crate) fn artifact_path(path: &str) -> RepoPath {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    RepoPath::new(&parts.join("/")).unwrap_or_else(|_| RepoPath::root())
}

/// Returns whether `node` is a `FluxInstance`.
pub(crate) fn is_instance(node: &Node) -> bool {
    let field = |key| node.get(key).and_then(Node::as_str).unwrap_or("");
    field("kind") == "FluxInstance" && Gvk::new(field("apiVersion"), "").group == "fluxcd.controlplane.io"
}

/// Returns the source and the Kustomization that Flux Operator makes of `spec.sync`.
fn synchronised(instance: &Node) -> Option<(Node, Node)> {
    let sync = instance.at(&["spec", "sync"])?;
    let kind = read::text(sync, &["kind"])?;
    let namespace = read::namespace(instance);
    let span = sync.span;
    let text = |text: &str| Node::string(text, span);
    let name = read::text(sync, &["name"]).map_or_else(|| namespace.clone(), |name| name.value);
    let metadata = || map(vec![("name", text(&name)), ("namespace", text(&namespace))], span);
    let group = |group: &str| text(&format!("{group}/v1"));
    let field = |key: &str| sync.get(key).cloned().unwrap_or_else(|| text(""));
    let reference = map(vec![("name", field("ref"))], span);
    let source = map(
        vec![
            ("apiVersion", group("source.toolkit.fluxcd.io")),
            ("kind", text(&kind.value)),
            ("metadata", metadata()),
            ("spec", map(vec![("url", field("url")), ("ref", reference)], span)),
        ],
        span,
    );
    let source_ref = map(vec![("kind", text(&kind.value)), ("name", text(&name))], span);
    let spec = vec![
        ("path", field("path")),
        ("prune", Node::plain("true", span)),
        ("interval", text("10m")),
        ("sourceRef", source_ref),
    ];
    let kustomization = map(
        vec![
            ("apiVersion", group("kustomize.toolkit.fluxcd.io")),
            ("kind", text("Kustomization")),
            ("metadata", metadata()),
            ("spec", map(spec, span)),
        ],
        span,
    );
    Some((source, kustomization))
}

fn map(fields: Vec<(&'static str, Node)>, span: Span) -> Node {
    let entry = |(key, value)| Entry { key: Key::string(SmolStr::new_static(key), span), value };
    Node::map(fields.into_iter().map(entry).collect(), span)
}

/// Returns the source that the cluster is applied from: that of `bootstrap`; else one with the usual name; else the
/// only one that the directory's Kustomizations name and nobody defines, since then only a bootstrap can have made it.
pub(crate) fn home(bootstrap: Option<&FluxKustomization>, resources: &[Resource], table: &SourceTable) -> Home {
    let referred = || {
        let read = |resource: &Resource| FluxKustomization::read(&resource.node)?.source.map(|source| source.key());
        let owners = resources.iter().filter(|resource| FluxKustomization::is_one(&resource.node));
        owners.filter_map(read).filter(|key| key.kind != "ExternalArtifact")
    };
    let key = bootstrap.and_then(|owner| owner.source.as_ref()).map(SourceRef::key);
    let key = key.or_else(|| referred().find(|key| key.name.name == BOOTSTRAP_NAME));
    let key = key.or_else(|| defined_with_usual_name(table));
    let key = key.or_else(|| {
        let undefined = referred().filter(|key| table.node(key).is_none()).collect::<Vec<_>>();
        let (first, others) = undefined.split_first()?;
        others.iter().all(|other| other == first).then(|| first.clone())
    });
    let url = key.as_ref().and_then(|key| table.node(key)).and_then(repository_url);
    Home { key, url }
}

fn defined_with_usual_name(table: &SourceTable) -> Option<SourceKey> {
    let name = NamespacedName::new(BOOTSTRAP_NAME, BOOTSTRAP_NAME);
    let kinds = ["GitRepository", "OCIRepository", "Bucket"];
    let mut keys = kinds.iter().map(|kind| SourceKey { kind: SmolStr::new_static(kind), name: name.clone() });
    keys.find(|key| table.node(key).is_some())
}
