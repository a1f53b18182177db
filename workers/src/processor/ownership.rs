//! Partitions that come and go.

use std::time::Duration;
use std::time::Instant;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;

use crate::checkpoint::Checkpoint;
use crate::kafka::PATIENCE;
use crate::kafka::Rebalance;
use crate::kafka::WorkError;
use crate::metrics::Kind;
use crate::metrics::OfPartition;
use crate::partition::Beginning;
use crate::partition::Partition;
use crate::processor::Owned;
use crate::processor::Processor;

impl Processor {
    /// Acts on what the group decided.
    pub(super) fn follow_group(&mut self) -> Result<(), WorkError> {
        while let Some(event) = self.consumer.context().next_event() {
            match event {
                Rebalance::Assign(ids) => {
                    self.metrics.rebalances.get_or_create(&Kind { kind: "assign" }).inc();
                    self.assign(&ids)?;
                }
                Rebalance::Revoke(ids) => {
                    let kind = if self.consumer.assignment_lost() { "lost" } else { "revoke" };
                    self.metrics.rebalances.get_or_create(&Kind { kind }).inc();
                    self.revoke(&ids, kind)?;
                }
            }
        }
        Ok(())
    }

    /// Takes partitions: from the low water of their checkpoints.
    pub(super) fn assign(&mut self, ids: &[i32]) -> Result<(), WorkError> {
        let mut wanted = TopicPartitionList::new();
        for id in ids {
            wanted.add_partition(&self.config.input, *id);
        }
        let committed = if ids.is_empty() {
            TopicPartitionList::new()
        } else {
            self.consumer
                .committed_offsets(wanted, PATIENCE * 3)
                .map_err(WorkError::when("read the committed positions"))?
        };
        let mut positions = TopicPartitionList::new();
        for element in committed.elements() {
            element.error().map_err(WorkError::when("read a committed position"))?;
            let id = element.partition();
            let committed = if let Offset::Offset(offset) = element.offset() { Some(offset) } else { None };
            let owned = self.begin(id, committed, element.metadata())?;
            positions
                .add_partition_offset(&self.config.input, id, Offset::Offset(owned.partition.next()))
                .map_err(WorkError::when("set a position"))?;
            self.owned.insert(id, owned);
        }
        if self.owned.is_empty() {
            tracing::warn!(topic = self.config.input, "no partition is left for this replica: it waits as a spare");
        }
        tracing::info!(partitions = ?ids, "assigned");
        self.consumer.incremental_assign(&positions).map_err(WorkError::when("take partitions"))
    }

    /// Returns the state of a partition as of its committed position.
    fn begin(&self, id: i32, committed: Option<i64>, metadata: &str) -> Result<Owned, WorkError> {
        let (low, end) = self
            .consumer
            .fetch_watermarks(&self.config.input, id, PATIENCE)
            .map_err(WorkError::when("read the bounds of a partition"))?;
        // Behind the end: the topic was deleted and created again, and the position is of the old one.
        let position = committed.filter(|position| *position <= end);
        if let (Some(lost), None) = (committed, position) {
            tracing::error!(
                partition = id,
                position = lost,
                end,
                "the position is behind the end: reading from the start"
            );
        }
        let beginning = match (position, metadata.parse::<Checkpoint>()) {
            (Some(_), Ok(checkpoint)) if checkpoint.low >= low => Beginning::Checkpoint(checkpoint),
            (Some(_), Ok(checkpoint)) => {
                tracing::error!(
                    partition = id,
                    low = checkpoint.low,
                    start = low,
                    "trades of open windows are deleted"
                );
                Beginning::Truncated(checkpoint)
            }
            (Some(position), Err(_)) if position > 0 => {
                tracing::warn!(
                    partition = id,
                    position,
                    "no checkpoint at the position: the first windows are not complete"
                );
                Beginning::Unknown
            }
            _ if low == 0 => Beginning::Origin,
            _ => Beginning::Unknown,
        };
        let next = position.unwrap_or(low).max(low);
        tracing::debug!(partition = id, next, ?beginning, "begins");
        Ok(Owned {
            partition: Partition::new(self.config.settings.clone(), beginning, next),
            committed: next,
            last_record: Instant::now(),
            at_end: false,
        })
    }

    /// Gives partitions back; `lost` ones belong to somebody else already.
    fn revoke(&mut self, ids: &[i32], kind: &str) -> Result<(), WorkError> {
        tracing::info!(partitions = ?ids, kind, "revoked");
        let settled = if kind == "lost" {
            self.abandon()
        } else {
            // Refused when the group has moved on: then the next owner repeats what was not committed.
            self.checkpoint_now().map(|_| ())
        };
        let mut gone = TopicPartitionList::new();
        for id in ids {
            self.owned.remove(id);
            self.metrics.lag.remove(&OfPartition { partition: *id });
            self.metrics.watermark_delay.remove(&OfPartition { partition: *id });
            gone.add_partition(&self.config.input, *id);
        }
        // Whatever came of it: a consumer that does not give its partitions back cannot be closed.
        let given = self.consumer.incremental_unassign(&gone).map_err(WorkError::when("give partitions back"));
        settled.and(given)
    }

    /// Writes and commits what was read, and leaves.
    pub(super) fn drain(&mut self) -> Result<(), WorkError> {
        self.health.set_ready(crate::http::Readiness::NotReady);
        let deadline = Instant::now() + self.config.operation.shutdown.mul_f32(0.5);
        // While the others rebalance a commit may be refused; the group settles within a few heartbeats.
        while !self.checkpoint_now()? && Instant::now() < deadline {
            self.consumer.poll(Duration::from_millis(50));
            self.follow_group()?;
        }
        tracing::info!("drained");
        Ok(())
    }
}
