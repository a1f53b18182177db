//! Why a program cannot start, or go on.

use rdkafka::error::KafkaError;
use thiserror::Error;

/// Why a program cannot start, or go on.
#[derive(Debug, Error)]
pub enum WorkError {
    /// No broker answers.
    #[error("no answer from Kafka at `{brokers}`: {reason}")]
    Unreachable {
        /// As configured.
        brokers: String,
        /// The last error that librdkafka gave.
        reason: String,
    },
    /// A topic does not exist.
    #[error("topic `{0}` does not exist: create it, nothing here does")]
    MissingTopic(String),
    /// The user may not do what the program has to do.
    #[error("this user may not use topic `{0}`: see `resources` of --print-env")]
    Forbidden(String),
    /// A candle is written to the partition of its trades.
    #[error("topic `{output}` has {found} partitions, fewer than the {needed} of `{input}`")]
    TooFewPartitions {
        /// Of candles.
        output: String,
        /// Of trades.
        input: String,
        /// Of `output`.
        found: usize,
        /// Of `input`.
        needed: usize,
    },
    /// A record could not be delivered: nothing after it may be committed.
    #[error("a record was not delivered: {0}")]
    Delivery(String),
    /// A newer process has the transactional id.
    #[error("another process has the transactional id `{0}`: what this one wrote and did not commit is invisible")]
    Fenced(String),
    /// Most records are no trades: the wrong topic, or another schema.
    #[error("{dead} of the last {of} records of `{topic}` are no trades: this is the wrong topic, or another schema")]
    Flood {
        /// Records that went to the topic of dead letters.
        dead: u32,
        /// Records that were looked at.
        of: u32,
        /// The input.
        topic: String,
    },
    /// librdkafka cannot go on.
    #[error("failed to {doing}: {source}")]
    Kafka {
        /// What was tried.
        doing: &'static str,
        /// The cause.
        source: KafkaError,
    },
    /// Anything else that cannot be done.
    #[error("failed to {doing}: {reason}")]
    Other {
        /// What was tried.
        doing: &'static str,
        /// The cause.
        reason: String,
    },
}

impl WorkError {
    /// Returns a function that names what was tried.
    pub fn when(doing: &'static str) -> impl FnOnce(KafkaError) -> Self {
        move |source| Self::Kafka { doing, source }
    }
}
