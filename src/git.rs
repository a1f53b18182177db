//! Git without a checkout and without a network: revisions as file sets, tags, and the first commit of a repository.
//!
//! Owns libgit2. It never fetches, pushes or touches a working tree.

mod branch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{
    ErrorCode, MergeFileInput, ObjectType, Repository, RepositoryInitOptions, Signature, TreeWalkMode, TreeWalkResult,
};

pub use crate::git::branch::{check_branch, commit_on_new_branch};
use crate::text::{Content, FileSet, MAX_FILE_BYTES, RepoPath, is_never_entered};

/// Branch that a new repository starts with.
const FIRST_BRANCH: &str = "main";

/// Why Git could not be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The directory is in no Git repository, or libgit2 cannot open it.
    #[error("open the Git repository of `{path}`")]
    Open {
        /// The directory as it was given.
        path: PathBuf,
        /// libgit2's reason.
        source: git2::Error,
    },
    /// No commit or tree answers to the name.
    #[error("find revision `{revision}`")]
    Revision {
        /// As it was given.
        revision: String,
        /// libgit2's reason.
        source: git2::Error,
    },
    /// The revision has no such directory.
    #[error("find directory `{directory}` in revision `{revision}`")]
    Directory {
        /// Path from the top of the repository.
        directory: String,
        /// As it was given.
        revision: String,
    },
    /// Neither the configuration nor the caller says who commits.
    #[error("commit: Git does not know who you are; set user.name and user.email")]
    NoAuthor,
    /// There is a repository already.
    #[error("make a Git repository in `{0}`: there is one already")]
    Exists(PathBuf),
    /// It is no name of a branch.
    #[error("make the branch `{0}`: Git takes no such name")]
    BranchName(String),
    /// It is no name of a tag.
    #[error("make the tag `{0}`: Git takes no such name")]
    TagName(String),
    /// A branch has the name.
    #[error("make the branch `{0}`: it exists")]
    BranchExists(String),
    /// libgit2 refused.
    #[error("{what}")]
    Refused {
        /// What was being done.
        what: &'static str,
        /// libgit2's reason.
        source: git2::Error,
    },
}

fn refused(what: &'static str) -> impl Fn(git2::Error) -> GitError {
    move |source| GitError::Refused { what, source }
}

/// A tag and the commit that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Name without `refs/tags/`.
    pub name: String,
    /// Hash of the commit, in hexadecimal.
    pub commit: String,
}

/// Who commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// Returns the files that `directory`, somewhere in a working tree, had in `revision` (a branch, a tag, a hash,
/// `HEAD~2`). Paths are from `directory`; links and what is never entered are treated as on disk.
///
/// # Errors
/// When there is no repository, no such revision, or no such directory in it.
pub fn read_revision(directory: &Path, revision: &str) -> Result<FileSet, GitError> {
    let repository = open(directory)?;
    let not_found = |source| GitError::Revision { revision: revision.to_owned(), source };
    let object = repository.revparse_single(revision).map_err(not_found)?;
    let mut tree = object.peel_to_tree().map_err(not_found)?;
    let below = path_in_tree(&repository, directory);
    if !below.as_os_str().is_empty() {
        let entry = tree.get_path(&below).ok().and_then(|entry| entry.to_object(&repository).ok());
        let found = entry.and_then(|object| object.peel_to_tree().ok());
        tree = found.ok_or_else(|| GitError::Directory {
            directory: below.to_string_lossy().into_owned(),
            revision: revision.to_owned(),
        })?;
    }
    read_git_tree(&repository, &tree)
}

/// Returns the commit that `revision` and what is checked out have in common; nothing where they have none, or where
/// nothing is committed yet.
///
/// # Errors
/// When there is no repository or no such revision.
pub fn merge_base(directory: &Path, revision: &str) -> Result<Option<String>, GitError> {
    let repository = open(directory)?;
    let not_found = |source| GitError::Revision { revision: revision.to_owned(), source };
    let object = repository.revparse_single(revision).map_err(not_found)?;
    // A tree has no history.
    let Ok(commit) = object.peel_to_commit() else { return Ok(None) };
    let Some(head) = repository.head().ok().and_then(|head| head.peel_to_commit().ok()) else { return Ok(None) };
    Ok(repository.merge_base(commit.id(), head.id()).ok().map(|id| id.to_string()))
}

/// Returns the path from the top of the working tree that `directory` is in to it; the root where it is at the top or in
/// no repository.
pub fn path_from_top(directory: &Path) -> RepoPath {
    let path = open(directory).map(|repository| path_in_tree(&repository, directory)).unwrap_or_default();
    path.to_str().and_then(|path| RepoPath::new(path).ok()).unwrap_or_else(RepoPath::root)
}

fn open(directory: &Path) -> Result<Repository, GitError> {
    Repository::discover(directory).map_err(|source| GitError::Open { path: directory.to_owned(), source })
}

/// Returns the path from the top of the working tree to `directory`; empty at the top and in a bare repository.
fn path_in_tree(repository: &Repository, directory: &Path) -> PathBuf {
    let top = repository.workdir().and_then(|top| fs::canonicalize(top).ok());
    let here = fs::canonicalize(directory).ok();
    top.zip(here).and_then(|(top, here)| here.strip_prefix(top).map(Path::to_owned).ok()).unwrap_or_default()
}

fn read_git_tree(repository: &Repository, tree: &git2::Tree<'_>) -> Result<FileSet, GitError> {
    let mut contents = Vec::new();
    let mut links = BTreeMap::new();
    let mut failure = None;
    let walked = tree.walk(TreeWalkMode::PreOrder, |parent, entry| {
        let Ok(name) = entry.name() else { return TreeWalkResult::Ok };
        if entry.kind() == Some(ObjectType::Tree) {
            return if is_never_entered(name) { TreeWalkResult::Skip } else { TreeWalkResult::Ok };
        }
        // A submodule is a commit of another repository.
        let (Some(ObjectType::Blob), Ok(path)) = (entry.kind(), RepoPath::new(&format!("{parent}{name}"))) else {
            return TreeWalkResult::Ok;
        };
        let blob = match repository.find_blob(entry.id()) {
            Ok(blob) => blob,
            Err(error) => {
                failure = Some(error);
                return TreeWalkResult::Abort;
            }
        };
        if entry.filemode() == i32::from(git2::FileMode::Link) {
            links.insert(path, String::from_utf8_lossy(blob.content()).into_owned());
        } else {
            contents.push((path, content(blob.content())));
        }
        TreeWalkResult::Ok
    });
    if let Some(source) = failure {
        return Err(GitError::Refused { what: "read an object", source });
    }
    walked.map_err(refused("read a tree"))?;
    Ok(FileSet::from_contents(contents).with_links(links))
}

fn content(bytes: &[u8]) -> Content {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match std::str::from_utf8(bytes) {
        _ if size > MAX_FILE_BYTES => Content::TooLarge(size),
        Ok(text) => Content::Text(Arc::from(text)),
        Err(_) => Content::Binary(Arc::from(bytes)),
    }
}

/// Returns the tags of the repository that `directory` is in, sorted by name.
///
/// # Errors
/// When there is no repository or its references cannot be read.
pub fn tags(directory: &Path) -> Result<Vec<Tag>, GitError> {
    let repository = open(directory)?;
    let references = repository.references_glob("refs/tags/*").map_err(refused("list the tags"))?;
    let mut tags = Vec::new();
    for reference in references {
        let reference = reference.map_err(refused("read a tag"))?;
        let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) else { continue };
        let name = name.strip_prefix("refs/tags/").unwrap_or(name).to_owned();
        tags.push(Tag { name, commit: commit.id().to_string() });
    }
    tags.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tags)
}

/// Returns `ours` with what changed from `base` to `theirs`, merged by lines; nothing where both changed the same lines.
pub fn merge_lines(base: &str, ours: &str, theirs: &str) -> Option<String> {
    // Of git2's functions `merge_file` alone does not initialize libgit2, which fails the first merge of a process.
    drop(git2::Buf::new());
    let input = |text| {
        let mut input = MergeFileInput::new();
        input.content(text);
        input
    };
    let merged =
        git2::merge_file(&input(base.as_bytes()), &input(ours.as_bytes()), &input(theirs.as_bytes()), None).ok()?;
    let text = merged.is_automergeable().then(|| merged.content().to_vec())?;
    String::from_utf8(text).ok()
}

/// The state of a working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The branch that HEAD is on; nothing where it is detached.
    pub branch: Option<String>,
    /// Paths that differ from what is committed, untracked ones included, sorted; ignored ones are not.
    pub changed: Vec<String>,
}

/// Returns the state of the working tree that `directory` is in.
///
/// # Errors
/// When there is no repository or it cannot be read.
pub fn state(directory: &Path) -> Result<State, GitError> {
    let repository = open(directory)?;
    let detached = repository.head_detached().map_err(refused("read HEAD"))?;
    let head = repository.head().map_err(refused("read HEAD"))?;
    let branch = head.shorthand().ok().filter(|_| !detached).map(str::to_owned);
    let mut options = git2::StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
    let statuses = repository.statuses(Some(&mut options)).map_err(refused("read the state of the working tree"))?;
    let mut changed: Vec<String> = statuses.iter().filter_map(|entry| entry.path().ok().map(str::to_owned)).collect();
    changed.sort();
    Ok(State { branch, changed })
}

/// Refuses what is no name of a tag.
///
/// # Errors
/// When Git takes no such name.
pub fn check_tag_name(name: &str) -> Result<(), GitError> {
    if git2::Tag::is_valid_name(name) { Ok(()) } else { Err(GitError::TagName(name.to_owned())) }
}

/// Makes the annotated tag `name` at HEAD.
///
/// # Errors
/// When it exists or libgit2 refuses.
pub fn make_tag(directory: &Path, name: &str, message: &str, author: &Author) -> Result<(), GitError> {
    let repository = open(directory)?;
    let head = repository.head().and_then(|head| head.peel_to_commit()).map_err(refused("read HEAD"))?;
    let signature = Signature::now(&author.name, &author.email).map_err(refused("use the author"))?;
    repository.tag(name, head.as_object(), &signature, message, false).map(|_| ()).map_err(refused("make the tag"))
}

/// Returns who commits according to Git's configuration (that of the user and of the machine).
///
/// # Errors
/// When it names nobody.
pub fn configured_author() -> Result<Author, GitError> {
    author_of(&git2::Config::open_default().map_err(refused("read the configuration of Git"))?)
}

/// Returns who commits in the repository that `directory` is in: its own configuration counts first.
///
/// # Errors
/// When there is no repository, or its configuration names nobody.
pub fn author_in(directory: &Path) -> Result<Author, GitError> {
    author_of(&open(directory)?.config().map_err(refused("read the configuration of Git"))?)
}

fn author_of(configuration: &git2::Config) -> Result<Author, GitError> {
    let value = |key| configuration.get_string(key).ok().filter(|value| !value.trim().is_empty());
    match (value("user.name"), value("user.email")) {
        (Some(name), Some(email)) => Ok(Author { name, email }),
        _ => Err(GitError::NoAuthor),
    }
}

/// Makes a Git repository of `root` and commits `files`, which stand there already; returns the hash of the commit.
///
/// On any failure the `.git` directory that this call made is removed again.
///
/// # Errors
/// When there is a repository in `root` already, or libgit2 refuses.
pub fn init_and_commit(root: &Path, files: &FileSet, message: &str, author: &Author) -> Result<String, GitError> {
    let directory = root.join(".git");
    if fs::symlink_metadata(&directory).is_ok() {
        return Err(GitError::Exists(root.to_owned()));
    }
    commit_all(root, files, message, author).inspect_err(|_| drop(fs::remove_dir_all(&directory)))
}

fn commit_all(root: &Path, files: &FileSet, message: &str, author: &Author) -> Result<String, GitError> {
    let mut options = RepositoryInitOptions::new();
    options.initial_head(FIRST_BRANCH).no_reinit(true).mkpath(false);
    let repository = Repository::init_opts(root, &options).map_err(|source| match source.code() {
        ErrorCode::Exists => GitError::Exists(root.to_owned()),
        _ => GitError::Refused { what: "make a Git repository", source },
    })?;
    let mut index = repository.index().map_err(refused("open the index"))?;
    for (path, _) in files.iter() {
        index.add_path(Path::new(path.as_str())).map_err(refused("add a file to the index"))?;
    }
    index.write().map_err(refused("write the index"))?;
    let tree = index.write_tree().and_then(|id| repository.find_tree(id)).map_err(refused("write the tree"))?;
    let signature = Signature::now(&author.name, &author.email).map_err(refused("use the author"))?;
    let commit = repository.commit(Some("HEAD"), &signature, &signature, message, &tree, &[]);
    commit.map(|id| id.to_string()).map_err(refused("commit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn author() -> Author {
        Author { name: "A Tester".to_owned(), email: "tester@example.com".to_owned() }
    }

    fn repository(files: &FileSet) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        text::write_tree(directory.path(), files).unwrap();
        init_and_commit(directory.path(), files, "first\n", &author()).unwrap();
        directory
    }

    #[test]
    fn a_revision_is_read_as_it_was_committed_and_not_as_it_is_on_disk() {
        let files = FileSet::from_texts([("apps/a.yaml", "a: 1\n"), ("README.md", "hello\n")]);
        let directory = repository(&files);
        fs::write(directory.path().join("apps/a.yaml"), "a: 2\n").unwrap();
        let read = read_revision(directory.path(), "HEAD").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read.text(&RepoPath::new("apps/a.yaml").unwrap()), Some("a: 1\n"));
    }

    #[test]
    fn a_directory_inside_the_repository_is_read_alone() {
        let files = FileSet::from_texts([("fleet/apps/a.yaml", "a: 1\n"), ("README.md", "hello\n")]);
        let directory = repository(&files);
        let read = read_revision(&directory.path().join("fleet"), "main").unwrap();
        assert_eq!(read.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["apps/a.yaml"]);
    }

    #[test]
    fn tags_lead_to_commits_whether_annotated_or_not() {
        let files = FileSet::from_texts([("a", "1")]);
        let directory = repository(&files);
        let repository = Repository::open(directory.path()).unwrap();
        let head = repository.revparse_single("HEAD").unwrap();
        repository.tag_lightweight("v1.0.0", &head, false).unwrap();
        let signature = Signature::now("A Tester", "tester@example.com").unwrap();
        repository.tag("v0.9.0", &head, &signature, "older", false).unwrap();
        let found = tags(directory.path()).unwrap();
        assert_eq!(found.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["v0.9.0", "v1.0.0"]);
        assert!(found.iter().all(|tag| tag.commit == head.id().to_string()));
    }

    #[test]
    fn an_unknown_revision_is_an_error_that_names_it() {
        let directory = repository(&FileSet::from_texts([("a", "1")]));
        let error = read_revision(directory.path(), "nope").unwrap_err();
        assert_eq!(error.to_string(), "find revision `nope`");
    }

    #[test]
    fn a_second_repository_is_refused_and_the_first_one_stays() {
        let files = FileSet::from_texts([("a", "1")]);
        let directory = repository(&files);
        let error = init_and_commit(directory.path(), &files, "again", &author()).unwrap_err();
        assert!(matches!(error, GitError::Exists(_)), "{error}");
        assert!(read_revision(directory.path(), "HEAD").is_ok());
    }

    #[test]
    fn a_failed_commit_leaves_no_repository_behind() {
        let directory = tempfile::tempdir().unwrap();
        let missing = FileSet::from_texts([("not-there.yaml", "a: 1\n")]);
        assert!(init_and_commit(directory.path(), &missing, "first", &author()).is_err());
        assert!(!directory.path().join(".git").exists());
    }
}
