terraform {
  required_version = ">= 1.9"

  required_providers {
    digitalocean = {
      source  = "digitalocean/digitalocean"
      version = "~> 2.99"
    }
  }

  # The state says what exists, and lies beside these files. Two people need one in common before they share a fleet:
  # https://developer.hashicorp.com/terraform/language/backend
}

# The token is read from DIGITALOCEAN_TOKEN.
provider "digitalocean" {}
