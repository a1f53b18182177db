//! The exchange, over as many connections as it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use rand_chacha::rand_core::SeedableRng;

use crate::config::Kafka;
use crate::config::Kraken;
use crate::http::Readiness;
use crate::ingest::Pace;
use crate::ingest::tail;
use crate::kafka::WorkError;
use crate::metrics::Kind;
use crate::processor::now_us;
use crate::source::backoff;
use crate::source::backoff::Backoff;
use crate::source::kraken;
use crate::source::kraken::Gap;
use crate::source::kraken::KrakenError;
use crate::source::kraken::Rest;
use crate::source::kraken::Sequence;
use crate::source::kraken::Subscription;
use crate::source::tls::Trust;

/// How often a gap is asked for again before it is given up.
const ATTEMPTS: u32 = 4;

/// The subscription, opened again whenever it ends.
pub(super) struct Exchange<'a> {
    pace: &'a Pace<'a>,
    kraken: &'a Kraken,
    pairs: &'a [String],
    trust: Trust,
    rest: Rest,
    sequence: Sequence,
    random: ChaCha8Rng,
}

impl<'a> Exchange<'a> {
    /// Returns the exchange, without a connection yet.
    pub(super) fn new(pace: &'a Pace<'a>, kraken: &'a Kraken, pairs: &'a [String]) -> Result<Self, WorkError> {
        let trust = Trust::load(kraken.authorities.as_deref()).map_err(|error| WorkError::Other {
            doing: "read the certificates of authorities",
            reason: error.to_string(),
        })?;
        let rest = Rest::new(&kraken.rest, &trust);
        // Seeded by the clock: replicas must not come back together.
        let random = ChaCha8Rng::seed_from_u64(now_us().unsigned_abs());
        Ok(Self { pace, kraken, pairs, trust, rest, sequence: Sequence::default(), random })
    }

    /// Goes on where the topic ends: what was traded since is a gap, which the first trade of the stream shows. What the process before
    /// this one left open is filled at once.
    pub(super) fn resume(&mut self, kafka: &Kafka) -> Result<(), WorkError> {
        let topic = &self.pace.ingest.topic;
        let wanted = (kraken::EXCHANGE, self.pairs);
        let go_on = || {
            self.pace.health.tick();
            !self.pace.stop.load(Ordering::Relaxed)
        };
        let tail = match tail::read(kafka, topic, self.kraken.resume_records, wanted, go_on) {
            Err(WorkError::Forbidden(_)) => {
                tracing::warn!(
                    topic,
                    "this user may not read the topic: trades since the last start are not fetched; allow Read, or set RESUME_RECORDS=0"
                );
                return Ok(());
            }
            read => read?,
        };
        let (sequence, gaps) = Sequence::resume(tail.trades);
        let unknown: Vec<&String> = self.pairs.iter().filter(|pair| !sequence.knows(pair)).collect();
        tracing::info!(records = tail.records, ?unknown, gaps = gaps.len(), "read the end of the topic");
        self.sequence = sequence;
        gaps.into_iter().try_for_each(|gap| self.fill(gap))
    }

    /// Follows the trades until the signal.
    pub(super) fn follow(&mut self) -> Result<(), WorkError> {
        let metrics = Arc::clone(&self.pace.ingest.metrics);
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let ended = self.one_connection();
            metrics.connected.set(0);
            self.pace.health.set_ready(Readiness::NotReady);
            let error = match ended {
                Ok(()) => return Ok(()),
                Err(Broken::Work(error)) => return Err(error),
                Err(Broken::Connection(error)) => error,
            };
            let kind = match error {
                KrakenError::Silent => "silent",
                KrakenError::Refused(_) => "refused",
                _ => "error",
            };
            metrics.reconnects.get_or_create(&Kind { kind }).inc();
            let share = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
            let wait = backoff.after(began.elapsed(), share);
            tracing::warn!(%error, wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "connection ended");
            if !self.pace.wait(Instant::now() + wait)? {
                return Ok(());
            }
        }
    }

    fn one_connection(&mut self) -> Result<(), Broken> {
        let mut subscription = Subscription::open(&self.kraken.stream, self.pairs, &self.trust)?;
        tracing::info!(url = self.kraken.stream, pairs = ?self.pairs, "connected");
        self.pace.ingest.metrics.connected.set(1);
        self.pace.health.set_ready(Readiness::Ready);
        while self.pace.wait(Instant::now())? {
            let mut gaps = Vec::new();
            for trade in subscription.read()? {
                gaps.extend(self.sequence.note(&trade.record.key, trade.id, trade.ts_us));
                self.pace.ingest.send(&trade.record, "ws")?;
            }
            for gap in gaps {
                self.fill(gap)?;
            }
        }
        Ok(())
    }

    /// Fetches what was skipped. The stream waits meanwhile, and its own buffers with it.
    fn fill(&self, gap: Gap) -> Result<(), WorkError> {
        let metrics = &self.pace.ingest.metrics;
        metrics.gaps.inc_by(gap.ids.1 - gap.ids.0 + 1);
        let (mut left, mut attempt) = (Some(gap), 0);
        while let Some(gap) = left.take() {
            let wait = match self.rest.fill(&gap) {
                Ok((trades, rest)) => {
                    let found = trades.len() as u64;
                    for trade in trades {
                        self.pace.ingest.send(&trade.record, "rest")?;
                    }
                    metrics.filled.inc_by(found);
                    tracing::info!(pair = gap.pair, first = gap.ids.0, last = gap.ids.1, found, "gap filled");
                    (left, attempt) = (rest, 0);
                    kraken::REST_PAUSE
                }
                Err(error) if attempt < ATTEMPTS => {
                    attempt += 1;
                    tracing::warn!(%error, attempt, pair = gap.pair, "gap not filled");
                    left = Some(gap);
                    backoff::SHORTEST * 2_u32.pow(attempt)
                }
                Err(error) => {
                    tracing::error!(%error, pair = gap.pair, first = gap.ids.0, last = gap.ids.1, "gap given up");
                    return Ok(());
                }
            };
            if left.is_some() && !self.pace.wait(Instant::now() + wait)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Why a connection is over: the next one may do better, or nothing will.
enum Broken {
    Connection(KrakenError),
    Work(WorkError),
}

impl From<KrakenError> for Broken {
    fn from(error: KrakenError) -> Self {
        Self::Connection(error)
    }
}

impl From<WorkError> for Broken {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}
