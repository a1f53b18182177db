//! Blueprints and parameters to the files of a repository.
//!
//! Owns what a blueprint is, the check of its parameters, the rendering and the lock file. It writes nothing: the
//! result is a [`FileSet`], which `validate` reads like any other repository.
//!
//! ```
//! use gitops_gen::generate;
//!
//! let blueprint = generate::builtin("crypto-trading").expect("it is built in").expect("it is well-formed");
//! assert!(blueprint.defaults().contains_key("organisation"));
//! ```

mod base;
mod block;
mod block_style;
mod blueprint;
mod builtin;
mod compatibility;
mod contributions;
mod dashboard;
mod data;
mod diagram;
mod gitops_schema;
mod graph;
mod import;
mod lock;
mod merge;
mod parameters;
mod plan;
mod quota;
mod records;
mod render;
mod scope;
mod template;
mod update;

pub use crate::generate::base::{BASE_PATH, Texts, generated_before};
pub use crate::generate::blueprint::{Blueprint, Question};
pub use crate::generate::builtin::{builtin, builtin_names};
pub use crate::generate::data::FileError;
pub use crate::generate::gitops_schema::{SCHEMA_PATH, gitops_schema};
pub use crate::generate::import::{Imported, Unread, import};
pub use crate::generate::lock::{LOCK_PATH, Lock};
pub use crate::generate::merge::{Merged, NodeConflict, merge};
pub use crate::generate::parameters::{ParameterProblem, Part};
pub use crate::generate::records::{Records, edited_parameters, fleet_parameters};
pub use crate::generate::render::{GenerateError, generate, generate_repo};
pub use crate::generate::template::TemplateError;
pub use crate::generate::update::{Conflict, Update, update};

use serde_json::{Map, Value};

use crate::text::FileSet;

/// Returns the parameters that `text` holds, a YAML mapping.
///
/// # Errors
/// When it cannot be read or is no mapping.
pub fn parse_parameters(text: &str) -> Result<Map<String, Value>, FileError> {
    const NAME: &str = "parameters.yaml";
    match data::read(&FileSet::from_texts([(NAME, text)]), NAME)? {
        Value::Object(parameters) => Ok(parameters),
        _ => Err(FileError { path: NAME.to_owned(), line: None, reason: "it holds no mapping".to_owned() }),
    }
}
