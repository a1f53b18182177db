//! `gitops-gen init` as a user runs it: all of the repository, or the disk as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gitops_gen::git;
use gitops_gen::text;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gitops-gen");

fn init(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    // Git's configuration of whoever runs the tests must not matter.
    command.env("HOME", directory).env("XDG_CONFIG_HOME", directory).env("GIT_CONFIG_NOSYSTEM", "1");
    command.arg("init").args(arguments).current_dir(directory).output().expect("the program runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = text::read_tree(directory).expect("the directory can be read").files;
    files
        .iter()
        .map(|(path, _)| (path.to_string(), fs::read(directory.join(path.as_str())).expect("it is there")))
        .collect()
}

fn paths(directory: &Path) -> Vec<String> {
    let outcome = text::read_tree(directory).expect("the directory can be read");
    outcome.files.iter().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn a_new_directory_holds_all_of_the_repository() {
    let directory = tempfile::tempdir().unwrap();
    let output = init(directory.path(), &["fleet", "--yes", "--organisation", "acme"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let fleet = directory.path().join("fleet");
    for path in ["clusters/fra1/apps.yaml", "apps/base/trades/deployment.yaml", ".gitops-gen/lock.yaml", "README.md"] {
        assert!(fleet.join(path).is_file(), "{path} is missing");
    }
    let overlay = fs::read_to_string(fleet.join("apps/production/trades/kustomization.yaml")).unwrap();
    assert!(overlay.contains("newName: ghcr.io/acme/trades # {\"$imagepolicy\": \"flux-system:trades-release:name\"}"));
}

#[test]
fn a_dry_run_lists_what_a_run_writes_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let dry = init(directory.path(), &["--yes", "--dry-run"]);
    assert!(dry.status.success(), "{}", stderr(&dry));
    assert!(paths(directory.path()).is_empty());
    init(directory.path(), &["--yes"]);
    let listed: Vec<_> = String::from_utf8(dry.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(listed, paths(directory.path()));
}

#[test]
fn existing_paths_are_listed_and_stay_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("README.md"), "mine\n").unwrap();
    fs::write(directory.path().join("apps"), "a file where a directory goes\n").unwrap();
    let output = init(directory.path(), &["--yes"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.starts_with("error: failed to write into `.`: `README.md`, `apps` stand there already"), "{said}");
    assert_eq!(paths(directory.path()), ["README.md", "apps"]);
    assert_eq!(fs::read_to_string(directory.path().join("README.md")).unwrap(), "mine\n");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_directory_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), directory.path().join("clusters")).unwrap();
    let output = init(directory.path(), &["--yes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`clusters` stand there already"), "{}", stderr(&output));
    assert!(paths(outside.path()).is_empty());
}

#[test]
fn a_second_run_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    assert!(init(directory.path(), &["--yes"]).status.success());
    let before = paths(directory.path());
    let output = init(directory.path(), &["--yes", "--organisation", "other"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("more stand there already"), "{}", stderr(&output));
    assert_eq!(paths(directory.path()), before);
}

#[test]
fn wrong_parameters_are_told_in_one_message_and_write_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let output = init(directory.path(), &["--yes", "--organisation", "Acme!", "--set", "apps.candles.canaryWeight=99"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("`organisation` is \"Acme!\", expected lower-case letters"), "{said}");
    assert!(said.contains("`apps.candles.canaryWeight`"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(paths(directory.path()).is_empty());
}

#[test]
fn parameters_come_from_a_file_whatever_its_name_and_a_flag_wins() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("odd\tname"), "organisation: one\nrepository: two\n").unwrap();
    let output = init(directory.path(), &["out", "--yes", "--parameters", "odd\tname", "--organisation", "three"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let sync = fs::read_to_string(directory.path().join("out/clusters/fra1/flux-system/gotk-sync.yaml")).unwrap();
    assert!(sync.contains("url: ssh://git@github.com/three/two"), "{sync}");
}

#[test]
fn parameters_that_do_not_fit_together_are_told_on_the_lines_of_their_file() {
    let directory = tempfile::tempdir().unwrap();
    let text =
        "organisation: one\nimageAutomationCluster: lon1\napps:\n  web:\n    kind: http\n    calls:\n      - api\n";
    fs::write(directory.path().join("p.yaml"), text).unwrap();
    let output = init(directory.path(), &["out", "--yes", "--blueprint", "minimal", "--parameters", "p.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    for place in ["p.yaml:2:", "p.yaml:4:", "p.yaml:7:"] {
        assert!(said.contains(place), "{place}: {said}");
    }
    assert!(!directory.path().join("out").exists());
}

#[test]
fn a_mistake_in_the_file_of_parameters_is_told_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.yaml"), "organisation: one\nrepository: [\n").unwrap();
    let output = init(directory.path(), &["out", "--yes", "--parameters", "p.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("failed to use the parameters of `p.yaml`") && said.contains("line "), "{said}");
}

#[test]
fn an_unknown_parameter_or_blueprint_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let output = init(directory.path(), &["--yes", "--set", "organization=acme"]);
    assert!(stderr(&output).contains("`organization` is no parameter; `organisation` is"), "{}", stderr(&output));
    let output = init(directory.path(), &["--yes", "--blueprint", "nope"]);
    assert!(stderr(&output).contains("find blueprint `nope`"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "x").unwrap();
    let output = init(directory.path(), &["file/fleet", "--yes"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(paths(directory.path()), ["file"]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    // No file may grow past one block, and the signal that says so is ignored: writing fails as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f 1; exec '{PROGRAM}' init fleet --yes");
    let output = Command::new("bash").args(["-c", &script]).current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("failed to write"), "{}", stderr(&output));
    assert!(!directory.path().join("fleet").exists());
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_all_or_nothing_once_the_next_has_begun() {
    use std::time::{Duration, Instant};
    let reference = tempfile::tempdir().unwrap();
    assert!(init(reference.path(), &["--yes", "--blueprint", "minimal"]).status.success());
    let whole = contents(reference.path());
    for pause in [0, 2, 5, 10, 20, 40, 80] {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["init", "--yes", "--blueprint", "minimal"]).current_dir(directory.path());
        let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while !directory.path().join(".gitops-gen").exists() && begun.elapsed() < Duration::from_mins(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let next = init(directory.path(), &["--yes", "--blueprint", "minimal"]);
        let is_there = next.status.code() == Some(2) && stderr(&next).contains("stand there already");
        assert!(next.status.success() || is_there, "{pause}: {}", stderr(&next));
        assert_eq!(contents(directory.path()), whole, "after {pause} ms");
        assert!(!directory.path().join(".gitops-gen/pending").exists());
    }
}

#[test]
fn a_run_that_was_stopped_half_way_is_completed_by_the_next_which_says_so() {
    let reference = tempfile::tempdir().unwrap();
    assert!(init(reference.path(), &["--yes", "--blueprint", "minimal"]).status.success());
    let whole = contents(reference.path());
    // Half of the files are in their place, the others wait.
    let directory = tempfile::tempdir().unwrap();
    for (number, (path, content)) in whole.iter().enumerate() {
        let below = if number % 2 == 0 { "." } else { ".gitops-gen/pending/files" };
        let at = directory.path().join(below).join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, content).unwrap();
    }
    let next = init(directory.path(), &["--yes", "--blueprint", "minimal"]);
    assert!(stderr(&next).starts_with("an earlier run was stopped half-way; its changes are complete now\n"));
    assert_eq!((next.status.code(), contents(directory.path())), (Some(2), whole.clone()));

    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join(".gitops-gen/preparing/files")).unwrap();
    fs::write(directory.path().join(".gitops-gen/preparing/files/half"), "x").unwrap();
    let next = init(directory.path(), &["--yes", "--blueprint", "minimal"]);
    assert!(stderr(&next).starts_with("an earlier run was stopped before it changed anything\n"), "{}", stderr(&next));
    assert_eq!((next.status.code(), contents(directory.path())), (Some(0), whole));
}

#[test]
fn the_first_commit_holds_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let output = init(directory.path(), &["fleet", "--yes", "--git", "--author", "A Tester <tester@example.com>"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let fleet = directory.path().join("fleet");
    let committed = git::read_revision(&fleet, "main").unwrap();
    assert_eq!(committed.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), paths(&fleet));
}

#[test]
fn without_an_author_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let output = init(directory.path(), &["fleet", "--yes", "--git"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("set user.name and user.email"), "{}", stderr(&output));
    assert!(!directory.path().join("fleet").exists());
}

#[test]
fn an_existing_git_repository_keeps_its_history() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".git")).unwrap();
    let output = init(directory.path(), &["--yes", "--git", "--author", "A Tester <tester@example.com>"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is one already"), "{}", stderr(&output));
    assert!(paths(directory.path()).is_empty());
}

#[test]
fn a_blueprint_of_ones_own_is_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("own");
    fs::create_dir_all(own.join("templates")).unwrap();
    fs::write(own.join("blueprint.yaml"), "name: own\nsummary: A test\n").unwrap();
    fs::write(own.join("parameters.schema.json"), r#"{"properties": {"name": {"default": "web"}}}"#).unwrap();
    fs::write(own.join("templates/config.yaml.hbs"), "kind: ConfigMap\nname: {{name}}\n").unwrap();
    let output = init(directory.path(), &["out", "--yes", "--blueprint", "./own", "--set", "name=api: 1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = fs::read_to_string(directory.path().join("out/config.yaml")).unwrap();
    assert_eq!(text, "kind: ConfigMap\nname: \"api: 1\"\n");
}
