//! The same finding in several clusters, as one.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity};

/// Clusters that a message names; of more it tells how many.
const NAMED: usize = 4;

/// A finding and the clusters that it was found in, in order.
pub(super) struct Group<'a> {
    /// The finding, as in the first of the clusters.
    pub(super) first: &'a Diagnostic,
    /// Names, without repetition; none where it is about a file alone.
    pub(super) clusters: Vec<&'a str>,
}

impl<'a> Group<'a> {
    /// Returns the message, which clusters it is about included.
    pub(super) fn message(&self) -> String {
        format!("{}{}", self.first.message, in_clusters(&self.clusters))
    }

    /// Returns help and notes, each after its word: `help` or `note`.
    pub(super) fn advice(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let help = self.first.help.iter().map(|help| ("help", help.as_str()));
        help.chain(self.first.notes.iter().map(|note| ("note", note.as_str())))
    }

    /// Returns all that is said of the finding, in lines: the message, then help and notes.
    pub(super) fn text(&self) -> String {
        self.advice().fold(self.message(), |text, (word, said)| format!("{text}\n{word}: {said}"))
    }
}

/// Joins findings that differ in nothing but their cluster; in the order of the first of each.
pub(super) fn groups(diagnostics: &[Diagnostic]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    for diagnostic in diagnostics {
        let place = diagnostic.labels.iter().map(|label| (label.span, label.message.as_ref())).collect::<Vec<_>>();
        let key = (diagnostic.rule, diagnostic.severity, diagnostic.message.as_str(), place);
        let at = *known.entry(key).or_insert_with(|| {
            groups.push(Group { first: diagnostic, clusters: Vec::new() });
            groups.len() - 1
        });
        let clusters = &mut groups[at].clusters;
        if let Some(cluster) = diagnostic.cluster.as_deref()
            && !clusters.contains(&cluster)
        {
            clusters.push(cluster);
        }
    }
    groups
}

/// Returns how many of `groups` have each severity, the worst first, without those that none has.
pub(super) fn counts(groups: &[Group<'_>]) -> Vec<(Severity, usize)> {
    let count = |severity| groups.iter().filter(|group| group.first.severity == severity).count();
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| (severity, count(severity)));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Returns which clusters have a finding, as the end of its message.
fn in_clusters(clusters: &[&str]) -> String {
    let names = clusters.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match clusters.len() {
        0 => String::new(),
        1 => format!(" in cluster {names}"),
        count if count > NAMED => format!(" in clusters {names} and {} more", count - NAMED),
        _ => format!(" in clusters {names}"),
    }
}
