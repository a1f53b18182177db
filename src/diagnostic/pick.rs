//! "Did you mean": the nearest of some known words.

/// Returns the word of `known` that `written` most likely stands for, where one is near enough.
pub(crate) fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = written.to_lowercase();
    let near = known.into_iter().filter(|word| *word != written);
    near.filter_map(|word| Some((distance(&lower, word)?, word))).min().map(|(_, word)| word)
}

/// Returns every word of `known` that `written` may stand for, the nearest first.
pub(crate) fn near<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let lower = written.to_lowercase();
    let mut near: Vec<_> = known.into_iter().filter_map(|word| Some((distance(&lower, word)?, word))).collect();
    near.sort_unstable();
    near.into_iter().map(|(_, word)| word).collect()
}

/// Returns how many letters differ, their case aside; nothing where `word` is another word. A fourth of the letters of
/// the shorter one may differ, and one more.
fn distance(lower: &str, word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    let letters = lower.chars().count().min(word.chars().count());
    let distance = strsim::damerau_levenshtein(lower, &word);
    (distance <= 1 + letters / 4).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_corrected_and_another_word_is_not() {
        assert_eq!(nearest("replica", ["replicas", "paused"]), Some("replicas"));
        assert_eq!(nearest("imagePullpolicy", ["imagePullPolicy"]), Some("imagePullPolicy"));
        assert_eq!(nearest("resources", ["replicas", "selector"]), None);
        assert_eq!(nearest("a", []), None);
    }

    #[test]
    fn a_word_is_not_offered_for_itself_but_for_another_case() {
        assert_eq!(nearest("web", ["web", "wed"]), Some("wed"));
        assert_eq!(nearest("Web", ["web"]), Some("web"));
    }

    #[test]
    fn all_near_words_are_sorted_by_their_distance() {
        assert_eq!(near("webs", ["webs22", "webs2", "other", "webs222", "webs"]), ["webs", "webs2", "webs22"]);
    }
}
