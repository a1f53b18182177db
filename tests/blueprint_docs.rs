//! `docs/blueprints/` holds a page for each blueprint: what its README says, and the diagrams of what it makes by default.
//! `SNAPSHOTS=overwrite cargo test --test blueprint_docs` writes them anew.

use std::path::Path;
use std::{env, fs};

use gitops_gen::generate;
use gitops_gen::text::RepoPath;

/// Returns the code blocks in the language of Mermaid that `markdown` holds.
fn diagrams(markdown: &str) -> Vec<&str> {
    let blocks = markdown.split("```mermaid\n").skip(1);
    blocks.filter_map(|block| block.split_once("```").map(|(diagram, _)| diagram)).collect()
}

/// Returns the page on the blueprint `name`.
fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("blueprints").join(name).join("README.md"))
        .unwrap_or_else(|error| panic!("blueprint `{name}` has a README.md: {error}"));
    let blueprint = generate::builtin(name).expect("it is built in").expect("it is well-formed");
    let files = generate::generate(&blueprint, &blueprint.defaults()).expect("its defaults make a repository");
    let generated = files.text(&RepoPath::new("README.md").expect("a path")).expect("a README is generated");
    let [apps, clusters] = diagrams(generated)[..] else { panic!("`{name}` makes two diagrams:\n{generated}") };
    format!(
        "{}\n## What speaks to what\n\n```mermaid\n{apps}```\n\n## What runs where\n\n```mermaid\n{clusters}```\n",
        readme.trim_end().to_owned() + "\n"
    )
}

#[test]
fn each_blueprint_has_a_page_with_its_diagrams() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/blueprints");
    let names = generate::builtin_names();
    if env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::create_dir_all(&directory).unwrap();
        for name in &names {
            fs::write(directory.join(format!("{name}.md")), page(name)).unwrap();
        }
    }
    for name in &names {
        let kept = fs::read_to_string(directory.join(format!("{name}.md"))).unwrap_or_default();
        assert_eq!(kept, page(name), "docs/blueprints/{name}.md: run with SNAPSHOTS=overwrite, then read it");
    }
    let pages = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = pages.collect();
    pages.sort();
    assert_eq!(
        pages,
        names.iter().map(|name| format!("{name}.md")).collect::<Vec<_>>(),
        "a page for each, and no other"
    );
}
