//! The newest trades that the topic has: where a process that starts goes on.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode;

use crate::config::Kafka;
use crate::kafka;
use crate::kafka::PATIENCE;
use crate::kafka::WorkError;
use crate::trade::Trade;

/// Longest time to read the ends of all partitions.
const READING: Duration = Duration::from_mins(1);

/// What the ends of a topic's partitions hold.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Ids and their times in microseconds, by pair.
    pub(super) trades: BTreeMap<String, BTreeMap<u64, i64>>,
    /// Records that were read.
    pub(super) records: usize,
}

/// Reads the last `records` records of each partition for trades of `pairs` on `exchange`. `go_on` is asked between two records.
///
/// # Errors
/// When Kafka does not answer, or the user may not read the topic.
pub(super) fn read(
    kafka: &Kafka,
    topic: &str,
    records: i64,
    (exchange, pairs): (&str, &[String]),
    mut go_on: impl FnMut() -> bool,
) -> Result<Tail, WorkError> {
    let consumer: BaseConsumer = settings(kafka, topic).create().map_err(WorkError::when("create a consumer"))?;
    let unreachable = |source| WorkError::Kafka { doing: "read the end of the topic", source };
    let count = kafka::partitions(&consumer, topic, unreachable)?;
    let (mut list, mut open) = (TopicPartitionList::new(), BTreeMap::new());
    for id in (0..).take(count) {
        let (low, high) = consumer.fetch_watermarks(topic, id, PATIENCE).map_err(|error| refused(error, topic))?;
        if high > low {
            let start = Offset::Offset(low.max(high.saturating_sub(records)));
            list.add_partition_offset(topic, id, start).map_err(WorkError::when("set a position"))?;
            open.insert(id, high);
        }
    }
    consumer.assign(&list).map_err(WorkError::when("take partitions"))?;
    let (mut tail, deadline) = (Tail::default(), Instant::now() + READING);
    while !open.is_empty() && go_on() {
        if Instant::now() > deadline {
            let reason = format!("partitions {:?} gave no answer", open.keys());
            return Err(WorkError::Other { doing: "read the end of the topic", reason });
        }
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                tail.records += 1;
                if let Ok(trade) = Trade::parse(message.payload())
                    && trade.exchange == exchange
                    && pairs.iter().any(|pair| *pair == trade.pair)
                {
                    tail.trades.entry(trade.pair.into_owned()).or_default().insert(trade.id, trade.ts_us);
                }
                if open.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
                    open.remove(&message.partition());
                }
            }
            // Behind what was there at the start there may be markers alone.
            Some(Err(KafkaError::PartitionEOF(id))) => drop(open.remove(&id)),
            Some(Err(error)) => go_on_after(error, topic)?,
            None => {}
        }
    }
    Ok(tail)
}

/// Returns the settings of a consumer that is in no group: it takes its partitions by itself, and commits nothing.
fn settings(kafka: &Kafka, topic: &str) -> ClientConfig {
    let mut config = kafka::base(kafka);
    config
        // librdkafka asks for a name.
        .set("group.id", format!("{topic}-tail"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        // A record may have been deleted since its place was asked for.
        .set("auto.offset.reset", "earliest")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.message.max.bytes", "262144");
    config
}

fn refused(source: KafkaError, topic: &str) -> WorkError {
    match source.rdkafka_error_code() {
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => WorkError::Forbidden(topic.to_owned()),
        _ => WorkError::Kafka { doing: "read the end of the topic", source },
    }
}

/// Goes on after what librdkafka tries again by itself.
fn go_on_after(error: KafkaError, topic: &str) -> Result<(), WorkError> {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => Err(refused(error, topic)),
        // It looks for the coordinator of a group that it never joins.
        Some(RDKafkaErrorCode::GroupAuthorizationFailed) => Ok(()),
        _ => {
            tracing::warn!(%error, "reading the end of the topic");
            Ok(())
        }
    }
}
