//! The kustomization file that a build begins with: read or generated, with a Flux Kustomization folded in.
//!
//! Source: `fluxcd/pkg/kustomize`, `Generator`.

use crate::kustomize::context::Context;
use crate::kustomize::file::{KustomizationFile, Strictness};
use crate::kustomize::{MissingComponents, Mode, Overlay, load};
use crate::text::RepoPath;
use crate::yaml::Node;

/// Returns the top-level file of `dir`; nothing where there is nothing to build.
pub(crate) fn file(context: &mut Context<'_>, dir: &RepoPath, overlay: Option<&Overlay>) -> Option<KustomizationFile> {
    let mut file = if context.mode == Mode::Flux && !load::has_kustomization_file(&context.files, dir) {
        generated(context, dir, overlay)?
    } else {
        let strictness = if overlay.is_some() { Strictness::Loose } else { Strictness::Strict };
        load::kustomization_file(context, dir, None, strictness)?
    };
    if let Some(overlay) = overlay {
        fold(context, &mut file, overlay);
    }
    Some(file)
}

fn generated(context: &mut Context<'_>, dir: &RepoPath, overlay: Option<&Overlay>) -> Option<KustomizationFile> {
    let entries = load::generated(&context.files, dir);
    // An empty directory with components still builds these.
    let first = entries.first().or_else(|| overlay.and_then(|overlay| overlay.components.first()))?;
    let span = first.span;
    let path = dir.join("kustomization.yaml").ok()?;
    Some(KustomizationFile::of_resources(&path, entries, span))
}

/// Folds what a Flux Kustomization says into `file`.
fn fold(context: &Context<'_>, file: &mut KustomizationFile, overlay: &Overlay) {
    if file.resources.is_empty() && file.build_metadata.is_empty() {
        // Flux asks for something so that kustomize does not call the file empty.
        file.build_metadata.push(Node::string("originAnnotations", file.span));
    }
    let replace = |field: &mut Option<Node>, value: &Option<Node>| {
        if let Some(value) = value.as_ref().filter(|value| value.as_str().is_some_and(|text| !text.is_empty())) {
            *field = Some(value.clone());
        }
    };
    replace(&mut file.namespace, &overlay.namespace);
    replace(&mut file.name_prefix, &overlay.name_prefix);
    replace(&mut file.name_suffix, &overlay.name_suffix);
    file.patches.extend(overlay.patches.iter().cloned());
    for component in &overlay.components {
        let exists = || {
            let path = file.dir.join(component.as_str().unwrap_or_default());
            path.is_ok_and(|path| context.files.is_dir(&path))
        };
        if overlay.missing_components == MissingComponents::Fail || exists() {
            file.components.push(component.clone());
        }
    }
    for image in &overlay.images {
        fold_image(&mut file.images, image);
    }
}

/// Merges `image` into the entry of the same name: a new tag or digest takes the place of both.
fn fold_image(images: &mut Vec<Node>, image: &Node) {
    let name = |image: &Node| image.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
    let Some(old) = images.iter_mut().find(|old| name(old) == name(image)) else {
        images.push(image.clone());
        return;
    };
    let Some(old) = old.as_map_mut() else { return };
    if image.get("newTag").is_some() || image.get("digest").is_some() {
        old.remove("newTag");
        old.remove("digest");
    }
    for field in ["newName", "newTag", "digest"] {
        if let Some(value) = image.get(field) {
            old.set(field, value.clone());
        }
    }
}
