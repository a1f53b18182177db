//! `images`: names, tags and digests of container images.
//!
//! Two passes, as in kustomize: every list named `containers` or `initContainers` wherever it stands, then the field
//! specs. A `tagSuffix` is therefore added twice where both reach the image.
//!
//! Source: kustomize, `api/filters/imagetag` and `api/internal/image`.

use regex::Regex;

use crate::kustomize::Resource;
use crate::kustomize::context::{Context, rule};
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::{retext, wrong_kind};
use crate::text::Span;
use crate::yaml::{Kind, Node, Step};

/// An entry of `images`, ready to be matched.
struct Change<'a> {
    pattern: Regex,
    new_name: Option<&'a str>,
    new_tag: Option<&'a str>,
    tag_suffix: Option<&'a str>,
    digest: Option<&'a str>,
    /// The field that a changed image points at.
    span: Span,
}

impl<'a> Change<'a> {
    fn new(entry: &'a Node) -> Result<Self, regex::Error> {
        let field = |key: &str| entry.get(key).filter(|node| node.as_str().is_some_and(|text| !text.is_empty()));
        let text = |key: &str| field(key).and_then(Node::as_str);
        let name = text("name").unwrap_or_default();
        // The name is a pattern, since kustomize does not escape it.
        let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
        let cause = ["newTag", "digest", "tagSuffix", "newName"].into_iter().find_map(field).unwrap_or(entry);
        Ok(Self {
            pattern: Regex::new(&pattern)?,
            new_name: text("newName"),
            new_tag: text("newTag"),
            tag_suffix: text("tagSuffix"),
            digest: text("digest"),
            span: cause.span,
        })
    }

    fn matches(&self, node: &Node) -> bool {
        node.as_str().is_some_and(|image| self.pattern.is_match(image))
    }

    /// Returns what becomes of `image`, which matches.
    fn applied_to(&self, image: &str) -> String {
        let parts = Parts::of(image);
        let (mut tag, mut digest) = (parts.tag.to_owned(), parts.digest);
        match (self.new_tag, self.digest, self.tag_suffix) {
            (Some(new_tag), new_digest, _) => {
                new_tag.clone_into(&mut tag);
                digest = new_digest.unwrap_or_default();
            }
            (None, Some(new_digest), _) => {
                tag.clear();
                digest = new_digest;
            }
            (None, None, Some(suffix)) => {
                tag.push_str(suffix);
                digest = "";
            }
            (None, None, None) => {}
        }
        let mut changed = self.new_name.unwrap_or(parts.name).to_owned();
        if !tag.is_empty() {
            changed.push(':');
            changed.push_str(&tag);
        }
        if !digest.is_empty() {
            changed.push('@');
            changed.push_str(digest);
        }
        changed
    }

    fn set(&self, node: &mut Node) -> Result<(), WrongKind> {
        if node.as_scalar().is_none() {
            return Err(WrongKind::new(node, "a scalar"));
        }
        let Some(image) = node.as_str().filter(|_| self.matches(node)) else { return Ok(()) };
        let changed = self.applied_to(image);
        // The second pass mostly finds what the first one wrote.
        if changed != image {
            *node = retext(node, changed.into(), self.span, Step::Transformer("images"), self.span);
        }
        Ok(())
    }
}

/// An image reference in parts; absent ones are empty.
struct Parts<'a> {
    name: &'a str,
    tag: &'a str,
    digest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(image: &'a str) -> Self {
        // A colon before the first slash is that of a port.
        let host = image.find('/').unwrap_or(0);
        let (rest, digest) = match image[host..].find('@') {
            Some(at) => (&image[..host + at], &image[host + at + 1..]),
            None => (image, ""),
        };
        let (name, tag) = match rest[host..].find(':') {
            Some(at) => (&rest[..host + at], &rest[host + at + 1..]),
            None => (rest, ""),
        };
        Self { name, tag, digest }
    }
}

/// Runs one entry of `images`: on containers wherever they stand, then on the fields of `specs`.
pub(super) fn apply(context: &mut Context<'_>, resources: &mut [Resource], entry: &Node, specs: &[&FieldSpec]) {
    apply_to_containers(context, resources, entry);
    apply_to_fields(context, resources, entry, specs);
}

/// Runs one entry of `images` on the elements of every list named `containers` or `initContainers`.
pub(super) fn apply_to_containers(context: &mut Context<'_>, resources: &mut [Resource], entry: &Node) {
    let Ok(change) = Change::new(entry) else {
        let name = entry.get("name").unwrap_or(entry);
        let message = format!("the image name `{}` is no valid pattern", name.as_str().unwrap_or_default());
        context.error(rule::TRANSFORMER, message, name.span, "kustomize reads it as a regular expression");
        return;
    };
    for resource in resources.iter_mut().filter(|resource| is_changeable(resource)) {
        if concerns(&resource.node, &change, Place::Elsewhere) {
            let mut result = Ok(());
            change_containers(&mut resource.node, &change, Place::Elsewhere, &mut result);
            report(context, resource, &change, result);
        }
    }
}

/// Runs one entry of `images` on the fields of `specs`.
pub(super) fn apply_to_fields(
    context: &mut Context<'_>,
    resources: &mut [Resource],
    entry: &Node,
    specs: &[&FieldSpec],
) {
    // A bad pattern was reported by the first pass.
    let Ok(change) = Change::new(entry) else { return };
    for resource in resources.iter_mut().filter(|resource| is_changeable(resource)) {
        let gvk = resource.gvk();
        for spec in specs.iter().filter(|spec| spec.selects(&gvk)) {
            let result = visit(&mut resource.node, spec, Missing::Skip, &mut |node| change.set(node));
            report(context, resource, &change, result);
        }
    }
}

fn is_changeable(resource: &Resource) -> bool {
    resource.kind() != "CustomResourceDefinition"
}

fn report(context: &mut Context<'_>, resource: &Resource, change: &Change<'_>, result: Result<(), WrongKind>) {
    if let Err(wrong) = result {
        wrong_kind(context, "images", change.span, &resource.id(), &wrong);
    }
}

/// Where in an object the walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An element of `containers` or `initContainers`.
    Container,
    /// The list itself.
    Containers,
    /// Anywhere else.
    Elsewhere,
}

impl Place {
    fn of_value(key: &str) -> Self {
        if matches!(key, "containers" | "initContainers") { Self::Containers } else { Self::Elsewhere }
    }

    fn of_item(self) -> Self {
        if self == Self::Containers { Self::Container } else { Self::Elsewhere }
    }
}

/// Returns whether the first pass changes or reports anything below `node`: most objects are not copied for nothing.
fn concerns(node: &Node, change: &Change<'_>, place: Place) -> bool {
    let is_image = |image: &Node| image.as_scalar().is_none() || change.matches(image);
    match &node.kind {
        Kind::Map(map) => {
            (place == Place::Container && map.get("image").is_some_and(is_image))
                || map.iter().any(|entry| concerns(&entry.value, change, Place::of_value(entry.key.text())))
        }
        Kind::Sequence(items) => items.iter().any(|item| concerns(item, change, place.of_item())),
        Kind::Scalar(_) => place == Place::Container && !node.is_null(),
    }
}

/// Changes the images below `node`; the first mismatch is left in `result`.
fn change_containers(node: &mut Node, change: &Change<'_>, place: Place, result: &mut Result<(), WrongKind>) {
    if place == Place::Container && node.as_map().is_none() && !node.is_null() && result.is_ok() {
        *result = Err(WrongKind::new(node, "a mapping"));
    }
    match &mut node.kind {
        Kind::Map(map) => {
            for entry in map.entries_mut() {
                change_containers(&mut entry.value, change, Place::of_value(entry.key.text()), result);
            }
            let image = (place == Place::Container).then(|| map.get_mut("image")).flatten();
            if let Some(Err(wrong)) = image.map(|image| change.set(image))
                && result.is_ok()
            {
                *result = Err(wrong);
            }
        }
        Kind::Sequence(_) => {
            for item in node.as_sequence_mut().into_iter().flatten() {
                change_containers(item, change, place.of_item(), result);
            }
        }
        Kind::Scalar(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        let parts = Parts::of("registry:5000/web");
        assert_eq!((parts.name, parts.tag, parts.digest), ("registry:5000/web", "", ""));
        let parts = Parts::of("registry:5000/web:1.2@sha256:ab");
        assert_eq!((parts.name, parts.tag, parts.digest), ("registry:5000/web", "1.2", "sha256:ab"));
        let parts = Parts::of("web@sha256:ab");
        assert_eq!((parts.name, parts.tag, parts.digest), ("web", "", "sha256:ab"));
    }
}
