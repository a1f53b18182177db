//! What of a repository is in the artifact of a source: `.sourceignore` and `spec.ignore`.
//!
//! Source: fluxcd/pkg/sourceignore over go-git's gitignore, which is not git's: every file is asked for by itself, so
//! that `!dir/keep` works below an excluded `dir/`.

use crate::flux::glob;
use crate::text::{FileSet, RepoPath};

/// Name of the file with patterns.
const SOURCE_IGNORE: &str = ".sourceignore";

/// Files of version control, which no artifact holds.
const VERSION_CONTROL: &str = ".git/\n.gitignore\n.gitmodules\n.gitattributes\n";

/// What is left out where nobody says anything else.
const DEFAULT: &str = "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n\
    .github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n.drone.yml\ncloudbuild.yaml\n\
    codeship-services.yml\ncodeship-steps.yml\n\
    **/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml\n";

/// Returns whether `path` is a file with patterns.
pub(crate) fn is_list(path: &RepoPath) -> bool {
    path.name() == SOURCE_IGNORE
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Directory of the file that says it.
    domain: RepoPath,
    /// Whether it takes back what an earlier one left out.
    includes: bool,
    /// Whether it is about directories (and what is below them) alone.
    directories: bool,
    /// Its names; with more than one it is anchored at the domain.
    parts: Vec<String>,
}

/// The patterns of one source; the last that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ignore(Vec<Pattern>);

impl Ignore {
    /// Returns the patterns of an artifact whose files nobody has filtered yet.
    pub(crate) fn defaults() -> Self {
        let mut patterns = Vec::new();
        read_patterns(VERSION_CONTROL, &RepoPath::root(), &mut patterns);
        read_patterns(DEFAULT, &RepoPath::root(), &mut patterns);
        Self(patterns)
    }

    /// Returns the patterns for `files`: their `.sourceignore`s, then `spec_ignore`; the default list without any.
    pub(crate) fn of(files: &FileSet, spec_ignore: Option<&str>) -> Self {
        let mut own = Vec::new();
        let mut lists: Vec<_> = files.iter().map(|(path, _)| path).filter(|path| is_list(path)).collect();
        // A directory's own list comes before those of its subdirectories.
        lists.sort_by_key(|path| path.parent());
        for path in lists {
            read_patterns(files.text(path).unwrap_or(""), &path.parent(), &mut own);
        }
        read_patterns(spec_ignore.unwrap_or(""), &RepoPath::root(), &mut own);
        if own.is_empty() {
            return Self::defaults();
        }
        let mut patterns = Vec::new();
        read_patterns(VERSION_CONTROL, &RepoPath::root(), &mut patterns);
        patterns.append(&mut own);
        Self(patterns)
    }

    /// Returns whether the file `path` is left out.
    pub(crate) fn excludes(&self, path: &RepoPath) -> bool {
        let decisive = self.0.iter().rev().find(|pattern| pattern.matches(path));
        decisive.is_some_and(|pattern| !pattern.includes)
    }

    /// Returns `files` without those that are left out.
    pub(crate) fn filter(&self, files: &FileSet) -> FileSet {
        files.view(files.iter().filter(|(path, _)| !self.excludes(path)).map(|(path, id)| (path.clone(), id)))
    }
}

/// Returns what `ignore` leaves of `base`, where `known` is what it left of an earlier revision that had the same lists and
/// differs from `base` in the paths `changed` alone.
pub(crate) fn refilter(known: &FileSet, base: &FileSet, ignore: Option<&str>, changed: &[RepoPath]) -> FileSet {
    let patterns = Ignore::of(base, ignore);
    known.with_paths(changed.iter().map(|path| {
        let id = base.id(path).filter(|_| !patterns.excludes(path));
        (path.clone(), id)
    }))
}

fn read_patterns(text: &str, domain: &RepoPath, patterns: &mut Vec<Pattern>) {
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let includes = line.starts_with('!');
        let line = line.strip_prefix('!').unwrap_or(line);
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let directories = line.ends_with('/');
        let line = line.strip_suffix('/').unwrap_or(line);
        let parts = line.split('/').map(str::to_owned).collect();
        patterns.push(Pattern { domain: domain.clone(), includes, directories, parts });
    }
}

impl Pattern {
    fn matches(&self, path: &RepoPath) -> bool {
        let Some(below) = path.strip_prefix(&self.domain) else { return false };
        let names: Vec<_> = below.parts().collect();
        if names.is_empty() {
            return false;
        }
        match self.parts.as_slice() {
            [name] => self.matches_a_name(name, &names),
            _ => self.matches_from_domain(&names),
        }
    }

    fn matches_a_name(&self, pattern: &str, names: &[&str]) -> bool {
        let Some(at) = names.iter().position(|name| glob::matches_name(pattern, name)) else { return false };
        // The last name is the file's.
        !self.directories || at + 1 < names.len()
    }

    fn matches_from_domain(&self, names: &[&str]) -> bool {
        let mut left = names;
        let mut matched = false;
        let mut any_depth = false;
        for (at, part) in self.parts.iter().enumerate() {
            if part.is_empty() {
                any_depth = false;
                continue;
            }
            if part == "**" {
                if at + 1 == self.parts.len() {
                    break;
                }
                any_depth = true;
                continue;
            }
            if part.contains("**") || left.is_empty() {
                return false;
            }
            if any_depth {
                any_depth = false;
                let found = left.iter().position(|name| glob::matches_name(part, name));
                // Upstream forgets an earlier match only where nothing is left.
                matched = found.is_some();
                left = found.map_or(&[], |found| &left[found + 1..]);
            } else {
                if !glob::matches_name(part, left[0]) {
                    return false;
                }
                matched = true;
                left = &left[1..];
            }
        }
        matched && !(self.directories && left.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the paths that an artifact of `paths` keeps.
    fn kept(files: &[(&str, &str)], spec_ignore: Option<&str>) -> Vec<String> {
        let files = FileSet::from_texts(files.iter().copied());
        let kept = Ignore::of(&files, spec_ignore).filter(&files);
        kept.iter().map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn an_allow_list_leaves_the_rest_out() {
        let list = "# Flux\n/*\n\n!/apps/\n!/clusters/\n";
        let files = [(".sourceignore", list), ("apps/a.yaml", ""), ("docs/b.yaml", ""), ("clusters/x/c.yaml", "")];
        assert_eq!(kept(&files, None), ["apps/a.yaml", "clusters/x/c.yaml"]);
    }

    #[test]
    fn without_any_list_the_default_one_counts() {
        let files = [(".github/w.yaml", ""), (".sops.yaml", ""), ("a/.sops.yaml", ""), ("a/b.yaml", ""), ("x.png", "")];
        assert_eq!(kept(&files, None), ["a/b.yaml"]);
        assert_eq!(kept(&files, Some("*.png")), [".github/w.yaml", ".sops.yaml", "a/.sops.yaml", "a/b.yaml"]);
    }

    #[test]
    fn a_file_below_an_excluded_directory_can_come_back() {
        let files = [("dir/keep", ""), ("dir/drop", "")];
        assert_eq!(kept(&files, Some("dir/\n!dir/keep")), ["dir/keep"]);
    }

    #[test]
    fn a_list_counts_below_its_directory_alone() {
        let files = [("a/.sourceignore", "/x.yaml\nsecret"), ("a/x.yaml", ""), ("a/b/secret", ""), ("x.yaml", "")];
        assert_eq!(kept(&files, None), ["a/.sourceignore", "x.yaml"]);
    }

    #[test]
    fn patterns_match_as_in_go_git() {
        for (pattern, path, expected) in [
            ("*.md", "a/b/c.md", true),
            ("docs/", "a/docs/x", true),
            ("docs/", "a/docs", false),
            ("/docs", "docs/x", true),
            ("/docs", "a/docs/x", false),
            ("a/*/c", "a/b/c/d", true),
            ("**/foo", "x/y/foo", true),
            ("**/foo", "foo", true),
            ("foo/**", "foo/x", true),
            ("foo/**/bar", "foo/x/y/bar", true),
            ("a**b/c", "aXb/c", false),
            ("foo ", "foo", true),
            ("[", "[", false),
        ] {
            assert_eq!(kept(&[(path, "")], Some(pattern)).is_empty(), expected, "{pattern} on {path}");
        }
    }
}
