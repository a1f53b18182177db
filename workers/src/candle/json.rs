//! The JSON object of a candle, written field by field.
//!
//! `EMIT=current` writes one for each trade. Digits and words need no escape and are known to be text: looking at each of them for both, as a
//! general serializer has to, took a tenth of the time of a trade.

use crate::decimal::Text;

/// Room for a message: most are shorter.
const TYPICAL_BYTES: usize = 512;

/// An object that is being written.
pub(super) struct Object(Vec<u8>);

impl Object {
    /// Returns an object without a field.
    pub(super) fn new() -> Self {
        let mut json = Vec::with_capacity(TYPICAL_BYTES);
        json.push(b'{');
        Self(json)
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Writes a string of any characters.
    ///
    /// # Panics
    /// Never: a string is JSON, and memory takes every byte.
    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        serde_json::to_writer(&mut self.0, value).expect("a string is JSON, and memory takes every byte");
    }

    /// Writes a word: letters alone.
    pub(super) fn word(&mut self, name: &str, value: &'static str) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'"');
    }

    /// Writes a decimal number, as text.
    pub(super) fn decimal(&mut self, name: &str, value: &Text) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'"');
    }

    /// Writes a length in seconds, as `60s`.
    pub(super) fn seconds(&mut self, name: &str, value: u32) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(Text::from(u64::from(value)).as_bytes());
        self.0.extend_from_slice(b"s\"");
    }

    /// Writes a count.
    pub(super) fn count(&mut self, name: &str, value: u64) {
        self.name(name);
        self.0.extend_from_slice(Text::from(value).as_bytes());
    }

    /// Writes a time.
    pub(super) fn time(&mut self, name: &str, value: i64) {
        self.name(name);
        if value < 0 {
            self.0.push(b'-');
        }
        self.0.extend_from_slice(Text::from(value.unsigned_abs()).as_bytes());
    }

    /// Writes whether something is so.
    pub(super) fn answer(&mut self, name: &str, value: bool) {
        self.name(name);
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Returns the bytes.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_is_json() {
        let mut object = Object::new();
        object.string("pair", "A\"\\/\u{1}é");
        object.word("status", "final");
        object.seconds("interval", 60);
        object.count("count", u64::MAX);
        object.count("none", 0);
        object.time("start", i64::MIN);
        object.answer("complete", true);
        object.answer("idle", false);
        let text = String::from_utf8(object.end()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "pair": "A\"\\/\u{1}é", "status": "final", "interval": "60s", "count": u64::MAX, "none": 0, "start": i64::MIN,
            "complete": true, "idle": false,
        });
        assert_eq!(value, expected, "{text}");
    }
}
