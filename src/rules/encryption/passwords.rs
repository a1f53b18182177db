//! Passwords where everybody can read them: ConfigMaps and variables of containers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::diagnostic::Diagnostic;
use crate::kustomize::Resource;
use crate::rules::Rule;
use crate::rules::index::ClusterIndex;
use crate::text::Span;
use crate::yaml::{Chain, Map, Node, Step};

/// Names of passwords: of whatever is before, `PGPASSWORD` has no word there.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(password|passwd|passphrase)$|(^|[_.\-])(pass|pwd)$").expect("a pattern of our own")
});

/// Names of other secrets, as words or as a part of `likeThis`.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(^|[_.\-])(secret|secret_?key|token|api_?key|private_?key|access_?key)$|(?-i:[a-z0-9](Token|ApiKey|SecretKey|PrivateKey|AccessKey)$)",
    )
    .expect("a pattern of our own")
});

/// A URL with a password: scheme, user, password and host.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@]*:([^\s/@]+)@[^\s/@]+").expect("a pattern of our own")
});

/// A line of YAML with a secret by its name, and its value.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?im)^[ \t-]*["']?(?:[\w.\-]*[_.\-])?(?:password|passwd|passphrase|secret|secret_?key|token|api_?key|private_?key|access_?key)["']?:[ \t]+(\S.*)$"#,
    )
    .expect("a pattern of our own")
});

/// Returns the bytes of `text` that are passwords by the same measure: reports do not show them.
pub(crate) fn ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    let found = URL.captures_iter(text).chain(LINE.captures_iter(text)).filter_map(|captures| captures.get(1));
    found.filter(|value| !is_harmless(value.as_str())).map(|value| value.range())
}

/// Returns whether `text` is a number: a limit or a port beside what is called a token, but a password is often one.
fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

/// Values that nobody would call a secret.
fn is_harmless(text: &str) -> bool {
    let trimmed = text.trim();
    let is_reference =
        trimmed.contains("$(") || trimmed.contains("${") || trimmed.starts_with('$') || trimmed.contains("{{");
    let is_placeholder = trimmed.starts_with('<') && trimmed.ends_with('>');
    let is_path = trimmed.starts_with('/') || trimmed.starts_with("./");
    let is_word =
        matches!(trimmed.to_ascii_lowercase().as_str(), "true" | "false" | "none" | "null" | "enabled" | "disabled");
    let is_encrypted = trimmed.starts_with(super::MARK);
    trimmed.is_empty() || is_reference || is_placeholder || is_path || is_word || is_encrypted
}

/// Returns why the value is a password, where it is one.
fn password(name: &str, value: &Node) -> Option<&'static str> {
    let text = value.as_str()?;
    // What comes out of a variable is nowhere to be read in this file.
    if is_substituted(value.chain.as_deref()) {
        return None;
    }
    let in_url = URL.captures_iter(text).any(|found| found.get(1).is_some_and(|found| !is_harmless(found.as_str())));
    if in_url {
        Some("a URL with a password in it")
    } else if is_harmless(text) || text.contains("://") {
        // Where something is (`PROXY_PASS`) is no secret.
        None
    } else {
        let is_secret = PASSWORD.is_match(name) || NAME.is_match(name) && !is_number(text);
        is_secret.then_some("a secret by its name")
    }
}

fn is_substituted(mut chain: Option<&Chain>) -> bool {
    while let Some(link) = chain {
        if matches!(link.step, Step::Substitution(_)) {
            return true;
        }
        chain = link.earlier.as_deref();
    }
    false
}

/// Reports every password in a ConfigMap or in a variable of a container.
pub(super) fn check(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for object in index.of_kind("", "ConfigMap") {
        let data = object.resource.node.get("data").and_then(Node::as_map);
        for entry in data.into_iter().flat_map(Map::iter) {
            if let Some(why) = password(entry.key.text(), &entry.value) {
                out.push(report(rule, object.resource, entry.key.text(), entry.key.span(), why));
            }
        }
    }
    for workload in index.workloads() {
        for container in workload.containers() {
            for variable in container.node.items("env") {
                let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) else { continue };
                if let Some(why) = name.as_str().and_then(|name| password(name, value)) {
                    out.push(report(rule, workload.resource(), name.as_str().unwrap_or(""), name.span, why));
                }
            }
        }
    }
}

/// The label is on the name: a message never holds the value.
fn report(rule: &Rule, resource: &Resource, name: &str, span: Span, why: &'static str) -> Diagnostic {
    let span = if span.start == span.end { resource.origin } else { span };
    rule.report(format!("`{}` holds a password in `{name}`", resource.object_ref()))
        .label(span, why)
        .help("put it into a Secret, encrypted, and refer to it; then change the password itself")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileSet, Span};

    fn is_password(name: &str, value: &str) -> bool {
        let files = FileSet::from_texts([("a.yaml", "")]);
        let (_, source) = files.iter().next().unwrap();
        password(name, &Node::string(value, Span::new(source, 0..0))).is_some()
    }

    #[test]
    fn a_password_is_known_by_its_name_in_every_spelling() {
        for name in ["DB_PASSWORD", "PGPASSWORD", "db-pass", "MYSQL_PWD", "adminPassword", "spring.mail.password"] {
            assert!(is_password(name, "hunter2") && is_password(name, "123456"), "{name}");
        }
        for name in ["API_TOKEN", "accessToken", "AWS_SECRET_ACCESS_KEY", "stripeApiKey", "CLIENT_SECRET"] {
            assert!(is_password(name, "hunter2"), "{name}");
        }
        assert!(is_password("REDIS_URL", "redis://:123456@cache:6379"));
    }

    #[test]
    fn what_only_sounds_like_a_secret_is_none() {
        for (name, value) in [
            ("PROXY_PASS", "http://api.web:8080"),
            ("MAX_TOKEN", "4096"),
            ("existingSecret", "login"),
            ("COMPASS", "north"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("ADMIN_PASSWORD", "$(ADMIN)"),
            ("ADMIN_PASSWORD", "<from the vault>"),
            ("RESET_PASSWORD", "true"),
            ("DATABASE_URL", "postgres://shop@db:5432/shop"),
        ] {
            assert!(!is_password(name, value), "{name}: {value}");
        }
    }
}
