//! Backups of PostgreSQL: what is there with a bucket, and where it is not.

use gitops_gen::flux::Options;
use gitops_gen::generate::{self, GenerateError};
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;

use crate::{PARAMETERS, generated, is_there, text};

const BACKUPS: &str = "postgres: {enabled: true, backups: {bucket: shop-backups}}\n";
const SPACES: &str = "postgres: {enabled: true, backups: {bucket: b.x, endpoint: 'https://fra1.digitaloceanspaces.com', \
                      schedule: '0 30 2 * * 1-5', retention: 2w}}\n";

#[test]
fn a_fleet_with_backups_has_no_finding_whatever_else_it_has() {
    for backups in [BACKUPS, SPACES] {
        for others in
            ["{}\n", "secrets: external-secrets\n", "quotas: true\nmesh: linkerd\n", "gateway: none\napps: {}\n"]
        {
            let files = generated(&format!("{}{backups}", others.trim_start_matches("{}\n")));
            let repo = Repo::new(files);
            let findings = rules::validate(&repo, &Options::default());
            assert!(findings.diagnostics.is_empty(), "{others}{}", report::text(&findings, &repo, Color::Never));
        }
    }
}

#[test]
fn clusters_that_lose_data_archive_it_each_in_its_own_path() {
    let files = generated(BACKUPS);
    let store = text(&files, "infrastructure/postgres-backups/base/object-store.yaml");
    assert!(store.contains("destinationPath: \"s3://shop-backups/${CLUSTER_NAME}\"\n"), "{store}");
    assert!(store.contains("retentionPolicy: 30d\n") && !store.contains("endpointURL"), "{store}");
    for environment in ["production", "staging"] {
        let overlay = text(&files, &format!("infrastructure/postgres/{environment}/kustomization.yaml"));
        assert!(overlay.contains("barmanObjectName: postgres\n"), "{overlay}");
        let schedule = text(&files, &format!("infrastructure/postgres/{environment}/scheduled-backup.yaml"));
        assert!(schedule.contains("schedule: \"0 0 3 * * *\"\n"), "{schedule}");
    }
    // A local cluster has no bucket and no plugin.
    let local = text(&files, "infrastructure/postgres/local/kustomization.yaml");
    assert!(!local.contains("barman"), "{local}");
    assert!(!is_there(&files, "infrastructure/postgres/local/scheduled-backup.yaml"));
    assert!(!is_there(&files, "infrastructure/postgres-backups/local/kustomization.yaml"));
    let spaces = generated(SPACES);
    let store = text(&spaces, "infrastructure/postgres-backups/base/object-store.yaml");
    assert!(store.contains("endpointURL: https://fra1.digitaloceanspaces.com\n"), "{store}");
    assert!(store.contains("AWS_REQUEST_CHECKSUM_CALCULATION"), "{store}");
}

#[test]
fn the_page_on_recovery_tells_how_to_restore() {
    let page = generated(BACKUPS);
    let page = text(&page, "docs/recovery.md");
    assert!(page.contains("s3://shop-backups/CLUSTER") && page.contains("serverName: postgres-2"), "{page}");
    let without = generated("postgres: {enabled: true}\n");
    let page = text(&without, "docs/recovery.md");
    assert!(page.contains("--set postgres.backups.bucket=NAME"), "{page}");
    assert!(!is_there(&without, "infrastructure/postgres-backups/base/object-store.yaml"));
}

#[test]
fn a_bucket_that_is_none_is_refused() {
    for (backups, told) in [
        ("{}", "bucket"),
        ("{bucket: S3}", "a name of a bucket"),
        ("{bucket: shop, retention: forever}", "a number of days, weeks or months"),
        ("{bucket: shop, schedule: '0 3 * * *'}", "six fields of cron"),
    ] {
        let blueprint = generate::builtin("minimal").expect("it is built in").expect("it is well-formed");
        let mut answers = blueprint.defaults();
        let postgres = format!("postgres: {{enabled: true, backups: {backups}}}\n");
        for text in [PARAMETERS, &postgres] {
            blueprint.overlay(&mut answers, generate::parse_parameters(text).expect("they are a mapping"));
        }
        let said = match generate::generate(&blueprint, &answers) {
            Err(GenerateError::Parameters(problems)) => problems.iter().map(ToString::to_string).collect::<String>(),
            other => panic!("{backups}: {other:?}"),
        };
        assert!(said.contains(told), "{backups}: {said}");
    }
}
