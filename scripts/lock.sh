#!/usr/bin/env bash
# Renews the two lock files from package.json and requirements-dev.in. Neither names a registry, so
# that both can be used with any mirror.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
npm install --package-lock-only --ignore-scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work"
"$work/bin/pip" install --quiet pip-tools
"$work/bin/pip-compile" --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate \
    --output-file requirements-dev.txt requirements-dev.in
