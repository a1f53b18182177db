//! What stands around the program: the GitHub Action, the hook of pre-commit, the container recipe.
//!
//! There is no container engine here. The steps of the action run in a shell as GitHub runs them, with a `docker` that
//! starts the program of this build in its place; `scripts/packaging.sh` asks the schemas and linters.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use gitops_gen::text::FileSet;
use gitops_gen::yaml::{self, Node};
use regex::Regex;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The only document of a file of this repository.
fn document(path: &str) -> Node {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let files = FileSet::from_texts([(path, text.as_str())]);
    let (_, source) = files.iter().next().unwrap();
    yaml::parse(source, &text).documents.remove(0).root
}

fn text<'a>(node: &'a Node, keys: &[&str]) -> &'a str {
    node.at(keys).and_then(Node::as_str).unwrap_or_else(|| panic!("{keys:?} is there"))
}

/// Takes the place of the container engine: knows the two commands of the action, and runs the program instead.
const DOCKER: &str = r#"#!/usr/bin/env bash
set -euo pipefail
printf '%s\n' "$*" >>"$DOCKER_LOG"
case $1 in
build) [ -f "${!#}/Containerfile" ] ;;
run)
  while [ "$1" != gitops-gen ]; do
    if [ "$1" = --volume ]; then cd "${2%:/repository}"; fi
    shift
  done
  shift
  exec "$PROGRAM" "$@"
  ;;
*) exit 64 ;;
esac
"#;

/// A workspace of GitHub's with a repository in it.
struct Workspace {
    directory: TempDir,
}

impl Workspace {
    /// Copies the fixture `tests/rules/depends-on-missing/<which>` into the directory `fleet`.
    fn new(which: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let fixture = root().join("tests/rules/depends-on-missing").join(which);
        let files = gitops_gen::text::read_tree(&fixture).unwrap().files;
        gitops_gen::text::write_tree(&directory.path().join("fleet"), &files).unwrap();
        let bin = directory.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("docker"), DOCKER).unwrap();
        fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    /// Runs the steps of the action with `inputs` over their defaults; returns the output of the last one.
    fn run(&self, inputs: &[(&str, &str)]) -> Output {
        let action = document("action.yml");
        let input = |name: &str| -> String {
            let given = inputs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            given.unwrap_or_else(|| text(&action, &["inputs", name, "default"])).to_owned()
        };
        let mut last = None;
        for step in action.at(&["runs", "steps"]).unwrap().as_sequence().unwrap() {
            assert_eq!(text(step, &["shell"]), "bash");
            // As GitHub starts it.
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", text(step, &["run"])]);
            command.current_dir(self.directory.path());
            let path = format!("{}:{}", self.directory.path().join("bin").display(), env::var("PATH").unwrap());
            command.env("PATH", path).env("DOCKER_LOG", self.directory.path().join("docker.log"));
            command.env("PROGRAM", env!("CARGO_BIN_EXE_gitops-gen")).env("GITHUB_ACTION_PATH", root());
            for entry in step.get("env").and_then(Node::as_map).into_iter().flatten() {
                let expression = entry.value.as_str().unwrap();
                let name = expression.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}")).unwrap();
                command.env(entry.key.text(), input(name));
            }
            let output = command.output().unwrap();
            let failed = !output.status.success();
            last = Some(output);
            if failed {
                break;
            }
        }
        last.unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_action_annotates_the_line_that_is_wrong_and_fails() {
    let output = Workspace::new("bad").run(&[("directory", "fleet")]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stdout(&output).starts_with("::error file="), "{}", stdout(&output));
    assert!(stdout(&output).contains("depends-on-missing"));
}

#[test]
fn the_action_is_content_with_a_repository_without_findings() {
    let output = Workspace::new("good").run(&[("directory", "fleet"), ("fail-on", "note")]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_action_takes_further_arguments_on_several_lines_and_writes_the_report() {
    let workspace = Workspace::new("bad");
    let arguments = "--flux-version 2.8\n--exclude /none/\n";
    let inputs = [("directory", "fleet"), ("arguments", arguments), ("format", "sarif"), ("output", "report.sarif")];
    let output = workspace.run(&inputs);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = fs::read_to_string(workspace.directory.path().join("report.sarif")).unwrap();
    assert!(report.contains("\"depends-on-missing\""));
    let log = fs::read_to_string(workspace.directory.path().join("docker.log")).unwrap();
    assert!(log.contains("--flux-version 2.8 --exclude /none/ --format sarif"), "{log}");
}

#[test]
fn an_input_never_becomes_a_part_of_the_script_or_an_option() {
    let workspace = Workspace::new("bad");
    for hostile in ["$(touch taken)", "`touch taken`", "'; touch taken; '", "--output=taken"] {
        let output = workspace.run(&[("directory", hostile)]);
        assert_eq!(output.status.code(), Some(2), "{hostile}: {output:?}");
        assert!(!workspace.directory.path().join("taken").exists(), "{hostile}");
    }
}

#[test]
fn the_inputs_of_the_action_are_options_of_the_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_gitops-gen")).args(["validate", "--help"]).output().unwrap();
    let help = stdout(&help);
    for entry in document("action.yml").get("inputs").unwrap().as_map().unwrap() {
        let name = entry.key.text();
        let is_known = ["directory", "arguments"].contains(&name) || help.contains(&format!("--{name} "));
        assert!(is_known, "`validate` has no option --{name}");
        assert!(entry.value.get("default").is_some(), "`{name}` can be left out");
    }
}

#[test]
fn the_hook_of_pre_commit_starts_a_command_and_looks_at_what_flux_reads() {
    let hooks = document(".pre-commit-hooks.yaml");
    let [hook] = hooks.as_sequence().unwrap() else { panic!("one hook") };
    let entry: Vec<&str> = text(hook, &["entry"]).split(' ').collect();
    assert_eq!(entry[0], "gitops-gen");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    let output = command.args(&entry[1..]).current_dir(root().join("tests/rules/depends-on-missing/bad")).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    assert_eq!(text(hook, &["pass_filenames"]), "false", "what is wrong depends on all files together");
    let files = Regex::new(text(hook, &["files"])).unwrap();
    for path in ["apps/web.yaml", "gitops.yaml", "a/settings.env", "a/Kustomization", ".sourceignore", "b/run.sh"] {
        assert!(files.is_match(path), "{path}");
    }
    assert!(!files.is_match("README.md"));
}

#[test]
fn the_container_is_built_of_files_that_are_sent_with_a_compiler_that_is_new_enough() {
    let recipe = fs::read_to_string(root().join("Containerfile")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).unwrap();
    let version = version.trim_end_matches('"');
    assert!(recipe.contains(&format!("docker.io/library/rust:{version}-")), "not the compiler {version}");
    assert!(recipe.contains("\nUSER 65532:65532\n"), "Kubernetes proves `runAsNonRoot` by a number");
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let ignored: BTreeSet<&str> = ignored.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(ignored, BTreeSet::from([".git", "target", "**/target"]), "the program holds blueprints and schemas");
}
