//! `docs/getting-started.md` is what a reader will see: its transcripts are run, in order, from its first line to its last.
//!
//! `SNAPSHOTS=overwrite cargo test` writes the output of each command anew.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `command` in `directory` with our program on the path; returns what a terminal would show.
fn run(command: &str, directory: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_gitops-gen")).parent().expect("the program is in a directory");
    let path = format!("{}:{}", program.display(), env::var("PATH").expect("there is a path"));
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("exec 2>&1; {command}")).current_dir(directory).env("PATH", path).env("NO_COLOR", "1");
    let output = shell.output().expect("bash is there");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns `page` with the output of every command of its transcripts as it is now.
fn replayed(page: &str, root: &Path) -> String {
    let mut directory = PathBuf::from(root);
    let mut out = String::new();
    let mut in_transcript = false;
    for line in page.lines() {
        match (in_transcript, line.strip_prefix("$ ")) {
            (true, Some(command)) => {
                out.extend([line, "\n"]);
                match command.strip_prefix("cd ") {
                    Some(below) => directory.push(below),
                    None => out.push_str(&run(command, &directory)),
                }
            }
            (true, None) if line != "```" => {}
            _ => {
                in_transcript = line == "```console";
                out.extend([line, "\n"]);
            }
        }
    }
    out
}

#[cfg(unix)]
#[test]
fn the_transcripts_of_getting_started_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/getting-started.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let now = replayed(&page, root.path());
    if env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(&path, now).expect("the page can be written");
        return;
    }
    assert_eq!(now, page, "docs/getting-started.md is out of date");
}
