//! Writes the catalogue: the Kubernetes kinds as k8s-openapi types them, made strict and completed by
//! `kubernetes/overlay.json`, and the kinds that `models/` describes.
//!
//! The format is lines of text, packed: `kind` lines (group, version, kind, definition, scope, what was modelled) and
//! `definition` lines (name, JSON Schema), both sorted.

#[path = "build/kinds.rs"]
mod kinds;
#[path = "build/kubernetes.rs"]
mod kubernetes;
#[path = "build/models.rs"]
mod models;
#[path = "build/strict.rs"]
mod strict;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

/// Definitions by name; references between them are `#/$defs/<name>`.
type Definitions = BTreeMap<String, Map<String, Value>>;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut definitions = Definitions::new();
    let mut kinds = kubernetes::add(&read(&here.join("kubernetes/overlay.json"))?, &mut definitions)?;
    kinds.extend(models::add(&here.join("models"), &mut definitions)?);
    kinds.sort();
    strict::check_references(&definitions)?;

    let mut lines: Vec<String> = kinds.iter().map(|kind| format!("kind\t{kind}")).collect();
    for (name, definition) in &definitions {
        lines.push(format!("definition\t{name}\t{}", serde_json::to_string(definition)?));
    }
    let packed = zstd::encode_all(lines.join("\n").as_bytes(), 19)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("catalogue.zst"), packed)?;
    println!("cargo::rerun-if-changed=build.rs");
    for directory in ["build", "kubernetes", "models"] {
        println!("cargo::rerun-if-changed={directory}");
    }
    Ok(())
}

/// Returns the JSON of a file.
fn read(path: &Path) -> Result<Value, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}
