//! The blueprints and building blocks that are part of the program.

use std::sync::LazyLock;

use serde_json::Value;

use crate::generate::blueprint::Blueprint;
use crate::generate::data::FileError;
use crate::text::{FileSet, RepoPath};
use crate::yaml::{self, Node};

/// The parameters of every blueprint that has no schema of its own.
const FLEET_SCHEMA: &str = "fleet.schema.json";

/// Every file below `blueprints/` that takes part, by its path there: written by `build.rs`.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/blueprints.rs"));

/// The files, which every blueprint reads.
static LIBRARY: LazyLock<FileSet> = LazyLock::new(|| FileSet::from_texts(FILES.iter().copied()));

/// Returns the folder `blueprints/` as it was when the program was built.
pub(super) fn library() -> &'static FileSet {
    &LIBRARY
}

/// Returns the schema of the parameters of every blueprint that has none of its own.
///
/// # Errors
/// When it is no JSON.
pub(super) fn fleet_schema() -> Result<Value, FileError> {
    let text = RepoPath::new(FLEET_SCHEMA).ok().and_then(|path| LIBRARY.text(&path)).unwrap_or_default();
    let broken = |error: serde_json::Error| FileError {
        path: FLEET_SCHEMA.to_owned(),
        line: Some(error.line()),
        reason: error.to_string(),
    };
    serde_json::from_str(text).map_err(broken)
}

/// Returns the fields of each object in the schema of a fleet's parameters, as they stand there: in this order a person reads them.
pub(super) fn field_orders() -> &'static [Vec<String>] {
    static ORDERS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
        let mut orders = Vec::new();
        let path = RepoPath::new(FLEET_SCHEMA).ok();
        let schema = path.and_then(|path| Some(yaml::parse(LIBRARY.id(&path)?, LIBRARY.text(&path)?)));
        for document in schema.iter().flat_map(|schema| &schema.documents) {
            collect(&document.root, &mut orders);
        }
        orders
    });
    &ORDERS
}

/// Collects the properties of `schema` and of everything below it.
fn collect(schema: &Node, orders: &mut Vec<Vec<String>>) {
    for entry in schema.as_map().into_iter().flatten() {
        if entry.key.text() == "properties" {
            let fields = entry.value.as_map().into_iter().flatten();
            orders.push(fields.map(|field| field.key.text().to_owned()).collect());
        }
        collect(&entry.value, orders);
    }
}

/// Returns the names of the built-in blueprints, sorted.
pub fn builtin_names() -> Vec<&'static str> {
    let name = |(path, _): &(&'static str, _)| path.strip_suffix("/blueprint.yaml").filter(|name| !name.contains('/'));
    let mut names: Vec<_> = FILES.iter().filter_map(name).collect();
    names.sort_unstable();
    names
}

/// Returns the built-in blueprint `name`; nothing where there is none of that name.
pub fn builtin(name: &str) -> Option<Result<Blueprint, FileError>> {
    let folder = builtin_names().into_iter().find(|known| *known == name).and_then(|name| RepoPath::new(name).ok())?;
    let below = |(path, _): (&RepoPath, _)| Some((path.strip_prefix(&folder)?.to_string(), LIBRARY.text(path)?));
    Some(Blueprint::from_files(&FileSet::from_texts(LIBRARY.below(&folder).filter_map(below))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::text;

    #[test]
    fn the_program_holds_every_file_of_the_folder_as_it_stands() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints");
        let on_disk = text::read_tree(&folder).expect("the folder can be read").files;
        let beside = ["README.md", "parameters.example.yaml", "golden.txt"];
        let takes_part = |path: &&RepoPath| path.as_str().contains("/templates/") || !beside.contains(&path.name());
        let wanted: Vec<_> = on_disk.iter().map(|(path, _)| path).filter(takes_part).collect();
        let held: Vec<_> = LIBRARY.iter().map(|(path, _)| path).collect();
        assert_eq!(held, wanted);
        for path in held {
            assert_eq!(LIBRARY.text(path), on_disk.text(path), "{path}");
        }
    }

    #[test]
    fn every_built_in_blueprint_can_be_read() {
        for name in builtin_names() {
            let blueprint = builtin(name).expect("it is one of the names").unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(blueprint.name, name);
        }
    }
}
