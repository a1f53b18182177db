//! A tree as JSON, the way the API server reads it.

use serde_json::{Map, Number, Value};

use crate::yaml::{Dialect, Kind, Node, Scalar, Typed};

/// Returns `node` as JSON, as sigs.k8s.io/yaml reads it.
pub(super) fn to_json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => scalar_to_json(scalar),
        Kind::Sequence(items) => Value::Array(items.iter().map(to_json).collect()),
        Kind::Map(map) => {
            let entries = map.iter().map(|entry| (entry.key.text().to_owned(), to_json(&entry.value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn scalar_to_json(scalar: &Scalar) -> Value {
    match scalar.typed(Dialect::KubernetesV2) {
        Typed::Null => Value::Null,
        Typed::Bool(value) => Value::Bool(value),
        Typed::Int(value) => Value::Number(value.into()),
        Typed::UInt(value) => Value::Number(value.into()),
        Typed::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
        Typed::String | Typed::Binary(_) => Value::String(scalar.text.to_string()),
        Typed::Timestamp(text) => Value::String(text),
    }
}
