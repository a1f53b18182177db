//! What an expression does with the value of its variable.
//!
//! Source: fluxcd/pkg/envsubst, funcs.go.

use crate::flux::glob;

/// Longest value that a pattern is tried on, in bytes: every prefix of it is a candidate.
const MAX_MATCHED: usize = 16 * 1024;

/// The functions of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// `${v}`
    Value,
    /// `${#v}`: in bytes.
    Length,
    /// `${v=w}`, `${v:=w}`, `${v:-w}`, `${v:?w}` and `${v:+w}`, all the same.
    Default,
    /// `${v:o}`, `${v:o:n}`
    Substring,
    /// `${v,}`
    LowerFirst,
    /// `${v,,}`
    Lower,
    /// `${v^}`
    UpperFirst,
    /// `${v^^}`
    Upper,
    /// `${v/p/r}`
    ReplaceFirst,
    /// `${v//p/r}`
    ReplaceAll,
    /// `${v/#p/r}`
    ReplacePrefix,
    /// `${v/%p/r}`
    ReplaceSuffix,
    /// `${v#p}`
    TrimShortestPrefix,
    /// `${v##p}`
    TrimLongestPrefix,
    /// `${v%p}`
    TrimShortestSuffix,
    /// `${v%%p}`
    TrimLongestSuffix,
}

/// Which of several matches counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Shortest,
    Longest,
}

/// Returns what `function` makes of `value`, or why Flux cannot go on.
pub(crate) fn apply(function: Function, value: &str, arguments: &[String]) -> Result<String, &'static str> {
    let first = arguments.first().map_or("", String::as_str);
    let second = arguments.get(1).map(String::as_str);
    Ok(match function {
        Function::Length => value.len().to_string(),
        Function::Default if value.is_empty() => arguments.concat(),
        Function::Value | Function::Default => value.to_owned(),
        Function::Substring => return substring(value, first, second),
        Function::LowerFirst => map_first(value, lower),
        Function::Lower => value.chars().map(lower).collect(),
        Function::UpperFirst => map_first(value, upper),
        Function::Upper => value.chars().map(upper).collect(),
        Function::ReplaceFirst => value.replacen(first, second.unwrap_or(""), 1),
        Function::ReplaceAll => value.replace(first, second.unwrap_or("")),
        Function::ReplacePrefix => match second {
            Some(replacement) if value.starts_with(first) => value.replacen(first, replacement, 1),
            _ => value.to_owned(),
        },
        Function::ReplaceSuffix => match (second, value.strip_suffix(first)) {
            (Some(replacement), Some(stem)) => format!("{stem}{replacement}"),
            _ => value.to_owned(),
        },
        Function::TrimShortestPrefix => return trim(value, first, Extent::Shortest),
        Function::TrimLongestPrefix => return trim(value, first, Extent::Longest),
        Function::TrimShortestSuffix => return trim_suffix(value, first, Extent::Shortest),
        Function::TrimLongestSuffix => return trim_suffix(value, first, Extent::Longest),
    })
}

fn map_first(value: &str, map: fn(char) -> char) -> String {
    let mut letters = value.chars();
    letters.next().map(map).into_iter().chain(letters).collect()
}

/// The simple mapping, one character to one: Go's.
fn lower(letter: char) -> char {
    single(letter.to_lowercase(), if letter == 'İ' { 'i' } else { letter })
}

/// The simple mapping, one character to one: Go's.
fn upper(letter: char) -> char {
    single(letter.to_uppercase(), letter)
}

fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(letter), None) => letter,
        _ => otherwise,
    }
}

/// Bytes from `offset`; what is no number leaves the value as it is.
fn substring(value: &str, offset: &str, length: Option<&str>) -> Result<String, &'static str> {
    const CUT: &str = "the substring ends inside a character";
    let Ok(offset) = offset.parse::<i64>() else { return Ok(value.to_owned()) };
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { size.saturating_add(offset).max(0) } else { offset };
    let end = match length.map(str::parse::<i64>) {
        None => size,
        Some(Err(_)) => return Ok(value.to_owned()),
        Some(Ok(length)) => start.saturating_add(length).min(size),
    };
    if start >= size {
        return Ok(String::new());
    }
    if end < start {
        return Err("the substring has a negative length");
    }
    let (start, end) = (usize::try_from(start).map_err(|_| CUT)?, usize::try_from(end).map_err(|_| CUT)?);
    value.get(start..end).map(str::to_owned).ok_or(CUT)
}

fn trim_suffix(value: &str, pattern: &str, extent: Extent) -> Result<String, &'static str> {
    // Upstream reverses both and trims a prefix, which breaks classes and escapes in the pattern.
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    Ok(reversed(&trim(&reversed(value), &reversed(pattern), extent)?))
}

/// Removes the prefix that matches `pattern`. The empty prefix never counts; a malformed pattern removes nothing.
fn trim(value: &str, pattern: &str, extent: Extent) -> Result<String, &'static str> {
    if value.len() > MAX_MATCHED {
        return Err("the value is too long to match a pattern");
    }
    let bytes = value.as_bytes();
    let mut found = None;
    for end in (1..=bytes.len()).rev() {
        match glob::matches(pattern.as_bytes(), &bytes[..end]) {
            Err(glob::Malformed) => return Ok(value.to_owned()),
            Ok(true) => {
                found = Some(end);
                if extent == Extent::Longest {
                    break;
                }
            }
            Ok(false) => {}
        }
    }
    let Some(end) = found else { return Ok(value.to_owned()) };
    value.get(end..).map(str::to_owned).ok_or("the pattern ends inside a character")
}
