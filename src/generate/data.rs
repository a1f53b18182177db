//! Files of data as plain values: manifests, schemas, parameters, lock files.

use serde_json::Value;

use crate::text::{FileSet, RepoPath};
use crate::yaml::{self, Dialect};

/// A file that is not what it has to be: its path, a line from 1 where one is known, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{path}`{}: {reason}", line.map_or(String::new(), |line| format!(", line {line}")))]
pub struct FileError {
    /// The file.
    pub path: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Why.
    pub reason: String,
}

/// Returns the one YAML document that `files` holds at `path`; JSON is YAML.
pub(super) fn read(files: &FileSet, path: &str) -> Result<Value, FileError> {
    let problem = |line, reason: String| FileError { path: path.to_owned(), line, reason };
    let at = RepoPath::new(path).map_err(|error| problem(None, error.to_string()))?;
    let (Some(id), Some(text)) = (files.id(&at), files.text(&at)) else {
        return Err(problem(None, "there is no such file".to_owned()));
    };
    let parsed = yaml::parse(id, text);
    if let Some(first) = parsed.diagnostics.first() {
        let start = first.labels.first().and_then(|label| files.sources().start(label.span));
        return Err(problem(start.map(|start| start.line), first.message.clone()));
    }
    match parsed.documents.as_slice() {
        [document] => Ok(document.root.to_json(Dialect::KubernetesV2)),
        documents => Err(problem(None, format!("it holds {} documents, expected one", documents.len()))),
    }
}
