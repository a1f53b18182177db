//! Reads a pattern as Go does and writes it for the crate `regex`.

use std::fmt::Write as _;

use crate::image::pattern::{PatternError, class};

/// Greatest count of a repetition, and of nested ones multiplied.
const MAX_REPEAT: u64 = 1000;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 1000;

pub(super) fn refuse<T>(code: &'static str, part: &str) -> Result<T, PatternError> {
    Err(PatternError { code, part: part.to_owned() })
}

/// An open group.
struct Open {
    /// Greatest repetition inside it so far.
    repeated: u64,
}

pub(super) struct Scanner<'p> {
    pattern: &'p str,
    rest: &'p str,
    out: String,
    names: Vec<String>,
    open: Vec<Open>,
    /// How often the last item is repeated at most; nothing where there is none to repeat.
    last: Option<u64>,
    /// Greatest repetition of this group so far.
    repeated: u64,
    /// The pattern from the repetition that came last on, where nothing came after it.
    last_repeat: Option<&'p str>,
}

impl<'p> Scanner<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Self {
            pattern,
            rest: pattern,
            out: String::with_capacity(pattern.len() + 16),
            names: vec![String::new()],
            open: Vec::new(),
            last: None,
            repeated: 1,
            last_repeat: None,
        }
    }

    /// Returns the translation, and the name of each group from the whole match on.
    pub(super) fn finish(self) -> (String, Vec<String>) {
        (self.out, self.names)
    }

    pub(super) fn run(&mut self) -> Result<(), PatternError> {
        while let Some(character) = self.rest.chars().next() {
            let repeat = std::mem::take(&mut self.last_repeat);
            match character {
                '(' => self.open_group()?,
                ')' => self.close_group()?,
                '|' => {
                    self.copy(1);
                    self.last = None;
                }
                '*' | '+' | '?' => self.repeat(1, None, repeat)?,
                '{' => self.braces(repeat)?,
                '[' => {
                    let (class, rest) = class::translate(self.rest)?;
                    self.out.push_str(&class);
                    self.rest = rest;
                    self.item();
                }
                '\\' => self.escape()?,
                '^' | '$' | '.' => {
                    self.copy(1);
                    self.item();
                }
                _ => {
                    self.literal(character);
                    self.rest = &self.rest[character.len_utf8()..];
                }
            }
        }
        if self.open.is_empty() { Ok(()) } else { refuse("missing closing )", self.pattern) }
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
    }

    fn item(&mut self) {
        self.last = Some(1);
    }

    fn literal(&mut self, character: char) {
        push_literal(&mut self.out, character);
        self.item();
    }

    fn open_group(&mut self) -> Result<(), PatternError> {
        if self.rest.starts_with("(?") && self.flags_or_name()? {
            return Ok(());
        }
        if !self.rest.starts_with("(?") {
            self.names.push(String::new());
            self.copy(1);
        }
        self.push_open()
    }

    fn push_open(&mut self) -> Result<(), PatternError> {
        self.open.push(Open { repeated: self.repeated });
        if self.open.len() > MAX_DEPTH {
            return refuse("expression nests too deeply", self.pattern);
        }
        (self.repeated, self.last) = (1, None);
        Ok(())
    }

    /// Reads `(?P<name>`, `(?i:` or `(?i)`; returns whether the group, if it opened one, is dealt with.
    fn flags_or_name(&mut self) -> Result<bool, PatternError> {
        let named = self.rest.strip_prefix("(?P<").filter(|_| self.rest.len() > 4);
        if let Some(after) = named.or_else(|| self.rest.strip_prefix("(?<")) {
            let Some(end) = after.find('>') else { return refuse("invalid named capture", self.rest) };
            let name = &after[..end];
            let is_valid = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let consumed = self.rest.len() - after.len() + end + 1;
            if !is_valid {
                return refuse("invalid named capture", &self.rest[..consumed]);
            }
            self.names.push(name.to_owned());
            self.out.push('(');
            self.rest = &self.rest[consumed..];
            self.push_open()?;
            return Ok(true);
        }
        let (mut negated, mut saw_flag) = (false, false);
        let mut end = 2;
        for character in self.rest[2..].chars() {
            end += character.len_utf8();
            match character {
                'i' | 'm' | 's' | 'U' => saw_flag = true,
                '-' if !negated => (negated, saw_flag) = (true, false),
                ':' | ')' if !negated || saw_flag => {
                    // `(?)` sets no flag; the other language has no such group.
                    if &self.rest[..end] == "(?)" {
                        self.rest = &self.rest[end..];
                        return Ok(true);
                    }
                    self.copy(end);
                    if character == ':' {
                        self.push_open()?;
                    }
                    return Ok(true);
                }
                _ => break,
            }
        }
        let all = self.rest[2..].chars().all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-'));
        if all && end == self.rest.len() && self.rest.len() > 2 && !self.rest.ends_with("--") {
            return refuse("missing closing )", self.pattern);
        }
        refuse("invalid or unsupported Perl syntax", &self.rest[..end])
    }

    fn close_group(&mut self) -> Result<(), PatternError> {
        let Some(outer) = self.open.pop() else { return refuse("unexpected )", self.pattern) };
        self.copy(1);
        let inside = self.repeated;
        self.repeated = outer.repeated.max(inside);
        self.last = Some(inside);
        Ok(())
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`; anything else is text.
    fn braces(&mut self, before: Option<&'p str>) -> Result<(), PatternError> {
        let Some((text, least, most)) = counts(self.rest) else {
            self.literal('{');
            self.rest = &self.rest[1..];
            return Ok(());
        };
        if least.max(most.unwrap_or(0)) > MAX_REPEAT || most.is_some_and(|most| most < least) {
            return refuse("invalid repeat count", text);
        }
        self.repeat(text.len(), Some((most.unwrap_or(least), text)), before)
    }

    /// Reads a repetition of `length` bytes and the `?` behind it; `counted` is how often it repeats at most.
    fn repeat(
        &mut self,
        length: usize,
        counted: Option<(u64, &str)>,
        before: Option<&'p str>,
    ) -> Result<(), PatternError> {
        let start = self.rest;
        let length = length + usize::from(self.rest[length..].starts_with('?'));
        if let Some(before) = before {
            let after = self.rest.len() - length;
            return refuse("invalid nested repetition operator", &before[..before.len() - after]);
        }
        let Some(last) = self.last else {
            return refuse("missing argument to repetition operator", &start[..length]);
        };
        let repeated = last.saturating_mul(counted.map_or(1, |(most, _)| most.max(1)));
        if let Some((most, text)) = counted
            && most >= 2
            && repeated > MAX_REPEAT
        {
            return refuse("invalid repeat count", text);
        }
        self.repeated = self.repeated.max(repeated);
        self.copy(length);
        self.last = Some(repeated);
        self.last_repeat = Some(start);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let Some(character) = self.rest[1..].chars().next() else {
            return refuse("trailing backslash at end of expression", "");
        };
        let assertion = match character {
            'A' => Some("\\A"),
            'b' => Some("(?-u:\\b)"),
            'B' => Some("(?-u:\\B)"),
            'z' => Some("\\z"),
            _ => class::perl(character),
        };
        if let Some(written) = assertion {
            self.out.push_str(written);
            self.rest = &self.rest[2..];
            self.item();
            return Ok(());
        }
        match character {
            'Q' => self.quoted(),
            'p' | 'P' => {
                let (class, rest) = class::unicode(self.rest)?;
                self.out.push_str(&class);
                self.rest = rest;
                self.item();
            }
            _ => {
                let (literal, rest) = unescape(self.rest)?;
                self.literal(literal);
                self.rest = rest;
            }
        }
        Ok(())
    }

    /// Reads `\Q...\E`; without the end it reaches to the end of the pattern.
    fn quoted(&mut self) {
        let text = &self.rest[2..];
        let (quoted, rest) = text.split_once("\\E").unwrap_or((text, ""));
        for character in quoted.chars() {
            self.literal(character);
        }
        self.rest = rest;
    }
}

/// Returns the counts in braces at the start of `text`, with the braces: the least and, where one is given, the most.
fn counts(text: &str) -> Option<(&str, u64, Option<u64>)> {
    let (inside, _) = text[1..].split_once('}')?;
    let count = |text: &str| {
        let is_count = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let has_leading_zero = text.len() > 1 && text.starts_with('0');
        (is_count && !has_leading_zero).then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let whole = &text[..inside.len() + 2];
    match inside.split_once(',') {
        None => Some((whole, count(inside)?, Some(count(inside)?))),
        Some((least, "")) => Some((whole, count(least)?, None)),
        Some((least, most)) => Some((whole, count(least)?, Some(count(most)?))),
    }
}

/// Writes `character` so that it stands for itself, inside a class and outside.
pub(super) fn push_literal(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() || !character.is_ascii() {
        out.push(character);
    } else {
        write!(out, "\\x{:02X}", u32::from(character)).expect("a String takes every text");
    }
}

/// Reads the escape of one character at the start of `text`; returns it and what follows.
pub(super) fn unescape(text: &str) -> Result<(char, &str), PatternError> {
    let Some(character) = text[1..].chars().next() else {
        return refuse("trailing backslash at end of expression", "");
    };
    let rest = &text[1 + character.len_utf8()..];
    let is_octal = |text: &str| text.starts_with(|digit: char| digit.is_digit(8));
    match character {
        '0' => Ok(octal(text)),
        // One digit alone would be a back-reference.
        '1'..='7' if is_octal(rest) => Ok(octal(text)),
        'x' => hexadecimal(text, rest),
        'a' => Ok(('\u{7}', rest)),
        'f' => Ok(('\u{C}', rest)),
        'n' => Ok(('\n', rest)),
        'r' => Ok(('\r', rest)),
        't' => Ok(('\t', rest)),
        'v' => Ok(('\u{B}', rest)),
        _ if character.is_ascii_punctuation() => Ok((character, rest)),
        _ => refuse("invalid escape sequence", &text[..text.len() - rest.len()]),
    }
}

fn octal(text: &str) -> (char, &str) {
    let digits: Vec<u32> = text[1..].chars().take(3).map_while(|digit| digit.to_digit(8)).collect();
    let value = digits.iter().fold(0, |value, digit| value * 8 + digit);
    (char::from_u32(value).unwrap_or_default(), &text[1 + digits.len()..])
}

fn hexadecimal<'t>(text: &'t str, rest: &'t str) -> Result<(char, &'t str), PatternError> {
    let (digits, after) = match rest.strip_prefix('{') {
        Some(braced) => match braced.split_once('}') {
            Some(found) => found,
            None => return refuse("invalid escape sequence", text),
        },
        None => match rest.get(..2) {
            Some(digits) => (digits, &rest[2..]),
            None => return refuse("invalid escape sequence", text),
        },
    };
    let is_hexadecimal = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal).and_then(char::from_u32);
    match value {
        Some(character) => Ok((character, after)),
        None => refuse("invalid escape sequence", &text[..text.len() - after.len()]),
    }
}
