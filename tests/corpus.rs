//! Real repositories, validated: no panic in any directory, and no error that is not known to be true.
//!
//! Reads `$GITOPS_GEN_CONFORMANCE/../corpus` (by default `../shared/corpus`); what is found there and is an error stands
//! in `tests/corpus.md` with its reason.

#![expect(clippy::print_stdout, reason = "what was skipped and how much was seen is for people")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gitops_gen::diagnostic::{Findings, Severity};
use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::text::read_tree;

/// Repositories that their owners keep as examples: every error there is listed one by one.
const EXAMPLES: &[&str] = &[
    "fluxcd+flux2-kustomize-helm-example",
    "fluxcd+flux2-multi-tenancy",
    "fluxcd+flux2-hub-spoke-example",
    "Azure+gitops-flux2-kustomize-helm-mt",
    "controlplaneio-fluxcd+d2-fleet",
    "controlplaneio-fluxcd+d2-infra",
    "controlplaneio-fluxcd+d2-apps",
    "stefanprodan+gitops-istio",
    "aws-samples+multi-cluster-gitops",
];

/// Returns the repositories, or nothing (and says so) where they are not at hand.
fn repositories() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let conformance =
        std::env::var_os("GITOPS_GEN_CONFORMANCE").map_or_else(|| package.join("../shared/conformance"), PathBuf::from);
    let corpus = conformance.join("../corpus");
    let Ok(entries) = std::fs::read_dir(&corpus) else {
        println!("skipped: no corpus at {}", corpus.display());
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of the corpus").path()).collect();
    found.retain(|path| path.is_dir() && !path.ends_with("expected"));
    found.sort();
    found
}

fn name(repository: &Path) -> String {
    repository.file_name().and_then(|name| name.to_str()).expect("a repository has a UTF-8 name").to_owned()
}

fn validate(directory: &Path) -> (Repo, Findings) {
    let repo = Repo::new(read_tree(directory).expect("a corpus directory can be read").files);
    let findings = rules::validate(&repo, &Options::default());
    (repo, findings)
}

/// Returns the errors as lines of `tests/corpus.md` begin: rule and place.
fn errors(repo: &Repo, findings: &Findings) -> BTreeSet<String> {
    let errors = findings.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    errors
        .map(|finding| {
            let span = finding.span().expect("an error has a place");
            let line = repo.sources().start(span).expect("the place exists").line;
            format!("`{}` at `{}:{line}`", finding.rule, repo.sources().path(span).expect("the place has a path"))
        })
        .collect()
}

/// Returns what `tests/corpus.md` lists for `repository`.
fn listed(repository: &str) -> BTreeSet<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus.md"))
        .expect("tests/corpus.md is there");
    let sections = page.split("\n## ").skip(1);
    let section = sections.into_iter().find(|section| section.starts_with(&format!("{repository}\n"))).unwrap_or("");
    let items = section.lines().filter_map(|line| line.strip_prefix("- "));
    items.map(|item| item.split_once(": ").map_or(item, |(place, _)| place).to_owned()).collect()
}

#[test]
fn examples_have_no_error_that_is_not_listed_with_its_reason() {
    for repository in repositories() {
        let name = name(&repository);
        if EXAMPLES.contains(&name.as_str()) {
            let (repo, findings) = validate(&repository);
            assert_eq!(errors(&repo, &findings), listed(&name), "{name}");
        }
    }
}

#[test]
fn the_defects_of_the_seeds_are_found_on_their_lines() {
    // Repository, rule, file: what platform-and-seeds tells of it and these rules decide.
    let known = [
        ("mdbdba+DigitalOceanChallenge2021", "object-two-owners", "operators/strimzi-kafka-operator/ns.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "object-two-owners", "releases/kproducer/ns.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "object-two-owners", "releases/kconsumer/hr.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "flux-api-removed", "ops/flux-system/operators-sync.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "crd-order-unset", "ops/flux-system/releases-sync.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "helm-chart-unpinned", "operators/strimzi-kafka-operator/hr.yaml"),
        ("onlinex+recommendation-engine", "flux-api-removed", "kubernetes/clusters/fra1/apps.yaml"),
        ("onlinex+recommendation-engine", "flux-api-removed", "kubernetes/clusters/fra1/container-registry.yaml"),
        ("onlinex+recommendation-engine", "flux-api-removed", "kubernetes/infrastructure/ingress-helm-release.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "kafka-needs-zookeeper", "releases/kafka-cluster/kafka.yaml"),
        ("mdbdba+DigitalOceanChallenge2021", "kafka-version-unsupported", "releases/kafka-cluster/kafka.yaml"),
        ("onlinex+recommendation-engine", "component-retired", "kubernetes/infrastructure/ingress-helm-repo.yaml"),
        ("onlinex+recommendation-engine", "container-without-memory-limit", "kubernetes/apps/gateway.yaml"),
        ("onlinex+recommendation-engine", "readiness-probe-missing", "kubernetes/apps/gateway.yaml"),
        (
            "KarimABOUSSELHAM+real-world-crypto-ml-system",
            "kafka-listener-public",
            "deployments/prod/kafka/kafka-c6c8.yaml",
        ),
        ("KarimABOUSSELHAM+real-world-crypto-ml-system", "kafka-topic-unknown", "deployments/prod/trades/trades.yaml"),
        (
            "KarimABOUSSELHAM+real-world-crypto-ml-system",
            "kafka-consumers-above-partitions",
            "deployments/prod/candles/candles.yaml",
        ),
        (
            "KarimABOUSSELHAM+real-world-crypto-ml-system",
            "component-retired",
            "deployments/prod/kafka/kafka-ui-all-in-one.yaml",
        ),
        (
            "KarimABOUSSELHAM+real-world-crypto-ml-system",
            "image-tag-mutable",
            "deployments/prod/kafka/kafka-ui-all-in-one.yaml",
        ),
        ("KarimABOUSSELHAM+real-world-crypto-ml-system", "namespace-missing", "deployments/prod/candles/candles.yaml"),
        (
            "KarimABOUSSELHAM+real-world-crypto-ml-system",
            "secret-missing",
            "deployments/prod/kafka/kafka-ui-ingress.yaml",
        ),
        (
            "KarimABOUSSELHAM+real-world-crypto-ml-system",
            "api-version-not-served",
            "deployments/prod/kafka/kafka-c6c8.yaml",
        ),
    ];
    for repository in repositories() {
        let name = name(&repository);
        let (repo, findings) = validate(&repository);
        for (_, rule, file) in known.iter().filter(|(of, _, _)| *of == name) {
            let is_it = |path: &str| path == *file;
            let found = findings.diagnostics.iter().any(|finding| {
                let path = finding.span().and_then(|span| repo.sources().path(span));
                finding.rule == *rule && path.is_some_and(|path| is_it(path.as_str()))
            });
            assert!(found, "{name}: {rule} in {file}");
        }
    }
}

#[test]
fn every_directory_of_every_repository_ends_without_a_panic() {
    let mut directories = 0;
    for repository in repositories() {
        let mut open = vec![repository];
        while let Some(directory) = open.pop() {
            let (repo, findings) = validate(&directory);
            directories += 1;
            for finding in &findings.diagnostics {
                for label in &finding.labels {
                    assert!(repo.sources().slice(label.span).is_some(), "{}: {}", directory.display(), finding.message);
                }
            }
            let below = std::fs::read_dir(&directory)
                .expect("a corpus directory can be read")
                .map(|entry| entry.expect("an entry of the corpus").path());
            open.extend(below.filter(|path| path.is_dir() && !path.is_symlink() && !path.ends_with(".git")));
        }
    }
    println!("validated {directories} directories");
}
