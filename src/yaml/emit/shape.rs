//! What a string holds, which decides the styles that it can be written in.

/// U+2028 and U+2029: line breaks to YAML 1.1 that go-yaml writes as they are.
pub(super) const UNICODE_BREAKS: [char; 2] = ['\u{2028}', '\u{2029}'];

/// The result of one look at every character of a string.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as in libyaml")]
pub(super) struct Shape {
    /// It has a `\n`.
    pub(super) newline: bool,
    /// It has a line break of YAML 1.1.
    pub(super) multiline: bool,
    /// It has one of [`UNICODE_BREAKS`].
    pub(super) unicode_breaks: bool,
    /// It has a character that needs an escape, or one beyond U+FFFF.
    pub(super) special: bool,
    /// No indicator, no break, no space at its ends.
    pub(super) plain_allowed: bool,
    /// Nothing to escape, no space around a break.
    pub(super) single_quoted_allowed: bool,
    /// Nothing to escape, no space before a break or at the end.
    pub(super) block_allowed: bool,
}

impl Shape {
    /// Returns the shape of `text`, or the character in it that go-yaml cannot read back from JSON.
    ///
    /// Source: `yaml_emitter_analyze_scalar`.
    pub(super) fn of(text: &str) -> Result<Self, char> {
        let bytes = text.as_bytes();
        let mut indicators = text.starts_with("---") || text.starts_with("...") || starts_with_indicator(bytes);
        let mut special = false;
        let (mut newline, mut unicode_breaks) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut after_space, mut after_break) = (false, false);
        for (at, byte) in bytes.iter().copied().enumerate() {
            let is_break = match byte {
                b'\n' => {
                    newline = true;
                    true
                }
                b' ' => {
                    break_space |= after_break;
                    (after_space, after_break) = (true, false);
                    continue;
                }
                b':' => {
                    indicators |= matches!(bytes.get(at + 1), None | Some(b' ' | b'\t'));
                    false
                }
                b'#' => {
                    indicators |= at > 0 && is_blank_or_break(text, at);
                    false
                }
                0x21..=0x7E => false,
                // The first byte has told what the character is.
                0x80..=0xBF => continue,
                0xC0.. => match non_ascii(text, at)? {
                    NonASCII::Printable => false,
                    NonASCII::Special => {
                        special = true;
                        false
                    }
                    NonASCII::Break => {
                        unicode_breaks = true;
                        true
                    }
                },
                0x7F => return Err('\u{7F}'),
                _ => {
                    special = true;
                    byte == b'\r'
                }
            };
            space_break |= is_break && after_space;
            (after_space, after_break) = (false, is_break);
        }
        let multiline = newline || unicode_breaks || (special && text.contains(['\r', '\u{85}']));
        let space_at_end = matches!(bytes.last(), Some(b' '));
        let space_at_start = matches!(bytes.first(), Some(b' '));
        let single_quoted_allowed = !break_space && !space_break && !special;
        Ok(Self {
            newline,
            multiline,
            unicode_breaks,
            special,
            plain_allowed: single_quoted_allowed && !indicators && !multiline && !space_at_start && !space_at_end,
            single_quoted_allowed,
            block_allowed: !space_break && !special && !space_at_end && !text.is_empty(),
        })
    }
}

fn starts_with_indicator(bytes: &[u8]) -> bool {
    match bytes {
        [first, ..] if b"#,[]{}&*!|>'\"%@`".contains(first) => true,
        [b'?' | b':' | b'-', rest @ ..] => matches!(rest.first(), None | Some(b' ' | b'\t')),
        _ => false,
    }
}

/// Returns whether the character before `at` is white space to libyaml, which counts NUL in.
fn is_blank_or_break(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(|before| matches!(before, ' ' | '\t' | '\0') || is_break(before))
}

/// Returns whether YAML 1.1 ends a line at `character`.
pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

enum NonASCII {
    Printable,
    Special,
    Break,
}

/// Looks at the byte `at`, which begins a character beyond ASCII.
fn non_ascii(text: &str, at: usize) -> Result<NonASCII, char> {
    let bytes = text.as_bytes();
    let follow = |count: usize| bytes.get(at + count).copied().unwrap_or_default();
    Ok(match bytes[at] {
        0xC2 if follow(1) == 0x85 => NonASCII::Special,
        0xC2 if follow(1) < 0xA0 => return Err(char::from(follow(1))),
        0xE2 if follow(1) == 0x80 && matches!(follow(2), 0xA8 | 0xA9) => NonASCII::Break,
        0xEF if follow(1) == 0xBB && follow(2) == 0xBF => NonASCII::Special,
        0xEF if follow(1) == 0xBF && follow(2) == 0xBE => return Err('\u{FFFE}'),
        0xEF if follow(1) == 0xBF && follow(2) == 0xBF => return Err('\u{FFFF}'),
        // Emoji and the like: go-yaml v2 takes whatever is beyond U+FFFF for unprintable.
        0xF0.. => NonASCII::Special,
        _ => NonASCII::Printable,
    })
}

/// Returns whether double quotes hold `character` only as an escape.
pub(in crate::yaml) fn needs_escape(character: char) -> bool {
    match character {
        '"' | '\\' => true,
        ' '..='~' => false,
        '\u{A0}'..='\u{FFFD}' => matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}'),
        _ => true,
    }
}

/// Appends the escape of `character`.
pub(in crate::yaml) fn push_escaped(out: &mut String, character: char) {
    let short = match character {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{B}' => 'v',
        '\u{C}' => 'f',
        '\r' => 'r',
        '\u{1B}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{A0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(character);
            let (letter, digits) = match code {
                0..=0xFF => ('x', 2),
                0x100..=0xFFFF => ('u', 4),
                _ => ('U', 8),
            };
            out.extend(['\\', letter]);
            let hexadecimal = |place: u32| char::from_digit((code >> (4 * place)) & 0xF, 16).unwrap_or('0');
            out.extend((0..digits).rev().map(|place| hexadecimal(place).to_ascii_uppercase()));
            return;
        }
    };
    out.push('\\');
    out.push(short);
}
