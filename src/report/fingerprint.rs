//! What a finding is recognised by in the next report, although lines moved meanwhile.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::diagnostic::Diagnostic;
use crate::repo::Repo;
use crate::report::group::Group;
use crate::text::RepoPath;

/// Returns a fingerprint of each of `groups`: 32 hexadecimal digits of rule, path, message, and which one of several
/// that are equal in these it is.
///
/// Lines, columns, severity and clusters do not count, nor does the text of the line, which may hold a secret.
pub(super) fn fingerprints<'a>(groups: &[Group<'a>], repo: &'a Repo) -> Vec<String> {
    let mut seen: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let findings = groups.iter().map(|group| group.first);
    let fingerprint = |finding: &'a Diagnostic| {
        let path = finding.span().and_then(|span| repo.sources().path(span));
        let key = (finding.rule, path.map_or("", RepoPath::as_str), finding.message.as_str());
        let ordinal = seen.entry(key).or_default();
        *ordinal += 1;
        digest(&[key.0, key.1, key.2, &ordinal.to_string()])
    };
    findings.map(fingerprint).collect()
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        // No path or rule holds a NUL: two lists of parts never run into one.
        hash.update([0]);
    }
    let first = hash.finalize().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{first:032x}")
}
