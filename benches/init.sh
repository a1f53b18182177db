#!/usr/bin/env bash
# Measures `gitops-gen init` of five clusters and ten apps, validated and written: CPU seconds (user + system), the median of
# RUNS. Set TMPDIR to a directory in memory (/dev/shm) to leave out what the file system costs.
#
# usage: benches/init.sh [RUNS] [PROGRAM...]   programs take turns, so that both have the same neighbours
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-11}
programs=("${@:2}")
if [ "${#programs[@]}" -eq 0 ]; then
  cargo build --release --quiet --bin gitops-gen
  programs=(target/release/gitops-gen)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for ((run = 0; run < runs; run++)); do
  for program in "${programs[@]}"; do
    # A new directory each time: to remove one just before would cost what comes next.
    /usr/bin/time -f '%U %S' -a -o "$work/spent.${program//\//_}" \
      "$program" init "$work/$RANDOM.$run" --blueprint recommendation --parameters benches/init.yaml --yes 2>/dev/null
  done
done
for program in "${programs[@]}"; do
  awk '{ print $1 + $2 }' "$work/spent.${program//\//_}" | sort -n |
    awk -v what="$program" '{ all[NR] = $1 }
      END { printf "%-40s median %.2fs, %.2f to %.2fs\n", what, all[int((NR + 1) / 2)], all[1], all[NR] }'
done
