//! Builds mutated kustomizations beside `kubectl kustomize`: `cargo run --example differential -- [COUNT] [SEED] [DIR]`.
//!
//! Seeds are the cases of `tests/recorded`, and where they are at hand the recorded cases and repositories of
//! `$GITOPS_GEN_CONFORMANCE`. One run makes the same mutants as another of the same seed. A mutant that the two build
//! otherwise is written to `DIR/SEED-NUMBER` (by default `fuzz/artifacts/differential`), with both outputs.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use gitops_gen::kustomize::{self, Mode};
use gitops_gen::repo::Repo;
use gitops_gen::text::{Content, FileSet, RepoPath, read_tree, write_tree};
use gitops_gen::yaml::{self, Entry, Key, Kind, Node};

/// Fields that a mutant's kustomization file gets.
const FIELDS: &[&str] = &[
    "namespace: mutant",
    "namePrefix: pre-",
    "nameSuffix: -post",
    "commonAnnotations: {example.com/a: 'true', example.com/b: x}",
    "labels: [{pairs: {team: a, tier: '1'}}]",
    "labels: [{pairs: {team: a}, includeSelectors: true}]",
    "labels: [{pairs: {team: a}, includeTemplates: true}]",
    "replicas: [{name: app, count: 3}]",
    "images: [{name: nginx, newTag: '2'}]",
    "images: [{name: ghcr.io/stefanprodan/podinfo, newName: example.com/app, digest: sha256:ab}]",
    "patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /metadata/labels, value: {a: b}}]'}]",
    "patches: [{target: {kind: 'S.*'}, patch: '{metadata: {annotations: {a: b, c: null}}}'}]",
    "patches: [{target: {}, patch: '{metadata: {labels: {z: 0o7}}}'}]",
    "patches: [{target: {kind: Deployment}, patch: '{spec: {template: {spec: {containers: [{name: x, image: y}]}}}}'}]",
    "configMapGenerator: [{name: made, literals: [a=b, 'c=d e']}]",
    "secretGenerator: [{name: made, literals: [a=b], type: x}]",
    "generatorOptions: {disableNameSuffixHash: true, labels: {made: 'yes'}}",
    "replacements: [{source: {kind: Service, fieldPath: metadata.name}, targets: [{select: {kind: Deployment}, \
     fieldPaths: [metadata.annotations.of], options: {create: true}}]}]",
    "sortOptions: {order: fifo}",
    "buildMetadata: [originAnnotations, managedByLabel]",
];
/// Texts that a scalar becomes.
const TEXTS: &[&str] =
    &["", "null", "true", "yes", "0755", "1e3", "a: b", "x\ny\n", "*", "default", "~", "- a", "#", "é"];

/// Numbers that look drawn and are the same for a seed (Source: Vigna, `splitmix64`).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn one_of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// A repository and a directory of it that kustomize builds.
struct Seed {
    files: Arc<FileSet>,
    directory: RepoPath,
}

/// How a mutant was built by both.
enum Verdict {
    Same,
    BothRefuse,
    /// It needs the network, or more than this machine can tell.
    Unknown,
    Different {
        ours: String,
        theirs: String,
    },
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse::<u64>());
    let (Ok(count), Ok(seed)) = (number(300), number(1)) else {
        say("usage: differential [COUNT] [SEED] [DIR]");
        return ExitCode::from(2);
    };
    let kept = arguments.next().unwrap_or_else(|| "fuzz/artifacts/differential".to_owned());
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        say("skipped: kubectl is missing, there is nothing to compare with");
        return ExitCode::SUCCESS;
    }
    match run(count, seed, Path::new(&kept)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            say(&format!("failed to compare: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Compares `count` mutants and returns how many differ.
fn run(count: u64, seed: u64, kept: &Path) -> io::Result<usize> {
    let seeds = seeds();
    let mut draw = Draw(seed);
    let (mut same, mut refused, mut unknown, mut different) = (0, 0, 0, 0);
    for number in 0..count {
        let Some((files, directory, what)) = mutant(draw.one_of(&seeds), &mut draw) else { continue };
        match compare(&files, &directory)? {
            Verdict::Same => same += 1,
            Verdict::BothRefuse => refused += 1,
            Verdict::Unknown => unknown += 1,
            Verdict::Different { ours, theirs } => {
                different += 1;
                let at = kept.join(format!("{seed}-{number}"));
                say(&format!("{}: `{directory}` after {}", at.display(), what.join(", ")));
                if at.exists() {
                    fs::remove_dir_all(&at)?;
                }
                write_tree(&at.join("in"), &files).map_err(io::Error::other)?;
                fs::write(at.join("directory"), directory.as_str())?;
                fs::write(at.join("ours"), ours)?;
                fs::write(at.join("theirs"), theirs)?;
            }
        }
    }
    say(&format!(
        "seed {seed}: {same} the same, {refused} refused by both, {unknown} not comparable, {different} differ"
    ));
    Ok(different)
}

fn seeds() -> Vec<Seed> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let conformance =
        std::env::var_os("GITOPS_GEN_CONFORMANCE").map_or_else(|| package.join("../shared/conformance"), PathBuf::from);
    let mut roots: Vec<PathBuf> = Vec::new();
    for folder in [package.join("tests/recorded"), conformance.join("kustomize/micro"), conformance.join("../corpus")] {
        let found = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        roots.extend(found.filter(|path| path.is_dir() && !path.ends_with("expected")));
    }
    roots.sort();
    let mut seeds = Vec::new();
    for root in roots {
        let root = if root.join("in").is_dir() { root.join("in") } else { root };
        let Ok(read) = read_tree(&root) else { continue };
        let files = Arc::new(read.files);
        let directories = files.iter().filter(|(path, _)| kustomize::FILE_NAMES.contains(&path.name()));
        for directory in directories.map(|(path, _)| path.parent()) {
            seeds.push(Seed { files: Arc::clone(&files), directory });
        }
    }
    seeds
}

/// Returns the files that a build of the seed reads, one or two mutations later, and what these did.
fn mutant(seed: &Seed, draw: &mut Draw) -> Option<(FileSet, RepoPath, Vec<String>)> {
    let repo = Repo::new((*seed.files).clone());
    let build = kustomize::build(&repo, repo.files(), &seed.directory, Mode::Flux, None);
    if !build.outside.is_empty() {
        return None;
    }
    let source = |id| repo.source(id).map(|file| (file.path().clone(), file.content().clone()));
    let mut contents: BTreeMap<RepoPath, Content> = build.files.iter().copied().filter_map(source).collect();
    let paths: Vec<RepoPath> = contents.keys().filter(|path| is_yaml(path)).cloned().collect();
    let kustomizations: Vec<RepoPath> =
        paths.iter().filter(|path| kustomize::FILE_NAMES.contains(&path.name())).cloned().collect();
    if kustomizations.is_empty() {
        return None;
    }
    let mut what = Vec::new();
    for _ in 0..=draw.below(2) {
        // What kustomization files say is the matter; a third of the mutations are in what they name.
        let path = if draw.below(3) > 0 { draw.one_of(&kustomizations) } else { draw.one_of(&paths) };
        let Some(Content::Text(text)) = contents.get(path) else { continue };
        let Some((text, did)) = mutate(text, kustomizations.contains(path), draw) else { continue };
        what.push(format!("{did} in {path}"));
        contents.insert(path.clone(), Content::Text(text.into()));
    }
    (!what.is_empty()).then(|| (FileSet::from_contents(contents), seed.directory.clone(), what))
}

fn is_yaml(path: &RepoPath) -> bool {
    path.is_yaml() || kustomize::FILE_NAMES.contains(&path.name())
}

/// Returns `text` with one thing changed, and what that was.
fn mutate(text: &str, is_kustomization: bool, draw: &mut Draw) -> Option<(String, &'static str)> {
    let mut roots = parse(text);
    let at = draw.below(roots.len());
    let root = roots.get_mut(at)?;
    let did = if is_kustomization && draw.below(2) == 0 {
        add_field(root, FIELDS[draw.below(FIELDS.len())])
    } else {
        let mut left = draw.below(places(root));
        change(nth(root, &mut left)?, draw)
    }?;
    let printed = yaml::emit_documents(&roots).ok()?;
    Some((printed, did))
}

fn parse(text: &str) -> Vec<Node> {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let source = files.iter().next().map(|(_, source)| source);
    let parsed = source.map(|source| yaml::parse(source, text)).filter(|parsed| parsed.diagnostics.is_empty());
    parsed.into_iter().flat_map(|parsed| parsed.documents).map(|document| document.root).collect()
}

/// Adds `field` to the kustomization file; a list goes to the end of the one that is there.
fn add_field(root: &mut Node, field: &str) -> Option<&'static str> {
    let added = parse(field).into_iter().next()?;
    let entry = added.as_map()?.entries().first()?;
    let map = root.as_map_mut()?;
    match (map.get_mut(entry.key.text()).and_then(Node::as_sequence_mut), entry.value.as_sequence()) {
        (Some(old), Some(new)) => old.to_mut().extend_from_slice(new),
        _ => map.set(entry.key.text(), entry.value.clone()),
    }
    Some("a field more")
}

/// Returns how many nodes there are below `node`, itself counted.
fn places(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::Sequence(items) => items.iter().map(places).sum(),
        Kind::Map(map) => map.iter().map(|entry| places(&entry.value)).sum(),
    }
}

/// Returns the node that is `left` nodes behind `node`.
fn nth<'n>(node: &'n mut Node, left: &mut usize) -> Option<&'n mut Node> {
    if *left == 0 {
        return Some(node);
    }
    *left -= 1;
    match &mut node.kind {
        Kind::Scalar(_) => None,
        Kind::Sequence(items) => items.make_mut().iter_mut().find_map(|item| nth(item, left)),
        Kind::Map(map) => map.entries_mut().iter_mut().find_map(|entry| nth(&mut entry.value, left)),
    }
}

fn change(node: &mut Node, draw: &mut Draw) -> Option<&'static str> {
    match &mut node.kind {
        Kind::Scalar(scalar) => {
            scalar.text = (*draw.one_of(TEXTS)).into();
            Some("another text")
        }
        Kind::Sequence(items) => change_list(items.to_mut(), draw),
        Kind::Map(map) => change_map(map.to_mut(), draw),
    }
}

fn change_list(items: &mut Vec<Node>, draw: &mut Draw) -> Option<&'static str> {
    let at = draw.below(items.len());
    let item = items.get(at)?.clone();
    match draw.below(3) {
        0 => {
            items.remove(at);
            Some("an item less")
        }
        1 => {
            items.insert(draw.below(items.len() + 1), item);
            Some("an item twice")
        }
        _ => {
            items.rotate_left(at.max(1));
            Some("items in another order")
        }
    }
}

fn change_map(entries: &mut Vec<Entry>, draw: &mut Draw) -> Option<&'static str> {
    let at = draw.below(entries.len());
    let entry = entries.get(at)?.clone();
    match draw.below(3) {
        0 => {
            entries.remove(at);
            Some("a field less")
        }
        1 => {
            let key = Key::string(format!("{}x", entry.key.text()), entry.key.span());
            entries.push(Entry { key, ..entry });
            Some("a field under another name too")
        }
        _ => {
            let other = draw.below(entries.len());
            entries[other].value = entry.value;
            Some("the value of another field")
        }
    }
}

fn compare(files: &FileSet, directory: &RepoPath) -> io::Result<Verdict> {
    let repo = Repo::new(files.clone());
    let build = kustomize::build(&repo, repo.files(), directory, Mode::Kustomize, None);
    if !build.outside.is_empty() {
        return Ok(Verdict::Unknown);
    }
    let ours = if build.is_clean() { build.yaml().map_err(|error| error.to_string()) } else { Err(reasons(&build)) };
    let at = std::env::temp_dir().join(format!("gitops-gen-differential-{}", std::process::id()));
    write_tree(&at, files).map_err(io::Error::other)?;
    let theirs = Command::new("kubectl").arg("kustomize").arg(at.join(directory.as_str())).output();
    fs::remove_dir_all(&at)?;
    let theirs = theirs?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let theirs = if theirs.status.success() { Ok(text(&theirs.stdout)) } else { Err(text(&theirs.stderr)) };
    Ok(match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Verdict::Same,
        (Err(_), Err(_)) => Verdict::BothRefuse,
        (ours, theirs) => {
            let text = |side: Result<String, String>| side.unwrap_or_else(|reason| format!("refused: {reason}\n"));
            Verdict::Different { ours: text(ours), theirs: text(theirs) }
        }
    })
}

fn reasons(build: &kustomize::Build) -> String {
    build.diagnostics.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
}

#[expect(clippy::print_stdout, reason = "a program of its own, which talks to the person who runs it")]
fn say(talk: &str) {
    println!("{talk}");
}
