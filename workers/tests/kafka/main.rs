//! The programs as processes, on a broker: real Kafka where `scripts/kafka.sh` can start one, else librdkafka's mock cluster.
//!
//! `$KAFKA_TEST` says which: `real` (a fallback is a failure), `mock`, or nothing: real when `$KAFKA_TEST_BOOTSTRAP` is set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "which broker was used belongs into the log")]

mod broker;
mod exchange;
mod fencing;
mod kills;
mod oracle;
#[path = "../kraken/played.rs"]
mod played;
mod poison;
mod refusals;
mod secure;
