//! Reading working trees.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::text::{Content, FileSet, MAX_FILE_BYTES, RepoPath};

/// Directories that hold no manifests and are never entered.
const NEVER_ENTERED: &[&str] = &[".git", "node_modules", ".terraform"];

/// How many files are not worth a thread: to start threads costs as much as to read so many.
const READ_BY_ONE_THREAD: usize = 64;

/// Returns whether a directory of this name holds no manifests and is never entered.
pub fn is_never_entered(name: &str) -> bool {
    NEVER_ENTERED.contains(&name)
}

/// Why a tree could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such directory, or it may not be entered.
    #[error("read directory `{path}`")]
    Directory {
        /// The directory as it was given.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It is a file.
    #[error("read `{0}`: it is not a directory")]
    NotADirectory(PathBuf),
}

/// A tree as it was read.
#[derive(Debug)]
pub struct ReadOutcome {
    /// The files.
    pub files: FileSet,
    /// Paths that are not UTF-8 or hold control characters and were left out, sorted.
    pub unnamed: Vec<PathBuf>,
}

/// Reads every regular file below `root`; symbolic links are recorded, not followed, and `.git` is not entered.
///
/// Files that cannot be read, are binary or larger than [`MAX_FILE_BYTES`] are recorded as such.
///
/// # Errors
/// When `root` is no readable directory.
pub fn read_tree(root: &Path) -> Result<ReadOutcome, ReadError> {
    let at_root = |source| ReadError::Directory { path: root.to_owned(), source };
    if !fs::metadata(root).map_err(at_root)?.is_dir() {
        return Err(ReadError::NotADirectory(root.to_owned()));
    }
    fs::read_dir(root).map_err(at_root)?;
    Ok(read_from(root, root))
}

/// Reads what [`read_tree`] reads of the directory `part`; nothing where that does not enter it.
pub fn read_part(root: &Path, part: &RepoPath) -> ReadOutcome {
    let mut directory = root.to_owned();
    for name in part.parts() {
        directory.push(name);
        let is_directory = fs::symlink_metadata(&directory).is_ok_and(|found| found.is_dir());
        if !is_directory || is_never_entered(name) || is_cache(&directory) {
            return ReadOutcome { files: FileSet::default(), unnamed: Vec::new() };
        }
    }
    read_from(root, &directory)
}

/// Returns the content of the one file `path`; nothing where [`read_tree`] has no such file.
pub fn read_one(root: &Path, path: &RepoPath) -> Option<Content> {
    let mut at = root.to_owned();
    for directory in path.parent().parts() {
        at.push(directory);
        let is_directory = fs::symlink_metadata(&at).is_ok_and(|found| found.is_dir());
        if !is_directory || is_never_entered(directory) || is_cache(&at) {
            return None;
        }
    }
    at.push(path.name());
    fs::symlink_metadata(&at).is_ok_and(|found| found.is_file()).then(|| read_file(&at))
}

/// Reads what is below `directory`, with paths from `root`.
fn read_from(root: &Path, directory: &Path) -> ReadOutcome {
    let mut found = Vec::new();
    let mut links = BTreeMap::new();
    let mut unnamed = Vec::new();
    let mut unreadable = Vec::new();
    for entry in walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().filter_entry(is_entered) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let Some(path) = error.path().and_then(|path| repo_path(root, path)) else { continue };
                let reason = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                unreadable.push((path, Content::Unreadable(Arc::from(reason))));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let Some(path) = repo_path(root, entry.path()) else {
            unnamed.push(entry.path().to_owned());
            continue;
        };
        if entry.file_type().is_symlink() {
            let target = fs::read_link(entry.path()).map(|to| to.to_string_lossy().into_owned()).unwrap_or_default();
            links.insert(path, target);
        } else if entry.file_type().is_file() {
            found.push((path, entry.into_path()));
        }
    }
    let read = |(path, at): (RepoPath, PathBuf)| (path, read_file(&at));
    let mut contents: Vec<_> = if found.len() <= READ_BY_ONE_THREAD {
        found.into_iter().map(read).collect()
    } else {
        found.into_par_iter().map(read).collect()
    };
    contents.extend(unreadable);
    ReadOutcome { files: FileSet::from_contents(contents).with_links(links), unnamed }
}

/// Returns `directory` and every directory below it that [`read_tree`] enters.
pub fn directories(directory: &Path) -> Vec<PathBuf> {
    let below = walkdir::WalkDir::new(directory).into_iter().filter_entry(is_entered).flatten();
    below.filter(|entry| entry.file_type().is_dir()).map(walkdir::DirEntry::into_path).collect()
}

fn is_entered(entry: &walkdir::DirEntry) -> bool {
    let skipped = || entry.file_name().to_str().is_some_and(is_never_entered) || is_cache(entry.path());
    entry.depth() == 0 || !entry.file_type().is_dir() || !skipped()
}

/// Returns whether a build tool marked the directory as its cache, such as Cargo its `target`.
fn is_cache(directory: &Path) -> bool {
    directory.join("CACHEDIR.TAG").is_file()
}

fn repo_path(root: &Path, path: &Path) -> Option<RepoPath> {
    let relative = path.strip_prefix(root).ok()?.to_str()?;
    RepoPath::new(relative).ok()
}

/// Reads one file, whatever stands there: one that cannot be read, is binary or larger than [`MAX_FILE_BYTES`] is recorded as such.
pub fn read_file(path: &Path) -> Content {
    let read = || -> io::Result<Content> {
        let file = fs::File::open(path)?;
        let size = file.metadata()?.len();
        let mut bytes = Vec::new();
        if size <= MAX_FILE_BYTES {
            // One read instead of many that grow: half the time that a tree of small files takes.
            bytes.reserve_exact(usize::try_from(size).unwrap_or(0));
            // Bounded all the same: the file may grow meanwhile, or tell a wrong size.
            file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        }
        let size = size.max(bytes.len() as u64);
        if size > MAX_FILE_BYTES {
            return Ok(Content::TooLarge(size));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Content::Text(Arc::from(text)),
            Err(error) => Content::Binary(Arc::from(error.into_bytes())),
        })
    };
    read().unwrap_or_else(|error| Content::Unreadable(Arc::from(error.to_string())))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::text::write_tree;

    pub(in crate::text) fn paths(root: &Path) -> Vec<String> {
        read_tree(root).unwrap().files.iter().map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn caches_and_the_git_directory_are_not_entered_but_a_directory_named_target_is() {
        let root = tempfile::tempdir().unwrap();
        let files = [".git/config", "target/a.yaml", "build/CACHEDIR.TAG", "build/b.yaml"];
        write_tree(root.path(), &FileSet::from_texts(files.map(|path| (path, "")))).unwrap();
        assert_eq!(paths(root.path()), ["target/a.yaml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_part_is_what_the_whole_tree_holds_there() {
        let root = tempfile::tempdir().unwrap();
        let files = ["a/b/c.yaml", "a/d.yaml", "e.yaml", "a/.git/f.yaml", "a/g/CACHEDIR.TAG", "a/g/h.yaml"];
        write_tree(root.path(), &FileSet::from_texts(files.map(|path| (path, "")))).unwrap();
        std::os::unix::fs::symlink(root.path().join("a"), root.path().join("link")).unwrap();
        let part = |path: &str| -> Vec<String> {
            let read = read_part(root.path(), &RepoPath::new(path).unwrap()).files;
            read.iter().map(|(path, _)| path.to_string()).collect()
        };
        assert_eq!(part("a"), ["a/b/c.yaml", "a/d.yaml"]);
        assert_eq!(part("a/b"), ["a/b/c.yaml"]);
        assert_eq!(part(""), paths(root.path()));
        for never in ["a/.git", "a/g", "link", "link/b", "e.yaml", "nowhere"] {
            assert!(part(never).is_empty(), "{never}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn one_file_is_read_where_the_whole_tree_has_it() {
        let root = tempfile::tempdir().unwrap();
        let files = ["a/b.yaml", ".git/config", "cache/CACHEDIR.TAG", "cache/c.yaml"];
        write_tree(root.path(), &FileSet::from_texts(files.map(|path| (path, "x")))).unwrap();
        std::os::unix::fs::symlink(root.path().join("a"), root.path().join("link")).unwrap();
        let read = |path: &str| read_one(root.path(), &RepoPath::new(path).unwrap());
        assert_eq!(read("a/b.yaml"), Some(Content::Text(Arc::from("x"))));
        for never in [".git/config", "cache/c.yaml", "link/b.yaml", "link", "a", "nowhere"] {
            assert_eq!(read(never), None, "{never}");
        }
    }
}
