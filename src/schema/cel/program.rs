//! One expression, and what it comes to.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr};
use cel::common::types::{CelBool, CelOptional, CelString};
use cel::common::value::Val;
use cel::parser::Expression;
use cel::{Context, Env, ExecutionError, Value, extensions};

use crate::schema::cel::cost::{self, Size};
use crate::schema::cel::functions;
use crate::schema::cel::value::{Converted, unescaped};
use crate::yaml::Pointer;

/// Longest expression that is read, in bytes; those of the field have a few hundred.
const LONGEST: usize = 8 * 1024;
/// How deep an expression may nest: reading and running it takes stack for each level.
const DEEPEST: u16 = 60;

/// Everything that a rule may call.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    for extension in [extensions::strings, extensions::lists, extensions::math, functions::extension] {
        environment.add_extension(extension).expect("each library declares names of its own");
    }
    Arc::new(environment)
});

/// The value that rules are about.
pub(super) struct Subject<'v> {
    context: Context<'v, 'v>,
    size: Size,
}

impl<'v> Subject<'v> {
    /// Returns `value` as `self`; there is no old object.
    pub(super) fn new(value: Converted<'v>) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_as_val("self", value.value);
        context.add_variable_as_val("oldSelf", Box::new(CelOptional::none()));
        Self { context, size: value.size }
    }
}

/// An expression that can be run.
#[derive(Debug)]
pub(super) struct Program {
    expression: Expression,
    read: Read,
}

/// What an expression reads.
#[derive(Debug, Default)]
struct Read {
    /// The fields below `self`, none below another.
    fields: Vec<Pointer>,
    /// Every name after a dot.
    names: BTreeSet<String>,
    old_self: bool,
    /// Whether lists or mappings are walked.
    walks: bool,
    is_too_deep: bool,
}

/// What a rule comes to.
#[derive(Debug)]
pub(super) enum Verdict {
    Holds,
    Broken,
    /// It reads a field that is absent.
    Absent(String),
    /// Why it was not run to its end, as a clause.
    NotRun(String),
}

impl Program {
    /// Reads `text`.
    ///
    /// # Errors
    /// Why it cannot be read, as a clause.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err("it is longer than 8 KiB".to_owned());
        }
        let parser = ENVIRONMENT.parser().max_recursion_depth(DEEPEST);
        let expression = parser.parse(text).map_err(|errors| {
            let is_deep = errors.errors.iter().any(|error| error.msg.contains("Recursion limit"));
            if is_deep { "it nests too deeply" } else { "it cannot be read" }.to_owned()
        })?;
        let mut read = Read::default();
        read.expression(&expression, 0);
        if read.is_too_deep {
            return Err("it nests too deeply".to_owned());
        }
        read.keep_outermost();
        Ok(Self { expression, read })
    }

    /// Returns the fields below `self` that it reads, none below another.
    pub(super) fn fields(&self) -> &[Pointer] {
        &self.read.fields
    }

    /// Returns whether it compares with the object before the change.
    pub(super) fn reads_old_self(&self) -> bool {
        self.read.old_self
    }

    /// Runs it as a rule on `subject`.
    pub(super) fn judge(&self, subject: &Subject<'_>) -> Verdict {
        match self.run(subject, |result| result.downcast_ref::<CelBool>().map(|bool| *bool.inner())) {
            Ok(Some(true)) => Verdict::Holds,
            Ok(Some(false)) => Verdict::Broken,
            Ok(None) => Verdict::NotRun("it gives no `true` or `false`".to_owned()),
            Err(verdict) => verdict,
        }
    }

    /// Runs it as the message of a rule on `subject`; nothing where it gives no text of one line.
    pub(super) fn text(&self, subject: &Subject<'_>) -> Option<String> {
        // Mappings have no order, so a text made by walking one is another in every run.
        if self.read.walks {
            return None;
        }
        let text = self
            .run(subject, |result| result.downcast_ref::<CelString<'_>>().map(|text| text.inner().trim().to_owned()));
        text.ok()?.filter(|text| !text.is_empty() && !text.contains('\n'))
    }

    fn run<T>(&self, subject: &Subject<'_>, read: impl FnOnce(&dyn Val) -> Option<T>) -> Result<Option<T>, Verdict> {
        if !cost::is_affordable(&self.expression, subject.size) {
            return Err(Verdict::NotRun("it takes too long on so large an object".to_owned()));
        }
        let result = Value::resolve_val(&self.expression, &subject.context).map_err(|error| self.failure(error))?;
        Ok(read(result.as_ref()))
    }

    /// Says why it failed, without the values that it read: they may be secret.
    fn failure(&self, error: ExecutionError) -> Verdict {
        let why = match error {
            ExecutionError::NoSuchKey(name) if self.read.names.contains(name.as_str()) => {
                return Verdict::Absent(unescaped(&name));
            }
            ExecutionError::UndeclaredReference(name) if self.expression.references().has_function(name.as_str()) => {
                format!("it calls `{name}`, which is not known here")
            }
            ExecutionError::UndeclaredReference(name) => format!("it reads `{name}`, which is not known here"),
            ExecutionError::NoSuchOverload(overload) => {
                format!("`{}` cannot be run on these values", overload.function())
            }
            // The zones are those of .cargo/config.toml.
            ExecutionError::FunctionError { function, .. } if function == "timezone" => {
                "it names a time zone that is not known here".to_owned()
            }
            ExecutionError::FunctionError { function, .. } => format!("`{function}` cannot be run on these values"),
            _ => "it cannot be run on these values".to_owned(),
        };
        Verdict::NotRun(why)
    }
}

impl Read {
    fn expression(&mut self, expression: &Expression, depth: u16) {
        if depth > DEEPEST * 2 {
            self.is_too_deep = true;
            return;
        }
        let depth = depth + 1;
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.old_self |= name == "oldSelf",
            Expr::Select(select) => {
                self.names.insert(select.field.clone());
                self.fields.extend(path(expression));
                self.expression(&select.operand, depth);
            }
            Expr::Call(call) => {
                call.target.iter().for_each(|target| self.expression(target, depth));
                call.args.iter().for_each(|argument| self.expression(argument, depth));
            }
            Expr::Comprehension(walk) => {
                self.walks = true;
                for part in [&walk.iter_range, &walk.accu_init, &walk.loop_cond, &walk.loop_step, &walk.result] {
                    self.expression(part, depth);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.expression(element, depth)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr, depth)),
            Expr::Struct(object) => object.entries.iter().for_each(|entry| self.entry(&entry.expr, depth)),
        }
    }

    fn entry(&mut self, entry: &EntryExpr, depth: u16) {
        match entry {
            EntryExpr::StructField(field) => self.expression(&field.value, depth),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key, depth);
                self.expression(&entry.value, depth);
            }
        }
    }

    fn keep_outermost(&mut self) {
        self.fields.sort();
        self.fields.dedup();
        // Sorted, what is below a field follows it.
        let mut last: Option<Pointer> = None;
        self.fields.retain(|field| {
            let is_below = last.as_ref().is_some_and(|last| field.segments().starts_with(last.segments()));
            if !is_below {
                last = Some(field.clone());
            }
            !is_below
        });
    }
}

/// Returns the path of `self.a.b`; nothing for any other expression.
fn path(expression: &Expression) -> Option<Pointer> {
    let mut names = Vec::new();
    let mut here = expression;
    while let Expr::Select(select) = &here.expr {
        names.push(unescaped(&select.field));
        here = &select.operand;
    }
    let is_self = matches!(&here.expr, Expr::Ident(name) if name == "self");
    is_self.then(|| Pointer::from_keys(names.iter().rev().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_knows_what_it_reads() {
        let program = Program::compile("has(self.a) && self.a.b > self.c__dash__d && [1].all(x, x == 1)").unwrap();
        let fields: Vec<_> = program.fields().iter().map(Pointer::to_string).collect();
        assert_eq!(fields, ["/a", "/c-d"]);
        assert!(program.read.walks && !program.reads_old_self());
        assert!(Program::compile("self == oldSelf").unwrap().reads_old_self());
    }

    #[test]
    fn no_text_overflows_the_stack_of_a_small_thread() {
        let texts = ["1+", "(", "self.", "[", "!", "-", "a?b:", "{1:", "a(", "self[", "1||", "1&&", "\"", "a.b."];
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
            for text in texts {
                let _ = Program::compile(&text.repeat(LONGEST / text.len()));
                let closed = format!("{}1{}", text.repeat(900), ")]}".repeat(300));
                let _ = Program::compile(&closed);
            }
        });
        thread.unwrap().join().unwrap();
    }
}
