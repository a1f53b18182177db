//! What a generated repository knows of its own making: the lock, the files as they were generated, and the parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config;
use crate::generate::base::{self, BASE_PATH, Texts};
use crate::generate::data::{self, FileError};
use crate::generate::lock::{LOCK_PATH, Lock};
use crate::text::{FileSet, RepoPath};

/// Key of gitops.yaml that holds the parameters.
const PARAMETERS: &str = "parameters";
/// Key of gitops.yaml that says its format.
const VERSION: &str = "version";

/// The two files below `.gitops-gen/`.
#[derive(Debug, Clone)]
pub struct Records {
    lock: Lock,
    base: Texts,
}

impl Records {
    /// Returns the records of `base`, which `generator` (a version) made of the blueprint of this name and `answers`.
    pub fn new(generator: &str, blueprint: &str, answers: Map<String, Value>, base: Texts) -> Self {
        let files = FileSet::from_texts(base.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        Self { lock: Lock::new(generator, blueprint, answers, &files), base }
    }

    /// Returns the content of those files, by path, that `files` does not hold like this already.
    pub fn changes(&self, files: &FileSet) -> BTreeMap<RepoPath, Vec<u8>> {
        let mut changes = BTreeMap::new();
        let lock = self.lock.to_string();
        if let Ok(path) = RepoPath::new(LOCK_PATH)
            && files.text(&path) != Some(lock.as_str())
        {
            changes.insert(path, lock.into_bytes());
        }
        // Compared unpacked: another version of the packer may pack the same content differently.
        let is_kept = base::kept(files).is_ok_and(|kept| kept.as_ref() == Some(&self.base));
        if let Ok(path) = RepoPath::new(BASE_PATH)
            && !is_kept
        {
            changes.insert(path, base::pack(&self.base));
        }
        changes
    }
}

/// Refuses a file of a later format: its parameters may mean something else.
fn refuse_newer(files: &FileSet, file: &Value) -> Result<(), FileError> {
    let Some(version) = file.get(VERSION).filter(|version| version.as_u64().is_none_or(|it| it > config::VERSION))
    else {
        return Ok(());
    };
    let path = RepoPath::new(config::FILE).ok();
    let text = path.and_then(|path| files.text(&path)).unwrap_or_default();
    let line = text.lines().position(|line| line.starts_with(VERSION)).map(|at| at + 1);
    let reason = format!("it has version {version}, this program reads version {}: take a newer one", config::VERSION);
    Err(FileError { path: config::FILE.to_owned(), line, reason })
}

/// Returns the parameters that gitops.yaml of `files` holds: what a person edits; nothing where it holds none.
///
/// # Errors
/// When gitops.yaml cannot be read, or its parameters are no mapping.
pub fn fleet_parameters(files: &FileSet) -> Result<Map<String, Value>, FileError> {
    let is_there = RepoPath::new(config::FILE).is_ok_and(|path| files.file(&path).is_some());
    if !is_there {
        return Ok(Map::new());
    }
    let file = data::read(files, config::FILE)?;
    refuse_newer(files, &file)?;
    match file.get(PARAMETERS) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(parameters)) => Ok(parameters.clone()),
        Some(_) => {
            let reason = format!("`{PARAMETERS}` is no mapping");
            Err(FileError { path: config::FILE.to_owned(), line: None, reason })
        }
    }
}
