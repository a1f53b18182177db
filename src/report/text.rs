//! The report for people.

use miette::{GraphicalTheme, ThemeCharacters, ThemeStyles};

use crate::diagnostic::{Checked, Diagnostic, Findings, NotChecked, Severity};
use crate::repo::Repo;
use crate::report::group::{Group, counts, groups};
use crate::report::redact::Redactions;
use crate::report::snippet::{self, push_line};
use crate::report::summary;

/// Things of one kind that are listed under "not checked"; the JSON report has all of them.
const LISTED: usize = 8;

/// Whether a report is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// With the sixteen colours of every terminal.
    Always,
    /// Without any.
    Never,
}

/// Returns `findings` for people: each with its source line, then what was checked and what was not.
///
/// The same finding in several clusters is printed once. No Secret's value is ever quoted.
pub fn text(findings: &Findings, repo: &Repo, color: Color) -> String {
    let theme = theme(color);
    let mut redactions = Redactions::new(repo);
    let mut out = String::new();
    let groups = groups(&findings.diagnostics);
    for group in &groups {
        finding(&mut out, group, repo, &mut redactions, &theme);
        out.push('\n');
    }
    // A command that only renders says what is wrong, and claims nothing about the rest.
    if !findings.checked.is_empty() {
        summary(&mut out, &groups, &findings.checked, &theme);
    }
    not_checked(&mut out, &findings.not_checked, repo);
    out
}

fn theme(color: Color) -> GraphicalTheme {
    let styles = match color {
        Color::Always => ThemeStyles::ansi(),
        Color::Never => ThemeStyles::none(),
    };
    GraphicalTheme { characters: ThemeCharacters::unicode(), styles }
}

fn finding(out: &mut String, group: &Group<'_>, repo: &Repo, redactions: &mut Redactions<'_>, theme: &GraphicalTheme) {
    let Diagnostic { rule, severity, labels, .. } = group.first;
    let head = paint(&format!("{}[{rule}]", severity.name()), *severity, theme);
    push_line(out, &format!("{head}: {}", printable(&group.message())));
    snippet::render(out, labels, repo, redactions, theme);
    for (word, said) in group.advice() {
        let word = theme.styles.help.style(word);
        push_line(out, &format!("  {word}: {}", printable(said).replace('\n', "\n    ")));
    }
}

/// Returns `words` in the colour of `severity`.
fn paint(words: &str, severity: Severity, theme: &GraphicalTheme) -> String {
    let style = match severity {
        Severity::Error => theme.styles.error,
        Severity::Warning => theme.styles.warning,
        Severity::Note => theme.styles.advice,
    };
    style.style(words).to_string()
}

fn summary(out: &mut String, groups: &[Group<'_>], checked: &[Checked], theme: &GraphicalTheme) {
    let paint = |(severity, count): (Severity, usize)| {
        paint(&summary::counted(count, &format!("{}s", severity.name())), severity, theme)
    };
    let counts: Vec<String> = counts(groups).into_iter().map(paint).collect();
    let found = if counts.is_empty() { "no findings".to_owned() } else { format!("found: {}", counts.join(", ")) };
    push_line(out, &found);
    if let Some(fixable) = summary::fixable(groups) {
        push_line(out, &format!("fixable: {fixable}"));
    }
    push_line(out, &format!("checked: {}", summary::checked(checked)));
}

fn not_checked(out: &mut String, not_checked: &[NotChecked], repo: &Repo) {
    if not_checked.is_empty() {
        return;
    }
    push_line(out, "not checked:");
    for (why, items) in summary::by_reason(not_checked) {
        push_line(out, &format!("  {}:", on_one_line(why)));
        for item in items.iter().take(LISTED) {
            let place = item.span.and_then(|span| Some((repo.sources().path(span)?, repo.sources().start(span)?)));
            let place = place.map_or(String::new(), |(path, at)| format!(" ({path}:{}:{})", at.line, at.column));
            push_line(out, &format!("    {}{}", on_one_line(&item.what), on_one_line(&place)));
        }
        if items.len() > LISTED {
            push_line(out, &format!("    and {} more", summary::thousands(items.len() - LISTED)));
        }
    }
}

/// Returns `text` as [`printable`] does, with its line breaks escaped: a file's name may hold them.
pub(super) fn on_one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Returns `text` without what could move the cursor, change colours or reverse the direction of reading.
pub(super) fn printable(text: &str) -> String {
    let harmless = |character: char| match character {
        '\n' => '\n',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(harmless).collect()
}
