//! Rules on the clusters of a fleet beside each other: what is production, and what only looks like it.

mod environment;
mod parity;
mod production;

use crate::flux::Cluster;
use crate::rules::fleet::environment::Environment;

pub(super) use crate::rules::fleet::parity::RULES as PARITY;
pub(super) use crate::rules::fleet::production::RULES as PRODUCTION;

/// Returns whether people may rely on `cluster`: nothing says that it is for staging or tests.
pub(super) fn may_be_production(cluster: &Cluster) -> bool {
    environment(cluster).is_none_or(|environment| environment == Environment::Production)
}

/// Returns what `cluster` is for, where its variables, name, directory or paths tell: `production`, `staging` or `test`.
pub fn environment_of(cluster: &Cluster) -> Option<&'static str> {
    environment(cluster).map(Environment::name)
}

/// Returns the environment of `cluster`; where nothing else tells, that of all paths which name one. Rules ask for more:
/// there a single path may be the mistake that is looked for.
fn environment(cluster: &Cluster) -> Option<Environment> {
    let paths = cluster.kustomizations.values().filter_map(|owner| owner.path.as_ref());
    let mut named = paths.filter_map(|path| Environment::of_path(&path.value));
    Environment::of(cluster).or_else(|| named.next().filter(|first| named.all(|other| other == *first)))
}
