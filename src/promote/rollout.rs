//! What Flagger makes of a change: the new image answers every request once its analysis is through.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::flux::{CanaryPace, Cluster, duration_text};
use crate::kube::NamespacedName;
use crate::promote::run::workloads;
use crate::yaml::Node;

/// The way of an image through the analysis of a Canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The Canary.
    pub canary: NamespacedName,
    /// Its target, as `Kind namespace/name`.
    pub workload: String,
    /// Clusters in which it goes at this pace, sorted.
    pub clusters: Vec<String>,
    /// How long it takes.
    pub pace: CanaryPace,
}

impl fmt::Display for Rollout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CanaryPace { promoted, rolled_back, gates } = &self.pace;
        write!(formatter, "Canary `{}` promotes it after {} at the earliest", self.canary, duration_text(*promoted))?;
        for gate in gates {
            write!(formatter, ", once `{gate}` says yes")?;
        }
        write!(formatter, "; checks that fail for {} take it back", duration_text(*rolled_back))
    }
}

/// Returns the workloads of `clusters` that run one of `images` and that Flagger analyses, by Canary.
pub(super) fn rollouts<'a>(clusters: impl IntoIterator<Item = &'a Cluster>, images: &BTreeSet<&str>) -> Vec<Rollout> {
    let mut found: BTreeMap<(NamespacedName, String, CanaryPace), BTreeSet<String>> = BTreeMap::new();
    for cluster in clusters {
        // Every object is searched for images: once, and only where there is a Canary.
        let running = LazyCell::new(|| workloads([cluster], images));
        let canaries = cluster.objects_of("flagger.app", "Canary").filter(|canary| !canary.is_remote());
        for canary in canaries.map(|object| object.resource) {
            let reference = |key| canary.node.at(&["spec", "targetRef", key]).and_then(Node::as_str);
            let (Some(kind), Some(name)) = (reference("kind"), reference("name")) else { continue };
            let workload = format!("{kind} {}/{name}", canary.namespace());
            if let Some(pace) = CanaryPace::of(canary).filter(|_| running.contains_key(&workload)) {
                let name = NamespacedName::new(canary.namespace(), canary.name());
                found.entry((name, workload, pace)).or_default().insert(cluster.name.clone());
            }
        }
    }
    let rollouts = found.into_iter().map(|((canary, workload, pace), clusters)| Rollout {
        canary,
        workload,
        clusters: clusters.into_iter().collect(),
        pace,
    });
    rollouts.collect()
}
