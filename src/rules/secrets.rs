//! Rules on secrets in Git.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::Cluster;
use crate::kustomize::Resource;
use crate::rules::encryption::MARK;
use crate::rules::{Check, FixAvailability, Rule};
use crate::text::Span;
use crate::yaml::{Entry, Node, Step};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[PLAINTEXT];

const PLAINTEXT: Rule = Rule {
    id: "secret-plaintext",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No Secret carries values that stand in the repository unencrypted (base64 is no encryption).

## Why it matters
Whoever can read the repository, or any old clone of it, has the secret.

## What it cannot see
Whether a value is a real secret or an example. Values that are encrypted by SOPS, come from a variable or are empty are \
passed over, and so are certificates, public keys and `known_hosts`.
",
    check: Check::Cluster(check_plaintext),
};

/// Reports every Secret of `cluster` with a value that can be read in the repository.
fn check_plaintext(rule: &Rule, cluster: &Cluster, out: &mut Vec<Diagnostic>) {
    for object in cluster.objects_of("", "Secret") {
        let resource = object.resource;
        if resource.node.get("sops").is_some() {
            continue;
        }
        let values = ["data", "stringData"].into_iter().filter_map(|field| resource.node.get(field)?.as_map());
        let readable: Vec<&Entry> = values
            .flat_map(|map| map.iter())
            .filter(|entry| !entry.key.text().starts_with("sops_") && is_readable(&entry.value))
            .filter(|entry| !is_public(entry.key.text(), &entry.value))
            .collect();
        let Some(first) = readable.first() else { continue };
        let more = match readable.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        out.push(
            rule.report(format!("`{}` holds unencrypted values", resource.object_ref()))
                .label(
                    place(resource, first),
                    format!("`{}`{more} can be read by whoever reads the repository", first.key.text()),
                )
                .help("encrypt it with SOPS, or take it from an external store; then change the secret itself"),
        );
    }
}

/// Returns whether a person can read the value in the repository.
fn is_readable(value: &Node) -> bool {
    let Some(text) = value.as_str() else { return false };
    let substituted = value.chain.as_ref().is_some_and(|chain| matches!(chain.step, Step::Substitution(_)));
    !text.trim().is_empty() && !substituted && !is_encrypted(text) && !text.starts_with("${")
}

/// Returns what base64 `text` holds; nothing where it is none.
fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    let compact: String = text.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(compact).unwrap_or_default()
}

/// Returns whether `text`, or what it holds in base64, holds `mark`.
fn holds(text: &str, mark: &str) -> bool {
    text.contains(mark) || decoded(text).windows(mark.len()).any(|window| window == mark.as_bytes())
}

/// Returns whether the value is a SOPS ciphertext, as it is or in base64 (a generator read an encrypted file).
fn is_encrypted(text: &str) -> bool {
    holds(text, MARK)
}

/// Returns whether the value is made for everybody to know: certificates, public keys, the keys of hosts.
fn is_public(key: &str, value: &Node) -> bool {
    let text = value.as_str().unwrap_or("");
    let is_known = key == "known_hosts" || key.rsplit_once('.').is_some_and(|(_, end)| end == "pub");
    let is_certificate =
        ["-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----"].iter().any(|mark| holds(text, mark));
    (is_known || is_certificate) && !holds(text, "PRIVATE KEY-----")
}

/// The label is on the key, never on the value: reports print the line, and mask what follows.
fn place(resource: &Resource, entry: &Entry) -> Span {
    if entry.key.span().start == entry.key.span().end { resource.origin } else { entry.key.span() }
}
