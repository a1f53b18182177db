//! One candle: what a set of trades says of a pair in a window of time.
//!
//! It is a function of the *set* of its trades. Open and close are the first and the last by (time, trade id), a trade that
//! comes twice counts once, sums are exact: whatever the order and the repetition, the result is the same to the byte.

mod ids;
mod json;

use crate::candle::ids::TradeIds;
use crate::decimal::Amount;
use crate::decimal::Sum;
use crate::decimal::Total;
use crate::trade::Trade;

pub use crate::candle::json::Market;
pub use crate::candle::json::Window;
pub use crate::candle::json::write_json;
pub use crate::candle::json::write_key;

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
        let (mut volume, mut quote_volume) = (Sum::default(), Total::default());
        volume.add(trade.quantity);
        quote_volume.add(trade.notional);
        let (high, low) = (trade.price, trade.price);
        Self { ids: TradeIds::of(trade.id), open: key, close: key, high, low, volume, quote_volume }
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
        self.ids.missing()
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
        let standing =
            Standing { status: Status::Final, revision: 0, closed_by: Some(ClosedBy::Watermark), complete: true };
        // What was in the buffer is not to be seen.
        let mut json = b"before".to_vec();
        write_json(&Market::new("", "A/B"), &Window::new(0, 60), (&candle, standing), &mut json);
        String::from_utf8(json).unwrap()
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
    fn names_of_any_characters_and_times_before_1970_are_json() {
        let candle = Candle::new(&trade(1, 0, 1, 1));
        let standing = Standing { status: Status::Open, revision: 0, closed_by: None, complete: false };
        let (market, window) = (Market::new("A\"\\/é", "\u{1}B"), Window::new(-120_000_000, 60));
        let (mut key, mut json) = ("before".to_owned(), Vec::new());
        write_json(&market, &window, (&candle, standing), &mut json);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((value["exchange"].as_str(), value["pair"].as_str()), (Some("A\"\\/é"), Some("\u{1}B")));
        assert_eq!((value["start_us"].as_i64(), value["end_us"].as_i64()), (Some(-120_000_000), Some(-60_000_000)));
        assert_eq!((value["complete"].as_bool(), value.get("closed_by")), (Some(false), None));
        write_key(&market, &window, &mut key);
        assert_eq!(key, "A\"\\/é|\u{1}B|60s|-120000000");
        write_key(&Market::new("", "A/B"), &window, &mut key);
        assert_eq!(key, "A/B|60s|-120000000");
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
