//! Image policy markers, which are comments.

use crate::image::{self, Marking};
use crate::kube::NamespacedName;
use crate::repo::Repo;
use crate::text::{RepoPath, Span};

/// What begins the name of a policy in a marker.
const OPENING: &str = "\"$imagepolicy\": \"";

/// Returns the comment of the file `path` that `byte` is in.
fn comment(repo: &Repo, path: &RepoPath, byte: usize) -> Option<Span> {
    let comments = &repo.yaml(repo.files().id(path)?)?.comments;
    let is_here = |span: &Span| span.range().start <= byte && byte <= span.range().end;
    comments.iter().map(|comment| comment.span).find(is_here)
}

/// Returns the policy that the marker at `byte` names.
pub(super) fn policy(repo: &Repo, path: &RepoPath, byte: usize) -> Option<NamespacedName> {
    match image::read_marker(repo.sources().slice(comment(repo, path, byte)?)?) {
        Marking::Marker { policy, .. } => Some(policy),
        Marking::None | Marking::Malformed(_) => None,
    }
}

/// Returns where the marker at `byte`, which may be half written, names its policy: from the opening quote to the
/// closing one, or to the byte where there is none yet.
pub(super) fn name(repo: &Repo, path: &RepoPath, byte: usize) -> Option<Span> {
    let comment = comment(repo, path, byte)?;
    let text = repo.sources().slice(comment)?;
    let start = text.find(OPENING)? + OPENING.len();
    let end = text.get(start..)?.find('"').map_or(text.len(), |length| start + length);
    let first = comment.range().start;
    let is_inside = first + start <= byte && byte <= first + end;
    is_inside.then(|| Span::new(comment.source, first + start..first + end))
}
