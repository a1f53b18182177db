//! The order of keys: go-yaml's natural one.
//!
//! `a9` comes before `a10`, and whatever is no letter before letters. That is no total order (`a10 < a1x < a9 < a10`):
//! Go's result then depends on chance, and the sort of the standard library may panic. Hence a merge sort of our own,
//! whose result depends on the order of the file alone.

use std::cmp::Ordering;

use crate::yaml::Entry;

/// Longest slice that is sorted by insertion.
const SMALL: usize = 16;

/// Sorts `entries` by key.
pub(super) fn sort(entries: &mut [&Entry]) {
    if entries.len() <= SMALL {
        for at in 1..entries.len() {
            let mut hole = at;
            while hole > 0 && is_less(entries[hole].key.text(), entries[hole - 1].key.text()) {
                entries.swap(hole, hole - 1);
                hole -= 1;
            }
        }
        return;
    }
    let middle = entries.len() / 2;
    sort(&mut entries[..middle]);
    sort(&mut entries[middle..]);
    if !is_less(entries[middle].key.text(), entries[middle - 1].key.text()) {
        return;
    }
    let left = entries[..middle].to_vec();
    let mut from_left = left.iter().peekable();
    let mut right = middle;
    for at in 0..entries.len() {
        let Some(candidate) = from_left.peek() else { break };
        if right < entries.len() && is_less(entries[right].key.text(), candidate.key.text()) {
            entries[at] = entries[right];
            right += 1;
        } else {
            entries[at] = candidate;
            from_left.next();
        }
    }
}

/// Returns whether `left` comes before `right`.
fn is_less(left: &str, right: &str) -> bool {
    compare(left, right) == Ordering::Less
}

fn compare(left: &str, right: &str) -> Ordering {
    let same = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    let mut start = same;
    while !left.is_char_boundary(start) {
        start -= 1;
    }
    let (Some(a), Some(b)) = (left[start..].chars().next(), right[start..].chars().next()) else {
        return left.len().cmp(&right.len());
    };
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(&b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Where a zero is in doubt, a number that began before it counts as one.
    let number_goes_on = (a == '0' || b == '0')
        && left.as_bytes()[..start].iter().rev().take_while(|byte| byte.is_ascii_digit()).any(|byte| *byte != b'0');
    let (left_value, left_digits) = digits(&left[start..], number_goes_on);
    let (right_value, right_digits) = digits(&right[start..], number_goes_on);
    left_value.cmp(&right_value).then(left_digits.cmp(&right_digits)).then(a.cmp(&b))
}

/// Returns the value of the leading digits (as Go's `int64` overflows) and how many there are.
fn digits(text: &str, number_goes_on: bool) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold((i64::from(number_goes_on), 0), |(value, count), digit| {
        (value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), count + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;
    use crate::text::Span;
    use crate::yaml::{Key, Node};

    fn entry(key: &str) -> Entry {
        let files = FileSet::from_texts([("a", "")]);
        let (_, source) = files.iter().next().unwrap();
        let span = Span::new(source, 0..0);
        Entry { key: Key::string(key, span), value: Node::null(span) }
    }

    #[test]
    fn digits_count_as_numbers_and_come_before_letters() {
        let expected =
            ["", "-", "2", "10", "A1", "TRUE1", "True1", "a-1", "a.1", "a_1", "a9", "a10", "a010", "amp", "é"];
        let entries: Vec<Entry> = expected.iter().map(|key| entry(key)).collect();
        let mut shuffled: Vec<&Entry> = entries.iter().rev().collect();
        sort(&mut shuffled);
        let keys: Vec<&str> = shuffled.iter().map(|entry| entry.key.text()).collect();
        assert_eq!(keys, expected);
    }

    #[test]
    fn keys_that_go_in_a_circle_are_sorted_without_a_panic() {
        let keys: Vec<String> = (0..300).map(|at| ["a10", "a1x", "a9"][at % 3].to_owned() + &at.to_string()).collect();
        let entries: Vec<Entry> = keys.iter().map(|key| entry(key)).collect();
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sort(&mut sorted);
        assert_eq!(sorted.len(), 300);
    }
}
