//! Plain values as YAML in the block style.

use serde_json::Value;

use crate::generate::template;

/// Returns `value` in the block style, every line behind `indent` blanks; it ends with a line break.
///
/// Keys keep the order of the value. An empty list or mapping stands in the flow style, there is no other way.
pub(super) fn block(value: &Value, indent: usize) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => entries(value, indent, &mut out),
        Value::Array(list) if !list.is_empty() => entries(value, indent, &mut out),
        _ => {
            blanks(indent, &mut out);
            scalar(value, &mut out);
            out.push('\n');
        }
    }
    out
}

fn blanks(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Writes the entries of a mapping or list that is not empty, each on lines of its own.
fn entries(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, entry) in map {
                blanks(indent, out);
                out.push_str(&template::string(key));
                out.push(':');
                below(entry, indent, out);
            }
        }
        Value::Array(list) => {
            for item in list {
                blanks(indent, out);
                out.push('-');
                match item {
                    // The first line of a nested collection stands behind the dash.
                    Value::Object(_) | Value::Array(_) if is_filled(item) => {
                        let inner = block(item, indent + 2);
                        out.push(' ');
                        out.push_str(inner.trim_start_matches(' '));
                    }
                    _ => {
                        out.push(' ');
                        scalar(item, out);
                        out.push('\n');
                    }
                }
            }
        }
        _ => {}
    }
}

/// Writes what stands behind a key.
fn below(entry: &Value, indent: usize, out: &mut String) {
    if is_filled(entry) {
        out.push('\n');
        entries(entry, indent + 2, out);
    } else {
        out.push(' ');
        scalar(entry, out);
        out.push('\n');
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
