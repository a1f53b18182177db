//! A session finds what a fresh run over the same files finds, whatever was edited before.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/fleet/kinds.rs"]
mod kinds;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gitops_gen::diagnostic::Findings;
use gitops_gen::flux::Fleet;
use gitops_gen::session::{Session, Settings};
use gitops_gen::text::{Content, FileSet, RepoPath, Sources, Span};
use gitops_gen::yaml;
use proptest::prelude::*;

/// A fleet of two clusters with a base, overlays, patches, variables, a CRD and its object, generators and an ignore list.
const FLEET: &[(&str, &str)] = &[
    (
        "gitops.yaml",
        "flux: \"2.9\"\nclusters:\n- {name: fra1, path: clusters/fra1}\n- {name: nyc1, path: clusters/nyc1}\n",
    ),
    (".sourceignore", "*.md\n/docs\n"),
    ("docs/notes.yaml", "kind: nothing\n"),
    ("clusters/fra1/flux-system/gotk-sync.yaml", SYNC),
    ("clusters/fra1/infrastructure.yaml", INFRASTRUCTURE),
    ("clusters/fra1/apps.yaml", APPS),
    ("clusters/nyc1/apps.yaml", APPS_NYC1),
    ("infrastructure/crd.yaml", CRD),
    ("infrastructure/settings.yaml", SETTINGS),
    ("infrastructure/policies/kustomization.yaml", "resources: [policy.yaml]\n"),
    ("infrastructure/policies/policy.yaml", POLICY),
    ("infrastructure/images.yaml", IMAGES),
    ("infrastructure/secret.yaml", SECRET),
    ("infrastructure/clients.yaml", CLIENTS),
    ("apps/base/kustomization.yaml", BASE),
    ("apps/base/web.yaml", WEB),
    ("apps/base/widget.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: one}\nspec: {size: 3}\n"),
    ("apps/base/web.properties", "level=info\n"),
    ("apps/fra1/kustomization.yaml", OVERLAY),
    ("apps/fra1/replicas.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"),
    ("apps/nyc1/web.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80}]\n"),
];

const SYNC: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: https://example.com/fleet, ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 10m
  path: ./clusters/fra1
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

const INFRASTRUCTURE: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infrastructure, namespace: flux-system}
spec:
  interval: 10m
  path: ./infrastructure
  prune: true
  wait: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

const APPS: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps/fra1
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  dependsOn:
  - name: infrastructure
  postBuild:
    substitute: {region: eu}
    substituteFrom:
    - {kind: ConfigMap, name: settings}
  patches:
  - target: {kind: Deployment}
    patch: |
      - {op: add, path: /metadata/labels, value: {region: \"${region}\"}}
  commonMetadata: {labels: {owner: web}}
";

const APPS_NYC1: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps/nyc1
  targetNamespace: web
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, maximum: 5}}}
";

const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: flux-system}
data:
  domain: example.com
  replicas: \"2\"
";

const POLICY: &str = "\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec:
  imageRepositoryRef: {name: web}
  policy: {semver: {range: '>=1.0.0'}}
";

const IMAGES: &str = "\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: example.com/web, interval: 5m, exclusionList: ['^.*-rc$', '(']}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: web, namespace: flux-system}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: flux-system}
  git: {commit: {author: {email: flux@example.com}}, push: {branch: main}}
";

const SECRET: &str = "\
# gitops-gen: allow sops-decryption-missing -- a key of nobody
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: web}
data:
  key: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
sops:
  mac: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
";

const CLIENTS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: web}
data:
  brokers: events-kafka-bootstrap.kafka:9092
  broker: events-0.events-kafka-brokers.kafka:9092
---
apiVersion: v1
kind: Service
metadata: {name: events-kafka-bootstrap, namespace: kafka}
spec: {selector: {app: web}, ports: [{port: 9092}]}
";

const BASE: &str = "\
resources:
- web.yaml
- widget.yaml
namespace: web
configMapGenerator:
- name: web
  files: [web.properties]
";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.0.0 # {\"$imagepolicy\": \"flux-system:web\"}
        env:
        - {name: HOST, value: \"${host:=web}.${domain}\"}
        - {name: REGION, value: \"${region}\"}
        envFrom:
        - configMapRef: {name: web}
";

const OVERLAY: &str = "\
resources: [../base]
patches:
- path: replicas.yaml
images:
- name: example.com/web
  newTag: 1.2.3
";

type Files = BTreeMap<RepoPath, Content>;

/// One thing that somebody does to a file; numbers count modulo what there is.
#[derive(Debug, Clone)]
enum Edit {
    /// Puts a line of another file of the fleet in the place of a line.
    Line(usize, usize, usize, usize),
    /// Removes a line.
    WithoutLine(usize, usize),
    /// Puts a comment before the first line, so that every place moves.
    Shift(usize),
    /// Removes the file.
    Remove(usize),
    /// Gives the file the text that it had in the beginning.
    Restore(usize),
    /// Gives the file the text of another one.
    Overwrite(usize, usize),
    /// Puts the text of a file at a new path, beside another one.
    Add(usize, usize),
    /// Cuts the text off, maybe in the middle of a line.
    Cut(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    edit_of(FLEET.len())
}

/// Edits of a fleet of so many files.
fn edit_of(files: usize) -> impl Strategy<Value = Edit> {
    let file = 0..files;
    let line = 0..30_usize;
    prop_oneof![
        4 => (file.clone(), line.clone(), file.clone(), line.clone()).prop_map(|(a, b, c, d)| Edit::Line(a, b, c, d)),
        3 => (file.clone(), line).prop_map(|(file, line)| Edit::WithoutLine(file, line)),
        2 => file.clone().prop_map(Edit::Shift),
        2 => file.clone().prop_map(Edit::Remove),
        4 => file.clone().prop_map(Edit::Restore),
        1 => (file.clone(), file.clone()).prop_map(|(to, from)| Edit::Overwrite(to, from)),
        2 => (file.clone(), file.clone()).prop_map(|(beside, from)| Edit::Add(beside, from)),
        1 => (file, 0..200_usize).prop_map(|(file, at)| Edit::Cut(file, at)),
    ]
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

impl Edit {
    /// Returns the path that it is about and what stands there afterwards; `base` is what the fleet was in the beginning.
    fn apply(&self, now: &Files, base: &[(RepoPath, String)]) -> (RepoPath, Option<Content>) {
        let of_base = |file: usize| &base[file % base.len()];
        let text_of = |file: usize| match now.get(&of_base(file).0) {
            Some(Content::Text(text)) => text.to_string(),
            _ => String::new(),
        };
        let lines_of = |file: usize| text_of(file).lines().map(str::to_owned).collect::<Vec<_>>();
        let joined = |lines: &[String]| lines.iter().fold(String::new(), |text, line| text + line + "\n");
        let (file, text) = match *self {
            Self::Line(file, line, from, from_line) => {
                let (mut lines, others) = (lines_of(file), of_base(from).1.lines().collect::<Vec<_>>());
                let at = line % lines.len().max(1);
                if let Some(line) = lines.get_mut(at) {
                    others[from_line % others.len()].clone_into(line);
                }
                (file, Some(joined(&lines)))
            }
            Self::WithoutLine(file, line) => {
                let mut lines = lines_of(file);
                if !lines.is_empty() {
                    lines.remove(line % lines.len());
                }
                (file, Some(joined(&lines)))
            }
            Self::Shift(file) => (file, Some(format!("# moved\n{}", text_of(file)))),
            Self::Remove(file) => (file, None),
            Self::Restore(file) => (file, Some(of_base(file).1.clone())),
            Self::Overwrite(file, from) => (file, Some(of_base(from).1.clone())),
            Self::Cut(file, at) => (file, Some(text_of(file).chars().take(at).collect())),
            Self::Add(beside, from) => {
                let directory = of_base(beside).0.parent();
                let new = directory.join(&format!("new-{from}.yaml")).unwrap();
                return (new, Some(Content::Text(of_base(from).1.as_str().into())));
            }
        };
        (of_base(file).0.clone(), text.map(|text| Content::Text(text.into())))
    }
}

/// Lets a session follow `batches` of edits of `files`, and compares it with a fresh run after each.
fn follow(mut files: Files, batches: Vec<Vec<Edit>>) {
    let text = |content: &Content| if let Content::Text(text) = content { text.to_string() } else { String::new() };
    let base: Vec<(RepoPath, String)> = files.iter().map(|(path, content)| (path.clone(), text(content))).collect();
    let settings = Settings::default();
    let mut session = Session::new(FileSet::from_contents(files.clone()), settings.clone());
    for batch in batches {
        let mut edits = Vec::new();
        for edit in batch {
            let (path, content) = edit.apply(&files, &base);
            match &content {
                Some(content) => drop(files.insert(path.clone(), content.clone())),
                None => drop(files.remove(&path)),
            }
            edits.push((path, content));
        }
        session.update(edits);
        assert_like_fresh(&session, &files, &settings);
    }
}

/// Returns `findings` with places as paths and bytes, since two tables may number their files differently.
fn told(findings: &Findings, sources: &Sources) -> String {
    let place = |span: Span| format!("{}:{}..{}", sources.path(span).unwrap(), span.start, span.end);
    let mut told = String::new();
    for finding in &findings.diagnostics {
        let labels: Vec<_> = finding.labels.iter().map(|label| (place(label.span), &label.message)).collect();
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let edits: Vec<_> = edits.map(|edit| (place(edit.span), &edit.replacement)).collect();
        let finding =
            (finding.severity, finding.rule, &finding.message, &finding.help, &finding.notes, &finding.cluster);
        writeln!(told, "{finding:?} {labels:?} {edits:?}").unwrap();
    }
    for item in &findings.not_checked {
        writeln!(told, "not checked: {} {} {:?}", item.why, item.what, item.span.map(place)).unwrap();
    }
    writeln!(told, "{:?}", findings.checked).unwrap();
    told
}

/// Returns every object of `fleet` with its origin, as text.
fn rendered(fleet: &Fleet, sources: &Sources) -> String {
    let mut text = String::new();
    for cluster in &fleet.clusters {
        writeln!(text, "cluster {} {} {:?}", cluster.name, cluster.path, cluster.bootstrap).unwrap();
        for object in cluster.objects() {
            let origin = object.resource.origin;
            let owner = object.owner.map(|owner| owner.id.to_string());
            writeln!(text, "{owner:?} {}:{}", sources.path(origin).unwrap(), origin.start).unwrap();
            text += &yaml::emit(&object.resource.node).unwrap_or_else(|error| error.to_string());
        }
    }
    text
}

fn assert_like_fresh(session: &Session, files: &Files, settings: &Settings) {
    let fresh = Session::new(FileSet::from_contents(files.clone()), settings.clone());
    let (kept, new) = (session.repo().sources(), fresh.repo().sources());
    assert_eq!(rendered(session.fleet(), kept), rendered(fresh.fleet(), new));
    assert_eq!(told(session.findings(), kept), told(fresh.findings(), new));
}

fn fleet() -> Files {
    FLEET.iter().map(|(at, text)| (path(at), Content::Text((*text).into()))).collect()
}

#[test]
fn the_fleet_of_this_test_renders_and_is_almost_clean() {
    let session = Session::new(FileSet::from_contents(fleet()), Settings::default());
    assert_eq!(session.fleet().clusters.len(), 2);
    let errors: Vec<_> = session.findings().diagnostics.iter().map(|finding| &finding.message).collect();
    assert!(session.fleet().clusters[0].objects().count() >= 8, "{errors:?}");
    assert!(errors.len() < 12, "{errors:#?}");
}

#[test]
fn an_edit_to_the_text_that_is_there_already_changes_nothing() {
    let mut session = Session::new(FileSet::from_contents(fleet()), Settings::default());
    let changes = session.update(fleet().into_iter().map(|(path, content)| (path, Some(content))));
    assert!(changes.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_session_finds_what_a_fresh_run_finds(
        batches in prop::collection::vec(prop::collection::vec(edit(), 1..3), 1..8),
        named in any::<bool>(),
    ) {
        let mut files = fleet();
        if !named {
            files.remove(&path("gitops.yaml"));
        }
        follow(files, batches);
    }
}

proptest! {
    // Each fresh run reads fifty schemas.
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_session_finds_what_a_fresh_run_finds_among_fifty_kinds(
        batches in prop::collection::vec(prop::collection::vec(edit_of(110), 1..3), 1..6),
    ) {
        let manifests = kinds::manifests(100);
        let content = |path: &RepoPath| manifests.file(path).unwrap().content().clone();
        follow(manifests.iter().map(|(path, _)| (path.clone(), content(path))).collect(), batches);
    }
}
