//! Places as the protocol has them: lines and UTF-16 units, both from 0, and URIs.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use lsp_types::{Location, Position, Range, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::text::{SourceFile, Span, line_start};

/// What a path in a URI escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the position of `byte` in `text`; past the end it is the end.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let character = before[line_start(before, byte)..].encode_utf16().count();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(line), character: number(character) }
}

/// Returns the byte of `text` at `position`; past the end of a line it is that end.
pub(super) fn byte(text: &str, position: Position) -> usize {
    let line = usize::try_from(position.line).unwrap_or(usize::MAX);
    let newlines = || text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    let start = if line == 0 { Some(0) } else { newlines().nth(line - 1) };
    let Some(start) = start else { return text.len() };
    let rest = &text[start..];
    let end = rest.find('\n').unwrap_or(rest.len());
    let content = rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]);
    let mut units = 0;
    for (at, letter) in content.char_indices() {
        if units >= position.character {
            return start + at;
        }
        units += if letter.len_utf16() == 2 { 2 } else { 1 };
    }
    start + content.len()
}

/// Returns the range of the bytes of `span` in `file`.
pub(super) fn range(file: &SourceFile, span: Span) -> Range {
    Range { start: position(file.text(), span.range().start), end: position(file.text(), span.range().end) }
}

/// Returns where `span` of `file` is, which stands at `uri`.
pub(super) fn location(file: &SourceFile, span: Span, uri: Uri) -> Location {
    Location { uri, range: range(file, span) }
}

/// Returns the URI of the absolute `path`; nothing where it is not UTF-8.
pub(super) fn uri(path: &Path) -> Option<Uri> {
    let text = path.to_str()?;
    let text = if cfg!(windows) { format!("/{}", text.replace('\\', "/")) } else { text.to_owned() };
    Uri::from_str(&format!("file://{}", utf8_percent_encode(&text, ESCAPED))).ok()
}

/// Returns the path of a file that `uri` names on this machine; nothing for what is no file.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    // A host before the path is this machine or another one, which is not ours to read.
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let decoded = if cfg!(windows) { decoded.strip_prefix('/')? } else { decoded.as_ref() };
    let path = PathBuf::from(decoded);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf_16_units() {
        let text = "a\r\nß: \u{1F600}x\n";
        let at = |line, character| Position { line, character };
        for (byte_at, expected) in
            [(0, at(0, 0)), (3, at(1, 0)), (5, at(1, 1)), (7, at(1, 3)), (11, at(1, 5)), (13, at(2, 0))]
        {
            assert_eq!(position(text, byte_at), expected, "{byte_at}");
            assert_eq!(byte(text, expected), byte_at, "{expected:?}");
        }
        // Inside a pair the letter after it, behind a line its end, behind the text its end.
        assert_eq!(byte(text, at(1, 4)), 11);
        assert_eq!(byte(text, at(0, 9)), 1);
        assert_eq!(byte(text, at(7, 0)), text.len());
        assert_eq!(position(text, 99), at(2, 0));
    }

    #[cfg(unix)]
    #[test]
    fn paths_become_uris_and_come_back() {
        for text in ["/a b/ü#?%.yaml", "/plain/x-1_2.yaml"] {
            let uri = uri(Path::new(text)).unwrap();
            assert_eq!(path(&uri), Some(PathBuf::from(text)), "{}", uri.as_str());
        }
        let other = |text: &str| path(&Uri::from_str(text).unwrap());
        assert_eq!(other("untitled:Untitled-1"), None);
        assert_eq!(other("file:///c%3A/x.yaml"), Some(PathBuf::from("/c:/x.yaml")));
        assert_eq!(other("file://elsewhere/x.yaml"), None);
    }
}
