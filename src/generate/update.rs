//! What a new generation asks of a repository that was generated before and edited since.

use std::collections::BTreeMap;

use crate::generate::base::Texts;
use crate::generate::merge::{NodeConflict, merge};
use crate::git;
use crate::image;
use crate::text::{FileSet, RepoPath, SourceId};
use crate::yaml;

/// What an update does to a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// The new text of each file that changes; nothing where the file goes.
    pub changes: BTreeMap<RepoPath, Option<String>>,
    /// What a person has to decide, by path and line.
    pub conflicts: Vec<Conflict>,
    /// What counts as generated from now on: of a file that could not be merged still the old text.
    pub base: Texts,
}

/// Something that a person and the generator changed differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The file.
    pub path: RepoPath,
    /// Line of Git's markers in the new text, from 1; nothing where the file was left as it stands.
    pub line: Option<usize>,
    /// Keys on the way to the node; nothing where it is about the file.
    pub node: Option<String>,
    /// Why both cannot be had, as a clause.
    pub reason: &'static str,
}

/// Returns what brings `ours` from `base`, as it was generated, to `theirs`, as it is generated now.
///
/// A file that nobody edited is replaced, one that a person removed stays away, one that both changed is merged. Encrypted
/// files are never touched.
pub fn update(base: &Texts, ours: &FileSet, theirs: &FileSet) -> Update {
    let mut update = Update::default();
    for (path, _) in theirs.iter() {
        let Some(new) = theirs.text(path) else { continue };
        let before = base.get(path).map(String::as_str);
        update.base.insert(path.clone(), new.to_owned());
        match ours.file(path).map(|_| ours.text(path)) {
            // Who removed it does not want it back.
            None if before.is_some() => {}
            None => update.write(path, new),
            Some(None) => update.leave(path, before, "it is no text here"),
            Some(Some(mine)) => update.file(path, [before, Some(mine), Some(new)], is_encrypted(ours, path)),
        }
    }
    for (path, before) in base {
        let Some(mine) = ours.text(path).filter(|_| theirs.file(path).is_none()) else { continue };
        if mine == before {
            update.changes.insert(path.clone(), None);
        } else {
            update.leave(path, Some(before), "it was changed here and is no longer generated");
        }
    }
    update.conflicts.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    update
}

impl Update {
    fn write(&mut self, path: &RepoPath, text: &str) {
        self.changes.insert(path.clone(), Some(text.to_owned()));
    }

    /// Leaves the file as it stands, and what counts as generated too, so that the next update asks again.
    fn leave(&mut self, path: &RepoPath, before: Option<&str>, reason: &'static str) {
        match before {
            Some(before) => self.base.insert(path.clone(), before.to_owned()),
            None => self.base.remove(path),
        };
        self.conflicts.push(Conflict { path: path.clone(), line: None, node: None, reason });
    }

    /// Decides on a file that stands in ours and theirs: `versions` are base, ours and theirs.
    fn file(&mut self, path: &RepoPath, versions: [Option<&str>; 3], is_encrypted: bool) {
        let [before, Some(mine), Some(new)] = versions else { return };
        if mine == new || before == Some(new) || is_encrypted {
            return;
        }
        match before {
            // Even there a value under a marker is not ours to write; setters look into YAML alone.
            Some(before) if before == mine && !(path.is_yaml() && holds_marker(mine)) => self.write(path, new),
            Some(before) => self.both_changed(path, [before, mine, new]),
            None => self.leave(path, None, "it stands here already, and was not generated as it stands"),
        }
    }

    fn both_changed(&mut self, path: &RepoPath, [before, mine, new]: [&str; 3]) {
        if path.is_yaml() {
            if let Some(merged) = merge(before, mine, new) {
                if merged.text != mine {
                    self.write(path, &merged.text);
                }
                let conflict = |node: NodeConflict| Conflict {
                    path: path.clone(),
                    line: Some(node.line),
                    node: Some(node.path),
                    reason: node.reason,
                };
                self.conflicts.extend(merged.conflicts.into_iter().map(conflict));
                return;
            }
            // By lines a value under a marker could be lost.
            if holds_marker(mine) {
                return self.leave(path, Some(before), "it cannot be merged value by value");
            }
        }
        match git::merge_lines(before, mine, new) {
            Some(merged) => self.write(path, &merged),
            None => self.leave(path, Some(before), "the same lines were changed here and in what is generated"),
        }
    }
}

/// Returns whether a setter may write into `text`.
fn holds_marker(text: &str) -> bool {
    text.contains(image::KEY)
}

/// Returns whether the file at `path` was encrypted by SOPS.
fn is_encrypted(files: &FileSet, path: &RepoPath) -> bool {
    let is_encrypted = |source: SourceId, text: &str| {
        let documents = yaml::parse(source, text).documents;
        documents.iter().any(|document| document.root.at(&["sops", "mac"]).is_some())
    };
    let found = files.id(path).zip(files.text(path));
    // Most files have no such key: the text is searched before it is parsed.
    found.is_some_and(|(source, text)| text.contains("sops") && is_encrypted(source, text))
}
