//! CustomResourceDefinitions as schemas.
//!
//! Source: Kubernetes, "Specifying a structural schema", and k8s.io/apiextensions-apiserver.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::kube::Gvk;
use crate::schema::Scope;
use crate::schema::compile::{Broken, Compiled};
use crate::yaml::{Dialect, Node};

/// One version of a CRD.
#[derive(Debug)]
pub(super) struct CrdVersion {
    /// The kind that it defines.
    pub(super) gvk: Gvk,
    /// Where its objects live.
    pub(super) scope: Scope,
    /// `openAPIV3Schema`, or the version itself where it has none.
    pub(super) schema: Node,
    /// The schema, ready for use since the first object.
    pub(super) compiled: OnceLock<Result<Compiled, Broken>>,
}

impl CrdVersion {
    /// Returns whether both define the same.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.gvk == other.gvk && self.scope == other.scope && self.schema == other.schema
    }
}

/// Returns the served versions that `object` defines; none where it is no CRD.
pub(super) fn versions(object: &Node) -> Vec<CrdVersion> {
    let is_crd = object.get("kind").and_then(Node::as_str) == Some("CustomResourceDefinition");
    let Some(spec) = object.get("spec").filter(|_| is_crd) else { return Vec::new() };
    let text = |keys: &[&str]| spec.at(keys).and_then(Node::as_str).unwrap_or_default();
    let (group, kind) = (text(&["group"]), text(&["names", "kind"]));
    let scope = if text(&["scope"]) == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
    let served =
        spec.items("versions").iter().filter(|version| version.get("served").and_then(Node::as_str) != Some("false"));
    let versions = served.filter_map(|version| {
        let name = version.get("name")?.as_str()?;
        let schema = version.at(&["schema", "openAPIV3Schema"]).unwrap_or(version);
        let gvk = Gvk { group: group.into(), version: name.into(), kind: kind.into() };
        Some(CrdVersion { gvk, scope, schema: schema.clone(), compiled: OnceLock::new() })
    });
    versions.collect()
}

/// Returns the JSON Schema of the objects of `version`: strict, with the metadata that every object has.
pub(super) fn strict(version: &CrdVersion) -> Value {
    complete(version.schema.to_json(Dialect::KubernetesV2), &version.gvk)
}

/// Returns `schema`, that of the objects of `gvk` in the form of `openAPIV3Schema`, made strict and completed by the metadata that
/// every object has.
pub(super) fn complete(schema: Value, gvk: &Gvk) -> Value {
    let Value::Object(mut root) = schema else { return Value::Bool(true) };
    if !root.contains_key("type") && !root.contains_key("properties") {
        // Without a schema anything goes.
        root = Map::new();
        root.insert("x-kubernetes-preserve-unknown-fields".to_owned(), Value::Bool(true));
    }
    harden(&mut root, Null::Refused);
    let metadata = gitops_gen_schemas::definition("meta.v1.ObjectMeta").unwrap_or_default();
    let properties = root.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert("apiVersion".to_owned(), json!({ "type": "string", "enum": [gvk.api_version()] }));
        properties.insert("kind".to_owned(), json!({ "type": "string", "enum": [gvk.kind.as_str()] }));
        let name = json!({
            "$ref": "#/$defs/meta.v1.ObjectMeta",
            "type": "object",
            "required": ["name"],
            "properties": { "name": { "$ref": "#/$defs/DnsSubdomain" } },
        });
        properties.insert("metadata".to_owned(), name);
        // What the controller writes is nobody's to check.
        properties.insert("status".to_owned(), Value::Bool(true));
    }
    let mut required = vec![json!("apiVersion"), json!("kind"), json!("metadata")];
    let own = root.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    required.extend(own.iter().filter(|name| !required.contains(name)).cloned().collect::<Vec<_>>());
    root.insert("required".to_owned(), Value::Array(required));
    let mut definitions = metadata.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let subdomain = gitops_gen_schemas::definition("DnsSubdomain").unwrap_or_default();
    definitions.extend(subdomain.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default());
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

/// Whether null may stand at a place: where a field is optional it is pruned before the schema is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    Allowed,
    Refused,
}

/// Turns a structural schema into a strict JSON Schema of draft 2020-12, in place.
fn harden(schema: &mut Map<String, Value>, null: Null) {
    for keyword in ["description", "title", "example", "externalDocs", "$schema", "id", "$ref"] {
        schema.remove(keyword);
    }
    // The validator need not know the formats, but rules see a moment where the text of one stands.
    if let Some(format) = schema.remove("format") {
        schema.insert("x-format".to_owned(), format);
    }
    let is = |schema: &Map<String, Value>, key: &str| schema.get(key) == Some(&Value::Bool(true));
    exclusive_limits(schema);
    if is(schema, "x-kubernetes-int-or-string") {
        schema.remove("anyOf");
        schema.insert("type".to_owned(), json!(["integer", "string"]));
    }
    if is(schema, "x-kubernetes-embedded-resource") {
        embed(schema);
    }
    if schema.get("x-kubernetes-list-type") == Some(&json!("set")) {
        schema.insert("uniqueItems".to_owned(), Value::Bool(true));
    }
    harden_properties(schema);
    for key in ["items", "additionalProperties"] {
        if let Some(Value::Object(inner)) = schema.get_mut(key) {
            harden(inner, Null::Refused);
        }
    }
    let is_open = is(schema, "x-kubernetes-preserve-unknown-fields");
    if schema.contains_key("properties") && !is_open && !schema.contains_key("additionalProperties") {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if null == Null::Allowed || is(schema, "nullable") {
        allow_null(schema);
    }
}

fn harden_properties(schema: &mut Map<String, Value>) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut defaulted = Vec::new();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            let Value::Object(property) = property else { continue };
            // The default is filled in before the schema is asked.
            let has_default = property.contains_key("default");
            let is_required = required.iter().any(|other| other == name) && !has_default;
            harden(property, if is_required { Null::Refused } else { Null::Allowed });
            if has_default {
                defaulted.push(name.clone());
            }
        }
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !defaulted.iter().any(|other| name == other));
    }
}

/// OpenAPI 3.0 has the limits' exclusiveness as booleans.
fn exclusive_limits(schema: &mut Map<String, Value>) {
    for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match schema.remove(exclusive) {
            Some(Value::Bool(true)) => {
                if let Some(value) = schema.remove(limit) {
                    schema.insert(exclusive.to_owned(), value);
                }
            }
            Some(number @ Value::Number(_)) => {
                schema.insert(exclusive.to_owned(), number);
            }
            _ => {}
        }
    }
}

/// An object inside an object: its kind and metadata need not be in the schema.
fn embed(schema: &mut Map<String, Value>) {
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        for name in ["apiVersion", "kind"] {
            properties.entry(name).or_insert_with(|| json!({ "type": "string" }));
        }
        properties.entry("metadata").or_insert_with(|| json!({ "type": "object" }));
    }
}

fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::String(name)) => {
            let both = json!([name.as_str(), "null"]);
            schema.insert("type".to_owned(), both);
        }
        Some(Value::Array(names)) if !names.contains(&json!("null")) => names.push(json!("null")),
        _ => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}
