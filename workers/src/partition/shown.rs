//! What the live page shows of a partition.

use crate::partition::CandleRecord;
use crate::partition::MarketNumber;
use crate::partition::Partition;
use crate::partition::slots::Slots;

impl Partition {
    /// Returns the markets that have traded, as exchange and pair.
    pub fn markets(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.markets.iter().map(|market| (market.exchange.as_ref(), market.pair.as_ref()))
    }

    /// Returns the candles of a market's open windows as they stand, newest first; `None` when it has not traded here. `market` is
    /// named as in the keys of its records.
    pub fn open_windows(&self, market: &str) -> Option<Vec<CandleRecord>> {
        let number = self.number_of(market)?;
        let mut records = Vec::new();
        for index in 0..self.settings.seconds.len() {
            let newest_first = self.windows.range((index, i64::MIN)..=(index, i64::MAX)).rev();
            let open = newest_first.take_while(|(_, slots)| slots.closed_by.is_none());
            records.extend(open.filter_map(|(_, slots)| self.record(slots, number)));
        }
        Some(records)
    }

    /// Returns the candles of a market's newest windows that can still be corrected or are open: of each length up to `most` windows.
    pub fn kept_windows(&self, market: &str, most: usize) -> Option<Vec<CandleRecord>> {
        let number = self.number_of(market)?;
        let mut records = Vec::new();
        for index in 0..self.settings.seconds.len() {
            let newest_first = self.windows.range((index, i64::MIN)..=(index, i64::MAX)).rev();
            records.extend(newest_first.take(most).filter_map(|(_, slots)| self.record(slots, number)));
        }
        Some(records)
    }

    fn record(&self, slots: &Slots, number: MarketNumber) -> Option<CandleRecord> {
        slots.record(&self.markets, number, self.complete_from_us, None)
    }

    fn number_of(&self, name: &str) -> Option<MarketNumber> {
        // A market without an exchange has no bar in the keys of its records.
        self.numbers.get(name).or_else(|| self.numbers.get(format!("|{name}").as_str())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candle::Status;
    use crate::decimal::Amount;
    use crate::partition::Beginning;
    use crate::settings::Emit;
    use crate::settings::Guarantee;
    use crate::settings::Settings;
    use crate::trade::Trade;

    const SECOND: i64 = 1_000_000;
    const START: i64 = 1_731_153_600 * SECOND;

    fn trade(exchange: &'static str, pair: &'static str, id: u64, second: i64) -> Trade<'static> {
        let price = Amount::parse("7.5").unwrap();
        let notional = price.times(price).unwrap();
        let ts_us = START + second * SECOND;
        Trade { exchange: exchange.into(), pair: pair.into(), id, ts_us, price, quantity: price, notional }
    }

    /// Windows of 10 s that are kept for 20 s: at the end those from 20 on are kept, and that of 40 is open.
    fn partition(trades: &[Trade<'static>]) -> Partition {
        let settings = Settings {
            seconds: vec![10],
            grace_us: 0,
            horizon_us: 20 * SECOND,
            idle_us: SECOND,
            emit: Emit::Final,
            guarantee: Guarantee::AtLeastOnce,
        };
        let mut partition = Partition::new(settings, Beginning::Origin, 0);
        for (offset, trade) in (0..).zip(trades) {
            partition.add(offset, trade, &mut Vec::new());
        }
        partition
    }

    fn keys(records: Option<Vec<CandleRecord>>) -> Vec<(i64, Status)> {
        let start = |record: &CandleRecord| record.key.rsplit('|').next().unwrap().parse::<i64>().unwrap();
        records.unwrap().iter().map(|record| ((start(record) - START) / SECOND, record.status)).collect()
    }

    #[test]
    fn the_kept_windows_of_one_market_are_shown_newest_first() {
        let trades = [
            trade("x", "A/B", 1, 0),
            trade("x", "A/B", 2, 21),
            trade("x", "C/D", 1, 31),
            trade("x", "A/B", 3, 41),
            trade("x", "A/B", 4, 22),
        ];
        let partition = partition(&trades);
        let kept = [(40, Status::Open), (20, Status::Corrected)];
        assert_eq!(keys(partition.kept_windows("x|A/B", 300)), kept);
        assert_eq!(keys(partition.kept_windows("x|A/B", 1)), kept[..1], "no more than asked for");
        assert_eq!(keys(partition.open_windows("x|A/B")), kept[..1]);
        assert_eq!(keys(partition.open_windows("x|C/D")), [], "it has traded, and not in an open window");
        assert_eq!((partition.open_windows("x|E/F"), partition.kept_windows("A/B", 1)), (None, None));
        assert_eq!(partition.markets().collect::<Vec<_>>(), [("x", "A/B"), ("x", "C/D")]);
    }

    #[test]
    fn a_market_without_an_exchange_is_found_by_its_pair() {
        let partition = partition(&[trade("", "A/B", 1, 0)]);
        assert_eq!(keys(partition.open_windows("A/B")), [(0, Status::Open)]);
    }
}
