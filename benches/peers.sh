#!/usr/bin/env bash
# Measures `gitops-gen` beside `kubectl kustomize` and, where it is installed, kubeconform: CPU seconds (user + system of the
# processes), peak memory, and how often ours fits into theirs. What kustomize prints has to be the same bytes.
# docs/performance.md holds its last output.
#
# usage: benches/peers.sh [OVERLAYS]   overlays of the fleet that kubectl builds too, of 180; it takes 0.2 s for each
set -euo pipefail
cd "$(dirname "$0")/.."
sample=${1:-60}
command -v kubectl >/dev/null || { echo "kubectl is missing: nothing to compare with" >&2; exit 2; }

cargo build --release --quiet --bin gitops-gen --example fleet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target/release/examples/fleet "$work/fleet"
ours=$PWD/target/release/gitops-gen
example=$PWD/target/release/examples/fleet
cd "$work"

# measure COMMAND...: CPU seconds and peak memory in MiB of the command and its children. Findings are no failure: 1 is fine.
measure() {
  local status=0
  /usr/bin/time --quiet -f '%U %S %M' -o spent "$@" >/dev/null 2>&1 || status=$?
  [ "$status" -le 1 ] || { echo "$* ended with $status" >&2; return 1; }
  awk '{ printf "%.3f %.1f", $1 + $2, $3 / 1024 }' spent
}

# repeat TIMES COMMAND...: CPU seconds of one run; the clock of a single one is too coarse. `measure` says whether it works.
repeat() {
  local times=$1 spent TIMEFORMAT='%U %S'
  shift
  spent=$({ time for ((run = 0; run < times; run++)); do "$@" >/dev/null 2>&1; done; } 2>&1)
  awk -v n="$times" '{ printf "%.4f", ($1 + $2) / n }' <<<"$spent"
}

# same DIRECTORY: what is compared has to be equal, or the figures mean nothing.
same() { cmp <(kubectl kustomize "$1" 2>/dev/null) <("$ours" kustomize --root "${2:-$1}" "$1"); }

row() { awk -v what="$1" -v t="$2" -v tm="$3" -v m="$4" -v mm="$5" \
  'BEGIN { printf "%-44s %9.3fs %7.1f MB %9.4fs %7.1f MB %6.0fx\n", what, t, tm, m, mm, t / m }'; }

# beside WHAT TIMES DIRECTORY: one row for a directory that is its own repository.
beside() {
  same "$3"
  theirs=$(measure kubectl kustomize "$3")
  mine=$(measure "$ours" kustomize --root "$3" "$3")
  row "$1" "${theirs% *}" "${theirs#* }" "$(repeat "$2" "$ours" kustomize --root "$3" "$3")" "${mine#* }"
}

# One Deployment with one patch.
mkdir one
cp fleet/apps/base/app-00/deployment.yaml fleet/apps/fra1/app-00/replicas.yaml one
printf '%s\n' 'resources: [deployment.yaml]' 'patches: [{path: replicas.yaml}]' >one/kustomization.yaml

# 3400 Deployments (3.5 MB), and definitions with long schemas (3.5 MB), with a patch of each object.
patch='[{"op": "add", "path": "/metadata/annotations", "value": {"fleet.example.com/cluster": "fra1"}}]'
mkdir objects definitions
awk '{ text = text $0 "\n" } END {
  for (number = 10000; number < 13400; number++) {
    copy = text
    gsub("app-00", "app-" number, copy)
    printf "---\n%s", copy
  }
}' one/deployment.yaml >objects/all.yaml
awk 'BEGIN {
  for (number = 10; number < 30; number++) {
    printf "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w%ds.example.com}\n", number
    printf "spec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: W%d, plural: w%ds}\n  versions:\n", number, number
    print "  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:"
    for (field = 0; field < 550; field++) {
      printf "          field%d:\n            type: object\n            description: |-\n", field
      print "              The desired state of this part as its controller observes it, which falls back to a default"
      print "              where nothing is written; changing it rolls the pods that use it, one after the other.\n            properties:"
      print "              value:\n                type: string"
    }
  }
}' >definitions/all.yaml
printf '%s\n' 'resources: [all.yaml]' "patches: [{target: {name: .*}, patch: '$patch'}]" |
  tee objects/kustomization.yaml >definitions/kustomization.yaml

cd fleet
overlays=$(ls -d apps/fra1/* apps/nyc1/* apps/sgp1/*)
compared=$(head -n "$sample" <<<"$overlays")
for overlay in $compared; do same "$overlay" .; done
each_with_kubectl() { for overlay in $compared; do kubectl kustomize "$overlay"; done; }
each_with_ours() { for overlay in $overlays; do "$ours" kustomize --root . "$overlay"; done; }
scale=$(awk -v n="$(wc -w <<<"$overlays")" -v s="$(wc -w <<<"$compared")" 'BEGIN { print n / s }')
theirs=$(awk -v t="$(repeat 1 each_with_kubectl)" -v s="$scale" 'BEGIN { print t * s }')
first=${overlays%%$'\n'*}
theirs_one=$(measure kubectl kustomize "$first")
mine_one=$(measure "$ours" kustomize --root . "$first")
whole=$(measure "$ours" validate .)

printf '%-44s %10s %10s %10s %10s %7s\n' '' 'kubectl' 'peak' 'gitops-gen' 'peak' 'ratio'
row '180 overlays, a process each' "$theirs" "${theirs_one#* }" "$(repeat 1 each_with_ours)" "${mine_one#* }"
row 'the whole fleet: validate, every rule' "$theirs" "${theirs_one#* }" "$(repeat 5 "$ours" validate .)" "${whole#* }"
cd ..
beside 'one Deployment with one patch' 50 one
beside "20 definitions, $(wc -c <definitions/all.yaml) bytes" 5 definitions
beside "3400 Deployments, $(wc -c <objects/all.yaml) bytes" 3 objects

# Ten thousand manifests of fifty kinds, schemas and every rule. kubeconform, where it is there, checks schemas alone, file by
# file, and the same ones: ours, written to a directory.
"$example" kinds --kinds 10000
mine=$(measure "$ours" validate kinds)
if command -v kubeconform >/dev/null; then
  "$example" schemas --schemas
  location='schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'
  kubeconform=(kubeconform -ignore-missing-schemas -schema-location "$location" -summary kinds/parts)
  theirs=$(measure "${kubeconform[@]}")
  row '10,000 manifests of 50 kinds (kubeconform)' "${theirs% *}" "${theirs#* }" "${mine% *}" "${mine#* }"
  "${kubeconform[@]}" | tail -1
else
  printf '%-44s %10s %10s %9.4fs %7.1f MB\n' '10,000 manifests of 50 kinds' '' '' "${mine% *}" "${mine#* }"
fi
echo "kubectl built $(wc -w <<<"$compared") of the 180 overlays; its time for all is in proportion."
