//! The working tree that a command is about.

use std::collections::BTreeMap;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::cli::CliError;
use crate::diagnostic::NotChecked;
use crate::kustomize;
use crate::repo::Repo;
use crate::text::{self, FileSet, ReadOutcome, RepoPath};
use crate::yaml;

/// A repository as it was read from disk, with what of it was passed over.
pub(super) struct Tree {
    pub(super) repo: Repo,
    pub(super) not_checked: Vec<NotChecked>,
}

/// Reads the repository whose root is `directory`.
pub(super) fn read(directory: &Path) -> Result<Tree, CliError> {
    read_all(directory).map(|(files, not_checked)| Tree { repo: Repo::new(files), not_checked })
}

/// Reads the repository whose root is `directory`, as if the files that `patterns` and `exclude` of gitops.yaml match (as
/// in a .gitignore) were not there.
pub(super) fn read_without(directory: &Path, patterns: &[String]) -> Result<Tree, CliError> {
    let Tree { mut repo, mut not_checked } = read(directory)?;
    let of_file = of_configuration(&repo);
    for (patterns, why) in [(of_file.as_slice(), "`exclude` of gitops.yaml"), (patterns, "--exclude")] {
        if patterns.is_empty() {
            continue;
        }
        let rest = without(repo.files(), &excluded(patterns)?);
        let what = format!("{} files", repo.files().len() - rest.len());
        not_checked.push(NotChecked { why: why.into(), what, span: None });
        repo = Repo::new(rest);
    }
    Ok(Tree { repo, not_checked })
}

/// Reads every file below `directory`, and what cannot be taken in.
fn read_all(directory: &Path) -> Result<(FileSet, Vec<NotChecked>), CliError> {
    let ReadOutcome { files, unnamed } = text::read_tree(directory)?;
    let mut not_checked = Vec::new();
    let mut note = |what: String, why: &'static str| {
        not_checked.push(NotChecked { why: why.into(), what, span: None });
    };
    for path in unnamed {
        note(path.display().to_string(), "the name is not UTF-8 or holds control characters");
    }
    for (path, target) in files.links() {
        note(format!("{path} -> {target}"), "Flux drops symbolic links from its artifacts");
    }
    Ok((files, not_checked))
}

/// Returns the patterns that gitops.yaml excludes.
fn of_configuration(repo: &Repo) -> Vec<String> {
    repo.config().exclude.iter().map(|pattern| pattern.value.to_string()).collect()
}

/// Returns `repo` without the files that `patterns` and its own gitops.yaml exclude.
pub(super) fn without_excluded(repo: Repo, patterns: &[String]) -> Result<Repo, CliError> {
    let patterns = [of_configuration(&repo).as_slice(), patterns].concat();
    if patterns.is_empty() { Ok(repo) } else { Ok(Repo::new(without(repo.files(), &excluded(&patterns)?))) }
}

/// Reads of the repository whose root is `root` what a kustomization in `directory` asks for: what is below it, and
/// what is below the directories that the kustomization files there name.
///
/// It may be less than a build needs (Flux may read single files elsewhere): a build of it that finds nothing wrong is
/// the build of the repository, any other has to be made again from all of it.
pub(super) fn read_reachable(root: &Path, directory: &RepoPath) -> Repo {
    let mut contents = BTreeMap::new();
    let mut wanted = vec![directory.clone()];
    let mut read: Vec<RepoPath> = Vec::new();
    while let Some(part) = wanted.pop() {
        if read.iter().any(|earlier| part.strip_prefix(earlier).is_some()) {
            continue;
        }
        let files = text::read_part(root, &part).files;
        for (path, id) in files.iter() {
            let Some(file) = files.file(path) else { continue };
            if kustomize::FILE_NAMES.contains(&path.name()) {
                wanted.extend(kustomize::included(&path.parent(), &yaml::parse(id, file.text())));
            }
            contents.insert(path.clone(), file.content().clone());
        }
        read.push(part);
    }
    Repo::for_one_build(FileSet::from_contents(contents))
}

/// Returns what `patterns` match, each as a line of a .gitignore.
pub(super) fn excluded(patterns: &[String]) -> Result<Gitignore, CliError> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        builder.add_line(None, pattern)?;
    }
    Ok(builder.build()?)
}

/// Returns the files that `excluded` does not match. They are a table of their own, so that nothing else is parsed.
fn without(files: &FileSet, excluded: &Gitignore) -> FileSet {
    let is_kept = |path: &str| !excluded.matched_path_or_any_parents(path, false).is_ignore();
    let kept = files.iter().filter(|(path, _)| is_kept(path.as_str()));
    let contents = kept.filter_map(|(path, _)| Some((path.clone(), files.file(path)?.content().clone())));
    FileSet::from_contents(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_of_one_overlay_reads_what_it_includes_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            ("apps/fra1/web/kustomization.yaml", "resources: [../../base/web]\ncomponents: [../../../parts/tls]\n"),
            ("apps/fra1/web/patches/replicas.yaml", ""),
            ("apps/fra1/other/kustomization.yaml", "resources: []\n"),
            ("apps/base/web/kustomization.yml", "resources: [web.yaml, ../shared, ../gone, https://example.com/x]\n"),
            ("apps/base/web/web.yaml", ""),
            ("apps/base/shared/Kustomization", "resources: [../web]\n"),
            ("apps/base/unused/kustomization.yaml", ""),
            ("parts/tls/kustomization.yaml", "kind: Component\n"),
        ];
        text::write_tree(root.path(), &FileSet::from_texts(files)).unwrap();
        let repo = read_reachable(root.path(), &RepoPath::new("apps/fra1/web").unwrap());
        let read: Vec<_> = repo.files().iter().map(|(path, _)| path.as_str()).collect();
        let expected = [
            "apps/base/shared/Kustomization",
            "apps/base/web/kustomization.yml",
            "apps/base/web/web.yaml",
            "apps/fra1/web/kustomization.yaml",
            "apps/fra1/web/patches/replicas.yaml",
            "parts/tls/kustomization.yaml",
        ];
        assert_eq!(read, expected);
    }
}
