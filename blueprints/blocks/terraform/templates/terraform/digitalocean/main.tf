# One module for each cluster, so that `-target='module.cluster["NAME"]'` makes or destroys one and leaves the others.
module "cluster" {
  source   = "./cluster"
  for_each = var.clusters

  name        = "${var.system}-${each.key}"
  system      = var.system
  environment = each.value.environment
  region      = each.value.region
  kubernetes  = each.value.kubernetes
  node_pools  = each.value.node_pools
}
