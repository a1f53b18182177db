//! Kustomizations that are hard for transformers and generators, built as `kubectl kustomize` 1.32 built them.
//!
//! Each folder of `tests/recorded` is one, so that a checkout without the shared cases tests the renderer too; those without `expected.yaml` were refused. Recorded with
//! `--reorder=none --load-restrictor=LoadRestrictionsNone`, which is what Flux does. `patchnull` and `patchcomment` are of
//! kustomize 5.8.1, which Flux has: the 5.5 of that kubectl refuses them.

use std::fs;
use std::path::Path;

use gitops_gen::diagnostic::Severity;
use gitops_gen::kustomize::{Mode, build};
use gitops_gen::repo::Repo;
use gitops_gen::text::{RepoPath, read_tree};
use gitops_gen::yaml;

/// Returns what we print for a folder; nothing where we refuse it.
fn printed(folder: &Path) -> Option<String> {
    let repo = Repo::new(read_tree(folder).expect("a folder").files);
    let build = build(&repo, repo.files(), &RepoPath::root(), Mode::Flux, None);
    if build.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return None;
    }
    yaml::emit_documents(build.resources.iter().map(|resource| &resource.node)).ok()
}

#[test]
fn kustomizations_are_built_or_refused_as_kubectl_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let folders = fs::read_dir(&root).expect("a folder").map(|entry| entry.expect("readable").path());
    let (mut count, mut wrong) = (0, Vec::new());
    for folder in folders {
        count += 1;
        let expected = fs::read_to_string(folder.join("expected.yaml")).ok();
        let found = printed(&folder);
        if found != expected {
            let text = |side: Option<String>| side.unwrap_or_else(|| "refused\n".to_owned());
            wrong.push(format!("## {}\n{}--- expected\n{}", folder.display(), text(found), text(expected)));
        }
    }
    assert!(count > 0, "no case in {}", root.display());
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
