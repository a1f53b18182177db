//! The program as a user meets it: transcripts in `tests/cli/*.md`, and hostile input that no transcript can hold.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::text::{Content, FileSet, RepoPath};
use tempfile::TempDir;

#[test]
fn the_transcripts_hold() {
    trycmd::TestCases::new().case("tests/cli/*.md");
}

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    program.env_remove("NO_COLOR").env("TERM", "xterm");
    program
}

fn validate(directory: &Path) -> Output {
    program().arg("validate").arg(directory).output().unwrap()
}

/// Returns a directory that holds one file.
fn directory(name: &str, content: &[u8]) -> TempDir {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join(name), content).unwrap();
    directory
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, needle: &str) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(output.status.code(), Some(code), "stdout: {stdout}\nstderr: {stderr}");
    assert!(stdout.contains(needle) || stderr.contains(needle), "no {needle:?} in\n{stdout}\n{stderr}");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    assert_ends(&validate(Path::new("/no/such/directory")), 2, "failed to read directory `/no/such/directory`");
}

#[test]
fn a_file_instead_of_a_directory_is_named() {
    let directory = directory("a.yaml", b"a: 1\n");
    assert_ends(&validate(&directory.path().join("a.yaml")), 2, "it is not a directory");
}

#[test]
fn a_directory_without_yaml_is_not_clean() {
    let directory = directory("README.md", b"# Nothing\n");
    assert_ends(&validate(directory.path()), 2, "it holds no YAML file");
}

#[test]
fn what_gitops_yaml_excludes_is_passed_over_and_said_so() {
    let directory = directory("good.yaml", b"a: 1\n");
    fs::create_dir(directory.path().join("fixtures")).unwrap();
    fs::write(directory.path().join("fixtures/broken.yaml"), "a: [\n").unwrap();
    fs::create_dir(directory.path().join("cluster")).unwrap();
    let clusters = "clusters: [{name: a, path: cluster}]\n";
    fs::write(directory.path().join("cluster/a.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
        .unwrap();
    fs::write(directory.path().join("gitops.yaml"), clusters).unwrap();
    assert_ends(&validate(directory.path()), 0, "fixtures/broken.yaml");
    fs::write(directory.path().join("gitops.yaml"), format!("{clusters}exclude: [/fixtures/]\n")).unwrap();
    let output = validate(directory.path());
    assert_ends(&output, 0, "`exclude` of gitops.yaml:");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("broken.yaml"));
    fs::write(directory.path().join("gitops.yaml"), format!("{clusters}exclude: ['a{{']\n")).unwrap();
    assert_ends(&validate(directory.path()), 1, "`a{` is no pattern of a .gitignore");
}

#[test]
fn a_binary_file_named_yaml_is_a_finding() {
    let directory = directory("a.yaml", b"\xff\xfe\x00\x01binary\x80");
    assert_ends(&validate(directory.path()), 1, "error[file-unreadable]");
}

#[test]
fn a_file_of_100_mb_is_a_finding_and_is_not_read() {
    let directory = directory("a.yaml", b"");
    let file = fs::OpenOptions::new().write(true).open(directory.path().join("a.yaml")).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    assert_ends(&validate(directory.path()), 1, "error[file-too-large]");
}

#[test]
fn ten_thousand_nested_brackets_are_a_finding() {
    for bracket in ["[", "{", "- ", "{a: ", "? "] {
        let directory = directory("a.yaml", bracket.repeat(10_000).as_bytes());
        assert_ends(&validate(directory.path()), 1, "error[yaml-");
    }
}

#[test]
fn an_alias_bomb_is_a_finding() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{aliases}]\n");
    }
    let directory = directory("a.yaml", bomb.as_bytes());
    assert_ends(&validate(directory.path()), 1, "error[yaml-limit]");
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    // In memory, since the tests may run as root, who can read every file.
    let reason = Content::Unreadable("Permission denied (os error 13)".into());
    let repo = Repo::new(FileSet::from_contents([(RepoPath::new("a.yaml").unwrap(), reason)]));
    let findings = rules::validate(&repo, &Options::default());
    let found: Vec<_> = findings.diagnostics.iter().map(|finding| finding.rule).collect();
    assert_eq!(found, ["file-unreadable"]);
}

#[cfg(unix)]
#[test]
fn a_circle_of_symbolic_links_is_passed_over_and_said_so() {
    let directory = directory("a.yaml", b"a: 1\n");
    for (link, target) in [("one", "two"), ("two", "one"), ("up", ".."), ("self.yaml", "self.yaml")] {
        std::os::unix::fs::symlink(target, directory.path().join(link)).unwrap();
    }
    assert_ends(&validate(directory.path()), 2, "    one -> two\n");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = program().arg("rules").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_ends(&output, 0, "");
    assert_eq!(output.stderr, b"");
}

#[test]
fn a_full_disk_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let output =
        program().arg("rules").stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_ends(&output, 2, "error: failed to write the output");
}

#[test]
fn a_pipe_has_no_colours_unless_they_are_asked_for() {
    let directory = directory("a.yaml", b"a: 1\na: 2\n");
    let plain = validate(directory.path());
    assert!(!plain.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&plain.stdout));
    let coloured = program().args(["--color", "always", "validate"]).arg(directory.path()).output().unwrap();
    assert!(coloured.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&coloured.stdout));
}

#[test]
fn fail_on_decides_the_exit_code() {
    let directory = directory("a.yaml", b"a: 1\na: 2\n");
    for (fail_on, code) in [("error", 1), ("warning", 1), ("note", 1)] {
        let output = program().args(["validate", "--fail-on", fail_on]).arg(directory.path()).output().unwrap();
        assert_ends(&output, code, "error[yaml-duplicate-key]");
    }
    let mut warned = fs::File::create(directory.path().join("a.yaml")).unwrap();
    // A continuation line left of its key: libyaml takes it, YAML 1.2 does not.
    let object =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\ndata:\n    b: \"one\n  two\"\n";
    warned.write_all(object.as_bytes()).unwrap();
    for (fail_on, code) in [("error", 0), ("warning", 1), ("note", 1)] {
        let cluster = ["validate", "--cluster", "a=.", "--fail-on", fail_on];
        let output = program().args(cluster).arg(directory.path()).output().unwrap();
        assert_ends(&output, code, "warning[yaml-quoted-indent]");
    }
}

#[test]
fn the_json_report_is_all_that_stands_on_stdout() {
    let directory = directory("a.yaml", b"a: 1\na: 2\n");
    let output = program().args(["validate", "--format", "json"]).arg(directory.path()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["diagnostics"][0]["rule"], "yaml-duplicate-key");
    assert_eq!((&report["diagnostics"][0]["line"], &report["diagnostics"][0]["column"]), (&2.into(), &1.into()));
}

#[test]
fn a_report_for_a_service_goes_to_its_file_and_the_text_to_the_log() {
    let directory = directory("a.yaml", b"a: 1\na: 2\n");
    let file = directory.path().join("report.sarif");
    let mut command = program();
    let output =
        command.args(["validate", "--format", "sarif", "--output"]).arg(&file).arg(directory.path()).output().unwrap();
    assert_ends(&output, 1, "error[yaml-duplicate-key]");
    let log: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "yaml-duplicate-key");
    let mut command = program();
    let nowhere = directory.path().join("no/such/report");
    let output = command.args(["validate", "--output"]).arg(nowhere).arg(directory.path()).output().unwrap();
    assert_ends(&output, 2, "error: failed to write `");
}

#[test]
fn services_are_told_paths_from_the_top_of_the_git_repository() {
    let top = TempDir::new().unwrap();
    let fleet = top.path().join("teams/fleet");
    fs::create_dir_all(&fleet).unwrap();
    fs::write(fleet.join("a.yaml"), "a: 1\na: 2\n").unwrap();
    git2::Repository::init(top.path()).unwrap();
    for (format, path) in [
        ("github", "file=teams/fleet/a.yaml,line=2"),
        ("gitlab", "\"path\": \"teams/fleet/a.yaml\""),
        ("sarif", "\"uri\": \"teams/fleet/a.yaml\""),
        ("junit", "file=\"teams/fleet/a.yaml\""),
        ("markdown", "`teams/fleet/a.yaml:2`"),
        ("text", "[a.yaml:2:1]"),
        ("json", "\"file\": \"a.yaml\""),
    ] {
        let output = program().args(["validate", "--format", format]).arg(&fleet).output().unwrap();
        assert_ends(&output, 1, path);
    }
}

#[test]
fn the_page_of_rules_is_the_rule_table() {
    let output = program().args(["rules", "--format", "markdown"]).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let page =
        "# Rules\n\nPrinted by `gitops-gen rules --format markdown`; `gitops-gen explain RULE` says more of each.\n\n";
    snapbox::assert_data_eq!(format!("{page}{table}"), snapbox::file!["../docs/rules.md"].raw());
}

#[test]
fn each_rule_has_its_page_and_each_page_a_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    for rule in rules::all() {
        let output = program().args(["explain", rule.id]).output().unwrap();
        let page = folder.join(format!("{}.md", rule.id));
        snapbox::assert_data_eq!(
            String::from_utf8(output.stdout).unwrap(),
            snapbox::Data::read_from(&page, None).raw()
        );
    }
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let id = name.strip_suffix(".md").unwrap();
        assert!(rules::find(id).is_some(), "docs/rules/{name} is of no rule: remove it");
    }
}

#[test]
fn programs_are_told_of_every_rule() {
    let output = program().args(["rules", "--format", "json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, rules::all().map(|rule| rule.id).collect::<Vec<_>>());
}

#[test]
fn a_rule_that_does_not_exist_is_answered_with_what_may_be_meant() {
    for (id, answer) in [
        ("yaml-limt", "failed to find rule `yaml-limt`: did you mean `yaml-limit`?"),
        ("cycle", "did you mean `depends-on-cycle` or `kustomization-cycle`?"),
        ("nope", "none is called so; `gitops-gen rules` lists them"),
    ] {
        assert_ends(&program().args(["explain", id]).output().unwrap(), 2, answer);
    }
}

#[test]
fn shells_and_the_manual_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert_ends(&program().args(["completions", shell]).output().unwrap(), 0, "validate");
    }
    let directory = TempDir::new().unwrap();
    assert_ends(&program().arg("man").arg(directory.path()).output().unwrap(), 0, "the manual is in");
    let page = fs::read_to_string(directory.path().join("gitops-gen-validate.1")).unwrap();
    assert!(page.contains("changed\\-since"), "{page}");
    assert_ends(&program().args(["man", "/no/such/directory"]).output().unwrap(), 2, "failed to write the manual");
}

#[cfg(unix)]
#[test]
fn under_the_name_of_a_plugin_it_speaks_as_flux_does() {
    let directory = TempDir::new().unwrap();
    let plugin = directory.path().join("flux-gitops-gen");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gitops-gen"), &plugin).unwrap();
    let output = Command::new(&plugin).args(["validate", "--help"]).output().unwrap();
    assert_ends(&output, 0, "Usage: flux gitops-gen validate [OPTIONS] [DIR]");
    let output = program().args(["validate", "--help"]).output().unwrap();
    assert_ends(&output, 0, "Usage: gitops-gen validate [OPTIONS] [DIR]");
}

#[test]
fn a_repository_without_a_cluster_is_not_clean() {
    let directory = directory("a.yaml", b"kind: Service\n");
    assert_ends(&validate(directory.path()), 2, "no cluster was found, so nothing was built; name one with");
}

/// Commits everything in `directory` under the name `main`, or on top of what is there.
fn commit(directory: &Path) {
    let repository = git2::Repository::open(directory).or_else(|_| git2::Repository::init(directory)).unwrap();
    let mut index = repository.index().unwrap();
    index.add_all(["."], git2::IndexAddOption::DEFAULT, None).unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::now("A Tester", "tester@example.com").unwrap();
    let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(Some("HEAD"), &author, &author, "change", &tree, &parents).unwrap();
}

#[test]
fn only_what_a_branch_brought_in_is_reported_and_counts() {
    let directory = directory("a.yaml", b"a: 1\na: 2\n");
    commit(directory.path());
    let since = |revision: &str| {
        program().args(["validate", "--changed-since", revision]).arg(directory.path()).output().unwrap()
    };
    fs::write(directory.path().join("a.yaml"), "# moved\na: 1\na: 2\n").unwrap();
    let moved = since("HEAD");
    assert_ends(&moved, 2, "no findings");
    assert_ends(&moved, 2, "they are in `HEAD` already");
    fs::write(directory.path().join("b.yaml"), "b: 1\nb: 2\n").unwrap();
    let added = since("HEAD");
    assert_ends(&added, 1, "[b.yaml:2:1]");
    assert!(!String::from_utf8_lossy(&added.stdout).contains("a.yaml:"));
    assert_ends(&since("no-such-branch"), 2, "error: failed to find revision `no-such-branch`");
    let elsewhere = self::directory("a.yaml", b"a: 1\n");
    let output = program().args(["validate", "--changed-since", "main"]).arg(elsewhere.path()).output().unwrap();
    assert_ends(&output, 2, "error: failed to open the Git repository of");
}
