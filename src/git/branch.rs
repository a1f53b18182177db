//! Commits that stand on a branch of their own: the index and the working tree stay as they are.

use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{BranchType, FileMode, Repository, Signature, Tree};

use crate::git::{Author, GitError, open, path_in_tree, refused};
use crate::text::RepoPath;

/// Commits `texts`, whose paths are from `directory`, on the new branch `name`, which begins at HEAD; returns the hash of
/// the commit. What else is staged or changed is not in it.
///
/// # Errors
/// When `name` is no name of a branch or a branch has it, when nothing is committed yet, or when libgit2 refuses: then
/// there is no branch.
pub fn commit_on_new_branch<'t>(
    directory: &Path,
    name: &str,
    texts: impl IntoIterator<Item = (&'t RepoPath, &'t str)>,
    message: &str,
    author: &Author,
) -> Result<String, GitError> {
    let repository = open(directory)?;
    check_new_branch(&repository, name)?;
    let head = repository.head().and_then(|head| head.peel_to_commit()).map_err(refused("read HEAD"))?;
    let before = head.tree().map_err(refused("read the tree of HEAD"))?;
    let below = path_in_tree(&repository, directory);
    let mut builder = TreeUpdateBuilder::new();
    for (path, text) in texts {
        let path = below.join(path.as_str());
        let blob = repository.blob(text.as_bytes()).map_err(refused("write a file"))?;
        builder.upsert(&path, blob, mode_of(&before, &path));
    }
    let tree = builder.create_updated(&repository, &before).map_err(refused("write the tree"))?;
    let tree = repository.find_tree(tree).map_err(refused("read the tree"))?;
    let signature = Signature::now(&author.name, &author.email).map_err(refused("use the author"))?;
    let commit =
        repository.commit(None, &signature, &signature, message, &tree, &[&head]).map_err(refused("commit"))?;
    let commit = repository.find_commit(commit).map_err(refused("read the commit"))?;
    repository.branch(name, &commit, false).map_err(refused("make the branch"))?;
    Ok(commit.id().to_string())
}

/// Refuses a branch that the repository of `directory` cannot be given.
///
/// # Errors
/// When `name` is no name of a branch, or a branch has it.
pub fn check_branch(directory: &Path, name: &str) -> Result<(), GitError> {
    check_new_branch(&open(directory)?, name)
}

fn check_new_branch(repository: &Repository, name: &str) -> Result<(), GitError> {
    if !git2::Branch::name_is_valid(name).unwrap_or(false) {
        return Err(GitError::BranchName(name.to_owned()));
    }
    match repository.find_branch(name, BranchType::Local) {
        Ok(_) => Err(GitError::BranchExists(name.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Returns the mode that the file at `path` has, or that of a plain file.
fn mode_of(tree: &Tree<'_>, path: &Path) -> FileMode {
    let executable = i32::from(FileMode::BlobExecutable);
    match tree.get_path(path) {
        Ok(entry) if entry.filemode() == executable => FileMode::BlobExecutable,
        _ => FileMode::Blob,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::{init_and_commit, read_revision};
    use crate::text::{self, FileSet};

    fn author() -> Author {
        Author { name: "A Tester".to_owned(), email: "tester@example.com".to_owned() }
    }

    fn repository() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let files =
            FileSet::from_texts([("fleet/a.yaml", "a: 1\n"), ("fleet/b.yaml", "b: 1\n"), ("README.md", "hello\n")]);
        text::write_tree(directory.path(), &files).unwrap();
        init_and_commit(directory.path(), &files, "first\n", &author()).unwrap();
        directory
    }

    fn commit(directory: &Path, name: &str) -> Result<String, GitError> {
        let path = RepoPath::new("a.yaml").unwrap();
        commit_on_new_branch(directory, name, [(&path, "a: 2\n")], "second\n", &author())
    }

    #[test]
    fn a_branch_has_the_edit_and_neither_the_working_tree_nor_the_index_does() {
        let directory = repository();
        let fleet = directory.path().join("fleet");
        fs::write(fleet.join("b.yaml"), "b: 2\n").unwrap();
        let made = commit(&fleet, "release/v1").unwrap();
        let read = |revision: &str, path: &str| {
            let files = read_revision(&fleet, revision).unwrap();
            files.text(&RepoPath::new(path).unwrap()).map(str::to_owned)
        };
        assert_eq!(read("release/v1", "a.yaml").as_deref(), Some("a: 2\n"));
        assert_eq!(read("release/v1", "b.yaml").as_deref(), Some("b: 1\n"), "what is not committed stays here");
        assert_eq!(read("HEAD", "a.yaml").as_deref(), Some("a: 1\n"));
        assert_eq!(fs::read_to_string(fleet.join("a.yaml")).unwrap(), "a: 1\n");
        let repository = Repository::open(directory.path()).unwrap();
        let commit = repository.revparse_single("release/v1").unwrap().peel_to_commit().unwrap();
        assert_eq!(commit.id().to_string(), made);
        assert_eq!(commit.parent_id(0).ok(), repository.head().unwrap().target());
        assert!(repository.index().unwrap().get_path(Path::new("fleet/a.yaml"), 0).is_some());
        let changed = crate::git::state(&fleet).unwrap().changed;
        assert_eq!(changed, ["fleet/b.yaml"]);
    }

    #[test]
    fn a_branch_that_exists_or_cannot_be_is_refused() {
        let directory = repository();
        let error = commit(directory.path(), "main").unwrap_err();
        assert_eq!(error.to_string(), "make the branch `main`: it exists");
        for name in ["", "a..b", "a b", "-a", "refs/../x", "a.lock"] {
            let error = commit(directory.path(), name).unwrap_err();
            assert!(matches!(error, GitError::BranchName(_)), "{name}: {error}");
        }
    }

    #[test]
    fn without_a_commit_there_is_nothing_to_begin_at() {
        let directory = tempfile::tempdir().unwrap();
        Repository::init(directory.path()).unwrap();
        assert_eq!(commit(directory.path(), "release").unwrap_err().to_string(), "read HEAD");
    }
}
