//! Any repository is rendered, checked and reported without a panic. Files are separated by lines `=== path`.
#![no_main]

use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;
use gitops_gen::text::{Content, FileSet, RepoPath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let files = text.split("=== ").filter_map(|part| {
        let (path, content) = part.split_once('\n')?;
        Some((RepoPath::new(path).ok().filter(|path| !path.is_root())?, Content::Text(content.into())))
    });
    let repo = Repo::new(FileSet::from_contents(files));
    let findings = rules::validate(&repo, &Options::default());
    report::text(&findings, &repo, Color::Never);
    report::json(&findings, &repo);
});
