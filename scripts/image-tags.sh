#!/usr/bin/env bash
# Prints the tags of the images of this commit, one a line: of a Git tag `v1.2.3` the same, of any other commit `main-<sha>-<unix seconds>`.
#
# The seconds are those of the commit: a build that is repeated has the tag that it had, and does not overtake a newer one. Flux takes the greatest.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=$(git rev-parse HEAD)
if [ "${GITHUB_REF_TYPE:-}" = tag ]; then
  if [[ ! ${GITHUB_REF_NAME:-} =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
    echo "\`${GITHUB_REF_NAME:-}\` is no version: a release has a tag such as v1.2.3" >&2
    exit 1
  fi
  echo "$GITHUB_REF_NAME"
else
  echo "main-$commit-$(git show --no-patch --format=%ct "$commit")"
fi
