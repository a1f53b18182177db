//! References to images, and what a policy reflects of them.

use std::fmt;

use crate::image::policy::Digests;

/// Longest tag that a registry takes, in characters.
pub const LONGEST_TAG: usize = 128;

/// An image that a policy selected: `status.latestRef`. Prints as `name:tag` or `name:tag@digest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    /// The repository as `spec.image` says it.
    pub name: String,
    /// The tag.
    pub tag: String,
    /// The digest with its algorithm; empty where none is reflected.
    pub digest: String,
}

impl fmt::Display for ImageRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.name, self.tag)?;
        if self.digest.is_empty() { Ok(()) } else { write!(formatter, "@{}", self.digest) }
    }
}

impl ImageRef {
    /// Returns whether registries take it; one reference that they do not fails the whole run of an automation.
    ///
    /// Source: go-containerregistry, `pkg/name`, weak validation.
    pub fn is_valid(&self) -> bool {
        let (host, path) = match self.name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
            _ => (None, self.name.as_str()),
        };
        let is_path = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte))
        };
        let is_host = |text: &str| {
            let (name, port) = text.rsplit_once(':').unwrap_or((text, "0"));
            let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            is_port
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte))
        };
        // A name without a slash is one of the Docker Hub's own, so that one letter is enough.
        let is_long_enough = path.len() >= 2 || (host.is_none() && !path.is_empty());
        let is_digest = self.digest.is_empty()
            || self.digest.split_once(':').is_some_and(|(algorithm, hash)| {
                algorithm == "sha256" && hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
        host.is_none_or(is_host)
            && is_long_enough
            && path.len() <= 255
            && is_path(path)
            && is_tag(&self.tag)
            && is_digest
    }
}

/// Returns whether the controllers take `text` for a tag. Registries want a letter, a digit or `_` first; the controllers
/// do not look.
///
/// Source: go-containerregistry, `pkg/name`.
pub fn is_tag(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_TAG && text.bytes().all(is_allowed)
}

/// Returns what is wrong with the `spec.image` of an `ImageRepository`, in the words of the controller.
pub fn image_problem(image: &str) -> Option<String> {
    if let Some((scheme, _)) = image.split_once("://") {
        return Some(format!("image '{image}' should not include URL scheme; remove '{scheme}://'"));
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        Some((_, tag)) if image.contains('/') || !tag.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("image '{image}' should not include a tag; remove ':{tag}'"))
        }
        _ => None,
    }
}

/// What a reconciliation leaves in the status of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reflected {
    /// `status.latestRef`.
    pub latest: ImageRef,
    /// `status.observedPreviousRef`, where this reconciliation sets it.
    pub previous: Option<ImageRef>,
}

/// Returns the status after `name:tag` was selected, when the registry says `digest` for it and the status was `before`.
///
/// Source: image-reflector-controller 1.2, `ImagePolicyReconciler`.
pub fn reflect(policy: Digests, before: Option<&ImageRef>, selected: (&str, &str), digest: &str) -> Reflected {
    let (name, tag) = selected;
    let kept = before.filter(|old| old.name == name && old.tag == tag && !old.digest.is_empty());
    let digest = match (policy, kept) {
        (Digests::Never, _) => String::new(),
        (Digests::IfNotPresent, Some(old)) => old.digest.clone(),
        (Digests::IfNotPresent, None) | (Digests::Always, _) => digest.to_owned(),
    };
    let latest = ImageRef { name: name.to_owned(), tag: tag.to_owned(), digest };
    let previous = before.filter(|old| **old != latest).cloned();
    Reflected { latest, previous }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, tag: &str) -> ImageRef {
        ImageRef { name: name.to_owned(), tag: tag.to_owned(), digest: String::new() }
    }

    #[test]
    fn a_reference_that_registries_refuse_is_told() {
        for (name, tag) in [("ghcr.io/o/a", "v1"), ("x", "1"), ("localhost:5000/app", "1.25"), ("library/nginx", "1")] {
            assert!(image(name, tag).is_valid(), "{name}:{tag}");
        }
        let long = "a".repeat(129);
        for (name, tag) in [("UPPER/x", "1"), ("x", "1:20"), ("x", ""), ("ghcr.io/o/a", long.as_str()), ("x", "1+2")] {
            assert!(!image(name, tag).is_valid(), "{name}:{tag}");
        }
    }

    #[test]
    fn an_image_names_a_repository_and_nothing_more() {
        assert_eq!(image_problem("localhost:5000/o/a"), None);
        assert_eq!(image_problem("ghcr.io/o/a"), None);
        assert!(image_problem("ghcr.io/o/a:v1").unwrap().ends_with("remove ':v1'"));
        assert!(image_problem("https://ghcr.io/o/a").unwrap().ends_with("remove 'https://'"));
    }
}
