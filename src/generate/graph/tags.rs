//! How images are tagged: releases, which production runs, and what staging and canaries run.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::image::{Grammar, Version};

/// The parameter `tagScheme`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct TagScheme {
    release: Release,
    build: Build,
}

/// The tag of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Release {
    #[serde(rename = "v1.2.3")]
    Prefixed,
    #[serde(rename = "1.2.3")]
    Plain,
}

/// What staging and canaries run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Build {
    /// Each build of the main branch: `main-<commit>-<unix seconds>`, the latest by its seconds.
    MainCommitSeconds,
    /// The newest candidate of a release, by SemVer; never a release, whose track production is.
    Prerelease,
}

impl TagScheme {
    fn prefix(self) -> &'static str {
        match self.release {
            Release::Prefixed => "v",
            Release::Plain => "",
        }
    }

    /// Returns the tag that production starts with when nobody says otherwise.
    pub(super) fn first_release(self) -> String {
        format!("{}0.1.0", self.prefix())
    }

    /// Returns the tag that staging starts with when nobody says otherwise.
    pub(super) fn first_build(self) -> String {
        match self.build {
            Build::MainCommitSeconds => "main-0000000-1".to_owned(),
            Build::Prerelease => format!("{}0.1.0-rc.1", self.prefix()),
        }
    }

    /// Returns whether `tag` is that of a release.
    pub(super) fn is_release(self, tag: &str) -> bool {
        self.version(tag).is_some_and(|version| !version.is_prerelease())
    }

    /// Returns whether `tag` is one that staging runs.
    pub(super) fn is_build(self, tag: &str) -> bool {
        match self.build {
            Build::MainCommitSeconds => tag.starts_with("main-"),
            Build::Prerelease => self.version(tag).is_some_and(|version| version.is_prerelease()),
        }
    }

    fn version(self, tag: &str) -> Option<Version> {
        let version = tag.strip_prefix(self.prefix()).filter(|rest| !rest.starts_with('v'))?;
        Version::of_tag(version, Grammar::default())
    }

    /// Returns what templates see as `tags`: an example of each tag, what stands before a version, and whether staging runs
    /// candidates.
    pub(super) fn derived(self) -> Value {
        let prefix = self.prefix();
        let build = match self.build {
            Build::MainCommitSeconds => "main-<commit>-<unix seconds>".to_owned(),
            Build::Prerelease => format!("{prefix}1.3.0-rc.1"),
        };
        json!({
            "release": format!("{prefix}1.2.3"),
            "build": build,
            "prefix": prefix,
            "isPrerelease": self.build == Build::Prerelease,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(release: &str, build: &str) -> TagScheme {
        serde_json::from_value(json!({"release": release, "build": build})).unwrap()
    }

    #[test]
    fn the_first_tags_are_tags_of_their_scheme_and_of_no_other() {
        for (release, build, first) in [
            ("v1.2.3", "main-commit-seconds", ["v0.1.0", "main-0000000-1"]),
            ("1.2.3", "main-commit-seconds", ["0.1.0", "main-0000000-1"]),
            ("v1.2.3", "prerelease", ["v0.1.0", "v0.1.0-rc.1"]),
            ("1.2.3", "prerelease", ["0.1.0", "0.1.0-rc.1"]),
        ] {
            let scheme = scheme(release, build);
            assert_eq!([scheme.first_release(), scheme.first_build()], first);
            assert!(scheme.is_release(first[0]) && scheme.is_build(first[1]), "{release} {build}");
            assert!(!scheme.is_release(first[1]), "{release} {build}");
        }
        assert!(!scheme("1.2.3", "prerelease").is_release("v1.0.0"));
        assert!(!scheme("v1.2.3", "prerelease").is_build("main-0123abc-1"));
        assert!(!scheme("v1.2.3", "prerelease").is_build("v1.0.0"));
    }
}
