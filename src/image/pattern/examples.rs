//! Tags that a pattern lets through: made of its syntax, so that a rule can show what else would win.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};

use crate::image::reference::is_tag;

/// Characters of tags that stand for their class, in the order in which they are tried.
const SAMPLES: [char; 7] = ['1', 'a', 'A', '.', '-', '_', 'x'];

/// More examples than these tell nothing new.
const MOST: usize = 64;

/// Returns tags that `expression`, in the language of the crate `regex`, may match, sorted; at most 64. The caller asks
/// the pattern: what looks around (`\b`) is passed over here.
///
/// Each part is varied alone beside the first choice of the others: the number stays that of the parts.
pub(super) fn examples(expression: &str) -> BTreeSet<String> {
    let Ok(syntax) = regex_syntax::ParserBuilder::new().utf8(false).build().parse(expression) else {
        return BTreeSet::new();
    };
    // No registry has a tag that begins with one of these.
    let is_example = |text: &String| is_tag(text) && !text.starts_with(['.', '-']);
    made_of(&syntax).into_iter().filter(is_example).take(MOST).collect()
}

fn made_of(syntax: &Hir) -> Vec<String> {
    match syntax.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => characters(class),
        HirKind::Capture(capture) => made_of(&capture.sub),
        HirKind::Repetition(repetition) => {
            let least = usize::try_from(repetition.min).unwrap_or(usize::MAX).min(128);
            let once = if least == 0 && repetition.max != Some(0) { Some(1) } else { None };
            let parts = made_of(&repetition.sub);
            // The shortest that is there comes first: an empty one is the exception.
            let counts = once.into_iter().chain([least]);
            counts.flat_map(|count| parts.iter().map(move |part| part.repeat(count))).take(MOST).collect()
        }
        HirKind::Concat(parts) => varied(&parts.iter().map(made_of).collect::<Vec<_>>()),
        HirKind::Alternation(branches) => branches.iter().flat_map(made_of).take(MOST).collect(),
    }
}

fn characters(class: &Class) -> Vec<String> {
    let holds = |character: char| match class {
        Class::Unicode(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&character)),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .any(|range| (char::from(range.start())..=char::from(range.end())).contains(&character)),
    };
    let first = match class {
        Class::Unicode(class) => class.ranges().first().map(ClassUnicodeRange::start),
        Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
    };
    let mut found: Vec<char> = SAMPLES.into_iter().filter(|sample| holds(*sample)).collect();
    if found.is_empty() {
        found.extend(first);
    }
    found.into_iter().map(String::from).collect()
}

/// Returns the first choice of every part in a row, and each row with another choice of one part.
fn varied(parts: &[Vec<String>]) -> Vec<String> {
    let row = |at: usize, choice: usize| -> String {
        let chosen = |(place, part): (usize, &Vec<String>)| part.get(if place == at { choice } else { 0 }).cloned();
        parts.iter().enumerate().filter_map(chosen).collect()
    };
    let others = parts.iter().enumerate().flat_map(|(at, part)| (1..part.len()).map(move |choice| (at, choice)));
    std::iter::once((0, 0)).chain(others).take(MOST).map(|(at, choice)| row(at, choice)).collect()
}

#[cfg(test)]
mod tests {
    use crate::image::Pattern;

    fn examples(pattern: &str) -> Vec<String> {
        Pattern::new(pattern).unwrap().examples()
    }

    #[test]
    fn each_part_of_a_pattern_is_varied() {
        assert_eq!(examples("^v[0-9]+(-rc)?$"), ["v1", "v1-rc"]);
        assert_eq!(examples("^(main|stage)-[a-f0-9]{3}$"), ["main-111", "main-aaa", "stage-111"]);
        assert_eq!(examples("^[^0-9]$"), ["A", "_", "a", "x"]);
    }

    #[test]
    fn examples_are_tags_that_match() {
        for pattern in ["^v.*$", "\\bv1\\b", "^a{0}b$", "^[.]x$", "^(a|b|)c{2,}$", "^$", "^[a-z]{200}$"] {
            let compiled = Pattern::new(pattern).unwrap();
            let made = compiled.examples();
            assert!(made.iter().all(|tag| compiled.matches(tag) && crate::image::is_tag(tag)), "{pattern}: {made:?}");
        }
        assert_eq!(examples("^$"), Vec::<String>::new());
    }
}
