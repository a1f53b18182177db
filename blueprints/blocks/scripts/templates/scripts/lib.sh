# shellcheck shell=bash disable=SC2034 # the variables are for those who source this
# What up.sh and down.sh share: the fleet, the tools, and the proof that a context is the cluster that is meant.
#
# Every call names its context: the current one of the kubeconfig is never used and never changed.

# shellcheck source=scripts/fleet.sh
. scripts/fleet.sh

readonly fleet_table=scripts/clusters.tsv
readonly kustomizations=kustomizations.kustomize.toolkit.fluxcd.io
readonly gateways=gateways.gateway.networking.k8s.io
readonly httproutes=httproutes.gateway.networking.k8s.io
readonly wait_timeout=${WAIT_TIMEOUT:-15m}
# Where `sops` itself looks for the private key.
readonly age_key_file=${SOPS_AGE_KEY_FILE:-${XDG_CONFIG_HOME:-${HOME:-}/.config}/sops/age/keys.txt}

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n== %s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}
# Something is not as it has to be, and nothing was done.
refuse() {
  say "refused: $*"
  exit 2
}

kube() { kubectl --context "$context" "$@"; }
on_flux() { flux --context "$context" "$@"; }

# Prints the names of the clusters that $1 stands for: `all` is every one that is not on this machine, `local` the first
# that is.
clusters_named() {
  local found
  case $1 in
    all) found=$(awk -F '\t' '!/^#/ && NF && $2 != "local" { print $1 }' "$fleet_table") ;;
    *)
      found=$(awk -F '\t' -v name="$1" '!/^#/ && $1 == name { print $1 }' "$fleet_table")
      if [ -z "$found" ] && [ "$1" = local ]; then
        found=$(awk -F '\t' '!/^#/ && $2 == "local" { print $1; exit }' "$fleet_table")
      fi
      ;;
  esac
  if [ -z "$found" ]; then
    refuse "there is no cluster \`$1\`: the fleet has $(awk -F '\t' '!/^#/ && NF { printf "%s%s", sep, $1; sep = ", " }' "$fleet_table")"
  fi
  printf '%s\n' "$found"
}

# Sets `names` to the clusters that $1 stands for.
name_clusters() {
  names=$(clusters_named "$1")
  case $names in
    *[[:space:]]*) [ -z "${KUBE_CONTEXT:-}" ] || refuse "KUBE_CONTEXT names one context, and these are several clusters" ;;
  esac
}

# Does `preflight` for each of `names`, then $1 for each: all is known of all before the first is touched.
for_each_cluster() {
  local todo cluster
  for todo in preflight "$1"; do
    for cluster in $names; do
      load_cluster "$cluster"
      "$todo"
    done
  done
}

# Sets the variables of cluster $1.
# shellcheck disable=SC2034
load_cluster() {
  IFS=$'\t' read -r name environment provider region branch context components address \
    < <(awk -F '\t' -v name="$1" '!/^#/ && $1 == name' "$fleet_table")
  context=${KUBE_CONTEXT:-$context}
}

# Whether the clusters of this provider are made by terraform.
is_terraformed() { [ "$provider" = digitalocean ] && [ -n "$terraform_directory" ]; }

# Whether version $1 is $2 or later.
version_at_least() {
  awk -v have="$1" -v want="$2" 'BEGIN {
    split(have, h, "."); split(want, w, ".")
    for (i = 1; i <= 3; i++) { if (h[i] + 0 > w[i] + 0) exit 0; if (h[i] + 0 < w[i] + 0) exit 1 }
  }'
}

# Prints the first version in what a tool says of itself.
version_in() { sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9]*\(\.[0-9][0-9]*\)*\).*/\1/p' | awk 'NR == 1'; }

# Refuses where tool $1 is missing, or older than $2; the rest of the arguments print its version.
need() {
  local tool=$1 wanted=$2 have
  shift 2
  command -v "$tool" >/dev/null || refuse "\`$tool\` is not installed"
  [ $# -gt 0 ] || return 0
  have=$("$tool" "$@" 2>/dev/null | version_in) || true
  [ -n "$have" ] || refuse "\`$tool $*\` prints no version"
  version_at_least "$have" "$wanted" || refuse "\`$tool\` is $have, $wanted or later is needed"
}

# Refuses where a tool that cluster $name needs is missing or too old.
need_tools() {
  need kubectl 0
  need tsort 0
  case $provider in kind) need kind 0.33.0 version ;; esac
  if is_terraformed; then
    need terraform 1.9.0 version
    need doctl 0
    [ -n "${DIGITALOCEAN_TOKEN:-}" ] || refuse "DIGITALOCEAN_TOKEN is not set: terraform and doctl need it"
  fi
  need flux 2.0.0 --version
  if [ "$bootstrap" = flux-operator ]; then need helm 3.8.0 version --short; fi
}

# The `flux` of this machine brings the controllers: it has to be of the release that gitops.yaml names.
need_flux_release() {
  local wanted have
  wanted=$(sed -n 's/^flux: *"\{0,1\}\([0-9]*\.[0-9]*\).*/\1/p' "${to_root}gitops.yaml")
  have=$(flux --version | version_in)
  case "$have." in
    "$wanted."*) ;;
    *) refuse "\`flux\` is $have, gitops.yaml says $wanted" ;;
  esac
}

# doctl reads its token from another variable than terraform.
digitalocean() { DIGITALOCEAN_ACCESS_TOKEN=$DIGITALOCEAN_TOKEN doctl "$@"; }

# Whether cluster $name is there at all; where nobody here makes it, its context says so.
is_made() {
  local found wanted=$name
  if [ "$provider" = kind ]; then
    found=$(kind get clusters 2>/dev/null) || die "kind cannot list its clusters: is the container runtime running?"
  elif is_terraformed; then
    found=$(digitalocean kubernetes cluster list --format Name --no-header) || die "doctl cannot list the clusters"
    wanted=$system-$name
  else
    found=$(kubectl config get-contexts --output name) wanted=$context
  fi
  printf '%s\n' "$found" | grep -Fqx -- "$wanted"
}

# Whether the cluster has the object that the arguments of `kubectl get` name. A cluster that does not answer is no answer.
has() {
  local found
  found=$(kube get "$@" --ignore-not-found --output name) || die "the cluster of context \`$context\` does not answer"
  [ -n "$found" ]
}

has_crd() { has customresourcedefinition "$1"; }

# Refuses unless the context is the cluster $name: its nodes are of the provider and the region, and a Flux that runs
# there applies this directory of this repository.
check_context() {
  local nodes wanted regions path url
  kubectl config get-contexts --output name | grep -Fqx -- "$context" ||
    refuse "the kubeconfig has no context \`$context\`: fetch it from your provider, or name yours in KUBE_CONTEXT"
  nodes=$(kube get nodes --output jsonpath='{.items[*].spec.providerID}') ||
    refuse "the cluster of context \`$context\` does not answer"
  case $provider in
    kind) wanted="kind://*/$name/" ;;
    digitalocean) wanted='digitalocean://' ;;
    eks) wanted='aws://' ;;
    gke) wanted='gce://' ;;
    *) wanted='' ;;
  esac
  # shellcheck disable=SC2254 # a pattern on purpose: between `kind://` and the name stands the container runtime
  case $nodes in
    $wanted*) ;;
    *) refuse "context \`$context\` is not cluster \`$name\`: its nodes are \`${nodes%% *}\`, not \`$wanted\`" ;;
  esac
  if [ "$provider" = digitalocean ]; then
    regions=$(kube get nodes --output jsonpath='{.items[*].metadata.labels.topology\.kubernetes\.io/region}')
    case " $regions " in
      *" $region "*) ;;
      *) refuse "context \`$context\` is not cluster \`$name\`: its nodes are in \`${regions%% *}\`, not in \`$region\`" ;;
    esac
  fi
  has_crd "$kustomizations" || return 0
  path=$(kube get "$kustomizations" flux-system --namespace flux-system --ignore-not-found --output jsonpath='{.spec.path}')
  path=${path#./}
  if [ -n "$path" ] && [ "${path%/}" != "${prefix}clusters/$name" ]; then
    refuse "context \`$context\` is not cluster \`$name\`: Flux applies \`$path\` there"
  fi
  url=$(kube get gitrepositories.source.toolkit.fluxcd.io flux-system --namespace flux-system --ignore-not-found \
    --output jsonpath='{.spec.url}')
  if [ -n "$url" ] && [ "$url" != "$git_url" ]; then
    refuse "context \`$context\` belongs to another fleet: Flux follows \`$url\` there"
  fi
}

# Prints the Kustomizations of Flux, each after those that it depends on, without the root of them all.
layers_in_order() {
  kube get "$kustomizations" --namespace flux-system \
    --output jsonpath='{range .items[*]}{.metadata.name}{" "}{.spec.dependsOn[*].name}{"\n"}{end}' |
    awk '{ print $1, $1; for (i = 2; i <= NF; i++) print $i, $1 }' | tsort | sed '/^flux-system$/d'
}

reversed() { awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }'; }
