//! What a run of image automation writes at the markers.
//!
//! Two answers: the bytes that image-automation-controller would commit, which prints each changed file anew, and an
//! edit of the values alone. A file on which both agree is *format-stable*: the automation's commits are one-line diffs.
//!
//! Source: image-automation-controller 1.2, `internal/update`; kyaml 0.21, `setters2`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::image::reference::ImageRef;
use crate::kube::NamespacedName;
use crate::text::{FileSet, RepoPath, SourceId, Span, spliced};
use crate::yaml::{self, EditRefusal, Kind, Node, Reach, ReemitError, Reemitted, Scalar, SetScalar, Settable};

/// A file without these bytes is not read.
pub(super) const SCREEN: &str = "\"$imagepolicy\"";
const KEY: &str = "$imagepolicy";
/// The long form of a reference to a setter.
const LONG_FORM: &str = "#/definitions/io.k8s.cli.setters.";

/// How changed files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As image-automation-controller prints them.
    Flux,
    /// Only the values change: each that has a marker, those of repeated keys too, which Flux passes over.
    #[default]
    Edit,
}

impl Mode {
    /// Returns whether a value that kyaml reaches so is set.
    pub(super) fn sets(self, reach: Reach) -> bool {
        self == Self::Edit || reach == Reach::Visited
    }
}

/// Why a whole run fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// A policy's image is none that registries take, even if no marker asks for it.
    #[error("encountered invalid image ref \"{0}\": could not parse reference: {0}")]
    InvalidRef(String),
    /// `update.path` is not there.
    #[error("find the update path `{0}`")]
    NoPath(RepoPath),
}

/// One value that a run gives another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The reference of its marker: `namespace:policy[:field]`.
    pub setter: String,
    /// The text before.
    pub old: String,
    /// The text after.
    pub new: String,
    /// Where the value stands, in the text before.
    pub span: Span,
}

/// A file that a run changes or makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUpdate {
    /// What it holds after the run.
    pub text: String,
    /// What changed, in the order of the text.
    pub changes: Vec<Change>,
    /// Values that an edit cannot change, and why.
    pub refused: Vec<EditRefusal>,
}

/// What a run does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Files by path; those that stay are not listed.
    pub files: BTreeMap<RepoPath, FileUpdate>,
    /// Files with a marker that the automation passes over without a word, and why.
    pub skipped: BTreeMap<RepoPath, ReemitError>,
    /// Files with a marker at a key that stands in its mapping before: Flux sets the first value alone.
    pub repeated: BTreeSet<RepoPath>,
}

/// The policies that a run knows, with the image that each selected.
#[derive(Debug, Clone, Default)]
pub struct Setters {
    values: BTreeMap<String, String>,
    invalid: Option<String>,
}

impl Setters {
    /// Returns the setters of `policies`: four for each.
    pub fn new<'a>(policies: impl IntoIterator<Item = (&'a NamespacedName, &'a ImageRef)>) -> Self {
        let mut setters = Self::default();
        for (name, image) in policies {
            if !image.is_valid() && setters.invalid.is_none() {
                setters.invalid = Some(image.to_string());
            }
            let key = format!("{}:{}", name.namespace, name.name);
            setters.values.insert(format!("{key}:tag"), image.tag.clone());
            setters.values.insert(format!("{key}:name"), image.name.clone());
            setters.values.insert(format!("{key}:digest"), image.digest.clone());
            setters.values.insert(key, image.to_string());
        }
        setters
    }

    /// Returns the setter that the comment names, with its value.
    fn find(&self, comment: &str) -> Option<(String, &str)> {
        let reference = reference(comment)?;
        let value = self.values.get(&reference)?;
        Some((reference, value))
    }

    fn of_scalar(&self, scalar: &Settable<'_>) -> Option<(String, &str)> {
        // A line comment that is no marker hides the comment above.
        let comment = if scalar.line_comment.is_empty() { scalar.head_comment } else { scalar.line_comment };
        self.find(comment)
    }
}

/// Returns the reference that a comment makes to a setter, as kyaml reads it: one JSON object of texts.
pub(super) fn reference(comment: &str) -> Option<String> {
    let object: BTreeMap<String, String> = serde_json::from_str(comment.trim_start_matches('#').trim()).ok()?;
    if let Some(value) = object.get(KEY).filter(|value| !value.is_empty()) {
        return Some(percent_decoded(value));
    }
    object.get("$ref")?.strip_prefix(LONG_FORM).map(str::to_owned)
}

/// kyaml reads the reference as the fragment of a URL.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            }
            _ => None,
        };
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns whether the automation looks into a file of this name at all.
pub fn is_read_by_setters(path: &RepoPath) -> bool {
    // The case of the ending counts.
    path.name() == "Kustomization" || matches!(path.name().rsplit_once('.'), Some((_, "yaml" | "yml")))
}

/// Returns whether the automation reads a file with this text: it holds the key of a marker in double quotes.
pub fn passes_screen(text: &str) -> bool {
    text.contains(SCREEN)
}

/// Returns whether printing `text` anew gives `text`: then the automation's commits change one line for each marker.
///
/// # Errors
/// When the automation cannot read it, and so passes over it.
pub fn is_format_stable(text: &str) -> Result<bool, ReemitError> {
    Ok(yaml::reemit(text)? == text)
}

/// Returns what a run does that reads the files below `path` (a directory or a file) and knows `setters`.
///
/// # Errors
/// When the run would fail and change nothing.
pub fn update(files: &FileSet, path: &RepoPath, setters: &Setters, mode: Mode) -> Result<Update, UpdateError> {
    if let Some(image) = &setters.invalid {
        return Err(UpdateError::InvalidRef(image.clone()));
    }
    if !files.is_dir(path) && !files.is_file(path) {
        return Err(UpdateError::NoPath(path.clone()));
    }
    let mut out = Update::default();
    let own = files.id(path).map(|id| (path, id));
    for (file, source) in files.below(path).chain(own) {
        let Some(text) = files.text(file).filter(|text| is_read_by_setters(file) && passes_screen(text)) else {
            continue;
        };
        let is_repeated = Cell::new(false);
        let found = yaml::reemit_with(text, &|scalar| {
            let (_, value) = setters.of_scalar(&scalar)?;
            is_repeated.set(is_repeated.get() || scalar.reach == Reach::Repeated);
            mode.sets(scalar.reach).then(|| value.to_owned())
        });
        if is_repeated.get() {
            out.repeated.insert(file.clone());
        }
        match found {
            Err(error) => {
                out.skipped.insert(file.clone(), error);
            }
            Ok(printed) if printed.changes.is_empty() => {}
            Ok(printed) => write((file, source, text), path, printed, (setters, mode), &mut out),
        }
    }
    Ok(out)
}

fn write(
    file: (&RepoPath, SourceId, &str),
    root: &RepoPath,
    printed: Reemitted,
    run: (&Setters, Mode),
    out: &mut Update,
) {
    let (path, source, text) = file;
    let (setters, mode) = run;
    let changes: Vec<Change> = printed.changes.iter().map(|change| recorded(change, source, setters)).collect();
    match (mode, printed.items) {
        (Mode::Flux, Some(items)) => {
            let directory = if root == path { path.parent() } else { root.clone() };
            for item in items {
                let Ok(target) = directory.join(&item.path) else { continue };
                let update = FileUpdate { text: item.text, changes: changes.clone(), refused: Vec::new() };
                out.files.insert(target, update);
            }
        }
        (Mode::Flux, None) => {
            out.files.insert(path.clone(), FileUpdate { text: printed.text, changes, refused: Vec::new() });
        }
        (Mode::Edit, _) => {
            out.files.insert(path.clone(), edited(text, source, &printed.changes, changes));
        }
    }
}

/// Returns the text with only the values changed.
fn edited(text: &str, source: SourceId, set: &[SetScalar], changes: Vec<Change>) -> FileUpdate {
    let mut update = FileUpdate { text: text.to_owned(), changes: Vec::new(), refused: Vec::new() };
    let mut edits = Vec::new();
    for (scalar, change) in set.iter().zip(changes) {
        let value = Scalar {
            text: scalar.old.as_str().into(),
            style: scalar.style,
            tag: scalar.tag.as_deref().map(Into::into),
        };
        let node = Node::new(Kind::Scalar(value), Span::new(source, scalar.start..scalar.end));
        match yaml::replace_scalar(text, &node, &scalar.new) {
            Ok(edit) => {
                edits.push(edit);
                update.changes.push(change);
            }
            Err(refusal) => update.refused.push(refusal),
        }
    }
    let replacements = edits.iter().map(|edit| (edit.span.range(), edit.replacement.as_str()));
    if let Some(text) = spliced(text, replacements) {
        return FileUpdate { text, ..update };
    }
    // Two setters for one value: none of them is right.
    update.refused.extend(edits.iter().map(|edit| EditRefusal::NotInText(edit.span)));
    FileUpdate { changes: Vec::new(), ..update }
}

fn recorded(change: &SetScalar, source: SourceId, setters: &Setters) -> Change {
    // The value tells its setter only where no two policies have one value: the comment is asked again.
    let setter = change.comment.as_deref().and_then(|comment| setters.find(comment)).map(|(setter, _)| setter);
    Change {
        setter: setter.unwrap_or_default(),
        old: change.old.clone(),
        new: change.new.clone(),
        span: Span::new(source, change.start..change.end),
    }
}
