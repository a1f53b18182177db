//! Patterns of file names and of variables: Go's `path.Match`, and paths of it with `**`.

/// Alternatives of a pattern that are tried; source-watcher refuses more than twenty commas.
const MAX_ALTERNATIVES: usize = 1024;

/// A pattern that Go refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Returns whether the name `name` matches `pattern`; a malformed pattern matches nothing.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    matches(pattern.as_bytes(), name.as_bytes()) == Ok(true)
}

/// Returns whether the path `path` matches `pattern`, in which `**` stands for any number of names and `{a,b}` for
/// alternatives.
///
/// Source: bmatcuk/doublestar, which source-watcher uses to exclude files.
pub(crate) fn matches_path(pattern: &str, path: &str) -> bool {
    let names: Vec<_> = path.split('/').collect();
    alternatives(pattern).iter().any(|pattern| {
        let parts: Vec<_> = pattern.split('/').collect();
        matches_parts(&parts, &names)
    })
}

fn matches_parts(pattern: &[&str], names: &[&str]) -> bool {
    // Which prefixes of `names` the pattern so far matches, as in any pattern with one wildcard: no backtracking.
    let mut reached = vec![false; names.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; names.len() + 1];
        if *part == "**" {
            let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
            next[first..].fill(true);
        } else {
            for (at, name) in names.iter().enumerate() {
                next[at + 1] = reached[at] && matches_name(part, name);
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// Returns `pattern` once for each choice of its `{a,b}` groups.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut finished = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        let group = pattern.find('{').and_then(|start| Some((start, start + matching_brace(&pattern[start..])?)));
        match group {
            Some((start, end)) if finished.len() + open.len() < MAX_ALTERNATIVES => {
                for choice in choices(&pattern[start + 1..end]) {
                    open.push(format!("{}{choice}{}", &pattern[..start], &pattern[end + 1..]));
                }
            }
            _ => finished.push(pattern),
        }
    }
    finished
}

/// Returns the byte of the brace that closes the one at the beginning of `text`.
fn matching_brace(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Splits at the commas that are in no inner group.
fn choices(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let separators = |letter: char| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(separators).collect()
}

/// Returns whether all of `name` matches `pattern`.
///
/// `*` also matches `/`, as in envsubst; for the names of a path, which hold none, it is Go's `path.Match`.
pub(crate) fn matches(mut pattern: &[u8], mut name: &[u8]) -> Result<bool, Malformed> {
    'pattern: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(true);
        }
        match match_chunk(chunk, name)? {
            Some(left) if left.is_empty() || !pattern.is_empty() => {
                name = left;
                continue;
            }
            _ => {}
        }
        if star {
            for skipped in 1..=name.len() {
                if let Some(left) = match_chunk(chunk, &name[skipped..])?
                    && (left.is_empty() || !pattern.is_empty())
                {
                    name = left;
                    continue 'pattern;
                }
            }
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Splits off leading stars and the pattern up to the next star.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let pattern = &pattern[stars..];
    let mut in_class = false;
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            b'\\' if at + 1 < pattern.len() => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => break,
            _ => {}
        }
        at += 1;
    }
    let (chunk, rest) = pattern.split_at(at.min(pattern.len()));
    (stars > 0, chunk, rest)
}

/// Returns what follows the beginning of `name` that matches `chunk`.
fn match_chunk<'a>(mut chunk: &[u8], mut name: &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
    while let Some(first) = chunk.first() {
        if name.is_empty() {
            return Ok(None);
        }
        match first {
            b'[' => {
                let (letter, size) = decode(name);
                name = &name[size..];
                let (matched, rest) = match_class(&chunk[1..], letter)?;
                if !matched {
                    return Ok(None);
                }
                chunk = rest;
            }
            b'?' => {
                name = &name[decode(name).1..];
                chunk = &chunk[1..];
            }
            _ => {
                if *first == b'\\' {
                    chunk = &chunk[1..];
                }
                if *chunk.first().ok_or(Malformed)? != name[0] {
                    return Ok(None);
                }
                name = &name[1..];
                chunk = &chunk[1..];
            }
        }
    }
    Ok(Some(name))
}

/// Reads a class after its `[`; returns whether it holds `letter`, and what follows it.
fn match_class(mut chunk: &[u8], letter: char) -> Result<(bool, &[u8]), Malformed> {
    let negated = *chunk.first().ok_or(Malformed)? == b'^';
    if negated {
        chunk = &chunk[1..];
    }
    let mut found = false;
    let mut first = true;
    loop {
        if chunk.first() == Some(&b']') && !first {
            return Ok((found != negated, &chunk[1..]));
        }
        let (low, rest) = class_character(chunk)?;
        chunk = rest;
        let mut high = low;
        if chunk.first() == Some(&b'-') {
            (high, chunk) = class_character(&chunk[1..])?;
        }
        found |= (low..=high).contains(&letter);
        first = false;
    }
}

fn class_character(mut chunk: &[u8]) -> Result<(char, &[u8]), Malformed> {
    match chunk.first().ok_or(Malformed)? {
        b'-' | b']' => return Err(Malformed),
        b'\\' => chunk = &chunk[1..],
        _ => {}
    }
    if chunk.is_empty() {
        return Err(Malformed);
    }
    let (letter, size) = decode(chunk);
    // A class never ends the pattern without its bracket.
    let rest = &chunk[size..];
    if rest.is_empty() { Err(Malformed) } else { Ok((letter, rest)) }
}

/// Decodes one character; a byte that begins none counts as one replacement character, as in Go.
fn decode(bytes: &[u8]) -> (char, usize) {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or(""),
    };
    valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |letter| (letter, letter.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_go() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "zx", true),
            ("a\\*", "a*", true),
            ("**", "anything", true),
            ("[", "[", false),
            ("[]a]", "]", false),
            ("a*b*c", "aXbYc", true),
            ("", "", true),
        ] {
            assert_eq!(matches_name(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn two_stars_stand_for_any_number_of_names() {
        for (pattern, path, expected) in [
            ("**/*.md", "README.md", true),
            ("**/*.md", "a/b/README.md", true),
            ("a/**", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("a/*/c", "a/b/b/c", false),
            ("{a,b/{c,d}}/*.yaml", "b/d/x.yaml", true),
            ("{a,b}", "c", false),
            ("{a", "{a", true),
        ] {
            assert_eq!(matches_path(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let stars = "**/".repeat(2000);
        let path = "a/".repeat(2000);
        assert!(matches_path(&format!("{stars}b"), &format!("{path}b")));
        matches_path(&"{a,b}".repeat(100), "a");
    }
}
