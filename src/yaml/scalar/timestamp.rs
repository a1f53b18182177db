//! Timestamps as go-yaml v3 reads them and as Go's JSON writer prints them.
//!
//! Source: `parseTimestamp` of go-yaml, which tries four layouts of Go's `time.Parse`.

use std::fmt::Write;

/// Returns the RFC 3339 form of the date or time `text`, in its own offset; a date alone is its midnight in UTC.
pub(super) fn to_rfc3339(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut rest = Rest { text: &text[5..] };
    let year: u32 = text[..4].parse().ok()?;
    let month = rest.number(1, 12)?;
    rest.byte(b'-')?;
    let day = rest.number(1, days_in(year, month))?;
    let mut out = format!("{year:04}-{month:02}-{day:02}T");
    if rest.text.is_empty() {
        out.push_str("00:00:00Z");
        return Some(out);
    }
    let has_offset = !rest.text.starts_with(' ');
    if has_offset {
        rest.byte(b'T').or_else(|| rest.byte(b't'))?;
    } else {
        rest.text = rest.text.trim_start_matches(' ');
    }
    let hour = rest.number(0, 23)?;
    rest.byte(b':')?;
    let minute = rest.number(0, 59)?;
    rest.byte(b':')?;
    let second = rest.number(0, 59)?;
    write!(out, "{hour:02}:{minute:02}:{second:02}").ok()?;
    if let Some(digits) = rest.fraction() {
        let digits = digits[..digits.len().min(9)].trim_end_matches('0');
        if !digits.is_empty() {
            out.push('.');
            out.push_str(digits);
        }
    }
    if has_offset {
        out.push_str(&rest.offset()?);
    } else {
        out.push('Z');
    }
    rest.text.is_empty().then_some(out)
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What is still to be read.
struct Rest<'a> {
    text: &'a str,
}

impl<'a> Rest<'a> {
    fn byte(&mut self, byte: u8) -> Option<()> {
        self.text = self.text.strip_prefix(char::from(byte))?;
        Some(())
    }

    /// Takes one or two digits.
    fn number(&mut self, least: u32, most: u32) -> Option<u32> {
        let digits = self.text.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let value = self.text.get(..digits)?.parse().ok()?;
        self.text = &self.text[digits..];
        (least..=most).contains(&value).then_some(value)
    }

    /// Takes a fraction of a second after a point or comma.
    fn fraction(&mut self) -> Option<&'a str> {
        let digits = self.text.strip_prefix(['.', ','])?;
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return None;
        }
        self.text = &digits[count..];
        Some(&digits[..count])
    }

    /// Takes `Z` or `+hh:mm`; no offset is printed as `Z`.
    fn offset(&mut self) -> Option<String> {
        if self.byte(b'Z').is_some() {
            return Some("Z".to_owned());
        }
        let offset = self.text.get(..6)?;
        let ([b'+' | b'-', h1, h2, b':', m1, m2], true) = (offset.as_bytes(), offset.is_ascii()) else { return None };
        if ![h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // Go reads up to 24:60 here, and then cannot print it.
        if offset[1..3].parse::<u32>().ok()? > 23 || offset[4..6].parse::<u32>().ok()? > 59 {
            return None;
        }
        self.text = &self.text[6..];
        Some(if &offset[1..] == "00:00" { "Z".to_owned() } else { offset.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_layouts_of_go_are_read_with_short_fields() {
        let cases = [
            ("2020-1-2", "2020-01-02T00:00:00Z"),
            ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
            ("2020-1-1t1:2:3.1500Z", "2020-01-01T01:02:03.15Z"),
            ("2020-01-01 10:00:00,25", "2020-01-01T10:00:00.25Z"),
            ("2020-01-01T10:00:00+02:00", "2020-01-01T10:00:00+02:00"),
            ("2020-01-01T10:00:00-00:00", "2020-01-01T10:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(to_rfc3339(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_timestamp() {
        for text in [
            "2023-02-29",
            "2020-13-01",
            "2020-01-01T10:00:00",
            "2020-01-01 10:00:00Z",
            "2024-01-01T00-00-00Z",
            "20-01-01",
            "2020-01-01x",
            "2020-01-01T24:00:00Z",
            "2020-é1-01",
        ] {
            assert_eq!(to_rfc3339(text), None, "{text}");
        }
    }
}
