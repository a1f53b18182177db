//! `--fix` and `--diff`: what can be repaired, in the files or shown.

use crate::apply::{self, Allowed};
use crate::cli::console::Console;
use crate::cli::tree::Tree;
use crate::cli::validate::{Args, check, end};
use crate::cli::{CliError, Ended};
use crate::repo::Repo;
use crate::report;
use crate::text;

/// Repairs `tree` and reports the rest, or shows what would change.
pub(super) fn run(args: &Args, tree: Tree, console: &Console) -> Result<Ended, CliError> {
    let Tree { repo, not_checked } = tree;
    let files = repo.files().clone();
    let allowed = if args.unsafe_fixes { Allowed::Unsafe } else { Allowed::Safe };
    let fixed = apply::fix(repo, allowed, |repo| check(args, repo, &not_checked))?;
    if args.diff {
        console.print(&report::diff(&Repo::new(files), &fixed.repo, console.color))?;
        console.say(&format!("{} would be applied", counted(fixed.applied, "fix", "fixes")));
        return Ok(if fixed.applied > 0 { Ended::WithFindings } else { Ended::Clean });
    }
    let changed = text::replace_texts(&args.directory, &files, fixed.repo.files())?;
    let ended = end(args, &fixed.findings, &fixed.repo, console);
    let applied = counted(fixed.applied, "fix", "fixes");
    console.say(&format!("{applied} applied, in {}", counted(changed, "file", "files")));
    ended
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
