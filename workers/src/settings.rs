//! What decides about windows.

/// Which records of a candle are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// Closed windows and their corrections.
    Final,
    /// Every change of an open window too.
    Current,
}

/// What happens when a process dies between writing and committing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// Records are written again, the same to the byte.
    AtLeastOnce,
    /// Records and position are one transaction.
    ExactlyOnce,
}

/// What decides about windows; the same for every partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Lengths of windows in seconds, each once.
    pub seconds: Vec<u32>,
    /// How far behind the watermark a window stays open, in microseconds.
    pub grace_us: i64,
    /// How long after that a late trade corrects it, in microseconds.
    pub horizon_us: i64,
    /// How long a partition is idle before the clock closes its windows, in microseconds.
    pub idle_us: i64,
    /// Which records are written.
    pub emit: Emit,
    /// What a crash may repeat.
    pub guarantee: Guarantee,
}

impl Settings {
    /// Returns what a checkpoint depends on: another fingerprint kept other windows.
    pub fn fingerprint(&self) -> String {
        let seconds: Vec<String> = self.seconds.iter().map(u32::to_string).collect();
        format!("{}/{}/{}", seconds.join(","), self.grace_us / 1_000, self.horizon_us / 1_000)
    }

    /// Returns how long after its end a window is kept: at least until the watermark moves again, because the records of a mark
    /// may have to be repeated.
    pub(crate) fn kept_us(&self) -> i64 {
        self.grace_us + self.horizon_us.max(1)
    }
}
