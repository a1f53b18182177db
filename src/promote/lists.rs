//! Lists of tags by image, and what the policies of a fleet select of them.

use std::collections::BTreeMap;

use crate::flux::{Fleet, FluxVersion, ImageAutomation, ImageRepository};
use crate::image::{self, Digests, ImageRef, Outcome};
use crate::kube::NamespacedName;

/// The tags of images, and their digests where they are known.
#[derive(Debug, Clone, Default)]
pub struct TagLists {
    tags: BTreeMap<String, Vec<String>>,
    digests: BTreeMap<(String, String), String>,
}

impl TagLists {
    /// Adds tags of `image`.
    pub fn add<T: Into<String>>(&mut self, image: &str, tags: impl IntoIterator<Item = T>) {
        self.tags.entry(image.to_owned()).or_default().extend(tags.into_iter().map(Into::into));
    }

    /// Says which digest `image:tag` has.
    pub fn add_digest(&mut self, image: &str, tag: &str, digest: impl Into<String>) {
        self.digests.insert((image.to_owned(), tag.to_owned()), digest.into());
    }

    /// Returns the tags of `image`, where a list is known.
    pub fn of(&self, image: &str) -> Option<&[String]> {
        self.tags.get(image).map(Vec::as_slice)
    }

    /// Returns the images, sorted.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    fn digest(&self, image: &str, tag: &str) -> &str {
        self.digests.get(&(image.to_owned(), tag.to_owned())).map_or("", String::as_str)
    }
}

/// What a policy makes of the tags of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySelection {
    /// The image; empty where the repository is not there.
    pub image: String,
    /// What it selects; nothing where no list is known or the policy cannot select.
    pub outcome: Option<Outcome>,
    /// Why nothing is known, as a clause; empty where something is.
    pub unknown: String,
    /// `status.latestRef` after a reconciliation.
    pub latest: Option<ImageRef>,
}

/// Returns what every policy of the fleet selects; of policies with one name in several clusters the first counts.
pub fn selections(fleet: &Fleet, lists: &TagLists, version: FluxVersion) -> BTreeMap<NamespacedName, PolicySelection> {
    let grammar = version.image_grammar();
    let mut out = BTreeMap::new();
    for cluster in &fleet.clusters {
        let automation = ImageAutomation::of(cluster);
        for policy in automation.policies.values() {
            let repository = automation.repositories.get(&policy.repository);
            let image = repository.map_or("", |repository| repository.image);
            let mut selection =
                PolicySelection { image: image.to_owned(), outcome: None, unknown: String::new(), latest: None };
            let exclusions = repository.map(ImageRepository::exclusions).transpose();
            match (policy.policy(grammar), exclusions, lists.of(image)) {
                (Err(error), _, _) | (_, Err(error), _) => selection.unknown = error.to_string(),
                (_, Ok(None), _) => "its ImageRepository is not there".clone_into(&mut selection.unknown),
                (_, _, None) => selection.unknown = format!("there is no list of the tags of `{image}`"),
                (Ok(found), Ok(Some(exclusions)), Some(tags)) => {
                    let tags = image::scan(tags.iter().map(String::as_str), &exclusions);
                    let outcome = image::select(&found, &tags, grammar);
                    selection.latest = outcome.tag().map(|tag| latest(image, tag, policy.digests(), lists));
                    selection.outcome = Some(outcome);
                }
            }
            out.entry(policy.name.clone()).or_insert(selection);
        }
    }
    out
}

fn latest(image: &str, tag: &str, digests: Digests, lists: &TagLists) -> ImageRef {
    image::reflect(digests, None, (image, tag), lists.digest(image, tag)).latest
}
