//! librdkafka as the programs use it: settings, what its callbacks tell, and what is checked before the start.

mod error;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::Statistics;
use rdkafka::TopicPartitionList;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::Consumer;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::error::KafkaResult;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::Metadata;
use rdkafka::producer::ProducerContext;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr as ResponseError;

use crate::config::Candles;
use crate::config::Kafka;
use crate::settings::Guarantee;

pub use crate::kafka::error::WorkError;

/// Time that a question to the brokers may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Locks; a thread that panicked while it held the lock left plain data behind.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs what librdkafka says, and keeps the last error for messages.
fn report(last: &Mutex<String>, error: &KafkaError, reason: &str) {
    // rdkafka tells of the end of a partition twice; here it is no news.
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
        return;
    }
    let mut last = lock(last);
    // A broker that is away is told once, not with every attempt.
    if *last != reason {
        tracing::warn!(error = %error, reason, "kafka");
        reason.clone_into(&mut last);
    }
}

fn write_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "{message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(facility, "{message}"),
    }
}

/// What the group decided; acted upon by the loop, between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// These partitions come.
    Assign(Vec<i32>),
    /// These partitions go.
    Revoke(Vec<i32>),
}

/// The consumer's callbacks. They run inside `poll`, note what happened, and act on nothing.
#[derive(Debug, Default)]
pub struct Membership {
    events: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
    last_error: Mutex<String>,
    /// End of each partition, as of the last statistics.
    ends: Mutex<BTreeMap<i32, i64>>,
    /// Commits that the coordinator refused.
    pub failed_commits: AtomicU64,
}

impl Membership {
    /// Returns the oldest decision that was not acted upon.
    pub fn next_event(&self) -> Option<Rebalance> {
        lock(&self.events).pop_front()
    }

    /// From now on partitions are given back without a question.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Returns the last error that librdkafka gave.
    pub fn last_error(&self) -> String {
        lock(&self.last_error).clone()
    }

    /// Returns the end of a partition, as of the last statistics.
    pub fn end(&self, partition: i32) -> Option<i64> {
        lock(&self.ends).get(&partition).copied()
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        write_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&self.last_error, &error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.iter());
        let ends = partitions.filter(|(_, partition)| partition.hi_offset >= 0);
        *lock(&self.ends) = ends.map(|(id, partition)| (*id, partition.hi_offset)).collect();
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: ResponseError, partitions: &mut TopicPartitionList) {
        let ids: Vec<i32> = partitions.elements().iter().map(TopicPartitionListElem::partition).collect();
        let event = match error {
            ResponseError::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Rebalance::Assign(ids),
            ResponseError::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => Rebalance::Revoke(ids),
            other => {
                tracing::error!(error = %RDKafkaErrorCode::from(other), "rebalance");
                return;
            }
        };
        if !self.closing.load(Ordering::SeqCst) {
            lock(&self.events).push_back(event);
        } else if let Rebalance::Revoke(_) = event
            && let Err(error) = consumer.incremental_unassign(partitions)
        {
            tracing::warn!(%error, "giving partitions back");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        // Refused while the group rebalances: the next checkpoint says more.
        if let Err(error) = result {
            self.failed_commits.fetch_add(1, Ordering::Relaxed);
            tracing::info!(%error, "commit refused");
        }
    }
}

/// The producer's callbacks: how many records of each of two epochs are on their way, and whether one was lost.
#[derive(Debug, Default)]
pub struct Deliveries {
    outstanding: [AtomicU64; 2],
    failure: Mutex<Option<String>>,
    last_error: Mutex<String>,
}

impl Deliveries {
    /// Counts a record of an epoch that was handed over.
    pub fn sent(&self, epoch: usize) {
        self.outstanding[epoch % 2].fetch_add(1, Ordering::SeqCst);
    }

    /// Returns how many records of an epoch are on their way.
    pub fn outstanding(&self, epoch: usize) -> u64 {
        self.outstanding[epoch % 2].load(Ordering::SeqCst)
    }

    /// Returns why a record was lost; `None` while none was.
    pub fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    /// The lost record was of a transaction that is aborted.
    pub(crate) fn forget_failure(&self) {
        *lock(&self.failure) = None;
    }

    /// Returns the last error that librdkafka gave.
    pub fn last_error(&self) -> String {
        lock(&self.last_error).clone()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        write_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&self.last_error, &error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, epoch: usize) {
        self.outstanding[epoch % 2].fetch_sub(1, Ordering::SeqCst);
        let Err((error, _)) = result else { return };
        // Purged on purpose: the partition was lost, or the transaction aborted.
        let purged = [RDKafkaErrorCode::PurgeQueue, RDKafkaErrorCode::PurgeInflight];
        if error.rdkafka_error_code().is_none_or(|code| !purged.contains(&code)) {
            lock(&self.failure).get_or_insert_with(|| error.to_string());
        }
    }
}

/// Returns the settings that every client has.
pub(crate) fn base(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in &kafka.properties {
        config.set(*name, value);
    }
    config.set("client.id", std::env!("CARGO_PKG_NAME"));
    config.set("socket.keepalive.enable", "true");
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

/// Returns the settings of the consumer of `candles`.
pub fn consumer_config(candles: &Candles) -> ClientConfig {
    let mut config = base(&candles.kafka);
    config
        .set("group.id", &candles.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "3000")
        // A partition whose queue is full is not asked for so long. The default of a second costs a factor of six when catching up, and with
        // queues as small as these even ten milliseconds empty them: the loop waited for half of its time.
        .set("fetch.queue.backoff.ms", "1")
        // These bound the memory. A record in the queue takes three times the bytes that the limit counts, and the least is kept for
        // each partition, so that both are far below the defaults of 64 MB and 100,000; the fetch is a megabyte by default.
        .set("queued.max.messages.kbytes", "4096")
        .set("queued.min.messages", "2000")
        .set("fetch.message.max.bytes", "262144")
        .set("statistics.interval.ms", "5000");
    if let Some(instance) = &candles.instance {
        config.set("group.instance.id", instance);
    }
    config
}

/// Returns the settings of a producer whose records wait up to `linger` for others; `transactional_id` is empty when there are no transactions.
///
/// An idempotent producer of librdkafka has one request of a partition on its way. While there are records that have waited for `linger`,
/// its thread asks without a pause whether the answer has come: a time that is shorter than the broker's answers costs a whole core.
pub fn producer_config(kafka: &Kafka, transactional_id: &str, linger: Duration) -> ClientConfig {
    let mut config = base(kafka);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("compression.type", "lz4")
        .set("linger.ms", linger.as_millis().to_string())
        // As Java's clients: equal keys are in equal partitions, whoever writes them.
        .set("partitioner", "murmur2_random")
        // These bound the memory; what does not fit waits.
        .set("queue.buffering.max.messages", "40000")
        .set("queue.buffering.max.kbytes", "32768")
        .set("message.timeout.ms", "120000");
    if !transactional_id.is_empty() {
        config
            .set("transactional.id", transactional_id)
            // An orphan's transaction holds readers up for as long.
            .set("transaction.timeout.ms", "15000")
            .set("message.timeout.ms", "15000");
    }
    config
}

/// Returns the number of partitions of a topic.
///
/// # Errors
/// When no broker answers, or the topic does not exist.
pub fn partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    unreachable: impl FnOnce(KafkaError) -> WorkError,
) -> Result<usize, WorkError> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).map_err(unreachable)?;
    count(&metadata, topic)
}

/// Returns the number of partitions that `metadata` has for a topic.
///
/// # Errors
/// When there is none, or the user may not know.
pub(crate) fn count(metadata: &Metadata, topic: &str) -> Result<usize, WorkError> {
    match metadata.topics().iter().find(|found| found.name() == topic) {
        Some(found) if found.error() == Some(ResponseError::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) => {
            Err(WorkError::Forbidden(topic.to_owned()))
        }
        Some(found) if !found.partitions().is_empty() => Ok(found.partitions().len()),
        _ => Err(WorkError::MissingTopic(topic.to_owned())),
    }
}

/// Checks that every topic is there and that the candles have room.
///
/// # Errors
/// With the first thing that is wrong.
pub fn check_topics(candles: &Candles, consumer: &BaseConsumer<Membership>) -> Result<usize, WorkError> {
    let count = |topic: &str| {
        partitions(consumer, topic, |error| {
            // Callbacks tell more than the timeout.
            consumer.poll(Duration::from_millis(10));
            let told = consumer.context().last_error();
            WorkError::Unreachable {
                brokers: candles.kafka.properties[0].1.clone(),
                reason: if told.is_empty() { error.to_string() } else { told },
            }
        })
    };
    let needed = count(&candles.input)?;
    let found = count(&candles.output)?;
    if found < needed {
        let (input, output) = (candles.input.clone(), candles.output.clone());
        return Err(WorkError::TooFewPartitions { output, input, found, needed });
    }
    count(&candles.dead_letters)?;
    count(&candles.late)?;
    Ok(needed)
}

/// Returns whether records and position are one transaction.
pub(crate) fn is_transactional(candles: &Candles) -> bool {
    candles.settings.guarantee == Guarantee::ExactlyOnce
}
