//! How long an expression may run, known before it is run.
//!
//! The interpreter has no limit of its own. The estimate is an upper bound: nothing walks more entries than the longest
//! list or mapping of the object has, and no value is larger than what it was made of.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

/// Most steps that a rule may take, about a microsecond each.
const STEPS: u64 = 1_000_000;
/// Largest value that a rule may make, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;
/// What reading a regular expression costs, in steps.
const REGEX: u64 = 50;

/// How large a value may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Bytes of its texts, and one for every value in it.
    pub(super) bytes: u64,
    /// Entries of the longest list or mapping in it.
    pub(super) longest: u64,
}

impl Size {
    /// Returns the size of something that holds both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), longest: self.longest.max(other.longest) }
    }

    fn times(self, count: u64) -> Self {
        Self { bytes: self.bytes.saturating_mul(count), longest: self.longest }
    }
}

/// Returns whether `expression` can be run on a `self` of this size.
pub(super) fn is_affordable(expression: &Expression, this: Size) -> bool {
    let mut estimate = Estimate { names: vec![("self", this)], steps: 0, largest: 0 };
    estimate.of(expression);
    estimate.steps <= STEPS && estimate.largest <= LARGEST
}

struct Estimate<'e> {
    /// What names stand for, the innermost last.
    names: Vec<(&'e str, Size)>,
    steps: u64,
    largest: u64,
}

impl<'e> Estimate<'e> {
    fn of(&mut self, expression: &'e Expression) -> Size {
        self.spend(1);
        let size = match &expression.expr {
            Expr::Unspecified => Size::default(),
            Expr::Literal(LiteralValue::String(text)) => Size { bytes: text.inner().len() as u64, longest: 0 },
            Expr::Literal(_) => Size { bytes: 1, longest: 0 },
            Expr::Ident(name) => {
                self.names.iter().rev().find(|(known, _)| known == name).map(|(_, size)| *size).unwrap_or_default()
            }
            Expr::Select(select) => self.of(&select.operand),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let size = self.all(&list.elements);
                Size { longest: size.longest.max(list.elements.len() as u64), ..size }
            }
            Expr::Map(map) => self.entries(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Struct(object) => self.entries(object.entries.iter().map(|entry| &entry.expr)),
            Expr::Comprehension(walk) => self.walk(walk),
        };
        self.largest = self.largest.max(size.bytes);
        size
    }

    fn all(&mut self, expressions: &'e [Expression]) -> Size {
        expressions.iter().fold(Size::default(), |size, expression| size.and(self.of(expression)))
    }

    fn entries(&mut self, entries: impl Iterator<Item = &'e EntryExpr>) -> Size {
        let mut size = Size::default();
        let mut count = 0;
        for entry in entries {
            count += 1;
            size = match entry {
                EntryExpr::StructField(field) => size.and(self.of(&field.value)),
                EntryExpr::MapEntry(entry) => size.and(self.of(&entry.key)).and(self.of(&entry.value)),
            };
        }
        Size { longest: size.longest.max(count), ..size }
    }

    fn call(&mut self, call: &'e CallExpr) -> Size {
        let target = call.target.as_ref().map(|target| self.of(target)).unwrap_or_default();
        let arguments = self.all(&call.args);
        let both = target.and(arguments);
        // Texts are read at a kilobyte for each step.
        self.spend(both.bytes / 1024);
        match call.func_name.as_str() {
            operators::ADD => Size { longest: both.longest.saturating_mul(2), ..both },
            operators::EQUALS | operators::NOT_EQUALS | operators::LOGICAL_AND | operators::LOGICAL_OR => {
                Size { bytes: 1, longest: 0 }
            }
            "matches" | "find" => {
                self.spend(REGEX);
                both
            }
            // Texts become lists, of their letters at the most.
            "split" | "findAll" | "charAt" => Size { longest: both.longest.max(both.bytes), ..both },
            "replace" | "join" | "format" => both.times(both.bytes.max(both.longest).max(1)),
            // It makes a list of up to a million.
            "range" => Size { bytes: LARGEST.saturating_add(1), longest: LARGEST },
            _ => both,
        }
    }

    fn walk(&mut self, walk: &'e ComprehensionExpr) -> Size {
        let range = self.of(&walk.iter_range);
        let start = self.of(&walk.accu_init);
        let rounds = range.longest.max(1);
        // Each entry is copied once.
        self.spend(range.bytes / 8);
        self.names.push((&walk.iter_var, range));
        self.names.extend(walk.iter_var2.as_deref().map(|name| (name, range)));
        self.names.push((&walk.accu_var, start));
        let before = self.steps;
        self.of(&walk.loop_cond);
        let step = self.of(&walk.loop_step);
        let each = self.steps.saturating_sub(before);
        self.spend(each.saturating_mul(rounds));
        let made = start.and(step.times(rounds));
        let made = Size { longest: made.longest.max(rounds), ..made };
        self.names.push((&walk.accu_var, made));
        let result = self.of(&walk.result);
        self.names.truncate(self.names.len() - 3 - usize::from(walk.iter_var2.is_some()));
        result
    }

    fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }
}

#[cfg(test)]
mod tests {
    use cel::Env;

    use super::*;

    fn is_affordable_on(text: &str, longest: u64) -> bool {
        let expression = Env::stdlib().parser().parse(text).unwrap();
        is_affordable(&expression, Size { bytes: longest * 20, longest })
    }

    #[test]
    fn what_is_walked_inside_a_walk_multiplies() {
        let pairs = "self.all(a, self.exists_one(b, a.name == b.name && a.port == b.port))";
        assert!(is_affordable_on(pairs, 64));
        assert!(!is_affordable_on(pairs, 2000));
        assert!(is_affordable_on("self.all(a, a.name != '')", 2000));
    }

    #[test]
    fn values_that_grow_by_themselves_are_too_large() {
        let grown = (0..12).fold("self".to_owned(), |text, _| format!("{text}.replace('', self)"));
        assert!(!is_affordable_on(&format!("{grown} == ''"), 10));
        assert!(!is_affordable_on("[1, 2].map(x, [1, 2].map(y, self)).size() > lists.range(900000).size()", 10));
    }
}
