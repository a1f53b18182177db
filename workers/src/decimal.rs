//! Exact decimal numbers: prices, quantities and their sums.
//!
//! Binary floating point is out of the question: its sums depend on the order of the terms, so that a replay would not give
//! the same bytes. Everything here is a whole number of units of 10⁻¹², and products of two of them are kept in full.

mod digits;

use std::fmt;

use thiserror::Error;

/// Decimals that an [`Amount`] keeps; digits after them are rounded, half up.
const DECIMALS: u32 = 12;

/// Units of an [`Amount`] in one.
const UNITS: u64 = 10_u64.pow(DECIMALS);

/// The same, for numbers that may be larger.
const ONE: u128 = UNITS as u128;

/// The first amount that is too large: 10¹⁵. A sum of 10¹¹ of them still fits.
const LIMIT: u128 = ONE * 10_u128.pow(15);

/// Digits that fit into 64 bits, whatever they are.
const PLAIN_BYTES: usize = 19;

/// What one step of [`Total`]'s upper part stands for, and the first product that is too large.
const CARRY: u128 = 10_u128.pow(38);

/// The powers of ten up to that of the largest amount.
const POWERS: [u128; 28] = {
    let mut powers = [1; 28];
    let mut place = 1;
    while place < powers.len() {
        powers[place] = powers[place - 1] * 10;
        place += 1;
    }
    powers
};

/// A price or a quantity: a decimal number from 0 to below 10¹⁵ with twelve decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// Why a text is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not a decimal number: letters, `NaN`, an empty text.
    #[error("is not a decimal number")]
    Syntax,
    /// Below zero.
    #[error("is negative")]
    Negative,
    /// 10¹⁵ or more.
    #[error("is 10^15 or more")]
    TooLarge,
}

impl Amount {
    /// Reads a number in the grammar of JSON, exponent included; leading zeros are allowed.
    ///
    /// # Errors
    /// When `text` is no such number, or one that is out of bounds.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        if let Some(amount) = Self::parse_plain(text) {
            return Ok(amount);
        }
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        if whole.is_empty() || fraction.is_empty() {
            return Err(AmountError::Syntax);
        }
        let value = scale(whole, fraction, exponent)?;
        if negative && value.0 > 0 {
            return Err(AmountError::Negative);
        }
        Ok(value)
    }

    /// Reads digits with at most one point among them, that fit into 64 bits: what nearly every text is.
    fn parse_plain(text: &str) -> Option<Self> {
        let mut decimals = None;
        let mut value = 0_u64;
        if text.len() > PLAIN_BYTES {
            return None;
        }
        for (index, byte) in text.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => value = value * 10 + u64::from(byte - b'0'),
                b'.' if decimals.is_none() && index > 0 => decimals = Some(text.len() - index - 1),
                _ => return None,
            }
        }
        let missing = (DECIMALS as usize).checked_sub(decimals.unwrap_or(0))?;
        let units = u128::from(value) * POWERS[missing];
        (units < LIMIT && decimals != Some(0) && !text.is_empty()).then_some(Self(units))
    }

    /// Whether the amount is zero, after rounding.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Returns `self` × `other`, exactly; `None` when the product is 10¹⁴ or more.
    pub fn times(self, other: Self) -> Option<Product> {
        self.0.checked_mul(other.0).filter(|product| *product < CARRY).map(Product)
    }
}

/// Reads the digits after `e`; huge exponents are as good as large ones, and say so without overflowing.
fn parse_exponent(text: &str) -> Result<i64, AmountError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::Syntax);
    }
    let size = digits.parse::<i64>().map_or(10_000, |size| size.min(10_000));
    Ok(if negative { -size } else { size })
}

/// Returns `whole.fraction` × 10^`exponent` in units, rounded half up.
fn scale(whole: &str, fraction: &str, exponent: i64) -> Result<Amount, AmountError> {
    // The digit at which the units end, counted from the first digit of `whole`.
    let digits_before_point = i64::try_from(whole.len()).map_err(|_| AmountError::TooLarge)?;
    let mut kept = digits_before_point + exponent + i64::from(DECIMALS);
    let mut value = 0_u128;
    let mut round_up = false;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(AmountError::Syntax);
        }
        let digit = byte - b'0';
        if kept > 0 {
            value = value * 10 + u128::from(digit);
            if value >= LIMIT {
                // The rest is not read: it is too large or not a number, and neither is an amount.
                return Err(AmountError::TooLarge);
            }
        } else if kept == 0 {
            round_up = digit >= 5;
        }
        kept -= 1;
    }
    if value > 0 && kept > 0 {
        let zeros = usize::try_from(kept).ok().and_then(|kept| POWERS.get(kept));
        value = zeros.and_then(|zeros| value.checked_mul(*zeros)).ok_or(AmountError::TooLarge)?;
    }
    value += u128::from(round_up);
    if value >= LIMIT { Err(AmountError::TooLarge) } else { Ok(Amount(value)) }
}

impl Amount {
    /// Appends the digits, and the point where there is one.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        // Most are below eighteen million, and dividing 64 bits by a constant is a multiplication.
        let (whole, fraction) = if let Ok(units) = u64::try_from(self.0) {
            (u128::from(units / UNITS), units % UNITS)
        } else {
            (self.0 / ONE, remainder(self.0))
        };
        digits::write(whole, &[fraction], out);
    }
}

/// Returns the units that are less than one.
fn remainder(units: u128) -> u64 {
    u64::try_from(units % ONE).expect("what is left of a division by 10^12 fits into 64 bits")
}

/// Shows what `write` appends.
fn show(f: &mut fmt::Formatter<'_>, write: impl FnOnce(&mut Vec<u8>)) -> fmt::Result {
    let mut text = Vec::new();
    write(&mut text);
    f.write_str(std::str::from_utf8(&text).expect("digits and a point are UTF-8"))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, |out| self.write(out))
    }
}

/// Price × quantity of one trade, in units of 10⁻²⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product(u128);

/// A sum of amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u128);

impl Sum {
    /// Adds one amount.
    pub fn add(&mut self, amount: Amount) {
        self.0 += amount.0;
    }
}

impl Sum {
    /// Appends the digits, and the point where there is one.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        Amount(self.0).write(out);
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, |out| self.write(out))
    }
}

/// A sum of products, exact: `upper` × 10³⁸ + `lower` units of 10⁻²⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    upper: u64,
    lower: u128,
}

impl Total {
    /// Adds one product.
    pub fn add(&mut self, product: Product) {
        // Both are below the carry, and twice the carry fits.
        self.lower += product.0;
        if self.lower >= CARRY {
            self.lower -= CARRY;
            self.upper += 1;
        }
    }
}

impl Total {
    /// Appends the digits, and the point where there is one.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let above = self.lower / ONE;
        let whole = above / ONE;
        let fraction = [remainder(above), remainder(self.lower)];
        digits::write(u128::from(self.upper) * (CARRY / (ONE * ONE)) + whole, &fraction, out);
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, |out| self.write(out))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        Amount::parse(text).map_or_else(|error| error.to_string(), |amount| amount.to_string())
    }

    #[test]
    fn numbers_keep_their_digits_and_lose_idle_zeros() {
        for (text, expected) in [
            ("76395.0", "76395"),
            ("0.01305597", "0.01305597"),
            ("1e-05", "0.00001"),
            ("1.5E+3", "1500"),
            ("007", "7"),
            ("-0.0", "0"),
            ("0.000000000001", "0.000000000001"),
            ("999999999999999.999999999999", "999999999999999.999999999999"),
            ("0e99999999999999999999", "0"),
            ("1e-99999999999999999999", "0"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_after_the_twelfth_decimal_are_rounded_half_up() {
        assert_eq!(shown("0.30000000000000004"), "0.3");
        assert_eq!(shown("0.0000000000005"), "0.000000000001");
        assert_eq!(shown("0.00000000000049"), "0");
        assert_eq!(shown("5e-13"), "0.000000000001");
        assert_eq!(shown("5e-14"), "0");
    }

    #[test]
    fn what_is_no_amount_says_why() {
        for text in ["", ".", "1.", ".5", "NaN", "Infinity", "1,5", "1e", "1e+", "--1", "+1", "0x10", "1 ", "١"] {
            assert_eq!(Amount::parse(text), Err(AmountError::Syntax), "{text}");
        }
        assert_eq!(Amount::parse("-1"), Err(AmountError::Negative));
        for text in ["1000000000000000", "1e15", "1e400", "999999999999999.9999999999999"] {
            assert_eq!(Amount::parse(text), Err(AmountError::TooLarge), "{text}");
        }
    }

    #[test]
    fn totals_pass_the_size_of_a_machine_number_exactly() {
        let price = Amount::parse("99999999.999999999999").unwrap();
        let quantity = Amount::parse("999999.999999999999").unwrap();
        let product = price.times(quantity).unwrap();
        let mut total = Total::default();
        for _ in 0..1_000 {
            total.add(product);
        }
        // python3: Decimal("99999999.999999999999") * Decimal("999999.999999999999") * 1000
        assert_eq!(total.to_string(), "99999999999999999.899000000000000000001");
        assert_eq!(Amount::parse("1e14").unwrap().times(Amount::parse("1").unwrap()), None);
    }

    #[test]
    fn the_largest_total_fits() {
        let total = Total { upper: u64::MAX, lower: CARRY - 1 };
        assert_eq!(total.to_string(), "1844674407370955161599999999999999.999999999999999999999999");
        assert_eq!(Total { upper: 10, lower: 0 }.to_string(), "1000000000000000");
        assert_eq!(Total { upper: 1_000_000, lower: 1 }.to_string(), "100000000000000000000.000000000000000000000001");
    }

    proptest! {
        #[test]
        fn any_text_is_an_amount_or_an_error(text in ".*") {
            let _ = Amount::parse(&text);
        }

        #[test]
        fn the_short_way_reads_what_the_long_one_does(text in "[0-9]{0,16}[.]?[0-9]{0,14}") {
            let long = Amount::parse(&format!("{text}e0"));
            prop_assert_eq!(Amount::parse(&text), long);
        }

        #[test]
        fn what_is_written_reads_back(units in 0..LIMIT) {
            prop_assert_eq!(Amount::parse(&Amount(units).to_string()), Ok(Amount(units)));
        }

        #[test]
        fn sums_do_not_depend_on_order(mut units in prop::collection::vec(0..10_u128.pow(19), 0..50)) {
            let sum = |units: &[u128]| {
                let mut total = Total::default();
                for pair in units {
                    total.add(Amount(*pair).times(Amount(*pair)).unwrap_or(Product(0)));
                }
                total
            };
            let forward = sum(&units);
            units.reverse();
            prop_assert_eq!(forward, sum(&units));
        }
    }
}
