//! Where the repository is, and which Flux runs.

use std::collections::BTreeSet;

use crate::flux::Cluster;
use crate::generate::import::url::GitUrl;
use crate::generate::import::{Parameters, Reader, set};
use crate::yaml::Node;

/// Returns the GitRepository that the cluster itself is applied from.
pub(super) fn home(cluster: &Cluster) -> Option<&Node> {
    let sources = cluster.sources.values().filter(|source| source.key.kind == "GitRepository");
    let mut sources: Vec<_> = sources.collect();
    sources.sort_by_key(|source| source.key.name.name != "flux-system");
    sources.into_iter().find_map(|source| source.node.as_ref())
}

impl Reader<'_> {
    /// Reads what the URL of the repository tells, where in it the fleet lies, and how Flux got into the clusters.
    pub(super) fn origin(&mut self, parameters: &mut Parameters) {
        let url = self.clusters.iter().find_map(|cluster| home(cluster)?.at(&["spec", "url"]));
        match url.and_then(|url| Some((url, url.as_str()?))) {
            None => self.leave(None, "nothing tells the URL of the Git repository: organisation, repository, gitHost"),
            Some((node, url)) => match GitUrl::of(url) {
                Some(GitUrl { host, provider, organisation, repository }) => {
                    set(parameters, "organisation", organisation);
                    set(parameters, "repository", repository);
                    set(parameters, "gitHost", host);
                    set(parameters, "gitProvider", provider);
                }
                None => self.leave(Some(node.span), format!("`{url}` is not of the form HOST/ORGANISATION/REPOSITORY")),
            },
        }
        if let Some(path) = self.directory() {
            set(parameters, "path", path);
        }
        let is_operated = self.of_kind("fluxcd.controlplane.io", "FluxInstance").next().is_some();
        set(parameters, "bootstrap", if is_operated { "flux-operator" } else { "flux-cli" });
    }

    /// Returns the directory of the repository that the fleet lies in, where its clusters stand in `clusters/` of that.
    fn directory(&self) -> Option<String> {
        let directory =
            |cluster: &&Cluster| cluster.path.parent().as_str().strip_suffix("/clusters").map(str::to_owned);
        let directories: BTreeSet<Option<String>> = self.clusters.iter().map(directory).collect();
        let mut directories = directories.into_iter();
        directories.next().flatten().filter(|_| directories.next().is_none())
    }

    /// Returns the release of Flux, `2.9`; of several the lowest, since what it can do all can.
    pub(super) fn flux(&mut self) -> Option<String> {
        let instances = self.of_kind("fluxcd.controlplane.io", "FluxInstance");
        let instances = instances.filter_map(|it| it.node.at(&["spec", "distribution", "version"]));
        let namespaces = self.of_kind("", "Namespace").filter(|namespace| namespace.name() == "flux-system");
        let labels = namespaces.filter_map(|it| it.node.at(&["metadata", "labels", "app.kubernetes.io/version"]));
        let mut versions: Vec<(u32, u32, &Node)> = instances.chain(labels).filter_map(version).collect();
        versions.sort_by_key(|(major, minor, _)| (*major, *minor));
        let Some((major, minor, _)) = versions.first().copied() else {
            self.leave(None, "nothing tells the release of Flux: flux");
            return None;
        };
        for (other_major, other_minor, node) in versions {
            if (other_major, other_minor) != (major, minor) {
                self.leave(
                    Some(node.span),
                    format!("a cluster runs Flux {other_major}.{other_minor}, another {major}.{minor}"),
                );
            }
        }
        Some(format!("{major}.{minor}"))
    }
}

/// Returns major and minor of `v2.9.4`, `2.9.x` and their like.
fn version(node: &Node) -> Option<(u32, u32, &Node)> {
    let mut parts = node.as_str()?.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, node))
}
