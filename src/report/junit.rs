//! The report for what shows test results: JUnit's XML, as Jenkins, GitLab and Azure DevOps read it.
//!
//! A file is a suite, a finding in it a test that failed. What cannot be judged is a skipped test, so that nobody takes
//! it for checked.
//!
//! Source: Jenkins' JUnit plugin, `jenkins-junit.xsd`.

use std::collections::BTreeMap;

use crate::diagnostic::{Findings, Severity};
use crate::repo::Repo;
use crate::report::group::{Group, groups};
use crate::report::place::Place;
use crate::report::snippet::push_line;
use crate::report::summary;
use crate::text::RepoPath;

/// Suite of what stands in no file.
const NO_FILE: &str = "gitops-gen";

/// Returns `findings` as XML with a final newline; paths are those of `repo` below `base`. A finding below `fail_on` is
/// a test that passed and has something to say.
pub fn junit(findings: &Findings, repo: &Repo, base: &RepoPath, fail_on: Severity) -> String {
    let groups = groups(&findings.diagnostics);
    let mut suites: BTreeMap<String, Suite> = BTreeMap::new();
    for group in &groups {
        let place = group.first.span().and_then(|span| Place::new(span, repo, base));
        let name = place.as_ref().map_or_else(|| NO_FILE.to_owned(), |place| place.path.to_string());
        suites.entry(name).or_default().add_finding(group, place.as_ref(), fail_on);
    }
    for item in &findings.not_checked {
        suites.entry(NO_FILE.to_owned()).or_default().add_skipped(&item.what, &item.why);
    }
    // A run without findings is one test that passed, not an empty report.
    if groups.is_empty() {
        let checked = summary::checked(&findings.checked);
        suites.entry(NO_FILE.to_owned()).or_default().add_passed(&checked);
    }
    let total = |count: fn(&Suite) -> usize| suites.values().map(count).sum::<usize>();
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let (tests, failures) = (total(|suite| suite.tests), total(|suite| suite.failures));
    let counts = counts(tests, failures, total(|suite| suite.skipped));
    push_line(&mut out, &format!("<testsuites name=\"gitops-gen\"{counts}>"));
    for (name, suite) in &suites {
        let counts = self::counts(suite.tests, suite.failures, suite.skipped);
        push_line(&mut out, &format!("  <testsuite name=\"{}\"{counts}>", escaped(name)));
        out.push_str(&suite.cases);
        push_line(&mut out, "  </testsuite>");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(tests: usize, failures: usize, skipped: usize) -> String {
    format!(" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\"")
}

/// The tests of one file.
#[derive(Default)]
struct Suite {
    tests: usize,
    failures: usize,
    skipped: usize,
    /// As XML.
    cases: String,
}

impl Suite {
    fn add_finding(&mut self, group: &Group<'_>, place: Option<&Place>, fail_on: Severity) {
        let finding = group.first;
        let path = place.map_or(NO_FILE.to_owned(), |place| place.path.to_string());
        let at =
            place.map_or(String::new(), |place| format!(" file=\"{}\" line=\"{}\"", escaped(&path), place.start.line));
        let line = place.map_or(String::new(), |place| format!(" at line {}", place.start.line));
        let name = escaped(&format!("{}{line}", finding.rule));
        let at_place =
            place.map_or(String::new(), |place| format!("{path}:{}:{}: ", place.start.line, place.start.column));
        let body = format!("{at_place}{}[{}]: {}", finding.severity.name(), finding.rule, group.text());
        let body = escaped(&body);
        let said = if finding.severity >= fail_on {
            self.failures += 1;
            let message = escaped(&group.message()).replace('\n', "&#10;");
            format!("<failure message=\"{message}\" type=\"{}\">{body}</failure>", finding.severity.name())
        } else {
            format!("<system-out>{body}</system-out>")
        };
        self.case(&format!("name=\"{name}\" classname=\"{}\"{at}", escaped(&path)), &said);
    }

    fn add_skipped(&mut self, what: &str, why: &str) {
        self.skipped += 1;
        let (what, why) = (escaped(what), escaped(why));
        self.case(
            &format!("name=\"{what}\" classname=\"not checked\""),
            &format!("<skipped message=\"{}\"/>", why.replace('\n', "&#10;")),
        );
    }

    fn add_passed(&mut self, checked: &str) {
        let checked = escaped(&format!("checked: {checked}"));
        self.case("name=\"validate\" classname=\"gitops-gen\"", &format!("<system-out>{checked}</system-out>"));
    }

    fn case(&mut self, attributes: &str, said: &str) {
        self.tests += 1;
        push_line(&mut self.cases, &format!("    <testcase {attributes}>\n      {said}\n    </testcase>"));
    }
}

/// Returns `text` for an element or an attribute; characters that XML 1.0 cannot hold are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
