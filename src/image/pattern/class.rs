//! Classes of characters: `[a-z]`, `\d`, `\p{Greek}`, `[[:alpha:]]`.

use crate::image::pattern::PatternError;
use crate::image::pattern::scan::{push_literal, refuse, unescape};

/// The POSIX classes that Go knows.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Returns the ASCII class that `\d` and its like are in Go.
pub(super) fn perl(character: char) -> Option<&'static str> {
    Some(match character {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[\\t\\n\\x0C\\r\\x20]",
        'S' => "[^\\t\\n\\x0C\\r\\x20]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// Reads `\pN` or `\p{Greek}` at the start of `text`; returns it and what follows.
pub(super) fn unicode(text: &str) -> Result<(String, &str), PatternError> {
    let after = &text[2..];
    let length = match after.chars().next() {
        Some('{') => match after.find('}') {
            Some(end) => 2 + end + 1,
            None => return refuse("invalid character class range", text),
        },
        Some(letter) => 2 + letter.len_utf8(),
        None => return refuse("invalid character class range", text),
    };
    let (class, rest) = text.split_at(length);
    // Which names there are is for the other library to say; both take them from Unicode.
    if regex::Regex::new(class).is_err() {
        return refuse("invalid character class range", class);
    }
    Ok((class.to_owned(), rest))
}

/// Reads the class at the start of `text`; returns its translation and what follows.
pub(super) fn translate(text: &str) -> Result<(String, &str), PatternError> {
    let mut out = String::from("[");
    let mut rest = &text[1..];
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut is_first = true;
    while is_first || !rest.starts_with(']') {
        is_first = false;
        if let Some(end) = rest.strip_prefix("[:").and_then(|named| named.find(":]")) {
            let (class, after) = rest.split_at(end + 4);
            let name = &class[2..end + 2];
            if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
                return refuse("invalid character class range", class);
            }
            out.push_str(class);
            rest = after;
            continue;
        }
        if rest.starts_with("\\p") || rest.starts_with("\\P") {
            let (class, after) = unicode(rest)?;
            out.push_str(&class);
            rest = after;
            continue;
        }
        if let Some(class) = rest.strip_prefix('\\').and_then(|after| after.chars().next()).and_then(perl) {
            out.push_str(class);
            rest = &rest[2..];
            continue;
        }
        rest = range(text, rest, &mut out)?;
    }
    out.push(']');
    Ok((out, &rest[1..]))
}

/// Reads one character or one range of the class `class` at `rest`; returns what follows.
fn range<'t>(class: &'t str, rest: &'t str, out: &mut String) -> Result<&'t str, PatternError> {
    let (low, after) = character(class, rest)?;
    let ranged = after.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']'));
    let Some(ranged) = ranged else {
        push_literal(out, low);
        return Ok(after);
    };
    let (high, after) = character(class, ranged)?;
    if high < low {
        return refuse("invalid character class range", &rest[..rest.len() - after.len()]);
    }
    push_literal(out, low);
    out.push('-');
    push_literal(out, high);
    Ok(after)
}

fn character<'t>(class: &'t str, text: &'t str) -> Result<(char, &'t str), PatternError> {
    match text.chars().next() {
        None => refuse("missing closing ]", class),
        Some('\\') => unescape(text),
        Some(character) => Ok((character, &text[character.len_utf8()..])),
    }
}
