//! Schemas from outside the repository: CRDs and JSON Schemas in the layouts of the field.
//!
//! Source: kubeconform, "Overriding schemas location"; the paths of flux-schema, of datreeio/CRDs-catalog and of
//! yannh/kubernetes-json-schema.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use smol_str::SmolStr;

use crate::kube::Gvk;
use crate::schema::compile::{self, Broken, Compiled};
use crate::schema::crd::{self, CrdVersion};
use crate::schema::{Origin, Outcome, Scope};
use crate::text::{Content, FileSet, RepoPath, SourceFile, SourceId};
use crate::yaml::{self, Node};

/// Names a kind in the files of a location: group (the first label of it in kubeconform's own layout), version, and the
/// kind in lower case.
type Name = (SmolStr, SmolStr, SmolStr);

/// A place with schemas.
#[derive(Debug)]
pub struct SchemaLocation {
    /// How findings call it: the directory or file as it was given.
    name: String,
    layout: Layout,
    crds: BTreeMap<Gvk, Local>,
    /// JSON Schemas by their path.
    documents: BTreeMap<RepoPath, Local>,
    /// Paths of `documents`, by the kind that they are named after.
    named: BTreeMap<Name, RepoPath>,
}

/// How a location names its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// As one of the known collections does.
    Known,
    /// By a path with placeholders, as kubeconform takes it: `{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`.
    Template(String),
}

/// Why a location cannot be used; each fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaLocationError {
    /// A file of it cannot be read.
    #[error("read schemas from `{path}`: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not, as a clause.
        reason: String,
    },
    /// It holds neither a CRD nor a JSON file.
    #[error("read schemas from `{0}`: it holds no CRD and no JSON Schema")]
    Empty(String),
    /// A placeholder that is not known.
    #[error("read schemas from `{template}`: there is no placeholder `{placeholder}`")]
    Placeholder {
        /// The path as it was given.
        template: String,
        /// What stands between the braces.
        placeholder: String,
    },
}

/// One schema of a location.
#[derive(Debug)]
struct Local {
    /// The file, for people.
    path: Arc<str>,
    content: LocalContent,
    compiled: OnceLock<Result<Compiled, Broken>>,
}

#[derive(Debug)]
enum LocalContent {
    Crd(Box<CrdVersion>),
    Json(Arc<str>),
}

impl SchemaLocation {
    /// Returns the schemas among `files`; findings call the location `name`.
    ///
    /// # Errors
    /// Where a file cannot be read, or none of them can hold a schema.
    pub fn new(name: &str, files: &FileSet, layout: Layout) -> Result<Self, SchemaLocationError> {
        let mut location = Self {
            name: name.to_owned(),
            layout,
            crds: BTreeMap::new(),
            documents: BTreeMap::new(),
            named: BTreeMap::new(),
        };
        if let Layout::Template(template) = &location.layout {
            render(template, &Gvk::default())
                .map_err(|placeholder| SchemaLocationError::Placeholder { template: name.to_owned(), placeholder })?;
        }
        for (path, id) in files.iter() {
            if is_json(path) || path.is_yaml() {
                location.add(path, id, files.file(path).map(SourceFile::content))?;
            }
        }
        if location.crds.is_empty() && location.documents.is_empty() {
            return Err(SchemaLocationError::Empty(name.to_owned()));
        }
        Ok(location)
    }

    fn add(&mut self, path: &RepoPath, id: SourceId, content: Option<&Content>) -> Result<(), SchemaLocationError> {
        let place = self.place(path);
        let refuse =
            |reason: &str| SchemaLocationError::Unreadable { path: place.to_string(), reason: reason.to_owned() };
        let text = match content {
            Some(Content::Text(text)) => text,
            Some(Content::Unreadable(reason)) => return Err(refuse(reason)),
            Some(Content::TooLarge(_)) => return Err(refuse("it has more than 16 MiB")),
            Some(Content::Binary(_)) | None => return Err(refuse("it is no text")),
        };
        let mut versions = Vec::new();
        if text.contains("CustomResourceDefinition") {
            let parsed = yaml::parse(id, text);
            versions = parsed.documents.iter().flat_map(|document| crd::versions(&document.root)).collect();
        }
        if versions.is_empty() && is_json(path) {
            self.named.entry(names_of(path)).or_insert_with(|| path.clone());
            self.documents.insert(path.clone(), Local::new(place, LocalContent::Json(Arc::clone(text))));
            return Ok(());
        }
        for version in versions {
            let gvk = version.gvk.clone();
            self.crds
                .entry(gvk)
                .or_insert_with(|| Local::new(Arc::clone(&place), LocalContent::Crd(Box::new(version))));
        }
        Ok(())
    }

    /// Returns how people call the file at `path`.
    fn place(&self, path: &RepoPath) -> Arc<str> {
        if self.name.ends_with(path.name()) || self.name.contains("{{") {
            return Arc::from(self.name.as_str());
        }
        Arc::from(format!("{}/{path}", self.name.trim_end_matches('/')))
    }

    /// Checks `node` where the location has a schema of `gvk`.
    pub(super) fn check(&self, gvk: &Gvk, node: &Node) -> Option<Outcome> {
        let local = self.find(gvk)?;
        let compiled = local.compiled.get_or_init(|| local.compile(gvk));
        Some(compile::check(compiled.as_ref(), Origin::File(Arc::clone(&local.path)), node))
    }

    /// Returns the versions that it has of a kind.
    pub(super) fn versions(&self, group: &str, kind: &str) -> impl Iterator<Item = &SmolStr> {
        let of_crds = self.crds.keys().filter(move |gvk| gvk.group == group && gvk.kind == kind);
        let lower = kind.to_lowercase();
        let of_files = self.named.keys().filter(move |(of, _, named)| *of == group && *named == lower);
        of_crds.map(|gvk| &gvk.version).chain(of_files.map(|(_, version, _)| version))
    }

    /// Returns where objects of a kind live, where a CRD says so.
    pub(super) fn scope(&self, gvk: &Gvk) -> Option<Scope> {
        match &self.crds.get(gvk)?.content {
            LocalContent::Crd(version) => Some(version.scope),
            LocalContent::Json(_) => None,
        }
    }

    fn find(&self, gvk: &Gvk) -> Option<&Local> {
        if let Some(local) = self.crds.get(gvk) {
            return Some(local);
        }
        if let Layout::Template(template) = &self.layout {
            let path = RepoPath::new(&render(template, gvk).ok()?).ok()?;
            return self.documents.get(&path);
        }
        let kind: SmolStr = gvk.kind.to_lowercase().into();
        let first_label = gvk.group.split('.').next().unwrap_or_default();
        let mut groups = [gvk.group.as_str(), first_label].into_iter();
        let path = groups.find_map(|group| self.named.get(&(group.into(), gvk.version.clone(), kind.clone())))?;
        self.documents.get(path)
    }
}

impl Local {
    fn new(path: Arc<str>, content: LocalContent) -> Self {
        Self { path, content, compiled: OnceLock::new() }
    }

    fn compile(&self, gvk: &Gvk) -> Result<Compiled, Broken> {
        let schema = match &self.content {
            LocalContent::Crd(version) => crd::strict(version),
            LocalContent::Json(text) => {
                let schema =
                    serde_json::from_str(text).map_err(|error| Broken::whole(format!("it is no JSON: {error}")))?;
                // What refers to definitions is complete as it is.
                if has_reference(&schema) { schema } else { crd::complete(schema, gvk) }
            }
        };
        Compiled::new(schema)
    }
}

fn has_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.get("$ref").is_some_and(Value::is_string) || map.values().any(has_reference),
        Value::Array(items) => items.iter().any(has_reference),
        _ => false,
    }
}

/// Returns whether the file is named as one of JSON.
pub(super) fn is_json(path: &RepoPath) -> bool {
    path.name().rsplit_once('.').is_some_and(|(_, extension)| extension == "json")
}

/// Returns the kind that a file is named after: `GROUP/KIND_VERSION.json`, `KIND-GROUP-VERSION.json` with the first label of
/// the group, or `KIND-VERSION.json` for the core group.
fn names_of(path: &RepoPath) -> Name {
    let stem = path.name().trim_end_matches(".json");
    if let Some((kind, version)) = stem.split_once('_') {
        let parent = path.parent();
        let group = if parent.name() == "core" { "" } else { parent.name() };
        return (group.into(), version.into(), kind.to_lowercase().into());
    }
    let (kind, rest) = stem.split_once('-').unwrap_or((stem, ""));
    let (group, version) = rest.rsplit_once('-').unwrap_or(("", rest));
    (group.into(), version.into(), kind.to_lowercase().into())
}

/// Fills the placeholders of `template` for a kind.
///
/// # Errors
/// The first placeholder that is not known.
fn render(template: &str, gvk: &Gvk) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, behind) = after.split_once("}}").ok_or_else(|| after.to_owned())?;
        out.push_str(before);
        let first_label = gvk.group.split('.').next().unwrap_or_default();
        match placeholder.trim() {
            ".Group" => out.push_str(&gvk.group),
            ".ResourceKind" => out.push_str(&gvk.kind.to_lowercase()),
            ".ResourceAPIVersion" => out.push_str(&gvk.version),
            ".KindSuffix" => {
                let group = if first_label.is_empty() { [""; 2] } else { ["-", first_label] };
                out.extend(group.into_iter().chain(["-", gvk.version.as_str()]));
            }
            ".NormalizedKubernetesVersion" => out.push_str("master"),
            ".StrictSuffix" => out.push_str("-strict"),
            other => return Err(other.to_owned()),
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_kinds_in_each_known_layout() {
        let named = |path: &str| {
            let (group, version, kind) = names_of(&RepoPath::new(path).unwrap());
            format!("{group}/{version} {kind}")
        };
        assert_eq!(named("cert-manager.io/certificate_v1.json"), "cert-manager.io/v1 certificate");
        assert_eq!(named("core/pod_v1.json"), "/v1 pod");
        assert_eq!(named("master-standalone-strict/deployment-apps-v1.json"), "apps/v1 deployment");
        assert_eq!(named("master-standalone/configmap-v1.json"), "/v1 configmap");
        assert_eq!(named("kustomization-kustomize-v1.json"), "kustomize/v1 kustomization");
    }

    #[test]
    fn placeholders_are_those_of_kubeconform() {
        let gvk = Gvk::new("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
        let filled = |template: &str| render(template, &gvk);
        let path = "kustomize.toolkit.fluxcd.io/kustomization_v1.json";
        assert_eq!(filled("{{.Group}}/{{ .ResourceKind }}_{{.ResourceAPIVersion}}.json").as_deref(), Ok(path));
        let standalone =
            "{{ .NormalizedKubernetesVersion }}-standalone{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json";
        assert_eq!(filled(standalone).as_deref(), Ok("master-standalone-strict/kustomization-kustomize-v1.json"));
        assert_eq!(filled("{{.Kind}}.json"), Err(".Kind".to_owned()));
        assert_eq!(filled("{{.Group"), Err(".Group".to_owned()));
    }
}
