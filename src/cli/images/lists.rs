//! Lists of tags from files: a directory with one file for each image, or a lock file.

use std::borrow::Cow;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::cli::console::Console;
use crate::cli::images::ImagesError;
use crate::flux::{Fleet, ImageAutomation};
use crate::image::{TagList, TagProblem, tags_of_client};
use crate::promote::TagLists;

/// A lock file: `images: {IMAGE: {tags: [...], digests: {TAG: DIGEST}}}`, JSON or YAML of that form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    images: std::collections::BTreeMap<String, LockedImage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedImage {
    tags: Vec<String>,
    #[serde(default)]
    digests: std::collections::BTreeMap<String, String>,
}

/// Returns the text of `path`, or of standard input where it is `-`.
pub(in crate::cli) fn read_text(path: &Path) -> Result<String, ImagesError> {
    if path.is_dir() {
        return Err(ImagesError::Directory(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        fs::read(path).map(|found| bytes = found)
    };
    read.map_err(|source| ImagesError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let is_utf16 = matches!(error.as_bytes(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        let what =
            if is_utf16 { "it is UTF-16, as PowerShell writes; save it as UTF-8" } else { "it is no UTF-8 text" };
        ImagesError::NoText { path: path.to_owned(), what }
    })
}

/// Returns `text` as a list of one tag a line, whatever client printed it.
pub(in crate::cli) fn client_list<'t>(path: &Path, text: &'t str) -> Result<Cow<'t, str>, ImagesError> {
    tags_of_client(text).map_err(|source| ImagesError::Client { path: path.to_owned(), source })
}

/// Says what is wrong with a list; a list without any tag is of no use.
pub(in crate::cli) fn tell(path: &Path, list: &TagList<'_>, console: &Console) -> Result<(), ImagesError> {
    if list.tags.is_empty() {
        let source = list.problems.first().cloned().unwrap_or(TagProblem::Empty);
        return Err(ImagesError::Tags { path: path.to_owned(), source });
    }
    for problem in &list.problems {
        console.say(&format!("warning: {}: {problem}", path.display()));
    }
    if list.more_problems > 0 {
        console.say(&format!("warning: {}: {} more problems", path.display(), list.more_problems));
    }
    Ok(())
}

/// Returns the lists of `path` for the images of `fleet`: of a directory the files `IMAGE.txt`, `NAMESPACE/NAME.txt` and
/// `NAME.txt` (of the `ImageRepository`), or what a lock file says.
pub(in crate::cli) fn read(path: &Path, fleet: &Fleet, console: &Console) -> Result<TagLists, ImagesError> {
    if !path.is_dir() {
        return read_lock(path);
    }
    let mut lists = TagLists::default();
    for automation in fleet.clusters.iter().map(ImageAutomation::of) {
        for repository in automation.repositories.values() {
            if lists.of(repository.image).is_some() {
                continue;
            }
            let name = &repository.name;
            let names =
                [repository.image.to_owned(), format!("{}/{}", name.namespace, name.name), name.name.to_string()];
            let candidates = names.iter().flat_map(|name| [format!("{name}.txt"), format!("{name}.json")]);
            let Some(file) = candidates.map(|name| path.join(name)).find(|file| file.is_file()) else { continue };
            let text = read_text(&file)?;
            let text = client_list(&file, &text)?;
            let list = TagList::read(&text);
            tell(&file, &list, console)?;
            lists.add(repository.image, list.tags.iter().copied());
        }
    }
    if lists.images().next().is_none() {
        return Err(ImagesError::NoLists(path.to_owned()));
    }
    Ok(lists)
}

fn read_lock(path: &Path) -> Result<TagLists, ImagesError> {
    let text = read_text(path)?;
    let lock = |reason: String| ImagesError::Lock { path: path.to_owned(), reason };
    let shape = "neither a directory with a list for each image, nor a lock file (`images: {IMAGE: {tags: [TAG, …]}}`)";
    let value = crate::generate::parse_parameters(&text).map_err(|_| lock(shape.to_owned()))?;
    let found: Lock = serde_json::from_value(value.into()).map_err(|error| lock(format!("{shape}: {error}")))?;
    let mut lists = TagLists::default();
    for (image, locked) in found.images {
        for (tag, digest) in locked.digests {
            lists.add_digest(&image, &tag, digest);
        }
        lists.add(&image, locked.tags);
    }
    Ok(lists)
}
