//! The content hash at the end of generated names.
//!
//! Source: kustomize, `api/hasher/hasher.go`.

use sha2::{Digest as _, Sha256};
use smol_str::{SmolStr, format_smolstr};

use crate::kustomize::Resource;
use crate::kustomize::transform::json;
use crate::kustomize::transform::retext;
use crate::yaml::{Node, Step};

/// Characters of a hash in a name.
const LENGTH: usize = 10;

/// Appends its content hash to the name of every resource that needs one.
pub(super) fn apply(resources: &mut [Resource]) {
    for resource in resources.iter_mut().filter(|resource| resource.needs_hash) {
        let hash = hash_of(&resource.node);
        resource.remember_id();
        let field = if resource.kind() == "Secret" { "secretGenerator" } else { "configMapGenerator" };
        let origin = resource.origin;
        if let Some(name) = resource.node.get_mut("metadata").and_then(|metadata| metadata.get_mut("name")) {
            let text = format_smolstr!("{}-{hash}", name.as_str().unwrap_or_default());
            *name = retext(name, text, name.span, Step::Transformer(field), origin);
        }
    }
}

/// Returns the hash of an object's content.
fn hash_of(object: &Node) -> SmolStr {
    let kind = object.get("kind").and_then(Node::as_str).unwrap_or_default();
    let text = match kind {
        "ConfigMap" => encode(object, kind, "binaryData"),
        "Secret" => encode(object, kind, "stringData"),
        _ => json::compact(object),
    };
    shorten(&Sha256::digest(text.as_bytes()))
}

/// Returns the JSON that is hashed. The name in it is empty: kustomize looks it up under a key that is never there.
fn encode(object: &Node, kind: &str, optional: &str) -> String {
    let value = |key: &str| object.get(key).map_or_else(|| "\"\"".to_owned(), json::compact);
    let given = object.get(optional).filter(|node| node.as_map().is_some());
    let given = given.map(|node| format!("\"{optional}\":{}", json::compact(node)));
    let mut fields =
        vec![format!("\"data\":{}", value("data")), format!("\"kind\":\"{kind}\""), "\"name\":\"\"".to_owned()];
    fields.extend(given);
    if kind == "Secret" {
        fields.push(format!("\"type\":{}", value("type")));
    }
    // The names of the fields are in order as a text, as Go sorts them.
    fields.sort();
    format!("{{{}}}", fields.join(","))
}

/// Returns the first characters of `digest` in hexadecimal, without digits and letters that could form words.
fn shorten(digest: &[u8]) -> SmolStr {
    let hex = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(|nibble| match nibble {
        0 => 'g',
        1 => 'h',
        3 => 'k',
        0xa => 'm',
        0xe => 't',
        digit => char::from_digit(u32::from(digit), 16).unwrap_or('-'),
    });
    hex.take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_map_has_the_hash_that_kubernetes_documents() {
        let text = "{\"data\":\"\",\"kind\":\"ConfigMap\",\"name\":\"\"}";
        assert_eq!(shorten(&Sha256::digest(text.as_bytes())), "6ct58987ht");
    }
}
