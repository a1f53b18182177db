#!/usr/bin/env bash
# Starts a cluster of this fleet, or goes on where the last run stopped: every step looks first whether it is done.
#
#   scripts/up.sh <cluster|local|all> [--yes]
#
#   local   the cluster on this machine        all   every other one
#   --yes   do not ask before terraform makes what costs money
#
# Environment: KUBE_CONTEXT (another name of the context), SOPS_AGE_KEY_FILE (the private age key), GIT_KEY_FILE (an SSH
# key that may read the repository, and write where images are automated; without it `flux bootstrap` makes one and asks),
# DIGITALOCEAN_TOKEN (with terraform), WAIT_TIMEOUT (15m).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' scripts/up.sh >&2
  exit 2
}

# Everything that can be known before something is made.
preflight() {
  step "$name: preflight"
  need_tools
  need_flux_release
  need git 0
  git ls-remote --exit-code --heads "$git_url" "refs/heads/$branch" >/dev/null ||
    refuse "\`$git_url\` has no branch \`$branch\`, or it cannot be read: push this repository first"
  if has_secrets; then
    check_age_key
    check_placeholders
  fi
  if ! is_terraformed && [ "$provider" != kind ]; then check_context; fi
  say "tools, branch \`$branch\` and keys are there"
}

# Prints the encrypted files that this cluster may apply: those of other environments and clusters are left out.
encrypted_files() {
  find . -path ./.git -prune -o -name '*.sops.yaml' -print |
    awk -F / -v name="$name" -v mine="$environment" '
      { other = $2 == "clusters" && $3 != name }
      { for (i = 2; i < NF; i++) if ($2 != "clusters" && $i ~ /^(production|staging|local)$/ && $i != mine) other = 1 }
      !other'
}

has_secrets() {
  local found
  found=$(encrypted_files)
  [ -n "$found" ]
}

# What was generated in the place of a secret cannot be decrypted: its layer would never be ready.
check_placeholders() {
  local file
  encrypted_files | while IFS= read -r file; do
    ! grep -Fq 'data:cmVwbGFjZSBtZQ==,' "$file" ||
      refuse "$file is a placeholder still: write the secret there, then \`sops encrypt --in-place $file\`"
  done
}

# The private key has to be the other half of what .sops.yaml encrypts for, or Flux could decrypt nothing.
check_age_key() {
  local public
  need age-keygen 0
  [ -r "$age_key_file" ] ||
    refuse "there is no age key at \`$age_key_file\`: make one with \`age-keygen\`, or name yours in SOPS_AGE_KEY_FILE"
  public=$(age-keygen -y "$age_key_file") || refuse "\`$age_key_file\` holds no age key"
  printf '%s\n' "$public" | grep -Fqf - "${to_root}.sops.yaml" ||
    refuse "\`$age_key_file\` does not fit .sops.yaml: put its public half there, and encrypt the secrets for it"
}

make_cluster() {
  if [ "$provider" = kind ]; then
    if is_made; then return; fi
    step "$name: kind"
    kind create cluster --name "$name" --config kind/cluster.yaml --wait 5m
  elif is_terraformed; then
    step "$name: terraform"
    terraform -chdir="$terraform_directory" init -input=false
    # One cluster of the fleet; terraform shows what it will make, and asks unless --yes was given.
    terraform -chdir="$terraform_directory" apply ${approve:+"$approve"} "-target=module.cluster[\"$name\"]"
    digitalocean kubernetes cluster kubeconfig save "$system-$name" --set-current-context=false
  fi
}

make_secrets() {
  step "$name: namespace and keys"
  has namespace flux-system || kube create namespace flux-system
  has_secrets || return 0
  # The key goes from file to cluster; it is printed nowhere.
  kube create secret generic sops-age --namespace flux-system --from-file=age.agekey="$age_key_file" \
    --dry-run=client --output yaml | kube apply --server-side --force-conflicts --filename - >/dev/null
  say "Secret flux-system/sops-age"
}

bootstrap_by_cli() {
  set -- bootstrap git --url="$git_url" --branch="$branch" --path="${prefix}clusters/$name"
  if [ "$components" != - ]; then set -- "$@" --components-extra="$components"; fi
  if [ -n "${GIT_KEY_FILE:-}" ]; then set -- "$@" --private-key-file="$GIT_KEY_FILE" --silent; fi
  on_flux "$@"
}

bootstrap_by_operator() {
  if ! has secret flux-system --namespace flux-system; then
    [ -n "${GIT_KEY_FILE:-}" ] || refuse "GIT_KEY_FILE is not set: Flux needs an SSH key that may read \`$git_url\`"
    on_flux create secret git flux-system --url="$git_url" --private-key-file="$GIT_KEY_FILE"
  fi
  helm upgrade flux-operator oci://ghcr.io/controlplaneio-fluxcd/charts/flux-operator --install --version 0.58.1 \
    --namespace flux-system --kube-context "$context" --wait
  kube apply --server-side --force-conflicts --filename "clusters/$name/flux-system/flux-instance.yaml"
  kube wait fluxinstance/flux --namespace flux-system --for=condition=Ready --timeout="$wait_timeout"
}

# Waits for one Kustomization of Flux; where it does not get there, says what Flux says.
wait_for() {
  say "waiting for $1"
  if kube wait "$kustomizations/$1" --namespace flux-system --for=condition=Ready --timeout="$wait_timeout" >/dev/null; then
    return
  fi
  say "$(kube get "$kustomizations/$1" --namespace flux-system \
    --output jsonpath='{.status.conditions[?(@.type=="Ready")].message}')"
  die "Kustomization $1 is not ready on $name. When it is repaired, run this again: it goes on from here"
}

wait_for_layers() {
  local layer layers
  step "$name: layers, in the order of their dependencies"
  wait_for flux-system
  layers=$(layers_in_order)
  for layer in $layers; do wait_for "$layer"; done
}

print_urls() {
  local found
  step "$name: is up"
  if has_crd "$httproutes"; then
    kube get "$httproutes" --all-namespaces \
      --output jsonpath='{range .items[*]}{range .spec.hostnames[*]}{@}{"\n"}{end}{end}' | sort -u | sed -n 's|^..*$|https://&/|p'
  fi
  kube get ingresses --all-namespaces --output jsonpath='{range .items[*]}{range .spec.rules[*]}{.host}{"\n"}{end}{end}' |
    sort -u | sed -n 's|^..*$|https://&/|p'
  if [ "$provider" = kind ] || ! has_crd "$gateways"; then return 0; fi
  found=$(kube get "$gateways" --all-namespaces --output jsonpath='{.items[*].status.addresses[0].value}')
  case " $found " in
    *" $address "* | "  ") ;;
    *) say "the load balancer has the address ${found%% *}: write it into gitops.yaml (clusters.$name.address, now $address), run \`gitops-gen update\`, commit and push" ;;
  esac
}

up() {
  make_cluster
  check_context
  step "$name: nodes"
  kube wait node --all --for=condition=Ready --timeout="$wait_timeout" >/dev/null
  make_secrets
  step "$name: Flux"
  if [ "$bootstrap" = flux-operator ]; then bootstrap_by_operator; else bootstrap_by_cli; fi
  wait_for_layers
  print_urls
}

approve='' wanted=''
for argument in "$@"; do
  case $argument in
    --yes) approve=-auto-approve ;;
    -*) usage ;;
    *) [ -z "$wanted" ] || usage; wanted=$argument ;;
  esac
done
[ -n "$wanted" ] || usage
name_clusters "$wanted"
for_each_cluster up
