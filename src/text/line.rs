//! Lines of a text, by byte.

/// Returns where the line of byte `at` begins; beyond the end it is the last line.
pub fn line_start(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// Returns where the line of byte `at` ends, its line break included; beyond the end it is the end.
pub fn line_end(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| at + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reaches_from_behind_the_break_before_it_to_behind_its_own() {
        let text = "ab\n\u{e4}\r\nc";
        let line = |at: usize| (line_start(text, at), line_end(text, at));
        assert_eq!([0, 2, 3, 4, 6].map(line), [(0, 3), (0, 3), (3, 7), (3, 7), (3, 7)]);
        assert_eq!([7, 8, 99].map(line), [(7, 8), (7, 8), (7, 8)]);
    }
}
