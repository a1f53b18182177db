//! A blueprint: a folder of data that says how parameters become a repository.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::generate::data::{self, FileError};
use crate::generate::parameters::{self, ParameterProblem};
use crate::text::{FileSet, RepoPath};

/// A blueprint as it was read.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// Name, as `init --blueprint` takes it.
    pub name: String,
    /// One line on what it builds.
    pub summary: String,
    /// Parameters that are worth a question at a terminal, in their order.
    pub questions: Vec<Question>,
    pub(super) requirements: Vec<Requirement>,
    pub(super) loops: Vec<Loop>,
    pub(super) rules: Vec<FileRule>,
    /// JSON Schema of the parameters, with their defaults.
    pub(super) schema: Value,
    /// Content of `templates/`, by path below it.
    pub(super) templates: BTreeMap<RepoPath, String>,
}

/// A parameter that `init` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Name of the parameter.
    pub parameter: String,
    /// The question: the title that the schema gives it.
    pub title: String,
    /// The values to choose from; empty where any text goes.
    pub choices: Vec<String>,
}

/// `blueprint.yaml`, word for word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    summary: String,
    #[serde(default)]
    questions: Vec<String>,
    #[serde(default)]
    require: Vec<Requirement>,
    #[serde(default)]
    loops: Vec<Loop>,
    #[serde(default)]
    files: Vec<FileRule>,
}

/// A condition between parameters that a schema cannot say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Requirement {
    /// An expression that must hold.
    pub(super) that: String,
    /// What is wrong when it does not.
    pub(super) message: String,
}

/// A directory that is rendered once for every entry of a mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Loop {
    /// The directory of templates.
    pub(super) directory: String,
    /// The parameter, a mapping.
    pub(super) each: String,
    /// The name under which templates see the entry; its key is the entry's `name`.
    #[serde(rename = "as")]
    pub(super) variable: String,
    /// The directory of the results, a template itself.
    pub(super) path: String,
}

/// What is special about one file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRule {
    /// The template, without `.hbs`.
    pub(super) file: String,
    /// An expression: the file is only there when it holds.
    pub(super) when: Option<String>,
    /// Where the result goes, a template itself; by default where the template is.
    pub(super) path: Option<String>,
}

impl Blueprint {
    /// Returns the blueprint whose folder `files` is.
    ///
    /// # Errors
    /// When `blueprint.yaml` or `parameters.schema.json` is missing or is not what it has to be.
    pub fn from_files(files: &FileSet) -> Result<Self, FileError> {
        let manifest: Manifest = serde_path_to_error::deserialize(data::read(files, "blueprint.yaml")?)
            .map_err(|error| FileError { path: "blueprint.yaml".to_owned(), line: None, reason: error.to_string() })?;
        let schema = data::read(files, "parameters.schema.json")?;
        let mut templates = BTreeMap::new();
        let directory = RepoPath::root().join("templates").unwrap_or_else(|_| RepoPath::root());
        for (path, _) in files.below(&directory) {
            if let (Some(below), Some(text)) = (path.strip_prefix(&directory), files.text(path)) {
                templates.insert(below, text.to_owned());
            }
        }
        Ok(Self {
            name: manifest.name,
            summary: manifest.summary,
            questions: manifest.questions.iter().map(|parameter| question(&schema, parameter)).collect(),
            requirements: manifest.require,
            loops: manifest.loops,
            rules: manifest.files,
            schema,
            templates,
        })
    }

    /// Returns the value that each parameter has when nobody says otherwise.
    pub fn defaults(&self) -> Map<String, Value> {
        parameters::defaults(&self.schema)
    }

    /// Returns the fields that a new entry `name` of the mapping `parameter` has by default.
    pub fn entry_defaults(&self, parameter: &str, name: &str) -> Map<String, Value> {
        parameters::entry_defaults(&self.schema, parameter, name)
    }

    /// Sets the parameter at `path` (names joined by dots) to `text`, read as the type that the schema gives it.
    ///
    /// # Errors
    /// When there is no such parameter.
    pub fn assign(&self, values: &mut Map<String, Value>, path: &str, text: &str) -> Result<(), ParameterProblem> {
        parameters::assign(&self.schema, values, path, text)
    }

    /// Returns why `text` is no value for the top-level parameter `name`, where it is none.
    pub fn refuse(&self, name: &str, text: &str) -> Option<ParameterProblem> {
        let mut values = self.defaults();
        if let Err(problem) = self.assign(&mut values, name, text) {
            return Some(problem);
        }
        let problems = parameters::check(&self.schema, &Value::Object(values)).ok()?;
        problems.into_iter().find(|problem| problem.parameter == name)
    }
}

fn question(schema: &Value, parameter: &str) -> Question {
    let property = schema.pointer(&format!("/properties/{parameter}"));
    let text = |key| property.and_then(|property| property.get(key)).and_then(Value::as_str);
    let choices = property.and_then(|property| property.get("enum")).and_then(Value::as_array);
    Question {
        parameter: parameter.to_owned(),
        title: text("title").unwrap_or(parameter).to_owned(),
        choices: choices.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}
