//! JSON Schemas of the Kubernetes kinds, and of the kinds of Flux and its neighbours, embedded for gitops-gen.
//!
//! They are strict: a field that a schema does not name is refused, and null stands only where it means absent. They use
//! draft 2020-12 and, beside Kubernetes' own extensions, `x-expected` (what a pattern wants, for people),
//! `x-list-map-defaults` (values of absent list keys) and `x-unique-keys` (a second key of list entries, which they may lack).
//!
//! ```
//! let schema = gitops_gen_schemas::schema("apps", "v1", "Deployment").expect("Kubernetes has Deployments");
//! assert_eq!(schema["$ref"], "#/$defs/apps.v1.Deployment");
//! ```

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use serde_json::{Map, Value};

/// Written by `build.rs`, which describes the format.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.zst"));

/// A kind of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Where objects of the kind live.
    pub scope: Scope,
    /// The release that our own model describes (`Flux 2.9`); nothing for the kinds of Kubernetes itself.
    pub modelled: Option<&'static str>,
    definition: &'static str,
}

/// Where objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
    /// In a file that is no object: a kustomization file.
    File,
}

/// The unpacked catalogue.
struct Catalogue {
    kinds: Vec<Kind>,
    definitions: BTreeMap<&'static str, &'static str>,
}

/// Returns every kind, sorted by group, version and kind.
pub fn kinds() -> &'static [Kind] {
    &catalogue().kinds
}

/// Returns the entry of a kind.
pub fn kind(group: &str, version: &str, kind: &str) -> Option<&'static Kind> {
    let wanted = (group, version, kind);
    let kinds = kinds();
    let at = kinds.binary_search_by(|entry| (entry.group, entry.version, entry.kind).cmp(&wanted)).ok()?;
    kinds.get(at)
}

/// Returns the schema of a kind, with the definitions that it needs below `$defs` and no others.
pub fn schema(group: &str, version: &str, kind: &str) -> Option<Value> {
    Some(bundle(self::kind(group, version, kind)?.definition))
}

/// Returns the schema of one definition, such as `meta.v1.ObjectMeta`, in the form of [`schema`].
pub fn definition(name: &str) -> Option<Value> {
    catalogue().definitions.contains_key(name).then(|| bundle(name))
}

/// Returns the definition with everything that it refers to, directly or not.
fn bundle(name: &str) -> Value {
    let mut definitions = Map::new();
    let mut wanted = vec![name.to_owned()];
    while let Some(name) = wanted.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let text = catalogue().definitions.get(name.as_str()).copied().unwrap_or("true");
        let definition: Value = serde_json::from_str(text).unwrap_or(Value::Bool(true));
        collect_references(&definition, &mut wanted);
        definitions.insert(name, definition);
    }
    let mut schema = Map::new();
    schema.insert("$ref".to_owned(), Value::String(format!("#/$defs/{name}")));
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

fn collect_references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str().and_then(|target| target.strip_prefix("#/$defs/")) {
                    Some(name) if key == "$ref" => names.push(name.to_owned()),
                    _ => collect_references(value, names),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
        _ => {}
    }
}

/// Returns the catalogue, unpacked at the first call and kept for good.
fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    static TEXT: OnceLock<String> = OnceLock::new();
    CATALOGUE.get_or_init(|| read(TEXT.get_or_init(unpack)))
}

fn unpack() -> String {
    let mut text = String::new();
    let mut decoder =
        ruzstd::decoding::StreamingDecoder::new(PACKED).expect("the catalogue is packed by our own build script");
    decoder.read_to_string(&mut text).expect("the catalogue is packed by our own build script");
    text
}

fn read(text: &'static str) -> Catalogue {
    let mut catalogue = Catalogue { kinds: Vec::new(), definitions: BTreeMap::new() };
    for line in text.lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        if next() == "definition" {
            let name = next();
            catalogue.definitions.insert(name, next());
            continue;
        }
        catalogue.kinds.push(Kind {
            group: next(),
            version: next(),
            kind: next(),
            definition: next(),
            scope: match next() {
                "Namespaced" => Scope::Namespaced,
                "Cluster" => Scope::Cluster,
                _ => Scope::File,
            },
            modelled: Some(next()).filter(|release| !release.is_empty()),
        });
    }
    catalogue.kinds.sort_unstable();
    catalogue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_kubernetes_is_there_with_all_that_it_refers_to() {
        let kubernetes: Vec<_> = kinds().iter().filter(|kind| kind.modelled.is_none()).collect();
        assert_eq!(kubernetes.len(), 98);
        for kind in kinds() {
            let schema = schema(kind.group, kind.version, kind.kind).unwrap();
            assert!(!schema["$defs"].as_object().unwrap().values().any(Value::is_boolean), "{kind:?}");
        }
    }

    #[test]
    fn a_schema_holds_only_what_the_kind_needs() {
        let schema = schema("", "v1", "ConfigMap").unwrap();
        let definitions: Vec<_> = schema["$defs"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(definitions.contains(&"meta.v1.ObjectMeta"), "{definitions:?}");
        assert!(!definitions.contains(&"core.v1.PodSpec"), "{definitions:?}");
    }

    #[test]
    fn an_unknown_kind_has_no_schema() {
        assert_eq!(schema("apps", "v1beta1", "Deployment"), None);
    }
}
