//! The JSON Schema of gitops.yaml, for editors: what the configuration reads, and the parameters of a fleet.

use serde_json::{Value, json};

use crate::config;
use crate::generate::builtin;
use crate::generate::data::FileError;

/// Where the schema stands in a generated repository, so that editors need no network.
pub const SCHEMA_PATH: &str = ".gitops-gen/gitops.schema.json";

/// Returns the schema, a text that ends with a line break.
///
/// # Errors
/// When the schema of the parameters cannot be read.
pub fn gitops_schema() -> Result<String, FileError> {
    let broken = |error: serde_json::Error| FileError {
        path: SCHEMA_PATH.to_owned(),
        line: Some(error.line()),
        reason: error.to_string(),
    };
    let mut schema: Value = serde_json::from_str(config::SCHEMA).map_err(broken)?;
    let mut parameters = builtin::fleet_schema()?;
    // A file may leave out what has a default; references lead to the top of the whole.
    let definitions = parameters.as_object_mut().map(|parameters| {
        parameters.remove("$schema");
        parameters.remove("required");
        parameters.remove("$defs").unwrap_or_else(|| json!({}))
    });
    if let (Some(all), Some(Value::Object(own))) = (schema["$defs"].as_object_mut(), definitions) {
        all.extend(own);
    }
    schema["properties"]["parameters"] = parameters;
    let text = serde_json::to_string_pretty(&schema).map_err(broken)?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::data;
    use crate::generate::{builtin, builtin_names, generate};
    use crate::text::RepoPath;

    fn problems(file: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(&gitops_schema().unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        validator.iter_errors(file).map(|error| format!("{} {error}", error.instance_path().as_str())).collect()
    }

    #[test]
    fn the_file_of_every_blueprint_fits_and_mistakes_do_not() {
        for name in builtin_names() {
            let blueprint = builtin(name).unwrap().unwrap();
            let files = generate(&blueprint, &blueprint.defaults()).unwrap();
            let mut file = data::read(&files, config::FILE).unwrap();
            assert_eq!(problems(&file), Vec::<String>::new(), "{name}");
            assert_eq!(files.text(&RepoPath::new(SCHEMA_PATH).unwrap()), Some(gitops_schema().unwrap().as_str()));
            file["parameters"]["tls"] = json!("none");
            file["colour"] = json!(1);
            assert_eq!(problems(&file).len(), 2, "{:?}", problems(&file));
        }
    }

    #[test]
    fn every_parameter_stands_in_the_generated_file() {
        let blueprint = builtin("minimal").unwrap().unwrap();
        let files = generate(&blueprint, &blueprint.defaults()).unwrap();
        let file = data::read(&files, config::FILE).unwrap();
        assert_eq!(file["parameters"], Value::Object(blueprint.defaults()));
    }
}
