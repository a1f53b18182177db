//! What the schema catalogue says of objects, in words and places.

mod corpus;
mod hostile;
mod locations;
mod models;

use gitops_gen::kube::Gvk;
use gitops_gen::repo::Repo;
use gitops_gen::schema::{Catalogue, Origin, Outcome, Scope, Violation};
use gitops_gen::text::FileSet;

/// Returns every violation as `line: message` of the first file.
fn check(text: &str) -> Vec<String> {
    check_with(text, &[])
}

fn check_with(text: &str, others: &[(&str, &str)]) -> Vec<String> {
    let files = others.iter().copied().chain([("object.yaml", text)]);
    let repo = Repo::new(FileSet::from_texts(files));
    let catalogue = Catalogue::of(&repo);
    let mut found = Vec::new();
    for (path, id) in repo.files().iter().filter(|(path, _)| path.to_string() == "object.yaml") {
        let parsed = repo.yaml(id).expect("the file is text");
        assert!(parsed.diagnostics.is_empty(), "{path}: {:?}", parsed.diagnostics);
        for document in &parsed.documents {
            match catalogue.check(&document.root) {
                Outcome::Checked(checked) => {
                    found.extend(checked.violations.iter().map(|violation| line(&repo, violation)));
                }
                other => found.push(format!("{other:?}")),
            }
        }
    }
    found
}

fn line(repo: &Repo, violation: &Violation) -> String {
    let place = repo.sources().start(violation.span).expect("a place in a file");
    format!("{}: {}", place.line, violation.message)
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: web:1
          imagePullPolicy: Always
          ports:
            - containerPort: 80
              protocol: TCP
";

fn changed(from: &str, to: &str) -> Vec<String> {
    let text = DEPLOYMENT.replace(from, to);
    assert_ne!(text, DEPLOYMENT, "nothing was changed");
    check(&text)
}

#[test]
fn a_valid_deployment_has_no_violation() {
    assert_eq!(check(DEPLOYMENT), [""; 0]);
}

#[test]
fn an_unknown_field_is_named_with_the_one_that_was_meant() {
    assert_eq!(changed("replicas:", "replica:"), ["6: unknown field `spec.replica`"]);
}

#[test]
fn a_misplaced_field_is_named_with_the_object_that_it_belongs_to() {
    assert_eq!(
        changed("  replicas: 2\n", "  restartPolicy: Always\n"),
        ["6: unknown field `spec.restartPolicy`, which is a field of `spec.template.spec`"]
    );
    assert_eq!(
        changed("          imagePullPolicy: Always\n", "          volumes: []\n"),
        ["16: unknown field `spec.template.spec.containers[0].volumes`, which is a field of `spec.template.spec`"]
    );
    assert_eq!(
        changed("kind: Deployment\n", "kind: Deployment\nnamespace: a\n"),
        ["3: unknown field `namespace`, which is a field of `metadata`"]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_shown() {
    assert_eq!(
        changed("replicas: 2", "replicas: two"),
        ["6: `spec.replicas`: expected an integer, found text \"two\""]
    );
}

#[test]
fn a_missing_field_is_reported_at_the_key_of_its_object() {
    assert_eq!(
        changed("  selector:\n    matchLabels: {app: web}\n", ""),
        ["5: missing required field `spec.selector`"]
    );
}

#[test]
fn a_wrong_choice_lists_the_choices() {
    assert_eq!(
        changed("imagePullPolicy: Always", "imagePullPolicy: always"),
        [
            "16: `spec.template.spec.containers[0].imagePullPolicy`: expected one of `Always`, `IfNotPresent`, `Never`, found text \"always\""
        ]
    );
}

#[test]
fn a_list_key_may_not_come_twice_even_where_a_default_makes_it_equal() {
    assert_eq!(
        changed("protocol: TCP", "name: http\n            - containerPort: 80"),
        [
            "20: `spec.template.spec.containers[0].ports[1]` repeats the `containerPort` and `protocol` of an earlier entry"
        ]
    );
}

#[test]
fn two_ports_may_not_have_one_name() {
    assert_eq!(
        changed("protocol: TCP", "name: http\n            - containerPort: 81\n              name: http"),
        ["21: `spec.template.spec.containers[0].ports[1]` repeats the `name` of an earlier entry"]
    );
    assert_eq!(changed("protocol: TCP", "protocol: TCP\n            - containerPort: 81"), [""; 0]);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 1, name: a}, {port: 2, name: a}]\n";
    assert_eq!(check(service), ["5: `spec.ports[1]` repeats the `name` of an earlier entry"]);
}

#[test]
fn null_is_as_good_as_absent_unless_the_field_is_required() {
    assert_eq!(changed("replicas: 2", "replicas:"), [""; 0]);
    assert_eq!(
        changed("containers:\n        - name: web\n", "containers:\n        - name:\n"),
        ["14: `spec.template.spec.containers[0].name`: expected text, found nothing"]
    );
}

#[test]
fn a_value_of_a_secret_is_never_shown() {
    let found = check(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  password: 123456\ndata:\n  token: '!hunter2'\n",
    );
    assert_eq!(
        found,
        [
            "8: `data.token`: expected text in base64, found other text",
            "6: `stringData.password`: expected text, found a number",
        ]
    );
}

#[test]
fn every_embedded_schema_can_be_used_whole() {
    let repo = Repo::new(FileSet::from_texts([("a.yaml", "kind: a\n")]));
    let (_, id) = repo.files().iter().next().expect("there is a file");
    let root = &repo.yaml(id).expect("it is text").documents[0].root;
    let catalogue = Catalogue::embedded();
    for kind in gitops_gen_schemas::kinds() {
        let gvk = Gvk { group: kind.group.into(), version: kind.version.into(), kind: kind.kind.into() };
        let outcome = catalogue.check_as(&gvk, root);
        let Outcome::Checked(checked) = outcome else { panic!("{gvk}: {outcome:?}") };
        assert_eq!(checked.unchecked, [], "{gvk}");
        assert_eq!(checked.violations.is_empty(), kind.scope == Scope::File, "{gvk}: {:?}", checked.violations);
    }
}

#[test]
fn a_field_that_is_a_variable_is_marked_as_one() {
    let repo = Repo::new(FileSet::from_texts([(
        "a.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: '${NAME}'}\nspec:\n  replicas: ${COUNT}\n  ${KEY}: a\n  \
         selector: {}\n  template: {spec: {containers: [{name: a, image: b}]}}\n",
    )]));
    let (_, id) = repo.files().iter().next().expect("there is a file");
    let outcome = Catalogue::embedded().check(&repo.yaml(id).expect("it is text").documents[0].root);
    let Outcome::Checked(checked) = outcome else { panic!("{outcome:?}") };
    assert_eq!(checked.violations.len(), 3, "{:?}", checked.violations);
    assert!(checked.violations.iter().all(|violation| violation.holds_variable), "{:?}", checked.violations);
}

#[test]
fn what_sops_encrypted_is_left_to_flux() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: 'ENC[AES256_GCM,data:x,type:str]'}\n";
    assert_eq!(check(&format!("{secret}sops: {{mac: 'ENC[x]', version: 3.9.0}}\n")), [""; 0]);
    assert_eq!(check(secret), ["4: `data.a`: expected text in base64, found other text"]);
}

#[test]
fn an_unknown_kind_is_not_checked_and_its_known_versions_are_listed() {
    let found = check("apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n");
    assert_eq!(found, [r#"NoSchema({"v1", "v2"})"#]);
}

#[test]
fn a_label_key_is_checked_as_well_as_its_value() {
    let found = check("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n    -a: b\n    c: '-'\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("6: `metadata.labels.-a`: expected a key of an optional DNS prefix"), "{found:?}");
    assert!(found[1].starts_with("7: `metadata.labels.c`: expected letters, digits"), "{found:?}");
}

#[test]
fn a_model_names_the_release_that_it_describes() {
    let repo = Repo::new(FileSet::from_texts([(
        "a.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: b}\n\
         spec:\n  interval: 5 minutes\n  prune: true\n  sourceRef: {kind: GitRepository, name: a}\n  dependOn: []\n",
    )]));
    let (_, id) = repo.files().iter().next().expect("there is a file");
    let outcome = Catalogue::embedded().check(&repo.yaml(id).expect("it is text").documents[0].root);
    let Outcome::Checked(checked) = outcome else { panic!("{outcome:?}") };
    assert_eq!(checked.origin, Origin::Model("Flux 2.9"));
    let messages: Vec<_> = checked.violations.iter().map(|violation| violation.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "unknown field `spec.dependOn`",
            "`spec.interval`: expected a duration such as `5m` or `1h30m`, found text \"5 minutes\"",
        ]
    );
}

#[test]
fn a_helm_release_has_either_a_chart_or_a_reference_to_one() {
    let release =
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  interval: 5m\n";
    assert_eq!(check(release), ["4: `spec` needs one of `chart`, `chartRef`"]);
    let both = format!(
        "{release}  chartRef: {{kind: OCIRepository, name: a}}\n  chart:\n    spec:\n      chart: a\n      sourceRef: \
         {{kind: HelmRepository, name: a}}\n"
    );
    assert_eq!(check(&both), ["6: `spec` may have only one of `chart`, `chartRef`"]);
}

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [size, color]
              properties:
                size: {type: integer, minimum: 1, exclusiveMinimum: true}
                color: {type: string, default: red, pattern: '^[a-z]+$'}
                port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
                note: {type: string, nullable: true}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

#[test]
fn a_crd_of_the_repository_is_the_schema_of_its_kind() {
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec:\n";
    let found = |spec: &str| check_with(&format!("{widget}{spec}"), &[("crd.yaml", CRD)]);
    assert_eq!(found("  {size: 2, port: http, note: null, free: {a: 1}}\n"), [""; 0]);
    assert_eq!(found("  {size: 1}\n"), ["5: `spec.size`: expected more than 1, found the number `1`"]);
    assert_eq!(found("  {size: 2, colour: red}\n"), ["5: unknown field `spec.colour`"]);
    assert_eq!(
        found("  {size: 2, port: 1.5}\n"),
        ["5: `spec.port`: expected an integer or text, found the number `1.5`"]
    );
}

#[test]
fn a_pattern_that_cannot_be_run_is_named_and_the_rest_is_checked() {
    let crd = CRD.replace("'^[a-z]+$'", "'^(?=a)b$'");
    let repo = Repo::new(FileSet::from_texts([
        ("crd.yaml", crd.as_str()),
        ("object.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: two, color: x}\n"),
    ]));
    let (_, id) = repo.files().iter().nth(1).expect("there are two files");
    let outcome = Catalogue::of(&repo).check(&repo.yaml(id).expect("it is text").documents[0].root);
    let Outcome::Checked(checked) = outcome else { panic!("{outcome:?}") };
    let unchecked: Vec<_> = checked.unchecked.iter().map(|part| format!("{}: {}", part.what, part.why)).collect();
    assert_eq!(unchecked, ["pattern `^(?=a)b$`: no engine that runs in linear time takes it"]);
    assert_eq!(checked.violations.len(), 1, "{:?}", checked.violations);
}

#[test]
fn a_broken_crd_is_named_where_it_is_used() {
    let found = check_with(
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {}\n",
        &[("crd.yaml", &CRD.replace("type: integer, minimum: 1", "type: whole, minimum: 1"))],
    );
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("BrokenSchema"), "{found:?}");
}

#[test]
fn the_crds_of_a_cluster_come_before_those_of_others_and_rule_out_other_versions() {
    let repo = Repo::new(FileSet::from_texts([
        ("a-crd.yaml", CRD),
        ("b-crd.yaml", &CRD.replace("minimum: 1,", "minimum: 5,")),
        ("c.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 2}\n"),
        ("d.yaml", "apiVersion: example.com/v2\nkind: Widget\nmetadata: {name: a}\nspec: {size: 2}\n"),
    ]));
    let roots: Vec<_> = repo.files().iter().map(|(_, id)| &repo.yaml(id).expect("text").documents[0].root).collect();
    let count = |outcome: Outcome| match outcome {
        Outcome::Checked(checked) => checked.violations.len(),
        other => panic!("{other:?}"),
    };
    let catalogue = Catalogue::of(&repo);
    assert_eq!(count(catalogue.check(roots[2])), 0, "whose CRD it is is not known: the one that fits is taken");
    assert_eq!(count(catalogue.with_crds([roots[0]]).check(roots[2])), 0);
    let second = catalogue.with_crds([roots[1]]);
    assert_eq!(count(second.check(roots[2])), 1);
    assert_eq!(second.check(roots[3]), Outcome::NoSchema(["v1".into()].into()));
}

/// A pod template, a value that it may not have, and what is said of it.
const POD_MISTAKES: &[(&str, &str, &str)] = &[
    ("restartPolicy", "OnFailure", "expected `Always`"),
    ("dnsPolicy", "Cluster", "expected one of `ClusterFirst`"),
    ("tolerations", "[{operator: Equals}]", "expected one of"),
    ("containers", "[]", "expected at least 1 entry"),
    ("nodeSelector", "{a: true}", "expected text, found the boolean `true`"),
    ("terminationGracePeriodSeconds", "30s", "expected an integer, found text"),
    ("securityContext", "{seccompProfile: {type: Default}}", "expected one of `Localhost`"),
    ("volumes", "[{name: a, hostPath: {path: /a, type: Folder}}]", "expected one of"),
    ("volumes", "[{name: a_b, emptyDir: {}}]", "lower-case letters"),
    ("volumes", "[{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]", "repeats the `name`"),
    ("containers", "[{name: a, image: b, ports: [{containerPort: 70000}]}]", "expected at most 65535"),
    ("containers", "[{name: a, image: b, ports: [{containerPort: 80, name: HTTP}]}]", "lower-case letters"),
    ("containers", "[{name: a, image: b, env: [{name: A, value: 1}]}]", "expected text, found the number `1`"),
    ("containers", "[{name: a, image: b, env: [{name: A}, {name: A}]}]", "repeats the `name`"),
    ("containers", "[{name: a, image: b, resources: {limits: {cpu: much}}}]", "expected a quantity"),
    ("containers", "[{name: a, image: b, livenessProbe: {periodSeconds: -1}}]", "expected at least 0"),
];

#[test]
fn what_the_api_server_refuses_in_a_pod_is_refused() {
    for (field, value, expected) in POD_MISTAKES {
        let containers = if *field == "containers" { "" } else { "      containers: [{name: a, image: b}]\n" };
        let found = check(&format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec:\n  selector: {{matchLabels: {{a: b}}}}\n  \
             template:\n    metadata: {{labels: {{a: b}}}}\n    spec:\n{containers}      {field}: {value}\n"
        ));
        assert_eq!(found.len(), 1, "{field}: {value}: {found:?}");
        assert!(found[0].contains(expected), "{field}: {value}: {found:?}");
    }
}

/// An object, and what is said of it.
const MISTAKES: &[(&str, &str)] = &[
    ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: Loadbalancer}\n", "expected one of `ClusterIP`"),
    ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 0}]}\n", "expected at least 1"),
    (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1, name: b}, {port: 1, protocol: TCP}]}\n",
        "repeats the `port` and `protocol`",
    ),
    ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n", "lower-case letters, digits and `-`"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\n", "lower-case letters, digits, `-` and `.`"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: a}\n", "missing required field `metadata.name`"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n", "expected text, found the number `1`"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a/b: c}\n", "expected a key of letters"),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: 1.0}}\n",
        "expected text, found the number `1.0`",
    ),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {a: true}}\n", "found the boolean `true`"),
    (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n",
        "missing required field `spec.template.spec.restartPolicy`",
    ),
    (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{http: {paths: [{path: a, \
         pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]}\n",
        "a path that begins with `/`",
    ),
    (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, policyTypes: \
         [ingress]}\n",
        "expected one of `Egress`, `Ingress`",
    ),
    (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: 'a:b'}\nroleRef: {apiGroup: \
         rbac.authorization.k8s.io, kind: Role, name: a}\n",
        "expected `ClusterRole`",
    ),
    (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {maxReplicas: 0, \
         scaleTargetRef: {kind: Deployment, name: a}}\n",
        "expected at least 1",
    ),
    (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [RWO]}\n",
        "expected one of `ReadOnlyMany`",
    ),
];

#[test]
fn what_the_api_server_refuses_in_other_kinds_is_refused() {
    for (object, expected) in MISTAKES {
        let found = check(object);
        assert!(found.len() == 1 && found[0].contains(expected), "{object}: {found:?}");
    }
}

#[test]
fn a_crd_nested_as_deep_as_yaml_may_be_is_no_danger() {
    let (deep, levels) = (118, 250);
    let schema = format!("{}{{type: string}}{}", "{type: object, properties: {a: ".repeat(deep), "}}".repeat(deep));
    let start = CRD.find("        openAPIV3Schema").expect("the CRD has a schema");
    let crd = format!("{}        openAPIV3Schema: {schema}\n", &CRD[..start]);
    let nested = format!("{}x{}", "{a: ".repeat(levels), "}".repeat(levels));
    let widget = format!("apiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: a}}\na: {nested}\n");
    let found = check_with(&widget, &[("crd.yaml", &crd)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("expected text, found a mapping"), "{found:?}");
}
