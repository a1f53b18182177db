//! The values that templates see: those of the fleet, and beside them the entries of the loop that they are in.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::generate::block::OneOrTwo;
use crate::generate::template::Values;

/// A loop: the mappings, and the names of their entries.
type Key = (OneOrTwo, OneOrTwo);

/// The values of the fleet, and the turns of every loop over them, each made once.
///
/// The values are large and are there once: what a turn adds stands among them for as long as somebody looks.
pub(super) struct Scope {
    values: Values,
    loops: BTreeMap<Key, Rc<[Turn]>>,
}

/// One turn of a loop: its entries, by the names under which templates see them. By default there are none, as outside of all
/// loops.
#[derive(Clone, Default)]
pub(super) struct Turn(Vec<(String, Rc<Cell<Value>>)>);

impl Scope {
    pub(super) fn new(values: Value) -> Self {
        Self { values: Values::from(values), loops: BTreeMap::new() }
    }

    /// Returns the values outside of all loops.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Returns the values outside of all loops.
    pub(super) fn into_value(self) -> Value {
        self.values.into_value()
    }

    /// Returns what `look` sees in the values of `turn`.
    pub(super) fn at<R>(&mut self, turn: &Turn, look: impl FnOnce(&Values) -> R) -> R {
        let shadowed: Vec<_> =
            turn.0.iter().map(|(name, entry)| self.values.replace(name, Some(entry.take()))).collect();
        let seen = look(&self.values);
        for ((name, entry), before) in turn.0.iter().zip(shadowed).rev() {
            entry.set(self.values.replace(name, before).unwrap_or_default());
        }
        seen
    }

    /// Returns the turns of a loop over the mapping `each`, or over each pair of entries of two, in their order.
    ///
    /// An entry is there under its name in `variables`, with its key as `name`.
    ///
    /// # Errors
    /// A clause, when `each` names no mapping.
    pub(super) fn each(&mut self, each: &OneOrTwo, variables: &OneOrTwo) -> Result<Rc<[Turn]>, String> {
        let key = (each.clone(), variables.clone());
        if let Some(known) = self.loops.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut turns = vec![Turn::default()];
        for (path, variable) in each.0.iter().zip(&variables.0) {
            let mut inner = Vec::new();
            for outer in &turns {
                for entry in self.at(outer, |values| entries(values.as_value(), path))? {
                    let mut turn = outer.clone();
                    turn.0.push((variable.clone(), Rc::new(Cell::new(entry))));
                    inner.push(turn);
                }
            }
            turns = inner;
        }
        let turns: Rc<[Turn]> = turns.into();
        self.loops.insert(key, Rc::clone(&turns));
        Ok(turns)
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

    fn seen(scope: &mut Scope, turn: &Turn, path: &str) -> Option<Value> {
        scope.at(turn, |values| values.as_value().pointer(path).cloned())
    }

    #[test]
    fn a_loop_over_two_mappings_sees_every_pair_and_the_second_may_go_through_the_first() {
        let mut scope =
            Scope::new(json!({"environments": {"a": {"apps": {"x": {}, "y": {}}}, "b": {"apps": {"x": {"n": 1}}}}}));
        let pairs = scope.each(&names(&["environments", "environment.apps"]), &names(&["environment", "app"])).unwrap();
        let paths = ["/environment/name", "/app/name"];
        let all: Vec<_> = pairs.iter().map(|pair| paths.map(|path| seen(&mut scope, pair, path))).collect();
        assert_eq!(all, [["a", "x"], ["a", "y"], ["b", "x"]].map(|pair| pair.map(|name| Some(json!(name)))));
        assert_eq!(seen(&mut scope, &pairs[2], "/app/n"), Some(json!(1)));
        assert!(scope.each(&names(&["nothing"]), &names(&["x"])).is_err());
    }

    #[test]
    fn what_a_turn_adds_is_there_for_that_turn_alone_and_may_hide_a_value() {
        let fleet = json!({"apps": {"x": {"n": 1}, "y": {"n": 2}}, "app": "hidden"});
        let mut scope = Scope::new(fleet.clone());
        let turns = scope.each(&names(&["apps"]), &names(&["app"])).unwrap();
        // Twice: the entries come back after each look.
        for _ in 0..2 {
            let all: Vec<_> = turns.iter().map(|turn| seen(&mut scope, turn, "/app/n")).collect();
            assert_eq!(all, [Some(json!(1)), Some(json!(2))]);
        }
        assert_eq!(scope.values().as_value(), &fleet);
        let other = scope.each(&names(&["apps"]), &names(&["one"])).unwrap();
        assert_eq!(seen(&mut scope, &other[0], "/one/name"), Some(json!("x")));
        assert_eq!(scope.into_value(), fleet);
    }
}
