//! A fleet below a directory of its Git repository, `path` of the parameters: what Git, Flux and CI look for at the root stands
//! there, everything else below the directory, and every command runs at the root.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gitops_gen::generate;
use gitops_gen::text::{self, FileSet, RepoPath};

/// What a person would put beside the fleet: no file of theirs may be read as the fleet's.
const BESIDE: &[(&str, &str)] = &[
    ("README.md", "# Shop\n"),
    ("src/main.py", "print()\n"),
    ("charts/shop/templates/service.yaml", "{{- if .Values.web }}\nkind: Service\n{{- end }}\n"),
    ("deploy/compose.yaml", "services: {web: {image: web}, web: {}}\n"),
];

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    command.args(arguments).current_dir(directory).output().unwrap()
}

#[track_caller]
fn succeeds(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Returns the Git repository of an application whose fleet lies in `deploy/gitops`.
fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in BESIDE {
        let at = directory.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }
    succeeds(directory.path(), &["init", "--yes", "--set", "path=deploy/gitops", "--set", "ci=github"]);
    directory
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = text::read_tree(directory).unwrap().files;
    files.iter().map(|(path, _)| (path.to_string(), fs::read(directory.join(path.as_str())).unwrap())).collect()
}

fn edit(directory: &Path, path: &str, from: &str, to: &str) {
    let at = directory.join(path);
    let text = fs::read_to_string(&at).unwrap();
    assert!(text.contains(from), "{path} has no `{from}`:\n{text}");
    fs::write(at, text.replacen(from, to, 1)).unwrap();
}

/// Returns what crypto-trading generates with these choices.
fn generated(choices: &[(&str, &str)]) -> FileSet {
    let blueprint = generate::builtin("crypto-trading").unwrap().unwrap();
    let mut answers = blueprint.defaults();
    for (name, value) in choices {
        blueprint.assign(&mut answers, name, value).unwrap();
    }
    generate::generate(&blueprint, &answers).unwrap()
}

fn text<'a>(files: &'a FileSet, path: &str) -> &'a str {
    files.text(&RepoPath::new(path).unwrap()).unwrap_or_else(|| panic!("there is no {path}"))
}

#[test]
fn all_of_the_fleet_moves_and_what_the_root_needs_stays_there() {
    for ci in ["github", "gitlab"] {
        let choices = [("ci", ci), ("terraform", "true")];
        let at_root = generated(&choices);
        let below = generated(&[&choices[..], &[("path", "deploy/gitops")]].concat());
        let stays = |path: &str| {
            path.starts_with(".git") || ["gitops.yaml", ".sops.yaml", ".sourceignore", "renovate.json5"].contains(&path)
        };
        let moved = |path: &RepoPath| match path.as_str() {
            path if stays(path) => path.to_owned(),
            path => format!("deploy/gitops/{path}"),
        };
        let wanted: BTreeSet<String> = at_root.iter().map(|(path, _)| moved(path)).collect();
        let found: BTreeSet<String> = below.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn the_terraform_of_a_fleet_is_checked_where_it_lies() {
    let workflow = RepoPath::new(".github/workflows/terraform.yaml").unwrap();
    let github = generated(&[("ci", "github"), ("terraform", "true"), ("path", "deploy/gitops")]);
    let steps = text(&github, workflow.as_str());
    assert!(steps.contains("working-directory: deploy/gitops/terraform/digitalocean\n"), "{steps}");
    let gitlab = generated(&[("ci", "gitlab"), ("terraform", "true"), ("path", "deploy/gitops")]);
    let pipeline = text(&gitlab, ".gitlab-ci.yml");
    assert!(pipeline.contains("\nterraform:\n"), "{pipeline}");
    assert!(pipeline.contains("- cd deploy/gitops/terraform/digitalocean\n"), "{pipeline}");
    let beside = [
        ("ci", "github"),
        ("terraform", "true"),
        ("provider", "eks"),
        ("clusters.fra1.provider", "digitalocean"),
        ("clusters.fra1.storageClass", "do-block-storage"),
    ];
    let beside = generated(&beside);
    assert!(beside.text(&workflow).is_some());
    assert!(text(&beside, "docs/recovery.md").contains("Terraform's state"));
    for without in [("terraform", "false"), ("provider", "eks")] {
        let github = generated(&[("ci", "github"), ("terraform", "true"), without]);
        assert!(github.text(&workflow).is_none(), "{without:?}");
        assert!(!text(&github, "docs/recovery.md").contains("Terraform's state"), "{without:?}");
        let gitlab = generated(&[("ci", "gitlab"), ("terraform", "true"), without]);
        assert!(!text(&gitlab, ".gitlab-ci.yml").contains("terraform"), "{without:?}");
    }
}

#[test]
fn no_path_of_the_fleet_is_left_as_if_it_stood_at_the_root() {
    for ci in ["github", "gitlab"] {
        let files = generated(&[
            ("ci", ci),
            ("terraform", "true"),
            ("bootstrap", "flux-operator"),
            ("receiver", "true"),
            ("path", "deploy/gitops"),
        ]);
        let directories = ["apps/", "clusters/", "infrastructure/", "image-automation", "terraform/", "kind/"];
        for (path, _) in files.iter().filter(|(path, _)| !path.as_str().ends_with("README.md")) {
            for line in text(&files, path.as_str()).lines() {
                // What Flux, sops, Renovate and the scripts read; comments and what the scripts say of themselves are for people.
                let is_path = ["path: ", "path_regex: ", "FileNames: ", "--path=", "clusters/*/"];
                if !is_path.iter().any(|key| line.contains(key)) || line.trim_start().starts_with('#') {
                    continue;
                }
                let names_one = directories.iter().any(|directory| line.contains(directory));
                let is_below = line.contains("deploy/gitops/") || line.contains("${prefix}");
                assert!(!names_one || is_below, "{path}: {line}");
            }
        }
        let ignored = text(&files, ".sourceignore");
        assert!(ignored.contains("/*\n!/deploy/\n/deploy/*\n!/deploy/gitops/\n/deploy/gitops/*\n"), "{ignored}");
        assert!(ignored.contains("\n!/deploy/gitops/apps/\n"), "{ignored}");
        let sops = text(&files, ".sops.yaml");
        assert!(sops.contains(r"path_regex: ^deploy/gitops/(apps|infrastructure)/.*\.sops\.yaml$"), "{sops}");
        let scripts = text(&files, "deploy/gitops/scripts/fleet.sh");
        assert!(scripts.contains("prefix='deploy/gitops/'") && scripts.contains("to_root='../../'"), "{scripts}");
    }
}

#[test]
fn a_dot_in_the_path_is_a_dot_to_sops_and_renovate() {
    let files = generated(&[("path", "fleet.v2"), ("ci", "github")]);
    let sops = text(&files, ".sops.yaml");
    assert!(sops.contains(r"^fleet\.v2/(apps|infrastructure)/"), "{sops}");
    let renovate = text(&files, "renovate.json5");
    assert!(renovate.contains(r#"["/^fleet\\.v2/(apps|infrastructure)/.+\\.ya?ml$/"]"#), "{renovate}");
}

#[test]
fn every_command_works_at_the_root_and_passes_over_what_is_not_the_fleets() {
    let directory = repository();
    let here = directory.path();
    let before = contents(here);
    for (path, text) in BESIDE {
        assert_eq!(before[*path], text.as_bytes(), "{path}");
    }
    let said = succeeds(here, &["validate", "--fail-on", "note"]);
    assert!(said.contains("no findings") && said.contains("4 clusters"), "{said}");
    assert_eq!(succeeds(here, &["update"]), "nothing to do\n");
    succeeds(here, &["add", "cluster", "lon1"]);
    assert!(here.join("deploy/gitops/clusters/lon1/apps.yaml").exists() && !here.join("clusters").exists());
    edit(here, "deploy/gitops/clusters/lon1/cluster-vars.yaml", "  CLUSTER_REGION", "  OURS: mine\n  CLUSTER_REGION");
    succeeds(here, &["rename", "cluster", "lon1", "lon2", "--yes"]);
    let variables = fs::read_to_string(here.join("deploy/gitops/clusters/lon2/cluster-vars.yaml")).unwrap();
    assert!(variables.contains("OURS: mine") && variables.contains("CLUSTER_NAME: \"lon2\""), "{variables}");
    edit(here, "deploy/gitops/clusters/lon2/cluster-vars.yaml", "  OURS: mine\n", "");
    succeeds(here, &["remove", "cluster", "lon2", "--yes"]);
    assert_eq!(contents(here), before);
}

#[test]
fn an_import_reads_the_path_back() {
    let directory = repository();
    fs::remove_file(directory.path().join("gitops.yaml")).unwrap();
    // The records would say it in any case.
    fs::remove_dir_all(directory.path().join(".gitops-gen")).unwrap();
    let said = succeeds(directory.path(), &["import", "--dry-run"]);
    assert!(said.contains("\n  path: deploy/gitops\n"), "{said}");
    assert!(said.contains("\n    path: deploy/gitops/clusters/fra1\n"), "{said}");
}

#[test]
fn a_path_that_is_none_is_refused_on_its_line_and_nothing_is_written() {
    let directory = repository();
    let here = directory.path();
    for wrong in ["/gitops", "gitops/", "../gitops", "a/../b", "./gitops", "a//b"] {
        edit(here, "gitops.yaml", "path: \"deploy/gitops\"", &format!("path: \"{wrong}\""));
        let before = contents(here);
        let said = refused(here, &["update"]);
        let line = String::from_utf8(before["gitops.yaml"].clone()).unwrap();
        let line = line.lines().position(|line| line.starts_with("  path: ")).unwrap() + 1;
        assert!(said.contains(&format!("gitops.yaml:{line}:")), "{wrong}: {said}");
        assert!(said.contains("expected a directory below the root of the Git repository"), "{wrong}: {said}");
        assert_eq!(contents(here), before);
        edit(here, "gitops.yaml", &format!("path: \"{wrong}\""), "path: \"deploy/gitops\"");
    }
}

#[test]
fn a_fleet_that_moves_takes_along_what_a_person_changed_and_added() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    succeeds(here, &["init", "--yes"]);
    let original = contents(here);
    edit(here, "apps/base/candles/workload/deployment.yaml", "spec:\n", "# ours\nspec:\n");
    fs::write(here.join("apps/base/ours.yaml"), "a: 1\n").unwrap();
    fs::remove_file(here.join("docs/rollback.md")).unwrap();
    fs::create_dir(here.join("src")).unwrap();
    fs::write(here.join("src/main.py"), "print()\n").unwrap();
    let edited = contents(here);
    edit(here, "gitops.yaml", "path: \"\"", "path: fleet");
    let checked = run(here, &["update", "--check"]);
    let listed = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1));
    assert!(listed.contains("move   apps/base/ours.yaml to fleet/apps/base/ours.yaml\n"), "{listed}");
    succeeds(here, &["update"]);
    let moved = contents(here);
    assert!(moved.keys().all(|path| path.starts_with('.')
        || path.starts_with("fleet/")
        || ["gitops.yaml", "src/main.py"].contains(&path.as_str())));
    let deployment = String::from_utf8(moved["fleet/apps/base/candles/workload/deployment.yaml"].clone()).unwrap();
    assert!(deployment.contains("# ours\nspec:"), "{deployment}");
    assert!(moved.contains_key("fleet/apps/base/ours.yaml") && !moved.contains_key("fleet/docs/rollback.md"));
    assert_eq!(succeeds(here, &["update"]), "nothing to do\n");
    succeeds(here, &["validate", "--fail-on", "warning"]);

    succeeds(here, &["update", "--set", "path="]);
    assert_eq!(contents(here), edited);
    fs::write(here.join("docs/rollback.md"), &original["docs/rollback.md"]).unwrap();

    fs::create_dir_all(here.join("taken/apps/base")).unwrap();
    fs::write(here.join("taken/apps/base/ours.yaml"), "b: 1\n").unwrap();
    let said = refused(here, &["update", "--set", "path=taken"]);
    assert!(said.contains("leads to `taken/apps/base/ours.yaml`, which is there already"), "{said}");
    assert!(here.join("apps/base/ours.yaml").exists());
}
