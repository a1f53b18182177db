//! What is written: candles, late trades, dead letters. A full queue waits, and nothing is dropped.

use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rdkafka::Message;
use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::BorrowedMessage;
use rdkafka::message::Header;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::BaseProducer;
use rdkafka::producer::BaseRecord;
use rdkafka::producer::Producer;
use rdkafka::producer::PurgeConfig;

use crate::candle::Status;
use crate::config::Candles;
use crate::kafka;
use crate::kafka::Deliveries;
use crate::kafka::PATIENCE;
use crate::kafka::WorkError;
use crate::metrics::CandleMetrics;
use crate::partition::CandleRecord;
use crate::processor::now_us;
use crate::trade::MAX_BYTES;
use crate::trade::Rejection;
use crate::web::board::Board;

/// Bytes of an oversized record that its dead letter keeps.
const EXCERPT: usize = 65_536;

/// Time between two looks at a full queue.
const FULL: Duration = Duration::from_millis(1);

/// The producer.
pub(super) struct Output {
    pub(super) producer: BaseProducer<Deliveries>,
    /// Of the records that are sent now; the checkpoint before waits for those of the other parity.
    pub(super) epoch: usize,
    /// Whether records belong to transactions, and whether one is open.
    pub(super) transaction: Transaction,
    topic: String,
    /// The time that candles are written with, as of the last batch.
    now_ms: i64,
    /// Empty without transactions.
    transactional_id: String,
    /// The live page, where there is one.
    pub(super) board: Option<Arc<Board>>,
}

/// Where the producer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    /// There are none.
    Never,
    /// The next record begins one.
    Closed,
    /// Records are being added.
    Open,
}

impl Output {
    pub(super) fn new(config: &Candles) -> Result<Self, WorkError> {
        let transactional = kafka::is_transactional(config);
        let id = if transactional { config.transactional_id.as_str() } else { "" };
        let producer: BaseProducer<Deliveries> = kafka::producer_config(&config.kafka, id, config.linger)
            .create_with_context(Deliveries::default())
            .map_err(WorkError::when("create the producer"))?;
        if transactional {
            // Fences whoever still uses the id, and waits for its transaction to end.
            producer.init_transactions(PATIENCE * 3).map_err(WorkError::when("initialise transactions"))?;
        }
        let transaction = if transactional { Transaction::Closed } else { Transaction::Never };
        Ok(Self {
            producer,
            epoch: 0,
            transaction,
            topic: config.output.clone(),
            now_ms: now_us() / 1_000,
            transactional_id: id.to_owned(),
            board: None,
        })
    }

    /// Returns why the producer cannot go on, where it knows better than the call that failed.
    pub(super) fn explain(&self, error: WorkError) -> WorkError {
        match self.producer.client().fatal_error() {
            Some((RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced, _)) => {
                WorkError::Fenced(self.transactional_id.clone())
            }
            _ => error,
        }
    }

    /// Whether the open transaction is what cannot go on: what it holds is read and written again, and nothing is lost.
    pub(super) fn must_abort(&self, error: &WorkError) -> bool {
        let refused = KafkaError::MessageProduction(RDKafkaErrorCode::State);
        self.transaction == Transaction::Open
            && match error {
                WorkError::Delivery(_) => true,
                WorkError::Kafka { source, .. } => *source == refused,
                _ => false,
            }
    }

    /// Lets callbacks run, and tells of lost records; brings the time of the records up to date.
    pub(super) fn serve(&mut self) -> Result<(), WorkError> {
        self.now_ms = now_us() / 1_000;
        self.settle()
    }

    /// Lets callbacks run, and tells of lost records.
    fn settle(&self) -> Result<(), WorkError> {
        self.producer.poll(Duration::ZERO);
        self.producer.context().failure().map_or(Ok(()), |reason| Err(WorkError::Delivery(reason)))
    }

    /// Writes a candle to the partition of its trades.
    pub(super) fn candle(
        &mut self,
        partition: i32,
        record: &CandleRecord,
        metrics: &CandleMetrics,
    ) -> Result<(), WorkError> {
        metrics.candles[record.status as usize].inc();
        if record.status == Status::Final {
            metrics.missing.inc_by(record.missing);
        }
        if let Some(board) = &self.board {
            board.note(record);
        }
        self.begin()?;
        // Without a time librdkafka asks the clock for each record.
        let out = BaseRecord::with_opaque_to(&self.topic, self.epoch).partition(partition).timestamp(self.now_ms);
        self.send(out.key(record.key.as_bytes()).payload(&record.value))
    }

    /// Passes a trade that came after its window was forgotten.
    pub(super) fn late(&mut self, topic: &str, message: &BorrowedMessage) -> Result<(), WorkError> {
        let headers = origin(message);
        self.send_with(topic, message, headers)
    }

    /// Sets aside a record that is not a trade.
    pub(super) fn dead_letter(
        &mut self,
        topic: &str,
        message: &BorrowedMessage,
        rejection: &Rejection,
    ) -> Result<(), WorkError> {
        let headers = origin(message)
            .insert(Header { key: "x-reason", value: Some(rejection.reason()) })
            .insert(Header { key: "x-error", value: Some(&rejection.to_string()) });
        self.send_with(topic, message, headers)
    }

    fn send_with(&mut self, topic: &str, message: &BorrowedMessage, headers: OwnedHeaders) -> Result<(), WorkError> {
        let mut record = BaseRecord::with_opaque_to(topic, self.epoch).headers(headers);
        let key = message.key().unwrap_or_default();
        if message.key().is_some() {
            record = record.key(key);
        }
        if let Some(payload) = message.payload() {
            let kept = if payload.len() > MAX_BYTES { &payload[..EXCERPT] } else { payload };
            record = record.payload(kept);
        }
        self.begin()?;
        self.send(record)
    }

    /// Begins a transaction where the next record needs one.
    fn begin(&mut self) -> Result<(), WorkError> {
        if self.transaction == Transaction::Closed {
            self.producer.begin_transaction().map_err(WorkError::when("begin a transaction"))?;
            self.transaction = Transaction::Open;
        }
        Ok(())
    }

    /// Sends a record; waits while the queue is full.
    fn send(&self, mut record: BaseRecord<'_, [u8], [u8], usize>) -> Result<(), WorkError> {
        self.producer.context().sent(self.epoch);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    record = returned;
                    // A poll with a time waits for all of it, while there is room again after a part.
                    thread::sleep(FULL);
                    self.settle()?;
                }
                Err((source, _)) => return Err(WorkError::Kafka { doing: "write a record", source }),
            }
        }
    }

    /// Waits until everything is written.
    pub(super) fn flush(&self, timeout: Duration) -> Result<(), WorkError> {
        let flushed = self.producer.flush(timeout);
        self.settle()?;
        flushed.map_err(WorkError::when("write what is queued"))
    }

    /// Aborts the open transaction.
    pub(super) fn abort(&self) -> Result<(), KafkaError> {
        // It waits for the reports of the records that it drops, and serves none of them: so it is asked for a moment, and again.
        self.persist(&|| self.producer.abort_transaction(Duration::from_millis(200)))
    }

    /// Tries until it is done, or cannot be, or takes too long.
    pub(super) fn persist(&self, attempt: &dyn Fn() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match attempt() {
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {
                    // Serves every report that is there; what is left is waited for by the next attempt.
                    let _ = self.producer.flush(Duration::from_millis(200));
                }
                result => return result,
            }
        }
    }

    /// Drops what is queued: somebody else writes it now.
    pub(super) fn purge(&self) {
        self.producer.purge(PurgeConfig::default().queue());
        self.producer.poll(Duration::ZERO);
    }
}

/// Returns the headers that say where a record stood.
fn origin(message: &BorrowedMessage) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new()
        .insert(Header { key: "x-origin-topic", value: Some(message.topic()) })
        .insert(Header { key: "x-origin-partition", value: Some(&message.partition().to_string()) })
        .insert(Header { key: "x-origin-offset", value: Some(&message.offset().to_string()) });
    let size = message.payload().map_or(0, <[u8]>::len);
    if size > MAX_BYTES {
        headers = headers.insert(Header { key: "x-truncated-from-bytes", value: Some(&size.to_string()) });
    }
    headers
}
