terraform {
  required_providers {
    digitalocean = {
      source = "digitalocean/digitalocean"
    }
  }
}

locals {
  tags = [var.system, var.environment]
  # A pool has a number of nodes, or bounds between which it scales. The API answers 0 for bounds that are not used, so that
  # a pool with both would be changed by every plan.
  pools = { for name, pool in var.node_pools : name => {
    name       = "${var.name}-${name}"
    size       = pool.size
    auto_scale = pool.max_count > pool.count
    node_count = pool.max_count > pool.count ? null : pool.count
    min_nodes  = pool.max_count > pool.count ? pool.count : null
    max_nodes  = pool.max_count > pool.count ? pool.max_count : null
  } }
  # The provider wants one pool inside the cluster; the others come and go without it.
  first  = local.pools[sort(keys(local.pools))[0]]
  others = { for name, pool in local.pools : name => pool if pool != local.first }
}

data "digitalocean_kubernetes_versions" "supported" {
  version_prefix = "${var.kubernetes}."
}

# Its addresses are chosen by DigitalOcean, so that no two networks of the account overlap.
resource "digitalocean_vpc" "this" {
  name   = var.name
  region = var.region

  # Nodes of a deleted cluster are members for some minutes more, and the provider would give up after two.
  timeouts {
    delete = "10m"
  }
}

resource "digitalocean_kubernetes_cluster" "this" {
  name     = var.name
  region   = var.region
  vpc_uuid = digitalocean_vpc.this.id
  tags     = local.tags

  # A release that is withdrawn has no latest patch: the clusters that run it must still be planned, and destroyed.
  version = coalesce(data.digitalocean_kubernetes_versions.supported.latest_version, var.kubernetes)
  # Patches come by themselves, in the maintenance window, with a spare node so that pods have somewhere to go.
  auto_upgrade  = true
  surge_upgrade = true
  ha            = var.environment == "production"
  # Load balancers and volumes are Kubernetes' to delete: scripts/down.sh waits for it, and may be told to keep volumes.
  destroy_all_associated_resources = false

  maintenance_policy {
    day        = "sunday"
    start_time = "04:00"
  }

  node_pool {
    name       = local.first.name
    size       = local.first.size
    auto_scale = local.first.auto_scale
    node_count = local.first.node_count
    min_nodes  = local.first.min_nodes
    max_nodes  = local.first.max_nodes
    tags       = local.tags
    labels     = { environment = var.environment }
  }

  lifecycle {
    # DigitalOcean moves the patch release on; a plan is no place to move it back. Another size of the pool inside would replace
    # the cluster with all that it holds: see the check below.
    ignore_changes = [version, node_pool[0].size]
  }
}

check "kubernetes_release" {
  assert {
    condition     = length(data.digitalocean_kubernetes_versions.supported.valid_versions) > 0
    error_message = "DigitalOcean makes no new clusters with Kubernetes ${var.kubernetes}: `doctl kubernetes options versions` lists what it has."
  }

  assert {
    condition     = startswith("${digitalocean_kubernetes_cluster.this.version}.", "${var.kubernetes}.")
    error_message = "${var.name} runs Kubernetes ${digitalocean_kubernetes_cluster.this.version}, not ${var.kubernetes}: `doctl kubernetes cluster upgrade` raises it, a plan does not."
  }
}

check "size_of_the_first_pool" {
  assert {
    condition     = digitalocean_kubernetes_cluster.this.node_pool[0].size == local.first.size
    error_message = "The first pool of ${var.name} by name comes with the cluster and keeps its size: add a pool with a name that sorts after it."
  }
}

resource "digitalocean_kubernetes_node_pool" "others" {
  for_each = local.others

  cluster_id = digitalocean_kubernetes_cluster.this.id
  name       = each.value.name
  size       = each.value.size
  auto_scale = each.value.auto_scale
  node_count = each.value.node_count
  min_nodes  = each.value.min_nodes
  max_nodes  = each.value.max_nodes
  tags       = local.tags
  labels     = { environment = var.environment }
}
