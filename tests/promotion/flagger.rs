//! What Flagger makes of a release: how long it takes, told where releases are planned and rehearsed.

use std::fs;

use gitops_gen::generate;
use gitops_gen::text::{self, FileSet};

use crate::{author, run, said};

/// A fleet whose gateway goes by Flagger, and whose branches take what automation pushes.
fn fleet() -> FileSet {
    let blueprint = generate::builtin("recommendation").expect("it is built in").expect("it is well-formed");
    let mut answers = blueprint.defaults();
    blueprint.assign(&mut answers, "apps.gateway.rollout", "flagger").expect("it is an option");
    blueprint.assign(&mut answers, "imageUpdates", "push").expect("it is an option");
    generate::generate(&blueprint, &answers).expect("the blueprint renders")
}

fn repository() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let files = fleet();
    text::write_tree(root.path(), &files).expect("the fleet is written");
    gitops_gen::git::init_and_commit(root.path(), &files, "a fleet\n", &author()).expect("the fleet is committed");
    root
}

/// One round sees the release, one raises the weight to a tenth, and three bring it to everybody.
const TOLD: &str = "Canary `app/gateway` promotes it after 4m at the earliest, once `wait-for-a-word` says yes; \
                    checks that fail for 5m take it back";

#[test]
fn a_plan_and_a_rollback_tell_how_long_the_analysis_takes_in_which_clusters() {
    let root = repository();
    let planned = run(root.path(), &["promote", "app", "v1.0.0"]);
    let told = format!("note: in fra1 and lon1 and nyc1 and sgp1: {TOLD}\n");
    assert!(said(&planned).contains(&told), "{}", said(&planned));
    let json = run(root.path(), &["promote", "app", "v1.0.0", "--json"]);
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let rollout = &plan["rollouts"][0];
    assert_eq!(rollout["canary"], "app/gateway");
    assert_eq!(rollout["workload"], "Deployment app/gateway");
    assert_eq!((&rollout["promoted_after_seconds"], &rollout["rolled_back_after_seconds"]), (&240.into(), &300.into()));
    assert_eq!(rollout["gates"], serde_json::json!(["wait-for-a-word"]));

    // What was promoted goes back by the same way.
    let path = root.path().join("apps/production/gateway/kustomization.yaml");
    let promoted = fs::read_to_string(&path).unwrap().replace("\"v0.1.0\"", "\"v1.0.0\"");
    fs::write(&path, promoted).unwrap();
    let back = run(root.path(), &["rollback", "app", "--to", "v0.1.0"]);
    assert!(said(&back).contains(&told), "{}", said(&back));
}

#[test]
fn a_timeline_tells_it_where_a_workload_changed_and_nowhere_else() {
    let root = repository();
    let events = root.path().join(".git/events.yaml");
    fs::write(&events, "events: [{release: v1.0.0, app: app}, {release: v0.5.0, app: app}]\n").unwrap();
    let output = run(root.path(), &["simulate", "--events", events.to_str().unwrap()]);
    let said = said(&output);
    let (first, second) = said.split_once("2. app:v0.5.0 is pushed").expect("two events");
    assert_eq!(first.matches(TOLD).count(), 4, "{said}");
    assert_eq!(second.matches("promotes it after").count(), 0, "{said}");
}
