//! A building block: a folder of templates, with what they are rendered for, when, and what they bring to others.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::generate::data::{self, FileError};
use crate::text::{FileSet, RepoPath};

/// A block as it was read.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) name: String,
    /// An expression: the block is only there when it holds.
    pub(super) when: Option<String>,
    pub(super) loops: Vec<Loop>,
    pub(super) rules: Vec<FileRule>,
    /// Entries by list.
    pub(super) contributes: BTreeMap<String, Vec<Map<String, Value>>>,
    pub(super) templates: Vec<Template>,
}

/// A file below `templates/`.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// Path below `templates/`, without `.hbs`.
    pub(super) name: String,
    /// Path as a person finds it.
    pub(super) path: RepoPath,
    pub(super) text: String,
    /// Whether it is a template, or copied as it is.
    pub(super) is_rendered: bool,
}

/// `block.yaml`, word for word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    #[expect(dead_code, reason = "it is there for readers of the folder")]
    summary: String,
    when: Option<String>,
    #[serde(default)]
    loops: Vec<Loop>,
    #[serde(default)]
    files: Vec<FileRule>,
    #[serde(default)]
    contributes: BTreeMap<String, Vec<Map<String, Value>>>,
}

/// A directory that is rendered once for every entry of a mapping, or of each of two.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Loop {
    /// The directory of templates.
    pub(super) directory: String,
    /// The mapping, by names joined by dots; the second may go through the entry of the first.
    pub(super) each: OneOrTwo,
    /// The name under which templates see the entry; its key is the entry's `name`.
    #[serde(rename = "as")]
    pub(super) variables: OneOrTwo,
    /// The directory of the results, a template itself.
    pub(super) path: String,
    /// An expression: the entry only counts when it holds.
    pub(super) when: Option<String>,
}

/// One name, or a list of one or two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct OneOrTwo(pub(super) Vec<String>);

impl TryFrom<Value> for OneOrTwo {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            _ => None,
        };
        let names = match value {
            Value::Array(list) => list.into_iter().map(text).collect::<Option<Vec<_>>>(),
            other => text(other).map(|name| vec![name]),
        };
        names.filter(|names| matches!(names.len(), 1 | 2)).map(Self).ok_or("expected a name, or a list of two")
    }
}

/// What is special about one file, or about all of a directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRule {
    /// The template, without `.hbs`, or a directory of templates.
    pub(super) file: String,
    /// An expression: the file is only there when it holds.
    pub(super) when: Option<String>,
    /// Where the result goes, a template itself; by default where the template is.
    pub(super) path: Option<String>,
    /// Whether it stands at the root of the Git repository, wherever the fleet lies.
    #[serde(default)]
    pub(super) root: bool,
}

impl FileRule {
    /// Returns whether it speaks of the template `name`.
    pub(super) fn covers(&self, name: &str) -> bool {
        name.strip_prefix(self.file.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl Block {
    /// Returns every block that `files` holds below `blocks/`, sorted by name.
    ///
    /// # Errors
    /// When a `block.yaml` is missing or is not what it has to be.
    pub(super) fn all(files: &FileSet) -> Result<Vec<Self>, FileError> {
        let folders = files.iter().filter_map(|(path, _)| {
            let (folder, _) = path.as_str().strip_prefix("blocks/")?.split_once('/')?;
            Some(folder)
        });
        let mut folders: Vec<_> = folders.collect();
        folders.dedup();
        folders.into_iter().map(|folder| Self::read(files, folder)).collect()
    }

    fn read(files: &FileSet, folder: &str) -> Result<Self, FileError> {
        let path = format!("blocks/{folder}/block.yaml");
        let problem = |reason: String| FileError { path: path.clone(), line: None, reason };
        let manifest: Manifest =
            serde_path_to_error::deserialize(data::read(files, &path)?).map_err(|error| problem(error.to_string()))?;
        if manifest.name != folder {
            return Err(problem(format!("its name is `{}`, that of its folder `{folder}`", manifest.name)));
        }
        if let Some(odd) = manifest.loops.iter().find(|looped| looped.each.0.len() != looped.variables.0.len()) {
            return Err(problem(format!("`{}` needs as many names as it has mappings", odd.directory)));
        }
        let templates = RepoPath::new(&format!("blocks/{folder}/templates"));
        let templates = templates.map_err(|error| problem(error.to_string()))?;
        Ok(Self {
            name: manifest.name,
            when: manifest.when,
            loops: manifest.loops,
            rules: manifest.files,
            contributes: manifest.contributes,
            templates: self::templates(files, &templates),
        })
    }
}

/// Returns every template below `directory`.
pub(super) fn templates(files: &FileSet, directory: &RepoPath) -> Vec<Template> {
    let template = |(path, _): (&RepoPath, _)| {
        let below = path.strip_prefix(directory)?;
        let name = below.as_str().strip_suffix(".hbs");
        Some(Template {
            name: name.unwrap_or(below.as_str()).to_owned(),
            path: path.clone(),
            text: files.text(path)?.to_owned(),
            is_rendered: name.is_some(),
        })
    };
    files.below(directory).filter_map(template).collect()
}
