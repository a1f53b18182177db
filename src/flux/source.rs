//! Flux sources: which ones are this repository, and which files their artifacts hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::flux::artifact;
use crate::flux::ignore::Ignore;
use crate::flux::read::{self, SourceRef};
use crate::flux::recall::Views;
use crate::kube::{Gvk, NamespacedName};
use crate::text::{FileSet, Span};
use crate::yaml::Node;

/// Groups of the kinds that are sources.
const GROUPS: [&str; 2] = ["source.toolkit.fluxcd.io", "source.extensions.fluxcd.io"];
/// Name that `flux bootstrap` gives to the source of a cluster.
pub(crate) const BOOTSTRAP_NAME: &str = "flux-system";

/// Kind, namespace and name of a source; prints as `GitRepository namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceKey {
    /// `GitRepository`, `OCIRepository`, `Bucket`, `ExternalArtifact`, `HelmRepository` or `HelmChart`.
    pub kind: SmolStr,
    /// Namespace and name.
    pub name: NamespacedName,
}

impl fmt::Display for SourceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.name)
    }
}

impl SourceRef {
    /// Returns what is referred to, without places.
    pub fn key(&self) -> SourceKey {
        SourceKey { kind: self.kind.value.clone(), name: self.name.value.clone() }
    }
}

/// Something that keeps a source from having an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFinding {
    /// Where it is written.
    pub span: Span,
    /// What is wrong, as a clause.
    pub reason: String,
}

/// What a source holds.
#[derive(Debug, Clone)]
pub enum Artifact {
    /// Files of this repository, perhaps under other paths.
    Here(Arc<FileSet>),
    /// Files that this repository does not have.
    Elsewhere,
}

/// A source of a cluster.
#[derive(Debug, Clone)]
pub struct Source {
    /// Who it is.
    pub key: SourceKey,
    /// The object; for an `ExternalArtifact` the `ArtifactGenerator` that makes it; nothing where only the bootstrap of
    /// the cluster makes it, which the repository does not show.
    pub node: Option<Node>,
    /// Place of its name.
    pub span: Option<Span>,
    /// What it holds.
    pub artifact: Artifact,
    /// What keeps it from having an artifact.
    pub findings: Vec<SourceFinding>,
}

/// The source that the cluster itself is applied from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Home {
    /// Who it is, where something tells.
    pub(crate) key: Option<SourceKey>,
    /// Its normalised URL, where it is known.
    pub(crate) url: Option<String>,
}

/// The sources of a cluster while it is built, in passes over all its objects.
#[derive(Debug)]
pub(crate) struct SourceTable {
    /// The repository as a source sees it, before any ignore rule.
    base: FileSet,
    /// What holds for a source without `spec.ignore`, and for each `spec.ignore`.
    views: Views,
    /// The objects that this pass found.
    nodes: BTreeMap<SourceKey, (Node, Span)>,
    /// The objects that the last pass found, for those that this one did not come to yet.
    previous: BTreeMap<SourceKey, (Node, Span)>,
    /// Who the cluster is applied from.
    home: Home,
    /// What has an artifact or is known to have none here.
    resolved: BTreeMap<SourceKey, Source>,
    /// Artifacts that generators made, with what they were made of.
    assembled: BTreeMap<SourceKey, (Node, Aliases, Source)>,
}

/// The artifacts that a generator takes from, by their names in it.
type Aliases = BTreeMap<SmolStr, Arc<FileSet>>;

impl SourceTable {
    /// Returns the table of a cluster whose source has the files `base`; `views` are known already.
    pub(crate) fn new(base: FileSet, views: Views) -> Self {
        Self {
            base,
            views,
            nodes: BTreeMap::new(),
            previous: BTreeMap::new(),
            home: Home::default(),
            resolved: BTreeMap::new(),
            assembled: BTreeMap::new(),
        }
    }

    /// Says which source the cluster is applied from.
    pub(crate) fn set_home(&mut self, home: Home) {
        if self.home != home {
            self.home = home;
            self.resolved.clear();
        }
    }

    /// Returns the files of the repository, and what each ignore rule leaves of them.
    pub(crate) fn files(&self) -> (&FileSet, &Views) {
        (&self.base, &self.views)
    }

    /// Returns the files of a source without `spec.ignore`.
    pub(crate) fn default_view(&mut self) -> Arc<FileSet> {
        self.view(None)
    }

    /// Begins a pass.
    pub(crate) fn begin_pass(&mut self) {
        self.previous = std::mem::take(&mut self.nodes);
    }

    /// Ends a pass; returns whether it found other objects than the last one.
    pub(crate) fn end_pass(&mut self) -> bool {
        let changed = self.nodes != self.previous;
        self.previous.clear();
        if changed {
            self.resolved.clear();
        }
        changed
    }

    /// Records `node` where it is a source; the first of a name counts.
    pub(crate) fn record(&mut self, node: &Node) {
        let Some((key, span)) = identify(node) else { return };
        if self.nodes.contains_key(&key) {
            return;
        }
        if self.previous.get(&key).is_none_or(|(known, _)| known != node) {
            // An artifact may be made of others.
            self.resolved.clear();
        }
        self.nodes.insert(key, (node.clone(), span));
    }

    /// Notes `node` where it is a source that nobody has defined yet: what holds until a definition comes.
    pub(crate) fn suggest(&mut self, node: &Node) {
        let Some((key, span)) = identify(node) else { return };
        self.previous.entry(key).or_insert_with(|| (node.clone(), span));
    }

    /// Returns the object of `key` and where its name stands.
    fn definition(&self, key: &SourceKey) -> Option<&(Node, Span)> {
        self.nodes.get(key).or_else(|| self.previous.get(key))
    }

    /// Returns the object of `key`.
    pub(crate) fn node(&self, key: &SourceKey) -> Option<&Node> {
        self.definition(key).map(|(node, _)| node)
    }

    /// Returns who the cluster is applied from.
    pub(crate) fn home(&self) -> Option<&SourceKey> {
        self.home.key.as_ref()
    }

    /// Returns the source `key`; nothing where the cluster has no such source.
    pub(crate) fn resolve(&mut self, key: &SourceKey) -> Option<&Source> {
        if !self.resolved.contains_key(key) {
            let source = self.build(key, 0)?;
            self.resolved.insert(key.clone(), source);
        }
        self.resolved.get(key)
    }

    /// Returns every source; also the one that the cluster is applied from, where only its bootstrap makes it.
    pub(crate) fn into_sources(mut self) -> BTreeMap<SourceKey, Source> {
        let defined = self.nodes.keys().filter(|key| key.kind != GENERATOR).cloned();
        let generated = self.generated().into_iter().map(|(key, _)| key);
        let keys: Vec<_> = defined.chain(generated).chain(self.home.key.clone()).collect();
        for key in keys {
            self.resolve(&key);
        }
        self.resolved
    }

    fn build(&mut self, key: &SourceKey, depth: usize) -> Option<Source> {
        if key.kind == "ExternalArtifact" {
            return self.build_generated(key, depth);
        }
        let definition = self.definition(key).cloned();
        let here = self.is_here(key, definition.as_ref().map(|(node, _)| node));
        if definition.is_none() && !here {
            return None;
        }
        let artifact = if here {
            let ignore = definition.as_ref().and_then(|(node, _)| read::text(node, &["spec", "ignore"]));
            Artifact::Here(self.view(ignore.map(|ignore| ignore.value)))
        } else {
            Artifact::Elsewhere
        };
        let (node, span) = definition.unzip();
        Some(Source { key: key.clone(), node, span, artifact, findings: Vec::new() })
    }

    fn is_here(&self, key: &SourceKey, definition: Option<&Node>) -> bool {
        if !matches!(key.kind.as_str(), "GitRepository" | "OCIRepository" | "Bucket") {
            return false;
        }
        let url = definition.and_then(repository_url);
        match (&self.home.key, &self.home.url) {
            (Some(home), _) if home == key => true,
            (_, Some(home)) if url.as_ref() == Some(home) => true,
            (Some(_), _) => false,
            (None, _) => key.name.name == BOOTSTRAP_NAME,
        }
    }

    fn view(&mut self, ignore: Option<SmolStr>) -> Arc<FileSet> {
        let base = &self.base;
        let filtered = |ignore: &Option<SmolStr>| Arc::new(Ignore::of(base, ignore.as_deref()).filter(base));
        self.views.entry(ignore).or_insert_with_key(filtered).clone()
    }

    /// Returns the artifact that a generator makes.
    fn build_generated(&mut self, key: &SourceKey, depth: usize) -> Option<Source> {
        let found = self.generated().into_iter().find(|(made, _)| made == key);
        let Some((_, Generated { generator, entry, span })) = found else {
            let definition = self.definition(key).cloned();
            // Another controller may fill an ExternalArtifact object, or a generator may make it of a path pattern.
            if definition.is_none() && !self.has_open_generator(&key.name.namespace) {
                return None;
            }
            let (node, span) = definition.unzip();
            return Some(Source { key: key.clone(), node, span, artifact: Artifact::Elsewhere, findings: Vec::new() });
        };
        let aliases = self.aliases(&generator, &key.name.namespace, depth);
        if let Some((known, from, source)) = self.assembled.get(key)
            && *known == generator
            && from.keys().eq(aliases.keys())
            && from.values().zip(aliases.values()).all(|(known, now)| Arc::ptr_eq(known, now))
        {
            return Some(source.clone());
        }
        let mut findings = Vec::new();
        let source = |alias: &str| aliases.get(alias).map(Arc::as_ref);
        let made = artifact::assemble(&entry, &source, &mut findings);
        let artifact = made.map_or(Artifact::Elsewhere, |files| Artifact::Here(Arc::new(files)));
        let source = Source { key: key.clone(), node: Some(generator.clone()), span: Some(span), artifact, findings };
        self.assembled.insert(key.clone(), (generator, aliases, source.clone()));
        Some(source)
    }

    /// Returns the artifacts that `generator` of `namespace` takes from, as far as they are here.
    fn aliases(&mut self, generator: &Node, namespace: &str, depth: usize) -> Aliases {
        let mut aliases = Aliases::new();
        for item in generator.get("spec").map(|spec| spec.items("sources")).unwrap_or_default() {
            let Some(alias) = read::text(item, &["alias"]) else { continue };
            let Some(reference) = read::source_ref(item, namespace) else { continue };
            let source = if depth < MAX_GENERATORS { self.build(&reference.key(), depth + 1) } else { None };
            if let Some(Source { artifact: Artifact::Here(files), .. }) = source {
                aliases.insert(alias.value, files);
            }
        }
        aliases
    }

    fn generators(&self) -> impl Iterator<Item = (&SourceKey, &Node)> {
        let older = self.previous.iter().filter(|(key, _)| !self.nodes.contains_key(*key));
        let all = self.nodes.iter().chain(older).filter(|(key, _)| key.kind == GENERATOR);
        all.map(|(key, (node, _))| (key, node))
    }

    /// Returns what the generators make, by the artifact's key.
    fn generated(&self) -> Vec<(SourceKey, Generated)> {
        let mut made = Vec::new();
        for (key, generator) in self.generators() {
            for entry in generator.get("spec").map(|spec| spec.items("artifacts")).unwrap_or_default() {
                let Some(name) = read::text(entry, &["name"]) else { continue };
                let name_of = NamespacedName { namespace: key.name.namespace.clone(), name: name.value };
                let artifact = SourceKey { kind: SmolStr::new_static("ExternalArtifact"), name: name_of };
                let generated = Generated { generator: generator.clone(), entry: entry.clone(), span: name.span };
                made.push((artifact, generated));
            }
        }
        made
    }

    /// Returns whether a generator of `namespace` makes artifacts whose names only its sources tell.
    fn has_open_generator(&self, namespace: &str) -> bool {
        let open = |node: &Node| {
            let artifacts = node.get("spec").map(|spec| spec.items("artifacts")).unwrap_or_default();
            artifacts.iter().any(|entry| entry.get("pathPattern").is_some())
        };
        self.generators().any(|(key, node)| key.name.namespace == namespace && open(node))
    }
}

const GENERATOR: &str = "ArtifactGenerator";
/// Generators that feed each other; more is a cycle.
const MAX_GENERATORS: usize = 8;

/// An artifact and the generator that makes it.
struct Generated {
    generator: Node,
    entry: Node,
    span: Span,
}

/// Returns whether objects of this group are sources, or make some.
pub(crate) fn is_group(group: &str) -> bool {
    GROUPS.contains(&group)
}

/// Returns who `node` is and where its name stands, where it is a source or makes some.
fn identify(node: &Node) -> Option<(SourceKey, Span)> {
    let kind = read::text(node, &["kind"])?.value;
    let api_version = node.get("apiVersion").and_then(Node::as_str)?;
    if !is_group(&Gvk::new(api_version, &kind).group) {
        return None;
    }
    let name = read::text(node, &["metadata", "name"])?;
    let name_of = NamespacedName { namespace: read::namespace(node), name: name.value };
    Some((SourceKey { kind, name: name_of }, name.span))
}

/// Returns the normalised URL of a Git or OCI repository.
pub(crate) fn repository_url(source: &Node) -> Option<String> {
    source.at(&["spec", "url"]).and_then(Node::as_str).map(normalised_url)
}

/// Returns `url` without what does not tell repositories apart: scheme, user, port, `.git`, case of the host.
pub(crate) fn normalised_url(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let path = path.trim_end_matches('/');
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_repository_are_equal() {
        let expected = "github.com/org/fleet";
        for url in [
            "https://github.com/org/fleet",
            "https://user:token@GitHub.com/org/fleet.git",
            "ssh://git@github.com/org/fleet",
            "ssh://git@github.com:22/org/fleet.git/",
        ] {
            assert_eq!(normalised_url(url), expected, "{url}");
        }
        assert_ne!(normalised_url("https://github.com/org/apps"), expected);
    }
}
