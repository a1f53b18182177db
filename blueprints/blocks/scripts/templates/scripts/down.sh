#!/usr/bin/env bash
# Takes a cluster of this fleet down, in the order that leaves no load balancer and no volume behind: apps, then data,
# then gateways, then controllers, then Flux, then the cluster itself. After a failure, run it again: what is gone is gone.
#
#   scripts/down.sh <cluster|local|all> [--yes] [--keep-data | --delete-data]
#
#   local           the cluster on this machine        all   every other one
#   --yes           do not ask for the name of the cluster, nor before terraform destroys
#   --keep-data     volumes stay with the provider (a kind cluster holds its data in itself, and stays with it)
#   --delete-data   volumes are deleted; without either the question is asked
#
# Environment: KUBE_CONTEXT, DIGITALOCEAN_TOKEN (with terraform), WAIT_TIMEOUT (15m) for one layer, GONE_TIMEOUT (seconds, 600).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

readonly gone_timeout=${GONE_TIMEOUT:-600} poll_seconds=${POLL_SECONDS:-5}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' scripts/down.sh >&2
  exit 2
}

confirm() {
  local answer=''
  if [ -n "$approve" ]; then return; fi
  [ -t 0 ] || refuse "nobody is here to confirm: --yes confirms, and --keep-data or --delete-data says what happens to volumes"
  read -r -p "Type \`$1\` to take it down: " answer
  [ "$answer" = "$1" ] || refuse "that is not \`$1\`"
}

claims() {
  kube get persistentvolumeclaims --all-namespaces \
    --output jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}'
}

volumes() { kube get persistentvolumes --output jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}'; }

# Load balancers that somebody pays for; with `$1`, only those that match this selector.
load_balancers() {
  kube get services --all-namespaces ${1:+--selector "$1"} \
    --output jsonpath='{range .items[?(@.spec.type=="LoadBalancer")]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}'
}

# Asks what becomes of the data of this cluster, before anything is touched.
decide_on_data() {
  local held answer=$data_wanted
  held=$(claims && volumes)
  [ -n "$held" ] || return 0
  if [ -z "$answer" ]; then
    say "$name holds data in these claims and volumes:"
    printf '%s\n' "$held" | sed 's/^/  /' >&2
    [ -t 0 ] || refuse "say what becomes of it: --keep-data or --delete-data"
    read -r -p "Type \`delete\` to delete it, \`keep\` to keep it: " answer
  fi
  case $answer in
    delete | keep) decisions="$decisions $name:$answer " ;;
    *) refuse "that is neither" ;;
  esac
}

# Whether it was decided to keep, or to delete ($1), the data of this cluster; neither where it holds none.
is_decided() { case $decisions in *" $name:$1 "*) return 0 ;; *) return 1 ;; esac; }

# Everything that can be known before something is deleted. Sets `is_there`.
preflight() {
  step "$name: preflight"
  need_tools
  if is_made; then
    if is_terraformed; then
      digitalocean kubernetes cluster kubeconfig save "$system-$name" --set-current-context=false
    fi
    check_context
    decide_on_data
    say "context \`$context\` is \`$name\`"
  else
    # One whose context is missing may well run, and cost: only where we make clusters do we know that there is none.
    is_terraformed || [ "$provider" = kind ] || check_context
    say "there is no such cluster"
  fi
}

# Volumes go or stay as was decided, whatever their StorageClass says: operators delete claims of their own.
settle_volumes() {
  if is_decided keep; then
    step "$name: volumes stay"
    set_reclaim_policy Retain
    kube get persistentvolumes --output custom-columns='VOLUME:.metadata.name,CLAIM:.spec.claimRef.name,HANDLE:.spec.csi.volumeHandle' >&2
  elif is_decided delete; then
    set_reclaim_policy Delete
  fi
}

set_reclaim_policy() {
  local policy=$1 volume held
  held=$(volumes)
  for volume in $held; do
    kube patch persistentvolume "$volume" --type=merge --patch "{\"spec\":{\"persistentVolumeReclaimPolicy\":\"$policy\"}}" >/dev/null
  done
}

# Deletes one Kustomization of Flux with all that it applied, and waits until that is gone.
delete_layer() {
  say "deleting $1"
  has "$kustomizations/$1" --namespace flux-system || return 0
  # A suspended one would leave everything where it is.
  kube patch "$kustomizations/$1" --namespace flux-system --type=merge \
    --patch '{"spec":{"suspend":false,"deletionPolicy":"WaitForTermination"}}' >/dev/null
  kube delete "$kustomizations/$1" --namespace flux-system --timeout="$wait_timeout" >/dev/null ||
    die "$1 does not go from $name: \`kubectl --context $context -n flux-system describe kustomization $1\` says why. Then run this again"
}

is_infrastructure() { case $1 in infra-*) return 0 ;; *) return 1 ;; esac; }

# Waits until the command prints nothing. $1 is what is waited for.
wait_until_gone() {
  local what=$1 left deadline=$((SECONDS + gone_timeout))
  shift
  left=$("$@")
  while [ -n "$left" ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "$left"
      die "these $what are still there on $name, and cost money. Delete them, then run this again"
    fi
    sleep "$poll_seconds"
    left=$("$@")
  done
}

delete_apps_and_data_services() {
  local layer layers
  step "$name: apps, then what they depend on"
  # Nothing may come back: the root would make the layers again, an automation would write to Git.
  if has "$kustomizations/flux-system" --namespace flux-system; then on_flux suspend kustomization flux-system; fi
  layers=$(layers_in_order | reversed)
  for layer in $layers; do
    if ! is_infrastructure "$layer"; then delete_layer "$layer"; fi
  done
}

delete_data() {
  is_decided delete || return 0
  step "$name: data"
  kube delete persistentvolumeclaims --all --all-namespaces --timeout="$wait_timeout" >/dev/null
  wait_until_gone volumes volumes
}

delete_infrastructure() {
  local layer layers
  step "$name: gateways and load balancers, then controllers"
  layers=$(layers_in_order | reversed)
  for layer in $layers; do
    if is_infrastructure "$layer" && [ "$layer" != infra-controllers ]; then delete_layer "$layer"; fi
  done
  if has_crd "$gateways"; then kube delete "$gateways" --all --all-namespaces --timeout="$wait_timeout" >/dev/null; fi
  # Those of charts go with their controllers; the others need them to be cleaned up.
  wait_until_gone "load balancers" load_balancers '!helm.toolkit.fluxcd.io/name'
  delete_layer infra-controllers
}

uninstall_flux() {
  step "$name: Flux"
  if [ "$bootstrap" = flux-operator ]; then
    kube delete fluxinstance flux --namespace flux-system --ignore-not-found --timeout="$wait_timeout"
    helm uninstall flux-operator --namespace flux-system --kube-context "$context" --ignore-not-found --wait
    return
  fi
  on_flux uninstall --silent
}

destroy_cluster() {
  if [ "$provider" = kind ]; then
    if is_decided keep; then
      say "the kind cluster \`$name\` stays: it holds the data"
      return
    fi
    step "$name: kind"
    kind delete cluster --name "$name"
  elif is_terraformed; then
    step "$name: terraform"
    terraform -chdir="$terraform_directory" init -input=false
    terraform -chdir="$terraform_directory" destroy ${approve:+"$approve"} "-target=module.cluster[\"$name\"]"
  else
    say "the cluster itself stays: who made it can delete it"
  fi
}

down() {
  if is_made; then
    settle_volumes
    if has_crd "$kustomizations"; then delete_apps_and_data_services; fi
    delete_data
    if has_crd "$kustomizations"; then delete_infrastructure; fi
    wait_until_gone "load balancers" load_balancers
    if has_crd "$kustomizations"; then uninstall_flux; fi
  elif [ "$provider" = kind ]; then
    return
  fi
  destroy_cluster
  step "$name: is down"
}

approve='' data_wanted='' wanted=''
for argument in "$@"; do
  case $argument in
    --yes) approve=-auto-approve ;;
    --keep-data | --delete-data)
      [ -z "$data_wanted" ] || usage
      data_wanted=${argument#--}
      data_wanted=${data_wanted%-data}
      ;;
    -*) usage ;;
    *) [ -z "$wanted" ] || usage; wanted=$argument ;;
  esac
done
[ -n "$wanted" ] || usage
name_clusters "$wanted"
if [ "$wanted" = all ]; then confirm "$system"; else confirm "$names"; fi
decisions=''
for_each_cluster down
