//! Rules on the files that image automation writes.
//!
//! Source: image-automation-controller 1.2, kyaml 0.21.

use crate::diagnostic::{Diagnostic, Edit, Fix, FixSafety, Severity};
use crate::flux::ImageAutomation;
use crate::image::MarkedFile;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::{Span, line_start};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[SKIPPED, UNSTABLE, LIST, ENCRYPTED];

const SKIPPED: Rule = Rule {
    id: "image-marker-file-skipped",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Flux's setter can read each file that holds a marker: all of its documents are mappings, go-yaml takes all of it, and nothing but \
a comment stands behind a `---`.

## Why it matters
The setter passes over a file that it cannot read without a word: none of its images is ever updated.

## What it cannot see
Files whose names do not end in `.yaml` or `.yml`: the setter does not look at them.
",
    check: Check::Repository(check_skipped),
};

const UNSTABLE: Rule = Rule {
    id: "image-file-reformatted",
    severity: Severity::Note,
    fix: FixAvailability::Always,
    docs: "\
## What it checks
A file with a marker is written as Flux prints it: then a new image changes one line for each marker.

## Why it matters
Flux prints a file anew when it changes a value: indentation, empty lines, a leading `---` and comments in a document of their \
own change with it. The first commit of the automation is large, and nobody asked for it.

## What it cannot see
Clusters without an ImageUpdateAutomation: there it says nothing.
",
    check: Check::Repository(check_stable),
};

const LIST: Rule = Rule {
    id: "image-marker-in-list",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A file with a marker is not one document of the kind `List`.

## Why it matters
Flux does not update such a file: it writes the items as new files at the top of `update.path`, and the list stays as it was. \
The cluster gets the old image and the new one.

## What it cannot see
A list beside other documents is updated in place: there is nothing to report.
",
    check: Check::Repository(check_list),
};

const ENCRYPTED: Rule = Rule {
    id: "image-marker-in-encrypted-file",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A file with a marker is not encrypted by SOPS.

## Why it matters
Flux changes the value and not the checksum of the file (`sops.mac`): from then on the file cannot be decrypted.

## What it cannot see
Nothing that matters: the file says it all.
",
    check: Check::Repository(check_encrypted),
};

/// Reports every file with a marker that the setter cannot read.
fn check_skipped(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for file in &context.marked {
        let Err(error) = &file.read else { continue };
        let marker = context.markers.iter().find(|marker| marker.span.source == file.source);
        let span = marker.map_or(Span::new(file.source, 0..0), |marker| marker.span);
        out.push(
            rule.report(format!("Flux's setter cannot read `{}`", file.path))
                .label(span, "never followed")
                .help("make it YAML that go-yaml reads, or move the marker to another file")
                .note(format!("the file is passed over without a word: {error}")),
        );
    }
}

/// Reports every file that Flux would print in another form.
fn check_stable(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let automation: Vec<&ImageAutomation<'_>> = context.automations().collect();
    for file in &context.marked {
        let is_written = |automation: &&ImageAutomation<'_>| {
            file.values().iter().any(|value| {
                let policy = automation.policies.get(&value.policy);
                policy.is_some_and(|policy| automation.writers(policy, &file.path).next().is_some())
            })
        };
        let Ok(read) = &file.read else { continue };
        if is_list(context, file) {
            continue;
        }
        let Some(reprinted) = read.reprinted.as_deref().filter(|_| automation.iter().any(is_written)) else { continue };
        let text = context.repo.source(file.source).map_or("", |file| file.text());
        let edit = difference(file, text, reprinted);
        let loses_comments = text.matches('#').count() > reprinted.matches('#').count();
        let safety = if loses_comments { FixSafety::Unsafe } else { FixSafety::Safe };
        let fix = Fix { title: "write it as Flux prints it".to_owned(), edits: vec![edit.clone()], safety };
        out.push(
            rule.report(format!("a new image reformats `{}`", file.path))
                .label(first_line(text, &edit), "Flux prints this otherwise")
                .help("write it as Flux prints it")
                .fix(fix),
        );
    }
}

/// Returns the one edit that makes `after` of the text: what is equal at both ends stays.
fn difference(file: &MarkedFile, before: &str, after: &str) -> Edit {
    let common = |left: &mut dyn Iterator<Item = char>, right: &mut dyn Iterator<Item = char>| -> usize {
        left.zip(right).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
    };
    let start = common(&mut before.chars(), &mut after.chars());
    let end = common(&mut before[start..].chars().rev(), &mut after[start..].chars().rev());
    let replacement = after[start..after.len() - end].to_owned();
    Edit { span: Span::new(file.source, start..before.len() - end), replacement }
}

/// Returns the line in which the edit begins.
fn first_line(text: &str, edit: &Edit) -> Span {
    let start = edit.span.range().start.min(text.len());
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    Span::new(edit.span.source, line_start(text, start)..line_end)
}

/// The documents of a file that are more than comments.
fn documents<'a>(context: &'a Context<'_>, file: &MarkedFile) -> Vec<&'a Node> {
    let parsed = context.repo.yaml(file.source).map(|parsed| parsed.documents.as_slice()).unwrap_or_default();
    parsed.iter().map(|document| &document.root).filter(|root| !root.is_null()).collect()
}

fn is_list(context: &Context<'_>, file: &MarkedFile) -> bool {
    let documents = documents(context, file);
    let kind = match documents[..] {
        [only] => only.get("kind").and_then(Node::as_str),
        _ => None,
    };
    matches!(kind, Some("List" | "ResourceList"))
}

/// Reports every list that Flux would write as other files.
fn check_list(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for file in context.marked.iter().filter(|file| is_list(context, file)) {
        let Some(value) = file.values().first() else { continue };
        out.push(
            rule.report(format!("Flux writes the items of the list `{}` as new files", file.path))
                .label(value.span, "not updated here")
                .help("write the objects as documents with `---` between them"),
        );
    }
}

/// Reports every marked value in a file that SOPS encrypted.
fn check_encrypted(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for file in &context.marked {
        let (Some(value), Some(mac)) =
            (file.values().first(), documents(context, file).into_iter().find_map(|root| root.at(&["sops", "mac"])))
        else {
            continue;
        };
        out.push(
            rule.report(format!("image automation breaks the checksum of the encrypted file `{}`", file.path))
                .label(value.span, "changed by Flux")
                .label(mac.span, "not changed with it")
                .help("move the image to a file that is not encrypted"),
        );
    }
}
