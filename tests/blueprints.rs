//! The blueprints: what they generate is what stands at the top of this repository, and every directory of it builds.
//!
//! `clusters/`, `apps/`, `infrastructure/` and their neighbours are the output of the blueprint `crypto-trading` for our
//! own workers; `.gitops-gen/lock.yaml` holds the answers. `SNAPSHOTS=overwrite cargo test` writes them anew.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gitops_gen::config;
use gitops_gen::flux::Options;
use gitops_gen::generate::{self, Blueprint, GenerateError, LOCK_PATH, Lock, Records, Texts};
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;
use gitops_gen::text::{self, FileSet, RepoPath};
use serde_json::{Map, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn crypto_trading() -> Blueprint {
    generate::builtin("crypto-trading").expect("it is built in").expect("it is well-formed")
}

fn answers(extra: &[(&str, &str)]) -> Map<String, Value> {
    let blueprint = crypto_trading();
    let mut answers = blueprint.defaults();
    for (name, value) in extra {
        blueprint.assign(&mut answers, name, value).expect("the parameter exists");
    }
    answers
}

fn generated(extra: &[(&str, &str)]) -> FileSet {
    generate::generate(&crypto_trading(), &answers(extra)).expect("the blueprint renders")
}

fn text_of<'a>(files: &'a FileSet, path: &str) -> &'a str {
    files.text(&RepoPath::new(path).expect("a path inside")).unwrap_or_else(|| panic!("{path} is generated"))
}

/// The lock file of this repository, read from disk.
fn our_lock() -> Lock {
    let text = fs::read_to_string(root().join(LOCK_PATH)).expect("the lock file stands in this repository");
    Lock::read(&FileSet::from_texts([(LOCK_PATH, text)])).expect("the lock file is ours")
}

#[test]
fn this_repositorys_own_fleet_is_what_the_blueprint_generates() {
    let lock = our_lock();
    // As an update does it: what is new has its default.
    let mut answers = crypto_trading().defaults();
    answers.extend(lock.answers.clone());
    let files = generate::generate(&crypto_trading(), &answers).expect("the blueprint renders");
    let now = Lock::new(env!("CARGO_PKG_VERSION"), &lock.blueprint, answers.clone(), &files);
    let mut texts: Texts =
        files.iter().map(|(path, _)| (path.clone(), text_of(&files, path.as_str()).to_owned())).collect();
    let records = Records::new(env!("CARGO_PKG_VERSION"), &lock.blueprint, answers, texts.clone());
    let kept = text::read_tree(root()).expect("the repository can be read").files;
    // Ours to edit, as it is anybody's: what an update makes of it.
    let edited = RepoPath::new(config::FILE).expect("a path inside");
    let base = generate::generated_before(&kept, &lock).expect("the records are ours");
    let update = generate::update(&base, &kept, &files);
    let is_edited = |conflict: &&generate::Conflict| conflict.path == edited;
    assert_eq!(update.conflicts.iter().find(is_edited), None);
    let text = match update.changes.get(&edited) {
        Some(text) => text.clone().expect("the blueprint generates it"),
        None => text_of(&kept, config::FILE).to_owned(),
    };
    texts.insert(edited, text);
    let mut wanted: Vec<(String, Vec<u8>)> =
        texts.into_iter().map(|(path, text)| (path.to_string(), text.into_bytes())).collect();
    // Those of the records that are not on disk as they should be.
    wanted.extend(records.changes(&kept).into_iter().map(|(path, bytes)| (path.to_string(), bytes)));

    let gone = lock.files.keys().filter(|path| !now.files.contains_key(*path)).collect::<Vec<_>>();
    if env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        for path in gone {
            drop(fs::remove_file(root().join(path)));
        }
        for (path, text) in &wanted {
            let at = root().join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, text).unwrap();
        }
        return;
    }
    let differs = |(path, bytes): &&(String, Vec<u8>)| fs::read(root().join(path)).ok().as_ref() != Some(bytes);
    let different: Vec<_> = wanted.iter().filter(differs).map(|(path, _)| path).collect();
    assert!(
        different.is_empty() && gone.is_empty(),
        "not what the blueprint generates: {different:#?}, gone: {gone:#?}"
    );
}

#[test]
fn this_repository_validates_without_options() {
    let text = fs::read_to_string(root().join(config::FILE)).expect("it can be read");
    let (config, findings) = config::read(&FileSet::from_texts([(config::FILE, text)]));
    assert!(findings.is_empty(), "{findings:?}");
    assert!(!config.exclude.is_empty(), "fixtures are broken on purpose, and templates are no manifests");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
        let output = command.args(arguments).arg(root()).output().expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    };
    run(&["validate", "--fail-on", "note"]);
    run(&["update", "--check"]);
}

#[test]
fn nothing_else_stands_in_the_directories_of_our_fleet() {
    let lock = our_lock();
    for directory in ["apps", "clusters", "image-automation", "infrastructure", "kind"] {
        let outcome = text::read_tree(&root().join(directory)).expect("the directory can be read");
        for (path, _) in outcome.files.iter() {
            let path = format!("{directory}/{path}");
            assert!(lock.files.contains_key(&path), "{path} was not generated");
        }
    }
}

/// What `kubectl kustomize` makes of `directory`, in the order that Flux applies; nothing where there is no kubectl.
fn kubectl(directory: &Path) -> Option<Result<String, String>> {
    let arguments = ["kustomize", "--reorder=none", "--load-restrictor=LoadRestrictionsNone"];
    let output = Command::new("kubectl").args(arguments).arg(directory).output().ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
}

fn buildable(files: &FileSet) -> BTreeSet<PathBuf> {
    let files = files.iter().filter(|(path, _)| path.name() == "kustomization.yaml");
    files.map(|(path, _)| PathBuf::from(path.parent().as_str())).collect()
}

/// What our own renderer makes of `directory`, a directory of the repository `root`.
fn ours(root: &Path, directory: &Path) -> Result<String, String> {
    let arguments = ["kustomize", "--mode", "flux", "--root", "."];
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    let output = command.args(arguments).arg(directory).current_dir(root).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn every_directory_builds_with_the_real_kustomize_and_ours_makes_the_same_bytes() {
    let generic =
        [("provider", "generic"), ("storageClass", ""), ("domain", "example.com"), ("email", "a@example.com")];
    let blueprint = |name| generate::builtin(name).expect("it is built in").expect("it is well-formed");
    let defaults = generate::builtin_names().into_iter().map(|name| {
        let blueprint = blueprint(name);
        generate::generate(&blueprint, &blueprint.defaults()).expect("the blueprint renders")
    });
    for files in defaults.chain([generated(&generic)]) {
        let root = tempfile::tempdir().unwrap();
        text::write_tree(root.path(), &files).unwrap();
        for directory in buildable(&files) {
            let Some(built) = kubectl(&root.path().join(&directory)) else {
                eprintln!("skipped: there is no kubectl on this machine");
                return;
            };
            let built = built.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
            // Commit messages, alerts and dashboards hold templates of Flux and Prometheus.
            let leftover = built.contains("{{") && (directory.starts_with("apps") || directory.starts_with("clusters"));
            assert!(!leftover, "{}: a template is left over", directory.display());
            assert_eq!(ours(root.path(), &directory), Ok(built), "{}", directory.display());
        }
    }
}

#[test]
fn the_validator_finds_nothing_to_say_about_a_new_fleet() {
    for extra in [&[][..], &[("provider", "generic"), ("storageClass", ""), ("imageAutomationCluster", "staging")][..]]
    {
        let repo = Repo::new(generated(extra));
        let findings = rules::validate(&repo, &Options::default());
        assert!(findings.diagnostics.is_empty(), "{}", report::text(&findings, &repo, Color::Never));
        assert!(findings.checked.iter().any(|checked| checked.what == "objects" && checked.count > 150));
    }
}

#[test]
fn exactly_one_cluster_writes_images() {
    let files = generated(&[("imageAutomationCluster", "nyc1")]);
    let writers: Vec<_> = files.iter().filter(|(path, _)| path.as_str().ends_with("/image-automation.yaml")).collect();
    assert_eq!(writers.len(), 1);
    assert_eq!(writers[0].0.as_str(), "clusters/nyc1/image-automation.yaml");
}

#[test]
fn clusters_follow_the_branch_of_their_environment() {
    let files = generated(&[("branches.staging", "next")]);
    assert!(text_of(&files, "clusters/fra1/flux-system/gotk-sync.yaml").contains("branch: main"));
    assert!(text_of(&files, "clusters/staging/flux-system/gotk-sync.yaml").contains("branch: next"));
    assert!(text_of(&files, "image-automation/automations.yaml").contains("branch: next"));
}

#[test]
fn hosts_are_names_of_addresses_until_there_is_a_domain() {
    let nip = generated(&[]);
    assert!(text_of(&nip, "clusters/fra1/cluster-vars.yaml").contains("CLUSTER_DOMAIN: \"203-0-113-10.nip.io\""));
    let own = generated(&[("domain", "example.com")]);
    assert!(text_of(&own, "clusters/fra1/cluster-vars.yaml").contains("CLUSTER_DOMAIN: \"fra1.example.com\""));
    assert!(text_of(&own, "clusters/local/cluster-vars.yaml").contains("127-0-0-1.nip.io"));
}

#[test]
fn no_secret_is_readable_and_no_version_is_open() {
    for (path, _) in generated(&[]).iter() {
        let files = generated(&[]);
        let text = text_of(&files, path.as_str());
        if text.contains("kind: Secret\n") {
            assert!(text.contains("ENC[AES256_GCM") && path.as_str().ends_with(".sops.yaml"), "{path}");
        }
        assert!(!text.contains(":latest"), "{path} runs whatever is newest");
    }
}

#[test]
fn every_wrong_parameter_is_told_at_once() {
    let wrong =
        answers(&[("organisation", "Acme!"), ("clusters.fra1.address", "1.2.3"), ("apps.candles.canaryWeight", "99")]);
    let error = generate::generate(&crypto_trading(), &wrong).unwrap_err();
    let GenerateError::Parameters(problems) = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 3, "{error}");
}

#[test]
fn an_automation_cluster_that_is_none_is_refused() {
    let error = generate::generate(&crypto_trading(), &answers(&[("imageAutomationCluster", "lon1")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "use the parameters: `imageAutomationCluster` is `lon1`, which is none of the clusters"
    );
}

#[test]
fn a_parameter_that_is_missing_is_an_error_for_every_parameter() {
    let all = answers(&[]);
    for name in all.keys() {
        let mut without = all.clone();
        without.remove(name);
        assert!(generate::generate(&crypto_trading(), &without).is_err(), "`{name}` is missing and nobody says so");
    }
}

#[test]
fn what_a_template_breaks_is_told_at_the_line_of_the_template() {
    let manifest = "name: broken\nsummary: A test\n";
    let schema = r#"{"type": "object", "properties": {"on": {"type": "boolean", "default": false}}}"#;
    let template = "a: 1\n{{#if on}}\nb: 2\n{{/if}}\nc: [\nd: 3\n";
    let files = [("blueprint.yaml", manifest), ("parameters.schema.json", schema), ("templates/a.yaml.hbs", template)];
    let blueprint = Blueprint::from_files(&FileSet::from_texts(files)).unwrap();
    let error = generate::generate(&blueprint, &blueprint.defaults()).unwrap_err();
    let GenerateError::Template(error) = &error else { panic!("{error}") };
    assert_eq!(error.template.as_str(), "templates/a.yaml.hbs");
    assert!((5..=6).contains(&error.line), "{error}");
}

#[test]
fn the_example_of_parameters_is_valid() {
    let example = fs::read_to_string(root().join("blueprints/crypto-trading/parameters.example.yaml")).unwrap();
    let mut answers = answers(&[]);
    answers.extend(generate::parse_parameters(&example).unwrap());
    let files = generate::generate(&crypto_trading(), &answers).unwrap();
    assert!(!files.is_dir(&RepoPath::new("clusters/nyc1").unwrap()));
}
