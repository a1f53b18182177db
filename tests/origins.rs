//! Origins survive everything: of each scalar that public repositories render, the place that it points at says it, or
//! its chain names what made it.

#![expect(clippy::print_stdout, reason = "what was skipped and how much was seen is for people")]

use std::path::{Path, PathBuf};

use gitops_gen::kustomize::{self, Mode};
use gitops_gen::repo::Repo;
use gitops_gen::text::{RepoPath, Sources, read_tree};
use gitops_gen::yaml::{self, Kind, Node, Scalar};

/// Where something is wrong, and what.
struct Walk<'a> {
    sources: &'a Sources,
    scalars: usize,
    made: usize,
    wrong: Vec<String>,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, path: &str) {
        match &node.kind {
            Kind::Map(map) => {
                for entry in map {
                    self.node(&entry.value, &format!("{path}/{}", entry.key.text()));
                }
            }
            Kind::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(item, &format!("{path}/{index}"));
                }
            }
            Kind::Scalar(scalar) => self.scalar(node, scalar, path),
        }
    }

    fn scalar(&mut self, node: &Node, scalar: &Scalar, path: &str) {
        self.scalars += 1;
        let Some(written) = self.sources.slice(node.span) else {
            self.wrong.push(format!("{path}: its place is in no file"));
            return;
        };
        if says(node, written, scalar) {
            return;
        }
        if node.chain.is_some() {
            self.made += 1;
        } else {
            self.wrong.push(format!("{path}: `{}` points at `{written}`", scalar.text));
        }
    }
}

/// Returns whether `written` is read as the text of `scalar`.
fn says(node: &Node, written: &str, scalar: &Scalar) -> bool {
    let read = yaml::parse(node.span.source, written);
    let root = read.documents.first().and_then(|document| document.root.as_scalar());
    // The place of a block begins at its content: the words are there, indented and wrapped otherwise.
    let is_block = written.contains('\n') && scalar.text.split_whitespace().eq(written.split_whitespace());
    is_block || written == scalar.text || root.map_or("", |root| root.text.as_str()) == scalar.text
}

#[test]
fn every_scalar_of_the_corpus_points_at_its_text_or_names_what_made_it() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let conformance =
        std::env::var_os("GITOPS_GEN_CONFORMANCE").map_or_else(|| package.join("../shared/conformance"), PathBuf::from);
    let corpus = conformance.join("../corpus");
    let Ok(index) = std::fs::read_to_string(corpus.join("index.json")) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let index: serde_json::Value = serde_json::from_str(&index).expect("the index is JSON");
    let (mut scalars, mut made) = (0, 0);
    for case in index.as_array().expect("the index is a list") {
        let field = |name: &str| case[name].as_str().expect("a case has texts");
        let repo = Repo::new(read_tree(&corpus.join(field("repo"))).expect("a repository can be read").files);
        let directory = RepoPath::new(field("path")).expect("a path inside the repository");
        let build = kustomize::build(&repo, repo.files(), &directory, Mode::Flux, None);
        let mut walk = Walk { sources: repo.sources(), scalars: 0, made: 0, wrong: Vec::new() };
        for resource in &build.resources {
            walk.node(&resource.node, &format!("{} {}", field("path"), resource.object_ref()));
        }
        assert!(walk.wrong.is_empty(), "{}", walk.wrong.join("\n"));
        scalars += walk.scalars;
        made += walk.made;
    }
    println!("{scalars} scalars, {made} of them made by a transformer");
    assert!(made * 10 < scalars, "most values are what a file says");
}
