//! Places inside a text that a scalar holds.

use crate::text::{Span, line_start};
use crate::yaml::parse::SpanMap;
use crate::yaml::{Scalar, Style};

/// Returns the map from the text of `scalar`, which stands at `span` of `file_text`, to the file.
pub(super) fn span_map(file_text: &str, span: Span, scalar: &Scalar) -> SpanMap {
    let written = file_text.get(span.range()).unwrap_or("");
    let runs = match scalar.style {
        Style::Plain if written == scalar.text => vec![(0, span.range().start)],
        Style::SingleQuoted | Style::DoubleQuoted
            if written.get(1..written.len().saturating_sub(1)) == Some(&scalar.text) =>
        {
            vec![(0, span.range().start + 1)]
        }
        Style::Literal => literal_runs(file_text, span, &scalar.text).unwrap_or_default(),
        _ => Vec::new(),
    };
    SpanMap { source: span.source, runs, whole: Some(span) }
}

/// Returns a run for each line of a literal block, whose lines stand in the file as they are but for the indentation.
fn literal_runs(file_text: &str, span: Span, text: &str) -> Option<Vec<(usize, usize)>> {
    let start = span.range().start;
    let mut file_at = line_start(file_text, start);
    let mut in_file = file_text.get(file_at..)?.split_inclusive('\n');
    let mut text_at = 0;
    let mut runs = Vec::new();
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches('\n');
        let file_line = in_file.next()?;
        let stripped = file_line.trim_end_matches(['\n', '\r']);
        if content.is_empty() {
            runs.push((text_at, file_at + stripped.len()));
        } else {
            let indent = stripped.len().checked_sub(content.len())?;
            if stripped.get(indent..) != Some(content) {
                return None;
            }
            runs.push((text_at, file_at + indent));
        }
        text_at += line.len();
        file_at += file_line.len();
    }
    Some(runs)
}
