//! Writing working trees: each file whole, and all of them or none.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::text::{Content, FileSet, RepoPath, SourceFile, read_file};

/// Why a tree could not be written; what was written is removed again.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something stands there already.
    #[error("write `{0}`: it exists already")]
    Exists(PathBuf),
    /// Somebody changed it since it was read.
    #[error("write `{0}`: it was changed meanwhile")]
    Changed(PathBuf),
    /// The operating system refused.
    #[error("write `{path}`")]
    Io {
        /// What was being written.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// Writes every file of `files` below `root`, all or nothing: on any failure what this call made is removed again.
///
/// Directories are made as needed. A file that exists is never replaced, and nothing is written through a symbolic link.
///
/// # Errors
/// When a path exists or the operating system refuses (no space, no permission).
pub fn write_tree(root: &Path, files: &FileSet) -> Result<Written, WriteError> {
    refuse_existing(root, files)?;
    let mut made = Written::default();
    for (path, _) in files.iter() {
        let at = root.join(path.as_str());
        let bytes = files.file(path).map_or(&[][..], bytes);
        if let Err(source) = made.directories(at.parent()).and_then(|()| made.file(&at, bytes)) {
            made.undo();
            return Err(WriteError::Io { path: at, source });
        }
    }
    Ok(made)
}

/// Refuses files whose path exists, or leads through a symbolic link.
pub(super) fn refuse_existing(root: &Path, files: &FileSet) -> Result<(), WriteError> {
    let mut seen = BTreeSet::new();
    for (path, _) in files.iter() {
        let at = root.join(path.as_str());
        if fs::symlink_metadata(&at).is_ok() {
            return Err(WriteError::Exists(at));
        }
        let mut parent = path.parent();
        while !parent.is_root() && seen.insert(parent.clone()) {
            let directory = root.join(parent.as_str());
            if directory.is_symlink() {
                return Err(WriteError::Exists(directory));
            }
            parent = parent.parent();
        }
    }
    Ok(())
}

/// Writes `bytes` to `path`, all or nothing: a file that stands there is replaced by a whole one, with its permissions.
///
/// # Errors
/// When the operating system refuses (no space, no permission, no such directory); what stood there then still stands.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    // A link is followed, and a device or a pipe is written to: neither can be replaced by a file.
    let at = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&at).ok();
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        return fs::write(&at, bytes).map_err(failed);
    }
    let directory = at.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = temporary_in(directory).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    if let Some(known) = known {
        temporary.as_file().set_permissions(known.permissions()).map_err(failed)?;
    }
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(&at).map(drop).map_err(|error| failed(error.error))
}

/// Writes every text of `after` that differs from that of `before` into the tree at `root`, each file whole or not at all,
/// and returns how many files that were.
///
/// # Errors
/// When a file is no longer what `before` says (then nothing was written), or the operating system refuses (the files
/// before it in the order of paths are written then).
pub fn replace_texts(root: &Path, before: &FileSet, after: &FileSet) -> Result<usize, WriteError> {
    let changed: Vec<(PathBuf, &str, &str)> = after
        .iter()
        .filter_map(|(path, _)| Some((root.join(path.as_str()), before.text(path)?, after.text(path)?)))
        .filter(|(_, old, new)| old != new)
        .collect();
    for (path, old, _) in &changed {
        let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        if !is_file || !matches!(read_file(path), Content::Text(text) if *text == **old) {
            return Err(WriteError::Changed(path.clone()));
        }
    }
    for (path, _, new) in &changed {
        write_file(path, new.as_bytes())?;
    }
    Ok(changed.len())
}

/// Makes a file that is to hold `bytes`, where there is none: a script (`#!`) may be run by whoever may read it.
pub(super) fn new_file(path: &Path, bytes: &[u8]) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if bytes.starts_with(b"#!") { 0o777 } else { 0o666 });
    options.open(path)
}

fn temporary_in(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gitops-gen-");
    // By default nobody else may read it; it becomes the file, which has what the umask leaves of this.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

pub(super) fn bytes(file: &SourceFile) -> &[u8] {
    match file.content() {
        Content::Text(text) => text.as_bytes(),
        Content::Binary(bytes) => bytes,
        Content::TooLarge(_) | Content::Unreadable(_) => &[],
    }
}

/// The files and directories that a call made, sorted: what is below a directory comes after it.
#[derive(Debug, Default)]
pub struct Written(BTreeSet<PathBuf>);

impl Written {
    /// Makes `directory` and those above it where they are not there.
    pub(super) fn directories(&mut self, directory: Option<&Path>) -> io::Result<()> {
        let Some(directory) = directory else { return Ok(()) };
        if directory.as_os_str().is_empty() || directory.is_dir() {
            return Ok(());
        }
        self.directories(directory.parent())?;
        fs::create_dir(directory)?;
        self.0.insert(directory.to_owned());
        Ok(())
    }

    /// Notes the file `path` below `root`, and the directories that it needs, as if they were made already.
    pub(super) fn announce(&mut self, root: &Path, path: &RepoPath) {
        let mut parent = path.parent();
        while !parent.is_root() {
            let directory = root.join(parent.as_str());
            // What was announced is not looked for again, nor what is above it.
            if self.0.contains(&directory) || directory.exists() {
                break;
            }
            self.0.insert(directory);
            parent = parent.parent();
        }
        self.0.insert(root.join(path.as_str()));
    }

    fn file(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = new_file(path, bytes)?;
        self.0.insert(path.to_owned());
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Removes all of it, last first. What cannot be removed was changed by somebody else meanwhile and stays.
    pub fn undo(self) {
        for path in self.0.into_iter().rev() {
            let removed = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::text::read::tests::paths;
    use crate::text::read_tree;

    #[test]
    fn what_is_written_is_read_again() {
        let root = tempfile::tempdir().unwrap();
        let binary = (RepoPath::new("b/x.bin").unwrap(), Content::Binary(Arc::from([0xff, 0x00])));
        let text = (RepoPath::new("a.yaml").unwrap(), Content::Text(Arc::from("a: 1\n")));
        write_tree(root.path(), &FileSet::from_contents([binary, text])).unwrap();
        let files = read_tree(root.path()).unwrap().files;
        assert_eq!(files.text(&RepoPath::new("a.yaml").unwrap()), Some("a: 1\n"));
        let file = files.file(&RepoPath::new("b/x.bin").unwrap()).unwrap();
        assert!(matches!(file.content(), Content::Binary(bytes) if **bytes == [0xff, 0x00]));
    }

    #[cfg(unix)]
    #[test]
    fn a_script_may_be_run_and_nothing_else() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let files = FileSet::from_texts([("up.sh", "#!/usr/bin/env bash\n"), ("lib.sh", "# no script\n")]);
        write_tree(root.path(), &files).unwrap();
        let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o100;
        assert_eq!((mode("up.sh"), mode("lib.sh")), (0o100, 0));
    }

    #[test]
    fn a_file_that_exists_stops_the_writing_before_it_begins() {
        let root = tempfile::tempdir().unwrap();
        write_tree(root.path(), &FileSet::from_texts([("b.yaml", "old")])).unwrap();
        let refused = write_tree(root.path(), &FileSet::from_texts([("a.yaml", "new"), ("b.yaml", "new")]));
        assert!(matches!(refused, Err(WriteError::Exists(path)) if path.ends_with("b.yaml")));
        assert_eq!(paths(root.path()), ["b.yaml"]);
    }

    #[test]
    fn a_failure_half_way_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        // The second file needs a directory where the first one stands.
        let refused = write_tree(root.path(), &FileSet::from_texts([("a/b", "file"), ("a/b/c", "below it")]));
        assert!(matches!(refused, Err(WriteError::Io { .. })));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.yaml");
        write_file(&file, b"old").unwrap();
        write_file(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(write_file(&root.path().join("no/such/a.yaml"), b"x").is_err());
        assert!(write_file(root.path(), b"x").is_err());
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["a.yaml"]);
    }

    #[test]
    fn texts_are_replaced_only_where_the_disk_still_holds_the_old_ones() {
        let root = tempfile::tempdir().unwrap();
        let before = FileSet::from_texts([("a/b.yaml", "1"), ("c.yaml", "2")]);
        write_tree(root.path(), &before).unwrap();
        let after = before.with_texts([(RepoPath::new("a/b.yaml").unwrap(), "3".to_owned())].into());
        assert_eq!(replace_texts(root.path(), &before, &after).unwrap(), 1);
        assert_eq!(fs::read_to_string(root.path().join("a/b.yaml")).unwrap(), "3");
        let refused = replace_texts(root.path(), &before, &after);
        assert!(matches!(refused, Err(WriteError::Changed(path)) if path.ends_with("a/b.yaml")));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_replaced_keeps_its_permissions_and_a_new_one_has_the_usual() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o777;
        fs::write(root.path().join("usual"), "").unwrap();
        write_file(&root.path().join("new"), b"x").unwrap();
        assert_eq!(mode("new"), mode("usual"));
        fs::set_permissions(root.path().join("new"), fs::Permissions::from_mode(0o640)).unwrap();
        write_file(&root.path().join("new"), b"y").unwrap();
        assert_eq!(mode("new"), 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_symbolic_link() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("apps")).unwrap();
        let refused = write_tree(root.path(), &FileSet::from_texts([("apps/base/a.yaml", "a: 1")]));
        assert!(matches!(refused, Err(WriteError::Exists(path)) if path.ends_with("apps")));
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
