//! What the programs use of Kafka: to be created and allowed by the manifests.

use crate::environment::Resource;
use crate::environment::ResourceKind;

const WRITE: &[&str] = &["Describe", "Write"];

/// Seven days of trades. Retention counts from the arrival of a record: the time of the trade is inside it, and may be old; and a
/// trade is ahead of its time where it is ahead of the broker's clock.
const TRADES_TOPIC: ResourceKind = ResourceKind::Topic {
    partitions: None,
    config: &[("cleanup.policy", "delete"), ("message.timestamp.type", "LogAppendTime"), ("retention.ms", "604800000")],
};

/// Thirty days for somebody to look at them.
const SET_ASIDE: ResourceKind = ResourceKind::Topic {
    partitions: Some("1"),
    config: &[("cleanup.policy", "delete"), ("retention.ms", "2592000000")],
};

/// Of `trades`. An idempotent producer needs no right of its own since Kafka 2.8 (KIP-679).
pub(super) const TRADES: &[Resource] =
    &[Resource { kind: TRADES_TOPIC, variable: "KAFKA_TOPIC_NAME", operations: WRITE, optional: &["Read"] }];

/// Of `candles`.
pub(super) const CANDLES: &[Resource] = &[
    Resource { kind: TRADES_TOPIC, variable: "KAFKA_INPUT_TOPIC", operations: &["Describe", "Read"], optional: &[] },
    // A candle is in the partition of its trades; of its records the last is kept.
    Resource {
        kind: ResourceKind::Topic {
            partitions: Some("KAFKA_INPUT_TOPIC"),
            config: &[
                ("cleanup.policy", "compact,delete"),
                ("min.compaction.lag.ms", "60000"),
                ("retention.ms", "7776000000"),
                ("segment.ms", "3600000"),
            ],
        },
        variable: "KAFKA_OUTPUT_TOPIC",
        operations: WRITE,
        optional: &[],
    },
    Resource { kind: SET_ASIDE, variable: "KAFKA_DEAD_LETTER_TOPIC", operations: WRITE, optional: &[] },
    Resource { kind: SET_ASIDE, variable: "KAFKA_LATE_TOPIC", operations: WRITE, optional: &[] },
    Resource { kind: ResourceKind::Group, variable: "KAFKA_CONSUMER_GROUP", operations: &["Read"], optional: &[] },
    Resource {
        kind: ResourceKind::TransactionalId,
        variable: "KAFKA_TRANSACTIONAL_ID",
        operations: WRITE,
        optional: &[],
    },
];
