//! Which environment a cluster, a directory or a node pool is of, by the words of its name.

use std::collections::BTreeMap;

use crate::flux::{Cluster, Object};
use crate::yaml::Node;

/// An environment, as far as names tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Environment {
    /// Who relies on it pays for it.
    Production,
    /// Where releases are tried.
    Staging,
    /// Where people develop and test.
    Test,
}

/// Words for each environment.
const WORDS: [(Environment, &[&str]); 3] = [
    (Environment::Production, &["production", "prod", "prd"]),
    (Environment::Staging, &["staging", "stage", "stg"]),
    (Environment::Test, &["test", "testing", "dev", "development", "qa", "sandbox", "local"]),
];

/// Variables that say the environment of a cluster.
const VARIABLES: [&str; 5] = ["CLUSTER_ENV", "CLUSTER_ENVIRONMENT", "ENVIRONMENT", "ENV", "environment"];

impl Environment {
    /// Returns the environment that one of the words of `name` stands for; nothing where none does, or two disagree.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        let mut found = words.filter_map(|word| {
            let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_ascii_lowercase();
            WORDS.into_iter().find(|(_, words)| words.contains(&word.as_str())).map(|(environment, _)| environment)
        });
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    /// Returns the environment of `cluster`: as its variables say, else its name or directory, else most of the paths
    /// that it applies.
    pub(super) fn of(cluster: &Cluster) -> Option<Self> {
        Self::of_variables(cluster)
            .or_else(|| Self::of_name(&cluster.name))
            .or_else(|| Self::of_name(cluster.path.as_str()))
            .or_else(|| Self::of_paths(cluster))
    }

    fn of_variables(cluster: &Cluster) -> Option<Self> {
        let maps = cluster.objects_of("", "ConfigMap").filter(|object| !object.is_remote());
        // The ConfigMaps beside the Kustomizations are about the cluster, others about a program.
        let homes: Vec<&str> = cluster.kustomizations.keys().map(|id| id.namespace.as_str()).collect();
        let data = maps.filter(|object| homes.contains(&object.resource.namespace()));
        data.filter_map(|Object { resource, .. }| resource.node.get("data")).find_map(|data| {
            let value = VARIABLES.iter().find_map(|name| data.get(name)).and_then(Node::as_str);
            value.and_then(Self::of_name)
        })
    }

    fn of_paths(cluster: &Cluster) -> Option<Self> {
        let paths = cluster.kustomizations.values().filter_map(|owner| owner.path.as_ref());
        let mut counts: BTreeMap<Self, usize> = BTreeMap::new();
        for environment in paths.filter_map(|path| Self::of_path(&path.value)) {
            *counts.entry(environment).or_default() += 1;
        }
        let (environment, most) = counts.iter().max_by_key(|(_, count)| **count)?;
        // One path alone may be the mistake that is looked for.
        (*most > 1 && counts.values().filter(|count| *count == most).count() == 1).then_some(*environment)
    }

    /// Returns the environment of a path: that of the last of its parts which is a word for one, and nothing else.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        path.split('/').rev().find_map(|part| {
            let part = part.to_ascii_lowercase();
            WORDS.into_iter().find(|(_, words)| words.contains(&part.as_str())).map(|(environment, _)| environment)
        })
    }

    /// Returns the words for this environment.
    pub(super) fn words(self) -> &'static [&'static str] {
        WORDS.into_iter().find(|(environment, _)| *environment == self).map_or(&[], |(_, words)| words)
    }

    /// Returns its name in messages.
    pub(super) fn name(self) -> &'static str {
        self.words().first().copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_environment_by_whole_words() {
        assert_eq!(Environment::of_name("fra1-prod"), Some(Environment::Production));
        assert_eq!(Environment::of_name("prod2"), Some(Environment::Production));
        assert_eq!(Environment::of_name("stage"), Some(Environment::Staging));
        assert_eq!(Environment::of_name("productivity"), None);
        assert_eq!(Environment::of_name("staging-to-production"), None);
    }

    #[test]
    fn a_path_tells_it_by_its_last_part_that_does() {
        assert_eq!(Environment::of_path("./clusters/production/staging/apps"), Some(Environment::Staging));
        assert_eq!(Environment::of_path("./apps/production-canary"), None);
    }
}
