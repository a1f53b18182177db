# Copied beside the Terraform of a generated fleet by scripts/terraform.sh: nothing is asked of DigitalOcean, nothing is made. RELEASE is what the fleet asks for.
mock_provider "digitalocean" {
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
