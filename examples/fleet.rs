//! Writes the fleet of the benches to a directory: `cargo run --example fleet -- DIR [APPS]`.

#[path = "../benches/fleet/mod.rs"]
mod fleet;

use std::path::Path;
use std::process::ExitCode;

use gitops_gen::text;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        report("usage: fleet DIR [APPS]");
        return ExitCode::from(2);
    };
    let apps = std::env::args().nth(2).and_then(|apps| apps.parse().ok()).unwrap_or(fleet::APPS);
    match text::write_tree(Path::new(&directory), &fleet::fleet(apps)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("failed to {error}"));
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program of its own, which talks to the person who runs it")]
fn report(talk: &str) {
    eprintln!("{talk}");
}
