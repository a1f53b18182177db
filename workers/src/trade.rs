//! A trade as it stands on the topic: what is read from a record, and what the ingester writes.
//!
//! Evolution: fields are only added, and added fields are optional; a reader ignores what it does not know. What would
//! change the meaning of a field is version 2, on a topic of its own. Reading is lenient towards the messages of other
//! producers (`product_id` or `symbol`, `volume` or `qty`, `timestamp_ms`, numbers for strings and the reverse), and strict about
//! what a candle needs: which trade it was, when, at what price and how much.

mod fields;

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;
use thiserror::Error;

use crate::decimal::Amount;
use crate::decimal::AmountError;
use crate::decimal::Product;
use crate::trade::fields::Fields;

/// Bytes of a record that are still read; Kafka's default limit is about this.
pub const MAX_BYTES: usize = 1_000_000;

/// The newest version of the message that is understood.
const VERSION: u64 = 1;

/// Times of trade that are believed, in microseconds: from 2009, before which there was nothing to trade, to 2100.
const PLAUSIBLE_US: Range<i64> = 1_230_768_000_000_000..4_102_444_800_000_000;

/// Longest name of a pair or an exchange, in bytes.
const MAX_NAME: usize = 64;

/// One trade, read from a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade<'a> {
    /// Where it happened; empty when the producer does not say. Ids count per exchange and pair.
    pub exchange: Cow<'a, str>,
    /// What was traded, as `BTC/USD`.
    pub pair: Cow<'a, str>,
    /// The exchange's number of this trade: one id, one trade.
    pub id: u64,
    /// When the exchange matched it, in microseconds since 1970 UTC.
    pub ts_us: i64,
    /// In units of the quote currency; above zero.
    pub price: Amount,
    /// In units of the base currency; above zero.
    pub quantity: Amount,
    /// Price × quantity.
    pub notional: Product,
}

/// Why a record is not a trade.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// No value at all.
    #[error("the record has no value")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("the record has {0} bytes, more than {MAX_BYTES}")]
    TooLarge(usize),
    /// Not a JSON object, or one that names a field twice.
    #[error("not a JSON object of a trade: {0}")]
    Syntax(String),
    /// A version from the future.
    #[error("`v` is {0}; versions up to {VERSION} are understood")]
    Version(String),
    /// A field that a candle needs is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field that cannot be used.
    #[error("`{field}` {problem}: `{value}`")]
    Field {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        problem: Cow<'static, str>,
        /// What stands there, shortened.
        value: String,
    },
    /// Price × quantity is out of bounds.
    #[error("price × quantity is 10^14 or more")]
    Notional,
    /// Later than the broker's clock by more than the limit: a clock is wrong.
    #[error("the trade is {0} ms ahead of the time at which its record was appended")]
    Future(i64),
}

impl Rejection {
    /// Returns the reason as one word, for a header and a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge(_) => "too-large",
            Self::Syntax(_) => "syntax",
            Self::Version(_) => "version",
            Self::Missing(_) => "missing-field",
            Self::Field { .. } => "invalid-field",
            Self::Notional => "notional",
            Self::Future(_) => "future",
        }
    }

    /// Every reason, for metrics that start at zero.
    pub const REASONS: &'static [&'static str] =
        &["empty", "too-large", "syntax", "version", "missing-field", "invalid-field", "notional", "future"];
}

impl<'a> Trade<'a> {
    /// Reads the value of a record.
    ///
    /// # Errors
    /// When it is not a trade that a candle can be computed from.
    pub fn parse(payload: Option<&'a [u8]>) -> Result<Self, Rejection> {
        let payload = payload.filter(|payload| !payload.is_empty()).ok_or(Rejection::Empty)?;
        if payload.len() > MAX_BYTES {
            return Err(Rejection::TooLarge(payload.len()));
        }
        // Once for all of it: reading from bytes would look at each string again.
        let text = std::str::from_utf8(payload).map_err(|error| Rejection::Syntax(error.to_string()))?;
        let fields = Fields::read(text).map_err(|error| Rejection::Syntax(error.to_string()))?;
        if let Some(version) = fields.v
            && !matches!(text_of(version)?.parse(), Ok(1..=VERSION))
        {
            return Err(Rejection::Version(shortened(version)));
        }
        let price = positive("price", fields.price)?;
        let quantity = positive("quantity", fields.quantity)?;
        let id = fields.trade_id.ok_or(Rejection::Missing("trade_id"))?;
        Ok(Self {
            exchange: fields.exchange.map_or(Ok(Cow::Borrowed("")), |value| name("exchange", value))?,
            pair: name("pair", fields.pair.ok_or(Rejection::Missing("pair"))?)?,
            id: text_of(id)?
                .parse()
                .map_err(|_| invalid("trade_id", "is not a whole number of at most 64 bits", id))?,
            ts_us: time(&fields)?,
            price,
            quantity,
            notional: price.times(quantity).ok_or(Rejection::Notional)?,
        })
    }
}

/// The trade as the ingester writes it, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TradeMessage<'a> {
    /// Always 1.
    pub v: u64,
    /// See [`Trade::exchange`].
    #[serde(skip_serializing_if = "str::is_empty")]
    pub exchange: &'a str,
    /// See [`Trade::pair`]; also the record's key.
    pub pair: &'a str,
    /// See [`Trade::id`].
    pub trade_id: u64,
    /// A decimal number, as text.
    pub price: &'a str,
    /// A decimal number, as text.
    pub quantity: &'a str,
    /// `buy` or `sell`: the side that took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<&'a str>,
    /// See [`Trade::ts_us`].
    pub ts_us: i64,
    /// How it came here: `ws`, `rest`, `replay` or `synthetic`.
    pub src: &'a str,
}

impl TradeMessage<'_> {
    /// Returns the value of the record.
    ///
    /// # Panics
    /// Never: strings and numbers are JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers are JSON")
    }
}

/// Returns the text of a string, or the digits of a number.
fn text_of(raw: &str) -> Result<Cow<'_, str>, Rejection> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => Ok(Cow::Borrowed(raw)),
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(raw).map(Cow::Owned).map_err(|error| Rejection::Syntax(error.to_string())),
    }
}

/// Reads the name of a pair or an exchange.
fn name<'a>(field: &'static str, value: &'a str) -> Result<Cow<'a, str>, Rejection> {
    if !value.starts_with('"') {
        return Err(invalid(field, "is not a string", value));
    }
    let text = text_of(value)?;
    if text.is_empty() || text.len() > MAX_NAME {
        return Err(invalid(field, "is empty or longer than 64 bytes", value));
    }
    // The bar separates the parts of a candle's key.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'|');
    if !is_plain && text.contains(|character: char| character.is_control() || character == '|') {
        return Err(invalid(field, "contains `|` or a control character", value));
    }
    Ok(text)
}

/// Reads a number above zero.
fn positive(field: &'static str, value: Option<&str>) -> Result<Amount, Rejection> {
    let value = value.ok_or(Rejection::Missing(field))?;
    let amount =
        Amount::parse(&text_of(value)?).map_err(|error: AmountError| invalid(field, error.to_string(), value))?;
    if amount.is_zero() {
        return Err(invalid(field, "is zero", value));
    }
    Ok(amount)
}

/// Reads the time of the trade, in microseconds.
fn time(fields: &Fields) -> Result<i64, Rejection> {
    let (field, value, unit_us) = match (fields.ts_us, fields.timestamp_ms) {
        (Some(value), _) => ("ts_us", value, 1),
        (None, Some(value)) => ("timestamp_ms", value, 1_000),
        (None, None) => return Err(Rejection::Missing("ts_us")),
    };
    let number: i64 = text_of(value)?.parse().map_err(|_| invalid(field, "is not a whole number", value))?;
    let time = number.saturating_mul(unit_us);
    if PLAUSIBLE_US.contains(&time) {
        return Ok(time);
    }
    let unit = [(1_000_000, "seconds"), (1_000, "milliseconds"), (1, "microseconds")]
        .into_iter()
        .find(|(factor, _)| PLAUSIBLE_US.contains(&number.saturating_mul(*factor)));
    let problem = unit.map_or_else(
        || "is not between the years 2009 and 2100".to_owned(),
        |(_, unit)| format!("is in {unit}, not in {}", if unit_us == 1 { "microseconds" } else { "milliseconds" }),
    );
    Err(invalid(field, problem, value))
}

/// Returns the rejection of one field.
fn invalid(field: &'static str, problem: impl Into<Cow<'static, str>>, value: &str) -> Rejection {
    Rejection::Field { field, problem: problem.into(), value: shortened(value) }
}

/// Returns the first forty characters.
fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(40).collect();
    if characters.next().is_some() { start + "…" } else { start }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rejected(text: &str) -> String {
        Trade::parse(Some(text.as_bytes())).map_or_else(|error| error.to_string(), |trade| format!("{trade:?}"))
    }

    const GOOD: &str = r#"{"v":1,"exchange":"kraken","pair":"BTC/USD","trade_id":75468573,"price":"76395.0",
        "quantity":"0.01305597","side":"sell","ts_us":1731155565415951,"src":"ws"}"#;

    #[test]
    fn every_way_of_writing_the_same_trade_reads_the_same() {
        let expected = Trade::parse(Some(GOOD.as_bytes())).unwrap();
        assert_eq!(expected.price.to_string(), "76395");
        for text in [
            // Numbers for strings and the reverse.
            r#"{"exchange":"kraken","pair":"BTC/USD","trade_id":"75468573","price":76395,"quantity":0.01305597,"ts_us":"1731155565415951"}"#,
            // Other producers' names, and fields that nobody knows yet.
            r#"{"exchange":"kraken","product_id":"BTC/USD","trade_id":75468573,"price":7.6395e4,"volume":1305597e-8,"ts_us":1731155565415951,"venue":{"a":[1]}}"#,
            r#"{"exchange":"kraken","symbol":"BTC\/USD","trade_id":75468573,"price":"76395.000","qty":"0.0130559700","ts_us":1731155565415951,"timestamp_ms":1}"#,
        ] {
            assert_eq!(Trade::parse(Some(text.as_bytes())), Ok(expected.clone()), "{text}");
        }
        let legacy = r#"{"product_id":"BTC/USD","trade_id":1,"price":1.5,"quantity":2,"timestamp":"2024-11-09","timestamp_ms":1731155565415}"#;
        assert_eq!(Trade::parse(Some(legacy.as_bytes())).unwrap().ts_us, 1_731_155_565_415_000);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (from, to, expected) in [
            ("\"76395.0\"", "\"-1\"", "`price` is negative: `\"-1\"`"),
            ("\"76395.0\"", "\"NaN\"", "`price` is not a decimal number: `\"NaN\"`"),
            ("\"76395.0\"", "0", "`price` is zero: `0`"),
            ("\"0.01305597\"", "[1]", "`quantity` is not a decimal number: `[1]`"),
            ("\"76395.0\"", "\"99999999999\"", "price × quantity is 10^14 or more"),
            ("1731155565415951", "1731155565", "`ts_us` is in seconds, not in microseconds: `1731155565`"),
            ("1731155565415951", "1731155565415", "`ts_us` is in milliseconds, not in microseconds: `1731155565415`"),
            ("1731155565415951", "12", "`ts_us` is not between the years 2009 and 2100: `12`"),
            (
                "\"ts_us\"",
                "\"timestamp_ms\"",
                "`timestamp_ms` is in microseconds, not in milliseconds: `1731155565415951`",
            ),
            ("\"ts_us\"", "\"when\"", "`ts_us` is missing"),
            ("\"trade_id\"", "\"id\"", "`trade_id` is missing"),
            ("75468573", "-1", "`trade_id` is not a whole number of at most 64 bits: `-1`"),
            ("\"v\":1", "\"v\":2", "`v` is 2; versions up to 1 are understood"),
            ("\"BTC/USD\"", "\"BTC|USD\"", "`pair` contains `|` or a control character: `\"BTC|USD\"`"),
            ("\"BTC/USD\"", "7", "`pair` is not a string: `7`"),
        ] {
            let text =
                GOOD.replace(from, to).replace("0.01305597", if to.len() == 13 { "99999" } else { "0.01305597" });
            assert_eq!(rejected(&text), expected);
        }
        assert_eq!(Trade::parse(None), Err(Rejection::Empty));
        assert_eq!(Trade::parse(Some(&vec![b' '; 2_000_000])), Err(Rejection::TooLarge(2_000_000)));
        for list in ["[1]", r#"["1","coinbase","BTC-USD","1","60000","1",1700000000000000,null]"#] {
            assert_eq!(rejected(list), "not a JSON object of a trade: it is a list");
        }
        assert!(rejected(r#"{"price":1,"price":2}"#).contains("duplicate field"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_trade_or_a_rejection(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Trade::parse(Some(&bytes));
        }

        #[test]
        fn any_value_in_any_field_is_a_trade_or_a_rejection(value in "[-\"0-9eE.nulNatrue\\[\\]{}]{0,12}", field in 0..6_usize) {
            let name = ["v", "pair", "trade_id", "price", "quantity", "ts_us"][field];
            let text = GOOD.replacen(&format!("\"{name}\":"), &format!("\"{name}\":{value}, \"x\":"), 1);
            let _ = Trade::parse(Some(text.as_bytes()));
        }
    }
}
