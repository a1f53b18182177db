#!/usr/bin/env bash
# Measures `gitops-gen kustomize` beside `kubectl kustomize` on the 180 overlays of the bench fleet, and `validate` on
# all of it. Prints CPU seconds (user + system of the processes) and their ratio; the outputs have to be the same bytes.
#
# usage: benches/peers.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
command -v kubectl >/dev/null || { echo "kubectl is missing: nothing to compare with" >&2; exit 2; }

cargo build --release --quiet --bin gitops-gen
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo run --release --quiet --example fleet -- "$work/fleet"
ours=$PWD/target/release/gitops-gen
cd "$work/fleet"
overlays=$(ls -d apps/fra1/* apps/nyc1/* apps/sgp1/*)

# cpu COMMAND...: CPU seconds of the command and its children.
cpu() {
  local TIMEFORMAT='%U %S' spent
  spent=$({ time "$@" >/dev/null 2>&1; } 2>&1)
  awk '{ printf "%.3f", $1 + $2 }' <<<"$spent"
}
each_with_kubectl() { for overlay in $overlays; do kubectl kustomize "$overlay"; done; }
each_with_ours() { for overlay in $overlays; do "$ours" kustomize --root . "$overlay"; done; }

for overlay in $overlays; do
  # What is compared has to be equal, or the figures mean nothing.
  cmp <(kubectl kustomize "$overlay") <("$ours" kustomize --root . "$overlay")
done

printf '%-6s %20s %22s %8s %22s %8s\n' round 'kubectl kustomize' 'gitops-gen kustomize' ratio 'gitops-gen validate' ratio
for round in $(seq "$rounds"); do
  theirs=$(cpu each_with_kubectl)
  mine=$(cpu each_with_ours)
  whole=$(cpu "$ours" validate .)
  awk -v r="$round" -v t="$theirs" -v m="$mine" -v w="$whole" \
    'BEGIN { printf "%-6s %18ss %20ss %8.2f %20ss %8.2f\n", r, t, m, m / t, w, w / t }'
done
echo "CPU seconds for $(wc -w <<<"$overlays") overlays, a process each; validate builds, substitutes and checks all of them in one."
