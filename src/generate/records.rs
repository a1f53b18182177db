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
/// Key of gitops.yaml that names what it is generated from.
const BLUEPRINT: &str = "blueprint";
/// Key of gitops.yaml that names the release of Flux, and of the same pin among the versions.
const FLUX: &str = "flux";
/// The parameter that pins versions.
const VERSIONS: &str = "versions";

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
    let reason = format!("it has version {version}, this program reads version {}: take a newer one", config::VERSION);
    Err(refusal(files, VERSION, reason))
}

/// Returns why gitops.yaml cannot be taken as it stands, at the line of its field `key`.
fn refusal(files: &FileSet, key: &str, reason: String) -> FileError {
    let path = RepoPath::new(config::FILE).ok();
    let text = path.and_then(|path| files.text(&path)).unwrap_or_default();
    let is_key = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let line = text.lines().position(is_key).map(|at| at + 1);
    FileError { path: config::FILE.to_owned(), line, reason }
}

/// Returns the parameters that gitops.yaml of `files` holds: what a person edits; nothing where it holds none.
///
/// # Errors
/// When gitops.yaml cannot be read, or its parameters are no mapping.
pub fn fleet_parameters(files: &FileSet) -> Result<Map<String, Value>, FileError> {
    fleet_file(files)?.map_or_else(|| Ok(Map::new()), |file| parameters(files, &file))
}

/// Returns what [`fleet_parameters`] does; a release of Flux (`flux`) that was edited there is one of them, `versions.flux`.
///
/// `blueprint` is the name of what the repository was generated from, `base` what was generated.
///
/// # Errors
/// Those of [`fleet_parameters`], and when gitops.yaml names another blueprint, or two releases of Flux.
pub fn edited_parameters(files: &FileSet, blueprint: &str, base: &Texts) -> Result<Map<String, Value>, FileError> {
    let Some(file) = fleet_file(files)? else { return Ok(Map::new()) };
    if let Some(other) = file.get(BLUEPRINT).filter(|name| name.as_str() != Some(blueprint)) {
        let reason = format!("`{BLUEPRINT}` is {other}, and this repository was generated from `{blueprint}`");
        return Err(refusal(files, BLUEPRINT, reason));
    }
    let mut parameters = parameters(files, &file)?;
    let generated = RepoPath::new(config::FILE).ok().and_then(|path| base.get(&path));
    let generated = generated.map(|text| FileSet::from_texts([(config::FILE, text)]));
    let generated = generated.and_then(|files| data::read(&files, config::FILE).ok());
    let edited = file.get(FLUX).filter(|flux| generated.as_ref().and_then(|file| file.get(FLUX)) != Some(flux));
    if let Some(flux) = edited {
        let versions = parameters.entry(VERSIONS).or_insert_with(|| Value::Object(Map::new()));
        let pinned = versions.as_object_mut().map(|versions| versions.entry(FLUX).or_insert_with(|| flux.clone()));
        if let Some(pinned) = pinned.filter(|pinned| *pinned != flux) {
            let reason = format!("`{FLUX}` is {flux}, and `{VERSIONS}.{FLUX}` of the parameters {pinned}");
            return Err(refusal(files, FLUX, reason));
        }
    }
    Ok(parameters)
}

/// Returns what gitops.yaml of `files` says; nothing where there is none.
fn fleet_file(files: &FileSet) -> Result<Option<Value>, FileError> {
    if !RepoPath::new(config::FILE).is_ok_and(|path| files.file(&path).is_some()) {
        return Ok(None);
    }
    let file = data::read(files, config::FILE)?;
    refuse_newer(files, &file)?;
    Ok(Some(file))
}

fn parameters(files: &FileSet, file: &Value) -> Result<Map<String, Value>, FileError> {
    match file.get(PARAMETERS) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(parameters)) => Ok(parameters.clone()),
        Some(_) => Err(refusal(files, PARAMETERS, format!("`{PARAMETERS}` is no mapping"))),
    }
}
