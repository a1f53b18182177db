//! The clusters: where each one is, what it follows, and what its public names end in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::flux::Cluster;
use crate::generate::import::environment::{address, branch, domain, environment, region, storage_class};
use crate::generate::import::images::Image;
use crate::generate::import::{Parameters, Reader, set, terraform};
use crate::yaml::Node;

/// Domain whose names are addresses.
const NIP_IO: &str = "nip.io";

/// The table of clusters that the scripts of a generated repository read.
const TABLE: &str = "scripts/clusters.tsv";

/// One line of [`TABLE`].
struct Row<'a> {
    provider: &'a str,
    address: &'a str,
}

impl Reader<'_> {
    /// Reads the clusters, the branches of their environments, their domain and who runs them.
    pub(super) fn cluster_parameters(&mut self, parameters: &mut Parameters) {
        let known = self.environments;
        let branches = self.branches();
        let rows = rows(self.file(parameters, TABLE).unwrap_or_default());
        let terraform = self.file(parameters, "terraform/digitalocean/clusters.auto.tfvars").map(terraform::clusters);
        let base = self.domain();
        let mut clusters = Map::new();
        for cluster in self.clusters.clone() {
            let environment = environment(cluster, known);
            let mut fields = Map::new();
            match environment {
                Some(environment) => set(&mut fields, "environment", environment),
                None => self.leave(None, format!("nothing tells the environment of cluster `{}`", cluster.name)),
            }
            if let Some(own) = branch(cluster).filter(|own| environment.and_then(|it| branches.get(it)) != Some(own)) {
                set(&mut fields, "branch", own);
            }
            match region(cluster) {
                Some(region) => set(&mut fields, "region", region),
                None => self.leave(None, format!("nothing tells the region of cluster `{}`", cluster.name)),
            }
            if let Some(class) = storage_class(cluster) {
                set(&mut fields, "storageClass", class);
            }
            self.place(cluster, base.as_deref(), rows.get(cluster.name.as_str()), &mut fields);
            match terraform.as_ref().and_then(|made| made.get(&cluster.name)) {
                Some(made) => fields.extend(made.clone()),
                None if environment == Some("local") => {}
                None => self.leave(
                    None,
                    format!(
                        "nothing tells the nodes of cluster `{0}` and its release of Kubernetes: clusters.{0}.nodePools, kubernetes",
                        cluster.name
                    ),
                ),
            }
            clusters.insert(cluster.name.clone(), Value::Object(fields));
        }
        self.local_nodes(parameters, &mut clusters);
        if !branches.is_empty() {
            set(parameters, "branches", json!(branches));
        }
        match base {
            Some(base) => set(parameters, "domain", base),
            None => self.leave(None, "nothing tells the domain that the public hosts have in common: domain"),
        }
        providers(&rows, &mut clusters, parameters);
        set(parameters, "clusters", Value::Object(clusters));
        set(parameters, "terraform", terraform.is_some());
    }

    /// Reads the address and the domain of `cluster`.
    fn place(&mut self, cluster: &Cluster, base: Option<&str>, row: Option<&Row<'_>>, fields: &mut Parameters) {
        let own = domain(cluster);
        let of_name = own.and_then(address).map(|address| address.to_string());
        match of_name.or_else(|| row.map(|row| row.address.to_owned())) {
            Some(address) => set(fields, "address", address),
            None => self.leave(
                None,
                format!(
                    "the address of the load balancer is known to the cluster alone: clusters.{}.address",
                    cluster.name
                ),
            ),
        }
        let is_local = fields.get("environment").and_then(Value::as_str) == Some("local");
        let Some(own) = own else { return };
        let is_derived = match address(own) {
            Some(_) => is_local || base == Some(NIP_IO),
            None => !is_local && base.is_some_and(|base| own == format!("{}.{base}", cluster.name)),
        };
        if !is_derived {
            set(fields, "domain", own);
        }
    }

    /// Returns what the domains of all clusters but the local ones have in common.
    fn domain(&self) -> Option<String> {
        let known = self.environments;
        let public = self.clusters.iter().filter(|cluster| environment(cluster, known) != Some("local"));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut is_named = false;
        for (cluster, domain) in public.filter_map(|cluster| Some((cluster, domain(cluster)?))) {
            is_named = true;
            let base = match address(domain) {
                Some(_) => Some(NIP_IO),
                None => domain.strip_prefix(cluster.name.as_str()).and_then(|rest| rest.strip_prefix('.')),
            };
            *counts.entry(base.unwrap_or_default()).or_default() += 1;
        }
        counts.remove("");
        let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(base, _)| base.to_owned());
        let is_all_local = self.clusters.iter().all(|cluster| environment(cluster, known) == Some("local"));
        most.or_else(|| (is_all_local && !is_named).then(|| NIP_IO.to_owned()))
    }

    /// Returns the branch of each environment, that of its first cluster.
    fn branches(&self) -> BTreeMap<&'static str, String> {
        let mut branches = BTreeMap::new();
        for cluster in &self.clusters {
            if let (Some(environment), Some(branch)) = (environment(cluster, self.environments), branch(cluster)) {
                branches.entry(environment).or_insert(branch);
            }
        }
        branches
    }

    /// Reads how many workers the cluster of kind has that is made on a machine, and its Kubernetes.
    fn local_nodes(&self, parameters: &Parameters, clusters: &mut Map<String, Value>) {
        let is_local = |cluster: &&&Cluster| environment(cluster, self.environments) == Some("local");
        let (Some(kind), Some(local)) =
            (self.document(parameters, "kind/cluster.yaml"), self.clusters.iter().find(is_local))
        else {
            return;
        };
        let is_worker = |node: &&Node| node.get("role").and_then(Node::as_str) == Some("worker");
        let count = kind.items("nodes").iter().filter(is_worker).count();
        let image = kind.items("nodes").first().and_then(|node| node.get("image")?.as_str());
        let tag = image.and_then(|image| Image::of(image).tag);
        let Some(Value::Object(fields)) = clusters.get_mut(&local.name) else { return };
        if let Some((minor, _)) = tag.and_then(|tag| tag.trim_start_matches('v').rsplit_once('.')) {
            set(fields, "kubernetes", minor);
        }
        if count > 0 {
            set(fields, "nodePools", json!({"workers": {"count": count}}));
        }
    }
}

/// Reads who runs the clusters that are not local, those apart who are not where most are.
fn providers(rows: &BTreeMap<&str, Row<'_>>, clusters: &mut Map<String, Value>, parameters: &mut Parameters) {
    let is_local = |fields: &Value| fields.get("environment").and_then(Value::as_str) == Some("local");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in clusters.iter().filter(|(_, fields)| !is_local(fields)) {
        if let Some(row) = rows.get(name.as_str()) {
            *counts.entry(row.provider).or_default() += 1;
        }
    }
    let Some((most, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else { return };
    set(parameters, "provider", most);
    for (name, fields) in clusters.iter_mut() {
        let usual = if is_local(fields) { "kind" } else { most };
        let own = rows.get(name.as_str()).map(|row| row.provider).filter(|own| *own != usual);
        if let (Some(own), Some(fields)) = (own, fields.as_object_mut()) {
            set(fields, "provider", own);
        }
    }
}

/// Returns the lines of the table by the name of their cluster; its header names the columns.
fn rows(text: &str) -> BTreeMap<&str, Row<'_>> {
    let header = text.lines().rfind(|line| line.starts_with("# cluster\t"));
    let columns: Vec<&str> = header.unwrap_or_default().trim_start_matches("# ").split('\t').collect();
    let column = |wanted: &str| columns.iter().position(|name| *name == wanted);
    let (Some(provider), Some(address)) = (column("provider"), column("address")) else { return BTreeMap::new() };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = lines.filter_map(|line| {
        let values: Vec<&str> = line.split('\t').collect();
        Some((*values.first()?, Row { provider: values.get(provider)?, address: values.get(address)? }))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_by_the_names_of_its_columns() {
        let table = "# A line.\n# cluster\tenvironment\tprovider\taddress\nfra1\tproduction\tgke\t192.0.2.1\n";
        let rows = rows(table);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows["fra1"].provider, rows["fra1"].address), ("gke", "192.0.2.1"));
        assert!(super::rows("fra1\tproduction\n").is_empty());
    }
}
