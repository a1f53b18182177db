//! What the programs count, in the Prometheus text format.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    /// Which.
    pub kind: &'static str,
}

/// A partition of the input.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfPartition {
    /// Its number.
    pub partition: i32,
}

/// The metrics of `candles`.
#[derive(Debug)]
pub struct CandleMetrics {
    registry: Registry,
    /// Trades that counted.
    pub trades: Counter,
    /// Trades whose id was known.
    pub duplicates: Counter,
    /// Late trades: `corrected` or `too_late`.
    pub late: Family<Kind, Counter>,
    /// Records that are no trades, by reason.
    pub dead_letters: Family<Kind, Counter>,
    /// Candles written, by status: `open`, `final`, `corrected`.
    pub candles: [Counter; 3],
    /// Ids missing in final candles.
    pub missing: Counter,
    /// Assignments and revocations.
    pub rebalances: Family<Kind, Counter>,
    /// Records between the position and the end.
    pub lag: Family<OfPartition, Gauge>,
    /// Milliseconds between the clock and the watermark.
    pub watermark_delay: Family<OfPartition, Gauge>,
    /// Candles of open windows.
    pub open: Gauge,
    /// Seconds from the beginning of a checkpoint or transaction to its commit.
    pub checkpoint: Histogram,
    /// Checkpoints that failed and are tried again.
    pub failed_checkpoints: Counter,
}

impl Default for CandleMetrics {
    fn default() -> Self {
        let buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let mut metrics = Self {
            registry: Registry::default(),
            trades: Counter::default(),
            duplicates: Counter::default(),
            late: Family::default(),
            dead_letters: Family::default(),
            candles: <[Counter; 3]>::default(),
            missing: Counter::default(),
            rebalances: Family::default(),
            lag: Family::default(),
            watermark_delay: Family::default(),
            open: Gauge::default(),
            checkpoint: Histogram::new(buckets),
            failed_checkpoints: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl CandleMetrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("candles_trades", "Trades that counted", self.trades.clone());
        registry.register("candles_duplicates", "Trades whose id was known", self.duplicates.clone());
        registry.register("candles_late", "Trades after the close of their window", self.late.clone());
        registry.register("candles_dead_letters", "Records that are no trades", self.dead_letters.clone());
        // The counters stand beside their family: a family is asked with a lock and a hash, for every record.
        let emitted: Family<Kind, Counter> = Family::default();
        self.candles = ["open", "final", "corrected"].map(|kind| emitted.get_or_create(&Kind { kind }).clone());
        registry.register("candles_emitted", "Candles written", emitted);
        registry.register("candles_missing_trades", "Ids missing in final candles", self.missing.clone());
        registry.register("candles_rebalances", "Decisions of the group", self.rebalances.clone());
        registry.register("kafka_consumer_lag", "Records behind the end of the partition", self.lag.clone());
        let help = "Milliseconds between the clock and the watermark";
        registry.register("candles_watermark_delay_milliseconds", help, self.watermark_delay.clone());
        registry.register("candles_open_candles", "Candles of open windows", self.open.clone());
        registry.register(
            "candles_checkpoint_seconds",
            "Time to commit a checkpoint or transaction",
            self.checkpoint.clone(),
        );
        registry.register(
            "candles_failed_checkpoints",
            "Checkpoints that are tried again",
            self.failed_checkpoints.clone(),
        );
        // Asked for once, so that they are there before the first.
        for kind in ["corrected", "too_late"] {
            let _ = self.late.get_or_create(&Kind { kind });
        }
        for kind in crate::trade::Rejection::REASONS {
            let _ = self.dead_letters.get_or_create(&Kind { kind });
        }
    }
}

/// Something that can be scraped.
pub trait Metrics: Send + Sync {
    /// Returns the Prometheus text.
    fn text(&self) -> String;
}

impl Metrics for CandleMetrics {
    fn text(&self) -> String {
        written(&self.registry)
    }
}

fn written(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, registry);
    text
}

/// The metrics of `trades`.
#[derive(Debug)]
pub struct TradeMetrics {
    registry: Registry,
    /// Trades handed to Kafka, by the way they came.
    pub trades: Family<Kind, Counter>,
    /// Ids that were skipped by the WebSocket.
    pub gaps: Counter,
    /// Trades of gaps that REST had.
    pub filled: Counter,
    /// Connections that ended, by reason.
    pub reconnects: Family<Kind, Counter>,
    /// 1 while the exchange is connected.
    pub connected: Gauge,
}

impl Default for TradeMetrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            trades: Family::default(),
            gaps: Counter::default(),
            filled: Counter::default(),
            reconnects: Family::default(),
            connected: Gauge::default(),
        };
        let mut registry = Registry::default();
        registry.register("trades_ingested", "Trades handed to Kafka", metrics.trades.clone());
        registry.register("trades_gap_ids", "Ids that the stream skipped", metrics.gaps.clone());
        registry.register("trades_gap_filled", "Trades of gaps that REST had", metrics.filled.clone());
        registry.register("trades_reconnects", "Connections that ended", metrics.reconnects.clone());
        registry.register("trades_connected", "Whether the exchange is connected", metrics.connected.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics for TradeMetrics {
    fn text(&self) -> String {
        written(&self.registry)
    }
}
