//! The whole flow of releases on the generated fleet: builds of main, releases, a rollback.

#[path = "promotion/flagger.rs"]
mod flagger;
#[path = "promotion/flow.rs"]
mod flow;
#[path = "promotion/repeated_keys.rs"]
mod repeated_keys;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gitops_gen::flux::{self, Options};
use gitops_gen::generate;
use gitops_gen::git::{self, Author};
use gitops_gen::promote::{Event, Moment, Simulation};
use gitops_gen::repo::Repo;
use gitops_gen::text::{self, FileSet, RepoPath};

const IMAGE: &str = "ghcr.io/gitops-gen/candles";
const BUILDS: [&str; 5] = [
    "main-aaaaaa1-1767225601",
    "main-aaaaaa2-1767225602",
    "main-aaaaaa3-1767225603",
    "main-aaaaaa4-1767225604",
    "main-aaaaaa5-1767225605",
];

fn fleet() -> FileSet {
    let blueprint = generate::builtin("crypto-trading").expect("it is built in").expect("it is well-formed");
    generate::generate(&blueprint, &blueprint.defaults()).expect("the blueprint renders")
}

fn author() -> Author {
    Author { name: "A Tester".to_owned(), email: "tester@example.com".to_owned() }
}

/// The tags that `workload` runs in `cluster`.
fn runs(moment: &Moment, cluster: &str, workload: &str) -> BTreeSet<String> {
    let found = &moment.clusters[cluster][&format!("Deployment crypto-trading/{workload}")];
    found.iter().map(|reference| reference.strip_prefix(IMAGE).unwrap_or_default()[1..].to_owned()).collect()
}

/// Asserts what primary, canary and staging run, in every cluster of each.
fn assert_tracks(moment: &Moment, primary: &str, build: &str) {
    for cluster in ["fra1", "nyc1"] {
        assert_eq!(runs(moment, cluster, "candles"), [primary.to_owned()].into(), "{cluster}: {:?}", moment.event);
        assert_eq!(runs(moment, cluster, "candles-canary"), [build.to_owned()].into(), "{cluster}: {:?}", moment.event);
    }
    assert_eq!(runs(moment, "staging", "candles"), [build.to_owned()].into(), "staging: {:?}", moment.event);
}

fn pushed(tag: &str) -> Event {
    Event::Pushed { app: Some("candles".to_owned()), tag: tag.to_owned() }
}

/// Returns the lines that differ.
fn changed_lines(before: &str, after: &str) -> usize {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    assert_eq!(before.len(), after.len(), "lines were added or removed");
    before.iter().zip(&after).filter(|(one, other)| one != other).count()
}

#[test]
fn builds_reach_the_canary_and_staging_releases_the_primaries_and_a_rollback_holds() {
    let repo = Repo::new(fleet());
    let options = Options::default();
    let clusters = flux::clusters(&repo, &options);
    let mut simulation = Simulation::new(&repo, &clusters, &options);
    let mut play = |event: Event| {
        let before = simulation.files("main").cloned().expect("the branch of production");
        let moment = simulation.play(&event).expect("the event can be played");
        let after = simulation.files("main").cloned().expect("the branch of production");
        for commit in &moment.commits {
            // The automation writes one line for each marker.
            assert_eq!(commit.changes.len(), commit.paths.len(), "{commit:?}");
        }
        for (path, _) in after.iter() {
            let (old, new) = (before.text(path).unwrap_or_default(), after.text(path).unwrap_or_default());
            assert!(changed_lines(old, new) <= 1, "{path} changed in more than one line");
        }
        moment
    };
    for build in &BUILDS[..3] {
        assert_tracks(&play(pushed(build)), "v0.1.0", build);
    }
    assert_tracks(&play(pushed("v1.0.0")), "v1.0.0", BUILDS[2]);
    for build in &BUILDS[3..] {
        assert_tracks(&play(pushed(build)), "v1.0.0", build);
    }
    assert_tracks(&play(pushed("v1.0.1")), "v1.0.1", BUILDS[4]);
    let back = play(Event::RolledBack { app: "candles".to_owned(), to: "v1.0.0".to_owned() });
    assert_tracks(&back, "v1.0.0", BUILDS[4]);
    // It holds: a further build does not bring the bad release back, and the next release goes through.
    assert_tracks(&play(pushed("main-aaaaaa6-1767225606")), "v1.0.0", "main-aaaaaa6-1767225606");
    assert_tracks(&play(pushed("v1.0.2")), "v1.0.2", "main-aaaaaa6-1767225606");
}

fn run(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    // Who commits is said by a configuration of its own.
    command.args(arguments).args(["--root", "."]).current_dir(root).env("HOME", root.join(".git"));
    command.env("XDG_CONFIG_HOME", root.join(".git")).output().expect("the program runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn repository() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let files = fleet();
    text::write_tree(root.path(), &files).expect("the fleet is written");
    git::init_and_commit(root.path(), &files, "a fleet\n", &author()).expect("the fleet is committed");
    fs::write(root.path().join(".git/.gitconfig"), "[user]\nname = A Tester\nemail = tester@example.com\n")
        .expect("the configuration can be written");
    root
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).expect("the file is there")
}

const PRIMARY: &str = "apps/production/candles/primary/kustomization.yaml";

#[test]
fn a_release_is_tagged_promoted_and_rolled_back_from_the_command_line() {
    let root = repository();
    let before = read(root.path(), PRIMARY);
    let done = run(root.path(), &["promote", "candles", "v1.0.0", "--write", "--tag", "v1.0.0"]);
    assert!(done.status.success(), "{}", said(&done));
    let promoted = read(root.path(), PRIMARY);
    assert!(promoted.contains("newTag: \"v1.0.0\" #"), "{promoted}");
    assert_eq!(changed_lines(&before, &promoted), 1);
    let tags = git::tags(root.path()).expect("the repository has tags");
    assert!(tags.iter().any(|tag| tag.name == "v1.0.0"));

    let dirty = run(root.path(), &["rollback", "candles", "--to", "v0.1.0", "--write"]);
    assert_eq!(dirty.status.code(), Some(2), "{}", said(&dirty));
    assert!(said(&dirty).contains("is not committed"), "{}", said(&dirty));
    assert_eq!(read(root.path(), PRIMARY), promoted);

    let shown = run(root.path(), &["rollback", "candles", "--to", "v0.1.0"]);
    assert!(shown.status.success(), "{}", said(&shown));
    assert!(said(&shown).contains("!=1.0.0"), "{}", said(&shown));
    assert_eq!(read(root.path(), PRIMARY), promoted, "a preview writes nothing");
}

#[test]
fn a_promotion_that_cannot_be_is_refused_and_nothing_is_written() {
    let root = repository();
    let before = read(root.path(), PRIMARY);
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).unwrap();
    fs::write(lists.join("candles.txt"), "v0.1.0\nv0.2.0\n").unwrap();
    let lists = lists.to_str().unwrap().to_owned();
    let refusals: [(&[&str], &str); 6] = [
        (&["promote", "candles", "v1.0.0", "--write"], "Git has no such tag"),
        (
            &["promote", "candles", "v1.0.0", "--write", "--tag", "a tag"],
            "make the tag `a tag`: Git takes no such name",
        ),
        (&["promote", "candles", "latest", "--write"], "no policy of `candles` selects it"),
        (&["promote", "candels", "v1.0.0"], "find the application `candels`: the fleet has `candles`"),
        (&["promote", "candles", "v1.0.0", "--tags", &lists], "does not have it"),
        (&["rollback", "candles", "--to", "nothing"], "no policy of `candles` selects it"),
    ];
    for (arguments, reason) in refusals {
        let output = run(root.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(reason), "{arguments:?}: {}", said(&output));
        assert_eq!(read(root.path(), PRIMARY), before);
    }
    let repository = git2::Repository::open(root.path()).unwrap();
    let head = repository.head().unwrap().peel_to_commit().unwrap().id();
    repository.set_head_detached(head).unwrap();
    let detached = run(root.path(), &["promote", "candles", "v0.2.0", "--write", "--tag", "v0.2.0"]);
    assert!(said(&detached).contains("HEAD is detached"), "{}", said(&detached));
    assert_eq!(read(root.path(), PRIMARY), before);
    assert!(git::tags(root.path()).unwrap().is_empty());
}

#[test]
fn a_promotion_onto_a_branch_leaves_the_working_tree_and_head_alone() {
    let root = repository();
    let before = read(root.path(), PRIMARY);
    let tagged = run(root.path(), &["promote", "candles", "v1.0.0", "--tag", "v1.0.0"]);
    assert!(tagged.status.success(), "{}", said(&tagged));
    // What is not committed is neither in the way nor on the branch.
    fs::write(root.path().join("notes.yaml"), "a: 1\n").unwrap();
    let head = git::merge_base(root.path(), "HEAD").unwrap();
    let done = run(root.path(), &["promote", "candles", "v1.0.0", "--branch", "release/candles"]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("branch release/candles made at "), "{}", said(&done));
    assert_eq!(read(root.path(), PRIMARY), before);
    assert_eq!(git::merge_base(root.path(), "HEAD").unwrap(), head);
    let promoted = git::read_revision(root.path(), "release/candles").unwrap();
    let text = promoted.text(&RepoPath::new(PRIMARY).unwrap()).unwrap();
    assert!(text.contains("newTag: \"v1.0.0\" #"), "{text}");
    assert_eq!(changed_lines(&before, text), 1);
    assert!(!promoted.is_file(&RepoPath::new("notes.yaml").unwrap()));
    let repository = git2::Repository::open(root.path()).unwrap();
    let commit = repository.revparse_single("release/candles").unwrap().peel_to_commit().unwrap();
    let message = commit.message().unwrap_or_default();
    assert!(message.starts_with("Promote candles to v1.0.0\n\n"), "{message}");
    assert!(message.contains(&format!("{PRIMARY}: v0.1.0 -> v1.0.0\n")), "{message}");

    let refusals: [(&[&str], &str); 3] = [
        (&["promote", "candles", "v1.0.0", "--branch", "release/candles"], "it exists"),
        (&["rollback", "candles", "--to", "v0.1.0", "--branch", "a..b"], "Git takes no such name"),
        (&["promote", "candles", "v2.0.0", "--branch", "other"], "Git has no such tag"),
    ];
    for (arguments, reason) in refusals {
        let output = run(root.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(reason), "{arguments:?}: {}", said(&output));
    }
    repository.set_head_detached(repository.head().unwrap().peel_to_commit().unwrap().id()).unwrap();
    let detached = run(root.path(), &["promote", "candles", "v1.0.0", "--branch", "other"]);
    assert!(said(&detached).contains("HEAD is detached"), "{}", said(&detached));
    let branches = repository.branches(Some(git2::BranchType::Local)).unwrap().count();
    assert_eq!(branches, 2, "main and the first one");
}

#[test]
fn a_rollback_onto_a_branch_holds_there_and_says_why() {
    let root = repository();
    let written = run(root.path(), &["promote", "candles", "v1.0.0", "--write", "--tag", "v1.0.0"]);
    assert!(written.status.success(), "{}", said(&written));
    let repository = git2::Repository::open(root.path()).unwrap();
    let mut index = repository.index().unwrap();
    index.add_path(Path::new(PRIMARY)).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let signature = git2::Signature::now("A Tester", "tester@example.com").unwrap();
    let parent = repository.head().unwrap().peel_to_commit().unwrap();
    repository.commit(Some("HEAD"), &signature, &signature, "v1.0.0", &tree, &[&parent]).unwrap();

    let back = run(root.path(), &["rollback", "candles", "--to", "v0.1.0", "--branch", "back", "--json"]);
    assert!(back.status.success(), "{}", said(&back));
    let plan: serde_json::Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!((&plan["version"], &plan["app"], &plan["tag"]), (&1.into(), &"candles".into(), &"v0.1.0".into()));
    assert_eq!(plan["ranges"][0]["new"], ">=0.1.0 !=1.0.0");
    let commit = repository.revparse_single("back").unwrap().peel_to_commit().unwrap();
    let message = commit.message().unwrap_or_default().to_owned();
    assert!(message.starts_with("Roll back candles to v0.1.0\n\n"), "{message}");
    assert!(message.contains("automation does not go beyond it.\n"), "{message}");
    let files = git::read_revision(root.path(), "back").unwrap();
    assert!(files.iter().any(|(path, _)| files.text(path).is_some_and(|text| text.contains(">=0.1.0 !=1.0.0"))));
}

#[test]
fn updates_are_previewed_as_a_diff_and_written_as_flux_writes_them() {
    let root = repository();
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).unwrap();
    for app in ["candles", "trades"] {
        fs::write(lists.join(format!("{app}.txt")), format!("v0.1.0\nv0.2.0\n{}\nlatest\n", BUILDS[0])).unwrap();
    }
    let lists = lists.to_str().unwrap();
    let before = read(root.path(), PRIMARY);
    let shown = run(root.path(), &["images", "update", "--tags", lists, "--branch", "main"]);
    assert!(shown.status.success(), "{}", said(&shown));
    let diff = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count(), 3, "{diff}");
    assert_eq!(read(root.path(), PRIMARY), before);
    let written = run(root.path(), &["images", "update", "--tags", lists, "--branch", "main", "--write"]);
    assert!(said(&written).contains("3 files written"), "{}", said(&written));
    assert_eq!(changed_lines(&before, &read(root.path(), PRIMARY)), 1);

    let explained =
        run(root.path(), &["images", "explain", "candles-release", "--tags", &format!("{lists}/candles.txt")]);
    assert!(said(&explained).starts_with("flux-system/candles-release selects v0.2.0\n"), "{}", said(&explained));
    let table = run(root.path(), &["images"]);
    assert!(said(&table).contains("flux-system/candles-release"), "{}", said(&table));
}

#[test]
fn a_list_without_tags_is_an_error_and_a_bad_line_a_warning() {
    let root = repository();
    let list = root.path().join(".git/list.txt");
    let long = "x".repeat(129);
    fs::write(&list, format!("v1.0.0\r\nv1.0.0\r\n{long}\r\n")).unwrap();
    let explain = ["images", "explain", "candles-release", "--tags", list.to_str().unwrap()];
    let output = run(root.path(), &explain);
    assert!(output.status.success(), "{}", said(&output));
    for told in ["ends with CR LF", "repeats the tag `v1.0.0`", "has 129 characters"] {
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
    }
    let refusals: [(&[u8], &str); 5] = [
        (b"\n", "the list is empty"),
        (b"\xff\xfev\x001\x00", "it is UTF-16, as PowerShell writes; save it as UTF-8"),
        (b"\x80\x81", "it is no UTF-8 text"),
        (b"v1\x00.0\n", "line 1 is no tag: `v1\\0.0`"),
        (b"{\"Tags\": [\"v1\"", "read the list of tags as JSON"),
    ];
    for (bytes, reason) in refusals {
        fs::write(&list, bytes).unwrap();
        let output = run(root.path(), &explain);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(reason), "{reason}: {}", said(&output));
    }
    let directory = run(root.path(), &["images", "explain", "candles-release", "--tags", "apps"]);
    assert!(said(&directory).contains("it is a directory, and one list is wanted"), "{}", said(&directory));
    let nothing = run(root.path(), &["images", "update", "--tags", "apps"]);
    assert!(said(&nothing).contains("find a list of tags in `apps`"), "{}", said(&nothing));
    fs::write(&list, "v1.0.0\n").unwrap();
    let no_lock = run(root.path(), &["images", "update", "--tags", list.to_str().unwrap()]);
    assert!(said(&no_lock).contains("nor a lock file (`images: {IMAGE: {tags: [TAG, …]}}`)"), "{}", said(&no_lock));
    // A byte order mark is no part of the first tag.
    fs::write(&list, "\u{feff}v1.0.0\n").unwrap();
    let marked = run(root.path(), &explain);
    assert!(said(&marked).starts_with("flux-system/candles-release selects v1.0.0\n"), "{}", said(&marked));
}

#[test]
fn a_timeline_tells_each_commit_and_what_each_cluster_runs() {
    let root = repository();
    let events = root.path().join(".git/events.yaml");
    let text = "events:\n  - build: main-aaaaaa1-1767225601\n  - {release: v1.0.0, app: candles}\n  - {rollback: candles, to: v0.1.0}\n";
    fs::write(&events, text).unwrap();
    let output = run(root.path(), &["simulate", "--events", events.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    for told in [
        "1. main-aaaaaa1-1767225601 is pushed",
        "commit to stage by flux-system/staging",
        "2. candles:v1.0.0 is pushed",
        "     v0.1.0 -> v1.0.0",
        "3. candles is rolled back to v0.1.0",
        "     >=0.1.0 -> >=0.1.0 !=1.0.0",
        "     Deployment crypto-trading/candles-canary  main-aaaaaa1-1767225601",
    ] {
        assert!(said.contains(told), "{told}:\n{said}");
    }
    fs::write(&events, "events:\n  - {deploy: v1}\n").unwrap();
    let refused = run(root.path(), &["simulate", "--events", events.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    for event in ["{release: v1.0.0, app: candels}", "{rollback: candels, to: v0.1.0}"] {
        fs::write(&events, format!("events: [{event}]\n")).unwrap();
        let refused = run(root.path(), &["simulate", "--events", events.to_str().unwrap()]);
        let told = "find the application `candels`: the fleet has `candles`, `trades`";
        assert!(crate::said(&refused).contains(told), "{}", crate::said(&refused));
    }
}

#[test]
fn a_version_that_nobody_names_is_the_newest_release_and_no_build() {
    let root = repository();
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).unwrap();
    fs::write(lists.join("candles.txt"), format!("v0.1.0\nv0.2.0\n{}\n", BUILDS[0])).unwrap();
    let planned = run(root.path(), &["promote", "candles", "--tags", lists.to_str().unwrap()]);
    assert!(said(&planned).starts_with("promote candles to v0.2.0\n"), "{}", said(&planned));
}

#[test]
fn a_policy_that_is_stalled_is_told_where_nothing_selects_the_version() {
    let root = repository();
    let path = "image-automation/candles.yaml";
    let text = read(root.path(), path).replace("range: '>=0.1.0'", "range: '>=x.'");
    fs::write(root.path().join(path), text).unwrap();
    let refused = run(root.path(), &["promote", "candles", "v0.2.0"]);
    let told = "no policy of `candles` selects it; ImagePolicy `flux-system/candles-release` is stalled: ";
    assert!(said(&refused).contains(told), "{}", said(&refused));
}

#[test]
fn a_file_that_was_fixed_changes_in_one_line_when_flux_writes_an_image() {
    let root = repository();
    let stable = read(root.path(), PRIMARY);
    let loose = stable.replacen("resources:\n", "resources:\n\n", 1).replace("kind: ", "kind:  ");
    assert_ne!(stable, loose);
    fs::write(root.path().join(PRIMARY), &loose).unwrap();
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).unwrap();
    fs::write(lists.join("candles.txt"), "v0.1.0\nv0.2.0\n").unwrap();
    let update = ["images", "update", "--tags", lists.to_str().unwrap(), "--branch", "main", "--mode", "flux"];
    let added = |output: &Output| {
        let diff = String::from_utf8_lossy(&output.stdout).into_owned();
        diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count()
    };
    assert!(added(&run(root.path(), &update)) > 1, "the first commit prints the file anew");

    let mut validate = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    let fixed = validate.args(["validate", "--fix"]).arg(root.path()).output().unwrap();
    assert_eq!(read(root.path(), PRIMARY), stable, "{}", said(&fixed));
    let shown = run(root.path(), &update);
    assert_eq!(added(&shown), 1, "{}", said(&shown));
    let written = run(root.path(), &[&update[..], &["--write"]].concat());
    assert!(written.status.success(), "{}", said(&written));
    assert_eq!(changed_lines(&stable, &read(root.path(), PRIMARY)), 1);
}

#[test]
fn a_value_that_automation_takes_back_is_told() {
    let root = repository();
    fs::write(root.path().join(PRIMARY), read(root.path(), PRIMARY).replace("v0.1.0", "v2.0.0")).unwrap();
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).unwrap();
    fs::write(lists.join("candles.txt"), "v0.1.0\nv1.9.0\n").unwrap();
    let shown = run(root.path(), &["images", "update", "--tags", lists.to_str().unwrap(), "--branch", "main"]);
    let told = format!("`{PRIMARY}` is lowered from `v2.0.0` to `v1.9.0` by ImagePolicy `flux-system:candles-release`");
    assert!(said(&shown).contains(&told), "{}", said(&shown));
}

#[test]
fn each_json_object_is_what_its_schema_asks_for() {
    let root = repository();
    let lists = root.path().join(".git/lists");
    fs::create_dir(&lists).unwrap();
    let list = lists.join("candles.txt");
    fs::write(&list, format!("v0.1.0\nv0.2.0\nv1\nlatest\na.sig\n{}\n", BUILDS[0])).unwrap();
    let events = root.path().join(".git/events.yaml");
    fs::write(&events, "events: [{release: v1.0.0, app: candles}, {rollback: candles, to: v0.1.0}]\n").unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (lists, list, events) = (path(&lists), path(&list), path(&events));
    let commands: [(&str, &[&str]); 6] = [
        ("images", &["images"]),
        ("explain", &["images", "explain", "candles-release", "--tags", &list]),
        ("update", &["images", "update", "--tags", &lists]),
        ("promote", &["promote", "candles", "v0.2.0"]),
        ("rollback", &["rollback", "candles", "--to", "v0.1.0", "--tags", &lists]),
        ("simulate", &["simulate", "--events", &events]),
    ];
    let text = include_str!("../docs/json-releases.schema.json");
    let schema: serde_json::Value = serde_json::from_str(text).unwrap();
    let assert_valid = |name: &str, bytes: &[u8]| {
        let object: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let own = serde_json::json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] });
        let validator = jsonschema::validator_for(&own).unwrap();
        let errors: Vec<String> = validator.iter_errors(&object).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{object}");
        // A definition that names no field would take everything.
        assert!(!validator.is_valid(&serde_json::json!({ "version": 1 })), "{name}");
    };
    for (name, arguments) in commands {
        let output = run(root.path(), &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{name}: {}", said(&output));
        assert_valid(name, &output.stdout);
    }
    let mut tags = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    let output = tags.args(["images", "tags", "--json", "--from-json", &list]).output().unwrap();
    assert_valid("tags", &output.stdout);
}
