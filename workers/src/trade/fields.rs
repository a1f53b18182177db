//! The fields of a message as they stand in its text.
//!
//! A message of a trade is nearly always a flat object of short strings and whole numbers. Such a text is read in one pass, in a third of
//! the time that it takes a general parser; where anything else comes, that parser reads all of it, and says what is wrong.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The values of the fields that a candle needs, as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Fields<'a> {
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) v: Option<&'a str>,
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) exchange: Option<&'a str>,
    #[serde(borrow, alias = "product_id", alias = "symbol", deserialize_with = "raw")]
    pub(super) pair: Option<&'a str>,
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) trade_id: Option<&'a str>,
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) price: Option<&'a str>,
    #[serde(borrow, alias = "volume", alias = "qty", deserialize_with = "raw")]
    pub(super) quantity: Option<&'a str>,
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) ts_us: Option<&'a str>,
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) timestamp_ms: Option<&'a str>,
}

/// Takes a value of any JSON as it stands in the text; `null` is none.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de str>, D::Error> {
    Ok(Option::<&'de RawValue>::deserialize(deserializer)?.map(RawValue::get))
}

impl<'a> Fields<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// When `text` is not JSON, not an object, or names a field twice.
    pub(super) fn read(text: &'a str) -> serde_json::Result<Self> {
        if let Some(flat) = Self::read_flat(text) {
            return Ok(flat);
        }
        // A struct is read from a list of its values too, which no producer means.
        if text.trim_start().starts_with('[') {
            return Err(serde_json::Error::custom("it is a list"));
        }
        serde_json::from_str(text)
    }

    /// Reads a flat object of strings without escapes and whole numbers; `None` of everything else, right or wrong.
    fn read_flat(text: &'a str) -> Option<Self> {
        let mut fields = Self::default();
        let mut rest = Flat { text, at: 0 };
        rest.skip(b'{')?;
        loop {
            let name = rest.string()?;
            rest.skip(b':')?;
            let value = rest.value()?;
            if let Some(field) = fields.named(&name[1..name.len() - 1]) {
                if field.is_some() {
                    return None;
                }
                *field = Some(value);
            }
            if rest.skip(b',').is_none() {
                rest.skip(b'}')?;
                return (rest.at == text.len()).then_some(fields);
            }
        }
    }

    fn named(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        Some(match name {
            "v" => &mut self.v,
            "exchange" => &mut self.exchange,
            "pair" | "product_id" | "symbol" => &mut self.pair,
            "trade_id" => &mut self.trade_id,
            "price" => &mut self.price,
            "quantity" | "volume" | "qty" => &mut self.quantity,
            "ts_us" => &mut self.ts_us,
            "timestamp_ms" => &mut self.timestamp_ms,
            _ => return None,
        })
    }
}

/// A text, read up to a place.
struct Flat<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Flat<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes one byte, and a space behind it, as other producers write it.
    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)?;
        if byte != b'}' && self.peek() == Some(b' ') {
            self.at += 1;
        }
        Some(())
    }

    /// Reads a string without escapes; returns it with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let begin = self.at;
        (self.peek()? == b'"').then_some(())?;
        let inner = &self.text.as_bytes()[begin + 1..];
        let length = inner.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
        (inner[length] == b'"').then_some(())?;
        self.at = begin + length + 2;
        self.text.get(begin..self.at)
    }

    /// Reads a string without escapes, or a whole number that is not below zero.
    fn value(&mut self) -> Option<&'a str> {
        if self.peek()? == b'"' {
            return self.string();
        }
        let begin = self.at;
        let digits = &self.text.as_bytes()[begin..];
        let length = digits.iter().position(|byte| !byte.is_ascii_digit())?;
        // Neither nothing nor a zero before other digits, which is not JSON.
        (length > 0 && (digits[0] != b'0' || length == 1)).then_some(())?;
        self.at += length;
        self.text.get(begin..self.at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"v":1,"exchange":"kraken","pair":"BTC/USD","trade_id":75468573,"price":"76395.0","quantity":"0.01305597","side":"sell","ts_us":1731155565415951,"src":"ws"}"#;

    #[test]
    fn what_producers_write_is_read_in_one_pass() {
        for text in [GOOD, &GOOD.replace(':', ": ").replace(',', ", "), r#"{"product_id":"é","volume":0}"#] {
            let flat = Fields::read_flat(text);
            assert_eq!(flat, Some(serde_json::from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_not_flat_or_not_json_is_left_to_the_parser() {
        for text in [
            "",
            "{",
            "{}",
            "[1]",
            r#"{"v":1"#,
            r#"{"v":1}}"#,
            r#"{"v":1,}"#,
            r#"{"v":1} "#,
            r#"{"v":}"#,
            r#"{"v":01}"#,
            r#"{"v":-1}"#,
            r#"{"v":1.5}"#,
            r#"{"v":1e5}"#,
            r#"{"v":null}"#,
            r#"{"v":{"a":1}}"#,
            r#"{"v":"\n"}"#,
            "{\"v\":\"\n\"}",
            r#"{"v":"1}"#,
            r#"{"pair":"a","symbol":"b"}"#,
            r#"{"v":1,"v":1}"#,
            r#"{"\u0076":1}"#,
        ] {
            assert_eq!(Fields::read_flat(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_agree_wherever_both_can_read(
            text in r#"[{] ?("(v|pair|symbol|x|ts_us|é)": ?("[a-zé\\" ]{0,3}"|[0-9]{0,3}|-1|1\.5|null|\[1\]), ?){0,4}("price": ?"?[0-9.]{0,4}"?)? ?[}] ?"#,
        ) {
            if let Some(flat) = Fields::read_flat(&text) {
                prop_assert_eq!(Some(flat), serde_json::from_str(&text).ok());
            }
        }

        #[test]
        fn a_change_of_any_byte_is_read_as_the_parser_reads_it(at in 0..GOOD.len(), with in any::<char>()) {
            let mut text = GOOD.to_owned();
            text.replace_range(at..=at, &with.to_string());
            if let Some(flat) = Fields::read_flat(&text) {
                prop_assert_eq!(Some(flat), serde_json::from_str(&text).ok());
            }
        }
    }
}
