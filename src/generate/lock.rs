//! The lock file: what was generated, by what, from which answers.
//!
//! An update regenerates the old content from it, and sees by the hashes which files a person has changed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

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
        let hash = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        let hashes = files.iter().map(|(path, _)| (path.to_string(), hash(files.text(path).unwrap_or_default())));
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

    /// Returns the text of the lock file.
    pub fn to_text(&self) -> String {
        let mut out = String::from("# What this repository was generated from. Written by gitops-gen; do not edit.\n");
        out.push_str(&format!("generator: {}\n", template::string(&self.generator)));
        out.push_str(&format!("blueprint: {}\nanswers:\n", template::string(&self.blueprint)));
        write_entries(&self.answers, 1, &mut out);
        out.push_str("files:\n");
        for (path, hash) in &self.files {
            out.push_str(&format!("  {}: {}\n", template::string(path), template::string(hash)));
        }
        out
    }
}

fn write_entries(entries: &Map<String, Value>, depth: usize, out: &mut String) {
    for (key, value) in entries {
        out.push_str(&format!("{:indent$}{}:", "", template::string(key), indent = depth * 2));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                write_entries(inner, depth + 1, out);
            }
            Value::String(text) => out.push_str(&format!(" {}\n", template::string(text))),
            // Numbers, booleans, null and lists: JSON is YAML.
            other => out.push_str(&format!(" {other}\n")),
        }
    }
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
        let read = Lock::read(&FileSet::from_texts([(LOCK_PATH, lock.to_text())])).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.files["apps/a.yaml"].len(), 64);
    }
}
