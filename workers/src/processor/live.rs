//! What the processor tells the live page. Only pairs that somebody looks at cost anything, and that five times a second.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::http::Readiness;
use crate::metrics::Kind;
use crate::metrics::OfPartition;
use crate::partition::CandleRecord;
use crate::processor::Processor;
use crate::processor::now_us;
use crate::trade::Rejection;
use crate::web::board::Board;
use crate::web::board::MOST;
use crate::web::board::PartitionProgress;
use crate::web::board::Progress;
use crate::web::board::Wanted;

/// Time between two looks at the counters.
const COUNTERS: Duration = Duration::from_secs(1);

/// The live page.
pub(super) struct Live {
    board: Arc<Board>,
    last_counters: Option<Instant>,
    /// Number of markets by partition, as the board knows them.
    known: Vec<(i32, usize)>,
}

impl Processor {
    /// Returns the processor, which shows on `board` what it does.
    #[must_use]
    pub fn with_page(mut self, board: Arc<Board>) -> Self {
        self.output.board = Some(Arc::clone(&board));
        self.live = Some(Live { board, last_counters: None, known: Vec::new() });
        self
    }

    /// Brings the board up to date.
    pub(super) fn show(&mut self, readiness: Readiness) {
        let Some(mut live) = self.live.take() else { return };
        self.show_markets(&mut live);
        // Before that the windows are not what they were.
        if readiness == Readiness::Ready {
            for (market, wanted) in live.board.wanted() {
                let (partition, records) = self.windows(&market, wanted);
                live.board.show(&market, wanted, partition, &records);
            }
        }
        if live.last_counters.is_none_or(|last| last.elapsed() >= COUNTERS) {
            live.last_counters = Some(Instant::now());
            live.board.set_progress(&self.progress(readiness));
        }
        live.board.publish();
        self.live = Some(live);
    }

    fn show_markets(&self, live: &mut Live) {
        let known: Vec<_> = self.owned.iter().map(|(id, owned)| (*id, owned.partition.markets().len())).collect();
        if known == live.known {
            return;
        }
        live.known = known;
        let names = self.owned.values().flat_map(|owned| owned.partition.markets());
        let names =
            names.map(
                |(exchange, pair)| {
                    if exchange.is_empty() { pair.into() } else { format!("{exchange}|{pair}").into_boxed_str() }
                },
            );
        live.board.set_markets(names.collect());
    }

    /// Returns the partition of a market and its windows.
    fn windows(&self, market: &str, wanted: Wanted) -> (Option<i32>, Vec<CandleRecord>) {
        let windows = self.owned.iter().filter_map(|(id, owned)| {
            let windows = match wanted {
                Wanted::Kept => owned.partition.kept_windows(market, MOST),
                Wanted::Open => owned.partition.open_windows(market),
            };
            windows.map(|windows| (Some(*id), windows))
        });
        // The key decides about the partition: there is one.
        windows.into_iter().next().unwrap_or_default()
    }

    fn progress(&self, readiness: Readiness) -> Progress {
        let metrics = &self.metrics;
        let dead_letters =
            Rejection::REASONS.iter().map(|kind| metrics.dead_letters.get_or_create(&Kind { kind }).get()).sum();
        let partitions = self.owned.iter().map(|(id, owned)| PartitionProgress {
            id: *id,
            lag: metrics.lag.get_or_create(&OfPartition { partition: *id }).get(),
            watermark_delay_ms: owned.partition.watermark_us().map(|watermark| (now_us() - watermark) / 1_000),
        });
        Progress {
            now_us: now_us(),
            ready: readiness == Readiness::Ready,
            trades: metrics.trades.get(),
            duplicates: metrics.duplicates.get(),
            corrected: metrics.late.get_or_create(&Kind { kind: "corrected" }).get(),
            too_late: metrics.late.get_or_create(&Kind { kind: "too_late" }).get(),
            dead_letters,
            missing: metrics.missing.get(),
            open: u64::try_from(metrics.open.get()).unwrap_or(0),
            partitions: partitions.collect(),
        }
    }
}
