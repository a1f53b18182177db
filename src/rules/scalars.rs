//! Rules on plain scalars: what has one type for kustomize and another for everybody else.
//!
//! Source: `resolve.go` of go-yaml v3 (kustomize) and of v2 (sigs.k8s.io/yaml: kubectl, the API server, Helm).

use crate::diagnostic::{Diagnostic, Edit, Fix, FixSafety, Severity};
use crate::kustomize::FILE_NAMES;
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::{SourceFile, Span};
use crate::yaml::{Dialect, Kind, Node, Parsed, Scalar, Style, Typed};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[AMBIGUOUS];

const AMBIGUOUS: Rule = Rule {
    id: "yaml-ambiguous-scalar",
    severity: Severity::Warning,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
No plain value or key of an applied manifest is read differently by kustomize and by kubectl, the API server and Helm: `yes`, \
`no`, `on`, `off`, `y`, `n` and dates.

## Why it matters
Flux applies what kustomize read: `yes` as text, and a date as a moment with a time of day. `kubectl apply` of the same file, \
and Helm with the same values, see a boolean and a plain date. Quotes say which one is meant.

## What it cannot see
Numbers such as `0644`, which all of them read as octal, and text that only a chart or an application reads.
",
    check: Check::File(check_scalars),
};

/// Reports every ambiguous scalar in the objects of `file`.
fn check_scalars(rule: &Rule, file: &SourceFile, parsed: &Parsed, out: &mut Vec<Diagnostic>) {
    // Those are read by sigs.k8s.io/yaml alone.
    if FILE_NAMES.contains(&file.path().name()) {
        return;
    }
    for root in parsed.documents.iter().map(|document| &document.root) {
        if root.get("apiVersion").is_some() && root.get("kind").is_some() {
            visit(rule, file.text(), root, out);
        }
    }
}

fn visit(rule: &Rule, text: &str, node: &Node, out: &mut Vec<Diagnostic>) {
    match &node.kind {
        Kind::Scalar(scalar) => out.extend(finding(rule, text, scalar, node.span)),
        Kind::Sequence(items) => items.iter().for_each(|item| visit(rule, text, item, out)),
        Kind::Map(map) => {
            for entry in map {
                out.extend(finding(rule, text, entry.key.scalar(), entry.key.span()));
                visit(rule, text, &entry.value, out);
            }
        }
    }
}

fn finding(rule: &Rule, text: &str, scalar: &Scalar, span: Span) -> Option<Diagnostic> {
    if scalar.style != Style::Plain || scalar.tag.is_some() {
        return None;
    }
    let (to_flux, to_others) = match (scalar.typed(Dialect::KustomizeV3), scalar.typed(Dialect::KubernetesV2)) {
        (Typed::String, Typed::Bool(value)) => {
            (format!("the text `{}`", scalar.text), format!("the boolean `{value}`"))
        }
        (Typed::Timestamp(moment), Typed::String) => {
            (format!("the moment `{moment}`"), format!("the text `{}`", scalar.text))
        }
        _ => return None,
    };
    let found = rule
        .report(format!("`{}` is {to_flux} to Flux and {to_others} to kubectl and Helm", scalar.text))
        .label(span, "not the same for everybody");
    // An alias has the text of its anchor, and a place of its own.
    if text.get(span.range()) != Some(scalar.text.as_str()) {
        return Some(found.help("write it in quotes where it is defined"));
    }
    let replacement = format!("\"{}\"", scalar.text);
    // What Flux applies stays for a word; a date loses the time of day that kustomize gave it.
    let is_word = matches!(scalar.typed(Dialect::KustomizeV3), Typed::String);
    let fix = Fix {
        title: "put it in quotes".to_owned(),
        edits: vec![Edit { span, replacement: replacement.clone() }],
        safety: if is_word { FixSafety::Safe } else { FixSafety::Unsafe },
    };
    Some(found.help(format!("write `{replacement}` for the text")).fix(fix))
}
