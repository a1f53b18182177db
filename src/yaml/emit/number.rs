//! Floats as they look after JSON and go-yaml v2.

/// Returns the text of the finite `value`: whole numbers without a point, else Go's shortest `g` format.
pub(super) fn print(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e21 {
        // JSON has all digits; go-yaml then reads an integer where it fits one.
        let digits = format!("{value}");
        if digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok() {
            return digits;
        }
    }
    go_shortest(value)
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`: an exponent below -4 and from 6 on.
fn go_shortest(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
