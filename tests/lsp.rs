//! `gitops-gen lsp` as an editor meets it: a real process, a client over its stdin and stdout.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a server on a busy machine may take for what it does in milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

const SOURCE: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: https://example.com/fleet, ref: {branch: main}}
";

const APPS: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps/CLUSTER
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  dependsOn:
  - name: infra
  postBuild:
    substitute: {tier: CLUSTER}
    substituteFrom:
    - {kind: Secret, name: keys}
";

const INFRA: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infra, namespace: flux-system}
spec:
  interval: 10m
  path: ./infra
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

const KEYS: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: flux-system}
stringData:
  token: hunter2
";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: web
  annotations: {note: \"grüße 😀\", tier: \"${tier}\", token: \"${token}\"}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.0.0 # {\"$imagepolicy\": \"flux-system:web\"}
        envFrom:
        - configMapRef: {name: settings}
";

const POLICY: &str = "\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec:
  imageRepositoryRef: {name: web}
  policy: {semver: {range: '>=1.0.0'}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: example.com/web, interval: 1m}
";

/// Returns a fleet of two clusters that share a base.
fn fleet() -> Vec<(&'static str, String)> {
    let apps = |cluster: &str| APPS.replace("CLUSTER", cluster);
    let overlay = "resources:\n- ../base\npatches:\n- path: replicas.yaml\n- target:\n    kind: Deployment\n    name: web\n  \
                   patch: |\n    - {op: add, path: /metadata/labels, value: {cluster: fra1}}\n";
    let replicas =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: web}\nspec: {replicas: 3}\n";
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: web}\ndata: {a: b}\n";
    vec![
        ("clusters/fra1/source.yaml", SOURCE.to_owned()),
        ("clusters/fra1/infra.yaml", INFRA.to_owned()),
        ("clusters/fra1/apps.yaml", apps("fra1")),
        ("clusters/nyc1/source.yaml", SOURCE.to_owned()),
        ("clusters/nyc1/infra.yaml", INFRA.to_owned()),
        ("clusters/nyc1/apps.yaml", apps("nyc1")),
        ("infra/policy.yaml", POLICY.to_owned()),
        ("infra/keys.yaml", KEYS.to_owned()),
        ("apps/base/kustomization.yaml", "resources:\n- web.yaml\n- settings.yaml\n".to_owned()),
        ("apps/base/web.yaml", WEB.to_owned()),
        ("apps/base/settings.yaml", settings.to_owned()),
        ("apps/fra1/kustomization.yaml", overlay.to_owned()),
        ("apps/fra1/replicas.yaml", replicas.to_owned()),
        ("apps/nyc1/kustomization.yaml", "resources:\n- ../base\n".to_owned()),
    ]
}

/// A client, its server and the repository that both look at.
struct Client {
    root: TempDir,
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    next_id: i64,
    /// What the server said on its own, oldest first.
    heard: Vec<Value>,
}

impl Client {
    /// Starts a server over the fleet, and opens the folder.
    fn start() -> Self {
        let mut client = Self::silent();
        let folder = json!({ "uri": client.uri(""), "name": "fleet" });
        let watched = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
        let params = json!({ "processId": null, "capabilities": watched, "workspaceFolders": [folder] });
        let answer = client.ask("initialize", &params);
        assert_eq!(answer["result"]["capabilities"]["hoverProvider"], json!(true), "{answer}");
        client.tell("initialized", &json!({}));
        client
    }

    /// Starts a server over the fleet and says nothing.
    fn silent() -> Self {
        let root = TempDir::new().unwrap();
        for (path, text) in fleet() {
            let at = root.path().join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, text).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_gitops-gen"))
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Some(message) = read_message(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { root, child, stdin, messages, next_id: 0, heard: Vec::new() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}", self.at(path).display()).trim_end_matches('/').to_owned()
    }

    fn send(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    fn send_json(&mut self, message: &Value) {
        let body = message.to_string();
        self.send(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send_json(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks, and returns the answer; what the server says meanwhile is kept.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send_json(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.messages.recv_timeout(PATIENCE).unwrap();
            if message["id"] == json!(id) {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// Waits until the findings of `path` are as `wanted`; returns them.
    fn diagnostics(&mut self, path: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let uri = self.uri(path);
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        loop {
            for message in self.heard.drain(..) {
                if message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == json!(uri) {
                    let found = message["params"]["diagnostics"].as_array().unwrap().clone();
                    if wanted(&found) {
                        return found;
                    }
                    last = Some(found);
                }
            }
            assert!(Instant::now() < deadline, "{path}: {last:?}");
            self.heard.extend(self.messages.recv_timeout(Duration::from_secs(1)));
        }
    }

    fn open(&mut self, path: &str) {
        let text = fs::read_to_string(self.at(path)).unwrap();
        let document = json!({ "uri": self.uri(path), "languageId": "yaml", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    /// Types `text` instead of a range of one line.
    fn change(&mut self, path: &str, (line, from, to): (u32, u32, u32), text: &str) {
        let range = json!({ "start": { "line": line, "character": from }, "end": { "line": line, "character": to } });
        let document = json!({ "uri": self.uri(path), "version": 2 });
        let changes = json!([{ "range": range, "text": text }]);
        self.tell("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": changes }));
    }

    fn ask_at(&mut self, method: &str, path: &str, (line, character): (u32, u32)) -> Value {
        let position = json!({ "line": line, "character": character });
        let params = json!({ "textDocument": { "uri": self.uri(path) }, "position": position });
        let answer = self.ask(method, &params);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// Asks at the first place of `needle` on disk, `inside` UTF-16 units further.
    fn ask_in(&mut self, method: &str, path: &str, needle: &str, inside: u32) -> Value {
        let text = fs::read_to_string(self.at(path)).unwrap();
        let (line, character) = place(&text, needle);
        self.ask_at(method, path, (line, character + inside))
    }

    /// Returns the definitions of a place as `path:line`, lines from 1.
    fn definitions(&mut self, path: &str, needle: &str, inside: u32) -> Vec<String> {
        let found = self.ask_in("textDocument/definition", path, needle, inside);
        let root = self.uri("");
        let told = |location: &Value| {
            let path =
                location["uri"].as_str().unwrap().strip_prefix(&root).unwrap().trim_start_matches('/').to_owned();
            format!("{path}:{}", location["range"]["start"]["line"].as_u64().unwrap() + 1)
        };
        found.as_array().unwrap().iter().map(told).collect()
    }

    fn hover(&mut self, path: &str, needle: &str, inside: u32) -> String {
        let found = self.ask_in("textDocument/hover", path, needle, inside);
        found["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    fn labels(&mut self, path: &str, at: (u32, u32)) -> Vec<String> {
        let found = self.ask_at("textDocument/completion", path, at);
        found.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends the conversation and returns the exit code.
    fn end(mut self) -> Option<i32> {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_message(stdout: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            header => length = header.strip_prefix("Content-Length: ")?.parse().ok()?,
        }
    }
    let mut body = vec![0; length];
    stdout.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// Returns line and UTF-16 column of the first `needle`, both from 0.
fn place(text: &str, needle: &str) -> (u32, u32) {
    let at = text.find(needle).unwrap_or_else(|| panic!("no {needle:?} in\n{text}"));
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[..at].matches('\n').count();
    (u32::try_from(line).unwrap(), u32::try_from(text[start..at].encode_utf16().count()).unwrap())
}

fn has(rule: &str) -> impl Fn(&[Value]) -> bool + '_ {
    move |found| found.iter().any(|finding| finding["code"] == rule)
}

fn lacks(rule: &str) -> impl Fn(&[Value]) -> bool + '_ {
    move |found| !found.iter().any(|finding| finding["code"] == rule)
}

#[test]
fn findings_come_as_one_types_and_go_when_they_are_mended() {
    let mut client = Client::start();
    client.open("clusters/fra1/apps.yaml");
    let (line, column) = place(APPS, "infra\n");
    client.change("clusters/fra1/apps.yaml", (line, column, column + 5), "infro");
    let found = client.diagnostics("clusters/fra1/apps.yaml", has("depends-on-missing"));
    let finding = found.iter().find(|finding| finding["code"] == "depends-on-missing").unwrap();
    assert_eq!(finding["range"]["start"], json!({ "line": line, "character": column }));
    assert_eq!(finding["range"]["end"], json!({ "line": line, "character": column + 5 }));
    assert_eq!(finding["source"], "gitops-gen");
    assert!(finding["message"].as_str().unwrap().contains("(in cluster `fra1`)"), "{finding}");
    client.change("clusters/fra1/apps.yaml", (line, column, column + 5), "infra");
    client.diagnostics("clusters/fra1/apps.yaml", lacks("depends-on-missing"));
    assert_eq!(client.end(), Some(0));
}

#[test]
fn a_file_that_is_closed_is_told_of_too_and_closing_goes_back_to_the_disk() {
    let mut client = Client::start();
    client.open("clusters/fra1/infra.yaml");
    // The dependency in another file is gone while the name is another one.
    let (line, column) = place(INFRA, "infra,");
    client.change("clusters/fra1/infra.yaml", (line, column, column + 5), "base");
    client.diagnostics("clusters/fra1/apps.yaml", has("depends-on-missing"));
    client.tell("textDocument/didClose", &json!({ "textDocument": { "uri": client.uri("clusters/fra1/infra.yaml") } }));
    client.diagnostics("clusters/fra1/apps.yaml", lacks("depends-on-missing"));
    assert_eq!(client.end(), Some(0));
}

#[test]
fn columns_count_utf_16_units_in_both_directions() {
    let mut client = Client::start();
    client.open("apps/base/web.yaml");
    // Behind an umlaut and a pair of surrogates.
    let (line, column) = place(WEB, "tier}");
    client.change("apps/base/web.yaml", (line, column, column + 4), "nowhere");
    let found = client.diagnostics("apps/base/web.yaml", has("substitution-undefined"));
    let finding = found.iter().find(|finding| finding["code"] == "substitution-undefined").unwrap();
    let columns = (finding["range"]["start"]["character"].as_u64(), finding["range"]["end"]["character"].as_u64());
    assert_eq!(columns, (Some(u64::from(column) - 2), Some(u64::from(column) + 8)), "{finding}");
}

#[test]
fn a_change_on_disk_is_read_when_the_client_tells_of_it() {
    let mut client = Client::start();
    fs::write(client.at("apps/base/more.yaml"), "a: 1\na: 2\n").unwrap();
    let created = json!({ "changes": [{ "uri": client.uri("apps/base/more.yaml"), "type": 1 }] });
    client.tell("workspace/didChangeWatchedFiles", &created);
    let found = client.diagnostics("apps/base/more.yaml", has("yaml-duplicate-key"));
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 0, "character": 0 }), "{found:?}");
    fs::remove_file(client.at("apps/base/more.yaml")).unwrap();
    let gone = json!({ "changes": [{ "uri": client.uri("apps/base/more.yaml"), "type": 3 }] });
    client.tell("workspace/didChangeWatchedFiles", &gone);
    client.diagnostics("apps/base/more.yaml", <[Value]>::is_empty);
}

#[test]
fn without_a_client_that_watches_the_server_watches_itself() {
    let mut client = Client::silent();
    client.ask("initialize", &json!({ "capabilities": {}, "rootUri": client.uri("") }));
    client.tell("initialized", &json!({}));
    // An answer comes when the folder is read.
    client.hover("apps/base/web.yaml", "replicas: 1", 2);
    fs::write(client.at("apps/base/more.yaml"), "a: 1\na: 2\n").unwrap();
    client.diagnostics("apps/base/more.yaml", has("yaml-duplicate-key"));
}

#[test]
fn a_reference_leads_to_what_it_names() {
    let mut client = Client::start();
    let apps = "clusters/fra1/apps.yaml";
    for (path, needle, inside, expected) in [
        (apps, "name: flux-system", 7, vec!["clusters/fra1/source.yaml:3"]),
        (apps, "name: infra", 7, vec!["clusters/fra1/infra.yaml:3"]),
        (apps, "./apps/fra1", 4, vec!["apps/fra1/kustomization.yaml:1"]),
        (apps, "name: keys", 8, vec!["infra/keys.yaml:3"]),
        ("apps/base/web.yaml", "flux-system:web", 3, vec!["infra/policy.yaml:3"]),
        ("apps/base/web.yaml", "name: settings", 8, vec!["apps/base/settings.yaml:3"]),
        ("infra/policy.yaml", "imageRepositoryRef: {name: web", 28, vec!["infra/policy.yaml:10"]),
        ("apps/fra1/kustomization.yaml", "../base", 3, vec!["apps/base/kustomization.yaml:1"]),
        ("apps/fra1/kustomization.yaml", "replicas.yaml", 3, vec!["apps/fra1/replicas.yaml:1"]),
        ("apps/fra1/kustomization.yaml", "name: web", 7, vec!["apps/base/web.yaml:4"]),
        ("apps/fra1/replicas.yaml", "name: web", 7, vec!["apps/base/web.yaml:4"]),
        ("apps/base/kustomization.yaml", "web.yaml", 1, vec!["apps/base/web.yaml:1"]),
        ("apps/base/web.yaml", "replicas: 1", 2, vec![]),
    ] {
        assert_eq!(client.definitions(path, needle, inside), expected, "{path}: {needle}");
    }
}

#[test]
fn a_hover_tells_what_a_field_is_in_each_cluster() {
    let mut client = Client::start();
    let told = client.hover("apps/base/web.yaml", "replicas: 1", 10);
    assert!(told.contains("- `fra1`: `3` — `Deployment web/web` `spec.replicas`, set by a patch"), "{told}");
    assert!(told.contains("apps/fra1/replicas.yaml:4"), "{told}");
    assert!(told.contains("- `nyc1`: `1` — `Deployment web/web` `spec.replicas`"), "{told}");
    let told = client.hover("apps/base/web.yaml", "${tier}", 3);
    assert!(told.contains("- `fra1`: `fra1`") && told.contains("- `nyc1`: `nyc1`"), "{told}");
}

#[test]
fn a_hover_shows_the_rule_and_never_a_secret() {
    let mut client = Client::start();
    for (path, needle, inside) in [("infra/keys.yaml", "hunter2", 2), ("apps/base/web.yaml", "${token}", 3)] {
        let told = client.hover(path, needle, inside);
        assert!(told.contains("(hidden)"), "{path}: {told}");
        assert!(!told.contains("hunter2"), "{path}: {told}");
    }
    client.open("clusters/fra1/apps.yaml");
    let (line, column) = place(APPS, "infra\n");
    client.change("clusters/fra1/apps.yaml", (line, column, column + 5), "infro");
    let told = client.hover("clusters/fra1/apps.yaml", "infra\n", 1);
    assert!(told.contains("**depends-on-missing**") && told.contains("#### What it checks"), "{told}");
}

#[test]
fn names_are_completed_where_they_are_wanted() {
    let mut client = Client::start();
    let apps = "clusters/fra1/apps.yaml";
    client.open(apps);
    let (line, column) = place(APPS, "infra\n");
    assert_eq!(client.labels(apps, (line, column)), ["flux-system", "infra"].split_at(1).1);
    // The value is taken away, and only its key is left.
    client.change(apps, (line, column, column + 5), "");
    assert_eq!(client.labels(apps, (line, column)), ["infra"]);
    let (line, column) = place(APPS, "name: flux-system\n  depends");
    assert_eq!(client.labels(apps, (line, column + 8)), ["flux-system"]);
    let (line, column) = place(WEB, "flux-system:web");
    assert!(client.labels("apps/base/web.yaml", (line, column + 2)).contains(&"flux-system:web:tag".to_owned()));
    let overlay = client.labels("apps/fra1/kustomization.yaml", (1, 5));
    assert!(overlay.contains(&"../base".to_owned()) && overlay.contains(&"../nyc1".to_owned()), "{overlay:?}");
    let (line, column) = place(WEB, "name: settings");
    assert_eq!(client.labels("apps/base/web.yaml", (line, column + 7)), ["settings"]);
}

#[test]
fn a_remedy_is_offered_and_mends_the_file() {
    let mut client = Client::start();
    client.open("clusters/fra1/apps.yaml");
    let (line, column) = place(APPS, "infra\n");
    client.change("clusters/fra1/apps.yaml", (line, column, column + 5), "infar");
    client.diagnostics("clusters/fra1/apps.yaml", has("depends-on-missing"));
    let at = json!({ "line": line, "character": column + 1 });
    let uri = client.uri("clusters/fra1/apps.yaml");
    let params = json!({
        "textDocument": { "uri": uri }, "range": { "start": at, "end": at }, "context": { "diagnostics": [] },
    });
    let answer = client.ask("textDocument/codeAction", &params);
    let actions = answer["result"].as_array().unwrap();
    assert!(!actions.is_empty(), "{answer}");
    assert_eq!(actions[0]["kind"], "quickfix");
    let edit = &actions[0]["edit"]["changes"][&uri][0];
    assert_eq!(edit["newText"], "infra", "{edit}");
    assert_eq!(edit["range"]["start"], json!({ "line": line, "character": column }));
}

#[test]
fn two_folders_are_two_repositories_and_one_can_be_closed() {
    let mut client = Client::start();
    let other = TempDir::new().unwrap();
    fs::write(other.path().join("a.yaml"), "a: 1\na: 2\n").unwrap();
    let uri = format!("file://{}", other.path().display());
    let folder = json!({ "uri": uri, "name": "other" });
    let added = json!({ "event": { "added": [folder], "removed": [] } });
    client.tell("workspace/didChangeWorkspaceFolders", &added);
    let file = format!("{uri}/a.yaml");
    let told = |client: &mut Client, count: usize| {
        let deadline = Instant::now() + PATIENCE;
        let is_it = |message: &Value| {
            let params = &message["params"];
            params["uri"] == json!(file) && params["diagnostics"].as_array().is_some_and(|found| found.len() == count)
        };
        while !client.heard.iter().any(is_it) {
            assert!(Instant::now() < deadline, "{:?}", client.heard);
            client.heard.extend(client.messages.recv_timeout(Duration::from_secs(1)));
        }
    };
    told(&mut client, 1);
    client.tell("workspace/didChangeWorkspaceFolders", &json!({ "event": { "added": [], "removed": [folder] } }));
    told(&mut client, 0);
}

#[test]
fn what_is_malformed_is_answered_with_an_error_and_the_server_goes_on() {
    let mut client = Client::start();
    client.send(b"Content-Length: 3\r\n\r\n{]}");
    client.send(b"Content-Length: 2\r\n\r\n[]");
    client.tell("textDocument/didOpen", &json!({ "textDocument": 5 }));
    client.tell(
        "textDocument/didChange",
        &json!({ "textDocument": { "uri": "file:///nowhere", "version": 1 }, "contentChanges": [{ "text": "" }] }),
    );
    client.tell("$/anything", &Value::Null);
    let answer = client.ask("textDocument/hover", &json!({ "position": "here" }));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let answer = client.ask("textDocument/nothing", &json!({}));
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    let far = client.ask_at("textDocument/hover", "apps/base/web.yaml", (4_000_000_000, 4_000_000_000));
    assert_eq!(far, Value::Null);
    let parse_errors = client.heard.iter().filter(|message| message["error"]["code"] == -32700).count();
    assert_eq!(parse_errors, 2, "{:?}", client.heard);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn the_exit_code_says_whether_the_client_said_goodbye() {
    let mut client = Client::silent();
    let answer = client.ask("textDocument/hover", &json!({}));
    assert_eq!(answer["error"]["code"], -32002, "{answer}");
    client.tell("exit", &Value::Null);
    assert_eq!(client.child.wait().unwrap().code(), Some(1));

    let mut client = Client::start();
    client.stdin = None;
    assert_eq!(client.child.wait().unwrap().code(), Some(1));

    let mut client = Client::start();
    client.ask("shutdown", &Value::Null);
    let answer = client.ask("textDocument/hover", &json!({}));
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    client.tell("exit", &Value::Null);
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let mut client = Client::silent();
    let nowhere = Path::new("/no/such/folder");
    let folder = json!({ "uri": format!("file://{}", nowhere.display()), "name": "x" });
    client.ask("initialize", &json!({ "capabilities": {}, "workspaceFolders": [folder] }));
    client.tell("initialized", &json!({}));
    let shown = client.messages.recv_timeout(PATIENCE).unwrap();
    assert_eq!(shown["method"], "window/showMessage");
    assert!(shown["params"]["message"].as_str().unwrap().contains("/no/such/folder"), "{shown}");
    assert_eq!(client.end(), Some(0));
}
