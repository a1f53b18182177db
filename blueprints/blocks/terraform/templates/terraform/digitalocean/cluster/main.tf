terraform {
  required_providers {
    digitalocean = {
      source = "digitalocean/digitalocean"
    }
  }
}

locals {
  tags = [var.system, var.environment]
  # The provider wants one pool inside the cluster; it is replaced with the cluster, the others are not.
  first  = sort(keys(var.node_pools))[0]
  others = { for name, pool in var.node_pools : name => pool if name != local.first }
}

data "digitalocean_kubernetes_versions" "supported" {
  version_prefix = "${var.kubernetes}."
}

# Its addresses are chosen by DigitalOcean, so that no two networks of the account overlap.
resource "digitalocean_vpc" "this" {
  name   = var.name
  region = var.region
}

resource "digitalocean_kubernetes_cluster" "this" {
  name     = var.name
  region   = var.region
  version  = data.digitalocean_kubernetes_versions.supported.latest_version
  vpc_uuid = digitalocean_vpc.this.id
  tags     = local.tags

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
    name       = "${var.name}-${local.first}"
    size       = var.node_pools[local.first].size
    node_count = var.node_pools[local.first].max_count > var.node_pools[local.first].count ? null : var.node_pools[local.first].count
    auto_scale = var.node_pools[local.first].max_count > var.node_pools[local.first].count
    min_nodes  = var.node_pools[local.first].count
    max_nodes  = var.node_pools[local.first].max_count
    tags       = local.tags
    labels     = { environment = var.environment }
  }

  lifecycle {
    # DigitalOcean moves the patch release on; a plan is no place to move it back.
    ignore_changes = [version]
  }
}

resource "digitalocean_kubernetes_node_pool" "others" {
  for_each = local.others

  cluster_id = digitalocean_kubernetes_cluster.this.id
  name       = "${var.name}-${each.key}"
  size       = each.value.size
  node_count = each.value.max_count > each.value.count ? null : each.value.count
  auto_scale = each.value.max_count > each.value.count
  min_nodes  = each.value.count
  max_nodes  = each.value.max_count
  tags       = local.tags
  labels     = { environment = var.environment }
}
