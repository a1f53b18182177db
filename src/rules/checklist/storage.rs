//! Lines on data: where it lies, and whether it can be brought back.

use crate::kustomize::Resource;
use crate::rules::checklist::operation::{chart, object};
use crate::rules::checklist::{Answer, Look, Place, Verdict, there};
use crate::rules::index::ClusterIndex;
use crate::text::Span;
use crate::yaml::Node;

/// Something that keeps data.
struct Store<'a> {
    resource: &'a Resource,
    /// Where its volume is described.
    span: Span,
    kind: Kind,
}

/// What the data lies on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A StorageClass that is named.
    Named,
    /// The StorageClass that the cluster takes where none is named.
    Default,
    /// A disk of one node, or nothing that stays.
    Fleeting,
}

pub(super) fn storage(look: &Look<'_, '_>) -> Answer {
    let stores: Vec<Store<'_>> = look.clusters.iter().flat_map(|index| stores(index)).collect();
    let places = |kind: Kind, said: &str| -> Vec<Place> {
        let of_kind = stores.iter().filter(|store| store.kind == kind);
        of_kind.map(|store| there(store.span, format!("`{}`{said}", store.resource.object_ref()))).collect()
    };
    let missing = places(Kind::Fleeting, " is on a disk of one node, or on none");
    let default = places(Kind::Default, " names no StorageClass");
    if missing.is_empty() && !default.is_empty() {
        return Answer::new(Verdict::Unknown, "the cluster's default StorageClass is taken", default);
    }
    Answer::of(places(Kind::Named, ""), missing, "nothing in the repository keeps data, as far as it is shown")
}

pub(super) fn backups(look: &Look<'_, '_>) -> Answer {
    const SCHEDULES: [(&str, &[&str]); 6] = [
        ("velero.io", &["Schedule"]),
        ("postgresql.cnpg.io", &["ScheduledBackup"]),
        ("volsync.backube", &["ReplicationSource"]),
        ("k8up.io", &["Schedule"]),
        ("longhorn.io", &["RecurringJob"]),
        ("kafka.strimzi.io", &["KafkaMirrorMaker2"]),
    ];
    let (mut made, mut missing) = (Vec::new(), Vec::new());
    for index in &look.clusters {
        let schedule = SCHEDULES.iter().find_map(|(group, kinds)| object(index, group, kinds));
        if let Some(place) = schedule.or_else(|| chart(index, &["velero", "k8up", "kasten"])) {
            made.push(place);
        } else {
            let stores = stores(index).into_iter();
            let what = |store: &Store<'_>| format!("nothing backs up `{}`", store.resource.object_ref());
            missing.extend(stores.map(|store| there(store.span, what(&store))));
        }
    }
    match (missing.is_empty(), made.is_empty()) {
        (false, _) => Answer::new(Verdict::Missing, "", missing),
        (true, true) => {
            Answer::of(Vec::new(), Vec::new(), "nothing in the repository keeps data, as far as it is shown")
        }
        (true, false) => {
            Answer::new(Verdict::Unknown, "backups are made; only a rehearsal shows that they can be restored", made)
        }
    }
}

/// Returns everything in the cluster that keeps data, in the order of kinds.
fn stores<'a>(index: &ClusterIndex<'a>) -> Vec<Store<'a>> {
    const VOLUMES: [(&str, &str, &[&str]); 5] = [
        ("", "PersistentVolumeClaim", &["spec"]),
        ("postgresql.cnpg.io", "Cluster", &["spec", "storage"]),
        ("kafka.strimzi.io", "KafkaNodePool", &["spec", "storage"]),
        ("acid.zalan.do", "postgresql", &["spec", "volume"]),
        ("", "PersistentVolume", &["spec"]),
    ];
    let mut stores = Vec::new();
    for (group, kind, path) in VOLUMES {
        for resource in index.of_kind(group, kind).iter().map(|object| object.resource) {
            stores.extend(resource.node.at(path).map(|volume| store(resource, volume)));
        }
    }
    for (group, kind, list) in
        [("apps", "StatefulSet", None), ("elasticsearch.k8s.elastic.co", "Elasticsearch", Some("nodeSets"))]
    {
        for resource in index.of_kind(group, kind).iter().map(|object| object.resource) {
            let Some(spec) = resource.node.get("spec") else { continue };
            let holders: Vec<&Node> = list.map_or_else(|| vec![spec], |list| spec.items(list).iter().collect());
            let templates = holders.into_iter().flat_map(|holder| holder.items("volumeClaimTemplates"));
            stores.extend(templates.filter_map(|claim| claim.get("spec")).map(|volume| store(resource, volume)));
        }
    }
    stores
}

/// Returns the store that `volume`, a part of `resource`, describes.
fn store<'a>(resource: &'a Resource, volume: &'a Node) -> Store<'a> {
    let text = |node: &'a Node, key: &str| node.get(key).and_then(Node::as_str).filter(|text| !text.is_empty());
    // Strimzi describes several disks of a broker.
    let first = volume.items("volumes").first().unwrap_or(volume);
    let is_fleeting = text(first, "type") == Some("ephemeral")
        || resource.kind() == "PersistentVolume" && ["hostPath", "local"].iter().any(|key| volume.get(key).is_some());
    let named = ["storageClassName", "storageClass", "class"].into_iter().find(|key| text(first, key).is_some());
    let kind = match (is_fleeting, named) {
        (true, _) => Kind::Fleeting,
        (false, Some(_)) => Kind::Named,
        (false, None) if resource.kind() == "PersistentVolume" => Kind::Named,
        (false, None) => Kind::Default,
    };
    Store { resource, span: named.and_then(|key| first.get(key)).map_or(first.span, |node| node.span), kind }
}
