//! One candle: what a set of trades says of a pair in a window of time.
//!
//! It is a function of the *set* of its trades. Open and close are the first and the last by (time, trade id), a trade that
//! comes twice counts once, sums are exact: whatever the order and the repetition, the result is the same to the byte.

mod json;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::candle::json::Object;
use crate::decimal::Amount;
use crate::decimal::Sum;
use crate::decimal::Total;
use crate::trade::Trade;

/// Ids of a word in [`TradeIds`].
const WORD: u64 = u64::BITS as u64;

/// A set of trade ids. Exchanges count trades one by one, so that 64 neighbours share a word; the word of the first id stands here, because
/// most candles of a quiet market have no other.
#[derive(Clone, Debug, Default)]
struct TradeIds {
    /// Index and bits; of no meaning while the set is empty.
    first: (u64, u64),
    words: BTreeMap<u64, u64>,
    count: u64,
}

impl TradeIds {
    /// Adds `id`; returns whether it is new.
    fn insert(&mut self, id: u64) -> bool {
        let bit = 1 << (id % WORD);
        if self.count == 0 {
            self.first.0 = id / WORD;
        }
        let word = if self.first.0 == id / WORD { &mut self.first.1 } else { self.words.entry(id / WORD).or_default() };
        let new = *word & bit == 0;
        *word |= bit;
        self.count += u64::from(new);
        new
    }

    /// Returns the smallest and the largest id; `None` of an empty set.
    fn bounds(&self) -> Option<(u64, u64)> {
        if self.count == 0 {
            return None;
        }
        let word = (&self.first.0, &self.first.1);
        let (first_index, first) = self.words.first_key_value().map_or(word, |other| other.min(word));
        let (last_index, last) = self.words.last_key_value().map_or(word, |other| other.max(word));
        let smallest = first_index * WORD + u64::from(first.trailing_zeros());
        let largest = last_index * WORD + (WORD - 1 - u64::from(last.leading_zeros()));
        Some((smallest, largest))
    }
}

/// The trades of one market in one window, folded.
#[derive(Clone, Debug)]
pub struct Candle {
    ids: TradeIds,
    /// Time, id and price of the first trade.
    open: (i64, u64, Amount),
    /// Time, id and price of the last trade.
    close: (i64, u64, Amount),
    high: Amount,
    low: Amount,
    volume: Sum,
    quote_volume: Total,
}

impl Candle {
    /// Returns the candle of one trade.
    pub fn new(trade: &Trade) -> Self {
        let key = (trade.ts_us, trade.id, trade.price);
        let mut candle = Self {
            ids: TradeIds::default(),
            open: key,
            close: key,
            high: trade.price,
            low: trade.price,
            volume: Sum::default(),
            quote_volume: Total::default(),
        };
        candle.add(trade);
        candle
    }

    /// Adds a trade; returns whether it is new. One with a known id changes nothing.
    pub fn add(&mut self, trade: &Trade) -> bool {
        if !self.ids.insert(trade.id) {
            return false;
        }
        let key = (trade.ts_us, trade.id, trade.price);
        self.open = self.open.min(key);
        self.close = self.close.max(key);
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.volume.add(trade.quantity);
        self.quote_volume.add(trade.notional);
        true
    }

    /// Returns how many ids between the first and the last are of no trade here.
    pub fn missing(&self) -> u64 {
        self.ids.bounds().map_or(0, |(first, last)| (last - first).saturating_sub(self.ids.count - 1))
    }
}

/// What a candle is at the time of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The window is open; more trades may come.
    Open,
    /// The window has closed.
    Final,
    /// A late trade changed a candle of a closed window.
    Corrected,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Final => "final",
            Self::Corrected => "corrected",
        }
    }
}

/// What closed a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// A later trade of the partition.
    Watermark,
    /// The clock, at the end of an idle partition.
    Idle,
}

impl ClosedBy {
    fn word(self) -> &'static str {
        match self {
            Self::Watermark => "watermark",
            Self::Idle => "idle",
        }
    }
}

/// Which candle a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// Empty when the producer does not say.
    pub exchange: &'a str,
    /// As in the trades.
    pub pair: &'a str,
    /// First microsecond since 1970 UTC; a multiple of the length.
    pub start_us: i64,
    /// Length in seconds.
    pub seconds: u32,
}

impl Window<'_> {
    /// Returns the record's key, `pair|60s|start` with the exchange before it where one is known. Compaction keeps the newest
    /// record of a key.
    pub fn key(&self) -> String {
        let mut key = String::with_capacity(64);
        if !self.exchange.is_empty() {
            key.push_str(self.exchange);
            key.push('|');
        }
        key.push_str(self.pair);
        let _ = write!(key, "|{}s|{}", self.seconds, self.start_us);
        key
    }
}

/// What a record says of a candle beside its trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Open, final or corrected.
    pub status: Status,
    /// How often the final candle was corrected.
    pub revision: u32,
    /// What closed the window; `None` while it is open.
    pub closed_by: Option<ClosedBy>,
    /// Whether every trade of the window was there to be read.
    pub complete: bool,
}

/// Returns the value of a record, version 1: only what the trades say, so that a repetition is the same to the byte.
pub fn to_json(window: &Window, candle: &Candle, standing: Standing) -> Vec<u8> {
    let (first, last) = candle.ids.bounds().unwrap_or((candle.open.1, candle.close.1));
    let mut json = Object::new();
    json.count("v", 1);
    if !window.exchange.is_empty() {
        json.string("exchange", window.exchange);
    }
    json.string("pair", window.pair);
    json.seconds("interval", window.seconds);
    json.time("start_us", window.start_us);
    json.time("end_us", window.start_us + i64::from(window.seconds) * 1_000_000);
    json.decimal("open", &candle.open.2.text());
    json.decimal("high", &candle.high.text());
    json.decimal("low", &candle.low.text());
    json.decimal("close", &candle.close.2.text());
    json.decimal("volume", &candle.volume.text());
    json.decimal("quote_volume", &candle.quote_volume.text());
    json.count("trade_count", candle.ids.count);
    json.count("first_trade_id", first);
    json.count("last_trade_id", last);
    json.count("missing_trades", candle.missing());
    json.answer("complete", standing.complete);
    json.word("status", standing.status.word());
    json.count("revision", u64::from(standing.revision));
    if let Some(closed_by) = standing.closed_by {
        json.word("closed_by", closed_by.word());
    }
    json.end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trade(id: u64, ts_us: i64, price: u32, quantity: u32) -> Trade<'static> {
        let price = Amount::parse(&format!("{price}.01")).unwrap();
        let quantity = Amount::parse(&format!("0.{quantity:06}")).unwrap();
        let notional = price.times(quantity).unwrap();
        Trade { exchange: "".into(), pair: "A/B".into(), id, ts_us, price, quantity, notional }
    }

    fn json(trades: &[Trade]) -> String {
        let mut candle = Candle::new(&trades[0]);
        for trade in &trades[1..] {
            candle.add(trade);
        }
        let window = Window { exchange: "", pair: "A/B", start_us: 0, seconds: 60 };
        let standing =
            Standing { status: Status::Final, revision: 0, closed_by: Some(ClosedBy::Watermark), complete: true };
        String::from_utf8(to_json(&window, &candle, standing)).unwrap()
    }

    #[test]
    fn a_candle_is_written_in_full() {
        let trades = [trade(12, 30, 5, 1), trade(10, 10, 7, 2), trade(11, 10, 3, 4), trade(15, 30, 4, 8)];
        assert_eq!(
            json(&trades),
            r#"{"v":1,"pair":"A/B","interval":"60s","start_us":0,"end_us":60000000,"open":"7.01","high":"7.01","#
                .to_owned()
                + r#""low":"3.01","close":"4.01","volume":"0.000015","quote_volume":"0.00006315","trade_count":4,"#
                + r#""first_trade_id":10,"last_trade_id":15,"missing_trades":2,"complete":true,"status":"final","#
                + r#""revision":0,"closed_by":"watermark"}"#
        );
    }

    #[test]
    fn ids_at_the_ends_of_words_and_of_numbers_are_found() {
        let mut ids = TradeIds::default();
        assert_eq!(ids.bounds(), None);
        for id in [63, 64, 0, u64::MAX] {
            assert!(ids.insert(id));
            assert!(!ids.insert(id));
        }
        assert_eq!((ids.bounds(), ids.count), (Some((0, u64::MAX)), 4));
        for (order, bounds) in [([700, 5, 9], (5, 700)), ([5, 700, 9], (5, 700)), ([300, 5, 700], (5, 700))] {
            let mut ids = TradeIds::default();
            assert!(order.into_iter().all(|id| ids.insert(id)));
            assert_eq!(ids.bounds(), Some(bounds), "{order:?}");
        }
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_give_the_same_bytes(
            seeds in prop::collection::vec((0..5_i64, 1..9_u32, 1..9_u32), 1..40),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
            shift in any::<prop::sample::Index>(),
        ) {
            let trades: Vec<Trade> = (0_u64..)
                .zip(&seeds)
                .map(|(id, (ts_us, price, quantity))| trade(id * 3, *ts_us, *price, *quantity))
                .collect();
            let mut shuffled: Vec<Trade> = picks.iter().map(|pick| pick.get(&trades).clone()).collect();
            shuffled.extend(trades.iter().rev().cloned());
            let middle = shift.index(shuffled.len());
            shuffled.rotate_left(middle);
            prop_assert_eq!(json(&trades), json(&shuffled));
        }
    }
}
