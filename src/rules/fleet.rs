//! Rules on the clusters of a fleet beside each other: what is production, and what only looks like it.

mod environment;
mod parity;
mod production;

pub(super) use crate::rules::fleet::parity::RULES as PARITY;
pub(super) use crate::rules::fleet::production::RULES as PRODUCTION;
