//! How images are tagged: releases, which production runs, and what staging and canaries run.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::image::{Grammar, Version};

/// The parameter `tagScheme`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct TagScheme {
    release: Release,
    build: Build,
}

/// The tag of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(in crate::generate) enum Release {
    #[serde(rename = "v1.2.3")]
    Prefixed,
    #[serde(rename = "1.2.3")]
    Plain,
}

/// What staging and canaries run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::generate) enum Build {
    /// Each build of the main branch: `main-<commit>-<unix seconds>`, the latest by its seconds.
    MainCommitSeconds,
    /// The newest candidate of a release, by SemVer; never a release, whose track production is.
    Prerelease,
}

impl Release {
    /// Returns the scheme that `tag` is a release of, where it is one.
    pub(in crate::generate) fn of(tag: &str) -> Option<Self> {
        Version::of_tag(tag, Grammar::default()).filter(|version| !version.is_prerelease()).map(|_| Self::form(tag))
    }

    fn form(tag: &str) -> Self {
        if tag.starts_with('v') { Self::Prefixed } else { Self::Plain }
    }
}

impl Build {
    /// Returns the scheme that `tag` is a build of, where it is one.
    pub(in crate::generate) fn of(tag: &str) -> Option<Self> {
        let is_commit = |text: &str| text.len() >= 7 && text.bytes().all(|letter| letter.is_ascii_hexdigit());
        if let Some((commit, seconds)) = tag.strip_prefix("main-").and_then(|rest| rest.split_once('-')) {
            let is_it = is_commit(commit) && seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0);
            return is_it.then_some(Self::MainCommitSeconds);
        }
        let version = Version::of_tag(tag, Grammar::default())?;
        version.is_prerelease().then_some(Self::Prerelease)
    }
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
        Release::of(tag) == Some(self.release)
    }

    /// Returns whether `tag` is one that staging runs.
    pub(super) fn is_build(self, tag: &str) -> bool {
        Build::of(tag) == Some(self.build) && (self.build != Build::Prerelease || Release::form(tag) == self.release)
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
    fn a_tag_is_a_release_a_build_or_something_else() {
        assert_eq!(["v1.20.3", "1.2.3"].map(Release::of), [Some(Release::Prefixed), Some(Release::Plain)]);
        assert_eq!(["v1.2", "v1.2.3-rc.1", "latest"].map(Release::of), [None; 3]);
        assert_eq!(Build::of("main-0123abc-1767225600"), Some(Build::MainCommitSeconds));
        assert_eq!(Build::of("v1.3.0-rc.1"), Some(Build::Prerelease));
        assert_eq!(["main-0123abc", "main-xyz-1", "latest", "v1.0.0"].map(Build::of), [None; 4]);
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
