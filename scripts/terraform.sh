#!/usr/bin/env bash
# What Terraform says of what `gitops-gen init` writes for it: it is formatted, valid, and with DigitalOcean mocked it plans what the fleet
# asks for. Each blueprint is tried, whose scripts/clusters.tsv says which clusters there are, and each fleet of tests/terraform/*.yaml,
# beside which stands what is planned.
#
#   scripts/terraform.sh [GITOPS-GEN]               by default target/debug/gitops-gen
#   SNAPSHOTS=overwrite scripts/terraform.sh        writes tests/terraform/*.txt: read them
#
# Takes terraform or tofu, whichever there is; TERRAFORM says which. The provider is downloaded once. What is not there is skipped, and
# said so.
set -euo pipefail
cd "$(dirname "$0")/.."

gitops_gen=$PWD/${1:-target/debug/gitops-gen}
tests=$PWD/tests/terraform
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TF_PLUGIN_CACHE_DIR=$scratch/plugins TF_IN_AUTOMATION=true TF_INPUT=false CHECKPOINT_DISABLE=true
mkdir "$TF_PLUGIN_CACHE_DIR"

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

terraform=${TERRAFORM:-$(command -v terraform || command -v tofu || true)}
if [ -z "$terraform" ]; then
  echo "skipped: neither terraform nor tofu is installed"
  exit
fi
"$terraform" version | sed -n 1p

# plan DIRECTORY: makes the Terraform of this directory ready and prints what it plans; 3 where the provider cannot be had.
plan() {
  local log=$scratch/log release
  release=$(sed -n 's/^ *kubernetes *= "\(.*\)"$/\1/p' "$1/clusters.auto.tfvars" | sort --unique)
  sed "s/RELEASE/$release/" "$tests/plan.tftest.hcl" >"$1/plan.tftest.hcl"
  if ! "$terraform" -chdir="$1" init -backend=false -no-color >"$log" 2>&1; then
    # A version that no provider has is our mistake, a registry that is out of reach is not.
    if grep -qE 'could not connect|failed to request discovery document|dial tcp' "$log"; then return 3; fi
    die "$(cat "$log")"
  fi
  "$terraform" -chdir="$1" validate -no-color >"$log" 2>&1 || die "$(cat "$log")"
  "$terraform" -chdir="$1" test -no-color >"$log" 2>&1 || die "$(cat "$log")"
  "$terraform" -chdir="$1" test -json -verbose | python3 "$tests/planned.py"
}

# check NAME EXPECTED ARGUMENTS...: the fleet of these arguments of `init` plans what the function EXPECTED finds right.
check() {
  local name=$1 expected=$2 fleet=$scratch/$1 directory planned status=0
  "$gitops_gen" init --yes "${@:3}" "$fleet" 2>"$scratch/log" || die "$name: $(cat "$scratch/log")"
  directory=$(find "$fleet" -type d -path '*/terraform/digitalocean')
  [ -n "$directory" ] || die "$name: has no Terraform"
  "$terraform" fmt -check -recursive -diff "$directory" || die "$name: is not formatted"
  planned=$(plan "$directory") || status=$?
  case $status in
    0) ;;
    3)
      echo "skipped: the provider cannot be downloaded; the format of $name is right"
      return
      ;;
    *) die "$name: is not planned" ;;
  esac
  "$expected" "$name" "$planned" || die "$name: is planned otherwise"
  echo "$name: $(wc -l <<<"$planned") resources and pools"
}

# A network and a cluster for each context that the scripts of the fleet know at DigitalOcean, `do-REGION-NAME`.
as_in_scripts() {
  local contexts kind
  contexts=$(awk -F '\t' '$3 == "digitalocean" { print $6 }' "$scratch/$1/scripts/clusters.tsv" | sort)
  [ -n "$contexts" ] || die "$1: has no cluster at DigitalOcean"
  for kind in network cluster; do
    diff <(printf '%s\n' "$contexts") <(sed -nE "s/^$kind (\S+) in ([a-z0-9]+):.*/do-\2-\1/p" <<<"$2" | sort) || return 1
  done
}

as_recorded() {
  if [ "${SNAPSHOTS:-}" = overwrite ]; then printf '%s\n' "$2" >"$tests/$1.txt"; fi
  diff "$tests/$1.txt" <(printf '%s\n' "$2")
}

for blueprint in blueprints/*/blueprint.yaml; do
  name=$(basename "$(dirname "$blueprint")")
  check "$name" as_in_scripts --blueprint "$name" --provider digitalocean --set terraform=true
done
for fleet in "$tests"/*.yaml; do
  check "$(basename "$fleet" .yaml)" as_recorded --blueprint minimal --parameters "$fleet"
done
