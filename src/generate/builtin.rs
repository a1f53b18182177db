//! The blueprints that are part of the program.

use crate::generate::blueprint::Blueprint;
use crate::generate::data::FileError;
use crate::text::FileSet;

/// Returns the names of the built-in blueprints.
pub fn builtin_names() -> Vec<&'static str> {
    vec!["crypto-trading"]
}

/// Returns the built-in blueprint `name`; nothing where there is none of that name.
pub fn builtin(name: &str) -> Option<Result<Blueprint, FileError>> {
    let files = match name {
        "crypto-trading" => CRYPTO_TRADING,
        _ => return None,
    };
    Some(Blueprint::from_files(&FileSet::from_texts(files.iter().copied())))
}

/// Every file of `blueprints/crypto-trading` that takes part; a test holds it against the folder.
#[rustfmt::skip]
const CRYPTO_TRADING: &[(&str, &str)] = &[
    ("blueprint.yaml", include_str!("../../blueprints/crypto-trading/blueprint.yaml")),
    ("parameters.schema.json", include_str!("../../blueprints/crypto-trading/parameters.schema.json")),
    ("templates/.sops.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/.sops.yaml.hbs")),
    ("templates/.sourceignore", include_str!("../../blueprints/crypto-trading/templates/.sourceignore")),
    ("templates/README.md.hbs", include_str!("../../blueprints/crypto-trading/templates/README.md.hbs")),
    ("templates/apps/base/candles/access/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/candles/access/kustomization.yaml")),
    ("templates/apps/base/candles/access/networkpolicy.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/candles/access/networkpolicy.yaml")),
    ("templates/apps/base/candles/access/serviceaccount.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/candles/access/serviceaccount.yaml")),
    ("templates/apps/base/candles/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/candles/kustomization.yaml")),
    ("templates/apps/base/candles/workload/deployment.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/base/candles/workload/deployment.yaml.hbs")),
    ("templates/apps/base/candles/workload/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/candles/workload/kustomization.yaml")),
    ("templates/apps/base/kafka-ui/deployment.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/kafka-ui/deployment.yaml")),
    ("templates/apps/base/kafka-ui/httproute.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/kafka-ui/httproute.yaml")),
    ("templates/apps/base/kafka-ui/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/kafka-ui/kustomization.yaml")),
    ("templates/apps/base/kafka-ui/networkpolicy.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/kafka-ui/networkpolicy.yaml")),
    ("templates/apps/base/kafka-ui/service.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/kafka-ui/service.yaml")),
    ("templates/apps/base/kafka-ui/serviceaccount.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/kafka-ui/serviceaccount.yaml")),
    ("templates/apps/base/trades/deployment.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/trades/deployment.yaml")),
    ("templates/apps/base/trades/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/trades/kustomization.yaml")),
    ("templates/apps/base/trades/networkpolicy.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/trades/networkpolicy.yaml")),
    ("templates/apps/base/trades/serviceaccount.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/base/trades/serviceaccount.yaml")),
    ("templates/apps/local/candles/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/local/candles/kustomization.yaml")),
    ("templates/apps/local/kafka-ui/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/local/kafka-ui/kustomization.yaml")),
    ("templates/apps/local/trades/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/local/trades/kustomization.yaml")),
    ("templates/apps/production/candles/canary/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/production/candles/canary/kustomization.yaml.hbs")),
    ("templates/apps/production/candles/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/production/candles/kustomization.yaml")),
    ("templates/apps/production/candles/poddisruptionbudget.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/production/candles/poddisruptionbudget.yaml")),
    ("templates/apps/production/candles/primary/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/production/candles/primary/kustomization.yaml.hbs")),
    ("templates/apps/production/kafka-ui/basic-auth.sops.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/production/kafka-ui/basic-auth.sops.yaml.hbs")),
    ("templates/apps/production/kafka-ui/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/production/kafka-ui/kustomization.yaml")),
    ("templates/apps/production/kafka-ui/securitypolicy.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/production/kafka-ui/securitypolicy.yaml")),
    ("templates/apps/production/trades/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/production/trades/kustomization.yaml.hbs")),
    ("templates/apps/staging/candles/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/staging/candles/kustomization.yaml.hbs")),
    ("templates/apps/staging/kafka-ui/basic-auth.sops.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/staging/kafka-ui/basic-auth.sops.yaml.hbs")),
    ("templates/apps/staging/kafka-ui/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/staging/kafka-ui/kustomization.yaml")),
    ("templates/apps/staging/kafka-ui/securitypolicy.yaml", include_str!("../../blueprints/crypto-trading/templates/apps/staging/kafka-ui/securitypolicy.yaml")),
    ("templates/apps/staging/trades/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/apps/staging/trades/kustomization.yaml.hbs")),
    ("templates/clusters/cluster/apps.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/apps.yaml.hbs")),
    ("templates/clusters/cluster/cluster-vars.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/cluster-vars.yaml.hbs")),
    ("templates/clusters/cluster/flux-system/gotk-components.yaml", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/flux-system/gotk-components.yaml")),
    ("templates/clusters/cluster/flux-system/gotk-sync.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/flux-system/gotk-sync.yaml.hbs")),
    ("templates/clusters/cluster/flux-system/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/flux-system/kustomization.yaml")),
    ("templates/clusters/cluster/image-automation.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/image-automation.yaml.hbs")),
    ("templates/clusters/cluster/infrastructure.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/clusters/cluster/infrastructure.yaml.hbs")),
    ("templates/gitops.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/gitops.yaml.hbs")),
    ("templates/image-automation/automations.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/image-automation/automations.yaml.hbs")),
    ("templates/image-automation/candles.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/image-automation/candles.yaml.hbs")),
    ("templates/image-automation/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/image-automation/kustomization.yaml")),
    ("templates/image-automation/trades.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/image-automation/trades.yaml.hbs")),
    ("templates/infrastructure/configs/base/cluster-issuer.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/base/cluster-issuer.yaml.hbs")),
    ("templates/infrastructure/configs/base/gateway.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/base/gateway.yaml")),
    ("templates/infrastructure/configs/base/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/base/kustomization.yaml")),
    ("templates/infrastructure/configs/base/namespaces.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/base/namespaces.yaml")),
    ("templates/infrastructure/configs/base/network-policies.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/base/network-policies.yaml")),
    ("templates/infrastructure/configs/local/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/local/kustomization.yaml")),
    ("templates/infrastructure/configs/production/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/production/kustomization.yaml.hbs")),
    ("templates/infrastructure/configs/staging/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/infrastructure/configs/staging/kustomization.yaml.hbs")),
    ("templates/infrastructure/controllers/base/cert-manager/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/cert-manager/kustomization.yaml")),
    ("templates/infrastructure/controllers/base/cert-manager/namespace.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/cert-manager/namespace.yaml")),
    ("templates/infrastructure/controllers/base/cert-manager/release.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/cert-manager/release.yaml")),
    ("templates/infrastructure/controllers/base/cert-manager/source.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/cert-manager/source.yaml")),
    ("templates/infrastructure/controllers/base/envoy-gateway/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/envoy-gateway/kustomization.yaml")),
    ("templates/infrastructure/controllers/base/envoy-gateway/namespace.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/envoy-gateway/namespace.yaml")),
    ("templates/infrastructure/controllers/base/envoy-gateway/release.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/envoy-gateway/release.yaml")),
    ("templates/infrastructure/controllers/base/envoy-gateway/source.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/envoy-gateway/source.yaml")),
    ("templates/infrastructure/controllers/base/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/kustomization.yaml")),
    ("templates/infrastructure/controllers/base/strimzi-kafka-operator/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/strimzi-kafka-operator/kustomization.yaml")),
    ("templates/infrastructure/controllers/base/strimzi-kafka-operator/namespace.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/strimzi-kafka-operator/namespace.yaml")),
    ("templates/infrastructure/controllers/base/strimzi-kafka-operator/release.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/strimzi-kafka-operator/release.yaml")),
    ("templates/infrastructure/controllers/base/strimzi-kafka-operator/source.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/base/strimzi-kafka-operator/source.yaml")),
    ("templates/infrastructure/controllers/local/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/local/kustomization.yaml")),
    ("templates/infrastructure/controllers/production/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/production/kustomization.yaml")),
    ("templates/infrastructure/controllers/staging/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/controllers/staging/kustomization.yaml")),
    ("templates/infrastructure/kafka/base/kafka.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/kafka/base/kafka.yaml")),
    ("templates/infrastructure/kafka/base/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/kafka/base/kustomization.yaml")),
    ("templates/infrastructure/kafka/base/topics.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/kafka/base/topics.yaml")),
    ("templates/infrastructure/kafka/local/kustomization.yaml", include_str!("../../blueprints/crypto-trading/templates/infrastructure/kafka/local/kustomization.yaml")),
    ("templates/infrastructure/kafka/production/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/infrastructure/kafka/production/kustomization.yaml.hbs")),
    ("templates/infrastructure/kafka/staging/kustomization.yaml.hbs", include_str!("../../blueprints/crypto-trading/templates/infrastructure/kafka/staging/kustomization.yaml.hbs")),
    ("templates/kind/cluster.yaml", include_str!("../../blueprints/crypto-trading/templates/kind/cluster.yaml")),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::text;

    #[test]
    fn the_table_holds_every_file_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints/crypto-trading");
        let outcome = text::read_tree(&folder).expect("the folder can be read");
        let beside = ["README.md", "parameters.example.yaml"];
        let on_disk: Vec<_> = outcome.files.iter().map(|(path, _)| path.to_string()).collect();
        let mut wanted: Vec<_> = on_disk.iter().map(String::as_str).filter(|path| !beside.contains(path)).collect();
        let mut table: Vec<_> = CRYPTO_TRADING.iter().map(|(path, _)| *path).collect();
        wanted.sort_unstable();
        table.sort_unstable();
        assert_eq!(table, wanted);
    }
}
