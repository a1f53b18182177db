//! The end of a report in plain words: how much was found, what was checked, and what was not.

use std::collections::BTreeMap;

use crate::diagnostic::{Checked, FixSafety, NotChecked};
use crate::report::group::{Group, counts};

/// Returns how much was found: `2 errors, 1 note`, or `no findings`.
pub(super) fn found(groups: &[Group<'_>]) -> String {
    let counts = counts(groups);
    if counts.is_empty() {
        return "no findings".to_owned();
    }
    let words = counts.into_iter().map(|(severity, count)| counted(count, &format!("{}s", severity.name())));
    words.collect::<Vec<_>>().join(", ")
}

/// Returns how much can be repaired: `2 with --fix, 1 more with --unsafe-fixes`; nothing where nothing can.
pub(super) fn fixable(groups: &[Group<'_>]) -> Option<String> {
    let fixes = || groups.iter().filter_map(|group| group.first.fix.as_ref());
    let safe = fixes().filter(|fix| fix.safety == FixSafety::Safe).count();
    match (safe, fixes().count() - safe) {
        (0, 0) => None,
        (safe, 0) => Some(format!("{} with --fix", thousands(safe))),
        (0, rest) => Some(format!("{} with --fix --unsafe-fixes", thousands(rest))),
        (safe, rest) => Some(format!("{} with --fix, {} more with --unsafe-fixes", thousands(safe), thousands(rest))),
    }
}

/// Returns what was looked at: `780 files, 1 cluster`.
pub(super) fn checked(checked: &[Checked]) -> String {
    checked.iter().map(|checked| counted(checked.count, &checked.what)).collect::<Vec<_>>().join(", ")
}

/// Returns what was not judged, by the reason.
pub(super) fn by_reason(not_checked: &[NotChecked]) -> BTreeMap<&str, Vec<&NotChecked>> {
    let mut by_reason: BTreeMap<&str, Vec<&NotChecked>> = BTreeMap::new();
    for item in not_checked {
        by_reason.entry(&item.why).or_default().push(item);
    }
    by_reason
}

/// Returns `count` and the word for it: `1 file`, `2,114 objects`.
pub(super) fn counted(count: usize, plural: &str) -> String {
    let word = if count == 1 { plural.strip_suffix('s').unwrap_or(plural) } else { plural };
    format!("{} {word}", thousands(count))
}

/// Returns `number` with commas between its thousands.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
