//! The values that the setter reaches, file by file.

use std::cell::RefCell;

use crate::image::marker::{Field, Marker, Marking, marking_of};
use crate::image::setters::{Mode, SCREEN, is_read_by_setters, reference};
use crate::kube::NamespacedName;
use crate::repo::Repo;
use crate::text::{RepoPath, SourceId, Span};
use crate::yaml::{self, Dialect, Reach, ReemitError, Style, Typed};

/// A scalar whose marker works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The policy that the marker names.
    pub policy: NamespacedName,
    /// The part of the reference that it asks for.
    pub field: Field,
    /// Where the scalar stands.
    pub span: Span,
    /// Its text.
    pub text: String,
    /// How it is written.
    pub style: Style,
    /// Whether Flux sets it.
    pub reach: Reach,
}

impl Marked {
    /// Returns whether the value is read as anything but a text: without quotes its type would stay when it changes.
    pub fn is_no_text(&self) -> bool {
        self.style == Style::Plain && Dialect::KustomizeV3.resolve_plain(&self.text) != Typed::String
    }

    /// Returns the tag that the value names, where it names one.
    pub fn tag(&self) -> Option<&str> {
        match self.field {
            Field::Tag => Some(&self.text),
            Field::Reference => {
                let name = self.text.split('@').next()?;
                name.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'))
            }
            Field::Name | Field::Digest => None,
        }
    }
}

/// What the setter makes of a file that holds a marker.
#[derive(Debug, Clone)]
pub struct MarkedFile {
    /// The file.
    pub path: RepoPath,
    /// Its number in the table of sources.
    pub source: SourceId,
    /// The values that its markers reach, in order, and the text as Flux prints it; or why it is passed over.
    pub read: Result<ReadFile, ReemitError>,
}

/// A file that the setter reads.
#[derive(Debug, Clone)]
pub struct ReadFile {
    /// In the order of the text.
    pub values: Vec<Marked>,
    /// The text as Flux prints it when a value changes; nothing where that is the text itself.
    pub reprinted: Option<String>,
}

/// Returns every file of `repo` that the setter looks at and that holds a marker, by path, with the values that `mode`
/// sets.
pub fn marked_files(repo: &Repo, mode: Mode) -> Vec<MarkedFile> {
    let files = repo.holding(SCREEN).into_iter().filter(|(path, _)| is_read_by_setters(path));
    files
        .map(|(path, source)| {
            let text = repo.source(source).map_or("", |file| file.text());
            MarkedFile { path: path.clone(), source, read: read(source, text, mode) }
        })
        .collect()
}

fn read(source: SourceId, text: &str, mode: Mode) -> Result<ReadFile, ReemitError> {
    let values = RefCell::new(Vec::new());
    let printed = yaml::reemit_with(text, &|scalar| {
        if !mode.sets(scalar.reach) {
            return None;
        }
        let comment = if scalar.line_comment.is_empty() { scalar.head_comment } else { scalar.line_comment };
        if let Some(Marking::Marker { policy, field }) = reference(comment).map(|reference| marking_of(&reference)) {
            values.borrow_mut().push(Marked {
                policy,
                field,
                span: Span::new(source, scalar.start..scalar.end),
                text: scalar.text.to_owned(),
                style: scalar.style,
                reach: scalar.reach,
            });
        }
        None
    })?;
    let mut values = values.into_inner();
    // With other line ends the places are those of the text that was read.
    for value in &mut values {
        value.span = yaml::with_unix_ends_undone(text, value.span);
    }
    let reprinted = (printed.text != text).then_some(printed.text);
    Ok(ReadFile { values, reprinted })
}

impl MarkedFile {
    /// Returns the values; none where the file is passed over.
    pub fn values(&self) -> &[Marked] {
        self.read.as_ref().map_or(&[], |read| &read.values)
    }

    /// Returns whether `marker`, a comment of this file whose text is `text`, reaches a value.
    pub fn has_effect(&self, marker: &Marker, text: &str) -> bool {
        self.values().iter().any(|value| stands_at(text, marker.span, value.span))
    }
}

/// Returns whether a comment belongs to a scalar: it is in its first or last line behind it, or above it with only
/// comments and a dash between.
fn stands_at(text: &str, comment: Span, scalar: Span) -> bool {
    let (comment, scalar) = (comment.range(), scalar.range());
    if comment.start < scalar.start {
        let between = text.get(comment.end..scalar.start).unwrap_or_default();
        return between.lines().map(str::trim).all(|line| line.is_empty() || line == "-" || line.starts_with('#'));
    }
    let first_line_end = text[scalar.start..].find('\n').map_or(text.len(), |at| scalar.start + at);
    let in_header = comment.start < first_line_end;
    in_header || text.get(scalar.end..comment.start).is_some_and(|between| !between.contains('\n'))
}
