//! Types of plain scalars, as the two YAML readers of the field see them.
//!
//! Source: `resolve.go` of go-yaml v2 and v3. Both try, in this order: words, timestamps, integers in Go's notation
//! without underscores, decimal floats.

mod number;
mod timestamp;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::yaml::scalar::number::Number;
use crate::yaml::{Scalar, Style};

/// Which reader decides the type of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v3: how kustomize reads resources and strategic merge patches (`yes` is a string, `0644` is octal).
    KustomizeV3,
    /// go-yaml v2 behind sigs.k8s.io/yaml: how the API server, kustomization files and JSON 6902 patches are read
    /// (`yes`, `on`, `y` are booleans).
    KubernetesV2,
}

/// The type and value that a reader gives to a scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// An integer that fits i64.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// Any other number; also `.inf` and `.nan`, which JSON cannot hold.
    Float(f64),
    /// Text: the scalar's own.
    String,
    /// A date or time (go-yaml v3 only); printed by kustomize as an RFC 3339 string, which is given here.
    Timestamp(String),
    /// `!!binary`, decoded.
    Binary(Vec<u8>),
}

impl Dialect {
    /// Returns the type of `scalar`: its tag's where it has one, a string where it is quoted, else what its text says.
    ///
    /// A text that its tag does not allow (`!!int abc`, which both readers refuse) is a string; see
    /// [`Scalar::contradicts_its_tag`].
    pub fn resolve(self, scalar: &Scalar) -> Typed {
        match scalar.tag.as_deref() {
            None if scalar.style == Style::Plain => self.resolve_plain(&scalar.text),
            None => Typed::String,
            // go-yaml v3 takes the bare tag for none, v2 for one of a type that it does not know.
            Some("!") if self == Self::KustomizeV3 && scalar.style == Style::Plain => self.resolve_plain(&scalar.text),
            Some(tag) => self.resolve_tagged(tag, &scalar.text),
        }
    }

    /// Returns the type that `text` has as a plain scalar.
    pub fn resolve_plain(self, text: &str) -> Typed {
        if !may_be_typed(text) {
            return Typed::String;
        }
        if let Some(typed) = self.word(text) {
            return typed;
        }
        if let Some(moment) = timestamp::to_rfc3339(text) {
            return self.timestamp(moment);
        }
        self.number(text).unwrap_or(Typed::String)
    }

    fn resolve_tagged(self, tag: &str, text: &str) -> Typed {
        let typed = match tag {
            "!!timestamp" => timestamp::to_rfc3339(text).map(|moment| self.timestamp(moment)),
            "!!binary" => decode_base64(text).map(Typed::Binary),
            "!!null" | "!!bool" | "!!int" | "!!float" if may_be_typed(text) => {
                self.word(text).or_else(|| self.number(text))
            }
            _ => None,
        };
        match (tag, typed) {
            #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
            ("!!float", Some(Typed::Int(value))) => Typed::Float(value as f64),
            ("!!null", Some(typed @ Typed::Null))
            | ("!!bool", Some(typed @ Typed::Bool(_)))
            | ("!!int", Some(typed @ (Typed::Int(_) | Typed::UInt(_))))
            | ("!!float", Some(typed @ Typed::Float(_)))
            | ("!!timestamp" | "!!binary", Some(typed)) => typed,
            _ => Typed::String,
        }
    }

    /// Returns the meaning of a word: null, the booleans and the floats that have no digits.
    fn word(self, text: &str) -> Option<Typed> {
        Some(match text {
            "" | "~" | "null" | "Null" | "NULL" => Typed::Null,
            "true" | "True" | "TRUE" => Typed::Bool(true),
            "false" | "False" | "FALSE" => Typed::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Typed::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Typed::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Typed::Float(f64::NEG_INFINITY),
            _ if self == Self::KubernetesV2 => Typed::Bool(yaml_1_1_bool(text)?),
            _ => return None,
        })
    }

    fn number(self, text: &str) -> Option<Typed> {
        number::parse(text, self).map(|number| match number {
            Number::Int(value) => Typed::Int(value),
            Number::UInt(value) => Typed::UInt(value),
            Number::Float(value) => Typed::Float(value),
        })
    }

    /// go-yaml v2 hands a timestamp on as the text that it was, where no date is asked for.
    fn timestamp(self, moment: String) -> Typed {
        match self {
            Self::KustomizeV3 => Typed::Timestamp(moment),
            Self::KubernetesV2 => Typed::String,
        }
    }
}

impl Scalar {
    /// Returns whether the explicit tag does not allow the text (`!!int abc`, `!!binary %`): the readers refuse it.
    pub fn contradicts_its_tag(&self) -> bool {
        let typed_tag =
            matches!(self.tag.as_deref(), Some("!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp" | "!!binary"));
        typed_tag && self.typed(Dialect::KustomizeV3) == Typed::String
    }
}

/// Returns whether go-yaml v2 reads `text`, written plain, as a string; where it does not, it writes quotes.
///
/// Stricter than [`Dialect::resolve_plain`]: a timestamp and a number in base 60 are no strings here.
pub(crate) fn plain_is_string_to_v2(text: &str) -> bool {
    if !may_be_typed(text) {
        return true;
    }
    let dialect = Dialect::KubernetesV2;
    dialect.word(text).is_none()
        && dialect.number(text).is_none()
        && timestamp::to_rfc3339(text).is_none()
        && !number::is_base_60(text)
}

/// Returns whether a plain `text` may be anything but a string, judged by its first byte; `<<` is a string.
fn may_be_typed(text: &str) -> bool {
    match text.as_bytes().first() {
        None | Some(b'+' | b'-' | b'.' | b'~' | b'0'..=b'9') => true,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') => text.len() <= 5,
        Some(_) => false,
    }
}

fn yaml_1_1_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Decodes like Go's `base64.StdEncoding`, which skips line breaks.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    STANDARD.decode(packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: Dialect = Dialect::KustomizeV3;
    const V2: Dialect = Dialect::KubernetesV2;

    fn tagged(tag: &str, text: &str) -> Scalar {
        Scalar { text: text.into(), style: Style::DoubleQuoted, tag: Some(tag.into()) }
    }

    #[test]
    fn kustomize_reads_the_words_of_yaml_1_1_as_strings_and_kubernetes_as_booleans() {
        for (text, value) in [("yes", true), ("on", true), ("y", true), ("Y", true), ("n", false), ("off", false)] {
            assert_eq!(V3.resolve_plain(text), Typed::String, "{text}");
            assert_eq!(V2.resolve_plain(text), Typed::Bool(value), "{text}");
        }
        for text in ["yEs", "truE", "nUll", "offf", "NaN", "<<", "="] {
            assert_eq!(V3.resolve_plain(text), Typed::String, "{text}");
            assert_eq!(V2.resolve_plain(text), Typed::String, "{text}");
        }
    }

    #[test]
    fn both_read_integers_in_the_notation_of_go() {
        let cases = [
            ("0644", 420),
            ("0o644", 420),
            ("0x1F", 31),
            ("0b101", 5),
            ("1_000", 1000),
            ("+5", 5),
            ("-0x1F", -31),
            ("00", 0),
            ("0b-1", -1),
            ("-9223372036854775808", i64::MIN),
        ];
        for (text, value) in cases {
            assert_eq!(V3.resolve_plain(text), Typed::Int(value), "{text}");
            assert_eq!(V2.resolve_plain(text), Typed::Int(value), "{text}");
        }
        assert_eq!(V3.resolve_plain("18446744073709551615"), Typed::UInt(u64::MAX));
        assert_eq!(V3.resolve_plain("0o-7"), Typed::Int(-7));
        assert_eq!(V2.resolve_plain("0o-7"), Typed::String);
    }

    #[test]
    fn both_read_the_remaining_decimal_numbers_as_floats() {
        let cases = [
            ("08", 8.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("1.", 1.0),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
            ("1.5e-400", 0.0),
        ];
        for (text, value) in cases {
            assert_eq!(V3.resolve_plain(text), Typed::Float(value), "{text}");
            assert_eq!(V2.resolve_plain(text), Typed::Float(value), "{text}");
        }
        for text in ["12e4567", "0x", "1e", "_1", "1.2.3", "1:20", "-", ".", "0x1p3", "+", ".5_0", "0b", "1e5e5"] {
            assert_eq!(V3.resolve_plain(text), Typed::String, "{text}");
            assert_eq!(V2.resolve_plain(text), Typed::String, "{text}");
        }
        assert_eq!(V3.resolve_plain("-.inf"), Typed::Float(f64::NEG_INFINITY));
    }

    #[test]
    fn dates_are_timestamps_to_kustomize_and_strings_to_kubernetes() {
        assert_eq!(V3.resolve_plain("2020-01-01"), Typed::Timestamp("2020-01-01T00:00:00Z".into()));
        assert_eq!(V2.resolve_plain("2020-01-01"), Typed::String);
        assert!(!plain_is_string_to_v2("2020-01-01"));
    }

    #[test]
    fn an_explicit_tag_decides_whatever_the_quotes() {
        assert_eq!(V3.resolve(&tagged("!!int", "123")), Typed::Int(123));
        assert_eq!(V3.resolve(&tagged("!!float", "3")), Typed::Float(3.0));
        assert_eq!(V3.resolve(&tagged("!!bool", "true")), Typed::Bool(true));
        assert_eq!(V3.resolve(&tagged("!!null", "")), Typed::Null);
        assert_eq!(V3.resolve(&tagged("!!str", "123")), Typed::String);
        assert_eq!(V3.resolve(&tagged("!!binary", "aGVs\nbG8=")), Typed::Binary(b"hello".to_vec()));
        assert_eq!(V3.resolve(&tagged("!!timestamp", "2020-1-2")), Typed::Timestamp("2020-01-02T00:00:00Z".into()));
        assert_eq!(V3.resolve(&tagged("!custom", "1")), Typed::String);
        let bare = Scalar { style: Style::Plain, ..tagged("!", "12") };
        assert_eq!(V3.resolve(&bare), Typed::Int(12));
        assert_eq!(V2.resolve(&bare), Typed::String);
    }

    #[test]
    fn a_text_that_its_tag_does_not_allow_is_told() {
        for (tag, text) in [("!!int", "abc"), ("!!int", "1.5"), ("!!bool", "maybe"), ("!!binary", "%"), ("!!null", "x")]
        {
            assert!(tagged(tag, text).contradicts_its_tag(), "{tag} {text}");
        }
        assert!(!tagged("!!str", "abc").contradicts_its_tag());
        assert!(!tagged("!custom", "abc").contradicts_its_tag());
    }

    #[test]
    fn base_60_is_written_with_quotes() {
        for text in ["12:30:45", "1:20", "-1:20.5", "1_0:59"] {
            assert!(!plain_is_string_to_v2(text), "{text}");
        }
        for text in ["12:60", "a:20", "12:", "10.0.0.1:80"] {
            assert!(plain_is_string_to_v2(text), "{text}");
        }
    }
}
