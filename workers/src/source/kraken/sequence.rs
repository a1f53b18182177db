//! The numbers of trades: which is the newest of a pair, and which were skipped.

use std::collections::BTreeMap;

/// Ids that were skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of which pair.
    pub pair: String,
    /// First and last of them.
    pub ids: (u64, u64),
    /// Time of the trade before them, in microseconds.
    pub since_us: i64,
}

/// The newest trade of each pair.
#[derive(Debug, Default)]
pub struct Sequence {
    newest: BTreeMap<String, (u64, i64)>,
}

impl Sequence {
    /// Returns the sequence behind trades that are known, and the gaps among them: a process that was killed while it filled one left it
    /// open. `known` has the ids of each pair with their times in microseconds.
    pub fn resume(known: BTreeMap<String, BTreeMap<u64, i64>>) -> (Self, Vec<Gap>) {
        let mut sequence = Self::default();
        let mut gaps = Vec::new();
        for (pair, trades) in known {
            gaps.extend(trades.into_iter().filter_map(|(id, ts_us)| sequence.note(&pair, id, ts_us)));
        }
        (sequence, gaps)
    }

    /// Returns whether a trade of the pair is known.
    pub fn knows(&self, pair: &str) -> bool {
        self.newest.contains_key(pair)
    }

    /// Notes a trade; returns the gap before it.
    pub fn note(&mut self, pair: &str, id: u64, ts_us: i64) -> Option<Gap> {
        let newest = self.newest.entry(pair.to_owned()).or_insert((id, ts_us));
        let (last, since_us) = *newest;
        if id <= last {
            return None;
        }
        *newest = (id, ts_us);
        (id > last + 1).then(|| Gap { pair: pair.to_owned(), ids: (last + 1, id - 1), since_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(pair: &str, ids: (u64, u64), since_us: i64) -> Gap {
        Gap { pair: pair.to_owned(), ids, since_us }
    }

    #[test]
    fn a_sequence_goes_on_where_the_known_trades_end_and_tells_what_they_lack() {
        let known = [("A/B", vec![(7, 70), (8, 80), (12, 120)]), ("C/D", vec![(3, 30)])];
        let known = known.into_iter().map(|(pair, trades)| (pair.to_owned(), trades.into_iter().collect()));
        let (mut sequence, gaps) = Sequence::resume(known.collect());
        assert_eq!(gaps, [gap("A/B", (9, 11), 80)]);
        assert_eq!(sequence.note("A/B", 12, 120), None);
        assert_eq!(sequence.note("A/B", 15, 150), Some(gap("A/B", (13, 14), 120)));
        assert_eq!(sequence.note("C/D", 4, 40), None);
        assert!(sequence.knows("C/D") && !sequence.knows("E/F"));
        assert_eq!(sequence.note("E/F", 900, 1), None, "nothing is known of what came before");
    }
}
