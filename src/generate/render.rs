//! Every template of a blueprint, rendered, placed and checked.

use serde_json::{Map, Value};

use crate::generate::block::Block;
use crate::generate::blueprint::Blueprint;
use crate::generate::compatibility::{Facts, Refusal};
use crate::generate::contributions;
use crate::generate::dashboard;
use crate::generate::diagram;
use crate::generate::gitops_schema::{SCHEMA_PATH, gitops_schema};
use crate::generate::graph;
use crate::generate::parameters::{self, ParameterProblem};
use crate::generate::plan::{self, Task};
use crate::generate::quota;
use crate::generate::scope::Scope;
use crate::generate::template::{Engine, TemplateError, Values};
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath};

/// Why a blueprint made no repository.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The parameters are wrong; every reason at once.
    #[error("use the parameters: {}", join(.0))]
    Parameters(Vec<ParameterProblem>),
    /// A template cannot be rendered, or what it makes is no YAML.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The blueprint itself is wrong.
    #[error("use blueprint `{blueprint}`: {reason}")]
    Blueprint {
        /// Its name.
        blueprint: String,
        /// Why.
        reason: String,
    },
}

fn join(problems: &[ParameterProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Returns the files of [`generate_repo`].
///
/// # Errors
/// Those of [`generate_repo`].
pub fn generate(blueprint: &Blueprint, answers: &Map<String, Value>) -> Result<FileSet, GenerateError> {
    generate_repo(blueprint, answers).map(Repo::into_files)
}

/// Returns the repository that `blueprint` makes of `answers`, without the lock file; its YAML is parsed already.
///
/// # Errors
/// When the parameters do not fit the schema or each other, a template cannot be rendered, or a rendered file is no YAML.
pub fn generate_repo(blueprint: &Blueprint, answers: &Map<String, Value>) -> Result<Repo, GenerateError> {
    let engine = Engine::new();
    let broken = |reason| GenerateError::Blueprint { blueprint: blueprint.name.clone(), reason };
    let values = values(blueprint, &engine, answers)?;
    let blocks = active(blueprint, &engine, &values).map_err(broken)?;
    let values = contributions::add(&engine, &blocks, values.into_value()).map_err(broken)?;
    if blueprint.is_fleet {
        refuse(graph::check_names(&values))?;
    }
    let prefix = if blueprint.is_fleet { graph::prefix(&values).to_owned() } else { String::new() };
    let mut scope = Scope::new(values);
    let tasks = plan::plan(&engine, &blocks, &mut scope, &prefix).map_err(broken)?;
    let mut texts = Vec::with_capacity(tasks.len());
    for task in &tasks {
        let Task { template, target, turn } = task;
        let text = if template.is_rendered {
            scope.at(turn, |values| engine.render(&template.path, target, &template.text, values))?
        } else {
            template.text.clone()
        };
        texts.push((target.to_string(), text));
    }
    if blueprint.is_fleet {
        let schema = gitops_schema().map_err(|error| broken(error.to_string()))?;
        texts.push((SCHEMA_PATH.to_owned(), schema));
    }
    let repo = Repo::new(FileSet::from_texts(texts));
    for task in &tasks {
        check_yaml(&engine, &repo, task, &mut scope)?;
    }
    Ok(repo)
}

fn refuse(problems: Vec<ParameterProblem>) -> Result<(), GenerateError> {
    if problems.is_empty() { Ok(()) } else { Err(GenerateError::Parameters(problems)) }
}

/// Returns the parameters with all that is derived from them, where nothing is wrong with them.
fn values(blueprint: &Blueprint, engine: &Engine, answers: &Map<String, Value>) -> Result<Values, GenerateError> {
    let broken = |reason| GenerateError::Blueprint { blueprint: blueprint.name.clone(), reason };
    let answers = Value::Object(answers.clone());
    let schema_problem = |reason| broken(format!("its schema is no JSON Schema: {reason}"));
    refuse(parameters::check(&blueprint.schema, &answers).map_err(schema_problem)?)?;
    let mut values = parameters::complete(&blueprint.schema, &blueprint.schema, &answers);
    if blueprint.is_fleet {
        // As they were said, for the file that a person edits.
        values["answers"] = answers;
        values["summary"] = Value::from(blueprint.summary.as_str());
        values["blueprint"] = Value::from(blueprint.name.as_str());
        values = graph::derive(values).map_err(GenerateError::Parameters)?;
    }
    let mut values = Values::from(values);
    if blueprint.is_fleet {
        let facts = Facts::builtin().map_err(|error| broken(error.to_string()))?;
        let versions = facts.resolve(engine, &values).map_err(|refusal| match refusal {
            Refusal::Parameters(problems) => GenerateError::Parameters(problems),
            Refusal::Facts(reason) => broken(reason),
        })?;
        let node = facts.kind_node(values.as_value()).map_err(|problem| GenerateError::Parameters(vec![problem]))?;
        let mut whole = values.into_value();
        whole["kindNode"] = Value::from(node);
        whole["versions"] = Value::Object(versions);
        quota::derive(&mut whole);
        diagram::derive(&mut whole);
        dashboard::derive(&mut whole);
        values = Values::from(whole);
    }
    for requirement in &blueprint.requirements {
        if !engine.holds(&requirement.that, &values).map_err(broken)? {
            let problem = ParameterProblem::of_value("", requirement.message.as_str());
            return Err(GenerateError::Parameters(vec![problem]));
        }
    }
    Ok(values)
}

/// Returns the blocks whose condition holds.
fn active<'a>(blueprint: &'a Blueprint, engine: &Engine, values: &Values) -> Result<Vec<&'a Block>, String> {
    let mut active = Vec::new();
    for block in &blueprint.blocks {
        let holds = block.when.as_deref().map_or(Ok(true), |when| engine.holds(when, values));
        if holds.map_err(|reason| format!("block `{}`: {reason}", block.name))? {
            active.push(block);
        }
    }
    Ok(active)
}

/// Proves that a rendered file is YAML; where it is not, the error points at the line of the template.
fn check_yaml(engine: &Engine, repo: &Repo, task: &Task<'_>, scope: &mut Scope) -> Result<(), GenerateError> {
    let Task { template, target, turn } = task;
    let (true, Some(id)) = (target.is_yaml(), repo.files().id(target)) else { return Ok(()) };
    let Some(first) = repo.yaml(id).and_then(|parsed| parsed.diagnostics.first()) else { return Ok(()) };
    let start = first.labels.first().and_then(|label| repo.sources().start(label.span));
    let rendered = start.map_or(1, |start| start.line);
    let line = if template.is_rendered {
        scope.at(turn, |values| engine.template_line(target, &template.text, values, rendered))
    } else {
        rendered
    };
    let reason = format!("it makes no YAML: {}", first.message);
    Err(TemplateError { template: RepoPath::clone(&template.path), line, reason }.into())
}
