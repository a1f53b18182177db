//! A blueprint: a folder of data that says how parameters become a repository.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::generate::block::{self, Block, FileRule, Loop};
use crate::generate::builtin;
use crate::generate::data::{self, FileError};
use crate::generate::parameters::{self, ParameterProblem};
use crate::text::{FileSet, RepoPath};

/// The schema of a blueprint that stands alone, without the building blocks.
const OWN_SCHEMA: &str = "parameters.schema.json";

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
    /// What it says over the defaults of the schema.
    parameters: Map<String, Value>,
    /// JSON Schema of the parameters, with their defaults.
    pub(super) schema: Value,
    /// Whether the parameters are those of every fleet, which the graph of apps is derived from.
    pub(super) is_fleet: bool,
    /// The building blocks, whether they apply or not; the blueprint's own templates are the last.
    pub(super) blocks: Vec<Block>,
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
    parameters: Map<String, Value>,
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

impl Blueprint {
    /// Returns the blueprint whose folder `files` is.
    ///
    /// It stands on the built-in building blocks, and on those below its own `blocks/`, which win; unless it brings a
    /// `parameters.schema.json`: then it stands alone.
    ///
    /// # Errors
    /// When a manifest or a schema is missing or is not what it has to be.
    pub fn from_files(files: &FileSet) -> Result<Self, FileError> {
        const MANIFEST: &str = "blueprint.yaml";
        let manifest: Manifest = serde_path_to_error::deserialize(data::read(files, MANIFEST)?)
            .map_err(|error| FileError { path: MANIFEST.to_owned(), line: None, reason: error.to_string() })?;
        let stands_alone = RepoPath::new(OWN_SCHEMA).is_ok_and(|path| files.file(&path).is_some());
        let mut blocks: BTreeMap<String, Block> = BTreeMap::new();
        let schema = if stands_alone {
            data::read(files, OWN_SCHEMA)?
        } else {
            let built_in = Block::all(builtin::library())?.into_iter().chain(Block::all(files)?);
            blocks.extend(built_in.map(|block| (block.name.clone(), block)));
            builtin::fleet_schema()?
        };
        let directory = RepoPath::new("templates").unwrap_or_else(|_| RepoPath::root());
        let own = Block {
            name: manifest.name.clone(),
            when: None,
            loops: manifest.loops,
            rules: manifest.files,
            contributes: BTreeMap::new(),
            templates: block::templates(files, &directory),
        };
        Ok(Self {
            name: manifest.name,
            summary: manifest.summary,
            questions: manifest.questions.iter().map(|parameter| question(&schema, parameter)).collect(),
            requirements: manifest.require,
            parameters: manifest.parameters,
            schema,
            is_fleet: !stands_alone,
            blocks: blocks.into_values().chain([own]).collect(),
        })
    }

    /// Returns the value that each parameter has when nobody says otherwise.
    pub fn defaults(&self) -> Map<String, Value> {
        let mut values = parameters::defaults(&self.schema);
        values.extend(self.parameters.clone());
        values
    }

    /// Returns whether there is a top-level parameter `name`.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.schema.get("properties").and_then(|properties| properties.get(name)).is_some()
    }

    /// Sets `values` over `answers`: a mapping of fixed fields field by field, everything else as a whole.
    pub fn overlay(&self, answers: &mut Map<String, Value>, values: Map<String, Value>) {
        parameters::overlay(&self.schema, answers, values);
    }

    /// Returns the fields that a new entry `name` of the mapping `parameter` has by default.
    pub fn entry_defaults(&self, parameter: &str, name: &str) -> Map<String, Value> {
        parameters::entry_defaults(&self.schema, parameter, name)
    }

    /// Returns whether a generated file stands at the root of the Git repository wherever the fleet lies.
    pub fn is_at_root(&self, path: &RepoPath) -> bool {
        let rules = self.blocks.iter().flat_map(|block| &block.rules);
        path.parts().next() == Some(".gitops-gen")
            || rules.filter(|rule| rule.root).any(|rule| rule.covers(path.as_str()))
    }

    /// Returns every parameter that has a few values to choose from, with all of them as [`Self::assign`] takes them: names
    /// inside a mapping are joined by dots, sorted.
    pub fn options(&self) -> Vec<(String, Vec<String>)> {
        parameters::options(&self.schema)
    }

    /// Sets the parameter at `path` (names joined by dots) to `text`, read as the type that the schema gives it.
    ///
    /// # Errors
    /// When there is no such parameter.
    pub fn assign(&self, values: &mut Map<String, Value>, path: &str, text: &str) -> Result<(), ParameterProblem> {
        parameters::assign(&self.schema, values, path, text)
    }

    /// Returns why `text` is no value for the top-level parameter `name` beside `answers`, where it is none.
    pub fn refuse(&self, answers: &Map<String, Value>, name: &str, text: &str) -> Option<ParameterProblem> {
        let mut values = answers.clone();
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
    let resolved = parameters::property(schema, schema, parameter);
    let choices = resolved.and_then(|property| property.get("enum")).and_then(Value::as_array);
    Question {
        parameter: parameter.to_owned(),
        title: text("title").unwrap_or(parameter).to_owned(),
        choices: choices.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}
