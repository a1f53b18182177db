//! The recorded cases of kustomize's filters, run through the functions of this module and of the patches.

mod inputs;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use serde_json::Value;
use smol_str::SmolStr;

use crate::kube::Gvk;
use crate::kustomize::context::{Accumulator, Context};
use crate::kustomize::json_patch;
use crate::kustomize::known_misses::conclude;
use crate::kustomize::merge::{Direction, Merger};
use crate::kustomize::openapi::OpenApi;
use crate::kustomize::transform::field_spec::FieldSpec;
use crate::kustomize::transform::names::{self, End};
use crate::kustomize::transform::namespace::{self, Options};
use crate::kustomize::transform::{generators, images, pairs, replacements, replicas, value_add};
use crate::kustomize::{Id, Mode, Resource};
use crate::repo::Repo;
use crate::text::{FileSet, RepoPath, SourceId};
use crate::yaml::{self, Dialect, Kind, Node};

fn documents(source: SourceId, text: &str) -> Vec<Node> {
    yaml::parse(source, text).documents.into_iter().map(|document| document.root).collect()
}

/// Returns the earlier ids that kustomize keeps in annotations.
fn recorded_history(root: &Node) -> Vec<Id> {
    let list = |what: &str| {
        let key = format!("internal.config.kubernetes.io/previous{what}");
        let text = root.at(&["metadata", "annotations", &key]).and_then(Node::as_str).unwrap_or_default();
        text.split(',').filter(|part| !part.is_empty()).map(SmolStr::new).collect::<Vec<_>>()
    };
    let version = root.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let ids = list("Names").into_iter().zip(list("Namespaces")).zip(list("Kinds"));
    ids.map(|((name, namespace), kind)| Id { gvk: Gvk::new(version, &kind), namespace, name }).collect()
}

/// Returns what the filter makes of `input`, or the first thing that it refuses.
fn run(filter: &str, config: &str, lacking: Option<&Node>, input: &str) -> Result<Vec<String>, String> {
    let files = FileSet::from_texts([("config.json", config), ("input.yaml", input)]);
    let id = |path: &str| files.id(&RepoPath::new(path).unwrap()).unwrap();
    let recorded = documents(id("config.json"), config).into_iter().next();
    let config = match (recorded, lacking) {
        (recorded, Some(input)) => inputs::completed(recorded.as_ref().unwrap_or(input), input),
        (Some(recorded), None) => recorded,
        (None, None) => {
            panic!("the configuration of this {filter} is neither recorded nor in filter-inputs.yaml:{input}")
        }
    };
    let read = |root: Node| {
        let span = root.span;
        let history = recorded_history(&root);
        let mut resource = Resource::new(root, span);
        resource.history = history;
        resource
    };
    let mut resources: Vec<_> = documents(id("input.yaml"), input).into_iter().map(read).collect();
    let repo = Repo::new(files.clone());
    let mut context = Context::new(&repo, repo.files(), Mode::Kustomize);
    let one = config.get("fieldSpec").map(FieldSpec::from_node);
    let several = ["fieldSpecs", "FsSlice"].iter().flat_map(|key| config.items(key)).map(FieldSpec::from_node);
    let specs: Vec<_> = one.into_iter().chain(several).collect();
    let specs: Vec<_> = specs.iter().collect();
    let field = |key: &str| config.get(key).expect("recorded");
    match filter {
        "annotations.Filter" => {
            pairs::set_on_all(&mut context, &mut resources, field("Annotations"), &specs, "commonAnnotations");
        }
        "labels.Filter" => pairs::set_on_all(&mut context, &mut resources, field("Labels"), &specs, "labels"),
        "iampolicygenerator.Filter" => {
            let mut to = Accumulator::default();
            generators::run_iam_policy(&mut context, &mut to, field("IAMPolicyGenerator"));
            resources = to.resources;
        }
        "imagetag.Filter" => images::apply_to_fields(&mut context, &mut resources, field("imageTag"), &specs),
        "imagetag.LegacyFilter" => images::apply_to_containers(&mut context, &mut resources, field("imageTag")),
        "namespace.Filter" => {
            let namespace = field("Namespace");
            namespace::set_on_all(&mut context, &mut resources, namespace, &specs, Options::of(&config).unwrap());
        }
        "prefix.Filter" => names::apply(&mut context, &mut resources, field("prefix"), &specs, End::Prefix),
        "suffix.Filter" => names::apply(&mut context, &mut resources, field("suffix"), &specs, End::Suffix),
        "patchjson6902.Filter" => {
            let text = field("Patch").as_str().unwrap_or_default();
            let Some(patch) = documents(id("config.json"), text).into_iter().next() else {
                return Err("the patch cannot be read".to_owned());
            };
            let operations = json_patch::read(&patch).map_err(|error| error.message)?;
            for resource in &mut resources {
                json_patch::apply(&mut resource.node, &operations, patch.span).map_err(|error| error.message)?;
            }
        }
        "patchstrategicmerge.Filter" => {
            let patch = field("Patch");
            let openapi = OpenApi::default();
            let merger = Merger { patch: patch.span, direction: Direction::Prepend, openapi: &openapi };
            let outputs = resources.iter().map(|resource| merger.merge(&resource.node, patch));
            let outputs = outputs.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
            return Ok(outputs.iter().flatten().map(shape).collect());
        }
        "valueadd.Filter" => {
            let path = field("FieldPath").as_str().unwrap_or_default();
            let position = config.get("filePathPosition").and_then(|node| node.as_str()?.parse().ok()).unwrap_or(0);
            value_add::add(&mut context, &mut resources, field("Value"), path, position);
        }
        "replicacount.Filter" => replicas::apply(&mut context, &mut resources, field("replica"), &specs),
        "nameref.Filter" => inputs::follow_names(&mut context, &mut resources, &config),
        "refvar.Filter" => inputs::replace_variables(&mut context, &mut resources, &config, &specs),
        "replacement.Filter" => {
            replacements::apply(&mut context, &mut resources, config.items("replacements"), &RepoPath::root());
        }
        _ => panic!("no function stands for {filter}"),
    }
    if let Some(problem) = context.diagnostics.first() {
        return Err(problem.message.clone());
    }
    Ok(resources.iter().map(|resource| shape(&resource.node)).collect())
}

/// Returns what a document means, whatever the order of its keys: filters also print what a build refuses.
fn shape(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) => {
            format!("{:?} {:?} {}", scalar.typed(Dialect::KustomizeV3), scalar.text, scalar.contradicts_its_tag())
        }
        Kind::Sequence(items) => format!("{:?}", items.iter().map(shape).collect::<Vec<_>>()),
        Kind::Map(map) => {
            let entries = map.iter().map(|entry| (entry.key.text(), shape(&entry.value)));
            format!("{:?}", entries.collect::<BTreeMap<_, _>>())
        }
    }
}

#[test]
fn filters_do_what_kustomize_recorded() {
    let folder = env::var("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|_| "../shared/conformance".into());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("kustomize/unit/filters.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: no recorded cases at {}", path.display());
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let lacking = inputs::read();
    let mut misses = BTreeMap::new();
    for (at, case) in cases.iter().enumerate() {
        let text = |key: &str| case[key].as_str().unwrap();
        // An empty output is a refusal.
        let wanted = (!text("output").is_empty()).then(|| {
            let files = FileSet::from_texts([("output.yaml", text("output"))]);
            let (_, id) = files.iter().next().unwrap();
            documents(id, text("output")).iter().map(shape).collect::<Vec<_>>()
        });
        let runs = match lacking.get(&at) {
            Some(inputs) => inputs.iter().map(Some).collect(),
            None => vec![None],
        };
        for lacking in runs {
            let found = run(text("filter"), &case["config"].to_string(), lacking, text("input"));
            if found.as_ref().ok() != wanted.as_ref() {
                let (filter, config, input) = (text("filter"), &case["config"], text("input"));
                let seen = format!("--- found\n{found:?}\n--- wanted\n{wanted:?}");
                misses.insert(at.to_string(), format!("{filter}\n{config}\n--- in{input}\n{seen}"));
            }
        }
    }
    conclude("filters", cases.len(), &misses);
}
