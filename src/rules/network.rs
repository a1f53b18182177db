//! Rules on NetworkPolicies: what they select, names, and the flows that programs need.

mod flows;
mod hosts;
mod model;
mod policies;

pub(super) use crate::rules::network::flows::RULES as FLOWS;
pub(super) use crate::rules::network::policies::RULES as POLICIES;
