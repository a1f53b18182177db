//! Made-up trades: prices that wander, ids that count, and as much disorder as asked for. Equal seeds give equal trades.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use rand_chacha::rand_core::SeedableRng;

use crate::source::TradeRecord;
use crate::trade::TradeMessage;

/// Trades that share a millisecond are a tenth of all: real ones do.
const SAME_MOMENT: u64 = 10;

/// What the trades are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disorder {
    /// See `SEED`.
    pub seed: u64,
    /// Trades come up to so many microseconds late.
    pub jitter_us: u64,
    /// Of a thousand trades so many come twice.
    pub duplicates_per_mille: u64,
    /// Of a thousand records so many are no trades.
    pub poison_per_mille: u64,
}

/// The exchange of synthetic trades.
struct Market {
    pair: String,
    next_id: u64,
    /// Hundredths.
    price: u64,
}

/// An endless source of records.
pub struct Synthetic {
    random: ChaCha8Rng,
    disorder: Disorder,
    markets: Vec<Market>,
    last_us: i64,
    /// Trades that are on their way, by the time at which they arrive.
    delayed: BinaryHeap<Reverse<(i64, u64, TradeRecord)>>,
    sequence: u64,
}

impl Synthetic {
    /// Returns the source for `pairs`.
    pub fn new(pairs: &[String], disorder: Disorder) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(disorder.seed);
        let markets = pairs
            .iter()
            .map(|pair| Market { pair: pair.clone(), next_id: 1, price: 1_000 + random.next_u64() % 9_000_000 })
            .collect();
        Self { random, disorder, markets, last_us: i64::MIN, delayed: BinaryHeap::new(), sequence: 0 }
    }

    fn chance(&mut self, per_mille: u64) -> bool {
        self.random.next_u64() % 1_000 < per_mille
    }

    /// A trade happens at `now_us`; returns the records that arrive by then, oldest first.
    pub fn trade(&mut self, now_us: i64) -> Vec<TradeRecord> {
        let record = self.make(now_us);
        let jitter = self.disorder.jitter_us;
        let copies = if self.chance(self.disorder.duplicates_per_mille) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = if jitter == 0 { 0 } else { self.random.next_u64() % jitter };
            let arrival = now_us.saturating_add_unsigned(delay);
            self.sequence += 1;
            self.delayed.push(Reverse((arrival, self.sequence, record.clone())));
        }
        let mut arrived = self.arrived(now_us);
        if self.chance(self.disorder.poison_per_mille) {
            arrived.push(TradeRecord { key: record.key, payload: b"{\"price\":\"NaN\"".to_vec() });
        }
        arrived
    }

    /// Returns the records that arrive until `now_us`.
    pub fn arrived(&mut self, now_us: i64) -> Vec<TradeRecord> {
        let mut arrived = Vec::new();
        while let Some(Reverse((at, _, _))) = self.delayed.peek()
            && *at <= now_us
        {
            arrived.extend(self.delayed.pop().map(|Reverse((_, _, record))| record));
        }
        arrived
    }

    fn make(&mut self, now_us: i64) -> TradeRecord {
        let count = self.markets.len() as u64;
        let chosen = usize::try_from(self.random.next_u64() % count).unwrap_or(0);
        let (step, size, same) = (self.random.next_u64() % 21, self.random.next_u64(), self.random.next_u64());
        let ts_us = if same.is_multiple_of(SAME_MOMENT) { self.last_us.max(now_us - 1_000) } else { now_us };
        self.last_us = ts_us;
        let market = &mut self.markets[chosen];
        let id = market.next_id;
        market.next_id += 1;
        market.price = (market.price + step).saturating_sub(10).max(1);
        let price = format!("{}.{:02}", market.price / 100, market.price % 100);
        let quantity = format!("{}.{:08}", size % 3, 1 + (size >> 32) % 99_999_999);
        let message = TradeMessage {
            v: 1,
            exchange: "synthetic",
            pair: &market.pair,
            trade_id: id,
            price: &price,
            quantity: &quantity,
            side: Some(if step > 10 { "buy" } else { "sell" }),
            ts_us,
            src: "synthetic",
        };
        TradeRecord { key: market.pair.clone(), payload: message.to_json() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::trade::Trade;

    fn records(seed: u64) -> Vec<TradeRecord> {
        let disorder = Disorder { seed, jitter_us: 2_000_000, duplicates_per_mille: 10, poison_per_mille: 10 };
        let mut source = Synthetic::new(&["A/B".to_owned(), "C/D".to_owned()], disorder);
        let start = 1_731_153_600_000_000;
        let mut records: Vec<TradeRecord> = (0..10_000).flat_map(|step| source.trade(start + step * 1_000)).collect();
        records.extend(source.arrived(i64::MAX));
        records
    }

    #[test]
    fn equal_seeds_give_equal_trades_and_every_trade_comes() {
        let first = records(7);
        assert_eq!(first, records(7));
        assert_ne!(first, records(8));
        let (mut ids, mut poison, mut out_of_order, mut last) = (BTreeSet::new(), 0, 0, 0);
        for record in &first {
            match Trade::parse(Some(&record.payload)) {
                Ok(trade) => {
                    out_of_order += i32::from(trade.ts_us < last);
                    last = trade.ts_us;
                    ids.insert((trade.pair.into_owned(), trade.id));
                }
                Err(_) => poison += 1,
            }
        }
        assert_eq!(ids.len(), 10_000);
        assert!((50..200).contains(&poison), "{poison}");
        assert!((50..200).contains(&(first.len() - 10_000 - poison)), "{} records", first.len());
        assert!(out_of_order > 3_000, "{out_of_order}");
    }
}
