//! Any text is read without a panic, every place is in the text, and what is printed is read as the same again.
#![no_main]

use gitops_gen::text::FileSet;
use gitops_gen::yaml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let Some((_, source)) = files.iter().next() else { return };
    let parsed = yaml::parse(source, text);
    for finding in &parsed.diagnostics {
        for label in &finding.labels {
            assert!(files.sources().slice(label.span).is_some(), "{}: {:?}", finding.message, label.span);
        }
    }
    // libyaml breaks lines at these too, the reader does so in quoted text alone: what is printed with them may be read
    // otherwise. An escape such as `\P` makes one as well.
    const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];
    if text.contains(BREAKS) {
        return;
    }
    // kustomize prints mappings alone; libyaml prints some block scalars at the root so that it cannot read them.
    for document in parsed.documents.iter().filter(|document| document.root.as_map().is_some()) {
        let Some(printed) = yaml::emit(&document.root).ok().filter(|printed| !printed.contains(BREAKS)) else {
            continue;
        };
        let again = yaml::parse(source, &printed);
        assert!(again.diagnostics.is_empty(), "printed text is not read: {printed:?}: {:?}", again.diagnostics);
        let root = again.documents.first().map(|document| yaml::emit(&document.root));
        // An empty document is no document.
        if let Some(root) = root {
            assert_eq!(root.ok().as_deref(), Some(printed.as_str()), "printed twice it is not the same");
        }
    }
});
