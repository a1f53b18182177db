//! Rules on Kafka as Strimzi runs it: the cluster, its topics, and the programs that use them.

mod addresses;
mod clients;
mod cluster;
mod model;
mod replication;
mod users;
mod versions;

pub(super) use crate::rules::kafka::addresses::RULES as ADDRESSES;
pub(super) use crate::rules::kafka::clients::RULES as CLIENTS;
pub(super) use crate::rules::kafka::cluster::RULES as CLUSTER;
pub(super) use crate::rules::kafka::model::{Kafka, Strimzi};
pub(super) use crate::rules::kafka::replication::RULES as REPLICATION;
pub(super) use crate::rules::kafka::users::RULES as USERS;
pub(super) use crate::rules::kafka::versions::RULES as VERSIONS;
pub(super) use crate::rules::kafka::versions::releases as operator_releases;
