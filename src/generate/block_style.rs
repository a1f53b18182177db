//! Plain values as YAML in the block style.

use serde_json::Value;

use crate::generate::template;

/// Returns `value` in the block style, every line behind `indent` blanks; it ends with a line break.
///
/// Keys keep the order of the value. An empty list or mapping stands in the flow style, there is no other way.
pub(super) fn block(value: &Value, indent: usize) -> String {
    block_by(value, indent, &[])
}

/// Returns the same with the keys of a mapping as they stand in the shortest of `orders` that has all of them, if one does.
pub(super) fn block_by(value: &Value, indent: usize, orders: &[Vec<String>]) -> String {
    let mut writer = Writer { out: String::new(), orders };
    if is_filled(value) {
        writer.entries(value, indent);
    } else {
        writer.blanks(indent);
        scalar(value, &mut writer.out);
        writer.out.push('\n');
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    orders: &'a [Vec<String>],
}

impl Writer<'_> {
    fn blanks(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Writes the entries of a mapping or list that is not empty, each on lines of its own.
    fn entries(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                // Names that people give are no fields, even where one is called like a field.
                let has_all = |order: &&Vec<String>| map.keys().all(|key| order.contains(key));
                if let Some(order) = self.orders.iter().filter(has_all).min_by_key(|order| order.len()) {
                    entries.sort_by_key(|(key, _)| order.iter().position(|field| field == *key));
                }
                for (key, entry) in entries {
                    self.blanks(indent);
                    self.entry(key, entry, indent);
                }
            }
            Value::Array(list) => {
                for item in list {
                    self.blanks(indent);
                    self.item(item, indent);
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, key: &str, entry: &Value, indent: usize) {
        self.out.push_str(&template::string(key));
        self.out.push(':');
        if is_filled(entry) {
            self.out.push('\n');
            self.entries(entry, indent + 2);
        } else {
            self.out.push(' ');
            scalar(entry, &mut self.out);
            self.out.push('\n');
        }
    }

    fn item(&mut self, item: &Value, indent: usize) {
        self.out.push_str("- ");
        if is_filled(item) {
            // Its first line stands behind the dash.
            let inner = block_by(item, indent + 2, self.orders);
            self.out.push_str(inner.trim_start_matches(' '));
        } else {
            scalar(item, &mut self.out);
            self.out.push('\n');
        }
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(&template::string(text)),
        // Numbers, booleans, null and what is empty: JSON is YAML.
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::generate::data;
    use crate::text::FileSet;

    #[test]
    fn lists_and_mappings_stand_in_lines() {
        let value = json!({"a": {"b": [1, {"c": "x", "d": []}, [2, 3]]}, "e": {}, "f": "yes"});
        let written =
            "  a:\n    b:\n      - 1\n      - c: x\n        d: []\n      - - 2\n        - 3\n  e: {}\n  f: \"yes\"\n";
        assert_eq!(block(&value, 2), written);
        assert_eq!(block(&json!({}), 2), "  {}\n");
    }

    #[test]
    fn fields_stand_as_in_the_shortest_order_that_has_them_and_names_by_the_alphabet() {
        let orders = [&["secrets", "env", "kind"][..], &["kind", "env"], &["env", "kind", "x", "y"]];
        let orders = orders.map(|order| order.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>());
        let written = block_by(&json!({"web": {"env": {"A": 1}, "kind": "http"}, "kind": {}, "api": {}}), 0, &orders);
        assert_eq!(written, "api: {}\nkind: {}\nweb:\n  kind: http\n  env:\n    A: 1\n");
        assert_eq!(block_by(&json!({"env": 1, "secrets": 2}), 0, &orders), "secrets: 2\nenv: 1\n");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "[ -~]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{1,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let under_a_key = json!({"key": value});
            let files = FileSet::from_texts([("a.yaml", block(&under_a_key, 0))]);
            prop_assert_eq!(data::read(&files, "a.yaml").expect("it is YAML"), under_a_key);
        }
    }
}
