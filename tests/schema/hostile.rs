//! Input that wants to break the checks: it is named, and nothing else happens.

use gitops_gen::diagnostic::{Diagnostic, Findings};
use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;
use gitops_gen::text::FileSet;

const APPS: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {interval: 1h, prune: true, path: ./apps, sourceRef: {kind: GitRepository, name: flux-system}}
";

/// Returns what is found where one cluster applies `manifests`, and the report.
fn validate(manifests: &str) -> (Findings, String) {
    let files = FileSet::from_texts([("clusters/a/apps.yaml", APPS), ("apps/all.yaml", manifests)]);
    let repo = Repo::new(files);
    let findings = rules::validate(&repo, &Options::default());
    let report = report::text(&findings, &repo, Color::Never);
    (findings, report)
}

fn crd(schema: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.example.com}}\n\
         spec: {{group: example.com, scope: Cluster, names: {{kind: Widget, plural: widgets}}, versions: [{{name: v1, served: \
         true, storage: true, schema: {{openAPIV3Schema: {schema}}}}}]}}\n---\n\
         apiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: a}}\nspec: {{size: 1}}\n"
    )
}

fn of_rule<'f>(findings: &'f Findings, rule: &str) -> Vec<&'f Diagnostic> {
    findings.diagnostics.iter().filter(|finding| finding.rule == rule).collect()
}

#[test]
fn a_line_of_two_megabytes_is_checked_and_shown_short() {
    let annotation = "x".repeat(2 * 1024 * 1024);
    let (findings, report) = validate(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: b, annotations: {{c: {annotation}}}}}\ndata: {{d: 1}}\n"
    ));
    assert_eq!(of_rule(&findings, "schema-violation").len(), 1, "{}", findings.diagnostics.len());
    assert!(report.len() < 10_000, "{} bytes", report.len());

    let (findings, report) = validate(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: b}}\ndat: {{d: {annotation}}}\n"
    ));
    assert_eq!(of_rule(&findings, "schema-unknown-field").len(), 1);
    assert!(report.len() < 10_000, "{} bytes", report.len());
}

#[test]
fn a_pattern_that_no_engine_takes_is_listed_as_not_checked() {
    let (findings, report) = validate(&crd(
        "{type: object, properties: {spec: {type: object, properties: {size: {type: integer}, a: {pattern: '(?=a)b'}}}}}",
    ));
    assert!(findings.diagnostics.is_empty(), "{report}");
    assert!(report.contains("pattern `(?=a)b` of example.com/v1 Widget (1)"), "{report}");
}

#[test]
fn a_rule_with_an_unknown_function_is_listed_and_never_taken_for_kept() {
    let rule = "{type: object, x-preserve: 1, properties: {spec: {type: object, properties: {size: {type: integer}}, \
                x-kubernetes-validations: [{rule: 'self.size.isPrime()'}, {rule: 'self.size =='}, {rule: 'self.size > 1'}]}}}";
    let (findings, report) = validate(&crd(rule));
    assert_eq!(of_rule(&findings, "schema-rule-violated").len(), 1, "{report}");
    assert!(
        report.contains("it calls `isPrime`, which is not known here:\n    rule `self.size.isPrime()` of"),
        "{report}"
    );
    assert!(report.contains("it cannot be read:\n    rule `self.size ==` of"), "{report}");
}

#[test]
fn a_schema_of_any_shape_ends_in_a_finding_or_in_nothing() {
    for schema in [
        "[]",
        "1",
        "{type: whole}",
        "{type: [], properties: []}",
        "{properties: {spec: {pattern: '['}}}",
        "{properties: {spec: {x-kubernetes-validations: 1}}}",
        "{properties: {spec: {x-kubernetes-validations: [1, {}, {rule: 1}, {rule: ''}, {rule: 'true', messageExpression: '('}]}}}",
        "{properties: {spec: {x-kubernetes-validations: [{rule: 'false', fieldPath: 'x'}], additionalProperties: true}}}",
        "{x-kubernetes-validations: [{rule: 'self.metadata.name == oldSelf.orValue(self).metadata.name', optionalOldSelf: true}]}",
        "{properties: {spec: {required: 1, enum: 1, minimum: a, items: [1], allOf: 1}}}",
    ] {
        validate(&crd(schema));
    }
}
