//! Writes the fleets of the benches to a directory: `cargo run --example fleet -- DIR [APPS]` three clusters with so many
//! applications, `cargo run --example fleet -- DIR --kinds 10000` one cluster with so many manifests of fifty kinds; with
//! `--schemas` the embedded schemas, for other programs to check with: `GROUP/KIND_VERSION.json`.

#[path = "../benches/fleet/mod.rs"]
mod fleet;
#[path = "../benches/fleet/kinds.rs"]
mod kinds;

use std::path::Path;
use std::process::ExitCode;

use gitops_gen::text::{self, FileSet};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((directory, files)) = read(&arguments) else {
        report("usage: fleet DIR [APPS | --kinds MANIFESTS | --schemas]");
        return ExitCode::from(2);
    };
    match text::write_tree(Path::new(directory), &files) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("failed to {error}"));
            ExitCode::from(2)
        }
    }
}

/// Returns where to write and what.
fn read<'a>(arguments: &[&'a str]) -> Option<(&'a str, FileSet)> {
    match *arguments {
        [directory] => Some((directory, fleet::fleet(fleet::APPS))),
        [directory, "--schemas"] => Some((directory, schemas())),
        [directory, apps] => Some((directory, fleet::fleet(apps.parse().ok()?))),
        [directory, "--kinds", manifests] => Some((directory, kinds::manifests(manifests.parse().ok()?))),
        _ => None,
    }
}

/// The dialect of the schemas: kubeconform takes one that names none for draft 4, and passes over what that does not know.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Returns the embedded schemas as kubeconform's template `{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json` asks for
/// them; for the core group that is the version twice.
fn schemas() -> FileSet {
    FileSet::from_texts(gitops_gen_schemas::kinds().iter().filter_map(|kind| {
        let mut schema = gitops_gen_schemas::schema(kind.group, kind.version, kind.kind)?;
        schema.as_object_mut()?.insert("$schema".to_owned(), DIALECT.into());
        let directory = if kind.group.is_empty() { kind.version } else { kind.group };
        let path = format!("{directory}/{}_{}.json", kind.kind.to_lowercase(), kind.version);
        Some((path, schema.to_string()))
    }))
}

#[expect(clippy::print_stderr, reason = "a program of its own, which talks to the person who runs it")]
fn report(talk: &str) {
    eprintln!("{talk}");
}
