//! A file of trades: CSV of timestamp, price and volume, as exchanges publish it.
//!
//! The first line may name the columns: `timestamp` (or `time`), `price`, `volume` (or `quantity`, `qty`), and where there are such
//! `id` (or `trade_id`) and `pair`. Without names they are timestamp, price, volume. A trade without an id gets the number of its
//! line, which is the same in every run. Timestamps are in seconds (with decimals), milliseconds or microseconds: their size says.

use std::io::Read;

use csv::ReaderBuilder;
use csv::StringRecord;
use thiserror::Error;

use crate::decimal::Amount;
use crate::source::TradeRecord;
use crate::trade::TradeMessage;

/// A line is not a trade.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct ReplayError {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedTrade {
    /// Microseconds since 1970.
    pub ts_us: i64,
    /// What is written.
    pub record: TradeRecord,
}

/// Where the columns are.
struct Columns {
    timestamp: usize,
    price: usize,
    volume: usize,
    id: Option<usize>,
    pair: Option<usize>,
}

/// Reads a file; `pair` is that of files without such a column. The first line that is no trade ends the reading with its number.
///
/// # Errors
/// For each line that is not a trade.
pub fn read<R: Read>(text: R, pair: &str) -> impl Iterator<Item = Result<ReplayedTrade, ReplayError>> {
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text);
    let pair = pair.to_owned();
    let mut columns = Columns { timestamp: 0, price: 1, volume: 2, id: None, pair: None };
    reader.into_records().zip(1_u64..).filter_map(move |(line, number)| {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(failed(number, &error.to_string()))),
        };
        if number == 1 && line.iter().any(|cell| cell.eq_ignore_ascii_case("price")) {
            return match find_columns(&line) {
                Ok(found) => {
                    columns = found;
                    None
                }
                Err(reason) => Some(Err(failed(number, reason))),
            };
        }
        Some(trade(&line, &columns, &pair, number).map_err(|reason| failed(number, &reason)))
    })
}

fn failed(line: u64, reason: &str) -> ReplayError {
    ReplayError { line, reason: reason.to_owned() }
}

fn find_columns(names: &StringRecord) -> Result<Columns, &'static str> {
    let find =
        |wanted: &[&str]| names.iter().position(|name| wanted.iter().any(|word| name.eq_ignore_ascii_case(word)));
    Ok(Columns {
        timestamp: find(&["timestamp", "time", "ts_us"]).ok_or("no column `timestamp`")?,
        price: find(&["price"]).ok_or("no column `price`")?,
        volume: find(&["volume", "quantity", "qty"]).ok_or("no column `volume`")?,
        id: find(&["id", "trade_id"]),
        pair: find(&["pair", "symbol"]),
    })
}

fn trade(line: &StringRecord, columns: &Columns, pair: &str, number: u64) -> Result<ReplayedTrade, String> {
    let cell = |index: usize, name: &str| line.get(index).ok_or_else(|| format!("no {name}"));
    let ts_us = microseconds(cell(columns.timestamp, "timestamp")?)?;
    let pair = columns.pair.map_or(Ok(pair), |index| cell(index, "pair"))?;
    let trade_id = match columns.id {
        None => number,
        Some(index) => {
            let text = cell(index, "id")?;
            text.parse().map_err(|_| format!("id `{text}` is not a whole number"))?
        }
    };
    let (price, quantity) = (cell(columns.price, "price")?, cell(columns.volume, "volume")?);
    for (name, text) in [("price", price), ("volume", quantity)] {
        Amount::parse(text).map_err(|error| format!("{name} `{text}` {error}"))?;
    }
    let message =
        TradeMessage { v: 1, exchange: "", pair, trade_id, price, quantity, side: None, ts_us, src: "replay" };
    Ok(ReplayedTrade { ts_us, record: TradeRecord { key: pair.to_owned(), payload: message.to_json() } })
}

/// Reads a time of unknown unit: its size says which.
pub(crate) fn microseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("timestamp `{text}` is not a time since 1970");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().map_err(|_| wrong())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || number < 0 {
        return Err(wrong());
    }
    let (unit, digits) = match number {
        0..100_000_000_000 => (1_000_000, 6),
        100_000_000_000..100_000_000_000_000 => (1_000, 3),
        _ => (1, 0),
    };
    let mut padded: String = fraction.chars().chain("000000".chars()).take(digits).collect();
    padded.insert(0, '0');
    let rest: i64 = padded.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).and_then(|us| us.checked_add(rest)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::Trade;

    fn read_all(text: &str) -> Result<Vec<ReplayedTrade>, String> {
        read(text.as_bytes(), "BTC/USD").map(|trade| trade.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn columns_are_found_by_name_or_by_place_and_times_by_size() {
        let bare = read_all("1731155565.4159,76395.0,0.5\n1731155566,76395.1,0.25\n").unwrap();
        assert_eq!(bare[0].ts_us, 1_731_155_565_415_900);
        let first = Trade::parse(Some(&bare[0].record.payload)).unwrap();
        assert_eq!((first.id, first.pair.as_ref()), (1, "BTC/USD"));
        let named = read_all("id,price,qty,time,pair\n9,1,2,1731155565415,A/B\n").unwrap();
        assert_eq!((named[0].ts_us, named[0].record.key.as_str()), (1_731_155_565_415_000, "A/B"));
    }

    #[test]
    fn a_line_that_is_no_trade_is_named() {
        for (text, expected) in [
            ("1731155565,76395.0\n", "line 1: no volume"),
            ("1731155565,1,1\nyesterday,1,1\n", "line 2: timestamp `yesterday` is not a time since 1970"),
            ("timestamp,price\n", "line 1: no column `volume`"),
            ("1731155565,NaN,1\n", "line 1: price `NaN` is not a decimal number"),
        ] {
            assert_eq!(read_all(text), Err(expected.to_owned()));
        }
    }
}
