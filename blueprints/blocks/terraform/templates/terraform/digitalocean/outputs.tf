output "cluster_ids" {
  description = "Id of each cluster: `doctl kubernetes cluster kubeconfig save ID`."
  value       = { for name, cluster in module.cluster : name => cluster.id }
}

output "endpoints" {
  description = "Address of each API server."
  value       = { for name, cluster in module.cluster : name => cluster.endpoint }
}
