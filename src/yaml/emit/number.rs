//! Floats as they look after JSON and go-yaml v2.

/// Returns the text of the finite `value`: whole numbers without a point, else Go's shortest `g` format.
pub(super) fn print(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let Digits { digits, exponent } = Digits::shortest(value.abs());
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if whole >= digits.len() && exponent < 21 {
        // JSON has all digits of a whole number; go-yaml then reads an integer where it fits one.
        let text = format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
        if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
            return text;
        }
    }
    match exponent {
        -4..0 => format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-1 - exponent).unwrap_or(0))),
        0..6 => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let exponent_sign = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{first}{point}{rest}e{exponent_sign}{:02}", exponent.abs())
        }
    }
}

/// A number as `d.ddd` times a power of ten.
struct Digits {
    digits: String,
    exponent: i32,
}

impl Digits {
    /// Returns the fewest digits that tell the positive `value` from its neighbours.
    fn shortest(value: f64) -> Self {
        let (mut digits, exponent) = scientific(&format!("{value:e}"));
        // Between two that are equally near Go takes the even one, Rust the upper one.
        let (exact, _) = scientific(&format!("{value:.40e}"));
        let (lower, rest) = exact.split_at(digits.len());
        let is_tie = rest.strip_prefix('5').is_some_and(|rest| rest.bytes().all(|digit| digit == b'0'));
        if is_tie && lower.bytes().last().is_some_and(|digit| (digit - b'0').is_multiple_of(2)) {
            let (first, rest) = lower.split_at(1);
            if format!("{first}.{rest}e{exponent}").parse() == Ok(value) {
                lower.clone_into(&mut digits);
            }
        }
        Self { digits, exponent }
    }
}

/// Takes `d.ddde-7` apart.
fn scientific(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::print;

    #[test]
    fn numbers_look_as_go_prints_them() {
        let cases = [
            (1.0, "1"),
            (1.5, "1.5"),
            (-0.0, "0"),
            (1e21, "1e+21"),
            (1e20, "1e+20"),
            (1e-7, "1e-07"),
            (0.000_1, "0.0001"),
            (0.000_01, "1e-05"),
            (100_000.5, "100000.5"),
            (12_345_678.9, "1.23456789e+07"),
            (1.234_567_890_123_456_8e29, "1.2345678901234568e+29"),
            (9_223_372_036_854_775_808.0, "9223372036854776000"),
            (-123.25, "-123.25"),
            // Half-way between …262 and …263.
            (811_380_072_399_126.2, "8.113800723991262e+14"),
        ];
        for (value, text) in cases {
            assert_eq!(print(value), text);
        }
    }
}
