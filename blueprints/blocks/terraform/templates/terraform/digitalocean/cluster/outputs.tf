output "id" {
  description = "Id of the cluster."
  value       = digitalocean_kubernetes_cluster.this.id
}

output "endpoint" {
  description = "Address of the API server."
  value       = digitalocean_kubernetes_cluster.this.endpoint
}
