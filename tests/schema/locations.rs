//! Schemas from outside the repository: where they are found, in which order they are asked, and what cannot be used.

use std::path::Path;
use std::process::{Command, Output};

use gitops_gen::repo::Repo;
use gitops_gen::schema::{self, Catalogue, ImportError, Layout, Origin, Outcome, SchemaLocation};
use gitops_gen::text::{self, FileSet};

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer}, port: {x-kubernetes-int-or-string: true}}
            x-kubernetes-validations:
            - {rule: self.size < 10, message: too large}
";
/// As openapi2jsonschema writes them: not strict, without definitions.
const JSON: &str =
    r#"{"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}"#;
const WIDGET: &str = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: two}\n";

fn location(layout: Layout, files: &[(&str, &str)]) -> SchemaLocation {
    SchemaLocation::new("schemas", &FileSet::from_texts(files.iter().copied()), layout).expect("schemas")
}

/// Returns whose schema was used for the last file of `files`, and what it said.
fn check(files: &[(&str, &str)], locations: Vec<SchemaLocation>) -> (Option<Origin>, Vec<String>) {
    let repo = Repo::new(FileSet::from_texts(files.iter().copied()));
    let (_, id) = repo.files().iter().last().expect("there is a file");
    let catalogue = Catalogue::of(&repo).with_locations(locations);
    match catalogue.check(&repo.yaml(id).expect("it is text").documents[0].root) {
        Outcome::Checked(checked) => {
            (Some(checked.origin), checked.violations.into_iter().map(|violation| violation.message).collect())
        }
        Outcome::BrokenSchema { origin, reason } => (Some(origin), vec![reason]),
        Outcome::NoSchema(_) => (None, Vec::new()),
    }
}

fn file(path: &str) -> Origin {
    Origin::File(path.into())
}

const WRONG: &str = "`spec.size`: expected an integer, found text \"two\"";

#[test]
fn each_layout_of_the_field_is_searched() {
    let cases = [
        ("example.com/widget_v1.json", JSON),
        ("master-standalone-strict/widget-example-v1.json", JSON),
        ("crds/all.yaml", CRD),
    ];
    for (path, content) in cases {
        let found = check(&[("a.yaml", WIDGET)], vec![location(Layout::Known, &[(path, content)])]);
        assert_eq!(found, (Some(file(&format!("schemas/{path}"))), vec![WRONG.to_owned()]));
    }
    let template = Layout::Template("{{.ResourceAPIVersion}}/{{.Group}}/{{.ResourceKind}}.json".to_owned());
    let found = check(&[("a.yaml", WIDGET)], vec![location(template, &[("v1/example.com/widget.json", JSON)])]);
    assert_eq!(found.1, [WRONG]);
}

#[test]
fn a_schema_that_is_not_strict_refuses_unknown_fields_all_the_same() {
    let widget = WIDGET.replace("size: two", "sise: 2");
    let found = check(&[("a.yaml", &widget)], vec![location(Layout::Known, &[("example.com/widget_v1.json", JSON)])]);
    assert_eq!(found.1, ["unknown field `spec.sise`"]);
}

#[test]
fn crds_of_the_repository_come_first_then_locations_in_order_then_what_is_embedded() {
    let other = || location(Layout::Known, &[("example.com/widget_v1.json", "{}")]);
    let ours = || location(Layout::Known, &[("example.com/widget_v1.json", JSON)]);
    let (origin, _) = check(&[("a-crd.yaml", CRD), ("b.yaml", WIDGET)], vec![ours()]);
    assert!(matches!(origin, Some(Origin::Crd(_))), "{origin:?}");
    assert_eq!(check(&[("a.yaml", WIDGET)], vec![ours(), other()]).1, [WRONG]);
    assert_eq!(check(&[("a.yaml", WIDGET)], vec![other(), ours()]).1, [""; 0]);

    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n";
    let open = location(Layout::Known, &[("configmap-v1.json", r#"{"properties": {"data": {"type": "object"}}}"#)]);
    assert_eq!(check(&[("a.yaml", map)], vec![open]), (Some(file("schemas/configmap-v1.json")), vec![]));
    assert_eq!(check(&[("a.yaml", map)], Vec::new()).1.len(), 1);
}

#[test]
fn imported_schemas_say_what_the_crds_say_rules_included() {
    let imported = schema::import(&FileSet::from_texts([("crds/widget.yaml", CRD)])).expect("a schema");
    let paths: Vec<_> = imported.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["example.com/widget_v1.json"]);
    let said = |spec: &str| {
        let widget = WIDGET.replace("{size: two}", spec);
        let location = SchemaLocation::new("schemas", &imported, Layout::Known).expect("schemas");
        let found = check(&[("a.yaml", &widget)], vec![location]).1;
        assert_eq!(found, check(&[("a-crd.yaml", CRD), ("b.yaml", &widget)], Vec::new()).1, "{spec}");
        found
    };
    assert_eq!(said("{size: 5, port: http}"), [""; 0]);
    assert_eq!(said("{size: two}"), [WRONG]);
    assert_eq!(said("{size: 50}"), ["`spec`: too large"]);
    assert_eq!(said("{size: 5, color: red}"), ["unknown field `spec.color`"]);
}

#[test]
fn crds_that_contradict_each_other_or_are_broken_are_not_imported() {
    let import = |files: &[(&str, &str)]| schema::import(&FileSet::from_texts(files.iter().copied())).unwrap_err();
    let other = CRD.replace("size: {type: integer}", "size: {type: string}");
    assert!(matches!(import(&[("a.yaml", CRD), ("b.yaml", &other)]), ImportError::Ambiguous { .. }));
    let broken = CRD.replace("type: integer", "type: whole");
    assert!(matches!(import(&[("a.yaml", CRD), ("b.yaml", &broken)]), ImportError::Broken { .. }));
    assert!(matches!(import(&[("a.yaml", &format!("{CRD}  a: [\n"))]), ImportError::Unreadable { .. }));
    assert!(matches!(import(&[("a.yaml", WIDGET)]), ImportError::Nothing));
}

#[test]
fn a_file_that_is_no_schema_is_named_with_the_kind_that_needs_it() {
    for content in ["{", r#"{"properties": {"spec": {"type": "whole"}}}"#, r#"{"$ref": "_definitions.json#/a"}"#] {
        let broken = location(Layout::Known, &[("example.com/widget_v1.json", content)]);
        let (origin, said) = check(&[("a.yaml", WIDGET)], vec![broken]);
        assert_eq!(origin, Some(file("schemas/example.com/widget_v1.json")), "{content}: {said:?}");
        assert!(!said.is_empty() && !said[0].starts_with("`spec"), "{said:?}");
    }
}

/// A repository of one cluster with a Widget of size 50.
fn write(directory: &Path, more: &[(&str, &str)]) {
    let widget = WIDGET.replace("two", "50");
    let kustomization = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: \
        flux-system}\nspec: {interval: 1h, prune: true, path: ./apps, sourceRef: {kind: GitRepository, name: flux-system}}\n";
    let files = [("clusters/a/apps.yaml", kustomization), ("apps/widget.yaml", &widget)];
    let files = FileSet::from_texts(files.into_iter().chain(more.iter().copied()));
    text::write_tree(directory, &files).expect("a writable directory");
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-gen"));
    command.current_dir(directory).args(arguments).output().expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_kind_without_a_schema_is_listed_until_one_is_imported() {
    let home = tempfile::tempdir().expect("a directory");
    write(&home.path().join("fleet"), &[]);
    text::write_tree(home.path(), &FileSet::from_texts([("crds/widget.yaml", CRD)])).expect("a file");
    let before = said(&run(home.path(), &["validate", "fleet"]));
    assert!(before.contains("no schema of the kind is known:\n    example.com/v1 Widget (1)"), "{before}");

    let import = run(home.path(), &["schema", "import", "crds", "-o", "schemas"]);
    assert_eq!(said(&import), "example.com/widget_v1.json\n");
    for place in [
        "schemas",
        "schemas/example.com/widget_v1.json",
        "schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
        "crds",
    ] {
        let after =
            run(home.path(), &["validate", "fleet", "--schema-location", "default", "--schema-location", place]);
        assert_eq!(after.status.code(), Some(1), "{}", said(&after));
        assert!(said(&after).contains("error[schema-rule-violated]: `spec`: too large"), "{}", said(&after));
        assert!(!said(&after).contains("no schema of the kind"), "{}", said(&after));
    }
    let again = run(home.path(), &["schema", "import", "crds", "-o", "schemas"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again).contains("it exists already"), "{}", said(&again));
}

#[test]
fn nothing_is_written_where_one_crd_of_many_is_broken() {
    let home = tempfile::tempdir().expect("a directory");
    let broken = CRD.replace("Widget", "Gadget").replace("type: integer", "type: whole");
    let files = FileSet::from_texts([("crds/a.yaml", CRD), ("crds/b.yaml", &broken)]);
    text::write_tree(home.path(), &files).expect("files");
    let output = run(home.path(), &["schema", "import", "crds", "-o", "schemas"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("use the schema of `example.com/v1 Gadget` in `b.yaml`"), "{}", said(&output));
    assert!(!home.path().join("schemas").exists());
}

#[test]
fn a_location_that_cannot_be_used_is_an_error_that_names_it() {
    let home = tempfile::tempdir().expect("a directory");
    write(home.path(), &[("empty/README.md", "")]);
    for (place, needle) in [
        ("nowhere", "`nowhere`"),
        ("empty", "`empty`: it holds no CRD and no JSON Schema"),
        ("https://example.com/schemas", "nothing is loaded from the network"),
        ("empty/{{.Kind}}.json", "no placeholder `.Kind`"),
    ] {
        let output = run(home.path(), &["validate", ".", "--schema-location", place]);
        assert_eq!(output.status.code(), Some(2), "{place}");
        assert!(said(&output).contains(needle), "{place}: {}", said(&output));
    }
}

#[test]
fn gitops_yaml_names_schemas_of_the_repository() {
    let home = tempfile::tempdir().expect("a directory");
    let schema = r#"{"properties": {"spec": {"properties": {"size": {"maximum": 9}}}}}"#;
    write(home.path(), &[("gitops.yaml", "schemas: [schemas]\n"), ("schemas/example.com/widget_v1.json", schema)]);
    let output = said(&run(home.path(), &["validate", "."]));
    assert!(output.contains("expected at most 9"), "{output}");
    assert!(output.contains("refused by schemas/example.com/widget_v1.json"), "{output}");

    let home = tempfile::tempdir().expect("a directory");
    write(home.path(), &[("gitops.yaml", "schemas: [nowhere]\n")]);
    let output = said(&run(home.path(), &["validate", "."]));
    assert!(output.contains("error[config-invalid]: failed to read schemas from `nowhere`"), "{output}");
}

#[test]
fn a_flux_release_that_is_not_known_is_refused_with_those_that_are() {
    let home = tempfile::tempdir().expect("a directory");
    write(home.path(), &[]);
    let output = run(home.path(), &["validate", ".", "--flux-version", "1.0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("the releases that are known are 2.0 to 2.9"), "{}", said(&output));
}
