//! The values that templates see: those of the fleet, and beside them the entries of the loop that they are in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::generate::block::OneOrTwo;
use crate::generate::template::Values;

/// A loop: the mappings, and the names of their entries.
type Key = (OneOrTwo, OneOrTwo);
/// The values for each entry of a loop.
type Bound = Rc<[Rc<Values>]>;

/// The values of the fleet, and those of every loop over them, each made once.
pub(super) struct Scope {
    root: Rc<Values>,
    loops: RefCell<BTreeMap<Key, Bound>>,
}

impl Scope {
    pub(super) fn new(values: Value) -> Self {
        Self { root: Rc::new(Values::from(values)), loops: RefCell::default() }
    }

    /// Returns the values outside of all loops.
    pub(super) fn root(&self) -> &Rc<Values> {
        &self.root
    }

    /// Returns the values for each entry of the mapping `each`, or for each pair of entries of two, in their order.
    ///
    /// An entry is there under its name in `variables`, with its key as `name`.
    ///
    /// # Errors
    /// A clause, when `each` names no mapping.
    pub(super) fn each(&self, each: &OneOrTwo, variables: &OneOrTwo) -> Result<Bound, String> {
        let key = (each.clone(), variables.clone());
        if let Some(known) = self.loops.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut all = vec![self.root.as_value().clone()];
        for (path, variable) in each.0.iter().zip(&variables.0) {
            let mut inner = Vec::new();
            for outer in &all {
                for entry in entries(outer, path)? {
                    let mut values = outer.as_object().cloned().unwrap_or_default();
                    values.insert(variable.clone(), entry);
                    inner.push(Value::Object(values));
                }
            }
            all = inner;
        }
        let all: Bound = all.into_iter().map(|values| Rc::new(Values::from(values))).collect();
        self.loops.borrow_mut().insert(key, Rc::clone(&all));
        Ok(all)
    }
}

/// Returns the entries of the mapping at `path`, each with its key as `name`.
fn entries(values: &Value, path: &str) -> Result<Vec<Value>, String> {
    let found = path.split('.').try_fold(values, |value, name| value.get(name));
    let Some(mapping) = found.and_then(Value::as_object) else {
        return Err(format!("it loops over `{path}`, which is no mapping"));
    };
    let entry = |(key, entry): (&String, &Value)| {
        let mut entry: Map<String, Value> = entry.as_object().cloned().unwrap_or_default();
        entry.insert("name".to_owned(), Value::from(key.as_str()));
        Value::Object(entry)
    };
    Ok(mapping.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(names: &[&str]) -> OneOrTwo {
        OneOrTwo(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_loop_over_two_mappings_sees_every_pair_and_the_second_may_go_through_the_first() {
        let scope =
            Scope::new(json!({"environments": {"a": {"apps": {"x": {}, "y": {}}}, "b": {"apps": {"x": {"n": 1}}}}}));
        let pairs = scope.each(&names(&["environments", "environment.apps"]), &names(&["environment", "app"])).unwrap();
        let text = |values: &Rc<Values>, path: &str| values.as_value().pointer(path).cloned();
        let seen: Vec<_> =
            pairs.iter().map(|values| [text(values, "/environment/name"), text(values, "/app/name")]).collect();
        assert_eq!(seen, [["a", "x"], ["a", "y"], ["b", "x"]].map(|pair| pair.map(|name| Some(json!(name)))));
        assert_eq!(text(&pairs[2], "/app/n"), Some(json!(1)));
        assert!(scope.each(&names(&["nothing"]), &names(&["x"])).is_err());
    }
}
