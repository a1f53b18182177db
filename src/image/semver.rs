//! Versions as Masterminds/semver reads and orders them.
//!
//! Differs from the crate `semver` in what is a version (`1.2`, `01.2.3` and `v1.2.3` are) and, in `constraint`, in
//! nearly every operator: tags are chosen as Flux chooses them or not at all.
//!
//! Source: Masterminds/semver 3.5 and 3.3.1, `version.go`; fluxcd/pkg, `version/version.go`.

use std::cmp::Ordering;
use std::fmt;

/// Which release of the library reads: Flux moved from 3.3 to 3.4 with its release 2.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grammar {
    /// Flux up to 2.6: no leading zeros; each item of a range decides on prereleases for itself.
    Strict,
    /// Flux since 2.7: leading zeros are dropped; one prerelease in a group of items admits them all.
    #[default]
    Loose,
}

/// A version; build metadata never counts where two are compared.
#[derive(Debug, Clone)]
pub struct Version {
    /// Major, minor and patch; missing parts are 0.
    pub numbers: [u64; 3],
    /// What follows `-`; empty for a release.
    pub prerelease: String,
    /// What follows `+`.
    pub metadata: String,
}

impl Version {
    /// Returns the version that `text` is: up to three numbers, with `v` before them or not.
    pub fn parse(text: &str, grammar: Grammar) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = text.split_once('+').map_or((text, None), |(text, after)| (text, Some(after)));
        let (core, prerelease) = text.split_once('-').map_or((text, None), |(core, after)| (core, Some(after)));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            let Some(part) = parts.next() else { break };
            *number = parse_number(part, grammar)?;
        }
        let is_valid = parts.next().is_none()
            && prerelease.is_none_or(|text| text.split('.').all(is_prerelease_identifier))
            && metadata.is_none_or(|text| text.split('.').all(is_identifier));
        is_valid.then(|| Self {
            numbers,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
        })
    }

    /// Returns the version that the image tag `tag` is to a policy: it needs all three parts.
    pub fn of_tag(tag: &str, grammar: Grammar) -> Option<Self> {
        let has_three_parts = match grammar {
            Grammar::Loose => tag.bytes().filter(|byte| *byte == b'.').take(2).count() == 2,
            Grammar::Strict => {
                let core = tag.split(['-', '+']).next().unwrap_or_default();
                core.bytes().filter(|byte| *byte == b'.').count() == 2
            }
        };
        if has_three_parts { Self::parse(tag, grammar) } else { None }
    }

    /// Returns whether this is no release.
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }
}

fn parse_number(part: &str, grammar: Grammar) -> Option<u64> {
    let has_leading_zero = part.len() > 1 && part.starts_with('0');
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if has_leading_zero && grammar == Grammar::Strict {
        return None;
    }
    part.parse().ok()
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_prerelease_identifier(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_identifier(text) && !(is_number && text.len() > 1 && text.starts_with('0'))
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}")?;
        for (sign, text) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !text.is_empty() {
                write!(formatter, "{sign}{text}")?;
            }
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders what follows `-`; a release comes after all its prereleases.
pub(super) fn compare_prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let ordering = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => compare_identifiers(one, other),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

/// Numbers come before words; a number beyond 64 bits is a word.
fn compare_identifiers(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        _ if left == right => Ordering::Equal,
        (Ok(one), Ok(other)) => one.cmp(&other),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_version_only_with_all_three_parts() {
        for tag in ["1.20", "21", "v3", "latest", "1.2.3.4", "V1.2.3", "1.0.0_build5"] {
            assert_eq!(Version::of_tag(tag, Grammar::Loose), None, "{tag}");
        }
        for tag in ["v1.2.3", "2025.02.03", "1-2.3.4", "v1.0-rc.1.2"] {
            assert!(Version::of_tag(tag, Grammar::Loose).is_some(), "{tag}");
        }
        for tag in ["2025.02.03", "1-2.3.4", "v1.0-rc.1.2"] {
            assert_eq!(Version::of_tag(tag, Grammar::Strict), None, "{tag}");
        }
    }
}
