//! Texts with parts of them replaced.

use std::ops::Range;

/// Returns `text` with each range of bytes (end exclusive) replaced; what is put in at one place keeps its order. Nothing
/// where two ranges overlap or one is not inside of the text.
pub fn spliced<'r>(text: &str, replacements: impl IntoIterator<Item = (Range<usize>, &'r str)>) -> Option<String> {
    let mut replacements: Vec<_> = replacements.into_iter().collect();
    replacements.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, replacement) in replacements {
        out.push_str(text.get(from..range.start)?);
        out.push_str(replacement);
        from = range.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_replaced_whatever_their_order() {
        assert_eq!(spliced("abcdef", [(4..5, "-"), (0..1, "AAA"), (2..2, "1"), (2..2, "2")]).unwrap(), "AAAb12cd-f");
        assert_eq!(spliced("abc", []).unwrap(), "abc");
    }

    #[test]
    fn ranges_that_overlap_or_cut_a_letter_are_refused() {
        assert_eq!(spliced("abcdef", [(0..3, "x"), (2..4, "y")]), None);
        assert_eq!(spliced("abc", [(2..9, "x")]), None);
        assert_eq!(spliced("\u{e4}", [(1..2, "x")]), None);
    }
}
