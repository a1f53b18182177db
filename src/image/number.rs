//! Numbers as Go's `strconv.ParseFloat` reads them.

/// Returns the number that `text` is; nothing for what Go refuses, and for what does not fit 64 bits.
pub(super) fn parse(text: &str) -> Option<f64> {
    // Nearly every number is one: seconds, or the count of a build.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|value: &f64| value.is_finite());
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned.to_ascii_lowercase().as_str(), "inf" | "infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    // Go knows no sign of what is no number.
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    if !underscores_separate_digits(unsigned) {
        return None;
    }
    let digits = unsigned.replace('_', "");
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let value = match hexadecimal {
        Some(digits) => hexadecimal_value(digits)?,
        None if digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')) =>
        {
            digits.parse().ok()?
        }
        None => return None,
    };
    let value = if text.starts_with('-') { -value } else { value };
    value.is_finite().then_some(value)
}

/// The greatest number up to which 64-bit floats hold every whole number: 2 to the power of 53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns how far the whole number `text` is from the next one that a policy can tell from it, where that is more than
/// 1; nothing for smaller numbers, and for what is not digits alone.
pub fn coarseness(text: &str) -> Option<f64> {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = parse(text).filter(|value| is_whole && *value >= EXACT)?;
    Some(value.next_up() - value)
}

/// Source: `underscoreOK` of Go's `strconv`; the prefix of a base counts as a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_hexadecimal = lower.starts_with("0x");
    let has_base = is_hexadecimal || lower.starts_with("0b") || lower.starts_with("0o");
    let mut before = if has_base { b'0' } else { b'^' };
    for byte in lower.bytes().skip(if has_base { 2 } else { 0 }) {
        let is_digit = byte.is_ascii_digit() || (is_hexadecimal && byte.is_ascii_hexdigit());
        before = match byte {
            _ if is_digit => b'0',
            b'_' if before == b'0' => b'_',
            b'_' => return false,
            _ if before == b'_' => return false,
            _ => b'!',
        };
    }
    before != b'_'
}

/// Reads `1.8p3`: hexadecimal digits and the obligatory binary exponent.
fn hexadecimal_value(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let is_exponent = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_exponent(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)) {
        return None;
    }
    let mut exponent: i32 = exponent.parse().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    exponent = exponent.saturating_sub(4 * i32::try_from(fraction.len()).ok()?);
    Some(value * 2.0_f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::{coarseness, parse};

    #[test]
    fn numbers_from_two_to_the_power_of_53_are_told_apart_in_steps() {
        assert_eq!(coarseness("9007199254740991"), None);
        assert_eq!(coarseness("9007199254740993"), Some(2.0));
        assert_eq!(coarseness("20260101123045123"), Some(4.0));
        assert_eq!(coarseness("1767225600000000001"), Some(256.0));
        for text in ["", "1e300", "-9007199254740993", "nan"] {
            assert_eq!(coarseness(text), None, "{text:?}");
        }
    }

    #[test]
    fn go_reads_these_as_numbers() {
        let cases = [
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1_000", 1000.0),
            ("0x1p4", 16.0),
            ("0x1.8p1", 3.0),
            ("-0x_1p-1", -0.5),
            ("+007", 7.0),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        assert_eq!(parse("+Inf"), Some(f64::INFINITY));
        assert!(parse("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn go_refuses_these() {
        for text in
            ["", "0x1F", "0b1", "1e", "_1", "1__0", "1_", "1e400", " 1", "1 ", "latest", "-nan", "0xp1", ".", "e5"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
