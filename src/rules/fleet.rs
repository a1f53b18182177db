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
    Environment::of(cluster).is_none_or(|environment| environment == Environment::Production)
}
