//! `gitops-gen update` as a user runs it: what is new comes in, what a person edited stays, and a second run does
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gitops_gen::generate::{self, Blueprint, Texts};
use gitops_gen::text::{self, FileSet, RepoPath};
use proptest::prelude::*;
use serde_json::{Map, Value};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    command.args(arguments).current_dir(directory).output().expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn fleet() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = run(directory.path(), &["init", "--yes"]);
    assert!(output.status.success(), "{}", stderr(&output));
    directory
}

fn edit(directory: &Path, path: &str, from: &str, to: &str) {
    let at = directory.join(path);
    let text = fs::read_to_string(&at).expect("the file is there");
    assert!(text.contains(from), "{path} has no `{from}`:\n{text}");
    fs::write(at, text.replacen(from, to, 1)).expect("it can be written");
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = text::read_tree(directory).expect("it can be read").files;
    files
        .iter()
        .map(|(path, _)| (path.to_string(), fs::read(directory.join(path.as_str())).expect("it is there")))
        .collect()
}

#[test]
fn an_update_of_what_was_just_generated_does_nothing() {
    let directory = fleet();
    let before = contents(directory.path());
    let output = run(directory.path(), &["update"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), "nothing to do\n"));
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn a_parameter_that_is_edited_in_gitops_yaml_reaches_every_file_and_edits_stay() {
    let directory = fleet();
    let here = directory.path();
    edit(here, "apps/base/candles/workload/deployment.yaml", "replicas: ", "# ours\n  replicas: 1");
    edit(here, "gitops.yaml", "CANDLE_SECONDS: \"60\"", "CANDLE_SECONDS: \"30\"");
    let check = run(here, &["update", "--check"]);
    assert_eq!(check.status.code(), Some(1), "{}", stdout(&check));
    assert!(stdout(&check).contains("write  apps/base/candles/workload/deployment.yaml"), "{}", stdout(&check));
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let deployment = fs::read_to_string(here.join("apps/base/candles/workload/deployment.yaml")).unwrap();
    assert!(deployment.contains("\"30\"") && deployment.contains("# ours\n  replicas: 1"), "{deployment}");
    assert_eq!(stderr(&run(here, &["update"])), "nothing to do\n");
    assert_eq!(run(here, &["update", "--check"]).status.code(), Some(0));
}

/// An edit of the first line and a new one further down were a conflict: the first merge by lines of every run failed.
#[test]
fn an_edited_page_takes_in_what_is_new_and_a_file_that_nobody_edited_is_no_conflict() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let here = directory.path();
    let output = run(here, &["init", "--yes", "--blueprint", "recommendation"]);
    assert!(output.status.success(), "{}", stderr(&output));
    edit(here, "README.md", "# recommendation-engine\n", "# Our engine\n");
    let output = run(here, &["add", "app", "web", "--set", "kind=http", "--set", "port=8000"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    assert!(readme.starts_with("# Our engine\n") && readme.contains("| `web` | http |"), "{readme}");
    let renovate = fs::read_to_string(here.join("renovate.json5")).unwrap();
    assert!(renovate.contains("/web\","), "{renovate}");
}

#[test]
fn the_release_of_flux_in_gitops_yaml_is_that_which_is_generated() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let here = directory.path();
    let arguments = ["init", "--yes", "--blueprint", "minimal", "--set", "bootstrap=flux-operator"];
    let older = ["--set", "clusters.fra1.kubernetes=1.35", "--set", "clusters.staging.kubernetes=1.34"];
    let output = run(here, &[&arguments[..], &older[..]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    edit(here, "gitops.yaml", "flux: \"2.9\"", "flux: \"2.8\"");
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let instance = fs::read_to_string(here.join("clusters/fra1/flux-system/flux-instance.yaml")).unwrap();
    assert!(instance.contains("version: 2.8.x"), "{instance}");
    assert_eq!(stderr(&run(here, &["update"])), "nothing to do\n");

    // Two that disagree are told.
    edit(here, "gitops.yaml", "flux: \"2.8\"\nclusters", "flux: \"2.9\"\nclusters");
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(2));
    let disagreement = "`gitops.yaml`, line 4: `flux` is \"2.9\", and `versions.flux` of the parameters \"2.8\"";
    assert!(stderr(&output).contains(disagreement), "{}", stderr(&output));
}

#[test]
fn another_blueprint_in_gitops_yaml_is_refused_on_its_line() {
    let directory = fleet();
    let here = directory.path();
    edit(here, "gitops.yaml", "blueprint: crypto-trading", "blueprint: ratings");
    let before = contents(here);
    let output = run(here, &["update"]);
    assert_eq!((output.status.code(), contents(here) == before), (Some(2), true));
    let text = fs::read_to_string(here.join("gitops.yaml")).unwrap();
    let line = text.lines().position(|line| line.starts_with("blueprint:")).unwrap() + 1;
    let said =
        format!("`gitops.yaml`, line {line}: `blueprint` is \"ratings\", and this repository was generated from");
    assert!(stderr(&output).contains(&said), "{}", stderr(&output));
}

#[test]
fn a_value_that_flux_wrote_stays_and_an_encrypted_file_is_never_touched() {
    let directory = fleet();
    let here = directory.path();
    edit(here, "apps/production/trades/kustomization.yaml", "v0.1.0", "v7.8.9");
    let secret = "apps/production/kafka-ui/basic-auth.sops.yaml";
    fs::write(here.join(secret), "kind: Secret\nsops:\n  mac: ENC[x]\n").unwrap();
    let output = run(here, &["update", "--set", "releaseTag=v0.2.0", "--set", "organisation=acme"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let overlay = fs::read_to_string(here.join("apps/production/trades/kustomization.yaml")).unwrap();
    assert!(overlay.contains("v7.8.9"), "{overlay}");
    assert_eq!(fs::read_to_string(here.join(secret)).unwrap(), "kind: Secret\nsops:\n  mac: ENC[x]\n");
    assert!(fs::read_to_string(here.join("gitops.yaml")).unwrap().contains("organisation: \"acme\""));
}

#[test]
fn a_parameter_of_an_older_generator_is_only_in_the_way_where_a_person_can_remove_it() {
    let directory = fleet();
    let here = directory.path();
    edit(here, ".gitops-gen/lock.yaml", "answers:\n", "answers:\n  candleSeconds: 60\n");
    edit(here, "gitops.yaml", "  readme:", "  candleSeconds: 60\n  readme:");
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("parameter `candleSeconds` is no parameter"), "{}", stderr(&output));
    // The key is wrong, not its value.
    let line =
        fs::read_to_string(here.join("gitops.yaml")).unwrap().lines().position(|line| line.contains("candleSec"));
    assert!(stderr(&output).contains(&format!("[gitops.yaml:{}:3]", line.unwrap() + 1)), "{}", stderr(&output));
    edit(here, "gitops.yaml", "  candleSeconds: 60\n", "");
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!fs::read_to_string(here.join(".gitops-gen/lock.yaml")).unwrap().contains("candleSeconds"));
}

#[test]
fn a_cluster_that_is_added_and_removed_again_leaves_no_trace() {
    let directory = fleet();
    let here = directory.path();
    let before = contents(here);
    let output = run(here, &["add", "cluster", "lon1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(here.join("clusters/lon1/apps.yaml").is_file());
    let entry = "    lon1:\n      environment: production\n      region: lon1\n      address: 192.0.2.1\n";
    assert!(fs::read_to_string(here.join("gitops.yaml")).unwrap().contains(entry));
    // What only the others use is not unused for that.
    let checked = run(here, &["validate", "--cluster", "lon1", "--fail-on", "note"]);
    assert!(checked.status.success(), "{}", stdout(&checked));
    assert_eq!(stderr(&run(here, &["update"])), "nothing to do\n");

    let added = contents(here);
    let shown = run(here, &["remove", "cluster", "lon1"]);
    assert_eq!((shown.status.code(), contents(here) == added), (Some(1), true));
    assert!(
        stdout(&shown).contains("cluster `lon1` is left as it is: Flux finds nothing to read"),
        "{}",
        stdout(&shown)
    );
    let output = run(here, &["remove", "cluster", "lon1", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(here), before);
}

#[test]
fn a_cluster_that_is_edited_into_gitops_yaml_is_added_by_an_update() {
    let directory = fleet();
    let here = directory.path();
    let entry = "  clusters:\n    lon1: {environment: production, region: lon1, address: 203.0.113.40}\n";
    edit(here, "gitops.yaml", "  clusters:\n    fra1", &format!("{entry}    fra1"));
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(here.join("clusters/lon1/apps.yaml").is_file());
    let text = fs::read_to_string(here.join("gitops.yaml")).unwrap();
    assert!(text.contains(entry) && text.contains("path: clusters/lon1"), "{text}");
    assert_eq!(stderr(&run(here, &["update"])), "nothing to do\n");
}

#[test]
fn a_cluster_that_cannot_be_added_or_removed_is_refused_and_nothing_is_written() {
    let directory = fleet();
    let here = directory.path();
    let before = contents(here);
    for (arguments, said) in [
        (vec!["add", "cluster", "fra1"], "`clusters.fra1` is there already"),
        (vec!["add", "cluster", "LON 1"], "expected a DNS label"),
        (vec!["add", "cluster", "lon1", "--set", "regoin=lon1"], "`clusters.lon1.regoin` is no parameter; `region` is"),
        (vec!["remove", "cluster", "lon1", "--yes"], "`clusters.lon1` is not there"),
        (vec!["remove", "cluster", "fra1", "--yes"], "is `fra1`, which is none of the clusters"),
    ] {
        let output = run(here, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
        assert_eq!(contents(here), before);
    }
}

#[test]
fn an_app_and_a_topic_that_are_added_and_removed_again_leave_no_trace() {
    let directory = fleet();
    let here = directory.path();
    let before = contents(here);
    let app = ["add", "app", "alerts", "--set", "kind=worker", "--set", "outbound=true"];
    let output = run(here, &app);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let with_app = contents(here);
    let topic =
        ["add", "topic", "notices", "--set", "partitions=2", "--produced-by", "candles", "--consumed-by", "alerts"];
    let output = run(here, &topic);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let deployment = fs::read_to_string(here.join("apps/base/alerts/deployment.yaml")).unwrap();
    assert!(deployment.contains("name: KAFKA_INPUT_TOPIC\n              value: \"notices\""), "{deployment}");
    assert!(fs::read_to_string(here.join("infrastructure/kafka/base/topics.yaml")).unwrap().contains("name: notices"));
    assert!(here.join("image-automation/alerts.yaml").is_file());
    let checked = run(here, &["validate", "--fail-on", "note"]);
    assert!(checked.status.success(), "{}", stdout(&checked));

    let shown = run(here, &["remove", "topic", "notices"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        stdout(&shown).contains("gone from cluster `fra1`: KafkaTopic crypto-trading/notices"),
        "{}",
        stdout(&shown)
    );
    let output = run(here, &["remove", "topic", "notices", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(here), with_app);
    let output = run(here, &["remove", "app", "alerts", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(here), before);
}

#[test]
fn a_topic_whose_name_holds_a_dot_is_added_set_and_told_on_its_line() {
    let directory = fleet();
    let here = directory.path();
    let arguments =
        ["add", "topic", "trades.raw", "--set", "partitions=10", "--produced-by", "trades", "--consumed-by", "candles"];
    let output = run(here, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = run(here, &["update", "--set", "topics.trades.raw.partitions=20"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let gitops = fs::read_to_string(here.join("gitops.yaml")).unwrap();
    assert!(gitops.contains("    trades.raw:\n      partitions: 20\n"), "{gitops}");
    edit(here, "gitops.yaml", "    trades.raw:\n      partitions: 20\n", "    trades.raw:\n      partitions: none\n");
    let line = fs::read_to_string(here.join("gitops.yaml")).unwrap().lines().position(|line| line.ends_with(": none"));
    let told = stderr(&run(here, &["update"]));
    assert!(told.contains(&format!("[gitops.yaml:{}:19]", line.unwrap() + 1)), "{told}");
    edit(here, "gitops.yaml", "      partitions: none\n", "      partition: 20\n");
    let told = stderr(&run(here, &["update"]));
    assert!(told.contains("`topics.trades.raw.partition` is no parameter; `partitions` is"), "{told}");
    assert!(told.contains(&format!("[gitops.yaml:{}:7]", line.unwrap() + 1)), "{told}");
}

#[test]
fn what_would_not_fit_together_is_not_added_or_removed() {
    let directory = fleet();
    let here = directory.path();
    let before = contents(here);
    for (arguments, said) in [
        (vec!["add", "topic", "notices"], "`topics.notices` is neither written nor read by an app"),
        (vec!["add", "topic", "notices", "--produced-by", "nobody"], "`apps.nobody` is not there"),
        (vec!["add", "app", "web"], "`apps.web.port` is missing"),
        (vec!["add", "app", "kafka", "--set", "kind=worker"], "`apps.kafka` has the name of another part of the fleet"),
        (vec!["remove", "app", "trades", "--yes"], "`topics.trades` is read and nobody writes it"),
        (
            vec!["remove", "topic", "trades", "--yes"],
            "names topic `trades`, which the app neither produces nor consumes",
        ),
    ] {
        let output = run(here, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
        assert_eq!(contents(here), before);
    }
}

#[test]
fn a_renamed_cluster_keeps_what_a_person_changed_in_its_directory() {
    let directory = fleet();
    let here = directory.path();
    let before = contents(here);
    edit(here, "clusters/fra1/cluster-vars.yaml", "  CLUSTER_REGION", "  # ours\n  OURS: mine\n  CLUSTER_REGION");
    let edited = contents(here);
    let shown = run(here, &["rename", "cluster", "fra1", "eu1"]);
    assert_eq!((shown.status.code(), contents(here) == edited), (Some(1), true));
    assert!(stdout(&shown).contains("move   clusters/fra1/cluster-vars.yaml to clusters/eu1/cluster-vars.yaml"));
    let output = run(here, &["rename", "cluster", "fra1", "eu1", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!here.join("clusters/fra1").exists());
    let variables = fs::read_to_string(here.join("clusters/eu1/cluster-vars.yaml")).unwrap();
    assert!(variables.contains("# ours\n  OURS: mine") && variables.contains("CLUSTER_NAME: \"eu1\""), "{variables}");
    assert!(fs::read_to_string(here.join("gitops.yaml")).unwrap().contains("imageAutomationCluster: \"eu1\""));
    assert_eq!(stderr(&run(here, &["update"])), "nothing to do\n");
    let checked = run(here, &["validate", "--fail-on", "note"]);
    assert!(checked.status.success(), "{}", stdout(&checked));

    run(here, &["rename", "cluster", "eu1", "fra1", "--yes"]);
    edit(here, "clusters/fra1/cluster-vars.yaml", "  # ours\n  OURS: mine\n", "");
    assert_eq!(contents(here), before);
    assert!(
        stderr(&run(here, &["rename", "cluster", "fra1", "nyc1", "--yes"]))
            .contains("`clusters.nyc1` is there already")
    );
}

#[test]
fn a_file_of_a_later_format_is_refused_on_its_line_and_nothing_is_written() {
    let directory = fleet();
    let here = directory.path();
    edit(here, "gitops.yaml", "version: 1", "version: 2");
    let before = contents(here);
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`gitops.yaml`, line 2: it has version 2"), "{}", stderr(&output));
    assert_eq!(contents(here), before);
    let output = run(here, &["validate"]);
    assert!(stdout(&output).contains("gitops.yaml has version 2, this program reads version 1"), "{}", stdout(&output));
}

#[test]
fn a_node_that_both_changed_is_a_conflict_that_is_told_and_marked() {
    let directory = fleet();
    let here = directory.path();
    edit(here, "apps/base/candles/workload/deployment.yaml", "value: \"60\"", "value: \"45\"");
    let output = run(here, &["update", "--set", "apps.candles.env.CANDLE_SECONDS=30"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("conflict apps/base/candles/workload/deployment.yaml:"), "{said}");
    assert!(said.contains("CANDLE_SECONDS.value`: it was changed here and in what is generated"), "{said}");
    assert!(!said.contains("gone from cluster"), "what holds markers is not gone: {said}");
    let text = fs::read_to_string(here.join("apps/base/candles/workload/deployment.yaml")).unwrap();
    let marker = text.lines().position(|line| line.starts_with("<<<<<<<")).unwrap() + 1;
    assert!(said.contains(&format!("deployment.yaml:{marker}: ")), "{said}");
    // A person decides; then there is nothing left to do.
    let decided: String = text.split("<<<<<<< as it stands here\n").collect::<Vec<_>>().join("");
    let (kept, rest) = decided.split_once("||||||| as it was generated before\n").unwrap();
    let (_, rest) = rest.split_once(">>>>>>> as it is generated now\n").unwrap();
    fs::write(here.join("apps/base/candles/workload/deployment.yaml"), format!("{kept}{rest}")).unwrap();
    assert_eq!(stderr(&run(here, &["update"])), "nothing to do\n");
}

#[test]
fn what_cannot_be_updated_is_refused_on_its_line_and_nothing_is_written() {
    let directory = fleet();
    let here = directory.path();
    edit(here, "gitops.yaml", "canaryWeight: 10", "canaryWeight: 99");
    edit(here, "gitops.yaml", "region: nyc1", "region: NYC 1");
    let before = contents(here);
    let output = run(here, &["update"]);
    assert_eq!(output.status.code(), Some(2));
    let text = fs::read_to_string(here.join("gitops.yaml")).unwrap();
    let line = |needle: &str| text.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let said = stderr(&output);
    assert!(said.contains(&format!("gitops.yaml:{}:", line("canaryWeight"))), "{said}");
    assert!(said.contains(&format!("gitops.yaml:{}:", line("NYC 1"))), "{said}");
    assert_eq!(contents(here), before);

    let empty = tempfile::tempdir().unwrap();
    let output = run(empty.path(), &["update"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("it was not generated by gitops-gen"), "{}", stderr(&output));
}

#[test]
fn an_update_that_was_killed_after_the_decision_is_completed_by_the_next_run() {
    let directory = fleet();
    let here = directory.path();
    let pending = here.join(".gitops-gen/pending");
    fs::create_dir_all(pending.join("files/apps/base")).unwrap();
    fs::write(pending.join("files/apps/base/new.txt"), "new\n").unwrap();
    fs::write(pending.join("gone"), "README.md\n").unwrap();
    let output = run(here, &["update", "--check"]);
    assert!(stderr(&output).contains("its changes are complete now"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(here.join("apps/base/new.txt")).unwrap(), "new\n");
    assert!(!here.join("README.md").exists() && !pending.exists());
}

fn crypto_trading() -> (Blueprint, Map<String, Value>) {
    let blueprint = generate::builtin("crypto-trading").expect("it is built in").expect("it is well-formed");
    let answers = blueprint.defaults();
    (blueprint, answers)
}

fn texts(files: &FileSet) -> Texts {
    files.iter().map(|(path, _)| (path.clone(), files.text(path).unwrap_or_default().to_owned())).collect()
}

/// An edit that a person makes: which file, which line, and how.
#[derive(Debug, Clone)]
enum Edit {
    Comment,
    Value,
    Remove,
}

/// Makes `edit` at line `line` of `text`, where that leaves YAML.
fn edited(text: &str, line: usize, edit: &Edit, number: usize) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = line % lines.len();
    let is_value =
        |line: &str| line.contains(": ") && !line.trim_start().starts_with(['#', '-']) && !line.contains('{');
    match edit {
        Edit::Comment => {
            let indent = lines[at].len() - lines[at].trim_start().len();
            lines.insert(at, format!("{}# edit {number}", " ".repeat(indent)));
        }
        Edit::Value if is_value(&lines[at]) => {
            let (key, _) = lines[at].split_once(": ")?;
            lines[at] = format!("{key}: edit-{number}");
        }
        Edit::Remove if is_value(&lines[at]) => drop(lines.remove(at)),
        Edit::Value | Edit::Remove => return None,
    }
    let text = lines.join("\n") + "\n";
    let files = FileSet::from_texts([("a.yaml", text.as_str())]);
    let source = files.iter().next()?.1;
    gitops_gen::yaml::parse(source, &text).diagnostics.is_empty().then_some(text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn fifty_edits_are_kept_or_are_conflicts_and_no_comment_or_marked_value_is_lost(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..400_usize,
                prop_oneof![3 => Just(Edit::Comment), 2 => Just(Edit::Value), 1 => Just(Edit::Remove)]),
            50,
        ),
        seconds in 61..90_u32,
    ) {
        let (blueprint, mut answers) = crypto_trading();
        let base = texts(&generate::generate(&blueprint, &answers).unwrap());
        let yaml: Vec<&RepoPath> = base.keys().filter(|path| path.is_yaml()).collect();
        let mut ours = base.clone();
        let mut made = Vec::new();
        for (number, (index, line, edit)) in edits.iter().enumerate() {
            let path = *index.get(&yaml);
            if let Some(text) = edited(&ours[path], *line, edit, number) {
                ours.insert(path.clone(), text);
                made.push((path.clone(), number, edit.clone()));
            }
        }
        // Every file of another generation differs somewhere: names, hosts, numbers, a cluster more and one fewer.
        for (name, value) in [
            ("apps.candles.env.CANDLE_SECONDS", seconds.to_string().as_str()), ("organisation", "acme"), ("domain", "example.com"),
            ("clusters.lon1.environment", "production"), ("clusters.lon1.region", "lon1"),
            ("clusters.lon1.address", "203.0.113.40"), ("releaseTag", "v0.3.0"),
        ] {
            blueprint.assign(&mut answers, name, value).unwrap();
        }
        answers["clusters"].as_object_mut().unwrap().remove("nyc1");
        let theirs = generate::generate(&blueprint, &answers).unwrap();
        let before = FileSet::from_texts(ours.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let update = generate::update(&base, &before, &theirs);

        let mut after = ours.clone();
        for (path, text) in &update.changes {
            match text {
                Some(text) => drop(after.insert(path.clone(), text.clone())),
                None => drop(after.remove(path)),
            }
        }
        for (path, number, edit) in made {
            let text = after.get(&path).map_or("", String::as_str);
            // A later edit may have changed or removed the line of an earlier one.
            let wanted = match edit {
                Edit::Comment => format!("# edit {number}"),
                Edit::Value => format!(": edit-{number}"),
                Edit::Remove => continue,
            };
            let stood = ours[&path].lines().any(|line| line.ends_with(&wanted));
            prop_assert!(!stood || text.lines().any(|line| line.ends_with(&wanted)), "{path} lost `{wanted}`:\n{text}");
        }
        for (path, text) in &ours {
            for marked in text.lines().filter(|line| line.contains("$imagepolicy")) {
                let kept = after.get(path).is_some_and(|text| text.contains(marked.trim()));
                prop_assert!(kept, "{path} lost `{marked}`");
            }
        }
        if update.conflicts.is_empty() {
            let files = FileSet::from_texts(after.iter().map(|(path, text)| (path.as_str(), text.as_str())));
            prop_assert!(generate::update(&update.base, &files, &theirs).changes.is_empty());
        }
    }
}
