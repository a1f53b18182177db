//! What the variables of a cluster say of it: its environment, its region, its domain.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::flux::Cluster;
use crate::generate::import::origin;

/// Returns the environment of `cluster` in the words of parameters: as its variables say, else as is known of it.
pub(super) fn environment(cluster: &Cluster, known: &BTreeMap<String, &'static str>) -> Option<&'static str> {
    const ALL: [&str; 3] = ["production", "staging", "local"];
    let said = variable(cluster, &["CLUSTER_ENV", "ENVIRONMENT"]);
    if let Some(said) = said.and_then(|said| ALL.into_iter().find(|environment| *environment == said)) {
        return Some(said);
    }
    match known.get(&cluster.name).copied() {
        Some("test") => {
            let is_local = ["dev", "kind", "local"].iter().any(|word| cluster.name.contains(word));
            Some(if is_local { "local" } else { "staging" })
        }
        other => other,
    }
}

/// Returns the region of `cluster`: as its variables say, else its name where it looks like one (`fra1`).
pub(super) fn region(cluster: &Cluster) -> Option<String> {
    if let Some(region) = variable(cluster, &["CLUSTER_REGION", "REGION", "region"]) {
        return Some(region.to_owned());
    }
    let (letters, digit) = cluster.name.split_at_checked(3)?;
    let is_region = letters.bytes().all(|letter| letter.is_ascii_lowercase()) && digit.parse::<u8>().is_ok();
    is_region.then(|| cluster.name.clone())
}

/// Returns the domain below which the hosts of `cluster` are.
pub(super) fn domain(cluster: &Cluster) -> Option<&str> {
    variable(cluster, &["CLUSTER_DOMAIN"])
}

/// Returns the StorageClass of `cluster`, where those of clusters differ.
pub(super) fn storage_class(cluster: &Cluster) -> Option<&str> {
    variable(cluster, &["STORAGE_CLASS"])
}

/// Returns the branch that `cluster` follows.
pub(super) fn branch(cluster: &Cluster) -> Option<String> {
    origin::home(cluster)?.at(&["spec", "ref", "branch"])?.as_str().map(str::to_owned)
}

/// Returns the address that a name of nip.io stands for: `203-0-113-10.nip.io`.
pub(super) fn address(domain: &str) -> Option<Ipv4Addr> {
    domain.strip_suffix(".nip.io")?.replace('-', ".").parse().ok()
}

/// Returns what a ConfigMap of `cluster` says under the first of `names` that one has.
fn variable<'a>(cluster: &'a Cluster, names: &[&str]) -> Option<&'a str> {
    cluster.objects_of("", "ConfigMap").find_map(|map| {
        let data = map.resource.node.get("data")?;
        names.iter().find_map(|name| data.get(name)?.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_nip_io_tells_its_address() {
        assert_eq!(address("203-0-113-10.nip.io"), Some(Ipv4Addr::new(203, 0, 113, 10)));
        assert_eq!(address("203.0.113.10.nip.io"), Some(Ipv4Addr::new(203, 0, 113, 10)));
        assert_eq!(address("www.203-0-113-10.nip.io"), None);
        assert_eq!(address("example.com"), None);
    }
}
