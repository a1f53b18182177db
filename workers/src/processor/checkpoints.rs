//! Commits: positions and, as their metadata, the checkpoints.
//!
//! At least once: what was written before a commit is acknowledged before it; the commit follows when the last acknowledgement is
//! there, and reading goes on meanwhile. Exactly once: records and commit are one transaction.

use std::time::Instant;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::CommitMode;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer;

use crate::kafka::PATIENCE;
use crate::kafka::WorkError;
use crate::processor::Processor;
use crate::processor::now_us;
use crate::processor::output::Transaction;

/// A checkpoint whose records are on their way.
pub(super) struct Pending {
    offsets: TopicPartitionList,
    /// Partition and position.
    positions: Vec<(i32, i64)>,
    epoch: usize,
    began: Instant,
}

impl Processor {
    /// Begins a checkpoint when it is time, commits one whose records have arrived.
    pub(super) fn checkpoint_when_due(&mut self) -> Result<(), WorkError> {
        if self.output.transaction != Transaction::Never {
            if self.last_checkpoint.elapsed() >= self.config.commit_interval {
                self.commit_transaction()?;
            }
            return Ok(());
        }
        if let Some(pending) =
            self.pending.take_if(|pending| self.output.producer.context().outstanding(pending.epoch) == 0)
        {
            self.consumer.commit(&pending.offsets, CommitMode::Async).map_err(WorkError::when("commit"))?;
            self.committed(&pending);
        }
        if self.pending.is_none() && self.last_checkpoint.elapsed() >= self.config.commit_interval {
            self.last_checkpoint = Instant::now();
            self.pending = self.snapshot()?;
            if self.pending.is_some() {
                self.output.epoch += 1;
            }
        }
        Ok(())
    }

    /// Commits what was read so far and waits for it; returns whether it was accepted.
    pub(super) fn checkpoint_now(&mut self) -> Result<bool, WorkError> {
        self.last_checkpoint = Instant::now();
        if self.output.transaction != Transaction::Never {
            return self.commit_transaction();
        }
        self.output.flush(PATIENCE)?;
        self.pending = None;
        let Some(pending) = self.snapshot()? else { return Ok(true) };
        match self.consumer.commit(&pending.offsets, CommitMode::Sync) {
            Ok(()) => {
                self.committed(&pending);
                Ok(true)
            }
            Err(error) => {
                self.metrics.failed_checkpoints.inc();
                tracing::info!(%error, "commit refused");
                Ok(false)
            }
        }
    }

    /// Returns the positions that moved, with their checkpoints. A replay is not committed: positions never go back.
    fn snapshot(&self) -> Result<Option<Pending>, WorkError> {
        let mut offsets = TopicPartitionList::new();
        let mut positions = Vec::new();
        for (id, owned) in &self.owned {
            let next = owned.partition.next();
            if owned.partition.is_replaying() || next == owned.committed {
                continue;
            }
            offsets.add_partition(&self.config.input, *id);
            positions.push((*id, next));
            let checkpoint = owned.partition.checkpoint().to_string();
            self.set(&mut offsets, (*id, next), &checkpoint)?;
        }
        let pending = Pending { offsets, positions, epoch: self.output.epoch, began: Instant::now() };
        Ok((!pending.positions.is_empty()).then_some(pending))
    }

    /// Sets the position and the metadata of a partition of the list.
    fn set(&self, offsets: &mut TopicPartitionList, (id, next): (i32, i64), metadata: &str) -> Result<(), WorkError> {
        let Some(mut element) = offsets.find_partition(&self.config.input, id) else { return Ok(()) };
        if !cfg!(feature = "control") {
            element.set_metadata(metadata);
        }
        element.set_offset(Offset::Offset(next)).map_err(WorkError::when("set a position"))
    }

    fn committed(&mut self, pending: &Pending) {
        self.metrics.checkpoint.observe(pending.began.elapsed().as_secs_f64());
        for (id, next) in &pending.positions {
            if let Some(owned) = self.owned.get_mut(id) {
                owned.committed = *next;
            }
        }
    }

    /// Commits the open transaction with the positions; returns whether it was accepted. One that was not is aborted, and the
    /// partitions go back to what is committed.
    fn commit_transaction(&mut self) -> Result<bool, WorkError> {
        self.last_checkpoint = Instant::now();
        let Some(pending) = self.snapshot()? else { return Ok(true) };
        if self.output.transaction == Transaction::Closed {
            self.output.producer.begin_transaction().map_err(WorkError::when("begin a transaction"))?;
            self.output.transaction = Transaction::Open;
        }
        match self.try_commit(&pending) {
            Ok(()) => {
                self.output.transaction = Transaction::Closed;
                self.committed(&pending);
                Ok(true)
            }
            Err(KafkaError::Transaction(error)) if !error.is_fatal() => {
                self.start_over(&error)?;
                Ok(false)
            }
            Err(source) => Err(WorkError::Kafka { doing: "commit a transaction", source }),
        }
    }

    fn try_commit(&self, pending: &Pending) -> Result<(), KafkaError> {
        let producer = &self.output.producer;
        let Some(group) = self.consumer.group_metadata() else {
            return Err(KafkaError::ClientCreation("the consumer has no group".to_owned()));
        };
        self.output.persist(&|| producer.send_offsets_to_transaction(&pending.offsets, &group, PATIENCE))?;
        self.output.persist(&|| producer.commit_transaction(PATIENCE))
    }

    /// Drops what was written and not committed.
    pub(super) fn abandon(&mut self) -> Result<(), WorkError> {
        self.pending = None;
        match self.output.transaction {
            Transaction::Never => self.output.purge(),
            Transaction::Closed => {}
            Transaction::Open => {
                self.output.abort().map_err(WorkError::when("abort a transaction"))?;
                self.output.transaction = Transaction::Closed;
            }
        }
        Ok(())
    }

    /// Aborts the transaction, which cannot be committed any more, and reads again what it was made of.
    pub(super) fn start_over(&mut self, error: &dyn std::fmt::Display) -> Result<(), WorkError> {
        self.metrics.failed_checkpoints.inc();
        tracing::warn!(%error, "transaction refused");
        self.candles.clear();
        let ids: Vec<i32> = self.owned.keys().copied().collect();
        self.abandon()?;
        self.output.producer.context().forget_failure();
        self.start_again(&ids)
    }

    /// Reads partitions again from what is committed.
    fn start_again(&mut self, ids: &[i32]) -> Result<(), WorkError> {
        let mut gone = TopicPartitionList::new();
        for id in ids {
            self.owned.remove(id);
            gone.add_partition(&self.config.input, *id);
        }
        self.consumer.incremental_unassign(&gone).map_err(WorkError::when("give partitions back"))?;
        self.assign(ids)
    }

    /// Closes windows of partitions at whose end nothing comes.
    pub(super) fn close_idle(&mut self) -> Result<(), WorkError> {
        let quiet = std::time::Duration::from_micros(self.config.settings.idle_us.unsigned_abs());
        let now_us = now_us();
        let due: Vec<_> = self
            .owned
            .iter()
            .filter(|(_, owned)| owned.at_end && owned.last_record.elapsed() >= quiet)
            .filter_map(|(id, owned)| owned.partition.idle_mark(now_us).map(|mark| (*id, mark)))
            .collect();
        for (id, mark) in due {
            if self.output.transaction == Transaction::Never && !self.store_mark(id, mark)? {
                continue;
            }
            let Some(owned) = self.owned.get_mut(&id) else { continue };
            owned.partition.close(mark, &mut self.candles);
            for record in self.candles.drain(..) {
                self.output.candle(id, &record, &self.metrics)?;
            }
            if self.output.transaction != Transaction::Never {
                // The position is the same; what is committed with it is not.
                owned.committed = -1;
            }
        }
        Ok(())
    }

    /// Commits a mark before anything of it is written; returns whether it was accepted. What was not is tried again.
    fn store_mark(&mut self, id: i32, mark: crate::checkpoint::Mark) -> Result<bool, WorkError> {
        self.output.flush(PATIENCE)?;
        let Some(owned) = self.owned.get(&id) else { return Ok(false) };
        let checkpoint = owned.partition.checkpoint().with_mark(mark).to_string();
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition(&self.config.input, id);
        self.set(&mut offsets, (id, mark.offset), &checkpoint)?;
        let stored = self.consumer.commit(&offsets, CommitMode::Sync);
        if let Err(error) = &stored {
            self.metrics.failed_checkpoints.inc();
            tracing::info!(%error, "commit refused");
        }
        Ok(stored.is_ok())
    }
}
