//! The expression language of postBuild substitution: text to a tree, and its expansion.
//!
//! It looks like bash and is not. Source: fluxcd/pkg/envsubst, a fork of drone/envsubst, quirks included.

use std::ops::Range;
use std::slice;
use std::sync::LazyLock;

use regex::Regex;
use smol_str::SmolStr;

use crate::flux::substitute::functions::{self, Function};

/// Nested expressions that are followed; Flux has no bound, our stack does.
const MAX_DEPTH: usize = 128;
/// Largest text that an expansion may come to, in bytes.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;

const BAD_SUBSTITUTION: &str = "bad substitution";
const MISSING_BRACE: &str = "missing closing brace";
const NO_ARGUMENT: &str = "unable to parse substitution within function";
const NO_NAME: &str = "unable to parse variable name";

/// Why a text is outside the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpressionError {
    /// Flux's own words, where it has some.
    pub(crate) reason: &'static str,
    /// First byte of the expression.
    pub(crate) at: usize,
}

/// A part of a text.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Call(Call),
}

/// One `${…}`.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The variable.
    pub(crate) name: SmolStr,
    /// From `$` to the end of the name.
    pub(crate) range: Range<usize>,
    /// What is done with its value.
    pub(crate) function: Function,
    arguments: Vec<Piece>,
}

/// A text with expressions.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Piece>);

/// What an expansion came to.
#[derive(Debug, Clone)]
pub(crate) struct Expansion {
    /// The text, with nothing for what is undefined.
    pub(crate) text: String,
    /// Names that strict substitution refuses, in the order in which Flux meets them.
    pub(crate) undefined: Vec<SmolStr>,
}

impl Template {
    /// Reads `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { text, at: 0 };
        let mut pieces = Vec::new();
        while parser.peek().is_some() {
            let literal = parser.run(Escapes::Dollar, |_| true);
            if !literal.is_empty() {
                pieces.push(Piece::Text(literal));
            }
            if parser.rest().starts_with("${") {
                pieces.push(Piece::Call(parser.call(0)?));
            }
        }
        Ok(Self(pieces))
    }

    /// Returns every expression, the inner ones of an expression after it.
    pub(crate) fn calls(&self) -> Vec<&Call> {
        let mut found = Vec::new();
        collect_calls(&self.0, &mut found);
        found
    }

    /// Returns the text with every expression replaced; `value` gives the variables, and `assumed` stands for those
    /// that are undefined and have no default.
    pub(crate) fn expand<'a>(
        &self,
        value: &dyn Fn(&str) -> Option<&'a str>,
        assumed: &str,
    ) -> Result<Expansion, ExpressionError> {
        let mut expander = Expander { value, assumed, undefined: Vec::new() };
        let text = expander.pieces(&self.0)?;
        Ok(Expansion { text, undefined: expander.undefined })
    }
}

fn collect_calls<'a>(pieces: &'a [Piece], found: &mut Vec<&'a Call>) {
    for piece in pieces {
        if let Piece::Call(call) = piece {
            found.push(call);
            collect_calls(&call.arguments, found);
        }
    }
}

struct Expander<'a, 'b> {
    value: &'b dyn Fn(&str) -> Option<&'a str>,
    assumed: &'b str,
    undefined: Vec<SmolStr>,
}

impl Expander<'_, '_> {
    fn pieces(&mut self, pieces: &[Piece]) -> Result<String, ExpressionError> {
        let mut output = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => output.push_str(text),
                Piece::Call(call) => {
                    output.push_str(&self.call(call)?);
                    if output.len() > MAX_OUTPUT {
                        return Err(ExpressionError { reason: "the text becomes too large", at: call.range.start });
                    }
                }
            }
        }
        Ok(output)
    }

    fn call(&mut self, call: &Call) -> Result<String, ExpressionError> {
        // Arguments come first, also where a default is not needed: its undefined variables count.
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.pieces(slice::from_ref(argument))?);
        }
        let value = match (self.value)(&call.name) {
            Some(value) => value,
            None if call.function == Function::Default => "",
            None => {
                self.undefined.push(call.name.clone());
                self.assumed
            }
        };
        functions::apply(call.function, value, &arguments)
            .map_err(|reason| ExpressionError { reason, at: call.range.start })
    }
}

/// Which characters escape the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `$$`
    Dollar,
    /// `$$`, `\/` and `\\`
    All,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Reads text up to an expression, the end, or the first character that `accept` refuses.
    fn run(&mut self, escapes: Escapes, accept: fn(char) -> bool) -> String {
        let mut output = String::new();
        while let Some(letter) = self.peek() {
            let rest = self.rest();
            if rest.starts_with("${") {
                break;
            }
            let is_escape = match escapes {
                Escapes::None => false,
                Escapes::Dollar => rest.starts_with("$$"),
                Escapes::All => rest.starts_with("$$") || rest.starts_with("\\/") || rest.starts_with("\\\\"),
            };
            if is_escape {
                // Both characters of an escape are one byte.
                output.push_str(&rest[1..2]);
                self.at += 2;
                continue;
            }
            if !accept(letter) {
                break;
            }
            output.push(letter);
            self.at += letter.len_utf8();
        }
        output
    }

    fn name(&mut self) -> SmolStr {
        let rest = self.rest();
        let length = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        let name = SmolStr::new(&rest[..length]);
        self.at += length;
        name
    }

    /// Reads an expression; `at` is on its `$`.
    fn call(&mut self, depth: usize) -> Result<Call, ExpressionError> {
        let start = self.at;
        let fail = |reason| ExpressionError { reason, at: start };
        if depth > MAX_DEPTH {
            return Err(fail("expressions are nested too deeply"));
        }
        self.at += "${".len();
        if self.take('#') {
            let name = self.name();
            let range = start..self.at;
            if name.is_empty() || !self.take('}') {
                return Err(fail(BAD_SUBSTITUTION));
            }
            return Ok(Call { name, range, function: Function::Length, arguments: Vec::new() });
        }
        let name = self.name();
        if name.is_empty() {
            return Err(fail(NO_NAME));
        }
        let range = start..self.at;
        let (function, arguments) = self.function(depth).map_err(fail)?;
        Ok(Call { name, range, function, arguments })
    }

    /// Reads what follows the name, with the closing brace.
    fn function(&mut self, depth: usize) -> Result<(Function, Vec<Piece>), &'static str> {
        let rest = self.rest().as_bytes();
        match rest.first() {
            Some(b'}') => {
                self.at += 1;
                Ok((Function::Value, Vec::new()))
            }
            Some(b'=') => {
                self.at += 1;
                self.default_arguments(depth)
            }
            Some(b':') if matches!(rest.get(1), Some(b'=' | b'-' | b'?' | b'+')) => {
                self.at += 2;
                self.default_arguments(depth)
            }
            Some(b':') => {
                self.at += 1;
                self.substring_arguments(depth)
            }
            Some(b',' | b'^') => self.casing(),
            Some(b'/') => self.replacement_arguments(depth),
            Some(mark @ (b'#' | b'%')) => {
                let longest = rest.get(1) == Some(mark);
                let function = match (mark, longest) {
                    (b'#', false) => Function::TrimShortestPrefix,
                    (b'#', true) => Function::TrimLongestPrefix,
                    (_, false) => Function::TrimShortestSuffix,
                    (_, true) => Function::TrimLongestSuffix,
                };
                self.at += if longest { 2 } else { 1 };
                let pattern = self.argument(Escapes::None, |letter| letter != '}', depth)?;
                self.close()?;
                Ok((function, vec![pattern]))
            }
            _ => Err(MISSING_BRACE),
        }
    }

    fn close(&mut self) -> Result<(), &'static str> {
        if self.take('}') { Ok(()) } else { Err(BAD_SUBSTITUTION) }
    }

    /// Reads exactly one piece: an expression, or text that is not empty.
    fn argument(&mut self, escapes: Escapes, accept: fn(char) -> bool, depth: usize) -> Result<Piece, &'static str> {
        if self.rest().starts_with("${") {
            return self.call(depth + 1).map(Piece::Call).map_err(|error| error.reason);
        }
        let text = self.run(escapes, accept);
        if text.is_empty() { Err(NO_ARGUMENT) } else { Ok(Piece::Text(text)) }
    }

    fn default_arguments(&mut self, depth: usize) -> Result<(Function, Vec<Piece>), &'static str> {
        let mut pieces = Vec::new();
        while !self.take('}') {
            pieces.push(self.argument(Escapes::None, |letter| letter != '}', depth)?);
        }
        Ok((Function::Default, pieces))
    }

    fn substring_arguments(&mut self, depth: usize) -> Result<(Function, Vec<Piece>), &'static str> {
        let offset = self.argument(Escapes::None, |letter| letter != ':' && letter != '}', depth)?;
        if self.take('}') {
            return Ok((Function::Substring, vec![offset]));
        }
        if !self.take(':') {
            return Err(BAD_SUBSTITUTION);
        }
        while self.take(':') {}
        let length = self.argument(Escapes::None, |letter| letter != '}', depth)?;
        self.close()?;
        Ok((Function::Substring, vec![offset, length]))
    }

    fn casing(&mut self) -> Result<(Function, Vec<Piece>), &'static str> {
        let rest = self.rest();
        let length = rest.bytes().take(2).take_while(|byte| matches!(byte, b',' | b'^')).count();
        let function = match &rest[..length] {
            "," => Function::LowerFirst,
            ",," => Function::Lower,
            "^" => Function::UpperFirst,
            "^^" => Function::Upper,
            // Mixed marks are no function of the language, which then is a default without a text; it needs a value.
            _ => Function::Value,
        };
        self.at += length;
        self.close()?;
        Ok((function, Vec::new()))
    }

    fn replacement_arguments(&mut self, depth: usize) -> Result<(Function, Vec<Piece>), &'static str> {
        let (function, length) = match self.rest().as_bytes().get(1) {
            Some(b'/') => (Function::ReplaceAll, 2),
            Some(b'#') => (Function::ReplacePrefix, 2),
            Some(b'%') => (Function::ReplaceSuffix, 2),
            _ => (Function::ReplaceFirst, 1),
        };
        self.at += length;
        // The pattern ends at a slash alone: a closing brace is a part of it.
        let pattern = self.argument(Escapes::All, |letter| letter != '/', depth)?;
        if !self.take('/') {
            return Err(BAD_SUBSTITUTION);
        }
        while self.take('/') {}
        if self.take('}') {
            return Ok((function, vec![pattern]));
        }
        let replacement = self.argument(Escapes::All, |letter| letter != '}', depth)?;
        self.close()?;
        Ok((function, vec![pattern, replacement]))
    }
}

/// Letters and decimal digits of Unicode, and `_`.
fn is_name(letter: char) -> bool {
    static OTHER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}]$").expect("the expression is constant and valid"));
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric() || letter == '_';
    }
    OTHER.is_match(letter.encode_utf8(&mut [0; 4]))
}
