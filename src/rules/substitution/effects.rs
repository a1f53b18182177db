//! Rules on what substitution does without failing: it eats shell text, it changes the shape of an object, and it waits for
//! variables that it would have to apply first.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{self, Cluster, FluxKustomization};
use crate::kube::NamespacedName;
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, Context, FixAvailability, Rule};
use crate::text::{Sources, Span};
use crate::yaml::{Kind, Node, Style};

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] = &[INACTIVE, FROM_OWN, EATS_SHELL, RESHAPES];

const INACTIVE: Rule = Rule {
    id: "substitution-inactive",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Kustomization with `spec.postBuild` has some variable, or `substituteStrategy: Always`, where its objects hold expressions.

## Why it matters
Without any variable Flux substitutes nothing: `${name:=default}` stays in the text as it is, also in names and images.

## What it cannot see
Kustomizations without `spec.postBuild`: there `${…}` is taken for text that is meant.
",
    check: Check::Cluster(check_inactive),
};

const FROM_OWN: Rule = Rule {
    id: "substitute-from-own",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Kustomization takes variables from a ConfigMap or Secret that it applies itself, or that one which depends on it applies.

## Why it matters
On a new cluster the object does not exist when the Kustomization is built, so it fails, applies nothing, and the object never comes.

## What it cannot see
Objects that somebody also makes by hand.
",
    check: Check::Index(check_own),
};

const EATS_SHELL: Rule = Rule {
    id: "substitution-eats-shell",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No shell script that is substituted uses `${variable:-default}` or another form with a default for a variable that Flux does not \
know, nor `$$`.

## Why it matters
Flux puts the default there before the shell ever sees the text, and makes one `$` of two: the script runs, and does something else. \
No error tells.

## What it cannot see
Scripts that do not look like one: those without `#!` in a ConfigMap under a name that does not end in `.sh`.
",
    check: Check::Repository(check_shell),
};

const RESHAPES: Rule = Rule {
    id: "substitution-reshapes",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The value of a variable does not turn a text into a mapping or a list.

## Why it matters
Substitution is done on text: a value with `: `, or one that begins with `{` or `[`, changes the structure of the object. Quotes in the \
file do not help: they are gone by then.

## What it cannot see
Values that are not known offline.
",
    check: Check::Cluster(check_shape),
};

/// Reports every Kustomization of `cluster` that was meant to substitute and does not.
fn check_inactive(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for owner in cluster.kustomizations.values().filter(|owner| !owner.substitution.active) {
        let Some(post_build) = owner.node.at(&["spec", "postBuild"]).filter(|field| !field.is_null()) else { continue };
        // What is optional and not here may well be in the cluster.
        if !owner.substitution.complete {
            continue;
        }
        let objects = owner.build.resources.iter().filter(|it| !flux::is_substitution_disabled(&it.node));
        let Some(expression) = objects.into_iter().find_map(|resource| first_expression(&resource.node)) else {
            continue;
        };
        out.push(
            rule.report(format!("Kustomization `{}` has no variable, and so substitutes nothing", owner.id))
                .label(post_build.span, "no variable comes from here")
                .label(expression, "stays as it is")
                .help("add a variable, or set `substituteStrategy: Always`"),
        );
    }
}

/// Returns the place of the first text below `node` with an expression.
fn first_expression(node: &Node) -> Option<Span> {
    match &node.kind {
        Kind::Scalar(scalar) => DEFAULTED.is_match(&scalar.text).then_some(node.span),
        Kind::Sequence(items) => items.iter().find_map(first_expression),
        Kind::Map(map) => map.iter().find_map(|entry| first_expression(&entry.value)),
    }
}

/// Returns whether `maker` is `owner`, or is applied only after it: it depends on it or is applied by it, and so on.
fn is_late(cluster: &Cluster, maker: &FluxKustomization, owner: &NamespacedName) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![&maker.id];
    while let Some(next) = open.pop() {
        if next == owner {
            return true;
        }
        if let Some(next) = cluster.kustomizations.get(next).filter(|next| seen.insert(&next.id)) {
            open.extend(next.depends_on.iter().map(|dependency| &dependency.value).chain(&next.applied_by));
        }
    }
    false
}

/// Reports every source of variables of the cluster that comes only after what needs it.
fn check_own(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for owner in index.cluster().kustomizations.values() {
        for reference in owner.substitute_from.iter().filter(|reference| !reference.optional) {
            let named = index.named(&owner.id.namespace, &reference.name.value);
            let makers: Vec<_> = named.filter(|object| object.resource.kind() == reference.kind).collect();
            let all_late = makers
                .iter()
                .all(|object| object.owner.is_some_and(|maker| is_late(index.cluster(), maker, &owner.id)));
            let Some(first) = makers.first().filter(|_| all_late) else { continue };
            let by = match first.owner {
                Some(maker) if maker.id != owner.id => {
                    format!("Kustomization `{}`, which waits for it, applies", maker.id)
                }
                _ => "it applies itself".to_owned(),
            };
            let what = format!("{} {}/{}", reference.kind, owner.id.namespace, reference.name.value);
            out.push(
                rule.report(format!("Kustomization `{}` takes variables from `{what}`, which {by}", owner.id))
                    .label(reference.name.span, "not there yet when this is built")
                    .label(first.resource.name_span(), "comes from here")
                    .help("move the object to a Kustomization that this one depends on, or to the one that applies it")
                    .note("on a new cluster Flux never applies either of them"),
            );
        }
    }
}

/// `${name` with a default behind it.
static DEFAULTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:[-=+?]|=)").expect("a pattern of our own"));

/// Reports every part of a script of the clusters that Flux replaces before a shell reads it.
fn check_shell(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for cluster in &context.fleet.clusters {
        for owner in cluster.kustomizations.values().filter(|owner| owner.substitution.active) {
            for resource in owner.build.resources.iter().filter(|it| !flux::is_substitution_disabled(&it.node)) {
                let mut scripts = Vec::new();
                collect_scripts(&resource.node, "", &mut scripts);
                for script in scripts {
                    let found = eaten(context.repo.sources(), owner, script);
                    out.extend(
                        found.into_iter().map(|eaten| report(rule, owner, resource, &eaten).in_cluster(&cluster.name)),
                    );
                }
            }
        }
    }
}

/// A part of a script that Flux replaces.
enum Eaten {
    Default(String, Span),
    Dollars(Span),
}

fn report(rule: &Rule, owner: &FluxKustomization, resource: &Resource, eaten: &Eaten) -> Diagnostic {
    let id = resource.object_ref();
    let disable = "or label the object `kustomize.toolkit.fluxcd.io/substitute: disabled`";
    let (message, span, label, help) = match eaten {
        Eaten::Default(name, span) => (
            format!("Flux replaces `${{{name}…}}` in a script of `{id}` with its default"),
            *span,
            format!("Kustomization `{}` does not define `{name}`", owner.id),
            format!("escape it as `$${{{name}…}}`, {disable}"),
        ),
        Eaten::Dollars(span) => (
            format!("Flux makes one `$` of `$$` in a script of `{id}`"),
            *span,
            "the number of the process, to a shell".to_owned(),
            format!("write `$$$$`, {disable}"),
        ),
    };
    rule.report(message).label(span, label).help(help).note("the shell never sees what is written here")
}

/// Collects the scalars below `node` that a shell will read; `key` is the field that `node` stands under.
fn collect_scripts<'a>(node: &'a Node, key: &str, scripts: &mut Vec<&'a Node>) {
    match &node.kind {
        Kind::Scalar(scalar) => {
            let first = scalar.text.lines().next().unwrap_or("");
            let is_script = (first.starts_with("#!") && first.contains("sh"))
                || (key.rsplit_once('.').is_some_and(|(_, end)| end == "sh") && scalar.style != Style::Plain);
            if is_script {
                scripts.push(node);
            }
        }
        Kind::Sequence(items) => {
            let words: Vec<&str> = items.iter().filter_map(Node::as_str).collect();
            let is_shell = words.iter().any(|word| matches!(word.rsplit('/').next(), Some("sh" | "bash" | "ash")));
            let is_command = matches!(key, "command" | "args") && is_shell;
            for item in items.iter() {
                if is_command && item.as_str().is_some_and(|text| text.contains(' ')) {
                    scripts.push(item);
                } else {
                    collect_scripts(item, "", scripts);
                }
            }
        }
        Kind::Map(map) => map.iter().for_each(|entry| collect_scripts(&entry.value, entry.key.text(), scripts)),
    }
}

fn eaten(sources: &Sources, owner: &FluxKustomization, script: &Node) -> Vec<Eaten> {
    let Some(text) = sources.slice(script.span) else { return Vec::new() };
    let at = |start: usize, end: usize| {
        let first = script.span.start as usize;
        Span::new(script.span.source, first + start..first + end)
    };
    let escaped = |start: usize| text[..start].chars().rev().take_while(|letter| *letter == '$').count() % 2 == 1;
    let mut found = Vec::new();
    for captures in DEFAULTED.captures_iter(text) {
        let (Some(whole), Some(name)) = (captures.get(0), captures.get(1)) else { continue };
        if !escaped(whole.start())
            && !owner.substitution.variables.contains_key(name.as_str())
            && owner.substitution.complete
        {
            found.push(Eaten::Default(name.as_str().to_owned(), at(whole.start(), name.end())));
        }
    }
    for (start, dollars) in text.match_indices("$$") {
        // `$${` is the escape for an expression, and `$$$$` that for what is meant here.
        let after = text[start + dollars.len()..].chars().next();
        if !matches!(after, Some('{' | '$')) && !text[..start].ends_with('$') {
            found.push(Eaten::Dollars(at(start, start + dollars.len())));
        }
    }
    found
}

/// Reports every text of `cluster` that the value of a variable turns into something else.
fn check_shape(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for owner in cluster.kustomizations.values().filter(|owner| owner.substitution.active) {
        for (before, resource) in owner.build.resources.iter().zip(&owner.resources) {
            let mut places = Vec::new();
            reshaped(&before.node, &resource.node, &mut places);
            for (span, kind) in places {
                out.push(
                    rule.report(format!("a variable turns a text of `{}` into a {kind}", before.object_ref()))
                        .label(span, format!("a {kind} after substitution"))
                        .help("put quotes into the variable's value: those of the file are gone by then"),
                );
            }
        }
    }
}

fn reshaped(before: &Node, after: &Node, places: &mut Vec<(Span, &'static str)>) {
    match (&before.kind, &after.kind) {
        (Kind::Scalar(scalar), Kind::Map(_) | Kind::Sequence(_)) if scalar.text.contains("${") => {
            places.push((before.span, after.kind_name()));
        }
        (Kind::Map(before), Kind::Map(after)) => {
            for entry in before {
                if let Some(after) = after.get(entry.key.text()) {
                    reshaped(&entry.value, after, places);
                }
            }
        }
        (Kind::Sequence(before), Kind::Sequence(after)) => {
            before.iter().zip(after.iter()).for_each(|(before, after)| reshaped(before, after, places));
        }
        _ => {}
    }
}
