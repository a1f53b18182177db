//! Every template of a blueprint, rendered, placed and checked.

use serde_json::{Map, Value};

use crate::generate::blueprint::{Blueprint, FileRule, Loop};
use crate::generate::parameters::{self, ParameterProblem};
use crate::generate::template::{Engine, TemplateError};
use crate::text::{FileSet, RepoPath};
use crate::yaml;

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

/// A file that is to be made: which template, where to, from what.
struct Task<'a> {
    template: &'a RepoPath,
    text: &'a str,
    /// Whether it is a template, or copied as it is.
    is_rendered: bool,
    target: RepoPath,
    values: Value,
}

/// Returns the repository that `blueprint` makes of `answers`, without the lock file.
///
/// # Errors
/// When the parameters do not fit the schema, a template cannot be rendered, or a rendered file is no YAML.
pub fn generate(blueprint: &Blueprint, answers: &Map<String, Value>) -> Result<FileSet, GenerateError> {
    let engine = Engine::new();
    let values = Value::Object(answers.clone());
    check(blueprint, &engine, &values)?;
    let tasks = plan(blueprint, &engine, &values)?;
    let mut texts = Vec::with_capacity(tasks.len());
    for task in &tasks {
        let text = if task.is_rendered {
            engine.render(task.template, &task.target, task.text, &task.values)?
        } else {
            task.text.to_owned()
        };
        texts.push((task.target.to_string(), text));
    }
    let files = FileSet::from_texts(texts);
    for task in &tasks {
        check_yaml(&engine, &files, task)?;
    }
    Ok(files)
}

fn broken(blueprint: &Blueprint, reason: impl Into<String>) -> GenerateError {
    GenerateError::Blueprint { blueprint: blueprint.name.clone(), reason: reason.into() }
}

fn check(blueprint: &Blueprint, engine: &Engine, values: &Value) -> Result<(), GenerateError> {
    let schema_problem = |reason| broken(blueprint, format!("its schema is no JSON Schema: {reason}"));
    let problems = parameters::check(&blueprint.schema, values).map_err(schema_problem)?;
    if !problems.is_empty() {
        return Err(GenerateError::Parameters(problems));
    }
    for requirement in &blueprint.requirements {
        if !engine.holds(&requirement.that, values).map_err(|reason| broken(blueprint, reason))? {
            let reason = requirement.message.clone();
            return Err(GenerateError::Parameters(vec![ParameterProblem { parameter: String::new(), reason }]));
        }
    }
    Ok(())
}

/// Returns every file that is to be made, each path once.
fn plan<'a>(blueprint: &'a Blueprint, engine: &Engine, values: &Value) -> Result<Vec<Task<'a>>, GenerateError> {
    let mut tasks: Vec<Task<'a>> = Vec::new();
    for (template, text) in &blueprint.templates {
        let without_suffix = template.as_str().strip_suffix(".hbs");
        let name = without_suffix.unwrap_or(template.as_str());
        let rule = blueprint.rules.iter().find(|rule| rule.file == name);
        for (path, values) in placements(blueprint, engine, name, values)? {
            let Some(path) = apply_rule(blueprint, engine, rule, path, &values)? else { continue };
            let target = RepoPath::new(&path).map_err(|error| broken(blueprint, error.to_string()))?;
            if tasks.iter().any(|task| task.target == target) {
                return Err(broken(blueprint, format!("two templates make `{target}`")));
            }
            tasks.push(Task { template, text, is_rendered: without_suffix.is_some(), target, values });
        }
    }
    Ok(tasks)
}

/// Returns where the template `name` is rendered to, with the values that it sees there: once, or once for each entry
/// of the loop that it is in.
fn placements(
    blueprint: &Blueprint,
    engine: &Engine,
    name: &str,
    values: &Value,
) -> Result<Vec<(String, Value)>, GenerateError> {
    let below = |looped: &Loop| name.strip_prefix(looped.directory.as_str())?.strip_prefix('/').map(str::to_owned);
    let Some((looped, rest)) = blueprint.loops.iter().find_map(|looped| Some((looped, below(looped)?))) else {
        return Ok(vec![(name.to_owned(), values.clone())]);
    };
    let Some(entries) = values.get(&looped.each).and_then(Value::as_object) else {
        return Err(broken(blueprint, format!("it loops over `{}`, which is no mapping", looped.each)));
    };
    let mut placed = Vec::with_capacity(entries.len());
    for (key, entry) in entries {
        let mut entry = entry.as_object().cloned().unwrap_or_default();
        entry.insert("name".to_owned(), Value::from(key.as_str()));
        let mut inner = values.as_object().cloned().unwrap_or_default();
        inner.insert(looped.variable.clone(), Value::Object(entry));
        let inner = Value::Object(inner);
        let directory = engine.inline(&looped.path, &inner).map_err(|reason| broken(blueprint, reason))?;
        placed.push((format!("{directory}/{rest}"), inner));
    }
    Ok(placed)
}

/// Returns where the file goes in the end; nothing where its condition does not hold.
fn apply_rule(
    blueprint: &Blueprint,
    engine: &Engine,
    rule: Option<&FileRule>,
    path: String,
    values: &Value,
) -> Result<Option<String>, GenerateError> {
    let Some(rule) = rule else { return Ok(Some(path)) };
    if let Some(when) = &rule.when
        && !engine.holds(when, values).map_err(|reason| broken(blueprint, reason))?
    {
        return Ok(None);
    }
    match &rule.path {
        Some(template) => engine.inline(template, values).map(Some).map_err(|reason| broken(blueprint, reason)),
        None => Ok(Some(path)),
    }
}

/// Proves that a rendered file is YAML; where it is not, the error points at the line of the template.
fn check_yaml(engine: &Engine, files: &FileSet, task: &Task<'_>) -> Result<(), GenerateError> {
    let (true, Some(id), Some(text)) = (task.target.is_yaml(), files.id(&task.target), files.text(&task.target)) else {
        return Ok(());
    };
    let parsed = yaml::parse(id, text);
    let Some(first) = parsed.diagnostics.first() else { return Ok(()) };
    let start = first.labels.first().and_then(|label| files.sources().start(label.span));
    let rendered = start.map_or(1, |start| start.line);
    let line =
        if task.is_rendered { engine.template_line(&task.target, task.text, &task.values, rendered) } else { rendered };
    let reason = format!("it makes no YAML: {}", first.message);
    Err(TemplateError { template: task.template.clone(), line, reason }.into())
}
