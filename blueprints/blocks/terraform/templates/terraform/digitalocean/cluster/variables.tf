variable "name" {
  description = "Name of the cluster and of its network."
  type        = string
}

variable "system" {
  description = "Name of the fleet, a tag of everything in it."
  type        = string
}

variable "environment" {
  description = "Environment, a tag of the cluster and its nodes."
  type        = string
}

variable "region" {
  description = "Region of the provider."
  type        = string
}

variable "kubernetes" {
  description = "Minor release of Kubernetes, such as 1.36; the newest patch of it is taken."
  type        = string
}

variable "node_pools" {
  description = "Node pools by name; the first by name comes with the cluster. They scale where max_count is above count."
  type = map(object({
    size      = string
    count     = number
    max_count = number
  }))
}
