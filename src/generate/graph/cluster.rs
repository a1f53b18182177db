//! What is derived for clusters and environments.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::generate::graph::model::{Cluster, Environment, Fleet, Provider};

/// Returns what is derived for the cluster `name`.
pub(super) fn derived(fleet: &Fleet, name: &str, cluster: &Cluster) -> Value {
    let is_local = cluster.is_local();
    let domain = match &cluster.domain {
        Some(domain) => domain.clone(),
        // The address of the load balancer as a name: nip.io resolves it, no zone needed.
        None if fleet.domain == "nip.io" || is_local => format!("{}.nip.io", cluster.address.replace('.', "-")),
        None => format!("{name}.{}", fleet.domain),
    };
    json!({
        "name": name,
        "provider": cluster.provider(fleet).to_string(),
        "isElsewhere": !is_local && cluster.provider(fleet) != fleet.provider,
        "storageClass": cluster.storage_class(fleet),
        "branch": cluster.branch.as_ref().or_else(|| fleet.branches.get(&cluster.environment)),
        "hostDomain": domain,
        "isAutomation": fleet.image_automation_cluster == name,
        "isLocal": is_local,
        "isProduction": cluster.environment == Environment::Production,
    })
}

/// Returns what is derived from the places that the clusters run at, those on this machine aside:
///
/// - `providers`: each of them;
/// - `storageClass`: the StorageClass of volumes, a variable of the clusters where theirs differ;
/// - `storageClassVaries`: whether they do;
/// - `environmentsWithoutMetrics`: those with a cluster that brings no metrics-server along, local ones included.
pub(super) fn providers(fleet: &Fleet) -> Value {
    let remote = || fleet.clusters.values().filter(|cluster| !cluster.is_local());
    let providers: BTreeSet<_> = remote().map(|cluster| cluster.provider(fleet).to_string()).collect();
    let without_metrics = fleet.clusters.values().filter(|cluster| cluster.provider(fleet) != Provider::Gke);
    let without_metrics: BTreeSet<_> = without_metrics.map(|cluster| cluster.environment.to_string()).collect();
    let mut derived = json!({
        "providers": providers,
        "storageClassVaries": false,
        "environmentsWithoutMetrics": without_metrics,
    });
    let classes: BTreeSet<_> = remote().map(|cluster| cluster.storage_class(fleet)).collect();
    match classes.first() {
        Some(only) if classes.len() == 1 => derived["storageClass"] = Value::from(*only),
        Some(_) if fleet.has_volumes() => {
            derived["storageClass"] = Value::from("${STORAGE_CLASS}");
            derived["storageClassVaries"] = Value::from(true);
        }
        _ => {}
    }
    derived
}

/// Returns the environments that clusters have.
pub(super) fn environments(fleet: &Fleet) -> Vec<Environment> {
    let mut environments: Vec<_> = fleet.clusters.values().map(|cluster| cluster.environment).collect();
    environments.sort_unstable();
    environments.dedup();
    environments
}

/// Returns what is derived for `environment`, without its apps.
pub(super) fn environment(fleet: &Fleet, environment: Environment) -> Value {
    let clusters = fleet.clusters.iter().filter(|(_, cluster)| cluster.environment == environment);
    json!({
        "name": environment.to_string(),
        "branch": fleet.branches.get(&environment),
        "clusters": clusters.map(|(name, _)| name).collect::<Vec<_>>(),
        "isProduction": environment == Environment::Production,
        "isStaging": environment == Environment::Staging,
        "isLocal": environment == Environment::Local,
    })
}

/// Returns where public routes are attached; without a gateway the names are null.
pub(super) fn gateway(fleet: &Fleet) -> Value {
    let (namespace, class, is_gateway_api) = match fleet.gateway.as_str() {
        "envoy" => ("envoy-gateway-system", "envoy", true),
        "cilium" => ("gateway-system", "cilium", true),
        "ingress-nginx" => ("ingress-nginx", "nginx", false),
        _ => return json!({"name": null, "namespace": null, "className": null, "isGatewayApi": false}),
    };
    json!({"name": "public", "namespace": namespace, "className": class, "isGatewayApi": is_gateway_api})
}
