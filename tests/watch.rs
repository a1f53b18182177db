//! `validate --watch` as somebody at a terminal meets it: a real process, real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::iter;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How long a process on a busy machine may take for what it does in milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that watches a directory; it ends with the test.
struct Watch {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Watch {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gitops-gen"))
            .arg("validate")
            .arg(directory)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Waits for a report; returns its lines and what was said after it.
    fn report(&self) -> (String, String) {
        let mut report = String::new();
        loop {
            let line = self.stdout.recv_timeout(PATIENCE).unwrap();
            report += &line;
            report.push('\n');
            if line.starts_with("checked: ") {
                break;
            }
        }
        (report, self.stderr.recv_timeout(PATIENCE).unwrap())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Returns a directory with one Service that is right.
fn tree() -> TempDir {
    let root = TempDir::new().unwrap();
    fs::create_dir(root.path().join("apps")).unwrap();
    fs::write(root.path().join("apps/web.yaml"), "kind: Service\n").unwrap();
    root
}

fn sees_every_kind_of_change(how: &str) {
    let root = tree();
    let at = |path: &str| root.path().join(path);
    let watch = Watch::start(root.path(), &[how, "--exclude", "*.txt"]);
    let (report, said) = watch.report();
    assert!(report.contains("no findings"), "{report}");
    assert!(said.starts_with("read, checked in ") && said.ends_with(" ms; waiting for changes"), "{said}");

    fs::write(at("apps/notes.txt"), "kind: Service\n").unwrap();
    fs::write(at("apps/web.yaml"), "kind: Service\nkind: Service\n").unwrap();
    let (report, said) = watch.report();
    assert!(report.contains("error[yaml-duplicate-key]"), "{report}");
    assert!(said.starts_with("apps/web.yaml changed, checked in "), "{said}");

    // As many editors save: a new file takes the place of the old one.
    fs::write(at("apps/web.yaml~"), "kind: Service # mended\n").unwrap();
    fs::rename(at("apps/web.yaml~"), at("apps/web.yaml")).unwrap();
    let mut report = watch.report();
    while report.0.contains("error[") {
        report = watch.report();
    }
    assert!(report.0.contains("no findings"), "{report:?}");

    // A directory that comes as a whole, and is watched from then on.
    let elsewhere = TempDir::new_in(root.path().parent().unwrap()).unwrap();
    fs::create_dir(elsewhere.path().join("more")).unwrap();
    fs::write(elsewhere.path().join("more/a.yaml"), "a: 1\na: 2\n").unwrap();
    fs::rename(elsewhere.path().join("more"), at("more")).unwrap();
    let mut report = watch.report();
    while !report.0.contains("more/a.yaml") {
        report = watch.report();
    }
    fs::write(at("more/a.yaml"), "a: 1\n").unwrap();
    while report.0.contains("more/a.yaml") {
        report = watch.report();
    }
    fs::write(at("more/a.yaml"), "b: 1\nb: 2\n").unwrap();
    while !report.0.contains("more/a.yaml") {
        report = watch.report();
    }
    fs::remove_dir_all(at("more")).unwrap();
    while !report.1.contains("more/a.yaml is gone") {
        report = watch.report();
    }
    assert!(report.0.contains("no findings"), "{report:?}");
}

#[test]
fn a_change_that_the_system_tells_of_is_checked_at_once() {
    sees_every_kind_of_change("--watch");
}

#[test]
fn a_change_is_found_by_looking_where_the_system_does_not_tell() {
    sees_every_kind_of_change("--watch=poll");
}

#[test]
fn what_changes_nothing_is_not_reported() {
    let root = tree();
    let watch = Watch::start(root.path(), &["--watch", "--exclude", "*.new"]);
    watch.report();
    // In one step each, since a file that is written in place is empty for a moment.
    for text in ["kind: Service\n", "kind: ConfigMap\n"] {
        fs::write(root.path().join("web.new"), text).unwrap();
        fs::rename(root.path().join("web.new"), root.path().join("apps/web.yaml")).unwrap();
    }
    let (_, said) = watch.report();
    assert!(said.starts_with("apps/web.yaml changed"), "{said}");
    // The end of that report, and not another one.
    let more = iter::from_fn(|| watch.stdout.recv_timeout(Duration::from_millis(600)).ok());
    assert!(!more.into_iter().any(|line| line.starts_with("checked: ")));
}

#[test]
fn a_cluster_that_is_not_there_ends_it_before_it_begins() {
    let root = tree();
    let mut watch = Watch::start(root.path(), &["--watch", "--cluster", "fra1"]);
    assert!(watch.stderr.recv_timeout(PATIENCE).unwrap().contains("find cluster `fra1`"));
    assert_eq!(watch.child.wait().unwrap().code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_as_it_ends_any_program() {
    use std::os::unix::process::ExitStatusExt as _;

    let root = tree();
    let mut watch = Watch::start(root.path(), &["--watch"]);
    watch.report();
    let process = watch.child.id().to_string();
    // Not INT: what a shell starts in the background ignores it, and so does whatever that starts.
    assert!(Command::new("kill").args(["-s", "TERM", &process]).status().unwrap().success());
    let status = watch.child.wait().unwrap();
    assert_eq!(status.signal(), Some(15), "{status:?}");
}
