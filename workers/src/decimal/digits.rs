//! Decimal digits, written to the end of a buffer.
//!
//! `EMIT=current` writes six decimal numbers for every trade; dividing numbers of 128 bits by ten, digit by digit, took a third of its time.

use crate::decimal::DECIMALS;

/// Decimals of one part of a fraction.
const WIDTH: usize = DECIMALS as usize;

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut index = 1;
    while index < pairs.len() {
        let [tens, ones] = pairs[index - 1];
        pairs[index] = if ones == b'9' { [tens + 1, b'0'] } else { [tens, ones + 1] };
        index += 1;
    }
    pairs
};

/// Appends `whole` and the decimals, [`DECIMALS`] of each element of `fraction`, without zeros at the end and without a point where nothing
/// follows it.
pub(super) fn write(whole: u128, fraction: &[u64], out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let whole = match u64::try_from(whole) {
        Ok(whole) => buffer.format(whole),
        Err(_) => buffer.format(whole),
    };
    out.extend_from_slice(whole.as_bytes());
    let Some(last) = fraction.iter().rposition(|part| *part != 0) else { return };
    out.push(b'.');
    for part in &fraction[..last] {
        out.extend_from_slice(&twelve(*part));
    }
    let digits = twelve(fraction[last]);
    let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |index| index + 1);
    out.extend_from_slice(&digits[..end]);
}

/// Returns the last twelve digits.
fn twelve(number: u64) -> [u8; WIDTH] {
    let mut digits = [b'0'; WIDTH];
    let mut rest = number;
    for pair in digits.chunks_exact_mut(2).rev() {
        pair.copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    digits
}
