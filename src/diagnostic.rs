//! Findings as plain data: what is wrong, where, and what to do.
//!
//! A finding is about the user's repository and is a value, never an `Err`. Rendering belongs to `report`.
//!
//! ```
//! use gitops_gen::diagnostic::{Diagnostic, Severity};
//!
//! let finding = Diagnostic::new("depends-on-self", Severity::Error, "Kustomization `flux-system/apps` depends on itself")
//!     .help("remove the entry");
//! assert_eq!(finding.severity, Severity::Error);
//! ```

pub(crate) mod pick;

use std::borrow::Cow;

use crate::text::{Sources, Span};

/// How bad it is. Ordered: `Note < Warning < Error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Cannot be proven offline, or is only worth knowing.
    Note,
    /// Works, and will bite.
    Warning,
    /// Flux or the API server would refuse it, or would do what nobody wants.
    Error,
}

impl Severity {
    /// Returns the word of reports: `note`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place with a word on what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What stands there, as a short clause.
    pub message: Cow<'static, str>,
}

/// Replaces the bytes of `span` with `replacement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes; may be empty for an insertion.
    pub span: Span,
    /// What comes.
    pub replacement: String,
}

/// Whether a fix may be applied without a person looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixSafety {
    /// The meaning stays, or the file could not work before.
    Safe,
    /// The meaning may change.
    Unsafe,
}

/// A set of edits that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// Edits, not overlapping.
    pub edits: Vec<Edit>,
    /// Whether it may be applied unseen.
    pub safety: FixSafety,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Id of the rule: kebab-case, names the defect.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One clause without a final period.
    pub message: String,
    /// Places; the first is the primary one. Empty only where there is no file to point at.
    pub labels: Vec<Label>,
    /// One imperative.
    pub help: Option<String>,
    /// What Flux will do, each a sentence.
    pub notes: Vec<String>,
    /// Name of the cluster that it was found in; nothing where it is about a file alone.
    pub cluster: Option<String>,
    /// The remedy, where one can be applied.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// Returns a finding without any place yet.
    pub fn new(rule: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            notes: Vec::new(),
            cluster: None,
            fix: None,
        }
    }

    /// Adds a place; the first added is the primary one.
    pub fn label(mut self, span: Span, message: impl Into<Cow<'static, str>>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Sets the help, one imperative.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Names the cluster that it was found in.
    pub fn in_cluster(mut self, cluster: impl Into<String>) -> Self {
        self.cluster = Some(cluster.into());
        self
    }

    /// Sets the remedy.
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Lowers the severity to `worst` where it is above.
    pub fn at_most(mut self, worst: Severity) -> Self {
        self.severity = self.severity.min(worst);
        self
    }

    /// Returns the primary place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// What a run looked at, as a number of things: `780 files`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The things, in the plural: `files`, `clusters`, `objects`.
    pub what: Cow<'static, str>,
    /// How many.
    pub count: usize,
}

/// Something that a run could not judge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotChecked {
    /// Why not, as a clause: `the source is not in this repository`. Reports group by it.
    pub why: Cow<'static, str>,
    /// What it is: `HelmRelease ingress/nginx`.
    pub what: String,
    /// Where it is written.
    pub span: Option<Span>,
}

/// The outcome of a run: what was found, what was looked at, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What was found; sorted after [`Findings::sort`].
    pub diagnostics: Vec<Diagnostic>,
    /// What was looked at, in the order of reports.
    pub checked: Vec<Checked>,
    /// What was not judged; sorted after [`Findings::sort`].
    pub not_checked: Vec<NotChecked>,
}

impl Findings {
    /// Records that `count` things were looked at.
    pub fn checked(&mut self, what: impl Into<Cow<'static, str>>, count: usize) {
        self.checked.push(Checked { what: what.into(), count });
    }

    /// Records that `what` was not judged.
    pub fn not_checked(&mut self, what: impl Into<String>, why: impl Into<Cow<'static, str>>, span: Option<Span>) {
        self.not_checked.push(NotChecked { why: why.into(), what: what.into(), span });
    }

    /// Returns whether nothing at all was looked at: such a run is not clean.
    pub fn checked_nothing(&self) -> bool {
        self.checked.iter().all(|checked| checked.count == 0)
    }

    /// Returns the worst severity among the findings.
    pub fn worst(&self) -> Option<Severity> {
        self.diagnostics.iter().map(|diagnostic| diagnostic.severity).max()
    }

    /// Sorts the findings by path, byte, rule, message and cluster, and removes repeated ones.
    pub fn sort(&mut self, sources: &Sources) {
        let place = |span: Option<Span>| span.map(|span| (sources.path(span).cloned(), span.start, span.end));
        self.diagnostics.sort_by_cached_key(|finding| {
            (place(finding.span()), finding.rule, finding.message.clone(), finding.cluster.clone())
        });
        self.diagnostics.dedup();
        self.not_checked.sort_by_cached_key(|left| (left.why.clone(), place(left.span), left.what.clone()));
        self.not_checked.dedup();
    }
}
