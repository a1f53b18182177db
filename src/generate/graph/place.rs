//! Where in the Git repository the fleet lies.

use serde_json::{Value, json};

/// Name of the derived value that says so.
const PREFIX: &str = "prefix";

/// Returns what is derived for a fleet in the directory `path` of its Git repository; at the root where that is empty:
///
/// - `prefix`: what stands before every path of the fleet, empty or with a slash at its end;
/// - `toRoot`: the way back from there, `../` for each directory;
/// - `outside`: the lines of a .gitignore that leave out everything but these directories, so that those which follow can
///   take some of them in again.
pub(super) fn derived(path: &str) -> Value {
    let mut prefix = String::new();
    let mut outside = vec!["/*".to_owned()];
    let mut to_root = String::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        prefix.push_str(name);
        prefix.push('/');
        outside.extend([format!("!/{prefix}"), format!("/{prefix}*")]);
        to_root.push_str("../");
    }
    json!({ PREFIX: prefix, "toRoot": to_root, "outside": outside })
}

/// Returns the prefix among `values`, those of a fleet.
pub(in crate::generate) fn prefix(values: &Value) -> &str {
    values[PREFIX].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_below_a_directory_leaves_out_what_lies_beside_each_part_of_its_path() {
        let expected = json!({"prefix": "deploy/gitops/", "toRoot": "../../",
            "outside": ["/*", "!/deploy/", "/deploy/*", "!/deploy/gitops/", "/deploy/gitops/*"]});
        assert_eq!(derived("deploy/gitops"), expected);
        assert_eq!(derived(""), json!({"prefix": "", "toRoot": "", "outside": ["/*"]}));
    }
}
