//! Real repositories, as other people wrote them.

use std::env;
use std::path::PathBuf;

use gitops_gen::diagnostic::Severity;
use gitops_gen::flux::{Fleet, Location, Options, clusters};
use gitops_gen::repo::Repo;
use gitops_gen::text::read_tree;

use crate::names;

/// Returns a repository of the corpus, or says that the test is skipped.
fn repository(name: &str) -> Option<Repo> {
    let folder = env::var("GITOPS_GEN_CONFORMANCE").unwrap_or_else(|_| "../shared/conformance".to_owned());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join("../corpus").join(name);
    let Ok(outcome) = read_tree(&path) else {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: {} is absent", path.display());
        }
        return None;
    };
    Some(Repo::new(outcome.files))
}

fn errors(fleet: &Fleet) -> Vec<String> {
    let clusters = fleet.clusters.iter();
    let builds = clusters
        .flat_map(|cluster| cluster.root.iter().chain(cluster.kustomizations.values().map(|owner| &owner.build)));
    let findings = builds.flat_map(|build| &build.diagnostics).filter(|finding| finding.severity == Severity::Error);
    findings.map(|finding| finding.message.clone()).collect()
}

/// The clusters of each repository, and why some have none.
const CLUSTERS: &[(&str, &[&str])] = &[
    ("Azure+gitops-flux2-kustomize-helm-mt", &["production=clusters/production", "staging=clusters/staging"]),
    // `deployments/dev` is applied by hand: it holds nothing of Flux.
    ("KarimABOUSSELHAM+real-world-crypto-ml-system", &["prod=deployments/prod"]),
    // `clusters/template` is copied for each new cluster; the other folders of `repos` are repositories of their own.
    ("aws-samples+multi-cluster-gitops", &["mgmt=repos/gitops-system/clusters/mgmt"]),
    // Component repositories: `d2-fleet` deploys them as OCI artifacts.
    ("controlplaneio-fluxcd+d2-apps", &[]),
    ("controlplaneio-fluxcd+d2-infra", &[]),
    (
        "controlplaneio-fluxcd+d2-fleet",
        &["prod-eu=clusters/prod-eu", "prod-us=clusters/prod-us", "staging=clusters/staging", "update=clusters/update"],
    ),
    // `clusters/*` hold what the hub applies to its spokes.
    ("fluxcd+flux2-hub-spoke-example", &["hub=hub"]),
    ("fluxcd+flux2-kustomize-helm-example", &["production=clusters/production", "staging=clusters/staging"]),
    ("fluxcd+flux2-multi-tenancy", &["production=clusters/production", "staging=clusters/staging"]),
    ("mdbdba+DigitalOceanChallenge2021", &["ops=ops"]),
    ("onlinex+recommendation-engine", &["fra1=kubernetes/clusters/fra1"]),
    ("stefanprodan+gitops-istio", &["my-cluster=clusters/my-cluster"]),
];

#[test]
fn the_clusters_of_every_repository_are_found_and_built() {
    for (name, expected) in CLUSTERS {
        let Some(repo) = repository(name) else { return };
        let fleet = clusters(&repo, &Options::default());
        assert_eq!(names(&fleet), *expected, "{name}");
        for cluster in &fleet.clusters {
            assert!(cluster.objects().next().is_some(), "{name}: {} has objects", cluster.name);
        }
    }
}

#[test]
fn the_official_example_resolves_completely() {
    let Some(repo) = repository("fluxcd+flux2-kustomize-helm-example") else { return };
    let fleet = clusters(&repo, &Options::default());
    assert_eq!(errors(&fleet), Vec::<String>::new());
    for cluster in &fleet.clusters {
        for owner in cluster.kustomizations.values() {
            assert!(
                matches!(owner.location, Location::Here(_)),
                "{} of {}: {:?}",
                owner.id,
                cluster.name,
                owner.location
            );
            assert!(!owner.resources.is_empty(), "{} of {}", owner.id, cluster.name);
        }
        // `flux bootstrap` has not run: patches of what it writes prove nothing.
        let root = cluster.root.as_ref().expect("nobody applies the directory yet");
        assert_eq!(root.outside.len(), 2, "{:?}", root.outside);
        assert!(cluster.is_fully_resolved(), "{}: {:?}", cluster.name, cluster.outside);
    }
}
