//! What the candles have to be, from the log of trades, and what they are.

use std::collections::BTreeMap;

use workers::decimal::Amount;
use workers::decimal::Sum;
use workers::trade::Trade;

use crate::broker::Broker;
use crate::broker::Record;

/// The length of a window, as [`Broker::candles`] sets it.
const WINDOW_US: i64 = 10_000_000;

/// What the log says: by pair and start, the open, high, low, close, volume and count of its trades.
pub(crate) type Expected = BTreeMap<(String, i64), (String, String, String, String, String, usize)>;

pub(crate) fn oracle(broker: &Broker) -> Expected {
    /// By id: time, id, price and quantity.
    type Trades = BTreeMap<u64, (i64, u64, Amount, Amount)>;
    let mut windows: BTreeMap<(String, i64), Trades> = BTreeMap::new();
    for record in broker.read(&broker.name) {
        if let Ok(trade) = Trade::parse(Some(&record.value)) {
            let window = (trade.pair.to_string(), trade.ts_us - trade.ts_us % WINDOW_US);
            windows.entry(window).or_default().insert(trade.id, (trade.ts_us, trade.id, trade.price, trade.quantity));
        }
    }
    let summed = windows.into_iter().map(|(window, trades)| {
        let mut trades: Vec<_> = trades.into_values().collect();
        trades.sort_unstable();
        let mut volume = Sum::default();
        for trade in &trades {
            volume.add(trade.3);
        }
        let prices = || trades.iter().map(|trade| trade.2);
        let (open, close) = (trades[0].2.to_string(), trades[trades.len() - 1].2.to_string());
        let (high, low) = (prices().max().unwrap().to_string(), prices().min().unwrap().to_string());
        (window, (open, high, low, close, volume.to_string(), trades.len()))
    });
    summed.collect()
}

/// The last record of each candle whose window has closed, after checking that no two of a revision differ.
pub(crate) fn found(broker: &Broker) -> Expected {
    let (mut last, mut versions): (Expected, BTreeMap<String, Vec<u8>>) = (BTreeMap::new(), BTreeMap::new());
    for Record { value, .. } in broker.read(&format!("{}.out", broker.name)) {
        let candle: serde_json::Value = serde_json::from_slice(&value).unwrap();
        if candle["status"] == "open" {
            continue;
        }
        let version = format!("{} {} {} {}", candle["pair"], candle["start_us"], candle["status"], candle["revision"]);
        let before = versions.entry(version).or_insert_with(|| value.clone());
        assert_eq!(
            String::from_utf8_lossy(before),
            String::from_utf8_lossy(&value),
            "two records of a revision differ"
        );
        let text = |name: &str| candle[name].as_str().unwrap().to_owned();
        let count = usize::try_from(candle["trade_count"].as_u64().unwrap()).unwrap();
        let fields = (text("open"), text("high"), text("low"), text("close"), text("volume"), count);
        last.insert((text("pair"), candle["start_us"].as_i64().unwrap()), fields);
    }
    last
}
