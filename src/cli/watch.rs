//! Waiting for files to change.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use notify::Watcher as _;
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode};

use crate::cli::console::Console;
use crate::cli::workspace::Workspace;
use crate::cli::{CliError, Ended};
use crate::repo::{Changes, Repo};
use crate::text::{self, SourceFile};

/// How long nothing may happen before a burst of changes counts as over: editors write, rename and touch in turn.
const QUIET: Duration = Duration::from_millis(20);
/// How long a burst may last.
const LONGEST: Duration = Duration::from_millis(500);
/// How often a tree is looked at where the system does not tell.
const POLL: Duration = Duration::from_secs(1);
/// Files that are named after a change.
const NAMED: usize = 3;

/// How changes become known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Notice {
    /// The operating system tells; where it cannot, as `poll`
    Events,
    /// By looking every second
    Poll,
}

/// Watches every directory of a tree that holds manifests, each by itself: caches and version control are none.
pub(super) struct Watcher {
    inner: Box<dyn notify::Watcher + Send>,
}

impl Watcher {
    /// Watches the tree at `root`; every change is sent as the paths that may differ. The second value says why the
    /// system cannot tell of changes, where it has to be asked every second instead.
    pub(super) fn new(
        root: &Path,
        notice: Notice,
        send: impl Fn(Vec<PathBuf>) + Clone + Send + 'static,
    ) -> Result<(Self, Option<String>), CliError> {
        let handler = || {
            let (send, root) = (send.clone(), root.to_owned());
            move |event| {
                let paths = paths(event, &root);
                if !paths.is_empty() {
                    send(paths);
                }
            }
        };
        let mut why = None;
        if notice == Notice::Events {
            let told = RecommendedWatcher::new(handler(), Config::default()).and_then(|inner| Self::over(inner, root));
            match told {
                Ok(watcher) => return Ok((watcher, None)),
                Err(error) => why = Some(error.to_string()),
            }
        }
        // Times of files are compared by the second: two changes in one are told apart by what the file holds.
        let config = Config::default().with_poll_interval(POLL).with_compare_contents(true).with_follow_symlinks(false);
        let asked = PollWatcher::new(handler(), config).and_then(|inner| Self::over(inner, root));
        match asked {
            Ok(watcher) => Ok((watcher, why)),
            Err(source) => Err(CliError::Watch { path: root.to_owned(), source }),
        }
    }

    fn over(inner: impl notify::Watcher + Send + 'static, root: &Path) -> notify::Result<Self> {
        let mut watcher = Self { inner: Box::new(inner) };
        watcher.follow(root)?;
        Ok(watcher)
    }

    /// Watches what is below `path` too, where it is a directory: one that was made or moved here.
    pub(super) fn follow(&mut self, path: &Path) -> notify::Result<()> {
        if !path.is_dir() {
            return Ok(());
        }
        text::directories(path)
            .iter()
            .try_for_each(|directory| self.inner.watch(directory, RecursiveMode::NonRecursive))
    }
}

/// Returns the paths that may differ after `event`: the whole tree where events were lost.
fn paths(event: notify::Result<Event>, root: &Path) -> Vec<PathBuf> {
    match event {
        Ok(event) if event.need_rescan() => vec![root.to_owned()],
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => Vec::new(),
        Ok(event) => event.paths,
        Err(error) if error.paths.is_empty() => vec![root.to_owned()],
        Err(error) => error.paths,
    }
}

/// Shows `workspace`, and again after every change; `started` is when reading it began. Returns only when it cannot go on.
pub(super) fn changes(
    workspace: &mut Workspace,
    notice: Notice,
    console: &Console,
    started: Instant,
    show: impl Fn(&Workspace, &str, Instant) -> Result<(), CliError>,
) -> Result<Ended, CliError> {
    let (sender, receiver) = mpsc::channel();
    // Nobody receives any more only when this process ends.
    let send = move |paths| drop(sender.send(paths));
    let (mut watcher, why) = Watcher::new(workspace.root(), notice, send)?;
    if let Some(why) = why {
        console.say(&format!("looking every second: the system does not tell of changes ({why})"));
    }
    show(workspace, "read", started)?;
    while let Some(paths) = next_burst(&receiver) {
        let started = Instant::now();
        for path in &paths {
            // A directory that is gone again by now has nothing to watch.
            drop(watcher.follow(path));
        }
        let edits: Vec<_> = paths.iter().flat_map(|path| workspace.on_disk(path)).collect();
        let changes = workspace.update(edits);
        if !changes.is_empty() {
            show(workspace, &describe(&changes, workspace.session().repo()), started)?;
        }
    }
    Ok(Ended::Clean)
}

/// Waits for changes and returns all of a burst, sorted, each path once.
fn next_burst(receiver: &Receiver<Vec<PathBuf>>) -> Option<Vec<PathBuf>> {
    let mut paths = receiver.recv().ok()?;
    let first = Instant::now();
    while first.elapsed() < LONGEST {
        match receiver.recv_timeout(QUIET) {
            Ok(more) => paths.extend(more),
            Err(_) => break,
        }
    }
    paths.sort();
    paths.dedup();
    Some(paths)
}

/// Returns what changed, for people: `apps/web.yaml changed`.
fn describe(changes: &Changes, repo: &Repo) -> String {
    let edited = changes.files.iter().filter_map(|id| repo.source(*id)).map(SourceFile::path);
    let edited = edited.filter(|path| !changes.removed.contains(*path)).map(|path| format!("{path} changed"));
    let added = changes.added.iter().map(|path| format!("{path} is new"));
    let removed = changes.removed.iter().map(|path| format!("{path} is gone"));
    let all: Vec<String> = edited.chain(added).chain(removed).collect();
    match all.len().saturating_sub(NAMED) {
        0 => all.join(", "),
        more => format!("{} and {more} more", all[..NAMED].join(", ")),
    }
}
