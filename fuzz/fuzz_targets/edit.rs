//! An edit of one scalar changes that scalar and nothing else. The first line is the new value, the rest is the file.
#![no_main]

use gitops_gen::text::FileSet;
use gitops_gen::yaml::{self, Kind, Node};
use libfuzzer_sys::fuzz_target;

fn scalars<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    match &node.kind {
        Kind::Scalar(_) => found.push(node),
        Kind::Sequence(items) => items.iter().for_each(|item| scalars(item, found)),
        Kind::Map(map) => map.into_iter().for_each(|entry| scalars(&entry.value, found)),
    }
}

fuzz_target!(|input: &str| {
    let Some((new, text)) = input.split_once('\n') else { return };
    // Aliases and merge keys give one place several values.
    if text.contains(['*', '&', '<']) {
        return;
    }
    let files = FileSet::from_texts([("a.yaml", text)]);
    let Some((_, source)) = files.iter().next() else { return };
    let parsed = yaml::parse(source, text);
    if !parsed.diagnostics.is_empty() {
        return;
    }
    let mut before = Vec::new();
    parsed.documents.iter().for_each(|document| scalars(&document.root, &mut before));
    for (at, scalar) in before.iter().enumerate() {
        let Ok(edit) = yaml::replace_scalar(text, scalar, new) else { continue };
        let mut edited = text.to_owned();
        edited.replace_range(edit.span.range(), &edit.replacement);
        let again = yaml::parse(source, &edited);
        let mut after = Vec::new();
        again.documents.iter().for_each(|document| scalars(&document.root, &mut after));
        assert_eq!(after.len(), before.len(), "{text:?} became {edited:?}");
        for (index, (left, right)) in before.iter().zip(&after).enumerate() {
            let expected = if index == at { Some(new) } else { left.as_scalar().map(|scalar| scalar.text.as_str()) };
            assert_eq!(right.as_scalar().map(|scalar| scalar.text.as_str()), expected, "{text:?} became {edited:?}");
        }
    }
});
