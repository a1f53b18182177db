//! Rules on SOPS: encrypted objects that nobody decrypts, or that are only half encrypted; and on passwords elsewhere.
//!
//! Source: Flux, Kustomization API, "Decryption"; SOPS, "Encrypting only parts of a file".

pub(crate) mod passwords;

use std::collections::BTreeSet;

use regex::Regex;

use crate::diagnostic::{Diagnostic, FixSafety, Severity};
use crate::flux::{Cluster, FluxKustomization, Object};
use crate::rules::{Check, Context, FixAvailability, Rule, fixes};
use crate::text::Span;
use crate::yaml::{self, Entry, Node};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[UNDECRYPTED, INCOMPLETE, METADATA_MISSING, PASSWORD];

const UNDECRYPTED: Rule = Rule {
    id: "sops-decryption-missing",
    severity: Severity::Error,
    fix: FixAvailability::Sometimes,
    docs: "\
## What it checks
A Kustomization that applies an object encrypted by SOPS has `spec.decryption`.

## Why it matters
Flux refuses a Secret that is still encrypted, and applies nothing of the Kustomization; other kinds would be applied with \
ciphertext as their values.

## What it cannot see
Whether the key in the cluster fits.
",
    check: Check::Repository(check_decryption),
};

const INCOMPLETE: Rule = Rule {
    id: "sops-incomplete",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
In a Secret that SOPS encrypted no value of `data` or `stringData` is plain text.

## Why it matters
A value that was added or changed after the encryption can be read in the repository, and Flux cannot decrypt the file: \
`MAC mismatch`. One that `encrypted_regex` and its like leave out on purpose is a warning: it can be read.

## What it cannot see
Whether a value is a real secret. Empty ones are passed over.
",
    check: Check::Cluster(check_incomplete),
};

const METADATA_MISSING: Rule = Rule {
    id: "sops-metadata-missing",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
An object with values that SOPS encrypted still has the `sops` field, which says how to decrypt them.

## Why it matters
Flux takes it for a plain object and applies the ciphertext: the program gets `ENC[…]` as its password.

## What it cannot see
Nothing that matters: the object says it itself.
",
    check: Check::Cluster(check_metadata),
};

const PASSWORD: Rule = Rule {
    id: "password-in-config",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No ConfigMap and no variable of a container holds a password: a value under a name that ends in `password`, `secret`, `token` or \
`api key`, or a URL with a password in it (`postgres://user:password@host`).

## Why it matters
Whoever can read the repository, or ConfigMaps in the cluster, has the password.

## What it cannot see
Passwords under other names, and inside files. References such as `$(DB_PASSWORD)`, values of variables and what SOPS encrypted are passed over.
",
    check: Check::Index(passwords::check),
};

/// Text that every value which SOPS encrypted begins with.
pub(super) const MARK: &str = "ENC[AES256_GCM";

/// Reports every encrypted object whose Kustomization does not decrypt.
fn check_decryption(rule: &Rule, context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (cluster, entries) in context.fleet.clusters.iter().zip(&context.entries) {
        for Object { owner, resource } in entries.encrypted() {
            let Some(owner) = owner else { continue };
            let provider = owner.node.at(&["spec", "decryption", "provider"]).and_then(Node::as_str);
            let is_kept = ["labels", "annotations"].iter().any(|field| {
                let keep = resource.node.at(&["metadata", field, "kustomize.toolkit.fluxcd.io/decrypt"]);
                keep.and_then(Node::as_str) == Some("disabled")
            });
            if provider == Some("sops") || is_kept {
                continue;
            }
            let id = resource.object_ref();
            let finding = rule
                .report(format!("`{id}` is encrypted, and Kustomization `{}` does not decrypt it", owner.id))
                .label(resource.name_span(), "encrypted by SOPS")
                .label(owner.span, "has no `spec.decryption`")
                .help("add `spec.decryption` with `provider: sops` and the Secret that holds the key")
                .note("Flux refuses it, and applies nothing of the Kustomization")
                .in_cluster(&cluster.name);
            out.push(with_decryption(context, cluster, owner, finding));
        }
    }
}

/// Returns `finding` with the fix that gives `owner` the decryption block of its neighbours in `cluster`; where they have
/// none, that of Flux's guide to age, which is a guess.
fn with_decryption(
    context: &Context<'_>,
    cluster: &Cluster,
    owner: &FluxKustomization,
    finding: Diagnostic,
) -> Diagnostic {
    let secret_of = |neighbour: &FluxKustomization| {
        let decryption = neighbour.node.at(&["spec", "decryption"])?;
        let is_sops = decryption.get("provider").and_then(Node::as_str) == Some("sops");
        let name = decryption.at(&["secretRef", "name"]).and_then(Node::as_str)?;
        (is_sops && neighbour.id.namespace == owner.id.namespace).then(|| name.to_owned())
    };
    let secrets: BTreeSet<String> = cluster.kustomizations.values().filter_map(secret_of).collect();
    let (secret, safety) = match secrets.first() {
        Some(secret) if secrets.len() == 1 => (secret.clone(), FixSafety::Safe),
        _ => ("sops-age".to_owned(), FixSafety::Unsafe),
    };
    let edit = || {
        let repo = context.repo;
        let documents = &repo.yaml(owner.span.source)?.documents;
        let inside = |span: Span| span.start <= owner.span.start && owner.span.end <= span.end;
        let spec = documents.iter().find(|document| inside(document.span))?.root.get("spec")?;
        if spec.get("decryption").is_some() {
            return None;
        }
        let name = format!("    name: {secret}");
        let lines = ["decryption:", "  provider: sops", "  secretRef:", name.as_str()];
        yaml::append_lines(repo.source(owner.span.source)?.text(), spec, &lines)
    };
    fixes::with_edit(finding, "add `spec.decryption`".to_owned(), edit(), safety)
}

/// Returns the values of a Secret.
fn values(node: &Node) -> impl Iterator<Item = (&'static str, &Entry)> {
    ["data", "stringData"].into_iter().flat_map(|field| {
        let map = node.get(field).and_then(Node::as_map);
        map.into_iter().flat_map(|map| map.iter()).map(move |entry| (field, entry))
    })
}

/// Returns whether SOPS encrypts what stands under `field` and `key`, as the file's own settings say.
fn is_covered(sops: &Node, field: &str, key: &str) -> bool {
    let text = |name: &str| sops.get(name).and_then(Node::as_str).filter(|text| !text.is_empty());
    let matches =
        |pattern: &str| Regex::new(pattern).map_or(true, |pattern| pattern.is_match(field) || pattern.is_match(key));
    if let Some(pattern) = text("encrypted_regex") {
        return matches(pattern);
    }
    if let Some(pattern) = text("unencrypted_regex") {
        return !matches(pattern);
    }
    if let Some(suffix) = text("encrypted_suffix") {
        return key.ends_with(suffix) || field.ends_with(suffix);
    }
    !key.ends_with(text("unencrypted_suffix").unwrap_or("_unencrypted"))
}

/// Reports every Secret of `cluster` that is encrypted in part.
fn check_incomplete(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for Object { resource, .. } in cluster.objects_of("", "Secret") {
        let Some(sops) = resource.node.get("sops") else { continue };
        for (field, entry) in values(&resource.node) {
            let is_plain = entry.value.as_str().is_some_and(|text| !text.trim().is_empty() && !text.contains(MARK));
            if !is_plain {
                continue;
            }
            let (id, key) = (resource.object_ref(), entry.key.text());
            let finding = rule
                .report(format!("`{id}` is encrypted, but `{field}.{key}` is not"))
                .label(entry.key.span(), "can be read by whoever reads the repository");
            out.push(if is_covered(sops, field, key) {
                finding
                    .help("encrypt the file again with `sops`, and change the secret itself")
                    .note("Flux cannot decrypt the file: `MAC mismatch`")
            } else {
                finding.help("widen `encrypted_regex`, or move the value to a ConfigMap").at_most(Severity::Warning)
            });
        }
    }
}

/// Reports every object of `cluster` with encrypted values that nobody can decrypt any more.
fn check_metadata(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    let holds_values = |group: &str, kind: &str| group.is_empty() && matches!(kind, "Secret" | "ConfigMap");
    for Object { resource, .. } in cluster.objects_where(holds_values) {
        if resource.node.get("sops").is_some() {
            continue;
        }
        let encrypted = |(_, entry): &(&str, &Entry)| entry.value.as_str().is_some_and(|text| text.starts_with(MARK));
        let Some((field, entry)) = values(&resource.node).find(encrypted) else { continue };
        let (id, key) = (resource.object_ref(), entry.key.text());
        out.push(
            rule.report(format!("`{id}` has an encrypted `{field}.{key}`, but nothing says how to decrypt it"))
                .label(entry.key.span(), "encrypted by SOPS")
                .help("encrypt the whole file again with `sops`: its `sops` field is lost")
                .note("Flux applies the ciphertext as it is"),
        );
    }
}
