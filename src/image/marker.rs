//! The grammar of setter markers.
//!
//! Source: image-automation-controller 1.2, kyaml setters2.

use std::collections::BTreeMap;

use crate::kube::NamespacedName;
use crate::repo::Repo;
use crate::text::Span;

/// The key that makes a comment a marker.
pub(crate) const KEY: &str = "$imagepolicy";

/// Which part of the image reference a marker asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `image:tag`, with the digest where the policy reflects one.
    Reference,
    /// The image without its tag.
    Name,
    /// The tag alone.
    Tag,
    /// The digest alone.
    Digest,
}

/// What a comment is to the setter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// A comment like any other.
    None,
    /// It asks for a value of `policy`.
    Marker {
        /// The `ImagePolicy`.
        policy: NamespacedName,
        /// The part of the reference.
        field: Field,
    },
    /// It was meant to be one, and the setter passes over it; why, as a clause.
    Malformed(String),
}

/// A marker in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The comment.
    pub span: Span,
    /// The scalar that it follows; nothing where it follows none.
    pub scalar: Option<Span>,
    /// What it says.
    pub marking: Marking,
}

/// Returns every comment of the repository's YAML files that is a marker or was meant to be one, by path and byte.
pub fn markers(repo: &Repo) -> Vec<Marker> {
    let mut found = Vec::new();
    // Most files have none: the text is searched before anything is parsed.
    for (path, source) in repo.holding(KEY) {
        if !path.is_yaml() && path.name() != "Kustomization" {
            continue;
        }
        let Some(parsed) = repo.yaml(source) else { continue };
        for comment in &parsed.comments {
            let marking = read_marker(repo.sources().slice(comment.span).unwrap_or_default());
            if marking != Marking::None {
                found.push(Marker { span: comment.span, scalar: comment.scalar, marking });
            }
        }
    }
    found
}

/// Returns what the setter makes of `comment`, which begins with `#`.
pub fn read_marker(comment: &str) -> Marking {
    if !comment.contains(KEY) {
        return Marking::None;
    }
    let text = comment.trim_start_matches('#').trim();
    // Prose that mentions the key is no attempt at a marker.
    if !text.starts_with('{') && !text.starts_with('#') && !text.starts_with(KEY) && !text.starts_with("\"$") {
        return Marking::None;
    }
    let object: BTreeMap<String, String> = match serde_json::from_str(text) {
        Ok(object) => object,
        Err(error) => return Marking::Malformed(format!("it is not one JSON object of texts: {error}")),
    };
    let Some(value) = object.get(KEY).filter(|value| !value.is_empty()) else {
        return Marking::Malformed(format!("`{KEY}` is empty"));
    };
    marking_of(value)
}

/// Returns what a reference to a setter, `namespace:policy[:field]`, asks for.
pub(super) fn marking_of(value: &str) -> Marking {
    let parts: Vec<&str> = value.split(':').collect();
    let (namespace, name, field) = match parts[..] {
        [namespace, name] => (namespace, name, Field::Reference),
        [namespace, name, "name"] => (namespace, name, Field::Name),
        [namespace, name, "tag"] => (namespace, name, Field::Tag),
        [namespace, name, "digest"] => (namespace, name, Field::Digest),
        [_, _, suffix] => return Marking::Malformed(format!("`{suffix}` is none of `name`, `tag` and `digest`")),
        _ => return Marking::Malformed(format!("`{value}` is not `namespace:policy`")),
    };
    if namespace.trim() != namespace || name.trim() != name || namespace.is_empty() || name.is_empty() {
        return Marking::Malformed(format!("`{value}` is not `namespace:policy`"));
    }
    Marking::Marker { policy: NamespacedName::new(namespace, name), field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileSet;

    #[test]
    fn the_four_forms_are_markers() {
        for (suffix, expected) in
            [("", Field::Reference), (":name", Field::Name), (":tag", Field::Tag), (":digest", Field::Digest)]
        {
            let comment = format!(r#"# {{"$imagepolicy": "flux-system:web{suffix}"}}"#);
            let policy = NamespacedName::new("flux-system", "web");
            assert_eq!(read_marker(&comment), Marking::Marker { policy, field: expected });
        }
    }

    #[test]
    fn what_the_setter_passes_over_is_malformed() {
        for comment in [
            r#"# {"$imagepolicy": "web"}"#,
            r#"# {"$imagepolicy": "flux-system:web:tags"}"#,
            r#"# {"$imagepolicy": "flux-system:web"} now"#,
            r"# {'$imagepolicy': 'flux-system:web'}",
            r#"# #{"$imagepolicy": "flux-system:web"}"#,
            r#"# {"$imagepolicy": "flux-system:web",}"#,
            r#"# {"$imagepolicy": "flux-system: web"}"#,
            r#"# "$imagepolicy": "flux-system:web""#,
        ] {
            assert!(matches!(read_marker(comment), Marking::Malformed(_)), "{comment}");
        }
    }

    #[test]
    fn prose_is_no_marker() {
        assert_eq!(read_marker("# see $imagepolicy in the guide"), Marking::None);
        assert_eq!(read_marker("# a comment"), Marking::None);
    }

    #[test]
    fn a_marker_knows_its_scalar() {
        let text = "image: web:1 # {\"$imagepolicy\": \"flux-system:web\"}\n";
        let repo = Repo::new(FileSet::from_texts([("a.yaml", text), ("b.yaml", "x: y # z\n")]));
        let [marker] = &markers(&repo)[..] else { panic!("one marker") };
        assert_eq!(marker.scalar.and_then(|span| repo.sources().slice(span)), Some("web:1"));
    }
}
