//! Rules on the Gateway API: which routes a listener takes, and who issues certificates.

mod certificates;
mod model;
mod routes;

pub(super) use crate::rules::gateway::certificates::RULES as CERTIFICATES;
pub(super) use crate::rules::gateway::routes::RULES as ROUTES;
