#!/usr/bin/env bash
# What the readers of our packaging say of it: the GitHub Action and the workflow against their schemas, the pre-commit hook against
# that of hooks, the container recipes and every shell script by their linters. Offline; what is not installed is skipped, and said
# so, and with CI=true that is a failure.
#
#   pip install --requirement scripts/packaging.txt
set -euo pipefail
cd "$(dirname "$0")/.."

# check TOOL ARGUMENTS...: runs the tool, where it is installed.
check() {
  if command -v "$1" >/dev/null; then
    printf '%s\n' "$*"
    "$@"
  elif [ "${CI:-}" = true ]; then
    printf '%s is not installed\n' "$1" >&2
    exit 1
  else
    printf 'skipped: %s is not installed\n' "$1"
  fi
}

# The scripts that are written into action.yml, one file each; whoever reads them sees where they came from.
steps=$(mktemp -d)
trap 'rm -rf "$steps"' EXIT
awk -v into="$steps" '
  /^ *run: \|$/ { number++; inside = 1; indent = ""; next }
  inside && indent == "" { match($0, /^ */); indent = substr($0, 1, RLENGTH) }
  inside && substr($0, 1, length(indent)) == indent { print substr($0, length(indent) + 1) > (into "/action.yml-" number ".sh"); next }
  inside { inside = 0 }
' action.yml

check check-jsonschema --builtin-schema vendor.github-actions action.yml
check check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml
# It keeps what it clones in the home directory otherwise.
export PRE_COMMIT_HOME=$steps/pre-commit
check pre-commit validate-manifest .pre-commit-hooks.yaml
check hadolint --failure-threshold info Containerfile workers/Dockerfile
# The templates of blueprints are parts of scripts: the whole ones are read by tests/scripts.rs.
# SC2153: an input of the action and the list made of it differ in case alone.
mapfile -t scripts < <(git ls-files '*.sh' .ci/run ':!blueprints/')
check shellcheck --exclude SC2153 --shell bash "$steps"/*.sh "${scripts[@]}"
