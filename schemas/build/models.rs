//! Kinds that are no part of Kubernetes, each described by a file of `models/`.
//!
//! A file names `group`, `version`, `kind`, `scope` and the release that was `modelled`; its `properties` stand beside
//! `apiVersion`, `kind` and `metadata`, and `definitions` is what they share. A reference is the bare name of a
//! definition: the file's own, one of `shared.json`, or one of Kubernetes (`core.v1.Container`).

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::strict::{self, Null};
use crate::{Definitions, kubernetes, read};

/// Adds the definitions of every file below `directory`, and returns the kinds as lines of the catalogue.
pub(crate) fn add(directory: &Path, definitions: &mut Definitions) -> Result<Vec<String>, Box<dyn Error>> {
    let Value::Object(shared) = read(&directory.join("shared.json"))? else { return Err("shared.json".into()) };
    for (name, definition) in &shared {
        insert(name, definition.clone(), "", &[], definitions)?;
    }
    let mut lines = Vec::new();
    for path in files(directory)? {
        let line = add_file(&path, definitions).map_err(|error| format!("{}: {error}", path.display()))?;
        lines.push(line);
    }
    Ok(lines)
}

/// Returns the files of the sub-directories, sorted.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for group in fs::read_dir(directory)? {
        let group = group?.path();
        if group.is_dir() {
            for file in fs::read_dir(group)? {
                files.push(file?.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn add_file(path: &Path, definitions: &mut Definitions) -> Result<String, Box<dyn Error>> {
    let Value::Object(mut model) = read(path)? else { return Err("not an object".into()) };
    let mut text = |key: &str| match model.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("`{key}` is no text")),
    };
    let (group, version, kind) = (text("group")?, text("version")?, text("kind")?);
    let (scope, modelled) = (text("scope")?, text("modelled")?);
    let name = format!("{group}.{version}.{kind}");
    let own = match model.remove("definitions") {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    let names: Vec<&String> = own.keys().collect();
    for (part, definition) in &own {
        insert(&format!("{name}.{part}"), definition.clone(), &name, &names, definitions)?;
    }
    model.insert("type".to_owned(), json!("object"));
    if scope != "File" {
        let metadata = json!({ "$ref": "meta.v1.ObjectMeta" });
        if let Some(Value::Object(properties)) = model.get_mut("properties") {
            properties.insert("metadata".to_owned(), metadata);
        }
        kubernetes::complete_root(&mut model, &group, &version, &kind);
    }
    insert(&name, Value::Object(model), &name, &names, definitions)?;
    Ok(format!("{group}\t{version}\t{kind}\t{name}\t{scope}\t{modelled}"))
}

/// Inserts a definition whose bare references to `own` names are below `prefix`.
fn insert(
    name: &str,
    mut definition: Value,
    prefix: &str,
    own: &[&String],
    definitions: &mut Definitions,
) -> Result<(), Box<dyn Error>> {
    strict::each_reference(&mut definition, &mut |target| {
        let is_own = !prefix.is_empty() && own.iter().any(|name| *name == target);
        if is_own {
            *target = format!("#/$defs/{prefix}.{target}");
        } else if !target.starts_with('#') {
            *target = format!("#/$defs/{target}");
        }
    });
    let Value::Object(mut definition) = definition else { return Err(format!("{name} is no object").into()) };
    strict::harden(&mut definition, Null::Allowed);
    definitions.insert(name.to_owned(), definition);
    Ok(())
}
