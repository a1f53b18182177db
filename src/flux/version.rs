//! Release lines of Flux.

use std::fmt;
use std::str::FromStr;

/// A Flux release line, such as 2.9; the newest that this tool knows is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FluxVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
}

/// The oldest release line whose behaviour is known.
const OLDEST: FluxVersion = FluxVersion { major: 2, minor: 0 };
/// The newest one.
const NEWEST: FluxVersion = FluxVersion { major: 2, minor: 9 };

/// Why a text is no Flux version that can be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseVersionError {
    /// It is no version.
    #[error("read Flux version `{0}`: it is not like `2.9`")]
    NoVersion(String),
    /// It is a release whose behaviour nobody wrote down here.
    #[error("follow Flux {0}: the releases that are known are {OLDEST} to {NEWEST}")]
    Unknown(FluxVersion),
}

impl FluxVersion {
    /// Returns whether an undefined variable fails a substitution (since 2.9; before, it became the empty string).
    pub fn substitutes_strictly(self) -> bool {
        self >= Self { major: 2, minor: 9 }
    }
}

impl Default for FluxVersion {
    fn default() -> Self {
        NEWEST
    }
}

impl fmt::Display for FluxVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for FluxVersion {
    type Err = ParseVersionError;

    /// Reads `2.9`; a leading `v` and a patch number (`v2.9.1`, `2.9.x`) are accepted and dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseVersionError::NoVersion(text.to_owned());
        let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut number = || parts.next()?.parse::<u32>().ok();
        match (number(), number()) {
            (Some(major), Some(minor)) => {
                let version = Self { major, minor };
                let is_known = (OLDEST..=NEWEST).contains(&version);
                if is_known { Ok(version) } else { Err(ParseVersionError::Unknown(version)) }
            }
            _ => Err(refuse()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_prints_as_its_release_line() {
        for text in ["2.9", "v2.9", "2.9.x", "v2.9.3-rc.1"] {
            assert_eq!(text.parse::<FluxVersion>().unwrap().to_string(), "2.9");
        }
    }

    #[test]
    fn a_text_without_a_minor_is_refused_with_the_text() {
        for text in ["2", "", "latest", "2.x", "-2.9"] {
            let error = text.parse::<FluxVersion>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn a_release_that_is_not_known_is_refused_with_those_that_are() {
        for text in ["1.0", "2.10", "3.0", "0.41.2"] {
            let error = text.parse::<FluxVersion>().unwrap_err();
            assert!(error.to_string().contains("2.0 to 2.9"), "{error}");
        }
    }

    #[test]
    fn minors_compare_as_numbers() {
        let newer = FluxVersion { major: 2, minor: 10 };
        assert!(newer > FluxVersion::default() && newer.substitutes_strictly());
    }
}
