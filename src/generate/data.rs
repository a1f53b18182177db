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
        let reason = if files.file(&at).is_some() { "it is not UTF-8 text" } else { "there is no such file" };
        return Err(problem(None, reason.to_owned()));
    };
    let line = |span| files.sources().start(span).map(|start| start.line);
    let parsed = yaml::parse(id, text);
    if let Some(first) = parsed.diagnostics.first() {
        let label = first.labels.first();
        let why = label
            .filter(|label| !label.message.is_empty())
            .map_or(String::new(), |label| format!(": {}", label.message));
        return Err(problem(label.and_then(|label| line(label.span)), format!("{}{why}", first.message)));
    }
    match parsed.documents.as_slice() {
        [document] => Ok(document.root.to_json(Dialect::KubernetesV2)),
        [] => Err(problem(None, "it is empty".to_owned())),
        [_, second, ..] => {
            let count = parsed.documents.len();
            Err(problem(line(second.root.span), format!("it holds {count} documents, expected one")))
        }
    }
}
