variable "system" {
  description = "Name of the fleet: the first part of the name of each cluster and network."
  type        = string
}

variable "clusters" {
  description = "Clusters by name. Each has its own network and its own nodes: production shares none with the others."
  type = map(object({
    environment = string
    region      = string
    kubernetes  = string
    node_pools = map(object({
      size      = string
      count     = number
      max_count = number
    }))
  }))

  validation {
    condition     = alltrue([for cluster in var.clusters : length(cluster.node_pools) > 0])
    error_message = "A cluster needs at least one node pool."
  }
}
