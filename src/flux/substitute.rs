//! postBuild substitution of a resource: its text is printed, expanded and read again; every value keeps its origin.
//!
//! The detour through text is what Flux does, and it shows: `port: "${PORT}"` comes back as a number, a value may bring
//! a mapping along. Source: fluxcd/pkg/kustomize, kustomize_varsub.go.

mod carry;
mod functions;
mod template;
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::flux::kustomization::{SubstitutionFinding, SubstitutionProblem, Variable};
use crate::flux::substitute::functions::Function;
use crate::flux::substitute::template::{ExpressionError, Template};
use crate::kustomize::Resource;
use crate::text::{Sources, Span};
use crate::yaml::{self, Kind, Node};

/// What stands for a value that is not known offline: a word that is harmless in a name, a host and a path.
const UNKNOWN: &str = "unknown";
/// Label or annotation that keeps Flux from touching an object's text.
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// The variables of one Flux Kustomization, for all its resources.
#[derive(Debug)]
pub(crate) struct Substituter<'a> {
    /// Where the text of spans is found.
    pub(crate) sources: &'a Sources,
    /// The variables.
    pub(crate) variables: &'a BTreeMap<SmolStr, Variable>,
    /// Whether there is no other variable.
    pub(crate) complete: bool,
}

/// Returns whether Flux accepts `name` for a variable.
pub(crate) fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let head = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    bytes.next().is_some_and(head) && bytes.all(|byte| head(byte) || byte.is_ascii_digit())
}

impl Substituter<'_> {
    /// Returns `resource` after substitution; what is wrong goes to `findings`, and then it stays as it is.
    pub(crate) fn resource(&self, resource: &Resource, findings: &mut Vec<SubstitutionFinding>) -> Resource {
        if is_disabled(&resource.node) {
            return resource.clone();
        }
        let mut places = Vec::new();
        collect_places(&resource.node, &mut places);
        let changed = if places.is_empty() {
            carry::rounded(&resource.node)
        } else {
            let mut work = Work { substituter: self, resource, places, findings };
            work.expand()
        };
        changed.map_or_else(|| resource.clone(), |node| resource.with_node(node))
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|variable| variable.value.as_deref().unwrap_or(UNKNOWN))
    }

    fn expand(&self, text: &str) -> Result<template::Expansion, ExpressionError> {
        let assumed = if self.complete { "" } else { UNKNOWN };
        Template::parse(text)?.expand(&|name| self.value(name), assumed)
    }
}

/// Returns whether Flux leaves the text of `node` alone.
pub(crate) fn is_disabled(node: &Node) -> bool {
    ["labels", "annotations"]
        .iter()
        .any(|field| node.at(&["metadata", field, SUBSTITUTE]).and_then(Node::as_str) == Some("disabled"))
}

/// Returns whether substitution may change `text`.
fn is_affected(text: &str) -> bool {
    text.contains("${") || text.contains("$$")
}

/// A scalar (value or key) that substitution may change.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    text: &'a str,
    span: Span,
}

fn collect_places<'a>(node: &'a Node, places: &mut Vec<Place<'a>>) {
    match &node.kind {
        Kind::Scalar(scalar) if is_affected(&scalar.text) => places.push(Place { text: &scalar.text, span: node.span }),
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => items.iter().for_each(|item| collect_places(item, places)),
        Kind::Map(map) => {
            for entry in map {
                if is_affected(entry.key.text()) {
                    places.push(Place { text: entry.key.text(), span: entry.key.span() });
                }
                collect_places(&entry.value, places);
            }
        }
    }
}

/// One resource that holds expressions.
struct Work<'a> {
    substituter: &'a Substituter<'a>,
    resource: &'a Resource,
    places: Vec<Place<'a>>,
    findings: &'a mut Vec<SubstitutionFinding>,
}

impl Work<'_> {
    fn expand(&mut self) -> Option<Node> {
        // What kustomize cannot print it has refused already.
        let text = yaml::emit(&self.resource.node).ok()?;
        let expansion = match self.substituter.expand(&text) {
            Ok(expansion) => expansion,
            Err(error) => {
                for (span, reason) in self.places_of_errors(error.reason) {
                    self.report(SubstitutionProblem::Expression { reason: reason.to_owned() }, span);
                }
                return None;
            }
        };
        let undefined: BTreeSet<_> = expansion.undefined.into_iter().collect();
        for name in undefined {
            self.report_undefined(&name);
        }
        let parsed = yaml::parse(self.resource.node.span.source, &expansion.text);
        let root = match parsed.documents.first() {
            Some(document) if !parsed.is_broken() && document.root.as_map().is_some() => &document.root,
            _ => {
                let reason = parsed.diagnostics.first().map_or("it is no mapping", |finding| finding.message.as_str());
                let span = self.place_that_breaks();
                self.report(SubstitutionProblem::NotYaml { reason: reason.to_owned() }, span);
                return None;
            }
        };
        carry::carried(self.substituter, &self.resource.node, root)
    }

    fn report(&mut self, problem: SubstitutionProblem, span: Span) {
        self.findings.push(SubstitutionFinding { problem, object: self.resource.object_ref(), span });
    }

    /// Reports every scalar that needs `name`; the object where no scalar spells it out by itself.
    fn report_undefined(&mut self, name: &SmolStr) {
        let sources = self.substituter.sources;
        let mut spans = Vec::new();
        for place in &self.places {
            let Ok(template) = Template::parse(place.text) else { continue };
            let calls = template.calls();
            let same_name = calls.iter().filter(|call| call.name == *name);
            for (at, call) in same_name.enumerate() {
                if call.function != Function::Default {
                    spans.push(narrow(sources, place.span, name, at));
                }
            }
        }
        if spans.is_empty() {
            spans.push(self.resource.origin);
        }
        for span in spans {
            self.report(SubstitutionProblem::Undefined { name: name.clone() }, span);
        }
    }

    /// Returns the place of every expression that fails by itself, with the reason; `reason` is that of the whole text.
    fn places_of_errors(&self, reason: &'static str) -> Vec<(Span, &'static str)> {
        let mut found = Vec::new();
        for place in &self.places {
            let mut from = 0;
            // What stands behind a broken expression is read anew.
            while let Some(error) = place.text.get(from..).and_then(|rest| self.substituter.expand(rest).err()) {
                let at = from + error.at;
                let before = place.text.get(..at).map_or(0, |text| text.matches("${").count());
                found.push((nth_opening(self.substituter.sources, place.span, before), error.reason));
                from = at + "${".len();
            }
        }
        if found.is_empty() {
            found.push((self.places.first().map_or(self.resource.origin, |place| place.span), reason));
        }
        found
    }

    /// Returns the place of the first scalar whose expansion is no YAML value by itself.
    fn place_that_breaks(&self) -> Span {
        let breaks = |place: &&Place<'_>| {
            let expanded = self.substituter.expand(place.text).map(|expansion| expansion.text).unwrap_or_default();
            yaml::parse(place.span.source, &format!("a: {expanded}\n")).is_broken()
        };
        let place = self.places.iter().find(breaks).or(self.places.first());
        place.map_or(self.resource.origin, |place| place.span)
    }
}

/// Returns the names of the variables that `text` uses, sorted.
fn names(text: &str) -> Vec<SmolStr> {
    let Ok(template) = Template::parse(text) else { return Vec::new() };
    let names: BTreeSet<_> = template.calls().into_iter().map(|call| call.name.clone()).collect();
    names.into_iter().collect()
}

/// Returns the bytes of the expression number `at` (from 0) that uses `name` inside `span`, with its closing brace
/// where that follows; the whole span where the source does not spell it out.
fn narrow(sources: &Sources, span: Span, name: &str, at: usize) -> Span {
    let Some(text) = sources.slice(span) else { return span };
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut found = ["${", "${#"]
        .iter()
        .flat_map(|opening| text.match_indices(opening).map(|(start, opening)| (start, start + opening.len())))
        .filter(|(_, after)| text[*after..].strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_name)))
        .collect::<Vec<_>>();
    found.sort_unstable();
    let Some((start, after)) = found.get(at).or(found.first()) else { return span };
    let end = after + name.len();
    let end = if text[end..].starts_with('}') { end + 1 } else { end };
    let first = span.start as usize;
    Span::new(span.source, first + start..first + end)
}

/// Returns the bytes of the `${` number `at` (from 0) inside `span`; the whole span where there are not so many.
fn nth_opening(sources: &Sources, span: Span, at: usize) -> Span {
    let start = sources.slice(span).and_then(|text| text.match_indices("${").nth(at));
    start.map_or(span, |(start, opening)| {
        let first = span.start as usize + start;
        Span::new(span.source, first..first + opening.len())
    })
}
