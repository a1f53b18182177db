//! The comments between two tokens.

use crate::text::line_start;

/// A run of comment lines.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// With line breaks between the lines; an empty line inside is a second break.
    pub(super) text: String,
    /// Whether it belongs to what came before it.
    pub(super) is_foot: bool,
    /// The byte from which on a token may take it.
    pub(super) token_mark: usize,
    /// First byte.
    start: usize,
    /// Column from 1.
    column: isize,
    /// Where the scan that found it began.
    began: usize,
    /// Where it ends.
    end: usize,
}

/// What lies behind a token and its line comment.
pub(super) struct Gap<'t> {
    pub(super) text: &'t str,
    /// Where the scan begins.
    pub(super) from: usize,
    pub(super) token_start: usize,
    pub(super) token_end: usize,
    /// Column of the innermost open block.
    pub(super) indent: isize,
    /// The token is the colon of a key.
    pub(super) is_value: bool,
    /// Nothing stands before the gap.
    pub(super) is_first: bool,
    pub(super) is_in_flow: bool,
}

/// A run that is being collected.
#[derive(Default)]
struct Run {
    text: String,
    start: usize,
    line: usize,
    column: isize,
}

/// A scan on its way through a gap.
struct Scan {
    found: Vec<Found>,
    run: Run,
    /// What takes the next comment that belongs to what came before.
    token_mark: usize,
    began: usize,
    /// No empty line was met yet.
    first_empty: bool,
    /// The last line was empty.
    recent_empty: bool,
}

impl Scan {
    /// Ends the run at `at`: it belongs to what came before.
    fn split(&mut self, token_mark: usize, at: usize) {
        let run = std::mem::take(&mut self.run);
        self.found.push(run.found(true, token_mark, self.began, at));
        (self.token_mark, self.began) = (at, at);
    }

    fn take_line(&mut self, comment: &str, place: (usize, usize, isize)) {
        let (start, line, column) = place;
        if self.run.text.is_empty() {
            self.run = Run { text: String::new(), start, line, column };
        } else {
            self.run.text.push('\n');
        }
        self.run.text.push_str(comment);
        self.recent_empty = false;
    }
}

impl Gap<'_> {
    /// Returns the runs of comments up to `to`.
    pub(super) fn scan(&self, to: usize) -> Vec<Found> {
        let Some(first) = self.text[self.from..to].find('#').map(|at| self.from + at) else { return Vec::new() };
        // Lines are counted from the token's.
        let newlines = self.text[self.token_end..first].matches('\n').count();
        let next_indent = self.indent.max(0);
        let mut scan = Scan {
            found: Vec::new(),
            run: Run::default(),
            token_mark: self.token_start,
            began: self.from,
            first_empty: newlines <= 1,
            recent_empty: false,
        };
        let mut line = newlines;
        let mut start_of_line = line_start(self.text, first);
        loop {
            let at = self.skip_blanks(start_of_line.max(self.from));
            let byte = self.text.as_bytes().get(at).copied();
            let close_flow = self.is_in_flow && matches!(byte, Some(b']' | b'}'));
            if close_flow || matches!(byte, None | Some(b'\n')) {
                self.end_of_run(&mut scan, at, close_flow);
                if byte != Some(b'\n') {
                    break;
                }
                (scan.first_empty, scan.recent_empty) = (false, true);
                (line, start_of_line) = (line + 1, at + 1);
                continue;
            }
            let column = isize::try_from(self.text[start_of_line..at].chars().count()).unwrap_or(isize::MAX - 1) + 1;
            // A comment at another indentation belongs to what came before.
            if !scan.run.text.is_empty() && column - 1 < next_indent && column != scan.run.column {
                scan.split(scan.token_mark, at);
            }
            if byte != Some(b'#') {
                break;
            }
            let end = self.text[at..].find('\n').map_or(self.text.len(), |length| at + length);
            scan.take_line(&self.text[at..end], (at, line, column));
            (line, start_of_line) = (line + 1, (end + 1).min(self.text.len()));
        }
        if !scan.run.text.is_empty() {
            let (start, end) = (scan.run.start, self.skip_blanks(start_of_line).saturating_sub(1));
            let run = scan.run.found(false, start, scan.began, end);
            scan.found.push(run);
        }
        scan.found
    }

    /// An empty line, the end of the text or that of a flow collection: what was collected may belong to what came
    /// before.
    fn end_of_run(&self, scan: &mut Scan, at: usize, close_flow: bool) {
        if scan.run.text.is_empty() || scan.recent_empty && !close_flow {
            return;
        }
        let foot_line = if self.is_first { usize::MAX } else { 1 };
        let is_dedented = scan.run.column - 1 < self.indent.max(0);
        let is_below = scan.run.line == foot_line && !self.is_value;
        if close_flow || scan.first_empty && (is_below || is_dedented) {
            let token_mark = if is_dedented { scan.run.start } else { scan.token_mark };
            scan.split(token_mark, at);
        } else if at < self.text.len() {
            scan.run.text.push('\n');
        }
    }

    fn skip_blanks(&self, from: usize) -> usize {
        let rest = &self.text[from.min(self.text.len())..];
        self.text.len() - rest.trim_start_matches([' ', '\t']).len()
    }
}

impl Run {
    fn found(self, is_foot: bool, token_mark: usize, began: usize, end: usize) -> Found {
        Found { text: self.text, is_foot, token_mark, start: self.start, column: self.column, began, end }
    }
}

/// Returns where each closing block ends, the innermost first: before the comments that stand at its own column, or
/// before all of them.
pub(super) fn block_marks(found: &[Found], indents: impl Iterator<Item = isize>, token_end: usize) -> Vec<usize> {
    let mut mark = token_end.saturating_sub(1);
    let mut marks = Vec::new();
    for indent in indents {
        let mut stop = mark;
        for comment in found.iter().rev() {
            if comment.end < stop {
                break;
            }
            if comment.column == indent + 1 {
                mark = comment.start;
            }
            stop = comment.began;
        }
        marks.push(mark);
    }
    marks
}
