//! What the page shows: the newest candles of each pair, and how the processor is doing.
//!
//! The processor writes, readers look. Nothing is queued for a reader: one that comes late finds the newest of everything, so that
//! neither a slow reader nor a thousand updates cost memory.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Serialize;
use tokio::sync::watch;

use crate::candle::Status;
use crate::partition::CandleRecord;
use crate::web::watcher::Watcher;

/// Candles that are kept of a pair and length, when there is room for all.
pub const MOST: usize = 300;

/// Candles that are kept in all, about 450 bytes each. Of 10,000 pairs that is a handful each.
const BUDGET: usize = 65_536;

/// Readers at a time.
pub const MOST_WATCHERS: usize = 64;

/// How the processor is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The clock, in microseconds since 1970 UTC.
    pub now_us: i64,
    /// Whether the partitions are assigned and restored.
    pub ready: bool,
    /// Trades that counted.
    pub trades: u64,
    /// Trades whose id was known.
    pub duplicates: u64,
    /// Late trades that corrected a candle.
    pub corrected: u64,
    /// Late trades that came after their window was forgotten.
    pub too_late: u64,
    /// Records that are no trades.
    pub dead_letters: u64,
    /// Ids missing in final candles.
    pub missing: u64,
    /// Candles of open windows.
    pub open: u64,
    /// Sorted by number.
    pub partitions: Vec<PartitionProgress>,
}

/// How a partition is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionProgress {
    /// Its number.
    pub id: i32,
    /// Records between the position and the end.
    pub lag: i64,
    /// Milliseconds between the clock and the watermark; `None` before the first trade.
    pub watermark_delay_ms: Option<i64>,
}

/// Which windows of a market a reader lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that are kept: the reader is new.
    Kept,
    /// Those that are open.
    Open,
}

/// A candle and when it came.
struct Shown {
    version: u64,
    value: Arc<str>,
}

/// A market that somebody looks at.
#[derive(Default)]
struct Watched {
    readers: usize,
    is_served: bool,
    partition: Option<i32>,
}

/// The candles of a market and length by their start.
type Series = BTreeMap<i64, Shown>;

#[derive(Default)]
struct State {
    /// Grows with every change.
    version: u64,
    /// By market and length, as `kraken|BTC/USD|60s`.
    series: HashMap<Box<str>, Series>,
    watched: BTreeMap<Box<str>, Watched>,
    /// Sorted.
    markets: Arc<[Box<str>]>,
    /// JSON.
    progress: Option<Shown>,
}

/// What the page shows.
pub struct Board {
    intervals: Vec<String>,
    notice: &'static str,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

/// What a reader has not seen.
pub(super) struct News {
    /// JSON, by start.
    pub(super) candles: Vec<Arc<str>>,
    /// JSON of [`Progress`].
    pub(super) progress: Option<Arc<str>>,
    /// Of the market; `None` when it is in none of ours.
    pub(super) partition: Option<i32>,
    /// To ask from the next time.
    pub(super) version: u64,
}

impl Board {
    /// Returns an empty board for windows of these lengths.
    pub fn new(seconds: &[u32]) -> Self {
        let intervals = seconds.iter().map(|length| format!("{length}s")).collect();
        Self { intervals, notice: "", state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// Returns the board with a sentence for everybody who looks at it.
    #[must_use]
    pub fn with_notice(self, notice: &'static str) -> Self {
        Self { notice, ..self }
    }

    /// Returns the sentence for everybody; empty when there is none.
    pub fn notice(&self) -> &'static str {
        self.notice
    }

    /// Returns the lengths of windows, as records name them.
    pub fn intervals(&self) -> &[String] {
        &self.intervals
    }

    /// Takes a record that was written. Those of open windows come by [`Self::show`], as often as anybody can see.
    pub fn note(&self, record: &CandleRecord) {
        if record.status != Status::Open {
            self.lock().put(record);
        }
    }

    /// Returns the markets that are looked at, and what of them is wanted.
    pub fn wanted(&self) -> Vec<(Box<str>, Wanted)> {
        let state = self.lock();
        let markets = state
            .watched
            .iter()
            .map(|(market, watched)| (market.clone(), if watched.is_served { Wanted::Open } else { Wanted::Kept }));
        markets.collect()
    }

    /// Takes what was wanted of a market, and the partition that it is in; `None` when it is in none of ours.
    pub fn show(&self, market: &str, wanted: Wanted, partition: Option<i32>, records: &[CandleRecord]) {
        let mut state = self.lock();
        for record in records {
            state.put(record);
        }
        if let Some(watched) = state.watched.get_mut(market) {
            watched.partition = partition;
            // Not when a reader has come since it was asked for.
            watched.is_served = partition.is_some() && (watched.is_served || wanted == Wanted::Kept);
        }
    }

    /// Takes the names of all markets that are computed here, and forgets the others.
    pub fn set_markets(&self, mut markets: Vec<Box<str>>) {
        markets.sort_unstable();
        markets.dedup();
        let mut state = self.lock();
        state.series.retain(|key, _| {
            let market = key.rsplit_once('|').map_or("", |(market, _)| market);
            markets.binary_search_by(|known| known.as_ref().cmp(market)).is_ok()
        });
        state.markets = markets.into();
    }

    /// Takes how the processor is doing.
    ///
    /// # Panics
    /// Never: numbers are JSON.
    pub fn set_progress(&self, progress: &Progress) {
        let value = serde_json::to_string(progress).expect("numbers are JSON");
        let mut state = self.lock();
        state.version += 1;
        state.progress = Some(Shown { version: state.version, value: value.into() });
    }

    /// Wakes the readers.
    pub fn publish(&self) {
        self.changed.send_replace(());
    }

    /// Returns the names of all markets, sorted.
    pub fn markets(&self) -> Arc<[Box<str>]> {
        Arc::clone(&self.lock().markets)
    }

    /// Returns a reader of a market and length; `None` when there are too many readers.
    pub fn watch(self: &Arc<Self>, market: &str, interval: &str) -> Option<Watcher> {
        let mut state = self.lock();
        if state.watched.values().map(|watched| watched.readers).sum::<usize>() >= MOST_WATCHERS {
            return None;
        }
        let watched = state.watched.entry(market.into()).or_default();
        watched.readers += 1;
        // A length may be new to this market.
        watched.is_served = false;
        drop(state);
        Some(Watcher::new(Arc::clone(self), self.changed.subscribe(), market, interval))
    }

    /// Returns how many readers there are.
    pub fn watchers(&self) -> usize {
        self.lock().watched.values().map(|watched| watched.readers).sum()
    }

    /// Returns how many candles are kept.
    pub fn candles(&self) -> usize {
        self.lock().series.values().map(BTreeMap::len).sum()
    }

    /// A reader has gone.
    pub(super) fn leave(&self, market: &str) {
        let mut state = self.lock();
        let Some(watched) = state.watched.get_mut(market) else { return };
        watched.readers -= 1;
        if watched.readers == 0 {
            state.watched.remove(market);
        }
    }

    /// Returns what came after `version`.
    pub(super) fn news(&self, market: &str, interval: &str, version: u64) -> News {
        let state = self.lock();
        let candles = state.series.get(format!("{market}|{interval}").as_str());
        let newer = |shown: &&Shown| shown.version > version;
        News {
            candles: candles.into_iter().flat_map(BTreeMap::values).filter(newer).map(Shown::text).collect(),
            progress: state.progress.as_ref().filter(newer).map(Shown::text),
            partition: state.watched.get(market).and_then(|watched| watched.partition),
            version: state.version,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn text(&self) -> Arc<str> {
        Arc::clone(&self.value)
    }
}

impl State {
    /// Replaces what is shown of a window.
    fn put(&mut self, record: &CandleRecord) {
        // As `Window::key` writes it.
        let Some((key, start)) = record.key.rsplit_once('|') else { return };
        let (Ok(start), Ok(value)) = (start.parse(), std::str::from_utf8(&record.value)) else { return };
        if !self.series.contains_key(key) {
            if self.series.len() >= BUDGET {
                return;
            }
            self.series.insert(key.into(), Series::new());
            if self.series.len().is_power_of_two() {
                self.make_room();
            }
        }
        let most = most(self.series.len());
        let Some(series) = self.series.get_mut(key) else { return };
        if series.get(&start).is_some_and(|shown| shown.value.as_ref() == value) {
            return;
        }
        self.version += 1;
        series.insert(start, Shown { version: self.version, value: value.into() });
        if series.len() > most {
            series.pop_first();
        }
    }

    /// There are more series than before: each keeps less.
    fn make_room(&mut self) {
        let most = most(self.series.len());
        for series in self.series.values_mut() {
            while series.len() > most {
                series.pop_first();
            }
        }
    }
}

/// Returns how many candles each of `series` series keeps, so that all of them keep to the budget.
fn most(series: usize) -> usize {
    // Changes with the powers of two alone: everybody makes room then.
    (BUDGET / (series + 1).next_power_of_two()).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, status: Status, value: &str) -> CandleRecord {
        CandleRecord { key: key.to_owned(), value: value.as_bytes().to_vec(), status, missing: 0 }
    }

    fn texts(news: &News) -> Vec<&str> {
        news.candles.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn a_reader_sees_what_changed_since_it_last_looked() {
        let board = Arc::new(Board::new(&[60]));
        board.note(&record("x|A/B|60s|60", Status::Final, "b"));
        board.note(&record("x|A/B|60s|0", Status::Final, "a"));
        board.note(&record("x|C/D|60s|0", Status::Final, "other"));
        board.note(&record("x|A/B|60s|120", Status::Open, "by `show` alone"));
        let first = board.news("x|A/B", "60s", 0);
        assert_eq!(texts(&first), ["a", "b"]);
        board.note(&record("x|A/B|60s|0", Status::Corrected, "a2"));
        board.note(&record("x|A/B|60s|60", Status::Final, "b"));
        let second = board.news("x|A/B", "60s", first.version);
        assert_eq!(texts(&second), ["a2"], "a repetition is no news");
        assert_eq!(texts(&board.news("x|A/B", "60s", second.version)), <[&str; 0]>::default());
    }

    #[test]
    fn what_is_wanted_is_the_past_once_and_then_what_is_open() {
        let board = Arc::new(Board::new(&[60]));
        assert_eq!(board.wanted(), []);
        let reader = board.watch("A/B", "60s").unwrap();
        assert_eq!(board.wanted(), [("A/B".into(), Wanted::Kept)]);
        board.show("A/B", Wanted::Kept, None, &[]);
        assert_eq!(board.wanted(), [("A/B".into(), Wanted::Kept)], "it was not there yet");
        board.show("A/B", Wanted::Kept, Some(3), &[record("A/B|60s|0", Status::Open, "a")]);
        assert_eq!(board.wanted(), [("A/B".into(), Wanted::Open)]);
        let news = board.news("A/B", "60s", 0);
        assert_eq!((texts(&news), news.partition), (vec!["a"], Some(3)));
        drop(reader);
        assert_eq!((board.wanted(), board.watchers()), (vec![], 0));
    }

    #[test]
    fn memory_is_bounded_whatever_the_number_of_pairs() {
        let board = Board::new(&[1]);
        for start in 0..1_000 {
            board.note(&record(&format!("A/B|1s|{start}"), Status::Final, "a"));
        }
        assert_eq!(board.candles(), MOST);
        for pair in 0..70_000 {
            for start in 0..3 {
                board.note(&record(&format!("{pair}|1s|{start}"), Status::Final, "a"));
            }
        }
        assert!(board.candles() <= BUDGET, "{} candles", board.candles());
        assert_eq!(most(BUDGET), 1);
        assert!((1..=BUDGET).all(|series| series * most(series) <= BUDGET));
    }

    #[test]
    fn markets_that_went_to_another_replica_are_forgotten() {
        let board = Board::new(&[60]);
        for pair in ["A/B", "C/D"] {
            board.note(&record(&format!("x|{pair}|60s|0"), Status::Final, "a"));
        }
        board.set_markets(vec!["x|C/D".into(), "x|C/D".into()]);
        assert_eq!((board.candles(), board.markets().len()), (1, 1));
        assert_eq!(board.news("x|A/B", "60s", 0).candles.len(), 0);
    }

    #[test]
    fn readers_are_counted_and_limited() {
        let board = Arc::new(Board::new(&[60]));
        let readers: Vec<_> = (0..MOST_WATCHERS).map(|_| board.watch("A/B", "60s").unwrap()).collect();
        assert!(board.watch("A/B", "60s").is_none());
        drop(readers);
        assert!(board.watch("A/B", "60s").is_some());
    }
}
