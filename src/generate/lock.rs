//! The lock file: what was generated, by what, from which answers.
//!
//! An update regenerates the old content from it, and sees by the hashes which files a person has changed.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::generate::block_style;
use crate::generate::data::{self, FileError};
use crate::generate::template;
use crate::text::FileSet;

/// Where the lock file stands in a generated repository.
pub const LOCK_PATH: &str = ".gitops-gen/lock.yaml";

/// What a repository was generated from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of the generator.
    pub generator: String,
    /// Name of the blueprint.
    pub blueprint: String,
    /// Every parameter, defaults included, so that new defaults change nothing behind the user's back.
    pub answers: Map<String, Value>,
    /// SHA-256 of each generated file, in hexadecimal, by path.
    pub files: BTreeMap<String, String>,
}

impl Lock {
    /// Returns the lock of `files`, which `blueprint` made of `answers`.
    pub fn new(generator: &str, blueprint: &str, answers: Map<String, Value>, files: &FileSet) -> Self {
        let hashes = files.iter().map(|(path, _)| (path.to_string(), sha256(files.text(path).unwrap_or_default())));
        Self { generator: generator.to_owned(), blueprint: blueprint.to_owned(), answers, files: hashes.collect() }
    }

    /// Returns the lock that `files` holds at [`LOCK_PATH`].
    ///
    /// # Errors
    /// When there is none, or it is not what a generator wrote.
    pub fn read(files: &FileSet) -> Result<Self, FileError> {
        serde_path_to_error::deserialize(data::read(files, LOCK_PATH)?).map_err(|error| FileError {
            path: LOCK_PATH.to_owned(),
            line: None,
            reason: error.to_string(),
        })
    }
}

/// The text of the lock file.
impl fmt::Display for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "# What this repository was generated from. Written by gitops-gen; do not edit.")?;
        writeln!(formatter, "generator: {}", template::string(&self.generator))?;
        writeln!(formatter, "blueprint: {}", template::string(&self.blueprint))?;
        writeln!(formatter, "answers:")?;
        formatter.write_str(&block_style::block(&Value::Object(self.answers.clone()), 2))?;
        writeln!(formatter, "files:")?;
        for (path, hash) in &self.files {
            writeln!(formatter, "  {}: {}", template::string(path), template::string(hash))?;
        }
        Ok(())
    }
}

/// Returns the SHA-256 of `text` in hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let answers = json!({"a": {"b": "yes", "c": ""}, "n": 60, "list": ["x", 1], "empty": {}});
        let files = FileSet::from_texts([("apps/a.yaml", "a: 1\n")]);
        let lock = Lock::new("0.1.0", "crypto-trading", answers.as_object().unwrap().clone(), &files);
        let read = Lock::read(&FileSet::from_texts([(LOCK_PATH, lock.to_string())])).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.files["apps/a.yaml"].len(), 64);
    }
}
