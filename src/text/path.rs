//! Paths inside a repository.

use std::borrow::Borrow;
use std::fmt;

use smol_str::SmolStr;

/// A path inside the repository: relative, normalised, `/` between its parts, never above the root.
///
/// The root itself is the empty path and prints as `.`. Ordered by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(SmolStr);

/// Why a text is no path inside the repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It climbs above the root with `..`.
    #[error("`{0}` leaves the repository")]
    Outside(String),
    /// It begins with `/`.
    #[error("`{0}` is an absolute path")]
    Absolute(String),
    /// It holds a NUL or a control character.
    #[error("`{0}` holds a control character")]
    Control(String),
}

impl RepoPath {
    /// Returns the root of the repository.
    pub fn root() -> Self {
        Self(SmolStr::default())
    }

    /// Returns `text` as a path from the root; `.` and empty parts vanish, `..` goes up.
    ///
    /// # Errors
    /// When it is absolute or leaves the repository.
    pub fn new(text: &str) -> Result<Self, PathError> {
        Self::root().join(text)
    }

    /// Returns the path that `relative` names from this directory.
    ///
    /// # Errors
    /// When it is absolute or leaves the repository.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        if relative.starts_with('/') {
            return Err(PathError::Absolute(relative.to_owned()));
        }
        if relative.chars().any(char::is_control) {
            return Err(PathError::Control(relative.escape_debug().to_string()));
        }
        let mut parts: Vec<&str> = self.parts().collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return Err(PathError::Outside(relative.to_owned()));
                    }
                }
                name => parts.push(name),
            }
        }
        Ok(Self(parts.join("/").into()))
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text: empty for the root, otherwise without a leading or trailing `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the names along the path.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// Returns the last name; empty for the root.
    pub fn name(&self) -> &str {
        self.parts().next_back().unwrap_or("")
    }

    /// Returns the directory that holds this path; the root for itself.
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or(SmolStr::default(), |(parent, _)| parent.into()))
    }

    /// Returns whether this path is strictly below the directory `ancestor`.
    pub fn is_below(&self, ancestor: &Self) -> bool {
        if ancestor.is_root() {
            return !self.is_root();
        }
        self.0.strip_prefix(ancestor.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns the path from `ancestor` to this one, where this one is at or below it.
    pub fn strip_prefix(&self, ancestor: &Self) -> Option<Self> {
        if ancestor.is_root() {
            return Some(self.clone());
        }
        if self == ancestor {
            return Some(Self::root());
        }
        let rest = self.0.strip_prefix(ancestor.as_str())?.strip_prefix('/')?;
        Some(Self(rest.into()))
    }

    /// Returns whether the name ends in `.yaml` or `.yml`: what Flux reads as manifests.
    pub fn is_yaml(&self) -> bool {
        self.0.ends_with(".yaml") || self.0.ends_with(".yml")
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_vanish_and_parents_go_up() {
        let base = RepoPath::new("apps/production").unwrap();
        assert_eq!(base.join("../base/./web").unwrap().as_str(), "apps/base/web");
        assert_eq!(base.join("../..").unwrap(), RepoPath::root());
    }

    #[test]
    fn a_path_above_the_root_is_refused() {
        let base = RepoPath::new("apps").unwrap();
        assert_eq!(base.join("../../x"), Err(PathError::Outside("../../x".to_owned())));
        assert_eq!(RepoPath::new("/etc"), Err(PathError::Absolute("/etc".to_owned())));
    }

    #[test]
    fn below_is_about_whole_names() {
        let apps = RepoPath::new("apps").unwrap();
        assert!(RepoPath::new("apps/x").unwrap().is_below(&apps));
        assert!(!RepoPath::new("apps-2/x").unwrap().is_below(&apps));
        assert!(!apps.is_below(&apps));
    }
}
