//! Quantities: `250m`, `1.5`, `64Mi`, `2e3`.

/// Returns the quantity that `text` writes, in thousandths; nothing where Kubernetes would refuse it, or it is beyond what
/// can be counted.
///
/// Source: `k8s.io/apimachinery/pkg/api/resource`; fractions of a thousandth are rounded up, as there.
pub fn milli_quantity(text: &str) -> Option<i128> {
    let end =
        text.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.len() <= 18 && part.chars().all(|letter| letter.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = format!("{whole}{fraction}").parse::<i128>().ok()?;
    let (factor, divisor) = unit(suffix)?;
    let product = value.checked_mul(factor)?.checked_mul(1000)?;
    let divisor = divisor.checked_mul(scale)?;
    Some(sign * ((product + divisor - 1) / divisor))
}

/// Returns by what a suffix multiplies, as a fraction.
fn unit(suffix: &str) -> Option<(i128, i128)> {
    let decimal = |exponent| Some((10_i128.pow(exponent), 1));
    let binary = |exponent| Some((1024_i128.pow(exponent), 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs()).filter(|_| exponent.abs() <= 18)?;
            Some(if exponent < 0 { (1, power) } else { (power, 1) })
        }
    }
}

/// Returns the quantity as people write it: thousandths of `milli`, or the largest binary unit that divides it.
pub fn display_quantity(milli: i128) -> String {
    if milli % 1000 != 0 {
        return format!("{milli}m");
    }
    let mut value = milli / 1000;
    let mut unit = "";
    for next in ["Ki", "Mi", "Gi", "Ti", "Pi"] {
        if value == 0 || value % 1024 != 0 {
            break;
        }
        value /= 1024;
        unit = next;
    }
    format!("{value}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_every_notation() {
        let cases = [
            ("1", 1000),
            ("250m", 250),
            ("0.5", 500),
            (".5", 500),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("2e3", 2_000_000),
            ("2E", 2_000_000_000_000_000_000_000),
            ("1u", 1),
            ("-1", -1000),
        ];
        for (text, milli) in cases {
            assert_eq!(milli_quantity(text), Some(milli), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "m", "1.2.3", "1 Gi", "1gi", "1GB", "one", "1e99", "--1"] {
            assert_eq!(milli_quantity(text), None, "{text}");
        }
    }

    #[test]
    fn quantities_are_printed_in_the_unit_that_fits() {
        assert_eq!(display_quantity(1_500), "1500m");
        assert_eq!(display_quantity(2_000), "2");
        assert_eq!(display_quantity(1_610_612_736_000), "1536Mi");
    }
}
