//! Days, without a clock.

use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar; prints as `2027-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a text is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as a day: it is not like `2027-01-31`")]
pub struct DateError(String);

impl Date {
    /// Returns the day, where the calendar has it.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }
}

impl Date {
    /// Returns the day, in UTC, of `seconds` since 1970.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    pub fn of_unix_time(seconds: u64) -> Option<Self> {
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let (month, next_year) = if shifted < 10 { (shifted + 3, 0) } else { (shifted - 9, 1) };
        let year = year_of_era + era * 400 + next_year;
        Self::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |range| text.get(range).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()));
        let parts = (number(0..4), number(5..7), number(8..10));
        let separated = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let date = match parts {
            (Some(year), Some(month), Some(day)) if separated => {
                year.parse().ok().zip(month.parse().ok()).zip(day.parse().ok())
            }
            _ => None,
        };
        date.and_then(|((year, month), day)| Self::new(year, month, day)).ok_or_else(|| DateError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_calendar_is_read_and_printed() {
        for text in ["2027-01-31", "2028-02-29", "2000-02-29", "0001-12-01"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn unix_time_is_a_day() {
        for (seconds, day) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (951_868_800, "2000-03-01"), (1_795_132_799, "2026-11-19")]
        {
            assert_eq!(Date::of_unix_time(seconds).unwrap().to_string(), day);
        }
        assert_eq!(Date::of_unix_time(u64::MAX), None);
    }

    #[test]
    fn what_the_calendar_does_not_have_is_refused() {
        for text in
            ["2027-02-29", "2100-02-29", "2027-13-01", "2027-00-01", "2027-1-01", "2027-04-31", "", "+027-01-01"]
        {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
