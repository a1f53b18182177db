//! Alerts of Prometheus in the chat of Flux.

use gitops_gen::flux::Options;
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;

use crate::{generated, is_there, text};

const ALERTMANAGER: &str = "infrastructure/notifications/base/alertmanager.yaml";

#[test]
fn every_chat_hears_of_alerts_by_its_own_receiver() {
    for (chat, receiver) in [("slack", "slackConfigs"), ("discord", "discordConfigs"), ("msteams", "msteamsv2Configs")]
    {
        for secrets in ["sops", "external-secrets"] {
            let files = generated(&format!("monitoring: prometheus\nalerts: {chat}\nsecrets: {secrets}\n"));
            let config = text(&files, ALERTMANAGER);
            assert!(config.contains(&format!("      {receiver}:\n")), "{config}");
            assert_eq!(config.matches("Configs:\n").count(), 1, "{config}");
            assert!(config.contains("'[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} in ${CLUSTER_NAME}'"));
            let repo = Repo::new(files);
            let findings = rules::validate(&repo, &Options::default());
            assert!(findings.diagnostics.is_empty(), "{chat}: {}", report::text(&findings, &repo, Color::Never));
        }
    }
}

#[test]
fn without_prometheus_or_without_a_chat_there_is_nothing_to_tell() {
    const RELEASE: &str = "infrastructure/controllers/base/kube-prometheus-stack/release.yaml";
    assert!(!is_there(&generated("monitoring: none\nalerts: slack\n"), ALERTMANAGER));
    let silent = generated("monitoring: prometheus\nalerts: none\n");
    assert!(!is_there(&silent, ALERTMANAGER));
    assert!(!text(&silent, RELEASE).contains("alertmanagerConfigMatcherStrategy"));
    let told = generated("monitoring: prometheus\nalerts: slack\n");
    let release = text(&told, RELEASE);
    assert!(release.contains("        alertmanagerConfigMatcherStrategy:\n          type: None\n"), "{release}");
}
