//! What Flux applies to the clusters of a repository: layouts, sources, variables, passes.

use gitops_gen::flux::{Artifact, Cluster, Fleet, Location, Options, ReferenceState, SubstitutionProblem, clusters};
use gitops_gen::kube::NamespacedName;
use gitops_gen::repo::Repo;
use gitops_gen::text::{FileSet, RepoPath};
use gitops_gen::yaml::Node;

/// Returns a Flux Kustomization `name` of the source `flux-system`; `more` is added to its spec.
fn kustomization(name: &str, path: &str, more: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
         metadata: {{name: {name}, namespace: flux-system}}\nspec:\n  interval: 1h\n  prune: true\n  path: {path}\n  \
         sourceRef: {{kind: GitRepository, name: flux-system}}\n{more}---\n"
    )
}

fn config_map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: flux-system}}\ndata: {data}\n---\n")
}

/// Returns a GitRepository and a Kustomization, both `flux-system`, as `flux bootstrap` writes them.
fn sync(path: &str) -> String {
    let source = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, \
                  namespace: flux-system}\nspec: {interval: 1m, url: 'ssh://git@github.com/org/fleet', \
                  ref: {branch: main}}\n---\n";
    format!("{source}{}", kustomization("flux-system", path, ""))
}

fn repo(files: &[(&str, String)]) -> Repo {
    Repo::new(FileSet::from_texts(files.iter().cloned()))
}

fn fleet(files: &[(&str, String)]) -> Fleet {
    clusters(&repo(files), &Options::default())
}

/// Returns the only cluster of `files`.
fn cluster(files: &[(&str, String)]) -> Cluster {
    let mut fleet = fleet(files);
    assert_eq!(fleet.clusters.len(), 1, "{:?}", names(&fleet));
    fleet.clusters.remove(0)
}

/// Returns name and directory of each cluster.
fn names(fleet: &Fleet) -> Vec<String> {
    fleet.clusters.iter().map(|cluster| format!("{}={}", cluster.name, cluster.path)).collect()
}

fn id(name: &str) -> NamespacedName {
    NamespacedName::new("flux-system", name)
}

/// Returns `Kind name < owner` of each object, in apply order.
fn applied(cluster: &Cluster) -> Vec<String> {
    let objects = cluster.objects_in_apply_order();
    let owner =
        |object: &gitops_gen::flux::Object<'_>| object.owner.map_or("-", |owner| owner.id.name.as_str()).to_owned();
    objects
        .iter()
        .map(|object| format!("{} {} < {}", object.resource.kind(), object.resource.name(), owner(object)))
        .collect()
}

#[test]
fn clusters_are_found_in_the_common_layouts() {
    let apps = || kustomization("apps", "./apps", "");
    for (files, expected) in [
        (
            vec![("clusters/prod/apps.yaml", apps()), ("clusters/staging/apps.yaml", apps())],
            vec!["prod=clusters/prod", "staging=clusters/staging"],
        ),
        (
            vec![("clusters/prod/eu/a.yaml", apps()), ("clusters/prod/us/a.yaml", apps())],
            vec!["eu=clusters/prod/eu", "us=clusters/prod/us"],
        ),
        (
            vec![("clusters/prod/eu/a.yaml", apps()), ("clusters/dev/eu/a.yaml", apps())],
            vec!["dev-eu=clusters/dev/eu", "prod-eu=clusters/prod/eu"],
        ),
        (vec![("kubernetes/clusters/fra1/a.yaml", apps())], vec!["fra1=kubernetes/clusters/fra1"]),
        (
            vec![("deployments/prod/flux-system/gotk-sync.yaml", sync("./deployments/prod"))],
            vec!["prod=deployments/prod"],
        ),
        (
            vec![
                ("deployments/prod/a.yaml", apps()),
                ("deployments/dev/a.yaml", apps()),
                ("apps/b.yaml", kustomization("b", "./b", "")),
            ],
            vec!["dev=deployments/dev", "prod=deployments/prod"],
        ),
        (vec![("flux-system/gotk-sync.yaml", sync("./"))], vec!["cluster=."]),
        (
            vec![("hub/flux-system/gotk-sync.yaml", "# to be filled\n".to_owned()), ("hub/a.yaml", apps())],
            vec!["hub=hub"],
        ),
        (
            vec![("repos/fleet/clusters/mgmt/flux-system/gotk-sync.yaml", sync("./clusters/mgmt"))],
            vec!["mgmt=repos/fleet/clusters/mgmt"],
        ),
        (vec![("clusters/base/a.yaml", apps()), ("clusters/template/a.yaml", apps())], vec![]),
        (
            vec![
                ("clusters/all/a.yaml", apps()),
                ("clusters/eu/kustomization.yaml", "resources: [../all]\n".to_owned()),
                ("clusters/eu/b.yaml", apps()),
            ],
            vec!["eu=clusters/eu"],
        ),
        (vec![("apps/web.yaml", config_map("web", "{}"))], vec![]),
    ] {
        assert_eq!(names(&fleet(&files)), expected, "{:?}", files.iter().map(|(path, _)| path).collect::<Vec<_>>());
    }
}

#[test]
fn a_flux_instance_names_directory_and_source() {
    let instance = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\n\
                    metadata: {name: flux, namespace: flux-system}\nspec:\n  sync: {kind: OCIRepository, \
                    url: 'oci://ghcr.io/org/fleet', ref: latest, path: clusters/eu}\n";
    let tenants = kustomization("tenants", "./tenants", "").replace("GitRepository", "OCIRepository");
    let files = [
        ("clusters/eu/flux-system/flux-instance.yaml", instance.to_owned()),
        ("clusters/eu/tenants.yaml", tenants),
        ("tenants/a.yaml", config_map("a", "{}")),
    ];
    let cluster = cluster(&files);
    assert_eq!(cluster.bootstrap, Some(id("flux-system")));
    assert_eq!(cluster.kustomizations[&id("tenants")].location, Location::Here(RepoPath::new("tenants").unwrap()));
    assert_eq!(
        applied(&cluster),
        ["FluxInstance flux < flux-system", "Kustomization tenants < flux-system", "ConfigMap a < tenants"]
    );
}

#[test]
fn the_bootstrap_kustomization_does_not_count_its_own_objects_twice() {
    let files = [
        ("clusters/eu/flux-system/gotk-sync.yaml", sync("./clusters/eu")),
        ("clusters/eu/apps.yaml", kustomization("apps", "./apps", "")),
        ("apps/a.yaml", config_map("a", "{}")),
    ];
    let cluster = cluster(&files);
    let expected = [
        "Kustomization apps < flux-system",
        "Kustomization flux-system < flux-system",
        "GitRepository flux-system < flux-system",
        "ConfigMap a < apps",
    ];
    assert_eq!(applied(&cluster), expected);
    assert!(cluster.root.is_none());
    assert!(cluster.is_fully_resolved());
    assert_eq!(cluster.kustomizations[&id("apps")].applied_by, Some(id("flux-system")));
}

#[test]
fn kustomizations_that_other_kustomizations_make_are_followed() {
    let files = [
        ("clusters/eu/a.yaml", kustomization("a", "./a", "")),
        ("a/b.yaml", kustomization("b", "./b", "")),
        ("b/c.yaml", kustomization("c", "./c", "")),
        ("c/d.yaml", config_map("d", "{}")),
    ];
    let cluster = cluster(&files);
    assert_eq!(cluster.kustomizations.len(), 3);
    assert_eq!(cluster.kustomizations[&id("c")].applied_by, Some(id("b")));
    assert_eq!(applied(&cluster).last().unwrap(), "ConfigMap d < c");
}

#[test]
fn a_kustomization_that_applies_itself_is_built_once_and_one_that_makes_others_of_itself_ends() {
    let files = [
        ("clusters/eu/a.yaml", kustomization("a", "./a", "  namePrefix: x-\n")),
        ("a/self.yaml", kustomization("a", "./a", "  namePrefix: x-\n")),
    ];
    let cluster = cluster(&files);
    assert!(cluster.kustomizations.contains_key(&id("a")));
    assert!(cluster.kustomizations.len() <= 5_000);
}

#[test]
fn variables_come_from_wherever_the_cluster_has_them() {
    let from = "  postBuild:\n    substitute: {B: inline}\n    substituteFrom:\n    \
                - {kind: ConfigMap, name: vars}\n    - {kind: Secret, name: keys}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: flux-system}\n\
                  stringData: {C: plain}\ndata: {D: ZW5jb2RlZA==}\n---\n";
    let files = [
        // `apps` comes before `vars`, which brings what it needs.
        ("clusters/eu/all.yaml", kustomization("apps", "./apps", from) + &kustomization("vars", "./vars", "")),
        ("vars/all.yaml", config_map("vars", "{A: a, B: overridden}") + secret),
        ("apps/a.yaml", config_map("result", "{text: '${A} ${B} ${C} ${D} x'}")),
    ];
    let cluster = cluster(&files);
    let owner = &cluster.kustomizations[&id("apps")];
    let text = owner.resources[0].node.at(&["data", "text"]).and_then(Node::as_str);
    assert_eq!(text, Some("a inline plain encoded x"));
    assert!(owner.substitution.complete && owner.substitution.findings.is_empty());
    assert!(owner.substitute_from.iter().all(|from| from.state == ReferenceState::Found));
}

#[test]
fn keys_of_an_encrypted_secret_are_known_and_its_values_are_not() {
    let from = "  postBuild:\n    substituteFrom: [{kind: Secret, name: keys}]\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: flux-system}\n\
                  stringData: {HOST: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: x}\n";
    let files = [
        ("clusters/eu/apps.yaml", kustomization("apps", "./apps", from)),
        ("clusters/eu/keys.yaml", secret.to_owned()),
        ("apps/a.yaml", config_map("a", "{x: 'http://${HOST}/', y: '${OTHER}'}")),
    ];
    let cluster = cluster(&files);
    let owner = &cluster.kustomizations[&id("apps")];
    let problems: Vec<_> = owner.substitution.findings.iter().map(|finding| &finding.problem).collect();
    assert_eq!(problems, [&SubstitutionProblem::Undefined { name: "OTHER".into() }]);
    assert!(owner.substitution.complete, "the keys are all there");
    assert!(owner.substitution.is_opaque(&["HOST".into()]));
    assert_eq!(owner.resources[0].node.at(&["data", "x"]).and_then(Node::as_str), Some("http://unknown/"));
    assert!(!format!("{:?}", owner.substitution).contains("ENC["));
}

#[test]
fn an_absent_config_map_leaves_undefined_variables_open() {
    let from = "  postBuild:\n    substituteFrom: [{kind: ConfigMap, name: nowhere}]\n";
    let files = [
        ("clusters/eu/apps.yaml", kustomization("apps", "./apps", from)),
        ("apps/a.yaml", config_map("a", "{x: 'is ${X}'}")),
    ];
    let cluster = cluster(&files);
    let owner = &cluster.kustomizations[&id("apps")];
    assert_eq!(owner.substitute_from[0].state, ReferenceState::Missing);
    assert!(!owner.substitution.complete && owner.substitution.strict);
    assert_eq!(owner.substitution.findings.len(), 1);
}

#[test]
fn an_artifact_generator_decides_what_a_path_finds() {
    let generator = "apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\n\
                     metadata: {name: g, namespace: flux-system}\nspec:\n  \
                     sources: [{alias: repo, kind: GitRepository, name: flux-system}]\n  artifacts:\n  \
                     - name: apps\n    copy:\n    - {from: '@repo/apps/base/**', to: '@artifact/base/'}\n    \
                     - {from: '@repo/apps/eu/**', to: '@artifact/eu/'}\n";
    let external = |name, path| {
        kustomization(name, path, "").replace("GitRepository, name: flux-system", "ExternalArtifact, name: apps")
    };
    let files = [
        ("clusters/eu/g.yaml", generator.to_owned()),
        ("clusters/eu/apps.yaml", external("apps", "./eu") + &external("wrong", "./us")),
        ("apps/base/a.yaml", config_map("a", "{}")),
        ("apps/base/kustomization.yaml", "resources: [a.yaml]\n".to_owned()),
        ("apps/eu/kustomization.yaml", "resources: [../base]\nnamePrefix: eu-\n".to_owned()),
        ("apps/us/b.yaml", config_map("b", "{}")),
    ];
    let cluster = cluster(&files);
    assert_eq!(applied(&cluster).last().unwrap(), "ConfigMap eu-a < apps");
    assert_eq!(cluster.kustomizations[&id("wrong")].location, Location::MissingPath(RepoPath::new("us").unwrap()));
}

#[test]
fn ignored_files_are_not_applied() {
    let files = [
        (".sourceignore", "/*\n!/clusters\n!/apps\n/apps/docs\n".to_owned()),
        ("clusters/eu/apps.yaml", kustomization("apps", "./apps", "") + &kustomization("other", "./other", "")),
        ("apps/a.yaml", config_map("a", "{}")),
        ("apps/docs/b.yaml", config_map("b", "{}")),
        ("other/c.yaml", config_map("c", "{}")),
    ];
    let cluster = cluster(&files);
    assert_eq!(cluster.kustomizations[&id("apps")].resources.len(), 1);
    assert!(matches!(cluster.kustomizations[&id("other")].location, Location::MissingPath(_)));
}

#[test]
fn other_repositories_are_elsewhere_and_undefined_sources_are_missing() {
    let other = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n\
                 metadata: {name: other, namespace: flux-system}\nspec: {url: 'https://github.com/org/other'}\n---\n";
    let same = other.replace("other", "again").replace("org/again", "org/fleet.git");
    let branch = other.replace("other", "branch").replace("org/branch'", "org/fleet', ref: {branch: next}");
    let of = |name: &str, path: &str| {
        kustomization(name, path, "")
            .replace("GitRepository, name: flux-system", &format!("GitRepository, name: {name}"))
    };
    let owners = of("other", "./x") + &of("again", "./apps") + &of("branch", "./only-there") + &of("nobody", "./apps");
    let files = [
        ("clusters/eu/flux-system/gotk-sync.yaml", sync("./clusters/eu")),
        ("clusters/eu/sources.yaml", format!("{other}{same}{branch}")),
        ("clusters/eu/owners.yaml", owners),
        ("apps/a.yaml", config_map("a", "{}")),
    ];
    let cluster = cluster(&files);
    let location = |name| &cluster.kustomizations[&id(name)].location;
    assert_eq!(location("other"), &Location::Elsewhere);
    assert!(matches!(location("again"), Location::Here(_)));
    assert_eq!(location("branch"), &Location::Elsewhere);
    assert_eq!(location("nobody"), &Location::MissingSource);
    let artifacts: Vec<_> = cluster
        .sources
        .values()
        .map(|source| (source.key.to_string(), matches!(source.artifact, Artifact::Here(_))))
        .collect();
    assert_eq!(artifacts.len(), 4, "{artifacts:?}");
}

#[test]
fn objects_of_a_remote_kustomization_stay_out_of_the_cluster() {
    let remote = "  kubeConfig: {secretRef: {name: spoke}}\n  postBuild: {substitute: {NAME: spoke}}\n";
    let files = [
        ("hub/spoke.yaml", kustomization("spoke", "./spoke", remote) + &kustomization("local", "./local", "")),
        ("spoke/a.yaml", config_map("'${NAME}'", "{}") + &kustomization("inner", "./local", "")),
        ("local/b.yaml", config_map("b", "{}")),
    ];
    let options =
        Options { clusters: [("hub".to_owned(), RepoPath::new("hub").unwrap())].into(), ..Options::default() };
    let fleet = clusters(&repo(&files), &options);
    let hub = &fleet.clusters[0];
    assert!(!hub.kustomizations.contains_key(&id("inner")), "it runs in the other cluster");
    let remote: Vec<_> = hub
        .objects()
        .filter(gitops_gen::flux::Object::is_remote)
        .map(|object| object.resource.name().to_owned())
        .collect();
    assert_eq!(remote, ["spoke", "inner"]);
}

#[test]
fn common_metadata_and_target_namespace_reach_every_object() {
    let more = "  targetNamespace: web\n  commonMetadata: {labels: {team: a}}\n  images: [{name: app, newTag: v2}]\n";
    let deployment = "apiVersion: apps/v1\nkind: Deployment\n\
                      metadata: {name: app, labels: {team: b}}\nspec:\n  template:\n    \
                      spec: {containers: [{name: app, image: 'app:v1'}]}\n";
    let files =
        [("clusters/eu/apps.yaml", kustomization("apps", "./apps", more)), ("apps/a.yaml", deployment.to_owned())];
    let cluster = cluster(&files);
    let node = &cluster.kustomizations[&id("apps")].resources[0].node;
    assert_eq!(node.at(&["metadata", "namespace"]).and_then(Node::as_str), Some("web"));
    assert_eq!(node.at(&["metadata", "labels", "team"]).and_then(Node::as_str), Some("a"));
    let containers = node.at(&["spec", "template", "spec"]).unwrap().items("containers");
    assert_eq!(containers[0].get("image").and_then(Node::as_str), Some("app:v2"));
}

#[test]
fn dependencies_come_first_and_a_cycle_ends() {
    let after = |name: &str| format!("  dependsOn: [{{name: {name}}}]\n");
    let owners = kustomization("a", "./a", &after("b"))
        + &kustomization("b", "./b", &after("c"))
        + &kustomization("c", "./c", "");
    let cycle = kustomization("x", "./a", &after("y")) + &kustomization("y", "./b", &after("x"));
    let mut files = vec![("clusters/eu/all.yaml", owners + &cycle)];
    files.extend(["a/a.yaml", "b/a.yaml", "c/a.yaml"].map(|path| (path, config_map("m", "{}"))));
    let cluster = cluster(&files);
    let order: Vec<_> = cluster.kustomizations_in_apply_order().iter().map(|owner| owner.id.name.to_string()).collect();
    assert_eq!(order, ["c", "b", "a", "y", "x"]);
}

#[test]
fn named_clusters_replace_the_layout_and_a_missing_one_is_found() {
    let files = [("clusters/eu/a.yaml", kustomization("a", "./apps", "")), ("apps/a.yaml", config_map("a", "{}"))];
    let path = |text| RepoPath::new(text).unwrap();
    let named = [("one".to_owned(), path("apps")), ("two".to_owned(), path("nope"))].into();
    let fleet = clusters(&repo(&files), &Options { clusters: named, ..Options::default() });
    assert_eq!(names(&fleet), ["one=apps"]);
    assert_eq!(fleet.diagnostics[0].message, "cluster `two` has no directory `nope`");
}

#[path = "flux/corpus.rs"]
mod corpus;
