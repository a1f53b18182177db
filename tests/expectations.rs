//! Repositories in the manner of those that people published, with their mistakes: each is found on its line.
//!
//! A line of `tests/expectations/<name>/` that ends in `# expect: rule …` must be the primary place of a finding of each of these rules.

use std::collections::BTreeSet;
use std::path::Path;

use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::text::read_tree;

/// Rule, path and line, counted from 1.
type Place = (String, String, usize);

fn expected(repo: &Repo) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for (path, _) in repo.files().iter() {
        for (number, line) in repo.files().text(path).unwrap_or("").lines().enumerate() {
            let Some((_, wanted)) = line.split_once("# expect: ") else { continue };
            places.extend(wanted.split_whitespace().map(|rule| (rule.to_owned(), path.to_string(), number + 1)));
        }
    }
    places
}

fn found(repo: &Repo) -> BTreeSet<Place> {
    let findings = rules::validate(repo, &Options::default()).diagnostics;
    let place = |finding: &gitops_gen::diagnostic::Diagnostic| {
        let span = finding.span()?;
        let path = repo.sources().path(span)?.to_string();
        Some((finding.rule.to_owned(), path, repo.sources().start(span)?.line))
    };
    findings.iter().filter_map(place).collect()
}

#[test]
fn every_mistake_that_a_comment_names_is_found_on_its_line() {
    for name in ["platform", "purchases"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expectations").join(name);
        let repo = Repo::new(read_tree(&folder).expect("a repository can be read").files);
        let (expected, found) = (expected(&repo), found(&repo));
        assert!(!expected.is_empty(), "{name} expects nothing");
        let missing: Vec<&Place> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "{name}: not found: {missing:#?}\nfound: {found:#?}");
    }
}
