//! CRDs turned into files of JSON Schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::diagnostic::Severity;
use crate::schema::compile::Compiled;
use crate::schema::{crd, location};
use crate::text::{Content, FileSet, RepoPath};
use crate::yaml;

/// Why CRDs were not turned into schemas; each fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read as YAML.
    #[error("read `{path}`: {reason}")]
    Unreadable {
        /// The file.
        path: RepoPath,
        /// Why not, as a clause.
        reason: String,
    },
    /// A CRD has a schema that cannot be used.
    #[error("use the schema of `{kind}` in `{path}`: {reason}")]
    Broken {
        /// The kind.
        kind: String,
        /// The file.
        path: RepoPath,
        /// Why not, as a clause.
        reason: String,
    },
    /// Two CRDs define one kind in different ways.
    #[error("choose a schema of `{kind}`: `{first}` and `{second}` differ")]
    Ambiguous {
        /// The kind.
        kind: String,
        /// The earlier file.
        first: RepoPath,
        /// The later file.
        second: RepoPath,
    },
    /// There is no CRD.
    #[error("find a CustomResourceDefinition")]
    Nothing,
}

/// Returns a JSON Schema for every served version of the CRDs in `files`: `GROUP/KIND_VERSION.json`, the layout of flux-schema and
/// of CRDs-catalog, which kubeconform reads too. Rules (CEL) are kept.
///
/// # Errors
/// At the first CRD that cannot be used, in the order of paths; then there are no schemas at all.
pub fn import(files: &FileSet) -> Result<FileSet, ImportError> {
    let mut schemas: BTreeMap<RepoPath, (RepoPath, String)> = BTreeMap::new();
    for (path, id) in files.iter() {
        let Some(text) = files.text(path).filter(|text| text.contains("CustomResourceDefinition")) else { continue };
        if !path.is_yaml() && !location::is_json(path) {
            continue;
        }
        let parsed = yaml::parse(id, text);
        if let Some(finding) = parsed.diagnostics.iter().find(|finding| finding.severity == Severity::Error) {
            return Err(ImportError::Unreadable { path: path.clone(), reason: finding.message.clone() });
        }
        for version in parsed.documents.iter().flat_map(|document| crd::versions(&document.root)) {
            let kind = version.gvk.to_string();
            let broken = |reason| ImportError::Broken { kind: kind.clone(), path: path.clone(), reason };
            let name =
                format!("{}/{}_{}.json", version.gvk.group, version.gvk.kind.to_lowercase(), version.gvk.version);
            let to = RepoPath::new(&name).map_err(|error| broken(error.to_string()))?;
            let schema = described(crd::strict(&version), &version);
            Compiled::new(schema.clone()).map_err(|reason| broken(reason.to_string()))?;
            let text = format!("{schema:#}\n");
            match schemas.get(&to) {
                Some((first, known)) if *known != text => {
                    return Err(ImportError::Ambiguous { kind, first: first.clone(), second: path.clone() });
                }
                _ => schemas.insert(to, (path.clone(), text)),
            };
        }
    }
    if schemas.is_empty() {
        return Err(ImportError::Nothing);
    }
    Ok(FileSet::from_contents(schemas.into_iter().map(|(path, (_, text))| (path, Content::Text(Arc::from(text))))))
}

/// Says what a schema is: its dialect, and the kind that it is for.
fn described(mut schema: Value, version: &crd::CrdVersion) -> Value {
    if let Value::Object(root) = &mut schema {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        let kind = json!([{
            "group": version.gvk.group.as_str(),
            "version": version.gvk.version.as_str(),
            "kind": version.gvk.kind.as_str(),
        }]);
        root.insert("x-kubernetes-group-version-kind".to_owned(), kind);
    }
    schema
}
