//! Makes the table of the built-in blueprints: every file below `blueprints/` that takes part in the generation.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use walkdir::WalkDir;

/// What stands beside a blueprint for its readers and its tests alone.
const BESIDE: [&str; 3] = ["README.md", "parameters.example.yaml", "golden.txt"];

fn main() -> Result<(), Box<dyn Error>> {
    // A directory: cargo looks at everything below it.
    println!("cargo::rerun-if-changed=blueprints");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("blueprints");
    let mut table = String::from("&[\n");
    for entry in WalkDir::new(&root).sort_by_file_name() {
        let entry = entry?;
        let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("a path is not UTF-8");
        let (path, below) = (text(entry.path())?, text(entry.path().strip_prefix(&root)?)?);
        let is_beside = !below.contains("/templates/") && BESIDE.iter().any(|name| entry.file_name() == *name);
        if entry.file_type().is_file() && !is_beside {
            writeln!(table, "    ({below:?}, include_str!({path:?})),")?;
        }
    }
    table.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("blueprints.rs"), table)?;
    Ok(())
}
