//! Sets of trade ids.

use std::collections::BTreeMap;
use std::mem;

/// Ids of a word.
const WORD: u64 = u64::BITS as u64;

/// A set of trade ids that is never empty. Exchanges count trades one by one, so that 64 neighbours share a word; the word of the newest id
/// stands here, because most candles of a quiet market have no other, and in a busy one the next id is in the same.
#[derive(Clone, Debug)]
pub(super) struct TradeIds {
    /// Index and bits of one word.
    word: (u64, u64),
    /// The others.
    words: BTreeMap<u64, u64>,
    count: u64,
    /// Smallest and largest id.
    bounds: (u64, u64),
}

impl TradeIds {
    /// Returns the set of one id.
    pub(super) fn of(id: u64) -> Self {
        Self { word: (id / WORD, 1 << (id % WORD)), words: BTreeMap::new(), count: 1, bounds: (id, id) }
    }

    /// Adds `id`; returns whether it is new.
    pub(super) fn insert(&mut self, id: u64) -> bool {
        let index = id / WORD;
        if self.word.0 != index {
            let bits = self.words.remove(&index).unwrap_or(0);
            let (other, bits) = mem::replace(&mut self.word, (index, bits));
            self.words.insert(other, bits);
        }
        let bit = 1 << (id % WORD);
        if self.word.1 & bit != 0 {
            return false;
        }
        self.word.1 |= bit;
        self.count += 1;
        self.bounds = (self.bounds.0.min(id), self.bounds.1.max(id));
        true
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the smallest and the largest id.
    pub(super) fn bounds(&self) -> (u64, u64) {
        self.bounds
    }

    /// Returns how many ids between the smallest and the largest are not in the set.
    pub(super) fn missing(&self) -> u64 {
        let (first, last) = self.bounds;
        (last - first).saturating_sub(self.count - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(ids in prop::collection::vec(prop_oneof![0..200_u64, any::<u64>(), (u64::MAX - 99)..], 1..60)) {
            let (mut set, mut expected) = (TradeIds::of(ids[0]), BTreeSet::from([ids[0]]));
            for id in &ids {
                prop_assert_eq!(set.insert(*id), expected.insert(*id));
            }
            prop_assert_eq!(set.bounds(), (*expected.first().unwrap(), *expected.last().unwrap()));
            prop_assert_eq!(set.count(), expected.len() as u64);
        }
    }

    #[test]
    fn ids_at_the_ends_of_words_and_of_numbers_are_found() {
        let mut ids = TradeIds::of(63);
        assert!([64, 0, u64::MAX].into_iter().all(|id| ids.insert(id)));
        assert!(![63, 64, 0, u64::MAX].into_iter().any(|id| ids.insert(id)));
        assert_eq!((ids.bounds(), ids.count(), ids.missing()), ((0, u64::MAX), 4, u64::MAX - 3));
    }
}
