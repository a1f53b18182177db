//! Clusters of one fleet at several providers.

use gitops_gen::flux::{self, Cluster, Options};
use gitops_gen::generate;
use gitops_gen::repo::Repo;
use gitops_gen::text::FileSet;
use gitops_gen::yaml::Dialect;

use crate::{generated, text};

/// Production at DigitalOcean, at EKS and at GKE, staging at GKE alone, and a cluster on this machine.
const CLUSTERS: &str = "organisation: acme\nsystem: shop\ndomain: example.com\nterraform: true\n\
    imageAutomationCluster: fra1\nclusters:\n  \
    fra1: {environment: production, region: fra1, address: 192.0.2.1}\n  \
    aws1: {environment: production, region: eu-central-1, address: 192.0.2.2, provider: eks, storageClass: gp3}\n  \
    gcp1: {environment: production, region: europe-west3, address: 192.0.2.3, provider: gke, storageClass: standard-rwo}\n  \
    test: {environment: staging, region: europe-west3, address: 192.0.2.4, provider: gke, storageClass: standard-rwo}\n  \
    home: {environment: local, region: local, address: 127.0.0.1}\n";

/// The fleet of the blueprint with everything, and these parameters.
fn fleet(parameters: &str) -> FileSet {
    let blueprint = generate::builtin("crypto-analytics").expect("it is built in").expect("it is well-formed");
    let mut answers = blueprint.defaults();
    for text in [CLUSTERS, parameters] {
        blueprint.overlay(&mut answers, generate::parse_parameters(text).expect("they are a mapping"));
    }
    generate::generate(&blueprint, &answers).expect("it generates")
}

/// What stands at `path` of the object in the cluster, as text; empty where there is no such object or nothing there.
fn at(clusters: &[Cluster], cluster: &str, [group, kind, name]: [&'static str; 3], path: &[&str]) -> String {
    let cluster = clusters.iter().find(|one| one.name == cluster).expect("the cluster is there");
    let mut objects = cluster.objects_of(group, kind).filter(|object| object.resource.name() == name);
    let found = objects.next().and_then(|object| object.resource.node.at(path));
    found.map(|node| node.to_json(Dialect::KubernetesV2).to_string()).unwrap_or_default()
}

fn built(files: FileSet) -> Vec<Cluster> {
    flux::clusters(&Repo::new(files), &Options::default()).clusters
}

#[test]
fn each_cluster_has_the_store_the_load_balancer_and_the_volumes_of_its_provider() {
    for provider in ["digitalocean", "eks", "generic"] {
        // The store of secrets and the StorageClass of `fra1` are those of a cluster at DigitalOcean wherever most of them are.
        let fra1 = "fra1: {environment: production, region: fra1, address: 192.0.2.1, provider: digitalocean, storageClass: do-block-storage}";
        let clusters = CLUSTERS.replace("fra1: {environment: production, region: fra1, address: 192.0.2.1}", fra1);
        let clusters = built(fleet(&format!("{clusters}provider: {provider}\nsecrets: external-secrets\n")));
        let store = |cluster| {
            at(&clusters, cluster, ["external-secrets.io", "ClusterSecretStore", "secrets"], &["spec", "provider"])
        };
        assert!(store("fra1").contains("\"mountPath\":\"fra1\""), "{provider}: {}", store("fra1"));
        assert!(store("aws1").contains("\"region\":\"eu-central-1\""), "{provider}: {}", store("aws1"));
        assert!(store("gcp1").contains("gcpsm") && !store("gcp1").contains("vault"), "{provider}: {}", store("gcp1"));
        assert!(store("test").contains("gcpsm"), "{provider}: {}", store("test"));
        let service = |cluster| {
            let way = ["spec", "provider", "kubernetes", "envoyService"];
            at(&clusters, cluster, ["gateway.envoyproxy.io", "EnvoyProxy", "public"], &way)
        };
        assert!(service("fra1").contains("do-loadbalancer-name\":\"fra1-public\""), "{provider}: {}", service("fra1"));
        for elsewhere in ["aws1", "gcp1", "test", "home"] {
            assert!(service(elsewhere).contains("\"type\":"), "{provider}: {}", service(elsewhere));
            assert!(!service(elsewhere).contains("do-loadbalancer"), "{provider}: {}", service(elsewhere));
        }
        let class = |cluster| {
            at(&clusters, cluster, ["postgresql.cnpg.io", "Cluster", "postgres"], &["spec", "storage", "storageClass"])
        };
        let classes = ["fra1", "aws1", "gcp1", "test", "home"].map(class);
        assert_eq!(
            classes,
            ["\"do-block-storage\"", "\"gp3\"", "\"standard-rwo\"", "\"standard-rwo\"", ""],
            "{provider}"
        );
    }
}

#[test]
fn a_metrics_server_is_where_the_provider_brings_none_along() {
    let clusters = built(fleet("{}\n"));
    let version = |cluster| {
        at(
            &clusters,
            cluster,
            ["helm.toolkit.fluxcd.io", "HelmRelease", "metrics-server"],
            &["spec", "chart", "spec", "chart"],
        )
    };
    let there = ["fra1", "aws1", "gcp1", "test", "home"].map(|cluster| !version(cluster).is_empty());
    assert_eq!(there, [true, true, false, false, true]);
    // Where no cluster of an environment wants it, the overlay does not name it.
    let files = fleet("{}\n");
    assert!(!text(&files, "infrastructure/controllers/staging/kustomization.yaml").contains("metrics-server"));
}

#[test]
fn terraform_makes_the_clusters_at_digitalocean_and_no_others() {
    let files = fleet("{}\n");
    let values = text(&files, "terraform/digitalocean/clusters.auto.tfvars");
    assert_eq!(values.matches("environment = ").count(), 1, "{values}");
    assert!(values.contains("\"fra1\" = {"), "{values}");
    let table = text(&files, "scripts/clusters.tsv");
    for row in ["aws1\tproduction\teks\teu-central-1\tmain\taws1\t", "test\tstaging\tgke\teurope-west3\tstage\ttest\t"]
    {
        assert!(table.contains(row), "{table}");
    }
    assert!(text(&files, "README.md").contains("| `aws1` | production, at eks |"));
}

#[test]
fn a_fleet_at_one_provider_has_no_patches_and_no_variable_for_its_volumes() {
    let files = generated("{}\n");
    for path in files.iter().map(|(path, _)| path.as_str()).filter(|path| path.starts_with("clusters/")) {
        let text = text(&files, path);
        assert!(!text.contains("STORAGE_CLASS") && !text.contains("  patches:"), "{path}");
    }
}

#[test]
fn what_a_provider_lacks_is_refused_for_the_cluster_that_is_there() {
    let blueprint = generate::builtin("minimal").expect("it is built in").expect("it is well-formed");
    let refused = |parameters: &str| {
        let mut answers = blueprint.defaults();
        for text in [CLUSTERS, parameters] {
            blueprint.overlay(&mut answers, generate::parse_parameters(text).expect("they are a mapping"));
        }
        generate::generate(&blueprint, &answers).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused("gateway: cilium\n").contains("is there only where DigitalOcean manages it"));
    assert!(refused("dns: external-dns\nprovider: eks\n").contains("which clusters elsewhere do not have"));
    // A token goes wherever the zone is at DigitalOcean.
    assert_eq!(refused("dns: external-dns\n"), "");
}
