#!/usr/bin/env bash
# Puts Node's half of the test of the live page, and a Chromium, into target/web-test; about 200 MB, nothing elsewhere.
set -euo pipefail
cd "$(dirname "$0")"
place=$(cd ../.. && pwd)/target/web-test
command -v npm >/dev/null || { echo "npm is missing: install Node 20.11 or later" >&2; exit 1; }
mkdir -p "$place"
cp package.json package-lock.json .npmrc "$place"
npm ci --prefix "$place" --cache "$place/cache" --ignore-scripts --no-audit --no-fund --loglevel=error
rm -rf "$place/cache"
