//! What blocks bring to the templates of other blocks: entries by list.
//!
//! A template of one block reads `contributions.<list>`, or `environment.contributions.<list>` for what applies there.

use serde_json::{Map, Value, json};

use crate::generate::block::{Block, OneOrTwo};
use crate::generate::scope::{Scope, Turn};
use crate::generate::template::{Engine, Values};

/// A list: the fields of its entries that have to be there, and the others with what they are when they are not.
struct List {
    name: &'static str,
    required: &'static [&'static str],
    optional: fn() -> Value,
}

/// Every list that there is.
const LISTS: &[List] = &[
    // Directories of infrastructure/controllers/base.
    List { name: "controllers", required: &["name"], optional: || json!({}) },
    // Files of infrastructure/controllers/<environment> that change what the base says.
    List { name: "controllerPatches", required: &["environment", "file"], optional: || json!({}) },
    // Files or directories of infrastructure/configs/base; directories beside it where they are for some environments.
    List { name: "configs", required: &["name"], optional: || json!({}) },
    List { name: "configPatches", required: &["environment", "file"], optional: || json!({}) },
    // What a layer is in the clusters at some providers: patches of Flux, as operations or as a merge.
    List {
        name: "clusterPatches",
        required: &["layer", "providers", "why", "target", "patch"],
        optional: || json!({}),
    },
    // Kinds that the layer `infra-configs` waits for.
    List { name: "configHealth", required: &["apiVersion", "kind"], optional: || json!({}) },
    // Flux Kustomizations of their own, of every cluster or of the elected one.
    List {
        name: "layers",
        required: &["name"],
        optional: || {
            json!({"path": null, "dependsOn": ["infra-configs"], "timeout": "5m", "substitute": true, "decrypt": false,
                "automationOnly": false, "health": []})
        },
    },
    // Programs that are no apps of the parameters, deployed like them.
    List { name: "apps", required: &["name"], optional: || json!({"dependsOn": ["infra-configs"], "decrypt": false}) },
    // Public names: the gateway listens on each.
    List { name: "hosts", required: &["name", "namespace", "prefix"], optional: || json!({}) },
    // Namespaces that apps live in.
    List {
        name: "namespaces",
        required: &["name"],
        optional: || json!({"podSecurity": null, "public": false, "denyAll": true, "denyEgress": true}),
    },
    // Directories at the top that Flux takes.
    List { name: "directories", required: &["name"], optional: || json!({}) },
    // Variables of the clusters.
    List { name: "variables", required: &["name", "value"], optional: || json!({}) },
    // Controllers of Flux beside the usual ones.
    List { name: "fluxComponents", required: &["name"], optional: || json!({}) },
];

/// Keys of an entry that say when and how often it is there.
const WHEN: &str = "when";
const ENVIRONMENTS: &str = "environments";
const EACH: &str = "each";
const AS: &str = "as";

/// Returns `values` with what `blocks` contribute, and what the values hold already under the name of a list in
/// `contributions`.
///
/// # Errors
/// A clause, when an entry is not what its list takes.
pub(super) fn add(engine: &Engine, blocks: &[&Block], values: Value) -> Result<Value, String> {
    let mut scope = Scope::new(values);
    let mut lists: Map<String, Value> =
        scope.values().as_value().get("contributions").and_then(Value::as_object).cloned().unwrap_or_default();
    for list in LISTS {
        let mut entries = match lists.remove(list.name) {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        for block in blocks {
            for entry in block.contributes.get(list.name).into_iter().flatten() {
                let made = made(engine, &mut scope, list, entry);
                entries.extend(made.map_err(|reason| format!("block `{}`, {}: {reason}", block.name, list.name))?);
            }
        }
        lists.insert(list.name.to_owned(), Value::Array(entries));
    }
    for block in blocks {
        if let Some(unknown) = block.contributes.keys().find(|name| !LISTS.iter().any(|list| list.name == **name)) {
            return Err(format!("block `{}` contributes to `{unknown}`, which is no list", block.name));
        }
    }
    let mut values = scope.into_value();
    if let Some(environments) = values.get_mut("environments").and_then(Value::as_object_mut) {
        for (name, environment) in environments {
            environment["contributions"] = of_environment(&lists, name);
        }
    }
    if let Some(clusters) = values.get_mut("clusters").and_then(Value::as_object_mut) {
        for cluster in clusters.values_mut() {
            cluster["patches"] = of_cluster(&lists, cluster);
        }
    }
    values["contributions"] = Value::Object(lists);
    Ok(values)
}

/// Returns what `entry` comes to: nothing, one, or one for each of what it loops over.
fn made(engine: &Engine, scope: &mut Scope, list: &List, entry: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let name = |key: &str| entry.get(key).cloned().map(OneOrTwo::try_from).transpose();
    let turns = match (name(EACH)?, name(AS)?) {
        (Some(each), Some(variables)) if each.0.len() == variables.0.len() => scope.each(&each, &variables)?,
        (None, None) => [Turn::default()].into(),
        _ => return Err(format!("`{EACH}` and `{AS}` belong together")),
    };
    let when = entry.get(WHEN).map(|when| when.as_str().ok_or("`when` is no expression")).transpose()?;
    let mut made = Vec::new();
    for turn in turns.iter() {
        let one = scope.at(turn, |values| match when {
            Some(when) if !engine.holds(when, values)? => Ok(None),
            _ => filled(engine, values, list, entry).map(Some),
        });
        made.extend(one?);
    }
    Ok(made)
}

/// Returns the entry with its texts rendered and every field of its list.
fn filled(engine: &Engine, values: &Values, list: &List, entry: &Map<String, Value>) -> Result<Value, String> {
    let optional = (list.optional)();
    let mut whole = Map::new();
    whole.insert(ENVIRONMENTS.to_owned(), Value::Null);
    whole.extend(optional.as_object().cloned().unwrap_or_default());
    for (key, value) in entry {
        if [WHEN, EACH, AS].contains(&key.as_str()) {
            continue;
        }
        if !list.required.contains(&key.as_str()) && !whole.contains_key(key) {
            return Err(format!("`{key}` is no field of it"));
        }
        whole.insert(key.clone(), rendered(engine, values, value)?);
    }
    match list.required.iter().find(|field| !whole.contains_key(**field)) {
        Some(missing) => Err(format!("`{missing}` is missing")),
        None => Ok(Value::Object(whole)),
    }
}

fn rendered(engine: &Engine, values: &Values, value: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if text.contains("{{") => Value::from(engine.inline(text, values)?),
        Value::Array(list) => list.iter().map(|item| rendered(engine, values, item)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| Ok((key.clone(), rendered(engine, values, value)?));
            Value::Object(map.iter().map(entry).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// Returns the entries of each list that apply to `environment`.
fn of_environment(lists: &Map<String, Value>, environment: &str) -> Value {
    let applies = |entry: &&Value| {
        let only = entry.get("environment").and_then(Value::as_str);
        only.is_none_or(|only| only == environment) && is_for(entry, ENVIRONMENTS, &Value::from(environment))
    };
    let list = |(name, entries): (&String, &Value)| {
        let entries = entries.as_array().into_iter().flatten().filter(applies).cloned();
        (name.clone(), Value::Array(entries.collect()))
    };
    Value::Object(lists.iter().map(list).collect())
}

/// Whether `entry` is for `name`: its field `list` names it, or nothing at all.
fn is_for(entry: &Value, list: &str, name: &Value) -> bool {
    entry.get(list).and_then(Value::as_array).is_none_or(|names| names.contains(name))
}

/// Returns the patches of each layer that apply to `cluster`, for the layers that have some.
fn of_cluster(lists: &Map<String, Value>, cluster: &Value) -> Value {
    let mut layers: Map<String, Value> = Map::new();
    for entry in lists.get("clusterPatches").and_then(Value::as_array).into_iter().flatten() {
        let applies =
            is_for(entry, "providers", &cluster["provider"]) && is_for(entry, ENVIRONMENTS, &cluster["environment"]);
        if let (true, Some(layer)) = (applies, entry["layer"].as_str()) {
            let patches = layers.entry(layer.to_owned()).or_insert_with(|| json!([]));
            patches.as_array_mut().into_iter().for_each(|patches| patches.push(entry.clone()));
        }
    }
    Value::Object(layers)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn block(list: &str, entries: &Value) -> Block {
        let entries = entries.as_array().unwrap().iter().map(|entry| entry.as_object().unwrap().clone()).collect();
        Block {
            name: "test".to_owned(),
            when: None,
            loops: Vec::new(),
            rules: Vec::new(),
            contributes: BTreeMap::from([(list.to_owned(), entries)]),
            templates: Vec::new(),
        }
    }

    fn contributed(list: &str, entries: &Value) -> Result<Value, String> {
        let values = json!({"environments": {"production": {}, "local": {}}, "apps": {"web": {"on": true}, "old": {"on": false}}});
        add(&Engine::new(), &[&block(list, entries)], values)
    }

    #[test]
    fn an_entry_has_every_field_of_its_list_and_applies_where_it_says() {
        let entries =
            json!([{"name": "kafka", "timeout": "15m", "environments": ["local"]}, {"name": "x", "when": "false"}]);
        let values = contributed("layers", &entries).unwrap();
        assert_eq!(values["contributions"]["layers"].as_array().unwrap().len(), 1);
        assert_eq!(values["contributions"]["layers"][0]["dependsOn"], json!(["infra-configs"]));
        assert_eq!(values["environments"]["production"]["contributions"]["layers"], json!([]));
        assert_eq!(values["environments"]["local"]["contributions"]["layers"][0]["timeout"], "15m");
        assert_eq!(values["contributions"]["hosts"], json!([]));
    }

    #[test]
    fn an_entry_may_be_there_for_each_of_a_mapping() {
        let entries = json!([{"name": "{{app.name}}-x", "each": "apps", "as": "app", "when": "app.on"}]);
        let values = contributed("controllers", &entries).unwrap();
        assert_eq!(values["contributions"]["controllers"], json!([{"name": "web-x", "environments": null}]));
    }

    #[test]
    fn a_patch_is_there_in_the_clusters_at_its_providers_and_in_its_environments() {
        let patch = |name: &str, environments: &Value| json!({"layer": "infra-configs", "providers": ["eks"], "environments": environments, "why": name, "target": {}, "patch": []});
        let entries = json!([patch("everywhere", &Value::Null), patch("local", &json!(["local"]))]);
        let clusters = json!({"a": {"provider": "eks", "environment": "production"}, "b": {"provider": "gke", "environment": "production"},
            "c": {"provider": "eks", "environment": "local"}});
        let values = json!({"environments": {}, "clusters": clusters});
        let values = add(&Engine::new(), &[&block("clusterPatches", &entries)], values).unwrap();
        let whys = |cluster: &str| {
            let patches =
                values["clusters"][cluster]["patches"]["infra-configs"].as_array().cloned().unwrap_or_default();
            patches.iter().map(|patch| patch["why"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(whys("a"), ["everywhere"]);
        assert_eq!(values["clusters"]["b"]["patches"], json!({}));
        assert_eq!(whys("c"), ["everywhere", "local"]);
    }

    #[test]
    fn what_no_list_takes_is_refused() {
        for (list, entry, said) in [
            ("layer", json!([{"name": "x"}]), "`layer`, which is no list"),
            ("layers", json!([{"nam": "x"}]), "`nam` is no field"),
            ("layers", json!([{}]), "`name` is missing"),
            ("layers", json!([{"name": "x", "each": "apps"}]), "belong together"),
            ("layers", json!([{"name": "{{nope}}"}]), "there is no `nope`"),
        ] {
            let reason = contributed(list, &entry).unwrap_err();
            assert!(reason.contains(said), "{reason}");
        }
    }
}
