//! The processor `candles`: reads trades, writes candles, commits positions with their checkpoints.
//!
//! One thread owns everything. librdkafka's callbacks run inside `poll` and only note what happened; the loop acts on it between two
//! records, so that an assignment, a revocation and a record never meet.

mod checkpoints;
mod live;
mod output;
mod ownership;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::BorrowedMessage;

use crate::config::Candles;
use crate::http::Health;
use crate::http::Readiness;
use crate::kafka;
use crate::kafka::Membership;
use crate::kafka::WorkError;
use crate::metrics::CandleMetrics;
use crate::metrics::Kind;
use crate::metrics::OfPartition;
use crate::partition::CandleRecord;
use crate::partition::Partition;
use crate::processor::checkpoints::Pending;
use crate::processor::live::Live;
use crate::processor::output::Output;
use crate::trade::Rejection;
use crate::trade::Trade;

/// Records between two looks at the clock, the group and the producer.
const BATCH: usize = 500;

/// Time that a poll waits for a record.
const WAIT: Duration = Duration::from_millis(20);

/// Time between two looks at idle partitions and gauges.
const HOUSEKEEPING: Duration = Duration::from_millis(200);

/// The user lacks a right.
const FORBIDDEN: [RDKafkaErrorCode; 2] =
    [RDKafkaErrorCode::TopicAuthorizationFailed, RDKafkaErrorCode::GroupAuthorizationFailed];

/// Of so many records more than half may not be dead letters.
const FLOOD: u32 = 1_000;

/// A partition that is ours.
struct Owned {
    partition: Partition,
    /// Position of the last commit.
    committed: i64,
    /// When the last record came.
    last_record: Instant,
    /// Whether everything was read.
    at_end: bool,
}

/// The processor.
pub struct Processor {
    config: Candles,
    consumer: BaseConsumer<Membership>,
    output: Output,
    owned: BTreeMap<i32, Owned>,
    pending: Option<Pending>,
    last_checkpoint: Instant,
    last_housekeeping: Instant,
    /// Records and dead letters of the current stretch of [`FLOOD`] records.
    flood: (u32, u32),
    candles: Vec<CandleRecord>,
    metrics: Arc<CandleMetrics>,
    health: Arc<Health>,
    /// The live page, where there is one.
    live: Option<Live>,
}

impl Processor {
    /// Connects, checks the topics and joins the group.
    ///
    /// # Errors
    /// When Kafka cannot be reached, or a topic is not as it has to be.
    pub fn new(config: Candles, metrics: Arc<CandleMetrics>, health: Arc<Health>) -> Result<Self, WorkError> {
        let consumer: BaseConsumer<Membership> = kafka::consumer_config(&config)
            .create_with_context(Membership::default())
            .map_err(WorkError::when("create the consumer"))?;
        let partitions = kafka::check_topics(&config, &consumer)?;
        let output = Output::new(&config)?;
        consumer.subscribe(&[&config.input]).map_err(WorkError::when("subscribe"))?;
        tracing::info!(topic = config.input, partitions, group = config.group, "started");
        let now = Instant::now();
        Ok(Self {
            config,
            consumer,
            output,
            owned: BTreeMap::new(),
            pending: None,
            last_checkpoint: now,
            last_housekeeping: now,
            flood: (0, 0),
            candles: Vec::new(),
            metrics,
            health,
            live: None,
        })
    }

    /// Works until `stop` is set, then drains: writes and commits what was read, and leaves the group.
    ///
    /// # Errors
    /// When going on would lose something: the process is to be started again.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), WorkError> {
        self.work(stop).map_err(|error| {
            let error = self.output.explain(error);
            tracing::warn!(%error, "leaving the group");
            // From now on it is a drain, and has no more time than one.
            stop.store(true, Ordering::Relaxed);
            error
        })
    }

    fn work(&mut self, stop: &AtomicBool) -> Result<(), WorkError> {
        while !stop.load(Ordering::Relaxed) {
            match self.turn() {
                Err(error) if self.output.must_abort(&error) => self.start_over(&error)?,
                result => result?,
            }
        }
        self.drain()
    }

    /// Reads a batch, and does what is due beside it.
    fn turn(&mut self) -> Result<(), WorkError> {
        self.health.tick();
        self.read_batch()?;
        self.follow_group()?;
        self.output.serve()?;
        self.checkpoint_when_due()?;
        if self.last_housekeeping.elapsed() >= HOUSEKEEPING {
            self.last_housekeeping = Instant::now();
            self.close_idle()?;
            self.measure();
        }
        Ok(())
    }

    /// Reads what is there, up to a batch.
    fn read_batch(&mut self) -> Result<(), WorkError> {
        // A transaction that has lasted its time is committed before more is read.
        let mut now = Instant::now();
        for index in 0..BATCH {
            let wait = if index == 0 { WAIT } else { Duration::ZERO };
            let Some(result) = self.consumer.poll(wait) else { break };
            if index == 0 {
                now = Instant::now();
            }
            match result {
                Ok(message) => {
                    let mut work = Work {
                        config: &self.config,
                        output: &mut self.output,
                        flood: &mut self.flood,
                        candles: &mut self.candles,
                        metrics: &self.metrics,
                        now,
                    };
                    if let Some(owned) = self.owned.get_mut(&message.partition()) {
                        work.take(owned, &message)?;
                    }
                }
                Err(KafkaError::PartitionEOF(partition)) => self.reach_end(partition)?,
                // Nothing changes this but somebody who changes the rights: to be seen, the process ends.
                Err(source) if FORBIDDEN.map(Some).contains(&source.rdkafka_error_code()) => {
                    return Err(WorkError::Kafka { doing: "read trades", source });
                }
                // librdkafka goes on by itself; what does not pass is seen by whoever watches lag.
                Err(error) => tracing::warn!(%error, "consumer"),
            }
        }
        Ok(())
    }

    /// The end of a partition: nothing is left to replay.
    fn reach_end(&mut self, partition: i32) -> Result<(), WorkError> {
        let Some(owned) = self.owned.get_mut(&partition) else { return Ok(()) };
        owned.at_end = true;
        let live = owned.committed.max(owned.partition.next());
        owned.partition.reach(live, &mut self.candles);
        for record in self.candles.drain(..) {
            self.output.candle(partition, &record, &self.metrics)?;
        }
        Ok(())
    }

    /// Brings gauges and readiness up to date.
    fn measure(&mut self) {
        let replaying = self.owned.values().any(|owned| owned.partition.is_replaying());
        let known = self.metrics.rebalances.get_or_create(&Kind { kind: "assign" }).get() > 0;
        let readiness = if known && !replaying { Readiness::Ready } else { Readiness::NotReady };
        self.health.set_ready(readiness);
        let now_us = now_us();
        let mut open = 0;
        for (id, owned) in &self.owned {
            let label = OfPartition { partition: *id };
            let end = self.consumer.context().end(*id).unwrap_or(0);
            let lag = if owned.at_end { 0 } else { (end - owned.partition.next()).max(0) };
            self.metrics.lag.get_or_create(&label).set(lag);
            if let Some(watermark) = owned.partition.watermark_us() {
                self.metrics.watermark_delay.get_or_create(&label).set((now_us - watermark) / 1_000);
            }
            open += owned.partition.open_candles();
        }
        self.metrics.open.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.show(readiness);
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // The consumer leaves the group when it is dropped, and waits until its partitions are given back.
        self.consumer.context().close();
    }
}

/// What a record needs, borrowed apart from the consumer that it is borrowed from.
struct Work<'a> {
    config: &'a Candles,
    output: &'a mut Output,
    flood: &'a mut (u32, u32),
    candles: &'a mut Vec<CandleRecord>,
    metrics: &'a CandleMetrics,
    /// When the batch was begun: exact enough for what it is compared with.
    now: Instant,
}

impl Work<'_> {
    /// Takes one record.
    fn take(&mut self, owned: &mut Owned, message: &BorrowedMessage) -> Result<(), WorkError> {
        let offset = message.offset();
        let replayed = owned.partition.is_replay(offset);
        owned.at_end = false;
        let trade = Trade::parse(message.payload()).and_then(|trade| self.not_from_the_future(trade, message));
        match trade {
            Ok(trade) => {
                let effect = owned.partition.add(offset, &trade, self.candles);
                if !replayed {
                    self.count(effect);
                    if effect.too_late {
                        self.output.late(&self.config.late, message)?;
                    }
                }
            }
            Err(rejection) => {
                owned.partition.skip(offset, self.candles);
                if !replayed {
                    self.reject(message, &rejection)?;
                }
            }
        }
        if !replayed {
            owned.last_record = self.now;
            self.watch_flood()?;
        }
        for record in self.candles.drain(..) {
            self.output.candle(message.partition(), &record, self.metrics)?;
            owned.partition.recycle(record);
        }
        Ok(())
    }

    /// A clock that is ahead would close every window: such a trade is set aside before it moves the watermark.
    fn not_from_the_future<'t>(&self, trade: Trade<'t>, message: &BorrowedMessage) -> Result<Trade<'t>, Rejection> {
        let Some(appended_ms) = message.timestamp().to_millis() else { return Ok(trade) };
        let ahead_us = trade.ts_us - appended_ms.saturating_mul(1_000);
        if ahead_us > self.config.future_limit_us { Err(Rejection::Future(ahead_us / 1_000)) } else { Ok(trade) }
    }

    fn count(&self, effect: crate::partition::Effect) {
        if effect.duplicate {
            self.metrics.duplicates.inc();
        } else {
            self.metrics.trades.inc();
        }
        if effect.corrected {
            self.metrics.late.get_or_create(&Kind { kind: "corrected" }).inc();
        }
        if effect.too_late {
            self.metrics.late.get_or_create(&Kind { kind: "too_late" }).inc();
        }
    }

    fn reject(&mut self, message: &BorrowedMessage, rejection: &Rejection) -> Result<(), WorkError> {
        self.flood.1 += 1;
        self.metrics.dead_letters.get_or_create(&Kind { kind: rejection.reason() }).inc();
        self.output.dead_letter(&self.config.dead_letters, message, rejection)
    }

    /// Stops when most records are no trades: going on would empty the topic into the dead letters.
    fn watch_flood(&mut self) -> Result<(), WorkError> {
        self.flood.0 += 1;
        if self.flood.0 < FLOOD {
            return Ok(());
        }
        let (of, dead) = *self.flood;
        *self.flood = (0, 0);
        if dead > FLOOD / 2 {
            return Err(WorkError::Flood { dead, of, topic: self.config.input.clone() });
        }
        Ok(())
    }
}

/// Returns the clock, in microseconds since 1970 UTC.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
