#!/usr/bin/env bash
# Runs every fuzz target for a while: fuzz/run.sh [SECONDS], a minute each by default. Needs cargo-fuzz. Inputs begin with
# the recorded cases where they are at hand; what is found lies in fuzz/artifacts/ and becomes a test.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
recorded=${GITOPS_GEN_CONFORMANCE:-../shared/conformance}
# libFuzzer's instrumentation is a nightly flag; the compiler is the stable one.
export RUSTC_BOOTSTRAP=1

seed() { # target, then files on stdin
  mkdir -p "fuzz/corpus/$1"
  while read -r file; do cp "$file" "fuzz/corpus/$1/$(printf '%s' "$file" | cksum | cut -d' ' -f1)"; done
}
if [ -d "$recorded/kustomize" ]; then
  find "$recorded/kustomize/micro" -name '*.yaml' -size -8k | seed parse
  mkdir -p fuzz/corpus/edit fuzz/corpus/render
  find "$recorded/kustomize/micro" -name '*.yaml' -size -4k | while read -r file; do
    { echo 'v1.2.3'; cat "$file"; } > "fuzz/corpus/edit/$(printf '%s' "$file" | cksum | cut -d' ' -f1)"
  done
fi
for fixture in tests/rules/*/bad; do
  ( cd "$fixture" && find . -type f | sort | while read -r file; do printf '=== %s\n' "${file#./}"; cat "$file"; done ) \
    > "fuzz/corpus/render/$(printf '%s' "$fixture" | cksum | cut -d' ' -f1)"
done
for target in parse render edit; do
  echo "== $target, $seconds seconds"
  cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=16384 \
    -print_final_stats=1 2>&1 | grep -E 'stat::|SUMMARY|ERROR|panicked|Done' || true
  if compgen -G "fuzz/artifacts/$target/*" >/dev/null; then
    echo "$target: see fuzz/artifacts/$target" >&2
    exit 1
  fi
done
