//! `ArtifactGenerator`: artifacts made of parts of other artifacts.
//!
//! Source: fluxcd/source-watcher, internal/builder. Its globs are Go's `fs.Glob`: `**` stands for one name like `*`,
//! and `dir/**` is everything below `dir` because directories are copied whole.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::flux::glob;
use crate::flux::ignore::Ignore;
use crate::flux::read;
use crate::flux::source::SourceFinding;
use crate::text::{FileSet, RepoPath, SourceId, Span};
use crate::yaml::Node;

/// One entry of `copy`.
struct Copy<'a> {
    files: &'a FileSet,
    /// Pattern or path in the source.
    from: SmolStr,
    /// Destination in the artifact, as written after `@artifact/`.
    to: SmolStr,
    exclude: Vec<&'a str>,
    span: Span,
}

/// Returns the artifact that `entry` of `spec.artifacts` describes; nothing where a source of
/// it is not in this repository. `source` gives the artifact of an alias.
pub(crate) fn assemble<'a>(
    entry: &'a Node,
    source: &dyn Fn(&str) -> Option<&'a FileSet>,
    findings: &mut Vec<SourceFinding>,
) -> Option<FileSet> {
    let mut paths = BTreeMap::new();
    let mut base = None;
    for item in entry.items("copy") {
        let Some(from) = read::text(item, &["from"]) else { continue };
        let to = read::text(item, &["to"]).map(|to| to.value).unwrap_or_default();
        let (alias, pattern) = from.value.strip_prefix('@').and_then(|text| text.split_once('/')).unwrap_or_default();
        let Some(files) = source(alias) else {
            // Without one of its sources nothing can be said about the artifact.
            return None;
        };
        base = Some(files);
        let exclude = item.items("exclude").iter().filter_map(Node::as_str).collect();
        let to = SmolStr::new(to.strip_prefix("@artifact/").unwrap_or_default());
        let copy = Copy { files, from: pattern.into(), to, exclude, span: from.span };
        let before = paths.len();
        let found = copy.run(&mut paths);
        if !found && paths.len() == before && !read::is_true(item, &["optional"]) {
            let reason = format!("no file of the source matches `{pattern}`");
            findings.push(SourceFinding { span: copy.span, reason });
        }
    }
    let files = base?;
    // The archive is packed with the default list once more.
    Some(Ignore::defaults().filter(&files.view(paths)))
}

impl Copy<'_> {
    /// Copies into `paths`; returns whether the pattern named anything.
    fn run(&self, paths: &mut BTreeMap<RepoPath, SourceId>) -> bool {
        let Ok(destination) = RepoPath::new(&self.to) else { return true };
        if !self.from.contains(['*', '?', '[', ']']) {
            return self.single(&destination, paths);
        }
        let parts: Vec<_> = self.from.split('/').collect();
        let root = selection_root(&parts);
        let prefix = self.from.strip_suffix("/**").and_then(|prefix| RepoPath::new(prefix).ok());
        let mut matched = BTreeSet::new();
        for (path, id) in self.files.iter() {
            let Some(found) = matching_prefix(&parts, path) else { continue };
            let chosen = !self.excludes(path, &root, &found);
            matched.insert(found);
            if !chosen {
                continue;
            }
            let below = prefix.as_ref().and_then(|prefix| path.strip_prefix(prefix)).unwrap_or_else(|| path.clone());
            paths.extend(destination.join(below.as_str()).map(|path| (path, id)));
        }
        !matched.is_empty()
    }

    /// A path without wildcards: a file goes to the destination or into it, a directory always into it.
    fn single(&self, destination: &RepoPath, paths: &mut BTreeMap<RepoPath, SourceId>) -> bool {
        let Ok(from) = RepoPath::new(&self.from) else { return false };
        if let Some(id) = self.files.id(&from) {
            let into =
                self.to.is_empty() || self.to.ends_with('/') || paths.keys().any(|path| path.is_below(destination));
            let name = if into { from.name() } else { "" };
            if let (false, Ok(path)) = (self.excludes(&from, &RepoPath::root(), &from), destination.join(name)) {
                paths.insert(path, id);
            }
            return true;
        }
        let parent = from.parent();
        let mut found = false;
        for (path, id) in self.files.below(&from) {
            found = true;
            let Some(below) = path.strip_prefix(&parent) else { continue };
            if !self.excludes(path, &from, &from) {
                paths.extend(destination.join(below.as_str()).map(|path| (path, id)));
            }
        }
        found
    }

    /// Returns whether `path`, or a directory from `top` down to it, is left out.
    fn excludes(&self, path: &RepoPath, root: &RepoPath, top: &RepoPath) -> bool {
        if self.exclude.is_empty() {
            return false;
        }
        let mut current = path.clone();
        loop {
            let relative = current.strip_prefix(root).filter(|relative| !relative.is_root());
            let matched = self.exclude.iter().any(|pattern| {
                glob::matches_path(pattern, current.as_str())
                    || relative.as_ref().is_some_and(|relative| glob::matches_path(pattern, relative.as_str()))
                    || (!pattern.contains('/') && glob::matches_path(pattern, current.name()))
            });
            if matched {
                return true;
            }
            if current == *top || current.is_root() {
                return false;
            }
            current = current.parent();
        }
    }
}

/// Returns the part of `path` that the pattern names: the path itself or a directory above it.
fn matching_prefix(pattern: &[&str], path: &RepoPath) -> Option<RepoPath> {
    let names: Vec<_> = path.parts().take(pattern.len()).collect();
    let matches = |(part, name): (&&str, &&str)| glob::matches_name(part, name);
    if names.len() < pattern.len() || !pattern.iter().zip(&names).all(matches) {
        return None;
    }
    RepoPath::new(&names.join("/")).ok()
}

/// Returns the names before the first wildcard.
fn selection_root(pattern: &[&str]) -> RepoPath {
    let fixed: Vec<_> = pattern.iter().take_while(|part| !part.contains(['*', '?', '[', ']'])).copied().collect();
    RepoPath::new(&fixed.join("/")).unwrap_or_else(|_| RepoPath::root())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    /// Returns what the `copy` entries of `text` make of `paths`, as `path < source`, and the number of findings.
    fn assembled(paths: &[&str], text: &str) -> (Vec<String>, usize) {
        let all =
            FileSet::from_texts(paths.iter().map(|path| (*path, String::new())).chain([("gen", text.to_owned())]));
        let generator = all.id(&RepoPath::new("gen").unwrap()).unwrap();
        let document = yaml::parse(generator, text).documents.remove(0);
        let mut findings = Vec::new();
        let source = |alias: &str| (alias == "repo").then_some(&all);
        let made = assemble(&document.root, &source, &mut findings).unwrap_or_default();
        let list = made.iter().map(|(path, id)| format!("{path} < {}", all.sources().get(id).unwrap().path()));
        (list.collect(), findings.len())
    }

    #[test]
    fn two_stars_at_the_end_copy_what_is_below() {
        let text = "copy: [{from: '@repo/apps/base/**', to: '@artifact/base/'}]";
        let (list, findings) = assembled(&["apps/base/web/a.yaml", "apps/base/b.yaml", "apps/x.yaml"], text);
        assert_eq!(list, ["base/b.yaml < apps/base/b.yaml", "base/web/a.yaml < apps/base/web/a.yaml"]);
        assert_eq!(findings, 0);
    }

    #[test]
    fn other_patterns_keep_the_whole_path_and_two_stars_are_one_name() {
        let text = "copy: [{from: '@repo/a/**/*.yaml', to: '@artifact/'}]";
        let (list, _) = assembled(&["a/b/x.yaml", "a/x.yaml", "a/b/c/x.yaml"], text);
        assert_eq!(list, ["a/b/x.yaml < a/b/x.yaml"]);
    }

    #[test]
    fn a_directory_is_copied_into_the_destination_and_a_file_onto_it() {
        let text = "copy: [{from: '@repo/conf', to: '@artifact/all'}, {from: '@repo/x.yaml', to: '@artifact/y.yaml'},\n\
                    {from: '@repo/x.yaml', to: '@artifact/all'}, {from: '@repo/x.yaml', to: '@artifact/'}]";
        let (list, _) = assembled(&["conf/a/b", "x.yaml"], text);
        let expected = ["all/conf/a/b < conf/a/b", "all/x.yaml < x.yaml", "x.yaml < x.yaml", "y.yaml < x.yaml"];
        assert_eq!(list, expected);
    }

    #[test]
    fn excluded_files_and_directories_stay_out() {
        let text = "copy: [{from: '@repo/a/**', to: '@artifact/', exclude: ['*.md', 'test/**', '**/old']}]";
        let (list, _) = assembled(&["a/x.yaml", "a/b/README.md", "a/test/y", "a/c/old/z"], text);
        assert_eq!(list, ["x.yaml < a/x.yaml"]);
    }

    #[test]
    fn a_pattern_that_names_nothing_is_found_unless_it_is_optional() {
        let text =
            "copy: [{from: '@repo/nope/**', to: '@artifact/'}, {from: '@repo/x', to: '@artifact/', optional: true}]";
        assert_eq!(assembled(&["a/x.yaml"], text), (Vec::new(), 1));
    }

    #[test]
    fn an_artifact_of_a_source_that_is_elsewhere_is_unknown() {
        let text = "copy: [{from: '@other/a/**', to: '@artifact/'}]";
        assert_eq!(assembled(&["a/x.yaml"], text), (Vec::new(), 0));
    }
}
