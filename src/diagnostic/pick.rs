//! "Did you mean": the nearest of some known words.

/// Returns the word of `known` that `written` most likely stands for, where one is near enough.
pub(crate) fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = written.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&lower, &word.to_lowercase());
    let (distance, word) = known.into_iter().map(|word| (distance(word), word)).min()?;
    // A third of the letters may differ; in short words every letter counts.
    (distance <= (written.chars().count() / 3).max(1)).then_some(word)
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
}
