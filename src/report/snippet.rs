//! Source lines with labels under them, in the characters and colours of a miette theme.
//!
//! miette's own handler puts each label on a line of its own and panics on one past column 65,535. This one writes the
//! label beside its underline, shows a window of long lines, and hides the values of Secrets.

use std::ops::Range;

use miette::GraphicalTheme;
use unicode_width::UnicodeWidthChar as _;

use crate::diagnostic::Label;
use crate::repo::Repo;
use crate::report::redact::{HIDDEN, Redactions};
use crate::report::text::{on_one_line, printable};
use crate::text::{SourceFile, Span};

/// Longest line that is quoted, in bytes; of a longer one only the place is told.
const MAX_LINE_BYTES: usize = 4096;

/// Columns of a line that are shown, and how many of them stand before the label when the line is cut.
const WINDOW: usize = 120;
const BEFORE: usize = 40;

/// Appends the lines that `labels` point at, the primary label's file first.
pub(super) fn render(
    out: &mut String,
    labels: &[Label],
    repo: &Repo,
    redactions: &mut Redactions<'_>,
    theme: &GraphicalTheme,
) {
    let located: Vec<Located<'_>> = labels.iter().filter_map(|label| Located::new(label, repo)).collect();
    let gutter = located.iter().map(|label| label.line.to_string().len()).max().unwrap_or(1);
    let frame = Frame { gutter, theme };
    let mut remaining: &[Located<'_>] = &located;
    let mut files: Vec<Vec<&Located<'_>>> = Vec::new();
    while let Some((first, rest)) = remaining.split_first() {
        remaining = rest;
        match files.iter_mut().find(|file| file[0].label.span.source == first.label.span.source) {
            Some(file) => file.push(first),
            None => files.push(vec![first]),
        }
    }
    for (index, file) in files.iter_mut().enumerate() {
        let primary = file[0];
        let corner = if index == 0 { theme.characters.ltop } else { theme.characters.lcross };
        let at = format!("{}:{}:{}", primary.file.path(), primary.line, primary.column);
        frame.rule(out, &format!("{corner}{}[{}]", theme.characters.hbar, theme.styles.link.style(on_one_line(&at))));
        file.sort_by_key(|label| (label.line, label.column));
        let hidden = redactions.of(primary.label.span.source);
        frame.file(out, file, hidden);
    }
    if !files.is_empty() {
        let characters = &theme.characters;
        frame.rule(out, &format!("{}{}{}", characters.lbot, characters.hbar, characters.hbar));
    }
}

/// A label and the line that it begins on.
struct Located<'a> {
    label: &'a Label,
    file: &'a SourceFile,
    line: usize,
    column: usize,
    /// Bytes of the line, without its end.
    bytes: Range<usize>,
}

impl<'a> Located<'a> {
    fn new(label: &'a Label, repo: &'a Repo) -> Option<Self> {
        let file = repo.source(label.span.source)?;
        let text = file.text();
        let at = (label.span.start as usize).min(text.len());
        let start = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let end = text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| at + length);
        let place = file.line_column(at);
        Some(Self { label, file, line: place.line, column: place.column, bytes: start..end })
    }
}

struct Frame<'a> {
    gutter: usize,
    theme: &'a GraphicalTheme,
}

impl Frame<'_> {
    /// Appends a line of the frame without a number.
    fn rule(&self, out: &mut String, content: &str) {
        push_line(out, &format!("{:gutter$} {content}", "", gutter = self.gutter));
    }

    fn file(&self, out: &mut String, labels: &[&Located<'_>], hidden: &[Range<usize>]) {
        let bar = self.theme.characters.vbar;
        let mut shown: Option<usize> = None;
        for label in labels {
            if shown.is_some_and(|line| label.line > line + 1) {
                self.rule(out, &self.theme.characters.vbar_break.to_string());
            }
            let first_of_line = shown != Some(label.line);
            shown = Some(label.line);
            let message = self.theme.styles.highlights.first().copied().unwrap_or_default();
            let message = message.style(printable(&label.label.message)).to_string();
            if label.bytes.len() > MAX_LINE_BYTES {
                self.rule(out, &format!("{bar} a line of {} bytes: {message}", label.bytes.len()));
                continue;
            }
            let line = Line::new(label.file.text(), label.bytes.clone(), hidden);
            // Every label of a line shares the window of the line's first one, so that the line is quoted once.
            let window = line.window(first_of(labels, label.line));
            if first_of_line {
                let number = format!("{:>gutter$}", label.line, gutter = self.gutter);
                let number = self.theme.styles.linum.style(number);
                push_line(out, &format!("{number} {bar} {}", line.show(&window)));
            }
            self.rule(out, &format!("{bar} {}  {message}", self.underline(&line.columns(label.label.span), &window)));
        }
    }

    /// Returns the underline of `columns`, with the mark of the label in its middle.
    fn underline(&self, columns: &Range<usize>, window: &Range<usize>) -> String {
        // A cut line begins with an ellipsis, one column wide.
        let shift = usize::from(window.start > 0);
        let start = columns.start.clamp(window.start, window.end) - window.start + shift;
        let length = (columns.end.min(window.end) + shift).saturating_sub(start + window.start).max(1);
        let mut marks = String::new();
        for column in 0..length {
            let middle = column == (length - 1) / 2;
            marks.push(if middle { self.theme.characters.underbar } else { self.theme.characters.underline });
        }
        let style = self.theme.styles.highlights.first().copied().unwrap_or_default();
        format!("{:start$}{}", "", style.style(marks))
    }
}

/// Returns the place of the first label on `line`.
fn first_of(labels: &[&Located<'_>], line: usize) -> Span {
    labels.iter().find(|label| label.line == line).unwrap_or(&labels[0]).label.span
}

/// What one character of a line looks like at a terminal.
struct Cell {
    byte: usize,
    column: usize,
    shown: String,
}

/// A line as it is shown: tabs widened, control characters replaced, Secrets hidden.
struct Line {
    cells: Vec<Cell>,
    width: usize,
}

impl Line {
    fn new(text: &str, bytes: Range<usize>, hidden: &[Range<usize>]) -> Self {
        let mut cells: Vec<Cell> = Vec::new();
        let mut column = 0;
        let mut hiding: Option<&Range<usize>> = None;
        for (at, character) in text[bytes.clone()].char_indices() {
            let byte = bytes.start + at;
            if hiding.is_some_and(|range| range.contains(&byte)) || character == '\r' {
                continue;
            }
            hiding = hidden.iter().find(|range| range.contains(&byte));
            let shown = match character {
                _ if hiding.is_some() => HIDDEN.to_owned(),
                '\t' => "    ".to_owned(),
                other => printable(&other.to_string()),
            };
            let width = shown.chars().map(|shown| shown.width().unwrap_or(0)).sum::<usize>();
            cells.push(Cell { byte, column, shown });
            column += width;
        }
        Self { cells, width: column }
    }

    /// Returns the columns of `span`, or of the part of it that is on this line.
    fn columns(&self, span: Span) -> Range<usize> {
        let at = |byte: usize| {
            let next = self.cells.partition_point(|cell| cell.byte < byte);
            self.cells.get(next).map_or(self.width, |cell| cell.column)
        };
        // A place inside hidden text is where that text begins.
        let inside = self.cells.partition_point(|cell| cell.byte <= span.start as usize);
        let start = self.cells.get(inside.saturating_sub(1)).map_or(0, |cell| cell.column);
        let start = if self.cells.last().is_some_and(|cell| cell.byte < span.start as usize && !cell.hidden()) {
            self.width
        } else {
            start
        };
        start..at(span.end as usize).max(start)
    }

    /// Returns the columns to show so that `span` is among them.
    fn window(&self, span: Span) -> Range<usize> {
        if self.width <= WINDOW {
            return 0..self.width;
        }
        let label = self.columns(span).start;
        let start = label.saturating_sub(BEFORE).min(self.width - WINDOW);
        start..start + WINDOW
    }

    fn show(&self, window: &Range<usize>) -> String {
        let mut shown = String::new();
        if window.start > 0 {
            shown.push('…');
        }
        for cell in self.cells.iter().filter(|cell| window.contains(&cell.column)) {
            shown.push_str(&cell.shown);
        }
        if window.end < self.width {
            shown.push('…');
        }
        shown
    }
}

impl Cell {
    fn hidden(&self) -> bool {
        self.shown == HIDDEN
    }
}

/// Appends `line` without trailing blanks.
pub(super) fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}
