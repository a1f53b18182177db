//! The report for people.

use std::collections::BTreeMap;

use miette::{GraphicalTheme, ThemeCharacters, ThemeStyles};

use crate::diagnostic::{Checked, Diagnostic, Findings, NotChecked, Severity};
use crate::repo::Repo;
use crate::report::redact::Redactions;
use crate::report::snippet::{self, push_line};

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

/// A finding and the clusters that it was found in, in order.
struct Group<'a> {
    first: &'a Diagnostic,
    clusters: Vec<&'a str>,
}

/// Joins findings that differ in nothing but their cluster; in the order of the first of each.
fn groups(diagnostics: &[Diagnostic]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    for diagnostic in diagnostics {
        let place = diagnostic.labels.iter().map(|label| (label.span, label.message.as_ref())).collect::<Vec<_>>();
        let key = (diagnostic.rule, diagnostic.severity, diagnostic.message.as_str(), place);
        let at = *known.entry(key).or_insert_with(|| {
            groups.push(Group { first: diagnostic, clusters: Vec::new() });
            groups.len() - 1
        });
        let clusters = &mut groups[at].clusters;
        if let Some(cluster) = diagnostic.cluster.as_deref()
            && !clusters.contains(&cluster)
        {
            clusters.push(cluster);
        }
    }
    groups
}

fn finding(out: &mut String, group: &Group<'_>, repo: &Repo, redactions: &mut Redactions<'_>, theme: &GraphicalTheme) {
    let Diagnostic { rule, severity, message, labels, help, notes, .. } = group.first;
    let head = paint(&format!("{}[{rule}]", severity.name()), *severity, theme);
    push_line(out, &format!("{head}: {}{}", printable(message), in_clusters(&group.clusters)));
    snippet::render(out, labels, repo, redactions, theme);
    let mut say = |word: &str, text: &str| {
        let word = theme.styles.help.style(word);
        push_line(out, &format!("  {word}: {}", printable(text).replace('\n', "\n    ")));
    };
    if let Some(help) = help {
        say("help", help);
    }
    for note in notes {
        say("note", note);
    }
}

/// Returns which clusters have a finding, as the end of its message.
fn in_clusters(clusters: &[&str]) -> String {
    const MOST: usize = 4;
    let names = clusters.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match clusters.len() {
        0 => String::new(),
        1 => format!(" in cluster {names}"),
        count if count > MOST => format!(" in clusters {names} and {} more", count - MOST),
        _ => format!(" in clusters {names}"),
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
    let count = |severity| groups.iter().filter(|group| group.first.severity == severity).count();
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (severity, count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| paint(&counted(count, &format!("{}s", severity.name())), severity, theme))
        .collect();
    let found = if counts.is_empty() { "no findings".to_owned() } else { format!("found: {}", counts.join(", ")) };
    push_line(out, &found);
    let checked: Vec<String> = checked.iter().map(|checked| counted(checked.count, &checked.what)).collect();
    push_line(out, &format!("checked: {}", checked.join(", ")));
}

fn not_checked(out: &mut String, not_checked: &[NotChecked], repo: &Repo) {
    if not_checked.is_empty() {
        return;
    }
    let mut by_reason: BTreeMap<&str, Vec<&NotChecked>> = BTreeMap::new();
    for item in not_checked {
        by_reason.entry(&item.why).or_default().push(item);
    }
    push_line(out, "not checked:");
    for (why, items) in by_reason {
        push_line(out, &format!("  {}:", on_one_line(why)));
        for item in items.iter().take(LISTED) {
            let place = item.span.and_then(|span| Some((repo.sources().path(span)?, repo.sources().start(span)?)));
            let place = place.map_or(String::new(), |(path, at)| format!(" ({path}:{}:{})", at.line, at.column));
            push_line(out, &format!("    {}{}", on_one_line(&item.what), on_one_line(&place)));
        }
        if items.len() > LISTED {
            push_line(out, &format!("    and {} more", thousands(items.len() - LISTED)));
        }
    }
}

/// Returns `count` and the word for it: `1 file`, `2,114 objects`.
fn counted(count: usize, plural: &str) -> String {
    let word = if count == 1 { plural.strip_suffix('s').unwrap_or(plural) } else { plural };
    format!("{} {word}", thousands(count))
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
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
