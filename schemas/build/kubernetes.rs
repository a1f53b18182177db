//! The definitions of Kubernetes: k8s-openapi's, with the constraints that its types cannot hold.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::strict::{self, Null};
use crate::{Definitions, kinds};

/// Packages whose names are shortened in the names of definitions.
const PACKAGES: [(&str, &str); 7] = [
    ("io.k8s.api.", ""),
    ("io.k8s.apimachinery.pkg.apis.", ""),
    ("io.k8s.apimachinery.pkg.api.resource.", ""),
    ("io.k8s.apimachinery.pkg.util.intstr.", ""),
    ("io.k8s.apimachinery.pkg.runtime.", ""),
    ("io.k8s.apiextensions-apiserver.pkg.apis.", ""),
    ("io.k8s.kube-aggregator.pkg.apis.", ""),
];

/// Source: k8s.io/apimachinery, pkg/api/resource, the grammar above `Quantity`.
const QUANTITY: &str = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

/// Adds the definitions, and returns the kinds as lines of the catalogue.
pub(crate) fn add(overlay: &Value, definitions: &mut Definitions) -> Result<Vec<String>, String> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let kinds: Vec<_> = kinds::KINDS.iter().map(|kind| kind(&mut generator)).collect();
    for (name, schema) in generator.take_definitions(false) {
        let name = short(&name);
        let mut schema = special(&name).unwrap_or(schema);
        strict::each_reference(&mut schema, &mut |target| {
            let name = target.trim_start_matches("#/$defs/").to_owned();
            *target = format!("#/$defs/{}", short(&name));
        });
        let Value::Object(schema) = schema else { return Err(format!("{name}: not an object")) };
        definitions.insert(name, schema);
    }
    embed_claim(definitions)?;
    let mut lines = Vec::new();
    for kind in &kinds {
        let name = short(&kind.definition);
        let definition = definitions.get_mut(&name).ok_or_else(|| format!("{name}: not generated"))?;
        complete_root(definition, kind.group, kind.version, kind.kind);
        let scope = if kind.namespaced { "Namespaced" } else { "Cluster" };
        lines.push(format!("{}\t{}\t{}\t{name}\t{scope}\t", kind.group, kind.version, kind.kind));
    }
    apply_overlay(overlay, definitions)?;
    for definition in definitions.values_mut() {
        strict::harden(definition, Null::Allowed);
    }
    Ok(lines)
}

/// A claim of `volumeClaimTemplates` says neither kind nor API version: it gets a definition of its own before the one of
/// the kind is completed.
fn embed_claim(definitions: &mut Definitions) -> Result<(), String> {
    const KIND: &str = "core.v1.PersistentVolumeClaim";
    const EMBEDDED: &str = "core.v1.PersistentVolumeClaim.embedded";
    let claim = definitions.get(KIND).ok_or_else(|| format!("{KIND}: not generated"))?;
    let mut embedded = claim.clone();
    embedded.insert("required".to_owned(), json!(["metadata"]));
    definitions.insert(EMBEDDED.to_owned(), embedded);
    let set = definitions.get_mut("apps.v1.StatefulSetSpec").and_then(|spec| spec.get_mut("properties"));
    let templates = set.and_then(|properties| properties.get_mut("volumeClaimTemplates"));
    let templates = templates.ok_or("apps.v1.StatefulSetSpec has no volumeClaimTemplates")?;
    strict::each_reference(templates, &mut |target| {
        if target.ends_with(KIND) {
            EMBEDDED.clone_into(target);
            target.insert_str(0, "#/$defs/");
        }
    });
    Ok(())
}

fn short(name: &str) -> String {
    let package = PACKAGES.iter().find_map(|(long, short)| Some(format!("{short}{}", name.strip_prefix(long)?)));
    package.unwrap_or_else(|| name.to_owned())
}

/// Definitions that k8s-openapi leaves open.
fn special(name: &str) -> Option<Value> {
    match name {
        "Quantity" => Some(
            json!({ "type": ["string", "number"], "pattern": QUANTITY, "x-expected": "a quantity such as `500m` or `1Gi`" }),
        ),
        "IntOrString" => Some(json!({ "type": ["integer", "string"] })),
        "apiextensions.v1.JSON" | "apiextensions.v1.JSONSchemaPropsOrStringArray" => Some(json!({})),
        // A list of schemas is not structural, so the API server refuses it.
        "apiextensions.v1.JSONSchemaPropsOrArray" => {
            Some(json!({ "$ref": "#/$defs/apiextensions.v1.JSONSchemaProps" }))
        }
        "apiextensions.v1.JSONSchemaPropsOrBool" => Some(json!({ "type": ["object", "boolean"] })),
        _ => None,
    }
}

/// What every object needs: its kind, and a name (server-side apply takes no `generateName`).
pub(crate) fn complete_root(definition: &mut Map<String, Value>, group: &str, version: &str, kind: &str) {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let extra = json!({
        "properties": {
            "apiVersion": { "type": "string", "enum": [api_version] },
            "kind": { "type": "string", "enum": [kind] },
            "metadata": { "required": ["name"], "properties": { "name": { "$ref": "#/$defs/DnsSubdomain" } } },
        },
    });
    if let Value::Object(extra) = extra {
        strict::merge(definition, &extra);
    }
    let mut required = vec![json!("apiVersion"), json!("kind"), json!("metadata")];
    if let Some(Value::Array(own)) = definition.get("required") {
        required.extend(own.iter().filter(|name| *name != "metadata").cloned());
    }
    definition.insert("required".to_owned(), Value::Array(required));
}

/// Merges the overlay: definition, then property (empty for the definition itself), then keywords.
fn apply_overlay(overlay: &Value, definitions: &mut Definitions) -> Result<(), String> {
    let mut overlay = overlay.clone();
    strict::each_reference(&mut overlay, &mut |target| *target = format!("#/$defs/{target}"));
    let Value::Object(overlay) = overlay else { return Err("the overlay is no object".to_owned()) };
    for (name, properties) in &overlay {
        let definition = definitions.get_mut(name).ok_or_else(|| format!("overlay: no definition `{name}`"))?;
        let Value::Object(properties) = properties else { return Err(format!("overlay: {name} is no object")) };
        for (property, extra) in properties {
            if let (true, Value::Object(extra)) = (property.is_empty(), extra) {
                strict::merge(definition, extra);
                continue;
            }
            let target = definition.get_mut("properties").and_then(|all| all.get_mut(property));
            let (Some(Value::Object(target)), Value::Object(extra)) = (target, extra) else {
                return Err(format!("overlay: {name} has no property `{property}`"));
            };
            strict::merge(target, extra);
        }
    }
    Ok(())
}
