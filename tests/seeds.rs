//! The defects of repositories that are not at hand, in our own words: each is found on its line.
//!
//! `tests/seeds/analytics` is plain Kubernetes with an autoscaler, an Ingress and a ServiceMonitor that miss each other;
//! `tests/seeds/purchases` is Kafka of an API version that Strimzi no longer has. Neither knows of Flux: the directory itself is
//! the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::text::{RepoPath, read_tree};

/// Returns what is found in `tests/seeds/<name>`, as rule, file and line.
fn found(name: &str) -> BTreeSet<(String, String, usize)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds").join(name);
    let repo = Repo::new(read_tree(&directory).expect("a seed can be read").files);
    let clusters = BTreeMap::from([(name.to_owned(), RepoPath::root())]);
    let findings = rules::validate(&repo, &Options { clusters, ..Options::default() });
    let place = |finding: &gitops_gen::diagnostic::Diagnostic| {
        let span = finding.span()?;
        let path = repo.sources().path(span)?.to_string();
        Some((finding.rule.to_owned(), path, repo.sources().start(span)?.line))
    };
    findings.diagnostics.iter().filter_map(place).collect()
}

fn assert_found(name: &str, expected: &[(&str, &str, usize)]) {
    let found = found(name);
    for (rule, file, line) in expected {
        let wanted = ((*rule).to_owned(), (*file).to_owned(), *line);
        assert!(found.contains(&wanted), "{name}: {wanted:?} is not among {found:#?}");
    }
}

#[test]
fn references_that_miss_each_other_are_found_in_plain_kubernetes() {
    assert_found(
        "analytics",
        &[
            ("password-in-config", "01-base.yaml", 13),
            ("secret-plaintext", "01-base.yaml", 21),
            ("stateful-set-service-missing", "01-base.yaml", 29),
            ("autoscaler-replicas-conflict", "02-gateway.yaml", 7),
            ("backend-port-unknown", "02-gateway.yaml", 64),
            ("monitor-selects-nothing", "03-monitoring.yaml", 8),
        ],
    );
}

#[test]
fn an_api_version_that_the_operator_dropped_and_what_nobody_makes_are_found() {
    assert_found(
        "purchases",
        &[
            ("api-version-not-served", "kafka.yaml", 1),
            ("namespace-missing", "kafka.yaml", 5),
            ("config-map-missing", "api.yaml", 23),
        ],
    );
}
