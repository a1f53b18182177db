//! Images: the registry and the tags that apps begin with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::generate::graph::{Build, Release};
use crate::generate::import::{Parameters, Reader, set};

/// An image as a container names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image<'a> {
    /// Without tag and digest.
    pub(super) name: &'a str,
    /// Its tag, where it has one.
    pub(super) tag: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Returns the parts of `text`, which may hold a tag and a digest.
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.split_once('@').map_or(text, |(name, _)| name);
        let slash = text.rfind('/').map_or(0, |at| at + 1);
        match text[slash..].find(':') {
            Some(at) => Self { name: &text[..slash + at], tag: Some(&text[slash + at + 1..]) },
            None => Self { name: text, tag: None },
        }
    }
}

impl Reader<'_> {
    /// Takes what all images of `apps` begin with for the registry, and leaves it out there.
    pub(super) fn registry(&mut self, parameters: &mut Parameters, apps: &mut Map<String, Value>) {
        let organisation = parameters.get("organisation").and_then(Value::as_str).unwrap_or_default();
        let middle = format!("/{organisation}/");
        let registry = |app: &Value| {
            let (registry, name) = app.get("image")?.as_str()?.split_once(&middle)?;
            (!name.contains('/')).then(|| registry.to_owned())
        };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for registry in apps.values().filter_map(registry) {
            *counts.entry(registry).or_default() += 1;
        }
        let Some((registry, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
            self.leave(None, "no image of an app tells the registry of the organisation: registry");
            return;
        };
        let beginning = format!("{registry}{middle}");
        for (name, app) in apps.iter_mut().filter_map(|(name, app)| Some((name, app.as_object_mut()?))) {
            let image = app.get("image").and_then(Value::as_str).and_then(|image| image.strip_prefix(&beginning));
            match image.map(str::to_owned) {
                Some(own) if own == *name => drop(app.remove("image")),
                Some(own) if !own.contains('/') => set(app, "image", own),
                _ => {}
            }
        }
        set(parameters, "registry", registry);
    }

    /// Reads the tags that production and staging begin with, and how they are made, of the first `releases` and `builds` that are
    /// of a known kind.
    pub(super) fn tags(&mut self, parameters: &mut Parameters, releases: &[&str], builds: &[&str]) {
        let mut scheme = Parameters::new();
        let release = releases.iter().find_map(|tag| Some((*tag, Release::of(tag)?)));
        let build = builds.iter().find_map(|tag| Some((*tag, Build::of(tag)?)));
        match release {
            Some((tag, kind)) => {
                set(&mut scheme, "release", json!(kind));
                set(parameters, "releaseTag", tag);
            }
            None => {
                self.leave(None, "no app of production runs a release (`v1.2.3`) whose tag could be taken: releaseTag");
            }
        }
        match build {
            Some((tag, kind)) => {
                set(&mut scheme, "build", json!(kind));
                set(parameters, "buildTag", tag);
            }
            None => {
                self.leave(
                    None,
                    "no app of staging runs a build (`main-0123abc-1`) whose tag could be taken: buildTag",
                );
            }
        }
        if !scheme.is_empty() {
            set(parameters, "tagScheme", Value::Object(scheme));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_name_and_perhaps_a_tag() {
        let parts = |text| {
            let Image { name, tag } = Image::of(text);
            (name, tag)
        };
        assert_eq!(parts("localhost:5000/web"), ("localhost:5000/web", None));
        assert_eq!(parts("ghcr.io/acme/web:v1.2.3@sha256:00"), ("ghcr.io/acme/web", Some("v1.2.3")));
    }
}
