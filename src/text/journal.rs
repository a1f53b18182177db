//! Changes to a working tree that happen together or not at all, even when the process is killed half-way.
//!
//! What is to be written is staged first, in a directory beside; giving that directory its final name is the point of no
//! return. From then on the changes only have to be carried out, by this run or by the next.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use crate::text::FileSet;
use crate::text::path::RepoPath;
use crate::text::write::{self, WriteError, Written, new_file};

/// Where a change that is decided waits for being carried out.
const DECIDED: &str = ".gitops-gen/pending";
/// Where a change is prepared.
const PREPARED: &str = ".gitops-gen/preparing";
/// The new files, by their paths.
const FILES: &str = "files";
/// The paths of files that go, a line each.
const GONE: &str = "gone";

/// Files that are written at a time: each waits for the disk, which takes several at once.
const WRITERS: usize = 8;

/// What [`recover`] found of a run that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing was left.
    Nothing,
    /// Changes that were not decided yet: they are dropped, the tree is as it was before.
    Dropped,
    /// Changes that were decided: they are carried out now.
    CarriedOut,
}

/// Changes the tree below `root`: each file gets the content given, or goes where there is none. All or nothing.
///
/// Permissions of a file that is replaced stay. Nothing is written through a symbolic link.
///
/// # Errors
/// When a path leads through a symbolic link or a file, or the operating system refuses. The tree is as it was, or (after
/// the point of no return) [`recover`] carries the change out.
pub fn change_tree(root: &Path, changes: &BTreeMap<RepoPath, Option<Vec<u8>>>) -> Result<(), WriteError> {
    recover(root)?;
    if changes.is_empty() {
        return Ok(());
    }
    let staged_below = RepoPath::new(DECIDED).into_iter();
    for path in changes.keys().cloned().chain(staged_below) {
        refuse_links(root, &path)?;
    }
    let prepared = root.join(PREPARED);
    let staged = stage(root, &prepared, changes).and_then(|()| decide(root));
    if let Err((path, source)) = staged {
        // Nothing of the tree itself was touched; what stays behind is dropped by the next run.
        drop(fs::remove_dir_all(&prepared));
        return Err(WriteError::Io { path, source });
    }
    carry_out(root)
}

/// Writes every file of `files` below `root`, all or nothing, like [`write_tree`](crate::text::write_tree); a run that is
/// killed half-way is ended by [`recover`].
///
/// # Errors
/// When a path exists or the operating system refuses (no space, no permission).
pub fn create_tree(root: &Path, files: &FileSet) -> Result<Written, WriteError> {
    write::refuse_existing(root, files)?;
    let mut made = Written::default();
    let prepared = root.join(PREPARED);
    if let Err(source) = made.directories(prepared.parent()) {
        made.undo();
        return Err(WriteError::Io { path: prepared, source });
    }
    let content = |(path, _): (&RepoPath, _)| (path.clone(), files.file(path).map(|file| write::bytes(file).to_vec()));
    let changes: BTreeMap<RepoPath, Option<Vec<u8>>> = files.iter().map(content).collect();
    if let Err((path, source)) = stage(root, &prepared, &changes).and_then(|()| decide(root)) {
        drop(fs::remove_dir_all(&prepared));
        made.undo();
        return Err(WriteError::Io { path, source });
    }
    for path in changes.keys() {
        made.announce(root, path);
    }
    carry_out(root)?;
    Ok(made)
}

/// Ends what a killed run has begun below `root`.
///
/// # Errors
/// When the operating system refuses.
pub fn recover(root: &Path) -> Result<Recovered, WriteError> {
    let prepared = root.join(PREPARED);
    let mut found = Recovered::Nothing;
    if fs::symlink_metadata(&prepared).is_ok() {
        fs::remove_dir_all(&prepared).map_err(|source| WriteError::Io { path: prepared, source })?;
        found = Recovered::Dropped;
    }
    if fs::symlink_metadata(root.join(DECIDED)).is_ok() {
        carry_out(root)?;
        found = Recovered::CarriedOut;
    }
    Ok(found)
}

/// Refuses a path that leads through a symbolic link or a file, or to a directory.
fn refuse_links(root: &Path, path: &RepoPath) -> Result<(), WriteError> {
    let at = root.join(path.as_str());
    if fs::symlink_metadata(&at).is_ok_and(|found| !found.is_file()) {
        return Err(WriteError::Exists(at));
    }
    let mut parent = path.parent();
    while !parent.is_root() {
        let directory = root.join(parent.as_str());
        if fs::symlink_metadata(&directory).is_ok_and(|found| !found.is_dir()) {
            return Err(WriteError::Exists(directory));
        }
        parent = parent.parent();
    }
    Ok(())
}

type Step<T> = Result<T, (PathBuf, io::Error)>;

/// A file that is staged.
struct Staged<'a> {
    /// Where it waits.
    at: PathBuf,
    /// Where it goes.
    target: PathBuf,
    content: &'a [u8],
}

impl Staged<'_> {
    fn write(&self) -> Step<()> {
        let write = || -> io::Result<()> {
            write_synced(&self.at, self.content)?;
            match fs::metadata(&self.target) {
                Ok(old) => fs::set_permissions(&self.at, old.permissions()),
                Err(_) => Ok(()),
            }
        };
        write().map_err(|error| (self.at.clone(), error))
    }
}

fn stage(root: &Path, prepared: &Path, changes: &BTreeMap<RepoPath, Option<Vec<u8>>>) -> Step<()> {
    let failed = |at: &Path| {
        let at = at.to_owned();
        |error| (at, error)
    };
    fs::create_dir_all(prepared).map_err(failed(prepared))?;
    let mut gone = String::new();
    let mut files = Vec::new();
    let mut directories = BTreeSet::new();
    for (path, content) in changes {
        let Some(content) = content else {
            gone.push_str(path.as_str());
            gone.push('\n');
            continue;
        };
        directories.insert(path.parent());
        let at = prepared.join(FILES).join(path.as_str());
        files.push(Staged { at, target: root.join(path.as_str()), content });
    }
    for directory in directories {
        let at = prepared.join(FILES).join(directory.as_str());
        fs::create_dir_all(&at).map_err(failed(&at))?;
    }
    write_all(&files)?;
    let at = prepared.join(GONE);
    write_synced(&at, gone.as_bytes()).map_err(failed(&at))
}

/// Writes the files, several at a time; of several failures the one of the first path is told.
fn write_all(files: &[Staged<'_>]) -> Step<()> {
    let parts = files.chunks(files.len().div_ceil(WRITERS).max(1));
    thread::scope(|scope| {
        let writers: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().try_for_each(Staged::write))).collect();
        let written = writers.into_iter().map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)));
        // All of them are waited for, also behind a failure.
        written.collect::<Vec<_>>().into_iter().collect()
    })
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = new_file(path, content)?;
    file.write_all(content)?;
    file.sync_all()
}

/// The point of no return.
fn decide(root: &Path) -> Step<()> {
    let decided = root.join(DECIDED);
    fs::rename(root.join(PREPARED), &decided).map_err(|error| (decided, error))
}

/// Carries out what is decided. Each step may be repeated: files are moved into place, and what is gone may be gone.
fn carry_out(root: &Path) -> Result<(), WriteError> {
    let decided = root.join(DECIDED);
    let files = decided.join(FILES);
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| WriteError::Io { path, source }
    };
    let mut walk = walkdir::WalkDir::new(&files).min_depth(1).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let Ok(entry) = entry else { continue };
        let Ok(path) = entry.path().strip_prefix(&files) else { continue };
        let target = root.join(path);
        let is_directory = entry.file_type().is_dir();
        if is_directory && fs::symlink_metadata(&target).is_ok() {
            continue;
        }
        fs::rename(entry.path(), &target).map_err(failed(&target))?;
        if is_directory {
            // A new directory went with all that is below it.
            walk.skip_current_dir();
        }
    }
    // The list goes with the directory at the very end: where it is absent, nothing is left but the rest of that directory.
    let gone = match fs::read_to_string(decided.join(GONE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(failed(&decided))?,
    };
    for path in gone.lines().filter_map(|line| RepoPath::new(line).ok()) {
        let target = root.join(path.as_str());
        match fs::remove_file(&target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&target)(error)),
            _ => remove_empty_parents(root, &path),
        }
    }
    fs::remove_dir_all(&decided).map_err(failed(&decided))
}

/// Removes the directories that are empty without the file at `path`.
fn remove_empty_parents(root: &Path, path: &RepoPath) {
    let mut parent = path.parent();
    // Fails on the first that is not empty, which is where it ends.
    while !parent.is_root() && fs::remove_dir(root.join(parent.as_str())).is_ok() {
        parent = parent.parent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Changes = BTreeMap<RepoPath, Option<Vec<u8>>>;

    fn changes(of: &[(&str, Option<&str>)]) -> Changes {
        let change = |(path, text): &(&str, Option<&str>)| {
            (RepoPath::new(path).unwrap(), text.map(|text| text.as_bytes().to_vec()))
        };
        of.iter().map(change).collect()
    }

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/b/old"), "old").unwrap();
        fs::write(root.path().join("kept"), "before").unwrap();
        root
    }

    fn read(root: &Path) -> Vec<(String, String)> {
        let files = walkdir::WalkDir::new(root).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file());
        let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        files.map(|entry| (name(entry.path()), fs::read_to_string(entry.path()).unwrap())).collect()
    }

    fn changed() -> Vec<(String, String)> {
        [("c/new", "new"), ("kept", "after")].map(|(path, text)| (path.to_owned(), text.to_owned())).into()
    }

    const WANTED: [(&str, Option<&str>); 3] = [("a/b/old", None), ("c/new", Some("new")), ("kept", Some("after"))];

    #[test]
    fn files_are_written_replaced_and_removed_and_nothing_else_stays() {
        let root = tree();
        change_tree(root.path(), &changes(&WANTED)).unwrap();
        assert_eq!(read(root.path()), changed());
        assert!(!root.path().join("a").exists(), "empty directories go");
        assert_eq!(recover(root.path()).unwrap(), Recovered::Nothing);
    }

    #[test]
    fn a_directory_that_is_new_comes_with_all_that_is_below_it_and_one_that_is_there_keeps_its_own() {
        let root = tree();
        let paths = ["a/b/c/d", "a/b/e", "new/f", "new/g/h"];
        change_tree(root.path(), &changes(&paths.map(|path| (path, Some("x"))))).unwrap();
        let found: Vec<_> = read(root.path()).into_iter().map(|(path, _)| path).collect();
        assert_eq!(found, ["a/b/c/d", "a/b/e", "a/b/old", "kept", "new/f", "new/g/h"]);
    }

    #[test]
    fn a_file_that_cannot_be_staged_is_told_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        // The second one needs a directory where the first one stands; others are written meanwhile.
        let files = FileSet::from_texts(["a/b", "a/b/c", "d", "e", "f", "g", "h", "i", "j"].map(|path| (path, "x")));
        let refused = create_tree(root.path(), &files);
        assert!(matches!(refused, Err(WriteError::Io { path, .. }) if path.ends_with("a/b")));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_run_that_was_killed_before_the_decision_leaves_the_tree_as_it_was() {
        let root = tree();
        let before = read(root.path());
        stage(root.path(), &root.path().join(PREPARED), &changes(&WANTED)).unwrap();
        assert_eq!(recover(root.path()).unwrap(), Recovered::Dropped);
        assert_eq!(read(root.path()), before);
    }

    #[test]
    fn a_run_that_was_killed_after_the_decision_is_carried_out_by_the_next() {
        // After each number of moved files.
        for moved in 0..=2 {
            let root = tree();
            stage(root.path(), &root.path().join(PREPARED), &changes(&WANTED)).unwrap();
            decide(root.path()).unwrap();
            for path in ["c/new", "kept"].iter().take(moved) {
                fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
                fs::rename(root.path().join(DECIDED).join(FILES).join(path), root.path().join(path)).unwrap();
            }
            assert_eq!(recover(root.path()).unwrap(), Recovered::CarriedOut);
            assert_eq!(read(root.path()), changed(), "{moved}");
        }
    }

    #[test]
    fn a_run_that_was_killed_while_it_cleaned_up_is_ended_by_the_next() {
        let root = tree();
        change_tree(root.path(), &changes(&WANTED)).unwrap();
        fs::create_dir_all(root.path().join(DECIDED).join(FILES)).unwrap();
        assert_eq!(recover(root.path()).unwrap(), Recovered::CarriedOut);
        assert_eq!(read(root.path()), changed());
        assert_eq!(recover(root.path()).unwrap(), Recovered::Nothing);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let (root, elsewhere) = (tree(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("c")).unwrap();
        let before = read(root.path());
        assert!(matches!(change_tree(root.path(), &changes(&WANTED)), Err(WriteError::Exists(_))));
        assert_eq!(read(root.path()), before);
        fs::set_permissions(root.path().join("kept"), fs::Permissions::from_mode(0o755)).unwrap();
        change_tree(root.path(), &changes(&[("kept", Some("x"))])).unwrap();
        assert_eq!(fs::metadata(root.path().join("kept")).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
