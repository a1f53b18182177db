//! Which of many texts are equal: a million of them in 16 MB and without a copy.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rayon::prelude::*;

/// Returns the places of texts that occur more than once: each group ascending, groups by their first place.
///
/// Equal hashes are found by sorting, and only texts with one hash are compared: a map of the texts takes three times
/// the memory and the time.
pub(super) fn repeats(texts: &[impl AsRef<str> + Sync]) -> Vec<Vec<usize>> {
    let hash = |text: &str| {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        hasher.finish()
    };
    let mut hashes: Vec<(u64, usize)> =
        texts.par_iter().enumerate().map(|(at, text)| (hash(text.as_ref()), at)).collect();
    hashes.par_sort_unstable();
    let mut groups = Vec::new();
    for run in hashes.chunk_by(|left, right| left.0 == right.0).filter(|run| run.len() > 1) {
        let mut equal: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (_, at) in run {
            equal.entry(texts[*at].as_ref()).or_default().push(*at);
        }
        groups.extend(equal.into_values().filter(|places| places.len() > 1));
    }
    groups.sort_unstable();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_occurs_twice_is_found_with_all_its_places() {
        assert_eq!(repeats(&["b", "a", "c", "a", "b", "a"]), [vec![0, 4], vec![1, 3, 5]]);
        assert_eq!(repeats(&["a", "b"]), Vec::<Vec<usize>>::new());
        assert_eq!(repeats(&[""; 0]), Vec::<Vec<usize>>::new());
    }
}
