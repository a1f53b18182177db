# Copied beside the Terraform of a generated fleet by scripts/terraform.sh: nothing is asked of DigitalOcean, nothing is made.
# RELEASE is the Kubernetes that the fleet asks for.
mock_provider "digitalocean" {
  # OpenTofu plans with it what Terraform leaves open until something is made.
  mock_resource "digitalocean_vpc" {
    defaults = {
      ip_range = "of DigitalOcean's choice"
    }
  }

  mock_data "digitalocean_kubernetes_versions" {
    defaults = {
      latest_version = "RELEASE.2-do.0"
      valid_versions = ["RELEASE.2-do.0"]
    }
  }
}

run "plan" {
  command = plan
}
