//! The production checklist. `tests/checklist/ready/` has everything that a repository can show; each test takes one thing
//! away, or asks a repository that has little. Expected files are in `tests/checklist/`; `SNAPSHOTS=overwrite` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gitops_gen::config;
use gitops_gen::flux::{self, Options};
use gitops_gen::repo::Repo;
use gitops_gen::report;
use gitops_gen::rules::{self, Checklist, Context, Verdict};
use gitops_gen::text::{FileSet, RepoPath, read_tree};
use snapbox::{assert_data_eq, file as golden};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read(directory: &str) -> FileSet {
    read_tree(&tests().join(directory)).expect("the fixture can be read").files
}

/// Returns the checklist of `repo`, whose clusters are those of `options` or of its gitops.yaml.
fn answered(repo: &Repo, options: &Options) -> Checklist {
    let (config, _) = config::read(repo.files());
    let options = options.clone().configured(None, &config, repo.files());
    let fleet = flux::clusters(repo, &options);
    let context = Context::new(repo, &fleet, options.version);
    rules::checklist(&context, &rules::check(&context))
}

/// Returns the answers of the fixture after the first `old` of one of its files became `new`, by the name of the line.
fn after(path: &str, old: &str, new: &str) -> BTreeMap<&'static str, Verdict> {
    let files = read("checklist/ready");
    let path = RepoPath::new(path).expect("it is a path");
    let text = files.text(&path).expect("the file is there");
    assert!(text.contains(old), "{path} has no {old:?}");
    let files = files.with_texts(BTreeMap::from([(path, text.replacen(old, new, 1))]));
    let checklist = answered(&Repo::new(files), &Options::default());
    checklist.items.iter().map(|item| (item.id, item.verdict)).collect()
}

#[test]
fn what_a_repository_can_show_is_done_and_the_rest_is_nobodys_guess() {
    let repo = Repo::new(read("checklist/ready"));
    let checklist = answered(&repo, &Options::default());
    assert_data_eq!(report::checklist_text(&checklist, &repo), golden!["checklist/ready.txt"].raw());
    assert_data_eq!(report::checklist_json(&checklist, &repo), golden!["checklist/ready.json"].raw());
}

#[test]
fn a_plain_set_of_manifests_is_told_what_it_lacks() {
    let repo = Repo::new(read("seeds/analytics"));
    let clusters = BTreeMap::from([("analytics".to_owned(), RepoPath::root())]);
    let checklist = answered(&repo, &Options { clusters, ..Options::default() });
    let text = report::checklist_text(&checklist, &repo);
    assert_data_eq!(text, golden!["checklist/analytics.txt"].raw());
}

#[test]
fn each_thing_that_is_taken_away_is_missed_on_its_line_alone() {
    const WEB: &str = "clusters/prod/web.yaml";
    const PUBLIC: &str = "clusters/prod/public.yaml";
    const OPERATION: &str = "clusters/prod/operation.yaml";
    let ready = after(WEB, "web:v1.2.3", "web:v1.2.3");
    for (line, path, old, new) in [
        ("images-pinned", WEB, "web:v1.2.3", "web:latest"),
        ("secrets-real", PUBLIC, "data:Tr7o1V3t,", "data:cmVwbGFjZSBtZQ==,"),
        ("secrets-real", PUBLIC, "key: ENC[AES256_GCM,data:Tr7o1V3t", "key: hunter2 # ENC[AES256_GCM"),
        (
            "tls",
            PUBLIC,
            "protocol: HTTPS\n      port: 443\n      tls:\n        certificateRefs:\n          - name: web-tls\n",
            "protocol: HTTP\n      port: 443\n",
        ),
        ("monitoring", OPERATION, "chart: kube-prometheus-stack", "chart: podinfo"),
        ("logs", OPERATION, "helm-charts/fluent-bit", "helm-charts/podinfo"),
        ("quotas", WEB, "kind: ResourceQuota", "kind: LimitRange"),
        ("network-policies", WEB, "podSelector: {}", "podSelector: {matchLabels: {app: other}}"),
        ("rbac", WEB, "      serviceAccountName: web\n", ""),
        ("pod-security", WEB, "enforce: restricted", "warn: restricted"),
        ("backups", OPERATION, "kind: Schedule", "kind: Backup"),
    ] {
        let mut expected = ready.clone();
        expected.insert(line, Verdict::Missing);
        assert_eq!(after(path, old, new), expected, "{line}");
    }
}

#[test]
fn a_volume_on_a_node_is_missed_and_one_of_the_default_class_is_nobodys_guess() {
    const WEB: &str = "clusters/prod/web.yaml";
    let answers = after(WEB, "  storageClassName: do-block-storage\n", "");
    assert_eq!(answers["storage"], Verdict::Unknown);
    let disk = "---\napiVersion: v1\nkind: PersistentVolume\nmetadata:\n  name: disk\nspec:\n  hostPath:\n    path: /data\n---\n";
    let answers = after(WEB, "---\n", disk);
    assert_eq!(answers["storage"], Verdict::Missing);
}

#[test]
fn staging_is_left_out_and_said_so() {
    let repo = Repo::new(read("checklist/ready"));
    let checklist = answered(&repo, &Options::default());
    assert_eq!((checklist.clusters, checklist.left_out), (vec!["prod".to_owned()], vec!["staging".to_owned()]));
}

#[test]
fn no_value_of_a_secret_is_told() {
    let files = read("checklist/ready");
    let path = RepoPath::new("clusters/prod/public.yaml").expect("it is a path");
    let text = files.text(&path).expect("it is there").replace("ENC[AES256_GCM,data:Tr7o1V3t", "hunter2");
    let repo = Repo::new(files.with_texts(BTreeMap::from([(path, text)])));
    let checklist = answered(&repo, &Options::default());
    let told = report::checklist_text(&checklist, &repo) + &report::checklist_json(&checklist, &repo);
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn nothing_is_guessed_without_a_production_cluster() {
    let texts = [
        ("gitops.yaml", "clusters: [{name: staging, path: a}]\n"),
        ("a/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"),
    ];
    let checklist = answered(&Repo::new(FileSet::from_texts(texts)), &Options::default());
    assert!(checklist.items.iter().all(|item| item.verdict == Verdict::Unknown && item.todo.is_some()));
}
