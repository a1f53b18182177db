//! Numbers as Go reads them.

use std::borrow::Cow;

use crate::yaml::Dialect;

/// A number of one of Go's three types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    UInt(u64),
    Float(f64),
}

/// Returns the number that `text` is.
pub(super) fn parse(text: &str, dialect: Dialect) -> Option<Number> {
    if text.starts_with('.') {
        // Underscores are taken out only of what starts with a digit or a sign.
        return decimal_float(text).map(Number::Float);
    }
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    integer(&plain)
        .or_else(|| decimal_float(&plain).map(Number::Float))
        .or_else(|| prefixed(&plain, "0b", 2))
        .or_else(|| if dialect == Dialect::KustomizeV3 { prefixed(&plain, "0o", 8) } else { None })
}

/// Returns the integer that Go's `ParseInt` or, above it, `ParseUint` with base 0 reads.
fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&unsigned[2..], 16),
        [b'0', b'o' | b'O', _, ..] => (&unsigned[2..], 8),
        [b'0', b'b' | b'B', _, ..] => (&unsigned[2..], 2),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    let magnitude = magnitude(digits, radix)?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(Number::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Number::Int(value)),
        // `ParseUint` takes no sign.
        Err(_) if unsigned.len() == text.len() => Some(Number::UInt(magnitude)),
        Err(_) => None,
    }
}

/// Returns the value of digits without a sign, which Rust's own parser would allow.
fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// Reads what remains after `prefix` with its own sign: go-yaml hands `-1` of `0b-1` to `ParseInt`.
fn prefixed(text: &str, prefix: &str, radix: u32) -> Option<Number> {
    let signed = text.strip_prefix(prefix)?;
    i64::from_str_radix(signed, radix).ok().map(Number::Int)
}

/// Reads `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, unless it is too large.
fn decimal_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digits_from = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut at = digits_from(start);
    let has_whole = at > start;
    if bytes.get(at) == Some(&b'.') {
        let end = digits_from(at + 1);
        if !has_whole && end == at + 1 {
            return None;
        }
        at = end;
    } else if !has_whole {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let exponent = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits_from(exponent);
        if at == exponent {
            return None;
        }
    }
    if at != bytes.len() {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Returns whether YAML 1.1 reads a number in base 60: `[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`.
pub(super) fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let is_digit = |byte: &u8| byte.is_ascii_digit() || *byte == b'_';
    let first = parts.next().unwrap_or_default().as_bytes();
    if !first.first().is_some_and(u8::is_ascii_digit) || !first.iter().all(is_digit) {
        return false;
    }
    let mut rest: Vec<&str> = parts.collect();
    let Some(last) = rest.last_mut() else { return false };
    if let Some((whole, fraction)) = last.split_once('.') {
        if !fraction.as_bytes().iter().all(is_digit) {
            return false;
        }
        *last = whole;
    }
    rest.iter().all(|part| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    })
}
