#!/usr/bin/env bash
# Builds mutants of recorded kustomizations and of real repositories beside `kubectl kustomize`:
# fuzz/differential.sh [COUNT] [SEED], 300 mutants of seed 1 by default; each takes kubectl 0.15 s of CPU time. What the
# two build otherwise lies in fuzz/artifacts/differential, and becomes a case of tests/recorded or is explained in
# tests/conformance/known-misses.md. Without kubectl there is nothing to compare with.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo run --quiet --example differential -- "${1:-300}" "${2:-1}"
