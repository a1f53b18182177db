//! What a build says beside its output: where values come from, what is outside, what is wrong.

use gitops_gen::kustomize::{Build, MissingComponents, Mode, Overlay, Resource, build};
use gitops_gen::repo::Repo;
use gitops_gen::text::{FileSet, RepoPath, Span};
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
      - name: app
        image: web:1
";

fn repo(files: &[(&str, &str)]) -> Repo {
    Repo::new(FileSet::from_texts(files.iter().copied()))
}

fn built(repo: &Repo, dir: &str, overlay: Option<&Overlay>) -> Build {
    build(repo, repo.files(), &RepoPath::new(dir).expect("a path"), Mode::Flux, overlay)
}

/// Returns `file: text` of the place.
fn place(repo: &Repo, span: Span) -> String {
    let sources = repo.sources();
    format!("{}: {}", sources.path(span).expect("a file"), sources.slice(span).expect("a text"))
}

fn first<'b>(build: &'b Build, keys: &[&str]) -> &'b Node {
    build.resources[0].node.at(keys).expect("a value")
}

#[test]
fn a_patched_value_points_into_the_patch_and_remembers_the_old_place() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 3\n";
    let kustomization = "resources: [web.yaml]\npatches:\n- path: patch.yaml\n";
    let repo = repo(&[("kustomization.yaml", kustomization), ("web.yaml", DEPLOYMENT), ("patch.yaml", patch)]);
    let build = built(&repo, "", None);
    assert!(build.is_clean(), "{:?}", build.diagnostics);
    let replicas = first(&build, &["spec", "replicas"]);
    assert_eq!(place(&repo, replicas.span), "patch.yaml: 3");
    let chain = replicas.chain.as_ref().unwrap();
    assert_eq!(chain.step, Step::Patch);
    assert_eq!(place(&repo, chain.before.unwrap()), "web.yaml: 1");
    assert_eq!(place(&repo, first(&build, &["metadata", "name"]).span), "web.yaml: web");
}

#[test]
fn a_value_of_an_inline_patch_points_at_its_line_in_the_kustomization_file() {
    let kustomization = "\
resources: [web.yaml]
patches:
- target: {kind: Deployment}
  patch: |
    - op: replace
      path: /spec/replicas
      value: 5
";
    let repo = repo(&[("kustomization.yaml", kustomization), ("web.yaml", DEPLOYMENT)]);
    let build = built(&repo, "", None);
    assert_eq!(place(&repo, first(&build, &["spec", "replicas"]).span), "kustomization.yaml: 5");
}

#[test]
fn a_flux_kustomization_is_folded_into_the_top_level_file() {
    let flux = "namespace: shop\npatch: |\n  - op: add\n    path: /spec/paused\n    value: true\ntag: '2'\n";
    let repo = repo(&[
        (
            "apps/kustomization.yaml",
            "resources: [web.yaml]\nnamespace: other\nimages:\n- name: web\n  digest: sha256:0\n",
        ),
        ("apps/web.yaml", DEPLOYMENT),
        ("flux.yaml", flux),
    ]);
    let id = repo.files().id(&RepoPath::new("flux.yaml").unwrap()).unwrap();
    let spec = &repo.yaml(id).unwrap().documents[0].root;
    let mapping = |entries: &[(&str, Node)]| {
        let mut node = Node::empty_map(spec.span);
        for (key, value) in entries {
            node.as_map_mut().unwrap().set(key, value.clone());
        }
        node
    };
    let target = mapping(&[("kind", Node::string("Deployment", spec.span))]);
    let overlay = Overlay {
        namespace: spec.get("namespace").cloned(),
        patches: vec![mapping(&[("patch", spec.get("patch").unwrap().clone()), ("target", target)])],
        images: vec![mapping(&[
            ("name", Node::string("web", spec.span)),
            ("newTag", spec.get("tag").unwrap().clone()),
        ])],
        ..Overlay::default()
    };
    let build = built(&repo, "apps", Some(&overlay));
    assert!(build.is_clean(), "{:?}", build.diagnostics);
    assert_eq!(place(&repo, first(&build, &["metadata", "namespace"]).span), "flux.yaml: shop");
    assert_eq!(place(&repo, first(&build, &["spec", "paused"]).span), "flux.yaml: true");
    let containers = first(&build, &["spec", "template", "spec", "containers"]).as_sequence().unwrap();
    assert_eq!(containers[0].get("image").unwrap().as_str(), Some("web:2"));
}

#[test]
fn a_directory_without_a_file_gets_one_that_closes_directories_with_their_own() {
    let config = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    let (first, second, third) = (config("first"), config("second"), config("third"));
    let repo = repo(&[
        ("apps/a/deep/one.yaml", &first),
        ("apps/b/kustomization.yaml", "resources: [two.yaml]\n"),
        ("apps/b/two.yaml", &second),
        ("apps/b/unlisted.yaml", &third),
        ("apps/b/sub/kustomization.yaml", "resources: [../two.yaml]\n"),
        ("apps/readme.md", "text"),
    ]);
    let build = built(&repo, "apps", None);
    let names: Vec<_> = build.resources.iter().map(Resource::name).collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn a_file_that_is_no_object_breaks_a_generated_kustomization() {
    let repo = repo(&[("apps/values.yaml", "replicas: 1\n"), ("apps/web.yaml", DEPLOYMENT)]);
    let build = built(&repo, "apps", None);
    assert_eq!(build.diagnostics[0].message, "an object has no `kind`");
    assert_eq!(build.resources.len(), 1);
}

#[test]
fn what_is_not_in_the_repository_is_named() {
    let kustomization = "\
resources:
- https://example.com/install.yaml
- github.com/example/repo//deploy?ref=v1
helmCharts:
- name: redis
";
    let repo = repo(&[("kustomization.yaml", kustomization)]);
    let build = built(&repo, "", None);
    let outside: Vec<_> = build.outside.iter().map(|outside| (outside.what, outside.reference.as_str())).collect();
    assert_eq!(
        outside,
        [
            ("remote base", "https://example.com/install.yaml"),
            ("remote base", "github.com/example/repo//deploy?ref=v1"),
            ("Helm chart", "redis"),
        ]
    );
}

#[test]
fn a_target_that_selects_nothing_is_told_with_its_candidates() {
    let kustomization = "\
resources: [web.yaml]
patches:
- target: {kind: Deployment, name: wep}
  patch: '[{\"op\": \"remove\", \"path\": \"/spec/replicas\"}]'
";
    let repo = repo(&[("kustomization.yaml", kustomization), ("web.yaml", DEPLOYMENT)]);
    let build = built(&repo, "", None);
    assert!(build.is_clean());
    assert_eq!(build.unmatched[0].wanted, "Deployment wep");
    assert_eq!(build.unmatched[0].candidates[0].to_string(), "Deployment web");
}

#[test]
fn unknown_fields_are_errors_except_in_the_file_that_flux_reads() {
    let repo = repo(&[("kustomization.yaml", "resources: [web.yaml]\nressources: []\n"), ("web.yaml", DEPLOYMENT)]);
    assert!(!built(&repo, "", None).is_clean());
    let folded = built(&repo, "", Some(&Overlay::default()));
    assert!(folded.is_clean());
    assert_eq!(folded.diagnostics[0].message, "unknown field `ressources`");
}

#[test]
fn a_missing_component_fails_unless_it_may_be_missing() {
    let repo = repo(&[("kustomization.yaml", "resources: [web.yaml]\n"), ("web.yaml", DEPLOYMENT)]);
    let id = repo.files().id(&RepoPath::new("web.yaml").unwrap()).unwrap();
    let components =
        vec![Node::string("../nowhere", Span::new(id, 0..0)), Node::string("nowhere", Span::new(id, 0..0))];
    let mut overlay = Overlay { components, missing_components: MissingComponents::Ignore, ..Overlay::default() };
    assert!(built(&repo, "", Some(&overlay)).is_clean());
    overlay.missing_components = MissingComponents::Fail;
    assert!(!built(&repo, "", Some(&overlay)).is_clean());
}

#[test]
fn a_cycle_is_an_error_and_ends() {
    let repo =
        repo(&[("a/kustomization.yaml", "resources: [../b]\n"), ("b/kustomization.yaml", "resources: [../a]\n")]);
    assert_eq!(built(&repo, "a", None).diagnostics[0].rule, "kustomization-cycle");
}

const WEB: &str = "\
apiVersion: example.com/v1
kind: Web
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: app
        image: web:1
";

const WEB_SCHEMA: &str = "\
definitions:
  Web:
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Web}]
    properties:
      spec:
        properties:
          template: {$ref: '#/definitions/io.k8s.api.core.v1.PodTemplateSpec'}
";

const WEB_PATCH: &str = "\
resources: [web.yaml]
openapi: {path: schema.yaml}
patches:
- target: {name: web}
  patch: |
    apiVersion: example.com/v1
    kind: Web
    metadata:
      name: web
    spec:
      template:
        spec:
          containers:
          - name: app
            args: [serve]
";

#[test]
fn a_schema_of_the_kustomization_adds_to_the_built_in_one_in_flux_and_replaces_it_in_kustomize() {
    let files = [("kustomization.yaml", WEB_PATCH), ("schema.yaml", WEB_SCHEMA), ("web.yaml", WEB)];
    let repo = repo(&files);
    let image = |mode| {
        let build = build(&repo, repo.files(), &RepoPath::new("").expect("a path"), mode, None);
        assert!(build.is_clean() && build.outside.is_empty());
        let containers = build.resources[0].node.at(&["spec", "template", "spec"]).expect("a spec").items("containers");
        containers[0].get("image").and_then(Node::as_str).map(str::to_owned)
    };
    assert_eq!(image(Mode::Flux).as_deref(), Some("web:1"));
    assert_eq!(image(Mode::Kustomize), None);
}

#[test]
fn a_mistake_in_a_schema_is_shown_where_it_stands() {
    let schema = "definitions:\n  Web: [1]\n";
    let repo = repo(&[("kustomization.yaml", WEB_PATCH), ("schema.yaml", schema), ("web.yaml", WEB)]);
    let build = built(&repo, "", None);
    let span = build.diagnostics[0].span().expect("a place");
    assert_eq!(
        (build.diagnostics[0].rule, place(&repo, span)),
        ("kustomization-invalid", "schema.yaml: [1]".to_owned())
    );
}
