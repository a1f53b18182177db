//! The report for a comment on a pull request: Markdown of bounded length, the worst first.
//!
//! Source: GitHub Flavored Markdown; GitHub refuses comments above 65,536 characters.

use std::fmt::Write as _;

use crate::diagnostic::{Findings, Severity};
use crate::repo::Repo;
use crate::report::group::{Group, counts, groups};
use crate::report::place::Place;
use crate::report::summary;
use crate::report::text::on_one_line;
use crate::text::RepoPath;

/// Longest report, in bytes (so that it is no longer in characters either).
pub const MARKDOWN_MAX: usize = 60_000;

/// Bytes that are kept for what stands below the findings.
const KEPT: usize = 8_000;

/// Longest text that is quoted of one finding, in characters.
const LONGEST: usize = 1_000;

/// Things that are listed as not checked.
const LISTED: usize = 20;

/// Begins every report: by this line a program finds the comment to replace.
const MARK: &str = "<!-- gitops-gen validate -->";

/// Returns `findings` as Markdown of at most [`MARKDOWN_MAX`] bytes; paths are those of `repo` below `base`.
///
/// Of what does not fit only the number is told. Text of the repository cannot mention people, link or hold HTML.
pub fn markdown(findings: &Findings, repo: &Repo, base: &RepoPath) -> String {
    let groups = groups(&findings.diagnostics);
    let mut out = format!("{MARK}\n## gitops-gen: {}\n", summary::found(&groups));
    let mut left_out = 0;
    for (severity, count) in counts(&groups) {
        let heading =
            format!("\n### {} {}\n\n", sign(severity), summary::counted(count, &format!("{}s", severity.name())));
        let mut section = String::new();
        for group in groups.iter().filter(|group| group.first.severity == severity) {
            let item = item(group, repo, base);
            if left_out > 0 || out.len() + heading.len() + section.len() + item.len() > MARKDOWN_MAX - KEPT {
                left_out += 1;
            } else {
                section.push_str(&item);
            }
        }
        if !section.is_empty() {
            out.push_str(&heading);
            out.push_str(&section);
        }
    }
    if left_out > 0 {
        let count = summary::counted(left_out, "findings");
        let _ =
            write!(out, "\n… and {count} more, which would make this comment too long: the log of the run has all.\n");
    }
    if !findings.checked.is_empty() {
        let _ = write!(out, "\nChecked: {}.\n", prose(&summary::checked(&findings.checked)));
    }
    out.push_str(&not_checked(findings));
    out
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    }
}

/// Returns a finding as an item of a list.
fn item(group: &Group<'_>, repo: &Repo, base: &RepoPath) -> String {
    let finding = group.first;
    let place = finding.span().and_then(|span| Place::new(span, repo, base));
    let place = place.map_or(String::new(), |place| format!("**{}** ", at(&place)));
    let mut item = format!("- {place}{} ({})\n", prose(&group.message()), code(finding.rule));
    if let Some((primary, related)) = finding.labels.split_first() {
        if !primary.message.is_empty() {
            let _ = writeln!(item, "  - {}", prose(&primary.message));
        }
        for label in related {
            let Some(place) = Place::new(label.span, repo, base) else { continue };
            let _ = writeln!(item, "  - {} {}", at(&place), prose(&label.message));
        }
    }
    for (word, said) in group.advice() {
        let _ = writeln!(item, "  - *{word}:* {}", prose(said));
    }
    item
}

fn at(place: &Place) -> String {
    code(&format!("{}:{}", place.path, place.start.line))
}

fn not_checked(findings: &Findings) -> String {
    if findings.not_checked.is_empty() {
        return String::new();
    }
    let count = summary::counted(findings.not_checked.len(), "things");
    let mut out = format!("\n<details><summary>{count} not checked</summary>\n\n");
    for (why, items) in summary::by_reason(&findings.not_checked) {
        let named: Vec<String> = items.iter().take(LISTED).map(|item| code(&on_one_line(&item.what))).collect();
        let more = items.len().saturating_sub(named.len());
        let more = if more > 0 { format!(" and {} more", summary::thousands(more)) } else { String::new() };
        let line = format!("- {}: {}{more}\n", prose(why), named.join(", "));
        if out.len() + line.len() < KEPT - 500 {
            out.push_str(&line);
        }
    }
    out.push_str("\n</details>\n");
    out
}

/// Returns `text` in which only code spans have a meaning: what stands outside of them is escaped.
fn prose(text: &str) -> String {
    let text = shortened(&on_one_line(text).replace("\\n", " "));
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find('`') {
        out.push_str(&escaped(&rest[..start]));
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let after = &rest[start + run..];
        // A span of code ends at the next run of as many backticks.
        if let Some(end) = end_of_code(after, run) {
            out.push_str(&code(&after[..end]));
            rest = &after[end + run..];
        } else {
            out.push_str(&"\\`".repeat(run));
            rest = after;
        }
    }
    out.push_str(&escaped(rest));
    out
}

fn end_of_code(text: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = text[at..].find('`') {
        let start = at + next;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        if length == run {
            return Some(start);
        }
        at = start + length;
    }
    None
}

/// Returns `text` as a span of code, between more backticks than it holds in a row.
fn code(text: &str) -> String {
    let text = shortened(&on_one_line(text));
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns `text` without any meaning in Markdown; what GitHub makes links of is broken by spaces without a width, since
/// it looks for them in the finished page, where an escape is gone.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' | '#' => out.extend([character, '\u{200b}']),
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out.replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.")
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
