//! One partition of trades, as candles: windows, watermark, lateness, corrections, and how all of it is computed again.
//!
//! Everything is a function of the log: of the records in their order, and of the marks that say where the clock closed windows.
//! A replay from the low water of a checkpoint therefore passes through the same states and makes the same records:
//!
//! - a window is kept until its end, the grace and the correction horizon are behind the watermark;
//! - the low water is the smallest offset in a kept window, so that every trade of a kept window is read again;
//! - the trade that closed a kept window lies in a later window, which is kept too: it is read again as well, and closes the
//!   window at the same place;
//! - what lies before the committed position was written before it was committed: the replay up to there is silent.

mod shown;
mod slots;

use std::collections::BTreeMap;
use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::candle::ClosedBy;
use crate::candle::Market;
use crate::candle::Status;
use crate::candle::Window;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::MAX_MARKS;
use crate::checkpoint::Mark;
use crate::partition::slots::Slots;
use crate::settings::Emit;
use crate::settings::Guarantee;
use crate::settings::Settings;
use crate::trade::Trade;

/// A record for the topic of candles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandleRecord {
    /// See [`crate::candle::write_key`].
    pub key: String,
    /// JSON.
    pub value: Vec<u8>,
    /// For metrics.
    pub status: Status,
    /// Missing ids of the candle, for metrics.
    pub missing: u64,
}

/// What a trade did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Its id was known: nothing changed.
    pub duplicate: bool,
    /// It came after its window of some length had closed, and corrected the candle.
    pub corrected: bool,
    /// It came after its window of some length was forgotten: it belongs on the topic of late trades.
    pub too_late: bool,
}

/// One market of the partition: its place in the list of markets.
type MarketNumber = usize;

/// The state of one partition.
pub struct Partition {
    settings: Settings,
    /// By exchange and pair, with a bar between them.
    numbers: HashMap<Box<str>, MarketNumber, FixedState>,
    markets: Vec<Market>,
    /// By index of the length in the settings, and start.
    windows: BTreeMap<(usize, i64), Slots>,
    /// Nothing becomes of a window before the watermark is here.
    due_us: i64,
    /// Records before this offset are replayed in silence.
    live_from: i64,
    /// Offset after the last record.
    next: i64,
    watermark_us: i64,
    closed_through_us: i64,
    /// `None` until the first trade of a partition whose beginning is unknown.
    complete_from_us: Option<i64>,
    marks: Vec<Mark>,
    /// Marks of a checkpoint that the replay has not reached.
    ahead: Vec<Mark>,
    key: String,
    /// A record that was written: its memory is taken for the next.
    spare: Option<CandleRecord>,
}

/// How a partition begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// At the first record that there ever was.
    Origin,
    /// Somewhere: what came before is unknown, and windows that may have begun before are not complete.
    Unknown,
    /// Behind a checkpoint, whose replay begins at its low water.
    Checkpoint(Checkpoint),
    /// Behind a checkpoint, but the log does not reach back to its low water any more: windows may lack trades.
    Truncated(Checkpoint),
}

impl Partition {
    /// Returns the partition at the position `next`, about to read `beginning`'s low water or `next`.
    pub fn new(settings: Settings, beginning: Beginning, next: i64) -> Self {
        let mut partition = Self {
            settings,
            numbers: HashMap::default(),
            markets: Vec::new(),
            windows: BTreeMap::new(),
            due_us: i64::MAX,
            live_from: next,
            next,
            watermark_us: i64::MIN,
            closed_through_us: i64::MIN,
            complete_from_us: None,
            marks: Vec::new(),
            ahead: Vec::new(),
            key: String::new(),
            spare: None,
        };
        match beginning {
            Beginning::Origin => partition.complete_from_us = Some(i64::MIN),
            Beginning::Unknown => {}
            Beginning::Checkpoint(checkpoint) => {
                partition.next = checkpoint.low.min(next);
                partition.closed_through_us = checkpoint.closed_through_us;
                partition.complete_from_us = checkpoint.complete_from_us;
                if checkpoint.settings == partition.settings.fingerprint() {
                    partition.ahead = checkpoint.marks;
                } else {
                    // Trades of the windows that the old settings kept are read again; older ones are not.
                    let known = checkpoint.complete_from_us.map(|from| from.max(checkpoint.closed_through_us));
                    partition.complete_from_us = known;
                }
            }
            Beginning::Truncated(checkpoint) => {
                partition.closed_through_us = checkpoint.closed_through_us;
                partition.watermark_us = checkpoint.watermark_us;
            }
        }
        partition
    }

    /// Returns the offset to read next.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// Returns whether the position of the last commit is not reached yet.
    pub fn is_replaying(&self) -> bool {
        self.next < self.live_from
    }

    /// Returns the largest time of trade in microseconds; `None` before the first.
    pub fn watermark_us(&self) -> Option<i64> {
        (self.watermark_us > i64::MIN).then_some(self.watermark_us)
    }

    /// Returns how many candles of open windows there are.
    pub fn open_candles(&self) -> usize {
        let open = self.windows.values().filter(|slots| slots.closed_by.is_none());
        open.map(|slots| slots.markets().count()).sum()
    }

    /// Passes a record that is not a trade.
    pub fn skip(&mut self, offset: i64, out: &mut Vec<CandleRecord>) {
        self.reach(offset, out);
        self.next = offset + 1;
    }

    /// Adds the trade of the record at `offset`; what it makes is appended to `out`.
    pub fn add(&mut self, offset: i64, trade: &Trade, out: &mut Vec<CandleRecord>) -> Effect {
        self.reach(offset, out);
        self.next = offset + 1;
        let silent = offset < self.live_from;
        if self.complete_from_us.is_none() {
            self.complete_from_us = Some(trade.ts_us + self.settings.grace_us);
        }
        let market = self.market(trade);
        let mut effect = Effect { duplicate: true, ..Effect::default() };
        for index in 0..self.settings.seconds.len() {
            self.add_to_window(
                index,
                market,
                (offset, trade),
                &mut effect,
                if silent { None } else { Some(&mut *out) },
            );
        }
        effect.duplicate &= !effect.too_late;
        if trade.ts_us > self.watermark_us {
            self.watermark_us = trade.ts_us;
            self.close_windows(ClosedBy::Watermark, if silent { None } else { Some(out) });
        }
        effect
    }

    /// Adds a trade to its window of one length.
    fn add_to_window(
        &mut self,
        index: usize,
        market: MarketNumber,
        (offset, trade): (i64, &Trade),
        effect: &mut Effect,
        out: Option<&mut Vec<CandleRecord>>,
    ) {
        let seconds = self.settings.seconds[index];
        let length = i64::from(seconds) * 1_000_000;
        let start = trade.ts_us - trade.ts_us.rem_euclid(length);
        let end = start + length;
        if end <= self.closed_through_us {
            effect.too_late = true;
            return;
        }
        let slots = self.windows.entry((index, start)).or_insert_with(|| {
            let closed = end.saturating_add(self.settings.grace_us) <= self.watermark_us;
            let slots = Slots::new(Window::new(start, seconds), offset, closed.then_some(ClosedBy::Watermark));
            self.due_us = self.due_us.min(slots.due_us(&self.settings));
            slots
        });
        let is_new = slots.add(offset, market, trade);
        effect.duplicate &= !is_new;
        if !is_new {
            return;
        }
        let closed = slots.closed_by.is_some();
        effect.corrected |= closed;
        if let Some(out) = out
            && (closed || self.settings.emit == Emit::Current)
        {
            out.extend(slots.record(&self.markets, market, self.complete_from_us, self.spare.take()));
        }
    }

    /// Gives back a record that is not needed any more, for its memory: with `EMIT=current` there is one for each trade.
    pub fn recycle(&mut self, record: CandleRecord) {
        self.spare = Some(record);
    }

    /// Returns the mark by which the clock, `now_us`, closes windows of the idle partition at its position; `None` when none is
    /// due. With at-least-once the checkpoint with this mark has to be stored before [`Self::close`]: then a crash repeats what
    /// `close` writes, wherever it happens.
    pub fn idle_mark(&self, now_us: i64) -> Option<Mark> {
        let (grace, idle) = (self.settings.grace_us, self.settings.idle_us);
        if self.is_replaying() || self.marks.len() >= MAX_MARKS {
            return None;
        }
        let open = self.windows.values().filter(|slots| slots.closed_by.is_none());
        let ends = open.map(|slots| slots.window.end_us + grace);
        let due: Vec<i64> = ends.filter(|end| end + idle <= now_us).collect();
        let first = due.iter().min()?;
        // Not so far that a window would be closed and forgotten at once: then nothing could repeat its record.
        let last = first + self.settings.horizon_us.max(1);
        let watermark_us = due.iter().copied().filter(|end| *end < last).max().unwrap_or(*first);
        Some(Mark { offset: self.next, watermark_us })
    }

    /// Closes the windows of a mark.
    pub fn close(&mut self, mark: Mark, out: &mut Vec<CandleRecord>) {
        self.apply(mark, Some(out));
    }

    /// Whether the record at `offset` was processed before the last commit: it is read again, and writes nothing.
    pub fn is_replay(&self, offset: i64) -> bool {
        offset < self.live_from
    }

    /// Brings the partition to the offset `offset`, before the record there: marks on the way are applied. To be called with the
    /// end of the partition too, because no record may come after the last mark.
    pub fn reach(&mut self, offset: i64, out: &mut Vec<CandleRecord>) {
        self.next = self.next.max(offset);
        while let Some(mark) = self.ahead.first().copied()
            && mark.offset <= offset
        {
            self.ahead.remove(0);
            // At the committed position the records of a mark may not have been written: see `idle_mark`.
            let silent = match self.settings.guarantee {
                Guarantee::AtLeastOnce => mark.offset < self.live_from,
                Guarantee::ExactlyOnce => mark.offset <= self.live_from,
            };
            self.apply(mark, if silent { None } else { Some(&mut *out) });
        }
    }

    fn apply(&mut self, mark: Mark, out: Option<&mut Vec<CandleRecord>>) {
        self.marks.push(mark);
        if mark.watermark_us > self.watermark_us {
            self.watermark_us = mark.watermark_us;
            self.close_windows(ClosedBy::Idle, out);
        }
    }

    /// Closes what the watermark has passed, and forgets what is beyond correction.
    fn close_windows(&mut self, closed_by: ClosedBy, out: Option<&mut Vec<CandleRecord>>) {
        let through = self.watermark_us.saturating_sub(self.settings.kept_us()).max(self.closed_through_us);
        self.closed_through_us = through;
        let grace = self.settings.grace_us;
        self.marks.retain(|mark| mark.watermark_us - grace > through);
        // Seldom, beside the trades that move the watermark.
        if self.watermark_us >= self.due_us {
            self.close_due(closed_by, out);
            self.windows.retain(|_, slots| slots.window.end_us > through);
            self.due_us = self.windows.values().map(|slots| slots.due_us(&self.settings)).min().unwrap_or(i64::MAX);
        }
    }

    /// Closes what the watermark has passed, in the order of lengths and times.
    fn close_due(&mut self, closed_by: ClosedBy, mut out: Option<&mut Vec<CandleRecord>>) {
        for slots in self.windows.values_mut() {
            if slots.closed_by.is_some() || slots.due_us(&self.settings) > self.watermark_us {
                continue;
            }
            slots.closed_by = Some(closed_by);
            let Some(out) = out.as_deref_mut() else { continue };
            // In the order of their names: the numbers depend on where reading began.
            let mut numbers: Vec<MarketNumber> = slots.markets().collect();
            numbers.sort_unstable_by_key(|number| (&self.markets[*number].exchange, &self.markets[*number].pair));
            let records = numbers
                .into_iter()
                .filter_map(|number| slots.record(&self.markets, number, self.complete_from_us, None));
            out.extend(records);
        }
    }

    /// Returns the state to be committed with the position [`Self::next`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            low: self.windows.values().map(|slots| slots.low).min().unwrap_or(self.next),
            watermark_us: self.watermark_us,
            closed_through_us: self.closed_through_us,
            complete_from_us: self.complete_from_us,
            settings: self.settings.fingerprint(),
            marks: self.marks.clone(),
        }
    }

    /// Returns the number of the trade's market.
    fn market(&mut self, trade: &Trade) -> MarketNumber {
        self.key.clear();
        self.key.push_str(&trade.exchange);
        self.key.push('|');
        self.key.push_str(&trade.pair);
        if let Some(number) = self.numbers.get(self.key.as_str()) {
            return *number;
        }
        let number = self.markets.len();
        self.numbers.insert(self.key.as_str().into(), number);
        self.markets.push(Market::new(&trade.exchange, &trade.pair));
        number
    }
}
