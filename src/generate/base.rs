//! The files as they were generated, kept for the next update in one packed file.
//!
//! The hashes of the lock say *that* a person changed a file; a merge needs to know *what*. An older generator cannot be
//! asked again, so its output is kept.

use std::collections::BTreeMap;
use std::io::Read as _;

use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::generate::data::FileError;
use crate::generate::lock::{self, Lock};
use crate::text::{Content, FileSet, RepoPath, SourceFile};

/// Where the generated files are kept in a generated repository.
pub const BASE_PATH: &str = ".gitops-gen/base.zst";

/// Bytes that are unpacked at most.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Texts by path.
pub type Texts = BTreeMap<RepoPath, String>;

/// Returns the content of [`BASE_PATH`] for `files`: their texts as JSON, by path, packed by zstd.
pub(super) fn pack(files: &Texts) -> Vec<u8> {
    let by_name: BTreeMap<&str, &str> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let json = serde_json::to_vec(&by_name).expect("texts are JSON");
    compress_to_vec(json.as_slice(), CompressionLevel::Fastest)
}

/// Returns what `files` keeps of an earlier generation: all of [`BASE_PATH`]; nothing where there is no such file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn kept(files: &FileSet) -> Result<Option<Texts>, FileError> {
    let at = RepoPath::new(BASE_PATH).ok();
    match at.and_then(|path| files.file(&path)).map(SourceFile::content) {
        Some(Content::Binary(bytes)) => unpack(bytes).map(Some),
        Some(Content::Text(text)) => unpack(text.as_bytes()).map(Some),
        Some(Content::TooLarge(_) | Content::Unreadable(_)) => {
            let reason = "it is too large or cannot be opened".to_owned();
            Err(FileError { path: BASE_PATH.to_owned(), line: None, reason })
        }
        None => Ok(None),
    }
}

fn unpack(bytes: &[u8]) -> Result<Texts, FileError> {
    let problem = |reason: String| FileError { path: BASE_PATH.to_owned(), line: None, reason };
    let mut json = Vec::new();
    let unpacked = StreamingDecoder::new(bytes).map_err(|error| problem(error.to_string()))?;
    unpacked.take(MAX_BYTES).read_to_end(&mut json).map_err(|error| problem(error.to_string()))?;
    let by_name: BTreeMap<String, String> =
        serde_json::from_slice(&json).map_err(|error| problem(error.to_string()))?;
    let path = |(name, text): (String, String)| RepoPath::new(&name).map(|path| (path, text));
    by_name.into_iter().map(path).collect::<Result<_, _>>().map_err(|error| problem(error.to_string()))
}

/// Returns the files as `lock` says that they were generated into the repository `files`: those that are kept, and those
/// that nobody has changed since. What is missing was changed, and nobody knows from what.
///
/// # Errors
/// When the kept files cannot be read.
pub fn generated_before(files: &FileSet, lock: &Lock) -> Result<Texts, FileError> {
    let kept = kept(files)?.unwrap_or_default();
    let mut base = Texts::new();
    for (name, hash) in &lock.files {
        let Ok(path) = RepoPath::new(name) else { continue };
        let is_it = |text: &&str| lock::sha256(text) == *hash;
        let now = files.text(&path).filter(is_it);
        if let Some(text) = kept.get(&path).map(String::as_str).filter(is_it).or(now) {
            base.insert(path, text.to_owned());
        }
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Map;

    use super::*;

    fn repository(packed: &[u8], edited: &str) -> FileSet {
        let path = |name| RepoPath::new(name).unwrap();
        let content = |text: &str| Content::Text(Arc::from(text));
        let kept = (path(BASE_PATH), Content::Binary(Arc::from(packed)));
        FileSet::from_contents([kept, (path("a.yaml"), content(edited)), (path("b.yaml"), content("b: 1\n"))])
    }

    #[test]
    fn what_was_generated_is_known_from_what_is_kept_or_from_what_nobody_changed() {
        let texts = [("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n")];
        let lock = Lock::new("0", "x", Map::new(), &FileSet::from_texts(texts));
        let all: Texts = texts.map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned())).into();
        assert_eq!(generated_before(&repository(&pack(&all), "a: 2\n"), &lock).unwrap(), all);
        let without_a = Texts::from([(RepoPath::new("b.yaml").unwrap(), "b: 1\n".to_owned())]);
        assert_eq!(generated_before(&repository(&pack(&Texts::new()), "a: 2\n"), &lock).unwrap(), without_a);
        assert!(generated_before(&repository(b"not zstd", "a: 2\n"), &lock).is_err());
    }
}
