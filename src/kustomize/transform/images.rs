//! `images`: names, tags and digests of container images.
//!
//! Two passes, as in kustomize: every list named `containers` or `initContainers` wherever it stands, then the field
//! specs. A `tagSuffix` is therefore added twice where both reach the image.
//!
//! Source: kustomize, `api/filters/imagetag` and `api/internal/image`.

use regex::Regex;

use crate::kustomize::Resource;
use crate::kustomize::context::{Context, rule};
use crate::kustomize::pattern::Simple;
use crate::kustomize::transform::field_spec::{FieldSpec, Missing, WrongKind, visit};
use crate::kustomize::transform::{retext, wrong_kind};
use crate::text::Span;
use crate::yaml::{Kind, Members, Node, Step};

/// An entry of `images`, ready to be matched.
struct Change<'a> {
    name: Name,
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
        let cause = ["newTag", "digest", "tagSuffix", "newName"].into_iter().find_map(field).unwrap_or(entry);
        Ok(Self {
            name: Name::new(name)?,
            new_name: text("newName"),
            new_tag: text("newTag"),
            tag_suffix: text("tagSuffix"),
            digest: text("digest"),
            span: cause.span,
        })
    }

    fn matches(&self, node: &Node) -> bool {
        node.as_str().is_some_and(|image| self.name.is_match(image))
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

/// The name of an entry: a pattern, since kustomize does not escape it.
enum Name {
    Simple(Simple),
    /// With what may follow a name.
    Expression(Regex),
}

impl Name {
    fn new(name: &str) -> Result<Self, regex::Error> {
        if let Some(simple) = Simple::new(name) {
            return Ok(Self::Simple(simple));
        }
        let expression = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
        Regex::new(&expression).map(Self::Expression)
    }

    fn is_match(&self, image: &str) -> bool {
        match self {
            Self::Simple(simple) => simple.rest(image).is_some_and(is_tag_and_digest),
            Self::Expression(expression) => expression.is_match(image),
        }
    }
}

/// Returns whether `rest` is what the expression of [`Name`] lets follow a name.
fn is_tag_and_digest(rest: &str) -> bool {
    let word = |character: char| character.is_ascii_alphanumeric() || "_.{}-".contains(character);
    let rest = rest.strip_prefix(':').map_or(rest, |tag| tag.trim_start_matches(word));
    let rest = rest.strip_prefix("@sha256:").map_or(rest, |digest| digest.trim_start_matches(word));
    rest.is_empty()
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
            for item in node.as_sequence_mut().map(Members::make_mut).into_iter().flatten() {
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
    fn a_simple_name_matches_the_images_that_its_expression_does() {
        let images = [
            "web",
            "web:1",
            "web:",
            "web@sha256:a",
            "web:1@sha256:a",
            "web@sha256:a:1",
            "webs",
            "web:1/2",
            "web:{t}",
            "a/web",
            "web:1@md5:a",
            "",
        ];
        for image in images {
            let simple = Name::new("web").unwrap().is_match(image);
            // Parentheses make no other match, and no simple pattern.
            assert_eq!(simple, Name::new("(web)").unwrap().is_match(image), "{image}");
        }
    }

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
