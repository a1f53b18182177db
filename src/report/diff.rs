//! What changed between two states of the files, as a unified diff.

use std::ops::Range;

use miette::ThemeStyles;
use similar::TextDiff;

use crate::repo::Repo;
use crate::report::redact::{HIDDEN, Redactions};
use crate::report::snippet::push_line;
use crate::report::text::{Color, printable};
use crate::text::{RepoPath, SourceId};

/// Returns the files of `after` whose text is another one in `before`, as a unified diff; empty where there is none.
///
/// Values of Secrets are hidden on both sides: a diff that shows some cannot be applied by `patch`. Paths have the
/// prefixes `a/` and `b/`.
pub fn diff(before: &Repo, after: &Repo, color: Color) -> String {
    let mut old = Redactions::new(before);
    let mut new = Redactions::new(after);
    let mut out = String::new();
    for (path, source) in after.files().iter() {
        let Some(earlier) = before.files().id(path) else { continue };
        if before.files().text(path) == after.files().text(path) {
            continue;
        }
        let text = unified(path, &shown(before, earlier, &mut old), &shown(after, source, &mut new));
        for line in text.lines() {
            push_line(&mut out, &painted(line, color));
        }
    }
    out
}

fn unified(path: &RepoPath, before: &str, after: &str) -> String {
    let (old, new) = (format!("a/{path}"), format!("b/{path}"));
    if before == after {
        return format!("--- {old}\n+++ {new}\n(only values of Secrets differ)\n");
    }
    TextDiff::from_lines(before, after).unified_diff().context_radius(3).header(&old, &new).to_string()
}

/// Returns the text of a file with its hidden parts masked, line by line.
fn shown(repo: &Repo, source: SourceId, redactions: &mut Redactions<'_>) -> String {
    let text = repo.source(source).map_or("", |file| file.text());
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for Range { start, end } in redactions.of(source) {
        shown.push_str(text.get(at..*start).unwrap_or_default());
        for line in text.get(*start..*end).unwrap_or_default().split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            shown.push_str(&line[..indent]);
            shown.push_str(if line.trim().is_empty() { "" } else { HIDDEN });
            shown.push_str(if line[indent..].ends_with('\n') { "\n" } else { "" });
        }
        at = *end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

fn painted(line: &str, color: Color) -> String {
    let line = printable(line.trim_end_matches('\r'));
    let styles = match color {
        Color::Always => ThemeStyles::ansi(),
        Color::Never => return line,
    };
    let style = match line.as_bytes().first() {
        Some(b'-') => styles.error,
        Some(b'+') => styles.help,
        Some(b'@') => styles.linum,
        _ => return line,
    };
    style.style(line).to_string()
}
