//! Values that a run takes back: automation compares nothing, it writes what the policy selects.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::flux::{Fleet, FluxVersion, ImageAutomation};
use crate::image::{self, Change, Policy};
use crate::promote::Run;
use crate::text::RepoPath;

/// A value that becomes an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// The policy, as its markers name it: `namespace:name`.
    pub policy: String,
    /// The file.
    pub path: RepoPath,
    /// The tag before.
    pub old: String,
    /// The tag after.
    pub new: String,
}

/// Returns the values that `runs` lower, in the order of the runs, their files and the values in them. What the policy
/// would compare counts, whether its range takes the old tag or not: `2.0.0` is lowered to `1.9.0` by `<2.0.0`.
pub fn lowered(runs: &[Run], fleet: &Fleet, version: FluxVersion) -> Vec<Lowered> {
    let grammar = version.image_grammar();
    let mut policies: BTreeMap<String, Policy> = BTreeMap::new();
    for automation in fleet.clusters.iter().map(ImageAutomation::of) {
        for policy in automation.policies.values() {
            if let Ok(read) = policy.policy(grammar) {
                policies.entry(format!("{}:{}", policy.name.namespace, policy.name.name)).or_insert(read);
            }
        }
    }
    let files = runs.iter().filter_map(|run| run.update.as_ref().ok()).flat_map(|update| &update.files);
    let changes = files.flat_map(|(path, file)| file.changes.iter().map(move |change| (path, change)));
    changes
        .filter_map(|(path, change)| {
            let (policy, old, new) = tags(change)?;
            let order = image::compare_tags(policies.get(policy)?, old, new, grammar)?;
            (order == Ordering::Greater).then(|| Lowered {
                policy: policy.to_owned(),
                path: path.clone(),
                old: old.to_owned(),
                new: new.to_owned(),
            })
        })
        .collect()
}

/// Returns the policy of a change, and the tags before and after; nothing where the change is of another part.
fn tags(change: &Change) -> Option<(&str, &str, &str)> {
    if let Some(policy) = change.setter.strip_suffix(":tag") {
        return Some((policy, &change.old, &change.new));
    }
    // A reference: its setter has no further part.
    if change.setter.matches(':').count() != 1 {
        return None;
    }
    Some((&change.setter, tag_of(&change.old)?, tag_of(&change.new)?))
}

fn tag_of(reference: &str) -> Option<&str> {
    let (_, tag) = reference.split('@').next()?.rsplit_once(':')?;
    (!tag.contains('/')).then_some(tag)
}
