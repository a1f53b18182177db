//! Rendered fields know where they came from: the field of a kustomization file that changed them, the file or literal
//! that generated data was read from.

use gitops_gen::kustomize::{Build, Mode, build};
use gitops_gen::repo::Repo;
use gitops_gen::text::{FileSet, RepoPath};
use gitops_gen::yaml::{Node, Step};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: web
          image: nginx:1.25
          envFrom:
            - configMapRef:
                name: settings
";

struct Rendered {
    repo: Repo,
    build: Build,
}

impl Rendered {
    /// Renders a Deployment with `kustomization` and some more files.
    fn of(kustomization: &str, more: &[(&str, &str)]) -> Self {
        let files = [("kustomization.yaml", kustomization), ("web.yaml", DEPLOYMENT)];
        let repo = Repo::new(FileSet::from_texts(files.into_iter().chain(more.iter().copied())));
        let build = build(&repo, repo.files(), &RepoPath::root(), Mode::Flux, None);
        assert_eq!(build.diagnostics, []);
        Self { repo, build }
    }

    /// Returns the value at `path` of the object of `kind`; a number is a position in a list.
    fn field(&self, kind: &str, path: &str) -> &Node {
        let resource = self.build.resources.iter().find(|resource| resource.kind() == kind).expect("rendered");
        path.split('/').fold(&resource.node, |node, part| match part.parse::<usize>() {
            Ok(position) => &node.as_sequence().expect("a list")[position],
            Err(_) => node.get(part).expect("a key"),
        })
    }

    /// Returns the file and the text that the value at `path` points at.
    fn origin(&self, kind: &str, path: &str) -> (&str, &str) {
        let span = self.field(kind, path).span;
        let sources = self.repo.sources();
        (sources.path(span).expect("a file").as_str(), sources.slice(span).expect("text"))
    }

    /// Returns the newest step that made the value at `path`.
    fn step(&self, kind: &str, path: &str) -> &Step {
        &self.field(kind, path).chain.as_ref().expect("changed").step
    }
}

#[test]
fn a_new_tag_points_at_the_kustomization_file_and_remembers_the_manifest() {
    let rendered = Rendered::of("resources: [web.yaml]\nimages:\n  - name: nginx\n    newTag: 1.27-alpine\n", &[]);
    let path = "spec/template/spec/containers/0/image";
    assert_eq!(rendered.field("Deployment", path).as_str(), Some("nginx:1.27-alpine"));
    assert_eq!(rendered.origin("Deployment", path), ("kustomization.yaml", "1.27-alpine"));
    let chain = rendered.field("Deployment", path).chain.as_ref().expect("changed");
    assert_eq!(chain.step, Step::Transformer("images"));
    let before = chain.before.expect("it stood somewhere");
    assert_eq!(rendered.repo.sources().slice(before), Some("nginx:1.25"));
}

#[test]
fn annotations_that_a_json_patch_adds_stood_nowhere_before() {
    let operation = r#"[{"op": "add", "path": "/metadata/annotations", "value": {"team": "payments"}}]"#;
    let kustomization = format!("resources: [web.yaml]\npatches: [{{target: {{name: .*}}, patch: '{operation}'}}]\n");
    let rendered = Rendered::of(&kustomization, &[]);
    assert_eq!(rendered.origin("Deployment", "metadata/annotations/team"), ("kustomization.yaml", "\"payments\""));
    let chain = rendered.field("Deployment", "metadata/annotations").chain.as_ref().expect("changed");
    assert_eq!((&chain.step, chain.before, &chain.earlier), (&Step::Patch, None, &None));
}

#[test]
fn a_namespace_and_a_label_point_at_their_values_in_the_kustomization_file() {
    let kustomization = "resources: [web.yaml]\nnamespace: shop\nlabels:\n  - pairs:\n      team: payments\n";
    let rendered = Rendered::of(kustomization, &[]);
    assert_eq!(rendered.origin("Deployment", "metadata/namespace"), ("kustomization.yaml", "shop"));
    assert_eq!(rendered.origin("Deployment", "metadata/labels/team"), ("kustomization.yaml", "payments"));
    assert_eq!(rendered.step("Deployment", "metadata/namespace"), &Step::Transformer("namespace"));
}

#[test]
fn a_prefixed_name_stays_in_its_manifest_and_its_chain_names_the_prefix() {
    let rendered = Rendered::of("resources: [web.yaml]\nnamePrefix: eu-\n", &[]);
    assert_eq!(rendered.field("Deployment", "metadata/name").as_str(), Some("eu-web"));
    assert_eq!(rendered.origin("Deployment", "metadata/name"), ("web.yaml", "web"));
    let chain = rendered.field("Deployment", "metadata/name").chain.as_ref().expect("changed");
    assert_eq!(chain.step, Step::Transformer("namePrefix"));
    assert_eq!(chain.by.and_then(|span| rendered.repo.sources().slice(span)), Some("eu-"));
}

#[test]
fn generated_data_points_at_the_file_the_line_or_the_literal() {
    let kustomization = "\
resources: [web.yaml]
configMapGenerator:
  - name: settings
    files: [app.properties]
    envs: [app.env]
    literals: [LEVEL=debug]
";
    let more = [("app.properties", "colour=blue\n"), ("app.env", "# none\nSIZE=3\n")];
    let rendered = Rendered::of(kustomization, &more);
    assert_eq!(rendered.origin("ConfigMap", "data/app.properties"), ("app.properties", "colour=blue\n"));
    assert_eq!(rendered.origin("ConfigMap", "data/SIZE"), ("app.env", "SIZE=3"));
    assert_eq!(rendered.origin("ConfigMap", "data/LEVEL"), ("kustomization.yaml", "LEVEL=debug"));
}

#[test]
fn a_reference_to_a_hashed_name_stays_where_it_is_written() {
    let kustomization = "resources: [web.yaml]\nconfigMapGenerator:\n  - name: settings\n    literals: [a=b]\n";
    let rendered = Rendered::of(kustomization, &[]);
    let path = "spec/template/spec/containers/0/envFrom/0/configMapRef/name";
    let name = rendered.field("ConfigMap", "metadata/name").as_str().map(str::to_owned);
    assert_eq!(rendered.field("Deployment", path).as_str().map(str::to_owned), name);
    assert!(name.is_some_and(|name| name.starts_with("settings-")));
    assert_eq!(rendered.origin("Deployment", path), ("web.yaml", "settings"));
    assert_eq!(rendered.step("Deployment", path), &Step::NameReference);
}

#[test]
fn a_replaced_value_points_at_its_source() {
    let kustomization = "\
resources: [web.yaml, version.yaml]
replacements:
  - source: {kind: ConfigMap, name: version, fieldPath: data.replicas}
    targets:
      - select: {kind: Deployment}
        fieldPaths: [spec.replicas]
";
    let version = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: version}\ndata: {replicas: \"3\"}\n";
    let rendered = Rendered::of(kustomization, &[("version.yaml", version)]);
    assert_eq!(rendered.field("Deployment", "spec/replicas").as_str(), Some("3"));
    assert_eq!(rendered.origin("Deployment", "spec/replicas"), ("version.yaml", "\"3\""));
    assert_eq!(rendered.step("Deployment", "spec/replicas"), &Step::Transformer("replacements"));
}
