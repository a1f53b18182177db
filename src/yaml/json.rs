//! Nodes as JSON values, for schemas and JSON patches.

use serde_json::{Map as JsonMap, Number, Value};

use crate::yaml::{Dialect, Key, Kind, Node, Scalar, Typed};

impl Node {
    /// Returns the value as `dialect` reads it. Integers stay integers; keys become text as sigs.k8s.io/yaml does it
    /// (a plain `y:` is `"true"` to [`Dialect::KubernetesV2`]); `.inf` and `.nan`, which JSON lacks, are null.
    pub fn to_json(&self, dialect: Dialect) -> Value {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.to_json(dialect),
            Kind::Sequence(items) => Value::Array(items.iter().map(|item| item.to_json(dialect)).collect()),
            Kind::Map(map) => {
                let entries = map.iter().map(|entry| (entry.key.to_json(dialect), entry.value.to_json(dialect)));
                Value::Object(entries.collect::<JsonMap<_, _>>())
            }
        }
    }
}

impl Scalar {
    /// Returns the value as `dialect` reads it; see [`Node::to_json`].
    pub fn to_json(&self, dialect: Dialect) -> Value {
        match self.typed(dialect) {
            Typed::Null => Value::Null,
            Typed::Bool(value) => Value::Bool(value),
            Typed::Int(value) => Value::from(value),
            Typed::UInt(value) => Value::from(value),
            Typed::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
            Typed::String => Value::from(self.text.as_str()),
            Typed::Timestamp(moment) => Value::from(moment),
            Typed::Binary(bytes) => Value::from(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

impl Key {
    /// Returns the key as text, as `dialect` and then sigs.k8s.io/yaml make it.
    pub fn to_json(&self, dialect: Dialect) -> String {
        match self.scalar().typed(dialect) {
            Typed::Bool(value) => value.to_string(),
            Typed::Int(value) => value.to_string(),
            Typed::UInt(value) => value.to_string(),
            Typed::Timestamp(moment) => moment,
            Typed::Null | Typed::Float(_) | Typed::String | Typed::Binary(_) => self.text().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::FileSet;
    use crate::yaml::parse;

    fn read(text: &str) -> Node {
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        parse(source, text).documents.remove(0).root
    }

    #[test]
    fn integers_stay_integers_and_others_become_floats() {
        let node = read("a: 0644\nb: 18446744073709551615\nc: 1.0\nd: '5'\ne: [~, true]\n");
        let expected = json!({"a": 420, "b": u64::MAX, "c": 1.0, "d": "5", "e": [null, true]});
        assert_eq!(node.to_json(Dialect::KustomizeV3), expected);
    }

    #[test]
    fn each_dialect_has_its_booleans_in_values_and_keys() {
        let node = read("on: yes\n1: 2020-01-01\n");
        assert_eq!(node.to_json(Dialect::KustomizeV3), json!({"on": "yes", "1": "2020-01-01T00:00:00Z"}));
        assert_eq!(node.to_json(Dialect::KubernetesV2), json!({"true": true, "1": "2020-01-01"}));
    }
}
