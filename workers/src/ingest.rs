//! The ingester `trades`: from a source to the topic. A queue that is full stops the source; nothing is dropped.

mod exchange;
mod tail;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::BaseProducer;
use rdkafka::producer::BaseRecord;
use rdkafka::producer::Producer;

use crate::config::Kafka;
use crate::config::Source;
use crate::config::Trades;
use crate::http::Health;
use crate::http::Readiness;
use crate::ingest::exchange::Exchange;
use crate::kafka;
use crate::kafka::Deliveries;
use crate::kafka::PATIENCE;
use crate::kafka::WorkError;
use crate::metrics::Kind;
use crate::metrics::TradeMetrics;
use crate::processor::now_us;
use crate::source::TradeRecord;
use crate::source::replay;
use crate::source::synthetic::Disorder;
use crate::source::synthetic::Synthetic;

/// Time that a trade waits for others.
const LINGER: Duration = Duration::from_millis(5);

/// Longest sleep between two looks at the signal.
const NAP: Duration = Duration::from_millis(20);

/// The ingester.
pub struct Ingest {
    producer: BaseProducer<Deliveries>,
    topic: String,
    metrics: Arc<TradeMetrics>,
}

impl Ingest {
    /// Connects, and checks that the topic is there.
    ///
    /// # Errors
    /// When Kafka cannot be reached, or the topic does not exist.
    pub fn new(kafka: &Kafka, topic: &str, metrics: Arc<TradeMetrics>) -> Result<Self, WorkError> {
        let producer: BaseProducer<Deliveries> = kafka::producer_config(kafka, "", LINGER)
            .create_with_context(Deliveries::default())
            .map_err(WorkError::when("create the producer"))?;
        let metadata = producer.client().fetch_metadata(Some(topic), PATIENCE).map_err(|error| {
            producer.poll(Duration::from_millis(10));
            let told = producer.context().last_error();
            let reason = if told.is_empty() { error.to_string() } else { told };
            WorkError::Unreachable { brokers: kafka.properties[0].1.clone(), reason }
        })?;
        kafka::count(&metadata, topic)?;
        Ok(Self { producer, topic: topic.to_owned(), metrics })
    }

    /// Works until the source ends or `stop` is set, and writes what it has.
    ///
    /// # Errors
    /// When the source fails, or a record is lost.
    pub fn run(&self, trades: &Trades, health: &Health, stop: &AtomicBool) -> Result<(), WorkError> {
        let pace = Pace { ingest: self, health, stop };
        health.set_ready(Readiness::Ready);
        match &trades.source {
            Source::Kraken(kraken) => {
                let mut exchange = Exchange::new(&pace, kraken, &trades.pairs)?;
                if kraken.resume_records > 0 {
                    exchange.resume(&trades.kafka)?;
                }
                exchange.follow()?;
            }
            Source::Replay { file, speed } => pace.replay(file, &trades.pairs, *speed)?,
            Source::Synthetic { disorder, rate, count, history } => {
                pace.synthetic(&trades.pairs, disorder.clone(), (*rate, *count), *history)?;
            }
        }
        health.set_ready(Readiness::NotReady);
        self.producer.flush(trades.operation.shutdown.mul_f32(0.9)).map_err(WorkError::when("write what is queued"))?;
        self.check()?;
        tracing::info!("everything is written");
        Ok(())
    }

    fn check(&self) -> Result<(), WorkError> {
        self.producer.context().failure().map_or(Ok(()), |reason| Err(WorkError::Delivery(reason)))
    }

    /// Hands a record to Kafka; waits while the queue is full.
    fn send(&self, record: &TradeRecord, source: &'static str) -> Result<(), WorkError> {
        let mut out = BaseRecord::with_opaque_to(&self.topic, 0).key(&record.key).payload(&record.payload);
        self.producer.context().sent(0);
        loop {
            match self.producer.send(out) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    out = returned;
                    self.producer.poll(NAP);
                    self.check()?;
                }
                Err((source, _)) => return Err(WorkError::Kafka { doing: "write a trade", source }),
            }
        }
        self.metrics.trades.get_or_create(&Kind { kind: source }).inc();
        Ok(())
    }
}

/// Time between records.
struct Pace<'a> {
    ingest: &'a Ingest,
    health: &'a Health,
    stop: &'a AtomicBool,
}

impl Pace<'_> {
    /// Waits until `due`; returns whether to go on.
    fn wait(&self, due: Instant) -> Result<bool, WorkError> {
        loop {
            self.health.tick();
            self.ingest.producer.poll(Duration::ZERO);
            self.ingest.check()?;
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let now = Instant::now();
            if now >= due {
                return Ok(true);
            }
            thread::sleep((due - now).min(NAP));
        }
    }

    fn replay(&self, file: &Path, pairs: &[String], speed: Option<f64>) -> Result<(), WorkError> {
        let failed = |reason: String| WorkError::Other { doing: "read REPLAY_FILE", reason };
        let text = File::open(file).map_err(|error| failed(error.to_string()))?;
        let began = Instant::now();
        let mut first_us = None;
        for trade in replay::read(text, pairs.first().map_or("", String::as_str)) {
            let trade = trade.map_err(|error| failed(error.to_string()))?;
            let since =
                Duration::from_micros(u64::try_from(trade.ts_us - *first_us.get_or_insert(trade.ts_us)).unwrap_or(0));
            let due = speed.map_or(began, |speed| began + since.div_f64(speed));
            if !self.wait(due)? {
                return Ok(());
            }
            self.ingest.send(&trade.record, "replay")?;
        }
        Ok(())
    }

    fn synthetic(
        &self,
        pairs: &[String],
        disorder: Disorder,
        (rate, count): (u64, u64),
        history: Duration,
    ) -> Result<(), WorkError> {
        let mut source = Synthetic::new(pairs, disorder);
        let (began, began_us) = (Instant::now(), now_us());
        let end = if count == 0 { u64::MAX } else { count };
        // As fast as it goes, a known number of trades is a millisecond apart and ends now.
        let first_us =
            if rate == 0 && count > 0 { Some(now_us().saturating_sub_unsigned(count * 1_000)) } else { None };
        for number in 0..end {
            let since = Duration::from_micros(number.saturating_mul(1_000_000).checked_div(rate).unwrap_or(0));
            // The past comes as fast as it goes.
            let before = history.saturating_sub(since);
            let is_paced = rate > 0 && before.is_zero();
            if (is_paced || number.is_multiple_of(256)) && !self.wait(began + since.saturating_sub(history))? {
                break;
            }
            let now_us = match first_us {
                Some(first) => first.saturating_add_unsigned(number * 1_000),
                None if rate > 0 && !before.is_zero() => {
                    began_us.saturating_sub(i64::try_from(before.as_micros()).unwrap_or(i64::MAX))
                }
                None => now_us(),
            };
            for record in source.trade(now_us) {
                self.ingest.send(&record, "synthetic")?;
            }
        }
        for record in source.arrived(i64::MAX) {
            self.ingest.send(&record, "synthetic")?;
        }
        Ok(())
    }
}
