//! gitops.yaml of repositories that nobody generated. `tests/import/fleet/` says most of what can be read, and some of what
//! cannot; real repositories are read where they are at hand (`../shared/corpus`).

#![expect(clippy::print_stdout, reason = "what was skipped is for people")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gitops_gen::config;
use gitops_gen::generate;
use gitops_gen::text::FileSet;
use snapbox::{assert_data_eq, file as golden};

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let mut program = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    let output = program.arg("import").arg(directory).args(arguments).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Returns a copy of the fixture.
fn fleet() -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a temporary directory can be made");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/fleet"), to.path());
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be made");
    for entry in fs::read_dir(from).expect("it can be read") {
        let entry = entry.expect("it can be read");
        let at = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &at);
        } else {
            // Not `fs::copy`: the original may be read-only.
            fs::write(at, fs::read(entry.path()).expect("it can be read")).expect("it can be written");
        }
    }
}

/// Returns what is wrong in `text` as gitops.yaml beside nothing.
fn mistakes(text: &str) -> Vec<String> {
    let files = FileSet::from_texts([(config::FILE, text)]);
    let mut wrong: Vec<String> = config::read(&files).1.into_iter().map(|finding| finding.message).collect();
    wrong.extend(generate::fleet_parameters(&files).err().map(|error| error.to_string()));
    wrong
}

#[test]
fn a_repository_is_read_and_what_cannot_be_is_listed() {
    let fleet = fleet();
    let ran = run(fleet.path(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let written = fs::read_to_string(fleet.path().join("gitops.yaml")).expect("it was written");
    assert_eq!(mistakes(&written), [""; 0]);
    assert_data_eq!(&written, golden!["import/fleet.yaml"].raw());
    assert_data_eq!(ran.stdout, golden!["import/fleet.txt"].raw());
}

#[test]
fn a_cluster_that_follows_another_branch_than_its_environment_keeps_it() {
    let fleet = fleet();
    let (first, other) = (fleet.path().join("clusters/fra1"), fleet.path().join("clusters/nyc1"));
    copy(&first, &other);
    let sync = other.join("flux-system/gotk-sync.yaml");
    let text = fs::read_to_string(&sync).expect("it is there");
    assert!(text.contains("branch: main") && text.contains("clusters/fra1"), "{text}");
    fs::write(sync, text.replace("branch: main", "branch: next").replace("clusters/fra1", "clusters/nyc1"))
        .expect("it can be written");
    let ran = run(fleet.path(), &["--dry-run"]);
    let (_, cluster) = ran.stdout.split_once("    nyc1:\n").expect("it is one of the clusters");
    assert!(cluster.starts_with("      environment: production\n      branch: next\n"), "{cluster}");
    assert!(
        ran.stdout.contains("    production: main\n") && ran.stdout.matches("branch: ").count() == 1,
        "{}",
        ran.stdout
    );
}

#[test]
fn the_records_of_a_generated_repository_give_back_its_file_and_an_update_finds_nothing_to_change() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let here = directory.path();
    let program = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gitops-gen")).args(arguments).current_dir(here).output();
        let output = output.expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let arguments =
        ["init", ".", "--yes", "--blueprint", "minimal", "--organisation", "acme", "--set", "monitoring=prometheus"];
    assert_eq!(program(&arguments).0, Some(0));
    let generated = fs::read_to_string(here.join("gitops.yaml")).expect("it was generated");
    fs::remove_file(here.join("gitops.yaml")).expect("it is there");
    let ran = run(here, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(here.join("gitops.yaml")).expect("it was written"), generated);
    assert_eq!(program(&["update", "--check"]), (Some(0), "nothing to do\n".to_owned()));
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let fleet = fleet();
    fs::write(fleet.path().join("gitops.yaml"), "flux: \"2.8\"\n").expect("it can be written");
    let ran = run(fleet.path(), &[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("gitops.yaml"), "{}", ran.stderr);
    let kept = fs::read_to_string(fleet.path().join("gitops.yaml")).expect("it is there");
    assert_eq!(kept, "flux: \"2.8\"\n");
}

#[test]
fn a_dry_run_prints_the_file_and_writes_nothing() {
    let fleet = fleet();
    let ran = run(fleet.path(), &["--dry-run"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("parameters:\n"), "{}", ran.stdout);
    assert!(!fleet.path().join("gitops.yaml").exists());
}

#[test]
fn no_secret_is_taken_over() {
    let ran = run(fleet().path(), &["--dry-run"]);
    assert!(!(ran.stdout + &ran.stderr).contains("hunter2"));
}

#[test]
fn a_directory_without_a_cluster_is_refused() {
    let empty = tempfile::tempdir().expect("a temporary directory can be made");
    fs::write(empty.path().join("a.yaml"), "a: 1\n").expect("it can be written");
    assert_eq!(run(empty.path(), &[]).code, Some(2));
    assert!(!empty.path().join("gitops.yaml").exists());
}

#[test]
fn real_repositories_are_read_and_still_valid_afterwards() {
    let corpus = env::var_os("GITOPS_GEN_CORPUS").map(PathBuf::from);
    let corpus = corpus.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    let mut seen = 0;
    for name in
        ["onlinex+recommendation-engine", "mdbdba+DigitalOceanChallenge2021", "fluxcd+flux2-kustomize-helm-example"]
    {
        if !corpus.join(name).is_dir() {
            println!("skipped: {name} is not at hand");
            continue;
        }
        let to = tempfile::tempdir().expect("a temporary directory can be made");
        copy(&corpus.join(name), to.path());
        let ran = run(to.path(), &[]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let written = fs::read_to_string(to.path().join("gitops.yaml")).expect("it was written");
        assert_eq!(mistakes(&written), [""; 0], "{name}:\n{written}");
        assert!(written.contains("clusters:\n"), "{name}:\n{written}");
        seen += 1;
    }
    println!("{seen} real repositories were read");
}
