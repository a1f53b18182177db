//! A run of every automation of a fleet.

use std::collections::{BTreeMap, BTreeSet};

use crate::flux::{Cluster, Fleet, ImageAutomation};
use crate::image::{self, ImageRef, Mode, Setters, Update, UpdateError};
use crate::kube::NamespacedName;
use crate::promote::PolicySelection;
use crate::text::FileSet;
use crate::yaml::{Kind, Node};

/// What one automation does.
#[derive(Debug, Clone)]
pub struct Run {
    /// The cluster that it runs in.
    pub cluster: String,
    /// The automation.
    pub automation: NamespacedName,
    /// Branch that it pushes to, where the cluster says one.
    pub branch: Option<String>,
    /// What it writes, or why the whole run fails.
    pub update: Result<Update, UpdateError>,
}

/// Which automations run, and how they write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// How changed files are written.
    pub mode: Mode,
    /// Only the automations that push to this branch; nothing: all.
    pub branch: Option<&'a str>,
}

/// Runs the automations of the fleet over `files`, each over what those before it left; returns the runs, by cluster,
/// and the files after them.
pub fn automate(
    files: &FileSet,
    fleet: &Fleet,
    selections: &BTreeMap<NamespacedName, PolicySelection>,
    scope: Scope<'_>,
) -> (Vec<Run>, FileSet) {
    let mut files = files.clone();
    let mut runs = Vec::new();
    for cluster in &fleet.clusters {
        let all = ImageAutomation::of(cluster);
        let pushes = |branch: Option<&str>| scope.branch.is_none_or(|wanted| branch.unwrap_or_default() == wanted);
        for automation in all.automations.iter().filter(|automation| pushes(automation.branch.as_deref())) {
            let selected = all.policies.values().filter(|policy| automation.selects(policy));
            let known: Vec<(&NamespacedName, &ImageRef)> = selected
                .filter_map(|policy| Some((&policy.name, selections.get(&policy.name)?.latest.as_ref()?)))
                .collect();
            let update = image::update(&files, &automation.path, &Setters::new(known), scope.mode);
            if let Ok(update) = &update {
                files = with_update(&files, update);
            }
            runs.push(Run {
                cluster: cluster.name.clone(),
                automation: automation.name.clone(),
                branch: automation.branch.clone(),
                update,
            });
        }
    }
    (runs, files)
}

fn with_update(files: &FileSet, update: &Update) -> FileSet {
    if update.files.is_empty() {
        return files.clone();
    }
    files.with_texts(update.files.iter().map(|(path, file)| (path.clone(), file.text.clone())).collect())
}

/// The references that each workload runs; the workload as `Kind namespace/name`.
pub type Workloads = BTreeMap<String, BTreeSet<String>>;

/// Returns the containers of `cluster` that run `image`, as `Kind namespace/name`, each with its references.
pub fn images_of(cluster: &Cluster, image: &str) -> Workloads {
    let mut out = Workloads::new();
    // What is scanned runs nowhere.
    for object in cluster.objects().filter(|object| object.resource.kind() != "ImageRepository") {
        let mut found = BTreeSet::new();
        containers(&object.resource.node, image, &mut found);
        if !found.is_empty() {
            out.entry(object.resource.object_ref().to_string()).or_default().extend(found);
        }
    }
    out
}

/// Returns what `clusters` run of `images`.
pub(super) fn workloads<'a>(clusters: impl IntoIterator<Item = &'a Cluster>, images: &BTreeSet<&str>) -> Workloads {
    let mut out = Workloads::new();
    for cluster in clusters {
        for (workload, references) in images.iter().flat_map(|image| images_of(cluster, image)) {
            out.entry(workload).or_default().extend(references);
        }
    }
    out
}

fn containers(node: &Node, image: &str, found: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => items.iter().for_each(|item| containers(item, image, found)),
        Kind::Map(map) => {
            for entry in map {
                let reference = entry.value.as_str().filter(|_| entry.key.text() == "image");
                let rest = reference.and_then(|reference| reference.strip_prefix(image));
                if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with([':', '@'])) {
                    found.insert(format!("{image}{rest}"));
                }
                containers(&entry.value, image, found);
            }
        }
    }
}
