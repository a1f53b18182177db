//! What travels in the metadata of a committed offset, so that a partition's candles can be computed again.
//!
//! The committed offset is the position, as usual: lag stays exact. The metadata says from where the open windows have to be
//! read again, and what is closed. Both are one record of the broker: they cannot disagree.

use std::fmt;
use std::fmt::Write;
use std::str::FromStr;

use thiserror::Error;

/// Brokers store 4096 bytes of metadata by default; marks are few enough to stay below.
pub const MAX_MARKS: usize = 128;

/// The clock closed windows of an idle partition: before the record at `offset`, the watermark was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Offset of the record that came next.
    pub offset: i64,
    /// The raised watermark, in microseconds since 1970.
    pub watermark_us: i64,
}

/// The state of one partition at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Smallest offset of a trade in a window that is kept.
    pub low: i64,
    /// Largest time of trade, or the clock of a mark.
    pub watermark_us: i64,
    /// Windows that end here or earlier are forgotten: no trade changes them any more.
    pub closed_through_us: i64,
    /// Windows that start here or later have all their trades; `None` where the beginning is unknown and no trade came yet.
    pub complete_from_us: Option<i64>,
    /// The settings that decide what is kept; see [`crate::settings::Settings::fingerprint`].
    pub settings: String,
    /// When the clock closed windows, oldest first.
    pub marks: Vec<Mark>,
}

impl Checkpoint {
    /// Returns the checkpoint with a mark at its position, as it is stored before the windows of the mark are closed.
    pub fn with_mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }
}

/// The metadata is not ours, or of another version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("offset metadata `{0}` is no checkpoint of this program")]
pub struct CheckpointError(pub String);

impl fmt::Display for Checkpoint {
    /// Writes `1;low;watermark;closed through;complete from;settings;marks`; a mark is the distance to the one before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, watermark, closed) = (self.low, self.watermark_us, self.closed_through_us);
        let complete = self.complete_from_us.map_or_else(String::new, |from| from.to_string());
        write!(f, "1;{low};{watermark};{closed};{complete};{};", self.settings)?;
        let mut before = Mark { offset: 0, watermark_us: 0 };
        for (index, mark) in self.marks.iter().enumerate() {
            if index > 0 {
                f.write_char(',')?;
            }
            write!(f, "{}:{}", mark.offset - before.offset, mark.watermark_us - before.watermark_us)?;
            before = *mark;
        }
        Ok(())
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        parse(text).ok_or_else(|| CheckpointError(text.chars().take(200).collect()))
    }
}

fn parse(text: &str) -> Option<Checkpoint> {
    let mut parts = text.split(';');
    if parts.next()? != "1" {
        return None;
    }
    let low = parts.next()?.parse().ok()?;
    let watermark_us = parts.next()?.parse().ok()?;
    let closed_through_us = parts.next()?.parse().ok()?;
    let complete_from_us = match parts.next()? {
        "" => None,
        from => Some(from.parse().ok()?),
    };
    let settings = parts.next()?.to_owned();
    let mut marks = Vec::new();
    let mut before = Mark { offset: 0, watermark_us: 0 };
    for mark in parts.next()?.split_terminator(',') {
        let (offset, watermark) = mark.split_once(':')?;
        before = Mark {
            offset: before.offset.checked_add(offset.parse().ok()?)?,
            watermark_us: before.watermark_us.checked_add(watermark.parse().ok()?)?,
        };
        marks.push(before);
    }
    let checkpoint = Checkpoint { low, watermark_us, closed_through_us, complete_from_us, settings, marks };
    parts.next().is_none().then_some(checkpoint)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_checkpoint_fits_into_the_brokers_limit() {
        let mark =
            |index: i64| Mark { offset: index * 100_000_000, watermark_us: 1_731_155_565_415_951 + index * 60_000_000 };
        let checkpoint = Checkpoint {
            low: i64::MAX,
            watermark_us: i64::MIN,
            closed_through_us: i64::MIN,
            complete_from_us: Some(i64::MIN),
            settings: "60,300,900,3600,14400,86400/2000/600000".to_owned(),
            marks: (0..).take(MAX_MARKS).map(mark).collect(),
        };
        let text = checkpoint.to_string();
        assert!(text.len() < 4_000, "{} bytes", text.len());
        assert_eq!(text.parse(), Ok(checkpoint));
    }

    #[test]
    fn the_form_is_kept_for_the_next_release() {
        let text =
            "1;7;1731155565415951;1731154960000000;-9223372036854775808;60/2000/600000;9:1731155565415951,3:60000000";
        let checkpoint: Checkpoint = text.parse().unwrap();
        assert_eq!(checkpoint.marks[1], Mark { offset: 12, watermark_us: 1_731_155_625_415_951 });
        assert_eq!(checkpoint.to_string(), text);
        for foreign in ["", "2;1;1;1;1;x;", "1;1;1;1;1;x", "1;1;1;1;1;x;1:9223372036854775807,1:1", "1;1;1;1;1;x;;"] {
            assert!(foreign.parse::<Checkpoint>().is_err(), "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_checkpoint_or_an_error(text in "[0-9;:,-]{0,40}") {
            let _ = text.parse::<Checkpoint>();
        }
    }
}
