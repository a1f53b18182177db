//! The JSON of a candle, written piece by piece.
//!
//! `EMIT=current` writes one for each trade. Nearly all of it is the same from one trade to the next: names of fields are written with the
//! quotes and commas around them, what a market and a window contribute is written once and copied, and digits and words need no escape.

use crate::candle::Candle;
use crate::candle::Standing;

/// Room for a message: most are shorter.
const TYPICAL_BYTES: usize = 512;

/// A market, as it stands in the records of all of its candles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Empty when the producer does not say.
    pub exchange: Box<str>,
    /// As in the trades.
    pub pair: Box<str>,
    /// The beginning of a value.
    json: Box<[u8]>,
}

impl Market {
    /// Returns the market of a pair on an exchange.
    ///
    /// # Panics
    /// Never: a string is JSON, and memory takes every byte.
    pub fn new(exchange: &str, pair: &str) -> Self {
        let mut json = br#"{"v":1"#.to_vec();
        for (name, value) in [("exchange", exchange), ("pair", pair)] {
            if !value.is_empty() {
                json.extend_from_slice(format!(",\"{name}\":").as_bytes());
                serde_json::to_writer(&mut json, value).expect("a string is JSON, and memory takes every byte");
            }
        }
        Self { exchange: exchange.into(), pair: pair.into(), json: json.into() }
    }
}

/// A window of time, as it stands in the records of all of its candles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// First microsecond since 1970 UTC; a multiple of the length.
    pub start_us: i64,
    /// First microsecond after it.
    pub end_us: i64,
    /// The end of a key.
    key: Box<str>,
    /// What follows a market in a value.
    json: Box<[u8]>,
}

impl Window {
    /// Returns the window of `seconds` that begins at `start_us`.
    pub fn new(start_us: i64, seconds: u32) -> Self {
        let end_us = start_us + i64::from(seconds) * 1_000_000;
        let json = format!(r#","interval":"{seconds}s","start_us":{start_us},"end_us":{end_us}"#);
        Self { start_us, end_us, key: format!("|{seconds}s|{start_us}").into(), json: json.into_bytes().into() }
    }
}

/// Makes `key` the key of the record of a candle, `pair|60s|start` with the exchange before it where one is known. Compaction keeps the
/// newest record of a key.
pub fn write_key(market: &Market, window: &Window, key: &mut String) {
    key.clear();
    if !market.exchange.is_empty() {
        key.push_str(&market.exchange);
        key.push('|');
    }
    key.push_str(&market.pair);
    key.push_str(&window.key);
}

/// Makes `json` the value of a record, version 1: only what the trades say, so that a repetition is the same to the byte.
pub fn write_json(market: &Market, window: &Window, (candle, standing): (&Candle, Standing), json: &mut Vec<u8>) {
    json.clear();
    json.reserve(TYPICAL_BYTES);
    json.extend_from_slice(&market.json);
    json.extend_from_slice(&window.json);
    json.extend_from_slice(br#","open":""#);
    candle.open.2.write(json);
    json.extend_from_slice(br#"","high":""#);
    candle.high.write(json);
    json.extend_from_slice(br#"","low":""#);
    candle.low.write(json);
    json.extend_from_slice(br#"","close":""#);
    candle.close.2.write(json);
    json.extend_from_slice(br#"","volume":""#);
    candle.volume.write(json);
    json.extend_from_slice(br#"","quote_volume":""#);
    candle.quote_volume.write(json);
    let (first, last) = candle.ids.bounds();
    count(json, br#"","trade_count":"#, candle.ids.count());
    count(json, br#","first_trade_id":"#, first);
    count(json, br#","last_trade_id":"#, last);
    count(json, br#","missing_trades":"#, candle.missing());
    json.extend_from_slice(if standing.complete { br#","complete":true"# } else { br#","complete":false"# });
    word(json, br#","status":""#, standing.status.word());
    count(json, br#","revision":"#, u64::from(standing.revision));
    if let Some(closed_by) = standing.closed_by {
        word(json, br#","closed_by":""#, closed_by.word());
    }
    json.push(b'}');
}

/// Writes a count behind the name of its field.
fn count(json: &mut Vec<u8>, name: &[u8], value: u64) {
    json.extend_from_slice(name);
    json.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes letters behind the name of their field, and closes their quote.
fn word(json: &mut Vec<u8>, name: &[u8], value: &str) {
    json.extend_from_slice(name);
    json.extend_from_slice(value.as_bytes());
    json.push(b'"');
}
