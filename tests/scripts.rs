//! `scripts/up.sh` and `down.sh` of a generated repository, run against stand-ins of every program that they call.
//!
//! `tests/scripts/stub.sh` records the calls and keeps a small world. The order of a whole run is in `tests/scripts/*.txt`;
//! `SNAPSHOTS=overwrite` writes them. The path holds the stand-ins and the tools of a bare system, nothing else.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "the log of a test says what was skipped")]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gitops_gen::generate::{self, Blueprint};
use gitops_gen::text::FileSet;
use snapbox::{assert_data_eq, file as golden};

const STUBBED: &[&str] = &["kubectl", "flux", "kind", "terraform", "doctl", "helm", "git", "age-keygen"];
/// What the scripts may use beside them.
const SYSTEM: &[&str] =
    &["awk", "bash", "cat", "dirname", "env", "find", "grep", "mv", "rm", "sed", "sleep", "sort", "touch", "tsort"];
const SECRET: &str = "AGE-SECRET-KEY-1NOBODYMAYSEETHIS";

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints/blocks/scripts/templates/scripts")
}

/// A generated repository of three clusters, and the world that the stand-ins keep.
struct World {
    directory: tempfile::TempDir,
    /// Where the fleet lies: the Git repository `fleet`, or a directory of it.
    fleet: &'static str,
}

/// How a script ended.
struct Outcome {
    code: i32,
    stdout: String,
    stderr: String,
    calls: Vec<String>,
}

impl World {
    fn new() -> Self {
        Self::of("terraform: true\n")
    }

    /// Returns a world whose fleet has these parameters beside the usual ones.
    fn of(parameters: &str) -> Self {
        Self::at("fleet", &format!("prefix: ''\ntoRoot: ''\n{parameters}"))
    }

    /// Returns a world whose fleet lies in the directory `fleet`.
    fn at(fleet: &'static str, parameters: &str) -> Self {
        let world = Self { directory: tempfile::tempdir().expect("a temporary directory can be made"), fleet };
        for directory in ["bin", "stub"] {
            fs::create_dir_all(world.path(directory)).expect("it can be made");
        }
        for directory in ["scripts", "kind", "apps/production/web"] {
            fs::create_dir_all(world.path(fleet).join(directory)).expect("it can be made");
        }
        for (path, text) in rendered(parameters) {
            world.write(&format!("{fleet}/scripts/{path}"), &text);
        }
        world.write("fleet/gitops.yaml", "flux: \"2.9\"\n");
        world.write("fleet/.sops.yaml", "creation_rules:\n  - age: age1public\n");
        world.write(&format!("{fleet}/apps/production/web/password.sops.yaml"), "sops: {}\n");
        world.write("stub/branches", "refs/heads/main\n");
        world.write("stub/public", "age1public\n");
        world.write("stub/keys.txt", SECRET);
        let stub = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/stub.sh")).expect("it is there");
        for tool in STUBBED {
            let at = world.path(&format!("bin/{tool}"));
            fs::write(&at, &stub).expect("it can be written");
            fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
        }
        for tool in SYSTEM {
            let found = ["/usr/bin", "/bin"].iter().map(|directory| Path::new(directory).join(tool));
            let found =
                found.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{tool} is not installed"));
            std::os::unix::fs::symlink(found, world.path(&format!("bin/{tool}"))).expect("it can be linked");
        }
        world
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        fs::write(self.path(below), text).unwrap_or_else(|error| panic!("{below}: {error}"));
    }

    fn exists(&self, below: &str) -> bool {
        self.path(below).exists()
    }

    fn run(&self, command: &str) -> Outcome {
        self.run_with(command, &[])
    }

    /// Runs a script, `up.sh local`, with more of an environment.
    fn run_with(&self, command: &str, environment: &[(&str, &str)]) -> Outcome {
        let log = self.path("stub/calls");
        fs::write(&log, "").expect("it can be written");
        let (script, arguments) = command.split_once(' ').unwrap_or((command, ""));
        let mut shell = Command::new("bash");
        shell.arg(self.path(self.fleet).join("scripts").join(script)).args(arguments.split_whitespace());
        shell.env_clear().env("PATH", self.path("bin")).env("STUB", self.path("stub"));
        shell.env("SOPS_AGE_KEY_FILE", self.path("stub/keys.txt")).env("DIGITALOCEAN_TOKEN", SECRET);
        shell.env("POLL_SECONDS", "0").env("GONE_TIMEOUT", "1").env("GIT_KEY_FILE", "deploy.key");
        shell.envs(environment.iter().copied()).stdin(std::process::Stdio::null());
        let output = shell.output().expect("bash is there");
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*self.directory.path().to_string_lossy(), "[ROOT]");
        let calls = text(&fs::read(&log).expect("it is there"));
        let outcome = Outcome {
            code: output.status.code().expect("it was not killed"),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            calls: calls.lines().map(str::to_owned).collect(),
        };
        let seen = format!("{}{}{}", outcome.stdout, outcome.stderr, outcome.calls.join("\n"));
        assert!(!seen.contains(SECRET), "{command} shows a secret:\n{seen}");
        assert!(!seen.contains("nobody said"), "{seen}");
        outcome
    }
}

impl Outcome {
    /// Returns the call that changed something at `pattern`'s first place among the calls.
    fn place(&self, pattern: &str) -> usize {
        let place = self.calls.iter().position(|call| call.contains(pattern));
        place.unwrap_or_else(|| panic!("nobody called `{pattern}`:\n{}\n{}", self.calls.join("\n"), self.stderr))
    }

    fn called(&self, pattern: &str) -> bool {
        self.calls.iter().any(|call| call.contains(pattern))
    }

    #[track_caller]
    fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// The script said no before it changed anything.
    #[track_caller]
    fn refuses(self, why: &str) {
        assert_eq!(self.code, 2, "{}", self.stderr);
        assert!(self.stderr.contains(why), "{}", self.stderr);
        let change = self.calls.iter().find(|call| is_change(call));
        assert_eq!(change, None, "{}", self.stderr);
    }

    /// Returns the calls that change something, and what was said, for a golden file.
    fn record(&self) -> String {
        let changes = self.calls.iter().filter(|call| is_change(call)).map(|call| format!("{call}\n"));
        format!("{}--- stdout\n{}--- stderr\n{}", changes.collect::<String>(), self.stdout, self.stderr)
    }
}

/// Whether a call does more than look.
fn is_change(call: &str) -> bool {
    const LOOKS: &[&str] = &[" get ", " version", "--version", " list ", "get-contexts", "ls-remote", "age-keygen -y"];
    !LOOKS.iter().any(|look| call.contains(look))
}

/// Returns the files of the block `scripts` for a fleet of a production, a second and a local cluster.
fn rendered(parameters: &str) -> Vec<(String, String)> {
    let usual = "system: fleet\norganisation: example\nrepository: fleet\ngitHost: github.com\nbootstrap: flux-cli\n\
                 providers: [digitalocean]\nimageAutomationCluster: fra1\n\
                 clusters:\n  fra1: {environment: production, branch: main, region: fra1, provider: digitalocean, address: 192.0.2.1}\n  \
                 home: {environment: local, branch: main, region: local, provider: kind, address: 127.0.0.1}\n  \
                 nyc1: {environment: production, branch: main, region: nyc1, provider: digitalocean, address: 192.0.2.2}\n";
    let mut answers = generate::parse_parameters(usual).expect("they are a mapping");
    answers.extend(generate::parse_parameters(parameters).expect("these too"));
    let mut texts = vec![
        ("blueprint.yaml".to_owned(), "name: scripts\nsummary: the block alone\n".to_owned()),
        ("parameters.schema.json".to_owned(), "{}".to_owned()),
    ];
    for entry in fs::read_dir(sources()).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
        texts.push((format!("templates/{name}"), fs::read_to_string(&path).expect("it is text")));
    }
    let blueprint = Blueprint::from_files(&FileSet::from_texts(texts)).expect("it is one");
    let files = generate::generate(&blueprint, &answers).expect("it renders");
    files.iter().filter_map(|(path, _)| Some((path.to_string(), files.text(path)?.to_owned()))).collect()
}

#[test]
fn a_cluster_on_this_machine_goes_up_in_order() {
    let outcome = World::new().run("up.sh local").succeeds();
    assert_data_eq!(outcome.record(), golden!["scripts/up-local.txt"].raw());
}

#[test]
fn a_cluster_of_terraform_goes_up_in_order() {
    let outcome = World::new().run("up.sh fra1 --yes").succeeds();
    assert_data_eq!(outcome.record(), golden!["scripts/up-terraform.txt"].raw());
}

#[test]
fn a_cluster_of_flux_operator_goes_up_in_order() {
    let outcome = World::of("terraform: false\nbootstrap: flux-operator\n").run("up.sh home").succeeds();
    assert_data_eq!(outcome.record(), golden!["scripts/up-operator.txt"].raw());
}

#[test]
fn a_fleet_below_a_directory_goes_up_from_there_by_what_stands_at_the_root() {
    let parameters = "terraform: true\nprefix: deploy/gitops/\ntoRoot: ../../\n";
    let world = World::at("fleet/deploy/gitops", parameters);
    let outcome = world.run("up.sh fra1 --yes").succeeds();
    outcome.place("--path=deploy/gitops/clusters/fra1");
    outcome.place("terraform -chdir=terraform/digitalocean");
    // The second run finds the Flux that the first has started.
    world.run("up.sh fra1 --yes").succeeds();
    world.write("stub/public", "age1other\n");
    world.run("up.sh fra1 --yes").refuses("does not fit .sops.yaml");
    world.write("fleet/gitops.yaml", "flux: \"2.1\"\n");
    world.run("up.sh fra1 --yes").refuses("gitops.yaml says 2.1");
}

#[test]
fn a_cluster_with_its_data_goes_down_in_order() {
    let world = World::new();
    world.run("up.sh fra1 --yes").succeeds();
    let outcome = world.run("down.sh fra1 --yes --delete-data").succeeds();
    assert_data_eq!(outcome.record(), golden!["scripts/down-delete-data.txt"].raw());
}

#[test]
fn a_cluster_goes_down_and_its_volumes_stay() {
    let world = World::new();
    world.run("up.sh fra1 --yes").succeeds();
    let outcome = world.run("down.sh fra1 --yes --keep-data").succeeds();
    assert_data_eq!(outcome.record(), golden!["scripts/down-keep-data.txt"].raw());
}

#[test]
fn all_clusters_but_the_local_one_go_up_after_all_were_looked_at() {
    let world = World::new();
    let outcome = world.run_with("up.sh all --yes", &[("STUB_FAIL", "terraform * apply *nyc1*")]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.place("apply -auto-approve -target=module.cluster[\"fra1\"]") > 0);
    assert!(!outcome.called("--context kind-home"));
    assert!(outcome.stderr.find("nyc1: preflight") < outcome.stderr.find("fra1: terraform"), "{}", outcome.stderr);
    world.run_with("up.sh all", &[("KUBE_CONTEXT", "x")]).refuses("KUBE_CONTEXT names one context");
}

#[test]
fn a_run_that_failed_goes_on_where_it_stopped() {
    let world = World::new();
    let failed = world.run_with("up.sh local", &[("STUB_FAIL", "*wait kustomizations*/kafka *")]);
    assert_eq!(failed.code, 1);
    assert!(failed.stderr.contains("Kafka/kafka/events: timeout"), "{}", failed.stderr);
    assert!(failed.stderr.contains("Kustomization kafka is not ready on home"), "{}", failed.stderr);
    assert!(!failed.called("/apps-web"), "apps wait for kafka");
    let second = world.run("up.sh local").succeeds();
    assert!(!second.called("kind create"));
    assert!(!second.called("create namespace"));
    assert!(second.place("kustomize.toolkit.fluxcd.io/kafka") < second.place("kustomize.toolkit.fluxcd.io/apps-web"));
}

#[test]
fn each_step_of_up_that_fails_ends_the_run() {
    for step in ["kind create*", "*create namespace*", "*create secret*", "*apply*", "*bootstrap*", "*wait node*"] {
        let world = World::new();
        world.write("fleet/apps/base.sops.yaml", "sops: {}\n");
        let outcome = world.run_with("up.sh home", &[("STUB_FAIL", step)]);
        assert_eq!(outcome.code, 1, "{step}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("is up"), "{step}");
        world.run("up.sh home").succeeds();
    }
}

#[test]
fn each_step_of_down_that_fails_ends_the_run_before_the_cluster_goes() {
    let steps = [
        "*suspend*",
        "*delete kustomizations*/apps-web *",
        "*delete kustomizations*/kafka *",
        "*delete persistentvolumeclaims*",
        "*delete kustomizations*/infra-configs *",
        "*get services*",
        "*delete kustomizations*/infra-controllers *",
        "*flux*uninstall*",
        "*get persistentvolumes*",
        "*get customresourcedefinition*",
        "*get kustomizations*",
        "doctl * list *",
    ];
    for step in steps {
        let world = World::new();
        world.run("up.sh fra1 --yes").succeeds();
        let outcome = world.run_with("down.sh fra1 --yes --delete-data", &[("STUB_FAIL", step)]);
        assert_eq!(outcome.code, 1, "{step}: {}", outcome.stderr);
        assert!(!outcome.called("destroy"), "{step}");
        let second = world.run("down.sh fra1 --yes --delete-data").succeeds();
        assert!(second.called("destroy"), "{step}");
    }
}

#[test]
fn a_load_balancer_that_stays_keeps_the_cluster() {
    let world = World::new();
    world.run("up.sh fra1 --yes").succeeds();
    world.write("stub/sticky", "");
    let outcome = world.run("down.sh fra1 --yes --delete-data");
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("envoy-gateway-system/envoy\nerror: these load balancers are still there on fra1"));
    assert!(!outcome.called("infra-controllers --namespace flux-system --timeout"), "they clean it up");
    assert!(!outcome.called("destroy"));
}

#[test]
fn the_data_of_a_kind_cluster_stays_with_it() {
    let world = World::new();
    world.run("up.sh home").succeeds();
    let outcome = world.run("down.sh home --yes --keep-data").succeeds();
    assert!(!outcome.called("kind delete"));
    assert!(outcome.stderr.contains("the kind cluster `home` stays"));
    world.run("down.sh home --yes --delete-data").succeeds();
    assert_eq!(fs::read_to_string(world.path("stub/kind")).expect("it is there"), "");
}

#[test]
fn what_is_not_there_is_down() {
    let world = World::new();
    let outcome = world.run("down.sh home --yes").succeeds();
    assert!(outcome.stderr.contains("there is no such cluster"));
    let outcome = world.run("down.sh fra1 --yes").succeeds();
    assert!(outcome.called("destroy -auto-approve -target=module.cluster[\"fra1\"]"), "its network may be there");
    assert!(!outcome.called("kubectl"));
}

#[test]
fn nothing_goes_down_that_nobody_confirmed() {
    let world = World::new();
    world.run("up.sh home").succeeds();
    world.run("down.sh home --delete-data").refuses("nobody is here to confirm");
    world.run("down.sh home --yes").refuses("say what becomes of it: --keep-data or --delete-data");
    assert!(world.exists("stub/claims"));
}

#[test]
fn a_context_that_is_another_cluster_is_refused() {
    for (file, content, why) in [
        ("nodes", "digitalocean://1", "its nodes are `digitalocean://1`"),
        ("nodes", "kind://docker/other/other-control-plane", "its nodes are `kind://docker/other/"),
        ("path", "./clusters/fra1", "Flux applies `clusters/fra1` there"),
        ("url", "ssh://git@github.com/example/other", "belongs to another fleet"),
    ] {
        let world = World::new();
        world.run("up.sh home").succeeds();
        world.write(&format!("stub/{file}"), content);
        world.run("up.sh home").refuses(why);
        world.run("down.sh home --yes --delete-data").refuses(why);
    }
}

#[test]
fn a_cluster_of_another_region_is_refused() {
    let world = World::of("terraform: false\n");
    world.write("stub/contexts", "do-fra1-fleet-fra1\n");
    world.write("stub/region", "nyc1");
    world.run("up.sh fra1").refuses("its nodes are in `nyc1`, not in `fra1`");
    world.run("up.sh nyc1").refuses("the kubeconfig has no context `do-nyc1-fleet-nyc1`");
    world.run_with("up.sh nyc1", &[("KUBE_CONTEXT", "do-fra1-fleet-fra1")]).succeeds();
}

#[test]
fn tools_branches_and_keys_are_looked_at_first() {
    let world = World::new();
    world
        .run_with("up.sh home", &[("STUB_FLUX", "flux version 2.8.1")])
        .refuses("`flux` is 2.8.1, gitops.yaml says 2.9");
    world
        .run_with("up.sh home", &[("STUB_KIND", "kind v0.29.0")])
        .refuses("`kind` is 0.29.0, 0.33.0 or later is needed");
    world.run_with("up.sh fra1", &[("DIGITALOCEAN_TOKEN", "")]).refuses("DIGITALOCEAN_TOKEN is not set");
    world.run_with("up.sh fra1", &[("SOPS_AGE_KEY_FILE", "/none")]).refuses("there is no age key at `/none`");
    world.write("fleet/apps/production/web/password.sops.yaml", "key: ENC[AES256_GCM,data:cmVwbGFjZSBtZQ==,iv:x]\n");
    world.run("up.sh fra1").refuses("./apps/production/web/password.sops.yaml is a placeholder still");
    world.write("stub/public", "age1another\n");
    world.run("up.sh fra1").refuses("does not fit .sops.yaml");
    world.write("stub/branches", "refs/heads/other\n");
    world.run("up.sh home").refuses("has no branch `main`");
    fs::remove_file(world.path("bin/kind")).expect("it is there");
    world.run("up.sh home").refuses("`kind` is not installed");
    world.run("up.sh mars").refuses("there is no cluster `mars`: the fleet has fra1, home, nyc1");
    world.run("up.sh").refuses("scripts/up.sh <cluster|local|all> [--yes]");
    world.run("down.sh fra1 --keep-data --delete-data").refuses("scripts/down.sh <cluster|local|all>");
}

#[test]
fn the_secret_key_reaches_the_cluster_and_nothing_else() {
    let world = World::new();
    world.run("up.sh fra1 --yes").succeeds();
    let applied = fs::read_to_string(world.path("stub/applied")).expect("it was applied");
    assert!(applied.contains(SECRET), "{applied}");
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/lint/bin");
    let path = format!("{}:{}", tools.display(), env::var("PATH").unwrap_or_default());
    let world = World::new();
    let mut shellcheck = Command::new("shellcheck");
    shellcheck.args(["-x", "scripts/up.sh", "scripts/down.sh", "scripts/lib.sh", "scripts/fleet.sh"]);
    shellcheck.env("PATH", path).current_dir(world.path("fleet"));
    let Ok(output) = shellcheck.output() else {
        println!("skipped: shellcheck is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
