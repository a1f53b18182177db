//! What a generated repository holds beside the objects of its clusters: scripts' tables, workflows, Renovate, Terraform, kind,
//! pages.

#![expect(clippy::print_stdout, reason = "what was skipped is for people")]

#[path = "generated_files/alerts.rs"]
mod alerts;
#[path = "generated_files/backups.rs"]
mod backups;
#[path = "generated_files/groups.rs"]
mod groups;
#[path = "generated_files/private_images.rs"]
mod private_images;
#[path = "generated_files/providers.rs"]
mod providers;

use std::fs;
use std::process::Command;

use gitops_gen::generate;
use gitops_gen::text::{FileSet, RepoPath, write_tree};
use gitops_gen::yaml;

const PARAMETERS: &str = "organisation: acme\nrepository: fleet\nsystem: shop\nregistry: ghcr.io\nprovider: digitalocean\n\
    terraform: true\nimageAutomationCluster: fra1\nclusters:\n  \
    fra1: {environment: production, region: fra1, address: 192.0.2.1, nodePools: {web: {size: s-2vcpu-4gb, count: 2, maxCount: 5}}}\n  \
    qa: {environment: staging, region: ams3, address: 192.0.2.2}\n  \
    home: {environment: local, region: local, address: 127.0.0.1, nodePools: {workers: {count: 3}}}\n";

/// Returns the repository that the blueprint `minimal` makes of these parameters over those of all tests.
fn generated(parameters: &str) -> FileSet {
    let blueprint = generate::builtin("minimal").expect("it is built in").expect("it is well-formed");
    let mut answers = blueprint.defaults();
    for text in [PARAMETERS, parameters] {
        let given = generate::parse_parameters(text).expect("they are a mapping");
        blueprint.overlay(&mut answers, given);
    }
    generate::generate(&blueprint, &answers).expect("it generates")
}

fn text<'a>(files: &'a FileSet, path: &str) -> &'a str {
    let found = RepoPath::new(path).ok().and_then(|path| files.text(&path));
    found.unwrap_or_else(|| panic!("there is no {path}"))
}

fn is_there(files: &FileSet, path: &str) -> bool {
    RepoPath::new(path).is_ok_and(|path| files.file(&path).is_some())
}

#[test]
fn the_table_of_clusters_says_where_each_one_is() {
    let files = generated("ci: none\n");
    let table = text(&files, "scripts/clusters.tsv");
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    let automation = "image-reflector-controller,image-automation-controller";
    assert_eq!(
        rows,
        [
            ["fra1", "production", "digitalocean", "fra1", "main", "do-fra1-shop-fra1", automation, "192.0.2.1"],
            ["home", "local", "kind", "local", "main", "kind-home", "-", "127.0.0.1"],
            ["qa", "staging", "digitalocean", "ams3", "stage", "do-ams3-shop-qa", "-", "192.0.2.2"],
        ]
    );
    let fleet = text(&files, "scripts/fleet.sh");
    assert!(fleet.contains("git_url='ssh://git@github.com/acme/fleet'\n"), "{fleet}");
    assert!(fleet.contains("terraform_directory='terraform/digitalocean'\n"), "{fleet}");
    assert!(text(&generated("terraform: false\n"), "scripts/fleet.sh").contains("terraform_directory=''\n"));
}

#[test]
fn a_cluster_may_follow_a_branch_of_its_own() {
    let files = generated(
        "clusters:\n  fra1: {environment: production, region: fra1, address: 192.0.2.1}\n  \
        pilot: {environment: production, branch: next, region: fra1, address: 192.0.2.2}\n",
    );
    for (cluster, branch) in [("fra1", "main"), ("pilot", "next")] {
        let sync = text(&files, &format!("clusters/{cluster}/flux-system/gotk-sync.yaml"));
        assert!(sync.contains(&format!("    branch: {branch}\n")), "{sync}");
    }
    assert!(text(&files, "scripts/clusters.tsv").contains("pilot\tproduction\tdigitalocean\tfra1\tnext\t"));
    assert!(text(&files, "README.md").contains("| `pilot` | production | `next` |"));
    assert!(text(&files, "README.md").contains("branch_next([\"branch next\"]) --> cluster_pilot"));
    // Images reach it as everything else does: by a merge.
    assert!(!text(&files, "image-automation/automations.yaml").contains("next"));
}

#[test]
fn the_local_cluster_has_the_workers_of_its_node_pools() {
    let kind = text(&generated("{}\n"), "kind/cluster.yaml").to_owned();
    assert_eq!(kind.matches("- role: worker\n").count(), 3, "{kind}");
    assert_eq!(kind.matches("- role: control-plane\n").count(), 1, "{kind}");
    assert_eq!(kind.matches("image: kindest/node:v1.36.4@sha256:").count(), 4, "{kind}");
    let older = "clusters:\n  fra1: {environment: production, region: fra1, address: 192.0.2.1}\n  \
        home: {environment: local, region: local, address: 127.0.0.1, kubernetes: '1.35'}\n";
    assert!(text(&generated(older), "kind/cluster.yaml").contains("kindest/node:v1.35.8@sha256:"));
}

#[test]
fn each_cluster_of_terraform_has_nodes_of_its_own() {
    let files = generated("{}\n");
    let values = text(&files, "terraform/digitalocean/clusters.auto.tfvars");
    assert!(values.contains("\"fra1\" = {") && values.contains("\"qa\" = {") && !values.contains("home"), "{values}");
    assert!(values.contains("count     = 2\n        max_count = 5\n"), "{values}");
    assert!(!is_there(&generated("terraform: false\n"), "terraform/digitalocean/main.tf"));
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    write_tree(directory.path(), &files).expect("it can be written");
    let mut terraform = Command::new("terraform");
    terraform.args(["fmt", "-check", "-recursive", "-diff"]).current_dir(directory.path().join("terraform"));
    let Ok(output) = terraform.output() else {
        println!("skipped: terraform is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn workflows_are_those_of_the_provider_and_are_yaml() {
    let [github, gitlab, none] =
        ["github", "gitlab", "none"].map(|ci| generated(&format!("ci: {ci}\nimageUpdates: pull-request\n")));
    assert!(!is_there(&generated("ci: github\n"), ".github/workflows/image-updates.yaml"));
    for name in ["diff", "image-updates", "update", "validate"] {
        let path = format!(".github/workflows/{name}.yaml");
        assert!(is_there(&github, &path) && !is_there(&gitlab, &path) && !is_there(&none, &path), "{path}");
    }
    assert!(is_there(&gitlab, ".gitlab-ci.yml") && !is_there(&github, ".gitlab-ci.yml"));
    assert!(!is_there(&none, "renovate.json5"));
    for files in [&github, &gitlab] {
        for (path, source) in files.iter().filter(|(path, _)| path.is_yaml()) {
            let parsed = yaml::parse(source, files.text(path).unwrap_or_default());
            assert!(parsed.diagnostics.is_empty(), "{path}: {:?}", parsed.diagnostics);
        }
    }
}

#[test]
fn workflows_run_this_release() {
    let image = format!("gitops-gen:{}", env!("CARGO_PKG_VERSION"));
    let github = generated("ci: github\n");
    for name in ["diff", "update", "validate"] {
        assert!(text(&github, &format!(".github/workflows/{name}.yaml")).contains(&image), "{name}");
    }
    assert!(text(&generated("ci: gitlab\n"), ".gitlab-ci.yml").contains(&image));
}

#[test]
fn an_application_is_built_for_each_image_under_the_tags_that_the_policies_take() {
    for (ci, path) in [("github", "docs/app-ci/build.yaml"), ("gitlab", "docs/app-ci/.gitlab-ci.yml")] {
        let files = generated(&format!("ci: {ci}\n"));
        let build = text(&files, path);
        assert!(build.contains("- \"web\"\n"), "{build}");
        assert!(build.contains("main-$(git rev-parse --short=7 HEAD)-$(git log -1 --format=%ct)"), "{build}");
        assert!(!build.contains("\\{{"), "{build}");
        assert!(text(&files, "docs/app-ci/Dockerfile").contains("FROM base AS web\n"));
    }
}

#[test]
fn renovate_leaves_the_lines_of_image_automation_alone() {
    let files = generated("ci: github\n");
    let renovate = text(&files, "renovate.json5");
    let (own, _) = renovate
        .split_once("matchPackageNames: [\n")
        .map(|(_, rest)| rest)
        .and_then(|rest| rest.split_once("enabled: false"))
        .expect("a rule is about images");
    assert!(own.contains("\"ghcr.io/acme/web\",\n"), "{own}");
    // Wherever a marker stands, the manager that would read the line is off.
    for (path, _) in files.iter() {
        if files.text(path).is_some_and(|text| text.contains("\"$imagepolicy\"")) {
            assert!(path.as_str().starts_with("apps/") && path.as_str().ends_with("kustomization.yaml"), "{path}");
        }
    }
    assert!(
        renovate
            .contains("matchFileNames: [\"apps/**\"],\n      matchManagers: [\"kustomize\"],\n      enabled: false,")
    );
}

#[test]
fn pages_speak_of_what_is_there() {
    let with = generated("kafka: {enabled: true}\npostgres: {enabled: true}\n");
    let without = generated("{}\n");
    assert!(text(&with, "docs/recovery.md").contains("- **PostgreSQL**"));
    assert!(!text(&without, "docs/recovery.md").contains("PostgreSQL"));
    assert!(text(&without, "docs/release.md").contains("| production | `main` |\n"));
    assert!(text(&without, "docs/rollback.md").contains("gitops-gen rollback"));
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    write_tree(directory.path(), &with).expect("it can be written");
    assert!(fs::read_to_string(directory.path().join("scripts/up.sh")).is_ok_and(|text| text.starts_with("#!")));
}

#[test]
fn new_images_reach_a_protected_branch_by_a_request_of_its_host() {
    let automations = |parameters: &str| {
        let files = generated(parameters);
        let page = text(&files, "docs/release.md").replace('\n', " ");
        (text(&files, "image-automation/automations.yaml").to_owned(), page)
    };
    let (pushed, page) = automations("imageUpdates: push\n");
    assert!(pushed.contains("    push:\n      branch: main\n") && !pushed.contains("merge_request"), "{pushed}");
    assert!(page.contains("set `imageUpdates: pull-request` in gitops.yaml"), "{page}");
    let (requested, page) = automations("imageUpdates: pull-request\nci: github\n");
    assert!(requested.contains("      branch: flux-image-updates/main\n") && !requested.contains("merge_request"));
    assert!(page.contains("The workflow `image-updates` opens the request"), "{page}");
    let (requested, page) = automations("imageUpdates: pull-request\nci: gitlab\ngitProvider: gitlab\n");
    assert!(
        requested.contains("        merge_request.create: \"\"\n        merge_request.target: \"main\"\n"),
        "{requested}"
    );
    assert!(page.contains("GitLab opens the merge request itself"), "{page}");
    let (_, page) = automations("imageUpdates: pull-request\n");
    assert!(page.contains("Nobody opens that request for you"), "{page}");
}
